package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Verbatim gives the events of a query with their bytes, in the order of page and position, each first-seen event once. It
// reads page by page: memory stays flat and no transaction stays open, so that events which come meanwhile may or may not
// be among them. After an error it ends. Raw must not be changed and is good until the next event.
func (s *Store) Verbatim(ctx context.Context, q evidence.Query) iter.Seq2[evidence.Event, error] {
	return func(yield func(evidence.Event, error) bool) {
		v, err := s.newVerbatim(ctx, q)
		if err == nil {
			err = v.run(ctx, yield)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(evidence.Event{}, err)
		}
	}
}

// errStop says that the reader of an iterator wants no more.
var errStop = errors.New("no more is wanted")

// pagesAtOnce is how many pages' facts are read at once.
const pagesAtOnce = 256

// verbatim is one walk through the pages.
type verbatim struct {
	store *Store
	sel   *selection
	hours map[[2]int64]bool // stream and hour in which something may match; nil: all
}

func (s *Store) newVerbatim(ctx context.Context, q evidence.Query) (*verbatim, error) {
	sel, err := s.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	v := &verbatim{store: s, sel: sel}
	if !sel.nothing && sel.uuids != nil {
		return v, v.narrow(ctx)
	}
	if sel.nothing || len(sel.narrow()) == 0 {
		return v, nil
	}
	first, last, ok, err := s.extent(ctx, sel)
	if err != nil || !ok {
		sel.nothing = true
		return v, err
	}
	cells, err := s.cells(ctx, sel, first, last)
	v.hours = make(map[[2]int64]bool, len(cells))
	for _, c := range cells {
		v.hours[[2]int64{sel.streams[c.stream].id, c.hour}] = true
	}
	return v, err
}

// narrow finds the hours of the uuids that are asked for, if the engine can tell.
func (v *verbatim) narrow(ctx context.Context) error {
	hours := make(map[[2]int64]bool)
	for _, st := range v.sel.streams {
		times, narrowed, err := v.store.engine.findTimes(ctx, v.store.read, st.id, v.sel.uuids)
		if err != nil || !narrowed {
			return err
		}
		for _, at := range times {
			hours[[2]int64{st.id, hourOf(at)}] = true
		}
	}
	v.hours = hours
	return nil
}

// pageSpan is a page with the times that its records span.
type pageSpan struct{ id, stream, low, high int64 }

func (v *verbatim) run(ctx context.Context, yield func(evidence.Event, error) bool) error {
	if v.sel.nothing {
		return nil
	}
	for after := int64(0); ; {
		pages, err := v.pages(ctx, after)
		if err != nil || len(pages) == 0 {
			return err
		}
		for _, p := range pages {
			if err := v.page(ctx, p, yield); err != nil {
				return err
			}
			after = p.id
		}
	}
}

// pages gives the next pages that may hold events of the selection.
func (v *verbatim) pages(ctx context.Context, after int64) (pages []pageSpan, err error) {
	args := []any{after, v.sel.from, v.sel.to, int64(pagesAtOnce)}
	rows, err := v.store.read.QueryContext(ctx, `SELECT id, stream, min_at, max_at FROM page
WHERE id > $1 AND events > 0 AND max_at >= $2 AND min_at < $3 AND stream IN (`+v.sel.streamList(&args)+`) ORDER BY id LIMIT CAST($4 AS bigint)`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading pages: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p pageSpan
		if err := rows.Scan(&p.id, &p.stream, &p.low, &p.high); err != nil {
			return nil, fmt.Errorf("reading pages: %w", err)
		}
		pages = append(pages, p)
	}
	return pages, rows.Err()
}

// page gives the matching events of one page.
func (v *verbatim) page(ctx context.Context, p pageSpan, yield func(evidence.Event, error) bool) error {
	q := v.store.queries()
	rows, err := v.rows(ctx, q, p)
	if err != nil || len(rows) == 0 {
		return err
	}
	body, err := openBody(ctx, q, p.id)
	if err != nil {
		return err
	}
	for i := range rows {
		e, err := v.store.event(ctx, q, v.sel, &rows[i], false)
		if err != nil {
			return err
		}
		if e.Raw, err = body.record(rows[i].position); err != nil {
			return fmt.Errorf("page %d: %w; run exhibit fsck", p.id, err)
		}
		if !yield(e, nil) {
			return errStop
		}
	}
	return nil
}

