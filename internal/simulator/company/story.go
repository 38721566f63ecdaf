package company

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// Person is somebody in an incident.
type Person struct {
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Incident is something worth finding among the events. The same kind of thing may also happen by chance in the
// background, in small numbers.
type Incident struct {
	Name   string                   `json:"name"`   // one word per kind of incident, with hyphens; joiner and leaver come several times
	What   string                   `json:"what"`   // in one sentence
	From   time.Time                `json:"from"`   // of the first event
	To     time.Time                `json:"to"`     // of the last event, cut to the millisecond
	Who    []Person                 `json:"who"`    // the people it is about, the one who acts first
	Events map[feed.Stream][]string `json:"events"` // uuids in order of time
}

// director writes incidents.
type director struct {
	c   *Company
	w   *writer
	now *Incident
}

// tell writes all incidents. Each takes its people from a fixed place of the staff: 0 owner, 1 the next owner,
// 2 and 3 administrators, 6 to 17 the others; joiners and leavers come from the end.
func (c *Company) tell(rng *rand.Rand) {
	w := newWriter(c)
	w.rng, w.keep = rng, true
	d := &director{c: c, w: w}
	for _, scene := range []func(*director){
		(*director).outdatedClient, (*director).ownerChange, (*director).serviceAccount, (*director).adminGrant,
		(*director).recovery, (*director).mfaFailures, (*director).activeLeaver, (*director).ssoFailures,
		(*director).firewallBlocks, (*director).impossibleTravel, (*director).itemShares, (*director).policyChange,
		(*director).tokenRevoked, (*director).bruteForce, (*director).vaultExport, (*director).massExport,
	} {
		scene(d)
	}
	d.joiners()
	d.leavers()
	slices.SortStableFunc(c.story, func(a, b Incident) int { return a.From.Compare(b.From) })
	c.storyEvents = w.out
}

// begin opens an incident; the events that follow belong to it until end.
func (d *director) begin(name, what string, who ...*person) {
	d.now = &Incident{Name: name, What: what, Events: map[feed.Stream][]string{}}
	for _, p := range who {
		d.now.Who = append(d.now.Who, Person{p.uuid, p.name, p.mail})
	}
}

func (d *director) end() { d.c.story = append(d.c.story, *d.now) }

// when is a fraction of the period (per cent), moved to a moment of a working day at the person's office if the
// period is long enough for that.
func (d *director) when(percent int64, p *person) int64 {
	from, to := d.c.calendar.from, d.c.calendar.to
	at := from + (to-from)/100*percent
	local := time.Unix(0, at).In(d.c.places[p.office].zone)
	for local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
		local = local.AddDate(0, 0, 1)
	}
	work := time.Date(local.Year(), local.Month(), local.Day(), 9, 0, 0, 0, local.Location()).UnixNano()
	work += percent*7%6*int64(time.Hour) + percent*13%60*int64(time.Minute) + d.w.rng.Int64N(int64(time.Minute))
	if work < from || work > to-(to-from)/50 {
		return at
	}
	return work
}

// later is at plus a delay, kept within the period.
func (d *director) later(at int64, delay time.Duration) int64 {
	room := d.c.calendar.to - at - int64(time.Minute)
	return at + min(int64(delay), max(room/2, 0))
}

func (d *director) note(s feed.Stream, at int64) {
	t := time.UnixMilli(at / 1e6).UTC()
	if d.now.From.IsZero() || t.Before(d.now.From) {
		d.now.From = t
	}
	if t.After(d.now.To) {
		d.now.To = t
	}
	d.now.Events[s] = append(d.now.Events[s], d.w.uuid)
}

func (d *director) signIn(at int64, p *person, where spot, category, kind, details string) {
	d.w.writeSignIn(signInAttempt{at, p, p.devices[len(p.devices)%2], where, category, kind, details}, oddMillis)
	d.note(feed.SignInAttempts, at)
}

func (d *director) usage(at int64, p *person, where spot, v vault, i item, action string) {
	d.w.writeUsage(itemUsage{at, p, p.devices[0], where, v.id, i.id, i.version, action}, oddMillis)
	d.note(feed.ItemUsages, at)
}

func (d *director) audit(a auditEvent) {
	if a.where.place == nil {
		a.where = d.home(a.who)
	}
	d.w.writeAudit(a, tidy)
	d.note(feed.AuditEvents, a.at)
}

