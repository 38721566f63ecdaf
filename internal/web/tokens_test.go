package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// token makes a token of the administrator.
func (s *site) token(scopes ...string) string {
	s.t.Helper()
	_, secret, err := s.tokens.Create(s.t.Context(), s.caller(), apitoken.CreateRequest{Name: "test", Scopes: scopes})
	must(s.t, err)
	return secret.Reveal()
}

// ask sends a request with a token, as a program would: no cookie, nothing that only browsers send.
func (s *site) ask(token, method, path, body string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	must(s.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return s.do(http.DefaultClient, req)
}

func problemOf(t *testing.T, a answer) problem {
	t.Helper()
	var p problem
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a problem comes as %q: %s", got, a.body)
	}
	must(t, json.Unmarshal([]byte(a.body), &p))
	return p
}

// TestTokenPage makes a token as somebody does with a form, sees it once, uses it, and revokes it.
func TestTokenPage(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	htmlcheck.Parse(t, s.get(c, "/settings/api-tokens").body).Has("h2", "No tokens yet")
	form := url.Values{"name": {"Nightly export"}, "days": {"30"}, "scope": {"monitor", "read"}}
	made := s.post(c, "/settings/api-tokens", form)
	token := regexp.MustCompile(`exh_[0-9A-Za-z]{49}`).FindString(made.body)
	if made.status != http.StatusOK || token == "" || made.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("making one gives %d, %q", made.status, token)
	}
	page := s.get(c, "/settings/api-tokens").body
	if strings.Contains(page, token[10:40]) || !strings.Contains(page, "Nightly export") || !strings.Contains(page, "never") {
		t.Error("the list shows the token, or does not show that it is there and was never used")
	}
	a := s.ask(token, http.MethodGet, "/api/v1/connections", "")
	if a.status != http.StatusOK || a.header.Get("Set-Cookie") != "" {
		t.Fatalf("asking with it gives %d, cookie %q: %s", a.status, a.header.Get("Set-Cookie"), a.body)
	}
	page = s.get(c, "/settings/api-tokens").body
	id := regexp.MustCompile(`/settings/api-tokens/(tk_[a-z0-9]+)/revoke`).FindStringSubmatch(page)
	if id == nil || strings.Contains(page, ">never<") {
		t.Fatal("the list does not offer to revoke it, or says that it was never used")
	}
	if a := s.post(c, "/settings/api-tokens/"+id[1]+"/revoke", nil); a.header.Get("Location") != "/settings/api-tokens?done=revoked" {
		t.Errorf("revoking gives %d to %q", a.status, a.header.Get("Location"))
	}
	a = s.ask(token, http.MethodGet, "/api/v1/connections", "")
	if p := problemOf(t, a); a.status != http.StatusUnauthorized || p.Title != "The token is refused" || !strings.Contains(p.Detail, "was revoked on 2026-11-23") {
		t.Errorf("a revoked one gives %d %+v", a.status, p)
	}
	if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="Exhibit", error="invalid_token"` {
		t.Errorf("the challenge is %q", got)
	}
	if log := s.log.String(); strings.Contains(log, token[10:40]) || !strings.Contains(log, "an API token was refused") {
		t.Error("the log holds the token, or nothing of its refusal")
	}
}

func TestTokenFormKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for name, form := range map[string]url.Values{
		"no scope": {"name": {"Mine"}, "days": {"180"}},
		"no name":  {"name": {" "}, "days": {"180"}, "scope": {"build"}},
		"no days":  {"name": {"Mine"}, "days": {"soon"}, "scope": {"build"}},
		"too long": {"name": {"Mine"}, "days": {"400"}, "scope": {"build"}},
	} {
		a := s.post(c, "/settings/api-tokens", form)
		p := htmlcheck.Parse(t, a.body)
		if a.status != http.StatusBadRequest || len(p.All("#refusal")) != 1 || htmlcheck.Attr(p.One("#name"), "value") != form.Get("name") {
			t.Errorf("%s: %d", name, a.status)
		}
		if got := strings.Contains(a.body, `value="build" checked`); got != (form.Get("scope") == "build") {
			t.Errorf("%s: the scope is ticked: %v", name, got)
		}
	}
	collaborator := s.get(s.as(people.Collaborator), "/settings/api-tokens").body
	if !strings.Contains(collaborator, `value="settings"`) || strings.Contains(collaborator, ">Of<") {
		t.Error("a collaborator, who may make tokens, is not offered that scope, or sees everybody's")
	}
}

// TestBearer holds from where a token is taken and what else counts beside it.
func TestBearer(t *testing.T) {
	s := newSite(t)
	token := s.token("monitor")
	admin := s.as(people.Admin)
	get := func(c *http.Client, path string, header ...string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		must(t, err)
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Add(name, value)
		}
		return s.do(c, req)
	}
	for name, test := range map[string]struct {
		c      *http.Client
		path   string
		header string
		want   int
	}{
		"in the header":            {s.client(), "/api/v1/connections", "Authorization: Bearer " + token, 200},
		"the scheme in lower case": {s.client(), "/api/v1/connections", "Authorization: bearer " + token, 200},
		"in the address":           {s.client(), "/api/v1/connections?access_token=" + token, "X: y", 401},
		"in a cookie":              {s.client(), "/api/v1/connections", "Cookie: exhibit=" + token, 401},
		"as a password":            {s.client(), "/api/v1/connections", "Authorization: Basic " + token, 401},
		"a session":                {admin, "/api/v1/connections", "X: y", 200},
		"a session, another proxy": {admin, "/api/v1/connections", "Authorization: Basic eDp5", 200},
		"a bad one and a session":  {admin, "/api/v1/connections", "Authorization: Bearer exh_none", 401},
		"none and a session":       {admin, "/api/v1/connections", "Authorization: Bearer", 401},
		"a scope that lacks it":    {s.client(), "/api/v1/events", "Authorization: Bearer " + token, 403},
		"a page":                   {s.client(), "/sources", "Authorization: Bearer " + token, 401},
		"no such operation":        {s.client(), "/api/v1/nothing", "Authorization: Bearer " + token, 404},
	} {
		a := get(test.c, test.path, test.header)
		if a.status != test.want || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, want %d; cookie %q: %s", name, a.status, test.want, a.header.Get("Set-Cookie"), a.body)
		}
	}
	a := s.ask(token, http.MethodGet, "/api/v1/events", "")
	if p := problemOf(t, a); p.Title != "The token does not allow this" || !strings.Contains(p.Detail, "Make one with the scope read") || !strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_scope") {
		t.Errorf("a scope that lacks it: %+v, %q", p, a.header.Get("WWW-Authenticate"))
	}
	if a := get(s.client(), "/api/v1/connections?access_token="+token, "Authorization: Bearer "+token); strings.Contains(a.body, token) {
		t.Errorf("an answer repeats a token from the address: %s", a.body)
	}
	if strings.Contains(s.log.String(), token) {
		t.Error("the log holds the token")
	}
}

// TestBadTokensAreLimited holds that failures are limited by address, and that tokens that work are not.
func TestBadTokensAreLimited(t *testing.T) {
	s := newSite(t)
	good := s.token("monitor")
	h := s.server.handler()
	ask := func(token string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, "/api/v1/connections", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		return recordRequest(h, req)
	}
	for range 3 * attemptsBurst {
		if rec := ask(good); rec.Code != http.StatusOK {
			t.Fatalf("a good token gives %d", rec.Code)
		}
	}
	for i := range attemptsBurst {
		if rec := ask("exh_guess"); rec.Code != http.StatusUnauthorized {
			t.Fatalf("guess %d gives %d", i+1, rec.Code)
		}
	}
	if rec := ask("exh_guess"); rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") == "" {
		t.Errorf("one too many gives %d, Retry-After %q", rec.Code, rec.Header().Get("Retry-After"))
	}
	if rec := ask(good); rec.Code != http.StatusOK {
		t.Errorf("a good token beside them gives %d", rec.Code)
	}
}

func TestExpiredToken(t *testing.T) {
	s := newSite(t)
	token := s.token("monitor")
	s.advance(90 * 24 * time.Hour)
	a := s.ask(token, http.MethodGet, "/api/v1/connections", "")
	if p := problemOf(t, a); a.status != http.StatusUnauthorized || !strings.Contains(p.Detail, "expired on 2027-02-21") {
		t.Errorf("an expired one gives %d %+v", a.status, p)
	}
}
