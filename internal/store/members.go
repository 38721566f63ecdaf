package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// SetRole gives a member another role and asks his sessions to change their secrets. keep is the role of which an active
// member must remain: Conflict if nobody would.
func (s *Store) SetRole(ctx context.Context, ws, id evidence.ID, role, keep string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if role != keep {
			if err := keepOne(ctx, q, ws, id, keep); err != nil {
				return err
			}
		}
		n, err := q.SetMemberRole(ctx, role, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("changing a role: %w", err)
		}
		if n == 0 {
			return noMember(id)
		}
		if err := q.AskToRotate(ctx, string(ws), string(id)); err != nil {
			return fmt.Errorf("rotating sessions: %w", err)
		}
		return nil
	})
}

// Suspend shuts a member out: his sessions, links and API tokens end with the same commit. He stays in the table, and in
// history. Errors are Conflict if he is suspended already or nobody active of the role keep would remain.
func (s *Store) Suspend(ctx context.Context, ws, id evidence.ID, who string, at time.Time, keep string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := keepOne(ctx, q, ws, id, keep); err != nil {
			return err
		}
		n, err := q.SuspendMember(ctx, ms(at), who, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("suspending a member: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "This member is suspended already.")
		}
		if err := q.DropSignInLinks(ctx, string(ws), string(id)); err != nil {
			return fmt.Errorf("dropping sign-in links: %w", err)
		}
		if _, err := q.DeleteOtherSessions(ctx, string(ws), string(id), []byte{}); err != nil {
			return fmt.Errorf("ending sessions: %w", err)
		}
		if err := q.RevokeAPITokensOf(ctx, ms(at), who, string(ws), string(id)); err != nil {
			return fmt.Errorf("revoking API tokens: %w", err)
		}
		return nil
	})
}

// keepOne refuses what would leave a workspace without an active member of a role. It locks the workspace, so that of two
// administrators who shut each other out at once one remains.
func keepOne(ctx context.Context, q *sqlc.Queries, ws, id evidence.ID, role string) error {
	if err := q.LockWorkspace(ctx, string(ws)); err != nil {
		return fmt.Errorf("locking the workspace: %w", err)
	}
	m, err := q.Member(ctx, string(ws), string(id))
	if err != nil {
		return notFound(err, "reading a member", "There is no member %s.", id)
	}
	if m.Role != role || m.SuspendedAt > 0 {
		return nil
	}
	var invitedToo int64
	if m.JoinedAt == 0 {
		invitedToo = 1
	}
	n, err := q.OtherMembersOfRole(ctx, string(ws), string(id), role, invitedToo)
	if err != nil {
		return fmt.Errorf("counting members: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.Conflict, "This is the last active administrator. Make somebody else an administrator first, and let him sign in.")
	}
	return nil
}

// Reinstate lets a suspended member in again. What ended with his suspension stays ended.
func (s *Store) Reinstate(ctx context.Context, ws, id evidence.ID) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.ReinstateMember(ctx, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("reinstating a member: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "This member is not suspended.")
		}
		return nil
	})
}

// DropSignInLinks makes the unused links of a member useless.
func (s *Store) DropSignInLinks(ctx context.Context, ws, member evidence.ID) error {
	if err := sqlc.New(s.write).DropSignInLinks(ctx, string(ws), string(member)); err != nil {
		return fmt.Errorf("dropping sign-in links: %w", err)
	}
	return nil
}

// SessionsOf gives the sessions of a member, the one used last first; those that have expired may be among them.
func (s *Store) SessionsOf(ctx context.Context, ws, member evidence.ID) ([]Session, error) {
	rows, err := s.queries().SessionsOf(ctx, string(ws), string(member))
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	var all []Session
	for _, r := range rows {
		all = append(all, sessionOf(r))
	}
	return all, nil
}

// EndSession ends one session of a member by its id; NotFound if he has none of that id.
func (s *Store) EndSession(ctx context.Context, ws, member evidence.ID, id string) error {
	n, err := sqlc.New(s.write).DeleteSessionByID(ctx, string(ws), string(member), id)
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.NotFound, "There is no such session. It may have ended by itself.")
	}
	return nil
}

// EndOtherSessions ends all sessions of a member but the one of that hash, and tells how many.
func (s *Store) EndOtherSessions(ctx context.Context, ws, member evidence.ID, but [32]byte) (int, error) {
	n, err := sqlc.New(s.write).DeleteOtherSessions(ctx, string(ws), string(member), but[:])
	if err != nil {
		return 0, fmt.Errorf("ending sessions: %w", err)
	}
	return int(n), nil
}

// RotateSession gives a session another secret. Of several that try at once, one succeeds: ok tells which.
func (s *Store) RotateSession(ctx context.Context, old, fresh [32]byte) (ok bool, err error) {
	n, err := sqlc.New(s.write).RotateSession(ctx, fresh[:], old[:])
	if err != nil {
		return false, fmt.Errorf("rotating a session: %w", err)
	}
	return n == 1, nil
}

func noMember(id evidence.ID) error {
	return evidence.Errorf(evidence.NotFound, "There is no member %s.", id)
}

// State says whether a member is invited, active or suspended.
func (m Member) State() string {
	switch {
	case !m.SuspendedAt.IsZero():
		return "suspended"
	case m.JoinedAt.IsZero():
		return "invited"
	}
	return "active"
}
