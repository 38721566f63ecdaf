package web

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

// openRoutes are open on purpose; every other route names a permission.
var openRoutes = []string{"GET /sign-in/{link}", "POST /sign-in", "GET /sign-in", "POST /sign-in/password", "POST /sign-in/code", "POST /sign-in/passkey/begin", "POST /sign-in/passkey", "POST /theme", "GET /healthz", "GET /readyz"}

// TestEveryRouteNamesAPermission fails for a route without one, so that nobody forgets.
func TestEveryRouteNamesAPermission(t *testing.T) {
	s := newSite(t)
	for _, r := range s.server.routes() {
		if r.needs == open && !slices.Contains(openRoutes, r.pattern) {
			t.Errorf("%s is open, and this test does not know why", r.pattern)
		}
		if r.needs != open && !slices.Contains(people.Permissions(), r.needs) {
			t.Errorf("%s needs %q, which is no permission", r.pattern, r.needs)
		}
		if r.limit <= 0 || r.handle == nil {
			t.Errorf("%s has no time limit or no handler", r.pattern)
		}
	}
	for _, op := range s.operations() {
		if !slices.Contains(people.Permissions(), op.needs) {
			t.Errorf("API %s %s needs %q, which is no permission", op.method, op.path, op.needs)
		}
	}
}

// TestChangesByAPIAreGuarded holds that nobody changes anything over the API without the permission, nor from another site.
func TestChangesByAPIAreGuarded(t *testing.T) {
	s := newSite(t)
	nobody, helper, admin := s.client(), s.as(people.HelpDesk), s.as(people.Admin)
	for path, item := range s.server.mountAPI(http.NewServeMux()).OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			method := op.Method
			if method == http.MethodGet {
				continue
			}
			ask := func(c *http.Client, site string) int {
				req, err := http.NewRequestWithContext(t.Context(), method, s.URL+strings.ReplaceAll(path, "{id}", "none"), strings.NewReader("{}"))
				must(t, err)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Sec-Fetch-Site", site)
				return s.do(c, req).status
			}
			needs, _ := op.Extensions[needsKey].(string)
			if got := ask(nobody, "same-origin"); got != http.StatusUnauthorized {
				t.Errorf("nobody: %s %s gives %d", method, path, got)
			}
			if got := ask(helper, "same-origin"); !slices.Contains(people.HelpDesk.Grants(), people.Permission(needs)) && got != http.StatusForbidden {
				t.Errorf("the help desk: %s %s gives %d", method, path, got)
			}
			if got := ask(admin, "cross-site"); got != http.StatusForbidden {
				t.Errorf("another site: %s %s gives %d", method, path, got)
			}
		}
	}
}

// operationsOf gives what can be done at an address of the API.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete}, func(op *huma.Operation) bool { return op == nil })
}

// addresses gives an address for every GET route that needs somebody, with things that exist.
func (s *site) addresses() map[string]people.Permission {
	out := map[string]people.Permission{}
	fill := strings.NewReplacer("{$}", "", "/sources/{id}", "/sources/onepassword", "/connections/{id}", "/connections/"+string(s.first.ID),
		"/frameworks/{id}", "/frameworks/soc2", "{requirement}", "CC6.1", "{ref}", "1.0", "{id}", "none", "{version}", "1", "{format}", "csv", "{link}", "x")
	for _, r := range s.server.routes() {
		if path, ok := strings.CutPrefix(r.pattern, "GET "); ok && r.needs != open {
			out[fill.Replace(path)] = r.needs
		}
	}
	delete(out, livePath) // it does not end by itself; TestLiveIsGuarded asks it
	for _, op := range s.operations() {
		if op.method == http.MethodGet {
			out[fill.Replace(op.path)] = op.needs
		}
	}
	return out
}

