package web

import (
	"bytes"
	cmpfn "cmp"
	"encoding/csv"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// storied is a site whose connection is two hundred days old and has seen everything that coverage tells of: an outage that
// can still be healed, one that no longer can, a refused token, late events, a conflict, a lost bookmark and re-reads.
func storied(t testing.TB) *site {
	t.Helper()
	s := newSite(t)
	sim, err := simulator.New(simulator.Config{Seed: 7, Events: 24_000, End: noon, Now: func() time.Time { return noon }})
	must(t, err)
	s.first = s.connect("1Password", func(c *evidence.Connection) { c.CreatedAt = noon.Add(-200 * day) })
	begun, end := noon.Add(-320*day), noon.Add(-time.Minute)
	gone := evidence.Span{From: noon.Add(-151*day - 5*time.Hour), To: noon.Add(-148*day - 90*time.Minute)}
	down := evidence.Span{From: noon.Add(-9*day - 7*time.Hour), To: noon.Add(-8*day - 22*time.Hour)}
	refused := evidence.Span{From: noon.Add(-18 * day), To: noon.Add(-15*day - 3*time.Hour)}
	spans := map[evidence.Stream][]evidence.Span{
		onepassword.SignIns: {{From: begun, To: gone.From}, {From: gone.To, To: end}},
		onepassword.Usages:  {{From: begun, To: refused.From}, {From: refused.To, To: down.From}, {From: down.To, To: end}},
		onepassword.Audit:   {{From: begun, To: end}},
	}
	troubles := map[evidence.Stream]*evidence.Trouble{
		onepassword.SignIns: {Span: gone, Cause: evidence.TokenExpired, State: evidence.StateUnauthorized, Reason: "The token had expired."},
		onepassword.Usages:  {Span: refused, Cause: evidence.TokenRefused, State: evidence.StateUnauthorized, Reason: "events.1password.com refuses the token: it was revoked."},
	}
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		f := feed{connection: s.first, stream: stream, spans: spans[stream], caughtUp: true, trouble: troubles[stream]}
		for raw := range sim.Events(simulator.Stream(stream)) {
			f.events = append(f.events, bytes.Clone(raw))
		}
		if stream == onepassword.Audit { // its bookmark was lost five days ago, and reading went on a day before that
			lost := noon.Add(-5 * day)
			f.spans = []evidence.Span{{From: begun, To: lost}}
			s.fill(f)
			s.loseBookmark(stream, lost)
			f.spans = []evidence.Span{{From: lost.Add(-day), To: end}}
		}
		s.fill(f)
	}
	s.trouble(onepassword.Usages, evidence.Trouble{Span: down, Cause: evidence.Unreachable, State: evidence.StateUnreachable, Reason: "events.1password.com did not answer."})
	s.lateAndAgain()
	return s
}

// trouble records a trouble that is over.
func (s *site) trouble(stream evidence.Stream, tr evidence.Trouble) {
	s.t.Helper()
	lease, err := s.store.Acquire(s.t.Context(), s.first.ID, stream, "test/1/1", time.Hour)
	must(s.t, err)
	over := tr.To
	tr.To = time.Time{}
	must(s.t, s.store.SetTrouble(s.t.Context(), lease, tr))
	must(s.t, s.store.CloseTrouble(s.t.Context(), lease, over))
	must(s.t, s.store.Release(s.t.Context(), lease))
}

// lateAndAgain adds what re-reads leave behind to the audit events.
func (s *site) lateAndAgain() {
	s.t.Helper()
	ctx := s.t.Context()
	at := func(ago time.Duration) time.Time { return noon.Add(-ago) }
	for i, ago := range []time.Duration{2 * day, 11*day + 2*time.Hour, 11*day + time.Hour, 40 * day, 90 * day} {
		raw := oneAudit("LATESTORY00000000000000"+string(rune('A'+i))+"Q", at(ago), "Marek Dvořák", "marek@example.com")
		s.again(s.first, onepassword.Audit, evidence.Span{From: at(ago + 12*time.Hour), To: at(ago - 12*time.Hour)}, raw)
	}
	changed := oneAudit("LATESTORY00000000000000AQ", at(2*day), "Other Name", "marek@example.com")
	if done := s.again(s.first, onepassword.Audit, evidence.Span{From: at(3 * day), To: at(day)}, changed); done.Conflicts != 1 {
		s.t.Fatalf("there are %d conflicts, want 1", done.Conflicts)
	}
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		lease, err := s.store.Acquire(ctx, s.first.ID, stream, "test/1/1", time.Hour)
		must(s.t, err)
		for i, r := range evidence.Rereadings() {
			behind := time.Duration(0)
			if stream == onepassword.Usages && i == 2 {
				behind = 2 * r.Chunk // due
			}
			for from := at(200 * day).Add(-r.Age); from.Before(at(r.Age + behind)); from = from.Add(7 * day) {
				span := evidence.Span{From: from, To: evidence.Earliest(from.Add(7*day), at(r.Age+behind))}
				must(s.t, s.store.FinishReread(ctx, lease, store.Reconciliation{Age: r.Age, Span: span, At: span.To.Add(r.Age), Seen: 40, Known: 40}))
			}
		}
		must(s.t, s.store.Release(ctx, lease))
	}
}

