package framework

// Change is one requirement that says something else in a new version.
type Change struct {
	Before, After Requirement
}

// Difference is what a new version of a framework brings, each list in the order of its version.
type Difference struct {
	Added   []Requirement
	Removed []Requirement
	Changed []Change
	Same    int
}

// None reports whether the new version says nothing else.
func (d Difference) None() bool { return len(d.Added)+len(d.Removed)+len(d.Changed) == 0 }

// Compare tells what changes from one version of a framework to another, requirement by requirement.
func Compare(before, after Framework) Difference {
	old := make(map[string]Requirement, len(before.Requirements))
	for _, r := range before.Requirements {
		old[r.ID] = r
	}
	var d Difference
	kept := make(map[string]bool, len(after.Requirements))
	for _, r := range after.Requirements {
		kept[r.ID] = true
		was, ok := old[r.ID]
		switch {
		case !ok:
			d.Added = append(d.Added, r)
		case was != r:
			d.Changed = append(d.Changed, Change{was, r})
		default:
			d.Same++
		}
	}
	for _, r := range before.Requirements {
		if !kept[r.ID] {
			d.Removed = append(d.Removed, r)
		}
	}
	return d
}
