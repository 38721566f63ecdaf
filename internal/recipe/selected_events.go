package recipe

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// SelectedEvents is the id of the recipe that a filter of the events page is saved with.
const SelectedEvents = "selected-events"

// The parameters of selected-events.
const (
	ParamWhere      = "where"
	ParamStream     = "stream"
	ParamConnection = "connection"
)

// Columns of selected-events.
const (
	evTime = iota
	evUntil
	evCount
	evStream
	evAction
	evType
	evResult
	evPerson
	evEmail
	evPersonUUID
	evVault
	evItem
	evTarget
	evIP
	evCountry
	evRegion
	evCity
	evApp
	evAppVersion
	evSession
	evConnection
	evNoteworthy
)

// selectedEvents is a person's own filter as evidence.
func selectedEvents() Recipe {
	return Recipe{
		ID:       SelectedEvents,
		Version:  1,
		Title:    "Selected events",
		OnDemand: true,
		Shows:    "Every event of the period that a filter selects: when, what, who, to what, from where, with which app and how it ended; counted by stream, action and result.",
		Method: []string{
			"The population is every event of the period in the streams and connections that the filter names; all of them, if it names none.",
			"Those that meet every part of the filter have a row, in order of time. The filter is among the parameters, written as the command line takes it.",
			"The summary counts the rows by stream, action, type and result, most first.",
		},
		NotShown: []string{
			"Events that the filter leaves out: whoever reads this has to judge whether the filter asks the right question.",
			"Names of items and vaults: they are encrypted on the devices and 1Password does not give them.",
			"Use of items in private vaults, and what 1Password does not record as an event.",
			"Item usages that an app has not sent yet: they come as late events, and building the artifact again then makes a new version.",
			"Anything older than 120 days before the first reading: 1Password no longer gives it.",
		},
		Streams: []evidence.Stream{signIns, usages, audits},
		Parameters: []Parameter{
			{Name: ParamWhere, Title: "Filter", Unit: Words},
			{Name: ParamStream, Title: "Stream", Unit: Words},
			{Name: ParamConnection, Title: "Connection's id", Unit: Words},
		},
		words:    map[string]func(string) (string, error){ParamWhere: canonicalWhere, ParamStream: oneOf(signIns, usages, audits), ParamConnection: plainWord},
		Mappings: selectedEventsMappings(),
		columns: []Column{
			{"time", "Time (UTC)", Time}, {"until", "Until (UTC)", Time}, {"events", "Events", Number}, {"stream", "Stream", Text}, {"action", "Action", Text}, {"type", "Type", Text},
			{"result", "Result", Text}, {"person", "Person", Text}, {"email", "Email", Text}, {"person_uuid", "Person's uuid", Text}, {"vault_uuid", "Vault's uuid", Text},
			{"item_uuid", "Item's uuid", Text}, {"target", "Target", Text}, {"ip", "IP address", Text}, {"country", "Country", Text}, {"region", "Region", Text}, {"city", "City", Text},
			{"app", "App", Text}, {"app_version", "App version", Text}, {"session_uuid", "Session", Text}, {"connection", "Connection", Text}, {"noteworthy", "Noteworthy", Text},
		},
		matched: "meet the filter",
		adapt:   adaptSelectedEvents,
		build:   buildSelectedEvents,
	}
}

func selectedEventsMappings() []evidence.Mapping {
	const (
		why    = "Each event that the filter selects is listed, over a population that is counted whole; what it proves depends on the filter."
		caveat = "A person chose the filter. Say beside it which question it answers, and why this filter answers it."
	)
	return supports(evidence.Context, why, caveat, ids{
		soc2: "CC7.2", iso: "A.8.15", nist: "AU-6", cis: "8.11", pci: "10.4.1", hipaa: "164.312(b)", csf: "DE.AE-02",
	})
}

// canonicalWhere writes a filter as its canonical text, so that the same filter is the same artifact.
func canonicalWhere(text string) (string, error) {
	where, err := evidence.ParseWhere(text)
	if err != nil {
		return "", err
	}
	for i := range where {
		slices.Sort(where[i].Values)
		where[i].Values = slices.Compact(where[i].Values)
	}
	slices.SortFunc(where, func(a, b evidence.Match) int {
		return cmp.Or(strings.Compare(string(a.Key), string(b.Key)), slices.Compare(a.Values, b.Values))
	})
	return evidence.FormatWhere(where), nil
}

func oneOf(streams ...evidence.Stream) func(string) (string, error) {
	return func(text string) (string, error) {
		if text != "" && !slices.Contains(streams, evidence.Stream(text)) {
			return "", evidence.Errorf(evidence.Invalid, "There is no stream %.60q. These exist: %s.", text, joinStreams(streams))
		}
		return text, nil
	}
}

func plainWord(text string) (string, error) {
	if len(text) > 60 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", evidence.Errorf(evidence.Invalid, "%.60q is no id of a connection. \"exhibit connections list\" shows them.", text)
	}
	return text, nil
}

// maxTitle is how many characters of a filter stand in the title.
const maxTitle = 90

