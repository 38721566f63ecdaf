package explore

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// maxFilterName is how many characters a filter's name has at most.
const maxFilterName = 80

// maxFilters is how many filters a member may keep.
const maxFilters = 200

// SaveFilter keeps a filter under its name for c. Times, stream and matches are as the caller read them.
func (s *Service) SaveFilter(ctx context.Context, c people.Caller, f evidence.Filter) (evidence.Filter, error) {
	if err := c.May(people.ReadEvents); err != nil {
		return evidence.Filter{}, err
	}
	name, err := filterName(f.Name)
	if err != nil {
		return evidence.Filter{}, err
	}
	all, err := s.cfg.Store.Filters(ctx, c.Workspace, c.Member)
	if err != nil {
		return evidence.Filter{}, err
	}
	own := 0
	for _, other := range all {
		if other.Member == c.Member {
			own++
		}
	}
	if own >= maxFilters {
		return evidence.Filter{}, evidence.Errorf(evidence.Conflict, "You keep %d filters, which is as many as there may be. Remove one first.", own)
	}
	f.ID, f.Workspace, f.Member, f.Owner, f.Name = evidence.NewID(evidence.PrefixFilter), c.Workspace, c.Member, c.Name, name
	f.CreatedAt, f.UpdatedAt = s.now(), s.now()
	return f, s.cfg.Store.AddFilter(ctx, f)
}

// filterName checks a name that a person typed.
func filterName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", evidence.Errorf(evidence.Invalid, "A saved filter needs a name. Write one that says what it finds, such as Exports by contractors.")
	case utf8.RuneCountInString(name) > maxFilterName:
		return "", evidence.Errorf(evidence.Invalid, "The name is longer than %d characters. Write a shorter one.", maxFilterName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "", evidence.Errorf(evidence.Invalid, "The name holds characters that cannot be seen. Type it anew.")
	}
	return name, nil
}

// Filters gives the filters of c and those that others share, in the order of their names.
func (s *Service) Filters(ctx context.Context, c people.Caller) ([]evidence.Filter, error) {
	if err := c.May(people.ReadEvents); err != nil {
		return nil, err
	}
	return s.cfg.Store.Filters(ctx, c.Workspace, c.Member)
}

// Filter gives one filter that c may use.
func (s *Service) Filter(ctx context.Context, c people.Caller, id evidence.ID) (evidence.Filter, error) {
	if err := c.May(people.ReadEvents); err != nil {
		return evidence.Filter{}, err
	}
	f, err := s.cfg.Store.Filter(ctx, c.Workspace, id)
	if err == nil && f.Member != c.Member && !f.Shared {
		return evidence.Filter{}, evidence.Errorf(evidence.NotFound, "There is no saved filter %.60s.", id)
	}
	return f, err
}

// MayChange reports whether c may rename and remove a filter: his own, and a shared one if he may build artifacts, so that
// what somebody left behind can be tidied up.
func MayChange(c people.Caller, f evidence.Filter) bool {
	return f.Member == c.Member || f.Shared && c.Has(people.BuildArtifacts)
}

// ChangeFilter gives a filter another name, and shares it or keeps it to its owner.
func (s *Service) ChangeFilter(ctx context.Context, c people.Caller, id evidence.ID, name string, shared bool) (evidence.Filter, error) {
	f, err := s.changeable(ctx, c, id)
	if err != nil {
		return f, err
	}
	if f.Name, err = filterName(name); err != nil {
		return f, err
	}
	f.Shared, f.UpdatedAt = shared, s.now()
	return f, s.cfg.Store.UpdateFilter(ctx, f)
}

// RemoveFilter forgets a filter.
func (s *Service) RemoveFilter(ctx context.Context, c people.Caller, id evidence.ID) error {
	f, err := s.changeable(ctx, c, id)
	if err != nil {
		return err
	}
	return s.cfg.Store.DeleteFilter(ctx, c.Workspace, f.ID)
}

func (s *Service) changeable(ctx context.Context, c people.Caller, id evidence.ID) (evidence.Filter, error) {
	f, err := s.Filter(ctx, c, id)
	if err == nil && !MayChange(c, f) {
		return f, evidence.Errorf(evidence.Forbidden, "This filter is %s's. Save one of your own to change it.", f.Owner)
	}
	return f, err
}

// FilterNamed gives the filter of a name in a workspace, for the operator's command line: a shared one before others.
func (s *Service) FilterNamed(ctx context.Context, ws evidence.ID, name string) (evidence.Filter, error) {
	all, err := s.cfg.Store.Filters(ctx, ws, "")
	if err != nil {
		return evidence.Filter{}, err
	}
	var names []string
	var found []evidence.Filter
	for _, f := range all {
		names = append(names, f.Name)
		if f.Name == name || f.ID == evidence.ID(name) {
			found = append(found, f)
		}
	}
	for _, f := range found {
		if f.Shared || len(found) == 1 {
			return f, nil
		}
	}
	switch {
	case len(found) > 1:
		return evidence.Filter{}, evidence.Errorf(evidence.Invalid, "Several people keep a filter %.80q, and none is shared. Give its id: %s is one.", name, found[0].ID)
	case len(names) == 0:
		return evidence.Filter{}, evidence.Errorf(evidence.NotFound, "No filters are saved. Save one on the page Events.")
	}
	return evidence.Filter{}, evidence.Errorf(evidence.NotFound, "There is no saved filter %.80q. These exist: %s.", name, strings.Join(names, ", "))
}
