package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// How much the coverage page lists. The CSV lists all.
const (
	gapsListed    = 100
	lateListed    = 100
	rereadsListed = 40
	lineDays      = 124    // more days than these are drawn as cells, unless a line is asked for
	cellsDrawn    = 12_000 // days of all streams together that are drawn as cells
)

// coverageAsked is what the address of the coverage page asks for.
type coverageAsked struct {
	period
	connection evidence.ID
	stream     evidence.Stream
	draw       string // "line", "days" or empty for what suits the period
}

// askedCoverage reads an address. What can be read of it stands in the answer even with an error.
func (s *server) askedCoverage(v url.Values) (coverageAsked, error) {
	a := coverageAsked{connection: evidence.ID(v.Get("connection")), stream: evidence.Stream(v.Get("stream")), draw: v.Get("draw")}
	var err error
	if a.period, err = parsePeriod(v, s.now()); err != nil {
		return a, err
	}
	if a.stream != "" && !slices.Contains(s.allStreams(), a.stream) {
		return a, evidence.Errorf(evidence.Invalid, "There is no stream %.60q.", a.stream)
	}
	if a.draw != "" && a.draw != "line" && a.draw != "days" {
		return a, evidence.Errorf(evidence.Invalid, "Coverage is drawn as line or as days, not as %.20q.", a.draw)
	}
	return a, nil
}

// address gives the page's address for another period.
func (a coverageAsked) address(p period) string { return "/coverage?" + a.values(p).Encode() }

