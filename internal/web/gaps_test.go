package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// TestGapsAskForSomebody holds that Home cries for what can be lost of the reading, and not for what lies before it.
func TestGapsAskForSomebody(t *testing.T) {
	const keep = 120 * day
	made := noon.Add(-20 * day)
	gap := func(from, to time.Duration, cause evidence.Cause) evidence.Gap {
		g := evidence.Gap{Span: evidence.Span{From: noon.Add(from), To: noon.Add(to)}, Cause: cause, Reason: "Why."}
		g.HealUntil = g.From.Add(keep)
		return g
	}
	beyond := gap(-130*day, -121*day, evidence.BeyondRetention)
	beyond.HealUntil = time.Time{}
	type row struct {
		Title string
		By    time.Time
	}
	for name, test := range map[string]struct {
		state        evidence.State
		gaps         []evidence.Gap
		lost, before []row
	}{
		"nobody can mend it": {evidence.StateActive, []evidence.Gap{beyond}, nil, nil},
		"before it was connected": {evidence.StateActive, []evidence.Gap{gap(-119*day, -100*day, evidence.NotCollected)},
			nil, []row{{"1Password: 1 gap, not collected yet, from before it was connected", time.Time{}}}},
		"while the first reading is on its way": {evidence.StateBackfilling, []evidence.Gap{gap(-119*day, 0, evidence.NotCollected)}, nil, nil},
		"an outage during the first reading": {evidence.StateBackfilling, []evidence.Gap{gap(-2*day, -day, evidence.Unreachable)},
			[]row{{"1Password: 1 gap, source unreachable", noon.Add(118 * day)}}, nil},
		"since it was connected": {evidence.StateActive, []evidence.Gap{gap(-9*day, -8*day, evidence.NotCollected), gap(-10*day, -9*day, evidence.NotCollected)},
			[]row{{"1Password: 2 gaps, not collected yet", noon.Add(110 * day)}}, nil},
		"from before until after": {evidence.StateActive, []evidence.Gap{gap(-119*day, 0, evidence.FeatureMissing)},
			[]row{{"1Password: 1 gap, event type missing in the token", made.Add(keep)}}, nil},
	} {
		r := reading{connection: evidence.Connection{ID: "cn_1", CreatedAt: made}, health: evidence.Health{State: test.state}}
		lost, before := concerns(overview{readings: []reading{r}, coverage: []evidence.StreamCoverage{{Connection: "cn_1", Name: "1Password", Gaps: test.gaps}}}, noon)
		var gotLost, gotBefore []row
		for _, a := range lost {
			gotLost = append(gotLost, row{a.Title, a.By})
		}
		for _, a := range before {
			gotBefore = append(gotBefore, row{a.Title, a.By})
		}
		if diff := cmp.Diff(test.lost, gotLost); diff != "" {
			t.Errorf("%s: lost: %s", name, diff)
		}
		if diff := cmp.Diff(test.before, gotBefore); diff != "" {
			t.Errorf("%s: before: %s", name, diff)
		}
	}
}
