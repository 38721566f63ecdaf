package company

// signInAttempt is what varies from one sign-in attempt to another.
type signInAttempt struct {
	at       int64
	who      *person
	device   device
	where    spot
	category string
	kind     string // the field type
	details  string // details.value; none if empty
}

// writeSignIn appends one sign-in attempt to its stream.
func (w *writer) writeSignIn(a signInAttempt, odd oddity) {
	usual := precision(9)
	if w.rng.IntN(24) == 0 {
		usual = 0 // as older sign-ins
	}
	nano := w.start(a.at, usual, odd)
	w.buf = append(w.buf, `,"session_uuid":"`...)
	w.buf = appendID(w.buf, w.rng, upperID)
	w.buf = append(w.buf, '"')
	w.timestamp(nano, odd)
	country := a.where.place.code
	if odd == oddCountry {
		country = a.where.place.country
	}
	if odd == oddEmpty {
		country = ""
	}
	w.buf = appendMember(w.buf, ',', "country", country)
	w.buf = appendMember(w.buf, ',', "category", a.category)
	w.buf = appendMember(w.buf, ',', "type", a.kind)
	if a.details == "" {
		w.buf = append(w.buf, `,"details":null`...)
	} else {
		w.buf = appendMember(append(w.buf, `,"details":`...), '{', "value", a.details)
		w.buf = append(w.buf, '}')
	}
	w.user(`,"target_user":`, a.who, odd)
	w.client(a.device, a.where, odd)
	w.location(a.where, odd, false)
	w.account(odd)
	w.finish(signIns, nano, odd)
}

// signIn invents a background attempt: nine in ten succeed.
func (w *writer) signIn(at int64, p *person, odd oddity) {
	a := signInAttempt{at: at, who: p, device: pick(w.rng, p.devices), where: w.whereabouts(p)}
	w.outcome(&a)
	switch odd {
	case oddUnknown:
		a.category, a.kind = "success", "quantum_ok"
	case oddCategory:
		a.category, a.kind = "posture_failed", "device_unhealthy"
	case oddTimeout:
		a.category, a.kind = "mfa_failed", "u2f_timout"
	}
	w.writeSignIn(a, odd)
}

func (w *writer) outcome(a *signInAttempt) {
	switch k := w.rng.IntN(1000); {
	case k < 902:
		a.category, a.kind = "success", a.who.factor
	case k < 957:
		a.category, a.kind = "credentials_failed", "password_secret_bad"
	case k < 979:
		a.category, a.kind = "mfa_failed", pick(w.rng, a.who.bad)
	case k < 987:
		a.category = "sso_failed"
		a.kind = pick(w.rng, []string{"non_sso_user", "sso_user_mismatch", "platform_secret_disabled", "platform_secret_bad", "platform_secret_proxy"})
	case k < 991:
		a.category, a.kind = "modern_version_failed", pick(w.rng, []string{"modern_version_old", "modern_version_old", "modern_version_missing"})
	case k < 997:
		w.blocked(a, "firewall_failed")
	default:
		w.blocked(a, "firewall_reported_success")
	}
}

// blocked makes a an attempt that a firewall rule caught, from a place where nobody works.
func (w *writer) blocked(a *signInAttempt, category string) {
	i := w.rng.IntN(len(w.c.away))
	a.where = spot{strangeAddress(i*20 + w.rng.IntN(20)), &w.c.away[i]}
	a.category = category
	rules := []struct{ kind, value string }{
		{"continent_blocked", []string{"Europe", "Asia", "North America", "Oceania"}[i]},
		{"country_blocked", a.where.place.code},
		{"ip_blocked", a.where.address},
		{"anonymous_blocked", a.where.address},
		{"all_blocked", ""},
	}
	rule := pick(w.rng, rules)
	a.kind, a.details = rule.kind, rule.value
}
