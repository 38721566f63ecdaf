package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// How the explorer cuts what it shows.
const (
	eventsShown = 50
	maxBars     = 62
	maxTrail    = 30 // pages that "Newer" can go back one by one
	suggested   = 12
)

func (s *server) events(w http.ResponseWriter, r *http.Request) error {
	return s.showEvents(w, r, r.URL.Query(), http.StatusOK, view.SaveForm{})
}

// showEvents shows what an address asks for, with the form that saves it as it was filled in.
func (s *server) showEvents(w http.ResponseWriter, r *http.Request, params url.Values, status int, save view.SaveForm) error {
	ctx, c := r.Context(), people.From(r.Context())
	v := view.Events{
		Now: s.now(), Query: params.Get("q"), From: params.Get("from"), To: params.Get("to"), Save: save,
		KeyHelp: "KEY=VALUE narrows by one fact; several pieces must all hold, several values are separated by commas, one with spaces or commas stands in double quotes. Keys: " + keyWords() + ".",
	}
	s.eventsForm(ctx, c.Workspace, params, &v)
	for _, name := range []string{"artifact", "version", "step"} {
		if value := params.Get(name); value != "" {
			v.Kept = append(v.Kept, view.Option{Label: name, Value: value})
		}
	}
	sr, err := s.parseSearch(ctx, c.Workspace, params)
	if err == nil {
		err = s.eventsResult(ctx, params, sr, &v)
	}
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.NotFound:
		v.Problem, status = err.Error(), http.StatusBadRequest // the form stays as it was filled in
	case err != nil:
		return err
	default:
		s.eventsAway(c, params, &v)
	}
	if v.Saved, err = s.savedFilters(ctx, c, params); err != nil {
		return err
	}
	here := func(f view.SavedFilter) bool { return f.Here }
	v.Save.Offered = v.Save.Offered && (save.Problem != "" || !slices.ContainsFunc(v.Saved, here))
	p, err := s.framed(r, "Events", "/events")
	if err != nil {
		return err
	}
	p.Wide = true
	return render(w, r, status, view.EventsPage(p, v))
}

// eventsAway gives the addresses where what is shown can be taken away or kept.
func (s *server) eventsAway(c people.Caller, params url.Values, v *view.Events) {
	same := clone(params)
	v.ExportHref = "/events/export" + encode(same)
	if c.Has(people.BuildArtifacts) && params.Get("artifact") == "" {
		v.ArtifactHref = "/events/artifact" + encode(same)
	}
	v.Save.Filter = same.Encode()
	v.Save.Offered = v.Filtered || v.From != "" || v.To != "" || v.Save.Problem != ""
}

func keyWords() string {
	var words []string
	for _, k := range evidence.Keys() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

// eventsForm fills the selects and fields with what was asked and what there is to ask for.
func (s *server) eventsForm(ctx context.Context, ws evidence.ID, params url.Values, v *view.Events) {
	chosen := params.Get("range")
	if chosen == "" {
		chosen = defaultRange
	}
	custom := v.From != "" || v.To != ""
	times := view.Choice{Name: "range", Label: "Time"}
	for _, p := range evidence.Lapses() {
		times.Options = append(times.Options, view.Option{Value: p.Word, Label: p.Label, Here: p.Word == chosen && !custom})
	}
	if custom {
		times.Options = append(times.Options, view.Option{Value: "custom", Label: "Chosen time", Here: true})
	}
	streams := view.Choice{Name: "stream", Label: "Type", Options: []view.Option{{Value: "", Label: "All types"}}}
	for _, st := range s.allStreams() {
		streams.Options = append(streams.Options, view.Option{Value: string(st), Label: s.streamTitle(st), Here: params.Get("stream") == string(st)})
	}
	results := view.Choice{Name: "result", Label: "Result", Options: []view.Option{{Value: "", Label: "Any result"}}}
	for _, res := range []evidence.Result{evidence.ResultSuccess, evidence.ResultFailed, evidence.ResultBlocked} {
		_, word := view.OutcomeBadge(res)
		results.Options = append(results.Options, view.Option{Value: string(res), Label: word, Here: params.Get("result") == string(res)})
	}
	v.Choices = []view.Choice{times, streams, results}
	for _, f := range []struct {
		key         evidence.Key
		label, hint string
	}{
		{evidence.KeyAction, "Action", "reveal"}, {evidence.KeyPerson, "Person", "name, email or uuid"}, {evidence.KeyVault, "Vault", "uuid"},
		{evidence.KeyItem, "Item", "uuid"}, {evidence.KeyCountry, "Country", "US"}, {evidence.KeyIP, "IP address", "192.0.2.1"}, {evidence.KeyClient, "App", ""},
	} {
		box := view.Box{Name: string(f.key), Label: f.label, Hint: f.hint, Value: params.Get(string(f.key))}
		for _, k := range s.suggest.of(ctx, ws, f.key) {
			label := k.Label
			if w := s.valueWords(f.key, k.Value); w != "" {
				label = w
			}
			box.List = append(box.List, view.Option{Value: k.Value, Label: label})
		}
		v.MoreOpen = v.MoreOpen || box.Value != ""
		v.More = append(v.More, box)
	}
	v.MoreOpen = v.MoreOpen || custom
}

// eventsResult asks for the counts and the rows.
func (s *server) eventsResult(ctx context.Context, params url.Values, sr search, v *view.Events) error {
	for _, c := range sr.chips {
		v.Chips = append(v.Chips, view.Chip{Text: c.text, Off: "/events" + without(params, c)})
	}
	v.Filtered = len(sr.chips) > 0
	if err := s.histogram(ctx, params, sr, v); err != nil {
		return err
	}
	if err := s.eventRows(ctx, params, sr, v); err != nil {
		return err
	}
	list, err := s.readings(ctx, sr.query.Workspace)
	if err != nil {
		return err
	}
	v.Connected = len(list) > 0
	for i, rd := range list {
		if t := rd.through(); i == 0 || t.Before(v.Through) {
			v.Through = t
		}
	}
	return s.coverageNote(ctx, sr.query, v)
}

// without gives the address without one part of the search, and back on its first page.
func without(params url.Values, c chip) string {
	v := clone(params)
	if len(c.tokens) == 0 {
		v.Del(c.param)
		if c.param == "artifact" {
			v.Del("version")
			v.Del("step")
		}
		return encode(v)
	}
	rest := evidence.SplitWhere(v.Get("q"))
	for _, token := range c.tokens {
		if i := slices.Index(rest, token); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		}
	}
	v.Set("q", strings.Join(rest, " "))
	return encode(v)
}

