package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/erasure"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// Erasure erases the data of one person; see package erasure.
type Erasure interface {
	Plan(ctx context.Context, c people.Caller, subject string) (erasure.Plan, error)
	Run(ctx context.Context, c people.Caller, req erasure.RunRequest, progress erasure.Progress) (evidence.Erasure, error)
	Continue(ctx context.Context, c people.Caller, progress erasure.Progress) (evidence.Erasure, error)
	List(ctx context.Context, c people.Caller) ([]evidence.Erasure, error)
}

const erasurePath = "/settings/erasure"

// eraseWord is what somebody types who wants to erase.
const eraseWord = "erase"

func (s *server) erasures(w http.ResponseWriter, r *http.Request) error {
	said := map[string]string{"erased": "It is erased. What is left stays proven; backups and bundles that were handed over still hold it."}[r.URL.Query().Get("done")]
	return s.showErasure(w, r, http.StatusOK, view.Erasure{Said: said})
}

func (s *server) showErasure(w http.ResponseWriter, r *http.Request, status int, v view.Erasure) error {
	ctx, c := r.Context(), people.From(r.Context())
	var err error
	if v.Rows, err = s.cfg.Erasure.List(ctx, c); err != nil {
		return err
	}
	if v.Connections, err = s.cfg.Store.Connections(ctx, c.Workspace); err != nil {
		return err
	}
	v.May, v.Word = c.Has(people.Erase), eraseWord
	p, err := s.framed(r, "Erasure", "/settings", crumb("Erasure", ""))
	if err != nil {
		return err
	}
	p.Path = erasurePath
	return render(w, r, status, view.ErasurePage(p, v))
}

// planErasure shows what would go. It is asked for with a form, so that whom it is about stands in no address.
func (s *server) planErasure(w http.ResponseWriter, r *http.Request) error {
	v := view.Erasure{Subject: r.PostFormValue("subject")}
	return s.showPlan(w, r, http.StatusOK, v)
}

func (s *server) showPlan(w http.ResponseWriter, r *http.Request, status int, v view.Erasure) error {
	p, err := s.cfg.Erasure.Plan(r.Context(), people.From(r.Context()), v.Subject)
	if refused(err) {
		v.Problem = err.Error()
		return s.showErasure(w, r, statusOf(err), v)
	}
	if err != nil {
		return err
	}
	v.Plan = &p
	return s.showErasure(w, r, status, v)
}

func (s *server) runErasure(w http.ResponseWriter, r *http.Request) error {
	v := view.Erasure{Subject: r.PostFormValue("subject"), Basis: r.PostFormValue("basis"), Reason: r.PostFormValue("reason")}
	if strings.TrimSpace(strings.ToLower(r.PostFormValue("confirm"))) != eraseWord {
		v.PlanProblem = "Type the word " + eraseWord + " to erase for good. Nothing was changed."
		return s.showPlan(w, r, http.StatusBadRequest, v)
	}
	_, err := s.cfg.Erasure.Run(r.Context(), people.From(r.Context()), erasure.RunRequest{Subject: v.Subject, Basis: evidence.Basis(v.Basis), Reason: v.Reason}, nil)
	if refused(err) {
		v.PlanProblem = err.Error()
		return s.showPlan(w, r, statusOf(err), v)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, erasurePath+"?done=erased", http.StatusSeeOther)
	return nil
}

