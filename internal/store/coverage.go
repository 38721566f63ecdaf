package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// coverageOf gives what of a stream has been read whole.
func coverageOf(ctx context.Context, q *sqlc.Queries, stream int64) (evidence.Spans, error) {
	rows, err := q.Coverage(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("reading coverage: %w", err)
	}
	var spans evidence.Spans
	for _, r := range rows {
		spans = append(spans, evidence.Span{From: eventTime(r.FromAt), To: eventTime(r.ToAt)})
	}
	return spans, nil
}

// wholeMS cuts a span to whole milliseconds: what is not whole is not claimed.
func wholeMS(span evidence.Span) evidence.Span {
	if !span.From.IsZero() {
		span.From = eventTime(ceilMS(span.From))
	}
	if !span.To.IsZero() {
		span.To = eventTime(span.To.UnixMilli())
	}
	return span
}

// addCoverage adds a span of whole milliseconds to what has been read.
func addCoverage(ctx context.Context, q *sqlc.Queries, stream int64, span evidence.Span) error {
	if span.Empty() || span.From.IsZero() {
		return nil
	}
	before, err := coverageOf(ctx, q, stream)
	if err != nil {
		return err
	}
	for _, w := range before.Add(span) {
		if w.From.After(span.From) || w.To.Before(span.To) {
			continue // not the window that the span is in now
		}
		if err := q.DeleteCoverage(ctx, stream, w.From.UnixMilli(), w.To.UnixMilli()); err != nil {
			return fmt.Errorf("merging coverage windows: %w", err)
		}
		if err := q.AddCoverage(ctx, stream, w.From.UnixMilli(), w.To.UnixMilli()); err != nil {
			return fmt.Errorf("adding a coverage window: %w", err)
		}
	}
	return nil
}

// streamRow reads a stream outside of a transaction.
func (s *Store) streamRow(ctx context.Context, q *sqlc.Queries, conn evidence.ID, stream evidence.Stream) (sqlc.Stream, error) {
	row, err := q.StreamRow(ctx, string(conn), string(stream))
	return row, notFound(err, "reading a stream", "Connection %s has no stream %s.", conn, stream)
}

// Windows gives the coverage windows of a stream, cut to span (a zero end is open), with the events in each.
func (s *Store) Windows(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]evidence.Window, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	covered, err := coverageOf(ctx, s.queries(), row.ID)
	if err != nil {
		return nil, err
	}
	var windows []evidence.Window
	for _, w := range covered.Within(closed(span)) {
		n, err := s.countSpan(ctx, row.ID, w)
		if err != nil {
			return nil, err
		}
		windows = append(windows, evidence.Window{Span: w, Events: n})
	}
	return windows, nil
}

// EventsInSpan counts the stored events of a stream in a span; a zero end is open.
func (s *Store) EventsInSpan(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (int64, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return 0, err
	}
	return s.countSpan(ctx, row.ID, closed(span))
}

// The first and the last moment that a query with an open end is about.
var (
	firstMoment = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)
	lastMoment  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// closed gives open ends of a span a value.
func closed(span evidence.Span) evidence.Span {
	if span.From.IsZero() {
		span.From = firstMoment
	}
	if span.To.IsZero() {
		span.To = lastMoment
	}
	return span
}

// countSpan counts the events of a stream in a span: whole hours from the hourly counts, the rest from the rows.
func (s *Store) countSpan(ctx context.Context, stream int64, span evidence.Span) (int64, error) {
	from, to := ceilMS(span.From), ceilMS(span.To)
	first, last := hourOf(from+hourMS-1), hourOf(to) // whole hours: first <= hour < last
	if first >= last {
		return s.countRows(ctx, stream, from, to)
	}
	var n int64
	sel := &selection{streams: []streamName{{id: stream}}}
	if err := s.tallies(ctx, sel, []int64{0}, first, last-1, func(_, _, _, count int64) { n += count }); err != nil {
		return 0, err
	}
	before, err := s.countRows(ctx, stream, from, first*hourMS)
	if err != nil {
		return 0, err
	}
	after, err := s.countRows(ctx, stream, last*hourMS, to)
	return n + before + after, err
}

func (s *Store) countRows(ctx context.Context, stream, from, to int64) (n int64, err error) {
	if from >= to {
		return 0, nil
	}
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM event WHERE stream = $1 AND at >= $2 AND at < $3`, stream, from, to).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	return n, nil
}

// ceilMS is the first whole millisecond at or after t: events have whole milliseconds, so that t <= at is the same.
func ceilMS(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

// Troubles gives all troubles of a stream, oldest first. At most the last is open.
func (s *Store) Troubles(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	rows, err := s.queries().Troubles(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("reading troubles: %w", err)
	}
	var troubles []evidence.Trouble
	for _, r := range rows {
		troubles = append(troubles, troubleOf(r))
	}
	return troubles, nil
}

func troubleOf(r sqlc.Trouble) evidence.Trouble {
	return evidence.Trouble{Span: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}, Cause: evidence.Cause(r.Cause),
		State: evidence.State(r.State), Reason: r.Reason}
}

// openTrouble makes t the stream's trouble. An open one with the same cause and reason goes on; another one ends where t
// begins.
func (s *Store) openTrouble(ctx context.Context, q *sqlc.Queries, stream int64, t evidence.Trouble) error {
	last, err := q.OpenTrouble(ctx, stream)
	switch {
	case err == nil && t.Open() && last.Cause == string(t.Cause) && last.Reason == t.Reason && last.State == string(t.State):
		return nil
	case err == nil:
		if err := s.closeTrouble(ctx, q, stream, t.From); err != nil {
			return err
		}
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("reading the open trouble: %w", err)
	}
	err = q.AddTrouble(ctx, sqlc.AddTroubleParams{Stream: stream, FromAt: ms(t.From), ToAt: ms(t.To), Cause: string(t.Cause),
		State: string(t.State), Reason: t.Reason})
	if err != nil {
		return fmt.Errorf("recording a trouble: %w", err)
	}
	return s.enterGap(ctx, q, stream, t)
}

// closeTrouble ends the open trouble of a stream, if there is one.
func (s *Store) closeTrouble(ctx context.Context, q *sqlc.Queries, stream int64, at time.Time) error {
	last, err := q.OpenTrouble(ctx, stream)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the open trouble: %w", err)
	}
	if _, err := q.CloseTrouble(ctx, ms(at), stream); err != nil {
		return fmt.Errorf("closing a trouble: %w", err)
	}
	t := troubleOf(last)
	t.To = evidence.Latest(t.From, at)
	return s.enterGap(ctx, q, stream, t)
}
