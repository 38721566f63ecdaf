package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
)

// sqliteMigrations are migrations of SQLite that SQL alone cannot do.
func sqliteMigrations() goose.ProviderOption {
	return goose.WithGoMigrations(goose.NewGoMigration(3, &goose.GoFunc{RunTx: migrateToRuns}, nil))
}

// runTables are the tables of sorted runs. Columns that are long come last, so that a list of runs need not read them.
const runTables = `
CREATE TABLE run (
  id        INTEGER PRIMARY KEY,
  stream    INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  entries   INTEGER NOT NULL,
  first_day INTEGER NOT NULL,
  last_day  INTEGER NOT NULL,
  chunk     INTEGER NOT NULL,
  chunks    INTEGER NOT NULL,
  fences    BLOB NOT NULL,
  filter    BLOB NOT NULL
) STRICT;
CREATE INDEX run_place ON run (stream, kind);
CREATE TABLE run_chunk (
  id   INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;`

// migrateToRuns puts the uuids of the events and the hourly counts of their values into runs, instead of an index and of
// rows. It leaves the rows that count all events (value 0).
func migrateToRuns(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, runTables); err != nil {
		return fmt.Errorf("laying out runs: %w", err)
	}
	m := &runMigration{tx: tx, runs: newSQLiteRuns()}
	if err := prepareAll(ctx, m.runs.statements(tx, tx)); err != nil {
		return err
	}
	streams, err := m.streams(ctx)
	if err != nil {
		return err
	}
	for _, stream := range streams {
		if err := m.stream(ctx, stream); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "DROP INDEX event_uuid; DELETE FROM tally WHERE value <> 0"); err != nil {
		return fmt.Errorf("dropping what runs stand for: %w", err)
	}
	return nil
}

// runMigration is one migrateToRuns on its way.
type runMigration struct {
	tx   *sql.Tx
	runs *sqliteRuns
}

func (m *runMigration) streams(ctx context.Context) (ids []int64, err error) {
	err = eachRow(ctx, m.tx, `SELECT id FROM stream`, nil, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

func (m *runMigration) stream(ctx context.Context, stream int64) error {
	err := m.fill(ctx, runPlace{stream, runUUIDs}, `SELECT uuid, at FROM event WHERE stream = ?`, func(rows *sql.Rows) (runEntry, error) {
		var uuid []byte
		var at int64
		err := rows.Scan(&uuid, &at)
		return runEntry{nameOf(uuid), binary.AppendVarint(nil, at)}, err
	})
	if err != nil {
		return err
	}
	return m.fill(ctx, runPlace{stream, runHours}, `SELECT value, day, hours FROM tally WHERE stream = ? AND value <> 0`, func(rows *sql.Rows) (runEntry, error) {
		var value, day int64
		var hours []byte
		err := rows.Scan(&value, &day, &hours)
		return runEntry{hoursOf(value, day), hours}, err
	})
}

// migratedAtOnce is how many entries are sorted in memory: as many as make a run that is never merged again.
const migratedAtOnce = 500_000

// fill makes runs of the rows of a query.
func (m *runMigration) fill(ctx context.Context, place runPlace, query string, entry func(*sql.Rows) (runEntry, error)) error {
	v := m.runs.view(ctx, m.tx, m.runs.write)
	var entries []runEntry
	flush := func() error {
		runs, err := v.of(ctx, place)
		if err != nil {
			return err
		}
		err = v.add(ctx, m.tx, place, runs, joined(entries))
		entries = entries[:0]
		return err
	}
	err := eachRow(ctx, m.tx, query, []any{place.stream}, func(rows *sql.Rows) error {
		e, err := entry(rows)
		if err != nil {
			return err
		}
		if entries = append(entries, e); len(entries) < migratedAtOnce {
			return nil
		}
		return flush()
	})
	if err != nil {
		return fmt.Errorf("making runs: %w", err)
	}
	return flush()
}

// eachRow runs f on each row of a query.
func eachRow(ctx context.Context, db querier, query string, args []any, f func(*sql.Rows) error) (err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
