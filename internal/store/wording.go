package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// DeclineWording notes that somebody did not want facts to be said, with its line of the trail, all or nothing.
func (s *Store) DeclineWording(ctx context.Context, a Activity, facts []string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		for _, fact := range facts {
			if err := q.DeclineWording(ctx, string(a.Workspace), fact, ms(a.At), a.Who); err != nil {
				return fmt.Errorf("declining a change of wording: %w", err)
			}
		}
		err := q.AddActivity(ctx, sqlc.AddActivityParams{Workspace: string(a.Workspace), At: ms(a.At), Who: a.Who, What: a.What, Subject: a.Subject, Detail: a.Detail})
		if err != nil {
			return fmt.Errorf("writing the trail: %w", err)
		}
		return s.enterAction(ctx, q, a)
	})
}

// DeclinedWording gives the facts that were declined, each for its text, and the ids of changes that older programs noted instead.
func (s *Store) DeclinedWording(ctx context.Context, ws evidence.ID) ([]string, error) {
	all, err := s.queries().DeclinedWording(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading what was declined: %w", err)
	}
	return all, nil
}
