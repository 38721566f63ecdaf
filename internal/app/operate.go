package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/store"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string
	OK     bool
	Detail string
}

// Doctor looks whether everything is in place. It makes and changes nothing, and goes on after a failure as far as it can.
func Doctor(ctx context.Context, cfg Config) []Check {
	cfg = cfg.complete()
	cfg.MustExist = true
	checks := []Check{{"version", true, Build()}}
	if cfg.Database == "" {
		checks = append(checks, checkDir(cfg.Data))
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, "keys")); err != nil {
		return append(checks, Check{"keys", false, "There are no keys in " + cfg.Data + " yet. They are made with the first command that needs them, such as exhibit users add."})
	}
	a, err := Open(ctx, cfg)
	if err != nil {
		return append(checks, Check{"database", false, err.Error()})
	}
	defer a.Close()
	checks = append(checks, Check{"keys", true, "The key-encryption key can be read, and by nobody else."})
	checks = append(checks, a.checkDatabase(ctx))
	checks = append(checks, a.checkVouchers(ctx)...)
	return append(checks, a.checkConnections(ctx)...)
}

// checkVouchers tells who vouches for the log and who does not; nothing if nobody was ever asked.
func (a *App) checkVouchers(ctx context.Context) []Check {
	st, err := a.Log.Status(ctx, a.Workspace, 1)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return nil
	}
	if err != nil {
		return []Check{{"log", false, err.Error()}}
	}
	var checks []Check
	for _, v := range st.Vouchers {
		c := Check{v.Kind + " " + logbook.VoucherName(v), v.FailedAt.IsZero(), fmt.Sprintf("vouched for %d leaves at %s.", v.Size, v.GoodAt.UTC().Format(time.RFC3339))}
		if !c.OK {
			c.Detail = fmt.Sprintf("has not vouched since %s: %s.", v.FailedAt.UTC().Format(time.RFC3339), v.Failure)
		}
		checks = append(checks, c)
	}
	return checks
}

func checkDir(dir string) Check {
	st, err := os.Stat(dir)
	switch {
	case err != nil:
		return Check{"directory", false, dir + " is not there yet. It is made with the first command that needs it."}
	case !st.IsDir():
		return Check{"directory", false, dir + " is no directory."}
	case st.Mode().Perm()&0o077 != 0:
		return Check{"directory", false, fmt.Sprintf("%s can be opened by others (mode %04o). Close it: chmod 700 %s", dir, st.Mode().Perm(), dir)}
	}
	return Check{"directory", true, dir}
}

func (a *App) checkDatabase(ctx context.Context) Check {
	size, err := a.Store.Size(ctx)
	if err != nil {
		return Check{"database", false, err.Error()}
	}
	return Check{"database", true, fmt.Sprintf("%s with %d pages, %d events, %d MB.", a.Store.Engine(), size.Pages, size.Events, size.Bytes>>20)}
}

func (a *App) checkConnections(ctx context.Context) []Check {
	views, err := a.Connections.List(ctx, a.Workspace)
	if err != nil {
		return []Check{{"connections", false, err.Error()}}
	}
	if len(views) == 0 {
		return []Check{{"connections", true, "None yet. Add one: exhibit connections add onepassword --token-file FILE"}}
	}
	var checks []Check
	for _, v := range views {
		fine := v.Health.State == evidence.StateActive || v.Health.State == evidence.StateBackfilling || v.Health.State == evidence.StateOff
		checks = append(checks, Check{"connection " + v.Name, fine, fmt.Sprintf("%s since %s. %s", v.Health.State, v.Health.Since.UTC().Format(time.RFC3339), v.Health.Reason)})
	}
	return checks
}

// Fsck checks every page, event, count and artifact file. progress may be called often.
func (a *App) Fsck(ctx context.Context, progress func(done, total int64)) ([]Check, error) {
	results, err := a.Store.Check(ctx, progress)
	if err != nil {
		return nil, fmt.Errorf("checking the store: %w", err)
	}
	var checks []Check
	for _, r := range results {
		checks = append(checks, Check(r))
	}
	files, err := a.Artifacts.CheckFiles(ctx, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("checking artifact files: %w", err)
	}
	detail := fmt.Sprintf("%d files have the digest that they are kept under.", files.Good)
	if len(files.Bad) > 0 {
		detail = fmt.Sprintf("%d files are missing or changed: %v. Restore them from a backup, or build the artifacts again.", len(files.Bad), files.Bad)
	}
	return append(checks, Check{"artifact files", len(files.Bad) == 0, detail}), nil
}

// Rebuild makes event rows, dictionary and counts again from the pages.
func (a *App) Rebuild(ctx context.Context, progress func(done, total int64)) error {
	return a.Store.Rebuild(ctx, a.facts, progress)
}

// facts derives an event's facts with its source. A source that this version does not know leaves none.
func (a *App) facts(sourceID string, stream evidence.Stream, raw []byte) evidence.Facts {
	if k, ok := a.Kind(sourceID); ok {
		return k.Normalise(stream, raw)
	}
	return evidence.Facts{}
}

// Migrate brings the database to this version's schema.
func Migrate(ctx context.Context, cfg Config) (from, to int64, err error) {
	return store.Migrate(ctx, cfg.complete().store())
}
