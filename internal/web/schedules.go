package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) schedules(w http.ResponseWriter, r *http.Request) error {
	form := view.ScheduleForm{Recipe: r.URL.Query().Get("recipe"), Settle: strconv.Itoa(artifact.DefaultSettle), Before: true}
	return s.showSchedules(w, r, http.StatusOK, form)
}

func (s *server) showSchedules(w http.ResponseWriter, r *http.Request, status int, form view.ScheduleForm) error {
	c := people.From(r.Context())
	rows, err := s.cfg.Artifacts.Schedules(r.Context(), c.Workspace)
	if err != nil {
		return err
	}
	how, err := s.cfg.Artifacts.Attaching(r.Context(), c.Workspace)
	if err != nil {
		return err
	}
	p, err := s.framed(r, "Schedules", "/artifacts", ui.Crumb{Name: "Schedules"})
	if err != nil {
		return err
	}
	return render(w, r, status, view.SchedulesPage(p, view.Schedules{Now: s.now(), Rows: rows, Recipes: recipe.All(), May: c.Has(people.BuildArtifacts), Form: form, Attaching: how, MaySet: c.Has(people.ManageSettings)}))
}

func (s *server) addSchedule(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	form := view.ScheduleForm{Recipe: r.PostFormValue("recipe"), Cadence: r.PostFormValue("cadence"), Settle: r.PostFormValue("settle"), Before: r.PostFormValue("before") == "true", Values: map[string]string{}}
	params := parameters(r.PostForm, form.Recipe, form.Values)
	settle, err := strconv.Atoi(strings.TrimSpace(form.Settle))
	if err != nil {
		err = evidence.Errorf(evidence.Invalid, "%.20q is no number of days.", form.Settle)
	} else {
		_, err = s.cfg.Artifacts.Schedule(r.Context(), c.Who(), c.Workspace, artifact.ScheduleRequest{Recipe: form.Recipe, Cadence: evidence.Cadence(form.Cadence), Settle: settle, Params: params, Before: form.Before})
	}
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.NotFound || code == evidence.Conflict:
		form.Problem = err.Error()
		return s.showSchedules(w, r, statusOf(err), form)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/artifacts/schedules", http.StatusSeeOther)
	return nil
}

func (s *server) stopSchedule(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	err := s.cfg.Artifacts.StopSchedule(r.Context(), c.Who(), c.Workspace, evidence.ID(r.PathValue("id")))
	if err != nil && evidence.ErrorCode(err) != evidence.Conflict { // stopped meanwhile is as good
		return err
	}
	http.Redirect(w, r, "/artifacts/schedules", http.StatusSeeOther)
	return nil
}

// failingSchedules lists on the front page what could not be built.
func failingSchedules(all []evidence.Schedule) []view.Attention {
	var out []view.Attention
	for _, x := range all {
		if x.Failure == "" || !x.StoppedAt.IsZero() {
			continue
		}
		title := x.Recipe
		if r, err := recipe.ByID(x.Recipe); err == nil {
			title = r.Title
		}
		out = append(out, view.Attention{Tone: ui.Bad, Icon: "calendar", Title: "A schedule fails: " + title, Href: "/artifacts/schedules", Text: x.Failure})
	}
	return out
}

type apiSchedule struct {
	ID        evidence.ID       `json:"id"`
	Recipe    string            `json:"recipe"`
	Cadence   evidence.Cadence  `json:"cadence" enum:"monthly,quarterly"`
	Settle    int               `json:"settle_days" doc:"Days after a period's end"`
	Params    map[string]string `json:"params"`
	NextFrom  *time.Time        `json:"next_from" doc:"Start of the period that is built next; null: it was stopped"`
	NextTo    *time.Time        `json:"next_to"`
	NextAt    *time.Time        `json:"next_at"`
	DoneUntil *time.Time        `json:"done_until" doc:"End of the last period that was built"`
	Artifact  evidence.ID       `json:"artifact,omitempty" doc:"Built last"`
	Failure   string            `json:"failure,omitempty" doc:"Why the last attempt failed"`
	FailedAt  *time.Time        `json:"failed_at,omitempty"`
	CreatedAt *time.Time        `json:"created_at"`
	CreatedBy string            `json:"created_by"`
	StoppedAt *time.Time        `json:"stopped_at,omitempty"`
}

func scheduleJSON(x evidence.Schedule) apiSchedule {
	out := apiSchedule{ID: x.ID, Recipe: x.Recipe, Cadence: x.Cadence, Settle: x.Settle, Params: x.Params, DoneUntil: moment(x.DoneUntil), Artifact: x.Artifact, Failure: x.Failure,
		CreatedAt: moment(x.CreatedAt), CreatedBy: x.CreatedBy, StoppedAt: moment(x.StoppedAt)}
	if x.Failure != "" {
		out.FailedAt = moment(x.FailedAt)
	}
	if x.StoppedAt.IsZero() {
		period, at := x.Next()
		out.NextFrom, out.NextTo, out.NextAt = moment(period.From), moment(period.To), moment(at)
	}
	return out
}

type apiScheduleList struct {
	Schedules []apiSchedule `json:"schedules" doc:"Those that run, oldest first, then those that were stopped"`
}

func (s *server) apiSchedules(ctx context.Context, c people.Caller, _ *nothing) (apiScheduleList, error) {
	out := apiScheduleList{Schedules: []apiSchedule{}}
	all, err := s.cfg.Artifacts.Schedules(ctx, c.Workspace)
	for _, x := range all {
		out.Schedules = append(out.Schedules, scheduleJSON(x))
	}
	return out, err
}

type scheduleInput struct {
	Body struct {
		Recipe  string            `json:"recipe" example:"failed-sign-ins"`
		Cadence string            `json:"cadence" enum:"monthly,quarterly"`
		Settle  *int              `json:"settle_days,omitempty" doc:"Days after a period's end; left out, 2"`
		Params  map[string]string `json:"params,omitempty"`
		Before  bool              `json:"before,omitempty" doc:"Begin with the period that was over last, not with the one that runs"`
	}
}

func (s *server) apiAddSchedule(ctx context.Context, c people.Caller, in *scheduleInput) (apiSchedule, error) {
	settle := artifact.DefaultSettle
	if in.Body.Settle != nil {
		settle = *in.Body.Settle
	}
	x, err := s.cfg.Artifacts.Schedule(ctx, c.Who(), c.Workspace, artifact.ScheduleRequest{Recipe: in.Body.Recipe, Cadence: evidence.Cadence(in.Body.Cadence), Settle: settle, Params: in.Body.Params, Before: in.Body.Before})
	return scheduleJSON(x), err
}

func (s *server) apiStopSchedule(ctx context.Context, c people.Caller, in *byID) (apiSchedule, error) {
	if err := s.cfg.Artifacts.StopSchedule(ctx, c.Who(), c.Workspace, evidence.ID(in.ID)); err != nil {
		return apiSchedule{}, err
	}
	all, err := s.cfg.Artifacts.Schedules(ctx, c.Workspace)
	if err != nil {
		return apiSchedule{}, err
	}
	for _, x := range all {
		if x.ID == evidence.ID(in.ID) {
			return scheduleJSON(x), nil
		}
	}
	return apiSchedule{}, evidence.Errorf(evidence.NotFound, "There is no schedule %s.", in.ID)
}
