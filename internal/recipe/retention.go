package recipe

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// retention is kind E24 of the mapping: how far back the events go that are kept.
func retention() Recipe {
	l := lay(fTime, fUntil, fConnection, fStream, fDays, fEvents, fFinding)
	return Recipe{
		ID: "retention", Version: 1, Title: "Retention of the log",
		Shows: "For each stream of each connection, from when on the log is kept at the end of the period, on how many days of the time asked for, and with how many events.",
		Method: []string{
			"The population is every event of the period. All of them are counted.",
			"Coverage windows are looked at over the days asked for, up to the end of the period. Time is the first moment of them that has been read; days are whole days' worth of time that has been read since then.",
			"A stream has a finding if less than the days asked for is kept.",
		},
		NotShown: []string{
			"How long the law or a contract asks for: set the parameter days.", "Backups, and that nobody can delete the database: they are outside of Exhibit.",
			"That what is kept is unaltered: see integrity.", "Anything older than the first reading: Exhibit cannot keep what it never got.",
		},
		Streams:    []evidence.Stream{signIns, usages, audits},
		Parameters: []Parameter{{Name: "days", Title: "Days for which the log has to be kept", Unit: Days, Default: 365, Min: 1, Max: 3650}},
		columns:    l.columns, matched: "are counted below", build: func(ctx context.Context, b *builder) error { return buildRetention(ctx, b, l) },
		Mappings: supports(evidence.Strong, "It shows for each stream from when on every moment was read and is kept.",
			"It shows what is kept today, not that it will be: attach the rule on retention and how backups are kept.", ids{
				soc2: "CC2.1", iso: "A.5.33 7.5.3", nist: "AU-11 AU-4", cis: "8.10", pci: "10.5.1",
				hipaa: "164.316(b)(2)(i)", csf: "PR.PS-04",
			}),
	}
}

func buildRetention(ctx context.Context, b *builder, l *layout) error {
	streams := b.section(Section{
		Record: "stream", Title: "Streams", Empty: "There is no connection, so no stream is kept.",
		Full: l.all(), Brief: l.pick(fConnection, fStream, fTime, fDays, fEvents, fFinding),
	})
	if _, err := b.listGroups(ctx); err != nil {
		return err
	}
	asked := evidence.Span{From: b.req.Period.To.Add(-b.values.days("days")), To: b.req.Period.To}
	kept, err := b.in.Coverage(ctx, b.req.Workspace, b.report.Recipe.Streams, asked)
	if err != nil {
		return fmt.Errorf("reading coverage: %w", err)
	}
	short := 0
	for _, src := range b.req.Sources {
		for _, stream := range b.report.Recipe.Streams {
			read := readSpans(kept, src.Connection, stream).Within(asked)
			row, whole, err := b.retained(ctx, l, src, stream, read, asked)
			if err != nil {
				return err
			}
			if !whole {
				short++
			}
			if err := streams.rows.add(row); err != nil {
				return err
			}
		}
	}
	b.also = fmt.Sprintf("%d streams are kept for less than %d days", short, b.values.count("days"))
	return nil
}

// retained says how much of the time asked for is kept of one stream.
func (b *builder) retained(ctx context.Context, l *layout, src Source, stream evidence.Stream, read evidence.Spans, asked evidence.Span) (row Row, whole bool, err error) {
	c := l.row()
	c.set(fConnection, src.Name)
	c.set(fStream, string(stream))
	q := b.query(stream)
	q.Connections, q.Span = []evidence.ID{src.Connection}, asked
	n, err := b.in.Count(ctx, q)
	if err != nil {
		return Row{}, false, fmt.Errorf("counting events: %w", err)
	}
	whole = read.Duration() == asked.Duration()
	days := int64(read.Duration() / (24 * time.Hour))
	if len(read) > 0 {
		c.set(fTime, exact(read[0].From))
		c.set(fUntil, exact(read[len(read)-1].To))
	}
	c.set(fDays, strconv.FormatInt(days, 10))
	c.set(fEvents, strconv.FormatInt(n, 10))
	if !whole {
		c.set(fFinding, fmt.Sprintf("%d of %d days", days, b.values.count("days")))
	}
	return Row{Cells: c.text, At: asked.From.UnixMilli()}, whole, nil
}
