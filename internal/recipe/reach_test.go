package recipe_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// asked is an Input that notes which events it was asked for.
type asked struct {
	recipe.Input
	queries []evidence.Query
}

func (a *asked) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	a.queries = append(a.queries, q)
	return a.Input.Select(ctx, q, fn)
}

func (a *asked) Count(ctx context.Context, q evidence.Query) (int64, error) {
	a.queries = append(a.queries, q)
	return a.Input.Count(ctx, q)
}

func (a *asked) PageStats(ctx context.Context, q evidence.Query) (recipe.PageStats, error) {
	a.queries = append(a.queries, q)
	return a.Input.PageStats(ctx, q)
}

func (a *asked) Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, fn func(recipe.Group) error) error {
	a.queries = append(a.queries, q)
	return a.Input.Groups(ctx, q, keys, fn)
}

func (a *asked) Pages(ctx context.Context, q evidence.Query, fn func(recipe.Page) error) error {
	a.queries = append(a.queries, q)
	return a.Input.Pages(ctx, q, fn)
}

// TestReach holds that no recipe reads events beyond what its provenance tells of: a bundle holds no others.
func TestReach(t *testing.T) {
	for _, r := range recipe.All() {
		t.Run(r.ID, func(t *testing.T) {
			for _, days := range []int{0, 1, 77} {
				in, req := &asked{Input: company()}, request()
				req.Params = map[string]string{}
				for _, p := range r.Parameters {
					if p.Unit == recipe.Days && days > 0 {
						req.Params[p.Name] = strconv.Itoa(max(days, p.Min))
					}
				}
				report, err := recipe.Run(t.Context(), r, req, in)
				if err != nil {
					t.Fatal(err)
				}
				if err := report.Close(); err != nil {
					t.Error(err)
				}
				span, streams := report.Provenance.Reach()
				for _, q := range in.queries {
					if q.Span.From.Before(span.From) || q.Span.To.After(span.To) || len(q.Streams) == 0 || slices.ContainsFunc(q.Streams, func(s evidence.Stream) bool { return !slices.Contains(streams, s) }) {
						t.Errorf("with %d days it asks for %v from %s to %s; its reach is %v from %s to %s", days, q.Streams, q.Span.From.Format(time.RFC3339), q.Span.To.Format(time.RFC3339), streams,
							span.From.Format(time.RFC3339), span.To.Format(time.RFC3339))
					}
				}
				if len(in.queries) == 0 {
					t.Error("it asks for nothing")
				}
			}
		})
	}
}
