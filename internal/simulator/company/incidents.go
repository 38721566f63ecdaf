package company

import (
	"fmt"
	"time"
)

func (d *director) outdatedClient() {
	p := d.c.staff[17]
	at := d.when(15, p)
	d.begin("outdated-client", "A client that is too old is refused until it has been updated.", p)
	for i := range 4 {
		d.signIn(d.later(at, time.Duration(i)*90*time.Second), p, d.home(p), "modern_version_failed", "modern_version_old", "")
	}
	d.signIn(d.later(at, 40*time.Minute), p, d.home(p), "success", p.factor, "")
	d.end()
}

func (d *director) ownerChange() {
	owner, heir := d.c.staff[0], d.c.staff[1]
	at := d.when(20, owner)
	d.begin("owner-change", "The account gets a second owner, and a day later the first one leaves the owners.", owner, heir)
	d.audit(d.onMember(at, owner, "join", groupOwners, heir, "A"))
	d.audit(d.onMember(d.later(at, 26*time.Hour), heir, "leave", groupOwners, owner, ""))
	d.end()
}

func (d *director) serviceAccount() {
	admin, robot := d.c.staff[2], d.c.robots[1]
	at := d.when(25, admin)
	d.begin("service-account", "A service account and its token are made, and it reads the items of a shared vault.", admin, robot)
	token := newID(d.w.rng, upperID)
	d.audit(auditEvent{at: at, who: admin, action: "create", objectType: "sa", object: robot.uuid})
	d.audit(auditEvent{at: d.later(at, 5*time.Second), who: admin, action: "create", objectType: "satoken", object: token, aux: robot.uuid})
	d.audit(auditEvent{at: d.later(at, 9*time.Second), who: admin, action: "tverify", objectType: "satoken", object: token, aux: robot.uuid})
	d.audit(auditEvent{at: d.later(at, time.Minute), who: admin, action: "grant", objectType: "uva", object: d.c.vaults[teamCount][0].id, aux: robot.uuid, auxUser: robot, auxInfo: "34"})
	v := d.c.vaults[teamCount][0]
	for i := range 12 {
		d.usage(d.later(at, 5*time.Minute+time.Duration(i)*time.Second), robot, d.home(robot), v, v.items[i], "server-fetch")
	}
	d.end()
}

func (d *director) tokenRevoked() {
	admin, robot := d.c.staff[3], d.c.robots[0]
	at := d.when(65, admin)
	d.begin("token-rotation", "A service account gets a new token and the old one is revoked.", admin, robot)
	older, newer := newID(d.w.rng, upperID), newID(d.w.rng, upperID)
	d.audit(auditEvent{at: at, who: admin, action: "create", objectType: "satoken", object: newer, aux: robot.uuid})
	d.audit(auditEvent{at: d.later(at, 4*time.Second), who: admin, action: "tverify", objectType: "satoken", object: newer, aux: robot.uuid})
	d.audit(auditEvent{at: d.later(at, time.Minute), who: admin, action: "trename", objectType: "satoken", object: newer, aux: robot.uuid})
	d.audit(auditEvent{at: d.later(at, 3*time.Hour), who: admin, action: "trevoke", objectType: "satoken", object: older, aux: robot.uuid})
	d.end()
}

func (d *director) adminGrant() {
	admin, friend := d.c.staff[2], d.c.staff[9]
	at := d.when(30, admin)
	d.begin("admin-grant", "An administrator makes a colleague an administrator and himself the manager of a finance group.", admin, friend)
	d.audit(d.onMember(at, admin, "join", groupAdmins, friend, "R"))
	d.audit(d.onMember(d.later(at, 2*time.Minute), admin, "role", groupAdmins, friend, "A"))
	d.audit(d.onMember(d.later(at, 5*time.Minute), admin, "join", 3, admin, "A"))
	d.audit(auditEvent{at: d.later(at, 6*time.Minute), who: admin, action: "grant", objectType: "uva", object: d.c.vaults[3][0].id, aux: admin.uuid, auxUser: admin, auxInfo: "15730663"})
	d.end()
}

func (d *director) recovery() {
	p, admin := d.c.staff[15], d.c.staff[3]
	at := d.when(33, p)
	d.begin("account-recovery", "Somebody has lost the password: recovery is begun and completed.", p, admin)
	for i := range 5 {
		d.signIn(d.later(at, time.Duration(i)*20*time.Second), p, d.home(p), "credentials_failed", "password_secret_bad", "")
	}
	d.audit(onUser(d.later(at, 30*time.Minute), admin, "beginr", p))
	d.audit(onUser(d.later(at, 90*time.Minute), admin, "completr", p))
	d.audit(onUser(d.later(at, 91*time.Minute), p, "changemp", p))
	d.end()
}

func (d *director) mfaFailures() {
	p := d.c.staff[12]
	at := d.when(35, p)
	d.begin("mfa-failures", "Nine wrong one-time codes in ten minutes, then a right one.", p)
	for i := range 9 {
		kind := "totp_bad"
		if i%4 == 3 {
			kind = "totp_timeout"
		}
		d.signIn(d.later(at, time.Duration(i)*65*time.Second), p, d.home(p), "mfa_failed", kind, "")
	}
	d.signIn(d.later(at, 11*time.Minute), p, d.home(p), "success", "mfa_ok", "")
	d.end()
}

