package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// subjects gives what can be asked about in a room: its controls, then its artifacts, each once.
func subjects(r audit.Room) []view.Subject {
	var controls, artifacts []view.Subject
	for _, p := range r.Parts {
		controls = append(controls, view.Subject{Value: "control:" + string(p.Control.ID), Name: p.Control.Key + " " + p.Control.Name, Href: "/controls/" + string(p.Control.ID)})
		for _, a := range p.Artifacts() {
			subject := view.Subject{Value: "artifact:" + string(a.ID), Name: a.Title + ", " + ui.Period(a.Period.From, a.Period.To), Href: "/artifacts/" + string(a.ID)}
			if !slices.Contains(artifacts, subject) {
				artifacts = append(artifacts, subject)
			}
		}
	}
	return append(controls, artifacts...)
}

// aboutOf finds subjects by what a request or a note is about. What has left the room since is not named.
func aboutOf(all []view.Subject, control, artifact evidence.ID) []view.Subject {
	var out []view.Subject
	for _, s := range all {
		if control != "" && s.Value == "control:"+string(control) || artifact != "" && s.Value == "artifact:"+string(artifact) {
			out = append(out, s)
		}
	}
	return out
}

// requestRows gives the requests of a room, those that wait for an answer first.
func requestRows(room view.Room) []view.RequestRow {
	all := subjects(room.Room)
	var out []view.RequestRow
	for _, q := range room.Room.Requests {
		row := view.RequestRow{AuditRequest: q, About: aboutOf(all, q.Control, q.Artifact), Pointed: map[evidence.ID]view.Subject{}}
		for _, m := range q.Messages {
			for _, s := range aboutOf(all, "", m.Artifact) {
				row.Pointed[m.Artifact] = s
			}
		}
		out = append(out, row)
	}
	order := []store.RequestState{store.RequestOpen, store.RequestAnswered, store.RequestClosed}
	slices.SortStableFunc(out, func(a, b view.RequestRow) int { return slices.Index(order, a.State) - slices.Index(order, b.State) })
	return out
}

// readAbout reads what a form or an address says that something is about.
func readAbout(text string) audit.About {
	kind, id, _ := strings.Cut(text, ":")
	switch kind {
	case "control":
		return audit.About{Control: id}
	case "artifact":
		return audit.About{Artifact: evidence.ID(id)}
	}
	return audit.About{}
}

// chosenAbout reads which subject a link to a form chose.
func chosenAbout(r *http.Request) string {
	for _, kind := range []string{"control", "artifact"} {
		if id := r.URL.Query().Get(kind); id != "" {
			return kind + ":" + id
		}
	}
	return ""
}

func (s *server) requests(w http.ResponseWriter, r *http.Request) error {
	return s.showRequests(w, r, http.StatusOK, view.RoomRequests{Chosen: chosenAbout(r)}, view.RequestRow{})
}

// showRequests shows the requests of a room; said is what was just said about one of them and refused.
func (s *server) showRequests(w http.ResponseWriter, r *http.Request, status int, v view.RoomRequests, said view.RequestRow) error {
	room, err := s.room(r, "requests", "requests")
	if err != nil {
		return err
	}
	v.Room, v.Rows, v.Subjects = room, requestRows(room), subjects(room.Room)
	for _, subject := range v.Subjects {
		if id, ok := strings.CutPrefix(subject.Value, "artifact:"); ok {
			v.Artifacts = append(v.Artifacts, view.Subject{Value: id, Name: subject.Name})
		}
	}
	for i := range v.Rows {
		if v.Rows[i].ID == said.ID {
			v.Rows[i].Problem, v.Rows[i].Text, v.Rows[i].Artifact = said.Problem, said.Text, said.Artifact
		}
	}
	p, err := s.roomPage(r, room.Room.Audit, "Requests", crumb("Requests", ""))
	if err != nil {
		return err
	}
	return render(w, r, status, view.RoomRequestsPage(p, v))
}

func (s *server) ask(w http.ResponseWriter, r *http.Request) error {
	v := view.RoomRequests{Chosen: r.PostFormValue("about"), Text: r.PostFormValue("text"), Due: strings.TrimSpace(r.PostFormValue("due"))}
	var due time.Time
	var err error
	if v.Due != "" {
		if due, err = parseTime(v.Due); err == nil && len(v.Due) == len(time.DateOnly) {
			due = due.Add(day - time.Second) // the day itself is in time
		}
	}
	if err == nil {
		_, err = s.cfg.Audits.Ask(r.Context(), people.From(r.Context()), r.PathValue("id"), readAbout(v.Chosen), v.Text, due)
	}
	if refused(err) {
		v.Problem = err.Error()
		return s.showRequests(w, r, statusOf(err), v, view.RequestRow{})
	}
	return s.backToRoom(w, r, "/requests", "asked", err)
}

