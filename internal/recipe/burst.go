package recipe

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// attempt is one event that may be part of a burst.
type attempt struct {
	at     int64    // Unix milliseconds
	key    string   // what bursts are grouped by; attempts without a key are in none
	labels []string // one for each set that bursts collect, such as the person and the address
}

// burst is a dense run of attempts with one key.
type burst struct {
	key   string
	from  int64 // of its first attempt
	to    int64 // of its last
	count int64
	sets  []labelSet
}

// labelSet collects different labels in the order in which they came first.
type labelSet struct {
	seen  map[string]bool
	order []string
}

func (s *labelSet) add(label string) {
	if label == "" || s.seen[label] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[label] = true
	s.order = append(s.order, label)
}

// burstFinder finds bursts among attempts that come in order of time.
//
// An attempt is in a burst if some stretch of time that is shorter than window holds it and, with it, at least threshold
// attempts of its key. Bursts that share an attempt are one. So a burst holds every attempt of its key from its first to
// its last. Memory is bound by the attempts of the last window, at most threshold for each key, and by the bursts found.
type burstFinder struct {
	window    int64 // milliseconds
	threshold int
	trails    map[string]*trail
	found     []*burst
	untilDrop int // attempts until idle trails are dropped
}

// trail is what is remembered of one key: its newest attempts, at most threshold, all less than a window old.
type trail struct {
	recent []recent
	open   *burst // the burst of the newest attempt that was in one
}

type recent struct {
	attempt
	counted bool // is in open
}

const dropEvery = 4096

func newBurstFinder(window time.Duration, threshold int) *burstFinder {
	return &burstFinder{window: window.Milliseconds(), threshold: threshold, trails: map[string]*trail{}, untilDrop: dropEvery}
}

// add takes the next attempt. Its time is not before that of the one before it.
func (f *burstFinder) add(a attempt) {
	if a.key == "" {
		return
	}
	t := f.trails[a.key]
	if t == nil {
		t = &trail{}
		f.trails[a.key] = t
	}
	t.forget(a.at - f.window)
	t.recent = append(t.recent, recent{attempt: a})
	if len(t.recent) >= f.threshold {
		f.count(t)
	}
	if extra := len(t.recent) - f.threshold; extra > 0 {
		t.recent = slices.Delete(t.recent, 0, extra)
	}
	if f.untilDrop--; f.untilDrop <= 0 {
		f.dropIdle(a.at - f.window)
	}
}

// forget drops attempts at or before the given time.
func (t *trail) forget(before int64) {
	n := 0
	for n < len(t.recent) && t.recent[n].at <= before {
		n++
	}
	t.recent = slices.Delete(t.recent, 0, n)
}

// count puts the recent attempts into a burst: the open one if they share an attempt with it, else a new one.
func (f *burstFinder) count(t *trail) {
	if !slices.ContainsFunc(t.recent, func(r recent) bool { return r.counted }) {
		first := t.recent[0]
		t.open = &burst{key: first.key, from: first.at, sets: make([]labelSet, len(first.labels))}
		f.found = append(f.found, t.open)
	}
	for i := range t.recent {
		if r := &t.recent[i]; !r.counted {
			r.counted = true
			t.open.count++
			t.open.to = r.at
			for j, label := range r.labels {
				t.open.sets[j].add(label)
			}
		}
	}
}

// dropIdle forgets keys without an attempt since the given time.
func (f *burstFinder) dropIdle(before int64) {
	for key, t := range f.trails {
		if t.recent[len(t.recent)-1].at <= before {
			delete(f.trails, key)
		}
	}
	f.untilDrop = max(dropEvery, len(f.trails))
}

// bursts gives what was found, in order of start, end and key.
func (f *burstFinder) bursts() []*burst {
	slices.SortFunc(f.found, func(a, b *burst) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), strings.Compare(a.key, b.key))
	})
	return f.found
}

// burstIndex finds the burst that an attempt is in.
type burstIndex map[string][]numbered

type numbered struct {
	*burst
	name string // B1, B2, …
}

func (x burstIndex) add(b *burst, name string) { x[b.key] = append(x[b.key], numbered{b, name}) }

// find gives the name of the burst that an attempt is in, "" if it is in none. Bursts of one key do not overlap.
func (x burstIndex) find(key string, at int64) string {
	list := x[key]
	i, _ := slices.BinarySearchFunc(list, at, func(b numbered, at int64) int { return cmp.Compare(b.to, at) })
	if i < len(list) && list[i].from <= at {
		return list[i].name
	}
	return ""
}
