package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// PeopleAs gives every way in which the events of a workspace name people.
func (s *Store) PeopleAs(ctx context.Context, ws evidence.ID) ([]evidence.Person, error) {
	no, err := s.workspaceNo(ctx, ws)
	if err != nil {
		return nil, err
	}
	rows, err := s.queries().PeopleOf(ctx, no)
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	var all []evidence.Person
	for _, r := range rows {
		all = append(all, evidence.Person{UUID: r.First, Name: r.Second, Email: r.Third})
	}
	return all, nil
}

// NamedAs gives as what the events of a workspace name something: person, vault, item, target, client, …
func (s *Store) NamedAs(ctx context.Context, ws evidence.ID, name string) ([]string, error) {
	no, err := s.workspaceNo(ctx, ws)
	if err != nil {
		return nil, err
	}
	kinds, err := s.queries().KindsOfValue(ctx, no, name)
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	return kinds, nil
}

// FindRecords reads every page of a workspace and gives, page by page, the records that match, with those that came under the
// same uuid with other bytes. Pages without one are left out, as are records that were erased.
func (s *Store) FindRecords(ctx context.Context, ws evidence.ID, inBody, matches func(b []byte) bool, each func(PageTargets) error) error {
	q := s.queries()
	found, drawn := map[int64]map[int]bool{}, map[evidence.EventRef]bool{}
	err := eachPageOf(ctx, q, ws, func(r sqlc.PagesOfRow) error {
		if err := s.findInPage(ctx, q, r.ID, inBody, matches, found, drawn); err != nil {
			return fmt.Errorf("page %d: %w", r.ID, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	for first := range drawn { // it does not match itself, and neither do those that came again with its bytes
		again, err := q.AllRepeatsOf(ctx, first.Page, int64(first.Position))
		if err != nil {
			return fmt.Errorf("reading repeated events: %w", err)
		}
		for _, r := range again {
			mark(found, r.Page, int(r.Position))
		}
	}
	records, err := s.pageRecords(ctx, ws, found)
	if err != nil {
		return err
	}
	return eachPageOf(ctx, q, ws, func(r sqlc.PagesOfRow) error {
		if found[r.ID] == nil {
			return nil
		}
		t := PageTargets{Page: r.ID, Record: records[r.ID], Connection: evidence.ID(r.Connection), Stream: evidence.Stream(r.StreamName)}
		if err := s.targetsOf(ctx, q, &t, found[r.ID]); err != nil {
			return fmt.Errorf("page %d: %w", r.ID, err)
		}
		return each(t)
	})
}

// eachPageOf tells of the pages of a workspace in the order in which they were kept.
func eachPageOf(ctx context.Context, q *sqlc.Queries, ws evidence.ID, each func(sqlc.PagesOfRow) error) error {
	for after := int64(0); ; {
		rows, err := q.PagesOf(ctx, string(ws), after, 100)
		if err != nil {
			return fmt.Errorf("reading pages: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, r := range rows {
			if err := each(r); err != nil {
				return err
			}
			after = r.ID
		}
	}
}

// findInPage adds the matching records of a page to found, and the other bytes that came under their uuids.
func (s *Store) findInPage(ctx context.Context, q *sqlc.Queries, id int64, inBody, matches func(b []byte) bool, found map[int64]map[int]bool, drawn map[evidence.EventRef]bool) error {
	stored, err := q.PageBody(ctx, id)
	if err != nil {
		return fmt.Errorf("reading its body: %w", err)
	}
	l, body, err := decodeBody(stored)
	if err != nil {
		return fmt.Errorf("%w; run exhibit fsck", err)
	}
	if !inBody(body) {
		return nil
	}
	gone, err := erasedOf(ctx, q, id)
	if err != nil {
		return err
	}
	var repeats []sqlc.Repeat
	for i := range l.Records() {
		r := l.Record(i)
		if _, erased := gone[i]; erased || !matches(body[r.Start:r.End]) {
			continue
		}
		if repeats == nil {
			if repeats, err = q.RepeatsOfPage(ctx, id); err != nil {
				return fmt.Errorf("reading repeated events: %w", err)
			}
		}
		first := evidence.EventRef{Page: id, Position: i}
		for _, x := range repeats {
			if x.Position == int64(i) {
				first = evidence.EventRef{Page: x.FirstPage, Position: int(x.FirstPosition)}
			}
		}
		if (first != evidence.EventRef{Page: id, Position: i}) && !found[first.Page][first.Position] {
			drawn[first] = true
		}
		others, err := q.ConflictsOf(ctx, first.Page, int64(first.Position))
		if err != nil {
			return fmt.Errorf("reading conflicts: %w", err)
		}
		mark(found, id, i)
		mark(found, first.Page, first.Position)
		for _, o := range others {
			mark(found, o.Page, int(o.Position))
		}
	}
	return nil
}

func mark(found map[int64]map[int]bool, id int64, position int) {
	if found[id] == nil {
		found[id] = map[int]bool{}
	}
	found[id][position] = true
}

// targetsOf fills in which records of a page are meant, and when they happened. Those that were erased are none any more.
func (s *Store) targetsOf(ctx context.Context, q *sqlc.Queries, t *PageTargets, which map[int]bool) error {
	packed, err := q.PageTimes(ctx, t.Page)
	if err != nil {
		return fmt.Errorf("reading its times: %w", err)
	}
	times, _, err := decodeTimes(packed)
	if err != nil {
		return err
	}
	gone, err := erasedOf(ctx, q, t.Page)
	if err != nil {
		return err
	}
	for i, at := range times {
		if _, erased := gone[i]; which[i] && !erased {
			t.Positions, t.Times = append(t.Positions, i), append(t.Times, at)
		}
	}
	return nil
}

// pageRecords gives the records of the leaves of pages.
func (s *Store) pageRecords(ctx context.Context, ws evidence.ID, wanted map[int64]map[int]bool) (map[int64]string, error) {
	l, err := s.Log(ctx, ws)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]string, len(wanted))
	err = s.EachLeaf(ctx, l, 0, l.Size, func(_ int64, raw []byte) error {
		leaf, err := translog.DecodeLeaf(raw)
		if err == nil && leaf.Kind == translog.KindPage && wanted[leaf.Int("page")] != nil {
			out[leaf.Int("page")] = translog.RecordID(raw)
		}
		return err
	})
	if err == nil && len(out) != len(wanted) {
		err = errors.New("the log does not tell of every page; run exhibit fsck")
	}
	return out, err
}

// EventNames gives the uuids of records of a page, as the source writes them.
func (s *Store) EventNames(ctx context.Context, t PageTargets) ([]string, error) {
	q := s.queries()
	row, err := q.PageRow(ctx, t.Page)
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	var out []string
	for n, i := range t.Positions {
		e, err := q.EventUUID(ctx, int32(row.Stream), t.Times[n], int32(t.Page), int32(i))
		if err != nil {
			continue // it came again: the first one has the name
		}
		name, err := uuidOf(e.Uuid)
		if err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, nil
}

// ErasedIn tells of the erased records of a page what a bundle says of them: when each happened, and whether it had come before.
func (s *Store) ErasedIn(ctx context.Context, ws evidence.ID, id int64) (map[int]ErasedRecord, error) {
	q := s.queries()
	if _, err := s.pageRow(ctx, q, ws, id); err != nil {
		return nil, err
	}
	gone, err := erasedOf(ctx, q, id)
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	packed, err := q.PageTimes(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the times of page %d: %w", id, err)
	}
	times, _, err := decodeTimes(packed)
	if err != nil {
		return nil, err
	}
	again, err := q.RepeatsOfPage(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading repeated events: %w", err)
	}
	out := make(map[int]ErasedRecord, len(gone))
	for i, r := range gone {
		if i >= len(times) {
			return nil, fmt.Errorf("page %d: %w; run exhibit fsck", id, page.ErrCorrupt)
		}
		out[i] = ErasedRecord{At: times[i], Erasure: evidence.ID(r.Erasure)}
	}
	for _, a := range again {
		if r, ok := out[int(a.Position)]; ok {
			r.Again = true
			out[int(a.Position)] = r
		}
	}
	return out, nil
}

// ErasedRecord is what is still known of a record that was erased.
type ErasedRecord struct {
	At      int64 // Unix milliseconds
	Again   bool  // it had come before
	Erasure evidence.ID
}
