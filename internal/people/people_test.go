package people_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// TestTable holds the whole permission table a second time, so that nobody widens a role by accident.
func TestTable(t *testing.T) {
	all := []people.Permission{"own", "read sources and connections", "manage connections", "read events", "read artifacts", "build artifacts",
		"attach artifacts", "review artifacts", "read actions", "manage actions", "read controls and frameworks", "manage controls and frameworks",
		"read audits", "read samples and events of audits", "draw samples and make bundles", "manage audits", "ask in audits",
		"read settings", "manage settings", "manage people", "place and release legal holds", "erase personal data", "make API tokens"}
	want := map[people.Role][]people.Permission{
		people.Admin: slices.DeleteFunc(slices.Clone(all), func(p people.Permission) bool { return p == "review artifacts" || p == "ask in audits" }),
		people.Collaborator: slices.DeleteFunc(slices.Clone(all), func(p people.Permission) bool {
			return p == "manage settings" || p == "manage people" || p == "place and release legal holds" || p == "erase personal data" || p == "review artifacts" || p == "ask in audits"
		}),
		people.HelpDesk: {"own", "read sources and connections", "manage connections", "read actions"},
		people.Reviewer: {"own", "read sources and connections", "read events", "read artifacts", "review artifacts", "read actions", "read controls and frameworks", "read audits", "read samples and events of audits", "make API tokens"},
		people.Auditor:  {"own", "read audits", "read samples and events of audits", "draw samples and make bundles", "ask in audits"},
		people.Viewer:   {"own", "read sources and connections", "read artifacts", "read actions", "read controls and frameworks", "read audits"},
		"":              nil,
		"root":          nil,
	}
	if diff := cmp.Diff(all, people.Permissions()); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
	for role, grants := range want {
		if diff := cmp.Diff(grants, role.Grants()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", role, diff)
		}
	}
	for _, role := range people.Roles() {
		if _, ok := want[role]; !ok {
			t.Errorf("role %q has no row in this test", role)
		}
	}
}

func TestMay(t *testing.T) {
	for _, role := range people.Roles() {
		for _, p := range people.Permissions() {
			caller := people.Caller{Member: "us_1", Workspace: "ws_1", Role: role}
			err := caller.May(p)
			granted := slices.Contains(role.Grants(), p)
			if granted != (err == nil) || granted != caller.Has(p) {
				t.Errorf("%s may %s: granted %v, error %v", role, p, granted, err)
			}
			if err != nil && evidence.ErrorCode(err) != evidence.Forbidden {
				t.Errorf("%s may %s: code %s", role, p, evidence.ErrorCode(err))
			}
		}
	}
	nobody := people.Caller{Role: people.Admin}
	if evidence.ErrorCode(nobody.May(people.Own)) != evidence.Unauthorized {
		t.Error("a caller without a member is nobody, whatever his role says")
	}
}

func TestParseRole(t *testing.T) {
	for _, role := range people.Roles() {
		if got, err := people.ParseRole(string(role)); err != nil || got != role {
			t.Errorf("ParseRole(%q) = %q, %v", role, got, err)
		}
		if role.Title() == "Unknown role" || role.Says() == "" {
			t.Errorf("role %q has no title", role)
		}
	}
	if _, err := people.ParseRole("owner"); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("ParseRole(owner): %v", err)
	}
}

func TestContext(t *testing.T) {
	want := people.Caller{Member: "us_1", Name: "Ada"}
	if got := people.From(people.With(context.Background(), want)); got != want {
		t.Errorf("got %+v", got)
	}
	if !people.From(context.Background()).Nobody() {
		t.Error("a context without a caller is nobody's")
	}
}

func TestWho(t *testing.T) {
	for want, c := range map[string]people.Caller{
		"Ada":             {Member: "us_1", Name: "Ada", Email: "ada@example.com"},
		"ada@example.com": {Member: "us_1", Email: "ada@example.com"},
		"us_1":            {Member: "us_1"},
	} {
		if c.Who() != want {
			t.Errorf("got %q, want %q", c.Who(), want)
		}
	}
}
