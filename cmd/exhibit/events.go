package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/store"
)

type eventsCmd struct {
	Stream []string `help:"Only this stream (repeatable)." placeholder:"S"`
	From   string   `help:"Only events from this time on, such as 2026-01-31 or 2026-01-31T08:00:00Z." placeholder:"T"`
	To     string   `help:"Only events before this time." placeholder:"T"`
	Where  []string `help:"Only events with this value (repeatable, all must hold; several values with commas, a value with a comma in double quotes). Keys: person, action, type, result, vault, item, target, country, ip, client, odd, uuid." placeholder:"KEY=VALUE" sep:"none"`
	Saved  string   `help:"Begin with this saved filter, by name or id; a time or stream beside it wins." placeholder:"NAME"`
	Limit  int      `help:"At most so many events; default 50 for table, all for the others." placeholder:"N"`
	Format string   `help:"${enum}. ndjson gives the events' bytes exactly as received, one a line, in order of page and position; the others are in order of time." enum:"table,ndjson,csv,xlsx,parquet" default:"table"`
	Output string   `short:"o" help:"Write into this file instead of standard output; needed for xlsx and parquet." placeholder:"FILE" type:"path"`
}

// tableLimit is how many events a table shows when nobody says otherwise.
const tableLimit = 50

func (c *eventsCmd) Run(ctx context.Context, g *Globals) error {
	if g.JSON && c.Format == "table" {
		c.Format = "ndjson"
	}
	q, err := c.query()
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		if err := c.checkStreams(a); err != nil {
			return err
		}
		if q, err = c.saved(ctx, a, q); err != nil {
			return badInput(err)
		}
		q.Workspace = a.Workspace
		if c.Format == "table" {
			return badInput(c.table(ctx, g, a, q))
		}
		return badInput(c.write(ctx, g, a, q))
	})
}

func (c *eventsCmd) query() (evidence.Query, error) {
	var q evidence.Query
	if c.Limit < 0 {
		return q, usagef("--limit cannot be negative.")
	}
	switch binary := c.Format == "xlsx" || c.Format == "parquet"; {
	case binary && c.Output == "":
		return q, usagef("%s is no text. Say where it goes: -o FILE.", strings.ToUpper(c.Format))
	case c.Format == "table" && c.Output != "":
		return q, usagef("A table is for the screen. Choose a format for the file: --format csv, ndjson, xlsx or parquet.")
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

// saved adds what a saved filter asks for. Time and stream that are given beside it win.
func (c *eventsCmd) saved(ctx context.Context, a *app.App, q evidence.Query) (evidence.Query, error) {
	if c.Saved == "" {
		return q, nil
	}
	f, err := a.Explore.FilterNamed(ctx, a.Workspace, c.Saved)
	if err != nil {
		return q, err
	}
	kept := f.Query(time.Now())
	if len(q.Streams) > 0 {
		kept.Streams = q.Streams
	}
	if c.From != "" || c.To != "" {
		kept.Span = q.Span
	}
	kept.Where = append(kept.Where, q.Where...)
	return kept, nil
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

// write writes the events in a format of explore to standard output or to a file. A file that was not written whole is
// taken away again, so that half of it is never taken for all of it.
func (c *eventsCmd) write(ctx context.Context, g *Globals, a *app.App, q evidence.Query) (err error) {
	how := explore.Writing{Query: q, Format: c.Format, Limit: int64(c.Limit)}
	if c.Output == "" {
		if isTerminal(g.out) { // a file keeps every character; a terminal would obey some of them
			how.Clean = printable
		}
		_, err := a.Explore.Write(ctx, g.out, how)
		return err
	}
	total, err := a.Store.Count(ctx, q)
	if err != nil {
		return err
	}
	if c.Limit > 0 {
		total = min(total, int64(c.Limit))
	}
	f, err := os.CreateTemp(filepath.Dir(c.Output), ".exhibit-events-*")
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	defer func() {
		err = errors.Join(err, ignoreGone(os.Remove(f.Name())))
	}()
	p := g.newProgress("Writing " + filepath.Base(c.Output))
	how.Progress = func(n int64) error {
		if n%1000 == 0 {
			p.update(float64(n)/float64(max(total, 1)), n, "events")
		}
		return nil
	}
	n, err := a.Explore.Write(ctx, f, how)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.Output)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", c.Output, err)
	}
	p.done("%s events in %s.", count(n), c.Output)
	return nil
}

// ignoreGone forgets that a file which was to be removed is not there: it has got its name.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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

func (c *eventsCmd) cells(a *app.App, e evidence.Event) []string {
	d := a.Describe(e)
	person := d.Person
	if d.Email != "" && d.Email != d.Person {
		person += " <" + d.Email + ">"
	}
	return []string{e.At.Format("2006-01-02T15:04:05.000Z"), string(e.Stream), person, strings.TrimSpace(d.Verb + " " + d.Object), string(e.Result),
		d.Place, d.IP, d.Client, e.EventRef.String(), e.UUID}
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
