package people_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// TestScopeTable holds the table of scopes a second time, so that nobody widens one by accident.
func TestScopeTable(t *testing.T) {
	want := map[people.Scope][]people.Permission{
		"monitor":  {"own", "read sources and connections"},
		"read":     {"own", "read sources and connections", "read events", "read artifacts", "read actions", "read controls and frameworks", "read audits", "read samples and events of audits", "draw samples and make bundles", "read settings"},
		"build":    {"own", "build artifacts", "attach artifacts", "manage actions", "manage controls and frameworks", "manage audits", "ask in audits"},
		"review":   {"own", "review artifacts"},
		"manage":   {"own", "manage connections"},
		"settings": {"own", "manage settings", "make API tokens"},
		"people":   {"own", "manage people"},
		"erase":    {"own", "place and release legal holds", "erase personal data"},
		"root":     nil,
	}
	for scope, grants := range want {
		if diff := cmp.Diff(grants, scope.Grants()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", scope, diff)
		}
	}
	for _, s := range people.AllScopes() {
		if want[s] == nil || s.Says() == "" {
			t.Errorf("scope %s has no row in this test, or says nothing", s)
		}
	}
	for _, p := range people.Permissions() {
		if people.ScopeFor(p) == "" {
			t.Errorf("no scope grants %q, so that no token can ever do it", p)
		}
	}
}

// TestTokenMayNoMoreThanItsMember asks every permission of every role through every scope.
func TestTokenMayNoMoreThanItsMember(t *testing.T) {
	for _, role := range people.Roles() {
		for _, scope := range people.AllScopes() {
			c := people.Caller{Member: "us_1", Role: role, Token: "tk_1", Via: "deploy", Scopes: people.Scopes(scope)}
			for _, p := range people.Permissions() {
				want := slices.Contains(role.Grants(), p) && slices.Contains(scope.Grants(), p)
				err := c.May(p)
				if c.Has(p) != want || (err == nil) != want {
					t.Errorf("a token with %s of a member with %s may %s: %v, want %v", scope, role, p, err, want)
				}
				if err != nil && evidence.ErrorCode(err) != evidence.Forbidden {
					t.Errorf("%s, %s, %s: code %s", role, scope, p, evidence.ErrorCode(err))
				}
			}
		}
	}
	err := people.Caller{Member: "us_1", Role: people.Admin, Token: "tk_1", Scopes: "monitor build"}.May(people.ReadEvents)
	if err == nil || !strings.Contains(err.Error(), "its scopes are monitor, build. Make one with the scope read") {
		t.Errorf("a token that lacks a scope is told %v", err)
	}
	if c := (people.Caller{Member: "us_1", Name: "Ada", Token: "tk_1", Via: "deploy"}); c.Who() != "Ada (API token deploy)" {
		t.Errorf("in the trail it stands as %q", c.Who())
	}
}

func TestParseScopes(t *testing.T) {
	for words, want := range map[string]people.Scopes{"read": "read", "build,read,read": "read build", "settings,monitor": "monitor settings"} {
		if got, err := people.ParseScopes(strings.Split(words, ",")); err != nil || got != want {
			t.Errorf("%s: %q, %v", words, got, err)
		}
	}
	for _, words := range [][]string{nil, {""}, {"READ"}, {"read", "write"}, {"read build"}} {
		if got, err := people.ParseScopes(words); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %q, %v", words, got, err)
		}
	}
}
