package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// postgresConnections bounds the connections of one process.
const postgresConnections = 16

func dialPostgres(ctx context.Context, url string) (*dialled, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The cause may quote the URL with its password: it is not passed on.
		return nil, evidence.Errorf(evidence.Invalid, "The database URL cannot be read. It looks like postgres://user@host:5432/name.")
	}
	config.RuntimeParams["synchronous_commit"] = "on"
	config.RuntimeParams["application_name"] = "exhibit"
	options, err := postgresOptions()
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresConnections)
	db.SetMaxIdleConns(postgresConnections)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(&evidence.Error{Code: evidence.Unavailable, Err: err,
			Message: fmt.Sprintf("The PostgreSQL server at %s:%d does not let Exhibit in. Check address, database, user and password.", config.Host, config.Port)}, db.Close())
	}
	return &dialled{write: db, read: db, dialect: goose.DialectPostgres, files: "migrations/postgres", options: options,
		engine: func(context.Context, *sql.DB, *sql.DB) (engine, error) { return postgres{}, nil }}, nil
}

// postgres is the engine of a PostgreSQL server. Many rows go in one statement, as arrays.
type postgres struct{}

func (postgres) name() string { return "postgres" }

func (postgres) insertEvents(ctx context.Context, tx *sql.Tx, rows []eventRow) (known []int, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	columns := make([][]int64, 4+dimensions)
	uuids := make([][]byte, len(rows))
	index := make(map[int64]int, len(rows)) // position in the page → index in rows
	for i := range rows {
		r := &rows[i]
		for c, v := range append([]int64{r.at, r.page, int64(r.position), int64(r.odd)}, r.values[:]...) {
			columns[c] = append(columns[c], v)
		}
		uuids[i] = r.uuid
		index[int64(r.position)] = i
	}
	found, err := tx.QueryContext(ctx, `INSERT INTO event (`+eventColumns+`)
SELECT $1, at, page, position, uuid, what, person, vault, item, target, country, ip, client, odd
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bigint[], $8::bigint[], $9::bigint[],
  $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
  AS t (at, page, position, odd, uuid, what, person, vault, item, target, country, ip, client)
ON CONFLICT DO NOTHING RETURNING position`,
		rows[0].stream, columns[0], columns[1], columns[2], columns[3], uuids,
		columns[4], columns[5], columns[6], columns[7], columns[8], columns[9], columns[10], columns[11])
	if err != nil {
		return nil, fmt.Errorf("storing events: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var position int64
		if err := found.Scan(&position); err != nil {
			return nil, fmt.Errorf("storing events: %w", err)
		}
		delete(index, position)
	}
	for _, i := range index {
		known = append(known, i)
	}
	slices.Sort(known)
	return known, found.Err()
}

func (postgres) findEvents(ctx context.Context, tx *sql.Tx, stream int64, uuids [][]byte) (found map[string]knownEvent, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT uuid, page, position, at, odd FROM event WHERE stream = $1 AND uuid = ANY($2)`, stream, uuids)
	if err != nil {
		return nil, fmt.Errorf("looking for events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = make(map[string]knownEvent, len(uuids))
	for rows.Next() {
		var uuid []byte
		var k knownEvent
		if err := rows.Scan(&uuid, &k.page, &k.position, &k.at, &k.odd); err != nil {
			return nil, fmt.Errorf("looking for events: %w", err)
		}
		found[string(uuid)] = k
	}
	return found, rows.Err()
}

func (postgres) addTallies(ctx context.Context, tx *sql.Tx, stream int64, tallies []tally) error {
	var values, days []int64
	var hours [][]byte
	for _, t := range tallies {
		values, days, hours = append(values, t.value), append(days, t.day), append(hours, t.hours)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO tally (stream, value, day, hours)
SELECT $1, value, day, hours FROM unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS t (value, day, hours)
ON CONFLICT (stream, value, day) DO UPDATE SET hours = tally.hours || excluded.hours`, stream, values, days, hours)
	if err != nil {
		return fmt.Errorf("counting events: %w", err)
	}
	return nil
}

// findTimes narrows nothing: the table has an index of uuids.
func (postgres) findTimes(context.Context, *sql.DB, int64, [][]byte) ([]int64, bool, error) {
	return nil, false, nil
}

