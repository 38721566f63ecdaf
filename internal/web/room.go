package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// room opens the room that a request is about; page names for the trail what of it is looked at.
func (s *server) room(r *http.Request, page, here string) (view.Room, error) {
	room, err := s.cfg.Audits.Room(r.Context(), people.From(r.Context()), r.PathValue("id"), page)
	if err != nil {
		return view.Room{}, err
	}
	return s.roomOf(r, room, here)
}

func (s *server) roomOf(r *http.Request, room audit.Room, here string) (view.Room, error) {
	c := people.From(r.Context())
	names, err := s.frameworkNames(r.Context(), c.Workspace)
	if err != nil {
		return view.Room{}, err
	}
	v := view.Room{Now: s.now(), Room: room, Framework: names[room.Audit.Framework], Here: here, Confined: c.Role.Confined(), Manages: c.Has(people.ManageAudits),
		Asks: c.Has(people.AskInAudits), Takes: c.Has(people.TakeEvidence), Samples: c.Has(people.ReadSamples), People: c.Has(people.ReadSettings)}
	if v.Framework == "" {
		v.Framework = room.Audit.Framework
	}
	v.Said = map[string]string{"made": "The audit is there. Let an auditor in when you are ready.", "scope": "The controls are chosen.", "asked": "Your request is with the company.", "answered": "The answer is with the auditor.",
		"follow": "You asked again.", "closed": "The request is closed.", "noted": "The note is kept.", "out": "Access is ended.", "in": "Let in. This auditor has an account and sees the room at once.", "replaced": "The next in rank took its place."}[r.URL.Query().Get("done")]
	return v, nil
}

// roomPage frames a page of a room.
func (s *server) roomPage(r *http.Request, a store.Audit, title string, crumbs ...ui.Crumb) (ui.Page, error) {
	way := []ui.Crumb{{Name: a.Name, Path: view.AuditHref(a.ID)}}
	if len(crumbs) == 0 {
		way[0].Path = ""
	}
	p, err := s.framed(r, title, "/audits", append(way, crumbs...)...)
	if r.Method == http.MethodPost {
		p.Path = view.AuditHref(a.ID)
	}
	return p, err
}

func (s *server) auditOverview(w http.ResponseWriter, r *http.Request) error {
	room, err := s.room(r, "overview", "")
	if err != nil {
		return err
	}
	o := view.Overview{Room: room}
	if err := s.readPeriod(r, &o); err != nil {
		return err
	}
	standing, err := s.cfg.Program.Standing(r.Context(), room.Room.Audit.Workspace, room.Room.Audit.Period, room.Room.Artifacts())
	if err != nil {
		return err
	}
	for _, part := range room.Room.Parts {
		o.Rows = append(o.Rows, view.PartRow{Part: part, Cell: standing.Control(part.Artifacts())})
	}
	p, err := s.roomPage(r, room.Room.Audit, room.Room.Audit.Name)
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.OverviewPage(p, o))
}

// readPeriod fills in what of the period that has passed was read, and what was not.
func (s *server) readPeriod(r *http.Request, o *view.Overview) error {
	a := o.Room.Room.Audit
	asked := evidence.Span{From: a.Period.From, To: evidence.Earliest(a.Period.To, s.now())}
	o.Timeline = chart.Timeline{Span: a.Period, Now: s.now()}
	if asked.Empty() {
		return nil
	}
	all, err := s.cfg.Coverage.Coverage(r.Context(), a.Workspace, asked)
	if err != nil {
		return err
	}
	for _, c := range all {
		o.Timeline.Rows = append(o.Timeline.Rows, chart.Row{Name: s.streamTitle(c.Stream), Sub: c.Name, Coverage: c})
		o.Asked += asked.Duration()
		o.Read += asked.Duration()
		for _, g := range c.Gaps {
			o.Read -= g.Intersect(asked).Duration()
			o.Exceptions = append(o.Exceptions, view.Exception{Stream: s.streamTitle(c.Stream), Name: c.Name, Gap: g})
		}
	}
	slices.SortStableFunc(o.Exceptions, func(a, b view.Exception) int { return a.From.Compare(b.From) })
	return nil
}

