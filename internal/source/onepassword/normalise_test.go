package onepassword

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

const (
	clientJSON   = `"client":{"app_name":"1Password CLI","app_version":"2","platform_name":"p","platform_version":"v","os_name":"o","os_version":"w","ip_address":"192.0.2.7"}`
	locationJSON = `"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.6,"longitude":-79.4}`
	personJSON   = `{"uuid":"P","name":"Robin","email":"robin@example.com"}`
	sessionJSON  = `"session":{"uuid":"S","login_time":"2026-02-02T00:00:00Z","device_uuid":"d","ip":"192.0.2.9"}`
)

var robin = evidence.Person{UUID: "P", Name: "Robin", Email: "robin@example.com"}

func TestFacts(t *testing.T) {
	const head = `"uuid":"U","timestamp":"2026-02-02T00:00:01.5Z",`
	at := time.Date(2026, 2, 2, 0, 0, 1, 5e8, time.UTC)
	for _, c := range []struct {
		name   string
		stream evidence.Stream
		raw    string
		want   evidence.Facts
	}{
		{
			"sign-in", SignIns, `{` + head + `"session_uuid":"s","country":"CA","category":"success","type":"mfa_ok","details":null,"target_user":` + personJSON + `,` + clientJSON + `,` + locationJSON + `,"account_uuid":"A"}`,
			evidence.Facts{Action: "success", Type: "mfa_ok", Result: "success", Person: robin, Country: "CA", IP: "192.0.2.7", Client: "1Password CLI"},
		},
		{
			"sign-in of before, without place", SignIns, `{` + head + `"category":"firewall_failed","type":"continent_blocked","details":{"value":"Europe"},"client":{"ip":"192.0.2.8"}}`,
			evidence.Facts{Action: "firewall_failed", Type: "continent_blocked", Result: "blocked", IP: "192.0.2.8"},
		},
		{
			"sign-in reported by a rule", SignIns, `{` + head + `"category":"firewall_reported_success","type":"ip_blocked",` + locationJSON + `}`,
			evidence.Facts{Action: "firewall_reported_success", Type: "ip_blocked", Result: "success", Country: "Canada"},
		},
		{
			"both spellings", SignIns, `{` + head + `"category":"mfa_failed","type":"u2f_timout"}`,
			evidence.Facts{Action: "mfa_failed", Type: "u2f_timout", Result: "failed"},
		},
		{
			"unknown category", SignIns, `{` + head + `"category":"posture_failed","type":"u2f_timeout"}`,
			evidence.Facts{Action: "posture_failed", Type: "u2f_timeout", Result: "failed", Odd: evidence.OddAction},
		},
		{
			"unknown category that says nothing", SignIns, `{` + head + `"category":"maybe","type":"totp_bad"}`,
			evidence.Facts{Action: "maybe", Type: "totp_bad", Odd: evidence.OddAction},
		},
		{
			"usage", Usages, `{` + head + `"used_version":0,"vault_uuid":"v","item_uuid":"i","action":"reveal","user":` + personJSON + `,` + clientJSON + `,` + locationJSON + `}`,
			evidence.Facts{Action: "reveal", Person: robin, Vault: "v", Item: "i", Country: "Canada", IP: "192.0.2.7", Client: "1Password CLI"},
		},
		{"usage without action", Usages, `{` + head + `"vault_uuid":"v","item_uuid":"i"}`, evidence.Facts{Vault: "v", Item: "i"}},
		{"usage with empty action", Usages, `{` + head + `"action":""}`, evidence.Facts{}},
		{"usage with unknown action", Usages, `{` + head + `"action":"agent-fill"}`, evidence.Facts{Action: "agent-fill", Odd: evidence.OddAction}},
		{
			"joined a group", Audit, `{` + head + `"actor_uuid":"P","actor_details":` + personJSON + `,"actor_type":"user","action":"join","object_type":"gm","object_uuid":"g","aux_id":9,"aux_uuid":"M","aux_details":{"uuid":"M"},"aux_info":"A",` + sessionJSON + `,` + locationJSON + `}`,
			evidence.Facts{Action: "join", Type: "gm", Person: robin, Target: "g", Country: "Canada", IP: "192.0.2.9"},
		},
		{
			"typo of an old example", Audit, `{` + head + `"actor_details":{"uuid:":"P","name":"Robin","email":"robin@example.com"},"action":"suspend","object_type":"user","object_uuid":"X"}`,
			evidence.Facts{Action: "suspend", Type: "user", Person: robin, Target: "X"},
		},
		{"user got a vault", Audit, `{` + head + `"action":"grant","object_type":"uva","object_uuid":"v","aux_details":{"uuid":"M"}}`, evidence.Facts{Action: "grant", Type: "uva", Vault: "v", Target: "M"}},
		{"group got a vault", Audit, `{` + head + `"action":"revoke","object_type":"gva","object_uuid":"v","aux_uuid":"g"}`, evidence.Facts{Action: "revoke", Type: "gva", Vault: "v", Target: "g"}},
		{"vault", Audit, `{` + head + `"action":"export","object_type":"vault","object_uuid":"v"}`, evidence.Facts{Action: "export", Type: "vault", Vault: "v"}},
		{"item", Audit, `{` + head + `"action":"share","object_type":"item","object_uuid":"i"}`, evidence.Facts{Action: "share", Type: "item", Item: "i"}},
		{"known words, unknown pair", Audit, `{` + head + `"action":"join","object_type":"vault","object_uuid":"v"}`, evidence.Facts{Action: "join", Type: "vault", Vault: "v", Odd: evidence.OddAction}},
		{"any order, escapes", Usages, `{"action":"re\u0076eal","\u0075ser":{"email":"robin@example.com","name":"Ro\u0062in","uuid":"P"},` + strings.TrimSuffix(head, ",") + `}`, evidence.Facts{Action: "reveal", Person: robin}},
		{"null is absent", Usages, `{` + head + `"user":null,"client":null,"location":null,"action":null,"used_version":null}`, evidence.Facts{}},
		{"unknown key", Usages, `{` + head + `"future":{"uuid":"X","timestamp":1}}`, evidence.Facts{Odd: evidence.OddKey}},
		{"unknown key inside", Usages, `{` + head + `"client":{"app":"x"}}`, evidence.Facts{Odd: evidence.OddKey}},
		{"other kinds", Usages, `{` + head + `"user":"robin","used_version":"1","vault_uuid":7,"client":[]}`, evidence.Facts{Odd: evidence.OddShape}},
		{"key twice", Usages, `{` + head + `"vault_uuid":"v","vault_uuid":"w"}`, evidence.Facts{Vault: "w", Odd: evidence.OddShape}},
		{"NUL", Usages, `{` + head + `"vault_uuid":"a\u0000b"}`, evidence.Facts{Vault: "a\uFFFDb", Odd: evidence.OddShape}},
		{"too long", Usages, `{` + head + `"vault_uuid":"x` + strings.Repeat("é", 200) + `"}`, evidence.Facts{Vault: "x" + strings.Repeat("é", 127), Odd: evidence.OddShape}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.UUID, c.want.At = "U", at
			if diff := cmp.Diff(c.want, normalise(c.stream, []byte(c.raw))); diff != "" {
				t.Errorf("%s\n%s", c.raw, diff)
			}
		})
	}
}