// loseBookmark drops the bookmark of a stream.
func (s *site) loseBookmark(stream evidence.Stream, at time.Time) {
	s.t.Helper()
	lease, err := s.store.Acquire(s.t.Context(), s.first.ID, stream, "test/1/1", time.Hour)
	must(s.t, err)
	lease, err = s.store.ResetCursor(s.t.Context(), lease, at)
	must(s.t, err)
	must(s.t, s.store.Release(s.t.Context(), lease))
}

// said is what one place says of one span of a stream.
type said struct {
	stream   string
	from, to string
	cause    evidence.Cause // empty: read
}

// TestCoverageIsSaidOnce holds that page, CSV and API say of every moment of any period what evidence.FindGaps says of it.
func TestCoverageIsSaidOnce(t *testing.T) {
	s := storied(t)
	c := s.as(people.Admin)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for i := range 12 {
		to := noon.Add(-time.Duration(random.IntN(300*24*60)) * time.Minute)
		from := to.Add(-time.Duration(1+random.IntN(1+i*40*24*60)) * time.Minute)
		span := evidence.Span{From: from, To: to}
		q := "?" + url.Values{"from": {machine(from)}, "to": {machine(to)}}.Encode()
		want := s.found(span)
		for place, got := range map[string][]said{
			"csv": saidByCSV(t, s.get(c, "/coverage.csv"+q).body), "api": saidByAPI(t, s.get(c, apiPrefix+"/coverage"+q).body), "page": s.saidByPage(s.get(c, "/coverage"+q).body),
		} {
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(said{})); diff != "" {
				t.Errorf("the %s of %v differs (-want +got):\n%s", place, span, diff)
			}
		}
	}
}

// found works out from what is stored what everybody must say.
func (s *site) found(span evidence.Span) []said {
	s.t.Helper()
	ctx := s.t.Context()
	statuses, err := s.store.Streams(ctx, s.first.ID)
	must(s.t, err)
	var out []said
	for _, st := range statuses {
		windows, err := s.store.Windows(ctx, s.first.ID, st.Stream, span)
		must(s.t, err)
		troubles, err := s.store.Troubles(ctx, s.first.ID, st.Stream)
		must(s.t, err)
		var spans []evidence.Span
		for _, w := range windows {
			spans = append(spans, w.Span)
			out = append(out, said{string(st.Stream), machine(w.From), machine(w.To), ""})
		}
		for _, g := range evidence.FindGaps(span, evidence.NewSpans(spans...), troubles, noon, onepassword.Kind().Retention) {
			out = append(out, said{string(st.Stream), machine(g.From), machine(g.To), g.Cause})
		}
	}
	return inOrder(out)
}

func inOrder(list []said) []said {
	slices.SortFunc(list, func(a, b said) int { return cmpfn.Or(cmpfn.Compare(a.stream, b.stream), cmpfn.Compare(a.from, b.from)) })
	return list
}

func saidByCSV(t *testing.T, body string) (out []said) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	must(t, err)
	column := func(name string) int { return slices.Index(rows[0], name) }
	for _, row := range rows[1:] {
		if kind := row[column("record")]; kind == "window" || kind == "gap" {
			out = append(out, said{row[column("stream")], row[column("from")], row[column("to")], evidence.Cause(row[column("cause")])})
		}
	}
	return inOrder(out)
}

func saidByAPI(t *testing.T, body string) (out []said) {
	t.Helper()
	var answer apiCoverage
	must(t, json.Unmarshal([]byte(body), &answer))
	for _, st := range answer.Streams {
		for _, w := range st.Windows {
			out = append(out, said{string(st.Stream), machine(w.From), machine(w.To), ""})
		}
		for _, g := range st.Gaps {
			out = append(out, said{string(st.Stream), machine(g.From), machine(g.To), g.Cause})
		}
	}
	return inOrder(out)
}

