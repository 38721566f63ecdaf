package view

import (
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

func among(list []string, s string) bool { return slices.Contains(list, s) }

// verbOption writes a verb of the trail for a choice; one without a dot stands for all of its kind.
func verbOption(verb string) string {
	if strings.Contains(verb, ".") {
		return ui.Visible(verb)
	}
	return ui.Visible(verb) + ", all"
}

// Thing splits the subject of a line into the name that people know and the id that programs know; one of them may be empty.
func (l TrailLine) Thing() (name, id string) {
	first, rest, _ := strings.Cut(l.Subject, " ")
	if prefix, _, ok := strings.Cut(first, "_"); ok && len(prefix) == 2 {
		return rest, first
	}
	return l.Subject, ""
}

// tokenBadge gives tone and word of a token's state.
func tokenBadge(s apitoken.State) (ui.Tone, string) {
	switch s {
	case apitoken.Active:
		return ui.OK, "Active"
	case apitoken.Expired:
		return ui.Idle, "Expired"
	case apitoken.Revoked:
		return ui.Idle, "Revoked"
	}
	return ui.Idle, string(s)
}
