package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

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
