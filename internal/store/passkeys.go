package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Passkey is a public key with which a member signs in.
type Passkey struct {
	ID         string // of the credential, base64url
	Workspace  evidence.ID
	Member     evidence.ID
	Name       string
	Credential string // its record as JSON
	CreatedAt  time.Time
	UsedAt     time.Time // zero: never
}

// AddPasskey stores a passkey; Conflict if it is known.
func (s *Store) AddPasskey(ctx context.Context, p Passkey) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.AddPasskey(ctx, sqlc.AddPasskeyParams{ID: p.ID, Workspace: string(p.Workspace), Member: string(p.Member), Name: p.Name, Credential: p.Credential, CreatedAt: ms(p.CreatedAt)})
		if err != nil {
			return fmt.Errorf("storing a passkey: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "This passkey is known already.")
		}
		return s.enterConfig(ctx, q, p.Workspace, "passkey", p.ID, map[string]any{"member": p.Member, "name": p.Name, "in": true})
	})
}

// Passkeys gives the passkeys of a member, oldest first.
func (s *Store) Passkeys(ctx context.Context, ws, member evidence.ID) ([]Passkey, error) {
	rows, err := s.queries().Passkeys(ctx, string(ws), string(member))
	if err != nil {
		return nil, fmt.Errorf("reading passkeys: %w", err)
	}
	var all []Passkey
	for _, r := range rows {
		all = append(all, passkeyOf(r))
	}
	return all, nil
}

// PasskeyByID gives a passkey by the id of its credential, which says whose it is and in which workspace.
func (s *Store) PasskeyByID(ctx context.Context, id string) (Passkey, error) {
	r, err := s.queries().PasskeyByID(ctx, id)
	if err != nil {
		return Passkey{}, notFound(err, "reading a passkey", "This passkey is not known here.")
	}
	return passkeyOf(r), nil
}

func passkeyOf(r sqlc.Passkey) Passkey {
	return Passkey{ID: r.ID, Workspace: evidence.ID(r.Workspace), Member: evidence.ID(r.Member), Name: r.Name, Credential: r.Credential, CreatedAt: fromMS(r.CreatedAt), UsedAt: fromMS(r.UsedAt)}
}

// UsePasskey notes that a passkey was used, with its record as it is since.
func (s *Store) UsePasskey(ctx context.Context, p Passkey) error {
	if err := sqlc.New(s.write).UsePasskey(ctx, p.Credential, ms(p.UsedAt), string(p.Workspace), p.ID); err != nil {
		return fmt.Errorf("noting the use of a passkey: %w", err)
	}
	return nil
}

// RemovePasskey takes a passkey away from a member; NotFound if he has none of that id.
func (s *Store) RemovePasskey(ctx context.Context, ws, member evidence.ID, id string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.RemovePasskey(ctx, string(ws), string(member), id)
		if err != nil {
			return fmt.Errorf("removing a passkey: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.NotFound, "You have no such passkey.")
		}
		return s.enterConfig(ctx, q, ws, "passkey", id, map[string]any{"member": member, "in": false})
	})
}