func (d *director) home(p *person) spot { return spot{p.home, &d.c.places[p.office]} }

func (d *director) strange(i int) spot {
	return spot{strangeAddress(100 + i), &d.c.away[i%len(d.c.away)]}
}

// onUser is an audit event about a user.
func onUser(at int64, who *person, action string, object *person) auditEvent {
	return auditEvent{at: at, who: who, action: action, objectType: "user", object: object.uuid, objectUser: object}
}

// onMember is an audit event about a group's member.
func (d *director) onMember(at int64, who *person, action string, g int, member *person, role string) auditEvent {
	return auditEvent{at: at, who: who, action: action, objectType: "gm", object: d.c.groups[g].id, aux: member.uuid, auxUser: member, auxInfo: role}
}

// crowd scales the size of an incident with the number of events.
func (d *director) crowd(least, most int) int { return min(max(d.c.plan.Events/150, least), most) }

// joiners: one in twenty-five, at least three: invited, created, confirmed, first device, groups and vaults.
func (d *director) joiners() {
	count := max(3, len(d.c.staff)/25)
	for i := range count {
		p := d.c.staff[len(d.c.staff)-1-i]
		at := d.when(5+int64(i)*80/int64(count), p)
		admin := d.c.staff[2+i%2]
		p.joined = d.later(at, 26*time.Hour)
		d.begin("joiner", p.name+" is invited, joins, and gets groups and vaults.", p, admin)
		invitation := newID(d.w.rng, upperID)
		d.audit(auditEvent{at: at, who: admin, action: "create", objectType: "invite", object: invitation})
		d.audit(onUser(p.joined, p, "create", p))
		d.audit(auditEvent{at: d.later(p.joined, time.Minute), who: p, action: "verify", objectType: "invite", object: invitation})
		d.audit(onUser(d.later(p.joined, time.Hour), admin, "activate", p))
		first := p.devices[0]
		d.audit(auditEvent{at: d.later(p.joined, 2*time.Minute), who: p, action: "create", objectType: "device", object: first.id, auxID: first.number, aux: p.uuid, auxUser: p, device: first.id})
		d.audit(d.onMember(d.later(p.joined, 61*time.Minute), admin, "join", groupMembers, p, "R"))
		d.audit(d.onMember(d.later(p.joined, 62*time.Minute), admin, "join", p.team, p, "R"))
		own := d.c.vaults[p.team]
		d.audit(auditEvent{at: d.later(p.joined, 70*time.Minute), who: admin, action: "grant", objectType: "uva", object: own[0].id, aux: p.uuid, auxUser: p, auxInfo: "66"})
		if i%3 == 0 {
			d.audit(auditEvent{at: d.later(p.joined, 75*time.Minute), who: admin, action: "grant", objectType: "gva", object: own[1].id, aux: d.c.groups[p.team].id, auxInfo: "34"})
		}
		d.signIn(d.later(p.joined, 3*time.Minute), p, d.home(p), "success", p.factor, "")
		d.end()
	}
}

// leavers: access withdrawn, devices deauthorised, suspended and a week later deleted.
func (d *director) leavers() {
	count := max(3, len(d.c.staff)/30)
	joined := max(3, len(d.c.staff)/25)
	for i := range count {
		p := d.c.staff[len(d.c.staff)-1-joined-i]
		at := d.when(8+int64(i)*82/int64(count), p)
		p.left = at
		d.removal("leaver", p.name+" leaves: access is withdrawn the same day.", at, p, d.c.staff[3-i%2])
		d.end()
	}
}

// removal opens an incident with the audit events of somebody's removal.
func (d *director) removal(name, what string, at int64, p, admin *person) {
	d.begin(name, what, p, admin)
	d.audit(onUser(at, admin, "suspend", p))
	d.audit(d.onMember(d.later(at, 2*time.Minute), admin, "leave", p.team, p, ""))
	d.audit(auditEvent{at: d.later(at, 3*time.Minute), who: admin, action: "revoke", objectType: "uva", object: d.c.vaults[p.team][0].id, aux: p.uuid, auxUser: p})
	d.audit(onUser(d.later(at, 4*time.Minute), admin, "dealldev", p))
	d.audit(onUser(d.later(at, 30*time.Minute), admin, "delete", p))
}
