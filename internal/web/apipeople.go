package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
)

// peopleOperations are the operations of members and sessions.
func (s *server) peopleOperations(api huma.API) {
	add(s, api, "/members", "list-members", "Members with role and state", people.ReadSettings, s.apiMembers)
	mount(s, api, operation(http.MethodPost, "/members", "invite-member", "Invite somebody; the link is in this answer and nowhere else", people.ManagePeople, quick), s.apiInvite)
	mount(s, api, operation(http.MethodPost, "/members/{id}/invite", "invite-member-again", "Another link for somebody who has not signed in yet", people.ManagePeople, quick), s.apiInviteAgain)
	mount(s, api, operation(http.MethodPost, "/members/{id}/role", "set-member-role", "Give a member another role", people.ManagePeople, quick), s.apiChangeRole)
	mount(s, api, operation(http.MethodPost, "/members/{id}/suspend", "suspend-member", "Shut a member out at once; his name stays in history", people.ManagePeople, quick), s.apiSuspend)
	mount(s, api, operation(http.MethodPost, "/members/{id}/reinstate", "reinstate-member", "Let a suspended member in again", people.ManagePeople, quick), s.apiReinstate)
	add(s, api, "/members/{id}/sessions", "list-member-sessions", "Where a member is signed in", people.ManagePeople, s.apiMemberSessions)
	mount(s, api, operation(http.MethodPost, "/members/{id}/sessions/{session}/end", "end-member-session", "End a session of a member", people.ManagePeople, quick), s.apiEndMemberSession)
	add(s, api, "/sessions", "list-sessions", "Where the caller is signed in", people.Own, s.apiSessions)
	mount(s, api, operation(http.MethodPost, "/sessions/{session}/end", "end-session", "End a session of the caller", people.Own, quick), s.apiEndSession)
	mount(s, api, operation(http.MethodPost, "/sessions/end-others", "end-other-sessions", "End all sessions of the caller but the one that asks", people.Own, quick), s.apiEndOthers)
}

type apiMember struct {
	ID          evidence.ID `json:"id"`
	Name        string      `json:"name"`
	Email       string      `json:"email"`
	Role        people.Role `json:"role"`
	State       string      `json:"state" enum:"invited,active,suspended"`
	Since       *time.Time  `json:"since"`
	JoinedAt    *time.Time  `json:"joined_at" doc:"When he signed in first"`
	SuspendedAt *time.Time  `json:"suspended_at"`
	SuspendedBy string      `json:"suspended_by,omitempty"`
}

func memberJSON(m store.Member) apiMember {
	return apiMember{ID: m.ID, Name: m.Name, Email: m.Email, Role: people.Role(m.Role), State: m.State(), Since: moment(m.CreatedAt),
		JoinedAt: moment(m.JoinedAt), SuspendedAt: moment(m.SuspendedAt), SuspendedBy: m.SuspendedBy}
}

type apiMemberList struct {
	Members []apiMember `json:"members"`
}

func (s *server) apiMembers(ctx context.Context, c people.Caller, _ *nothing) (apiMemberList, error) {
	members, err := s.cfg.Store.Members(ctx, c.Workspace)
	out := apiMemberList{Members: []apiMember{}}
	for _, m := range members {
		out.Members = append(out.Members, memberJSON(m))
	}
	return out, err
}

type apiInvitation struct {
	Member    apiMember  `json:"member"`
	Path      string     `json:"path" doc:"Of the link, behind the address of the server. It works once and is not given again."`
	ExpiresAt *time.Time `json:"expires_at"`
}

func invitationJSON(l signin.Link) apiInvitation {
	return apiInvitation{Member: memberJSON(l.Member), Path: l.Path, ExpiresAt: moment(l.ExpiresAt)}
}

type memberInput struct {
	ID string `path:"id"`
}

type inviteInput struct {
	Body struct {
		Name  string `json:"name"`
		Email string `json:"email"`
		Role  string `json:"role"`
	}
}

func (s *server) apiInvite(ctx context.Context, c people.Caller, in *inviteInput) (apiInvitation, error) {
	l, err := s.cfg.SignIn.Invite(ctx, c, signin.InviteRequest{Name: in.Body.Name, Email: in.Body.Email, Role: people.Role(in.Body.Role)})
	return invitationJSON(l), err
}

