package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// The kinds of vouchers.
const (
	VoucherWitness = "witness"
	VoucherTSA     = "tsa"
)

// Voucher is somebody outside who vouches for checkpoints, with what became of asking him.
type Voucher struct {
	Kind     string
	Name     string    // verifier key of a witness, address of a time-stamping authority
	URL      string    // that is asked
	Size     int64     // of the last checkpoint that he vouched for
	GoodAt   time.Time // when he did
	FailedAt time.Time // since when he does not; zero: he does
	Failure  string
}

// Vouchers gives whom a log asks to vouch for it, witnesses first.
func (s *Store) Vouchers(ctx context.Context, l LogState) ([]Voucher, error) {
	rows, err := s.queries().Vouchers(ctx, l.No)
	if err != nil {
		return nil, fmt.Errorf("reading who vouches for the log: %w", err)
	}
	var all []Voucher
	for _, r := range rows {
		all = append(all, Voucher{r.Kind, r.Name, r.Url, r.Size, fromMS(r.GoodAt), fromMS(r.FailedAt), r.Failure})
	}
	return all, nil
}

// NoteVoucher keeps what became of asking somebody. If it failed, what went well before stays, and since when it fails; first
// says that it did not fail before.
func (s *Store) NoteVoucher(ctx context.Context, l LogState, v Voucher) (first bool, err error) {
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		before, err := q.Voucher(ctx, l.No, v.Kind, v.Name)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("reading who vouches for the log: %w", err)
		}
		first = !v.FailedAt.IsZero() && before.FailedAt == 0
		p := sqlc.PutVoucherParams{Workspace: l.No, Kind: v.Kind, Name: v.Name, Url: v.URL, Size: v.Size, GoodAt: ms(v.GoodAt), FailedAt: ms(v.FailedAt), Failure: v.Failure}
		if p.FailedAt != 0 {
			p.Size, p.GoodAt = before.Size, before.GoodAt
			if before.FailedAt != 0 {
				p.FailedAt = before.FailedAt
			}
		}
		if err := q.PutVoucher(ctx, p); err != nil {
			return fmt.Errorf("noting who vouches for the log: %w", err)
		}
		return nil
	})
	return first, err
}

// RemoveVoucher forgets somebody who is not asked any more. What he vouched for stays.
func (s *Store) RemoveVoucher(ctx context.Context, l LogState, v Voucher) error {
	if err := sqlc.New(s.write).RemoveVoucher(ctx, l.No, v.Kind, v.Name); err != nil {
		return fmt.Errorf("forgetting who vouched for the log: %w", err)
	}
	return nil
}

// Checkpoint gives the signed checkpoint over size leaves.
func (s *Store) Checkpoint(ctx context.Context, l LogState, size int64) (Checkpoint, error) {
	r, err := s.queries().CheckpointAt(ctx, l.No, size)
	if err != nil {
		return Checkpoint{}, notFound(err, "reading a checkpoint", "No checkpoint over %d leaves was signed.", size)
	}
	all, err := checkpointsOf([]sqlc.LogCheckpoint{r}, nil)
	return all[0], err
}

// LastStamped gives the newest checkpoint with a time stamp; ok is false if there is none.
func (s *Store) LastStamped(ctx context.Context, l LogState) (c Checkpoint, ok bool, err error) {
	r, err := s.queries().LastStamped(ctx, l.No)
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	all, err := checkpointsOf([]sqlc.LogCheckpoint{r}, err)
	if err != nil {
		return c, false, err
	}
	return all[0], true, nil
}

// Over are checkpoints over a leaf, each nil if there is none.
type Over struct {
	Newest        *Checkpoint
	NewestCosign  *Checkpoint // that a quorum of witnesses signed
	FirstCosigned *Checkpoint
	FirstStamped  *Checkpoint
}

// CheckpointsOver gives the checkpoints that say something of leaf n.
func (s *Store) CheckpointsOver(ctx context.Context, l LogState, n int64) (o Over, err error) {
	q := s.queries()
	for _, x := range []struct {
		to   **Checkpoint
		read func(ctx context.Context, workspace, leaf int64) (sqlc.LogCheckpoint, error)
	}{{&o.Newest, q.LastCheckpoint}, {&o.NewestCosign, q.LastCosigned}, {&o.FirstCosigned, q.FirstCosigned}, {&o.FirstStamped, q.FirstStamped}} {
		r, err := x.read(ctx, l.No, n)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		all, err := checkpointsOf([]sqlc.LogCheckpoint{r}, err)
		if err != nil {
			return o, err
		}
		*x.to = &all[0]
	}
	return o, nil
}

// AddTimeStamp stores an RFC 3161 token over a checkpoint, with the leaf that makes it part of the log's history.
func (s *Store) AddTimeStamp(ctx context.Context, ws evidence.ID, c Checkpoint, f translog.Fields) error {
	no, err := s.workspaceNo(ctx, ws)
	if err != nil {
		return err
	}
	_, _, err = s.Append(ctx, ws, func(int64, func(string) (string, error), func(translog.Tag, []byte) (string, error)) ([]Entry, error) {
		return []Entry{{Kind: translog.KindAnchor, Fields: f, With: func(q *sqlc.Queries) error {
			return q.SetToken3161(ctx, c.Token, ms(c.StampedAt), no, c.Size)
		}}}, nil
	})
	return err
}
