package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// truth is what a stream must hold after a random history: first bytes by uuid, and every covered minute.
type truth struct {
	first    map[int]string // event → its note, which makes its bytes
	at       map[int]time.Time
	late     map[int]bool
	conflict map[int]bool
	again    int
	minutes  map[int]bool
	sequence int64
}

const modelMinutes = 200

// TestCommitAgainstAModel commits random pages (repeats, conflicts, late events, empty pages, re-reads, resets, new windows)
// and compares events, oddities, counters and windows with the model, then checks and rebuilds.
func TestCommitAgainstAModel(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			f.conn = f.connect(fmt.Sprint("connection ", round))
			m := &truth{first: map[int]string{}, at: map[int]time.Time{}, late: map[int]bool{}, conflict: map[int]bool{}, minutes: map[int]bool{}}
			l := f.acquire(usages)
			for range rapid.IntRange(1, 8).Draw(rt, "steps") {
				l = m.step(rt, f, l)
			}
			m.compare(rt, f, l)
		})
		f.clean()
		before := f.dump()
		f.ok(f.Rebuild(t.Context(), modelNormalise, nil))
		f.clean()
		if after := f.dump(); !slices.Equal(before, after) {
			t.Errorf("rebuilt rows differ: %d rows before, %d after", len(before), len(after))
		}
	})
}

// step does one thing to the stream and to the model.
func (m *truth) step(rt *rapid.T, f *fixture, l Lease) Lease {
	if rapid.IntRange(0, 9).Draw(rt, "kind") == 0 {
		next, err := f.ResetCursor(rt.Context(), l, f.now)
		f.ok(err)
		m.sequence++
		return next
	}
	var events []happening
	for range rapid.IntRange(0, 5).Draw(rt, "events") {
		n := rapid.IntRange(0, 15).Draw(rt, "event")
		at := day0.Add(time.Duration(rapid.IntRange(0, modelMinutes-1).Draw(rt, "minute")) * time.Minute)
		if known, ok := m.at[n]; ok {
			at = known
		}
		for _, h := range events {
			if h.n == n {
				at = h.at
			}
		}
		events = append(events, happening{n: n, at: at, note: rapid.SampledFrom([]string{"", "", "", "other"}).Draw(rt, "note")})
	}
	from := rapid.IntRange(0, modelMinutes-1).Draw(rt, "from")
	to := rapid.IntRange(from, modelMinutes).Draw(rt, "to")
	c := live(l, pageOf(fmt.Sprint("c", rapid.IntRange(0, 3).Draw(rt, "cursor")), true, events...), day0.Add(time.Duration(to)*time.Minute))
	c.Window.From = day0.Add(time.Duration(from) * time.Minute)
	c.NewWindow = rapid.Bool().Draw(rt, "new window")
	if rapid.IntRange(0, 3).Draw(rt, "reread") == 0 {
		c.Mode, c.Request = Reread, source.Request{Stream: usages, From: c.Window.From, To: c.Window.To}
	} else {
		m.sequence++
	}
	done, err := f.Commit(rt.Context(), l, c)
	f.ok(err)
	m.apply(rt, events, done)
	for minute := from; minute < to; minute++ {
		m.minutes[minute] = true
	}
	return done.Lease
}

// apply works out what the page does and compares it with what the store says that it did.
func (m *truth) apply(rt *rapid.T, events []happening, done Committed) {
	var fresh, duplicates, conflicts, late int
	for _, h := range events {
		note, known := m.first[h.n]
		switch {
		case !known:
			fresh++
			m.first[h.n], m.at[h.n] = h.note, h.at
			if m.late[h.n] = m.minutes[int(h.at.Sub(day0)/time.Minute)]; m.late[h.n] {
				late++
			}
		case note == h.note:
			duplicates++
		default:
			conflicts++
			m.conflict[h.n] = true
		}
	}
	if done.New != fresh || done.Duplicates != duplicates || done.Conflicts != conflicts || done.Late != late {
		rt.Fatalf("%+v, want new %d, duplicates %d, conflicts %d, late %d", done, fresh, duplicates, conflicts, late)
	}
	if done.Page > 0 {
		m.again += duplicates + conflicts
	}
}

