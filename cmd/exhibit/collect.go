package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/collect"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type collectCmd struct {
	Connection string `help:"Id or name of one connection; without it all are read." placeholder:"ID"`
	UntilIdle  bool   `help:"Stop when every stream has caught up; without it, read until stopped."`
	Reread     bool   `help:"Read the closed period between --from and --to again, for late events."`
	From       string `help:"With --reread: start of the period, such as 2026-01-31 or 2026-01-31T08:00:00Z." placeholder:"T"`
	To         string `help:"With --reread: end of the period (not included)." placeholder:"T"`
}

func (c *collectCmd) Run(ctx context.Context, g *Globals) error {
	var span evidence.Span
	switch {
	case c.Reread && (c.From == "" || c.To == ""):
		return usagef("--reread needs --from and --to.")
	case !c.Reread && (c.From != "" || c.To != ""):
		return usagef("--from and --to belong to --reread. Without it everything that has not been read yet is read.")
	case c.Reread:
		var err error
		if span, err = period(c.From, c.To, evidence.Span{}); err != nil {
			return err
		}
	}
	return g.with(ctx, func(a *app.App) error {
		filter, err := c.filter(ctx, a)
		if err != nil {
			return err
		}
		if !c.Reread && !c.UntilIdle {
			return c.forever(ctx, g, a, filter)
		}
		bar := g.newProgress("Reading")
		col := a.Collector(bar.reading())
		var s collect.Summary
		if c.Reread {
			s, err = col.Reread(ctx, filter, span)
		} else {
			s, err = col.UntilIdle(ctx, filter)
		}
		if err != nil && len(s.Connections) == 0 {
			return err // nothing was begun, so there is nothing to sum up
		}
		bar.done("Read in %s.", elapsed(s))
		if perr := g.printSummary(s); perr != nil {
			return perr
		}
		if err != nil {
			return err
		}
		if s.Failed() {
			return errNothingRead
		}
		return nil
	})
}

func (c *collectCmd) filter(ctx context.Context, a *app.App) (collect.Filter, error) {
	f := collect.Filter{Workspace: a.Workspace}
	views, err := a.Connections.List(ctx, a.Workspace)
	if err != nil {
		return f, err
	}
	if len(views) == 0 {
		return f, evidence.Errorf(evidence.NotFound, "There is no connection to read. Add one: exhibit connections add onepassword --token-file FILE")
	}
	if c.Connection == "" {
		return f, nil
	}
	v, err := findConnection(ctx, a, c.Connection)
	if err != nil {
		return f, err
	}
	f.Connections = []evidence.ID{v.ID}
	return f, nil
}

// forever reads until the person stops it, which is then no failure.
func (c *collectCmd) forever(ctx context.Context, g *Globals, a *app.App, filter collect.Filter) error {
	fmt.Fprintln(g.err, "Reading until stopped (Ctrl-C).")
	err := a.Collector(nil).RunOnly(ctx, filter)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// elapsed is how long a run took.
func elapsed(s collect.Summary) time.Duration { return time.Duration(s.ElapsedMS) * time.Millisecond }

// reading shows a run of the collector: each stream counts as the part of its period that has been read.
func (p *progress) reading() func(collect.Progress) {
	var mu sync.Mutex
	type key struct {
		connection evidence.ID
		stream     evidence.Stream
	}
	parts, events := map[key]float64{}, map[key]int64{}
	return func(c collect.Progress) {
		mu.Lock()
		defer mu.Unlock()
		k := key{c.Connection, c.Stream}
		events[k] = c.Events
		if whole := time.Since(c.From); !c.From.IsZero() && whole > 0 {
			parts[k] = c.Through.Sub(c.From).Seconds() / whole.Seconds()
		}
		var done float64
		var n int64
		for k, part := range parts {
			done += part / float64(len(parts))
			n += events[k]
		}
		p.update(done, n, "events")
	}
}

func (g *Globals) printSummary(s collect.Summary) error {
	if g.JSON {
		return g.printJSON(s)
	}
	t := newTable(g.out, "connection", "stream", "pages", "events", "new", "duplicates", "late", "from", "through", "error")
	for _, c := range s.Connections {
		for _, st := range c.Streams {
			e := "–"
			if st.Error != nil {
				e = *st.Error
			}
			t.row(c.Name, string(st.Stream), count(st.Pages), count(st.Events), count(st.New), count(st.Duplicates), count(st.Late),
				momentOf(st.From), momentOf(st.Through), e)
		}
	}
	return t.flush()
}
