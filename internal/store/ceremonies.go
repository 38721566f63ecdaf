package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Ceremony is the server's half of what is done with a passkey, between its two steps.
type Ceremony struct {
	Hash      [32]byte // of the secret that the browser has
	Purpose   string
	Workspace evidence.ID // empty: nobody is known before he has signed in
	Member    evidence.ID
	Data      string // JSON
	ExpiresAt time.Time
}

// PutCeremony keeps a half and drops those that have ended; Unavailable if most are open already.
func (s *Store) PutCeremony(ctx context.Context, c Ceremony, now time.Time, most int) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.DropCeremonies(ctx, ms(now)); err != nil {
			return fmt.Errorf("dropping what was begun with passkeys: %w", err)
		}
		open, err := q.OpenCeremonies(ctx)
		if err != nil {
			return fmt.Errorf("counting what was begun with passkeys: %w", err)
		}
		if open >= int64(most) {
			return evidence.Errorf(evidence.Unavailable, "Too many people sign in just now. Try again in a minute.")
		}
		err = q.AddCeremony(ctx, sqlc.AddCeremonyParams{Hash: c.Hash[:], Purpose: c.Purpose, Workspace: orNull(c.Workspace), Member: orNull(c.Member), Data: c.Data, ExpiresAt: ms(c.ExpiresAt)})
		if err != nil {
			return fmt.Errorf("keeping what was begun with a passkey: %w", err)
		}
		return nil
	})
}

// TakeCeremony gives a half once, whoever asks; NotFound afterwards. Whether it still holds is for the caller to judge.
func (s *Store) TakeCeremony(ctx context.Context, hash [32]byte) (Ceremony, error) {
	r, err := sqlc.New(s.write).TakeCeremony(ctx, hash[:])
	if err != nil {
		return Ceremony{}, notFound(err, "taking what was begun with a passkey", "It was not begun here, or taken before.")
	}
	return Ceremony{Hash: hash, Purpose: r.Purpose, Workspace: evidence.ID(r.Workspace.String), Member: evidence.ID(r.Member.String), Data: r.Data, ExpiresAt: fromMS(r.ExpiresAt)}, nil
}

// ProveSession notes that the person of a session proved himself with a passkey; NotFound if it has ended.
func (s *Store) ProveSession(ctx context.Context, hash [32]byte, at time.Time) error {
	n, err := sqlc.New(s.write).ProveSession(ctx, ms(at), hash[:])
	if err != nil {
		return fmt.Errorf("noting that somebody proved himself: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.NotFound, "The session has ended. Sign in again.")
	}
	return nil
}