func (a coverageAsked) values(p period) url.Values {
	v := p.values()
	for name, value := range map[string]string{"connection": string(a.connection), "stream": string(a.stream), "draw": a.draw} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// days reports whether the period is drawn as days.
func (a coverageAsked) days(streams int) bool {
	return a.mayDays(streams) && (a.draw == "days" || a.draw == "" && a.Duration() > lineDays*day)
}

func (a coverageAsked) mayDays(streams int) bool {
	n := int(a.Duration() / day)
	return n >= 7 && n*max(streams, 1) <= cellsDrawn
}

// mark is the length of the pieces in which a drawing of the period counts late events.
func (a coverageAsked) mark(days bool) time.Duration {
	switch d := a.Duration(); {
	case days || d > 62*day && d <= 1500*day:
		return day
	case d > 1500*day:
		return 30 * day
	case d > 8*day:
		return 6 * time.Hour
	case d > 50*time.Hour:
		return time.Hour
	}
	return 15 * time.Minute
}

func (s *server) connectionCoveragePage(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.cfg.Store.Connection(r.Context(), people.From(r.Context()).Workspace, evidence.ID(r.PathValue("id"))); err != nil {
		return err
	}
	v := r.URL.Query()
	v.Set("connection", r.PathValue("id"))
	http.Redirect(w, r, "/coverage?"+v.Encode(), http.StatusSeeOther)
	return nil
}

func (s *server) coveragePage(w http.ResponseWriter, r *http.Request) error {
	caller, params := people.From(r.Context()), r.URL.Query()
	v := view.Coverage{Now: s.now(), From: params.Get("from"), To: params.Get("to"), MayEvents: caller.Has(people.ReadEvents)}
	v.Custom = v.From != "" || v.To != ""
	status := http.StatusOK
	a, err := s.askedCoverage(params)
	if err == nil {
		err = s.fillCoverage(r, a, &v)
	}
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid:
		v.Problem, status = err.Error(), http.StatusBadRequest // the form stays as it was filled in
		if err := s.coverageForm(r, a, &v); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	p, err := s.framed(r, "Coverage", "/coverage")
	if err != nil {
		return err
	}
	p.Wide = true
	return render(w, r, status, view.CoveragePage(p, v))
}

// coverageForm fills what can be chosen.
func (s *server) coverageForm(r *http.Request, a coverageAsked, v *view.Coverage) error {
	list, err := s.cfg.Store.Connections(r.Context(), people.From(r.Context()).Workspace)
	if err != nil {
		return fmt.Errorf("listing connections: %w", err)
	}
	v.Connections = []view.Option{{Label: "All connections", Here: a.connection == ""}}
	for _, c := range list {
		v.Connections = append(v.Connections, view.Option{Value: string(c.ID), Label: c.Name, Here: c.ID == a.connection})
		if c.ID == a.connection && len(list) > 1 {
			v.One = c.Name
		}
	}
	if a.connection != "" {
		v.OneHref = connectionPath(a.connection, "")
	}
	v.Streams = []view.Option{{Label: "All streams", Here: a.stream == ""}}
	for _, st := range s.allStreams() {
		v.Streams = append(v.Streams, view.Option{Value: string(st), Label: s.streamTitle(st), Here: st == a.stream})
	}
	for _, sc := range scales() {
		v.Scales = append(v.Scales, view.Way{Text: sc.label, Href: a.address(a.scaled(sc, s.now())), Here: sc.word == a.word})
	}
	for _, p := range auditPeriods(s.now()) {
		v.Audits = append(v.Audits, view.Way{Text: p.words, Href: a.address(p), Here: a.From.Equal(p.From) && a.To.Equal(p.To)})
	}
	keep := a.values(a.period)
	for _, name := range []string{"range", "at", "draw"} {
		if value := keep.Get(name); value != "" && a.word != "" {
			v.Keep = append(v.Keep, view.Way{Text: name, Href: value})
		}
	}
	if len(v.Connections) == 2 && a.connection != "" {
		v.Keep = append(v.Keep, view.Way{Text: "connection", Href: string(a.connection)})
	}
	return nil
}

// fillCoverage asks for the history of the period and turns it into the page.
func (s *server) fillCoverage(r *http.Request, a coverageAsked, v *view.Coverage) error {
	if err := s.coverageForm(r, a, v); err != nil {
		return err
	}
	s.coverageWays(a, v)
	connected := len(v.Connections) > 1
	switch {
	case !connected:
		v.Nothing, v.NothingSays, v.Connect = "Nothing is connected yet", "Coverage begins with the first connection: its past is read as far as the source keeps it, and from then on every moment is in a window or in a gap.", true
		return nil
	case !a.From.Before(s.now()):
		v.Nothing, v.NothingSays = "This period has not begun", "Nobody can have read the future. Choose an earlier period."
		return nil
	}
	list, err := s.history(r, a, lateListed, a.mark(a.days(1)))
	if err != nil {
		return err
	}
	v.Sheet = chart.Sheet{Span: a.Span, Now: s.now(), Days: a.days(len(list)), Zoom: func(span evidence.Span) string { return a.near(span) }}
	if a.mayDays(len(list)) {
		for _, d := range []struct{ word, label string }{{"line", "Timeline"}, {"days", "Days"}} {
			b := a
			b.draw = d.word
			v.Views = append(v.Views, view.Way{Text: d.label, Href: b.address(a.period), Here: (d.word == "days") == v.Sheet.Days})
		}
	}
	return s.fillHistory(r, a, list, v)
}

// near gives the page for a piece of time, drawn as suits it.
func (a coverageAsked) near(span evidence.Span) string {
	a.draw = ""
	return a.address(periodOf(span))
}

// coverageWays fills the ways to other periods and forms.
func (s *server) coverageWays(a coverageAsked, v *view.Coverage) {
	v.Words = a.words
	if v.Words == "" {
		v.Words = a.says()
	}
	v.Prev = view.Way{Text: "The period before", Href: a.address(a.beside(-1))}
	if next := a.beside(1); next.From.Before(s.now()) {
		v.Next = view.Way{Text: "The period after", Href: a.address(next)}
	}
	if !a.Contains(s.now()) && a.word != "custom" {
		for _, sc := range scales() {
			if sc.word == a.word {
				v.Today = view.Way{Text: "Now", Href: a.address(period{word: sc.word, Span: sc.of(s.now().Truncate(day))})}
			}
		}
	}
	q := url.Values{"from": {machine(a.From)}, "to": {machine(a.To)}}
	if a.connection != "" {
		q.Set("connection", string(a.connection))
	}
	if a.stream != "" {
		q.Set("stream", string(a.stream))
	}
	v.CSV, v.API = "/coverage.csv?"+q.Encode(), apiPrefix+"/coverage?"+q.Encode()
	q.Set("odd", "late")
	v.LateHref = "/events?" + q.Encode()
}

func (s *server) history(r *http.Request, a coverageAsked, late int, mark time.Duration) ([]connection.StreamHistory, error) {
	list, err := s.cfg.Coverage.History(r.Context(), connection.HistoryRequest{
		Workspace: people.From(r.Context()).Workspace, Connection: a.connection, Stream: a.stream, Span: a.Span, Late: late, Mark: mark,
	})
	if err != nil {
		return nil, fmt.Errorf("reading the coverage: %w", err)
	}
	return list, nil
}

// fillHistory turns the history of each stream into drawings, tables and figures.
func (s *server) fillHistory(r *http.Request, a coverageAsked, list []connection.StreamHistory, v *view.Coverage) error {
	readings, err := s.readings(r.Context(), people.From(r.Context()).Workspace)
	if err != nil {
		return err
	}
	unread := true
	for _, h := range list {
		unread = unread && len(h.Windows) == 0
		if n := len(v.Groups); n == 0 || v.Groups[n-1].ID != h.Connection {
			g := view.CoverageGroup{ID: h.Connection, Name: h.Name}
			for _, rd := range readings {
				if rd.connection.ID == h.Connection {
					g.State = rd.health.State
				}
			}
			v.Groups = append(v.Groups, g)
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Strips = append(g.Strips, s.strip(a, h, v.MayEvents))
		s.listHistory(a, h, v)
	}
	if unread {
		v.Note = unreadWords(list, a.Span)
	}
	slices.SortStableFunc(v.Gaps, func(a, b view.CoverageGap) int { return healFirst(a.Gap, b.Gap) })
	v.MoreGaps = max(0, len(v.Gaps)-gapsListed)
	v.Gaps = v.Gaps[:len(v.Gaps)-v.MoreGaps]
	slices.SortStableFunc(v.Late, func(a, b view.CoverageLate) int { return b.At.Compare(a.At) })
	v.Late = v.Late[:min(len(v.Late), lateListed)]
	slices.SortStableFunc(v.Rereads, func(a, b view.CoverageReread) int {
		return cmp.Or(-cmp.Compare(min(a.New+a.Changed+a.Missing, 1), min(b.New+b.Changed+b.Missing, 1)), b.At.Compare(a.At))
	})
	v.Rereads = v.Rereads[:min(len(v.Rereads), rereadsListed)]
	return nil
}

// unreadWords says why nothing of a period has been read.
func unreadWords(list []connection.StreamHistory, span evidence.Span) string {
	early := true
	for _, h := range list {
		early = early && !span.To.After(h.Conn.CreatedAt)
	}
	if early {
		return "All of this period lies before anything was connected, and nothing of it was read back: sources keep events for some time only. It proves neither that something happened nor that it did not."
	}
	return "Nothing of this period has been read yet. If the connection is new, its past is being read now; the page shows it as it comes."
}

// listHistory adds a stream to the tables and figures.
func (s *server) listHistory(a coverageAsked, h connection.StreamHistory, v *view.Coverage) {
	f := &v.Figures
	f.Streams++
	f.Read += h.Read()
	f.Asked += h.Asked.Duration()
	f.Possible += h.Asked.Duration()
	f.Late += h.LateTotal
	f.Conflicts += h.ConflictTotal
	f.Resets += len(h.Resets)
	f.Rereads += len(h.Rereads)
	for _, g := range h.Details {
		kind := chart.KindOf(g.Gap, h.Conn.CreatedAt)
		switch kind {
		case chart.Early:
			f.Early++
			f.Possible -= g.Duration()
		case chart.Lost:
			f.Lost++
		default:
			f.Heal++
			if f.FirstLoss.IsZero() || g.HealUntil.Before(f.FirstLoss) {
				f.FirstLoss = g.HealUntil
			}
		}
		v.Gaps = append(v.Gaps, view.CoverageGap{GapDetail: g, Name: h.Name, Stream: h.Title, Kind: kind, Zoom: a.near(chart.Around(g.Gap)), Command: s.healCommand(h, g)})
	}
	for _, e := range h.LateEvents {
		v.Late = append(v.Late, view.CoverageLate{LateEvent: e, Name: h.Name, Stream: h.Title})
	}
	for _, at := range h.Resets {
		v.Resets = append(v.Resets, view.CoverageReset{At: at, Name: h.Name, Stream: h.Title})
	}
	for _, age := range h.Ages {
		f.Found, f.Changed, f.Missing = f.Found+age.New, f.Changed+age.Changed, f.Missing+age.Missing
		switch {
		case age.DueAt.IsZero():
		case age.Due(v.Now):
			f.Due++
		case f.NextDue.IsZero() || age.DueAt.Before(f.NextDue):
			f.NextDue = age.DueAt
		}
		v.Ages = append(v.Ages, view.CoverageAge{RereadAge: age, Name: h.Name, Stream: h.Title, Words: afterWords(age.Age)})
	}
	for _, rec := range h.Rereads {
		v.Rereads = append(v.Rereads, view.CoverageReread{Reconciliation: rec, Name: h.Name, Stream: h.Title, Words: afterWords(rec.Age)})
	}
}

// healCommand gives what reads a gap again.
func (s *server) healCommand(h connection.StreamHistory, g connection.GapDetail) string {
	if g.HealUntil.IsZero() || !h.Conn.OffAt.IsZero() || slices.Contains(h.Conn.Missing, h.Stream) {
		return ""
	}
	return s.cfg.Command + " collect --connection " + string(h.Connection) + " --reread --from " + machine(g.From) + " --to " + machine(g.To.Add(time.Second-1))
}

// strip draws a stream.
func (s *server) strip(a coverageAsked, h connection.StreamHistory, mayEvents bool) chart.Strip {
	st := chart.Strip{Name: h.Title, Coverage: h.StreamCoverage, Made: h.Conn.CreatedAt, Share: ui.Share(h.Read(), h.Asked.Duration()), Tone: ui.OK, Sub: stripWords(h)}
	if mayEvents {
		st.Events = func(span evidence.Span) string {
			return "/events?" + url.Values{"connection": {string(h.Connection)}, "stream": {string(h.Stream)}, "from": {exactly(span.From)}, "to": {exactly(span.To)}}.Encode()
		}
	}
	for _, g := range h.Gaps {
		switch chart.KindOf(g, h.Conn.CreatedAt) {
		case chart.Heals:
			st.Tone = ui.Bad
		case chart.Lost:
			if st.Tone != ui.Bad {
				st.Tone = ui.Warn
			}
		}
	}
	if len(h.Windows) == 0 && st.Tone == ui.OK {
		st.Tone = ui.Idle
	}
	if a.stream == "" || a.connection == "" {
		b := a
		b.connection, b.stream = h.Connection, h.Stream
		st.Href = b.address(a.period)
	}
	st.Late = s.dots(h, h.LateMarks, "late", "late event", mayEvents)
	st.Conflicts = s.dots(h, h.ConflictMarks, "conflict", "conflict", mayEvents)
	for _, at := range h.Resets {
		st.Resets = append(st.Resets, chart.Dot{At: at, Says: "Bookmark lost " + ui.Full(at)})
	}
	for _, age := range h.Ages {
		st.Again = append(st.Again, s.again(h, age))
	}
	return st
}

func stripWords(h connection.StreamHistory) string {
	var events int64
	for _, w := range h.Windows {
		events += w.Events
	}
	var early time.Duration
	gaps := len(h.Gaps)
	for _, g := range h.Gaps {
		if chart.KindOf(g, h.Conn.CreatedAt) == chart.Early {
			early += g.Duration()
			gaps--
		}
	}
	words := "no gaps"
	if gaps > 0 {
		words = ui.Many(gaps, "gap")
	}
	words += ", " + ui.Many(events, "event")
	if h.LateTotal > 0 {
		words += ", " + ui.Number(h.LateTotal) + " late"
	}
	if early > 0 {
		words += "; " + ui.Length(early) + " before the connection cannot be read"
	}
	return words
}

// numbered is up to how many dots of a lane carry their number.
const numbered = 24

func (s *server) dots(h connection.StreamHistory, marks []connection.Mark, odd, what string, mayEvents bool) []chart.Dot {
	var out []chart.Dot
	for _, m := range marks {
		d := chart.Dot{At: m.From.Add(m.Duration() / 2), Says: ui.Many(m.N, what) + ", " + ui.Exact(m.From, m.To)}
		if m.N > 1 && len(marks) <= numbered {
			d.Text = strconv.FormatInt(m.N, 10)
		}
		if mayEvents {
			d.Href = "/events?" + url.Values{"connection": {string(h.Connection)}, "stream": {string(h.Stream)}, "odd": {odd}, "from": {machine(m.From)}, "to": {machine(m.To)}}.Encode()
		}
		out = append(out, d)
	}
	return out
}

// again draws the re-reads of one age.
func (s *server) again(h connection.StreamHistory, age connection.RereadAge) chart.Again {
	due := age.Due(s.now())
	out := chart.Again{Name: shortAge(age.Age), Done: age.Spans, Open: age.Open, Due: due}
	out.Says = h.Title + ", read again after " + afterWords(age.Age) + ": " + ui.Many(age.Times, "time") + ", " + ui.Length(age.Spans.Duration()) + " of this period"
	if age.Age == 0 {
		out.Says = h.Title + ", read again on request: " + ui.Many(age.Times, "time")
	}
	if due {
		out.Says += "; due since " + ui.Minute(age.DueAt)
	}
	for _, rec := range h.Rereads {
		if rec.Age == age.Age && rec.New+rec.Changed+rec.Missing > 0 {
			out.Found = append(out.Found, chart.Dot{At: evidence.Latest(rec.Span.From, h.Asked.From).Add(rec.Span.Duration() / 2)})
		}
	}
	if n := len(out.Found); n > 0 {
		out.Says += "; " + ui.Many(n, "time") + " something was new, changed or missing"
	}
	return out
}

// afterWords says an age as the plan of re-reads does.
func afterWords(d time.Duration) string {
	switch {
	case d == time.Hour:
		return "1 hour"
	case d == day:
		return "24 hours"
	}
	return ageWords(d)
}

func shortAge(d time.Duration) string {
	switch {
	case d == 0:
		return "request"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d/day))
}

// coverageCSV gives the history of a period as a file.
func (s *server) coverageCSV(w http.ResponseWriter, r *http.Request) error {
	caller := people.From(r.Context())
	a, err := s.askedCoverage(r.URL.Query())
	if err != nil {
		return err
	}
	var body bytes.Buffer
	err = s.cfg.Coverage.WriteCSV(r.Context(), &body, caller.Who(), connection.HistoryRequest{Workspace: caller.Workspace, Connection: a.connection, Stream: a.stream, Span: a.Span})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", downloadPolicy)
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="coverage_`+a.From.UTC().Format("20060102")+"_"+a.To.UTC().Format("20060102")+`.csv"`)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // a client that hangs up is no error of ours
	}
	return nil
}

// coverageHref gives the coverage page of what a query asks about.
func coverageHref(q evidence.Query) string {
	a := coverageAsked{period: periodOf(q.Span)}
	if len(q.Connections) == 1 {
		a.connection = q.Connections[0]
	}
	if len(q.Streams) == 1 {
		a.stream = q.Streams[0]
	}
	return a.address(a.period)
}
