package recipe

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// personCount counts what one person did in one way.
type personCount struct {
	person      evidence.Person // as the newest event names it
	key, what   string
	first, last int64 // Unix milliseconds
	n           int64
}

// personCounts counts by person (uuid, else email) and what. Its memory grows with people, not with events.
type personCounts map[[2]string]*personCount

// add counts n events between two times. The newest event names the person, in whatever order they come.
func (p personCounts) add(who evidence.Person, what string, first, last, n int64) {
	key := personKey(who)
	c := p[[2]string{key, what}]
	if c == nil {
		c = &personCount{key: key, what: what, first: first, last: last, person: who}
		p[[2]string{key, what}] = c
	}
	if last > c.last || last == c.last && comparePeople(who, c.person) > 0 {
		c.person = who
	}
	c.first, c.last = min(c.first, first), max(c.last, last)
	c.n += n
}

// sorted gives the counts, most first.
func (p personCounts) sorted() []*personCount {
	var all []*personCount
	for _, c := range p {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *personCount) int {
		return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.key, b.key), strings.Compare(a.what, b.what))
	})
	return all
}

func comparePeople(a, b evidence.Person) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Email, b.Email), strings.Compare(a.UUID, b.UUID))
}

// rows writes the counts, most first.
func (p personCounts) rows(l *layout, s *Section) error {
	for _, x := range p.sorted() {
		if err := s.rows.add(Row{At: x.first, Cells: l.countRow(x).text}); err != nil {
			return err
		}
	}
	return nil
}

// byName gives counts in order of people's names.
func byName(p personCounts) []*personCount {
	all := p.sorted()
	slices.SortStableFunc(all, func(a, b *personCount) int {
		return cmp.Or(strings.Compare(personLabel(a.person), personLabel(b.person)), strings.Compare(a.key, b.key))
	})
	return all
}

// countRow writes a count as a row.
func (l *layout) countRow(x *personCount) cells {
	c := l.row()
	c.person(x.person)
	c.set(fWhat, x.what)
	c.set(fTime, milli(x.first))
	c.set(fUntil, milli(x.last))
	c.set(fEvents, strconv.FormatInt(x.n, 10))
	return c
}

// sortedPairs gives the keys of counts in order.
func sortedPairs(m map[[2]string]personCounts) [][2]string {
	var keys [][2]string
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1])) })
	return keys
}
