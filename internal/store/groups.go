package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Group is the events of one stream that have the same values of some keys.
type Group struct {
	Connection evidence.ID
	Stream     evidence.Stream
	Facts      evidence.Facts // only of the keys that were asked for
	Events     int64
	First      time.Time // of the oldest of them
	Last       time.Time // of the newest
}

// Groups counts the events of a query by the values of keys, and calls each for every combination that there is, in no
// order and one call after the other; a combination may be told several times, each time with another part of its events.
// action, type and result go together: who asks for one gets all three. Memory grows with the combinations, not with the
// events. Those that were erased are in none.
func (s *Store) Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, each func(Group) error) error {
	sel, err := s.resolve(ctx, q)
	if err != nil || sel.nothing {
		return err
	}
	var dims []int
	for _, k := range keys {
		d, err := dimensionOf(k)
		if err != nil {
			return err
		}
		if !slices.Contains(dims, d) {
			dims = append(dims, d)
		}
	}
	parts, err := s.groupParts(ctx, sel)
	if err != nil {
		return err
	}
	var telling sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range parts {
		work.Go(func() error {
			found, err := s.groupsOf(ctx, sel, p, dims)
			if err != nil {
				return err
			}
			telling.Lock()
			defer telling.Unlock()
			return s.tellGroups(ctx, p.stream, dims, found, each)
		})
	}
	return work.Wait()
}

func (s *Store) tellGroups(ctx context.Context, st streamName, dims []int, found []groupRow, each func(Group) error) error {
	for k := range found {
		g, err := s.group(ctx, st, dims, &found[k])
		if err != nil {
			return err
		}
		if err := each(g); err != nil {
			return err
		}
	}
	return nil
}

// groupPart is a stretch of time of a stream that is counted by itself, beside others.
type groupPart struct {
	stream   streamName
	from, to int64
}

// groupPieces is into how many pieces a stream is cut, so that all processors have work also if one stream holds most,
// and few groups of a piece are held at a time.
const groupPieces = 16

func (s *Store) groupParts(ctx context.Context, sel *selection) ([]groupPart, error) {
	first, last, ok, err := s.extent(ctx, sel)
	if err != nil || !ok {
		return nil, err
	}
	from, to := max(sel.from, first*hourMS), min(sel.to, (last+1)*hourMS)
	step := (to-from)/groupPieces + 1
	var parts []groupPart
	for _, st := range sel.streams {
		for at := from; at < to; at += step {
			parts = append(parts, groupPart{st, at, min(to, at+step)})
		}
	}
	return parts, nil
}

// groupRow is a group as the database gives it: ids of the dictionary, times in milliseconds.
type groupRow struct {
	values      groupKey
	n           int64
	first, last int64
}

// groupKey is what the events of a group have in common, in the order of the dimensions that were asked for.
type groupKey [dimensions]int64

// groupQuery asks for the groups of the events that match a condition, by the values of columns.
type groupQuery struct {
	columns   []string
	condition string // what stands behind WHERE
	args      []any
}

// notErased leaves out events of which nothing is left to group by: 128 is evidence.OddErased.
const notErased = ` AND (odd & 128) = 0`

// groupsOf reads the groups of a part before any is told, as words are read through the same few connections.
func (s *Store) groupsOf(ctx context.Context, sel *selection, p groupPart, dims []int) ([]groupRow, error) {
	q := groupQuery{args: []any{p.stream.id, p.from, p.to}}
	for _, d := range dims {
		q.columns = append(q.columns, dimensionKinds[d])
	}
	condition, more := sel.condition(len(q.args) + 1)
	q.condition, q.args = `stream = $1 AND at >= $2 AND at < $3`+notErased+condition, append(q.args, more...)
	return s.engine.groups(ctx, s.read, q)
}

