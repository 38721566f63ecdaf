package recipe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/recipe"
)

var update = flag.Bool("update", false, "write the golden files anew")

var made = recipe.Made{By: "Ada Example", At: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)}

func run(t *testing.T, id string, req recipe.Request, in recipe.Input) *recipe.Report {
	t.Helper()
	r, err := recipe.ByID(id)
	if err != nil {
		t.Fatal(err)
	}
	report, err := recipe.Run(context.Background(), r, req, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := report.Close(); err != nil {
			t.Error(err)
		}
	})
	return report
}

// render gives all renderings by format.
func render(t *testing.T, r *recipe.Report) map[string]string {
	t.Helper()
	var csv, ndjson, html bytes.Buffer
	if err := errors.Join(r.WriteCSV(&csv), r.WriteNDJSON(&ndjson), r.WriteHTML(&html, made)); err != nil {
		t.Fatal(err)
	}
	provenance, err := json.MarshalIndent(r.Provenance, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"csv": csv.String(), "ndjson": ndjson.String(), "html": html.String(), "provenance.json": string(provenance) + "\n"}
}

func TestGolden(t *testing.T) {
	gappy := busyDay()
	gappy.coverage = covered(evidence.Span{From: october.From, To: at("12:00:00")}, evidence.Span{From: at("12:30:00"), To: october.To.Add(-time.Hour)})
	gappy.coverage[1].Gaps = []evidence.Gap{{Span: evidence.Span{From: at("12:00:00"), To: at("12:30:00")}, Cause: evidence.Unreachable,
		Reason: "The server did not answer.", HealUntil: at("12:00:00").AddDate(0, 0, 120)}}
	for name, in := range map[string]*memory{"whole": busyDay(), "gaps": gappy, "nothing": withEvents(), "company": company()} {
		for _, r := range recipe.All() {
			if isFirst(r) == (name == "company") {
				continue // the first three are looked at from all sides, the others by their stories
			}
			for format, got := range render(t, run(t, r.ID, request(), in)) {
				golden(t, r.ID+"-"+name+"."+format, got)
			}
		}
	}
}

// isFirst tells the three recipes that Exhibit began with from the others.
func isFirst(r recipe.Recipe) bool {
	return slices.Contains([]string{"failed-sign-ins", "secret-exposure", "coverage"}, r.ID)
}

// dayOf gives the events that a recipe is about.
func dayOf(r recipe.Recipe) func() *memory {
	if isFirst(r) {
		return busyDay
	}
	return company
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (make golden writes it anew):\n%s", name, diff)
	}
}

func TestRecipesAreWhole(t *testing.T) {
	frameworks := []string{"soc2", "iso27001-2022", "nist-800-53r5", "cis-8.1", "pci-dss-4.0.1", "hipaa", "nist-csf-2.0"}
	for _, r := range recipe.All() {
		if r.Version < 1 || r.Title == "" || r.Shows == "" || len(r.NotShown) == 0 || len(r.Method) == 0 || len(r.Streams) == 0 {
			t.Errorf("%s does not tell what it is", r.ID)
		}
		mapped := map[string]bool{}
		for _, m := range r.Mappings {
			mapped[m.Framework] = true
			if m.Reason == "" || m.Caveat == "" || m.Strength == "" {
				t.Errorf("%s → %s lacks strength, reason or caveat", r.ID, m.Requirement)
			}
		}
		for _, f := range frameworks {
			if !mapped[f] {
				t.Errorf("%s maps to nothing of %s", r.ID, f)
			}
		}
	}
	if _, err := recipe.ByID("failed-signins"); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("a recipe that does not exist: %v", err)
	}
}

func TestParameters(t *testing.T) {
	r, err := recipe.ByID("failed-sign-ins")
	if err != nil {
		t.Fatal(err)
	}
	vals, err := r.Values(map[string]string{"window": "1h"})
	if err != nil || vals[0].Value != 60 || vals[1].Value != 10 {
		t.Errorf("window 1h: %v, %v", vals, err)
	}
	for name, value := range map[string]string{"window": "0", "threshold": "1", "success": "90s", "windows": "10", "": ""} {
		if _, err := r.Values(map[string]string{name: value}); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%s=%s: %v, want invalid", name, value, err)
		}
	}
	req := request()
	req.Period.To = req.Period.From
	if _, err := recipe.Run(context.Background(), r, req, withEvents()); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("an empty period: %v, want invalid", err)
	}
}

