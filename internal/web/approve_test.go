package web

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/collect"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// simulated is a site beside two simulated servers of one account, both of which its operator allowed. It lives in the
// present, as certificates do.
type simulated struct {
	*site
	account    *simulator.Simulator
	url, other string // servers; tokens of account are for url
	secrets    []string
}

func newSimulated(t *testing.T) *simulated {
	t.Helper()
	account, err := simulator.New(simulator.Config{Seed: 5, Events: 3000, NoRateLimit: true})
	must(t, err)
	url, ca, stop, err := account.StartTLS("127.0.0.1:0", "")
	must(t, err)
	t.Cleanup(stop)
	another, err := simulator.New(simulator.Config{Seed: 6, Events: 100, NoRateLimit: true})
	must(t, err)
	other, _, stop, err := another.StartTLS("127.0.0.1:0", "")
	must(t, err)
	t.Cleanup(stop)
	s := newSiteWith(t, source.Operator{AllowServers: []string{url, other}, CAPEM: ca})
	s.mu.Lock()
	s.now = time.Now().UTC().Truncate(time.Millisecond)
	s.mu.Unlock()
	return &simulated{site: s, account: account, url: url, other: other}
}

// token makes the account issue a token, which must then show up nowhere.
func (s *simulated) token(o simulator.TokenOptions) string {
	s.t.Helper()
	token, err := s.account.IssueToken(o)
	must(s.t, err)
	s.secrets = append(s.secrets, token)
	return token
}

// follow sends a form and gives the page that it leads to.
func (s *simulated) follow(c *http.Client, path string, form url.Values) answer {
	s.t.Helper()
	a := s.post(c, path, form)
	if a.status != http.StatusSeeOther {
		s.t.Fatalf("%s gives %d: %s", path, a.status, htmlcheck.Text(htmlcheck.Parse(s.t, a.body).One("main")))
	}
	return s.get(c, a.header.Get("Location"))
}

// link begins at the catalogue, as somebody without a script does, and gives the secret of the link.
func (s *simulated) link(c *http.Client, form url.Values) string {
	s.t.Helper()
	a := s.post(c, "/connect", form)
	u, err := url.Parse(a.header.Get("Location"))
	must(s.t, err)
	if a.status != http.StatusSeeOther || u.Path != "/connect/approve" || len(u.Query().Get("link")) != 43 {
		s.t.Fatalf("beginning gives %d and leads to %s", a.status, u)
	}
	return u.Query().Get("link")
}

// TestApproveWithoutScript goes the whole way with plain forms: server, confirmation, token, Connection Configured.
func TestApproveWithoutScript(t *testing.T) {
	s := newSimulated(t)
	c := s.as(people.HelpDesk)
	catalogue := htmlcheck.Parse(t, s.get(c, "/sources").body)
	form := catalogue.One("form[data-approve]")
	if htmlcheck.Attr(form, "method") != "post" || htmlcheck.Attr(form, "target") != "_blank" || htmlcheck.Attr(form, "action") != "/connect" {
		t.Error("the toggle is no plain form that opens a new tab")
	}
	toggle := catalogue.One("button[role=switch]")
	if htmlcheck.Attr(toggle, "aria-checked") != "false" || htmlcheck.Attr(toggle, "aria-label") != "Connect 1Password (opens a new tab)" {
		t.Error("the toggle does not say what it does")
	}
	link := s.link(c, url.Values{"source": {"onepassword"}})
	p := htmlcheck.Parse(t, s.get(c, approvePath(link)).body)
	p.Has("legend", "Select your events server")
	for _, server := range []string{"https://events.ent.1password.com", "https://events.1password.com", "https://events.1password.ca", "https://events.1password.eu", s.url, s.other} {
		p.Has("label .mono", server)
	}
	p = htmlcheck.Parse(t, s.follow(c, "/connect/server", url.Values{"link": {link}, "server": {s.url}}).body)
	p.Has("[role=status]", "Server saved.")
	p.Has("[role=status]", s.url)
	p.Has("button", "Submit Bearer Token")
	back := htmlcheck.Parse(t, s.get(c, approvePath(link)+"&change=server").body)
	if got := htmlcheck.Attr(back.One("input[checked]"), "value"); got != s.url {
		t.Errorf("back at the servers %q is chosen", got)
	}
	p = htmlcheck.Parse(t, s.follow(c, "/connect/token", url.Values{"link": {link}, "token": {" " + s.token(simulator.TokenOptions{}) + "\n"}, "name": {"Northwind"}}).body)
	p.Has("h1", "Connection Configured")
	p.Has("#live", "Reading the last 120 days")
	conns, err := s.store.Connections(t.Context(), s.ws)
	must(t, err)
	if len(conns) != 1 || conns[0].Name != "Northwind" || conns[0].Server != s.url || conns[0].CreatedBy != "Some Help desk" {
		t.Fatalf("made %+v", conns)
	}
	s.first = conns[0]
	s.collect(t)
	p = htmlcheck.Parse(t, s.get(c, "/connections/"+string(s.first.ID)+"/configured").body)
	p.Has("#live", "3,0")
	p.Has("#live", "Active")
	s.trail(t, "approval.begin", "connection.add")
	s.nowhere(t)
}

