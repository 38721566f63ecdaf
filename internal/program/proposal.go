package program

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Profile gives what the workspace told of its company; ok is false while it told nothing.
func (s *Service) Profile(ctx context.Context, ws evidence.ID) (p framework.Profile, ok bool, err error) {
	stored, ok, err := s.store.Profile(ctx, ws)
	if err != nil {
		return p, false, fmt.Errorf("reading the profile: %w", err)
	}
	return framework.Profile{Industry: stored.Industry, Size: stored.Size, Systems: stored.Systems}, ok, nil
}

// SetProfile keeps what a person told of the company. It changes no control: Propose says what fits.
func (s *Service) SetProfile(ctx context.Context, c people.Caller, p framework.Profile) error {
	if err := c.May(people.ManageControls); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	at := s.now().UTC()
	if err := s.store.PutProfile(ctx, c.Workspace, store.Profile{Industry: p.Industry, Size: p.Size, Systems: p.Systems, At: at, By: c.Who()}); err != nil {
		return fmt.Errorf("keeping the profile: %w", err)
	}
	return s.note(ctx, c.Workspace, c.Who(), "profile.set", "company", strings.Join(slices.DeleteFunc(append([]string{p.Industry, p.Size}, p.Systems...), func(s string) bool { return s == "" }), ", "))
}

// ItemKind says what accepting an item makes.
type ItemKind string

// The kinds of items.
const (
	NewControl ItemKind = "control" // a control that is not there
	NewAction  ItemKind = "action"  // an action of a control that is there or proposed
	NewMapping ItemKind = "map"     // more requirements for a control that is there
)

// Item is one thing that is proposed, to be accepted or not on its own.
type Item struct {
	ID           string // kind and key: "control:EX-13"
	Kind         ItemKind
	Key          string // of the control or action
	Control      string // key of the control that it belongs to
	Title        string
	Description  string
	Why          string
	Requirements []evidence.RequirementRef
	action       framework.StarterAction
}

// Proposal is what would suit a company that works with some frameworks.
type Proposal struct {
	Frameworks []Framework
	Items      []Item // a control, then its actions
}

// Propose gives the starter controls, actions and mappings that suit the profile and some frameworks and are not there
// yet. Without frameworks it looks at those in use. Controls that were retired are not proposed again.
func (s *Service) Propose(ctx context.Context, ws evidence.ID, ids []string) (Proposal, error) {
	var p Proposal
	all, err := s.Frameworks(ctx, ws)
	if err != nil {
		return p, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(f Framework) bool { return f.ID == id }) {
			return p, evidence.Errorf(evidence.NotFound, "There is no framework %.80q. Run exhibit frameworks list to see which there are.", id)
		}
	}
	var scope []string
	for _, f := range all {
		if len(ids) == 0 && f.InUse() || slices.Contains(ids, f.ID) {
			p.Frameworks = append(p.Frameworks, f)
			scope = append(scope, f.ID)
		}
	}
	profile, _, err := s.Profile(ctx, ws)
	if err != nil {
		return p, err
	}
	there, err := s.work(ctx, ws)
	if err != nil {
		return p, err
	}
	offers, err := framework.Offers()
	if err != nil {
		return p, fmt.Errorf("reading the starter controls: %w", err)
	}
	known := requirementsOf(all)
	for _, o := range offers {
		why, ok := o.Fits(profile)
		// A workspace may have loaded another text under a framework's id; only what it knows is proposed.
		serves := slices.DeleteFunc(o.Serves(scope), func(r evidence.RequirementRef) bool { return known[r].ID == "" || known[r].Withdrawn })
		if ok && len(serves) > 0 {
			p.Items = append(p.Items, there.items(o, why, serves)...)
		}
	}
	return p, nil
}

// items gives what is missing of an offer.
func (w work) items(o framework.Offer, why string, serves []evidence.RequirementRef) []Item {
	var out []Item
	at := slices.IndexFunc(w.controls, func(c evidence.Control) bool { return c.Key == o.Key })
	switch {
	case at < 0:
		out = append(out, Item{ID: "control:" + o.Key, Kind: NewControl, Key: o.Key, Control: o.Key, Title: o.Name, Description: o.Description, Why: why, Requirements: serves})
	case !w.controls[at].RetiredAt.IsZero():
		return nil
	default:
		c := w.controls[at]
		more := slices.DeleteFunc(serves, func(r evidence.RequirementRef) bool { return slices.Contains(c.Requirements, r) })
		if len(more) > 0 {
			out = append(out, Item{ID: "map:" + c.Key, Kind: NewMapping, Key: c.Key, Control: c.Key, Title: c.Name, Description: c.Description,
				Why: "It is there already and helps to meet these too", Requirements: more})
		}
	}
	for _, a := range o.Actions {
		if !w.hasAction(a.Key) {
			out = append(out, Item{ID: "action:" + a.Key, Kind: NewAction, Key: a.Key, Control: o.Key, Title: a.Title, Description: a.Description, Why: "Proves " + o.Key, action: a})
		}
	}
	return out
}

