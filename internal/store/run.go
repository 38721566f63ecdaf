package store

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"sort"
)

// A run is a sorted list of entries that is written once and never changed. It lies in chunks of some 4 KB; its fences are
// the first keys of them. Runs are how SQLite keeps what comes in no order, the uuids of a stream and the hours of its
// values: a row for each would touch a leaf of an index per entry, and each touched leaf is written twice.

// runKey is the key of an entry. Of a uuid it is 16 bytes; of an hourly count it is value and day.
type runKey struct{ hi, lo uint64 }

func (k runKey) compare(o runKey) int {
	return cmp.Or(cmp.Compare(k.hi, o.hi), cmp.Compare(k.lo, o.lo))
}

// runEntry is an entry. Payloads are such that two of the same key make one when they are appended to one another.
type runEntry struct {
	runKey
	payload []byte
}

const (
	// chunkBytes is how long a chunk may grow: it fits one page of the database.
	chunkBytes = 3900
	// fenceBytes is the length of a fence.
	fenceBytes = 16
)

var errRun = errors.New("a sorted run of the index is damaged; run exhibit fsck --rebuild")

// runWriter makes chunks of entries that are added in order.
type runWriter struct {
	chunk   []byte
	last    runKey
	fences  []byte
	filter  runFilter // empty: none is wanted
	entries int64
	shrink  func(payload []byte) []byte // says the same with fewer bytes, if that can be; nil: it cannot
	flush   func(chunk []byte) error    // is given each chunk that is full
}

// add adds an entry behind the last one.
func (w *runWriter) add(e runEntry) error {
	if w.shrink != nil {
		e.payload = w.shrink(e.payload)
	}
	if len(w.chunk) > 0 && len(w.chunk)+len(e.payload)+3*binary.MaxVarintLen64 > chunkBytes {
		if err := w.close(); err != nil {
			return err
		}
	}
	if len(w.chunk) == 0 {
		w.last = runKey{}
		w.fences = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(w.fences, e.hi), e.lo)
	}
	w.chunk = binary.AppendUvarint(w.chunk, e.hi-w.last.hi)
	w.chunk = binary.AppendVarint(w.chunk, int64(e.lo-w.last.lo))
	w.chunk = binary.AppendUvarint(w.chunk, uint64(len(e.payload)))
	w.chunk = append(w.chunk, e.payload...)
	w.last = e.runKey
	w.entries++
	w.filter.add(e.runKey)
	return nil
}

// close gives away the chunk that is begun.
func (w *runWriter) close() error {
	if len(w.chunk) == 0 {
		return nil
	}
	err := w.flush(w.chunk)
	w.chunk = w.chunk[:0]
	return err
}

// chunkReader steps through the entries of a chunk.
type chunkReader struct {
	rest []byte
	runEntry
}

// next steps to the next entry; it reports false at the end.
func (r *chunkReader) next() (bool, error) {
	if len(r.rest) == 0 {
		return false, nil
	}
	hi, n := binary.Uvarint(r.rest)
	if n <= 0 {
		return false, errRun
	}
	r.rest = r.rest[n:]
	lo, n := binary.Varint(r.rest)
	if n <= 0 {
		return false, errRun
	}
	r.rest = r.rest[n:]
	size, n := binary.Uvarint(r.rest)
	if n <= 0 || size > uint64(len(r.rest)-n) {
		return false, errRun
	}
	r.payload = r.rest[n : n+int(size)]
	r.rest = r.rest[n+int(size):]
	r.hi += hi
	r.lo += uint64(lo)
	return true, nil
}

// parseFences gives the first keys of the chunks of a run.
func parseFences(b []byte) ([]runKey, error) {
	if len(b)%fenceBytes != 0 {
		return nil, errRun
	}
	keys := make([]runKey, 0, len(b)/fenceBytes)
	for f := range slices.Chunk(b, fenceBytes) {
		keys = append(keys, runKey{binary.BigEndian.Uint64(f), binary.BigEndian.Uint64(f[8:])})
	}
	return keys, nil
}

// chunkOf gives the number of the chunk in which k lies if the run has it; -1 if the run begins behind it.
func chunkOf(fences []runKey, k runKey) int {
	return sort.Search(len(fences), func(i int) bool { return fences[i].compare(k) > 0 }) - 1
}

// entrySource gives the entries of one list in order.
type entrySource interface {
	next() (bool, error)
	entry() runEntry
}

