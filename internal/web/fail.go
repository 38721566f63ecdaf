package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// statusOf maps the codes of errors to HTTP, once for pages and API.
func statusOf(err error) int {
	var tooLarge *http.MaxBytesError
	var tooMany *tooManyError
	switch {
	case errors.As(err, &tooMany):
		return http.StatusTooManyRequests
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	switch evidence.ErrorCode(err) {
	case evidence.Invalid:
		return http.StatusBadRequest
	case evidence.NotFound:
		return http.StatusNotFound
	case evidence.Conflict:
		return http.StatusConflict
	case evidence.Forbidden:
		return http.StatusForbidden
	case evidence.Unauthorized:
		return http.StatusUnauthorized
	case evidence.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// told is what a person is told of an error: never its cause.
type told struct {
	status      int
	title, text string
	number      string // also in the log; empty if the person can do without
}

// tell turns an error into words. What the person cannot mend is logged under a number that he can quote.
func (s *server) tell(r *http.Request, err error) told {
	t := told{status: statusOf(err)}
	var e *evidence.Error
	if errors.As(err, &e) {
		t.text = e.Message
	}
	switch t.status {
	case http.StatusBadRequest:
		t.title = "That cannot be done"
	case http.StatusNotFound:
		t.title = "There is no such page"
	case http.StatusConflict:
		t.title = "Somebody was faster"
	case http.StatusForbidden:
		t.title = "Your role does not allow this"
	case http.StatusUnauthorized:
		t.title = "You are not signed in"
	case http.StatusTooManyRequests:
		t.title = "Too many attempts"
	case http.StatusRequestEntityTooLarge:
		t.title, t.text = "That is too much at once", "What was sent is larger than any form here needs."
	case http.StatusServiceUnavailable:
		t.title = "Not available just now"
		if t.text == "" {
			t.text = "It took too long. Ask for less at once, for instance a shorter time, or try again."
		}
		t.number = s.complain(r, err)
	default:
		t.title, t.text = "Something went wrong in Exhibit", "Nothing was changed as far as is known. The cause is in the server's log."
		t.number = s.complain(r, err)
	}
	retitle(r, &t)
	return t
}

// complain logs an error under a fresh number. A client that hung up is no reason to.
func (s *server) complain(r *http.Request, err error) string {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return ""
	}
	var b [5]byte
	rand.Read(b[:])
	number := hex.EncodeToString(b[:])
	cause := err
	if c := errors.Unwrap(err); c != nil {
		cause = c
	}
	s.log.Error("request failed", "number", number, "method", r.Method, "route", routeOf(r), "error", err, "cause", cause)
	return number
}

// fail answers an error: as a page, or as problem JSON (RFC 9457) below /api/.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	t := s.tell(r, err)
	var tooMany *tooManyError
	if errors.As(err, &tooMany) {
		w.Header().Set("Retry-After", tooMany.seconds())
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		challenge(w, r, t.status)
		writeProblem(w, t)
		return
	}
	if err := s.failPage(w, r, t); err != nil {
		s.log.Error("showing a problem failed", "error", err)
		http.Error(w, t.title+". "+t.text, t.status)
	}
}

func (s *server) failPage(w http.ResponseWriter, r *http.Request, t told) error {
	q := view.Problem{Title: t.title, Text: t.text, Number: t.number, Back: "/", BackTo: "Go to the front page"}
	if people.From(r.Context()).Nobody() {
		p := s.page(r, t.title)
		if t.status == http.StatusUnauthorized {
			return render(w, r, t.status, view.SignedOutPage(p, s.session(r) != "", s.cfg.Command+" users link MEMBER"))
		}
		return render(w, r, t.status, view.AloneProblemPage(p, q))
	}
	p, err := s.framed(r, t.title, "")
	if err != nil { // the store does not answer: do without the rail
		return render(w, r, t.status, view.AloneProblemPage(s.page(r, t.title), q))
	}
	return render(w, r, t.status, view.ProblemPage(p, q))
}

// writeProblem writes RFC 9457 problem JSON.
func writeProblem(w http.ResponseWriter, t told) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(t.status)
	_ = json.NewEncoder(w).Encode(t.problem()) // strings and a number always encode; a client that hangs up is no error of ours
}

func (s *server) nothingHere(w http.ResponseWriter, r *http.Request) error {
	if people.From(r.Context()).Nobody() {
		return evidence.Errorf(evidence.Unauthorized, "You are not signed in. Ask an administrator for a sign-in link.")
	}
	return evidence.Errorf(evidence.NotFound, "The address may be mistyped, or what it named is in another workspace.")
}

func crossOrigin(http.ResponseWriter, *http.Request) error {
	return evidence.Errorf(evidence.Forbidden, "This form was sent from another site. Open Exhibit itself and send it from there.")
}
