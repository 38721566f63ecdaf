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
	"strings"

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
	NotShown []string
	// OfArtifacts says that the table tells of other artifacts too, not of events alone.
	OfArtifacts bool
	Streams     []evidence.Stream
	Parameters  []Parameter
	Mappings    []evidence.Mapping
	// OnDemand marks a recipe that says something only with what a person gives it; nothing builds it by itself.
	OnDemand bool

	columns []Column
	// where selects the candidates of the table among the events of the streams.
	where []evidence.Match
	// narrow does so instead of where if what is asked for depends on parameters.
	narrow func(values) []evidence.Match
	// matched ends the sentence "N of M events …": "failed or were blocked".
	matched string
	build   func(context.Context, *builder) error
	// words checks a parameter of unit Words and writes it in one form; one for each such parameter.
	words map[string]func(string) (string, error)
	// adapt makes of the parameters what the recipe reads; nil: they do not change that.
	adapt func(Recipe, Request, values) (Recipe, Request, error)
}

// All gives every recipe in the order in which they are shown.
func All() []Recipe {
	return []Recipe{
		failedSignIns(), userAdditions(), userRemovals(), activityAfterRemoval(), privilegedGrants(), vaultAccess(), secretUse(), secretExposure(),
		serviceAccounts(), ownerUse(), coverage(), integrity(), logReview(),
		secondFactor(), firewallBlocks(), outdatedClients(), newPlacesAndApps(), policyChanges(), accountRecoveries(), devices(), dormantUsers(), selfGrants(),
		logContent(), retention(), accessGrants(), timeQuality(), sourceAvailability(), selectedEvents(),
	}
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

// ids are requirements of each framework, separated by blanks.
type ids struct{ soc2, iso, nist, cis, pci, hipaa, csf string }

// supports makes the mappings of one kind of evidence: the same strength, reason and caveat for each requirement.
func supports(s evidence.Strength, reason, caveat string, requirements ids) []evidence.Mapping {
	var out []evidence.Mapping
	for _, f := range []struct{ framework, list string }{
		{soc2, requirements.soc2}, {iso, requirements.iso}, {nist, requirements.nist}, {cis, requirements.cis},
		{pci, requirements.pci}, {hipaa, requirements.hipaa}, {csf, requirements.csf},
	} {
		for id := range strings.FieldsSeq(f.list) {
			out = append(out, evidence.Mapping{Framework: f.framework, Requirement: id, Strength: s, Reason: reason, Caveat: caveat})
		}
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
	csf   = "nist-csf-2.0"
)
