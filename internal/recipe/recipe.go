// Package recipe turns the events of a period into tables. A recipe is a named, versioned, pure function: the same
// events and parameters give the same bytes, whoever runs it and whenever. Recipes never fetch; what they read comes
// through Input. They never judge people either: they say what was recorded, over what population, how completely the
// period had been read, and what the table cannot show.
//
// A recipe is one file of this package: its columns, its parameters, its algorithm in words, its mapping to
// requirements and its caveats. Changing what a recipe gives for the same events raises its Version.
package recipe

import (
	"context"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// The streams of 1Password that the recipes read.
const (
	signIns evidence.Stream = "signinattempts"
	usages  evidence.Stream = "itemusages"
	audits  evidence.Stream = "auditevents"
)

// Recipe is what there is to know of one recipe before it runs.
type Recipe struct {
	ID      string // lower-case words with hyphens that say what it shows
	Version int    // raised when the same events would give another table
	Title   string
	Shows   string // one or two sentences
	// Method says how the table is made, step by step, so that a person can do it again by hand.
	Method []string
	// NotShown are the limits of the evidence in sentences; they are printed on every artifact.
	NotShown   []string
	Streams    []evidence.Stream
	Parameters []Parameter
	Mappings   []evidence.Mapping

	columns []Column
	// where selects the candidates of the table among the events of the streams.
	where []evidence.Match
	// matched ends the sentence "N of M events …": "failed or were blocked".
	matched string
	build   func(context.Context, *builder) error
}

// All gives every recipe in the order in which they are shown.
func All() []Recipe {
	return []Recipe{failedSignIns(), secretExposure(), coverage()}
}

// ByID gives one recipe. Without it the error is evidence.NotFound.
func ByID(id string) (Recipe, error) {
	all := All()
	at := slices.IndexFunc(all, func(r Recipe) bool { return r.ID == id })
	if at < 0 {
		return Recipe{}, evidence.Errorf(evidence.NotFound, "There is no recipe %q. Run exhibit recipes to see which there are.", id)
	}
	return all[at], nil
}

// mapping makes the mappings of one kind of evidence: the same strength, reason and caveat for each requirement of a framework.
func mapping(framework string, s evidence.Strength, reason, caveat string, requirements ...string) []evidence.Mapping {
	var out []evidence.Mapping
	for _, id := range requirements {
		out = append(out, evidence.Mapping{Framework: framework, Requirement: id, Strength: s, Reason: reason, Caveat: caveat})
	}
	return out
}

// The frameworks that mappings name, as the command line spells them.
const (
	soc2  = "soc2"
	iso   = "iso27001-2022"
	nist  = "nist-800-53r5"
	cis   = "cis-8.1"
	pci   = "pci-dss-4.0.1"
	hipaa = "hipaa"
)
