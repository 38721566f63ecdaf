package signin_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
)

// enter invites somebody and lets him in.
func (h *house) enter(t *testing.T, email string, role people.Role) (string, people.Caller) {
	t.Helper()
	l, err := h.Invite(t.Context(), people.Caller{Member: "keyboard", Workspace: h.ws, Name: "keyboard", Role: people.Admin}, signin.InviteRequest{Name: "Some " + role.Title(), Email: email, Role: role})
	must(t, err)
	session, c, err := h.Redeem(t.Context(), strings.TrimPrefix(l.Path, signin.PathPrefix), signin.Device{Agent: "Firefox", Address: "192.0.2.7"})
	must(t, err)
	return session, c
}

func TestInvite(t *testing.T) {
	h := newHouse(t)
	_, admin := h.enter(t, "ada@example.com", people.Admin)
	_, viewer := h.enter(t, "vic@example.com", people.Viewer)
	if viewer.Role != people.Viewer {
		t.Errorf("a viewer is %s", viewer.Role)
	}
	req := signin.InviteRequest{Name: "Ben Ito", Email: "ben@example.com", Role: people.Collaborator}
	if _, err := h.Invite(t.Context(), viewer, req); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("a viewer invites: %v", err)
	}
	first, err := h.Invite(t.Context(), admin, req)
	must(t, err)
	if _, err := h.Invite(t.Context(), admin, req); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("twice: %v", err)
	}
	again, err := h.InviteAgain(t.Context(), admin, first.Member.ID)
	must(t, err)
	if _, _, err := h.Redeem(t.Context(), strings.TrimPrefix(first.Path, signin.PathPrefix), signin.Device{}); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("the link before: %v", err)
	}
	_, _, err = h.Redeem(t.Context(), strings.TrimPrefix(again.Path, signin.PathPrefix), signin.Device{})
	must(t, err)
	if _, err := h.InviteAgain(t.Context(), admin, first.Member.ID); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("an administrator gets a link for somebody who has joined: %v", err)
	}
}

func TestSuspend(t *testing.T) {
	h := newHouse(t)
	_, admin := h.enter(t, "ada@example.com", people.Admin)
	session, ben := h.enter(t, "ben@example.com", people.Collaborator)
	tokens := apitoken.New(h.store, nil)
	_, secret, err := tokens.Create(t.Context(), ben, apitoken.CreateRequest{Name: "deploy", Scopes: []string{"read"}})
	must(t, err)
	link, err := h.NewLink(t.Context(), "test", h.ws, ben.Member)
	must(t, err)
	_, err = h.Suspend(t.Context(), admin, ben.Member)
	must(t, err)
	if _, err := h.Caller(t.Context(), session); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("his session: %v", err)
	}
	if _, err := tokens.Caller(t.Context(), secret); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("his token: %v", err)
	}
	if _, _, err := h.Redeem(t.Context(), strings.TrimPrefix(link.Path, signin.PathPrefix), signin.Device{}); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("his link: %v", err)
	}
	if _, err := h.NewLink(t.Context(), "test", h.ws, ben.Member); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("a new link: %v", err)
	}
	if m, err := h.store.Member(t.Context(), h.ws, ben.Member); err != nil || m.Name != ben.Name || m.State() != "suspended" || m.SuspendedBy != admin.Who() {
		t.Errorf("what is left of him: %+v, %v", m, err)
	}
	if _, err := h.Suspend(t.Context(), admin, ben.Member); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("twice: %v", err)
	}
	_, err = h.Reinstate(t.Context(), admin, ben.Member)
	must(t, err)
	if _, err := tokens.Caller(t.Context(), secret); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("his token came back: %v", err)
	}
	trail, err := h.store.Activity(t.Context(), h.ws, 2)
	must(t, err)
	if trail[0].What != "member.reinstate" || trail[1].What != "member.suspend" || !strings.Contains(trail[1].Subject, ben.Name) {
		t.Errorf("the trail says %+v", trail)
	}
}

