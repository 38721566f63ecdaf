package program

import (
	"context"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// ActionFilter narrows the list of actions; what is empty narrows nothing.
type ActionFilter struct {
	State     State
	Owner     string // owner or delegate, in any case of letters
	Control   string // id or key
	Framework string // that the action's control serves
	Retired   bool   // retired ones too; a State of retired shows them anyway
}

// FilteredActions gives the actions that fit a filter, in order of their keys.
func (s *Service) FilteredActions(ctx context.Context, ws evidence.ID, f ActionFilter) ([]ActionView, error) {
	if f.State != "" && !slices.Contains(States(), f.State) {
		return nil, evidence.Errorf(evidence.Invalid, "There is no status %.40q. Actions are overdue, due_soon, open, in_review, done or retired.", f.State)
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
	return slices.DeleteFunc(all, func(v ActionView) bool { return !f.fits(v, serves) }), nil
}

func (f ActionFilter) fits(v ActionView, serves map[evidence.ID]bool) bool {
	a := v.Action
	switch {
	case f.State != "" && v.State != f.State,
		f.State == "" && !f.Retired && !a.RetiredAt.IsZero(),
		f.Owner != "" && !strings.EqualFold(a.Owner, f.Owner) && !strings.EqualFold(a.Delegate, f.Owner),
		f.Control != "" && string(a.Control) != f.Control && v.ControlKey != f.Control,
		f.Framework != "" && !serves[a.Control]:
		return false
	}
	return true
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
