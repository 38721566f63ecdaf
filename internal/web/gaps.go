package web

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// gapGroup is what the gaps have in common that are named together.
type gapGroup struct {
	connection evidence.ID
	cause      evidence.Cause
	before     bool // they end before the connection was made
}

// gapGroups gathers the gaps that can still be healed.
type gapGroups struct {
	readings map[evidence.ID]reading
	order    []gapGroup
	found    map[gapGroup]*view.Attention
	counts   map[gapGroup]int
}

// gaps names per connection and cause what can still be healed, with the earliest date of loss. What lies before a
// connection was made stands apart: nobody promised it, and losing it is no failure of the reading.
func gaps(o overview) (lost, before []view.Attention) {
	g := gapGroups{readings: map[evidence.ID]reading{}, found: map[gapGroup]*view.Attention{}, counts: map[gapGroup]int{}}
	for _, r := range o.readings {
		g.readings[r.connection.ID] = r
	}
	for _, c := range o.coverage {
		for _, gap := range c.Gaps {
			g.add(c, gap)
		}
	}
	for _, key := range g.order {
		a := *g.found[key]
		a.Title += ": " + ui.Many(g.counts[key], "gap") + ", " + chart.CauseWords(key.cause)
		if !key.before {
			lost = append(lost, a)
			continue
		}
		a.Title += ", from before it was connected"
		a.Text += " The source forgets it from " + ui.Day(a.By) + " on."
		a.By, a.ByIs = time.Time{}, ""
		before = append(before, a)
	}
	return lost, before
}

func (g *gapGroups) add(c evidence.StreamCoverage, gap evidence.Gap) {
	r := g.readings[c.Connection]
	if gap.HealUntil.IsZero() || r.explains(gap) {
		return
	}
	made := r.connection.CreatedAt
	key := gapGroup{c.Connection, gap.Cause, !gap.To.After(made)}
	a := g.found[key]
	if a == nil {
		a = &view.Attention{
			Tone: ui.Bad, Icon: "hourglass", Href: "/connections/" + string(c.Connection) + "#coverage",
			Title: c.Name, Text: gap.Reason, By: gap.HealUntil, ByIs: "can be healed until",
		}
		if key.before {
			a.Tone = ui.Unsure
		}
		if a.Text == "" {
			a.Text = "Keep the server running, or run exhibit collect, before the source forgets these events."
		}
		g.order, g.found[key] = append(g.order, key), a
	}
	g.counts[key]++
	until := gap.HealUntil
	if !key.before && gap.From.Before(made) { // what counts is the part that was to be read
		until = until.Add(made.Sub(gap.From))
	}
	if g.counts[key] == 1 || until.Before(a.By) {
		a.By = until
	}
}

// explains reports whether something else on the page names a gap already: the trouble that lasts, or the first reading
// that is on its way.
func (r reading) explains(gap evidence.Gap) bool {
	if gap.Cause == evidence.NotCollected && r.health.State == evidence.StateBackfilling {
		return true
	}
	for _, st := range r.streams {
		if t := st.Trouble; t != nil && t.Open() && t.State == r.health.State && t.Cause == gap.Cause {
			return true
		}
	}
	return false
}
