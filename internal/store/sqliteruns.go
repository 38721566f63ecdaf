package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
)

// runKind says what the runs of a stream hold.
type runKind string

const (
	runUUIDs runKind = "uuid"  // key: a uuid's 16 bytes; payload: the times of the events that have it
	runHours runKind = "hours" // key: value and day; payload: hours as table tally has them
)

// How runs are merged. A run is of a tier by its number of entries; when a tier has as many runs as it may, they and what
// comes become one. An entry is so written again once in each tier, and a stream has some dozens of runs, however many
// events it has. The largest are left as they are: to write them again would make one commit wait.
const (
	runsInTier  = 9
	tierFirst   = 4_000 // entries from which a run is of the second tier
	tierGrowth  = 10
	tierLargest = 3 // is never merged
)

func tierOf(entries int64) int {
	tier := 0
	for limit := int64(tierFirst); entries >= limit && tier < tierLargest; limit *= tierGrowth {
		tier++
	}
	return tier
}

// runHead is all of a run but its entries.
type runHead struct {
	id                int64 // random, so that a number never means another run, whatever was rolled back
	entries           int64
	firstDay, lastDay int64 // of runHours
	chunk, chunks     int64 // the number of the first chunk, and how many follow on another
	fences            []runKey
	filter            runFilter
}

// runPlace names the runs of one kind of a stream.
type runPlace struct {
	stream int64
	kind   runKind
}

// sqliteRuns keeps runs in the tables run and run_chunk. A run never changes, so that what is remembered of it stays true.
type sqliteRuns struct {
	write, read                                  runQueries
	lastChunk, addChunk, addRun, drop, dropChunk *sql.Stmt

	mu    sync.Mutex
	known map[runPlace]map[int64]*runHead
}

// runQueries read runs. They are prepared for the writing connection and for the reading ones.
type runQueries struct{ list, head, chunk *sql.Stmt }

func newSQLiteRuns() *sqliteRuns {
	return &sqliteRuns{known: make(map[runPlace]map[int64]*runHead)}
}

