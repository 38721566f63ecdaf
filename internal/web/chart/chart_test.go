package chart

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func span(from, to int) evidence.Span {
	return evidence.Span{From: start.AddDate(0, 0, from), To: start.AddDate(0, 0, to)}
}

func TestHistogramSaysWhatItShows(t *testing.T) {
	h := Histogram{Series: []Series{SeriesOf(0, "Sign-ins"), SeriesOf(1, "Usages")}}
	for i := range 10 {
		h.Buckets = append(h.Buckets, Bucket{From: start.Add(time.Duration(i) * time.Hour), To: start.Add(time.Duration(i+1) * time.Hour), Counts: []int64{int64(i), 3}, Href: "/events?x=1"})
	}
	var b strings.Builder
	if err := h.View("says").Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "<a "); n != 10 {
		t.Errorf("%d bars lead somewhere, want 10", n)
	}
	if n := strings.Count(b.String(), `tabindex="0"`); n != 1 {
		t.Errorf("%d bars are in the tab order, want 1", n)
	}
	if !strings.Contains(b.String(), "12 events (Sign-ins 9, Usages 3)") {
		t.Error("the last bar does not say its counts")
	}
	if strings.Contains(b.String(), "style=") {
		t.Error("inline style would be refused by the content security policy")
	}
}

func TestNiceTop(t *testing.T) {
	for n, want := range map[int64]int64{1: 2, 3: 4, 9: 10, 11: 12, 17: 20, 3100: 4000, 64000: 80000} {
		if got := niceTop(n); got != want {
			t.Errorf("niceTop(%d) = %d, want %d", n, got, want)
		}
	}
}

// TestShortGapIsSeen holds that a gap of a minute in 120 days is drawn, and inside the chart.
func TestShortGapIsSeen(t *testing.T) {
	whole := span(0, 120)
	gap := evidence.Gap{Span: evidence.Span{From: whole.To.Add(-time.Minute), To: whole.To}, Cause: evidence.NotCollected, HealUntil: whole.To}
	tl := Timeline{Span: whole, Now: whole.To, Rows: []Row{{Name: "Audit", Coverage: evidence.StreamCoverage{Gaps: []evidence.Gap{gap}}}}}
	m := tl.lines()[0].Gaps[0]
	if m.Width != "2.5" || m.X != coord(tl.right()-2.5) {
		t.Errorf("the gap is drawn at %s, %s wide", m.X, m.Width)
	}
}

func TestGapTone(t *testing.T) {
	heal := start
	for _, c := range []struct {
		gap  evidence.Gap
		want ui.Tone
	}{
		{evidence.Gap{Cause: evidence.Unreachable, HealUntil: heal}, ui.Bad},
		{evidence.Gap{Cause: evidence.TokenRefused}, ui.Warn},
		{evidence.Gap{Cause: evidence.BeyondRetention}, ui.Idle},
	} {
		if got := GapTone(c.gap); got != c.want {
			t.Errorf("GapTone(%s, heal %v) = %s, want %s", c.gap.Cause, !c.gap.HealUntil.IsZero(), got, c.want)
		}
	}
}

// TestCellsShowTheLoudest holds that one lossy stream is not hidden by two whole ones.
func TestCellsShowTheLoudest(t *testing.T) {
	gap := evidence.Gap{Span: span(3, 4), Cause: evidence.Unreachable, HealUntil: start}
	cells := Cells(span(0, 10), []evidence.StreamCoverage{{}, {Gaps: []evidence.Gap{gap}}, {}}, 10)
	for i, c := range cells {
		if want := map[bool]ui.Tone{true: ui.Bad, false: ui.OK}[i == 3]; c.Tone != want {
			t.Errorf("cell %d is %s, want %s", i, c.Tone, want)
		}
	}
	if Cells(span(0, 10), nil, 2)[0].Tone != ui.Idle {
		t.Error("without any stream nothing is covered")
	}
}

func TestCauseWords(t *testing.T) {
	for _, c := range []evidence.Cause{evidence.NotCollected, evidence.TokenExpired, evidence.TokenRefused, evidence.FeatureMissing,
		evidence.Unreachable, evidence.BeyondRetention, evidence.SwitchedOff, evidence.CursorLost} {
		if CauseWords(c) == string(c) && c != evidence.SwitchedOff {
			t.Errorf("cause %s has no words", c)
		}
	}
}

func FuzzTicks(f *testing.F) {
	f.Add(int64(0), int64(3600))
	f.Fuzz(func(t *testing.T, from, length int64) {
		if length <= 0 || length > 30*366*24*3600 || from < 0 || from > 4e9 {
			return
		}
		s := scale{from: time.Unix(from, 0), to: time.Unix(from+length, 0), left: 0, right: 1000}
		if n := len(timeTicks(s, 0)); n > 62 {
			t.Fatalf("%d labels over %ds", n, length)
		}
	})
}
