package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// Audits is audits and their rooms; see package audit. Every method asks who calls, and tells who is confined of his own rooms
// alone.
type Audits interface {
	List(ctx context.Context, c people.Caller) ([]store.Audit, error)
	Waiting(ctx context.Context, c people.Caller) ([]audit.Listed, error)
	Create(ctx context.Context, c people.Caller, req audit.CreateRequest) (store.Audit, error)
	SetControls(ctx context.Context, c people.Caller, id string, controls []evidence.ID) (store.Audit, error)
	Room(ctx context.Context, c people.Caller, id, page string) (audit.Room, error)
	Artifact(ctx context.Context, c people.Caller, id string, artifact evidence.ID) (audit.Room, evidence.Artifact, []evidence.ArtifactVersion, error)
	File(ctx context.Context, c people.Caller, id string, artifact evidence.ID, version int, format string) (evidence.Artifact, io.ReadCloser, evidence.File, error)
	Events(ctx context.Context, c people.Caller, id string, artifact evidence.ID, after *store.Keyset) (audit.Counted, error)
	Event(ctx context.Context, c people.Caller, id string, artifact evidence.ID, uuid string) (audit.Counted, error)

	Sample(ctx context.Context, c people.Caller, id, population, seed string, size int) (audit.Drawn, error)
	ShowSample(ctx context.Context, c people.Caller, id string, sample evidence.ID, as string) (store.Audit, audit.Drawn, error)
	SampleEvent(ctx context.Context, c people.Caller, id string, sample evidence.ID, rank int) (store.Audit, audit.Drawn, evidence.Event, error)
	Replace(ctx context.Context, c people.Caller, id string, sample evidence.ID, rank int, reason string) (audit.Drawn, error)
	Bundle(ctx context.Context, c people.Caller, id string, out io.Writer, progress audit.Progress) (audit.Made, error)

	Ask(ctx context.Context, c people.Caller, id string, about audit.About, text string, due time.Time) (store.AuditRequest, error)
	Answer(ctx context.Context, c people.Caller, id string, request evidence.ID, text string, artifact evidence.ID) error
	Follow(ctx context.Context, c people.Caller, id string, request evidence.ID, text string) error
	CloseRequest(ctx context.Context, c people.Caller, id string, request evidence.ID, text string) error
	Note(ctx context.Context, c people.Caller, id string, about audit.About, text string) (store.AuditNote, error)
	Notes(ctx context.Context, c people.Caller, id string) ([]store.AuditNote, error)

	Auditors(ctx context.Context, c people.Caller, id string) ([]store.Auditor, error)
	InviteAuditor(ctx context.Context, c people.Caller, id, name, email string) (audit.Invited, error)
	LetOut(ctx context.Context, c people.Caller, id string, member evidence.ID) error
	Trail(ctx context.Context, c people.Caller, id string, most int) (store.Audit, []store.Activity, error)
}

func (s *server) audits(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	v := view.Audits{Now: s.now(), Confined: c.Role.Confined(), May: c.Has(people.ManageAudits)}
	var err error
	if v.Rows, err = s.cfg.Audits.Waiting(r.Context(), c); err != nil {
		return err
	}
	if v.Frameworks, err = s.frameworkNames(r.Context(), c.Workspace); err != nil {
		return err
	}
	p, err := s.framed(r, "Audits", "/audits")
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.AuditsPage(p, v))
}

// frameworkNames gives the names of frameworks by id.
func (s *server) frameworkNames(ctx context.Context, ws evidence.ID) (map[string]string, error) {
	all, err := s.cfg.Program.Frameworks(ctx, ws)
	names := map[string]string{}
	for _, f := range all {
		names[f.ID] = f.Name
	}
	return names, err
}

func (s *server) newAudit(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	return s.showAuditForm(w, r, http.StatusOK, view.AuditForm{Framework: q.Get("framework"), From: q.Get("from"), To: q.Get("to"), Name: q.Get("name")})
}

