package web

import (
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// concerns shows what evidence.Concerns gives, the same that notifications tell. What lies before a connection was made
// stands apart.
func concerns(o overview, now time.Time) (lasting, before []view.Attention) {
	var standings []evidence.Standing
	cares := map[evidence.ID]connection.Care{}
	for _, r := range o.readings {
		cares[r.connection.ID] = r.care
		standings = append(standings, evidence.Standing{Connection: r.connection, Streams: r.streams, Health: r.health, Retention: r.kind.Retention})
	}
	for _, c := range evidence.Concerns(standings, o.coverage, now) {
		switch {
		case c.Silent || c.Kind == evidence.ConcernLate: // the connection's page tells of late events
		case c.Before:
			before = append(before, attentionOf(c, cares[c.Connection]))
		default:
			lasting = append(lasting, attentionOf(c, cares[c.Connection]))
		}
	}
	for _, c := range o.vouch {
		lasting = append(lasting, view.Attention{Title: c.Title, Text: c.Text, Href: "/log", Tone: ui.Warn, Icon: "eye"})
	}
	return lasting, before
}

// attentionOf gives a concern its colour, its icon and where to look after it.
func attentionOf(c evidence.Concern, care connection.Care) view.Attention {
	a := view.Attention{Title: c.Title, Text: c.Text, By: c.By, ByIs: c.ByIs, Href: concernHref(c)}
	switch c.Kind {
	case evidence.ConcernGaps:
		a.Tone, a.Icon, a.Lost = ui.Bad, "hourglass", !c.Before
		if c.Before {
			a.Tone = ui.Unsure
		}
	case evidence.ConcernExpiry:
		a.Tone, a.Icon = ui.Warn, "key-round"
		if e := care.Expiry; e != nil {
			a.Tone, a.Text = expiryTone(*e), e.Text+" Rotate it now; no interval is lost."
			a.Lost = e.LostFrom.After(e.At)
		}
		if a.Lost { // what is lost first is what happens right after its end
			a.By, a.ByIs = care.Expiry.LostFrom, "events are lost from"
		}
	default:
		a.Tone, a.Icon, _ = view.StateBadge(evidence.State(c.Kind)) // a trouble has the name of its state
		a.Text = strings.TrimSpace(a.Text + " " + care.ToDo)
		if !care.LostFrom.IsZero() {
			a.By, a.ByIs, a.Lost = care.LostFrom, "events are lost from", true
		}
	}
	return a
}

func expiryTone(e connection.Expiry) ui.Tone {
	if e.Urgent() {
		return ui.Bad
	}
	return ui.Warn
}

// concernHref is where somebody looks after a concern.
func concernHref(c evidence.Concern) string {
	href := "/connections/" + string(c.Connection)
	switch c.Kind {
	case evidence.ConcernGaps:
		return href + "#coverage"
	case evidence.ConcernExpiry:
		return href + "#switch"
	}
	return href
}
