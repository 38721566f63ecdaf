package store

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/exhibithq/exhibit/internal/evidence"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema of the database up to date, laying it out if the database is fresh, and gives the version
// before and after. It may run while other processes use the database; they must be started again afterwards.
func Migrate(ctx context.Context, cfg Config) (from, to int64, err error) {
	d, err := dial(ctx, cfg)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	return d.migrate(ctx)
}

// Open opens the database. A fresh one is laid out; one whose schema is older or newer than this program's is refused
// with a sentence that says what to do.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	d, err := dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := d.open(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return s, nil
}

// dialled is a database that answers but whose schema is not known yet.
type dialled struct {
	write, read *sql.DB
	dialect     goose.Dialect
	files       string
	options     []goose.ProviderOption
	engine      func(ctx context.Context, write, read *sql.DB) (engine, error)
}

func dial(ctx context.Context, cfg Config) (*dialled, error) {
	if cfg.URL != "" {
		return dialPostgres(ctx, cfg.URL)
	}
	if cfg.Dir == "" {
		return nil, evidence.Errorf(evidence.Invalid, "No database is named. Give --data DIR or --database URL.")
	}
	if cfg.MustExist { // looked at first, since opening would make the file
		if _, err := os.Stat(filepath.Join(cfg.Dir, sqliteFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, errNoDatabase()
		}
	}
	return dialSQLite(ctx, cfg.Dir)
}

func errNoDatabase() error {
	return evidence.Errorf(evidence.NotFound, "There is no Exhibit database here yet. Make one with exhibit connections add or exhibit serve, or name another with --data or --database.")
}

func (d *dialled) close() error {
	err := d.write.Close()
	if d.read != d.write {
		err = errors.Join(err, d.read.Close())
	}
	return err
}

func (d *dialled) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, d.files)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	options := append([]goose.ProviderOption{goose.WithLogger(goose.NopLogger())}, d.options...)
	p, err := goose.NewProvider(d.dialect, d.write, files, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}

// migrate brings the schema up to date. Each migration is one transaction, so that a crash leaves an older schema, never
// a broken one; on PostgreSQL an advisory lock lets one process at a time do it.
func (d *dialled) migrate(ctx context.Context) (from, to int64, err error) {
	p, err := d.provider()
	if err != nil {
		return 0, 0, err
	}
	if from, to, err = d.versions(ctx, p); err != nil {
		return 0, 0, err
	}
	if from > to {
		return from, to, newerSchema(from, to)
	}
	if _, err := p.Up(ctx); err != nil {
		return from, from, fmt.Errorf("migrating the database: %w", err)
	}
	return from, to, nil
}

// versions gives the schema version of the database, 0 if it is fresh, and that of this program. It writes nothing.
func (d *dialled) versions(ctx context.Context, p *goose.Provider) (have, want int64, err error) {
	sources := p.ListSources()
	want = sources[len(sources)-1].Version
	fresh, err := d.fresh(ctx)
	if err != nil || fresh {
		return 0, want, err
	}
	if have, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("reading the version of the database's schema: %w", err)
	}
	return have, want, nil
}

// fresh reports whether nothing of Exhibit is in the database.
func (d *dialled) fresh(ctx context.Context) (bool, error) {
	catalogue := "SELECT count(*) FROM sqlite_master WHERE name = $1"
	if d.dialect == goose.DialectPostgres {
		catalogue = "SELECT count(*) FROM pg_class WHERE oid = to_regclass($1)"
	}
	var n int
	if err := d.write.QueryRowContext(ctx, catalogue, "goose_db_version").Scan(&n); err != nil {
		return false, fmt.Errorf("looking at the database: %w", err)
	}
	return n == 0, nil
}

func (d *dialled) open(ctx context.Context, cfg Config) (*Store, error) {
	p, err := d.provider()
	if err != nil {
		return nil, err
	}
	have, want, err := d.versions(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := fits(have, want, cfg.MustExist); err != nil {
		return nil, err
	}
	if have == 0 {
		if _, _, err := d.migrate(ctx); err != nil {
			return nil, err
		}
	}
	e, err := d.engine(ctx, d.write, d.read)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, write: d.write, read: d.read, now: cfg.Now, words: newDictionary(), frames: newFrameCache(),
		origin: cmp.Or(cfg.LogOrigin, defaultOrigin), build: cfg.Build}
	s.log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.adopt(ctx); err != nil {
		return nil, err
	}
	if err := s.placeVersions(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// fits refuses a database whose schema is not the one that is wanted; 0 is a fresh one.
func fits(have, want int64, mustExist bool) error {
	switch {
	case have == 0 && mustExist:
		return errNoDatabase()
	case have > 0 && have < want:
		return evidence.Errorf(evidence.Conflict, "The database has schema version %d and this Exhibit needs %d. Make a backup, then run exhibit migrate.", have, want)
	case have > want:
		return newerSchema(have, want)
	}
	return nil
}

func newerSchema(have, want int64) error {
	return evidence.Errorf(evidence.Conflict, "The database has schema version %d, which is newer than this Exhibit knows (%d). Use the newer Exhibit that wrote it.", have, want)
}

// postgresOptions lets one process at a time migrate.
func postgresOptions() ([]goose.ProviderOption, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("preparing the migration lock: %w", err)
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}, nil
}