func TestEventsWithoutNameOrTime(t *testing.T) {
	for raw, want := range map[string]evidence.Oddity{
		`{"uuid":"U","timestamp":"yesterday"}`:                                           evidence.OddTime,
		`{"uuid":"U","timestamp":17}`:                                                    evidence.OddTime | evidence.OddShape,
		`{"timestamp":"2026-02-02T00:00:00Z"}`:                                           evidence.OddUUID,
		`{"uuid":"","timestamp":"2026-02-02T00:00:00Z"}`:                                 evidence.OddUUID,
		`{"uuid":"a\u0000","timestamp":"2026-02-02T00:00:00Z"}`:                          evidence.OddUUID | evidence.OddShape,
		`{"uuid":"` + strings.Repeat("x", 300) + `","timestamp":"2026-02-02T00:00:00Z"}`: evidence.OddUUID | evidence.OddShape,
		`{}`:      evidence.OddUUID | evidence.OddTime,
		`[{}]`:    evidence.OddUUID | evidence.OddTime | evidence.OddShape,
		`"text"`:  evidence.OddUUID | evidence.OddTime | evidence.OddShape,
		`no JSON`: evidence.OddUUID | evidence.OddTime | evidence.OddShape,
		`{"a":`:   evidence.OddUUID | evidence.OddTime | evidence.OddShape,
		`{} {}`:   evidence.OddUUID | evidence.OddTime | evidence.OddShape,
	} {
		f := normalise(Usages, []byte(raw))
		if f.Odd != want {
			t.Errorf("%s is odd in %v, want %v", raw, f.Odd.Words(), want.Words())
		}
		if f.Odd&evidence.OddUUID != 0 && (f.UUID != madeUUID([]byte(raw)) || !strings.HasPrefix(f.UUID, "sha256-")) {
			t.Errorf("%s has the name %s", raw, f.UUID)
		}
		if (f.Odd&evidence.OddTime != 0) != f.At.IsZero() {
			t.Errorf("%s is at %v", raw, f.At)
		}
	}
	if f := normalise("users", []byte(`{"uuid":"U"}`)); f.Odd&evidence.OddShape == 0 {
		t.Errorf("an event of an unknown stream gives %+v", f)
	}
}

// FuzzFacts looks that nothing in an event can stop it, and that what is shown of it holds its values.
func FuzzFacts(f *testing.F) {
	for _, stream := range []string{"signinattempts", "itemusages", "auditevents"} {
		f.Add(string(benchPage(stream, 1)))
	}
	f.Add(`{"uuid":"a\u0000","timestamp":"0001-01-01T00:00:00Z","user":{"user":{}},"a":[[],{}]}`)
	f.Add(`{"category":1,"type":[],"target_user":"x","object_type":"gm","aux_info":"A"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		for _, stream := range []evidence.Stream{SignIns, Usages, Audit} {
			facts := normalise(stream, []byte(raw))
			if facts.At.IsZero() {
				if facts.Odd&evidence.OddTime == 0 {
					t.Error("no time, and not odd")
				}
				facts.At = noTime
			}
			checkFacts(t, facts)
			if d := describe(stream, []byte(raw)); d.Verb == "" || len(d.Fields) == 0 || len(d.Fields) > mostLeaves {
				t.Errorf("%q is described with %d fields", raw, len(d.Fields))
			}
		}
	})
}