func (s *server) roomControl(w http.ResponseWriter, r *http.Request) error {
	room, err := s.room(r, "control "+r.PathValue("control"), "")
	if err != nil {
		return err
	}
	part, err := room.Room.Part(r.PathValue("control"))
	if err != nil {
		return err
	}
	standing, err := s.cfg.Program.Standing(r.Context(), room.Room.Audit.Workspace, room.Room.Audit.Period, part.Artifacts())
	if err != nil {
		return err
	}
	v := view.RoomControl{Room: room, Row: view.PartRow{Part: part, Cell: standing.Control(part.Artifacts())}}
	for _, e := range part.Evidence {
		at := slices.IndexFunc(v.Evidence, func(row view.EvidenceRow) bool { return row.Artifact.ID == e.Artifact.ID })
		if at < 0 {
			at = len(v.Evidence)
			v.Evidence = append(v.Evidence, view.EvidenceRow{Evidence: e, Cell: standing.Artifact(e.Artifact)})
		}
		for _, a := range part.Actions {
			if a.ID == e.Attachment.Target.Action {
				v.Evidence[at].Via = append(v.Evidence[at].Via, a.Key)
			}
		}
	}
	for _, q := range requestRows(room) {
		if q.Control == part.Control.ID {
			v.Requests = append(v.Requests, q)
		}
	}
	p, err := s.roomPage(r, room.Room.Audit, part.Control.Key, crumb(part.Control.Key, ""))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.RoomControlPage(p, v))
}

func (s *server) auditScope(w http.ResponseWriter, r *http.Request) error {
	return s.showScope(w, r, http.StatusOK, view.RoomScope{})
}

func (s *server) showScope(w http.ResponseWriter, r *http.Request, status int, v view.RoomScope) error {
	room, err := s.room(r, "scope", "")
	if err != nil {
		return err
	}
	v.Room = room
	if v.Problem == "" {
		v.Chosen = len(room.Room.Audit.Controls) > 0
		for _, id := range room.Room.Audit.Controls {
			v.IDs = append(v.IDs, string(id))
		}
	}
	views, err := s.cfg.Program.Controls(r.Context(), room.Room.Audit.Workspace)
	if err != nil {
		return err
	}
	v.All = controlsInUse(views)
	p, err := s.roomPage(r, room.Room.Audit, "Controls of the audit", crumb("Controls", ""))
	if err != nil {
		return err
	}
	return render(w, r, status, view.RoomScopePage(p, v))
}

func (s *server) setScope(w http.ResponseWriter, r *http.Request) error {
	v := view.RoomScope{}
	var ids []evidence.ID
	var err error
	if v.Chosen, v.IDs, ids, err = scopeOf(r); err == nil {
		_, err = s.cfg.Audits.SetControls(r.Context(), people.From(r.Context()), r.PathValue("id"), ids)
	}
	if refused(err) {
		v.Problem = err.Error()
		return s.showScope(w, r, statusOf(err), v)
	}
	return s.backToRoom(w, r, "", "scope", err)
}

// backToRoom leads back to a page of a room after something was done there.
func (s *server) backToRoom(w http.ResponseWriter, r *http.Request, page, done string, err error) error {
	if err != nil {
		return err
	}
	path, anchor, _ := strings.Cut(page, "#")
	to := "/audits/" + url.PathEscape(r.PathValue("id")) + path + "?done=" + done
	if anchor != "" {
		to += "#" + anchor
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (s *server) roomArtifact(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	room, a, versions, err := s.cfg.Audits.Artifact(ctx, c, r.PathValue("id"), evidence.ID(r.PathValue("artifact")))
	if err != nil {
		return err
	}
	v := view.RoomArtifact{Artifact: view.Artifact{Now: s.now(), Artifact: a, Versions: versions}}
	if v.Room, err = s.roomOf(r, room, ""); err != nil {
		return err
	}
	slices.SortFunc(v.Artifact.Versions, func(x, y evidence.ArtifactVersion) int { return y.Version - x.Version })
	if v.Artifact.Version, err = wantedVersion(a, versions, r.URL.Query().Get("version")); err != nil {
		return err
	}
	s.explain(&v.Artifact)
	v.Counts = v.Samples && v.HasProof && len(v.Provenance.Query.Streams) > 0
	for _, part := range room.Parts {
		if slices.ContainsFunc(part.Evidence, func(e audit.Evidence) bool { return e.Artifact.ID == a.ID }) {
			v.Controls = append(v.Controls, part.Control)
		}
	}
	standing, err := s.cfg.Program.Standing(ctx, c.Workspace, room.Audit.Period, []evidence.Artifact{a})
	if err != nil {
		return err
	}
	v.Cell = standing.Artifact(a)
	p, err := s.roomPage(r, room.Audit, a.Title, crumb(a.Title, ""))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.RoomArtifactPage(p, v))
}

func (s *server) roomFile(w http.ResponseWriter, r *http.Request) error {
	version, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || version < 1 {
		return evidence.Errorf(evidence.NotFound, "%.20q is no version of an artifact.", r.PathValue("version"))
	}
	a, body, file, err := s.cfg.Audits.File(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("artifact")), version, r.PathValue("format"))
	if err != nil {
		return err
	}
	return s.sendFile(w, r, a, version, file, body)
}