// saidByPage reads the table that stands beside the drawing.
func (s *site) saidByPage(body string) (out []said) {
	s.t.Helper()
	for _, tr := range htmlcheck.Parse(s.t, body).All("details table tbody tr") {
		row := htmlcheck.In(s.t, tr)
		times := row.All("time")
		cause := evidence.Cause("")
		for _, c := range []evidence.Cause{evidence.TokenExpired, evidence.TokenRefused, evidence.Unreachable, evidence.BeyondRetention, evidence.NotCollected} {
			if strings.Contains(htmlcheck.Text(tr), chart.CauseWords(c)) {
				cause = c
			}
		}
		stream := ""
		for _, st := range onepassword.Kind().Streams {
			if htmlcheck.Text(row.One("th")) == st.Title {
				stream = string(st.Stream)
			}
		}
		out = append(out, said{stream, htmlcheck.Attr(times[0], "datetime"), htmlcheck.Attr(times[1], "datetime"), cause})
	}
	return inOrder(out)
}

func TestCoverageTellsTheStory(t *testing.T) {
	s := storied(t)
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/coverage?range=year").body)
	for _, want := range []string{"token expired", "token_expired", "no longer", "token refused", "in 102 days", "Nothing: it lies before the connection was made"} {
		p.Has("table.cv-gaps tr", want)
	}
	p.Has("h2", "December 2025 to November 2026")
	p.Lacks(".strip b", "100 %")
	p.Has("section", "due since")
	p.Has("section", "all known")
	p.Has("tbody th", "21 Nov 2026, 12:00:00 UTC") // the late event of two days ago
	if n := len(p.All("a.cell")) + len(p.All("span.cell.future")); n != 3*365 {
		t.Errorf("the year has %d days", n)
	}
	if n := len(p.All(".cell.lost")); n != 4 {
		t.Errorf("%d days are drawn as lost, want 4", n)
	}
	p = htmlcheck.Parse(t, s.get(c, "/coverage?range=day&at=2026-11-14&stream=itemusages").body)
	p.Has("svg title", "gap of 9 h, 14 Nov 2026, 05:00 to 14:00: source unreachable")
	p.Has(".strip b", "62.5 %")
	p.Has("pre", "exhibit collect --connection "+string(s.first.ID)+" --reread --from 2026-11-14T05:00:00Z --to 2026-11-14T14:00:00Z")
	p.Lacks("main h4", "Audit events")
	if a := s.get(c, "/connections/"+string(s.first.ID)+"/coverage"); a.header.Get("Location") != "/coverage?connection="+string(s.first.ID) {
		t.Errorf("a connection's coverage is at %q", a.header.Get("Location"))
	}
}

func TestCoverageEmptyStates(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	htmlcheck.Parse(t, s.get(c, "/coverage").body).Has("h2", "Nothing is connected yet")
	s.connect("1Password", nil)
	htmlcheck.Parse(t, s.get(c, "/coverage").body).Has(".note", "Nothing of this period has been read yet")
	htmlcheck.Parse(t, s.get(c, "/coverage?range=year&at=2020-01-01").body).Has(".note", "lies before anything was connected")
	htmlcheck.Parse(t, s.get(c, "/coverage?range=month&at=2027-01-01").body).Has("h2", "This period has not begun")
	for _, bad := range []string{"range=eon", "from=x", "from=2026-02-02&to=2026-01-01", "stream=zzz", "draw=pie", "range=day&at=0001-01-01"} {
		a := s.get(c, "/coverage?"+bad)
		if a.status != http.StatusBadRequest {
			t.Errorf("%s gives %d", bad, a.status)
		}
		htmlcheck.Parse(t, a.body).Has("form .note", "")
		if got := s.get(c, "/coverage.csv?"+bad).status; got != http.StatusBadRequest {
			t.Errorf("the CSV of %s gives %d", bad, got)
		}
	}
	if got := s.get(c, "/coverage?connection=cn_none").status; got != http.StatusNotFound {
		t.Errorf("a connection that is not there gives %d", got)
	}
}

