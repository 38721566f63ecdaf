package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Acquire makes holder ("host/pid/start") the only reader of a stream for ttl. A lease that is free, has run out, is
// holder's own, or belongs to a process of the same host that is dead is taken, and its epoch goes up by one, which ends
// whatever its last holder still does. Otherwise the error is a *HeldError.
func (s *Store) Acquire(ctx context.Context, conn evidence.ID, stream evidence.Stream, holder string, ttl time.Duration) (Lease, error) {
	if holder == "" {
		return Lease{}, evidence.Errorf(evidence.Invalid, "A lease needs a holder.")
	}
	var lease Lease
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		row, err := s.streamRow(ctx, q, conn, stream)
		if err != nil {
			return err
		}
		now := s.now()
		if until := fromMS(row.LeaseUntil); row.Holder != "" && row.Holder != holder && now.Before(until) && !dead(row.Holder, holder) {
			return &HeldError{Holder: row.Holder, Until: until}
		}
		until := now.Add(ttl)
		n, err := q.TakeLease(ctx, holder, ms(until), row.ID, row.Epoch)
		if err != nil {
			return fmt.Errorf("taking a lease: %w", err)
		}
		if n == 0 { // PostgreSQL: somebody took it between the two statements
			return ErrHeld
		}
		lease = Lease{Connection: conn, Stream: stream, Epoch: row.Epoch + 1, Until: fromMS(ms(until)), Term: ttl, Position: positionOf(row)}
		return nil
	})
	return lease, err
}

// dead reports whether the process that holder names is on asker's host and gone. A holder with asker's own process
// number is gone too: its number was given to asker.
func dead(holder, asker string) bool {
	host, pid, ok := process(holder)
	myHost, myPID, mine := process(asker)
	switch {
	case !ok || !mine || host != myHost:
		return false
	case pid == myPID:
		return true
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	err = p.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH)
}

// process reads host and process number from "host/pid/start".
func process(holder string) (host string, pid int, ok bool) {
	parts := strings.Split(holder, "/")
	if len(parts) != 3 {
		return "", 0, false
	}
	pid, err := strconv.Atoi(parts[1])
	return parts[0], pid, err == nil && pid > 0
}

// Renew lengthens a lease by its term. It fails with ErrStale if the lease was taken or released.
func (s *Store) Renew(ctx context.Context, l Lease) (Lease, error) {
	until := s.now().Add(l.Term)
	n, err := sqlc.New(s.write).RenewLease(ctx, ms(until), string(l.Connection), string(l.Stream), l.Epoch)
	if err != nil {
		return l, fmt.Errorf("renewing a lease: %w", err)
	}
	if n == 0 {
		return l, ErrStale
	}
	l.Until = fromMS(ms(until))
	return l, nil
}

// Release gives a lease back, and keeps when its holder means to read next, if that is known. One that was taken by somebody
// else stays theirs.
func (s *Store) Release(ctx context.Context, l Lease) error {
	if _, err := sqlc.New(s.write).ReleaseLease(ctx, ms(l.Next), string(l.Connection), string(l.Stream), l.Epoch); err != nil {
		return fmt.Errorf("releasing a lease: %w", err)
	}
	return nil
}

// leased runs f in a transaction on the stream of a lease, or fails with ErrStale if the lease was taken.
func (s *Store) leased(ctx context.Context, l Lease, f func(q *sqlc.Queries, row sqlc.Stream) error) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		row, err := q.LockStreamOfEpoch(ctx, string(l.Connection), string(l.Stream), l.Epoch)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrStale
		}
		if err != nil {
			return fmt.Errorf("claiming the stream: %w", err)
		}
		return f(q, row)
	})
}

// SetTrouble records what keeps a stream from being read. While cause and reason stay the same it keeps its beginning;
// another one ends the last.
func (s *Store) SetTrouble(ctx context.Context, l Lease, t evidence.Trouble) error {
	return s.leased(ctx, l, func(q *sqlc.Queries, row sqlc.Stream) error { return s.openTrouble(ctx, q, row.ID, t) })
}

// CloseTrouble ends the open trouble of a stream, if there is one.
func (s *Store) CloseTrouble(ctx context.Context, l Lease, at time.Time) error {
	return s.leased(ctx, l, func(q *sqlc.Queries, row sqlc.Stream) error {
		return s.closeTrouble(ctx, q, row.ID, at)
	})
}

