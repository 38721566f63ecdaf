package onepassword

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		name   string
		stream evidence.Stream
		raw    string
		want   source.Description
	}{
		{
			"signed in", SignIns, `{"category":"success","type":"mfa_ok","country":"CA","target_user":` + personJSON + `,` + clientJSON + `,` + locationJSON + `}`,
			source.Description{Stream: "Sign-in attempt", Verb: "signed in", Person: "Robin", Email: "robin@example.com", Place: "Toronto, Canada", IP: "192.0.2.7",
				Client: "1Password CLI 2", Device: "p v, o w", Outcome: "Signed in: second factor was right"},
		},
		{
			"failed", SignIns, `{"category":"credentials_failed","type":"password_secret_bad","target_user":{"email":"robin@example.com"}}`,
			source.Description{Stream: "Sign-in attempt", Verb: "failed to sign in", Person: "robin@example.com", Email: "robin@example.com", Outcome: "Failed: wrong password or Secret Key"},
		},
		{
			"blocked", SignIns, `{"category":"firewall_failed","type":"country_blocked","details":{"value":"Atlantis"},"country":"Atlantis","target_user":{"uuid":"P"}}`,
			source.Description{Stream: "Sign-in attempt", Verb: "was blocked from signing in", Person: "P", Place: "Atlantis", Outcome: "Blocked by a firewall rule: country matches a rule (Atlantis)"},
		},
		{
			"unknown words", SignIns, `{"category":"maybe","type":"perhaps"}`,
			source.Description{Stream: "Sign-in attempt", Verb: "tried to sign in", Outcome: "maybe: perhaps"},
		},
		{
			"revealed", Usages, `{"action":"reveal","item_uuid":"i","user":` + personJSON + `}`,
			source.Description{Stream: "Item usage", Verb: "revealed", Object: "item i", Person: "Robin", Email: "robin@example.com"},
		},
		{"used", Usages, `{"item_uuid":"i"}`, source.Description{Stream: "Item usage", Verb: "used", Object: "item i"}},
		{"unknown use", Usages, `{"action":"beam-up"}`, source.Description{Stream: "Item usage", Verb: "beam-up", Object: "item"}},
		{
			"joined a group", Audit, `{"actor_uuid":"P","actor_details":` + personJSON + `,"action":"join","object_type":"gm","object_uuid":"g","aux_uuid":"M","aux_details":{"uuid":"M","name":"Sam","email":"sam@example.com"},"aux_info":"A",` + sessionJSON + `}`,
			source.Description{Stream: "Audit event", Verb: "added a member to a group", Object: "g, member Sam (sam@example.com) as manager", Person: "Robin", Email: "robin@example.com", IP: "192.0.2.9", Session: "S"},
		},
		{
			"known words, unknown pair", Audit, `{"actor_uuid":"P","action":"suspend","object_type":"vault","object_uuid":"v"}`,
			source.Description{Stream: "Audit event", Verb: "suspended", Object: "vault v", Person: "P"},
		},
		{
			"unknown words", Audit, `{"action":"rotate","object_type":"quantumkey","object_uuid":"q"}`,
			source.Description{Stream: "Audit event", Verb: "rotate", Object: "quantumkey q"},
		},
		{
			"hostile", Usages, `{"action":"<script>alert(1)</script>","item_uuid":"=1+1","user":{"name":"\u202eevil\u0000"}}`,
			source.Description{Stream: "Item usage", Verb: "<script>alert(1)</script>", Object: "item =1+1", Person: "\u202eevil\x00"},
		},
		{"no object", Usages, `[1]`, source.Description{Stream: "Item usage", Verb: "used", Object: "item"}},
		{"no JSON", Usages, `{`, source.Description{Stream: "Item usage", Verb: "happened, but cannot be read"}},
		{"other stream", "users", `{}`, source.Description{Stream: "users", Verb: "happened"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := describe(c.stream, []byte(c.raw))
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(source.Description{}, "Fields")); diff != "" {
				t.Error(diff)
			}
			if len(got.Fields) == 0 {
				t.Error("nothing is shown of it")
			}
		})
	}
}

