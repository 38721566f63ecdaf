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

// input is recipe.Input over the store.
type input struct {
	store       Store
	connections Connections
}

func (i input) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	req := store.EventsRequest{Query: q, Limit: batch, WithRaw: true}
	for {
		page, err := i.store.Events(ctx, req)
		if err != nil {
			return fmt.Errorf("reading events: %w", err)
		}
		for _, e := range page.Events {
			if err := fn(e); err != nil {
				return err
			}
		}
		if page.Next == nil {
			if !page.Complete {
				return errors.New("reading events: the search stopped and cannot go on")
			}
			return nil
		}
		req.After = page.Next
	}
}

func (i input) Count(ctx context.Context, q evidence.Query) (int64, error) {
	return i.store.Count(ctx, q)
}

func (i input) Coverage(ctx context.Context, ws evidence.ID, streams []evidence.Stream, span evidence.Span) ([]evidence.StreamCoverage, error) {
	all, err := i.connections.Coverage(ctx, ws, span)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c evidence.StreamCoverage) bool { return !slices.Contains(streams, c.Stream) }), nil
}

func (i input) PageStats(ctx context.Context, q evidence.Query) (recipe.PageStats, error) {
	s, err := i.store.PageStats(ctx, q)
	return recipe.PageStats(s), err
}

func (i input) Rereads(ctx context.Context, connection evidence.ID, stream evidence.Stream, span evidence.Span) ([]recipe.Reread, error) {
	all, err := i.store.Reconciliations(ctx, connection, stream, math.MaxInt32)
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
