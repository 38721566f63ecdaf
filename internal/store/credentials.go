package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Credential is how a member signs in without a link. No part of it is a secret in clear: of the password there is the
// argon2id hash, and the secrets of one-time codes are sealed.
type Credential struct {
	Password   string // PHC string; empty: none
	PasswordAt time.Time
	TOTP       []byte // sealed; nil: none
	NextTOTP   []byte // sealed, not confirmed yet; nil: none
	TOTPAt     time.Time
	TOTPStep   int64 // the last step whose code was taken
	Codes      int   // recovery codes that are left
}

// Credential gives how a member signs in; the zero Credential if only by link.
func (s *Store) Credential(ctx context.Context, ws, member evidence.ID) (Credential, error) {
	r, err := s.queries().Credential(ctx, string(ws), string(member))
	if errors.Is(err, sql.ErrNoRows) {
		return Credential{}, nil
	}
	if err != nil {
		return Credential{}, fmt.Errorf("reading a credential: %w", err)
	}
	n, err := s.queries().RecoveryCodesLeft(ctx, string(ws), string(member))
	if err != nil {
		return Credential{}, fmt.Errorf("counting recovery codes: %w", err)
	}
	return Credential{Password: r.Password, PasswordAt: fromMS(r.PasswordAt), TOTP: r.Totp, NextTOTP: r.NextTotp, TOTPAt: fromMS(r.TotpAt), TOTPStep: r.TotpStep, Codes: int(n)}, nil
}

// SetPassword stores the hash of a password and ends the member's sessions but the one of that hash.
func (s *Store) SetPassword(ctx context.Context, ws, member evidence.ID, phc string, at time.Time, but [32]byte) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.PutPassword(ctx, string(ws), string(member), phc, ms(at)); err != nil {
			return fmt.Errorf("storing a password: %w", err)
		}
		if _, err := q.DeleteOtherSessions(ctx, string(ws), string(member), but[:]); err != nil {
			return fmt.Errorf("ending sessions: %w", err)
		}
		return nil
	})
}

// SetNextTOTP keeps the sealed secret of one-time codes until it is confirmed; Conflict for a member without a password.
func (s *Store) SetNextTOTP(ctx context.Context, ws, member evidence.ID, sealed []byte) error {
	n, err := sqlc.New(s.write).PutNextTOTP(ctx, sealed, string(ws), string(member))
	if err != nil {
		return fmt.Errorf("keeping a secret of one-time codes: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.Conflict, "Choose a password first.")
	}
	return nil
}

// ConfirmTOTP takes the kept secret into use, with the step of the code that confirmed it, and replaces the recovery codes.
// Conflict if another secret was kept meanwhile.
func (s *Store) ConfirmTOTP(ctx context.Context, ws, member evidence.ID, sealed []byte, step int64, at time.Time, codes [][32]byte) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.TakeNextTOTP(ctx, sqlc.TakeNextTOTPParams{TotpAt: ms(at), TotpStep: step, Workspace: string(ws), Member: string(member), NextTotp: sealed})
		if err != nil {
			return fmt.Errorf("taking one-time codes into use: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "Another secret was made meanwhile. Scan the one that is shown now.")
		}
		if err := q.DropRecoveryCodes(ctx, string(ws), string(member)); err != nil {
			return fmt.Errorf("dropping recovery codes: %w", err)
		}
		for _, c := range codes {
			if err := q.AddRecoveryCode(ctx, string(ws), string(member), c[:]); err != nil {
				return fmt.Errorf("storing a recovery code: %w", err)
			}
		}
		return nil
	})
}

// UseTOTPStep notes that the code of a step was taken; false if that or a later one was before.
func (s *Store) UseTOTPStep(ctx context.Context, ws, member evidence.ID, step int64) (bool, error) {
	n, err := sqlc.New(s.write).UseTOTPStep(ctx, step, string(ws), string(member))
	if err != nil {
		return false, fmt.Errorf("taking a one-time code: %w", err)
	}
	return n == 1, nil
}

// UseRecoveryCode uses a recovery code up; false if there is no such code.
func (s *Store) UseRecoveryCode(ctx context.Context, ws, member evidence.ID, hash [32]byte) (bool, error) {
	n, err := sqlc.New(s.write).UseRecoveryCode(ctx, string(ws), string(member), hash[:])
	if err != nil {
		return false, fmt.Errorf("taking a recovery code: %w", err)
	}
	return n == 1, nil
}

// MembersByEmail gives who is a member under a mail address and not suspended, in all workspaces.
func (s *Store) MembersByEmail(ctx context.Context, email string) ([]Member, error) {
	rows, err := s.queries().MembersByEmail(ctx, email)
	if err != nil {
		return nil, fmt.Errorf("finding members: %w", err)
	}
	var all []Member
	for _, r := range rows {
		all = append(all, memberOf(r))
	}
	return all, nil
}

// AddSignInStep stores that a password was right for members, until expires, and drops steps that have expired.
func (s *Store) AddSignInStep(ctx context.Context, hash [32]byte, members []Member, now, expires time.Time) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.DropSignInSteps(ctx, ms(now)); err != nil {
			return fmt.Errorf("dropping expired steps: %w", err)
		}
		for _, m := range members {
			if err := q.AddSignInStep(ctx, hash[:], string(m.Workspace), string(m.ID), ms(expires)); err != nil {
				return fmt.Errorf("storing a step of a sign-in: %w", err)
			}
		}
		return nil
	})
}

// TrySignInStep counts a try at the second factor and gives for whom the password was right, by workspace; none if the step
// has expired, ended or was tried most times.
func (s *Store) TrySignInStep(ctx context.Context, hash [32]byte, now time.Time, most int) (map[evidence.ID]evidence.ID, error) {
	members := map[evidence.ID]evidence.ID{}
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		rows, err := q.TrySignInStep(ctx, hash[:], ms(now), int64(most))
		for _, r := range rows {
			members[evidence.ID(r.Workspace)] = evidence.ID(r.Member)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("trying a second factor: %w", err)
	}
	return members, nil
}

// DropSignInStep ends a step, so that it opens no second session.
func (s *Store) DropSignInStep(ctx context.Context, hash [32]byte) error {
	if err := sqlc.New(s.write).DropSignInStep(ctx, hash[:]); err != nil {
		return fmt.Errorf("ending a step of a sign-in: %w", err)
	}
	return nil
}

// Named is a workspace with its name.
type Named struct {
	ID   evidence.ID
	Name string
}

// WorkspaceNames gives all workspaces with their names, oldest first.
func (s *Store) WorkspaceNames(ctx context.Context) ([]Named, error) {
	rows, err := s.queries().WorkspaceNames(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading workspaces: %w", err)
	}
	var all []Named
	for _, r := range rows {
		all = append(all, Named{evidence.ID(r.ID), r.Name})
	}
	return all, nil
}
