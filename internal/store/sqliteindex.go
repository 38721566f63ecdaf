package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// What SQLite keeps in runs: which uuids a stream knows, and how many events have a value in an hour.

// nameOf is the key of a uuid in a run: its 16 bytes, or as many of the SHA-256 of what is not 16 bytes. Two uuids may
// have the same; the row of the event decides.
func nameOf(uuid []byte) runKey {
	if len(uuid) != uuidBytes {
		sum := sha256.Sum256(uuid)
		uuid = sum[:uuidBytes]
	}
	return runKey{binary.BigEndian.Uint64(uuid), binary.BigEndian.Uint64(uuid[8:])}
}

// eachTime tells the times in the payload of a uuid.
func eachTime(payload []byte, each func(at int64) error) error {
	for len(payload) > 0 {
		at, n := binary.Varint(payload)
		if n <= 0 {
			return errRun
		}
		if err := each(at); err != nil {
			return err
		}
		payload = payload[n:]
	}
	return nil
}

// dayZero makes days positive, so that they sort as keys.
const dayZero = 1 << 40

// hoursOf is the key of a value and a day.
func hoursOf(value, day int64) runKey { return runKey{uint64(value), uint64(day + dayZero)} }

func (k runKey) value() int64 { return int64(k.hi) }
func (k runKey) day() int64   { return int64(k.lo) - dayZero }

// shrinkHours adds up the entries of each hour, if they are many.
func shrinkHours(hours []byte) []byte {
	if len(hours) < 2*dayHours {
		return hours
	}
	var sums [dayHours]int64
	if eachHour(0, hours, func(hour, n int64) { sums[hour] += n }) != nil {
		return hours // it is damaged, which whoever reads it will see
	}
	out := make([]byte, 0, len(hours))
	for of, n := range sums {
		if n > 0 {
			out = appendHour(out, int64(of), n)
		}
	}
	return out
}

// uuidIndex knows the uuids of one stream inside one transaction.
type uuidIndex struct {
	*runView
	place runPlace
	runs  []*runHead
	row   *sql.Stmt // finds the event of a stream, a time and a uuid
}

// times gives the times of the events that may have a uuid.
func (x *uuidIndex) times(ctx context.Context, name runKey, each func(at int64) error) error {
	for _, h := range x.runs {
		payload, err := x.find(ctx, h, name)
		if err != nil {
			return err
		}
		if err := eachTime(payload, each); err != nil {
			return err
		}
	}
	return nil
}

// event gives where the event with a uuid lies.
func (x *uuidIndex) event(ctx context.Context, uuid []byte) (k knownEvent, found bool, err error) {
	err = x.times(ctx, nameOf(uuid), func(at int64) error {
		if found {
			return nil
		}
		err := x.row.QueryRowContext(ctx, x.place.stream, at, uuid).Scan(&k.page, &k.position, &k.at, &k.odd)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for an event: %w", err)
		}
		found = true
		return nil
	})
	return k, found, err
}

func (e *sqlite) uuidIndex(ctx context.Context, tx *sql.Tx, stream int64) (*uuidIndex, error) {
	x := &uuidIndex{runView: e.runs.view(ctx, tx, e.runs.write), place: runPlace{stream, runUUIDs}, row: tx.StmtContext(ctx, e.findEvent)}
	var err error
	x.runs, err = x.of(ctx, x.place)
	return x, err
}

// unknown sorts rows into those whose uuid is new and the indices of the others.
func (x *uuidIndex) unknown(ctx context.Context, rows []eventRow) (fresh []int, known []int, err error) {
	here := make(map[string]bool, len(rows))
	for i := range rows {
		uuid := rows[i].uuid
		found := here[string(uuid)]
		if !found {
			if _, found, err = x.event(ctx, uuid); err != nil {
				return nil, nil, err
			}
		}
		if found {
			known = append(known, i)
			continue
		}
		here[string(uuid)] = true
		fresh = append(fresh, i)
	}
	return fresh, known, nil
}

// learn adds the uuids of some rows.
func (x *uuidIndex) learn(ctx context.Context, tx *sql.Tx, rows []eventRow, which []int) error {
	entries := make([]runEntry, len(which))
	times := make([]byte, 0, len(which)*8)
	for n, i := range which {
		from := len(times)
		times = binary.AppendVarint(times, rows[i].at)
		entries[n] = runEntry{nameOf(rows[i].uuid), times[from:len(times):len(times)]}
	}
	return x.add(ctx, tx, x.place, x.runs, joined(entries))
}

