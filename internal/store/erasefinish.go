package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// FinishErasure deletes what was derived from what was erased: hourly counts are counted again, words that no event has any more
// leave the dictionary, and answers that could not be read, saved filters and the words of exports that name the person go too.
// names reports whether a text does. With the same commit the subject is forgotten.
func (s *Store) FinishErasure(ctx context.Context, e evidence.Erasure, names func(b []byte) bool, a Activity) error {
	err := s.transact(ctx, func(tx *sql.Tx, q *sqlc.Queries) error {
		l, err := s.appendFor(ctx, q, e.Workspace)
		if err != nil {
			return err
		}
		if err := s.secureDelete(ctx, tx); err != nil {
			return err
		}
		f := &finishing{store: s, tx: tx, q: q, ws: e.Workspace, no: l.row.Workspace, used: map[int64]bool{}}
		for _, step := range []func(context.Context) error{f.recount, f.words, func(ctx context.Context) error { return f.rest(ctx, names) }} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		if err := s.step("derived erased"); err != nil {
			return err
		}
		n, err := q.EndErasure(ctx, ms(e.EndedAt), string(e.Workspace), string(e.ID))
		if err != nil {
			return fmt.Errorf("ending an erasure: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The erasure came to its end meanwhile.")
		}
		return l.trail(ctx, a)
	})
	s.words.mu.Lock()
	s.words.forget()
	s.words.mu.Unlock()
	s.frames.forget()
	return err
}

// Purge overwrites what was deleted, as far as the database can.
func (s *Store) Purge(ctx context.Context) error { return s.engine.purge(ctx, s.write) }

// finishing is one FinishErasure on its way.
type finishing struct {
	store *Store
	tx    *sql.Tx
	q     *sqlc.Queries
	ws    evidence.ID
	no    int64
	used  map[int64]bool // words that events have
}

// tallyFlush is how many hourly counts are gathered before they are written.
const tallyFlush = 50_000

// recount counts the hours of every stream anew from the event rows, and notes which words they have.
func (f *finishing) recount(ctx context.Context) error {
	streams, err := f.q.WorkspaceStreams(ctx, string(f.ws))
	if err != nil {
		return fmt.Errorf("reading streams: %w", err)
	}
	p := &projection{store: f.store, tx: f.tx, q: f.q, words: f.store.resolver(f.tx, f.no)}
	for _, st := range streams {
		if err := f.store.engine.dropTallies(ctx, f.tx, st.ID); err != nil {
			return err
		}
		p.stream, p.sum = st.ID, make(map[[2]int64]int64)
		if err := f.recountStream(ctx, p); err != nil {
			return fmt.Errorf("counting stream %d anew: %w", st.ID, err)
		}
	}
	return nil
}

// recountStream reads the rows in parts, since counts cannot be written while rows of the same transaction are read.
func (f *finishing) recountStream(ctx context.Context, p *projection) error {
	after := eventRow{at: -1 << 62}
	for {
		rows, err := f.rows(ctx, p.stream, after)
		if err != nil {
			return err
		}
		for i := range rows {
			for _, id := range rows[i].values {
				f.used[id] = true
			}
			if err := p.count(ctx, &rows[i]); err != nil {
				return err
			}
		}
		if len(rows) == 0 || len(p.sum) > tallyFlush {
			if err := p.addTallies(ctx); err != nil {
				return err
			}
			clear(p.sum)
		}
		if len(rows) == 0 {
			return nil
		}
		after = rows[len(rows)-1]
	}
}

func (f *finishing) rows(ctx context.Context, stream int64, after eventRow) (out []eventRow, err error) {
	rows, err := f.tx.QueryContext(ctx, `SELECT `+eventColumns+` FROM event WHERE stream = $1 AND (at, page, position) > ($2, $3, $4) ORDER BY at, page, position LIMIT 5000`,
		stream, after.at, after.page, after.position)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r eventRow
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// words drops from the dictionary what no event has any more.
func (f *finishing) words(ctx context.Context) error {
	ids, err := f.q.ValueIDsOf(ctx, f.no)
	if err != nil {
		return fmt.Errorf("reading the dictionary: %w", err)
	}
	for _, id := range ids {
		if f.used[id] {
			continue
		}
		if err := f.q.DropValue(ctx, id); err != nil {
			return fmt.Errorf("dropping a word: %w", err)
		}
	}
	return nil
}

// rest deletes what else names the person and is no evidence.
func (f *finishing) rest(ctx context.Context, names func(b []byte) bool) error {
	bad, err := f.q.BadPagesOf(ctx, string(f.ws))
	if err != nil {
		return fmt.Errorf("reading answers that could not be read: %w", err)
	}
	for _, b := range bad {
		if names(b.Body) || names([]byte(b.Reason)) {
			if err := f.q.DropBadPage(ctx, b.ID); err != nil {
				return fmt.Errorf("dropping an answer that could not be read: %w", err)
			}
		}
	}
	filters, err := f.q.WorkspaceFilters(ctx, string(f.ws))
	if err != nil {
		return fmt.Errorf("reading filters: %w", err)
	}
	for _, x := range filters {
		if names([]byte(x.Matches)) || names([]byte(x.Name)) {
			if _, err := f.q.DeleteSavedFilter(ctx, string(f.ws), x.ID); err != nil {
				return fmt.Errorf("dropping a filter: %w", err)
			}
		}
	}
	return nil
}

// AllExports gives the exports of all members of a workspace, whatever their state.
func (s *Store) AllExports(ctx context.Context, ws evidence.ID) ([]Export, error) {
	rows, err := s.queries().WorkspaceExports(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading exports: %w", err)
	}
	var all []Export
	for _, r := range rows {
		all = append(all, exportOf(r))
	}
	return all, nil
}

// erasedSince reports whether something was erased that evidence of the log's first asOf leaves may hold, or is being erased.
func erasedSince(ctx context.Context, q *sqlc.Queries, ws evidence.ID, asOf int64) (bool, error) {
	running, err := q.RunningErasures(ctx, string(ws))
	if err != nil {
		return false, fmt.Errorf("looking for erasures: %w", err)
	}
	epoch, err := q.ErasureEpoch(ctx, string(ws))
	if err != nil {
		return false, fmt.Errorf("looking for erasures: %w", err)
	}
	return running > 0 || asOf > 0 && epoch.Leaf >= asOf && epoch.Leaf > 0, nil
}
