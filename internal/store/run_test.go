package store

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// memoryRun writes entries as a run in memory.
func memoryRun(tb testing.TB, w *runWriter, sources ...entrySource) (chunks [][]byte) {
	tb.Helper()
	w.flush = func(chunk []byte) error {
		chunks = append(chunks, bytes.Clone(chunk))
		return nil
	}
	if err := merge(w, sources); err != nil {
		tb.Fatal(err)
	}
	return chunks
}

func drawKey(rt *rapid.T) runKey {
	return runKey{rapid.Uint64().Draw(rt, "hi") >> rapid.IntRange(0, 63).Draw(rt, "cut"), rapid.Uint64().Draw(rt, "lo") >> rapid.IntRange(0, 63).Draw(rt, "cut")}
}

// TestRunsMerge merges random lists and finds every entry again: in order, once for each key, in the chunk that the fences
// say, and never denied by the filter.
func TestRunsMerge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := make(map[runKey]int)
		var sources []entrySource
		for range rapid.IntRange(0, 6).Draw(rt, "lists") {
			var list []runEntry
			for range rapid.IntRange(0, 40).Draw(rt, "entries") {
				k := drawKey(rt)
				if len(want) > 0 && rapid.Bool().Draw(rt, "known") {
					for k = range want {
						break
					}
				}
				n := rapid.SampledFrom([]int{0, 1, 9, 700}).Draw(rt, "bytes")
				list = append(list, runEntry{k, bytes.Repeat([]byte{7}, n)})
				want[k] += n
			}
			sources = append(sources, &entryList{all: joined(list)})
		}
		w := &runWriter{filter: newRunFilter(int64(len(want)))}
		chunks := memoryRun(t, w, sources...)
		fences, err := parseFences(w.fences)
		if err != nil || len(fences) != len(chunks) {
			rt.Fatalf("%d fences of %d chunks, %v", len(fences), len(chunks), err)
		}
		filter, err := parseRunFilter(w.filter.bytes())
		if err != nil {
			rt.Fatal(err)
		}
		var keys []runKey
		for i, chunk := range chunks {
			r := chunkReader{rest: chunk}
			for {
				more, err := r.next()
				if err != nil {
					rt.Fatal(err)
				}
				if !more {
					break
				}
				keys = append(keys, r.runKey)
				if len(r.payload) != want[r.runKey] || chunkOf(fences, r.runKey) != i || !filter.mayHave(r.runKey) {
					rt.Fatalf("entry %v: %d bytes, want %d; in chunk %d", r.runKey, len(r.payload), want[r.runKey], i)
				}
			}
		}
		if !slices.Equal(keys, slices.SortedFunc(maps.Keys(want), runKey.compare)) || w.entries != int64(len(keys)) {
			rt.Fatalf("%d keys, %d counted, want %d", len(keys), w.entries, len(want))
		}
	})
}

// TestRunFilterDenies makes sure that the filter denies nearly all of what was not added.
func TestRunFilterDenies(t *testing.T) {
	const n = 20_000
	f := newRunFilter(n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(n) {
		f.add(runKey{i, random.Uint64()})
	}
	wrong := 0
	for i := range uint64(n) {
		if f.mayHave(runKey{i, random.Uint64()}) {
			wrong++
		}
	}
	if wrong > n/100 {
		t.Errorf("of %d keys that were not added %d are taken for there", n, wrong)
	}
}

// FuzzChunk reads any bytes as a chunk, as fences and as a filter: an error, never a panic, never the end of memory.
func FuzzChunk(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 2, 1, 7, 0, 2, 0})
	f.Add(binary.AppendUvarint([]byte{1, 1}, 1<<63))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := chunkReader{rest: in}
		for steps := 0; ; steps++ {
			more, err := r.next()
			if err != nil && !errors.Is(err, errRun) {
				t.Fatal(err)
			}
			if err != nil || !more {
				break
			}
			if steps > len(in) {
				t.Fatal("it does not end")
			}
		}
		if fences, err := parseFences(in); err == nil {
			chunkOf(fences, runKey{1, 1})
		}
		if filter, err := parseRunFilter(in); err == nil && len(filter) > 0 {
			filter.mayHave(runKey{1, 1})
		}
		_ = eachTime(in, func(int64) error { return nil })
		shrinkHours(in)
	})
}