// TestDeterminism shuffles what the input may shuffle: the order in which events lie in memory.
func TestDeterminism(t *testing.T) {
	for _, r := range recipe.All() {
		day := dayOf(r)
		want := render(t, run(t, r.ID, request(), day()))
		for seed := range uint64(4) {
			in := day()
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(in.events), func(i, j int) { in.events[i], in.events[j] = in.events[j], in.events[i] })
			if diff := cmp.Diff(want, render(t, run(t, r.ID, request(), in))); diff != "" {
				t.Fatalf("%s, seed %d: %s", r.ID, seed, diff)
			}
		}
	}
}

// TestZero: no match over a covered period is a proven zero; over a period with the smallest gap it is nothing.
func TestZero(t *testing.T) {
	quiet := []evidence.Event{signIn("09:00:00", ada, "192.0.2.1", "success", "credentials_ok"), usage("09:00:00", ada, "192.0.2.1", "fill", "x")}
	for _, id := range []string{"failed-sign-ins", "secret-exposure"} {
		in := withEvents(quiet...)
		p := run(t, id, request(), in).Provenance
		if p.Result != evidence.Complete || !strings.HasPrefix(p.Sentence, "0 of 1 events ") || !strings.HasSuffix(p.Sentence, " over a fully covered period.") {
			t.Errorf("%s over a covered period: %s: %s", id, p.Result, p.Sentence)
		}
		in.coverage = covered(evidence.Span{From: october.From, To: october.To.Add(-time.Millisecond)})
		p = run(t, id, request(), in).Provenance
		if p.Result != evidence.Inconclusive || !strings.HasPrefix(p.Sentence, "Inconclusive: one gap ") {
			t.Errorf("%s with a millisecond unread: %s: %s", id, p.Result, p.Sentence)
		}
		in.coverage = nil
		if p = run(t, id, request(), in).Provenance; p.Result != evidence.Inconclusive {
			t.Errorf("%s of which no coverage is known: %s", id, p.Sentence)
		}
		req := request()
		req.Sources = nil
		if p = run(t, id, req, in).Provenance; p.Result != evidence.Inconclusive || !strings.Contains(p.Sentence, "no connection") {
			t.Errorf("%s without a connection: %s", id, p.Sentence)
		}
	}
}

// TestZeroOfAll: every recipe that asks for something finds nothing of it in a covered period without events, and says so;
// with the smallest gap, and without a connection, no recipe claims anything.
func TestZeroOfAll(t *testing.T) {
	for _, r := range recipe.All() {
		in := withEvents()
		in.duplicates = 0
		p := run(t, r.ID, request(), in).Provenance
		if p.Result != evidence.Complete || !strings.HasPrefix(p.Sentence, "0 of 0 events ") || !strings.HasSuffix(p.Sentence, " over a fully covered period.") {
			t.Errorf("%s over a covered period without events: %s: %s", r.ID, p.Result, p.Sentence)
		}
		in.coverage = covered(evidence.Span{From: october.From, To: october.To.Add(-time.Millisecond)})
		if p = run(t, r.ID, request(), in).Provenance; p.Result != evidence.Inconclusive || !strings.HasPrefix(p.Sentence, "Inconclusive: ") || strings.HasSuffix(p.Sentence, ",") {
			t.Errorf("%s with a millisecond unread: %s: %s", r.ID, p.Result, p.Sentence)
		}
		req := request()
		req.Sources = nil
		if p = run(t, r.ID, req, in).Provenance; p.Result != evidence.Inconclusive {
			t.Errorf("%s without a connection: %s", r.ID, p.Sentence)
		}
	}
}