// collect reads the account until nothing is left.
func (s *simulated) collect(t *testing.T) {
	t.Helper()
	c := collect.New(collect.Config{Store: s.store, Kind: s.connections.Kind, Open: s.connections.OpenSource, Budget: collect.NewBudget(collect.Limits{}), Patience: 20 * time.Second, Now: s.clock})
	_, err := c.UntilIdle(t.Context(), collect.Filter{})
	must(t, err)
}

// trail holds that the workspace's trail has lines of these kinds, the oldest first.
func (s *simulated) trail(t *testing.T, want ...string) {
	t.Helper()
	lines, err := s.store.Activity(t.Context(), s.ws, 100)
	must(t, err)
	var got []string
	for _, l := range slices.Backward(lines) {
		if strings.HasPrefix(l.What, "approval.") || strings.HasPrefix(l.What, "connection.") {
			got = append(got, l.What)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail says %v, want %v", got, want)
	}
}

// nowhere holds that no token is in the log, in the data directory in clear, or on a page.
func (s *simulated) nowhere(t *testing.T) {
	t.Helper()
	c := s.as(people.Admin)
	places := map[string]string{"the log": s.log.String()}
	for _, path := range []string{"/", "/sources", "/sources/onepassword", "/connections/" + string(s.first.ID), "/connections/" + string(s.first.ID) + "/configured"} {
		places[path] = s.get(c, path).body
	}
	must(t, filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		places[path] = string(body)
		return err
	}))
	for where, text := range places {
		for _, token := range s.secrets {
			for _, part := range strings.Split(token, ".")[1:] {
				if strings.Contains(text, part[:24]) {
					t.Errorf("%s holds a part of a token", where)
				}
			}
		}
	}
}

// TestApproveMendsWrongServer pastes a token of another server than the confirmed one, and mends it with one press.
func TestApproveMendsWrongServer(t *testing.T) {
	s := newSimulated(t)
	c := s.as(people.Admin)
	link := s.link(c, url.Values{"source": {"onepassword"}})
	s.follow(c, "/connect/server", url.Values{"link": {link}, "server": {s.other}})
	a := s.follow(c, "/connect/token", url.Values{"link": {link}, "token": {s.token(simulator.TokenOptions{})}, "name": {"Kept"}})
	p := htmlcheck.Parse(t, a.body)
	p.Has("h2", "This token is for another server")
	p.Has("dd", s.url)
	p.Has("dd", s.other)
	s.hidden(t, a)
	again := htmlcheck.Parse(t, s.get(c, approvePath(link)+"&change=token").body)
	if htmlcheck.Attr(again.One("#token"), "value") != "" || htmlcheck.Attr(again.One("#name"), "value") != "Kept" {
		t.Error("going back shows the token, or loses the name")
	}
	p = htmlcheck.Parse(t, s.follow(c, "/connect/mend", url.Values{"link": {link}}).body)
	p.Has("h1", "Connection Configured")
	p.Has("main", s.url)
	s.nowhere(t)
}

func (s *simulated) hidden(t *testing.T, a answer) {
	t.Helper()
	for _, token := range s.secrets {
		if strings.Contains(a.body, token) || strings.Contains(a.body, strings.Split(token, ".")[2]) {
			t.Error("the token came back to the browser")
		}
	}
}

