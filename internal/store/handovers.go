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

// handOver notes for each stream of a connection how far the old token came, and that the new one has not read yet. It
// ends the leases: what is on its way with the old token is not stored any more, so that the first page stored after
// this transaction was asked for with the new one.
func (s *Store) handOver(ctx context.Context, q *sqlc.Queries, old sqlc.ConnectionRow, c evidence.Connection) error {
	at := ms(s.now())
	kind := evidence.Rotated
	if old.OffAt != 0 {
		kind = evidence.SwitchedOn
	}
	err := q.AddHandovers(ctx, sqlc.AddHandoversParams{At: at, Kind: string(kind), OldMark: old.TokenMark, NewMark: c.TokenMark, Connection: string(c.ID)})
	if err != nil {
		return fmt.Errorf("noting the handover: %w", err)
	}
	if err := q.AwaitHandover(ctx, at, string(c.ID)); err != nil {
		return fmt.Errorf("noting the handover: %w", err)
	}
	if err := q.EndLeases(ctx, string(c.ID)); err != nil {
		return fmt.Errorf("ending leases: %w", err)
	}
	return nil
}

// endHandover notes the first answer that a new token gave, if this commit is it.
func (c *commit) endHandover(ctx context.Context) error {
	if c.row.HandoverAt == 0 {
		return nil
	}
	if err := c.q.EndHandover(ctx, ms(c.in.ReceivedAt), ms(c.next.Window.To), c.stream, c.row.HandoverAt); err != nil {
		return fmt.Errorf("ending the handover: %w", err)
	}
	return nil
}

// Handovers gives how the streams of a connection went from one token to the next, newest first, at most so many.
func (s *Store) Handovers(ctx context.Context, conn evidence.ID, most int) ([]evidence.Handover, error) {
	rows, err := s.queries().Handovers(ctx, string(conn), int64(most))
	if err != nil {
		return nil, fmt.Errorf("reading handovers: %w", err)
	}
	var all []evidence.Handover
	for _, r := range rows {
		all = append(all, evidence.Handover{Stream: evidence.Stream(r.Name), At: fromMS(r.At), Kind: evidence.HandoverKind(r.Kind),
			OldMark: r.OldMark, NewMark: r.NewMark, OldReadAt: fromMS(r.OldReadAt), OldThrough: fromMS(r.OldThrough),
			NewReadAt: fromMS(r.NewReadAt), NewThrough: fromMS(r.NewThrough)})
	}
	return all, nil
}

// paceOver is over how many of the newest pages a stream's pace is measured.
const paceOver = 30

// Pace tells how fast a stream was read over its newest pages: how much of the source's time in how much of ours. Both are
// zero if fewer than three pages were read.
func (s *Store) Pace(ctx context.Context, conn evidence.ID, stream evidence.Stream) (read, took time.Duration, err error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return 0, 0, err
	}
	rows, err := s.queries().RecentPages(ctx, row.ID, paceOver)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the newest pages: %w", err)
	}
	if len(rows) < 3 {
		return 0, 0, nil
	}
	newest, oldest := rows[0], rows[len(rows)-1]
	return fromMS(newest.MaxAt).Sub(fromMS(oldest.MaxAt)), fromMS(newest.ReceivedAt).Sub(fromMS(oldest.ReceivedAt)), nil
}

// LiveMark gives a word that changes whenever connections or what was read of them changes, and seldom otherwise.
func (s *Store) LiveMark(ctx context.Context, ws evidence.ID) (string, error) {
	m, err := s.queries().LiveMark(ctx, string(ws))
	if err != nil {
		return "", fmt.Errorf("reading how connections stand: %w", err)
	}
	t, err := s.queries().TroubleMark(ctx, string(ws))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading how connections stand: %w", err)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x-%x-%x-%x", m.Streams, m.Read, m.LastReadAt, m.HandedOver, m.Checked, m.Off, t.Newest, t.Lasting), nil
}