// checkRolesTimesRoutes asks every address as every role and as nobody: only what the table grants is answered.
func checkRolesTimesRoutes(t *testing.T, s *site) {
	for _, role := range append(people.Roles(), "") {
		c := s.client()
		if role != "" {
			c = s.as(role)
		}
		for path, needs := range s.addresses() {
			got := s.get(c, path).status
			switch granted := slices.Contains(role.Grants(), needs); {
			case role == "" && got != http.StatusUnauthorized:
				t.Errorf("nobody: %s gives %d", path, got)
			case role != "" && !granted && got != http.StatusForbidden:
				t.Errorf("%s: %s gives %d and should be forbidden", role, path, got)
			case granted && (got == http.StatusForbidden || got == http.StatusUnauthorized || got >= 500):
				t.Errorf("%s: %s gives %d and should be allowed", role, path, got)
			}
		}
	}
}

// TestPostsAreGuarded holds that nobody changes anything without the permission, nor from another site.
func TestPostsAreGuarded(t *testing.T) {
	s := newSite(t)
	reviewer, admin := s.as(people.Reviewer), s.as(people.Admin)
	for _, r := range s.server.routes() {
		path, ok := strings.CutPrefix(r.pattern, "POST ")
		if !ok {
			continue
		}
		path = strings.ReplaceAll(path, "{id}", "ar_none")
		if r.needs != open && !slices.Contains(people.Reviewer.Grants(), r.needs) {
			if got := s.post(reviewer, path, nil).status; got != http.StatusForbidden {
				t.Errorf("a reviewer posts to %s: %d", path, got)
			}
		}
		if r.needs != open {
			if got := s.post(s.client(), path, nil).status; got != http.StatusUnauthorized {
				t.Errorf("nobody posts to %s: %d", path, got)
			}
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader("theme=dark"))
		must(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "https://evil.example.com")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if got := s.do(admin, req).status; got != http.StatusForbidden {
			t.Errorf("another site posts to %s: %d", path, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for _, path := range []string{"/", "/events", "/nothing", "/api/v1/connections", "/healthz", "/sign-in/x"} {
		h := s.get(c, path).header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Strict-Transport-Security": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
			"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy allows something unsafe: %s", path, csp)
		}
	}
	s.server.cfg.Secure = true
	secure := s.server.handler()
	rec := record(secure, "/healthz")
	if got := rec.Header().Get("Strict-Transport-Security"); got != "max-age=31536000; includeSubDomains" {
		t.Errorf("over https HSTS is %q", got)
	}
}

// checkNothingInline holds what the content security policy would refuse in a browser, for every page.
func checkNothingInline(t *testing.T, s *site) {
	c := s.as(people.Admin)
	for _, path := range s.pages() {
		a := s.get(c, path)
		if a.status != http.StatusOK {
			t.Errorf("%s gives %d", path, a.status)
		}
		p := htmlcheck.Parse(t, a.body)
		for _, bad := range []string{"[style]", "[onclick]", "[onload]", "style"} {
			if n := len(p.All(bad)); n > 0 {
				t.Errorf("%s has %d %s", path, n, bad)
			}
		}
		for _, script := range p.All("script") {
			if src := htmlcheck.Attr(script, "src"); !strings.HasPrefix(src, "/assets/") {
				t.Errorf("%s loads a script from %q", path, src)
			}
		}
		for _, n := range p.All("[href]") {
			if href := htmlcheck.Attr(n, "href"); !strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "#") {
				t.Errorf("%s leads outside: %s", path, href)
			}
		}
		if n := len(p.All("h1")); n != 1 {
			t.Errorf("%s has %d h1", path, n)
		}
	}
}

