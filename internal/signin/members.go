package signin

import (
	"context"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// InviteRequest names who is to become a member.
type InviteRequest struct {
	Name  string
	Email string
	Role  people.Role
}

// Invite makes a member and a link that lets him in once within LinkLife; the link is given to whoever invites, this once.
// Errors are Forbidden, Invalid with what to write instead, and Conflict for an address that is taken.
func (s *Service) Invite(ctx context.Context, c people.Caller, req InviteRequest) (Link, error) {
	if err := c.May(people.ManagePeople); err != nil {
		return Link{}, err
	}
	name, email := strings.TrimSpace(req.Name), strings.TrimSpace(req.Email)
	if err := checkMember(name, email); err != nil {
		return Link{}, err
	}
	role, err := people.ParseRole(string(req.Role))
	if err != nil {
		return Link{}, err
	}
	members, err := s.Members(ctx, c.Workspace)
	if err != nil {
		return Link{}, err
	}
	if err := free(members, email); err != nil {
		return Link{}, err
	}
	m, err := s.add(ctx, c.Who(), c.Workspace, name, email, role)
	if err != nil {
		return Link{}, err
	}
	return s.NewLink(ctx, c.Who(), c.Workspace, m.ID)
}

// InviteAuditor finds the auditor who has an address, or invites him. The link's Path is empty for one who has signed in
// before: he comes as he did. Conflict if the address is that of a member with another role, since one person is either of the
// company or its auditor.
func (s *Service) InviteAuditor(ctx context.Context, c people.Caller, name, email string) (Link, error) {
	if err := c.May(people.ManagePeople); err != nil {
		return Link{}, err
	}
	members, err := s.Members(ctx, c.Workspace)
	if err != nil {
		return Link{}, err
	}
	for _, m := range members {
		switch {
		case !strings.EqualFold(m.Email, strings.TrimSpace(email)) || m.Email == "":
		case people.Role(m.Role) != people.Auditor:
			return Link{}, evidence.Errorf(evidence.Conflict, "%.200q is the address of a member with the role %s. An auditor needs an address of his own.", m.Email, people.Role(m.Role).Title())
		case !m.SuspendedAt.IsZero():
			return Link{}, evidence.Errorf(evidence.Conflict, "%s is suspended. Reinstate him first.", nameOf(m))
		case m.JoinedAt.IsZero():
			return s.InviteAgain(ctx, c, m.ID)
		default:
			return Link{Member: m}, nil
		}
	}
	return s.Invite(ctx, c, InviteRequest{Name: name, Email: email, Role: people.Auditor})
}

// InviteAgain makes another link for somebody who has not signed in yet and ends the ones before. Nobody gets a link for a
// member who has: it would let one administrator act as another. Who lost his way in is let in by the operator.
func (s *Service) InviteAgain(ctx context.Context, c people.Caller, id evidence.ID) (Link, error) {
	if err := c.May(people.ManagePeople); err != nil {
		return Link{}, err
	}
	m, err := s.store.Member(ctx, c.Workspace, id)
	if err != nil {
		return Link{}, err
	}
	if !m.JoinedAt.IsZero() {
		return Link{}, evidence.Errorf(evidence.Conflict,
			"%s has signed in before. Only whoever runs the server makes a link for a member who has: exhibit users link.", nameOf(m))
	}
	if err := s.store.DropSignInLinks(ctx, c.Workspace, id); err != nil {
		return Link{}, err
	}
	return s.NewLink(ctx, c.Who(), c.Workspace, id)
}

// ChangeRole gives a member another role, which holds from his next request on. The last active administrator keeps his.
func (s *Service) ChangeRole(ctx context.Context, c people.Caller, id evidence.ID, role people.Role) (store.Member, error) {
	if err := c.May(people.ManagePeople); err != nil {
		return store.Member{}, err
	}
	role, err := people.ParseRole(string(role))
	if err != nil {
		return store.Member{}, err
	}
	m, err := s.store.Member(ctx, c.Workspace, id)
	if err != nil || m.Role == string(role) {
		return m, err
	}
	if err := s.store.SetRole(ctx, c.Workspace, id, string(role), string(people.Admin)); err != nil {
		return store.Member{}, err
	}
	was := people.Role(m.Role)
	m.Role = string(role)
	return m, s.note(ctx, c.Workspace, c.Who(), "member.role", subjectOf(m), was.Title()+" → "+role.Title())
}

// Suspend shuts a member out at once: sessions, links and API tokens end. His name stays where it stands.
func (s *Service) Suspend(ctx context.Context, c people.Caller, id evidence.ID) (store.Member, error) {
	if err := c.May(people.ManagePeople); err != nil {
		return store.Member{}, err
	}
	m, err := s.store.Member(ctx, c.Workspace, id)
	if err != nil {
		return m, err
	}
	now := s.now().UTC()
	if err := s.store.Suspend(ctx, c.Workspace, id, c.Who(), now, string(people.Admin)); err != nil {
		return m, err
	}
	m.SuspendedAt, m.SuspendedBy = now, c.Who()
	return m, s.note(ctx, c.Workspace, c.Who(), "member.suspend", subjectOf(m), "sessions, links and API tokens ended")
}

// Reinstate lets a suspended member in again. API tokens that ended stay ended.
func (s *Service) Reinstate(ctx context.Context, c people.Caller, id evidence.ID) (store.Member, error) {
	if err := c.May(people.ManagePeople); err != nil {
		return store.Member{}, err
	}
	if err := s.store.Reinstate(ctx, c.Workspace, id); err != nil {
		if evidence.ErrorCode(err) == evidence.Conflict {
			if _, missing := s.store.Member(ctx, c.Workspace, id); missing != nil {
				return store.Member{}, missing
			}
		}
		return store.Member{}, err
	}
	m, err := s.store.Member(ctx, c.Workspace, id)
	if err != nil {
		return m, err
	}
	return m, s.note(ctx, c.Workspace, c.Who(), "member.reinstate", subjectOf(m), "")
}

// subjectOf names a member in the trail by id and name, so that the line can be read when he is gone.
func subjectOf(m store.Member) string { return string(m.ID) + " " + nameOf(m) }

func nameOf(m store.Member) string {
	return people.Caller{Member: m.ID, Name: m.Name, Email: m.Email}.Who()
}
