package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Check looks at everything that is stored: every page against its digest, event rows against pages, hourly counts against
// rows, the numbering of each stream, windows, and what the database says of itself. It sees the database as it was when it
// began, and changes nothing. On SQLite it keeps the write-ahead log from being cut while it runs, so that the log grows
// while much is written. progress is told how many pages were looked at; it may be nil.
//
// What it finds wrong is in the results, a part that the database cannot read to its end included: the other parts are
// looked at all the same. An error means that Check could not look at all, or that ctx ended.
func (s *Store) Check(ctx context.Context, progress func(done, total int64)) (results []CheckResult, err error) {
	tx, err := s.read.BeginTx(ctx, s.engine.snapshot())
	if err != nil {
		return nil, fmt.Errorf("beginning to check: %w", err)
	}
	defer func() { err = errors.Join(err, rollback(tx)) }()
	c := &checker{tx: tx, q: sqlc.New(tx), engine: s.engine, progress: progress, pages: make(map[int64]*pageTruth), ids: make(map[int64]bool), counts: make(map[int64]*streamTruth), seed: maphash.MakeSeed()}
	if c.progress == nil {
		c.progress = func(int64, int64) {}
	}
	for _, part := range []struct {
		name string
		look func(context.Context) (string, error)
	}{
		{"pages", c.checkPages}, {"events", c.checkEvents}, {"dictionary", c.checkDictionary}, {"hourly counts", c.checkTallies},
		{"sequence", c.checkSequence}, {"windows", c.checkWindows}, {"counters", c.checkCounters}, {"log", c.checkLog},
	} {
		c.wrong = nil
		detail, err := part.look(ctx)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("checking %s: %w", part.name, context.Cause(ctx))
		}
		if err != nil {
			results = append(results, CheckResult{Name: part.name, Detail: fmt.Sprintf("They cannot be read to the end: %v. %s", err, unreadable)})
			if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil { // PostgreSQL answers nothing more in this transaction
				results[len(results)-1].Detail += " What is checked after them was not looked at."
				return results, nil
			}
			continue
		}
		results = append(results, c.result(part.name, detail))
	}
	ok, detail, err := s.engine.integrity(ctx, s.read)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("checking the database: %w", context.Cause(ctx))
	}
	if err != nil {
		ok, detail = false, fmt.Sprintf("It cannot be read to the end: %v. %s", err, unreadable)
	}
	return append(results, CheckResult{Name: "database", OK: ok, Detail: detail}), nil
}

// checker is one Check on its way.
type checker struct {
	tx       *sql.Tx
	q        *sqlc.Queries
	progress func(done, total int64)
	pages    map[int64]*pageTruth
	ids      map[int64]bool // of the dictionary, as event rows refer to them
	seed     maphash.Seed
	rows     uint64 // sum of the hashes of (stream, value, hour) over all rows
	engine   engine
	names    uint64 // sum of the hashes of (stream, uuid, time) over all rows
	counts   map[int64]*streamTruth
	wrong    []string
}

// pageTruth is what a page says its rows must be, less the rows that were seen. It ends at zero.
type pageTruth struct{ records, positions, times, events int64 }

// streamTruth counts what rows and pages say of a stream.
type streamTruth struct{ pages, events int64 }

// maxComplaints bounds what one check tells.
const maxComplaints = 10

func (c *checker) complain(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *checker) result(name, detail string) CheckResult {
	if len(c.wrong) == 0 {
		return CheckResult{Name: name, OK: true, Detail: detail}
	}
	text := strings.Join(c.wrong[:min(len(c.wrong), maxComplaints)], "; ")
	if more := len(c.wrong) - maxComplaints; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return CheckResult{Name: name, Detail: text + ". " + remedies[name]}
}

// unreadable says what to do when the database itself cannot read what it holds.
const unreadable = "The disk or the database file is damaged: stop Exhibit, look at the disk, and restore the latest backup."

