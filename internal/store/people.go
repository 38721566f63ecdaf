package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Member is a person who may sign in to a workspace.
type Member struct {
	ID          evidence.ID
	Workspace   evidence.ID
	Name        string
	Email       string // unique in the workspace
	Role        string
	CreatedAt   time.Time
	JoinedAt    time.Time // when he signed in first; zero: he is invited
	SuspendedAt time.Time // zero: he is not
	SuspendedBy string
}

// Session is one sign-in. Only the hash of its secret is stored.
type Session struct {
	Hash      [32]byte
	Member    evidence.ID
	Workspace evidence.ID
	CreatedAt time.Time
	ExpiresAt time.Time
	LastSeen  time.Time
	UserAgent string
	ID        string    // names it without its secret
	Address   string    // of the network; empty: not known
	Way       string    // how he signed in
	Rotate    bool      // it is to get another secret
	ProvenAt  time.Time // when he last proved himself with a passkey; zero: never
}

// Activity is one line of the workspace's own trail. It names people and things by words, so that it outlives them.
type Activity struct {
	Number    int64 // only of lines that were read; they grow
	Workspace evidence.ID
	At        time.Time
	Who       string // member, or "command line"
	What      string // verb: "connection.add"
	Subject   string // what it was done to
	Detail    string
}

// maxWorkspaceName bounds the name of a workspace, in bytes.
const maxWorkspaceName = 100

// WorkspaceNamed gives the workspace of that name, or an error of code NotFound.
func (s *Store) WorkspaceNamed(ctx context.Context, name string) (evidence.ID, error) {
	id, err := s.queries().WorkspaceByName(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", evidence.Errorf(evidence.NotFound, "There is no workspace %q. Name another with --workspace.", name)
	}
	if err != nil {
		return "", fmt.Errorf("reading workspace %s: %w", name, err)
	}
	return evidence.ID(id), nil
}

// EnsureWorkspace gives the workspace of that name, making it if there is none. A name that could not be printed or typed
// again is refused.
func (s *Store) EnsureWorkspace(ctx context.Context, name string) (evidence.ID, error) {
	if err := checkWorkspaceName(name); err != nil {
		return "", err
	}
	id, err := s.queries().WorkspaceByName(ctx, name)
	if err == nil {
		return evidence.ID(id), nil
	}
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.AddWorkspace(ctx, string(evidence.NewID(evidence.PrefixWorkspace)), name); err != nil {
			return fmt.Errorf("making workspace %s: %w", name, err)
		}
		if id, err = q.WorkspaceByName(ctx, name); err != nil {
			return fmt.Errorf("reading workspace %s: %w", name, err)
		}
		return nil
	})
	return evidence.ID(id), err
}

func checkWorkspaceName(name string) error {
	if name == "" || len(name) > maxWorkspaceName || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return evidence.Errorf(evidence.Invalid, "The name of a workspace is 1 to %d bytes that can be printed, without spaces around them. Give --workspace NAME.", maxWorkspaceName)
	}
	return nil
}

// RenameWorkspace gives a workspace another name; Conflict if another has it. Its id, and with it the name of its log, stays.
func (s *Store) RenameWorkspace(ctx context.Context, ws evidence.ID, name string) error {
	if err := checkWorkspaceName(name); err != nil {
		return err
	}
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.RenameWorkspace(ctx, name, string(ws))
		if err != nil {
			return fmt.Errorf("renaming a workspace: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "There is a workspace named %q already.", name)
		}
		return s.enterConfig(ctx, q, ws, "workspace", string(ws), name)
	})
}

// Workspaces gives all workspaces, oldest first.
func (s *Store) Workspaces(ctx context.Context) ([]evidence.ID, error) {
	rows, err := s.queries().Workspaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading workspaces: %w", err)
	}
	var all []evidence.ID
	for _, id := range rows {
		all = append(all, evidence.ID(id))
	}
	return all, nil
}

// AddMember stores a member; Conflict if the address is a member's already.
func (s *Store) AddMember(ctx context.Context, m Member) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.AddMember(ctx, sqlc.AddMemberParams{ID: string(m.ID), Workspace: string(m.Workspace), Name: m.Name,
			Email: m.Email, Role: m.Role, CreatedAt: ms(m.CreatedAt)})
		if err != nil {
			return fmt.Errorf("storing a member: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "%s is a member already.", m.Email)
		}
		return s.enterConfig(ctx, q, m.Workspace, "member", string(m.ID), m)
	})
}

// Members gives the members of a workspace, oldest first.
func (s *Store) Members(ctx context.Context, ws evidence.ID) ([]Member, error) {
	rows, err := s.queries().Members(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading members: %w", err)
	}
	var all []Member
	for _, r := range rows {
		all = append(all, memberOf(r))
	}
	return all, nil
}

// Member gives one member of a workspace.
func (s *Store) Member(ctx context.Context, ws, id evidence.ID) (Member, error) {
	r, err := s.queries().Member(ctx, string(ws), string(id))
	if err != nil {
		return Member{}, notFound(err, "reading a member", "There is no member %s.", id)
	}
	return memberOf(r), nil
}

func memberOf(r sqlc.Member) Member {
	return Member{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Name: r.Name, Email: r.Email, Role: r.Role, CreatedAt: fromMS(r.CreatedAt),
		JoinedAt: fromMS(r.JoinedAt), SuspendedAt: fromMS(r.SuspendedAt), SuspendedBy: r.SuspendedBy}
}