// checkNoDeadLink follows every link of every page once.
func checkNoDeadLink(t *testing.T, s *site) {
	c := s.as(people.Admin)
	seen := map[string]bool{}
	for _, path := range s.pages() {
		p := htmlcheck.Parse(t, s.get(c, path).body)
		for _, n := range p.All("a[href]") {
			href, _, _ := strings.Cut(htmlcheck.Attr(n, "href"), "#")
			if href == "" || seen[href] {
				continue
			}
			seen[href] = true
			a := s.get(c, href)
			if a.status == http.StatusSeeOther {
				a = s.get(c, a.header.Get("Location"))
			}
			if a.status != http.StatusOK {
				t.Errorf("%s leads to %s, which gives %d", path, href, a.status)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d links were followed; are the pages filled?", len(seen))
	}
}

// pages gives the address of every kind of page of a filled site.
func (s *site) pages() []string {
	s.t.Helper()
	ctx := s.t.Context()
	first := "/connections/" + string(s.first.ID)
	out := []string{"/", "/sources", "/sources/onepassword", first, first + "?done=check", first + "/off", first + "/configured", s.approval("onepassword", ""), s.approval("", s.first.ID), "/events?range=7d", "/events?range=120d&result=failed",
		"/events/export?range=120d&result=failed", "/events/artifact?range=30d&result=failed", "/events/filters",
		"/coverage", "/coverage?range=day&at=2026-11-14", "/coverage?range=year&connection=" + string(s.first.ID),
		"/events?q=zzz", "/artifacts", "/artifacts?q=zzz&use=all", "/artifacts?review=approved&from=2026-10-01", "/artifacts/build", "/artifacts/upload", "/artifacts/schedules", "/actions", "/controls", "/frameworks", "/log", "/log/verify",
		"/settings", "/settings/people", "/settings/people/" + string(s.admin.ID), "/settings/account", "/settings/activity", "/settings/api-tokens", "/settings/holds", "/settings/erasure",
		"/settings/notifications", "/settings/notifications/new?kind=email", "/settings/notifications/new?kind=webhook"}
	s.fillHolds()
	all, err := s.server.programme(ctx, s.ws)
	must(s.t, err)
	for id, a := range all.artifacts {
		out = append(out, "/artifacts/"+string(id))
		if a.Recipe == "failed-sign-ins" {
			out = append(out, "/artifacts/"+string(id)+"/v/1/rows", "/pages?artifact="+string(id)+"&step=records", "/events?artifact="+string(id)+"&step=matched")
		}
	}
	out = append(out, "/pages?range=120d&step=duplicates")
	out = append(out, "/actions/"+string(all.actions[0].Action.ID), "/controls/"+string(all.controls[0].Control.ID), "/events/"+s.someEvent())
	return append(append(out, s.programPages()...), s.actionPages()...)
}

// approval gives the address of an approval that the administrator began.
func (s *site) approval(source string, id evidence.ID) string {
	s.t.Helper()
	link, err := s.connections.BeginApproval(s.t.Context(), s.caller(), source, id)
	must(s.t, err)
	return approvePath(link)
}

// caller is the administrator, who asks.
func (s *site) caller() people.Caller {
	return people.Caller{Member: s.admin.ID, Workspace: s.ws, Name: s.admin.Name, Email: s.admin.Email, Role: people.Admin}
}

// someEvent gives the place of an event that came late.
func (s *site) someEvent() string {
	s.t.Helper()
	times := url.Values{"range": {"120d"}, "q": {"odd=late"}}
	p := htmlcheck.Parse(s.t, s.get(s.as(people.Admin), "/events?"+times.Encode()).body)
	links := p.All("a.go")
	if len(links) == 0 {
		s.t.Fatal("the filled site shows no late event")
	}
	return strings.TrimPrefix(htmlcheck.Attr(links[0], "href"), "/events/")
}

func TestSignInFlow(t *testing.T) {
	s := newSite(t)
	link, err := s.signIn.NewLink(t.Context(), "test", s.ws, s.admin.ID)
	must(t, err)
	c := s.client()
	secret := strings.TrimPrefix(link.Path, signin.PathPrefix)
	for range 3 { // looking does not use it up
		a := s.get(c, link.Path)
		p := htmlcheck.Parse(t, a.body)
		if got := htmlcheck.Attr(p.One(`input[name=link]`), "value"); a.status != http.StatusOK || got != secret {
			t.Fatalf("the page gives %d and carries %q", a.status, got)
		}
	}
	a := s.post(c, "/sign-in", url.Values{"link": {secret}})
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"exhibit=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q lacks %s", cookie, want)
		}
	}
	if a.status != http.StatusSeeOther || strings.Contains(cookie, "Secure") {
		t.Errorf("signing in gives %d and %q", a.status, cookie)
	}
	if got := s.get(c, "/").status; got != http.StatusOK {
		t.Errorf("the front page gives %d", got)
	}
	if again := s.post(s.client(), "/sign-in", url.Values{"link": {secret}}); again.status != http.StatusUnauthorized {
		t.Errorf("the link works twice: %d", again.status)
	}
	if out := s.post(c, "/sign-out", nil); out.status != http.StatusSeeOther {
		t.Errorf("signing out gives %d", out.status)
	}
	if got := s.get(c, "/").status; got != http.StatusUnauthorized {
		t.Errorf("after signing out the front page gives %d", got)
	}
	if strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), strings.Split(cookie, ";")[0]) {
		t.Error("the log holds a secret")
	}
}

