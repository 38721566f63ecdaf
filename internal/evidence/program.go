package evidence

import "time"

// RequirementRef names one numbered demand of a framework.
type RequirementRef struct {
	Framework string
	ID        string
}

// Control is what an organisation does to meet requirements.
type Control struct {
	ID           ID
	Workspace    ID
	Key          string // stable short name such as EX-01; unique in the workspace
	Name         string
	Description  string
	Owner        string // a person or a role; empty: nobody yet
	Requirements []RequirementRef
	CreatedAt    time.Time
	RetiredAt    time.Time // zero: in use
	Retired      string    // reason
	Revision     int       // goes up with every change
}

// ActionStatus is where the work of an action stands.
type ActionStatus string

// The statuses of an action. Overdue is no status: it follows from Due.
const (
	ActionOpen ActionStatus = "open"
	ActionDone ActionStatus = "done"
)

// Cadence says how often an action comes again.
type Cadence string

// The cadences.
const (
	Once      Cadence = "once"
	Monthly   Cadence = "monthly"
	Quarterly Cadence = "quarterly"
	Yearly    Cadence = "yearly"
)

// Action is work that proves a control: what to do, who owns it, until when, and the evidence it asks for.
type Action struct {
	ID          ID
	Workspace   ID
	Key         string // stable short name; unique in the workspace
	Control     ID
	Title       string
	Description string
	Owner       string
	Due         time.Time
	Cadence     Cadence
	Recipe      string // the recipe whose artifact it asks for; empty: an upload
	Status      ActionStatus
	CreatedAt   time.Time
}

// Overdue reports whether the action should have been done by now.
func (a Action) Overdue(now time.Time) bool {
	return a.Status != ActionDone && !a.Due.IsZero() && now.After(a.Due)
}
