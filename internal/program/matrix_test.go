package program_test

import (
	"context"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
)

func month(y int, m time.Month) evidence.Span {
	return evidence.Monthly.PeriodAt(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
}

// cells gives the row of a requirement, June to December 2026, as words.
func cells(t *testing.T, p *program.Service, ws evidence.ID, controls bool, id string) []string {
	t.Helper()
	m, err := p.Matrix(context.Background(), ws, program.MatrixRequest{Framework: "soc2", Controls: controls,
		Period: evidence.Span{From: month(2026, 6).From.Add(72 * time.Hour), To: month(2026, 12).To}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Rows {
		if r.ID == id {
			var out []string
			for _, c := range r.Cells {
				out = append(out, string(c.Freshness)+" "+string(c.Coverage)+" "+string(c.Verdict)+" "+string(c.Integrity))
			}
			return out
		}
	}
	t.Fatalf("no row %s", id)
	return nil
}

func TestMatrix(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t) // 23 November 2026
	p := program.New(st, c.now)
	if _, err := p.Seed(ctx, who, ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	a := action(t, p, ws, "EX-01-A1").Action.ID // monthly, of EX-01: CC6.1 and CC7.2
	attach(t, st, ws, a, month(2026, 7), evidence.Complete)
	attach(t, st, ws, a, evidence.Span{From: month(2026, 9).From, To: month(2026, 9).To.AddDate(0, 0, -9)}, evidence.Complete)
	attach(t, st, ws, a, month(2026, 10), evidence.Inconclusive)
	const seen = " not_reviewed not_checked"
	want := []string{"none none none none", "current whole" + seen, "stale none" + seen, "partial inconclusive" + seen, "current inconclusive" + seen, "carried none" + seen, "ahead none none none"}
	check := func(what string, got []string) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s, month %d: %q, want %q", what, i+6, got[i], want[i])
			}
		}
	}
	check("control", cells(t, p, ws, true, "EX-01"))
	// EX-08 serves CC6.1 too and has no evidence: that changes nothing. One artifact serves both requirements.
	check("requirement", cells(t, p, ws, false, "CC6.1"))
	check("requirement", cells(t, p, ws, false, "CC7.2"))

	whole := attach(t, st, ws, a, evidence.Span{From: month(2026, 8).From, To: month(2026, 10).To}, evidence.Complete)
	want[2], want[3], want[4] = "current whole"+seen, "current whole"+seen, "current whole"+seen
	check("mended by one that holds all", cells(t, p, ws, true, "EX-01"))
	if err := st.Attach(ctx, evidence.Attachment{ID: "at_2", Workspace: ws, Artifact: whole, Target: evidence.Target{Control: control(t, p, ws, "EX-01")}, Strength: evidence.Strong, AttachedAt: start}); err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(ctx, ws, program.MatrixRequest{Framework: "soc2", Controls: true, Period: month(2026, 8)})
	if err != nil || len(m.Rows[0].Cells[0].Artifacts) != 1 {
		t.Errorf("attached twice it counts once: %+v, %v", m.Rows[0].Cells, err)
	}
}

// TestMatrixYearly holds that evidence once a year carries through the year that runs, and not through one that is over.
func TestMatrixYearly(t *testing.T) {
	st, ws, c := open(t)
	p := program.New(st, c.now)
	if _, err := p.Seed(context.Background(), who, ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	upload(t, st, ws, action(t, p, ws, "EX-12-A1").Action.ID, evidence.Yearly.PeriodAt(start.AddDate(-1, 0, 0)))
	got := cells(t, p, ws, true, "EX-12")
	if got[0] != "carried none not_reviewed not_checked" || got[5] != got[0] {
		t.Errorf("2026: %q", got)
	}
	c.at = start.AddDate(0, 2, 0)
	if got = cells(t, p, ws, true, "EX-12"); got[0] != "stale none not_reviewed not_checked" {
		t.Errorf("2026, seen from 2027: %q", got)
	}
	upload(t, st, ws, action(t, p, ws, "EX-12-A1").Action.ID, evidence.Yearly.PeriodAt(start))
	if got = cells(t, p, ws, true, "EX-12"); got[0] != "current unmeasured not_reviewed not_checked" {
		t.Errorf("an upload: %q", got)
	}
}

func TestMonths(t *testing.T) {
	if got := program.Months(evidence.Span{From: month(2025, 11).From.Add(time.Hour), To: month(2026, 1).To}); len(got) != 3 || got[0] != month(2025, 11) || got[2] != month(2026, 1) {
		t.Errorf("%v", got)
	}
	if got := program.Months(evidence.Span{From: time.Unix(0, 0), To: start}); len(got) != program.MaxMonths || got[len(got)-1] != month(2026, 11) {
		t.Errorf("%v", got)
	}
	if got := program.Months(evidence.Span{From: start, To: start}); got != nil {
		t.Errorf("%v", got)
	}
}

func control(t *testing.T, p *program.Service, ws evidence.ID, key string) evidence.ID {
	t.Helper()
	c, err := p.Control(context.Background(), ws, key)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// upload saves what a person gave and attaches it.
func upload(t *testing.T, st *store.Store, ws, action evidence.ID, period evidence.Span) {
	t.Helper()
	a, err := st.SaveArtifact(context.Background(), evidence.Artifact{
		ID: evidence.NewID(evidence.PrefixArtifact), Workspace: ws, Kind: evidence.Uploaded, Title: "Report", Period: period, CreatedAt: start,
		Latest: evidence.ArtifactVersion{Provenance: []byte("{}"), BuiltAt: start, BuiltBy: who},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Attach(context.Background(), evidence.Attachment{ID: evidence.NewID(evidence.PrefixAttachment), Workspace: ws, Artifact: a.ID, Target: evidence.Target{Action: action}, Strength: evidence.Strong, AttachedAt: start, AttachedBy: who})
	if err != nil {
		t.Fatal(err)
	}
}