// TestShrunkHoursCountTheSame shrinks random hours.
func TestShrunkHoursCountTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var hours []byte
		var want, got [dayHours]int64
		for range rapid.IntRange(0, 90).Draw(rt, "entries") {
			of, n := rapid.Int64Range(0, dayHours-1).Draw(rt, "hour"), rapid.Int64Range(1, 1000).Draw(rt, "n")
			hours = appendHour(hours, of, n)
			want[of] += n
		}
		small := shrinkHours(hours)
		if err := eachHour(0, small, func(hour, n int64) { got[hour] += n }); err != nil || got != want || len(small) > len(hours) {
			rt.Fatalf("%d bytes from %d, %v, %v", len(small), len(hours), err, got)
		}
	})
}

// TestManyRuns commits so many pages that runs of runs are merged, with repeats from old pages and under other times, and
// looks for every uuid.
func TestManyRuns(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		l := f.acquire(usages)
		const pages, each = 60, 120
		at := func(n int) time.Time { return day0.Add(time.Duration(n) * time.Minute) }
		for p := range pages {
			var events []happening
			for i := range each {
				events = append(events, happening{n: p*each + i, at: at(p*each + i), person: fmt.Sprint(i % 7)})
			}
			if p > 0 {
				known := events[0]
				known.n = p * each / 2 // of an older page, a repeat
				known.at = at(known.n)
				events = append(events, known)
				known.n, known.note = p*each/3, "moved" // of an older page, with another time and other bytes
				known.at = at(p * each)
				events = append(events, known)
			}
			done := f.commit(l, live(l, pageOf(fmt.Sprint("c", p), true, events...), at(p*each+each)))
			if done.New != each || p > 0 && (done.Conflicts != 1 || done.Duplicates != 1) {
				t.Fatalf("page %d: %+v", p, done)
			}
			l = done.Lease
		}
		f.clean()
		for n := 0; n < pages*each; n += 97 {
			q := f.query()
			q.Where = []evidence.Match{{Key: evidence.KeyUUID, Values: []string{testUUID(n)}}}
			got, err := f.Events(t.Context(), EventsRequest{Query: q})
			f.ok(err)
			if len(got.Events) != 1 || !got.Events[0].At.Equal(at(n)) {
				t.Fatalf("event %d: %+v", n, got.Events)
			}
		}
		q := f.query()
		q.Where = []evidence.Match{{Key: evidence.KeyPerson, Values: []string{"P3"}}}
		if n, err := f.Count(t.Context(), q); err != nil || n == 0 || n > pages*each/6 {
			t.Errorf("%d events of a person, %v", n, err)
		}
		before := f.dump()
		f.ok(f.Rebuild(t.Context(), func(_ string, _ evidence.Stream, raw []byte) evidence.Facts { return manyNormalise(raw, pages*each) }, nil))
		f.clean()
		if !slices.Equal(before, f.dump()) {
			t.Error("rebuilt rows differ")
		}
	})
}

// manyNormalise derives the facts of TestManyRuns.
func manyNormalise(raw []byte, most int) evidence.Facts {
	var uuid, at, note string
	if _, err := fmt.Sscanf(string(raw), `{"uuid":%q,"timestamp":%q,"note":%q}`, &uuid, &at, &note); err != nil {
		panic(err)
	}
	when, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		panic(err)
	}
	n := int(when.Sub(day0) / time.Minute)
	if testUUID(n) != uuid { // one that was moved
		for n = 0; n < most && testUUID(n) != uuid; n++ {
		}
	}
	return happening{n: n, at: when, person: fmt.Sprint(n % 120 % 7)}.facts()
}

