package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Resets gives when the bookmark of a stream was dropped within span, oldest first.
func (s *Store) Resets(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]time.Time, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	span = closed(span)
	rows, err := s.queries().ResetsWithin(ctx, row.ID, ms(span.From), ms(span.To))
	if err != nil {
		return nil, fmt.Errorf("reading lost bookmarks: %w", err)
	}
	var out []time.Time
	for _, at := range rows {
		out = append(out, fromMS(at))
	}
	return out, nil
}

// ReconciliationsWithin gives the results of re-reads that touch span, the oldest re-read first.
func (s *Store) ReconciliationsWithin(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]Reconciliation, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	span = closed(span)
	rows, err := s.queries().ReconciliationsWithin(ctx, row.ID, ms(span.To), ms(span.From))
	if err != nil {
		return nil, fmt.Errorf("reading reconciliations: %w", err)
	}
	var all []Reconciliation
	for _, r := range rows {
		all = append(all, reconciliationOf(r))
	}
	return all, nil
}

// Around gives the last event of a stream before span and the first one from its end on; nil where there is none. Both are
// found by the order of the table and cost the same in a large store.
func (s *Store) Around(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (before, after *evidence.EventMark, err error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, nil, err
	}
	before, err = s.nextTo(ctx, row.ID, `at < $2 ORDER BY at DESC, page DESC, position DESC`, ceilMS(span.From))
	if err != nil {
		return nil, nil, fmt.Errorf("looking for the event before a gap: %w", err)
	}
	after, err = s.nextTo(ctx, row.ID, `at >= $2 ORDER BY at, page, position`, ceilMS(span.To))
	if err != nil {
		return nil, nil, fmt.Errorf("looking for the event after a gap: %w", err)
	}
	return before, after, nil
}

// nextTo gives the first event of a stream that a condition and an order, which are part of the program, select.
func (s *Store) nextTo(ctx context.Context, stream int64, which string, at int64) (*evidence.EventMark, error) {
	var m evidence.EventMark
	err := s.read.QueryRowContext(ctx, `SELECT at, page, position FROM event WHERE stream = $1 AND `+which+` LIMIT 1`, stream, at).Scan(&at, &m.Page, &m.Position)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	m.At = eventTime(at)
	return &m, err
}

// arrivalsAtOnce bounds the placeholders of one statement.
const arrivalsAtOnce = 500

// Arrivals tells when pages of the workspace were received, by their numbers. Pages that are not there are left out.
func (s *Store) Arrivals(ctx context.Context, ws evidence.ID, pages []int64) (map[int64]time.Time, error) {
	out := make(map[int64]time.Time, len(pages))
	for some := range slices.Chunk(pages, arrivalsAtOnce) {
		if err := s.arrivals(ctx, ws, some, out); err != nil {
			return nil, fmt.Errorf("reading when pages came: %w", err)
		}
	}
	return out, nil
}

func (s *Store) arrivals(ctx context.Context, ws evidence.ID, pages []int64, into map[int64]time.Time) (err error) {
	args := []any{string(ws)}
	rows, err := s.read.QueryContext(ctx, `SELECT p.id, p.received_at FROM page p JOIN stream s ON s.id = p.stream JOIN connection c ON c.id = s.connection `+
		`WHERE c.workspace = $1 AND p.id IN (`+placeholders(&args, pages)+`)`, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, at int64
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		into[id] = fromMS(at)
	}
	return rows.Err()
}
