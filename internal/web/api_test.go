package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/store"
)

// apiOperation is one operation of the API as its document has it.
type apiOperation struct {
	method, path string
	needs        people.Permission
	doc          *huma.Operation
}

// operations gives all operations of the API.
func (s *site) operations() []apiOperation {
	var out []apiOperation
	for path, item := range s.server.mountAPI(http.NewServeMux()).OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			needs, _ := op.Extensions[needsKey].(string)
			out = append(out, apiOperation{op.Method, path, people.Permission(needs), op})
		}
	}
	return out
}

// TestAPIByRoleAndScope asks every operation as nobody, as every role with a session, and as every role with every scope:
// only what both tables grant is answered.
func TestAPIByRoleAndScope(t *testing.T) {
	s := newSite(t)
	fill := strings.NewReplacer("{ref}", "1.0", "{id}", "none", "{version}", "1", "{format}", "csv")
	type way struct {
		name   string
		send   func(method, path string) answer
		grants func(people.Permission) bool
		none   bool
	}
	ways := []way{{"nobody", func(method, path string) answer { return s.ask("", method, path, "") }, nil, true}}
	for _, role := range people.Roles() {
		c := s.as(role)
		ways = append(ways, way{string(role), func(method, path string) answer {
			req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
			must(t, err)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			return s.do(c, req)
		}, func(p people.Permission) bool { return slices.Contains(role.Grants(), p) }, false})
		member := store.Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: s.ws, Name: "Token " + role.Title(), Email: string(role) + "@example.com", Role: "admin", CreatedAt: noon}
		if role != people.Admin { // the token is made while its member may, and used when he no longer does
			member.Role = string(role)
		}
		must(t, s.store.AddMember(t.Context(), member))
		for _, scope := range people.AllScopes() {
			maker := people.Caller{Member: member.ID, Workspace: s.ws, Name: member.Name, Role: people.Admin}
			if scope == people.ScopeReview { // an administrator makes and does not judge
				maker.Role = people.Reviewer
			}
			_, secret, err := s.tokens.Create(t.Context(), maker, apitoken.CreateRequest{Name: "t", Scopes: []string{string(scope)}})
			must(t, err)
			ways = append(ways, way{string(role) + " with " + string(scope), func(method, path string) answer { return s.ask(secret.Reveal(), method, path, "") },
				func(p people.Permission) bool {
					return slices.Contains(role.Grants(), p) && slices.Contains(scope.Grants(), p)
				}, false})
		}
	}
	asked := 0
	for _, op := range s.operations() {
		path := fill.Replace(op.path)
		for _, w := range ways {
			a := w.send(op.method, path)
			asked++
			where := fmt.Sprintf("%s: %s %s gives %d", w.name, op.method, op.path, a.status)
			switch {
			case w.none:
				if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != `Bearer realm="Exhibit"` {
					t.Errorf("%s, challenge %q", where, a.header.Get("WWW-Authenticate"))
				}
			case !w.grants(op.needs) && a.status != http.StatusForbidden:
				t.Errorf("%s and should be forbidden: %s", where, a.body)
			case w.grants(op.needs) && (a.status == http.StatusForbidden || a.status == http.StatusUnauthorized || a.status >= 500):
				t.Errorf("%s and should be allowed: %s", where, a.body)
			}
			if a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s and sets a cookie", where)
			}
			if a.status >= 400 {
				problemOf(t, a)
			}
		}
	}
	if asked < 1000 {
		t.Errorf("only %d questions were asked", asked)
	}
}

// TestAPIFromAnotherSite holds that a browser's session changes nothing for another site, over the API as little as with forms.
func TestAPIFromAnotherSite(t *testing.T) {
	s := newSite(t)
	admin := s.as(people.Admin)
	for _, op := range s.operations() {
		if op.method == http.MethodGet {
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), op.method, s.URL+strings.ReplaceAll(op.path, "{id}", "none"), strings.NewReader("{}"))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", "https://evil.example.com")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if a := s.do(admin, req); a.status != http.StatusForbidden || problemOf(t, a).Title != "Your role does not allow this" {
			t.Errorf("%s %s gives %d: %s", op.method, op.path, a.status, a.body)
		}
	}
}

