package web

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
)

// listener is a page that listens. Events come as "changed mark", pings as "ping".
type listener struct {
	t      *testing.T
	res    *http.Response
	events chan string
	stop   context.CancelFunc
}

// quicken makes a site look and ping often, so that no test waits for it.
func (s *site) quicken() {
	s.server.hub.look, s.server.hub.ping = 10*time.Millisecond, 20*time.Millisecond
}

func (s *site) listen(t *testing.T, c *http.Client, mark string) *listener {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+livePath+"?mark="+mark, nil)
	must(t, err)
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := c.Do(req)
	must(t, err)
	l := &listener{t: t, res: res, events: make(chan string, 1000), stop: stop}
	go l.read()
	return l
}

func (l *listener) read() {
	defer close(l.events)
	defer l.res.Body.Close()
	var event, id string
	for lines := bufio.NewScanner(l.res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			event = value
		case name == "id":
			id = value
		case strings.HasPrefix(lines.Text(), ":"):
			event, id = "ping", ""
		case lines.Text() == "":
			l.events <- strings.TrimSpace(event + " " + id)
			event, id = "", ""
		}
	}
}

// next gives the next event that is no ping; "gone" if the stream has ended.
func (l *listener) next() string {
	l.t.Helper()
	for {
		e, ok := <-l.events
		if !ok {
			return "gone"
		}
		if e != "ping" {
			return e
		}
	}
}

// TestLiveTellsOfChanges holds that a stream is told of what any process stores, once for each change, and not of nothing.
func TestLiveTellsOfChanges(t *testing.T) {
	s := newSite(t)
	s.quicken()
	s.first = s.connect("1Password", nil)
	c := s.as(people.Reviewer)
	mark, err := s.server.hub.mark(t.Context(), s.ws)
	must(t, err)
	l := s.listen(t, c, mark)
	if got := l.res.Header.Get("Content-Type"); got != "text/event-stream" || l.res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("the stream is %q, %q", got, l.res.Header.Get("Content-Encoding"))
	}
	if got := l.next(); got != "hello "+mark {
		t.Fatalf("it begins with %q", got)
	}
	for range 5 {
		if got := <-l.events; got != "ping" {
			t.Fatalf("nothing changed, and it says %q", got)
		}
	}
	s.fill(feed{connection: s.first, stream: onepassword.Audit, spans: []evidence.Span{{From: noon.Add(-time.Hour), To: noon}}, events: [][]byte{oneAudit("ONE", noon.Add(-time.Minute), "Ada", "ada@example.com")}})
	changed := l.next()
	if !strings.HasPrefix(changed, "changed ") || changed == "changed "+mark {
		t.Fatalf("after a page it says %q", changed)
	}
	late := s.listen(t, c, mark) // a page that was made before the change, and listens only now
	if first, second := late.next(), late.next(); first != "hello "+mark || !strings.HasPrefix(second, "changed ") {
		t.Errorf("a page that is behind hears %q, %q", first, second)
	}
	l.stop()
	late.stop()
	for len(s.server.hub.watched()) > 0 {
		time.Sleep(time.Millisecond)
	}
}

// watched gives what the hub still looks at.
func (h *hub) watched() []evidence.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []evidence.ID
	for ws := range h.topics {
		out = append(out, ws)
	}
	for member := range h.streams {
		out = append(out, member)
	}
	return out
}

// TestLiveEndsWithItsSession holds that signing out ends a stream, and that neither the stream nor a page that renews
// itself keeps a session from going idle.
func TestLiveEndsWithItsSession(t *testing.T) {
	s := newSite(t)
	s.quicken()
	c := s.as(people.Admin)
	l := s.listen(t, c, "")
	if got := l.next(); got != "hello" {
		t.Fatalf("it begins with %q", got)
	}
	s.post(c, "/sign-out", nil)
	var rest []string
	for e := l.next(); e != "gone"; e = l.next() {
		rest = append(rest, e)
	}
	if len(rest) == 0 || rest[len(rest)-1] != "ended" {
		t.Errorf("after signing out it says %q", rest)
	}
	c = s.as(people.Admin)
	l = s.listen(t, c, "")
	renewal := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/sources", nil)
		must(t, err)
		req.Header.Set(renewalHeader, "1")
		return s.do(c, req).status
	}
	for range 3 {
		s.advance(signin.IdleLimit / 3)
		if got := renewal(); got != http.StatusOK && got != http.StatusUnauthorized {
			t.Errorf("a renewal gives %d", got)
		}
	}
	if got := renewal(); got != http.StatusUnauthorized {
		t.Errorf("a page that renews itself kept its session alive: %d", got)
	}
	for e := l.next(); e != "gone"; e = l.next() {
		rest = append(rest, e)
	}
	if rest[len(rest)-1] != "ended" {
		t.Errorf("when the session went idle it says %q", rest)
	}
}

// TestLiveIsGuarded asks for the stream as every role and as nobody, too often, and with what would forge events.
func TestLiveIsGuarded(t *testing.T) {
	s := newSite(t)
	s.quicken()
	if got := s.get(s.client(), livePath).status; got != http.StatusUnauthorized {
		t.Errorf("nobody listens: %d", got)
	}
	for _, role := range people.Roles() {
		l := s.listen(t, s.as(role), "x%0Aevent:%20ended%0A%0A")
		want := http.StatusForbidden
		if slices.Contains(role.Grants(), people.ReadSources) {
			want = http.StatusOK
			if got := l.next(); got != "hello" {
				t.Errorf("%s hears %q", role, got)
			}
		}
		if l.res.StatusCode != want {
			t.Errorf("%s listens: %d, want %d", role, l.res.StatusCode, want)
		}
		l.stop()
	}
	c := s.as(people.Admin)
	for range streamsMost {
		if l := s.listen(t, c, ""); l.res.StatusCode != http.StatusOK {
			t.Fatalf("a stream gives %d", l.res.StatusCode)
		}
	}
	if l := s.listen(t, c, ""); l.res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("stream %d of one person gives %d", streamsMost+1, l.res.StatusCode)
	}
}

// TestLiveEndsWithTheServer holds that a server which stops does not wait for streams.
func TestLiveEndsWithTheServer(t *testing.T) {
	s := newSite(t)
	s.quicken()
	stopping := make(chan struct{})
	s.server.cfg.Stopping = stopping
	l := s.listen(t, s.as(people.Admin), "")
	l.next()
	close(stopping)
	for e := l.next(); e != "gone"; e = l.next() {
	}
}

// TestLiveOutlivesTheServersTimeouts holds that a stream is not cut by limits that are meant for pages.
func TestLiveOutlivesTheServersTimeouts(t *testing.T) {
	s := newSite(t)
	s.quicken()
	c := s.as(people.Admin)
	s.Config.ReadTimeout, s.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	l := s.listen(t, c, "")
	l.next()
	for began := time.Now(); time.Since(began) < time.Second; {
		if e, ok := <-l.events; !ok {
			t.Fatalf("the stream was cut after %v, the last was %q", time.Since(began), e)
		}
	}
}
