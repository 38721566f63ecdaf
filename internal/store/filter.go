package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// selection is a query in the words of the tables: streams, a span in milliseconds, and for each dimension that is
// filtered the ids of the dictionary, one of which an event must have.
type selection struct {
	streams  []streamName
	from, to int64 // from <= at < to
	ids      [dimensions][]int64
	filtered [dimensions]bool
	odd      []oddFilter
	uuids    [][]byte // nil: not asked for
	nothing  bool     // no event can match
}

// streamName is a stream of a selection with its names.
type streamName struct {
	id         int64
	connection evidence.ID
	stream     evidence.Stream
}

// oddFilter asks for events with at least one oddity of mask; ids are the entries of the dictionary for its words.
type oddFilter struct {
	mask evidence.Oddity
	ids  []int64
}

// resolve turns a query into a selection.
func (s *Store) resolve(ctx context.Context, q evidence.Query) (*selection, error) {
	queries := s.queries()
	no, err := queries.WorkspaceNo(ctx, string(q.Workspace))
	if err != nil {
		return nil, notFound(err, "reading a workspace", "There is no workspace %s.", q.Workspace)
	}
	streams, err := queries.WorkspaceStreams(ctx, string(q.Workspace))
	if err != nil {
		return nil, fmt.Errorf("reading streams: %w", err)
	}
	span := closed(q.Span)
	sel := &selection{from: ceilMS(span.From), to: ceilMS(span.To)}
	for _, r := range streams {
		n := streamName{r.ID, evidence.ID(r.Connection), evidence.Stream(r.Name)}
		if (len(q.Connections) == 0 || slices.Contains(q.Connections, n.connection)) && (len(q.Streams) == 0 || slices.Contains(q.Streams, n.stream)) {
			sel.streams = append(sel.streams, n)
		}
	}
	for _, m := range q.Where {
		if err := sel.add(ctx, queries, no, m); err != nil {
			return nil, err
		}
	}
	sel.nothing = sel.nothing || len(sel.streams) == 0 || sel.from >= sel.to
	return sel, nil
}