// TestAPIDocument holds that each operation says what a program needs to know.
func TestAPIDocument(t *testing.T) {
	s := newSite(t)
	doc := s.server.mountAPI(http.NewServeMux()).OpenAPI()
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Components.SecuritySchemes["token"].Scheme != "bearer" || len(doc.Security) != 2 {
		t.Errorf("version %s, schemes %v", doc.OpenAPI, doc.Components.SecuritySchemes)
	}
	seen := map[string]bool{}
	for _, op := range s.operations() {
		where := op.method + " " + op.path
		if op.doc.Summary == "" || op.doc.Description == "" || len(op.doc.Tags) != 1 || seen[op.doc.OperationID] {
			t.Errorf("%s says too little, or its id %q is another's", where, op.doc.OperationID)
		}
		seen[op.doc.OperationID] = true
		for _, status := range []string{"200", "401", "403", "404"} {
			if op.doc.Responses[status] == nil {
				t.Errorf("%s documents no %s", where, status)
			}
		}
		if op.method != http.MethodGet && op.doc.Responses["409"] == nil {
			t.Errorf("%s changes something and documents no 409", where)
		}
	}
}

// decode reads an answer that must be good.
func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if a.status != http.StatusOK {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	must(t, json.Unmarshal([]byte(a.body), &v))
	return v
}

// TestAPIConnections looks after a connection through the API alone, with a real simulated source.
func TestAPIConnections(t *testing.T) {
	w := newSimulated(t)
	s := w.site
	token := s.token("monitor", "manage")
	send := func(method, path, body string) answer { return s.ask(token, method, "/api/v1"+path, body) }
	secret := w.token(simulator.TokenOptions{})
	body := func(fields string) string { return fmt.Sprintf(`{"token":%q%s}`, secret, fields) }

	made := decode[apiConnection](t, send("POST", "/connections", body(`,"source":"onepassword","name":"By program"`)))
	if made.Name != "By program" || made.State != evidence.StateBackfilling || made.Account == "" {
		t.Errorf("made %+v", made)
	}
	path := "/connections/" + string(made.ID)
	for _, step := range []struct {
		method, path, body string
		want               int
		says               string
	}{
		{"POST", path + "/check", "", 200, `"backfilling"`},
		{"POST", path + "/read", "", 200, `"backfilling"`},
		{"POST", path + "/rotate", body(""), 200, `"backfilling"`},
		{"POST", path + "/rotate", `{"token":"nonsense"}`, 400, "That cannot be done"},
		{"POST", path + "/on", body(""), 409, "is on already"},
		{"POST", path + "/off", "", 200, `"state":"off"`},
		{"POST", path + "/off", "", 200, `"state":"off"`},
		{"POST", path + "/check", "", 409, "switched off"},
		{"POST", path + "/on", body(""), 200, `"backfilling"`},
		{"GET", "/concerns", "", 200, `"concerns":[`},
		{"POST", "/connections", body(`,"source":"okta"`), 400, "no source"},
		{"POST", "/connections", body(`,"source":"onepassword","name":"by program"`), 409, "already"},
		{"POST", "/connections", body(`,"source":"onepassword","extra":1`), 422, "unexpected property"},
		{"POST", "/connections", fmt.Sprintf(`{"token":[%q],"source":"onepassword"}`, secret), 422, "expected string"},
	} {
		a := send(step.method, step.path, step.body)
		if a.status != step.want || !strings.Contains(a.body, step.says) {
			t.Errorf("%s %s gives %d, want %d with %q: %s", step.method, step.path, a.status, step.want, step.says, a.body)
		}
		if strings.Contains(a.body, secret) {
			t.Errorf("%s %s gives the token back", step.method, step.path)
		}
	}
	trail, err := s.store.Activity(t.Context(), s.ws, 100)
	must(t, err)
	if trail[0].Who != "Ada Okafor (API token test)" || trail[0].What != "connection.on" {
		t.Errorf("the trail ends with %+v", trail[0])
	}
	if log := s.log.String(); strings.Contains(log, secret) || strings.Contains(log, token) {
		t.Error("the log holds a token")
	}
}

// TestSecretsComeConfidentially holds that a token is not taken over an open connection from another machine.
func TestSecretsComeConfidentially(t *testing.T) {
	s := newSite(t)
	token := s.token("manage", "settings")
	for remote, want := range map[string]int{"127.0.0.1:5": 400, "[::1]:5": 400, "192.0.2.7:5": 403, "nonsense": 403} {
		for _, secure := range []bool{false, true} {
			s.server.cfg.Secure = secure
			req := httptest.NewRequest(http.MethodPost, "/api/v1/connections", strings.NewReader(`{"source":"onepassword","token":"x"}`))
			req.RemoteAddr = remote
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+token)
			rec := recordRequest(s.server.handler(), req)
			if secure {
				want = 400
			}
			if rec.Code != want {
				t.Errorf("from %s, behind TLS %v: %d, want %d: %s", remote, secure, rec.Code, want, rec.Body)
			}
		}
	}
}