// TestDamagedRunsAreFound damages runs in ways in which the sums of their entries need not change.
func TestDamagedRunsAreFound(t *testing.T) {
	for name, statement := range map[string]string{
		"no chunk":      `DELETE FROM run_chunk`,
		"empty chunk":   `UPDATE run_chunk SET body = x''`,
		"chunk cut":     `UPDATE run_chunk SET body = substr(body, 1, length(body) - 1)`,
		"no run":        `DELETE FROM run`,
		"wrong stream":  `UPDATE run SET stream = stream + 1`,
		"wrong fence":   `UPDATE run SET fences = x'ffffffffffffffffffffffffffffffff'`,
		"half a fence":  `UPDATE run SET fences = x'ffff'`,
		"empty filter":  `UPDATE run SET filter = zeroblob(length(filter)) WHERE kind = 'uuid'`,
		"half a filter": `UPDATE run SET filter = x'ff'`,
		"wrong count":   `UPDATE run SET entries = entries + 1`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Config{Dir: t.TempDir()})
			l := f.acquire(usages)
			f.commit(l, live(l, pageOf("c", false, happening{n: 1, at: day0, person: "1"}, happening{n: 2, at: day0, person: "2"}), day0.Add(time.Hour)))
			f.clean()
			_, err := f.write.Exec(statement)
			f.ok(err)
			f.ok(f.Close())
			f.open() // what is remembered of runs hides damage
			results, err := f.Check(t.Context(), nil)
			f.ok(err)
			i := slices.IndexFunc(results, func(r CheckResult) bool { return r.Name == "events" })
			if results[i].OK || !bytes.Contains([]byte(results[i].Detail), []byte("exhibit fsck --rebuild")) {
				t.Errorf("%+v", results[i])
			}
			f.ok(f.Rebuild(t.Context(), modelNormalise, nil))
			f.clean()
		})
	}
}

// TestMigrateToRuns takes a database back to rows and an index, and migrates it.
func TestMigrateToRuns(t *testing.T) {
	f := newFixture(t, Config{Dir: t.TempDir()})
	l := f.acquire(usages)
	for p := range 12 {
		var events []happening
		for i := range 30 {
			events = append(events, happening{n: p*30 + i, at: day0.Add(time.Duration(p*30+i) * time.Hour), person: fmt.Sprint(i % 7)})
		}
		l = f.commit(l, live(l, pageOf(fmt.Sprint("c", p), true, events...), events[29].at)).Lease
	}
	want := f.dump()
	tx, err := f.read.Begin()
	f.ok(err)
	type row struct {
		stream int64
		tally
	}
	var rows []row
	f.ok(f.engine.eachTally(t.Context(), tx, []int64{1, 2}, func(stream int64, y tally) error {
		if y.value != 0 {
			rows = append(rows, row{stream, tally{y.value, y.day, bytes.Clone(y.hours)}})
		}
		return nil
	}))
	f.ok(tx.Rollback())
	for _, r := range rows {
		_, err := f.write.Exec(`INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET hours = CAST(hours || excluded.hours AS BLOB)`, r.stream, r.value, r.day, r.hours)
		f.ok(err)
	}
	_, err = f.write.Exec(`DROP TABLE run; DROP TABLE run_chunk; CREATE UNIQUE INDEX event_uuid ON event (stream, uuid)`)
	f.ok(err)
	f.ok(f.transact(t.Context(), func(tx *sql.Tx, _ *sqlc.Queries) error { return migrateToRuns(t.Context(), tx) }))
	f.ok(f.Close())
	f.open()
	f.clean()
	if got := f.dump(); !slices.Equal(got, want) {
		t.Errorf("%d rows after the migration, %d before", len(got), len(want))
	}
	f.commit(f.acquire(usages), live(l, pageOf("last", true, happening{n: 3, at: day0.Add(3 * time.Hour), person: "3"}), day0.AddDate(0, 0, 20)))
	f.clean()
}
