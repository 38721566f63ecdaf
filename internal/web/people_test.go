package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// TestPeoplePages invites somebody, lets him in, changes his role, suspends and reinstates him, in the browser's way.
func TestPeoplePages(t *testing.T) {
	s := newSite(t)
	admin := s.as(people.Admin)
	form := url.Values{"name": {"Ben <b> Ito"}, "email": {"ben@example.com"}, "role": {"help_desk"}}
	a := s.post(admin, "/settings/people", form)
	p := htmlcheck.Parse(t, a.body)
	link := htmlcheck.Text(p.One("#invitation"))
	if a.status != http.StatusOK || !strings.HasPrefix(link, s.URL+"/sign-in/") || strings.Contains(a.body, "Ben <b>") {
		t.Fatalf("inviting gives %d and %q", a.status, link)
	}
	if body := s.get(admin, "/settings/people").body; strings.Contains(body, link) || !strings.Contains(body, "Invited") {
		t.Error("the link is shown twice, or the invitation is not")
	}
	if a := s.post(admin, "/settings/people", form); a.status != http.StatusConflict || !strings.Contains(a.body, "is there already") {
		t.Errorf("inviting twice gives %d", a.status)
	}
	ben := s.client()
	if a := s.post(ben, "/sign-in", url.Values{"link": {link[strings.LastIndex(link, "/")+1:]}}); a.status != http.StatusSeeOther {
		t.Fatalf("accepting gives %d", a.status)
	}
	members, err := s.store.Members(t.Context(), s.ws)
	must(t, err)
	id := members[slices.IndexFunc(members, func(m store.Member) bool { return m.Email == "ben@example.com" })].ID
	before := s.cookie(ben)
	if a := s.post(admin, memberPath(id)+"/role", url.Values{"role": {"viewer"}}); a.status != http.StatusSeeOther {
		t.Errorf("changing the role gives %d", a.status)
	}
	if got := s.get(ben, "/artifacts").status; got != http.StatusOK || s.cookie(ben) == before {
		t.Errorf("under the new role a page gives %d, and the cookie is the same: %v", got, s.cookie(ben) == before)
	}
	if a := s.get(ben, "/settings/account"); !strings.Contains(a.body, "Viewer") || !strings.Contains(a.body, "This one") {
		t.Error("his account lacks role or session")
	}
	if a := s.post(admin, memberPath(s.admin.ID)+"/suspend", nil); a.status != http.StatusConflict || !strings.Contains(a.body, "last active administrator") {
		t.Errorf("suspending the last administrator gives %d", a.status)
	}
	for path, want := range map[string]int{"/suspend": http.StatusSeeOther, "/invite": http.StatusConflict} {
		if got := s.post(admin, memberPath(id)+path, nil).status; got != want {
			t.Errorf("%s gives %d", path, got)
		}
	}
	if got := s.get(ben, "/artifacts").status; got != http.StatusUnauthorized {
		t.Errorf("suspended, he gets %d", got)
	}
	if got := s.post(admin, memberPath(id)+"/reinstate", nil).status; got != http.StatusSeeOther {
		t.Errorf("reinstating gives %d", got)
	}
}

func (s *site) cookie(c *http.Client) string {
	u, err := url.Parse(s.URL)
	must(s.t, err)
	for _, k := range c.Jar.Cookies(u) {
		if k.Name == "exhibit" {
			return k.Value
		}
	}
	return ""
}

func TestDeviceWords(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                "Firefox on Linux",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15": "Safari on macOS",
		"curl/8.1": "curl", "": "Unknown device",
	} {
		if got := view.DeviceWords(agent); got != want {
			t.Errorf("%q is %q", agent, got)
		}
	}
}

