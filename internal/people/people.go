// Package people says who asks and what he may do. Every use case that a person can reach asks here first: roles are
// presets over one table, so that what a role may do is read in one place and nowhere else.
package people

import (
	"context"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Permission is one thing that a person may do in his workspace.
type Permission string

// The permissions.
const (
	// Own is for what everybody who is signed in may do with himself: sign out, choose a theme, see the front page.
	Own         Permission = "own"
	ReadSources Permission = "read sources and connections"
	// ManageConnections is to approve, check, rotate and switch off and on.
	ManageConnections Permission = "manage connections"
	ReadEvents        Permission = "read events"
	ReadArtifacts     Permission = "read artifacts"
	BuildArtifacts    Permission = "build artifacts"
	AttachArtifacts   Permission = "attach artifacts"
	// ReviewArtifacts is to approve and reject what somebody else made.
	ReviewArtifacts Permission = "review artifacts"
	ReadActions     Permission = "read actions"
	// ManageActions is to make, change, finish and retire actions, and to comment on them.
	ManageActions Permission = "manage actions"
	ReadControls  Permission = "read controls and frameworks"
	// ManageControls is to make, change and retire controls, to load frameworks and to take them into use.
	ManageControls Permission = "manage controls and frameworks"
	// ReadAudits is to see audits with their controls, actions and artifacts. Who is Confined sees those that he was let into.
	ReadAudits Permission = "read audits"
	// ReadSamples is to see single events inside an audit: of samples, and those that its artifacts count.
	ReadSamples Permission = "read samples and events of audits"
	// TakeEvidence is to draw samples, to pass over members of one, and to make bundles.
	TakeEvidence Permission = "draw samples and make bundles"
	// ManageAudits is to make audits, to choose their controls, and to answer what auditors ask.
	ManageAudits Permission = "manage audits"
	// AskInAudits is to ask for things in the room of an audit and to keep notes there, which is an auditor's alone.
	AskInAudits Permission = "ask in audits"
	// ReadSettings is to see members, channels of notifications, and the activity trail.
	ReadSettings Permission = "read settings"
	// ManageSettings is to change who is told what, and to revoke the API tokens of others.
	ManageSettings Permission = "manage settings"
	// ManagePeople is to invite members, change their roles, suspend and reinstate them, and end their sessions.
	ManagePeople Permission = "manage people"
	// ManageHolds is to place, review and release legal holds, which keep evidence from being erased.
	ManageHolds Permission = "place and release legal holds"
	// Erase is to erase the data of one person for good.
	Erase Permission = "erase personal data"
	// MakeTokens is to make API tokens for oneself, which may never do more than oneself.
	MakeTokens Permission = "make API tokens"
)

// Role is a preset of permissions.
type Role string

// The roles.
const (
	Admin        Role = "admin"
	Collaborator Role = "collaborator"
	HelpDesk     Role = "help_desk"
	Reviewer     Role = "evidence_reviewer"
	Auditor      Role = "auditor"
	Viewer       Role = "viewer"
)

// Roles gives all roles, the mightiest first.
func Roles() []Role { return []Role{Admin, Collaborator, HelpDesk, Reviewer, Auditor, Viewer} }

// Permissions gives all permissions in the order in which they are shown.
func Permissions() []Permission {
	return []Permission{
		Own,
		ReadSources, ManageConnections,
		ReadEvents,
		ReadArtifacts, BuildArtifacts, AttachArtifacts, ReviewArtifacts,
		ReadActions, ManageActions,
		ReadControls, ManageControls,
		ReadAudits, ReadSamples, TakeEvidence, ManageAudits, AskInAudits,
		ReadSettings, ManageSettings, ManagePeople, ManageHolds, Erase, MakeTokens,
	}
}

// Title is the role in words for a person.
func (r Role) Title() string {
	switch r {
	case Admin:
		return "Administrator"
	case Collaborator:
		return "Collaborator"
	case HelpDesk:
		return "Help desk"
	case Reviewer:
		return "Evidence reviewer"
	case Auditor:
		return "Auditor"
	case Viewer:
		return "Viewer"
	}
	return "Unknown role"
}

// ParseRole reads a role's own word.
func ParseRole(s string) (Role, error) {
	if slices.Contains(Roles(), Role(s)) {
		return Role(s), nil
	}
	return "", evidence.Errorf(evidence.Invalid,
		"%q is no role. The roles are admin, collaborator, help_desk, evidence_reviewer, auditor and viewer.", s)
}

// Grants gives what a role may do: the one permission table. A role that is not in it may do nothing.
//
// The help desk keeps connections alive and never sees what people did. A reviewer judges evidence and therefore does
// not make it; whoever makes it or decides over settings does not judge it. An auditor's view is given by an audit, with
// its controls and its window; outside of one he has none, and what he asks nobody of the company may ask in his place. A viewer sees how things stand and not what each person did.
// Settings, people, legal holds and erasures bind the whole workspace, so an administrator alone sees to them.
func (r Role) Grants() []Permission {
	switch r {
	case Admin:
		return slices.DeleteFunc(Permissions(), func(p Permission) bool { return p == ReviewArtifacts || p == AskInAudits })
	case Collaborator:
		return slices.DeleteFunc(Permissions(), func(p Permission) bool {
			return p == ManageSettings || p == ManagePeople || p == ManageHolds || p == Erase || p == ReviewArtifacts || p == AskInAudits
		})
	case HelpDesk:
		return []Permission{Own, ReadSources, ManageConnections, ReadActions}
	case Reviewer:
		return []Permission{Own, ReadSources, ReadEvents, ReadArtifacts, ReviewArtifacts, ReadActions, ReadControls, ReadAudits, ReadSamples, MakeTokens}
	case Auditor:
		return []Permission{Own, ReadAudits, ReadSamples, TakeEvidence, AskInAudits}
	case Viewer:
		return []Permission{Own, ReadSources, ReadArtifacts, ReadActions, ReadControls, ReadAudits}
	}
	return nil
}

// Confined reports whether a role sees nothing but the rooms of audits that its member was let into. The use cases of
// package audit ask it, and answer of everything else that it is not there.
func (r Role) Confined() bool { return r == Auditor }

// Says tells a person what a role is for.
func (r Role) Says() string {
	switch r {
	case Admin:
		return "May do everything, settings and people included."
	case Collaborator:
		return "Looks after connections, artifacts, controls and frameworks; settings and people are read only."
	case HelpDesk:
		return "Keeps connections alive; sees no event and no artifact."
	case Reviewer:
		return "Judges evidence: sees everything, approves or rejects what somebody else made, changes nothing."
	case Auditor:
		return "Works in the rooms of the audits that he is let into: their period, their controls, and nothing else."
	case Viewer:
		return "Sees how sources, artifacts, actions and controls stand; no events, no changes."
	}
	return ""
}

// Caller is the person on whose behalf something is done. The zero Caller is nobody.
type Caller struct {
	Member    evidence.ID
	Workspace evidence.ID
	Name      string
	Email     string
	Role      Role
	// Token is the API token through which he asks, Via its name and Scopes what it may do of what he may; all three are
	// empty for somebody who signed in.
	Token  evidence.ID
	Via    string
	Scopes Scopes
}

// Nobody reports whether nobody is signed in.
func (c Caller) Nobody() bool { return c.Member == "" }

// Who names the caller in the activity trail and on what he made.
func (c Caller) Who() string {
	who := string(c.Member)
	switch {
	case c.Name != "":
		who = c.Name
	case c.Email != "":
		who = c.Email
	}
	if c.Token != "" {
		who += " (API token " + c.Via + ")"
	}
	return who
}

// Has reports whether the caller may do p.
func (c Caller) Has(p Permission) bool {
	return !c.Nobody() && slices.Contains(c.Role.Grants(), p) && (c.Token == "" || c.Scopes.Grant(p))
}

// May gives an *evidence.Error, Unauthorized for nobody and Forbidden for somebody who lacks p, else nil. What a token
// lacks is told apart from what its member lacks: another token mends the one, another role the other.
func (c Caller) May(p Permission) error {
	switch {
	case c.Nobody():
		return evidence.Errorf(evidence.Unauthorized, "You are not signed in. Ask an administrator for a sign-in link.")
	case c.Token != "" && slices.Contains(c.Role.Grants(), p) && !c.Scopes.Grant(p):
		return evidence.Errorf(evidence.Forbidden,
			"This token may not %s: its scopes are %s. Make one with the scope %s.", p, c.Scopes.Words(), ScopeFor(p))
	case !c.Has(p):
		return evidence.Errorf(evidence.Forbidden,
			"Your role, %s, may not %s. An administrator can give you another role.", c.Role.Title(), p)
	}
	return nil
}

type callerKey struct{}

// With puts the caller into a context.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From gives the caller of a context, the zero Caller if there is none.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