// clone copies the parameters without the place in the list and without empty ones.
func clone(params url.Values) url.Values {
	v := url.Values{}
	for k, values := range params {
		if k != "after" && k != "trail" && len(values) > 0 && values[0] != "" {
			v.Set(k, values[0])
		}
	}
	return v
}

func encode(v url.Values) string {
	if q := v.Get("q"); q == "" {
		v.Del("q")
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// bucketOf picks the length of a bar so that there are at most maxBars of them.
func bucketOf(span time.Duration) time.Duration {
	for _, b := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		day, 2 * day, 4 * day, 7 * day, 14 * day, 28 * day, 91 * day} {
		if span <= (maxBars-2)*b {
			return b
		}
	}
	return 364 * day
}

func (s *server) histogram(ctx context.Context, params url.Values, sr search, v *view.Events) error {
	bucket := bucketOf(sr.query.Span.Duration())
	h, err := s.cfg.Store.Histogram(ctx, store.HistogramRequest{Query: sr.query, Bucket: bucket})
	if err != nil {
		return fmt.Errorf("counting events: %w", err)
	}
	streams := s.allStreams()
	if len(sr.query.Streams) > 0 {
		streams = sr.query.Streams
	}
	for _, st := range streams {
		at := 0
		for i, known := range s.allStreams() {
			if known == st {
				at = i
			}
		}
		v.Histogram.Series = append(v.Histogram.Series, chart.SeriesOf(at, s.streamTitle(st)))
	}
	for _, b := range h.Buckets {
		bar := chart.Bucket{From: b.From, To: b.From.Add(bucket), Counts: make([]int64, len(streams)), Href: narrow(params, b.From, b.From.Add(bucket))}
		for i, st := range streams {
			bar.Counts[i] = b.Counts[st]
			of := clone(params)
			of.Set("stream", string(st))
			bar.Hrefs = append(bar.Hrefs, narrow(of, b.From, b.From.Add(bucket)))
		}
		v.Histogram.Buckets = append(v.Histogram.Buckets, bar)
	}
	v.Total, v.Exact = h.Total, h.Exact
	if sr.of != nil && sr.whole { // asked as the recipe asked, so that the number is the artifact's
		if v.Total, err = s.cfg.Store.Count(ctx, sr.query); err != nil {
			return fmt.Errorf("counting events: %w", err)
		}
		v.Exact, v.Differs = true, sr.of.differs(v.Total)
	}
	v.TotalSays = map[bool]string{true: "event ", false: "events "}[h.Total == 1] + sr.words
	return nil
}

// narrow gives the address of the same search in the time of one bar.
func narrow(params url.Values, from, to time.Time) string {
	v := clone(params)
	v.Del("range")
	v.Set("from", from.UTC().Format(time.RFC3339))
	v.Set("to", to.UTC().Format(time.RFC3339))
	return "/events" + encode(v)
}

func (s *server) eventRows(ctx context.Context, params url.Values, sr search, v *view.Events) error {
	after, err := keyset(params.Get("after"))
	if err != nil {
		return err
	}
	start := time.Now()
	page, err := s.cfg.Store.Events(ctx, store.EventsRequest{Query: sr.query, After: after, Descending: true, Limit: eventsShown, WithRaw: true})
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	v.Took = time.Since(start)
	kinds, err := s.kindsByConnection(ctx, sr.query.Workspace)
	if err != nil {
		return err
	}
	for _, e := range page.Events {
		v.Rows = append(v.Rows, eventRow(kinds[e.Connection], e))
	}
	if !page.Complete {
		v.SearchedTo = page.SearchedTo
	}
	if page.Next != nil {
		next := clone(params)
		next.Set("after", page.Next.String())
		if now := params.Get("after"); now != "" {
			next.Set("trail", trail(params.Get("trail"), now))
		}
		v.Older = "/events" + encode(next)
	}
	v.Newer = newer(params)
	return nil
}

func keyset(text string) (*store.Keyset, error) {
	if text == "" {
		return (*store.Keyset)(nil), nil
	}
	k, err := store.ParseKeyset(text)
	if err != nil {
		return nil, &evidence.Error{Code: evidence.Invalid, Message: "This address does not lead to a place in the list. Begin again with the newest events.", Err: err}
	}
	return k, nil
}

// trail appends the place of this page to the places of those before it, the oldest dropped.
func trail(before, now string) string {
	places := append(strings.FieldsFunc(before, func(r rune) bool { return r == '~' }), now)
	return strings.Join(places[max(0, len(places)-maxTrail):], "~")
}

// newer gives the address of the page before this one; "" on the first.
func newer(params url.Values) string {
	if params.Get("after") == "" {
		return ""
	}
	v := clone(params)
	places := strings.FieldsFunc(params.Get("trail"), func(r rune) bool { return r == '~' })
	if n := len(places); n > 0 {
		v.Set("after", places[n-1])
		if n > 1 {
			v.Set("trail", strings.Join(places[:n-1], "~"))
		}
	}
	return "/events" + encode(v)
}

func (s *server) kindsByConnection(ctx context.Context, ws evidence.ID) (map[evidence.ID]source.Kind, error) {
	list, err := s.cfg.Store.Connections(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	out := map[evidence.ID]source.Kind{}
	for _, c := range list {
		k, err := s.kind(c.Source)
		if err != nil {
			k = source.Kind{ID: c.Source, Name: c.Source}
		}
		out[c.ID] = k
	}
	return out, nil
}

// describe says an event in words; a source that this build does not know gives its bare facts.
func describe(k source.Kind, e evidence.Event) source.Description {
	if e.Odd&evidence.OddErased != 0 {
		return source.Description{Verb: "erased event", Stream: titleOf(k, e.Stream)}
	}
	if k.Describe != nil && e.Raw != nil {
		d := k.Describe(e.Stream, e.Raw)
		if d.Stream == "" {
			d.Stream = titleOf(k, e.Stream)
		}
		return d
	}
	person := e.Person.Name
	if person == "" {
		person = e.Person.Email
	}
	return source.Description{Verb: e.Action, Object: e.Type, Person: person, Email: e.Person.Email, Stream: titleOf(k, e.Stream), Place: e.Country, IP: e.IP, Client: e.Client}
}

func eventRow(k source.Kind, e evidence.Event) view.EventRow {
	d := describe(k, e)
	return view.EventRow{
		Ref: e.EventRef.String(), At: e.At, Person: d.Person, Verb: d.Verb, Object: d.Object, Stream: d.Stream,
		Place: d.Place, IP: d.IP, Result: e.Result, Odd: e.Odd.Words(),
	}
}

// coverageNote says which gaps touch the time that is shown: what is not there may only not have been read.
func (s *server) coverageNote(ctx context.Context, q evidence.Query, v *view.Events) error {
	span := q.Span.Intersect(evidence.Span{From: q.Span.From, To: s.now()})
	if span.Empty() {
		return nil
	}
	list, err := s.cfg.Coverage.Coverage(ctx, q.Workspace, span)
	if err != nil {
		return fmt.Errorf("reading the coverage: %w", err)
	}
	var touching []string
	for _, c := range list {
		if !asked(q, c) {
			continue
		}
		for _, g := range c.Gaps {
			touching = append(touching, s.streamTitle(c.Stream)+" of "+c.Name+", "+ui.Period(g.From, g.To)+" ("+chart.CauseWords(g.Cause)+")")
		}
	}
	if len(touching) > 0 {
		note := "Not all of this time has been read: " + touching[0]
		if n := len(touching) - 1; n > 0 {
			note += ", and " + ui.Many(n, "more gap")
		}
		v.CoverageHref = coverageHref(q)
		v.Coverage = []string{note + ". What is not shown may have happened all the same."}
	}
	return nil
}

func asked(q evidence.Query, c evidence.StreamCoverage) bool {
	ok := len(q.Connections) == 0
	for _, id := range q.Connections {
		ok = ok || id == c.Connection
	}
	if !ok || len(q.Streams) == 0 {
		return ok
	}
	for _, st := range q.Streams {
		if st == c.Stream {
			return true
		}
	}
	return false
}