// TestWorkspacesStayApart holds that somebody of another workspace of the same server is told its name and sees nothing of this
// one, whatever id he names.
func TestWorkspacesStayApart(t *testing.T) {
	s := newSite(t)
	c := s.connect("1Password", nil)
	own, ada := s.ws, s.admin
	var err error
	s.ws, err = s.store.EnsureWorkspace(t.Context(), "Southwind")
	must(t, err)
	s.admin, err = s.signIn.AddMember(t.Context(), "test", s.ws, "Eve", "eve@example.com")
	must(t, err)
	eve := s.as(people.Admin)
	s.ws, s.admin = own, ada
	if body := s.get(eve, "/settings").body; !strings.Contains(body, "Southwind") || strings.Contains(body, "Northwind") {
		t.Error("the page does not name the workspace of the session")
	}
	for _, path := range []string{memberPath(s.admin.ID), "/connections/" + string(c.ID), "/api/v1/members/" + string(s.admin.ID) + "/sessions", "/api/v1/connections/" + string(c.ID)} {
		if got := s.get(eve, path).status; got != http.StatusNotFound {
			t.Errorf("%s of another workspace gives %d", path, got)
		}
	}
	for _, what := range []string{"/role", "/suspend", "/reinstate", "/invite"} {
		if got := s.post(eve, memberPath(s.admin.ID)+what, url.Values{"role": {"viewer"}}).status; got != http.StatusNotFound {
			t.Errorf("%s of another workspace gives %d", what, got)
		}
	}
	if a := s.get(eve, "/api/v1/members"); strings.Contains(a.body, s.admin.Name) {
		t.Error("the members of another workspace are listed")
	}
}

// TestSwitchingWorkspaces signs a browser in to two workspaces and switches between them; that a member of another has the same mail
// address opens nothing.
func TestSwitchingWorkspaces(t *testing.T) {
	s := newSite(t)
	admin := s.as(people.Admin)
	south, err := s.store.EnsureWorkspace(t.Context(), "Southwind")
	must(t, err)
	twin, err := s.signIn.AddMember(t.Context(), "test", south, "Ada Okafor", "ada@example.com")
	must(t, err)
	if a := s.post(admin, "/switch", url.Values{"workspace": {string(south)}}); a.status != http.StatusNotFound {
		t.Errorf("switching to where nobody signed in gives %d", a.status)
	}
	link, err := s.signIn.NewLink(t.Context(), "test", south, twin.ID)
	must(t, err)
	if a := s.post(admin, "/sign-in", url.Values{"link": {strings.TrimPrefix(link.Path, "/sign-in/")}}); a.status != http.StatusSeeOther {
		t.Fatalf("signing in to the second gives %d", a.status)
	}
	p := htmlcheck.Parse(t, s.get(admin, "/settings").body)
	p.Has(".brand", "Southwind")
	p.Has(".switcher button", "Northwind GmbH")
	for _, ws := range []struct{ id, name, other string }{{string(s.ws), "Northwind GmbH", "Southwind"}, {string(south), "Southwind", "Northwind GmbH"}} {
		if a := s.post(admin, "/switch", url.Values{"workspace": {ws.id}}); a.status != http.StatusSeeOther {
			t.Fatalf("switching to %s gives %d", ws.name, a.status)
		}
		p := htmlcheck.Parse(t, s.get(admin, "/settings").body)
		p.Has(".brand", ws.name)
		p.Has(".switcher button", ws.other)
	}
	must(t, s.store.RenameWorkspace(t.Context(), south, "South Wind"))
	htmlcheck.Parse(t, s.get(admin, "/settings").body).Has(".brand", "South Wind")
	s.post(admin, "/sign-out", nil)
	for _, ws := range []evidence.ID{s.ws, south} {
		m := map[evidence.ID]evidence.ID{s.ws: s.admin.ID, south: twin.ID}[ws]
		if list, err := s.store.SessionsOf(t.Context(), ws, m); err != nil || len(list) != 0 {
			t.Errorf("after signing out %d sessions are left in %s: %v", len(list), ws, err)
		}
	}
}
