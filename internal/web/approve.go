package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// beginApproval makes a link, which works for the caller alone, and leads to it. A script that asks for JSON is told the link
// instead.
func (s *server) beginApproval(w http.ResponseWriter, r *http.Request) error {
	link, err := s.cfg.Connections.BeginApproval(r.Context(), people.From(r.Context()), r.PostFormValue("source"), evidence.ID(r.PostFormValue("connection")))
	if err != nil {
		return err
	}
	path := approvePath(link)
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"link": path}) // a string always encodes; a browser that hangs up is no error of ours
		return nil
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

func approvePath(link string) string {
	return "/connect/approve?" + url.Values{"link": {link}}.Encode()
}

// approve shows the step at which an approval stands; ?change= shows an earlier one again.
func (s *server) approve(w http.ResponseWriter, r *http.Request) error {
	link := r.FormValue("link")
	a, err := s.cfg.Connections.Approval(r.Context(), people.From(r.Context()), link)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return s.approvalEnded(w, r, http.StatusNotFound, err.Error(), evidence.Connection{})
	}
	if err != nil {
		return err
	}
	if a.Step == connection.StepDone {
		return s.approvalEnded(w, r, http.StatusGone, "It was used already.", a.Connection)
	}
	v := view.Approve{Link: link, Approval: a, Step: a.Step, Chosen: a.Server}
	switch change := connection.ApprovalStep(r.FormValue("change")); {
	case change == connection.StepServer && a.Connection.ID == "", change == connection.StepToken && a.Server != "":
		v.Step = change
	}
	return s.showApproval(w, r, http.StatusOK, v)
}

func (s *server) showApproval(w http.ResponseWriter, r *http.Request, status int, v view.Approve) error {
	v.Now = s.now()
	return render(w, r, status, view.ApprovePage(s.page(r, v.Title()), v))
}

func (s *server) approvalEnded(w http.ResponseWriter, r *http.Request, status int, text string, made evidence.Connection) error {
	return render(w, r, status, view.ApprovalEndedPage(s.page(r, "Approval"), text, made))
}

// confirmServer keeps the chosen server.
func (s *server) confirmServer(w http.ResponseWriter, r *http.Request) error {
	link, chosen := r.PostFormValue("link"), r.PostFormValue("server")
	a, err := s.cfg.Connections.ChooseServer(r.Context(), people.From(r.Context()), link, chosen)
	return s.answered(w, r, a, err, view.Approve{Link: link, Step: connection.StepServer, Chosen: chosen})
}

// submitToken takes a pasted token. It goes into the use case and nowhere else: no page, address or log ever holds it.
func (s *server) submitToken(w http.ResponseWriter, r *http.Request) error {
	link := r.PostFormValue("link")
	if server := r.PostFormValue("server"); server != "" { // the page read the token as it was pasted, and offered its server
		if a, err := s.cfg.Connections.ChooseServer(r.Context(), people.From(r.Context()), link, server); err != nil {
			return s.answered(w, r, a, err, view.Approve{Link: link, Step: connection.StepToken})
		}
	}
	a, err := s.cfg.Connections.SubmitToken(r.Context(), people.From(r.Context()), link, seal.NewSecret(r.PostFormValue("token")), r.PostFormValue("name"))
	return s.answered(w, r, a, err, view.Approve{Link: link, Step: connection.StepToken})
}

// mendServer takes the server that the pasted token is for.
func (s *server) mendServer(w http.ResponseWriter, r *http.Request) error {
	link := r.PostFormValue("link")
	a, err := s.cfg.Connections.UseTokensServer(r.Context(), people.From(r.Context()), link)
	return s.answered(w, r, a, err, view.Approve{Link: link, Step: connection.StepMend})
}

// acceptMissing connects with a token that lacks event types.
func (s *server) acceptMissing(w http.ResponseWriter, r *http.Request) error {
	link := r.PostFormValue("link")
	a, err := s.cfg.Connections.AcceptMissing(r.Context(), people.From(r.Context()), link)
	return s.answered(w, r, a, err, view.Approve{Link: link, Step: connection.StepAccept})
}