// TestCoverageCSVIsNotedAndGuarded holds that a download is in the trail, and that no cell of it is a formula.
func TestCoverageCSVIsNotedAndGuarded(t *testing.T) {
	s := newSite(t)
	s.first = s.connect(`=HYPERLINK("http://evil.example.com")`, nil)
	a := s.get(s.as(people.Admin), "/coverage.csv?from=2026-09-01&to=2026-10-01")
	if d := a.header.Get("Content-Disposition"); d != `attachment; filename="coverage_20260901_20261001.csv"` {
		t.Errorf("the file is %q", d)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	must(t, err)
	if len(rows) < 4 || rows[1][2] != `'=HYPERLINK("http://evil.example.com")` {
		t.Errorf("the rows are %q", rows)
	}
	trail, err := s.store.Activity(t.Context(), s.ws, 1)
	must(t, err)
	if len(trail) != 1 || trail[0].What != "coverage.read" || trail[0].Who != s.admin.Name || trail[0].Detail != "csv, 2026-09-01T00:00:00Z to 2026-10-01T00:00:00Z" {
		t.Errorf("the trail ends with %+v", trail)
	}
}

func TestPeriods(t *testing.T) {
	now := noon
	for _, test := range []struct{ query, from, to, next string }{
		{"", "2026-07-27", "2026-11-24", "2027-03-24"},
		{"range=day&at=2026-03-01", "2026-03-01", "2026-03-02", "2026-03-03"},
		{"range=week&at=2026-11-22", "2026-11-16", "2026-11-23", "2026-11-30"},
		{"range=month&at=2024-02-29", "2024-02-01", "2024-03-01", "2024-04-01"},
		{"range=month&at=2026-01-31", "2026-01-01", "2026-02-01", "2026-03-01"},
		{"range=year", "2025-12-01", "2026-12-01", "2027-12-01"},
		{"from=2026-01-01&to=2026-04-01", "2026-01-01", "2026-04-01", "2026-06-30"},
	} {
		v, err := url.ParseQuery(test.query)
		must(t, err)
		p, err := parsePeriod(v, now)
		must(t, err)
		if got := p.From.Format(time.DateOnly) + " " + p.To.Format(time.DateOnly) + " " + p.beside(1).To.Format(time.DateOnly); got != test.from+" "+test.to+" "+test.next {
			t.Errorf("%s is %s", test.query, got)
		}
		again, err := parsePeriod(p.values(), now.AddDate(1, 0, 0))
		must(t, err)
		back := p.beside(1).beside(-1)
		if again.Span != p.Span || back.Span != p.Span {
			t.Errorf("%s leads to %v, there and back to %v, want %v", test.query, again.Span, back.Span, p.Span)
		}
	}
}

// FuzzParsePeriod holds that no address makes a period that is empty or endless.
func FuzzParsePeriod(f *testing.F) {
	f.Add("range=week&at=2026-11-22")
	f.Add("from=2026-01-01&to=2026-04-01T08:00")
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p, err := parsePeriod(v, noon)
		if err == nil && (p.Empty() || p.Duration() > 21*366*day || p.says() == "") {
			t.Fatalf("%q gives %v", query, p)
		}
	})
}

// TestCoverageWithKeys walks the days of a year with the keyboard alone.
func TestCoverageWithKeys(t *testing.T) {
	s := storied(t)
	b := newBrowser(t, s)
	src := axeSource(t)
	var label string
	at := func() string {
		b.run(t, chromedp.Evaluate(`document.activeElement.getAttribute('aria-label')`, &label))
		return label
	}
	b.look(t, "/coverage?range=year&stream=auditevents", "dark", 1440, 900)
	for _, v := range b.axe(t, src) {
		t.Errorf("%s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
	var stops int
	b.run(t, chromedp.Evaluate(`document.querySelector('[data-walk] a[tabindex="0"]').focus(), document.querySelectorAll('[data-walk] a[tabindex="0"]').length`, &stops))
	if stops != 1 {
		t.Errorf("the days have %d stops of the tabulator", stops)
	}
	for _, step := range []struct{ key, want string }{{"", "Mon 1 Dec"}, {kb.ArrowDown, "Tue 2 Dec"}, {kb.ArrowRight, "Tue 9 Dec"}, {kb.ArrowUp, "Mon 8 Dec"}, {kb.ArrowLeft, "Mon 1 Dec"}} {
		if step.key != "" {
			b.run(t, chromedp.KeyEvent(step.key))
		}
		if got := at(); !strings.HasPrefix(got, step.want) {
			t.Errorf("a key leads to %q, want %s", got, step.want)
		}
	}
	b.check(t, "coverage")
}
