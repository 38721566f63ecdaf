package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// event makes an event of a row.
func (s *Store) event(ctx context.Context, q *sqlc.Queries, sel *selection, r *eventRow, withRaw bool) (evidence.Event, error) {
	f, err := s.facts(ctx, q, r)
	if err != nil {
		return evidence.Event{}, err
	}
	name := sel.nameOf(r.stream)
	e := evidence.Event{EventRef: evidence.EventRef{Page: r.page, Position: r.position}, Facts: f, Connection: name.connection, Stream: name.stream}
	if r.odd&evidence.OddErased != 0 {
		e.Raw = []byte(translog.ErasedRecord)
	} else if withRaw {
		raw, err := s.raw(ctx, q, r.page, r.position)
		if err != nil {
			return evidence.Event{}, err
		}
		e.Raw = bytes.Clone(raw)
	}
	return e, nil
}

// Event gives one event with its bytes, and where it lies. A place that holds an event which came again gives its bytes,
// uuid and time; its other facts are those of the first one.
func (s *Store) Event(ctx context.Context, ws evidence.ID, ref evidence.EventRef) (evidence.Event, EventPlace, error) {
	q := s.queries()
	p, err := s.pageRow(ctx, q, ws, ref.Page)
	if err != nil {
		return evidence.Event{}, EventPlace{}, err
	}
	l, err := s.layout(ctx, q, ref.Page)
	if err != nil {
		return evidence.Event{}, EventPlace{}, err
	}
	r, err := s.rowAt(ctx, q, p, ref)
	if err != nil {
		return evidence.Event{}, EventPlace{}, err
	}
	sel := &selection{streams: []streamName{{p.Stream, evidence.ID(p.Connection), evidence.Stream(p.StreamName)}}}
	e, err := s.event(ctx, q, sel, &r, true)
	if err != nil {
		return evidence.Event{}, EventPlace{}, err
	}
	in := l.Record(ref.Position)
	return e, EventPlace{PageSHA256: hex.EncodeToString(p.Sha256), Sequence: p.Sequence, RequestedAt: fromMS(p.RequestedAt),
		ReceivedAt: fromMS(p.ReceivedAt), Mode: Mode(p.Mode), Offset: in.Start, Length: in.End - in.Start, Records: int(p.Records)}, nil
}

// rowAt gives the row of a place.
func (s *Store) rowAt(ctx context.Context, q *sqlc.Queries, p sqlc.PageRowRow, ref evidence.EventRef) (eventRow, error) {
	var r eventRow
	packed, err := q.PageTimes(ctx, ref.Page)
	if err != nil {
		return r, fmt.Errorf("reading the times of page %d: %w", ref.Page, err)
	}
	times, _, err := decodeTimes(packed)
	if err != nil {
		return r, err
	}
	if ref.Position < 0 || ref.Position >= len(times) {
		return r, evidence.Errorf(evidence.NotFound, "Page %d has %d events; there is none at position %d.", ref.Page, len(times), ref.Position)
	}
	err = r.scan(s.read.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM event WHERE stream = $1 AND at = $2 AND page = $3 AND position = $4`,
		p.Stream, times[ref.Position], ref.Page, ref.Position))
	if errors.Is(err, sql.ErrNoRows) {
		return s.firstOf(ctx, q, p, ref, times[ref.Position])
	}
	if err != nil {
		return r, fmt.Errorf("reading event %s: %w", ref, err)
	}
	return r, nil
}

// firstOf gives the row of the event that came again at ref, at the place where it came again.
func (s *Store) firstOf(ctx context.Context, q *sqlc.Queries, p sqlc.PageRowRow, ref evidence.EventRef, at int64) (eventRow, error) {
	var r eventRow
	again, err := q.RepeatsOfPage(ctx, ref.Page)
	if err != nil {
		return r, fmt.Errorf("reading repeated events: %w", err)
	}
	for _, a := range again {
		if a.Position != int64(ref.Position) || a.FirstPage == ref.Page && a.FirstPosition == a.Position {
			continue
		}
		first, err := q.PageRow(ctx, a.FirstPage)
		if err != nil {
			return r, fmt.Errorf("reading page %d: %w", a.FirstPage, err)
		}
		if r, err = s.rowAt(ctx, q, first, evidence.EventRef{Page: a.FirstPage, Position: int(a.FirstPosition)}); err != nil {
			return r, err
		}
		r.page, r.position, r.at = ref.Page, ref.Position, at
		return r, nil
	}
	return r, fmt.Errorf("page %d has no row for its record %d; run exhibit fsck", ref.Page, ref.Position)
}

// Conflicts gives the other bytes that came under the uuid of an event, in the order of their arrival. Their facts are
// uuid, time and the first event's.
func (s *Store) Conflicts(ctx context.Context, ws evidence.ID, ref evidence.EventRef) ([]evidence.Event, error) {
	q := s.queries()
	if _, err := s.pageRow(ctx, q, ws, ref.Page); err != nil {
		return nil, err
	}
	rows, err := q.ConflictsOf(ctx, ref.Page, int64(ref.Position))
	if err != nil {
		return nil, fmt.Errorf("reading conflicts: %w", err)
	}
	var all []evidence.Event
	for _, r := range rows {
		e, _, err := s.Event(ctx, ws, evidence.EventRef{Page: r.Page, Position: int(r.Position)})
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