// entryList is a list in memory.
type entryList struct {
	all []runEntry
	at  int
}

func (l *entryList) next() (bool, error) {
	l.at++
	return l.at <= len(l.all), nil
}

func (l *entryList) entry() runEntry { return l.all[l.at-1] }

// merge adds the entries of all sources to w in order, one for each key.
func merge(w *runWriter, sources []entrySource) error {
	type head struct {
		runEntry
		number int
	}
	heap := make([]head, 0, len(sources)) // the least is the first
	less := func(a, b head) bool { return cmp.Or(a.compare(b.runKey), a.number-b.number) < 0 }
	sink := func(i int) {
		for {
			least := i
			for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
				if less(heap[child], heap[least]) {
					least = child
				}
			}
			if least == i {
				return
			}
			heap[i], heap[least] = heap[least], heap[i]
			i = least
		}
	}
	for i, s := range sources {
		more, err := s.next()
		if err != nil {
			return err
		}
		if more {
			heap = append(heap, head{s.entry(), i})
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(i)
	}
	var held runEntry
	var begun bool
	for len(heap) > 0 {
		first := heap[0]
		if begun && first.runKey == held.runKey {
			held.payload = append(held.payload, first.payload...)
		} else {
			if begun {
				if err := w.add(held); err != nil {
					return err
				}
			}
			held = runEntry{first.runKey, append(held.payload[:0], first.payload...)}
			begun = true
		}
		more, err := sources[first.number].next()
		if err != nil {
			return err
		}
		if more {
			heap[0] = head{sources[first.number].entry(), first.number}
		} else {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sink(0)
	}
	if begun {
		if err := w.add(held); err != nil {
			return err
		}
	}
	return w.close()
}

// joined gives sorted entries with one for each key.
func joined(entries []runEntry) []runEntry {
	slices.SortFunc(entries, func(a, b runEntry) int { return a.compare(b.runKey) })
	out := entries[:0]
	for _, e := range entries {
		if n := len(out); n > 0 && out[n-1].runKey == e.runKey {
			out[n-1].payload = slices.Concat(out[n-1].payload, e.payload)
			continue
		}
		out = append(out, e)
	}
	return out
}

// runFilter tells of most keys that a run has not that it has not: a Bloom filter whose bits for one key lie in one line
// of the processor's cache. It never denies a key that was added. What it takes for there is looked for.
type runFilter []uint64

const (
	filterLine = 8  // words in a line
	filterBits = 16 // bits for each key; about one key in a thousand is taken for there and is not
	filterSets = 7  // bits that a key sets
)

// newRunFilter makes a filter for n keys at most.
func newRunFilter(n int64) runFilter {
	lines := (n*filterBits + 64*filterLine - 1) / (64 * filterLine)
	return make(runFilter, max(lines, 1)*filterLine)
}

// line gives the line of a key and a number to take its bits from.
func (f runFilter) line(k runKey) (line []uint64, mixed uint64) {
	h := k.hi*0x9E3779B97F4A7C15 ^ bits.RotateLeft64(k.lo*0xC2B2AE3D27D4EB4F, 31)
	h = (h ^ h>>32) * 0xD6E8FEB86659FD93
	h ^= h >> 32
	n, _ := bits.Mul64(h, uint64(len(f)/filterLine))
	return f[n*filterLine:][:filterLine], h * 0x9E3779B97F4A7C15
}

func (f runFilter) add(k runKey) {
	if len(f) == 0 {
		return
	}
	line, h := f.line(k)
	for range filterSets {
		line[h>>6&(filterLine-1)] |= 1 << (h & 63)
		h >>= 9
	}
}

// mayHave reports whether k may have been added. A filter that is empty knows nothing.
func (f runFilter) mayHave(k runKey) bool {
	if len(f) == 0 {
		return true
	}
	line, h := f.line(k)
	for range filterSets {
		if line[h>>6&(filterLine-1)]&(1<<(h&63)) == 0 {
			return false
		}
		h >>= 9
	}
	return true
}

func (f runFilter) bytes() []byte {
	out := make([]byte, 0, 8*len(f))
	for _, w := range f {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

func parseRunFilter(b []byte) (runFilter, error) {
	if len(b)%(8*filterLine) != 0 {
		return nil, errRun
	}
	f := make(runFilter, 0, len(b)/8)
	for w := range slices.Chunk(b, 8) {
		f = append(f, binary.LittleEndian.Uint64(w))
	}
	return f, nil
}