// TestUnreportedGap: a span that is neither read nor reported as a gap is a gap.
func TestUnreportedGap(t *testing.T) {
	in := withEvents()
	in.coverage = covered(evidence.Span{From: october.From, To: at("12:00:00")})
	in.coverage[0].Asked.To = at("12:00:00")
	in.coverage[0].Gaps = []evidence.Gap{{Span: evidence.Span{From: at("13:00:00"), To: at("14:00:00")}, Cause: evidence.TokenRefused}}
	got := run(t, "failed-sign-ins", request(), in).Provenance.Coverage[0].Gaps
	var causes []evidence.Cause
	for _, g := range got {
		causes = append(causes, g.Cause)
	}
	want := []evidence.Cause{evidence.NotCollected, evidence.TokenRefused, evidence.NotCollected}
	if !slices.Equal(causes, want) || !got[0].From.Equal(at("12:00:00")) || !got[2].To.Equal(october.To) {
		t.Errorf("gaps %+v, want causes %v from noon to the end of the month", got, want)
	}
}

// TestEventsComingIn: a table is never made of two states of the store.
func TestEventsComingIn(t *testing.T) {
	in := busyDay()
	calls := 0
	in.counted = func() {
		if calls++; calls == 2 {
			in.events = append(in.events, signIn("20:00:00", bob, "192.0.2.4", "credentials_failed", "password_secret_bad"))
		}
	}
	r, err := recipe.ByID("failed-sign-ins")
	if err != nil {
		t.Fatal(err)
	}
	report, err := recipe.Run(context.Background(), r, request(), in)
	if err != nil {
		t.Fatalf("one event while it was made: %v", err)
	}
	defer report.Close()
	if c := report.Provenance.Counts; c.Listed != 27 || c.Matched != 27 {
		t.Errorf("counts after a second try: %+v", c)
	}
	in.counted = func() {
		in.events = append(in.events, signIn("21:00:00", bob, "192.0.2.4", "success", "mfa_ok"))
	}
	if _, err := recipe.Run(context.Background(), r, request(), in); evidence.ErrorCode(err) != evidence.Unavailable {
		t.Errorf("events without end: %v, want unavailable", err)
	}
}