func TestSecureCookie(t *testing.T) {
	s := newSite(t)
	s.server.cfg.Secure = true
	link, err := s.signIn.NewLink(t.Context(), "test", s.ws, s.admin.ID)
	must(t, err)
	a := s.post(s.client(), "/sign-in", url.Values{"link": {strings.TrimPrefix(link.Path, signin.PathPrefix)}})
	if got := a.header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-exhibit=") || !strings.Contains(got, "; Secure") || strings.Contains(got, "Domain=") {
		t.Errorf("over https the cookie is %q", got)
	}
}

func TestExpiredSessionSaysSo(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	s.advance(signin.IdleLimit)
	a := s.get(c, "/events")
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "You have been signed out") {
		t.Errorf("an idle session gives %d", a.status)
	}
	if a := s.get(s.client(), "/events"); !strings.Contains(a.body, "You are not signed in") {
		t.Error("a browser that never signed in is told that it was signed out")
	}
}

func TestTheme(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for _, back := range []struct{ asked, want string }{
		{"/events?range=7d", "/events?range=7d"}, {"//evil.example.com", "/"}, {"https://evil.example.com", "/"}, {"/\\evil.example.com", "/"}, {"", "/"}, {"/a\nb", "/"},
	} {
		a := s.post(c, "/theme", url.Values{"theme": {"dark"}, "return": {back.asked}})
		if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != back.want {
			t.Errorf("back to %q leads to %q (%d)", back.asked, got, a.status)
		}
	}
	p := htmlcheck.Parse(t, s.get(c, "/").body)
	if got := htmlcheck.Attr(p.One("html"), "data-theme"); got != "dark" {
		t.Errorf("the theme is %q", got)
	}
	if a := s.post(c, "/theme", url.Values{"theme": {"<script>"}}); a.status != http.StatusBadRequest {
		t.Errorf("an unknown theme gives %d", a.status)
	}
}

func TestProblemsLookAlike(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for path, want := range map[string]int{
		"/nothing": 404, "/connections/cn_none": 404, "/artifacts/ar_none": 404, "/actions/none": 404, "/controls/none": 404, "/sources/okta": 404,
		"/events/1.0": 404, "/events/x": 400, "/events/1.00": 400, "/artifacts/ar_none/v/1/csv": 404, "/actions?status=late": 400,
		"/events?range=9y": 400, "/events?from=yesterday": 400, "/events?from=2026-11-02&to=2026-11-01": 400, "/events?q=nonsense%3D1": 400,
		"/events?after=zzz": 400, "/events?stream=nope": 400,
	} {
		a := s.get(c, path)
		if a.status != want {
			t.Errorf("%s gives %d, want %d", path, a.status, want)
			continue
		}
		p := htmlcheck.Parse(t, a.body)
		if len(p.All("nav")) == 0 || len(p.All("h1")) != 1 {
			t.Errorf("%s is not in the frame of the other pages", path)
		}
	}
	reviewer := s.get(s.as(people.HelpDesk), "/events")
	htmlcheck.Parse(t, reviewer.body).Has("h2", "Your role does not allow this")
}

