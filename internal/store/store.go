package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Config says where a Store keeps its rows.
type Config struct {
	Dir string // SQLite: the database is Dir/exhibit.db; made (mode 0700) if missing
	URL string // PostgreSQL: postgres://…; Dir is then not looked at
	// MustExist refuses a fresh database instead of laying it out.
	MustExist bool
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: nothing is logged
	LogOrigin string           // first part of the name of each workspace's log; empty: exhibit
	Build     string           // names this build in the first leaf of a log
}

// Store is an open database. Its methods may be called from several goroutines at once.
type Store struct {
	engine engine
	write  *sql.DB // SQLite: one connection
	read   *sql.DB // PostgreSQL: the same pool as write
	now    func() time.Time
	log    *slog.Logger
	origin string
	build  string
	words  *dictionary
	frames *frameCache
	// commits counts, for settleSometimes.
	commits atomic.Int64
	// fail is asked at named steps whether to fail there. Only tests of this package set it.
	fail func(step string) error
}

// engine is what differs between SQLite and PostgreSQL. Methods with a tx work inside that transaction.
type engine interface {
	name() string
	// insertEvents inserts the rows whose uuid their stream does not know yet, and gives the indices of the others.
	insertEvents(ctx context.Context, tx *sql.Tx, rows []eventRow) (known []int, err error)
	// findEvents gives the stored place of those uuids that the stream knows.
	findEvents(ctx context.Context, tx *sql.Tx, stream int64, uuids [][]byte) (map[string]knownEvent, error)
	// addTallies adds to the hourly counts.
	addTallies(ctx context.Context, tx *sql.Tx, stream int64, tallies []tally) error
	// tallies tells hourly counts as they are at one moment. The same value and day may be told several times; what is told
	// is good until the next.
	tallies(ctx context.Context, read *sql.DB, r tallyRange, each func(stream int64, t tally) error) error
	// groups counts events by the values of columns, as cheaply as the database allows.
	groups(ctx context.Context, read *sql.DB, q groupQuery) ([]groupRow, error)
	// findTimes gives the times at which events of a stream with given uuids may lie; false: it cannot tell, and need not.
	findTimes(ctx context.Context, read *sql.DB, stream int64, uuids [][]byte) (times []int64, narrowed bool, err error)
	// eachTally tells all hourly counts of the streams, eachName all uuids that an index of Exhibit's own has, with the time of
	// their events; false: there is none. Both find damage in how such an index is built.
	eachTally(ctx context.Context, tx *sql.Tx, streams []int64, each func(stream int64, t tally) error) error
	eachName(ctx context.Context, tx *sql.Tx, streams []int64, each func(stream int64, name runKey, at int64)) (bool, error)
	// dropTallies removes the hourly counts of a stream.
	dropTallies(ctx context.Context, tx *sql.Tx, stream int64) error
	// purge overwrites or gives back what deleted rows have left on disk, as far as the database can.
	purge(ctx context.Context, db *sql.DB) error
	// valueIDs gives the ids of words, adding to the dictionary what is not in it.
	valueIDs(ctx context.Context, tx *sql.Tx, workspace int64, words []words) ([]int64, error)
	// size is the number of bytes on disk.
	size(ctx context.Context, db *sql.DB) (int64, error)
	// integrity asks the database to check itself; the text says what is wrong.
	integrity(ctx context.Context, db *sql.DB) (ok bool, detail string, err error)
	// snapshot are the options of a transaction that reads everything as it is at one moment.
	snapshot() *sql.TxOptions
	// empty removes all event rows, repeats, hourly counts and what finds a uuid.
	empty(ctx context.Context, tx *sql.Tx) error
	// settle lets the database renew what it knows of its tables, after much has been written.
	settle(ctx context.Context, db *sql.DB) error
}

// Engine names the database engine: "sqlite" or "postgres".
func (s *Store) Engine() string { return s.engine.name() }

// Close closes the database. The Store must not be used afterwards.
func (s *Store) Close() error {
	s.settle(context.Background())
	err := s.read.Close()
	if s.write != s.read {
		err = errors.Join(s.write.Close(), err)
	}
	if err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

// settleEvery is after how many commits the database may renew what it knows of its tables.
const settleEvery = 500

// settleSometimes settles after every settleEvery-th call.
func (s *Store) settleSometimes(ctx context.Context) {
	if s.commits.Add(1)%settleEvery == 0 {
		s.settle(ctx)
	}
}

// settle lets the database renew what it knows of its tables. That is a hint for its planner: without it nothing is lost.
func (s *Store) settle(ctx context.Context) {
	if err := s.engine.settle(ctx, s.write); err != nil {
		s.log.Debug("the database did not renew its statistics", "error", err)
	}
}

// queries reads outside of transactions.
func (s *Store) queries() *sqlc.Queries { return sqlc.New(s.read) }

// transact runs f in one transaction. An error of f rolls it back and is returned as it is. If the error comes from the
// commit itself, the transaction may have been stored or not; the caller must look.
func (s *Store) transact(ctx context.Context, f func(tx *sql.Tx, q *sqlc.Queries) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if err := f(tx, sqlc.New(tx)); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := s.step("before commit"); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return s.step("after commit")
}

// rollback undoes tx. One that ended with its context needs no undoing.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("rolling back: %w", err)
	}
	return nil
}

// step is where tests make a transaction fail.
func (s *Store) step(name string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(name)
}

// ms is how times are stored: Unix milliseconds, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMS undoes ms.
func fromMS(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// notFound turns sql.ErrNoRows into the sentence for a person and wraps every other error.
func notFound(err error, doing, format string, args ...any) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return evidence.Errorf(evidence.NotFound, format, args...)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
