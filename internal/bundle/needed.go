package bundle

import (
	"cmp"
	"slices"
	"sort"

	"github.com/exhibithq/exhibit/internal/translog"
)

// Step is a leaf of the reading of a stream: a page, or answers without records.
type Step struct {
	Page      bool
	Seq       int64           // 0: a second reading
	Low, High int64           // times of the first and the last of a page's events, as its leaf tells
	Covered   translog.Millis // what the leaf claims to have read; empty: nothing
}

// Needed says which pages of a stream a bundle has to hold that is about some spans. steps are in the order of the log, and
// nothing but leaves is looked at, so that whoever verifies comes to the same pages without having them.
//
// Times in leaves are what the log's owner wrote. So that a page is not passed over because of a lie about its times, its
// neighbours count too: in the order of reading, all pages between those that reach into a span, and one more at each end.
func Needed(steps []Step, of []translog.Millis) []bool {
	needed := make([]bool, len(steps))
	of = joined(of)
	for _, span := range of {
		neighbours(steps, span, needed)
	}
	claims(steps, of, needed)
	wide := slices.Clone(of) // and what these pages reach over: which of their records are new shows beside the others
	for _, s := range steps {
		if s.Page && touches(of, s.Low, s.High) {
			wide = append(wide, translog.Millis{From: s.Low, To: s.High + 1})
		}
	}
	wide = joined(wide)
	for i, s := range steps {
		needed[i] = needed[i] || s.Page && touches(wide, s.Low, s.High)
	}
	return needed
}

// neighbours marks the pages that were read between those that reach into a span, and the next one at each end; if none
// reaches into it, those around it.
func neighbours(steps []Step, span translog.Millis, needed []bool) {
	var chain []int // the pages of the first reading
	first, last, before, after := -1, -1, -1, -1
	for i, s := range steps {
		if !s.Page || s.Seq == 0 {
			continue
		}
		n := len(chain)
		chain = append(chain, i)
		switch {
		case s.High < span.From:
			before = n
		case s.Low >= span.To && after < 0:
			after = n
		case s.Low < span.To && first < 0:
			first, last = n, n
		case s.Low < span.To:
			last = n
		}
	}
	from, to := first-1, last+1
	if first < 0 {
		from, to = min(before, after), max(before, after)
		if before < 0 || after < 0 {
			from = to
		}
	}
	for n := max(from, 0); n <= min(to, len(chain)-1); n++ {
		needed[chain[n]] = true
	}
}

// claims marks the pages that a claim stands on: those with which more of a span was claimed to have been read.
func claims(steps []Step, of []translog.Millis, needed []bool) {
	var read []translog.Millis
	for i, s := range steps {
		if s.Covered.From >= s.Covered.To {
			continue
		}
		at := s.Covered.From
		for _, w := range append(slices.Clone(read), translog.Millis{From: s.Covered.To, To: s.Covered.To}) {
			if end := min(w.From, s.Covered.To); s.Page && at < end && touches(of, at, end-1) {
				needed[i] = true
			}
			at = max(at, w.To)
		}
		read = joined(append(read, s.Covered))
	}
}

// joined gives spans in order, those that meet as one.
func joined(spans []translog.Millis) []translog.Millis {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b translog.Millis) int { return cmp.Compare(a.From, b.From) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
		} else if s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}

// touches reports whether one of the spans, in order, holds a moment from low to high.
func touches(spans []translog.Millis, low, high int64) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].To > low })
	return i < len(spans) && spans[i].From <= high
}
