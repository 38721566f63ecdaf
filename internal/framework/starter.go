package framework

import (
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Starter is the set of controls and actions that a workspace begins with for one framework. Organisations change them
// afterwards; the set is a start and no advice on what suffices.
type Starter struct {
	Framework string           `json:"framework"`
	Licence   string           `json:"licence"`
	Controls  []StarterControl `json:"controls"`
	Actions   []StarterAction  `json:"actions"`
}

// StarterControl is one control with the requirements of the framework that it helps to meet.
type StarterControl struct {
	Key          string   `json:"key"` // EX-01
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	Requirements []string `json:"requirements"`
}

// StarterAction is one action that proves a control.
type StarterAction struct {
	Key         string           `json:"key"` // EX-01-A1
	Control     string           `json:"control"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Owner       string           `json:"owner"` // a role, until a person takes it over
	Cadence     evidence.Cadence `json:"cadence"`
	Recipe      string           `json:"recipe"` // empty: an upload
	// First says for which calendar period the action is asked for first: "previous" is the last one that is over at
	// the start (its events can still be read), "current" the one that is running.
	First     string `json:"first"`
	GraceDays int    `json:"grace_days"` // from the period's end (or the start, if that is later) until it is due
}

// StarterFor gives the starter set of a framework. Without one the error is evidence.NotFound.
func StarterFor(framework string) (Starter, error) {
	f, err := ByID(framework)
	if err != nil {
		return Starter{}, err
	}
	data, err := files.ReadFile("data/starter-" + framework + ".json")
	if err != nil {
		return Starter{}, &evidence.Error{Code: evidence.NotFound, Message: f.Name + " has no starter set of controls.", Err: err}
	}
	s, err := parseStarter(data, f)
	if err != nil {
		return Starter{}, fmt.Errorf("starter set of %s: %w", framework, err)
	}
	return s, nil
}

// Due gives the moment until which the action is due for the first time when the work starts at start: the end of a
// day, at most the end of the period that follows the one asked for. An action done once is due so many days after the start.
func (a StarterAction) Due(start time.Time) time.Time {
	asked := a.Cadence.PeriodAt(start)
	if a.First == "previous" {
		asked = a.Cadence.PeriodBefore(start)
	}
	base := start
	if asked.To.After(start) {
		base = asked.To
	}
	day := base.UTC().Truncate(24*time.Hour).AddDate(0, 0, a.GraceDays+1)
	if last := a.Cadence.PeriodAt(asked.To).To; !asked.Empty() && day.After(last) {
		day = last
	}
	return day.Add(-time.Second)
}

func parseStarter(data []byte, f Framework) (Starter, error) {
	var s Starter
	if err := decode(data, &s); err != nil {
		return Starter{}, err
	}
	if s.Framework != f.ID || textProblem(s.Licence) != "" {
		return Starter{}, evidence.Errorf(evidence.Invalid, "The starter set names the framework %.80q and needs a licence line.", s.Framework)
	}
	keys := map[string]bool{}
	for _, c := range s.Controls {
		if err := checkControl(c, f, keys); err != nil {
			return Starter{}, err
		}
		keys[c.Key] = true
	}
	for _, a := range s.Actions {
		if err := checkAction(a, s.Controls, keys); err != nil {
			return Starter{}, err
		}
		keys[a.Key] = true
	}
	return s, nil
}

func checkControl(c StarterControl, f Framework, keys map[string]bool) error {
	if keys[c.Key] || textProblem(c.Key) != "" || textProblem(c.Name) != "" || textProblem(c.Description) != "" {
		return evidence.Errorf(evidence.Invalid, "The control %.80q needs its own key, a name and a description.", c.Key)
	}
	if len(c.Requirements) == 0 {
		return evidence.Errorf(evidence.Invalid, "The control %s names no requirement.", c.Key)
	}
	for _, id := range c.Requirements {
		if _, err := f.Requirement(id); err != nil {
			return evidence.Errorf(evidence.Invalid, "The control %s names %.80q, which is no requirement of %s.", c.Key, id, f.Name)
		}
	}
	return nil
}

func checkAction(a StarterAction, controls []StarterControl, keys map[string]bool) error {
	if keys[a.Key] || textProblem(a.Key) != "" || textProblem(a.Title) != "" || textProblem(a.Description) != "" || textProblem(a.Owner) != "" {
		return evidence.Errorf(evidence.Invalid, "The action %.80q needs its own key, a title, a description and an owner.", a.Key)
	}
	if !slices.ContainsFunc(controls, func(c StarterControl) bool { return c.Key == a.Control }) {
		return evidence.Errorf(evidence.Invalid, "The action %s belongs to %.80q, which is no control.", a.Key, a.Control)
	}
	known := []evidence.Cadence{evidence.Once, evidence.Monthly, evidence.Quarterly, evidence.Yearly}
	if !slices.Contains(known, a.Cadence) || a.First != "previous" && a.First != "current" || a.GraceDays < 0 || a.GraceDays > 366 {
		return evidence.Errorf(evidence.Invalid, "The action %s needs a cadence, the first period (previous or current) and 0 to 366 days of grace.", a.Key)
	}
	return nil
}