// answered leads on after an answer, or shows the step again with what was wrong. shown is the step that was answered.
func (s *server) answered(w http.ResponseWriter, r *http.Request, a connection.Approval, err error, shown view.Approve) error {
	if err == nil {
		next := approvePath(shown.Link)
		if a.Step == connection.StepDone {
			next = "/connections/" + url.PathEscape(string(a.Connection.ID)) + "/configured"
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	if !sayable(err) {
		return err
	}
	stands, notFound := s.cfg.Connections.Approval(r.Context(), people.From(r.Context()), shown.Link)
	switch {
	case evidence.ErrorCode(notFound) == evidence.NotFound:
		return s.approvalEnded(w, r, http.StatusNotFound, notFound.Error(), evidence.Connection{})
	case notFound != nil:
		return notFound
	case stands.Step == connection.StepDone:
		return s.approvalEnded(w, r, http.StatusGone, "It was used already.", stands.Connection)
	}
	shown.Approval, shown.Problem = stands, err.Error()
	if shown.Step != connection.StepServer { // the approval itself knows what it still holds
		shown.Step = stands.Step
	}
	return s.showApproval(w, r, refusedStatus(err), shown)
}

// sayable reports whether an error is for the person at the form, who can do something about it there.
func sayable(err error) bool {
	switch evidence.ErrorCode(err) {
	case evidence.Invalid, evidence.Conflict, evidence.Unauthorized, evidence.Unavailable, evidence.Forbidden, evidence.NotFound:
		return true
	}
	return false
}

// refusedStatus is statusOf for what a source says of a token: 401 and 403 would speak of the person who asks.
func refusedStatus(err error) int {
	switch status := statusOf(err); status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return http.StatusUnprocessableEntity
	default:
		return status
	}
}

// configured ends an approval and shows the first events coming in.
func (s *server) configured(w http.ResponseWriter, r *http.Request) error {
	mark, err := s.liveMark(r)
	if err != nil {
		return err
	}
	c, err := s.cfg.Store.Connection(r.Context(), people.From(r.Context()).Workspace, evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	rd, err := s.readingOf(r.Context(), c)
	if err != nil {
		return err
	}
	v := view.Configured{
		Now: s.now(), Connection: c, Kind: rd.kind, Health: rd.health, Care: rd.care, Streams: streamRows(rd, s.now(), people.From(r.Context()).Has(people.ReadEvents)), Days: int(rd.kind.Retention / day), PerMinute: s.cfg.PerMinute,
	}
	for _, st := range rd.streams {
		v.Events += st.Events
	}
	p := s.page(r, "Connection Configured")
	p.Mark = mark
	return render(w, r, http.StatusOK, view.ConfiguredPage(p, v))
}

// askOff asks whether a connection is to be switched off.
func (s *server) askOff(w http.ResponseWriter, r *http.Request) error {
	c, err := s.cfg.Store.Connection(r.Context(), people.From(r.Context()).Workspace, evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if !c.OffAt.IsZero() {
		http.Redirect(w, r, connectionPath(c.ID, ""), http.StatusSeeOther)
		return nil
	}
	days := 0
	if k, err := s.kind(c.Source); err == nil {
		days = int(k.Retention / day)
	}
	p, err := s.framed(r, "Switch off "+c.Name, "/sources", crumb(c.Name, connectionPath(c.ID, "")), crumb("Switch off", ""))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.OffPage(p, c, days))
}

// The things that were just done, as they stand in the address that leads back to the connection.
const (
	doneCheck = "check"
	doneRead  = "read"
	doneOff   = "off"
)

func doneWords(done string) string {
	switch done {
	case doneCheck:
		return "The token was checked just now: the source accepts it."
	case doneRead:
		return "The token was checked, and reading begins at once."
	case doneOff:
		return "It is switched off, and its token is forgotten. The evidence stays."
	}
	return ""
}

func connectionPath(id evidence.ID, done string) string {
	path := "/connections/" + url.PathEscape(string(id))
	if done != "" {
		path += "?done=" + done
	}
	return path
}

func (s *server) checkConnection(w http.ResponseWriter, r *http.Request) error {
	return s.tend(w, r, doneCheck, s.cfg.Connections.Check)
}

func (s *server) readConnection(w http.ResponseWriter, r *http.Request) error {
	return s.tend(w, r, doneRead, s.cfg.Connections.ReadNow)
}

func (s *server) switchOff(w http.ResponseWriter, r *http.Request) error {
	return s.tend(w, r, doneOff, s.cfg.Connections.Off)
}

// tend does something with a connection and leads back to its page, which says what was done or why it was not.
func (s *server) tend(w http.ResponseWriter, r *http.Request, done string, do connectionUse) error {
	c, id := people.From(r.Context()), evidence.ID(r.PathValue("id"))
	_, err := do(r.Context(), c.Who(), c.Workspace, id)
	switch {
	case err == nil:
		http.Redirect(w, r, connectionPath(id, done), http.StatusSeeOther)
		return nil
	case !sayable(err) || evidence.ErrorCode(err) == evidence.NotFound:
		return fmt.Errorf("tending a connection: %w", err)
	}
	return s.showConnection(w, r, refusedStatus(err), "", err.Error())
}
