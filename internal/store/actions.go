package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// AddAction stores a new action and gives what is stored; Conflict if its key is taken, NotFound if there is no such control.
func (s *Store) AddAction(ctx context.Context, a evidence.Action) (evidence.Action, error) {
	requests, err := s.checkAction(ctx, a)
	if err != nil {
		return a, err
	}
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		r, err := q.AddAction(ctx, sqlc.AddActionParams{ID: string(a.ID), Workspace: string(a.Workspace), Key: a.Key, Control: orNull(a.Control),
			Title: a.Title, Description: a.Description, Owner: a.Owner, Due: ms(a.Due), Cadence: string(a.Cadence), Recipe: a.Recipe, Status: string(a.Status),
			CreatedAt: ms(a.CreatedAt), Delegate: a.Delegate, Requests: requests, Series: a.Series, Grace: a.Grace.Milliseconds()})
		if errors.Is(err, sql.ErrNoRows) {
			return evidence.Errorf(evidence.Conflict, "There is an action %s already. Choose another key.", a.Key)
		}
		if err != nil {
			return fmt.Errorf("storing an action: %w", err)
		}
		if a, err = actionOf(r); err != nil {
			return err
		}
		return s.enterConfig(ctx, q, a.Workspace, "action", string(a.ID), a)
	})
	return a, err
}

// ChangeAction stores all of an action but key, series and creation, and gives what is stored; Conflict if it was changed
// since the revision that a has.
func (s *Store) ChangeAction(ctx context.Context, a evidence.Action) (evidence.Action, error) {
	requests, err := s.checkAction(ctx, a)
	if err != nil {
		return a, err
	}
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		r, err := q.ChangeAction(ctx, sqlc.ChangeActionParams{Control: orNull(a.Control), Title: a.Title, Description: a.Description, Owner: a.Owner,
			Due: ms(a.Due), Cadence: string(a.Cadence), Recipe: a.Recipe, Status: string(a.Status), Delegate: a.Delegate, Requests: requests,
			Grace: a.Grace.Milliseconds(), Note: a.Note, DoneAt: ms(a.DoneAt), DoneBy: a.DoneBy, RetiredAt: ms(a.RetiredAt), Retired: a.Retired,
			Workspace: string(a.Workspace), ID: string(a.ID), Revision: int64(a.Revision)})
		if errors.Is(err, sql.ErrNoRows) {
			return evidence.Errorf(evidence.Conflict, "Somebody else changed %s meanwhile. Look at it again and repeat your change.", a.Key)
		}
		if err != nil {
			return fmt.Errorf("changing an action: %w", err)
		}
		if a, err = actionOf(r); err != nil {
			return err
		}
		return s.enterConfig(ctx, q, a.Workspace, "action", string(a.ID), a)
	})
	return a, err
}

// checkAction sees that the control is one of the workspace, and writes down the requests.
func (s *Store) checkAction(ctx context.Context, a evidence.Action) (requests string, err error) {
	if a.Control != "" {
		if _, err := s.Control(ctx, a.Workspace, string(a.Control)); err != nil {
			return "", err
		}
	}
	if a.Requests == nil {
		a.Requests = []evidence.EvidenceRequest{}
	}
	b, err := json.Marshal(a.Requests)
	if err != nil {
		return "", fmt.Errorf("writing down the requests of an action: %w", err)
	}
	return string(b), nil
}

func actionOf(r sqlc.Action) (evidence.Action, error) {
	a := evidence.Action{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Key: r.Key, Control: evidence.ID(r.Control.String),
		Title: r.Title, Description: r.Description, Owner: r.Owner, Due: fromMS(r.Due), Cadence: evidence.Cadence(r.Cadence),
		Recipe: r.Recipe, Status: evidence.ActionStatus(r.Status), CreatedAt: fromMS(r.CreatedAt), Delegate: r.Delegate, Series: r.Series,
		Grace: time.Duration(r.Grace) * time.Millisecond, Note: r.Note, DoneAt: fromMS(r.DoneAt), DoneBy: r.DoneBy,
		RetiredAt: fromMS(r.RetiredAt), Retired: r.Retired, Revision: int(r.Revision)}
	if err := json.Unmarshal([]byte(r.Requests), &a.Requests); err != nil {
		return a, fmt.Errorf("reading the requests of action %s: %w", r.Key, err)
	}
	if len(a.Requests) == 0 {
		a.Requests = nil
	}
	return a, nil
}
