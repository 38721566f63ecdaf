package company_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/company"
	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// event is the part of an event by which incidents are recognised.
type event struct {
	UUID      string
	Timestamp time.Time
	Category  string
	Type      string
	Action    string
	Object    string                `json:"object_type"`
	AuxInfo   string                `json:"aux_info"`
	Target    struct{ UUID string } `json:"target_user"`
	User      struct{ UUID string }
	Client    struct {
		Address string `json:"ip_address"`
	}
	Details *struct{ Value string }
}

func (e event) kind() string {
	if e.Category != "" {
		return e.Category + "/" + e.Type
	}
	if e.Object != "" {
		return e.Object + "/" + e.Action
	}
	return e.Action
}

// kinds of the events of an incident, counted.
func kinds(events []event) map[string]int {
	out := map[string]int{}
	for _, e := range events {
		out[e.kind()]++
	}
	return out
}

// found gives the events of an incident from the feeds and checks that they are there, within its bounds and in order.
func found(t *testing.T, feeds map[feed.Stream]map[string]event, i company.Incident) []event {
	t.Helper()
	var out []event
	for s, uuids := range i.Events {
		for _, u := range uuids {
			e, ok := feeds[s][u]
			if !ok {
				t.Fatalf("%s: the event %s is not in %s", i.Name, u, s)
			}
			if e.Timestamp.Before(i.From) || e.Timestamp.Truncate(time.Millisecond).After(i.To) {
				t.Errorf("%s: the event %s of %s lies outside of %s to %s", i.Name, u, e.Timestamp, i.From, i.To)
			}
			out = append(out, e)
		}
	}
	return out
}

func index(t *testing.T, feeds map[feed.Stream]*feed.Snapshot) map[feed.Stream]map[string]event {
	t.Helper()
	out := map[feed.Stream]map[string]event{}
	for s, f := range feeds {
		out[s] = map[string]event{}
		for i := range f.Len() {
			var e event
			if err := json.Unmarshal(f.Raw(i), &e); err != nil {
				t.Fatal(err)
			}
			out[s][e.UUID] = e
		}
	}
	return out
}

func TestStory(t *testing.T) {
	for _, n := range []int{2000, 30_000} {
		c, snaps := invent(t, 2, n)
		feeds := index(t, snaps)
		byName := map[string][]event{}
		for _, i := range c.Story() {
			if i.What == "" || len(i.Who) == 0 || i.From.Before(from) || i.To.After(to) || i.To.Before(i.From) {
				t.Errorf("%s: incomplete or outside of the period: %+v", i.Name, i)
			}
			byName[i.Name] = append(byName[i.Name], found(t, feeds, i)...)
		}
		for name, want := range map[string]map[string]int{
			"outdated-client":   {"modern_version_failed/modern_version_old": 4},
			"owner-change":      {"gm/join": 1, "gm/leave": 1},
			"service-account":   {"sa/create": 1, "satoken/create": 1, "satoken/tverify": 1, "uva/grant": 1, "server-fetch": 12},
			"token-rotation":    {"satoken/create": 1, "satoken/tverify": 1, "satoken/trename": 1, "satoken/trevoke": 1},
			"admin-grant":       {"gm/join": 2, "gm/role": 1, "uva/grant": 1},
			"account-recovery":  {"credentials_failed/password_secret_bad": 5, "user/beginr": 1, "user/completr": 1, "user/changemp": 1},
			"mfa-failures":      {"mfa_failed/totp_bad": 7, "mfa_failed/totp_timeout": 2, "success/mfa_ok": 1},
			"leaver-active":     {"user/suspend": 1, "user/delete": 1, "success/credentials_ok": 3, "reveal": 3, "secure-copy": 3},
			"sso-failures":      {"sso_failed/sso_user_mismatch": 4, "sso_failed/platform_secret_bad": 4, "sso/chngpsso": 1},
			"firewall-blocks":   {"firewall_failed/country_blocked": 4, "firewall_failed/ip_blocked": 4, "firewall_failed/continent_blocked": 4, "firewall_reported_success/country_blocked": 3},
			"impossible-travel": {"reveal": 1},
			"item-shares":       {"share": 6, "item/share": 6},
			"policy-change":     {"account/updatfw": 2, "account/disblmfa": 1, "account/enblmfa": 1},
			"brute-force":       {"credentials_failed/password_secret_bad": min(max(n/150, 240), 600)},
			"vault-export":      {"vault/export": 1, "export": 18},
			"mass-export":       {"export": min(max(n/150, 80), 400)},
			"joiner":            {"invite/create": 3, "user/create": 3, "user/activate": 3, "device/create": 3},
			"leaver":            {"user/suspend": 3, "user/delete": 3, "user/dealldev": 3, "gm/leave": 3, "uva/revoke": 3},
		} {
			got := kinds(byName[name])
			for kind, count := range want {
				ok := got[kind] == count
				if name == "joiner" || name == "leaver" { // more of them in larger companies
					ok = got[kind] >= count
				}
				if !ok {
					t.Errorf("%d events: %s has %d of %s, want %d", n, name, got[kind], kind, count)
				}
			}
		}
	}
}

func TestStoryShapes(t *testing.T) {
	c, snaps := invent(t, 2, 30_000)
	feeds := index(t, snaps)
	for _, i := range c.Story() {
		events := found(t, feeds, i)
		switch i.Name {
		case "brute-force":
			victims, addresses := map[string]bool{}, map[string]bool{}
			for _, e := range events {
				victims[e.Target.UUID], addresses[e.Client.Address] = true, true
			}
			if len(victims) != 3 || len(addresses) != 4 || i.To.Sub(i.From) > 11*time.Minute {
				t.Errorf("brute-force: %d people, %d addresses, %s", len(victims), len(addresses), i.To.Sub(i.From))
			}
		case "firewall-blocks":
			for _, e := range events {
				if e.Details == nil || e.Details.Value == "" {
					t.Errorf("firewall-blocks: %s has no details", e.UUID)
				}
			}
		case "leaver":
			// Nobody but the active leaver does anything after the removal.
			gone := i.Who[0].UUID
			for s, all := range feeds {
				for _, e := range all {
					if (e.Target.UUID == gone || e.User.UUID == gone) && e.Timestamp.After(i.From.Add(time.Second)) {
						t.Errorf("%s: %s acts in %s at %s, after leaving at %s", i.Name, gone, s, e.Timestamp, i.From)
					}
				}
			}
		}
	}
}

func TestNoStoryInSmallCompanies(t *testing.T) {
	c, _ := invent(t, 1, 1999)
	if len(c.Story()) != 0 {
		t.Errorf("%d incidents in a company of 1,999 events", len(c.Story()))
	}
}
