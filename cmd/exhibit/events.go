package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

type eventsCmd struct {
	Stream []string `help:"Only this stream (repeatable)." placeholder:"S"`
	From   string   `help:"Only events from this time on, such as 2026-01-31 or 2026-01-31T08:00:00Z." placeholder:"T"`
	To     string   `help:"Only events before this time." placeholder:"T"`
	Where  []string `help:"Only events with this value (repeatable, all must hold; several values with commas). Keys: person, action, type, result, vault, item, target, country, ip, client, odd, uuid." placeholder:"KEY=VALUE" sep:"none"`
	Limit  int      `help:"At most so many events; default 50 for table, all for ndjson and csv." placeholder:"N"`
	Format string   `help:"${enum}. ndjson gives the events' bytes exactly as received, one a line, in order of page and position; table and csv are in order of time." enum:"table,ndjson,csv" default:"table"`
}

// tableLimit is how many events a table shows when nobody says otherwise.
const tableLimit = 50

func (c *eventsCmd) Run(ctx context.Context, g *Globals) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		if err := c.checkStreams(a); err != nil {
			return err
		}
		q.Workspace = a.Workspace
		if g.JSON {
			c.Format = "ndjson"
		}
		switch c.Format {
		case "ndjson":
			return badInput(c.ndjson(ctx, g, a, q))
		case "csv":
			return badInput(c.csv(ctx, g, a, q))
		}
		return badInput(c.table(ctx, g, a, q))
	})
}

func (c *eventsCmd) query() (evidence.Query, error) {
	var q evidence.Query
	if c.Limit < 0 {
		return q, usagef("--limit cannot be negative.")
	}
	for _, s := range c.Stream {
		q.Streams = append(q.Streams, evidence.Stream(s))
	}
	for _, w := range c.Where {
		m, err := evidence.ParseMatch(w)
		if err != nil {
			return q, usagef("--where: %v", err)
		}
		q.Where = append(q.Where, m)
	}
	for _, end := range []struct {
		text string
		into *time.Time
	}{{c.From, &q.Span.From}, {c.To, &q.Span.To}} {
		if end.text == "" {
			continue
		}
		t, err := evidence.ParseMoment(end.text, time.Now())
		if err != nil {
			return q, usagef("%v", err)
		}
		*end.into = t
	}
	if !q.Span.From.IsZero() && !q.Span.To.IsZero() && q.Span.Empty() {
		return q, usagef("The period is empty: --to must be after --from.")
	}
	return q, nil
}

// checkStreams refuses a stream that no source has: a slip of the pen would otherwise look like "nothing happened".
func (c *eventsCmd) checkStreams(a *app.App) error {
	for _, s := range c.Stream {
		if !slices.Contains(a.Streams(), evidence.Stream(s)) {
			return usagef("There is no stream %q. These exist: %s.", s, joinStreams(a.Streams()))
		}
	}
	return nil
}

// ndjson writes each event's bytes as received; a line break inside, which would end the line, is taken out.
func (c *eventsCmd) ndjson(ctx context.Context, g *Globals, a *app.App, q evidence.Query) error {
	w := bufio.NewWriterSize(g.out, 1<<20)
	n := 0
	for e, err := range a.Store.Verbatim(ctx, q) {
		if err != nil {
			return err
		}
		raw := e.Raw
		if bytes.ContainsAny(raw, "\r\n") {
			raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r"), nil), []byte("\n"), nil)
		}
		if _, err := w.Write(raw); err != nil {
			return fmt.Errorf("writing the events: %w", err)
		}
		if err := w.WriteByte('\n'); err != nil {
			return fmt.Errorf("writing the events: %w", err)
		}
		if n++; n == c.Limit {
			break
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the events: %w", err)
	}
	return nil
}

// each calls f with the events in order of time until the limit is reached.
func (c *eventsCmd) each(ctx context.Context, a *app.App, q evidence.Query, newestFirst bool, limit int, f func(evidence.Event) error) error {
	req := store.EventsRequest{Query: q, Descending: newestFirst, WithRaw: true, Limit: 1000}
	for left := limit; ; {
		if limit > 0 {
			req.Limit = min(1000, left)
		}
		page, err := a.Store.Events(ctx, req)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := f(e); err != nil {
				return err
			}
		}
		left -= len(page.Events)
		if page.Next == nil || limit > 0 && left <= 0 {
			return nil
		}
		req.After = page.Next
	}
}

var eventHead = []string{"time", "stream", "person", "event", "result", "place", "ip", "client", "ref", "uuid"}

func (c *eventsCmd) cells(a *app.App, e evidence.Event) []string {
	d := a.Describe(e)
	person := d.Person
	if d.Email != "" && d.Email != d.Person {
		person += " <" + d.Email + ">"
	}
	return []string{e.At.Format("2006-01-02T15:04:05.000Z"), string(e.Stream), person, strings.TrimSpace(d.Verb + " " + d.Object), string(e.Result),
		d.Place, d.IP, d.Client, e.EventRef.String(), e.UUID}
}

func (c *eventsCmd) csv(ctx context.Context, g *Globals, a *app.App, q evidence.Query) error {
	w := csv.NewWriter(g.out)
	w.UseCRLF = true
	if err := w.Write(eventHead); err != nil {
		return fmt.Errorf("writing the events: %w", err)
	}
	shown := isTerminal(g.out) // a file keeps every character; a terminal would obey some of them
	err := c.each(ctx, a, q, false, c.Limit, func(e evidence.Event) error {
		row := c.cells(a, e)
		for i := range row {
			if shown {
				row[i] = printable(row[i])
			}
			row[i] = recipe.GuardFormula(row[i])
		}
		return w.Write(row)
	})
	if err != nil {
		return err
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("writing the events: %w", err)
	}
	return nil
}

func (c *eventsCmd) table(ctx context.Context, g *Globals, a *app.App, q evidence.Query) error {
	limit := c.Limit
	if limit == 0 {
		limit = tableLimit
	}
	t := newTable(g.out, "time", "stream", "person", "event", "result", "place", "ip", "ref")
	n := 0
	err := c.each(ctx, a, q, true, limit, func(e evidence.Event) error {
		cells := c.cells(a, e)
		t.row(cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[8])
		n++
		return nil
	})
	if err != nil {
		return err
	}
	if n == 0 {
		fmt.Fprintln(g.out, "No such events. \"exhibit coverage\" says whether the time was read.")
		return nil
	}
	return t.flush()
}
