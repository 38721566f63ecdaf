package program

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
)

// byRef puts requirements in order of framework and identifier.
func byRef(a, b evidence.RequirementRef) int {
	return cmp.Or(strings.Compare(a.Framework, b.Framework), framework.Order(a.ID, b.ID), strings.Compare(a.ID, b.ID))
}

// refWords writes requirements in a line.
func refWords(refs []evidence.RequirementRef) string {
	var out []string
	for _, r := range refs {
		out = append(out, r.Framework+":"+r.ID)
	}
	return strings.Join(out, ", ")
}

// mapped ends a line of the trail with what a control serves.
func mapped(refs []evidence.RequirementRef) string {
	if len(refs) == 0 {
		return ""
	}
	return " (serves " + refWords(refs) + ")"
}

// differing tells what was added to requirements and what was taken away.
func differing(before, after []evidence.RequirementRef) []string {
	var out []string
	without := func(all, others []evidence.RequirementRef) []evidence.RequirementRef {
		return slices.DeleteFunc(slices.Clone(all), func(r evidence.RequirementRef) bool { return slices.Contains(others, r) })
	}
	if added := without(after, before); len(added) > 0 {
		out = append(out, "now also serves "+refWords(added))
	}
	if gone := without(before, after); len(gone) > 0 {
		out = append(out, "no longer serves "+refWords(gone))
	}
	return out
}
