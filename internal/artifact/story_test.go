package artifact_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/simulator/company"
	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// found says how many events of an incident a recipe must list, and in which kind of row.
type found struct {
	incident, recipe, record string
	events                   int
}

// TestStories: what happened in the simulated company is found by the recipe that is made for it.
func TestStories(t *testing.T) {
	w, story := newCompany(t, 8000)
	rows := map[string][]storyRow{}
	for _, r := range recipe.All() {
		v := w.build(r.ID, evidence.Span{From: companyFrom, To: companyTo})
		if l := v.Artifact.Latest; l.Result != evidence.Complete || len(l.Files) != 5 {
			t.Errorf("%s: %s with %d files", r.ID, l.Result, len(l.Files))
		}
		rows[r.ID] = storyRows(t, w.file(v.Artifact.ID, 0, "ndjson"))
	}
	for _, want := range []found{
		{"outdated-client", "outdated-clients", "sign-in", 4}, {"owner-change", "privileged-grants", "privilege", 1}, {"owner-change", "privileged-grants", "membership", 1},
		{"service-account", "service-accounts", "service-account", 3}, {"service-account", "vault-access", "access", 1}, {"service-account", "owner-use", "use", 3},
		{"token-rotation", "service-accounts", "service-account", 4}, {"admin-grant", "self-grants", "self-grant", 2}, {"admin-grant", "privileged-grants", "privilege", 2},
		{"account-recovery", "account-recoveries", "recovery", 2}, {"account-recovery", "failed-sign-ins", "sign-in", 5}, {"mfa-failures", "failed-sign-ins", "sign-in", 9},
		{"leaver-active", "activity-after-removal", "activity", 9}, {"leaver-active", "activity-after-removal", "removal", 2}, {"leaver-active", "user-removals", "removal", 3},
		{"firewall-blocks", "firewall-blocks", "sign-in", 15}, {"item-shares", "secret-exposure", "usage", 6}, {"policy-change", "policy-changes", "loosened", 3},
		{"policy-change", "policy-changes", "change", 1}, {"sso-failures", "policy-changes", "change", 1}, {"vault-export", "secret-exposure", "usage", 18},
		{"joiner", "user-additions", "addition", 4}, {"joiner", "devices", "device", 1}, {"joiner", "vault-access", "access", 1}, {"leaver", "user-removals", "removal", 3},
		{"leaver", "activity-after-removal", "activity", 0},
	} {
		for _, i := range story {
			if i.Name == want.incident {
				if n := listed(rows[want.recipe], want.record, i); n < want.events || n > want.events && want.incident != "joiner" {
					t.Errorf("%s: %s lists %d of its events as %s, want %d", i.Name, want.recipe, n, want.record, want.events)
				}
			}
		}
	}
	tellsOf(t, rows, story)
}

// tellsOf looks for people in recipes that count events instead of listing them.
func tellsOf(t *testing.T, rows map[string][]storyRow, story []company.Incident) {
	t.Helper()
	for incident, want := range map[string]struct{ recipe, record, finding string }{
		"mfa-failures":      {"second-factor", "factor", ""},
		"mass-export":       {"secret-use", "use", ""},
		"impossible-travel": {"new-places-and-apps", "new", "first sign-in of the person in this time"}, // the period is all that was read
		"leaver":            {"dormant-users", "dormant", "removed"},
		"admin-grant":       {"access-grants", "grant", ""},
	} {
		for _, i := range story {
			who := i.Who[0].UUID
			if i.Name == incident && incident == "admin-grant" {
				who = i.Who[1].UUID
			}
			if i.Name == incident && i.To.Before(companyTo.AddDate(0, 0, -46)) && !slices.ContainsFunc(rows[want.recipe], func(r storyRow) bool {
				return r.Record == want.record && (r.PersonUUID == who || r.WhomUUID == who) && r.Finding == want.finding
			}) {
				t.Errorf("%s: %s does not tell of %s as %s", incident, want.recipe, i.Who[0].Name, want.record)
			}
		}
	}
}

// TestNewPlace: seen from the second half of the time, the traveller is in a country that is new.
func TestNewPlace(t *testing.T) {
	w, story := newCompany(t, 8000)
	half := companyFrom.Add(companyTo.Sub(companyFrom) / 2).Truncate(24 * time.Hour)
	v := w.build("new-places-and-apps", evidence.Span{From: half, To: companyTo})
	rows := storyRows(t, w.file(v.Artifact.ID, 0, "ndjson"))
	for _, i := range story {
		if i.Name == "impossible-travel" && !slices.ContainsFunc(rows, func(r storyRow) bool {
			return r.PersonUUID == i.Who[0].UUID && strings.HasPrefix(r.Finding, "new country")
		}) {
			t.Error("the country of the impossible travel is not new")
		}
	}
}

type storyRow struct {
	Record     string `json:"record"`
	UUID       string `json:"uuid"`
	PersonUUID string `json:"person_uuid"`
	WhomUUID   string `json:"whom_uuid"`
	Finding    string `json:"finding"`
}

func storyRows(t *testing.T, ndjson string) []storyRow {
	t.Helper()
	var rows []storyRow
	for line := range strings.Lines(ndjson) {
		var r storyRow
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// listed counts the events of an incident among the rows of a kind.
func listed(rows []storyRow, record string, i company.Incident) int {
	n := 0
	for _, r := range rows {
		if r.Record != record || r.UUID == "" {
			continue
		}
		for _, uuids := range i.Events {
			if slices.Contains(uuids, r.UUID) {
				n++
			}
		}
	}
	return n
}

var (
	companyFrom = time.Date(2026, 7, 27, 0, 0, 0, 0, time.UTC)
	companyTo   = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
)

// newCompany reads a simulated company as its Events API would give it.
func newCompany(t *testing.T, events int) (*world, []company.Incident) {
	t.Helper()
	c, err := company.New(company.Plan{Seed: 3, Events: events, From: companyFrom, To: companyTo})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	names := map[feed.Stream]evidence.Stream{feed.SignInAttempts: "signinattempts", feed.ItemUsages: "itemusages", feed.AuditEvents: "auditevents"}
	for s, builders := range c.Generate() {
		all := feed.New(builders...).Snapshot()
		for from := 0; from < all.Len(); from += 1000 {
			var items []string
			for i := from; i < min(from+1000, all.Len()); i++ {
				items = append(items, string(all.Raw(i)))
			}
			to := companyTo
			if next := from + 1000; next < all.Len() {
				to = time.UnixMilli(all.Milli(next)).UTC()
			}
			w.read(names[s], evidence.Span{From: companyFrom, To: to}, items...)
		}
	}
	return w, c.Story()
}
