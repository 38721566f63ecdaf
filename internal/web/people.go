package web

import (
	"net/http"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// settingsPeople lists the members of the workspace.
func (s *server) settingsPeople(w http.ResponseWriter, r *http.Request) error {
	return s.showPeople(w, r, http.StatusOK, view.People{Role: people.Collaborator})
}

func (s *server) showPeople(w http.ResponseWriter, r *http.Request, status int, v view.People) error {
	c := people.From(r.Context())
	members, err := s.cfg.Store.Members(r.Context(), c.Workspace)
	if err != nil {
		return err
	}
	v.Now, v.Command, v.May = s.now(), s.cfg.Command, c.Has(people.ManagePeople)
	for _, m := range members {
		v.Rows = append(v.Rows, personRow(m, c))
	}
	p, err := s.framed(r, "People", "/settings", crumb("People", ""))
	if err != nil {
		return err
	}
	p.Path = "/settings/people" // a page that answers a form is not asked for again by changing the theme
	return render(w, r, status, view.PeoplePage(p, v))
}

func personRow(m store.Member, c people.Caller) view.PersonRow {
	return view.PersonRow{Member: m, Role: people.Role(m.Role).Title(), You: m.ID == c.Member}
}

// invite makes a member and shows his link in the answer itself: it is kept nowhere, so no later page could.
func (s *server) invite(w http.ResponseWriter, r *http.Request) error {
	v := view.People{Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Role: people.Role(r.PostFormValue("role"))}
	link, err := s.cfg.SignIn.Invite(r.Context(), people.From(r.Context()), signin.InviteRequest{Name: v.Name, Email: v.Email, Role: v.Role})
	if code := evidence.ErrorCode(err); code == evidence.Invalid || code == evidence.Conflict {
		v.Problem = err.Error()
		return s.showPeople(w, r, statusOf(err), v)
	}
	if err != nil {
		return err
	}
	return s.showPeople(w, r, http.StatusOK, view.People{Role: people.Collaborator, Made: s.madeLink(r, link)})
}

func (s *server) madeLink(r *http.Request, link signin.Link) *view.MadeLink {
	return &view.MadeLink{Name: link.Member.Name, Address: s.address(r) + link.Path, ExpiresAt: link.ExpiresAt}
}

// address is under which people reach the server: as the operator said, else as this browser did.
func (s *server) address(r *http.Request) string {
	switch {
	case s.cfg.URL != "":
		return s.cfg.URL
	case s.cfg.Secure:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *server) memberPage(w http.ResponseWriter, r *http.Request) error {
	words := map[string]string{
		"role": "The role is changed.", "suspended": "Suspended. Sessions, links and API tokens have ended.",
		"reinstated": "Reinstated. A member without a password needs a new link to get in.", "ended": "The session is ended.",
	}
	return s.showMember(w, r, http.StatusOK, view.Person{Said: words[r.URL.Query().Get("done")]})
}

func (s *server) showMember(w http.ResponseWriter, r *http.Request, status int, v view.Person) error {
	c, id := people.From(r.Context()), evidence.ID(r.PathValue("id"))
	m, err := s.cfg.Store.Member(r.Context(), c.Workspace, id)
	if err != nil {
		return err
	}
	if v.Sessions, err = s.cfg.SignIn.Sessions(r.Context(), c, id, s.session(r)); err != nil {
		return err
	}
	v.Now, v.Row, v.Command = s.now(), personRow(m, c), s.cfg.Command
	p, err := s.framed(r, m.Name, "/settings", crumb("People", "/settings/people"), crumb(m.Name, ""))
	if err != nil {
		return err
	}
	p.Path = memberPath(id)
	return render(w, r, status, view.PersonPage(p, v))
}

func memberPath(id evidence.ID) string { return "/settings/people/" + string(id) }

// afterMember leads back to a member's page after something was done about him, or shows why it was not.
func (s *server) afterMember(w http.ResponseWriter, r *http.Request, done string, err error) error {
	if code := evidence.ErrorCode(err); code == evidence.Conflict || code == evidence.Invalid {
		return s.showMember(w, r, statusOf(err), view.Person{Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, memberPath(evidence.ID(r.PathValue("id")))+"?done="+done, http.StatusSeeOther)
	return nil
}

func (s *server) inviteAgain(w http.ResponseWriter, r *http.Request) error {
	link, err := s.cfg.SignIn.InviteAgain(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	if err != nil {
		return s.afterMember(w, r, "", err)
	}
	return s.showMember(w, r, http.StatusOK, view.Person{Made: s.madeLink(r, link)})
}

func (s *server) changeRole(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.SignIn.ChangeRole(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")), people.Role(r.PostFormValue("role")))
	if err == nil && evidence.ID(r.PathValue("id")) == people.From(r.Context()).Member {
		http.Redirect(w, r, "/settings/account?done=role", http.StatusSeeOther) // he may not see the other page any more
		return nil
	}
	return s.afterMember(w, r, "role", err)
}

func (s *server) suspend(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.SignIn.Suspend(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	return s.afterMember(w, r, "suspended", err)
}

func (s *server) reinstate(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.SignIn.Reinstate(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	return s.afterMember(w, r, "reinstated", err)
}

func (s *server) endMemberSession(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.SignIn.EndSession(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")), r.PathValue("session"))
	return s.afterMember(w, r, "ended", err)
}
