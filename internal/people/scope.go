package people

import (
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Scope is what an API token was made for: a preset of permissions, as a role is. A token may do what its scopes and its
// member's role at that moment both grant.
type Scope string

// The scopes.
const (
	ScopeMonitor  Scope = "monitor"  // how connections are and what has been read; no event and no artifact
	ScopeRead     Scope = "read"     // all that is shown
	ScopeBuild    Scope = "build"    // build, attach and detach artifacts; change actions, controls, frameworks and audits
	ScopeReview   Scope = "review"   // approve and reject artifacts
	ScopeManage   Scope = "manage"   // look after connections
	ScopeSettings Scope = "settings" // change settings and make further tokens
	ScopePeople   Scope = "people"   // invite, change roles, suspend and reinstate
	ScopeErase    Scope = "erase"    // place and release legal holds, erase the data of a person
)

// AllScopes gives all scopes, the weakest first.
func AllScopes() []Scope {
	return []Scope{ScopeMonitor, ScopeRead, ScopeBuild, ScopeReview, ScopeManage, ScopeSettings, ScopePeople, ScopeErase}
}

// Grants gives what a scope lets a token do. A test holds that every permission is in one.
func (s Scope) Grants() []Permission {
	switch s {
	case ScopeMonitor:
		return []Permission{Own, ReadSources}
	case ScopeRead:
		return []Permission{Own, ReadSources, ReadEvents, ReadArtifacts, ReadActions, ReadControls, ReadAudits, ReadSamples, TakeEvidence, ReadSettings}
	case ScopeBuild:
		return []Permission{Own, BuildArtifacts, AttachArtifacts, ManageActions, ManageControls, ManageAudits, AskInAudits}
	case ScopeReview:
		return []Permission{Own, ReviewArtifacts}
	case ScopeManage:
		return []Permission{Own, ManageConnections}
	case ScopeSettings:
		return []Permission{Own, ManageSettings, MakeTokens}
	case ScopePeople:
		return []Permission{Own, ManagePeople}
	case ScopeErase:
		return []Permission{Own, ManageHolds, Erase}
	}
	return nil
}

// Says tells a person what a token with the scope may do.
func (s Scope) Says() string {
	switch s {
	case ScopeMonitor:
		return "See how connections are and what has been read. No event, no artifact, no name of a person."
	case ScopeRead:
		return "Read everything that the pages show, events with their personal data included; draw samples and take bundles away."
	case ScopeBuild:
		return "Build artifacts, attach and detach them; change actions, controls, frameworks and audits."
	case ScopeReview:
		return "Approve and reject artifacts that somebody else made."
	case ScopeManage:
		return "Add connections, check them, rotate their tokens, switch them off and on."
	case ScopeSettings:
		return "Change who is told what, make further tokens with at most its own scopes, and revoke tokens."
	case ScopePeople:
		return "Invite members, change their roles, suspend and reinstate them, end their sessions."
	case ScopeErase:
		return "Place and release legal holds; erase the data of a person for good."
	}
	return ""
}

// ScopeFor gives the weakest scope that grants p, "" if none does.
func ScopeFor(p Permission) Scope {
	for _, s := range AllScopes() {
		if slices.Contains(s.Grants(), p) {
			return s
		}
	}
	return ""
}

// Scopes are several scopes, in the order of AllScopes, with a space between them (as OAuth writes them, RFC 6749
// section 3.3), so that a Caller stays a value that can be compared.
type Scopes string

// ParseScopes reads the words of scopes; each is kept once. The error is Invalid for none and for a word that is no scope.
func ParseScopes(words []string) (Scopes, error) {
	var kept []string
	for _, s := range AllScopes() {
		if slices.Contains(words, string(s)) {
			kept = append(kept, string(s))
		}
	}
	for _, w := range words {
		if !slices.Contains(AllScopes(), Scope(w)) {
			return "", evidence.Errorf(evidence.Invalid, "%.40q is no scope. The scopes are %s.", w, Scopes(joined(AllScopes())).Words())
		}
	}
	if len(kept) == 0 {
		return "", evidence.Errorf(evidence.Invalid, "A token needs at least one scope: %s.", Scopes(joined(AllScopes())).Words())
	}
	return Scopes(strings.Join(kept, " ")), nil
}

func joined(list []Scope) string {
	var words []string
	for _, s := range list {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

// List gives the scopes one by one.
func (s Scopes) List() []Scope {
	var list []Scope
	for _, w := range strings.Fields(string(s)) {
		list = append(list, Scope(w))
	}
	return list
}

// Grant reports whether one of the scopes grants p.
func (s Scopes) Grant(p Permission) bool {
	return slices.ContainsFunc(s.List(), func(one Scope) bool { return slices.Contains(one.Grants(), p) })
}

// Words writes the scopes for a sentence: "read, build".
func (s Scopes) Words() string { return strings.ReplaceAll(string(s), " ", ", ") }
