package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// batch is how many events are asked of the store at a time: enough to make the asking cheap, few enough that memory
// stays flat and no read transaction lasts.
const batch = 1000

// input is recipe.Input over what a Service works with.
type input struct{ *Service }

// Select reads a batch ahead of the one that fn works on, so that a long table keeps two processors busy. It begins to do so behind
// the first batch: many a look-up ends within it.
func (i input) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	req := store.EventsRequest{Query: q, Limit: batch, WithRaw: true}
	page, err := i.batch(ctx, req)
	if err != nil {
		return err
	}
	if err := each(page.Events, fn); err != nil || page.Next == nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ahead := make(chan []evidence.Event)
	var failed error
	go func() {
		defer close(ahead)
		for req.After = page.Next; req.After != nil; req.After = page.Next {
			if page, failed = i.batch(ctx, req); failed != nil {
				return
			}
			select {
			case ahead <- page.Events:
			case <-ctx.Done():
				failed = ctx.Err()
				return
			}
		}
	}()
	for events := range ahead {
		if err := each(events, fn); err != nil {
			stop()
			for range ahead { // until nothing is read any more
			}
			return err
		}
	}
	return failed
}

// batch reads some of the events of a query.
func (i input) batch(ctx context.Context, req store.EventsRequest) (store.EventsPage, error) {
	page, err := i.cfg.Store.Events(ctx, req)
	if err != nil {
		return page, fmt.Errorf("reading events: %w", err)
	}
	if page.Next == nil && !page.Complete {
		return page, errors.New("reading events: the search stopped and cannot go on")
	}
	return page, nil
}

// each tells of the events that still have their bytes.
func each(events []evidence.Event, fn func(evidence.Event) error) error {
	for _, e := range events {
		if e.Odd&evidence.OddErased != 0 {
			continue
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

func (i input) Count(ctx context.Context, q evidence.Query) (int64, error) {
	n, err := i.cfg.Store.Count(ctx, q)
	if err != nil {
		return 0, err
	}
	erased, err := i.erased(ctx, q)
	return n - erased, err
}

// erased counts the events of a query that were erased.
func (i input) erased(ctx context.Context, q evidence.Query) (int64, error) {
	q.Where = append(slices.Clone(q.Where), evidence.Match{Key: evidence.KeyOdd, Values: []string{"erased"}})
	return i.cfg.Store.Count(ctx, q)
}

func (i input) Coverage(ctx context.Context, ws evidence.ID, streams []evidence.Stream, span evidence.Span) ([]evidence.StreamCoverage, error) {
	all, err := i.cfg.Connections.Coverage(ctx, ws, span)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c evidence.StreamCoverage) bool { return !slices.Contains(streams, c.Stream) }), nil
}

func (i input) PageStats(ctx context.Context, q evidence.Query) (recipe.PageStats, error) {
	s, err := i.cfg.Store.PageStats(ctx, q)
	if err != nil {
		return recipe.PageStats{}, err
	}
	q.Where = nil
	erased, err := i.erased(ctx, q)
	return recipe.PageStats{Pages: s.Pages, Records: s.Records, Duplicates: s.Duplicates, Events: s.Events, Erased: erased}, err
}

func (i input) Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, fn func(recipe.Group) error) error {
	return i.cfg.Store.Groups(ctx, q, keys, func(g store.Group) error { return fn(recipe.Group(g)) })
}

func (i input) Pages(ctx context.Context, q evidence.Query, fn func(recipe.Page) error) error {
	return i.cfg.Store.Pages(ctx, q, func(p store.PageRow) error {
		return fn(recipe.Page{Connection: p.Connection, Stream: p.Stream, No: p.ID, Sequence: p.Sequence, RequestedAt: p.RequestedAt, ReceivedAt: p.ReceivedAt,
			ServerDate: p.ServerDate, Records: p.Records, Events: p.Events, MinAt: p.MinAt, MaxAt: p.MaxAt, Size: p.Size, SHA256: p.SHA256})
	})
}

func (i input) MissingNumbers(ctx context.Context, connection evidence.ID, stream evidence.Stream, first, last int64) (int64, error) {
	return i.cfg.Store.MissingNumbers(ctx, connection, stream, first, last)
}

func (i input) Troubles(ctx context.Context, connection evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error) {
	return i.cfg.Store.Troubles(ctx, connection, stream)
}

func (i input) Built(ctx context.Context, ws evidence.ID, span evidence.Span) ([]recipe.Built, error) {
	views, err := i.List(ctx, ws, Filter{})
	if err != nil {
		return nil, err
	}
	var out []recipe.Built
	for _, v := range views {
		a, l := v.Artifact, v.Artifact.Latest
		if a.Period.Intersect(span).Empty() || !a.RetiredAt.IsZero() {
			continue
		}
		out = append(out, recipe.Built{Artifact: a.ID, Recipe: a.Recipe, Title: a.Title, Version: l.Version, Period: a.Period, Result: l.Result, Rows: l.Rows,
			At: l.BuiltAt, By: l.BuiltBy, For: slices.Concat(v.ControlKeys, v.ActionKeys)})
	}
	slices.SortFunc(out, func(a, b recipe.Built) int {
		return cmp.Or(cmp.Compare(a.Recipe, b.Recipe), a.Period.From.Compare(b.Period.From), a.Period.To.Compare(b.Period.To), cmp.Compare(a.Artifact, b.Artifact))
	})
	return out, nil
}

func (i input) Rereads(ctx context.Context, connection evidence.ID, stream evidence.Stream, span evidence.Span) ([]recipe.Reread, error) {
	all, err := i.cfg.Store.Reconciliations(ctx, connection, stream, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	var out []recipe.Reread
	for _, r := range all {
		if !r.Span.Intersect(span).Empty() {
			out = append(out, recipe.Reread(r))
		}
	}
	slices.SortFunc(out, func(a, b recipe.Reread) int {
		return cmp.Or(cmp.Compare(a.Age, b.Age), a.Span.From.Compare(b.Span.From), a.At.Compare(b.At))
	})
	return out, nil
}
