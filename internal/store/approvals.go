package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Approval is a connection that somebody began to approve in the browser. It belongs to one member of one workspace;
// of its link only the hash is stored.
type Approval struct {
	Hash       [32]byte
	Workspace  evidence.ID
	Member     evidence.ID
	Source     string            // id of the kind of source
	Connection evidence.ID       // which one gets a new token; empty: a new connection, until it is made
	Server     string            // empty: not chosen yet
	Name       string            // what was typed for the new connection's name
	Step       string            // where the person stands
	Missing    []evidence.Stream // what the held token may not read
	Token      []byte            // sealed; nil: none is held
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time // zero: not yet
}

// AddApproval stores a fresh approval and drops those that have expired, with the tokens that they held.
func (s *Store) AddApproval(ctx context.Context, a Approval) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.DeleteExpiredApprovals(ctx, ms(a.CreatedAt)); err != nil {
			return fmt.Errorf("dropping expired approvals: %w", err)
		}
		err := q.AddApproval(ctx, sqlc.AddApprovalParams{Hash: a.Hash[:], Workspace: string(a.Workspace), Member: string(a.Member),
			Source: a.Source, Connection: string(a.Connection), Server: a.Server, Name: a.Name, Step: a.Step,
			CreatedAt: ms(a.CreatedAt), ExpiresAt: ms(a.ExpiresAt)})
		if err != nil {
			return fmt.Errorf("storing an approval: %w", err)
		}
		return nil
	})
}

// Approval gives an approval of a member, used or not; NotFound if there is none, or it is somebody else's, or has
// expired at now.
func (s *Store) Approval(ctx context.Context, ws, member evidence.ID, hash [32]byte, now time.Time) (Approval, error) {
	r, err := s.queries().Approval(ctx, hash[:], string(ws), string(member), ms(now))
	if err != nil {
		return Approval{}, notFound(err, "reading an approval", "This link does not work: it has expired, was cut off, or was made for somebody else.")
	}
	return Approval{Hash: hash, Workspace: ws, Member: member, Source: r.Source, Connection: evidence.ID(r.Connection), Server: r.Server,
		Name: r.Name, Step: r.Step, Missing: splitStreams(r.Missing), Token: r.Token, CreatedAt: fromMS(r.CreatedAt), ExpiresAt: fromMS(r.ExpiresAt), UsedAt: fromMS(r.UsedAt)}, nil
}

// OpenApproval is an approval that somebody began and has not finished yet.
type OpenApproval struct {
	Source     string      // id of the kind of source
	Connection evidence.ID // which one waits for a token; empty: a new connection
	Member     evidence.ID // whose link it is
	Name       string      // of the member
	ExpiresAt  time.Time
}

// OpenApprovals gives the approvals of a workspace that wait for their person at now, the first to expire first.
func (s *Store) OpenApprovals(ctx context.Context, ws evidence.ID, now time.Time) ([]OpenApproval, error) {
	rows, err := s.queries().OpenApprovals(ctx, string(ws), ms(now))
	if err != nil {
		return nil, fmt.Errorf("listing open approvals: %w", err)
	}
	var open []OpenApproval
	for _, r := range rows {
		open = append(open, OpenApproval{Source: r.Source, Connection: evidence.ID(r.Connection), Member: evidence.ID(r.Member), Name: r.Name, ExpiresAt: fromMS(r.ExpiresAt)})
	}
	return open, nil
}

// UpdateApproval stores server, name, step, what is missing and the sealed token of an approval; Conflict if it is used or has expired.
func (s *Store) UpdateApproval(ctx context.Context, a Approval, now time.Time) error {
	n, err := sqlc.New(s.write).UpdateApproval(ctx, sqlc.UpdateApprovalParams{Server: a.Server, Name: a.Name, Step: a.Step,
		Missing: joinStreams(a.Missing), Token: a.Token,
		Hash: a.Hash[:], Workspace: string(a.Workspace), Member: string(a.Member), Now: ms(now)})
	if err != nil {
		return fmt.Errorf("storing an approval: %w", err)
	}
	if n == 0 {
		return usedUp()
	}
	return nil
}

// UseApproval uses an approval up; Conflict if it is used or has expired. Of several that try at once, one succeeds.
func (s *Store) UseApproval(ctx context.Context, a Approval, now time.Time) error {
	n, err := sqlc.New(s.write).UseApproval(ctx, ms(now), a.Hash[:], string(a.Workspace), string(a.Member))
	if err != nil {
		return fmt.Errorf("using an approval: %w", err)
	}
	if n == 0 {
		return usedUp()
	}
	return nil
}

// CloseApproval notes which connection came out of a used approval, and forgets the token that it held.
func (s *Store) CloseApproval(ctx context.Context, a Approval, made evidence.ID) error {
	if _, err := sqlc.New(s.write).CloseApproval(ctx, string(made), a.Hash[:], string(a.Workspace), string(a.Member)); err != nil {
		return fmt.Errorf("closing an approval: %w", err)
	}
	return nil
}

// ReopenApproval makes a used approval usable again, because nothing came out of it.
func (s *Store) ReopenApproval(ctx context.Context, a Approval) error {
	if _, err := sqlc.New(s.write).ReopenApproval(ctx, a.Hash[:], string(a.Workspace), string(a.Member)); err != nil {
		return fmt.Errorf("reopening an approval: %w", err)
	}
	return nil
}

func usedUp() error {
	return evidence.Errorf(evidence.Conflict, "This link was used already, or has expired. Begin again.")
}
