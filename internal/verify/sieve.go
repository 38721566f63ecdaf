package verify

import (
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// sieve applies the filters of a query to the events of one stream by what the index knows. Whether a value meets a filter is
// found out once for each value.
type sieve struct {
	t     *track
	where []evidence.Match
	tests []test
	odd   []evidence.Match
	open  bool // some filter asks for what the index does not have
}

// test is one filter on a column of numbers.
type test struct {
	m      evidence.Match
	what   bool // on action, type or result
	person bool
	column column
	known  []int8 // by number: 0 not asked yet, 1 it meets the filter, -1 it does not
}

func (w *view) sieve(t *track, where []evidence.Match) *sieve {
	s := &sieve{t: t, where: where}
	for _, m := range where {
		switch m.Key {
		case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
			s.tests = append(s.tests, test{m: m, what: true, known: make([]int8, len(w.whats))})
		case evidence.KeyOdd:
			s.odd = append(s.odd, m)
		default:
			c, ok := t.known.column(m.Key)
			if !ok {
				s.open = true
				continue
			}
			x := test{m: m, person: m.Key == evidence.KeyPerson, column: c}
			x.known = make([]int8, len(w.values.all))
			if x.person {
				x.known = make([]int8, len(w.values.who))
			}
			s.tests = append(s.tests, x)
		}
	}
	return s
}

// passes reports whether an event meets the filters. If it is not sure of that, the event itself has to be asked.
func (s *sieve) passes(w *view, e uint32) (ok, sure bool) {
	sure = !s.open
	for i := range s.tests {
		x := &s.tests[i]
		id := uint32(s.t.what[e])
		if !x.what {
			id = x.column.at(e)
		}
		if id == elsewhere {
			sure = false
			continue
		}
		if x.known[id] == 0 {
			x.known[id] = -1
			if x.meets(w, id) {
				x.known[id] = 1
			}
		}
		if x.known[id] < 0 {
			return false, true
		}
	}
	for _, m := range s.odd {
		if !slices.ContainsFunc(w.oddOf(s.t, e).Words(), func(o string) bool { return slices.Contains(m.Values, o) }) {
			return false, true
		}
	}
	return true, sure
}

func (x *test) meets(w *view, id uint32) bool {
	switch {
	case x.what:
		what := w.whats[id]
		value := map[evidence.Key]string{evidence.KeyAction: what.action, evidence.KeyType: what.kind, evidence.KeyResult: what.result}[x.m.Key]
		return slices.Contains(x.m.Values, value)
	case x.person:
		return meets(evidence.Facts{Person: w.values.who[id]}, x.m)
	}
	return slices.Contains(x.m.Values, w.values.all[id])
}
