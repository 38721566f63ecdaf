package signin

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Device is where somebody signs in from, as far as it is known.
type Device struct {
	Agent   string // what the browser says of itself
	Address string // of the network; empty: not known
}

// The ways to sign in, as they stand in lists and in the trail.
const ByLink = "link"

// Session is one sign-in as it may be shown: without its secret.
type Session struct {
	ID        string
	Since     time.Time
	LastSeen  time.Time // to the minute
	ExpiresAt time.Time
	Device
	Way     string
	Current bool // it is the one that asks
}

// open opens a session for a member and gives its secret.
func (s *Service) open(ctx context.Context, m store.Member, d Device, way string) (string, people.Caller, error) {
	now, secret := s.now().UTC(), newSecret()
	err := s.store.AddSession(ctx, store.Session{
		Hash: hash(secret), ID: string(evidence.NewID("se")), Member: m.ID, Workspace: m.Workspace, CreatedAt: now, ExpiresAt: now.Add(SessionLife),
		LastSeen: now, UserAgent: short(d.Agent), Address: d.Address, Way: way,
	})
	if err != nil {
		return "", people.Caller{}, fmt.Errorf("opening a session: %w", err)
	}
	c := caller(m)
	return secret, c, s.note(ctx, m.Workspace, c.Who(), "session.open", string(m.ID), "signed in with a "+way)
}

// Sessions gives the sessions of a member that hold: his own, or those of somebody else to whoever manages people. secret is
// that of the session that asks, "" for none.
func (s *Service) Sessions(ctx context.Context, c people.Caller, member evidence.ID, secret string) ([]Session, error) {
	if err := s.overSessions(ctx, c, member); err != nil {
		return nil, err
	}
	rows, err := s.store.SessionsOf(ctx, c.Workspace, member)
	if err != nil {
		return nil, err
	}
	own, now := hash(secret), s.now()
	var all []Session
	for _, r := range rows {
		if !now.Before(r.ExpiresAt) || now.Sub(r.LastSeen) >= IdleLimit {
			continue
		}
		all = append(all, Session{ID: r.ID, Since: r.CreatedAt, LastSeen: r.LastSeen, ExpiresAt: r.ExpiresAt, Way: r.Way,
			Device: Device{Agent: r.UserAgent, Address: r.Address}, Current: subtle.ConstantTimeCompare(own[:], r.Hash[:]) == 1})
	}
	return all, nil
}

// EndSession ends a session of a member at once.
func (s *Service) EndSession(ctx context.Context, c people.Caller, member evidence.ID, id string) error {
	if err := s.overSessions(ctx, c, member); err != nil {
		return err
	}
	if err := s.store.EndSession(ctx, c.Workspace, member, id); err != nil {
		return err
	}
	return s.note(ctx, c.Workspace, c.Who(), "session.revoke", string(member), id)
}

// EndOtherSessions ends all sessions of the caller but the one whose secret is given, and tells how many.
func (s *Service) EndOtherSessions(ctx context.Context, c people.Caller, secret string) (int, error) {
	if err := c.May(people.Own); err != nil {
		return 0, err
	}
	n, err := s.store.EndOtherSessions(ctx, c.Workspace, c.Member, hash(secret))
	if err != nil || n == 0 {
		return n, err
	}
	return n, s.note(ctx, c.Workspace, c.Who(), "session.revoke", string(c.Member), fmt.Sprintf("%d others", n))
}

// overSessions asks whether the caller may look at and end the sessions of a member.
func (s *Service) overSessions(ctx context.Context, c people.Caller, member evidence.ID) error {
	if member == c.Member {
		return c.May(people.Own)
	}
	if err := c.May(people.ManagePeople); err != nil {
		return err
	}
	_, err := s.store.Member(ctx, c.Workspace, member)
	return err
}

// Rotate gives a session another secret if its member's role was changed since; "" if there is no need. The secret before
// ends with it, so that what was read of it elsewhere is worth nothing under the new role.
func (s *Service) Rotate(ctx context.Context, secret string) (string, error) {
	session, err := s.store.Session(ctx, hash(secret))
	if evidence.ErrorCode(err) == evidence.NotFound {
		return "", nil
	}
	if err != nil || !session.Rotate {
		return "", err
	}
	fresh := newSecret()
	ok, err := s.store.RotateSession(ctx, hash(secret), hash(fresh))
	if err != nil || !ok {
		return "", err
	}
	return fresh, nil
}
