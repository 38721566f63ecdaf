package recipe

import (
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Reach gives the events that a table can have been made from: those of its streams, from the beginning of its period less
// the largest of its parameters that count days, to the period's end. No recipe reads others; a test holds all of them to it.
func (p Provenance) Reach() (evidence.Span, []evidence.Stream) {
	const most = 100 * 366 // a provenance may come from a stranger; more overflows nowhere, and no recipe admits as many
	days := 0
	for _, v := range p.Parameters {
		if v.Unit == Days {
			days = max(days, min(v.Value, most))
		}
	}
	streams := slices.Clone(p.Query.Streams)
	if r, err := ByID(p.Recipe.ID); err == nil {
		streams = append(streams, r.Streams...) // a filter may have narrowed them, and that something came late counts for all
	}
	return evidence.Span{From: p.Period.From.Add(-time.Duration(days) * 24 * time.Hour), To: p.Period.To}, streams
}
