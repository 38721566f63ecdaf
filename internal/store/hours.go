package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cell is one hour of one stream in which events of a selection may lie.
type cell struct {
	stream int // index in selection.streams
	hour   int64
	total  int64 // events of the stream in the hour
	bound  int64 // of these, at most so many match
}

// cells gives the hours first <= hour <= last in which something may match, in order of hour and stream.
func (s *Store) cells(ctx context.Context, sel *selection, first, last int64) ([]cell, error) {
	type place struct{ stream, hour int64 }
	sets := sel.narrow()
	sums := make([]map[place]int64, 1+len(sets)) // totals, then one for each filter
	for i := range sums {
		sums[i] = make(map[place]int64)
	}
	of := make(map[int64][]int) // value → the sets that it belongs to
	of[0] = []int{0}
	values := []int64{0}
	for i, ids := range sets {
		for _, id := range ids {
			of[id] = append(of[id], i+1)
			values = append(values, id)
		}
	}
	err := s.tallies(ctx, sel, values, first, last, func(stream, value, hour, n int64) {
		for _, i := range of[value] {
			sums[i][place{stream, hour}] += n
		}
	})
	if err != nil {
		return nil, err
	}
	var cells []cell
	for index, stream := range sel.streams {
		for at, total := range sums[0] {
			if at.stream != stream.id {
				continue
			}
			c := cell{stream: index, hour: at.hour, total: total, bound: total}
			for _, sum := range sums[1:] {
				c.bound = min(c.bound, sum[at])
			}
			if c.bound > 0 {
				cells = append(cells, c)
			}
		}
	}
	slices.SortFunc(cells, func(a, b cell) int { return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.stream, b.stream)) })
	return cells, nil
}

// tallyRange says which hourly counts are wanted: first and last day are among them.
type tallyRange struct {
	streams, values   []int64
	firstDay, lastDay int64
}

// tallies reads hourly counts of values. An hour may be told several times.
func (s *Store) tallies(ctx context.Context, sel *selection, values []int64, first, last int64, each func(stream, value, hour, n int64)) error {
	r := tallyRange{streams: sel.streamIDs(), values: values}
	r.firstDay, _ = dayOf(first)
	r.lastDay, _ = dayOf(last)
	return s.engine.tallies(ctx, s.read, r, func(stream int64, t tally) error {
		return eachHour(t.day, t.hours, func(hour, n int64) {
			if hour >= first && hour <= last {
				each(stream, t.value, hour, n)
			}
		})
	})
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// tallyRows tells rows of table tally.
func tallyRows(ctx context.Context, db querier, r tallyRange, each func(stream int64, t tally) error) error {
	args := []any{r.firstDay, r.lastDay}
	return readTallies(ctx, db, each, `SELECT stream, value, day, hours FROM tally WHERE day >= $1 AND day <= $2 AND stream IN (`+
		placeholders(&args, r.streams)+`) AND value IN (`+placeholders(&args, r.values)+`)`, args...)
}

// allTallyRows tells all rows of table tally.
func allTallyRows(ctx context.Context, db querier, each func(stream int64, t tally) error) error {
	return readTallies(ctx, db, each, `SELECT stream, value, day, hours FROM tally`)
}

func readTallies(ctx context.Context, db querier, each func(stream int64, t tally) error, text string, args ...any) (err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("reading hourly counts: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var hours sql.RawBytes
	for rows.Next() {
		var stream int64
		var t tally
		if err := rows.Scan(&stream, &t.value, &t.day, &hours); err != nil {
			return fmt.Errorf("reading hourly counts: %w", err)
		}
		t.hours = hours
		if err := each(stream, t); err != nil {
			return err
		}
	}
	return rows.Err()
}

// streamIDs gives the numbers of the streams of the selection.
func (sel *selection) streamIDs() []int64 {
	ids := make([]int64, len(sel.streams))
	for i, st := range sel.streams {
		ids[i] = st.id
	}
	return ids
}

// streamList appends the streams of the selection to args and gives their placeholders.
func (sel *selection) streamList(args *[]any) string { return placeholders(args, sel.streamIDs()) }

// placeholders appends values to args and gives their placeholders: "$3, $4".
func placeholders(args *[]any, values []int64) string {
	names := make([]string, len(values))
	for i, v := range values {
		*args = append(*args, v)
		names[i] = "$" + strconv.Itoa(len(*args))
	}
	return strings.Join(names, ", ")
}

// extent gives the first and the last hour with events of the selection's streams in its span.
func (s *Store) extent(ctx context.Context, sel *selection) (first, last int64, ok bool, err error) {
	return s.extentWithin(ctx, sel, hourOf(sel.from), hourOf(sel.to-1))
}

// extentWithin does the same for low <= hour <= high; ok is false if there are no events. Walks use it to jump over long
// stretches without events, such as those before an event that says to be of the year 9999.
func (s *Store) extentWithin(ctx context.Context, sel *selection, low, high int64) (first, last int64, ok bool, err error) {
	lowDay, _ := dayOf(low)
	highDay, _ := dayOf(high)
	for _, st := range sel.streams {
		for _, order := range []string{"ASC", "DESC"} {
			a, b, found, err := s.edgeHours(ctx, st.id, lowDay, highDay, order)
			if err != nil {
				return 0, 0, false, err
			}
			switch {
			case !found:
			case !ok:
				first, last, ok = a, b, true
			default:
				first, last = min(first, a), max(last, b)
			}
		}
	}
	first, last = max(first, low), min(last, high)
	return first, last, ok && first <= last, nil
}

// edgeHours gives the first and the last hour with events of a stream on the first or the last day with any.
func (s *Store) edgeHours(ctx context.Context, stream, lowDay, highDay int64, order string) (first, last int64, found bool, err error) {
	var day int64
	var hours []byte
	err = s.read.QueryRowContext(ctx, `SELECT day, hours FROM tally WHERE stream = $1 AND value = 0 AND day >= $2 AND day <= $3 ORDER BY day `+
		order+` LIMIT 1`, stream, lowDay, highDay).Scan(&day, &hours)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, false, nil
	}
	if err != nil {
		return 0, 0, false, fmt.Errorf("reading hourly counts: %w", err)
	}
	err = eachHour(day, hours, func(hour, _ int64) {
		if !found {
			first, last, found = hour, hour, true
		}
		first, last = min(first, hour), max(last, hour)
	})
	return first, last, found, err
}

// hourRun is a run of neighbouring hours of one stream.
type hourRun struct {
	stream      int
	first, last int64
}

// skipRows is how many rows may as well be stepped over as a new read be begun.
const skipRows = 500

// runs joins hours of the same stream that lie so close together that reading what is between costs less than another
// read. How much lies between is guessed from the hours themselves.
func runs(cells []cell) []hourRun {
	cells = slices.Clone(cells)
	slices.SortFunc(cells, func(a, b cell) int { return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.hour, b.hour)) })
	var out []hourRun
	var before int64 // events in the hour before
	for _, c := range cells {
		n := len(out)
		if n > 0 && out[n-1].stream == c.stream && (c.hour-out[n-1].last-1)*max(before, c.total, 1) <= skipRows {
			out[n-1].last = c.hour
		} else {
			out = append(out, hourRun{c.stream, c.hour, c.hour})
		}
		before = c.total
	}
	return out
}

// within cuts a run to the span of the selection: from <= at < to.
func (sel *selection) within(r hourRun) (from, to int64) {
	return max(sel.from, r.first*hourMS), min(sel.to, (r.last+1)*hourMS)
}
