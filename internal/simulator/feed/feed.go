// Package feed holds the events of one simulated stream: their exact bytes in large slabs, and an index sorted as the
// Events API serves them, ascending by (unix millisecond, uuid).
//
// Readers never lock: a Snapshot is immutable. Writers (late events, live events) publish a new Snapshot.
package feed

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Stream names one of the three feeds of the Events API, spelt as in its paths and in a token's features.
type Stream string

// The three streams of the Events API.
const (
	SignInAttempts Stream = "signinattempts"
	ItemUsages     Stream = "itemusages"
	AuditEvents    Stream = "auditevents"
)

// Streams lists the streams in the order in which the Events API documents them.
func Streams() []Stream { return []Stream{SignInAttempts, ItemUsages, AuditEvents} }

// Position is a place in a feed: just behind the event with this time and uuid. An empty UUID stands before every
// event of its millisecond.
type Position struct {
	Milli int64 // unix milliseconds
	UUID  string
}

// slabSize balances waste at the end of a slab against the number of slabs.
const slabSize = 4 << 20

// record locates one event; 24 bytes, so that the index of a million events takes 24 MB.
type record struct {
	milli   int64
	slab    uint32
	off     uint32
	length  uint32
	uuidOff uint16 // of the uuid's text in the event's bytes
	uuidLen uint16
}

// Builder collects events for a Feed. It must not be used by two goroutines at once.
type Builder struct {
	slabs   [][]byte
	records []record
}

// Append copies one event into the builder. raw[uuidOff:uuidOff+uuidLen] must be the text of its uuid.
func (b *Builder) Append(milli int64, raw []byte, uuidOff, uuidLen int) {
	last := len(b.slabs) - 1
	if last < 0 || cap(b.slabs[last])-len(b.slabs[last]) < len(raw) {
		b.slabs = append(b.slabs, make([]byte, 0, b.nextSlab(len(raw))))
		last++
	}
	off := len(b.slabs[last])
	b.slabs[last] = append(b.slabs[last], raw...)
	b.records = append(b.records, record{
		milli: milli, slab: uint32(last), off: uint32(off), length: uint32(len(raw)),
		uuidOff: uint16(uuidOff), uuidLen: uint16(uuidLen),
	})
}

// nextSlab starts small, because most builders made while serving hold one event only.
func (b *Builder) nextSlab(need int) int {
	size := slabSize
	if len(b.slabs) == 0 {
		size = 0
	} else if len(b.slabs) < 4 {
		size = slabSize >> 4
	}
	return max(need, size)
}

// Len is the number of events appended so far.
func (b *Builder) Len() int { return len(b.records) }

// Feed is one stream's events. All methods are safe for concurrent use.
type Feed struct {
	mu   sync.Mutex // serialises writers
	snap atomic.Pointer[Snapshot]
}

// New makes a feed of the events of all builders, which must not be used afterwards.
func New(builders ...*Builder) *Feed {
	f := &Feed{}
	f.snap.Store(&Snapshot{})
	f.Insert(builders...)
	return f
}

// Snapshot gives the events as they are now.
func (f *Feed) Snapshot() *Snapshot { return f.snap.Load() }

// Insert adds the events of the builders, which must not be used afterwards. Events newer than all others are
// appended in amortised constant time; older ones cost a merge of the whole index.
func (f *Feed) Insert(builders ...*Builder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.snap.Load()
	next := &Snapshot{slabs: old.slabs, records: old.records}
	var added []record
	for _, b := range builders {
		base := uint32(len(next.slabs))
		next.slabs = append(next.slabs, b.slabs...)
		for i := range b.records {
			b.records[i].slab += base
		}
		if added == nil {
			added = b.records
		} else {
			added = append(added, b.records...)
		}
	}
	slices.SortFunc(added, next.compare)
	next.records = next.merge(old.records, added)
	f.snap.Store(next)
}

// Withdraw takes the events for which pick says so out of the feed and gives them as a builder, to be inserted again
// later. pick is asked once for each event, in order.
func (f *Feed) Withdraw(pick func(milli int64) bool) *Builder {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.snap.Load()
	next := &Snapshot{slabs: old.slabs, records: make([]record, 0, len(old.records))}
	out := new(Builder)
	for i, r := range old.records {
		if pick(r.milli) {
			out.Append(r.milli, old.Raw(i), int(r.uuidOff), int(r.uuidLen))
		} else {
			next.records = append(next.records, r)
		}
	}
	f.snap.Store(next)
	return out
}

// Snapshot is an immutable view of a feed.
type Snapshot struct {
	slabs   [][]byte
	records []record
}

func (s *Snapshot) compare(a, b record) int {
	if c := cmp.Compare(a.milli, b.milli); c != 0 {
		return c
	}
	return strings.Compare(s.uuid(a), s.uuid(b))
}

// merge joins two sorted lists. Appending behind old is safe although snapshots share its array: only the newest
// snapshot is ever extended, and each sees its own length only.
func (s *Snapshot) merge(old, added []record) []record {
	if len(old) == 0 {
		return added
	}
	if len(added) == 0 || s.compare(old[len(old)-1], added[0]) <= 0 {
		return append(old, added...)
	}
	out := make([]record, 0, len(old)+len(added))
	for len(old) > 0 && len(added) > 0 {
		if s.compare(old[0], added[0]) <= 0 {
			out, old = append(out, old[0]), old[1:]
		} else {
			out, added = append(out, added[0]), added[1:]
		}
	}
	return append(append(out, old...), added...)
}

// uuid views the slab's bytes as a string without a copy; slabs are never written to again once they are published.
func (s *Snapshot) uuid(r record) string {
	b := s.slabs[r.slab][r.off+uint32(r.uuidOff):][:r.uuidLen]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Len is the number of events.
func (s *Snapshot) Len() int { return len(s.records) }

// Raw gives the exact bytes of event i. The caller must not change them.
func (s *Snapshot) Raw(i int) []byte {
	r := s.records[i]
	return s.slabs[r.slab][r.off : r.off+r.length : r.off+r.length]
}

// At is the position just behind event i.
func (s *Snapshot) At(i int) Position {
	return Position{s.records[i].milli, strings.Clone(s.uuid(s.records[i]))}
}

// Milli is the time of event i in unix milliseconds.
func (s *Snapshot) Milli(i int) int64 { return s.records[i].milli }

// After is the index of the first event behind p; Len() if there is none.
func (s *Snapshot) After(p Position) int {
	return sort.Search(len(s.records), func(i int) bool {
		r := s.records[i]
		if r.milli != p.Milli {
			return r.milli > p.Milli
		}
		return s.uuid(r) > p.UUID
	})
}

// From is the index of the first event at or behind the millisecond milli; Len() if there is none.
func (s *Snapshot) From(milli int64) int {
	return sort.Search(len(s.records), func(i int) bool { return s.records[i].milli >= milli })
}
