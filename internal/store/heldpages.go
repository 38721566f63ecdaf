package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// HeldPage is an answer of the source as it is kept, with what of a span is in it.
type HeldPage struct {
	PageRow
	Fresh   int64 // events of the span that came with it first
	Repeats int64 // records of the span that had come before, with the same or with other bytes
}

// HeldPages gives the pages with records of the span of a query, in order of stream and page; its filters play no part. Over all of
// them, those with Fresh are the Pages of PageStats, and the sums are its Events and Duplicates.
func (s *Store) HeldPages(ctx context.Context, q evidence.Query) ([]HeldPage, error) {
	q.Where = nil
	sel, err := s.resolve(ctx, q)
	if err != nil || sel.nothing {
		return nil, err
	}
	var out []HeldPage
	for _, st := range sel.streams {
		repeats, err := s.repeatsByPage(ctx, sel, st.id)
		if err != nil {
			return nil, err
		}
		var of []HeldPage
		err = s.pagesOf(ctx, sel, st, func(p PageRow) error {
			of = append(of, HeldPage{PageRow: p, Repeats: repeats[p.ID]})
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, p := range of { // asked with no rows open
			if p.Fresh, err = s.freshIn(ctx, sel, st.id, p.PageRow); err != nil {
				return nil, err
			}
			if p.Fresh+p.Repeats > 0 {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// repeatsByPage counts the records of the span that had come before, by page.
func (s *Store) repeatsByPage(ctx context.Context, sel *selection, stream int64) (counts map[int64]int64, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT page, count(*) FROM repeat WHERE stream = $1 AND at >= $2 AND at < $3 GROUP BY page`, stream, sel.from, sel.to)
	if err != nil {
		return nil, fmt.Errorf("counting repeated events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	counts = map[int64]int64{}
	for rows.Next() {
		var page, n int64
		if err := rows.Scan(&page, &n); err != nil {
			return nil, fmt.Errorf("counting repeated events: %w", err)
		}
		counts[page] = n
	}
	return counts, rows.Err()
}

// freshIn counts the events of the span that came with a page first. Of a page that lies in it as a whole that is known.
func (s *Store) freshIn(ctx context.Context, sel *selection, stream int64, p PageRow) (n int64, err error) {
	low, high := p.MinAt.UnixMilli(), p.MaxAt.UnixMilli()
	if low >= sel.from && high < sel.to || p.Events == 0 {
		return int64(p.Events), nil
	}
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM event WHERE stream = $1 AND at >= $2 AND at < $3 AND page = $4`, stream, max(low, sel.from), min(high+1, sel.to), p.ID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the events of a page: %w", err)
	}
	return n, nil
}
