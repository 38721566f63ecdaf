package view

import (
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// StateBadge gives tone, icon and word of a connection's state.
func StateBadge(s evidence.State) (ui.Tone, string, string) {
	switch s {
	case evidence.StateActive:
		return ui.OK, "circle-check", "Active"
	case evidence.StateBackfilling:
		return ui.Info, "refresh-cw", "Backfilling"
	case evidence.StateDegraded:
		return ui.Warn, "triangle-alert", "Degraded"
	case evidence.StateUnauthorized:
		return ui.Bad, "key-round", "Unauthorized"
	case evidence.StatePlan:
		return ui.Bad, "ban", "Plan lacks the Events API"
	case evidence.StateUnreachable:
		return ui.Bad, "unplug", "Unreachable"
	case evidence.StateStale:
		return ui.Warn, "hourglass", "Stale"
	case evidence.StateOff:
		return ui.Idle, "power", "Off"
	case evidence.StatePending:
		return ui.Idle, "hourglass", "Pending"
	}
	return ui.Idle, "circle-help", string(s)
}

// ResultBadge gives tone, icon and word of an artifact's result. Inconclusive has a colour and a word of its own.
func ResultBadge(c evidence.Completeness) (ui.Tone, string, string) {
	switch c {
	case evidence.Complete:
		return ui.OK, "circle-check", "Complete"
	case evidence.Inconclusive:
		return ui.Unsure, "circle-help", "Inconclusive"
	}
	return ui.Idle, "", "No result"
}

// OutcomeBadge gives tone and word of how an attempt ended.
func OutcomeBadge(r evidence.Result) (ui.Tone, string) {
	switch r {
	case evidence.ResultSuccess:
		return ui.OK, "Success"
	case evidence.ResultFailed:
		return ui.Bad, "Failed"
	case evidence.ResultBlocked:
		return ui.Warn, "Blocked"
	}
	return ui.Idle, ""
}

// OddWords says an oddity to a person.
func OddWords(word string) string {
	switch word {
	case "time":
		return "Its timestamp cannot be read; the time shown is that of its neighbour or of the page."
	case "uuid":
		return "It came without a uuid; the one shown is made from its bytes."
	case "action":
		return "Its action or type is not in the source's documentation."
	case "key":
		return "It holds a key that is not in the source's documentation."
	case "shape":
		return "A known key holds another kind of value than documented."
	case "late":
		return "It came after its time had already been read."
	case "erased":
		return "It was erased with the data of a person. That it happened, when, and its place among the others stay proven by the log."
	case "conflict":
		return "The same uuid came again with other bytes; both are kept, the first stands."
	}
	return word
}

// StrengthBadge gives tone and word of how well an artifact supports what it is attached to.
func StrengthBadge(s evidence.Strength) (ui.Tone, string) {
	switch s {
	case evidence.Strong:
		return ui.Info, "Strong"
	case evidence.Partial:
		return ui.Idle, "Partial"
	case evidence.Context:
		return ui.Idle, "Context"
	}
	return ui.Idle, string(s)
}
