package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// AddFilter stores a filter; Conflict if the member has one of that name already.
func (s *Store) AddFilter(ctx context.Context, f evidence.Filter) error {
	n, err := sqlc.New(s.write).AddSavedFilter(ctx, sqlc.AddSavedFilterParams{ID: string(f.ID), Workspace: string(f.Workspace), Member: string(f.Member),
		Name: f.Name, Shared: number(f.Shared), Lapse: f.Lapse, FromAt: ms(f.Span.From), ToAt: ms(f.Span.To), Connection: string(f.Connection),
		Stream: string(f.Stream), Matches: evidence.FormatWhere(f.Where), CreatedAt: ms(f.CreatedAt), UpdatedAt: ms(f.UpdatedAt)})
	if err != nil {
		return fmt.Errorf("storing a filter: %w", err)
	}
	if n == 0 {
		return filterNameTaken(f.Name)
	}
	return nil
}

func filterNameTaken(name string) error {
	return evidence.Errorf(evidence.Conflict, "You have a filter %q already. Give this one another name, or remove the other one.", name)
}

// Filters gives the filters of a member and those that are shared, in the order of their names. Without a member it gives
// all of the workspace.
func (s *Store) Filters(ctx context.Context, ws, member evidence.ID) ([]evidence.Filter, error) {
	rows, err := s.queries().SavedFilters(ctx, string(ws), string(member))
	if err != nil {
		return nil, fmt.Errorf("reading filters: %w", err)
	}
	var all []evidence.Filter
	for _, r := range rows {
		f, err := filterOf(sqlc.SavedFilterRow(r))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// Filter gives one filter.
func (s *Store) Filter(ctx context.Context, ws, id evidence.ID) (evidence.Filter, error) {
	r, err := s.queries().SavedFilter(ctx, string(ws), string(id))
	if err != nil {
		return evidence.Filter{}, notFound(err, "reading a filter", "There is no saved filter %.60s.", id)
	}
	return filterOf(r)
}

func filterOf(r sqlc.SavedFilterRow) (evidence.Filter, error) {
	where, err := evidence.ParseWhere(r.Matches)
	if err != nil {
		return evidence.Filter{}, fmt.Errorf("reading filter %s: %w", r.ID, err)
	}
	return evidence.Filter{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Member: evidence.ID(r.Member), Owner: r.Owner, Name: r.Name,
		Shared: r.Shared == 1, Lapse: r.Lapse, Span: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}, Connection: evidence.ID(r.Connection),
		Stream: evidence.Stream(r.Stream), Where: where, CreatedAt: fromMS(r.CreatedAt), UpdatedAt: fromMS(r.UpdatedAt)}, nil
}

// UpdateFilter stores name and sharing of a filter; Conflict if its member has another one of that name.
func (s *Store) UpdateFilter(ctx context.Context, f evidence.Filter) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		taken, err := q.SavedFilterNamed(ctx, string(f.Workspace), string(f.Member), f.Name, string(f.ID))
		if err != nil {
			return fmt.Errorf("looking for a filter: %w", err)
		}
		if taken > 0 {
			return filterNameTaken(f.Name)
		}
		n, err := q.UpdateSavedFilter(ctx, sqlc.UpdateSavedFilterParams{Name: f.Name, Shared: number(f.Shared), UpdatedAt: ms(f.UpdatedAt),
			Workspace: string(f.Workspace), ID: string(f.ID)})
		if err != nil {
			return fmt.Errorf("storing a filter: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.NotFound, "There is no saved filter %.60s.", f.ID)
		}
		return nil
	})
}