// TestAPIArtifacts builds, attaches, downloads and detaches through the API.
func TestAPIArtifacts(t *testing.T) {
	s := newSite(t)
	s.seed()
	token := s.token("read", "build")
	send := func(method, path, body string) answer { return s.ask(token, method, "/api/v1"+path, body) }
	controls := decode[apiControls](t, send("GET", "/controls", ""))
	if n := len(decode[apiRecipes](t, send("GET", "/recipes", "")).Recipes); n < 3 {
		t.Errorf("%d recipes", n)
	}
	made := decode[apiArtifact](t, send("POST", "/artifacts", `{"recipe":"coverage","from":"2026-11-01","to":"2026-11-02"}`))
	path := "/artifacts/" + string(made.ID)
	file := send("GET", path+"/versions/1/csv", "")
	page := s.get(s.as(people.Admin), "/artifacts/"+string(made.ID)+"/v/1/csv")
	if file.status != http.StatusOK || file.body != page.body || !strings.HasPrefix(file.header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file gives %d, %q", file.status, file.header)
	}
	at := decode[apiAttachment](t, send("POST", path+"/attach", fmt.Sprintf(`{"control":%q,"strength":"strong","reason":"It shows it."}`, controls.Controls[0].Key)))
	if at.Control != controls.Controls[0].ID {
		t.Errorf("attached %+v", at)
	}
	one := decode[apiControl](t, send("GET", "/controls/"+controls.Controls[0].Key, ""))
	if !slices.Contains(one.Artifacts, made.ID) {
		t.Errorf("the control has %v", one.Artifacts)
	}
	decode[apiDone](t, send("POST", path+"/detach", fmt.Sprintf(`{"attachment":%q,"reason":"No longer."}`, at.ID)))
	for path, want := range map[string]int{path + "/versions/9/csv": 404, path + "/versions/0/csv": 422, path + "/versions/1/docx": 404, "/controls/none": 404, "/actions/none": 404, "/sources/none": 404} {
		if a := send("GET", path, ""); a.status != want {
			t.Errorf("%s gives %d, want %d: %s", path, a.status, want, a.body)
		}
	}
	if a := send("POST", "/artifacts", `{"recipe":"coverage","from":"soon","to":"2026-11-02"}`); a.status != 400 {
		t.Errorf("a build without a period gives %d", a.status)
	}
}

// seed gives the workspace the starter controls and actions.
func (s *site) seed() {
	s.t.Helper()
	_, err := program.New(s.store, s.clock).Seed(s.t.Context(), "test", s.ws, "soc2")
	must(s.t, err)
}

// TestAPISettings makes tokens and channels through the API, with what a token may and may not.
func TestAPISettings(t *testing.T) {
	s := newSite(t)
	srv := s.hears(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	token := s.token("settings", "read")
	send := func(method, path, body string) answer { return s.ask(token, method, "/api/v1"+path, body) }
	me := decode[apiMe](t, send("GET", "/me", ""))
	if me.Token == nil || me.Name != "Ada Okafor" || len(me.Scopes) != 2 || slices.Contains(me.Permissions, people.BuildArtifacts) {
		t.Errorf("me: %+v", me)
	}
	made := decode[apiToken](t, send("POST", "/api-tokens", `{"name":"child","scopes":["read"],"expires":"7d"}`))
	if made.Token == "" || !made.ExpiresAt.Equal(noon.Add(7*24*time.Hour)) {
		t.Errorf("made %+v", made)
	}
	if a := send("POST", "/api-tokens", `{"name":"more","scopes":["build"]}`); a.status != http.StatusForbidden {
		t.Errorf("a token gives what it has not: %d", a.status)
	}
	if a := s.ask(made.Token, "GET", "/api/v1/members", ""); a.status != http.StatusOK {
		t.Errorf("the child gives %d", a.status)
	}
	list := send("GET", "/api-tokens", "")
	if len(decode[apiTokens](t, list).Tokens) != 2 || strings.Contains(list.body, "exh_") {
		t.Errorf("the list is %s", list.body)
	}
	decode[apiToken](t, send("DELETE", "/api-tokens/"+string(made.ID), ""))
	if a := s.ask(made.Token, "GET", "/api/v1/members", ""); a.status != http.StatusUnauthorized {
		t.Errorf("a revoked child gives %d", a.status)
	}

	ch := decode[apiChannel](t, send("POST", "/notifications", fmt.Sprintf(`{"kind":"webhook","name":"Pager","url":"%s/canary","key":"canary-key-of-enough","tells":["gaps"]}`, srv.URL)))
	path := "/notifications/" + string(ch.ID)
	tested := decode[apiTested](t, send("POST", path+"/test", ""))
	if !tested.OK || !strings.HasSuffix(tested.Said, "answered 200: ok.") {
		t.Errorf("tested: %+v", tested)
	}
	changed := send("PUT", path, `{"name":"Other","tells":["late"]}`)
	if c := decode[apiChannel](t, changed); c.Name != "Other" || c.SentAt == nil {
		t.Errorf("changed: %+v", c)
	}
	decode[apiDone](t, send("PUT", "/notifications/digest", `{"hour":16}`))
	channels := send("GET", "/notifications", "")
	if c := decode[apiChannels](t, channels); c.DigestHour != 16 || len(c.Channels) != 1 {
		t.Errorf("channels: %+v", c)
	}
	for _, a := range []answer{changed, channels, send("GET", path, ""), send("POST", "/notifications", `{"kind":"webhook","url":"https://canary","key":"canary","extra":"canary"}`)} {
		if strings.Contains(a.body, "canary") {
			t.Errorf("a secret comes back: %s", a.body)
		}
	}
	decode[apiDone](t, send("DELETE", path, ""))
	if a := send("GET", path, ""); a.status != http.StatusNotFound {
		t.Errorf("a removed channel gives %d", a.status)
	}

	trail := decode[apiTrail](t, send("GET", "/activity?what=notifications&limit=2", ""))
	if len(trail.Activity) != 2 || trail.Next == nil || trail.Activity[0].What != "notifications.remove" || trail.Activity[0].Who != "Ada Okafor (API token test)" {
		t.Errorf("the trail: %+v", trail)
	}
	rest := decode[apiTrail](t, send("GET", "/activity?what=notifications&after="+*trail.Next, ""))
	if len(rest.Activity) != 3 || rest.Next != nil {
		t.Errorf("the rest of the trail: %+v", rest)
	}
}

// checkEventBytes holds that the API gives an event's bytes as they came.
func checkEventBytes(t *testing.T, s *site) {
	token, ref := s.token("read"), s.someEvent()
	a := s.ask(token, http.MethodGet, "/api/v1/event-bytes/"+ref, "")
	page := s.get(s.as(people.Admin), "/events/"+ref+"/raw")
	if a.status != http.StatusOK || a.body != page.body || a.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d %s: %q, the page gives %q", a.status, a.header.Get("Content-Type"), a.body, page.body)
	}
}

