package recipe

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// hole is a span of the period that had not been read of one stream of a source.
type hole struct {
	evidence.Gap
	Source Source
	Stream evidence.Stream
}

// findHoles gives every moment of the period that no window covers, for each stream of each source, in that order. It
// looks at windows alone: a moment is covered because it was read, never because no gap was reported for it.
func findHoles(sources []Source, streams []evidence.Stream, coverage []evidence.StreamCoverage, period evidence.Span) []hole {
	var out []hole
	for _, src := range sources {
		for _, stream := range streams {
			for _, missing := range readSpans(coverage, src.Connection, stream).Missing(period) {
				for _, g := range explain(missing, reported(coverage, src.Connection, stream)) {
					out = append(out, hole{Gap: g, Source: src, Stream: stream})
				}
			}
		}
	}
	return out
}

// readSpans are the spans of a stream that have been read.
func readSpans(coverage []evidence.StreamCoverage, connection evidence.ID, stream evidence.Stream) evidence.Spans {
	var spans []evidence.Span
	for _, c := range coverage {
		if c.Connection == connection && c.Stream == stream {
			for _, w := range c.Windows {
				spans = append(spans, w.Span)
			}
		}
	}
	return evidence.NewSpans(spans...)
}

// reported are the gaps of a stream that have a known cause.
func reported(coverage []evidence.StreamCoverage, connection evidence.ID, stream evidence.Stream) []evidence.Gap {
	var gaps []evidence.Gap
	for _, c := range coverage {
		if c.Connection == connection && c.Stream == stream {
			gaps = append(gaps, c.Gaps...)
		}
	}
	return gaps
}

// explain splits a missing span by the reported gaps. What none of them explains has not been collected yet.
func explain(missing evidence.Span, gaps []evidence.Gap) []evidence.Gap {
	var out []evidence.Gap
	at := missing.From
	for _, g := range gaps {
		piece := g.Span.Intersect(evidence.Span{From: at, To: missing.To})
		if piece.Empty() {
			continue
		}
		if piece.From.After(at) {
			out = append(out, unexplained(at, piece.From))
		}
		g.Span = piece
		out = append(out, g)
		at = piece.To
	}
	if missing.To.After(at) {
		out = append(out, unexplained(at, missing.To))
	}
	return out
}

func unexplained(from, to time.Time) evidence.Gap {
	return evidence.Gap{
		Span:   evidence.Span{From: from, To: to},
		Cause:  evidence.NotCollected,
		Reason: "It had not been read when the artifact was made.",
	}
}