func (s *server) showAuditForm(w http.ResponseWriter, r *http.Request, status int, f view.AuditForm) error {
	ctx, c := r.Context(), people.From(r.Context())
	views, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return err
	}
	f.All = controlsInUse(views)
	frameworks, err := s.cfg.Program.Frameworks(ctx, c.Workspace)
	if err != nil {
		return err
	}
	for _, x := range frameworks {
		choice := view.FrameworkChoice{ID: x.ID, Name: x.Name}
		for _, control := range f.All {
			if (store.Audit{Framework: x.ID}).Holds(control) {
				choice.Serving++
			}
		}
		f.Frameworks = append(f.Frameworks, choice)
	}
	slices.SortStableFunc(f.Frameworks, func(a, b view.FrameworkChoice) int { return b.Serving - a.Serving })
	f.Quick = s.auditPeriods(f)
	p, err := s.framed(r, "New audit", "/audits", crumb("New", ""))
	if err != nil {
		return err
	}
	p.Path = "/audits/new"
	return render(w, r, status, view.AuditFormPage(p, f))
}

func controlsInUse(views []program.ControlView) []evidence.Control {
	var out []evidence.Control
	for _, v := range views {
		if v.Control.RetiredAt.IsZero() {
			out = append(out, v.Control)
		}
	}
	return out
}

// auditPeriods are the periods that audits are usually about, without losing what was typed.
func (s *server) auditPeriods(f view.AuditForm) []view.QuickPeriod {
	now := s.now()
	quarter := time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	year := time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	var out []view.QuickPeriod
	for _, q := range []struct {
		name     string
		from, to time.Time
	}{
		{"Last quarter", quarter.AddDate(0, -3, 0), quarter},
		{"This quarter", quarter, quarter.AddDate(0, 3, 0)},
		{"Last half year", quarter.AddDate(0, -6, 0), quarter},
		{"This year", year, year.AddDate(1, 0, 0)},
	} {
		v := url.Values{"from": {q.from.Format(time.DateOnly)}, "to": {q.to.Add(-day).Format(time.DateOnly)}}
		for key, text := range map[string]string{"name": f.Name, "framework": f.Framework} {
			if text != "" {
				v.Set(key, text)
			}
		}
		out = append(out, view.QuickPeriod{Name: q.name, Href: "/audits/new?" + v.Encode()})
	}
	return out
}

// scopeOf reads which controls were chosen; none means all that serve the framework.
func scopeOf(r *http.Request) (chosen bool, texts []string, ids []evidence.ID, err error) {
	if r.PostFormValue("scope") != "chosen" {
		return false, nil, nil, nil
	}
	texts = r.PostForm["control"]
	for _, t := range texts {
		ids = append(ids, evidence.ID(t))
	}
	if len(ids) == 0 {
		err = evidence.Errorf(evidence.Invalid, "Tick at least one control, or choose all that serve the framework.")
	}
	return true, texts, ids, err
}

// auditSpan reads a first and a last day. The last day belongs to the period.
func auditSpan(from, to string) (evidence.Span, error) {
	first, err := parseTime(from)
	if err != nil {
		return evidence.Span{}, err
	}
	last, err := parseTime(to)
	if err != nil {
		return evidence.Span{}, err
	}
	if len(strings.TrimSpace(to)) == len(time.DateOnly) {
		last = last.Add(day)
	}
	return evidence.Span{From: first, To: last}, nil
}

func (s *server) addAudit(w http.ResponseWriter, r *http.Request) error {
	f := view.AuditForm{Name: r.PostFormValue("name"), Framework: r.PostFormValue("framework"), From: r.PostFormValue("from"), To: r.PostFormValue("to")}
	var ids []evidence.ID
	var err error
	var made store.Audit
	if f.Chosen, f.Controls, ids, err = scopeOf(r); err == nil {
		var span evidence.Span
		if span, err = auditSpan(f.From, f.To); err == nil {
			made, err = s.cfg.Audits.Create(r.Context(), people.From(r.Context()), audit.CreateRequest{Name: f.Name, Framework: f.Framework, Period: span, Controls: ids})
		}
	}
	if refused(err) {
		f.Problem = err.Error()
		return s.showAuditForm(w, r, statusOf(err), f)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, view.AuditHref(made.ID)+"?done=made", http.StatusSeeOther)
	return nil
}

// refused reports whether an error is one that a person mends in the form that he filled in.
func refused(err error) bool {
	code := evidence.ErrorCode(err)
	return code == evidence.Invalid || code == evidence.Conflict
}