// remedies say what to do when a check finds something wrong.
var remedies = map[string]string{
	"pages":         "Evidence is damaged: restore the latest backup, or read the span again with exhibit collect --reread.",
	"events":        "Run exhibit fsck --rebuild, which makes event rows from pages.",
	"dictionary":    "Run exhibit fsck --rebuild, which makes event rows from pages.",
	"hourly counts": "Run exhibit fsck --rebuild, which makes counts from pages.",
	"sequence":      "A page was lost or added behind Exhibit's back: restore the latest backup.",
	"windows":       "Restore the latest backup, or read the span again with exhibit collect --reread.",
	"log":           "The log was changed behind Exhibit's back, or the disk is damaged: stop Exhibit and restore the latest backup, to which the log's last signed checkpoint must belong.",
	"counters":      "Run exhibit fsck --rebuild, which counts again.",
}

// checkPages decodes every page and compares it with its digest, and notes what rows it must have.
func (c *checker) checkPages(ctx context.Context) (string, error) {
	total, err := c.q.CountPages(ctx)
	if err != nil {
		return "", err
	}
	var done, size int64
	for after := int64(0); ; {
		pages, err := c.q.PagesAfter(ctx, after, 100)
		if err != nil {
			return "", err
		}
		if len(pages) == 0 {
			return fmt.Sprintf("%d pages with %d bytes are as they came.", done, size), nil
		}
		for _, p := range pages {
			if err := c.checkPage(ctx, p); err != nil {
				return "", err
			}
			after = p.ID
			done++
			size += p.Size
			c.progress(done, total)
		}
	}
}

func (c *checker) checkPage(ctx context.Context, p sqlc.PagesAfterRow) error {
	truth := &pageTruth{events: p.Events}
	c.pages[p.ID] = truth
	if c.counts[p.Stream] == nil {
		c.counts[p.Stream] = &streamTruth{}
	}
	c.counts[p.Stream].pages++
	stored, err := c.q.PageBody(ctx, p.ID)
	if errors.Is(err, sql.ErrNoRows) {
		c.complain("page %d has no body", p.ID)
		return nil
	}
	if err != nil {
		return err
	}
	body, l, err := unpack(stored, p.Sha256)
	if err != nil {
		c.complain("page %d: %v", p.ID, err)
	} else if int64(len(body)) != p.Size || int64(l.Records()) != p.Records {
		c.complain("page %d has %d bytes and %d records instead of %d and %d", p.ID, len(body), l.Records(), p.Size, p.Records)
	}
	times, _, err := decodeTimes(stored.Times)
	if err != nil || int64(len(times)) != p.Records || len(times) == 0 {
		c.complain("page %d has times of %d records instead of %d", p.ID, len(times), p.Records)
		return nil
	}
	if low, high := bounds(times); low != p.MinAt || high != p.MaxAt {
		c.complain("page %d spans %d to %d instead of %d to %d", p.ID, low, high, p.MinAt, p.MaxAt)
	}
	truth.records = p.Records
	truth.positions = p.Records * (p.Records - 1) / 2
	for _, t := range times {
		truth.times += t
	}
	return nil
}

// checkEvents reads every event row and repeat once: each record of a page must be one or the other, at its time.
func (c *checker) checkEvents(ctx context.Context) (string, error) {
	var events, again int64
	err := c.each(ctx, `SELECT `+eventColumns+` FROM event`, func(rows *sql.Rows) error {
		var r eventRow
		if err := r.scan(rows); err != nil {
			return err
		}
		events++
		c.tick(r.page, int64(r.position), r.at, 1)
		if truth := c.counts[r.stream]; truth != nil {
			truth.events++
		}
		c.hashRow(&r)
		c.names += c.hashName(r.stream, nameOf(r.uuid), r.at)
		return nil
	})
	if err != nil {
		return "", err
	}
	err = c.each(ctx, `SELECT page, position, at FROM repeat`, func(rows *sql.Rows) error {
		var page, position, at int64
		if err := rows.Scan(&page, &position, &at); err != nil {
			return err
		}
		again++
		c.tick(page, position, at, 0)
		return nil
	})
	if err != nil {
		return "", err
	}
	if err := c.checkNames(ctx); err != nil {
		return "", err
	}
	for id, truth := range c.pages {
		if *truth != (pageTruth{}) {
			c.complain("page %d and its rows disagree by %d records and %d events", id, truth.records, truth.events)
		}
	}
	slices.Sort(c.wrong)
	return fmt.Sprintf("%d events and %d repeats are the records of the pages, each once.", events, again), nil
}

