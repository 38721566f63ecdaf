package recipe_test

import (
	"bytes"
	"cmp"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

var (
	admin  = evidence.Person{UUID: "ADM7KAPROEJLCK674RHSAY5ADM", Name: "Admin Example", Email: "admin@example.com"}
	leaver = evidence.Person{UUID: "LEA7KAPROEJLCK674RHSAY5LEA", Name: "Lea Example", Email: "lea@example.com"}
	robot  = evidence.Person{UUID: "ROB7KAPROEJLCK674RHSAY5ROB", Name: "deploy-pipeline"}
)

const (
	owners   = "ownersgroupqf5qylslqiitnduawrnd"
	support  = "supportgroupf5qylslqiitnduawrnd"
	vaultOne = "vaultsqf5qylslqiitnduawrnd"
)

// deed is an audit event: who did what to an object of a kind, and to whom it was done or given.
type deed struct {
	clock          string
	who            evidence.Person
	object, action string
	id             string          // of the object; the person's, if the object is a user
	whom           evidence.Person // the object if it is a user, else the further person
	aux, info      string
}

// audit makes an audit event as the source would tell it.
func audit(d deed) evidence.Event {
	t := at(d.clock)
	pairs := []any{"uuid", "", "timestamp", t.Format(time.RFC3339Nano), "actor_uuid", d.who.UUID, "actor_details", person(d.who), "actor_type", "user", "action", d.action, "object_type", d.object}
	f := evidence.Facts{At: t.Truncate(time.Millisecond), Action: d.action, Type: d.object, Person: d.who, Country: "Canada", IP: "192.0.2.7"}
	switch d.object {
	case "user":
		d.id = d.whom.UUID
		pairs = append(pairs, "object_uuid", d.id, "object_details", person(d.whom))
		f.Target = d.id
	case "uva", "gva":
		d.aux = cmp.Or(d.aux, d.whom.UUID)
		pairs = append(pairs, "object_uuid", d.id)
		f.Vault, f.Target = d.id, d.aux
	default:
		pairs = append(pairs, "object_uuid", d.id)
		f.Target = d.id
	}
	if d.aux = cmp.Or(d.aux, d.whom.UUID); d.aux != "" && d.object != "user" {
		pairs = append(pairs, "aux_uuid", d.aux)
		if d.whom.UUID != "" {
			pairs = append(pairs, "aux_details", person(d.whom))
		}
	}
	if d.info != "" {
		pairs = append(pairs, "aux_info", d.info)
	}
	pairs = append(pairs, "session", object("uuid", "SESSION4KFZ5BH37IQWTJ7LGSS", "device_uuid", "deviceqf5qylslqiitnduawrnd", "ip", f.IP),
		"location", object("country", "Canada", "region", "Ontario", "city", "Toronto"))
	return evidence.Event{Stream: "auditevents", Connection: "cn_one", Raw: object(pairs...), Facts: f}
}

func person(p evidence.Person) any { return object("uuid", p.UUID, "name", p.Name, "email", p.Email) }

// earlier moves an event some days back.
func earlier(days int, e evidence.Event) evidence.Event {
	old := e.At.Format(time.DateOnly)
	e.At = e.At.AddDate(0, 0, -days)
	e.Raw = bytes.ReplaceAll(e.Raw, []byte(old), []byte(e.At.Format(time.DateOnly)))
	return e
}

// company is a small company with a story for each recipe.
func company() *memory {
	m := withEvents(
		// Before the period: what is known of places and apps, somebody who fell asleep, access from earlier, a removal.
		earlier(20, signIn("08:00:00", ada, "192.0.2.1", "success", "mfa_ok")),
		earlier(20, signIn("08:01:00", nolan, "192.0.2.3", "success", "mfa_ok")),
		earlier(20, audit(deed{clock: "08:02:00", who: admin, object: "uva", action: "grant", id: vaultOne, whom: bob, info: "34"})),
		earlier(20, audit(deed{clock: "08:03:00", who: admin, object: "gm", action: "join", id: owners, whom: admin, info: "A"})),
		earlier(10, audit(deed{clock: "08:04:00", who: admin, object: "user", action: "suspend", whom: robot})),
		// A joiner.
		audit(deed{clock: "08:00:00", who: admin, object: "invite", action: "create", id: "INVITEPROEJLCK674RHSAY5INV"}),
		audit(deed{clock: "08:10:00", who: bob, object: "user", action: "join", whom: bob}),
		audit(deed{clock: "08:20:00", who: admin, object: "user", action: "activate", whom: bob}),
		audit(deed{clock: "08:21:00", who: admin, object: "gm", action: "join", id: support, whom: bob, info: "R"}),
		audit(deed{clock: "08:22:00", who: admin, object: "gva", action: "grant", id: vaultOne, aux: support, info: "66"}),
		audit(deed{clock: "08:23:00", who: bob, object: "device", action: "create", id: "deviceqf5qylslqiitnduawrnd", whom: bob}),
		// Somebody who comes back, and goes on.
		audit(deed{clock: "09:00:00", who: admin, object: "user", action: "reactive", whom: robot}),
		usage("09:30:00", robot, "192.0.2.50", "server-fetch", "itembvwmmwxisuca7wbehrbyqh"),
		// A leaver who is still active.
		audit(deed{clock: "10:00:00", who: admin, object: "user", action: "suspend", whom: leaver}),
		audit(deed{clock: "10:01:00", who: admin, object: "uva", action: "revoke", id: vaultOne, whom: leaver}),
		audit(deed{clock: "10:02:00", who: admin, object: "user", action: "delete", whom: leaver}),
		signIn("10:30:00", leaver, "198.51.100.9", "success", "credentials_ok"),
		signIn("10:31:00", leaver, "198.51.100.9", "credentials_failed", "password_secret_bad"),
		usage("10:32:00", leaver, "198.51.100.9", "reveal", "itembvwmmwxisuca7wbehrbyqh"),
		// Privilege, once to oneself.
		audit(deed{clock: "11:00:00", who: admin, object: "gm", action: "role", id: support, whom: bob, info: "A"}),
		audit(deed{clock: "11:01:00", who: admin, object: "uva", action: "grant", id: vaultOne, whom: admin, info: "15730663"}),
		audit(deed{clock: "11:02:00", who: admin, object: "gm", action: "join", id: owners, whom: ada, info: "R"}),
		// Machines, recovery, policy.
		audit(deed{clock: "12:00:00", who: admin, object: "sa", action: "create", id: robot.UUID}),
		audit(deed{clock: "12:01:00", who: admin, object: "satoken", action: "create", id: "TOKENAPROEJLCK674RHSAY5TOK", aux: robot.UUID}),
		audit(deed{clock: "12:30:00", who: admin, object: "user", action: "beginr", whom: ada}),
		audit(deed{clock: "12:40:00", who: admin, object: "user", action: "completr", whom: ada}),
		audit(deed{clock: "13:00:00", who: admin, object: "account", action: "disblmfa", id: "ACCOUNTKFZ5BH37IQWTJ7LGAAA"}),
		audit(deed{clock: "13:10:00", who: admin, object: "sso", action: "chngpsso", id: "SSOTKFZ5BH37IQWTJ7LGAAAAAA"}),
		// Sign-ins.
		signIn("14:00:00", ada, "192.0.2.1", "success", "mfa_ok"),
		signIn("14:01:00", ada, "192.0.2.1", "mfa_failed", "totp_bad"),
		signIn("14:02:00", bob, "203.0.113.4", "firewall_failed", "country_blocked"),
		signIn("14:03:00", bob, "192.0.2.4", "modern_version_failed", "modern_version_old"),
		signIn("14:04:00", bob, "192.0.2.4", "success", "credentials_ok"),
		// Uses.
		usage("15:00:00", ada, "192.0.2.1", "fill", "itembvwmmwxisuca7wbehrbyqh"),
		usage("15:10:00", ada, "192.0.2.1", "fill", "itembvwmmwxisuca7wbehrbyqh"),
		usage("15:20:00", bob, "192.0.2.4", "", "itembvwmmwxisuca7wbehrbyqh"),
	)
	abroad := &m.events[len(m.events)-4]
	abroad.Country, abroad.Client = "JP", "1Password for iOS"
	m.events[7].Odd = evidence.OddTime
	m.troubles = []evidence.Trouble{
		{Span: evidence.Span{From: at("05:00:00"), To: at("06:30:00")}, Cause: evidence.Unreachable, Reason: "The server did not answer."},
		{Span: evidence.Span{From: at("05:00:00").AddDate(0, -2, 0), To: at("06:30:00").AddDate(0, -2, 0)}, Cause: evidence.Unreachable, Reason: "The server did not answer."},
	}
	m.built = []recipe.Built{
		{Artifact: "ar_one", Recipe: "failed-sign-ins", Title: "Failed sign-ins and bursts", Version: 2, Period: evidence.Span{From: october.From, To: at("00:00:00")}, Result: evidence.Complete, Rows: 3,
			At: at("06:00:00"), By: "Ada Example", For: []string{"EX-01", "EX-01-A1"}},
		{Artifact: "ar_two", Recipe: "log-review", Title: "Review of the log", Version: 1, Period: october, Result: evidence.Complete, At: at("07:00:00"), By: "Ada Example"},
	}
	return m
}