// TestFailureHidesItsCause holds that a broken store shows a number and nothing of the cause, which the log holds.
func TestFailureHidesItsCause(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	broken := *s.server
	broken.cfg.Coverage = brokenCoverage{}
	for _, path := range []string{"/sources", "/api/v1/coverage"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com"+path, nil)
		must(t, err)
		u, err := url.Parse(s.URL)
		must(t, err)
		for _, k := range c.Jar.Cookies(u) {
			req.AddCookie(k)
		}
		rec := recordRequest(broken.handler(), req)
		if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "secret cause") {
			t.Errorf("%s gives %d: %s", path, rec.Code, rec.Body)
		}
	}
	if !strings.Contains(s.log.String(), "secret cause") {
		t.Error("the log lacks the cause")
	}
}

type brokenCoverage struct{}

func TestBodyLimit(t *testing.T) {
	s := newSite(t)
	a := s.post(s.as(people.Admin), "/artifacts", url.Values{"recipe": {strings.Repeat("x", bodyLimit+1)}})
	if a.status == http.StatusOK || a.status == http.StatusSeeOther {
		t.Errorf("a form of more than %d bytes gives %d", bodyLimit, a.status)
	}
}

func TestFindLeads(t *testing.T) {
	for q, want := range map[string]string{
		"": "/events", "cn_abc": "/connections/cn_abc", "ar_x": "/artifacts/ar_x", "ac_x": "/actions/ac_x", "co_x": "/controls/co_x", "12.3": "/events/12.3",
		"controls": "/controls", "ada@example.com": "/events?q=ada%40example.com&range=120d", "cn_../x": "/events?q=cn_..%2Fx&range=120d", "a_b": "/events?q=a_b&range=120d",
	} {
		if got := target(q); got != want {
			t.Errorf("%q leads to %q, want %q", q, got, want)
		}
	}
}

func checkHealthAndMetrics(t *testing.T, s *site) {
	c := s.client()
	if a := s.get(c, "/healthz"); a.status != http.StatusOK || a.body != "ok\n" {
		t.Errorf("/healthz gives %d %q", a.status, a.body)
	}
	if a := s.get(c, "/readyz"); a.status != http.StatusOK {
		t.Errorf("/readyz gives %d", a.status)
	}
	s.get(s.as(people.Admin), "/events?person=ada@example.com")
	m := s.get(c, "/metrics").body
	for _, want := range []string{"exhibit_events ", "exhibit_http_requests_total{route=\"GET /events\"", "exhibit_http_request_seconds_bucket"} {
		if !strings.Contains(m, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	for _, bad := range []string{"example.com", "Northwind", string(s.ws), string(s.first.ID)} {
		if strings.Contains(m, bad) {
			t.Errorf("the metrics hold %q", bad)
		}
	}
}

// TestOpenAPI compares the API's document with the committed one; go test -run TestOpenAPI -update writes it anew.
func TestOpenAPI(t *testing.T) {
	s := newSite(t)
	s.server.cfg.Version = "1"
	doc, err := s.server.mountAPI(http.NewServeMux()).OpenAPI().MarshalJSON()
	must(t, err)
	var tree any
	must(t, json.Unmarshal(doc, &tree))
	got, err := json.MarshalIndent(tree, "", "  ")
	must(t, err)
	got = append(got, '\n')
	path := filepath.Join("..", "..", "docs", "openapi.json")
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/openapi.json is stale; run go test ./internal/web -run TestOpenAPI -update (-committed +now):\n%s", diff)
	}
	s.checkOperationTable(t)
}

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-11-01T08:00:00Z", "2026-11-01T08:00", " 2026-11-01 08:00 ", "2026-11-01T09:00:00+01:00", "2026-11-01T08:00:00"} {
		if got, err := parseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-13-01", "2026-02-30", "08:00", "1761984000"} {
		if _, err := parseTime(text); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("parseTime(%q): %v", text, err)
		}
	}
}
