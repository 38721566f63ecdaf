package evidence

import (
	"slices"
	"time"
)

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
	ActionOpen    ActionStatus = "open"
	ActionStarted ActionStatus = "in_progress" // somebody says that he is at it
	ActionDone    ActionStatus = "done"
)

// Cadence says how often an action comes again.
type Cadence string

// The cadences.
const (
	Once      Cadence = "once"
	Weekly    Cadence = "weekly"
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
	Recipe      string // the first recipe among Requests or, where there are none, the only thing it asks for; empty: an upload
	Status      ActionStatus
	CreatedAt   time.Time

	Delegate  string // who does it for the owner; empty: the owner does
	Requests  []EvidenceRequest
	Series    string        // the key of the first of its series; empty: it is the first
	Grace     time.Duration // from the end of the period to Due, as the first of the series had it; 0: as Due has it
	Note      string        // what the person said who marked it as done
	DoneAt    time.Time     // when a person did; zero: nobody did
	DoneBy    string
	RetiredAt time.Time // zero: in use
	Retired   string    // reason
	Revision  int       // goes up with every change
}

// EvidenceRequest is one piece of evidence that an action asks for: what a recipe makes, or an upload.
type EvidenceRequest struct {
	Recipe string            `json:"recipe,omitempty"`
	Params map[string]string `json:"params,omitempty"` // of the recipe; what is not named takes its default
	Upload string            `json:"upload,omitempty"` // what is asked for, where no recipe is named
}

// Asks gives all that the action asks for; one whose requests were never written down asks for its recipe or an upload.
func (a Action) Asks() []EvidenceRequest {
	if len(a.Requests) > 0 {
		return a.Requests
	}
	return []EvidenceRequest{{Recipe: a.Recipe}}
}

// AsksFor reports whether the action asks for the artifact of a recipe.
func (a Action) AsksFor(recipe string) bool {
	return recipe != "" && slices.ContainsFunc(a.Asks(), func(r EvidenceRequest) bool { return r.Recipe == recipe })
}

// Overdue reports whether the action should have been done by now.
func (a Action) Overdue(now time.Time) bool {
	return a.Status != ActionDone && !a.Due.IsZero() && now.After(a.Due)
}