// groups leaves it to PostgreSQL, which hashes, and so sends a row for each group only.
func (postgres) groups(ctx context.Context, read *sql.DB, q groupQuery) ([]groupRow, error) {
	return groupsByDatabase(ctx, read, q)
}

func (postgres) tallies(ctx context.Context, read *sql.DB, r tallyRange, each func(stream int64, t tally) error) error {
	return tallyRows(ctx, read, r, each)
}

func (postgres) eachTally(ctx context.Context, tx *sql.Tx, _ []int64, each func(stream int64, t tally) error) error {
	return allTallyRows(ctx, tx, each)
}

// eachName has nothing to tell: PostgreSQL itself keeps the index of uuids right.
func (postgres) eachName(context.Context, *sql.Tx, []int64, func(stream int64, name runKey, at int64)) (bool, error) {
	return false, nil
}

// valueIDs adds in the order of the words, so that two transactions that add the same ones never wait for each other.
func (postgres) valueIDs(ctx context.Context, tx *sql.Tx, workspace int64, all []words) (ids []int64, err error) {
	sorted := slices.SortedFunc(slices.Values(all), words.compare)
	var kinds, firsts, seconds, thirds []string
	for _, w := range sorted {
		kinds, firsts, seconds, thirds = append(kinds, w.kind), append(firsts, w.first), append(seconds, w.second), append(thirds, w.third)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO value (workspace, kind, first, second, third)
SELECT $1, k, a, b, c FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS t (k, a, b, c)
WHERE NOT EXISTS (SELECT 1 FROM value v WHERE v.workspace = $1 AND v.kind = k AND v.first = a AND v.second = b AND v.third = c)
ON CONFLICT DO NOTHING`, workspace, kinds, firsts, seconds, thirds); err != nil {
		return nil, fmt.Errorf("adding to the dictionary: %w", err)
	}
	rows, err := tx.QueryContext(ctx, `SELECT v.id, v.kind, v.first, v.second, v.third FROM value v
JOIN unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS t (k, a, b, c)
  ON v.kind = k AND v.first = a AND v.second = b AND v.third = c WHERE v.workspace = $1`, workspace, kinds, firsts, seconds, thirds)
	if err != nil {
		return nil, fmt.Errorf("reading the dictionary: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found := make(map[words]int64, len(all))
	for rows.Next() {
		var w words
		var id int64
		if err := rows.Scan(&id, &w.kind, &w.first, &w.second, &w.third); err != nil {
			return nil, fmt.Errorf("reading the dictionary: %w", err)
		}
		found[w] = id
	}
	for _, w := range all {
		ids = append(ids, found[w])
	}
	return ids, rows.Err()
}

func (postgres) size(ctx context.Context, db *sql.DB) (int64, error) {
	var bytes int64
	if err := db.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes); err != nil {
		return 0, fmt.Errorf("asking for the size of the database: %w", err)
	}
	return bytes, nil
}

func (postgres) integrity(ctx context.Context, db *sql.DB) (bool, string, error) {
	var setting string
	if err := db.QueryRowContext(ctx, "SHOW data_checksums").Scan(&setting); err != nil {
		return false, "", fmt.Errorf("asking PostgreSQL: %w", err)
	}
	if setting == "on" {
		return true, "PostgreSQL keeps references whole and checks the checksums of its blocks.", nil
	}
	return true, "PostgreSQL keeps references whole. Its block checksums are off: consider pg_checksums --enable.", nil
}

func (postgres) settle(context.Context, *sql.DB) error { return nil } // autovacuum does it

func (postgres) snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

func (postgres) empty(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "TRUNCATE event, repeat, tally"); err != nil {
		return fmt.Errorf("emptying tables: %w", err)
	}
	return nil
}

func (postgres) dropTallies(ctx context.Context, tx *sql.Tx, stream int64) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM tally WHERE stream = $1", stream); err != nil {
		return fmt.Errorf("dropping hourly counts: %w", err)
	}
	return nil
}

// purge lets what was deleted be written over. That it is, PostgreSQL does not promise; see docs/erasure.md.
func (postgres) purge(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{"page_body", "page_salt", "page", "event", "tally", "value", "log_opening", "artifact_version", "erasure", "bad_page", "saved_filter", "event_export", "activity"} {
		if _, err := db.ExecContext(ctx, "VACUUM "+table); err != nil {
			return fmt.Errorf("vacuuming %s: %w", table, err)
		}
	}
	return nil
}
