package company

import (
	"math/rand/v2"
	"time"
)

// auditEvent is what varies from one audit event to another. Empty fields are left out, as the API does.
type auditEvent struct {
	at         int64
	who        *person
	where      spot
	action     string
	objectType string
	object     string
	objectUser *person // if the object is a user
	auxID      int64
	aux        string
	auxUser    *person // if the auxiliary object relates to a user
	auxInfo    string
	device     string
}

// writeAudit appends one audit event to its stream.
func (w *writer) writeAudit(a auditEvent, odd oddity) {
	nano := w.start(a.at, 9, odd)
	w.timestamp(nano, odd)
	w.buf = appendMember(w.buf, ',', "actor_uuid", a.who.uuid)
	if odd != oddNoDetails {
		w.userDetails(`,"actor_details":`, a.who, odd)
	}
	if odd != oddSparse {
		w.buf = appendMember(w.buf, ',', "actor_type", a.who.kind)
		w.buf = appendMember(w.buf, ',', "actor_account_uuid", a.who.account)
	}
	w.account(odd)
	w.buf = appendMember(w.buf, ',', "action", a.action)
	w.buf = appendMember(w.buf, ',', "object_type", a.objectType)
	w.buf = appendMember(w.buf, ',', "object_uuid", a.object)
	if a.objectUser != nil {
		w.userDetails(`,"object_details":`, a.objectUser, tidy)
	}
	w.auxiliary(a, odd)
	w.session(a, nano)
	w.location(a.where, odd, w.rng.IntN(3) > 0)
	w.finish(audits, nano, odd)
}

func (w *writer) auxiliary(a auditEvent, odd oddity) {
	if a.auxID != 0 {
		w.buf = appendInt(append(w.buf, `,"aux_id":`...), a.auxID)
	}
	if a.aux != "" {
		w.buf = appendMember(w.buf, ',', "aux_uuid", a.aux)
	}
	if a.auxUser != nil {
		w.userDetails(`,"aux_details":`, a.auxUser, tidy)
	}
	info := a.auxInfo
	if odd == oddHostileClient {
		info = pick(w.rng, w.c.texts)
	}
	if info != "" || odd == oddEmpty {
		w.buf = appendMember(w.buf, ',', "aux_info", info)
	}
}

// session appends the session: it began in the two hours before, on a device of the actor.
func (w *writer) session(a auditEvent, nano int64) {
	w.buf = append(w.buf, `,"session":{"uuid":"`...)
	w.buf = appendID(w.buf, w.rng, upperID)
	w.buf = append(w.buf, `","login_time":"`...)
	w.buf = appendTime(w.buf, nano-w.rng.Int64N(int64(2*time.Hour)), time.UTC)
	w.buf = append(w.buf, '"')
	id := a.device
	if id == "" {
		id = pick(w.rng, a.who.devices).id
	}
	w.buf = appendMember(w.buf, ',', "device_uuid", id)
	w.buf = appendMember(w.buf, ',', "ip", a.where.address)
	w.buf = append(w.buf, '}')
}

// userDetails appends the details of a user in an audit event.
func (w *writer) userDetails(key string, p *person, odd oddity) {
	w.buf = append(w.buf, key...)
	if odd == oddHostileName {
		w.buf = p.appendUser(w.buf, pick(w.rng, w.c.texts), false)
		return
	}
	w.buf = append(w.buf, p.plain...)
}

// audit invents a background audit event.
func (w *writer) audit(at int64, p *person, odd oddity) {
	a := auditEvent{at: at, who: p, where: w.whereabouts(p)}
	w.deed(&a)
	switch odd {
	case oddUnknown:
		a.action, a.objectType = "rotate", "quantumkey"
	case oddUnknownPair:
		a.action, a.objectType = "view", "slackapp"
	}
	w.writeAudit(a, odd)
}

// deed draws what the actor did: mostly about himself, his devices and vaults; now and then, as an administrator,
// about others.
func (w *writer) deed(a *auditEvent) {
	switch k := w.rng.IntN(100); {
	case k < 38:
		w.deviceDeed(a)
	case k < 58:
		w.selfDeed(a)
	case k < 80:
		w.vaultDeed(a)
	case k < 90:
		w.groupDeed(a)
	default:
		w.adminDeed(a)
	}
}

func (w *writer) deviceDeed(a *auditEvent) {
	d := pick(w.rng, a.who.devices)
	a.action = pick(w.rng, []string{"create", "update", "update", "reauth", "delete"})
	a.objectType, a.object, a.auxID, a.aux, a.auxUser = "device", d.id, d.number, a.who.uuid, a.who
}