// AddSignInLink stores the hash of a link that signs member in once, until expires.
func (s *Store) AddSignInLink(ctx context.Context, ws evidence.ID, hash [32]byte, member evidence.ID, expires time.Time) error {
	err := sqlc.New(s.write).AddSignInLink(ctx, hash[:], string(ws), string(member), ms(expires))
	if err != nil {
		return fmt.Errorf("storing a sign-in link: %w", err)
	}
	return nil
}

// UseSignInLink uses a link up and tells whom it signs in; NotFound if there is no such link, or it was used or has expired.
// Of several that try at once, one succeeds.
func (s *Store) UseSignInLink(ctx context.Context, hash [32]byte, now time.Time) (Member, error) {
	var m Member
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		used, err := q.UseSignInLink(ctx, ms(now), hash[:])
		if err != nil {
			return notFound(err, "using a sign-in link", "This sign-in link does not work: it was used already, has expired, or was cut off. Ask for a new one.")
		}
		r, err := q.Member(ctx, used.Workspace, used.Member)
		if err != nil {
			return fmt.Errorf("reading a member: %w", err)
		}
		if r.SuspendedAt > 0 { // the link is used up all the same
			m = Member{}
			return nil
		}
		if err := q.JoinMember(ctx, ms(now), used.Workspace, used.Member); err != nil {
			return fmt.Errorf("noting that a member joined: %w", err)
		}
		m = memberOf(r)
		return nil
	})
	if err == nil && m.ID == "" {
		err = evidence.Errorf(evidence.NotFound, "The member of this link is suspended.")
	}
	return m, err
}

// AnySignIn reports whether anybody has ever signed in to a workspace.
func (s *Store) AnySignIn(ctx context.Context, ws evidence.ID) (bool, error) {
	n, err := s.queries().UsedSignInLinks(ctx, string(ws))
	if err != nil {
		return false, fmt.Errorf("counting sign-ins: %w", err)
	}
	return n > 0, nil
}

// AddSession stores a sign-in and drops sessions that have expired.
func (s *Store) AddSession(ctx context.Context, session Session) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.DeleteExpiredSessions(ctx, ms(session.CreatedAt)); err != nil {
			return fmt.Errorf("dropping expired sessions: %w", err)
		}
		err := q.AddSession(ctx, sqlc.AddSessionParams{Hash: session.Hash[:], Member: string(session.Member),
			Workspace: string(session.Workspace), CreatedAt: ms(session.CreatedAt), ExpiresAt: ms(session.ExpiresAt),
			LastSeen: ms(session.LastSeen), UserAgent: session.UserAgent, ID: session.ID, Address: session.Address, Way: session.Way})
		if err != nil {
			return fmt.Errorf("storing a session: %w", err)
		}
		return nil
	})
}

// Session gives a session by the hash of its secret. Whether it still holds is for the caller to judge.
func (s *Store) Session(ctx context.Context, hash [32]byte) (Session, error) {
	r, err := s.queries().Session(ctx, hash[:])
	if err != nil {
		return Session{}, notFound(err, "reading a session", "The session has ended. Sign in again.")
	}
	return sessionOf(r), nil
}

func sessionOf(r sqlc.Session) Session {
	s := Session{Member: evidence.ID(r.Member), Workspace: evidence.ID(r.Workspace), CreatedAt: fromMS(r.CreatedAt), ExpiresAt: fromMS(r.ExpiresAt),
		LastSeen: fromMS(r.LastSeen), UserAgent: r.UserAgent, ID: r.ID, Address: r.Address, Way: r.Way, Rotate: r.Rotate > 0, ProvenAt: fromMS(r.ProvenAt)}
	copy(s.Hash[:], r.Hash)
	return s
}

// TouchSession notes that a session was used; NotFound if it has ended.
func (s *Store) TouchSession(ctx context.Context, hash [32]byte, at time.Time) error {
	n, err := sqlc.New(s.write).TouchSession(ctx, ms(at), hash[:])
	if err != nil {
		return fmt.Errorf("touching a session: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.NotFound, "The session has ended. Sign in again.")
	}
	return nil
}

// DeleteSession ends a session. One that has ended already stays so.
func (s *Store) DeleteSession(ctx context.Context, hash [32]byte) error {
	if _, err := sqlc.New(s.write).DeleteSession(ctx, hash[:]); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// AddActivity appends a line to the workspace's own trail, and to its log.
func (s *Store) AddActivity(ctx context.Context, a Activity) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		err := q.AddActivity(ctx, sqlc.AddActivityParams{Workspace: string(a.Workspace), At: ms(a.At), Who: a.Who,
			What: a.What, Subject: a.Subject, Detail: a.Detail})
		if err != nil {
			return fmt.Errorf("writing the trail: %w", err)
		}
		return s.enterAction(ctx, q, a)
	})
}

// Activity gives the newest lines of the trail, newest first.
func (s *Store) Activity(ctx context.Context, ws evidence.ID, limit int) ([]Activity, error) {
	rows, err := s.queries().Activity(ctx, string(ws), int64(limit))
	if err != nil {
		return nil, fmt.Errorf("reading the trail: %w", err)
	}
	var all []Activity
	for _, r := range rows {
		all = append(all, Activity{Number: r.ID, Workspace: ws, At: fromMS(r.At), Who: r.Who, What: r.What, Subject: r.Subject, Detail: r.Detail})
	}
	return all, nil
}
