package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/people"
)

func TestSignInAttemptsAreLimited(t *testing.T) {
	s := newSite(t)
	c, wrong := s.client(), url.Values{"link": {"nothing"}}
	for range 3 * attemptsBurst {
		s.as(people.Admin) // what succeeds is not counted
	}
	for i := range attemptsBurst {
		if a := s.post(c, "/sign-in", wrong); a.status != http.StatusUnauthorized {
			t.Fatalf("attempt %d gives %d", i+1, a.status)
		}
	}
	a := s.post(c, "/sign-in", wrong)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "6" || !strings.Contains(a.body, "Wait a minute") {
		t.Errorf("one too many gives %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
	}
	if strings.Contains(s.log.String(), "nothing") || !strings.Contains(s.log.String(), "a sign-in link was refused") {
		t.Error("the log holds the link, or nothing about it")
	}
	s.advance(attemptsEvery)
	s.as(people.Admin)
}

func TestAddressOf(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:4711":          "192.0.2.7/32",
		"[::ffff:192.0.2.7]:4711": "192.0.2.7/32",
		"[2001:db8:1:2:3::4]:80":  "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":       "fe80::/64",
		"@":                       "invalid Prefix",
	} {
		if got := addressOf(&http.Request{RemoteAddr: remote}).String(); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}

// TestAttemptsInBoundedMemory floods the limiter from more addresses than it remembers.
func TestAttemptsInBoundedMemory(t *testing.T) {
	now := noon
	a := newAttempts(func() time.Time { return now }, "Too many.")
	r := httptest.NewRequest(http.MethodPost, "/sign-in", nil)
	fail := func(i int) error {
		r.RemoteAddr = fmt.Sprintf("[2001:db8:%x:%x::1]:80", i>>16, i&0xffff)
		_, err := a.begin(r)
		return err
	}
	for i := range attemptsMost + attemptsBurst {
		if err := fail(i); err != nil {
			t.Fatalf("address %d: %v", i, err)
		}
	}
	if err := fail(attemptsMost + 100); err == nil || len(a.by) != attemptsMost {
		t.Errorf("a flood has no end: %v, %d addresses", err, len(a.by))
	}
	if err := fail(0); err != nil {
		t.Errorf("an address that is known suffers from the flood: %v", err)
	}
	now = now.Add(attemptsBurst * attemptsEvery)
	if err := fail(attemptsMost + 101); err != nil || len(a.by) != 1 {
		t.Errorf("after the flood: %v, %d addresses", err, len(a.by))
	}
}

func TestOneBuildAtATime(t *testing.T) {
	s := newSite(t)
	admin, other := s.as(people.Admin), s.as(people.Collaborator)
	form := url.Values{"recipe": {"coverage"}, "from": {"2026-11-01"}, "to": {"2026-11-02"}}
	done, err := s.server.builds.begin(s.admin.ID)
	must(t, err)
	if a := s.post(admin, "/artifacts", form); a.status != http.StatusConflict || !strings.Contains(a.body, "Another artifact is being built for you") {
		t.Errorf("a second build gives %d", a.status)
	}
	if a := s.post(other, "/artifacts", form); a.status != http.StatusSeeOther {
		t.Errorf("somebody else's build gives %d", a.status)
	}
	done()
	for range 2 {
		if a := s.post(admin, "/artifacts", form); a.status != http.StatusSeeOther {
			t.Errorf("the next build gives %d", a.status)
		}
	}
}

func TestDownloadsAreNoted(t *testing.T) {
	s := newSite(t)
	admin := s.as(people.Admin)
	made := s.post(admin, "/artifacts", url.Values{"recipe": {"coverage"}, "from": {"2026-11-01"}, "to": {"2026-11-02"}})
	if a := s.get(admin, made.header.Get("Location")+"/v/1/csv"); a.status != http.StatusOK {
		t.Fatalf("the download gives %d", a.status)
	}
	trail, err := s.store.Activity(t.Context(), s.ws, 1)
	must(t, err)
	if len(trail) != 1 || trail[0].What != "artifact.read" || trail[0].Who != s.admin.Name {
		t.Errorf("the trail ends with %+v", trail)
	}
}

// TestPanicAfterHalfAnAnswer holds that a browser sees that an answer broke off.
func TestPanicAfterHalfAnAnswer(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s.server.watch(newPacker().wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<p>half")
			must(t, http.NewResponseController(w).Flush())
		}
		panic("a defect")
	}))))
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + "/half")
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("half an answer looks whole")
	}
	res, err = srv.Client().Get(srv.URL + "/none")
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusInternalServerError {
		t.Errorf("a panic before the answer gives %d", res.StatusCode)
	}
}