func (s *server) answerRequest(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.Audits.Answer(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("request")), r.PostFormValue("text"), evidence.ID(r.PostFormValue("artifact")))
	return s.afterSaying(w, r, "answered", err)
}

func (s *server) followRequest(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.Audits.Follow(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("request")), r.PostFormValue("text"))
	return s.afterSaying(w, r, "follow", err)
}

func (s *server) closeRequest(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.Audits.CloseRequest(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("request")), r.PostFormValue("text"))
	return s.afterSaying(w, r, "closed", err)
}

func (s *server) afterSaying(w http.ResponseWriter, r *http.Request, done string, err error) error {
	if refused(err) {
		said := view.RequestRow{AuditRequest: store.AuditRequest{ID: evidence.ID(r.PathValue("request"))}, Problem: err.Error(), Text: r.PostFormValue("text"), Artifact: r.PostFormValue("artifact")}
		return s.showRequests(w, r, statusOf(err), view.RoomRequests{}, said)
	}
	return s.backToRoom(w, r, "/requests", done, err)
}

func (s *server) auditNotes(w http.ResponseWriter, r *http.Request) error {
	return s.showNotes(w, r, http.StatusOK, view.RoomNotes{Chosen: chosenAbout(r)})
}

func (s *server) showNotes(w http.ResponseWriter, r *http.Request, status int, v view.RoomNotes) error {
	notes, err := s.cfg.Audits.Notes(r.Context(), people.From(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.Room, err = s.room(r, "notes", "notes"); err != nil {
		return err
	}
	v.Subjects = subjects(v.Room.Room)
	for _, n := range notes {
		v.Rows = append(v.Rows, view.NoteRow{AuditNote: n, About: aboutOf(v.Subjects, n.Control, n.Artifact)})
	}
	p, err := s.roomPage(r, v.Room.Room.Audit, "Notes", crumb("Notes", ""))
	if err != nil {
		return err
	}
	return render(w, r, status, view.RoomNotesPage(p, v))
}

func (s *server) addNote(w http.ResponseWriter, r *http.Request) error {
	v := view.RoomNotes{Chosen: r.PostFormValue("about"), Text: r.PostFormValue("text")}
	_, err := s.cfg.Audits.Note(r.Context(), people.From(r.Context()), r.PathValue("id"), readAbout(v.Chosen), v.Text)
	if refused(err) {
		v.Problem = err.Error()
		return s.showNotes(w, r, statusOf(err), v)
	}
	return s.backToRoom(w, r, "/notes", "noted", err)
}

// shownTrail is how many lines of its trail a room shows.
const shownTrail = 100

func (s *server) auditPeople(w http.ResponseWriter, r *http.Request) error {
	return s.showAuditPeople(w, r, http.StatusOK, view.RoomPeople{})
}

func (s *server) showAuditPeople(w http.ResponseWriter, r *http.Request, status int, v view.RoomPeople) error {
	c, id := people.From(r.Context()), r.PathValue("id")
	var err error
	if v.Auditors, err = s.cfg.Audits.Auditors(r.Context(), c, id); err != nil {
		return err
	}
	if _, v.Lines, err = s.cfg.Audits.Trail(r.Context(), c, id, shownTrail+1); err != nil {
		return err
	}
	if v.More = len(v.Lines) > shownTrail; v.More {
		v.Lines = v.Lines[:shownTrail]
	}
	if v.Room, err = s.room(r, "auditors", "people"); err != nil {
		return err
	}
	v.May = c.Has(people.ManagePeople)
	p, err := s.roomPage(r, v.Room.Room.Audit, "Auditors and trail", crumb("Auditors and trail", ""))
	if err != nil {
		return err
	}
	return render(w, r, status, view.RoomPeoplePage(p, v))
}

// inviteAuditor lets an auditor in and shows a new one's link in the answer itself: it is kept nowhere.
func (s *server) inviteAuditor(w http.ResponseWriter, r *http.Request) error {
	v := view.RoomPeople{Name: r.PostFormValue("name"), Email: r.PostFormValue("email")}
	in, err := s.cfg.Audits.InviteAuditor(r.Context(), people.From(r.Context()), r.PathValue("id"), v.Name, v.Email)
	if refused(err) {
		v.Problem = err.Error()
		return s.showAuditPeople(w, r, statusOf(err), v)
	}
	if err != nil || in.Path == "" {
		return s.backToRoom(w, r, "/people", "in", err)
	}
	made := &view.MadeLink{Name: in.Member.Name, Address: s.address(r) + in.Path, ExpiresAt: in.ExpiresAt}
	return s.showAuditPeople(w, r, http.StatusOK, view.RoomPeople{Made: made})
}

func (s *server) removeAuditor(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.Audits.LetOut(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("member")))
	return s.backToRoom(w, r, "/people", "out", err)
}
