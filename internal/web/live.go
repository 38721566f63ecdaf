package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// livePath is where a page listens for changes.
const livePath = "/live"

// renewalHeader marks a request that a page made by itself. Such a one, like the stream, does not keep a session alive: a
// forgotten tab must not.
const renewalHeader = "Exhibit-Renewal"

// writeWithin is how long a browser may take to accept one event.
const writeWithin = 10 * time.Second

// byItself reports whether a page asks and no person.
func byItself(r *http.Request) bool {
	return r.Header.Get(renewalHeader) != "" || r.URL.Path == livePath
}

// liveMark is how the connections of the caller's workspace stand, for a page that renews itself. It must be asked for
// before what the page shows.
func (s *server) liveMark(r *http.Request) (string, error) {
	return s.hub.mark(r.Context(), people.From(r.Context()).Workspace)
}

// live is a stream of server-sent events: "hello" at its start, "changed" when the connections of the workspace stand
// differently than at the mark that the page has, and "ended" when the session has. The page then asks for itself again
// in the usual way, so that no event carries data and no permission is decided here a second time.
func (s *server) live(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	leave, err := s.hub.enter(c.Member)
	if err != nil {
		return err
	}
	defer leave()
	defer s.hub.watch(c.Workspace)()
	known := r.Header.Get("Last-Event-Id") // a browser that lost the stream says where it was
	if known == "" {
		known = r.FormValue("mark")
	}
	if strings.Trim(known, "0123456789abcdef-") != "" { // none of ours, and it is sent back
		known = ""
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	e := &eventWriter{w: w, rc: http.NewResponseController(w)}
	e.begin()
	if e.send("hello", known) != nil {
		return nil //nolint:nilerr // a browser that hangs up is no error of ours
	}
	s.tellChanges(r, e, c, known)
	return nil
}

// tellChanges writes events until the browser, the session or the server goes.
func (s *server) tellChanges(r *http.Request, e *eventWriter, c people.Caller, known string) {
	ping := time.NewTicker(s.hub.ping)
	defer ping.Stop()
	for {
		mark, changed := s.hub.state(c.Workspace)
		if mark != "" && mark != known {
			if s.ended(r.Context(), e, r) || e.send("changed", mark) != nil {
				return
			}
			known = mark
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.cfg.Stopping:
			return
		case <-changed:
		case <-ping.C:
			if s.ended(r.Context(), e, r) || e.ping() != nil {
				return
			}
		}
	}
}

// ended reports whether the session behind a stream has ended or may no longer watch, and tells the page.
func (s *server) ended(ctx context.Context, e *eventWriter, r *http.Request) bool {
	c, err := s.cfg.SignIn.Peek(ctx, s.session(r))
	if err == nil && c.May(people.ReadSources) == nil {
		return false
	}
	if code := evidence.ErrorCode(err); err == nil || code == evidence.Unauthorized {
		_ = e.send("ended", "") // the stream ends anyway
	}
	return true
}

// eventWriter writes server-sent events, each with a deadline of its own.
type eventWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// begin lifts the server's time-outs, which are for pages. A recorder of a test has none.
func (e *eventWriter) begin() { _ = e.rc.SetReadDeadline(time.Time{}) }

func (e *eventWriter) send(event, id string) error {
	if id == "" {
		return e.write("event: %s\ndata:\n\n", event)
	}
	return e.write("event: %s\nid: %s\ndata:\n\n", event, id)
}

func (e *eventWriter) ping() error { return e.write(": ping\n\n") }

func (e *eventWriter) write(format string, args ...any) error {
	_ = e.rc.SetWriteDeadline(time.Now().Add(writeWithin)) // see begin
	if _, err := fmt.Fprintf(e.w, format, args...); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	if err := e.rc.Flush(); err != nil {
		return fmt.Errorf("sending an event: %w", err)
	}
	return nil
}