func TestFields(t *testing.T) {
	raw := `{"object_type":"gm","action":"role","aux_info":"R","aux_id":9007199254740993,"actor_details":{"user_type":"external_user","uuid:":"P"},` +
		`"new":[null,true,{"a.b":"c"}],"empty":{},"none":[],"uuid":"U","uuid":"V","deep":{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":"x"}}}}}}}}}`
	want := []source.Field{
		{Label: "Kind of object", Path: "object_type", Value: "gm", Words: "Group"},
		{Label: "Action", Path: "action", Value: "role", Words: "Changed a member's role in a group"},
		{Label: "Further detail", Path: "aux_info", Value: "R", Words: "Member"},
		{Label: "Further number", Path: "aux_id", Value: "9007199254740993"},
		{Label: "Actor: kind", Path: "actor_details.user_type", Value: "external_user", Words: "Member of another account"},
		{Label: "Actor: id", Path: "actor_details.uuid:", Value: "P"},
		{Label: "new.0", Path: "new.0", Value: "null"},
		{Label: "new.1", Path: "new.1", Value: "true"},
		{Label: "new.2.a.b", Path: "new.2.a.b", Value: "c"},
		{Label: "empty", Path: "empty", Value: "{}"},
		{Label: "none", Path: "none", Value: "[]"},
		{Label: "Event", Path: "uuid", Value: "U"},
		{Label: "Event", Path: "uuid", Value: "V"},
		{Label: "deep.1.2.3.4.5.6.7", Path: "deep.1.2.3.4.5.6.7", Value: `{"8":"x"}`},
	}
	if diff := cmp.Diff(want, describe(Audit, []byte(raw)).Fields); diff != "" {
		t.Error(diff)
	}
	if n := len(describe(Audit, []byte(`{"a":[`+strings.Repeat("1,", 5000)+`1]}`)).Fields); n != mostLeaves {
		t.Errorf("a huge event is shown with %d fields", n)
	}
}

// TestWords compares the tables with the lists of the documentation (1.4.1).
func TestWords(t *testing.T) {
	documented := strings.Fields(`activate addgsso begin beginr cancel cancelr changeks changela changemp changenm changesk chngasso chngdsso chngpsso complete completr convert create
		dealldev delete delgsso delshare deolddev detchild disblduo disblmfa disblsso dlgsess dvrfydmn enblduo enblmfa enblsso expire export grant hide join launchi leave musercom muserdec
		patch propose provsn prsndall purge rdmchild reactive reauth replace resendts revoke role sdvcsso sendpkg sendts share ssotknv suspend tdvcsso trename trevoke trvlaway trvlback
		tverify uisas unhide unknown unlink updatduo update updatea updatfw updatmfa upguest uvrfydmn verify view vrfydmn`)
	if len(documented) != 79 || len(auditVerbs) != 79 {
		t.Errorf("%d actions are documented, %d have words", len(documented), len(auditVerbs))
	}
	for _, a := range documented {
		if auditVerbs[a] == "" {
			t.Errorf("%s has no words", a)
		}
	}
	objects := strings.Fields(`account card cred device dlgdsess ec famchild file gm group gva invite item itemhist items miguser mngdacc pm report sa satoken slackapp sso ssotkn sub
		template user uva vault vaultkey`)
	if len(objects) != 30 || len(auditObjects) != 30 || len(auditObjectOrder) != 30 {
		t.Errorf("%d objects are documented, %d have words, %d an order", len(objects), len(auditObjects), len(auditObjectOrder))
	}
	for _, o := range objects {
		if auditObjects[o].noun == "" || len(auditObjects[o].actions) == 0 || !slices.Contains(auditObjectOrder, o) {
			t.Errorf("%s has no words", o)
		}
		for _, p := range auditObjects[o].actions {
			if auditVerbs[p.action] == "" || p.words == "" || pairWords(o, p.action) != p.words {
				t.Errorf("%s.%s is no documented action or has no words", o, p.action)
			}
		}
	}
	if len(signInCategories) != 7 || len(signInTypes) != 32 || len(usageActions) != 11 {
		t.Errorf("%d categories, %d types, %d uses", len(signInCategories), len(signInTypes), len(usageActions))
	}
}

func TestServersStandInTheirOrder(t *testing.T) {
	var got []string
	for _, s := range Kind().Servers {
		got = append(got, s.Name+" "+s.URL)
	}
	want := []string{
		"1Password Enterprise https://events.ent.1password.com", "1Password (default) https://events.1password.com",
		"1Password CA https://events.1password.ca", "1Password EU https://events.1password.eu",
	}
	if !slices.Equal(got, want) {
		t.Errorf("servers are %q", got)
	}
}

func TestFilterWords(t *testing.T) {
	for _, c := range []struct {
		key         evidence.Key
		value, want string
	}{
		{evidence.KeyAction, "reveal", "Revealed"}, {evidence.KeyAction, "credentials_failed", "Failed: wrong credentials"}, {evidence.KeyAction, "suspend", "Suspended"},
		{evidence.KeyAction, "export", "Exported"}, {evidence.KeyType, "gm", "Group"}, {evidence.KeyType, "totp_bad", "Wrong one-time password"},
		{evidence.KeyAction, "beam-up", ""}, {evidence.KeyVault, "reveal", ""},
	} {
		if got := filterWords(c.key, c.value); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.key, c.value, got, c.want)
		}
	}
}