// add narrows the selection by a match.
func (sel *selection) add(ctx context.Context, q *sqlc.Queries, workspace int64, m evidence.Match) error {
	switch m.Key {
	case evidence.KeyUUID:
		sel.addUUIDs(m.Values)
		return nil
	case evidence.KeyOdd:
		return sel.addOdd(ctx, q, workspace, m.Values)
	}
	dimension, err := dimensionOf(m.Key)
	if err != nil {
		return err
	}
	var ids []int64
	for _, v := range m.Values {
		found, err := findValues(ctx, q, workspace, m.Key, v)
		if err != nil {
			return err
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if sel.filtered[dimension] {
		ids = slices.DeleteFunc(ids, func(id int64) bool { return !slices.Contains(sel.ids[dimension], id) })
	}
	sel.filtered[dimension], sel.ids[dimension] = true, ids
	sel.nothing = sel.nothing || len(ids) == 0
	return nil
}

func (sel *selection) addUUIDs(values []string) {
	keys := [][]byte{}
	for _, v := range values {
		key := uuidKey(v)
		if sel.uuids == nil || slices.ContainsFunc(sel.uuids, func(k []byte) bool { return string(k) == string(key) }) {
			keys = append(keys, key)
		}
	}
	sel.uuids = keys
	sel.nothing = sel.nothing || len(keys) == 0
}

func (sel *selection) addOdd(ctx context.Context, q *sqlc.Queries, workspace int64, values []string) error {
	var f oddFilter
	for _, v := range values {
		mask := oddityOf(v)
		if mask == 0 {
			return evidence.Errorf(evidence.Invalid, "%q is no oddity. These exist: %s.", v, strings.Join(evidence.Oddity(1<<16-1).Words(), ", "))
		}
		f.mask |= mask
		rows, err := q.ValuesEqual(ctx, workspace, kindOdd, v)
		if err != nil {
			return fmt.Errorf("reading the dictionary: %w", err)
		}
		for _, r := range rows {
			f.ids = append(f.ids, r.ID)
		}
	}
	sel.odd = append(sel.odd, f)
	sel.nothing = sel.nothing || len(f.ids) == 0
	return nil
}

// oddityOf gives the oddity that a word names, 0 if none.
func oddityOf(word string) evidence.Oddity {
	for o := evidence.Oddity(1); o != 0; o <<= 1 {
		if w := o.Words(); len(w) == 1 && w[0] == word {
			return o
		}
	}
	return 0
}

// dimensionOf gives the dimension in which a key is found.
func dimensionOf(k evidence.Key) (int, error) {
	switch k {
	case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
		return dimWhat, nil
	}
	if i := slices.Index(dimensionKinds[:], string(k)); i > dimWhat {
		return i, nil
	}
	return 0, evidence.Errorf(evidence.Invalid, "Events cannot be filtered by %q.", k)
}

// findValues gives the entries of the dictionary that a value of a filter means, and 0 for "none": an empty value.
func findValues(ctx context.Context, q *sqlc.Queries, workspace int64, key evidence.Key, value string) ([]int64, error) {
	value = word(value)
	var ids []int64
	switch key {
	case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
		rows, err := q.AllValues(ctx, workspace, "what")
		if err != nil {
			return nil, fmt.Errorf("reading the dictionary: %w", err)
		}
		for _, r := range rows {
			if wordOf(key, words{r.Kind, r.First, r.Second, r.Third}) == value {
				ids = append(ids, r.ID)
			}
		}
	case evidence.KeyPerson:
		rows, err := q.PeopleEqual(ctx, workspace, value)
		if err != nil {
			return nil, fmt.Errorf("reading the dictionary: %w", err)
		}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
	default:
		rows, err := q.ValuesEqual(ctx, workspace, string(key), value)
		if err != nil {
			return nil, fmt.Errorf("reading the dictionary: %w", err)
		}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
	}
	if value == "" {
		ids = append(ids, 0)
	}
	return ids, nil
}

// wordOf gives the part of an entry that a key is about.
func wordOf(key evidence.Key, w words) string {
	switch key {
	case evidence.KeyType:
		return w.second
	case evidence.KeyResult:
		return w.third
	}
	return w.first
}

// narrow gives, for each filter that the hourly counts can answer, the ids whose counts add up to an upper bound of what
// matches in an hour. Ids of several oddities may count an event twice, which an upper bound may.
func (sel *selection) narrow() [][]int64 {
	var sets [][]int64
	for d, ids := range sel.ids {
		if sel.filtered[d] && !slices.Contains(ids, 0) { // what has no value is not counted
			sets = append(sets, ids)
		}
	}
	for _, f := range sel.odd {
		sets = append(sets, f.ids)
	}
	return sets
}

// exact reports whether the hourly counts alone tell how many events match: at most one filter, which counts no event
// twice.
func (sel *selection) exact() bool {
	filters := len(sel.odd)
	for d, filtered := range sel.filtered {
		if filtered {
			filters++
			if slices.Contains(sel.ids[d], 0) {
				return false
			}
		}
	}
	single := len(sel.odd) == 0 || len(sel.odd[0].ids) <= 1
	return filters <= 1 && single && sel.uuids == nil
}

// condition writes the filters as SQL on table event, with placeholders from $first on.
func (sel *selection) condition(first int) (text string, args []any) {
	var b strings.Builder
	list := func(column string, n int) {
		b.WriteString(" AND " + column + " IN (")
		for i := range n {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("$" + strconv.Itoa(first+len(args)+i))
		}
		b.WriteString(")")
	}
	for d, ids := range sel.ids {
		if !sel.filtered[d] {
			continue
		}
		list(dimensionKinds[d], len(ids))
		for _, id := range ids {
			args = append(args, id)
		}
	}
	if sel.uuids != nil {
		list("uuid", len(sel.uuids))
		for _, key := range sel.uuids {
			args = append(args, key)
		}
	}
	for _, f := range sel.odd {
		fmt.Fprintf(&b, " AND (odd & %d) <> 0", f.mask)
	}
	return b.String(), args
}