func (w *writer) selfDeed(a *auditEvent) {
	deeds := [][2]string{
		{"changemp", "user"}, {"changesk", "user"}, {"changenm", "user"}, {"changela", "user"}, {"trvlaway", "user"}, {"trvlback", "user"},
		{"enblmfa", "user"}, {"updatmfa", "user"}, {"disblmfa", "user"}, {"tdvcsso", "user"}, {"sdvcsso", "user"}, {"deolddev", "user"},
		{"create", "cred"}, {"delete", "cred"}, {"ssotknv", "ssotkn"}, {"dlgsess", "dlgdsess"}, {"begin", "ec"}, {"complete", "ec"},
		{"sendpkg", "user"},
	}
	d := pick(w.rng, deeds)
	a.action, a.objectType = d[0], d[1]
	switch a.objectType {
	case "user":
		a.object, a.objectUser = a.who.uuid, a.who
	default:
		a.object, a.aux, a.auxUser = newID(w.rng, upperID), a.who.uuid, a.who
	}
}

func (w *writer) vaultDeed(a *auditEvent) {
	v := pick(w.rng, w.c.vaults[w.rng.IntN(len(w.c.vaults))])
	a.object = v.id
	switch k := w.rng.IntN(12); {
	case k < 3:
		a.action, a.objectType = pick(w.rng, []string{"update", "create", "update"}), "vault"
	case k < 8:
		other := w.colleague(a)
		a.action, a.objectType = pick(w.rng, []string{"grant", "grant", "revoke", "update"}), "uva"
		a.aux, a.auxUser, a.auxInfo = other.uuid, other, permissions(w.rng)
	case k < 10:
		a.action, a.objectType = pick(w.rng, []string{"grant", "revoke", "update"}), "gva"
		a.aux, a.auxInfo = pick(w.rng, w.c.groups[:teamCount]).id, permissions(w.rng)
	default:
		a.action, a.objectType = pick(w.rng, []string{"update", "patch", "share", "delshare", "hide", "unhide"}), "item"
		a.object, a.aux = pick(w.rng, v.items).id, v.id
	}
}

// permissions is a made-up bit set: how the real one is written is not documented.
func permissions(rng *rand.Rand) string {
	return string(appendInt(nil, pick(rng, []int64{2, 34, 66, 15730594, 15730663})))
}

func (w *writer) groupDeed(a *auditEvent) {
	a.who = w.c.staff[2+w.rng.IntN(2)] // the administrators
	a.where = w.whereabouts(a.who)
	g := w.c.groups[w.rng.IntN(teamCount)]
	other := w.colleague(a)
	a.objectType, a.object, a.aux, a.auxUser = "gm", g.id, other.uuid, other
	switch k := w.rng.IntN(20); {
	case k < 5:
		a.action = "leave"
	case k < 6:
		a.action, a.auxInfo = "role", "A"
	default:
		a.action, a.auxInfo = "join", "R"
	}
}

func (w *writer) adminDeed(a *auditEvent) {
	a.who = w.c.staff[w.rng.IntN(4)]
	a.where = w.whereabouts(a.who)
	deeds := [][2]string{
		{"view", "report"}, {"export", "report"}, {"update", "template"}, {"update", "account"}, {"update", "card"}, {"update", "sub"},
		{"propose", "invite"}, {"prsndall", "invite"}, {"verify", "invite"}, {"provsn", "user"}, {"reactive", "user"}, {"tverify", "satoken"},
		{"update", "group"}, {"vrfydmn", "account"}, {"addgsso", "sso"}, {"update", "slackapp"}, {"unlink", "mngdacc"}, {"expire", "mngdacc"},
		{"upguest", "user"}, {"update", "sa"}, {"uisas", "account"},
	}
	d := pick(w.rng, deeds)
	a.action, a.objectType, a.object = d[0], d[1], newID(w.rng, upperID)
	switch a.objectType {
	case "user":
		a.objectUser = w.colleague(a)
		a.object = a.objectUser.uuid
	case "account":
		a.object = w.c.account
	case "group":
		a.object = pick(w.rng, w.c.groups).id
	case "satoken", "sa":
		a.object, a.aux = newID(w.rng, upperID), pick(w.rng, w.c.robots).uuid
	}
}

// colleague draws somebody else who is there.
func (w *writer) colleague(a *auditEvent) *person {
	for range 8 {
		if p := pick(w.rng, w.c.staff); p != a.who && p.activeAt(a.at) {
			return p
		}
	}
	return w.c.staff[len(w.c.places)]
}
