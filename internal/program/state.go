package program

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// State is where an action stands for the people who look at the list. It is derived on reading.
type State string

// The states, in the order in which they ask for somebody.
const (
	StateOverdue  State = "overdue"
	StateDueSoon  State = "due_soon"
	StateInReview State = "in_review" // evidence came that only a person can judge
	StateOpen     State = "open"
	StateStarted  State = "in_progress"
	StateDone     State = "done"
	StateRetired  State = "retired" // it or its control is
)

// States gives the states in the order in which they are shown.
func States() []State {
	return []State{StateOverdue, StateDueSoon, StateOpen, StateStarted, StateInReview, StateDone, StateRetired}
}

// Words says a state to a person.
func (s State) Words() string {
	switch s {
	case StateOverdue:
		return "Overdue"
	case StateDueSoon:
		return "Due soon"
	case StateInReview:
		return "Waiting for review"
	case StateOpen:
		return "Open"
	case StateStarted:
		return "In progress"
	case StateDone:
		return "Done"
	case StateRetired:
		return "Retired"
	}
	return string(s)
}

// dueSoon is how long before its due date an action is due soon.
const dueSoon = 7 * 24 * time.Hour

func (v ActionView) state(now time.Time) State {
	switch due := v.Action.Due; {
	case v.Idle:
		return StateRetired
	case v.Action.Status == evidence.ActionDone:
		return StateDone
	case v.Overdue:
		return StateOverdue
	case v.Doubtful:
		return StateInReview
	case !due.IsZero() && due.Sub(now) <= dueSoon:
		return StateDueSoon
	case v.Action.Status == evidence.ActionStarted:
		return StateStarted
	}
	return StateOpen
}

// Column is where an action stands on the board: how far its work is, whenever it is due. It is derived on reading.
type Column string

// The columns of the board.
const (
	ColumnOpen     Column = "open"
	ColumnStarted  Column = "in_progress"
	ColumnInReview Column = "in_review" // evidence came that only a person can judge
	ColumnDone     Column = "done"
)

// Columns gives the columns from left to right.
func Columns() []Column { return []Column{ColumnOpen, ColumnStarted, ColumnInReview, ColumnDone} }

// Words says a column to a person.
func (c Column) Words() string {
	if c == ColumnOpen {
		return "To do"
	}
	return State(c).Words()
}

// Column gives the column in which the action stands.
func (v ActionView) Column() Column {
	switch {
	case v.Action.Status == evidence.ActionDone:
		return ColumnDone
	case v.Doubtful:
		return ColumnInReview
	case v.Action.Status == evidence.ActionStarted:
		return ColumnStarted
	}
	return ColumnOpen
}

// Moves gives the statuses to which a person can move the action, the likeliest first. What its evidence fills is done
// as long as that is attached, and is moved nowhere.
func (v ActionView) Moves() []evidence.ActionStatus {
	filled := v.Action.Status == evidence.ActionDone && v.Action.DoneAt.IsZero()
	switch {
	case v.Idle || filled:
		return nil
	case v.Action.Status == evidence.ActionDone:
		return []evidence.ActionStatus{evidence.ActionOpen}
	case v.Action.Status == evidence.ActionStarted:
		return []evidence.ActionStatus{evidence.ActionDone, evidence.ActionOpen}
	}
	return []evidence.ActionStatus{evidence.ActionStarted, evidence.ActionDone}
}