func TestLastAdminStays(t *testing.T) {
	h := newHouse(t)
	_, ada := h.enter(t, "ada@example.com", people.Admin)
	_, err := h.Invite(t.Context(), ada, signin.InviteRequest{Name: "Eve", Email: "eve@example.com", Role: people.Admin}) // has not joined
	must(t, err)
	if _, err := h.Suspend(t.Context(), ada, ada.Member); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("suspending the last: %v", err)
	}
	if _, err := h.ChangeRole(t.Context(), ada, ada.Member, people.Viewer); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("demoting the last: %v", err)
	}
	_, ben := h.enter(t, "ben@example.com", people.Admin)
	var wg sync.WaitGroup // each shuts the other out
	for _, pair := range [][2]people.Caller{{ada, ben}, {ben, ada}} {
		wg.Go(func() { _, _ = h.Suspend(t.Context(), pair[0], pair[1].Member) })
	}
	wg.Wait()
	left := 0
	members, err := h.Members(t.Context(), h.ws)
	must(t, err)
	for _, m := range members {
		if m.Role == "admin" && m.State() == "active" {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d active administrators are left", left)
	}
}

func TestSessions(t *testing.T) {
	h := newHouse(t)
	_, admin := h.enter(t, "ada@example.com", people.Admin)
	first, ben := h.enter(t, "ben@example.com", people.Collaborator)
	more := func() string {
		l, err := h.NewLink(t.Context(), "test", h.ws, ben.Member)
		must(t, err)
		s, _, err := h.Redeem(t.Context(), strings.TrimPrefix(l.Path, signin.PathPrefix), signin.Device{Agent: "Safari"})
		must(t, err)
		return s
	}
	second, third := more(), more()
	list, err := h.Sessions(t.Context(), ben, ben.Member, first)
	must(t, err)
	current := 0
	for _, s := range list {
		if s.Current {
			current++
			if s.Agent != "Firefox" || s.Address != "192.0.2.7" || s.Way != signin.ByLink {
				t.Errorf("the session that asks is %+v", s)
			}
		}
	}
	if len(list) != 3 || current != 1 {
		t.Errorf("got %+v", list)
	}
	if _, err := h.Sessions(t.Context(), ben, admin.Member, first); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("those of another: %v", err)
	}
	elsewhere := admin
	elsewhere.Workspace = "ws_other"
	if _, err := h.Sessions(t.Context(), elsewhere, ben.Member, ""); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("from another workspace: %v", err)
	}
	list, err = h.Sessions(t.Context(), ben, ben.Member, second)
	must(t, err)
	for _, s := range list {
		if s.Current {
			must(t, h.EndSession(t.Context(), admin, ben.Member, s.ID))
			if err := h.EndSession(t.Context(), admin, admin.Member, s.ID); evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("a session of somebody else under one's own name: %v", err)
			}
		}
	}
	n, err := h.EndOtherSessions(t.Context(), ben, first)
	must(t, err)
	for s, holds := range map[string]bool{first: true, second: false, third: false} {
		if _, err := h.Caller(t.Context(), s); (err == nil) != holds {
			t.Errorf("holds %v: %v", holds, err)
		}
	}
	if n != 1 {
		t.Errorf("%d others ended", n)
	}
}

func TestRoleChangeRotates(t *testing.T) {
	h := newHouse(t)
	_, admin := h.enter(t, "ada@example.com", people.Admin)
	old, ben := h.enter(t, "ben@example.com", people.Collaborator)
	if fresh, err := h.Rotate(t.Context(), old); err != nil || fresh != "" {
		t.Errorf("without need: %q, %v", fresh, err)
	}
	_, err := h.ChangeRole(t.Context(), admin, ben.Member, people.HelpDesk)
	must(t, err)
	if c, err := h.Caller(t.Context(), old); err != nil || c.Role != people.HelpDesk {
		t.Errorf("the role does not hold at once: %v, %v", c.Role, err)
	}
	fresh, err := h.Rotate(t.Context(), old)
	must(t, err)
	if c, err := h.Caller(t.Context(), fresh); err != nil || c.Member != ben.Member {
		t.Errorf("the fresh secret: %v, %v", c, err)
	}
	if _, err := h.Caller(t.Context(), old); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("the old secret: %v", err)
	}
}

var _ signin.Store = (*store.Store)(nil)