// TestApproveNamesWhatIsMissing pastes a token without audit events, which is taken only after it was said.
func TestApproveNamesWhatIsMissing(t *testing.T) {
	s := newSimulated(t)
	c := s.as(people.Admin)
	link := s.link(c, url.Values{"source": {"onepassword"}})
	s.follow(c, "/connect/server", url.Values{"link": {link}, "server": {s.url}})
	a := s.follow(c, "/connect/token", url.Values{"link": {link}, "token": {s.token(simulator.TokenOptions{Features: []string{"signinattempts", "itemusages"}})}})
	s.hidden(t, a)
	p := htmlcheck.Parse(t, a.body)
	p.Has("h2", "The token lacks 1 event type")
	p.Has("li.warn", "Without audit events there is no evidence of joiners and leavers")
	p.Has("li.ok", "Sign-in attempts")
	if conns, err := s.store.Connections(t.Context(), s.ws); len(conns) != 0 || err != nil {
		t.Errorf("%d connections were made before it was accepted, %v", len(conns), err)
	}
	p = htmlcheck.Parse(t, s.follow(c, "/connect/accept", url.Values{"link": {link}}).body)
	p.Has("h1", "Connection Configured")
	p.Has("#live", "not granted")
	if again := s.post(c, "/connect/accept", url.Values{"link": {link}}); again.status != http.StatusGone {
		t.Errorf("accepting twice gives %d", again.status)
	}
	s.nowhere(t)
}

// TestApproveRefuses holds what is said of tokens and servers that cannot be, and that what was typed stays.
func TestApproveRefuses(t *testing.T) {
	s := newSimulated(t)
	c := s.as(people.Admin)
	link := s.link(c, url.Values{"source": {"onepassword"}})
	for server, says := range map[string]string{"": "No server is chosen", "https://evil.example.com": "is none of 1Password", "http://events.1password.com": "https://"} {
		a := s.post(c, "/connect/server", url.Values{"link": {link}, "server": {server}})
		p := htmlcheck.Parse(t, a.body)
		p.Has("[role=alert]", says)
		if a.status < 400 || a.status > 499 || a.status == http.StatusUnauthorized || len(p.All("input[type=radio]")) < 4 {
			t.Errorf("server %q gives %d", server, a.status)
		}
	}
	if a := s.post(c, "/connect/token", url.Values{"link": {link}, "token": {"x"}}); a.status != http.StatusConflict {
		t.Errorf("a token before a server gives %d", a.status)
	}
	s.follow(c, "/connect/server", url.Values{"link": {link}, "server": {s.url}})
	good := s.token(simulator.TokenOptions{})
	revoked := s.token(simulator.TokenOptions{})
	must(t, s.account.Revoke(revoked))
	for token, says := range map[string]string{
		"": "There is no token", "hello": "", "ops_eyJzaWduSW4": "service account", good[:len(good)-20]: "cut off", revoked: "refuses this token",
	} {
		a := s.post(c, "/connect/token", url.Values{"link": {link}, "token": {token}, "name": {"What I typed"}})
		p := htmlcheck.Parse(t, a.body)
		p.Has("[role=alert]", says)
		if a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
			t.Errorf("a bad token gives %d", a.status)
		}
		if htmlcheck.Attr(p.One("#token"), "value") != "" || htmlcheck.Attr(p.One("#name"), "value") != "What I typed" {
			t.Error("the token came back, or the name was lost")
		}
		s.hidden(t, a)
	}
	p := htmlcheck.Parse(t, s.follow(c, "/connect/token", url.Values{"link": {link}, "token": {good}}).body)
	p.Has("h1", "Connection Configured")
}

