package chart

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// drawn is a random stream's coverage as connection.Coverage would give it, with what a drawing needs.
func drawn(t *rapid.T) (c evidence.StreamCoverage, sheet Sheet, strip Strip) {
	const hours = 24 * 20
	at := func(name string) time.Time {
		return start.Add(time.Duration(rapid.IntRange(0, hours*4).Draw(t, name)) * 15 * time.Minute)
	}
	between := func(name string) evidence.Span {
		a, b := at(name), at(name)
		return evidence.Span{From: evidence.Earliest(a, b), To: evidence.Latest(a, b).Add(15 * time.Minute)}
	}
	sheet = Sheet{Span: between("period"), Now: at("now"), Zoom: func(evidence.Span) string { return "/" }}
	asked := evidence.Span{From: sheet.Span.From, To: evidence.Earliest(sheet.Span.To, sheet.Now)}
	if asked.Empty() {
		asked.To = asked.From
	}
	var windows evidence.Spans
	for range rapid.IntRange(0, 4).Draw(t, "windows") {
		windows = windows.Add(between("window"))
	}
	var troubles []evidence.Trouble
	for range rapid.IntRange(0, 3).Draw(t, "troubles") {
		troubles = append(troubles, evidence.Trouble{Span: between("trouble"), Cause: rapid.SampledFrom([]evidence.Cause{evidence.TokenExpired, evidence.Unreachable}).Draw(t, "cause")})
	}
	c = evidence.StreamCoverage{Asked: asked, Gaps: evidence.FindGaps(asked, windows, troubles, sheet.Now, 10*24*time.Hour)}
	for _, w := range windows.Within(asked) {
		c.Windows = append(c.Windows, evidence.Window{Span: w})
	}
	return c, sheet, Strip{Name: "Audit events", Coverage: c, Made: at("made")}
}

// TestPiecesAreTheCoverage holds that a drawing says of every moment what FindGaps says of it.
func TestPiecesAreTheCoverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, sheet, strip := drawn(t)
		pieces := Pieces(c, sheet.Span, strip.Made, sheet.Now)
		at := sheet.Span.From
		for _, p := range pieces {
			if !p.From.Equal(at) || p.Empty() {
				t.Fatalf("a piece begins %v, want %v: %+v", p.From, at, pieces)
			}
			for m := p.From; m.Before(p.To); m = m.Add(15 * time.Minute) {
				checkMoment(t, c, p, m, sheet.Now, strip.Made)
			}
			at = p.To
		}
		if !at.Equal(sheet.Span.To) {
			t.Fatalf("the pieces end %v, want %v", at, sheet.Span.To)
		}
	})
}

func checkMoment(t *rapid.T, c evidence.StreamCoverage, p Piece, m, now, made time.Time) {
	for _, g := range c.Gaps {
		if g.Contains(m) {
			if p.Kind != KindOf(g, made) || p.Gap.Cause != g.Cause {
				t.Fatalf("%v is %s (%s), want a gap: %s", m, p.Kind, p.Gap.Cause, g.Cause)
			}
			return
		}
	}
	want := WasRead
	switch {
	case !m.Before(now):
		want = Future
	case !c.Asked.Contains(m):
		want = Waiting
	}
	if p.Kind != want {
		t.Fatalf("%v is %s, want %s", m, p.Kind, want)
	}
}

// TestDaysAreThePieces holds that the cells of the days say what the pieces say: never whole with a gap in it, and no gap
// without one.
func TestDaysAreThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, sheet, strip := drawn(t)
		next := sheet.Span.From
		for _, month := range sheet.Months(strip) {
			for _, d := range month.Days {
				if !d.From.Equal(next) {
					t.Fatalf("a day begins %v, want %v", d.From, next)
				}
				next = d.To
				gap := false
				for _, g := range c.Gaps {
					gap = gap || !g.Intersect(d.Span).Empty()
				}
				isGap := d.Kind == Heals || d.Kind == Lost || d.Kind == Early
				if gap != isGap || gap && (d.Tenths == 10 || strings.Contains(d.Says, "100 %")) {
					t.Fatalf("a gap touches %v: %v, drawn is %s with %d tenths: %s", d.Span, gap, d.Kind, d.Tenths, d.Says)
				}
			}
		}
		if !next.Equal(sheet.Span.To) {
			t.Fatalf("the days end %v, want %v", next, sheet.Span.To)
		}
	})
}

// TestUnitsFillTheDrawing holds that going nearer leaves out no moment, and that every drawing can be rendered.
func TestUnitsFillTheDrawing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, sheet, strip := drawn(t)
		if days := rapid.IntRange(0, 2000).Draw(t, "days"); days > 0 {
			sheet.Span.To = sheet.Span.From.AddDate(0, 0, days)
		}
		next := sheet.Span.From
		for _, u := range sheet.Units() {
			if !u.From.Equal(next) || u.Empty() {
				t.Fatalf("a unit begins %v, want %v", u.From, next)
			}
			next = u.To
		}
		if sheet.unit() > 0 && !next.Equal(sheet.Span.To) {
			t.Fatalf("the units end %v, want %v", next, sheet.Span.To)
		}
		if n := len(sheet.Grid()); n > 40 {
			t.Fatalf("the axis has %d lines over %v", n, sheet.Span.Duration())
		}
		var b strings.Builder
		if err := sheet.Line(strip).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), `tabindex="0"`); n > 1 {
			t.Fatalf("the drawing has %d stops of the tabulator", n)
		}
	})
}
