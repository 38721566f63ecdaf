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
	StateDone     State = "done"
	StateRetired  State = "retired" // it or its control is
)

// States gives the states in the order in which they are shown.
func States() []State {
	return []State{StateOverdue, StateDueSoon, StateOpen, StateInReview, StateDone, StateRetired}
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
	}
	return StateOpen
}