func (s *server) roomEvents(w http.ResponseWriter, r *http.Request) error {
	after, err := keyset(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	counted, err := s.cfg.Audits.Events(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("artifact")), after)
	if err != nil {
		return err
	}
	v := view.RoomEvents{Counted: counted, Streams: s.streamTitles()}
	if v.Room, err = s.roomOf(r, audit.Room{Audit: counted.Audit}, ""); err != nil {
		return err
	}
	at := view.AuditHref(counted.Audit.ID) + "/artifacts/" + string(counted.Artifact.ID)
	if counted.Next != nil {
		v.Next = at + "/events?after=" + counted.Next.String()
	}
	p, err := s.roomPage(r, counted.Audit, "Events", crumb(counted.Artifact.Title, at), crumb("Events", ""))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.RoomEventsPage(p, v))
}

func (s *server) streamTitles() map[evidence.Stream]string {
	out := map[evidence.Stream]string{}
	for _, st := range s.allStreams() {
		out[st] = s.streamTitle(st)
	}
	return out
}

func (s *server) roomEvent(w http.ResponseWriter, r *http.Request) error {
	counted, err := s.cfg.Audits.Event(r.Context(), people.From(r.Context()), r.PathValue("id"), evidence.ID(r.PathValue("artifact")), r.PathValue("uuid"))
	if err != nil {
		return err
	}
	at := view.AuditHref(counted.Audit.ID) + "/artifacts/" + string(counted.Artifact.ID)
	return s.showRoomEvent(w, r, counted.Audit, counted.Events[0], "counted by "+ui.Visible(counted.Artifact.Title),
		crumb(counted.Artifact.Title, at), crumb("Events", at+"/events"), crumb("Event", ""))
}

func (s *server) showRoomEvent(w http.ResponseWriter, r *http.Request, a store.Audit, e evidence.Event, why string, crumbs ...ui.Crumb) error {
	v := view.RoomEvent{Event: e, Stream: s.streamTitle(e.Stream), Why: why}
	var err error
	if v.Room, err = s.roomOf(r, audit.Room{Audit: a}, ""); err != nil {
		return err
	}
	p, err := s.roomPage(r, a, "Event", crumbs...)
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.RoomEventPage(p, v))
}

// sendFile answers with a file of an artifact as it is, to be saved and never to be shown.
func (s *server) sendFile(w http.ResponseWriter, r *http.Request, a evidence.Artifact, version int, file evidence.File, body io.ReadCloser) error {
	defer body.Close() //nolint:errcheck // opened for reading
	h := w.Header()
	h.Set("Content-Security-Policy", downloadPolicy)
	h.Set("Content-Type", file.Media)
	h.Set("Content-Length", strconv.FormatInt(file.Size, 10))
	h.Set("Content-Disposition", `attachment; filename="`+fileName(a, version, file.Format)+`"`)
	h.Set("ETag", `"`+file.SHA256+`"`)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(w, body); err != nil {
		if !errors.Is(err, context.Canceled) && r.Context().Err() == nil {
			s.log.Error("a download broke off", "artifact", a.ID, "version", version, "error", err)
		}
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	return nil
}

// bundlePage says how a bundle is made and checked, and lists those that were made.
func (s *server) bundlePage(w http.ResponseWriter, r *http.Request) error {
	room, err := s.room(r, "bundles", "bundle")
	if err != nil {
		return err
	}
	v := view.RoomBundle{Room: room}
	v.Status, err = s.cfg.Logbook.Status(r.Context(), room.Room.Audit.Workspace, 1)
	v.Begun = err == nil
	if err != nil && evidence.ErrorCode(err) != evidence.NotFound {
		return err
	}
	p, err := s.roomPage(r, room.Room.Audit, "Bundle", crumb("Bundle", ""))
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.RoomBundlePage(p, v))
}

// makeBundle streams a bundle as it is made. Until its first byte an error is shown as a page; after that the download breaks off.
func (s *server) makeBundle(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	done, err := s.builds.begin(c.Member)
	if err != nil {
		return err
	}
	defer done()
	out := &bundleWriter{w: w}
	all, err := s.cfg.Audits.List(r.Context(), c)
	if err != nil {
		return err
	}
	for _, a := range all {
		if id := r.PathValue("id"); string(a.ID) == id || a.Name == id {
			out.name = audit.FileName(a, s.now())
		}
	}
	_, err = s.cfg.Audits.Bundle(r.Context(), c, r.PathValue("id"), out, nil)
	if err != nil && out.begun {
		s.log.Error("a bundle broke off", "audit", r.PathValue("id"), "error", err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	return err
}

// bundleWriter sends the headers of a bundle with its first byte.
type bundleWriter struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

func (b *bundleWriter) Write(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		h := b.w.Header()
		h.Set("Content-Security-Policy", downloadPolicy)
		h.Set("Content-Type", "application/zip")
		h.Set("Content-Disposition", `attachment; filename="`+b.name+`"`)
		b.w.WriteHeader(http.StatusOK)
	}
	return b.w.Write(p)
}