func (s *server) continueErasure(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.Erasure.Continue(r.Context(), people.From(r.Context()), nil)
	if refused(err) {
		return s.showErasure(w, r, statusOf(err), view.Erasure{Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, erasurePath+"?done=erased", http.StatusSeeOther)
	return nil
}

// erasureOperations are the erasure of one person's data.
func (s *server) erasureOperations(api huma.API) {
	add(s, api, "/erasures", "list-erasures", "What was erased, newest first; not of whom", people.ReadSettings, s.apiErasures)
	mount(s, api, operation(http.MethodPost, "/erasures/plan", "plan-erasure", "What the erasure of a person would do, and what keeps it from being done; changes nothing", people.Erase, slow), s.apiPlanErasure)
	mount(s, api, operation(http.MethodPost, "/erasures", "run-erasure", "Erase the data of a person for good", people.Erase, slow), s.apiRunErasure)
	mount(s, api, operation(http.MethodPost, "/erasures/continue", "continue-erasure", "Bring an erasure to its end that was interrupted", people.Erase, slow), s.apiContinueErasure)
}

type apiErasure struct {
	ID        evidence.ID    `json:"id" example:"er_4zq2hxk7m3v5w6ya"`
	Done      bool           `json:"done" doc:"False: it was interrupted"`
	Basis     evidence.Basis `json:"basis" enum:"art17-1a,art17-1b,art17-1c,art17-1d,art17-1e,art17-1f,other"`
	Reason    string         `json:"reason"`
	BegunAt   *time.Time     `json:"begun_at"`
	BegunBy   string         `json:"begun_by"`
	EndedAt   *time.Time     `json:"ended_at"`
	Records   int64          `json:"records" doc:"That were erased"`
	Pages     int64          `json:"pages" doc:"That they lay in"`
	Artifacts int64          `json:"artifacts" doc:"Versions whose files were erased"`
}

func erasureJSON(e evidence.Erasure) apiErasure {
	return apiErasure{e.ID, e.Done, e.Basis, e.Reason, moment(e.BegunAt), e.BegunBy, moment(e.EndedAt), e.Events, e.Pages, e.Artifacts}
}

type apiErasureList struct {
	Erasures []apiErasure `json:"erasures"`
}

func (s *server) apiErasures(ctx context.Context, c people.Caller, _ *nothing) (apiErasureList, error) {
	out := apiErasureList{Erasures: []apiErasure{}}
	all, err := s.cfg.Erasure.List(ctx, c)
	for _, e := range all {
		out.Erasures = append(out.Erasures, erasureJSON(e))
	}
	return out, err
}

type apiErasedStream struct {
	Connection evidence.ID     `json:"connection"`
	Stream     evidence.Stream `json:"stream"`
	Records    int64           `json:"records"`
	Pages      int64           `json:"pages"`
	From       *time.Time      `json:"from"`
	To         *time.Time      `json:"to"`
}

type apiErasedVersion struct {
	Artifact evidence.ID `json:"artifact"`
	Version  int64       `json:"version"`
	Recipe   string      `json:"recipe"`
}

type apiErasurePlan struct {
	UUIDs     []string           `json:"uuids" doc:"By which the person is found"`
	Emails    []string           `json:"emails"`
	Names     []string           `json:"names" doc:"By which artifacts are searched beside them"`
	Records   int64              `json:"records"`
	Pages     int64              `json:"pages"`
	Streams   []apiErasedStream  `json:"streams"`
	Artifacts []apiErasedVersion `json:"artifacts" doc:"Versions whose files tell of the person"`
	Uploads   int                `json:"uploads_not_searched" doc:"Versions of files that people handed in"`
	Exports   int                `json:"exports" doc:"Files of events that are removed"`
	Holds     []evidence.ID      `json:"holds" doc:"Legal holds that keep it from being done"`
	Held      string             `json:"held" doc:"The same in a sentence; empty: nothing does"`
}

type planErasureIn struct {
	Body struct {
		Subject string `json:"subject" maxLength:"254" example:"bo@example.com" doc:"E-mail address or uuid that 1Password knows"`
	}
}

func (s *server) apiPlanErasure(ctx context.Context, c people.Caller, in *planErasureIn) (apiErasurePlan, error) {
	p, err := s.cfg.Erasure.Plan(ctx, c, in.Body.Subject)
	out := apiErasurePlan{UUIDs: all(p.Subject.UUIDs), Emails: all(p.Subject.Emails), Names: all(p.Subject.Names), Records: p.Records, Pages: p.Pages, Streams: []apiErasedStream{}, Artifacts: []apiErasedVersion{},
		Uploads: p.Uploads, Exports: p.Exports, Holds: []evidence.ID{}, Held: p.Held()}
	for _, x := range p.Streams {
		out.Streams = append(out.Streams, apiErasedStream{x.Connection, x.Stream, x.Records, x.Pages, moment(x.From), moment(x.To)})
	}
	for _, v := range p.Artifacts {
		out.Artifacts = append(out.Artifacts, apiErasedVersion{v.Artifact, v.Version, v.Recipe})
	}
	for _, h := range p.Holds {
		out.Holds = append(out.Holds, h.ID)
	}
	return out, err
}

type runErasureIn struct {
	Body struct {
		Subject string `json:"subject" maxLength:"254" example:"bo@example.com" doc:"E-mail address or uuid that 1Password knows"`
		Basis   string `json:"basis" enum:"art17-1a,art17-1b,art17-1c,art17-1d,art17-1e,art17-1f,other"`
		Reason  string `json:"reason" maxLength:"2000" doc:"Must not name the person: it is kept"`
		Confirm string `json:"confirm" enum:"erase" doc:"It cannot be undone"`
	}
}

func (s *server) apiRunErasure(ctx context.Context, c people.Caller, in *runErasureIn) (apiErasure, error) {
	e, err := s.cfg.Erasure.Run(ctx, c, erasure.RunRequest{Subject: in.Body.Subject, Basis: evidence.Basis(in.Body.Basis), Reason: in.Body.Reason}, nil)
	return erasureJSON(e), err
}

func (s *server) apiContinueErasure(ctx context.Context, c people.Caller, _ *nothing) (apiErasure, error) {
	e, err := s.cfg.Erasure.Continue(ctx, c, nil)
	return erasureJSON(e), err
}