// statements are what must be prepared before runs are used.
func (r *sqliteRuns) statements(write, read preparer) []preparing {
	const (
		list  = `SELECT id, entries, first_day, last_day, chunk, chunks FROM run WHERE stream = ? AND kind = ? ORDER BY id`
		head  = `SELECT fences, filter FROM run WHERE id = ?`
		chunk = `SELECT body FROM run_chunk WHERE id = ?`
	)
	return []preparing{
		{&r.write.list, write, list}, {&r.write.head, write, head}, {&r.write.chunk, write, chunk},
		{&r.read.list, read, list}, {&r.read.head, read, head}, {&r.read.chunk, read, chunk},
		{&r.lastChunk, write, `SELECT coalesce(max(id), 0) FROM run_chunk`},
		{&r.addChunk, write, `INSERT INTO run_chunk (id, body) VALUES (?, ?)`},
		{&r.addRun, write, `INSERT INTO run (id, stream, kind, entries, first_day, last_day, chunk, chunks, fences, filter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&r.drop, write, `DELETE FROM run WHERE id = ?`},
		{&r.dropChunk, write, `DELETE FROM run_chunk WHERE id >= ? AND id < ?`},
	}
}

// runView reads runs inside one transaction.
type runView struct {
	runs              *sqliteRuns
	list, head, chunk *sql.Stmt
}

func (r *sqliteRuns) view(ctx context.Context, tx *sql.Tx, q runQueries) *runView {
	return &runView{r, tx.StmtContext(ctx, q.list), tx.StmtContext(ctx, q.head), tx.StmtContext(ctx, q.chunk)}
}

// of gives the runs of a place.
func (v *runView) of(ctx context.Context, place runPlace) (all []*runHead, err error) {
	rows, err := v.list.QueryContext(ctx, place.stream, string(place.kind))
	if err != nil {
		return nil, fmt.Errorf("reading runs: %w", err)
	}
	for rows.Next() {
		h := &runHead{}
		if err := rows.Scan(&h.id, &h.entries, &h.firstDay, &h.lastDay, &h.chunk, &h.chunks); err != nil {
			return nil, errors.Join(fmt.Errorf("reading runs: %w", err), rows.Close())
		}
		all = append(all, h)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading runs: %w", err)
	}
	return all, v.fill(ctx, place, all)
}

// fill puts in fences and filter of each run, and forgets runs that are no more.
func (v *runView) fill(ctx context.Context, place runPlace, all []*runHead) error {
	v.runs.mu.Lock()
	defer v.runs.mu.Unlock()
	before := v.runs.known[place]
	now := make(map[int64]*runHead, len(all))
	for i, h := range all {
		if known, ok := before[h.id]; ok {
			all[i], now[h.id] = known, known
			continue
		}
		var fences, filter []byte
		if err := v.head.QueryRowContext(ctx, h.id).Scan(&fences, &filter); err != nil {
			return fmt.Errorf("reading a run: %w", err)
		}
		var err error
		if h.fences, err = parseFences(fences); err != nil {
			return err
		}
		if h.filter, err = parseRunFilter(filter); err != nil {
			return err
		}
		if int64(len(h.fences)) != h.chunks {
			return errRun
		}
		now[h.id] = h
	}
	v.runs.known[place] = now
	return nil
}

// body reads one chunk of a run.
func (v *runView) body(ctx context.Context, h *runHead, number int) (body []byte, err error) {
	err = v.chunk.QueryRowContext(ctx, h.chunk+int64(number)).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errRun
	}
	if err != nil {
		return nil, fmt.Errorf("reading a run: %w", err)
	}
	return body, nil
}

// find gives the payload of a key in a run; nil if it is not there.
func (v *runView) find(ctx context.Context, h *runHead, k runKey) ([]byte, error) {
	if !h.filter.mayHave(k) {
		return nil, nil
	}
	number := chunkOf(h.fences, k)
	if number < 0 {
		return nil, nil
	}
	body, err := v.body(ctx, h, number)
	if err != nil {
		return nil, err
	}
	r := chunkReader{rest: body}
	for {
		more, err := r.next()
		if err != nil || !more {
			return nil, err
		}
		if c := r.compare(k); c == 0 {
			return r.payload, nil
		} else if c > 0 {
			return nil, nil
		}
	}
}

// runSource gives the entries of a run.
type runSource struct {
	ctx    context.Context
	view   *runView
	head   *runHead
	number int // of the next chunk
	chunkReader
}

func (s *runSource) next() (bool, error) {
	for {
		more, err := s.chunkReader.next()
		if err != nil || more {
			return more, err
		}
		if s.number == len(s.head.fences) {
			return false, nil
		}
		body, err := s.view.body(s.ctx, s.head, s.number)
		if err != nil {
			return false, err
		}
		s.chunkReader = chunkReader{rest: body}
		s.number++
	}
}

func (s *runSource) entry() runEntry { return s.runEntry }

// add makes a run of entries, which are sorted and differ in their keys, and merges it with others if they have become too
// many. existing are the runs of the place.
func (v *runView) add(ctx context.Context, tx *sql.Tx, place runPlace, existing []*runHead, entries []runEntry) error {
	if len(entries) == 0 {
		return nil
	}
	old := v.merging(existing, int64(len(entries)))
	sources := make([]entrySource, 0, len(old)+1)
	h := &runHead{id: rand.Int64N(1<<62) + 1, firstDay: maxDay, lastDay: -maxDay}
	most := int64(len(entries))
	for _, o := range old {
		sources = append(sources, &runSource{ctx: ctx, view: v, head: o})
		h.firstDay, h.lastDay = min(h.firstDay, o.firstDay), max(h.lastDay, o.lastDay)
		most += o.entries
	}
	sources = append(sources, &entryList{all: entries})
	w, err := v.writer(ctx, tx, h, place.kind, most)
	if err != nil {
		return err
	}
	if place.kind == runHours {
		for _, e := range entries {
			h.firstDay, h.lastDay = min(h.firstDay, e.day()), max(h.lastDay, e.day())
		}
	}
	if err := merge(w, sources); err != nil {
		return err
	}
	if err := v.store(ctx, tx, place, h, w); err != nil {
		return err
	}
	return v.remove(ctx, tx, old)
}

// maxDay is beyond every day.
const maxDay = 1 << 40

// merging gives the runs that become one with a new run of n entries.
func (*runView) merging(existing []*runHead, n int64) (old []*runHead) {
	for tier := tierOf(n); tier < tierLargest; {
		var same []*runHead
		for _, h := range existing {
			if tierOf(h.entries) == tier {
				same = append(same, h)
			}
		}
		if len(same) < runsInTier {
			break
		}
		old = append(old, same...)
		for _, h := range same {
			n += h.entries
		}
		if tierOf(n) == tier {
			break
		}
		tier = tierOf(n)
	}
	return old
}

// writer begins a run behind the last chunk.
func (v *runView) writer(ctx context.Context, tx *sql.Tx, h *runHead, kind runKind, most int64) (*runWriter, error) {
	if err := tx.StmtContext(ctx, v.runs.lastChunk).QueryRowContext(ctx).Scan(&h.chunk); err != nil {
		return nil, fmt.Errorf("writing a run: %w", err)
	}
	h.chunk++
	addChunk := tx.StmtContext(ctx, v.runs.addChunk)
	w := &runWriter{flush: func(chunk []byte) error {
		if _, err := addChunk.ExecContext(ctx, h.chunk+h.chunks, chunk); err != nil {
			return fmt.Errorf("writing a run: %w", err)
		}
		h.chunks++
		return nil
	}}
	if kind == runUUIDs {
		w.filter = newRunFilter(most)
	} else {
		w.shrink = shrinkHours
	}
	return w, nil
}

// store writes the head of a run and remembers it: if the transaction is rolled back, no run has its number.
func (v *runView) store(ctx context.Context, tx *sql.Tx, place runPlace, h *runHead, w *runWriter) (err error) {
	h.entries, h.filter = w.entries, w.filter
	if h.fences, err = parseFences(w.fences); err != nil {
		return err
	}
	_, err = tx.StmtContext(ctx, v.runs.addRun).ExecContext(ctx, h.id, place.stream, string(place.kind), h.entries, h.firstDay, h.lastDay,
		h.chunk, h.chunks, w.fences, h.filter.bytes())
	if err != nil {
		return fmt.Errorf("writing a run: %w", err)
	}
	v.runs.mu.Lock()
	defer v.runs.mu.Unlock()
	if v.runs.known[place] == nil {
		v.runs.known[place] = make(map[int64]*runHead)
	}
	v.runs.known[place][h.id] = h
	return nil
}

func (v *runView) remove(ctx context.Context, tx *sql.Tx, old []*runHead) error {
	for _, h := range old {
		if _, err := tx.StmtContext(ctx, v.runs.drop).ExecContext(ctx, h.id); err != nil {
			return fmt.Errorf("removing a merged run: %w", err)
		}
		if _, err := tx.StmtContext(ctx, v.runs.dropChunk).ExecContext(ctx, h.chunk, h.chunk+h.chunks); err != nil {
			return fmt.Errorf("removing a merged run: %w", err)
		}
	}
	return nil
}

// check reads every entry of a place and compares fences and filters with them.
func (v *runView) check(ctx context.Context, place runPlace, each func(e runEntry)) error {
	runs, err := v.of(ctx, place)
	if err != nil {
		return err
	}
	for _, h := range runs {
		s := &runSource{ctx: ctx, view: v, head: h}
		var n int64
		var last runKey
		for {
			more, err := s.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			inOrder := n == 0 || last.compare(s.runKey) < 0
			if !inOrder || chunkOf(h.fences, s.runKey) != s.number-1 || !h.filter.mayHave(s.runKey) {
				return errRun
			}
			last = s.runKey
			n++
			each(s.runEntry)
		}
		if n != h.entries {
			return errRun
		}
	}
	return nil
}