// groupsByDatabase leaves the counting to the database.
func groupsByDatabase(ctx context.Context, read *sql.DB, q groupQuery) (out []groupRow, err error) {
	by := strings.Join(q.columns, ", ")
	text := `SELECT ` + strings.Join(append(slices.Clone(q.columns), `count(*), min(at), max(at)`), ", ") + ` FROM event WHERE ` + q.condition
	if by == "" {
		text += ` HAVING count(*) > 0`
	} else {
		text += ` GROUP BY ` + by
	}
	rows, err := read.QueryContext(ctx, text, q.args...)
	if err != nil {
		return nil, fmt.Errorf("grouping events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var r groupRow
	into := append(r.values.into(len(q.columns)), &r.n, &r.first, &r.last)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("grouping events: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// groupsByHand counts the rows as the database gives them.
func groupsByHand(ctx context.Context, read *sql.DB, q groupQuery) (out []groupRow, err error) {
	text := `SELECT ` + strings.Join(append(slices.Clone(q.columns), `at`), ", ") + ` FROM event WHERE ` + q.condition
	rows, err := read.QueryContext(ctx, text, q.args...)
	if err != nil {
		return nil, fmt.Errorf("grouping events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var key groupKey
	var at int64
	into := append(key.into(len(q.columns)), &at)
	places := map[groupKey]int{}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("grouping events: %w", err)
		}
		i, ok := places[key]
		if !ok {
			i = len(out)
			places[key] = i
			out = append(out, groupRow{values: key, first: at, last: at})
		}
		r := &out[i]
		r.n++
		r.first, r.last = min(r.first, at), max(r.last, at)
	}
	return out, rows.Err()
}

// into gives where the first n values are scanned to.
func (k *groupKey) into(n int) []any {
	out := make([]any, 0, n+3)
	for i := range n {
		out = append(out, &k[i])
	}
	return out
}

// group puts words to a group.
func (s *Store) group(ctx context.Context, st streamName, dims []int, r *groupRow) (Group, error) {
	g := Group{Connection: st.connection, Stream: st.stream, Events: r.n, First: eventTime(r.first), Last: eventTime(r.last)}
	for i, d := range dims {
		if r.values[i] == 0 {
			continue
		}
		w, err := s.wordsByID(ctx, s.queries(), r.values[i])
		if err != nil {
			return Group{}, err
		}
		if err := setWords(&g.Facts, d, w); err != nil {
			return Group{}, err
		}
	}
	return g, nil
}

// Pages tells of each page whose records reach into the span of a query, in order of stream and page;
// the query's filters play no part. A page's number in its stream is 0 if it was read a second time.
func (s *Store) Pages(ctx context.Context, q evidence.Query, each func(PageRow) error) error {
	q.Where = nil
	sel, err := s.resolve(ctx, q)
	if err != nil || sel.nothing {
		return err
	}
	for _, st := range sel.streams {
		if err := s.pagesOf(ctx, sel, st, each); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) pagesOf(ctx context.Context, sel *selection, st streamName, each func(PageRow) error) (err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, sequence, mode, requested_at, received_at, server_date, build, records, events, min_at, max_at, size, sha256
		FROM page WHERE stream = $1 AND max_at >= $2 AND min_at < $3 ORDER BY id`, st.id, sel.from, sel.to)
	if err != nil {
		return fmt.Errorf("listing pages: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		p := PageRow{Connection: st.connection, Stream: st.stream}
		var requested, received, date, low, high int64
		var sha []byte
		if err := rows.Scan(&p.ID, &p.Sequence, &p.Mode, &requested, &received, &date, &p.Build, &p.Records, &p.Events, &low, &high, &p.Size, &sha); err != nil {
			return fmt.Errorf("listing pages: %w", err)
		}
		p.RequestedAt, p.ReceivedAt, p.ServerDate = fromMS(requested), fromMS(received), fromMS(date)
		p.MinAt, p.MaxAt, p.SHA256 = eventTime(low), eventTime(high), fmt.Sprintf("%x", sha)
		if err := each(p); err != nil {
			return err
		}
	}
	return rows.Err()
}

// MissingNumbers counts the numbers from first to last of a stream's history that neither a page nor an answer without
// records nor a reset of the bookmark has. It is 0 unless something was taken out.
func (s *Store) MissingNumbers(ctx context.Context, conn evidence.ID, stream evidence.Stream, first, last int64) (int64, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return 0, err
	}
	spans, err := s.queries().SequenceSpans(ctx, row.ID)
	if err != nil {
		return 0, fmt.Errorf("reading the numbers of a stream: %w", err)
	}
	missing := max(0, last-first+1)
	for _, span := range spans {
		if a, b := max(first, span.FirstSequence), min(last, span.LastSequence); a <= b {
			missing -= b - a + 1
		}
	}
	return missing, nil
}
