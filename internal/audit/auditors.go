package audit

import (
	"context"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Invited is an auditor who was let into a room.
type Invited struct {
	Member    store.Member
	Path      string // of a link that lets him in once; empty: he has signed in before and comes as he did
	ExpiresAt time.Time
}

// Invite makes a member with the role auditor, or finds the one who has the address already.
type Invite func(ctx context.Context, c people.Caller, name, email string) (Invited, error)

// Auditors gives who was let into the room of an audit, those who were let out again included.
func (s *Service) Auditors(ctx context.Context, c people.Caller, idOrName string) ([]store.Auditor, error) {
	a, err := s.enter(ctx, c, people.ReadSettings, idOrName)
	if err != nil {
		return nil, err
	}
	return s.cfg.Store.Auditors(ctx, c.Workspace, a.ID)
}

// InviteAuditor lets somebody into the room of an audit: a new member with the role auditor, or one who has it already.
func (s *Service) InviteAuditor(ctx context.Context, c people.Caller, idOrName, name, email string) (Invited, error) {
	a, err := s.enter(ctx, c, people.ManagePeople, idOrName)
	if err != nil {
		return Invited{}, err
	}
	in, err := s.cfg.Invite(ctx, c, name, email)
	if err != nil {
		return Invited{}, err
	}
	if err := s.cfg.Store.LetIn(ctx, c.Workspace, a.ID, in.Member.ID, s.now(), c.Who()); err != nil {
		return Invited{}, err
	}
	return in, s.note(ctx, c, "audit.auditor", a.ID, "let in: "+nameOf(in.Member))
}

// LetOut ends an auditor's access to the room of an audit at once. What he asked and noted stays.
func (s *Service) LetOut(ctx context.Context, c people.Caller, idOrName string, member evidence.ID) error {
	a, err := s.enter(ctx, c, people.ManagePeople, idOrName)
	if err != nil {
		return err
	}
	if err := s.cfg.Store.LetOut(ctx, c.Workspace, a.ID, member, s.now(), c.Who()); err != nil {
		return err
	}
	return s.note(ctx, c, "audit.auditor", a.ID, "let out: "+string(member))
}

func nameOf(m store.Member) string {
	return strings.TrimSpace(string(m.ID) + " " + people.Caller{Member: m.ID, Name: m.Name, Email: m.Email}.Who())
}
