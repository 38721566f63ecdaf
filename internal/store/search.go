package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// defaultLimit is how many events a page of events holds if the request does not say.
const defaultLimit = 100

// How many hours of counts a search reads at once: few at first, since most searches end soon.
const (
	firstReach = 48
	maxReach   = 8192
)

// Events gives events in the order of (At, stream, page, position). It looks only at hours in which the hourly counts say
// that something may match, and stops after ScanLimit rows.
func (s *Store) Events(ctx context.Context, r EventsRequest) (EventsPage, error) {
	sel, err := s.resolve(ctx, r.Query)
	if err != nil {
		return EventsPage{}, err
	}
	if sel.nothing {
		return EventsPage{Complete: true}, nil
	}
	w := &search{store: s, sel: sel, after: r.After, down: r.Descending, limit: cmp.Or(r.Limit, defaultLimit),
		left: int64(cmp.Or(r.ScanLimit, DefaultScanLimit))}
	if sel.uuids != nil {
		err = w.byUUID(ctx)
	} else {
		err = w.byHours(ctx)
	}
	if err := errors.Join(err, w.close()); err != nil {
		return EventsPage{}, err
	}
	return w.page(ctx, r.WithRaw)
}

// search is one walk through the hours, newest or oldest first.
type search struct {
	store   *Store
	sel     *selection
	after   *Keyset
	down    bool
	limit   int     // rows wanted; one more is looked for, to know whether there are more
	left    int64   // rows that may still be looked at
	stopped *Keyset // where the walk stopped because it had looked at enough

	mu    sync.Mutex // runs of hours are read side by side
	rows  []eventRow
	stmts map[string]*sql.Stmt
}

// statement prepares a text once: a search may read dozens of runs of hours.
func (w *search) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stmt, ok := w.stmts[text]; ok {
		return stmt, nil
	}
	stmt, err := w.store.read.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("preparing to read events: %w", err)
	}
	if w.stmts == nil {
		w.stmts = make(map[string]*sql.Stmt)
	}
	w.stmts[text] = stmt
	return stmt, nil
}

// close gives the statements back.
func (w *search) close() error {
	var err error
	for _, stmt := range w.stmts {
		err = errors.Join(err, stmt.Close())
	}
	return err
}

// byUUID finds rows through the index of uuids.
func (w *search) byUUID(ctx context.Context) error {
	for i, st := range w.sel.streams {
		times, narrowed, err := w.store.engine.findTimes(ctx, w.store.read, st.id, w.sel.uuids)
		if err != nil {
			return err
		}
		if !narrowed {
			if err := w.fetch(ctx, i, w.sel.from, w.sel.to); err != nil {
				return err
			}
			continue
		}
		for _, at := range times {
			if at < w.sel.from || at >= w.sel.to {
				continue
			}
			if err := w.fetch(ctx, i, at, at+1); err != nil {
				return err
			}
		}
	}
	w.order()
	return nil
}

func (w *search) byHours(ctx context.Context) error {
	if w.after != nil { // hours before the place were listed already
		if w.down {
			w.sel.to = min(w.sel.to, w.after.at+1)
		} else {
			w.sel.from = max(w.sel.from, w.after.at)
		}
	}
	if w.sel.from >= w.sel.to {
		return nil
	}
	first, last, ok, err := w.store.extent(ctx, w.sel)
	if err != nil || !ok {
		return err
	}
	for reach := int64(firstReach); first <= last && !w.done(); reach = min(2*reach, maxReach) {
		a, b := first, min(last, first+reach-1)
		if w.down {
			a, b = max(first, last-reach+1), last
		}
		cells, err := w.store.cells(ctx, w.sel, a, b)
		if err != nil {
			return err
		}
		if err := w.walk(ctx, cells); err != nil {
			return err
		}
		if w.down {
			last = a - 1
		} else {
			first = b + 1
		}
		if len(cells) > 0 || first > last {
			continue
		}
		if first, last, ok, err = w.store.extentWithin(ctx, w.sel, first, last); err != nil || !ok {
			return err
		}
	}
	return nil
}

// done reports whether enough was found or looked at.
func (w *search) done() bool { return w.stopped != nil || len(w.rows) > w.limit }

// walk reads the rows of cells, a batch at a time, each so large that it may hold what is still wanted.
func (w *search) walk(ctx context.Context, cells []cell) error {
	if w.down {
		slices.SortFunc(cells, func(a, b cell) int { return cmp.Compare(b.hour, a.hour) })
	}
	filtered := len(w.sel.narrow()) > 0 || !w.sel.exact()
	for len(cells) > 0 && !w.done() {
		if w.left <= 0 {
			w.stopped = w.edge(cells[0].hour)
			return nil
		}
		var bound, total int64
		n := 0
		for n < len(cells) && (bound <= int64(w.limit-len(w.rows)) && total < w.left || n > 0 && cells[n].hour == cells[n-1].hour) {
			bound += cells[n].bound
			total += cells[n].total
			n++
		}
		if filtered {
			w.left -= total
		}
		if err := w.fetchAll(ctx, runs(cells[:n])); err != nil {
			return err
		}
		w.order()
		cells = cells[n:]
	}
	return nil
}

