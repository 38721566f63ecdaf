package program

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// ActionFilter narrows the list of actions; what is empty narrows nothing.
type ActionFilter struct {
	State     State
	Owner     string // owner or delegate, in any case of letters
	Control   string // id or key
	Framework string // that the action's control serves
	Due       string // one of DueWords
	Evidence  string // one of EvidenceWords
	Text      string // that key, title or description hold, in any case of letters
	Retired   bool   // retired ones too; a State of retired shows them anyway
}

// DueWords are what can be asked of the due date: passed, within 7 or 31 days from now, or none.
func DueWords() []string { return []string{"overdue", "week", "month", "none"} }

// EvidenceWords are what can be asked of the evidence: something is attached, nothing is, or something is still asked for.
func EvidenceWords() []string { return []string{"some", "none", "missing"} }

func (f ActionFilter) check() error {
	switch {
	case f.State != "" && !slices.Contains(States(), f.State):
		return evidence.Errorf(evidence.Invalid, "There is no status %.40q. Actions are overdue, due_soon, open, in_progress, in_review, done or retired.", f.State)
	case f.Due != "" && !slices.Contains(DueWords(), f.Due):
		return evidence.Errorf(evidence.Invalid, "%.40q says nothing of a due date. Write overdue, week, month or none.", f.Due)
	case f.Evidence != "" && !slices.Contains(EvidenceWords(), f.Evidence):
		return evidence.Errorf(evidence.Invalid, "%.40q says nothing of evidence. Write some, none or missing.", f.Evidence)
	}
	return nil
}

// FilteredActions gives the actions that fit a filter, in order of their keys.
func (s *Service) FilteredActions(ctx context.Context, ws evidence.ID, f ActionFilter) ([]ActionView, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	all, err := s.Actions(ctx, ws)
	if err != nil {
		return nil, err
	}
	controls, err := s.store.Controls(ctx, ws)
	if err != nil {
		return nil, err
	}
	serves := map[evidence.ID]bool{}
	for _, c := range controls {
		serves[c.ID] = slices.ContainsFunc(c.Requirements, func(r evidence.RequirementRef) bool { return r.Framework == f.Framework })
	}
	return slices.DeleteFunc(all, func(v ActionView) bool { return !f.fits(v, serves, s.now()) }), nil
}

func (f ActionFilter) fits(v ActionView, serves map[evidence.ID]bool, now time.Time) bool {
	a := v.Action
	switch {
	case f.State != "" && v.State != f.State,
		f.State == "" && !f.Retired && !a.RetiredAt.IsZero(),
		f.Owner != "" && !strings.EqualFold(a.Owner, f.Owner) && !strings.EqualFold(a.Delegate, f.Owner),
		f.Control != "" && string(a.Control) != f.Control && v.ControlKey != f.Control,
		f.Framework != "" && !serves[a.Control]:
		return false
	}
	return f.fitsDue(v, now) && f.fitsEvidence(v) && f.fitsText(a)
}

func (f ActionFilter) fitsDue(v ActionView, now time.Time) bool {
	due, waits := v.Action.Due, v.Action.Status != evidence.ActionDone && !v.Idle
	within := func(d time.Duration) bool { return waits && !due.IsZero() && !due.Before(now) && due.Sub(now) <= d }
	switch f.Due {
	case "overdue":
		return v.Overdue
	case "week":
		return within(dueSoon)
	case "month":
		return within(31 * 24 * time.Hour)
	case "none":
		return due.IsZero()
	}
	return true
}

func (f ActionFilter) fitsEvidence(v ActionView) bool {
	switch f.Evidence {
	case "some":
		return len(v.Artifacts) > 0
	case "none":
		return len(v.Artifacts) == 0
	case "missing":
		return len(v.Open) > 0
	}
	return true
}

func (f ActionFilter) fitsText(a evidence.Action) bool {
	wanted := strings.ToLower(strings.TrimSpace(f.Text))
	return slices.ContainsFunc([]string{a.Key, a.Title, a.Description}, func(s string) bool { return strings.Contains(strings.ToLower(s), wanted) })
}

// Action gives an action by its id or key as it stands.
func (s *Service) Action(ctx context.Context, ws evidence.ID, idOrKey string) (ActionView, error) {
	all, err := s.Actions(ctx, ws)
	if err != nil {
		return ActionView{}, err
	}
	at := slices.IndexFunc(all, func(v ActionView) bool { return string(v.Action.ID) == idOrKey || v.Action.Key == idOrKey })
	if at < 0 {
		return ActionView{}, evidence.Errorf(evidence.NotFound, "There is no action %.60q in this workspace.", idOrKey)
	}
	return all[at], nil
}
