package web

import (
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// hears starts a webhook's server and lets the site reach it.
func (s *site) hears(answer http.HandlerFunc) *httptest.Server {
	s.t.Helper()
	srv := httptest.NewTLSServer(answer)
	s.t.Cleanup(srv.Close)
	s.notify = notify.New(notify.Config{Store: s.store, Connections: s.connections, Actions: program.New(s.store, s.clock), Name: func(context.Context, evidence.ID) string { return "Northwind GmbH" }, UserAgent: "Exhibit/test", Now: s.clock, Operator: notify.Operator{
		AllowHosts: []string{"127.0.0.1"}, CAPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})}})
	s.server.cfg.Notify = s.notify
	return srv
}

// channel makes a channel of the administrator.
func (s *site) channel(req notify.Request) evidence.ID {
	s.t.Helper()
	c, err := s.notify.Add(s.t.Context(), s.caller(), req)
	must(s.t, err)
	return c.ID
}

// TestChannelPages adds, tries, changes and removes a channel as somebody does with forms.
func TestChannelPages(t *testing.T) {
	s := newSite(t)
	status := http.StatusOK
	srv := s.hears(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, "<b>thank you</b>")
	})
	c := s.as(people.Admin)
	htmlcheck.Parse(t, s.get(c, notificationsPath).body).Has("h2", "Nobody is told yet")
	form := url.Values{"kind": {"webhook"}, "name": {"Pager"}, "url": {srv.URL + "/canary-address"}, "key": {"canary-key-of-enough"}, "tell": {"gaps", "expiry"}}
	if a := s.post(c, notificationsPath, form); a.header.Get("Location") != notificationsPath+"?done=added" {
		t.Fatalf("adding gives %d: %s", a.status, a.body)
	}
	page := s.get(c, notificationsPath).body
	id := regexp.MustCompile(`/settings/notifications/(nc_[a-z0-9]+)/test`).FindStringSubmatch(page)
	if id == nil || !strings.Contains(page, "Not tried yet") || !strings.Contains(page, "token expires, gaps") {
		t.Fatal("the list does not show the channel, or what it tells")
	}
	path := notificationsPath + "/" + id[1]

	a := s.post(c, path+"/test", nil)
	p := htmlcheck.Parse(t, a.body)
	p.Has(".channels .note.ok b", "The test was taken.")
	if !strings.Contains(a.body, "answered 200: &lt;b&gt;thank you&lt;/b&gt;.") {
		t.Error("the answer is not quoted, or as HTML")
	}
	p.Has(".channels .badge", "Works")
	status = http.StatusForbidden
	htmlcheck.Parse(t, s.post(c, path+"/test", nil).body).Has(".channels .note.bad b", "The test was not taken.")

	edit := s.get(c, path).body
	if !strings.Contains(edit, `value="Pager"`) || !strings.Contains(edit, `value="gaps" checked`) || strings.Contains(edit, `value="late" checked`) {
		t.Error("the form does not hold what was chosen")
	}
	form = url.Values{"name": {""}, "tell": {"late"}, "kind": {"slack"}}
	if a := s.post(c, path, form); a.header.Get("Location") != notificationsPath+"?done=changed" {
		t.Fatalf("changing gives %d: %s", a.status, a.body)
	}
	page = s.get(c, notificationsPath).body
	htmlcheck.Parse(t, page).Has(".channels h3 bdi", "Webhook")
	for _, text := range []string{page, edit, a.body, s.get(c, "/settings/activity").body, s.log.String()} {
		if strings.Contains(text, "canary") {
			t.Error("a secret comes out")
		}
	}
	if a := s.post(c, path+"/remove", nil); a.header.Get("Location") != notificationsPath+"?done=removed" {
		t.Errorf("removing gives %d", a.status)
	}
	if a := s.get(c, path); a.status != http.StatusNotFound {
		t.Errorf("a removed one gives %d", a.status)
	}
	for _, done := range []string{"added", "changed", "removed", "digest"} {
		if channelWords(done) == "" {
			t.Errorf("%s has no words", done)
		}
	}
}

// TestChannelFormKeepsWhatWasTyped holds that a refused form comes back as it was, but for secrets.
func TestChannelFormKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	good := url.Values{"kind": {"email"}, "name": {"Mail"}, "host": {"smtp.example.com"}, "tls": {"tls"}, "from": {"exhibit@example.com"}, "to": {"ada@example.com"}, "user": {"ada"}, "password": {"canary-password"}, "tell": {"gaps"}}
	for name, bad := range map[string][2]string{"host": {"host", "smtp example"}, "from": {"from", "nobody"}, "to": {"to", "a,b"}, "nothing ticked": {"tell", ""}} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(bad[0], bad[1])
		if bad[1] == "" {
			form.Del(bad[0])
		}
		a := s.post(c, notificationsPath, form)
		p := htmlcheck.Parse(t, a.body)
		if a.status != http.StatusBadRequest || len(p.All("#refusal")) != 1 {
			t.Errorf("%s gives %d", name, a.status)
			continue
		}
		for _, field := range []string{"name", "host", "from", "to", "user"} {
			if got := htmlcheck.Attr(p.One("#"+field), "value"); got != form.Get(field) {
				t.Errorf("%s: %s came back as %q", name, field, got)
			}
		}
		if strings.Contains(a.body, "canary") || !strings.Contains(a.body, `value="tls" selected`) {
			t.Errorf("%s: the password came back, or the encryption did not", name)
		}
	}
	if a := s.get(c, notificationsPath+"/new?kind=pigeon"); a.status != http.StatusBadRequest {
		t.Errorf("an unknown kind gives %d", a.status)
	}
	if a := s.post(c, notificationsPath, url.Values{"kind": {"pigeon"}}); a.status != http.StatusBadRequest {
		t.Errorf("adding an unknown kind gives %d", a.status)
	}
	for hour, want := range map[string]int{"9": http.StatusSeeOther, "24": http.StatusBadRequest, "noon": http.StatusBadRequest} {
		if a := s.post(c, notificationsPath+"/digest", url.Values{"hour": {hour}}); a.status != want {
			t.Errorf("hour %s gives %d", hour, a.status)
		}
	}
	collaborator := s.get(s.as(people.Collaborator), notificationsPath).body
	if strings.Contains(collaborator, "Add a channel") || !strings.Contains(collaborator, "sent at 09:00 UTC") {
		t.Error("somebody who may only look is offered to change, or does not see the hour")
	}
}

// TestFailingChannelIsShown holds that a channel that takes nothing is on the front page, on the index and on its own page.
func TestFailingChannelIsShown(t *testing.T) {
	s := newSite(t)
	srv := s.hears(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	s.channel(notify.Request{Kind: notify.Slack, Name: "On duty", URL: seal.NewSecret(srv.URL + "/x")})
	s.connect("1Password", func(c *evidence.Connection) { c.ExpiresAt = noon.Add(day / 2) })
	must(t, s.notify.Round(t.Context(), s.ws, ""))
	c := s.as(people.Admin)
	for path, want := range map[string]string{"/": "The channel On duty takes no messages", "/settings": "1 channel failing", notificationsPath: "answered 503."} {
		if a := s.get(c, path); !strings.Contains(a.body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if a := s.get(s.as(people.Reviewer), "/"); strings.Contains(a.body, "On duty") {
		t.Error("somebody who may not see the settings sees the channel")
	}
}