func (s *server) apiInviteAgain(ctx context.Context, c people.Caller, in *memberInput) (apiInvitation, error) {
	l, err := s.cfg.SignIn.InviteAgain(ctx, c, evidence.ID(in.ID))
	return invitationJSON(l), err
}

type roleInput struct {
	ID   string `path:"id"`
	Body struct {
		Role string `json:"role"`
	}
}

func (s *server) apiChangeRole(ctx context.Context, c people.Caller, in *roleInput) (apiMember, error) {
	m, err := s.cfg.SignIn.ChangeRole(ctx, c, evidence.ID(in.ID), people.Role(in.Body.Role))
	return memberJSON(m), err
}

func (s *server) apiSuspend(ctx context.Context, c people.Caller, in *memberInput) (apiMember, error) {
	m, err := s.cfg.SignIn.Suspend(ctx, c, evidence.ID(in.ID))
	return memberJSON(m), err
}

func (s *server) apiReinstate(ctx context.Context, c people.Caller, in *memberInput) (apiMember, error) {
	m, err := s.cfg.SignIn.Reinstate(ctx, c, evidence.ID(in.ID))
	return memberJSON(m), err
}

type apiSession struct {
	ID        string     `json:"id"`
	Agent     string     `json:"user_agent"`
	Address   string     `json:"address,omitempty"`
	Way       string     `json:"way" doc:"How he signed in"`
	Since     *time.Time `json:"since"`
	LastSeen  *time.Time `json:"last_seen" doc:"To the minute"`
	ExpiresAt *time.Time `json:"expires_at"`
	Current   bool       `json:"current" doc:"It is the session that asks"`
}

type apiSessionList struct {
	Sessions []apiSession `json:"sessions"`
}

type apiEnded struct {
	Ended int `json:"ended" doc:"How many sessions ended"`
}

func (s *server) sessionsJSON(ctx context.Context, c people.Caller, member evidence.ID) (apiSessionList, error) {
	list, err := s.cfg.SignIn.Sessions(ctx, c, member, s.ownSession(ctx))
	out := apiSessionList{Sessions: []apiSession{}}
	for _, x := range list {
		out.Sessions = append(out.Sessions, apiSession{ID: x.ID, Agent: x.Agent, Address: x.Address, Way: x.Way, Since: moment(x.Since),
			LastSeen: moment(x.LastSeen), ExpiresAt: moment(x.ExpiresAt), Current: x.Current})
	}
	return out, err
}

// ownSession is the secret of the session that asks the API; "" for a token.
func (s *server) ownSession(ctx context.Context) string {
	r, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok || people.From(ctx).Token != "" {
		return ""
	}
	return s.session(r)
}

func (s *server) apiMemberSessions(ctx context.Context, c people.Caller, in *memberInput) (apiSessionList, error) {
	return s.sessionsJSON(ctx, c, evidence.ID(in.ID))
}

func (s *server) apiSessions(ctx context.Context, c people.Caller, _ *nothing) (apiSessionList, error) {
	return s.sessionsJSON(ctx, c, c.Member)
}

type endMemberSessionInput struct {
	ID      string `path:"id"`
	Session string `path:"session"`
}

func (s *server) apiEndMemberSession(ctx context.Context, c people.Caller, in *endMemberSessionInput) (apiEnded, error) {
	return apiEnded{1}, s.cfg.SignIn.EndSession(ctx, c, evidence.ID(in.ID), in.Session)
}

type endSessionInput struct {
	Session string `path:"session"`
}

func (s *server) apiEndSession(ctx context.Context, c people.Caller, in *endSessionInput) (apiEnded, error) {
	return apiEnded{1}, s.cfg.SignIn.EndSession(ctx, c, c.Member, in.Session)
}

func (s *server) apiEndOthers(ctx context.Context, c people.Caller, _ *nothing) (apiEnded, error) {
	n, err := s.cfg.SignIn.EndOtherSessions(ctx, c, s.ownSession(ctx))
	return apiEnded{n}, err
}
