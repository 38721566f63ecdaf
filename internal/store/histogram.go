package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// maxBuckets bounds a histogram.
const maxBuckets = 2000

// histogramScan is how many rows a histogram looks at, where the hourly counts do not suffice.
const histogramScan = 600_000

// Histogram counts events in buckets of time. Without filters or with one, and with buckets of whole hours, the hourly
// counts tell it exactly; otherwise rows are counted, newest first, and Exact says whether all were.
func (s *Store) Histogram(ctx context.Context, r HistogramRequest) (Histogram, error) {
	sel, err := s.resolve(ctx, r.Query)
	if err != nil {
		return Histogram{}, err
	}
	c, err := newCounter(s, sel, r.Query.Span, r.Bucket)
	if err != nil {
		return Histogram{}, err
	}
	h := Histogram{Exact: true}
	if !sel.nothing {
		if h.Exact, err = c.run(ctx, histogramScan); err != nil {
			return Histogram{}, err
		}
	}
	for i, counts := range c.counts {
		h.Buckets = append(h.Buckets, HistogramBucket{From: eventTime(c.base + int64(i)*c.width), Counts: counts})
		for _, n := range counts {
			h.Total += n
		}
	}
	return h, nil
}

// Count gives the exact number of events that a query selects.
func (s *Store) Count(ctx context.Context, q evidence.Query) (int64, error) {
	sel, err := s.resolve(ctx, q)
	if err != nil || sel.nothing {
		return 0, err
	}
	c := &counter{store: s, sel: sel}
	if _, err := c.run(ctx, math.MaxInt64); err != nil {
		return 0, err
	}
	return c.total, nil
}

// counter counts the events of a selection, in buckets if width is not 0.
type counter struct {
	store       *Store
	sel         *selection
	base, width int64 // milliseconds

	mu     sync.Mutex // runs of hours are counted side by side
	counts []map[evidence.Stream]int64
	total  int64
}

func newCounter(s *Store, sel *selection, span evidence.Span, bucket time.Duration) (*counter, error) {
	width := bucket.Milliseconds()
	if width <= 0 || span.From.IsZero() || span.To.IsZero() || span.Empty() {
		return nil, evidence.Errorf(evidence.Invalid, "A histogram needs a span with two ends and buckets of some length.")
	}
	base := span.From.UnixMilli()
	base -= ((base % width) + width) % width
	n := (ceilMS(span.To) - base + width - 1) / width
	if n > maxBuckets {
		return nil, evidence.Errorf(evidence.Invalid, "That makes %d buckets; at most %d can be shown. Take longer buckets or a shorter span.", n, maxBuckets)
	}
	c := &counter{store: s, sel: sel, base: base, width: width, counts: make([]map[evidence.Stream]int64, n)}
	for i := range c.counts {
		c.counts[i] = make(map[evidence.Stream]int64)
	}
	return c, nil
}

// add counts n events of a stream at a time.
func (c *counter) add(stream int, at, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += n
	if c.width > 0 {
		c.counts[(at-c.base)/c.width][c.sel.streams[stream].stream] += n
	}
}

// run counts, looking at about limit rows at most, and reports whether it counted everything.
func (c *counter) run(ctx context.Context, limit int64) (bool, error) {
	if c.sel.uuids != nil {
		return true, c.byUUID(ctx)
	}
	if c.sel.exact() && c.width%hourMS == 0 {
		return true, c.byHours(ctx)
	}
	return c.byRows(ctx, limit)
}

// byHours takes whole hours from the hourly counts and counts rows at the two ends of the span.
func (c *counter) byHours(ctx context.Context) error {
	first, last, ok, err := c.store.extent(ctx, c.sel)
	if err != nil || !ok {
		return err
	}
	cells, err := c.store.cells(ctx, c.sel, first, last)
	if err != nil {
		return err
	}
	for _, cell := range cells {
		if cell.hour*hourMS >= c.sel.from && (cell.hour+1)*hourMS <= c.sel.to {
			c.add(cell.stream, cell.hour*hourMS, cell.bound)
			continue
		}
		if err := c.rows(ctx, hourRun{cell.stream, cell.hour, cell.hour}); err != nil {
			return err
		}
	}
	return nil
}

// countReach is how many hours of counts are read at once when rows are counted.
const countReach = 1024

// byRows counts rows in the hours in which something may match, newest first.
func (c *counter) byRows(ctx context.Context, limit int64) (bool, error) {
	first, last, ok, err := c.store.extent(ctx, c.sel)
	if err != nil || !ok {
		return true, err
	}
	for ; ok && last >= first; last -= countReach {
		cells, err := c.store.cells(ctx, c.sel, max(first, last-countReach+1), last)
		if err != nil {
			return false, err
		}
		if len(cells) == 0 {
			_, last, ok, err = c.store.extentWithin(ctx, c.sel, first, last-countReach)
			if err != nil {
				return false, err
			}
			last += countReach // the loop takes it off
			continue
		}
		fit := newestWithin(cells, limit)
		if err := c.rowsOf(ctx, runs(fit)); err != nil {
			return false, err
		}
		if len(fit) < len(cells) {
			return false, nil
		}
		for _, cell := range fit {
			limit -= cell.total
		}
	}
	return true, nil
}

// newestWithin gives the newest whole hours that hold no more than limit rows together.
func newestWithin(cells []cell, limit int64) []cell {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b cell) int { return cmp.Compare(b.hour, a.hour) })
	n := 0
	for at := 0; at < len(cells); {
		end, hour := at, int64(0)
		for ; end < len(cells) && cells[end].hour == cells[at].hour; end++ {
			hour += cells[end].total
		}
		if limit -= hour; limit < 0 {
			break
		}
		at, n = end, end
	}
	return cells[:n]
}

// rowsOf counts the matching rows of runs of hours.
func (c *counter) rowsOf(ctx context.Context, runs []hourRun) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide())
	for _, r := range runs {
		g.Go(func() error { return c.rows(ctx, r) })
	}
	return g.Wait()
}

// rows counts the matching rows of a run of hours.
func (c *counter) rows(ctx context.Context, r hourRun) (err error) {
	from, to := c.sel.within(r)
	width := c.width
	if width == 0 {
		width = math.MaxInt64 // one bucket
	}
	base := c.base
	if c.width == 0 {
		base = from
	}
	args := []any{c.sel.streams[r.stream].id, from, to, base, width}
	condition, more := c.sel.condition(len(args) + 1)
	rows, err := c.store.read.QueryContext(ctx, `SELECT (at - CAST($4 AS bigint)) / CAST($5 AS bigint) AS bucket, count(*) FROM event WHERE stream = $1 AND at >= $2 AND at < $3`+
		condition+` GROUP BY 1`, append(args, more...)...)
	if err != nil {
		return fmt.Errorf("counting events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var bucket, n int64
		if err := rows.Scan(&bucket, &n); err != nil {
			return fmt.Errorf("counting events: %w", err)
		}
		c.add(r.stream, base+bucket*c.width, n)
	}
	return rows.Err()
}

// byUUID counts the few rows with given uuids.
func (c *counter) byUUID(ctx context.Context) error {
	w := &search{store: c.store, sel: c.sel, limit: len(c.sel.uuids) * len(c.sel.streams)}
	if err := errors.Join(w.byUUID(ctx), w.close()); err != nil {
		return err
	}
	for _, r := range w.rows {
		for i, st := range c.sel.streams {
			if st.id == r.stream {
				c.add(i, r.at, 1)
			}
		}
	}
	return nil
}
