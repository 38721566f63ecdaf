package store

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// APIToken is a secret with which a program asks on behalf of a member. Of the secret only the hash is stored.
type APIToken struct {
	ID         evidence.ID
	Workspace  evidence.ID
	Member     evidence.ID
	MemberName string // only in lists
	MemberRole string // only in lists
	Name       string
	Hash       [32]byte // not in lists
	Scopes     string
	CreatedAt  time.Time
	CreatedBy  string
	ExpiresAt  time.Time
	LastUsedAt time.Time // to the minute; zero: never
	RevokedAt  time.Time // zero: not
	RevokedBy  string
}

// AddAPIToken stores a token.
func (s *Store) AddAPIToken(ctx context.Context, t APIToken) error {
	err := sqlc.New(s.write).AddAPIToken(ctx, sqlc.AddAPITokenParams{ID: string(t.ID), Workspace: string(t.Workspace), Member: string(t.Member),
		Name: t.Name, Hash: t.Hash[:], Scopes: t.Scopes, CreatedAt: ms(t.CreatedAt), CreatedBy: t.CreatedBy, ExpiresAt: ms(t.ExpiresAt)})
	if err != nil {
		return fmt.Errorf("storing an API token: %w", err)
	}
	return nil
}

// APITokens gives the tokens of a workspace, the newest first; those that were revoked or have expired too.
func (s *Store) APITokens(ctx context.Context, ws evidence.ID) ([]APIToken, error) {
	rows, err := s.queries().APITokens(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading API tokens: %w", err)
	}
	var all []APIToken
	for _, r := range rows {
		all = append(all, APIToken{ID: evidence.ID(r.ID), Workspace: ws, Member: evidence.ID(r.Member), MemberName: r.MemberName, MemberRole: r.MemberRole,
			Name: r.Name, Scopes: r.Scopes, CreatedAt: fromMS(r.CreatedAt), CreatedBy: r.CreatedBy, ExpiresAt: fromMS(r.ExpiresAt),
			LastUsedAt: fromMS(r.LastUsedAt), RevokedAt: fromMS(r.RevokedAt), RevokedBy: r.RevokedBy})
	}
	return all, nil
}

// APITokenByHash gives a token by the hash of its secret, in whatever workspace it is. Whether it still holds is for the
// caller to judge; NotFound if there is none, or its member is gone.
func (s *Store) APITokenByHash(ctx context.Context, hash [32]byte) (APIToken, error) {
	r, err := s.queries().APITokenByHash(ctx, hash[:])
	if err != nil {
		return APIToken{}, notFound(err, "reading an API token", "There is no such token.")
	}
	t := APIToken{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Member: evidence.ID(r.Member), Name: r.Name, Scopes: r.Scopes,
		CreatedAt: fromMS(r.CreatedAt), CreatedBy: r.CreatedBy, ExpiresAt: fromMS(r.ExpiresAt), LastUsedAt: fromMS(r.LastUsedAt),
		RevokedAt: fromMS(r.RevokedAt), RevokedBy: r.RevokedBy}
	copy(t.Hash[:], r.Hash)
	return t, nil
}

// TouchAPIToken notes that a token was used. One that was revoked meanwhile stays as it is.
func (s *Store) TouchAPIToken(ctx context.Context, hash [32]byte, at time.Time) error {
	if _, err := sqlc.New(s.write).TouchAPIToken(ctx, ms(at), hash[:]); err != nil {
		return fmt.Errorf("touching an API token: %w", err)
	}
	return nil
}

// RevokeAPIToken ends a token at once; NotFound if the workspace has none of that id, Conflict if it was revoked before.
func (s *Store) RevokeAPIToken(ctx context.Context, ws, id evidence.ID, who string, at time.Time) error {
	n, err := sqlc.New(s.write).RevokeAPIToken(ctx, ms(at), who, string(ws), string(id))
	if err != nil {
		return fmt.Errorf("revoking an API token: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.Conflict, "This token was revoked before.")
	}
	return nil
}