// TestInputThatLies: counts that do not lead to the rows are an error, never a table.
func TestInputThatLies(t *testing.T) {
	for name, in := range map[string]recipe.Input{
		"select gives less": lossy{busyDay()},
		"pages give more":   padded{busyDay()},
	} {
		r, err := recipe.ByID("secret-exposure")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := recipe.Run(context.Background(), r, request(), in); err == nil || !strings.Contains(err.Error(), "do not reconcile") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type lossy struct{ *memory }

func (l lossy) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	n := 0
	return l.memory.Select(ctx, q, func(e evidence.Event) error {
		if n++; n == 3 {
			return nil
		}
		return fn(e)
	})
}

type padded struct{ *memory }

func (p padded) PageStats(ctx context.Context, q evidence.Query) (recipe.PageStats, error) {
	s, err := p.memory.PageStats(ctx, q)
	s.Records++
	return s, err
}

// TestLongTable: the page says what it leaves out, the files leave nothing out, and the rows go through the disk.
func TestLongTable(t *testing.T) {
	var all []evidence.Event
	for i := range 24000 {
		all = append(all, signIn(fmt.Sprintf("%02d:%02d:%02d", i/600%24, i/10%60, i%60), bob, "192.0.2.4", "credentials_failed", "password_secret_bad"))
	}
	req := request()
	req.TempDir = t.TempDir()
	report := run(t, "failed-sign-ins", req, withEvents(all...))
	if left, err := os.ReadDir(req.TempDir); err != nil || runtime.GOOS != "windows" && len(left) > 0 {
		t.Errorf("rows lie on the disk under a name: %v, %v", left, err)
	}
	out := render(t, report)
	if n := strings.Count(out["csv"], "\r\n") - 1; int64(n) != report.Provenance.Counts.Rows || n < 24000 {
		t.Errorf("%d lines of CSV for %d rows", n, report.Provenance.Counts.Rows)
	}
	if !strings.Contains(out["html"], "Shown are the first 2000 of 24000 rows.") {
		t.Error("the page does not say that it leaves rows out")
	}
	if n := strings.Count(out["html"], "<tr>"); n > 2100 {
		t.Errorf("the page has %d table rows", n)
	}
}

// TestCountsOfAll: whatever audit events, sign-ins and usages there are, every recipe's counts lead from pages to rows, and no
// event is listed twice among those that match.
func TestCountsOfAll(t *testing.T) {
	people := []evidence.Person{ada, bob, leaver, admin, {}}
	kinds := [][2]string{{"user", "suspend"}, {"user", "delete"}, {"user", "reactive"}, {"user", "create"}, {"gm", "join"}, {"gm", "role"}, {"gm", "leave"},
		{"uva", "grant"}, {"uva", "revoke"}, {"gva", "grant"}, {"account", "updatfw"}, {"sso", "disblsso"}, {"satoken", "create"}, {"device", "create"}, {"user", "beginr"}, {"x", "y"}}
	rapid.Check(t, func(rt *rapid.T) {
		var all []evidence.Event
		for range rapid.IntRange(0, 40).Draw(rt, "events") {
			clock := fmt.Sprintf("%02d:%02d:00", rapid.IntRange(8, 9).Draw(rt, "h"), rapid.IntRange(0, 59).Draw(rt, "m"))
			who, whom := rapid.SampledFrom(people).Draw(rt, "who"), rapid.SampledFrom(people).Draw(rt, "whom")
			kind := rapid.SampledFrom(kinds).Draw(rt, "kind")
			e := audit(deed{clock: clock, who: who, object: kind[0], action: kind[1], id: "objectqf5qylslqiitnduawrnd", whom: whom, info: rapid.SampledFrom([]string{"", "A", "R"}).Draw(rt, "info")})
			switch rapid.IntRange(0, 3).Draw(rt, "stream") {
			case 0:
				e = signIn(clock, who, "192.0.2.1", rapid.SampledFrom([]string{"success", "mfa_failed", "firewall_failed", "modern_version_failed"}).Draw(rt, "category"), "x")
			case 1:
				e = usage(clock, who, "192.0.2.1", rapid.SampledFrom([]string{"reveal", "fill", ""}).Draw(rt, "action"), "i")
			}
			all = append(all, earlier(rapid.SampledFrom([]int{0, 0, 0, 20}).Draw(rt, "days"), e))
		}
		in := withEvents(all...)
		for _, r := range recipe.All() {
			report := run(t, r.ID, request(), in)
			if c := report.Provenance.Counts; c.Matched != c.Listed || c.Records-c.Duplicates != c.Population || c.Matched > c.Population {
				rt.Fatalf("%s: counts %+v", r.ID, c)
			}
			var out bytes.Buffer
			if err := report.WriteNDJSON(&out); err != nil {
				rt.Fatal(err)
			}
			listed := map[[2]string]bool{}
			for line := range strings.Lines(out.String()) {
				var row struct{ UUID, Record string }
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					rt.Fatal(err)
				}
				if key := [2]string{row.UUID, row.Record}; row.UUID != "" && listed[key] {
					rt.Fatalf("%s lists %s twice as %s", r.ID, row.UUID, row.Record)
				} else {
					listed[key] = true
				}
			}
		}
	})
}

// TestNames: a parameter of names is taken apart, sorted and bounded, and changes what a recipe looks at.
func TestNames(t *testing.T) {
	req := request()
	req.Params = map[string]string{"groups": " " + owners + ", ,x,x"}
	report := run(t, "privileged-grants", req, company())
	if got := report.Provenance.Parameters[0]; !slices.Equal(got.Names, []string{owners, "x"}) || got.String() != owners+", x" {
		t.Errorf("names %q", got.Names)
	}
	if s := report.Provenance.Sections[1]; s.Record != "privilege" || s.Rows != 2 {
		t.Errorf("with the owners named: %+v", report.Provenance.Sections)
	}
	req.Params = map[string]string{"people": ada.Email + "," + robot.UUID}
	if p := run(t, "owner-use", req, company()).Provenance; p.Counts.Matched != 5 || len(p.Notes) != 0 {
		t.Errorf("with two people named: %s %v", p.Sentence, p.Notes)
	}
	r, err := recipe.ByID("owner-use")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"a\x00b", "\xff", strings.Repeat("x", 257), manyNames(201)} {
		if _, err := r.Values(map[string]string{"people": bad}); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%.20q: %v, want invalid", bad, err)
		}
	}
}