// TestAPIDocs runs every example of docs/api.md against a real server, in order, with the shell.
func TestAPIDocs(t *testing.T) {
	for _, tool := range []string{"curl", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s on this machine: the examples of docs/api.md are not run", tool)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	must(t, err)
	w := newSimulated(t)
	s := w.site
	s.seed()
	srv := s.hears(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "token.json"), fmt.Appendf(nil, `{"source": "onepassword", "name": "1Password", "token": %q}`, w.token(simulator.TokenOptions{})), 0o600))
	env := append(os.Environ(), "EXHIBIT_URL="+s.URL, "EXHIBIT_API_TOKEN="+s.token("monitor", "read", "build", "manage", "settings"), "SLACK_WEBHOOK="+srv.URL+"/services/x")
	ran := 0
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(text, -1) {
		script := string(m[1])
		if !strings.Contains(script, "curl") {
			continue
		}
		ran++
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
		cmd.Dir, cmd.Env = dir, env
		var errOut bytes.Buffer
		cmd.Stderr = &errOut
		out, err := cmd.Output()
		if err != nil || len(bytes.TrimSpace(out)) == 0 {
			t.Errorf("%v\n%s\n%s%s", err, script, out, errOut.Bytes())
		}
	}
	if ran < 8 {
		t.Errorf("only %d examples were run", ran)
	}
}

// checkOperationTable compares the table of docs/api.md with the operations; with -update it writes it anew.
func (s *site) checkOperationTable(t *testing.T) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "api.md")
	text, err := os.ReadFile(path)
	must(t, err)
	const begin, end = "<!-- operations -->\n", "<!-- end of operations -->"
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, alsoOK := strings.Cut(rest, end)
	if !ok || !alsoOK {
		t.Fatal("docs/api.md has no place for the table of operations")
	}
	list := s.operations()
	slices.SortFunc(list, func(a, b apiOperation) int {
		return strings.Compare(a.path+" "+a.method, b.path+" "+b.method)
	})
	var table strings.Builder
	table.WriteString("| operation | does | scope |\n|---|---|---|\n")
	for _, op := range list {
		scope := "`" + string(people.ScopeFor(op.needs)) + "`"
		if op.needs == people.Own {
			scope = "any"
		}
		fmt.Fprintf(&table, "| `%s %s` | %s | %s |\n", op.method, strings.TrimPrefix(op.path, apiPrefix), op.doc.Summary, scope)
	}
	want := before + begin + table.String() + end + after
	if *update {
		must(t, os.WriteFile(path, []byte(want), 0o644))
	} else if diff := cmp.Diff(string(text), want); diff != "" {
		t.Errorf("docs/api.md is stale; run go test ./internal/web -run TestOpenAPI -update (-committed +now):\n%s", diff)
	}
}