// DeleteFilter forgets a filter.
func (s *Store) DeleteFilter(ctx context.Context, ws, id evidence.ID) error {
	n, err := sqlc.New(s.write).DeleteSavedFilter(ctx, string(ws), string(id))
	if err != nil {
		return fmt.Errorf("removing a filter: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.NotFound, "There is no saved filter %.60s.", id)
	}
	return nil
}

// ExportState says where an export stands.
type ExportState string

// The states of an export.
const (
	ExportRunning   ExportState = "running"
	ExportDone      ExportState = "done"
	ExportFailed    ExportState = "failed"
	ExportCancelled ExportState = "cancelled"
)

// Export is a file of events that is made for one member.
type Export struct {
	ID         evidence.ID
	Workspace  evidence.ID
	Member     evidence.ID
	Format     string
	Words      string // the query in words
	State      ExportState
	Total      int64 // events that were counted before it began; -1: not counted yet
	Written    int64
	Size       int64 // bytes of the file
	SHA256     string
	Problem    string // why it failed
	CreatedAt  time.Time
	TouchedAt  time.Time // when the work last said that it goes on
	FinishedAt time.Time
	ExpiresAt  time.Time // when the file is removed
}

// AddExport stores an export that begins.
func (s *Store) AddExport(ctx context.Context, e Export) error {
	err := sqlc.New(s.write).AddExport(ctx, sqlc.AddExportParams{ID: string(e.ID), Workspace: string(e.Workspace), Member: string(e.Member), Format: e.Format,
		Words: e.Words, State: string(e.State), Total: e.Total, CreatedAt: ms(e.CreatedAt), TouchedAt: ms(e.TouchedAt), ExpiresAt: ms(e.ExpiresAt)})
	if err != nil {
		return fmt.Errorf("storing an export: %w", err)
	}
	return nil
}

// UpdateExport stores how far a running export is. It reports false if the export runs no more: it was cancelled or removed.
func (s *Store) UpdateExport(ctx context.Context, e Export) (bool, error) {
	n, err := sqlc.New(s.write).UpdateExport(ctx, sqlc.UpdateExportParams{State: string(e.State), Total: e.Total, Written: e.Written, Size: e.Size, Sha256: e.SHA256,
		Problem: e.Problem, TouchedAt: ms(e.TouchedAt), FinishedAt: ms(e.FinishedAt), ExpiresAt: ms(e.ExpiresAt), Workspace: string(e.Workspace), ID: string(e.ID)})
	if err != nil {
		return false, fmt.Errorf("storing how far an export is: %w", err)
	}
	return n > 0, nil
}

// Exports gives the exports of a member, newest first.
func (s *Store) Exports(ctx context.Context, ws, member evidence.ID) ([]Export, error) {
	rows, err := s.queries().Exports(ctx, string(ws), string(member))
	if err != nil {
		return nil, fmt.Errorf("reading exports: %w", err)
	}
	var all []Export
	for _, r := range rows {
		all = append(all, exportOf(r))
	}
	return all, nil
}

// Export gives one export of a member.
func (s *Store) Export(ctx context.Context, ws, member, id evidence.ID) (Export, error) {
	r, err := s.queries().Export(ctx, string(ws), string(id), string(member))
	if err != nil {
		return Export{}, notFound(err, "reading an export", "There is no export %.60s of yours. It may have expired: make it again.", id)
	}
	return exportOf(r), nil
}

func exportOf(r sqlc.EventExport) Export {
	return Export{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Member: evidence.ID(r.Member), Format: r.Format, Words: r.Words,
		State: ExportState(r.State), Total: r.Total, Written: r.Written, Size: r.Size, SHA256: r.Sha256, Problem: r.Problem, CreatedAt: fromMS(r.CreatedAt),
		TouchedAt: fromMS(r.TouchedAt), FinishedAt: fromMS(r.FinishedAt), ExpiresAt: fromMS(r.ExpiresAt)}
}

// ExpiredExports names exports, of any workspace, whose file is to be removed at now.
func (s *Store) ExpiredExports(ctx context.Context, now time.Time) ([]Export, error) {
	rows, err := s.queries().ExpiredExports(ctx, ms(now))
	if err != nil {
		return nil, fmt.Errorf("reading expired exports: %w", err)
	}
	var all []Export
	for _, r := range rows {
		all = append(all, Export{Workspace: evidence.ID(r.Workspace), ID: evidence.ID(r.ID)})
	}
	return all, nil
}

// DeleteExport forgets an export. That it is gone already is no error.
func (s *Store) DeleteExport(ctx context.Context, ws, id evidence.ID) error {
	if _, err := sqlc.New(s.write).DeleteExport(ctx, string(ws), string(id)); err != nil {
		return fmt.Errorf("removing an export: %w", err)
	}
	return nil
}
