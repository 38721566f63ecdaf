package program

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/store"
)

// Framework is a framework as a workspace sees it: as it comes with Exhibit, or as the workspace loaded it.
type Framework struct {
	framework.Framework
	Shipped bool                   // one of this id comes with Exhibit
	Loaded  *store.LoadedFramework // the revision that the workspace loaded; nil: as it comes
	Since   time.Time              // in use since then; zero: not in use
}

// InUse reports whether the workspace works with the framework.
func (f Framework) InUse() bool { return !f.Since.IsZero() }

// Frameworks gives every framework that a workspace can work with: those that come with Exhibit, in their order, and
// then those that it loaded under ids of their own.
func (s *Service) Frameworks(ctx context.Context, ws evidence.ID) ([]Framework, error) {
	shipped, err := s.shipped()
	if err != nil {
		return nil, fmt.Errorf("reading the frameworks that come with Exhibit: %w", err)
	}
	inUse, err := s.store.FrameworksInUse(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing frameworks in use: %w", err)
	}
	loaded, err := s.store.LoadedFrameworks(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing loaded frameworks: %w", err)
	}
	var out []Framework
	for _, f := range shipped {
		out = append(out, Framework{Framework: f, Shipped: true})
	}
	for _, l := range loaded {
		f, err := framework.Parse(l.Document)
		if err != nil {
			return nil, fmt.Errorf("reading revision %d of the loaded framework %s: %w", l.Revision, l.Framework, err)
		}
		l.Document = nil
		at := slices.IndexFunc(out, func(x Framework) bool { return x.ID == f.ID })
		if at < 0 {
			at = len(out)
			out = append(out, Framework{})
		}
		out[at].Framework, out[at].Loaded = f, &l
	}
	for i := range out {
		for _, u := range inUse {
			if u.Framework == out[i].ID {
				out[i].Since = u.Since
			}
		}
	}
	return out, nil
}

// Framework gives one of them; NotFound without it.
func (s *Service) Framework(ctx context.Context, ws evidence.ID, id string) (Framework, error) {
	all, err := s.Frameworks(ctx, ws)
	if err != nil {
		return Framework{}, err
	}
	at := slices.IndexFunc(all, func(f Framework) bool { return f.ID == id })
	if at < 0 {
		return Framework{}, evidence.Errorf(evidence.NotFound, "There is no framework %.80q. Run exhibit frameworks list to see which there are.", id)
	}
	return all[at], nil
}

// FrameworkHistory gives the revisions of a framework that the workspace loaded, the newest first.
func (s *Service) FrameworkHistory(ctx context.Context, ws evidence.ID, id string) ([]store.LoadedFramework, error) {
	all, err := s.store.FrameworkRevisions(ctx, ws, id)
	if err != nil {
		return nil, fmt.Errorf("listing the revisions of %s: %w", id, err)
	}
	return all, nil
}

// requirements tells of every requirement of every framework.
type requirements map[evidence.RequirementRef]framework.Requirement

func requirementsOf(all []Framework) requirements {
	out := requirements{}
	for _, f := range all {
		for _, r := range f.Requirements {
			out[evidence.RequirementRef{Framework: f.ID, ID: r.ID}] = r
		}
	}
	return out
}

// check sees that requirements exist; those in old are not looked at, since they may have been taken out of a framework later.
func (all requirements) check(refs, old []evidence.RequirementRef) error {
	for _, ref := range refs {
		if slices.Contains(old, ref) {
			continue
		}
		r, ok := all[ref]
		switch {
		case !ok:
			return evidence.Errorf(evidence.Invalid, "%.80s has no requirement %.80q. Look at /frameworks or run exhibit frameworks show to see which there are.", ref.Framework, ref.ID)
		case r.Withdrawn:
			return evidence.Errorf(evidence.Invalid, "%.80s %.80s was withdrawn by its publisher. %.200s", ref.Framework, ref.ID, r.Text)
		}
	}
	return nil
}
