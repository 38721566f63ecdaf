package company

// itemUsage is what varies from one item usage to another.
type itemUsage struct {
	at      int64
	who     *person
	device  device
	where   spot
	vault   string
	item    string
	version int64
	action  string
}

// writeUsage appends one item usage to its stream.
func (w *writer) writeUsage(u itemUsage, odd oddity) {
	usual := precision(3)
	if w.rng.IntN(3) == 0 {
		usual = 9
	}
	nano := w.start(u.at, usual, odd)
	w.timestamp(nano, odd)
	w.buf = append(w.buf, `,"used_version":`...)
	w.buf = appendInt(w.buf, u.version)
	w.buf = appendMember(w.buf, ',', "vault_uuid", u.vault)
	w.buf = appendMember(w.buf, ',', "item_uuid", u.item)
	w.user(`,"user":`, u.who, odd)
	w.client(u.device, u.where, odd)
	w.location(u.where, odd, false)
	if odd != oddNoAction {
		w.buf = appendMember(w.buf, ',', "action", u.action)
	}
	w.account(odd)
	w.finish(usages, nano, odd)
}

// usage invents a background item usage.
func (w *writer) usage(at int64, p *person, odd oddity) {
	u := itemUsage{at: at, who: p, device: pick(w.rng, p.devices), where: w.whereabouts(p)}
	v, i := w.item(p.team)
	u.vault, u.item = v.id, i.id
	u.version = i.version + (at-w.c.calendar.from)/(20*24*3600*1e9)
	u.action = w.action(p)
	switch odd {
	case oddUnknown:
		u.action = "agent-fill"
	case oddEmptyAction:
		u.action = ""
	case oddVersionZero:
		u.version = 0
	case oddVersionHuge:
		u.version = 1<<32 - 1
	}
	w.writeUsage(u, odd)
}

// item draws an item of the team's vaults or of the shared ones; the product of two uniform draws favours the first
// items of a vault, the popular ones.
func (w *writer) item(team int) (vault, item) {
	if w.rng.IntN(7) == 0 {
		team = teamCount
	}
	v := pick(w.rng, w.c.vaults[team])
	n := uint64(len(v.items))
	i := n * w.rng.Uint64N(1<<16) >> 16 * w.rng.Uint64N(1<<16) >> 16
	return v, v.items[i]
}

// action draws what is done with the item.
func (w *writer) action(p *person) string {
	if len(p.devices) == 1 { // a service account
		return []string{"server-fetch", "server-fetch", "server-fetch", "server-update", "server-create"}[w.rng.IntN(5)]
	}
	k := w.rng.IntN(1000)
	for _, a := range []struct {
		below int
		name  string
	}{
		{655, "fill"}, {805, "secure-copy"}, {890, "reveal"}, {935, "enter-item-edit-mode"}, {950, "server-create"},
		{968, "server-update"}, {979, "select-sso-provider"}, {984, "share"}, {987, "export"},
	} {
		if k < a.below {
			return a.name
		}
	}
	return "other" // clients before 8.4.0
}
