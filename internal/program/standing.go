package program

import (
	"context"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Standing gives the four marks of evidence over the period of an audit. Evidence of another time does not carry over: an audit is
// about its period alone.
type Standing struct {
	marker
	period evidence.Span
}

// Standing works out what the marks of a period need for the artifacts that are shown.
func (s *Service) Standing(ctx context.Context, ws evidence.ID, period evidence.Span, shown []evidence.Artifact) (Standing, error) {
	out := Standing{marker: marker{now: s.now().UTC()}, period: period}
	var err error
	if out.verdicts, err = s.verdicts(ctx, ws); err != nil {
		return out, err
	}
	out.integrity, err = s.integrity(ctx, ws, shown)
	return out, err
}

// Control gives the marks of everything that proves a control, together. All of the period must lie in evidence, so what was
// never asked for is as inconclusive as what was not read.
func (t Standing) Control(list []evidence.Artifact) Cell {
	c := t.none()
	elapsed := t.elapsed()
	if !elapsed.Empty() && len(list) > 0 {
		c.Freshness, c.Coverage = t.ends(list, elapsed), extent(list, elapsed, t.now)
	}
	t.judge(&c, list)
	return c
}

// Artifact gives the marks of one artifact: what was read of its own time, as far as that is of the period.
func (t Standing) Artifact(a evidence.Artifact) Cell {
	c := t.none()
	elapsed := t.elapsed()
	if own := elapsed.Intersect(a.Period); !own.Empty() {
		c.Freshness, c.Coverage = t.ends([]evidence.Artifact{a}, elapsed), extent([]evidence.Artifact{a}, own, t.now)
	}
	t.judge(&c, []evidence.Artifact{a})
	return c
}

func (t Standing) none() Cell {
	c := Cell{Month: t.period, Verdict: NoVerdict, Freshness: NotFresh, Coverage: NoExtent, Integrity: NoIntegrity}
	if t.elapsed().Empty() {
		c.Freshness = Ahead
	}
	return c
}

func (t Standing) elapsed() evidence.Span {
	return evidence.Span{From: t.period.From, To: evidence.Earliest(t.period.To, t.now)}
}

// ends says whether evidence reaches to the end of the period; while that runs, to what may be expected by now.
func (t Standing) ends(list []evidence.Artifact, elapsed evidence.Span) Freshness {
	due := elapsed.To
	if t.now.Before(t.period.To) {
		due = due.Add(-grace)
	}
	for _, a := range list {
		if !a.Period.To.Before(due) {
			return Fresh
		}
	}
	return EndsOff
}