// ResetCursor drops the bookmark of a stream, which the source no longer accepts. Windows stay; the next request must be a
// reset.
func (s *Store) ResetCursor(ctx context.Context, l Lease, at time.Time) (Lease, error) {
	err := s.leased(ctx, l, func(q *sqlc.Queries, row sqlc.Stream) error {
		if row.Cursor != l.Cursor || row.Sequence != l.Sequence {
			return ErrStale
		}
		none := sha256.Sum256(nil)
		err := q.AddPoll(ctx, sqlc.AddPollParams{Stream: row.ID, FirstSequence: row.Sequence + 1, LastSequence: row.Sequence + 1,
			Kind: "reset", FirstAt: ms(at), LastAt: ms(at), CursorSha: digest(row.Cursor), BodiesSha: none[:]})
		if err != nil {
			return fmt.Errorf("noting the lost bookmark: %w", err)
		}
		if err := q.ResetStream(ctx, row.ID); err != nil {
			return fmt.Errorf("dropping the bookmark: %w", err)
		}
		return s.enterReset(ctx, q, row)
	})
	if err != nil {
		return l, err
	}
	l.Cursor, l.Sequence, l.CaughtUp = "", l.Sequence+1, false
	return l, nil
}

// maxBadPage is how much of an answer that is no page is kept.
const maxBadPage = 64 << 10

// KeepBadPage keeps the beginning of an answer that is no page, so that it can be looked at; of each stream the newest 20.
func (s *Store) KeepBadPage(ctx context.Context, l Lease, at time.Time, body []byte, reason string) error {
	return s.leased(ctx, l, func(q *sqlc.Queries, row sqlc.Stream) error {
		err := q.AddBadPage(ctx, sqlc.AddBadPageParams{Stream: row.ID, At: ms(at), Reason: reason, Size: int64(len(body)),
			Body: append([]byte{}, body[:min(len(body), maxBadPage)]...)})
		if err != nil {
			return fmt.Errorf("keeping a bad page: %w", err)
		}
		if err := q.DropOldBadPages(ctx, row.ID); err != nil {
			return fmt.Errorf("dropping old bad pages: %w", err)
		}
		return nil
	})
}

// BadPages gives the answers of a stream that were no pages, newest first.
func (s *Store) BadPages(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]BadPage, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	rows, err := s.queries().BadPages(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("reading bad pages: %w", err)
	}
	var pages []BadPage
	for _, r := range rows {
		pages = append(pages, BadPage{At: fromMS(r.At), Reason: r.Reason, Body: r.Body, Size: r.Size})
	}
	return pages, nil
}

// Rereads tells how far the re-reads of each age have come, shortest age first.
func (s *Store) Rereads(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]RereadMark, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	rows, err := s.queries().RereadMarks(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the marks of re-reads: %w", err)
	}
	var marks []RereadMark
	for _, r := range rows {
		marks = append(marks, RereadMark{Age: time.Duration(r.AgeMs) * time.Millisecond, Through: fromMS(r.ThroughAt)})
	}
	return marks, nil
}

// FinishReread stores the result of reading a span again, and, if it was one of the re-reads of an age, moves the mark of
// that age to the end of the span.
func (s *Store) FinishReread(ctx context.Context, l Lease, r Reconciliation) error {
	return s.leased(ctx, l, func(q *sqlc.Queries, row sqlc.Stream) error {
		err := q.AddReconciliation(ctx, sqlc.AddReconciliationParams{Stream: row.ID, AgeMs: r.Age.Milliseconds(),
			FromAt: ms(r.Span.From), ToAt: ms(r.Span.To), At: ms(r.At), Seen: r.Seen, Known: r.Known, Fresh: r.New,
			Changed: r.Changed, Missing: r.Missing})
		if err != nil {
			return fmt.Errorf("storing a reconciliation: %w", err)
		}
		if err := s.enterReconciliation(ctx, q, row.ID, r); err != nil {
			return err
		}
		if r.Age == 0 {
			return nil
		}
		if err := q.MoveRereadMark(ctx, row.ID, r.Age.Milliseconds(), ms(r.Span.To)); err != nil {
			return fmt.Errorf("moving the mark of a re-read: %w", err)
		}
		return nil
	})
}

// Reconciliations gives the results of re-reads of a stream, newest first.
func (s *Store) Reconciliations(ctx context.Context, conn evidence.ID, stream evidence.Stream, limit int) ([]Reconciliation, error) {
	row, err := s.streamRow(ctx, s.queries(), conn, stream)
	if err != nil {
		return nil, err
	}
	rows, err := s.queries().Reconciliations(ctx, row.ID, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("reading reconciliations: %w", err)
	}
	var all []Reconciliation
	for _, r := range rows {
		all = append(all, reconciliationOf(r))
	}
	return all, nil
}

func reconciliationOf(r sqlc.Reconciliation) Reconciliation {
	return Reconciliation{Age: time.Duration(r.AgeMs) * time.Millisecond,
		Span: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}, At: fromMS(r.At), Seen: r.Seen, Known: r.Known,
		New: r.Fresh, Changed: r.Changed, Missing: r.Missing}
}
