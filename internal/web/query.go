package web

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// timeForms are the forms in which a person may write a time; without a zone it is UTC.
func timeForms() []string {
	return []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}
}

// parseTime reads a time as a person writes it.
func parseTime(s string) (time.Time, error) {
	for _, form := range timeForms() {
		if t, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, evidence.Errorf(evidence.Invalid, "%.60q is no time. Write 2026-11-23 or 2026-11-23T08:00, in UTC.", s)
}

const defaultRange = "7d"

// parseSpan reads the time of a search: from and to if they are given, else the chosen range up to now. words says it.
func parseSpan(v url.Values, now time.Time) (span evidence.Span, words string, err error) {
	word := v.Get("range")
	if word == "" {
		word = defaultRange
	}
	span.To = now.Truncate(time.Minute).Add(time.Minute)
	found := false
	for _, p := range evidence.Lapses() {
		if p.Word == word {
			span.From, found = now.Add(-p.Length), true
			words = "in the " + strings.ToLower(p.Label)
		}
	}
	if word == "custom" {
		span.From, found = now.Add(-7*day), true
	}
	if !found {
		return span, "", evidence.Errorf(evidence.Invalid, "There is no range %.20q. Choose one of the list, or write From and To.", word)
	}
	return customSpan(v, span, words)
}

func customSpan(v url.Values, span evidence.Span, words string) (evidence.Span, string, error) {
	custom := false
	for _, end := range []struct {
		name string
		at   *time.Time
	}{{"from", &span.From}, {"to", &span.To}} {
		if text := strings.TrimSpace(v.Get(end.name)); text != "" {
			t, err := parseTime(text)
			if err != nil {
				return span, "", err
			}
			*end.at, custom = t, true
		}
	}
	switch {
	case span.Empty():
		return span, "", evidence.Errorf(evidence.Invalid, "The time ends before it begins: From must be earlier than To.")
	case span.Duration() > 20*366*day || span.From.Year() < 2000 || span.To.Year() > 2200:
		return span, "", evidence.Errorf(evidence.Invalid, "That is more time than can be asked for at once. Ask for at most 20 years after 2000.")
	case custom:
		words = "in the chosen time"
	}
	return span, words, nil
}

// filterKeys are the keys that have a field of their own in the form.
func filterKeys() []evidence.Key {
	return []evidence.Key{evidence.KeyResult, evidence.KeyAction, evidence.KeyPerson, evidence.KeyVault, evidence.KeyItem,
		evidence.KeyTarget, evidence.KeyCountry, evidence.KeyIP, evidence.KeyClient, evidence.KeyType, evidence.KeyOdd, evidence.KeyUUID}
}

// search is what a person asks of the events, read from an address.
type search struct {
	query evidence.Query
	words string   // the time in words
	lapse string   // the range up to now that was chosen; empty: other times
	chips []chip   // what narrows it
	of    *counted // the step of an artifact whose events are asked for; nil: none
	whole bool     // nothing else narrows what that counts
}

// chip is one part of a search with the parameter of the address that made it.
type chip struct {
	text, param string
	tokens      []string // the pieces of q to take out; none: the whole parameter
}

// parseSearch reads an address. Nothing in it is trusted; what cannot be meant is Invalid with a sentence.
func (s *server) parseSearch(ctx context.Context, ws evidence.ID, v url.Values) (search, error) {
	sr := search{query: evidence.Query{Workspace: ws}}
	var err error
	if sr.query.Span, sr.words, err = parseSpan(v, s.now()); err != nil {
		return sr, err
	}
	c, ok, err := s.countedOf(ctx, ws, v)
	if err != nil {
		return sr, err
	}
	if ok {
		return s.searchCounted(ctx, v, sr, c)
	}
	return s.narrowSearch(ctx, ws, v, sr)
}

// searchCounted asks for the events that a step of an artifact counts, narrowed by what else the address says.
func (s *server) searchCounted(ctx context.Context, v url.Values, sr search, c counted) (search, error) {
	asked := sr.query.Span
	sr.query, sr.of, sr.words = c.query, &c, "of the artifact"
	sr.chips = append(sr.chips, chip{text: c.words(), param: "artifact"})
	if v.Get("from") != "" || v.Get("to") != "" {
		sr.query.Span, sr.words = asked.Intersect(c.query.Span), "in the chosen time"
	}
	rest := url.Values{}
	for key, values := range v {
		if key != "from" && key != "to" && key != "range" {
			rest[key] = values
		}
	}
	before := len(sr.chips)
	sr, err := s.narrowSearch(ctx, c.query.Workspace, rest, sr)
	sr.whole = err == nil && len(sr.chips) == before && sr.query.Span == c.query.Span
	return sr, err
}

// narrowSearch adds what an address narrows beside the time.
func (s *server) narrowSearch(ctx context.Context, ws evidence.ID, v url.Values, sr search) (search, error) {
	if v.Get("from") == "" && v.Get("to") == "" && v.Get("range") != "custom" {
		sr.lapse = cmp.Or(v.Get("range"), defaultRange)
	}
	if id := v.Get("connection"); id != "" {
		c, err := s.cfg.Store.Connection(ctx, ws, evidence.ID(id))
		if err != nil {
			return sr, err
		}
		sr.query.Connections = []evidence.ID{c.ID}
		sr.chips = append(sr.chips, chip{text: "connection is " + c.Name, param: "connection"})
	}
	if stream := v.Get("stream"); stream != "" {
		if !slices.Contains(s.allStreams(), evidence.Stream(stream)) {
			return sr, evidence.Errorf(evidence.Invalid, "There is no stream %.60q.", stream)
		}
		sr.query.Streams = []evidence.Stream{evidence.Stream(stream)}
		sr.chips = append(sr.chips, chip{text: "type is " + s.streamTitle(evidence.Stream(stream)), param: "stream"})
	}
	for _, key := range filterKeys() {
		if value := strings.TrimSpace(v.Get(string(key))); value != "" {
			m := evidence.Match{Key: key, Values: []string{value}}
			sr.where(chip{text: s.matchWords(m), param: string(key)}, m)
		}
	}
	return sr, s.parseBox(ctx, v.Get("q"), &sr)
}

func (sr *search) where(c chip, m evidence.Match) {
	sr.query.Where = append(sr.query.Where, m)
	sr.chips = append(sr.chips, c)
}

// parseBox reads the search box: KEY=VALUE pieces as they are; of the rest an address is an ip or a person, and other
// words together are looked up among the known people, countries, apps and actions.
func (s *server) parseBox(ctx context.Context, box string, sr *search) error {
	if len(box) > 400 {
		return evidence.Errorf(evidence.Invalid, "The search is longer than 400 characters. Take some words out.")
	}
	var words []string
	for _, token := range evidence.SplitWhere(box) {
		plain := evidence.Unquote(token)
		switch {
		case strings.Contains(token, "="):
			m, err := evidence.ParseMatch(token)
			if err != nil {
				return err
			}
			sr.where(chip{text: s.matchWords(m), param: "q", tokens: []string{token}}, m)
		case isIP(plain):
			sr.where(chip{text: "ip is " + plain, param: "q", tokens: []string{token}}, evidence.Match{Key: evidence.KeyIP, Values: []string{plain}})
		case strings.Contains(plain, "@"):
			sr.where(chip{text: "person is " + plain, param: "q", tokens: []string{token}}, evidence.Match{Key: evidence.KeyPerson, Values: []string{plain}})
		case plain != "":
			words = append(words, token)
		}
	}
	if len(words) == 0 {
		return nil
	}
	phrase := evidence.Unquote(strings.Join(words, " "))
	m, err := s.lookUp(ctx, sr.query.Workspace, phrase)
	if err != nil {
		return err
	}
	sr.where(chip{text: string(m.Key) + " is " + phrase, param: "q", tokens: words}, m)
	return nil
}

// matchWords says a part of a filter with full words for values that the sources know, the raw value always beside them.
func (s *server) matchWords(m evidence.Match) string {
	var values []string
	for _, v := range m.Values {
		if w := s.valueWords(m.Key, v); w != "" {
			v = w + " (" + v + ")"
		}
		values = append(values, v)
	}
	return string(m.Key) + " is " + strings.Join(values, " or ")
}

// valueWords says a value of a filter in full words; "" if no source knows it.
func (s *server) valueWords(key evidence.Key, value string) string {
	for _, k := range s.cfg.Kinds {
		if k.Words == nil {
			continue
		}
		if w := k.Words(key, value); w != "" {
			return w
		}
	}
	return ""
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// lookUp finds what a phrase names: values of a key that begin with it. What names nothing is asked for as an
// identifier if it looks like one and as a person otherwise, so that the answer is an honest "nothing".
func (s *server) lookUp(ctx context.Context, ws evidence.ID, phrase string) (evidence.Match, error) {
	for _, key := range []evidence.Key{evidence.KeyPerson, evidence.KeyItem, evidence.KeyVault, evidence.KeyTarget, evidence.KeyCountry,
		evidence.KeyAction, evidence.KeyClient, evidence.KeyType} {
		known, err := s.cfg.Store.Values(ctx, ws, key, phrase, 20)
		if err != nil {
			return evidence.Match{}, fmt.Errorf("looking up %s: %w", key, err)
		}
		if len(known) > 0 {
			m := evidence.Match{Key: key}
			for _, k := range known {
				m.Values = append(m.Values, k.Value)
			}
			return m, nil
		}
	}
	if len(phrase) >= 20 && !strings.Contains(phrase, " ") {
		return evidence.Match{Key: evidence.KeyUUID, Values: []string{phrase}}, nil
	}
	return evidence.Match{Key: evidence.KeyPerson, Values: []string{phrase}}, nil
}

// allStreams gives the streams of the catalogue in order, each once.
func (s *server) allStreams() []evidence.Stream {
	return source.AllStreams(s.cfg.Kinds)
}

func (s *server) streamTitle(stream evidence.Stream) string {
	for _, k := range s.cfg.Kinds {
		if t := titleOf(k, stream); t != string(stream) {
			return t
		}
	}
	return string(stream)
}
