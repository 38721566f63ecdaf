package program

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// TestStanding holds what evidence is worth for an audit: its own time decides about an artifact, the whole period about a control.
func TestStanding(t *testing.T) {
	day := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, time.UTC) }
	of := func(from, to time.Time, r evidence.Completeness) evidence.Artifact {
		return evidence.Artifact{ID: "ar_1", Kind: evidence.Derived, Recipe: "coverage", Period: evidence.Span{From: from, To: to}, Latest: evidence.ArtifactVersion{Result: r}}
	}
	july := of(day(7, 1), day(8, 1), evidence.Complete)
	rest := of(day(8, 1), day(10, 1), evidence.Complete)
	for name, x := range map[string]struct {
		now               time.Time
		list              []evidence.Artifact
		control, artifact [2]string // freshness and coverage; of the first artifact
	}{
		"whole":                  {day(11, 1), []evidence.Artifact{rest, july}, [2]string{"current", "whole"}, [2]string{"current", "whole"}},
		"a month is missing":     {day(11, 1), []evidence.Artifact{july}, [2]string{"partial", "inconclusive"}, [2]string{"partial", "whole"}},
		"the next is not due":    {day(8, 20), []evidence.Artifact{july}, [2]string{"current", "whole"}, [2]string{"current", "whole"}},
		"the next should be due": {day(9, 20), []evidence.Artifact{july}, [2]string{"partial", "whole"}, [2]string{"partial", "whole"}},
		"a gap":                  {day(11, 1), []evidence.Artifact{of(day(7, 1), day(10, 1), evidence.Inconclusive)}, [2]string{"current", "inconclusive"}, [2]string{"current", "inconclusive"}},
		"an upload":              {day(11, 1), []evidence.Artifact{{ID: "ar_2", Kind: evidence.Uploaded, Period: july.Period}}, [2]string{"partial", "unmeasured"}, [2]string{"partial", "unmeasured"}},
		"not begun":              {day(6, 1), []evidence.Artifact{july}, [2]string{"ahead", "none"}, [2]string{"ahead", "none"}},
		"nothing":                {day(11, 1), nil, [2]string{"none", "none"}, [2]string{}},
	} {
		s := Standing{marker: marker{now: x.now}, period: evidence.Span{From: day(7, 1), To: day(10, 1)}}
		if c := s.Control(x.list); string(c.Freshness) != x.control[0] || string(c.Coverage) != x.control[1] {
			t.Errorf("%s: the control is %s and %s", name, c.Freshness, c.Coverage)
		}
		if len(x.list) == 0 {
			continue
		}
		if c := s.Artifact(x.list[0]); string(c.Freshness) != x.artifact[0] || string(c.Coverage) != x.artifact[1] {
			t.Errorf("%s: the artifact is %s and %s", name, c.Freshness, c.Coverage)
		}
	}
}
