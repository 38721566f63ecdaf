package web

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// concerns shows what evidence.Concerns gives, the same that notifications tell. What lies before a connection was made
// stands apart.
func concerns(o overview, now time.Time) (lasting, before []view.Attention) {
	var standings []evidence.Standing
	for _, r := range o.readings {
		standings = append(standings, evidence.Standing{Connection: r.connection, Streams: r.streams, Health: r.health, Retention: r.kind.Retention})
	}
	for _, c := range evidence.Concerns(standings, o.coverage, now) {
		switch {
		case c.Silent || c.Kind == evidence.ConcernLate: // the connection's page tells of late events
		case c.Before:
			before = append(before, attentionOf(c, now))
		default:
			lasting = append(lasting, attentionOf(c, now))
		}
	}
	return lasting, before
}

// attentionOf gives a concern its colour, its icon and where to look after it.
func attentionOf(c evidence.Concern, now time.Time) view.Attention {
	a := view.Attention{Title: c.Title, Text: c.Text, By: c.By, ByIs: c.ByIs, Href: concernHref(c)}
	switch c.Kind {
	case evidence.ConcernGaps:
		a.Tone, a.Icon = ui.Bad, "hourglass"
		if c.Before {
			a.Tone = ui.Unsure
		}
	case evidence.ConcernExpiry:
		a.Tone, a.Icon = ui.Warn, "key-round"
		if c.By.Sub(now) <= 7*day {
			a.Tone = ui.Bad
		}
	default:
		a.Tone, a.Icon, _ = view.StateBadge(evidence.State(c.Kind)) // a trouble has the name of its state
	}
	return a
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