// findTimes gives the times at which events with the given uuids may lie.
func (e *sqlite) findTimes(ctx context.Context, read *sql.DB, stream int64, uuids [][]byte) (times []int64, narrowed bool, err error) {
	tx, err := read.BeginTx(ctx, nil)
	if err != nil {
		return nil, false, fmt.Errorf("looking for events: %w", err)
	}
	defer func() { err = errors.Join(err, rollback(tx)) }()
	x := &uuidIndex{runView: e.runs.view(ctx, tx, e.runs.read), place: runPlace{stream, runUUIDs}}
	if x.runs, err = x.of(ctx, x.place); err != nil {
		return nil, false, err
	}
	for _, uuid := range uuids {
		err := x.times(ctx, nameOf(uuid), func(at int64) error {
			times = append(times, at)
			return nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	slices.Sort(times)
	return slices.Compact(times), true, nil
}

// addTallies keeps the number of all events of an hour, which tells how far a stream reaches, in rows of their own.
func (e *sqlite) addTallies(ctx context.Context, tx *sql.Tx, stream int64, tallies []tally) error {
	ctx = context.WithoutCancel(ctx)
	add := tx.StmtContext(ctx, e.addTally)
	entries := make([]runEntry, 0, len(tallies))
	for _, t := range tallies {
		if t.value != 0 {
			entries = append(entries, runEntry{hoursOf(t.value, t.day), t.hours})
			continue
		}
		if _, err := add.ExecContext(ctx, stream, t.value, t.day, t.hours); err != nil {
			return fmt.Errorf("counting events: %w", err)
		}
	}
	v, place := e.runs.view(ctx, tx, e.runs.write), runPlace{stream, runHours}
	runs, err := v.of(ctx, place)
	if err != nil {
		return err
	}
	return v.add(ctx, tx, place, runs, entries)
}

// groups counts by hand: SQLite would sort the rows to find their groups, which takes three times as long.
func (*sqlite) groups(ctx context.Context, read *sql.DB, q groupQuery) ([]groupRow, error) {
	return groupsByHand(ctx, read, q)
}

// tallies reads rows and runs in one transaction, so that they are of the same moment.
func (e *sqlite) tallies(ctx context.Context, read *sql.DB, r tallyRange, each func(stream int64, t tally) error) (err error) {
	tx, err := read.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("reading hourly counts: %w", err)
	}
	defer func() { err = errors.Join(err, rollback(tx)) }()
	values := slices.Compact(slices.Sorted(slices.Values(r.values)))
	if len(values) > 0 && values[0] == 0 {
		values = values[1:]
		if err := tallyRows(ctx, tx, tallyRange{r.streams, []int64{0}, r.firstDay, r.lastDay}, each); err != nil {
			return err
		}
	}
	if len(values) == 0 {
		return nil
	}
	v := e.runs.view(ctx, tx, e.runs.read)
	for _, stream := range r.streams {
		runs, err := v.of(ctx, runPlace{stream, runHours})
		if err != nil {
			return err
		}
		for _, h := range runs {
			if h.lastDay < r.firstDay || h.firstDay > r.lastDay {
				continue
			}
			if err := v.hours(ctx, h, values, r, func(t tally) error { return each(stream, t) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// hours gives the hours that a run has for some values, which are sorted. It reads the chunks in which they may lie.
func (v *runView) hours(ctx context.Context, h *runHead, values []int64, r tallyRange, each func(t tally) error) error {
	for number := 0; len(values) > 0; {
		number = max(number, chunkOf(h.fences, hoursOf(values[0], r.firstDay)))
		if number >= len(h.fences) {
			return nil
		}
		if hoursOf(values[0], r.lastDay).compare(h.fences[number]) < 0 {
			values = values[1:]
			continue
		}
		body, err := v.body(ctx, h, number)
		if err != nil {
			return err
		}
		number++
		c := chunkReader{rest: body}
		for len(values) > 0 {
			more, err := c.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			for len(values) > 0 && (values[0] < c.value() || values[0] == c.value() && c.day() > r.lastDay) {
				values = values[1:]
			}
			if len(values) == 0 || values[0] != c.value() || c.day() < r.firstDay {
				continue
			}
			if err := each(tally{value: c.value(), day: c.day(), hours: c.payload}); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachTally reads the rows and the runs of all streams.
func (e *sqlite) eachTally(ctx context.Context, tx *sql.Tx, streams []int64, each func(stream int64, t tally) error) error {
	if err := allTallyRows(ctx, tx, each); err != nil {
		return err
	}
	v := e.runs.view(ctx, tx, e.runs.read)
	for _, stream := range streams {
		var failed error
		err := v.check(ctx, runPlace{stream, runHours}, func(k runEntry) {
			failed = errors.Join(failed, each(stream, tally{value: k.value(), day: k.day(), hours: k.payload}))
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
	return nil
}

// eachName reads the uuids that the index has of all streams.
func (e *sqlite) eachName(ctx context.Context, tx *sql.Tx, streams []int64, each func(stream int64, name runKey, at int64)) (bool, error) {
	v := e.runs.view(ctx, tx, e.runs.read)
	for _, stream := range streams {
		var failed error
		err := v.check(ctx, runPlace{stream, runUUIDs}, func(k runEntry) {
			failed = errors.Join(failed, eachTime(k.payload, func(at int64) error {
				each(stream, k.runKey, at)
				return nil
			}))
		})
		if err := errors.Join(err, failed); err != nil {
			return true, err
		}
	}
	return true, nil
}