// checkNames compares what finds a uuid with the rows.
func (c *checker) checkNames(ctx context.Context) error {
	streams, err := c.streamIDs(ctx)
	if err != nil {
		return err
	}
	var known uint64
	has, err := c.engine.eachName(ctx, c.tx, streams, func(stream int64, name runKey, at int64) {
		known += c.hashName(stream, name, at)
	})
	switch {
	case errors.Is(err, errRun):
		c.complain("the index of uuids is damaged")
	case err != nil:
		return err
	case has && known != c.names:
		c.complain("the index of uuids is not that of the event rows")
	}
	return nil
}

func (c *checker) hashName(stream int64, name runKey, at int64) uint64 {
	var b [32]byte
	binary.LittleEndian.PutUint64(b[:], uint64(stream))
	binary.LittleEndian.PutUint64(b[8:], name.hi)
	binary.LittleEndian.PutUint64(b[16:], name.lo)
	binary.LittleEndian.PutUint64(b[24:], uint64(at))
	return maphash.Bytes(c.seed, b[:])
}

func (c *checker) streamIDs(ctx context.Context) (ids []int64, err error) {
	streams, err := c.q.AllStreams(ctx)
	for _, st := range streams {
		ids = append(ids, st.ID)
	}
	return ids, err
}

// tick takes one row off what a page must have.
func (c *checker) tick(page, position, at, events int64) {
	truth := c.pages[page]
	if truth == nil {
		truth = &pageTruth{}
		c.pages[page] = truth
	}
	truth.records--
	truth.positions -= position
	truth.times -= at
	truth.events -= events
}

// hashRow adds what a row counts for to the sum that the hourly counts must have. The hash of a place is added once per
// event here and n times there; that two different sets of counts have the same sum is as good as impossible.
func (c *checker) hashRow(r *eventRow) {
	hour := hourOf(r.at)
	c.rows += c.hash(r.stream, 0, hour)
	for _, id := range r.values {
		if id != 0 {
			c.ids[id] = true
			c.rows += c.hash(r.stream, id, hour)
		}
	}
}

func (c *checker) hash(stream, value, hour int64) uint64 {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], uint64(stream))
	binary.LittleEndian.PutUint64(b[8:], uint64(value))
	binary.LittleEndian.PutUint64(b[16:], uint64(hour))
	return maphash.Bytes(c.seed, b[:])
}

// checkDictionary makes sure that every value that a row refers to exists.
func (c *checker) checkDictionary(ctx context.Context) (string, error) {
	used := len(c.ids)
	err := c.each(ctx, `SELECT id FROM value`, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		delete(c.ids, id)
		return nil
	})
	if len(c.ids) > 0 {
		c.complain("%d values that events refer to are missing", len(c.ids))
	}
	return fmt.Sprintf("All %d values that events refer to exist.", used), err
}

// checkTallies compares hourly counts with rows. Oddities are counted from the rows here, since few rows have one.
func (c *checker) checkTallies(ctx context.Context) (string, error) {
	odd, err := c.oddIDs(ctx)
	if err != nil {
		return "", err
	}
	err = c.each(ctx, `SELECT e.stream, e.at, e.odd, w.no FROM event e JOIN stream s ON s.id = e.stream
JOIN connection c ON c.id = s.connection JOIN workspace w ON w.id = c.workspace WHERE e.odd <> 0`,
		func(rows *sql.Rows) error {
			var r eventRow
			var workspace int64
			if err := rows.Scan(&r.stream, &r.at, &r.odd, &workspace); err != nil {
				return err
			}
			for _, w := range r.odd.Words() {
				c.rows += c.hash(r.stream, odd[oddWord{workspace, w}], hourOf(r.at))
			}
			return nil
		})
	if err != nil {
		return "", err
	}
	var counts uint64
	var n int64
	streams, err := c.streamIDs(ctx)
	if err != nil {
		return "", err
	}
	err = c.engine.eachTally(ctx, c.tx, streams, func(stream int64, t tally) error {
		damaged := eachHour(t.day, t.hours, func(hour, count int64) {
			counts += uint64(count) * c.hash(stream, t.value, hour)
			n++
		})
		if damaged != nil {
			c.complain("an hourly count of stream %d cannot be read", stream)
		}
		return nil
	})
	if errors.Is(err, errRun) {
		c.complain("their index is damaged")
		err = nil
	}
	if counts != c.rows {
		c.complain("the hourly counts are not those of the event rows")
	}
	return fmt.Sprintf("%d hourly counts are those of the event rows.", n), err
}