func manyNames(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("n", i))
	}
	return strings.Join(names, ",")
}

// TestCountsReconcile: over any events the table lists each match once and no other event, and its counts say so.
func TestCountsReconcile(t *testing.T) {
	people := []evidence.Person{ada, bob, nolan, {}}
	rapid.Check(t, func(rt *rapid.T) {
		var all []evidence.Event
		for range rapid.IntRange(0, 60).Draw(rt, "events") {
			clock := fmt.Sprintf("%02d:%02d:%02d", rapid.IntRange(8, 9).Draw(rt, "h"), rapid.IntRange(0, 59).Draw(rt, "m"), rapid.IntRange(0, 59).Draw(rt, "s"))
			who, ip := rapid.SampledFrom(people).Draw(rt, "who"), rapid.SampledFrom([]string{"", "192.0.2.1", "192.0.2.2"}).Draw(rt, "ip")
			if rapid.Bool().Draw(rt, "sign-in") {
				all = append(all, signIn(clock, who, ip, rapid.SampledFrom([]string{"success", "mfa_failed", "firewall_failed"}).Draw(rt, "category"), "x"))
			} else {
				all = append(all, usage(clock, who, ip, rapid.SampledFrom([]string{"reveal", "export", "fill", ""}).Draw(rt, "action"), "i"))
			}
		}
		in := withEvents(all...)
		req := request()
		req.Params = map[string]string{"window": "5", "threshold": "3"}
		for _, id := range []string{"failed-sign-ins", "secret-exposure"} {
			report := run(t, id, req, in)
			var out bytes.Buffer
			if err := report.WriteNDJSON(&out); err != nil {
				rt.Fatal(err)
			}
			ndjson := out.String()
			listed := map[string]bool{}
			for line := range strings.Lines(ndjson) {
				var row struct{ UUID, Burst string }
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					rt.Fatal(err)
				}
				if listed[row.UUID] && row.UUID != "" {
					rt.Fatalf("%s lists %s twice", id, row.UUID)
				}
				if row.UUID != "" {
					listed[row.UUID] = true
				}
			}
			want := 0
			for _, e := range in.events {
				match := e.Result == evidence.ResultFailed || e.Result == evidence.ResultBlocked
				if id == "secret-exposure" {
					match = e.Action == "reveal" || e.Action == "export"
				}
				if match {
					want++
				}
				if match != listed[e.UUID] {
					rt.Fatalf("%s: event %s listed %v, want %v", id, e.UUID, listed[e.UUID], match)
				}
			}
			c := report.Provenance.Counts
			if c.Listed != int64(want) || c.Matched != c.Listed || c.Records-c.Duplicates != c.Population {
				rt.Fatalf("%s: counts %+v for %d matches", id, c, want)
			}
			if lines := int64(strings.Count(ndjson, "\n")); lines != c.Rows {
				rt.Fatalf("%s: %d lines for %d rows", id, lines, c.Rows)
			}
		}
	})
}

// TestRequirementsExist looks up every requirement that a mapping names, in the frameworks whose data is there.
func TestRequirementsExist(t *testing.T) {
	looked := 0
	for _, r := range recipe.All() {
		for _, m := range r.Mappings {
			f, err := framework.ByID(m.Framework)
			if evidence.ErrorCode(err) == evidence.NotFound {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			looked++
			if _, err := f.Requirement(m.Requirement); err != nil {
				t.Errorf("%s names %s of %s: %v", r.ID, m.Requirement, m.Framework, err)
			}
		}
	}
	if looked < 27 {
		t.Errorf("only %d requirements were looked up", looked)
	}
}