// TestApprovalLink holds that a link works once, for half an hour, and for one person.
func TestApprovalLink(t *testing.T) {
	s := newSimulated(t)
	ada, bob := s.as(people.Admin), s.as(people.Collaborator)
	link := s.link(ada, url.Values{"source": {"onepassword"}})
	steps := map[string]url.Values{
		"/connect/server": {"link": {link}, "server": {s.url}}, "/connect/token": {"link": {link}, "token": {s.token(simulator.TokenOptions{})}},
		"/connect/mend": {"link": {link}}, "/connect/accept": {"link": {link}},
	}
	refused := func(who *http.Client, want int, why string) {
		t.Helper()
		if a := s.get(who, approvePath(link)); a.status != want {
			t.Errorf("%s: looking gives %d", why, a.status)
		}
		for path, form := range steps {
			if a := s.post(who, path, form); a.status != want {
				t.Errorf("%s: %s gives %d", why, path, a.status)
			}
		}
	}
	refused(bob, http.StatusNotFound, "somebody else's")
	waits := func(who *http.Client, want string) {
		t.Helper()
		if body := s.get(who, "/sources").body; strings.Contains(body, "Waiting for approval") != (want != "") || !strings.Contains(body, want) {
			t.Errorf("the card does not say %q", want)
		}
	}
	waits(ada, "Waiting for approval by you, until ")
	waits(bob, "Waiting for approval by "+s.admin.Name+", until ")
	s.follow(ada, "/connect/server", steps["/connect/server"])
	s.follow(ada, "/connect/token", steps["/connect/token"])
	refused(ada, http.StatusGone, "used")
	waits(ada, "")
	refused(bob, http.StatusNotFound, "somebody else's, used")
	link = s.link(ada, url.Values{"source": {"onepassword"}})
	for _, form := range steps {
		form.Set("link", link)
	}
	s.advance(connection.ApprovalLife - time.Minute)
	ada = s.as(people.Admin)
	if a := s.get(ada, approvePath(link)); a.status != http.StatusOK {
		t.Errorf("after 29 minutes looking gives %d", a.status)
	}
	s.advance(time.Minute)
	refused(ada, http.StatusNotFound, "expired")
	if a := s.post(ada, "/connect", url.Values{"source": {"okta"}}); a.status != http.StatusNotFound {
		t.Errorf("a source that does not exist gives %d", a.status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/connect", strings.NewReader("source=onepassword"))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if a := s.do(ada, req); a.status != http.StatusForbidden {
		t.Errorf("another site begins an approval: %d", a.status)
	}
	req.Body = io.NopCloser(strings.NewReader("source=onepassword"))
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Accept", "application/json")
	var told struct{ Link string }
	must(t, json.Unmarshal([]byte(s.do(ada, req).body), &told))
	if !strings.HasPrefix(told.Link, "/connect/approve?link=") {
		t.Errorf("a script is told %q", told.Link)
	}
}

// TestLookAfterConnection checks, reads, rotates, switches off and on again, each from the connection's page.
func TestLookAfterConnection(t *testing.T) {
	s := newSimulated(t)
	c := s.as(people.HelpDesk)
	st, err := s.connections.Add(t.Context(), "test", s.ws, connection.AddRequest{Source: "onepassword", Token: seal.NewSecret(s.token(simulator.TokenOptions{}))})
	must(t, err)
	s.first = st.Connection
	path := "/connections/" + string(st.ID)
	htmlcheck.Parse(t, s.follow(c, path+"/check", nil).body).Has("[role=status]", "The token was checked just now")
	htmlcheck.Parse(t, s.follow(c, path+"/read", nil).body).Has("[role=status]", "reading begins at once")

	link := s.link(c, url.Values{"connection": {string(st.ID)}})
	page := htmlcheck.Parse(t, s.get(c, approvePath(link)).body)
	page.Has("h1", "Rotate the token of 1Password")
	if a := s.post(c, "/connect/server", url.Values{"link": {link}, "server": {s.other}}); a.status != http.StatusConflict {
		t.Errorf("moving a connection to another server gives %d", a.status)
	}
	s.follow(c, "/connect/token", url.Values{"link": {link}, "token": {s.token(simulator.TokenOptions{})}})
	rotated, err := s.store.Connection(t.Context(), s.ws, st.ID)
	must(t, err)
	if rotated.TokenMark == st.TokenMark {
		t.Error("the token was not rotated")
	}
	htmlcheck.Parse(t, s.get(c, path+"/off").body).Has("form", "the token is forgotten")
	p := htmlcheck.Parse(t, s.follow(c, path+"/off", nil).body)
	p.Has("[role=status]", "It is switched off")
	p.Has("button", "Switch on again")
	if a := s.post(c, path+"/check", nil); a.status != http.StatusConflict || !strings.Contains(a.body, "is switched off, so there is no token") {
		t.Errorf("checking what is off gives %d", a.status)
	}
	cards := htmlcheck.Parse(t, s.get(c, "/sources").body)
	if got := htmlcheck.Attr(cards.One("#switch-"+string(st.ID)), "aria-checked"); got != "false" {
		t.Errorf("the toggle of what is off says %q", got)
	}
	link = s.link(c, url.Values{"connection": {string(st.ID)}})
	s.follow(c, "/connect/token", url.Values{"link": {link}, "token": {s.token(simulator.TokenOptions{})}})
	on, err := s.store.Connection(t.Context(), s.ws, st.ID)
	must(t, err)
	if !on.OffAt.IsZero() || on.ID != st.ID {
		t.Errorf("on again: %+v", on)
	}
	s.trail(t, "connection.add", "connection.check", "connection.read", "approval.begin", "connection.rotate", "connection.off", "approval.begin", "connection.on")
	s.nowhere(t)
	reviewer := htmlcheck.Parse(t, s.get(s.as(people.Reviewer), path).body)
	reviewer.Lacks("button", "Rotate")
	reviewer.Lacks("button", "Check now")
	if n := len(htmlcheck.Parse(t, s.get(s.as(people.Reviewer), "/sources").body).All("[role=switch]")); n != 0 {
		t.Errorf("a reviewer has %d toggles", n)
	}
}
