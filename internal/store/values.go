package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// A picker is quick, not exhaustive: it considers the newest values, and counts events of recent hours.
const (
	valueCandidates = 3000
	valueHours      = 30 * 24
)

// Values gives values of a key that begin with prefix (in any part: uuid, name, email; case plays no part), the most
// frequent of the newest 30 days with events first. It is for pickers: of a key with very many values it considers the
// newest ones. Uuids are not listed.
func (s *Store) Values(ctx context.Context, ws evidence.ID, key evidence.Key, prefix string, limit int) ([]ValueCount, error) {
	sel, err := s.resolve(ctx, evidence.Query{Workspace: ws})
	if err != nil {
		return nil, err
	}
	if key == evidence.KeyUUID || len(sel.streams) == 0 {
		return nil, nil
	}
	found, err := s.candidates(ctx, ws, key, prefix)
	if err != nil {
		return nil, err
	}
	if err := s.countValues(ctx, sel, found); err != nil {
		return nil, err
	}
	counts := gather(key, prefix, found)
	slices.SortFunc(counts, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Value, b.Value))
	})
	return counts[:min(len(counts), limit)], nil
}

// candidate is an entry of the dictionary with its count.
type candidate struct {
	words
	n int64
}

// candidates gives entries of the dictionary by id.
func (s *Store) candidates(ctx context.Context, ws evidence.ID, key evidence.Key, prefix string) (map[int64]*candidate, error) {
	q := s.queries()
	no, err := q.WorkspaceNo(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading a workspace: %w", err)
	}
	kind := string(key)
	if key != evidence.KeyOdd {
		dimension, err := dimensionOf(key)
		if err != nil {
			return nil, err
		}
		kind = dimensionKinds[dimension]
	}
	found := make(map[int64]*candidate)
	if prefix == "" {
		rows, err := q.Values(ctx, no, kind, valueCandidates)
		if err != nil {
			return nil, fmt.Errorf("reading the dictionary: %w", err)
		}
		for _, r := range rows {
			found[r.ID] = &candidate{words: words{r.Kind, r.First, r.Second, r.Third}}
		}
		return found, nil
	}
	rows, err := q.ValuesLike(ctx, no, kind, likePrefix(prefix), valueCandidates)
	if err != nil {
		return nil, fmt.Errorf("reading the dictionary: %w", err)
	}
	for _, r := range rows {
		found[r.ID] = &candidate{words: words{r.Kind, r.First, r.Second, r.Third}}
	}
	return found, nil
}

// likePrefix is the pattern of LIKE for texts that begin with prefix.
func likePrefix(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(word(prefix))) + "%"
}

// countValues counts the events of each candidate in the newest hours.
func (s *Store) countValues(ctx context.Context, sel *selection, found map[int64]*candidate) error {
	sel.from, sel.to = ceilMS(firstMoment), ceilMS(lastMoment)
	_, last, ok, err := s.extent(ctx, sel)
	if err != nil || !ok {
		return err
	}
	ids := make([]int64, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	for chunk := range slices.Chunk(ids, 500) {
		err := s.tallies(ctx, sel, chunk, last-valueHours, last, func(_, value, _, n int64) { found[value].n += n })
		if err != nil {
			return err
		}
	}
	return nil
}

// gather joins entries that a filter takes as one value, such as those of a person who changed his name.
func gather(key evidence.Key, prefix string, found map[int64]*candidate) []ValueCount {
	index := make(map[string]int)
	var counts []ValueCount
	newest := make(map[string]int64)
	prefix = strings.ToLower(prefix)
	for id, c := range found {
		value, label := valueOf(key, c.words)
		if value == "" || key != evidence.KeyPerson && !strings.HasPrefix(strings.ToLower(value), prefix) {
			continue
		}
		i, ok := index[value]
		if !ok {
			i = len(counts)
			index[value] = i
			counts = append(counts, ValueCount{Value: value})
		}
		counts[i].N += c.n
		if id > newest[value] { // the latest name is the label
			newest[value], counts[i].Label = id, label
		}
	}
	return counts
}

// valueOf gives what a filter takes for an entry, and how a person reads it.
func valueOf(key evidence.Key, w words) (value, label string) {
	if key != evidence.KeyPerson {
		v := wordOf(key, w)
		return v, v
	}
	value = cmp.Or(w.first, w.third, w.second)
	switch {
	case w.second != "" && w.third != "":
		return value, w.second + " <" + w.third + ">"
	}
	return value, cmp.Or(w.second, w.third, w.first)
}