// adaptSelectedEvents narrows streams, sources and candidates to what the filter names.
func adaptSelectedEvents(r Recipe, req Request, vals values) (Recipe, Request, error) {
	where, err := evidence.ParseWhere(vals.text(ParamWhere))
	if err != nil {
		return r, req, err
	}
	r.where = where
	if stream := vals.text(ParamStream); stream != "" {
		r.Streams = []evidence.Stream{evidence.Stream(stream)}
	}
	if id := evidence.ID(vals.text(ParamConnection)); id != "" {
		all := req.Sources
		req.Sources, req.LeftOut = nil, slices.Clone(req.LeftOut)
		for _, s := range all {
			if s.Connection == id {
				req.Sources = append(req.Sources, s)
			} else {
				req.LeftOut = append(req.LeftOut, fmt.Sprintf("Not part of this: %s (account %s), as the filter asks for another connection.", s.Name, s.Account))
			}
		}
		if len(req.Sources) == 0 {
			return r, req, evidence.Errorf(evidence.NotFound, "There is no connection %.60s that was on in the period.", id)
		}
	}
	r.Title = selectedTitle(r, where)
	return r, req, nil
}

func selectedTitle(r Recipe, where []evidence.Match) string {
	var parts []string
	for _, m := range where {
		parts = append(parts, string(m.Key)+" is "+strings.Join(m.Values, " or "))
	}
	what := "every event"
	if len(r.Streams) == 1 {
		what = string(r.Streams[0])
	}
	if len(parts) > 0 {
		what = strings.Join(parts, " and ")
		if len(r.Streams) == 1 {
			what = string(r.Streams[0]) + " where " + what
		}
	}
	title := []rune("Selected events: " + visible(what))
	if len(title) > maxTitle {
		title = append(title[:maxTitle-1], '…')
	}
	return string(title)
}

// variantOf tells artifacts of one recipe apart whose filters differ: a digest of the parameters that are words, empty if
// there are none.
func variantOf(vals values) string {
	var b strings.Builder
	for _, v := range vals {
		if v.Unit == Words && v.Text != "" {
			b.WriteString(v.Name + "\x00" + v.Text + "\x00")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:16])
}

// eventKind is what the summary counts by.
type eventKind struct {
	stream, action, kind, result string
}

// kindCount counts the events of one kind.
type kindCount struct {
	eventKind
	first, last, n int64
}

func buildSelectedEvents(ctx context.Context, b *builder) error {
	summary := b.section(Section{
		Record: "summary", Title: "By stream, action and result",
		Empty: "Nothing meets the filter.",
		Full:  []int{evTime, evUntil, evCount, evStream, evAction, evType, evResult},
		Brief: []int{evStream, evAction, evType, evResult, evCount, evTime, evUntil},
	})
	events := b.section(Section{
		Record: "event", Title: "Each event",
		Empty: "No event of the period meets the filter.",
		Full: []int{evTime, evStream, evAction, evType, evResult, evPerson, evEmail, evPersonUUID, evVault, evItem, evTarget, evIP, evCountry, evRegion, evCity,
			evApp, evAppVersion, evSession, evConnection, evNoteworthy},
		Brief: []int{evTime, evStream, evAction, evType, evResult, evPerson, evEmail, evItem, evTarget, evIP, evCountry, evApp},
	})
	counts := map[eventKind]*kindCount{}
	err := b.in.Select(ctx, b.candidates(b.report.Recipe), func(e evidence.Event) error {
		count(counts, e)
		b.counts.Listed++
		return events.rows.add(b.eventRow(e))
	})
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	return summariseKinds(summary, counts)
}

func count(counts map[eventKind]*kindCount, e evidence.Event) {
	k, at := eventKind{string(e.Stream), e.Action, e.Type, string(e.Result)}, e.At.UnixMilli()
	c := counts[k]
	if c == nil {
		c = &kindCount{eventKind: k, first: at}
		counts[k] = c
	}
	c.last = at
	c.n++
}

func summariseKinds(s *Section, counts map[eventKind]*kindCount) error {
	var all []*kindCount
	for _, c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *kindCount) int {
		return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.stream, b.stream), strings.Compare(a.action, b.action), strings.Compare(a.kind, b.kind), strings.Compare(a.result, b.result))
	})
	for _, c := range all {
		err := s.rows.add(Row{At: c.first, Cells: []string{
			evTime: milli(c.first), evUntil: milli(c.last), evCount: strconv.FormatInt(c.n, 10), evStream: c.stream, evAction: c.action, evType: c.kind, evResult: c.result, evNoteworthy: "",
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) eventRow(e evidence.Event) Row {
	f := b.raw.read(e.Raw)
	return Row{
		Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(),
		Cells: []string{
			evTime: when(e, f), evStream: string(e.Stream), evAction: e.Action, evType: e.Type, evResult: string(e.Result), evPerson: e.Person.Name, evEmail: e.Person.Email,
			evPersonUUID: e.Person.UUID, evVault: e.Vault, evItem: e.Item, evTarget: e.Target, evIP: e.IP, evCountry: cmp.Or(e.Country, f.get("location.country")),
			evRegion: f.get("location.region"), evCity: f.get("location.city"), evApp: e.Client, evAppVersion: f.get("client.app_version"),
			evSession: cmp.Or(f.get("session_uuid"), f.get("session.uuid")), evConnection: b.source(e.Connection), evNoteworthy: strings.Join(e.Odd.Words(), " "),
		},
	}
}
