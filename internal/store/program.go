package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// FrameworkInUse is a framework that a workspace works with.
type FrameworkInUse struct {
	Framework string
	Version   string
	Since     time.Time
}

// PutControl stores a control, or changes the one with the same key, whose ID and creation stay, and gives what is stored.
func (s *Store) PutControl(ctx context.Context, c evidence.Control) (evidence.Control, error) {
	requirements, err := json.Marshal(c.Requirements)
	if err != nil {
		return c, fmt.Errorf("writing down the requirements of a control: %w", err)
	}
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		r, err := q.PutControl(ctx, sqlc.PutControlParams{ID: string(c.ID), Workspace: string(c.Workspace), Key: c.Key,
			Name: c.Name, Description: c.Description, Requirements: string(requirements), CreatedAt: ms(c.CreatedAt), Owner: c.Owner})
		if err != nil {
			return fmt.Errorf("storing a control: %w", err)
		}
		if c, err = controlOf(r); err != nil {
			return err
		}
		return s.enterConfig(ctx, q, c.Workspace, "control", string(c.ID), c)
	})
	return c, err
}

// AddControl stores a new control and gives what is stored; Conflict if its key is taken.
func (s *Store) AddControl(ctx context.Context, c evidence.Control) (evidence.Control, error) {
	requirements, err := json.Marshal(c.Requirements)
	if err != nil {
		return c, fmt.Errorf("writing down the requirements of a control: %w", err)
	}
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		r, err := q.AddControl(ctx, sqlc.AddControlParams{ID: string(c.ID), Workspace: string(c.Workspace), Key: c.Key,
			Name: c.Name, Description: c.Description, Requirements: string(requirements), CreatedAt: ms(c.CreatedAt), Owner: c.Owner})
		if errors.Is(err, sql.ErrNoRows) {
			return evidence.Errorf(evidence.Conflict, "There is a control %s already. Choose another key.", c.Key)
		}
		if err != nil {
			return fmt.Errorf("storing a control: %w", err)
		}
		if c, err = controlOf(r); err != nil {
			return err
		}
		return s.enterConfig(ctx, q, c.Workspace, "control", string(c.ID), c)
	})
	return c, err
}

// ChangeControl stores name, description, owner, requirements and retirement of a control and gives what is stored;
// Conflict if it was changed since the revision that c has.
func (s *Store) ChangeControl(ctx context.Context, c evidence.Control) (evidence.Control, error) {
	requirements, err := json.Marshal(c.Requirements)
	if err != nil {
		return c, fmt.Errorf("writing down the requirements of a control: %w", err)
	}
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		r, err := q.ChangeControl(ctx, sqlc.ChangeControlParams{Name: c.Name, Description: c.Description, Requirements: string(requirements),
			Owner: c.Owner, RetiredAt: ms(c.RetiredAt), Retired: c.Retired, Workspace: string(c.Workspace), ID: string(c.ID), Revision: int64(c.Revision)})
		if errors.Is(err, sql.ErrNoRows) {
			return evidence.Errorf(evidence.Conflict, "Somebody else changed %s meanwhile. Look at it again and repeat your change.", c.Key)
		}
		if err != nil {
			return fmt.Errorf("changing a control: %w", err)
		}
		if c, err = controlOf(r); err != nil {
			return err
		}
		return s.enterConfig(ctx, q, c.Workspace, "control", string(c.ID), c)
	})
	return c, err
}

// Controls gives the controls of a workspace by key.
func (s *Store) Controls(ctx context.Context, ws evidence.ID) ([]evidence.Control, error) {
	rows, err := s.queries().Controls(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading controls: %w", err)
	}
	var all []evidence.Control
	for _, r := range rows {
		c, err := controlOf(r)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Control gives one control by its ID or key.
func (s *Store) Control(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Control, error) {
	r, err := s.queries().Control(ctx, string(ws), idOrKey)
	if err != nil {
		return evidence.Control{}, notFound(err, "reading a control", "There is no control %s.", idOrKey)
	}
	return controlOf(r)
}

func controlOf(r sqlc.Control) (evidence.Control, error) {
	c := evidence.Control{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Key: r.Key, Name: r.Name,
		Description: r.Description, Owner: r.Owner, CreatedAt: fromMS(r.CreatedAt), RetiredAt: fromMS(r.RetiredAt), Retired: r.Retired, Revision: int(r.Revision)}
	if err := json.Unmarshal([]byte(r.Requirements), &c.Requirements); err != nil {
		return c, fmt.Errorf("reading the requirements of control %s: %w", r.Key, err)
	}
	return c, nil
}

// PutAction stores an action, or changes the one with the same key, whose ID and creation stay, and gives what is stored.
func (s *Store) PutAction(ctx context.Context, a evidence.Action) (evidence.Action, error) {
	if a.Control != "" {
		if _, err := s.Control(ctx, a.Workspace, string(a.Control)); err != nil {
			return a, err
		}
	}
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		r, err := q.PutAction(ctx, sqlc.PutActionParams{ID: string(a.ID), Workspace: string(a.Workspace), Key: a.Key,
			Control: orNull(a.Control), Title: a.Title, Description: a.Description, Owner: a.Owner, Due: ms(a.Due),
			Cadence: string(a.Cadence), Recipe: a.Recipe, Status: string(cmp.Or(a.Status, evidence.ActionOpen)), CreatedAt: ms(a.CreatedAt)})
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

// Actions gives the actions of a workspace by key.
func (s *Store) Actions(ctx context.Context, ws evidence.ID) ([]evidence.Action, error) {
	rows, err := s.queries().Actions(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading actions: %w", err)
	}
	var all []evidence.Action
	for _, r := range rows {
		a, err := actionOf(r)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// Action gives one action by its ID or key.
func (s *Store) Action(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Action, error) {
	r, err := s.queries().Action(ctx, string(ws), idOrKey)
	if err != nil {
		return evidence.Action{}, notFound(err, "reading an action", "There is no action %s.", idOrKey)
	}
	return actionOf(r)
}

// UseFramework notes that a workspace works with a version of a framework. It stays in use since the first time.
func (s *Store) UseFramework(ctx context.Context, ws evidence.ID, framework, version string, at time.Time) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.UseFramework(ctx, string(ws), framework, version, ms(at)); err != nil {
			return fmt.Errorf("taking a framework into use: %w", err)
		}
		return s.enterConfig(ctx, q, ws, "framework", framework, version)
	})
}

// FrameworksInUse gives the frameworks that a workspace works with, by id.
func (s *Store) FrameworksInUse(ctx context.Context, ws evidence.ID) ([]FrameworkInUse, error) {
	rows, err := s.queries().FrameworksInUse(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading frameworks in use: %w", err)
	}
	var all []FrameworkInUse
	for _, r := range rows {
		all = append(all, FrameworkInUse{Framework: r.Framework, Version: r.Version, Since: fromMS(r.Since)})
	}
	return all, nil
}
