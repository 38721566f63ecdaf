package evidence

import (
	"slices"
	"time"
)

// Span is a half-open span of time, From <= t < To. A Span whose To is not after its From is empty.
type Span struct {
	From time.Time
	To   time.Time
}

// Empty reports whether no moment lies in s.
func (s Span) Empty() bool { return !s.To.After(s.From) }

// Contains reports whether t lies in s.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Duration is the length of s, 0 if it is empty.
func (s Span) Duration() time.Duration {
	if s.Empty() {
		return 0
	}
	return s.To.Sub(s.From)
}

// Intersect gives the moments that lie in both.
func (s Span) Intersect(o Span) Span {
	r := Span{From: Latest(s.From, o.From), To: Earliest(s.To, o.To)}
	if r.Empty() {
		return Span{}
	}
	return r
}

// Spans is a set of moments: spans in order, none empty, none touching another. Make it with NewSpans or Add.
type Spans []Span

// NewSpans makes a set from spans in any order, overlapping or not.
func NewSpans(spans ...Span) Spans {
	spans = slices.Clone(spans)
	spans = slices.DeleteFunc(spans, Span.Empty)
	slices.SortFunc(spans, func(a, b Span) int { return a.From.Compare(b.From) })
	var out Spans
	for _, s := range spans {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			out[n-1].To = Latest(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Add gives the set with s in it; the receiver is not changed.
func (set Spans) Add(s Span) Spans { return NewSpans(append(slices.Clone(set), s)...) }

// Within gives the part of the set that lies in s.
func (set Spans) Within(s Span) Spans {
	var out Spans
	for _, w := range set {
		if p := w.Intersect(s); !p.Empty() {
			out = append(out, p)
		}
	}
	return out
}

// Missing gives the part of s that is not in the set.
func (set Spans) Missing(s Span) Spans {
	var out Spans
	at := s.From
	for _, w := range set.Within(s) {
		if w.From.After(at) {
			out = append(out, Span{From: at, To: w.From})
		}
		at = w.To
	}
	if rest := (Span{From: at, To: s.To}); !rest.Empty() {
		out = append(out, rest)
	}
	return out
}

// Contains reports whether t lies in the set.
func (set Spans) Contains(t time.Time) bool {
	return slices.ContainsFunc(set, func(s Span) bool { return s.Contains(t) })
}

// Duration is the time in the set.
func (set Spans) Duration() time.Duration {
	var d time.Duration
	for _, s := range set {
		d += s.Duration()
	}
	return d
}

// Earliest gives the earlier of two moments.
func Earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Latest gives the later of two moments.
func Latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