// compare reads everything back.
func (m *truth) compare(rt *rapid.T, f *fixture, l Lease) {
	if l.Sequence != m.sequence {
		rt.Fatalf("sequence %d, want %d", l.Sequence, m.sequence)
	}
	q := evidence.Query{Workspace: f.ws, Connections: []evidence.ID{f.conn}}
	got, err := f.Events(rt.Context(), EventsRequest{Query: q, WithRaw: true})
	f.ok(err)
	if len(got.Events) != len(m.first) {
		rt.Fatalf("%d events, want %d", len(got.Events), len(m.first))
	}
	for _, e := range got.Events {
		m.compareEvent(rt, f, e)
	}
	var spans []evidence.Span
	for minute := range m.minutes {
		spans = append(spans, evidence.Span{From: day0.Add(time.Duration(minute) * time.Minute), To: day0.Add(time.Duration(minute+1) * time.Minute)})
	}
	windows, err := f.Windows(rt.Context(), f.conn, usages, evidence.Span{})
	f.ok(err)
	want := evidence.NewSpans(spans...)
	if len(windows) != len(want) {
		rt.Fatalf("windows %v, want %v", windows, want)
	}
	for i, w := range windows {
		if w.Span != want[i] {
			rt.Fatalf("window %d is %v, want %v", i, w, want[i])
		}
	}
	stats, err := f.PageStats(rt.Context(), q)
	f.ok(err)
	if stats.Events != int64(len(m.first)) || stats.Duplicates != int64(m.again) || stats.Records != stats.Events+stats.Duplicates {
		rt.Fatalf("stats %+v, want %d events and %d repeats", stats, len(m.first), m.again)
	}
}

func (m *truth) compareEvent(rt *rapid.T, f *fixture, e evidence.Event) {
	for n, note := range m.first {
		if testUUID(n) != e.UUID {
			continue
		}
		want := happening{n: n, at: m.at[n], note: note}
		p := pageOf("", false, want)
		if string(e.Raw) != string(p.Body[p.Records[0].Start:p.Records[0].End]) || !e.At.Equal(want.at) {
			rt.Fatalf("event %d is %s at %s, want %s", n, e.Raw, e.At, want.at)
		}
		if late := e.Odd&evidence.OddLate != 0; late != m.late[n] {
			rt.Fatalf("event %d: late is %v", n, late)
		}
		if conflict := e.Odd&evidence.OddConflict != 0; conflict != m.conflict[n] {
			rt.Fatalf("event %d: conflict is %v", n, conflict)
		}
		others, err := f.Conflicts(rt.Context(), f.ws, e.EventRef)
		f.ok(err)
		if (len(others) > 0) != m.conflict[n] {
			rt.Fatalf("event %d has %d conflicts", n, len(others))
		}
		return
	}
	rt.Fatalf("event %s is not in the model", e.UUID)
}

// modelNormalise derives the facts of the tests' events from their bytes.
func modelNormalise(_ string, _ evidence.Stream, raw []byte) evidence.Facts {
	var uuid, at, note string
	if _, err := fmt.Sscanf(string(raw), `{"uuid":%q,"timestamp":%q,"note":%q}`, &uuid, &at, &note); err != nil {
		panic(err)
	}
	when, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		panic(err)
	}
	for n := range 16 {
		if testUUID(n) == uuid {
			return happening{n: n, at: when}.facts()
		}
	}
	panic("no such event")
}

// dump gives all rows that Rebuild makes, in order.
func (f *fixture) dump() (rows []string) {
	f.t.Helper()
	for _, query := range []string{`SELECT stream, at, page, position, person, item, odd FROM event ORDER BY 1, 2, 3, 4`,
		`SELECT stream, at, page, position, first_page, first_position, conflict FROM repeat ORDER BY 1, 2, 3, 4`,
		`SELECT id, events, duplicates, late, conflicts, odd, last_event FROM stream ORDER BY 1`} {
		found, err := f.read.Query(query)
		f.ok(err)
		for found.Next() {
			var r [7]int64
			f.ok(found.Scan(&r[0], &r[1], &r[2], &r[3], &r[4], &r[5], &r[6]))
			rows = append(rows, fmt.Sprint(r))
		}
		f.ok(found.Err())
		f.ok(found.Close())
	}
	return append(rows, f.dumpIndex()...)
}

// dumpIndex gives what hourly counts and the index of uuids say, in order.
func (f *fixture) dumpIndex() (rows []string) {
	f.t.Helper()
	ctx := f.t.Context()
	tx, err := f.read.BeginTx(ctx, nil)
	f.ok(err)
	defer func() { f.ok(tx.Rollback()) }()
	c := &checker{tx: tx, q: sqlc.New(tx)}
	streams, err := c.streamIDs(ctx)
	f.ok(err)
	sums := make(map[[3]int64]int64)
	f.ok(f.engine.eachTally(ctx, tx, streams, func(stream int64, t tally) error {
		return eachHour(t.day, t.hours, func(hour, n int64) { sums[[3]int64{stream, t.value, hour}] += n })
	}))
	for at, n := range sums {
		rows = append(rows, fmt.Sprint("hour ", at, n))
	}
	_, err = f.engine.eachName(ctx, tx, streams, func(stream int64, name runKey, at int64) {
		rows = append(rows, fmt.Sprint("name ", stream, name, at))
	})
	f.ok(err)
	slices.Sort(rows)
	return rows
}
