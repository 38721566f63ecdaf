package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// sqliteFile is the name of the database in the data directory.
const sqliteFile = "exhibit.db"

// sqliteReaders bounds the reading connections. Each may hold a cache of its own.
const sqliteReaders = 4

func dialSQLite(ctx context.Context, dir string) (*dialled, error) {
	path, err := prepareSQLiteFile(dir)
	if err != nil {
		return nil, err
	}
	if err := setPageSize(ctx, path); err != nil {
		return nil, err
	}
	d := &dialled{dialect: goose.DialectSQLite3, files: "migrations/sqlite", engine: newSQLite,
		options: []goose.ProviderOption{sqliteMigrations()}}
	if d.write, err = sql.Open("sqlite", sqliteDSN(path, true)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if d.read, err = sql.Open("sqlite", sqliteDSN(path, false)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	d.write.SetMaxOpenConns(1)
	d.read.SetMaxOpenConns(sqliteReaders)
	d.read.SetMaxIdleConns(sqliteReaders)
	if err := d.write.PingContext(ctx); err != nil {
		return nil, errors.Join(&evidence.Error{Code: evidence.Unavailable, Err: err,
			Message: fmt.Sprintf("The database %s cannot be opened. Is it an Exhibit database, and may this user write it?", path)}, d.close())
	}
	return d, nil
}

// prepareSQLiteFile makes directory and file with modes that keep them to their owner: SQLite would make the file
// readable for all, and gives its -wal and -shm files the mode of the file.
func prepareSQLiteFile(dir string) (string, error) {
	path := filepath.Join(dir, sqliteFile)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return "", &evidence.Error{Code: evidence.Unavailable, Err: err,
			Message: fmt.Sprintf("The data directory %s cannot be used: %v. Name another with --data, or make it writable.", dir, err)}
	}
	return path, nil
}

// sqlitePage is the page size of a fresh database, in bytes. A journal of larger pages is written with fewer calls; an
// older database keeps its 4096.
const sqlitePage = 16384

// setPageSize gives a fresh database its page size. That must come before anything else, the journal mode included, and
// the driver sets pragmas in the order of the alphabet.
func setPageSize(ctx context.Context, path string) (err error) {
	if info, err := os.Stat(path); err != nil || info.Size() > 0 {
		return nil // what cannot be looked at cannot be opened either, which is told of there
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout(15000); PRAGMA page_size(%d); PRAGMA journal_mode(WAL)", sqlitePage)); err != nil {
		return fmt.Errorf("laying out %s: %w", path, err)
	}
	return nil
}

// sqliteDSN sets what holds for every connection. synchronous=FULL makes each commit durable. A transaction of the writer
// takes the write lock at once (immediate), so that it never fails half-way because another process wrote first.
// Checkpoints are rarer than SQLite's default, so that pages which many commits touch are copied back once.
func sqliteDSN(path string, write bool) string {
	v := url.Values{}
	pragmas := []string{"busy_timeout(15000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"journal_size_limit(67108864)", "temp_store(MEMORY)", "cache_size(-32768)"}
	if write {
		v.Set("_txlock", "immediate")
		pragmas = append(pragmas, "wal_autocheckpoint(4000)")
	} else {
		pragmas = append(pragmas, "query_only(1)")
	}
	v["_pragma"] = pragmas
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), OmitHost: true, RawQuery: v.Encode()}).String()
}

// sqlite is the engine of one file. Its statements belong to the only writing connection.
type sqlite struct {
	insertEvent, findEvent, addTally, findValue, addValue *sql.Stmt
	runs                                                  *sqliteRuns
}

// preparing is a statement that is prepared once. It has plain ? for parameters: of a numbered one the driver asks SQLite
// for the name at every execution.
type preparing struct {
	stmt **sql.Stmt
	db   preparer
	text string
}

// preparer is a database or a transaction.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

func prepareAll(ctx context.Context, all []preparing) error {
	for _, p := range all {
		var err error
		if *p.stmt, err = p.db.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("preparing a statement: %w", err)
		}
	}
	return nil
}

func newSQLite(ctx context.Context, write, read *sql.DB) (engine, error) {
	e := &sqlite{runs: newSQLiteRuns()}
	err := prepareAll(ctx, append(e.runs.statements(write, read), []preparing{
		{&e.insertEvent, write, `INSERT INTO event (` + eventColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&e.findEvent, write, `SELECT page, position, at, odd FROM event WHERE stream = ? AND at = ? AND uuid = ?`},
		{&e.addTally, write, `INSERT INTO tally (stream, value, day, hours) VALUES (?, ?, ?, ?) ON CONFLICT (stream, value, day) DO UPDATE SET hours = CAST(hours || excluded.hours AS BLOB)`},
		{&e.findValue, write, `SELECT id FROM value WHERE workspace = ? AND kind = ? AND first = ? AND second = ? AND third = ?`},
		{&e.addValue, write, `INSERT INTO value (workspace, kind, first, second, third) VALUES (?, ?, ?, ?, ?)`},
	}...))
	return e, err
}

func (*sqlite) name() string { return "sqlite" }