func (d *director) activeLeaver() {
	p, admin := d.c.staff[8], d.c.staff[2]
	at := d.when(40, p)
	p.left = at
	d.removal("leaver-active", p.name+" is removed, yet signs in and uses items in the days after.", at, p, admin)
	v := d.c.vaults[p.team][0]
	for i := range 3 {
		day := d.later(at, 20*time.Hour+time.Duration(i)*26*time.Hour)
		d.signIn(day, p, d.home(p), "success", "credentials_ok", "")
		d.usage(d.later(day, 2*time.Minute), p, d.home(p), v, v.items[i], "reveal")
		d.usage(d.later(day, 3*time.Minute), p, d.home(p), v, v.items[i], "secure-copy")
	}
	d.end()
}

func (d *director) ssoFailures() {
	p, q := d.c.staff[13], d.c.staff[14]
	at := d.when(45, p)
	d.begin("sso-failures", "After a change of the identity provider two people cannot sign in.", p, q)
	for i := range 8 {
		who, kind := p, "sso_user_mismatch"
		if i%2 == 1 {
			who, kind = q, "platform_secret_bad"
		}
		d.signIn(d.later(at, time.Duration(i)*40*time.Second), who, d.home(who), "sso_failed", kind, "")
	}
	d.audit(auditEvent{at: d.later(at, 20*time.Minute), who: d.c.staff[2], action: "chngpsso", objectType: "sso", object: newID(d.w.rng, upperID)})
	d.end()
}

func (d *director) firewallBlocks() {
	p, q := d.c.staff[16], d.c.staff[11]
	at := d.when(50, p)
	d.begin("firewall-blocks", "Firewall rules stop attempts from abroad and report three that they let through.", p, q)
	for i := range 12 {
		where := d.strange(i)
		kind, value := "country_blocked", where.place.code
		switch i % 3 {
		case 1:
			kind, value = "ip_blocked", where.address
		case 2:
			kind, value = "continent_blocked", []string{"Europe", "Asia", "North America", "Oceania"}[i%len(d.c.away)]
		}
		d.signIn(d.later(at, time.Duration(i)*3*time.Minute), p, where, "firewall_failed", kind, value)
	}
	for i := range 3 {
		where := d.strange(i)
		d.signIn(d.later(at, time.Hour+time.Duration(i)*time.Hour), q, where, "firewall_reported_success", "country_blocked", where.place.code)
	}
	d.end()
}

func (d *director) impossibleTravel() {
	p := d.c.staff[7]
	at := d.when(55, p)
	d.begin("impossible-travel", "One person signs in at home and 25 minutes later on another continent.", p)
	d.signIn(at, p, d.home(p), "success", p.factor, "")
	far := spot{strangeAddress(200), &d.c.away[3]}
	d.signIn(d.later(at, 25*time.Minute), p, far, "success", p.factor, "")
	v := d.c.vaults[p.team][0]
	d.usage(d.later(at, 27*time.Minute), p, far, v, v.items[0], "reveal")
	d.end()
}

func (d *director) itemShares() {
	p := d.c.staff[11]
	at := d.when(60, p)
	d.begin("item-shares", "Six items of a shared vault are shared with people outside by link.", p)
	v := d.c.vaults[p.team][1]
	for i := range 6 {
		t := d.later(at, time.Duration(i)*4*time.Minute)
		d.usage(t, p, d.home(p), v, v.items[i], "share")
		d.audit(auditEvent{at: d.later(t, time.Second), who: p, action: "share", objectType: "item", object: v.items[i].id, aux: v.id})
	}
	d.end()
}

func (d *director) policyChange() {
	owner := d.c.staff[1]
	at := d.when(62, owner)
	d.begin("policy-change", "The firewall is opened, the second factor is switched off for an hour and on again.", owner)
	for i, action := range []string{"updatfw", "disblmfa", "enblmfa", "updatfw"} {
		d.audit(auditEvent{at: d.later(at, time.Duration(i)*20*time.Minute), who: owner, action: action, objectType: "account", object: d.c.account})
	}
	d.end()
}

func (d *director) bruteForce() {
	victims := []*person{d.c.staff[4], d.c.staff[5], d.c.staff[6]}
	at := d.when(70, victims[0]) - int64(6*time.Hour)
	at = max(at, d.c.calendar.from)
	count := d.crowd(240, 600)
	d.begin("brute-force", fmt.Sprintf("%d wrong passwords for three people from four addresses within eleven minutes.", count), victims...)
	step := 11 * time.Minute / time.Duration(count+1)
	for i := range count {
		where := spot{strangeAddress(30 + i%4), &d.c.away[i%4%2]}
		d.signIn(d.later(at, time.Duration(i)*step), victims[i%7%3], where, "credentials_failed", "password_secret_bad", "")
	}
	d.end()
}

func (d *director) vaultExport() {
	owner := d.c.staff[1]
	at := d.when(75, owner)
	v := d.c.vaults[teamCount][1]
	d.begin("vault-export", "A shared vault is exported whole.", owner)
	d.audit(auditEvent{at: at, who: owner, action: "export", objectType: "vault", object: v.id})
	for i := range 18 {
		d.usage(d.later(at, time.Second+time.Duration(i)*30*time.Millisecond), owner, d.home(owner), v, v.items[i], "export")
	}
	d.end()
}

func (d *director) massExport() {
	p := d.c.staff[10]
	at := d.when(80, p)
	count := d.crowd(80, 400)
	d.begin("mass-export", fmt.Sprintf("%d items are exported within four minutes, one event for each.", count), p)
	step := 4 * time.Minute / time.Duration(count+1)
	left := count
	for i := 0; left > 0; i++ {
		v := d.c.vaults[(p.team+i)%len(d.c.vaults)][0]
		for _, it := range v.items[:min(left, len(v.items))] {
			d.usage(d.later(at, time.Duration(count-left)*step), p, d.home(p), v, it, "export")
			left--
		}
	}
	d.end()
}