func (w work) hasAction(key string) bool {
	for _, list := range w.actions {
		if slices.ContainsFunc(list, func(a evidence.Action) bool { return a.Key == key }) {
			return true
		}
	}
	return false
}

// Adoption says what accepting a proposal made.
type Adoption struct {
	Frameworks []string // taken into use now
	Controls   int
	Actions    int
	Mapped     int // controls that serve more requirements now
}

// Adopt takes frameworks into use and makes the accepted items of their proposal; accepted nil means all of them. What is
// there already stays as it is. After a crash half-way it can be called again and makes the rest.
func (s *Service) Adopt(ctx context.Context, c people.Caller, ids, accepted []string) (Adoption, error) {
	var made Adoption
	if err := c.May(people.ManageControls); err != nil {
		return made, err
	}
	p, err := s.Propose(ctx, c.Workspace, ids)
	if err != nil {
		return made, err
	}
	chosen, err := p.choose(accepted)
	if err != nil {
		return made, err
	}
	at := s.now().UTC().Truncate(time.Second)
	for _, item := range chosen {
		if err := s.accept(ctx, c, item, at, &made); err != nil {
			return made, err
		}
	}
	// Last, as it says that the above is there.
	for _, f := range p.Frameworks {
		if f.InUse() {
			continue
		}
		if err := s.store.UseFramework(ctx, c.Workspace, f.ID, f.Version, at); err != nil {
			return made, fmt.Errorf("noting the framework as in use: %w", err)
		}
		made.Frameworks = append(made.Frameworks, f.ID)
		if err := s.note(ctx, c.Workspace, c.Who(), "framework.use", f.ID, fmt.Sprintf("%d controls and %d actions made, %d controls mapped", made.Controls, made.Actions, made.Mapped)); err != nil {
			return made, err
		}
	}
	return made, nil
}

// choose gives the accepted items in the order of the proposal.
func (p Proposal) choose(accepted []string) ([]Item, error) {
	if accepted == nil {
		return p.Items, nil
	}
	has := func(id string) bool { return slices.ContainsFunc(p.Items, func(i Item) bool { return i.ID == id }) }
	for _, id := range accepted {
		if !has(id) {
			return nil, evidence.Errorf(evidence.Conflict, "%.80q is not proposed, or somebody else accepted it meanwhile. Look at the proposal again.", id)
		}
	}
	var out []Item
	for _, i := range p.Items {
		if !slices.Contains(accepted, i.ID) {
			continue
		}
		if control := "control:" + i.Control; i.Kind == NewAction && has(control) && !slices.Contains(accepted, control) {
			return nil, evidence.Errorf(evidence.Invalid, "The action %s proves the control %s. Accept that too, or leave the action out.", i.Key, i.Control)
		}
		out = append(out, i)
	}
	return out, nil
}

func (s *Service) accept(ctx context.Context, c people.Caller, item Item, at time.Time, made *Adoption) error {
	switch item.Kind {
	case NewControl:
		_, err := s.AddControl(ctx, c, ControlDraft{Key: item.Key, Name: item.Title, Description: item.Description, Requirements: item.Requirements})
		if err != nil {
			return err
		}
		made.Controls++
	case NewMapping:
		if _, err := s.MapControl(ctx, c, item.Key, item.Requirements, nil); err != nil {
			return err
		}
		made.Mapped++
	case NewAction:
		control, err := s.store.Control(ctx, c.Workspace, item.Control)
		if err != nil {
			return err
		}
		a := item.action
		_, err = s.store.PutAction(ctx, evidence.Action{
			ID: evidence.NewID(evidence.PrefixAction), Workspace: c.Workspace, Key: a.Key, Control: control.ID, Title: a.Title, Description: a.Description,
			Owner: a.Owner, Due: a.Due(at), Cadence: a.Cadence, Recipe: a.Recipe, Status: evidence.ActionOpen, CreatedAt: at,
		})
		if err != nil {
			return fmt.Errorf("making action %s: %w", a.Key, err)
		}
		made.Actions++
	}
	return nil
}