// fetchAll adds the matching rows of runs of hours. A rare value lies in many hours, each of which has to be gone through:
// they are read side by side.
func (w *search) fetchAll(ctx context.Context, runs []hourRun) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide())
	for _, r := range runs {
		from, to := w.sel.within(r)
		g.Go(func() error { return w.fetch(ctx, r.stream, from, to) })
	}
	return g.Wait()
}

// sideBySide is how many reads of one request run at once: no more than leave connections for others.
func sideBySide() int { return min(runtime.GOMAXPROCS(0), 3) }

// edge is the place in the list before everything of an hour that was not looked at any more.
func (w *search) edge(hour int64) *Keyset {
	if w.down {
		return &Keyset{at: (hour + 1) * hourMS}
	}
	return &Keyset{at: hour*hourMS - 1, stream: math.MaxInt64}
}

// order brings what was found into order and drops what is more than one too many.
func (w *search) order() {
	slices.SortFunc(w.rows, func(a, b eventRow) int {
		if w.down {
			return b.compare(a)
		}
		return a.compare(b)
	})
	w.rows = w.rows[:min(len(w.rows), w.limit+1)]
}

// fetch adds the matching rows of a stream with from <= at < to.
func (w *search) fetch(ctx context.Context, index int, from, to int64) (err error) {
	stream := w.sel.streams[index].id
	direction, beyond := "ASC", ">"
	if w.down {
		direction, beyond = "DESC", "<"
	}
	args := []any{stream, from, to}
	condition, more := w.sel.condition(len(args) + 1)
	args = append(args, more...)
	if k := w.after; k != nil {
		from, to, place := k.bounds(stream, w.down, from, to)
		args[1], args[2] = from, to
		if place {
			n := len(args)
			condition += fmt.Sprintf(" AND (at, page, position) %s ($%d, $%d, $%d)", beyond, n+1, n+2, n+3)
			args = append(args, k.at, k.page, k.position)
		}
	}
	args = append(args, int64(w.limit+1))
	text := fmt.Sprintf(`SELECT %s FROM event WHERE stream = $1 AND at >= $2 AND at < $3%s ORDER BY at %s, page %s, position %s LIMIT CAST($%d AS bigint)`,
		eventColumns, condition, direction, direction, direction, len(args))
	stmt, err := w.statement(ctx, text)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var found []eventRow
	for rows.Next() {
		var r eventRow
		if err := r.scan(rows); err != nil {
			return fmt.Errorf("reading events: %w", err)
		}
		found = append(found, r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows = append(w.rows, found...)
	return rows.Err()
}

// bounds narrows a span to what lies beyond the place in a stream. place is true if events at the very time of the place
// must also be compared by page and position.
func (k *Keyset) bounds(stream int64, down bool, from, to int64) (newFrom, newTo int64, place bool) {
	before := cmp.Compare(stream, k.stream)
	if down {
		if before > 0 {
			return from, min(to, k.at), false
		}
		return from, min(to, k.at+1), before == 0
	}
	if before < 0 {
		return max(from, k.at+1), to, false
	}
	return max(from, k.at), to, before == 0
}

// page makes the answer of what was found.
func (w *search) page(ctx context.Context, withRaw bool) (EventsPage, error) {
	p := EventsPage{Complete: w.stopped == nil, Next: w.stopped}
	if len(w.rows) > w.limit {
		w.rows = w.rows[:w.limit]
		p.Complete, p.Next = true, keysetOf(&w.rows[w.limit-1])
	} else if w.stopped != nil {
		p.SearchedTo = eventTime(w.stopped.at)
	}
	if len(w.rows) == 0 {
		return p, nil
	}
	q := w.store.queries()
	p.Events = make([]evidence.Event, len(w.rows))
	g, ctx := errgroup.WithContext(ctx)
	if g.SetLimit(sideBySide()); !withRaw {
		g.SetLimit(1) // the dictionary answers from memory
	}
	for part := range slices.Chunk(indexes(len(w.rows)), rowsAtOnce) {
		g.Go(func() error {
			for _, i := range part {
				var err error
				if p.Events[i], err = w.store.event(ctx, q, w.sel, &w.rows[i], withRaw); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return p, g.Wait()
}

// rowsAtOnce is how many neighbouring rows one goroutine completes with their bytes: they often lie in the same frame,
// which is then unpacked once.
const rowsAtOnce = 16

// indexes gives 0 to n-1.
func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// nameOf gives the names of a stream of the selection.
func (sel *selection) nameOf(stream int64) streamName {
	for _, st := range sel.streams {
		if st.id == stream {
			return st
		}
	}
	return streamName{}
}