// insertEvents inserts row by row: a prepared insert of one row beats statements with many. Here and below a statement is
// not watched for the end of ctx, which would cost a goroutine each: the transaction is, and they are short.
func (e *sqlite) insertEvents(ctx context.Context, tx *sql.Tx, rows []eventRow) ([]int, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx)
	index, err := e.uuidIndex(ctx, tx, rows[0].stream)
	if err != nil {
		return nil, err
	}
	fresh, known, err := index.unknown(ctx, rows)
	if err != nil {
		return nil, err
	}
	insert := tx.StmtContext(ctx, e.insertEvent)
	for _, i := range fresh {
		r := &rows[i]
		v := &r.values
		if _, err := insert.ExecContext(ctx, r.stream, r.at, r.page, r.position, r.uuid, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], int64(r.odd)); err != nil {
			return nil, fmt.Errorf("storing an event: %w", err)
		}
	}
	return known, index.learn(ctx, tx, rows, fresh)
}

func (e *sqlite) findEvents(ctx context.Context, tx *sql.Tx, stream int64, uuids [][]byte) (map[string]knownEvent, error) {
	ctx = context.WithoutCancel(ctx)
	index, err := e.uuidIndex(ctx, tx, stream)
	if err != nil {
		return nil, err
	}
	found := make(map[string]knownEvent, len(uuids))
	for _, uuid := range uuids {
		k, ok, err := index.event(ctx, uuid)
		if err != nil {
			return nil, err
		}
		if ok {
			found[string(uuid)] = k
		}
	}
	return found, nil
}

func (e *sqlite) valueIDs(ctx context.Context, tx *sql.Tx, workspace int64, all []words) ([]int64, error) {
	ctx = context.WithoutCancel(ctx)
	find, add := tx.StmtContext(ctx, e.findValue), tx.StmtContext(ctx, e.addValue)
	ids := make([]int64, len(all))
	for i, w := range all {
		err := find.QueryRowContext(ctx, workspace, w.kind, w.first, w.second, w.third).Scan(&ids[i])
		if errors.Is(err, sql.ErrNoRows) {
			var result sql.Result
			if result, err = add.ExecContext(ctx, workspace, w.kind, w.first, w.second, w.third); err == nil {
				ids[i], err = result.LastInsertId()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("adding to the dictionary: %w", err)
		}
	}
	return ids, nil
}

func (*sqlite) size(ctx context.Context, db *sql.DB) (int64, error) {
	var bytes int64
	err := db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").Scan(&bytes)
	if err != nil {
		return 0, fmt.Errorf("asking for the size of the database: %w", err)
	}
	return bytes, nil
}

func (*sqlite) integrity(ctx context.Context, db *sql.DB) (bool, string, error) {
	found, err := texts(ctx, db, "PRAGMA integrity_check(20)")
	if err != nil {
		return false, "", err
	}
	keys, err := texts(ctx, db, `SELECT "table" || ' → ' || parent FROM pragma_foreign_key_check() LIMIT 20`)
	if err != nil {
		return false, "", err
	}
	if len(found) == 1 && found[0] == "ok" && len(keys) == 0 {
		return true, "SQLite finds its file whole and every reference leading somewhere.", nil
	}
	for _, k := range keys {
		found = append(found, "reference that leads nowhere: "+k)
	}
	return false, strings.Join(found, "; ") + ". Restore the latest backup.", nil
}

// texts reads a column of text.
func texts(ctx context.Context, db *sql.DB, query string) (out []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("asking SQLite: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("asking SQLite: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// settle renews the statistics of tables that changed much; it looks at a bounded number of rows.
func (*sqlite) settle(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "PRAGMA analysis_limit=1000; PRAGMA optimize"); err != nil {
		return fmt.Errorf("optimizing: %w", err)
	}
	return nil
}

// snapshot: every transaction of SQLite sees one moment.
func (*sqlite) snapshot() *sql.TxOptions { return nil }

func (*sqlite) empty(ctx context.Context, tx *sql.Tx) error {
	for _, table := range []string{"event", "repeat", "tally", "run", "run_chunk"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
			return fmt.Errorf("emptying table %s: %w", table, err)
		}
	}
	return nil
}

func (e *sqlite) dropTallies(ctx context.Context, tx *sql.Tx, stream int64) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM tally WHERE stream = ?", stream); err != nil {
		return fmt.Errorf("dropping hourly counts: %w", err)
	}
	v := e.runs.view(ctx, tx, e.runs.write)
	old, err := v.of(ctx, runPlace{stream, runHours})
	if err != nil {
		return err
	}
	return v.remove(ctx, tx, old)
}

// purge writes the whole file anew, without what rows that were deleted or moved have left in it, and empties the write-ahead
// log. Nothing else is written meanwhile.
func (*sqlite) purge(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "VACUUM"); err != nil {
		return fmt.Errorf("writing the database anew: %w", err)
	}
	var busy, pages, moved int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return fmt.Errorf("emptying the write-ahead log: %w", err)
	}
	if busy != 0 {
		return evidence.Errorf(evidence.Unavailable, "Another process reads the database, so its write-ahead log could not be emptied. Continue the erasure: exhibit erase continue.")
	}
	return nil
}