// rows gives the matching rows of a page in the order of their positions. They lie in the table by time, among those of
// other pages: usually close together, but a late event may lie days before the others, so each cluster is read by itself.
func (v *verbatim) rows(ctx context.Context, q *sqlc.Queries, p pageSpan) ([]eventRow, error) {
	if !v.mayMatch(p.stream, p.low, p.high) {
		return nil, nil
	}
	packed, err := q.PageTimes(ctx, p.id)
	if err != nil {
		return nil, fmt.Errorf("reading the times of page %d: %w", p.id, err)
	}
	times, _, err := decodeTimes(packed)
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", p.id, err)
	}
	var rows []eventRow
	for _, c := range clusters(times) {
		from, to := max(c[0], v.sel.from), min(c[1]+1, v.sel.to)
		if from >= to || !v.mayMatch(p.stream, from, to-1) {
			continue
		}
		if rows, err = v.cluster(ctx, rows, p, from, to); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(a, b eventRow) int { return a.position - b.position })
	return rows, nil
}

// mayMatch reports whether something may match in the hours of a span.
func (v *verbatim) mayMatch(stream, low, high int64) bool {
	if v.hours == nil {
		return true
	}
	low, high = max(low, v.sel.from), min(high, v.sel.to-1)
	if (high-low)/hourMS > int64(len(v.hours)) {
		return true // asking for each hour would cost more than reading
	}
	for hour := hourOf(low); hour <= hourOf(high); hour++ {
		if v.hours[[2]int64{stream, hour}] {
			return true
		}
	}
	return false
}

// cluster adds the matching rows of a page with from <= at < to.
func (v *verbatim) cluster(ctx context.Context, into []eventRow, p pageSpan, from, to int64) (out []eventRow, err error) {
	args := []any{p.stream, from, to, p.id}
	condition, more := v.sel.condition(len(args) + 1)
	rows, err := v.store.read.QueryContext(ctx, `SELECT `+eventColumns+` FROM event WHERE stream = $1 AND at >= $2 AND at < $3 AND page = $4`+condition,
		append(args, more...)...)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r eventRow
		if err := r.scan(rows); err != nil {
			return nil, fmt.Errorf("reading events: %w", err)
		}
		into = append(into, r)
	}
	return into, rows.Err()
}

// clusters gives spans of times with no long gap in them: none longer than an hour and 32 times the usual one.
func clusters(times []int64) [][2]int64 {
	times = slices.Clone(times)
	slices.Sort(times)
	gaps := make([]int64, 0, len(times))
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	slices.Sort(gaps)
	long := int64(hourMS)
	if len(gaps) > 0 {
		long += 32 * gaps[len(gaps)/2]
	}
	var out [][2]int64
	for _, t := range times {
		if n := len(out); n > 0 && t-out[n-1][1] <= long {
			out[n-1][1] = t
			continue
		}
		out = append(out, [2]int64{t, t})
	}
	return out
}

// openPage is a stored body of which frames are decoded as they are needed.
type openPage struct {
	layout page.Layout
	packed []byte
	number int // of frame; -1: none yet
	frame  page.Frame
}

func openBody(ctx context.Context, q *sqlc.Queries, id int64) (*openPage, error) {
	stored, err := q.PageBody(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the body of page %d: %w", id, err)
	}
	l, err := page.ParseLayout(stored.Layout)
	if err != nil {
		return nil, fmt.Errorf("page %d: %w; run exhibit fsck", id, err)
	}
	if len(stored.Body) != l.Packed() {
		return nil, fmt.Errorf("page %d: %w; run exhibit fsck", id, page.ErrCorrupt)
	}
	return &openPage{layout: l, packed: stored.Body, number: -1}, nil
}

func (o *openPage) record(i int) ([]byte, error) {
	if i >= o.layout.Records() {
		return nil, page.ErrCorrupt
	}
	if f := o.layout.FrameOf(i); f != o.number {
		at, length := o.layout.FrameAt(f)
		frame, err := o.layout.DecodeFrame(f, o.packed[at:at+length])
		if err != nil {
			return nil, err
		}
		o.number, o.frame = f, frame
	}
	return o.frame.Record(i), nil
}

// decodeBody decodes a stored body without looking at its digest.
func decodeBody(stored sqlc.PageBodyRow) (page.Layout, []byte, error) {
	l, err := page.ParseLayout(stored.Layout)
	if err != nil {
		return page.Layout{}, nil, err
	}
	body, err := l.Decode(stored.Body)
	return l, body, err
}
