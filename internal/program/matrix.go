package program

import (
	"context"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// MaxMonths is how many months a matrix can have.
const MaxMonths = 24

// MatrixRequest says which matrix is asked for.
type MatrixRequest struct {
	Framework string
	Controls  bool          // rows are the controls that serve the framework, instead of its requirements
	Period    evidence.Span // widened to whole months (UTC)
}

// Matrix shows for each row and month how the evidence stands, as four marks that are never mixed.
type Matrix struct {
	Framework Framework
	Controls  bool
	Months    []evidence.Span
	Rows      []MatrixRow
}

// MatrixRow is a requirement with the controls that serve it, or one control.
type MatrixRow struct {
	ID       string // the requirement's identifier, or the control's key
	Title    string
	Group    string
	Controls []evidence.Control // the ones that serve the requirement, or the control itself
	Cells    []Cell             // one for each month
}

// Cell is one month of one row.
type Cell struct {
	Month     evidence.Span
	Artifacts []evidence.ID // what it counts, the newest period first
	Verdict   Verdict
	Freshness Freshness
	Coverage  Extent
	Integrity Integrity
}

// Months gives the whole months (UTC) that a span touches, at most MaxMonths and then the last ones.
func Months(span evidence.Span) []evidence.Span {
	var out []evidence.Span
	if span.Empty() {
		return out
	}
	for m := evidence.Monthly.PeriodAt(span.To.Add(-1)); m.To.After(span.From) && len(out) < MaxMonths; m = evidence.Monthly.PeriodAt(m.From.Add(-1)) {
		out = append(out, m)
	}
	slices.Reverse(out)
	return out
}

// Matrix gives the matrix of a framework. Withdrawn requirements and retired controls are left out.
func (s *Service) Matrix(ctx context.Context, ws evidence.ID, req MatrixRequest) (Matrix, error) {
	f, err := s.Framework(ctx, ws, req.Framework)
	if err != nil {
		return Matrix{}, err
	}
	m := Matrix{Framework: f, Controls: req.Controls, Months: Months(req.Period)}
	if len(m.Months) == 0 {
		return m, evidence.Errorf(evidence.Invalid, "The period ends before it begins.")
	}
	k := marker{now: s.now().UTC(), months: m.Months}
	if k.work, err = s.work(ctx, ws); err != nil {
		return m, err
	}
	if k.verdicts, err = s.verdicts(ctx, ws); err != nil {
		return m, err
	}
	rows := k.requirementRows
	if req.Controls {
		rows = k.controlRows
	}
	m.Rows = rows(f)
	if k.integrity, err = s.integrity(ctx, ws, k.shown(m.Rows)); err != nil {
		return m, err
	}
	for _, row := range m.Rows {
		for i := range row.Cells {
			k.proofs(&row.Cells[i])
		}
	}
	return m, nil
}

// shown gives the artifacts that the cells of rows count; one may be among them several times.
func (k marker) shown(rows []MatrixRow) []evidence.Artifact {
	by := map[evidence.ID]evidence.Artifact{}
	for _, list := range k.work.artifacts {
		for _, a := range list {
			by[a.ID] = a
		}
	}
	var out []evidence.Artifact
	for _, row := range rows {
		for _, c := range row.Cells {
			for _, id := range c.Artifacts {
				out = append(out, by[id])
			}
		}
	}
	return out
}

// marker works out the marks of cells.
type marker struct {
	work      work
	now       time.Time
	months    []evidence.Span
	verdicts  map[evidence.ID]Verdict
	integrity map[evidence.ID]Integrity
}

func (k marker) requirementRows(f Framework) []MatrixRow {
	serving := map[string][]evidence.Control{}
	for _, c := range k.work.controls {
		for _, ref := range c.Requirements {
			if ref.Framework == f.ID && c.RetiredAt.IsZero() {
				serving[ref.ID] = append(serving[ref.ID], c)
			}
		}
	}
	var out []MatrixRow
	for _, r := range f.Requirements {
		if !r.Withdrawn {
			out = append(out, k.row(MatrixRow{ID: r.ID, Title: r.Title, Group: r.Group, Controls: serving[r.ID]}))
		}
	}
	return out
}

func (k marker) controlRows(f Framework) []MatrixRow {
	var out []MatrixRow
	for _, c := range k.work.controls {
		serves := slices.ContainsFunc(c.Requirements, func(r evidence.RequirementRef) bool { return r.Framework == f.ID })
		if serves && c.RetiredAt.IsZero() {
			out = append(out, k.row(MatrixRow{ID: c.Key, Title: c.Name, Group: "Controls", Controls: []evidence.Control{c}}))
		}
	}
	return out
}

func (k marker) row(r MatrixRow) MatrixRow {
	for _, m := range k.months {
		r.Cells = append(r.Cells, k.cell(m, r.Controls))
	}
	return r
}

func (k marker) cell(month evidence.Span, controls []evidence.Control) Cell {
	c := Cell{Month: month, Verdict: NoVerdict, Freshness: Ahead, Coverage: NoExtent, Integrity: NoIntegrity}
	elapsed := evidence.Span{From: month.From, To: evidence.Earliest(month.To, k.now)}
	if elapsed.Empty() {
		return c
	}
	counted := k.touching(month, controls)
	if len(counted) > 0 {
		c.Freshness, c.Coverage = reach(counted, elapsed, k.now), extent(counted, elapsed, k.now)
	} else {
		counted, c.Freshness = k.earlier(month, controls)
	}
	k.judge(&c, counted)
	return c
}

// judge adds what people concluded about evidence and whether its proofs hold.
func (k marker) judge(c *Cell, counted []evidence.Artifact) {
	var verdicts []Verdict
	for _, a := range counted {
		c.Artifacts = append(c.Artifacts, a.ID)
		verdicts = append(verdicts, known(k.verdicts, a.ID, NotReviewed))
	}
	c.Verdict = weakest([]Verdict{Rejected, ChangesRequested, NotReviewed, Reopened, Approved}, NoVerdict, verdicts)
	k.proofs(c)
}

// proofs adds whether the proofs of what a cell counts hold.
func (k marker) proofs(c *Cell) {
	var integrity []Integrity
	for _, id := range c.Artifacts {
		integrity = append(integrity, known(k.integrity, id, NotChecked))
	}
	c.Integrity = weakest([]Integrity{ProofsFail, NotChecked, ProofsHold}, NoIntegrity, integrity)
}

func known[M any](all map[evidence.ID]M, id evidence.ID, otherwise M) M {
	if m, ok := all[id]; ok {
		return m
	}
	return otherwise
}

// touching gives the evidence of controls whose period touches a month, each artifact once, the newest period first.
func (k marker) touching(month evidence.Span, controls []evidence.Control) []evidence.Artifact {
	var out []evidence.Artifact
	for _, c := range controls {
		for _, a := range k.work.artifacts[c.ID] {
			there := slices.ContainsFunc(out, func(b evidence.Artifact) bool { return a.ID == b.ID })
			if !there && !a.Period.Intersect(month).Empty() {
				out = append(out, a)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b evidence.Artifact) int { return b.Period.To.Compare(a.Period.To) })
	return out
}

// earlier gives the newest evidence from before a month that has none of its own. It carries on while the period of the
// control's cadence that the month lies in is not over and the one before it was proven; then it is stale.
func (k marker) earlier(month evidence.Span, controls []evidence.Control) ([]evidence.Artifact, Freshness) {
	var newest evidence.Artifact
	fresh := NotFresh
	for _, c := range controls {
		cadence := k.work.cadence(c.ID)
		running := cadence.PeriodAt(month.From)
		before := cadence.PeriodBefore(month.From)
		for _, a := range k.work.artifacts[c.ID] {
			if a.Period.To.After(month.From) {
				continue
			}
			if running.To.After(k.now) && a.Period.To.After(before.From) {
				fresh = Carried
			} else if fresh == NotFresh {
				fresh = Stale
			}
			if a.Period.To.After(newest.Period.To) {
				newest = a
			}
		}
	}
	if newest.ID == "" {
		return nil, NotFresh
	}
	return []evidence.Artifact{newest}, fresh
}

// reach says whether evidence reaches to the end of what has passed of a month. While a month runs, anything of it does.
func reach(list []evidence.Artifact, elapsed evidence.Span, now time.Time) Freshness {
	if elapsed.To.Equal(now) {
		return Fresh
	}
	for _, a := range list {
		if !a.Period.To.Before(elapsed.To) {
			return Fresh
		}
	}
	return EndsOff
}

// extent says whether what has passed of a month lies whole in conclusive evidence, for each recipe on its own: that one
// kind of evidence is whole does not mend another that is not. What a running month has seen since evidence was built is not asked for.
func extent(list []evidence.Artifact, elapsed evidence.Span, now time.Time) Extent {
	spans := map[string]evidence.Spans{}
	for _, a := range list {
		if a.Kind == evidence.Uploaded {
			continue
		}
		s := spans[a.Recipe]
		if a.Latest.Result == evidence.Complete {
			s = s.Add(a.Period)
		}
		spans[a.Recipe] = s
	}
	if len(spans) == 0 {
		return Unmeasured
	}
	for recipe, s := range spans {
		asked := elapsed
		if elapsed.To.Equal(now) {
			for _, a := range list {
				if a.Recipe == recipe {
					asked.To = evidence.Earliest(now, a.Period.To) // the newest stands first
					break
				}
			}
		}
		if len(s.Missing(asked)) > 0 {
			return Inconclusive
		}
	}
	return Whole
}
