package evidence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFindGaps(t *testing.T) {
	const keeps = 100 * time.Minute
	refused := Trouble{Span: span(150, 170), Cause: TokenRefused, Reason: "revoked"}
	unreachable := Trouble{Span: Span{From: at(160)}, Cause: Unreachable, Reason: "down"}
	tests := []struct {
		name     string
		windows  Spans
		troubles []Trouble
		want     []Gap
	}{
		{"all read", NewSpans(span(0, 200)), nil, nil},
		{"nothing read: what the source forgot and what it still has", nil, nil, []Gap{
			{Span: span(10, 100), Cause: BeyondRetention},
			{Span: span(100, 190), Cause: NotCollected, HealUntil: at(200)},
		}},
		{"a hole heals until its first moment is forgotten", NewSpans(span(0, 120), span(130, 200)), nil, []Gap{
			{Span: span(120, 130), Cause: NotCollected, HealUntil: at(220)},
		}},
		{"each piece has the cause of its trouble, the later trouble wins", NewSpans(span(0, 140)), []Trouble{refused, unreachable}, []Gap{
			{Span: span(140, 150), Cause: NotCollected, HealUntil: at(240)},
			{Span: span(150, 160), Cause: TokenRefused, Reason: "revoked", HealUntil: at(250)},
			{Span: span(160, 190), Cause: Unreachable, Reason: "down", HealUntil: at(260)},
		}},
		{"a cause stays known when it can no longer be healed", NewSpans(span(0, 50), span(60, 200)),
			[]Trouble{{Span: span(50, 60), Cause: TokenExpired, Reason: "expired"}}, []Gap{
				{Span: span(50, 60), Cause: TokenExpired, Reason: "expired"},
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := FindGaps(span(10, 190), tt.windows, tt.troubles, at(200), keeps)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("FindGaps (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryMomentIsInAWindowOrAGap is the invariant on which every claim of completeness rests.
func TestEveryMomentIsInAWindowOrAGap(t *testing.T) {
	const minutes = 80
	causes := []Cause{TokenExpired, TokenRefused, FeatureMissing, Unreachable, SwitchedOff, CursorLost}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) Span {
			return span(rapid.IntRange(0, minutes).Draw(t, name+"From"), rapid.IntRange(0, minutes).Draw(t, name+"To"))
		}
		var windows Spans
		for range rapid.IntRange(0, 4).Draw(t, "windows") {
			windows = windows.Add(draw("window"))
		}
		var troubles []Trouble
		for range rapid.IntRange(0, 4).Draw(t, "troubles") {
			tr := Trouble{Span: draw("trouble"), Cause: rapid.SampledFrom(causes).Draw(t, "cause")}
			if rapid.Bool().Draw(t, "open") {
				tr.To = time.Time{}
			}
			troubles = append(troubles, tr)
		}
		asked := draw("asked")
		now := at(rapid.IntRange(0, minutes).Draw(t, "now"))
		gaps := FindGaps(asked, windows, troubles, now, 30*time.Minute)
		for m := range minutes {
			inGaps := 0
			for _, g := range gaps {
				if g.Contains(at(m)) {
					inGaps++
				}
			}
			want := 0
			if asked.Contains(at(m)) && !windows.Contains(at(m)) {
				want = 1
			}
			if inGaps != want {
				t.Fatalf("minute %d lies in %d gaps, want %d\nasked %v windows %v gaps %v", m, inGaps, want, asked, windows, gaps)
			}
		}
		for i, g := range gaps {
			if g.Empty() || g.Cause == "" {
				t.Fatalf("gap %d is empty or has no cause: %v", i, g)
			}
			if i > 0 && g.From.Before(gaps[i-1].To) {
				t.Fatalf("gaps overlap or are out of order: %v", gaps)
			}
			if !g.HealUntil.IsZero() && g.HealUntil.Before(now) {
				t.Fatalf("gap %v claims that it could be healed until a time that has passed, now %v", g, now)
			}
		}
	})
}
