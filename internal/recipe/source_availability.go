package recipe

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// sourceAvailability is kind E30 of the mapping: when the log service of the supplier could not be read.
func sourceAvailability() Recipe {
	l := lay(fTime, fUntil, fLength, fConnection, fStream, fWhat, fDetail, fFinding)
	return Recipe{
		ID: "source-availability", Version: 1, Title: "Availability of the log service",
		Shows: "Every time in the period in which a stream could not be read, from when to when and why, whether it was made up for afterwards, and which gaps are left.",
		Method: []string{
			"The population is every event of the period. All of them are counted.",
			"A trouble begins when reading fails and ends when a page comes again. Those that touch the period are listed, with their cause.",
			"A trouble is made up for if every moment of it in the period has been read since then.",
		},
		NotShown: []string{
			"Whose fault it was: the network between Exhibit and 1Password, Exhibit's own machine, or 1Password.",
			"Times in which Exhibit itself did not run: they are no troubles, but gaps until they are made up for.",
			"How available 1Password was to its users.", notOlder,
		},
		Streams: []evidence.Stream{signIns, usages, audits}, columns: l.columns, matched: "are counted below",
		build: func(ctx context.Context, b *builder) error { return buildAvailability(ctx, b, l) },
		Mappings: supports(evidence.Context, "Every time in which the supplier's log service could not be read is listed with its cause.",
			"It speaks of one service of the supplier, seen from one place: the supplier's own reports have to stand beside it.", ids{
				soc2: "CC9.2", iso: "A.5.22 A.5.23", nist: "SA-9", cis: "15.6", pci: "12.8.4",
				hipaa: "164.308(b)(1)", csf: "GV.SC-07",
			}),
	}
}

func buildAvailability(ctx context.Context, b *builder, l *layout) error {
	troubles := b.section(Section{
		Record: "trouble", Title: "Times in which a stream could not be read", Empty: "Every stream could be read whenever it was asked for.",
		Full: l.all(), Brief: l.pick(fTime, fUntil, fLength, fConnection, fStream, fWhat, fDetail, fFinding),
	})
	if _, err := b.listGroups(ctx); err != nil {
		return err
	}
	n := 0
	var lost time.Duration
	for _, src := range b.req.Sources {
		for _, stream := range b.report.Recipe.Streams {
			all, err := b.in.Troubles(ctx, src.Connection, stream)
			if err != nil {
				return fmt.Errorf("reading troubles: %w", err)
			}
			for _, t := range all {
				span := b.within(t)
				if span.Empty() {
					continue
				}
				n++
				lost += span.Duration()
				if err := troubles.rows.add(b.troubleRow(l, src, stream, t, span)); err != nil {
					return err
				}
			}
		}
	}
	b.also = fmt.Sprintf("times in which a stream could not be read: %d, together %s", n, length(lost))
	return nil
}

// within gives the part of a trouble that lies in the period; one that lasts reaches to its end.
func (b *builder) within(t evidence.Trouble) evidence.Span {
	span := t.Span
	if t.Open() {
		span.To = b.req.Period.To
	}
	return span.Intersect(b.req.Period)
}

func (b *builder) troubleRow(l *layout, src Source, stream evidence.Stream, t evidence.Trouble, span evidence.Span) Row {
	c := l.row()
	c.set(fTime, exact(t.From))
	c.set(fUntil, exact(t.To))
	c.set(fLength, length(span.Duration()))
	c.set(fConnection, src.Name)
	c.set(fStream, string(stream))
	c.set(fWhat, string(t.Cause))
	c.set(fDetail, t.Reason)
	finding := "made up for"
	if len(readSpans(b.coverage, src.Connection, stream).Missing(span)) > 0 {
		finding = "a gap is left"
	}
	c.set(fFinding, finding)
	return Row{Cells: c.text, At: t.From.UnixMilli()}
}