// oddWord is an oddity in a workspace.
type oddWord struct {
	workspace int64
	word      string
}

func (c *checker) oddIDs(ctx context.Context) (map[oddWord]int64, error) {
	ids := make(map[oddWord]int64)
	return ids, c.each(ctx, `SELECT id, workspace, first FROM value WHERE kind = 'odd'`, func(rows *sql.Rows) error {
		var id int64
		var w oddWord
		if err := rows.Scan(&id, &w.workspace, &w.word); err != nil {
			return err
		}
		ids[w] = id
		return nil
	})
}

// checkSequence makes sure that pages, polls and resets number each stream's history without hole or overlap.
func (c *checker) checkSequence(ctx context.Context) (string, error) {
	streams, err := c.q.AllStreams(ctx)
	if err != nil {
		return "", err
	}
	for _, st := range streams {
		spans, err := c.q.SequenceSpans(ctx, st.ID)
		if err != nil {
			return "", err
		}
		next := int64(1)
		for _, span := range spans {
			if span.FirstSequence != next || span.LastSequence < span.FirstSequence {
				c.complain("stream %s of %s goes on with %d instead of %d", st.Name, st.Connection, span.FirstSequence, next)
			}
			next = span.LastSequence + 1
		}
		if next != st.Sequence+1 {
			c.complain("stream %s of %s ends with %d instead of %d", st.Name, st.Connection, next-1, st.Sequence)
		}
	}
	return fmt.Sprintf("%d streams are numbered without a hole.", len(streams)), nil
}

// checkWindows makes sure that the windows of a stream are in order, apart from one another, and hold the live window.
func (c *checker) checkWindows(ctx context.Context) (string, error) {
	windows, err := c.q.AllCoverage(ctx)
	if err != nil {
		return "", err
	}
	for i, w := range windows {
		if w.ToAt <= w.FromAt {
			c.complain("a window of stream %d is empty", w.Stream)
		}
		if i > 0 && windows[i-1].Stream == w.Stream && windows[i-1].ToAt >= w.FromAt {
			c.complain("two windows of stream %d touch", w.Stream)
		}
	}
	err = c.each(ctx, `SELECT id FROM stream s WHERE live_to > live_from AND NOT EXISTS
(SELECT 1 FROM coverage c WHERE c.stream = s.id AND c.from_at <= s.live_from AND c.to_at >= s.live_to)`, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		c.complain("the live window of stream %d is not among its windows", id)
		return nil
	})
	return fmt.Sprintf("%d windows are in order.", len(windows)), err
}

// checkCounters compares the counters of the streams with pages and rows.
func (c *checker) checkCounters(ctx context.Context) (string, error) {
	n := 0
	err := c.each(ctx, `SELECT id, pages, events FROM stream`, func(rows *sql.Rows) error {
		var id int64
		var said streamTruth
		if err := rows.Scan(&id, &said.pages, &said.events); err != nil {
			return err
		}
		n++
		var is streamTruth
		if truth := c.counts[id]; truth != nil {
			is = *truth
		}
		if said != is {
			c.complain("stream %d counts %d pages and %d events and has %d and %d", id, said.pages, said.events, is.pages, is.events)
		}
		return nil
	})
	return fmt.Sprintf("The counters of %d streams are right.", n), err
}

// each runs f on each row of a query.
func (c *checker) each(ctx context.Context, query string, f func(*sql.Rows) error) (err error) {
	rows, err := c.tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
