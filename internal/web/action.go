package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) action(w http.ResponseWriter, r *http.Request) error {
	return s.showAction(w, r, http.StatusOK, view.Action{})
}

// showAction shows an action, with what was typed into one of its forms and why it was refused.
func (s *server) showAction(w http.ResponseWriter, r *http.Request, status int, v view.Action) error {
	ctx, c := r.Context(), people.From(r.Context())
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return err
	}
	found, err := all.action(r.PathValue("id"))
	if err != nil {
		return err
	}
	a := found.Action
	v.Now, v.Row, v.MayManage = s.now(), all.actionRow(found), c.Has(people.ManageActions)
	v.Asked = asksOf(found, c.Has(people.BuildArtifacts))
	if v.Matches, err = s.cfg.Program.Matches(ctx, c.Workspace, found); err != nil {
		return err
	}
	if v.History, err = s.cfg.Program.ActionHistory(ctx, c.Workspace, a.Key); err != nil {
		return err
	}
	v.History = slices.DeleteFunc(v.History, func(h store.Activity) bool { return h.What == store.CommentActivity }) // shown as comments
	if err := s.comments(r, a.ID, &v); err != nil {
		return err
	}
	p, err := s.framed(r, a.Title, "/actions", ui.Crumb{Name: a.Key})
	if err != nil {
		return err
	}
	return render(w, r, status, view.ActionPage(p, v))
}

// asksOf gives what an action asks for, with the form that builds it for those who may.
func asksOf(v program.ActionView, mayBuild bool) []view.Asked {
	var out []view.Asked
	open := slices.Clone(v.Open)
	for _, q := range v.Action.Asks() {
		words := program.RequestWords([]evidence.EvidenceRequest{q})
		at := slices.IndexFunc(open, func(o evidence.EvidenceRequest) bool {
			return program.RequestWords([]evidence.EvidenceRequest{o}) == words
		})
		x := view.Asked{Request: q, Arrived: at < 0}
		if at >= 0 {
			open = slices.Delete(open, at, at+1)
		}
		if q.Recipe != "" && mayBuild && !v.Period.Empty() && !v.Idle {
			form := url.Values{"recipe": {q.Recipe}, "from": {v.Period.From.Format(time.DateOnly)}, "to": {v.Period.To.Format(time.DateOnly)}}
			for name, value := range q.Params {
				form.Set(q.Recipe+"."+name, value)
			}
			x.BuildHref = "/artifacts/build?" + form.Encode()
		}
		out = append(out, x)
	}
	return out
}

func (s *server) newAction(w http.ResponseWriter, r *http.Request) error {
	return s.showActionForm(w, r, http.StatusOK, evidence.Action{}, view.ActionForm{Control: r.URL.Query().Get("control")})
}

// spareAsks is how many empty lines for evidence the form offers.
const spareAsks = 2

// showActionForm shows the form for an action, or for a new one, as it was filled in.
func (s *server) showActionForm(w http.ResponseWriter, r *http.Request, status int, a evidence.Action, form view.ActionForm) error {
	ctx, c := r.Context(), people.From(r.Context())
	controls, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return err
	}
	for _, x := range controls {
		if x.Control.RetiredAt.IsZero() || string(x.Control.ID) == form.Control {
			form.Controls = append(form.Controls, x.Control)
		}
	}
	members, err := s.cfg.Store.Members(ctx, c.Workspace)
	if err != nil {
		return err
	}
	for _, m := range members {
		form.Members = append(form.Members, m.Name)
	}
	for _, known := range recipe.All() {
		form.Recipes = append(form.Recipes, view.ActionRecipe{ID: known.ID, Title: known.Title})
	}
	form.Asks = append(form.Asks, make([]view.ActionAsk, spareAsks)...)
	title, crumbs := "New action", []ui.Crumb{{Name: "New"}}
	if a.ID != "" {
		form.ID, form.Key = string(a.ID), a.Key
		title, crumbs = "Edit "+a.Key, []ui.Crumb{{Name: a.Key, Path: "/actions/" + string(a.ID)}, {Name: "Edit"}}
	}
	p, err := s.framed(r, title, "/actions", crumbs...)
	if err != nil {
		return err
	}
	return render(w, r, status, view.ActionFormPage(p, form))
}

// typedAction reads the form. What cannot be read is told beside what can.
func typedAction(r *http.Request) (form view.ActionForm, due time.Time, requests []evidence.EvidenceRequest, err error) {
	v := r.PostFormValue
	form = view.ActionForm{Key: v("key"), Title: v("title"), Description: v("description"), Control: v("control"), Owner: v("owner"), Delegate: v("delegate"), Due: v("due"), Cadence: v("cadence")}
	texts := r.PostForm["ask.text"]
	for i, kind := range r.PostForm["ask"] {
		ask := view.ActionAsk{Kind: kind}
		if i < len(texts) {
			ask.Text = strings.TrimSpace(texts[i])
		}
		if ask == (view.ActionAsk{}) {
			continue
		}
		form.Asks = append(form.Asks, ask)
		q, problem := askedBy(ask)
		requests, err = append(requests, q), errors.Join(err, problem)
	}
	if form.Due != "" {
		day, problem := time.Parse(time.DateOnly, form.Due)
		if problem != nil {
			err = errors.Join(err, evidence.Errorf(evidence.Invalid, "%.20q is no day. Write it as 2026-12-14.", form.Due))
		}
		due = day.AddDate(0, 0, 1).Add(-time.Second)
	}
	if err != nil {
		err = &evidence.Error{Code: evidence.Invalid, Message: err.Error()}
	}
	return form, due, requests, err
}

func askedBy(a view.ActionAsk) (evidence.EvidenceRequest, error) {
	switch a.Kind {
	case "":
		return evidence.EvidenceRequest{}, evidence.Errorf(evidence.Invalid, "Say for %.60q whether it is an upload or a recipe.", a.Text)
	case "upload":
		return evidence.EvidenceRequest{Upload: a.Text}, nil
	}
	return program.ParseRequest(a.Kind + " " + a.Text)
}

func (s *server) addAction(w http.ResponseWriter, r *http.Request) error {
	form, due, requests, err := typedAction(r)
	var a evidence.Action
	if err == nil {
		a, err = s.cfg.Program.AddAction(r.Context(), people.From(r.Context()), program.ActionDraft{
			Key: form.Key, Control: form.Control, Title: form.Title, Description: form.Description, Owner: form.Owner, Delegate: form.Delegate,
			Due: due, Cadence: evidence.Cadence(form.Cadence), Requests: requests,
		})
	}
	if mendable(err) {
		form.Problem = err.Error()
		return s.showActionForm(w, r, statusOf(err), evidence.Action{}, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/actions/"+string(a.ID), http.StatusSeeOther)
	return nil
}

func (s *server) editAction(w http.ResponseWriter, r *http.Request) error {
	v, err := s.cfg.Program.Action(r.Context(), people.From(r.Context()).Workspace, r.PathValue("id"))
	if err != nil {
		return err
	}
	a := v.Action
	form := view.ActionForm{Title: a.Title, Description: a.Description, Control: string(a.Control), Owner: a.Owner, Delegate: a.Delegate, Cadence: string(a.Cadence), Revision: a.Revision}
	if !a.Due.IsZero() {
		form.Due = a.Due.UTC().Format(time.DateOnly)
	}
	for _, q := range a.Asks() {
		ask := view.ActionAsk{Kind: q.Recipe, Text: q.Upload}
		if q.Recipe != "" {
			ask.Text = strings.TrimSpace(strings.TrimPrefix(program.RequestWords([]evidence.EvidenceRequest{q}), q.Recipe))
		} else if q.Upload != "" {
			ask.Kind = "upload"
		}
		form.Asks = append(form.Asks, ask)
	}
	return s.showActionForm(w, r, http.StatusOK, a, form)
}

func (s *server) changeAction(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	v, err := s.cfg.Program.Action(r.Context(), c.Workspace, r.PathValue("id"))
	if err != nil {
		return err
	}
	form, due, requests, err := typedAction(r)
	form.Revision, _ = strconv.Atoi(r.PostFormValue("revision"))
	if form.Revision < 1 {
		return evidence.Errorf(evidence.Invalid, "The form does not say which state of the action it changes. Open it again.")
	}
	if err == nil {
		cadence := evidence.Cadence(form.Cadence)
		e := program.ActionEdit{Control: &form.Control, Title: &form.Title, Description: &form.Description, Owner: &form.Owner, Delegate: &form.Delegate, Cadence: &cadence, Revision: form.Revision}
		if before := v.Action; before.Due.IsZero() || before.Due.UTC().Format(time.DateOnly) != form.Due {
			e.Due = &due
		}
		if program.RequestWords(v.Action.Asks()) != program.RequestWords(evidence.Action{Requests: requests}.Asks()) {
			e.Requests = &requests
		}
		_, err = s.cfg.Program.EditAction(r.Context(), c, string(v.Action.ID), e)
	}
	if mendable(err) {
		form.Problem = err.Error()
		return s.showActionForm(w, r, statusOf(err), v.Action, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/actions/"+string(v.Action.ID), http.StatusSeeOther)
	return nil
}

// acted leads back to an action after something was done to it, or shows why it was not.
func (s *server) acted(w http.ResponseWriter, r *http.Request, err error, v view.Action) error {
	var told *evidence.Error
	if mendable(err) && errors.As(err, &told) {
		v.Problem = told.Message
		return s.showAction(w, r, statusOf(err), v)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/actions/"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
	return nil
}

func (s *server) doneAction(w http.ResponseWriter, r *http.Request) error {
	note := r.PostFormValue("note")
	_, err := s.cfg.Program.Done(r.Context(), people.From(r.Context()), r.PathValue("id"), note)
	return s.acted(w, r, err, view.Action{Done: note, At: "done"})
}

func (s *server) reopenAction(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.Program.Reopen(r.Context(), people.From(r.Context()), r.PathValue("id"), r.PostFormValue("reason"))
	return s.acted(w, r, err, view.Action{At: "reopen"})
}

// acceptMatch makes an evidence request of a proposed recipe.
func (s *server) acceptMatch(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.Program.AcceptMatch(r.Context(), people.From(r.Context()), r.PathValue("id"), r.PostFormValue("recipe"))
	return s.acted(w, r, err, view.Action{At: "matches"})
}

func (s *server) retireAction(w http.ResponseWriter, r *http.Request) error {
	reason := r.PostFormValue("reason")
	_, err := s.cfg.Program.RetireAction(r.Context(), people.From(r.Context()), r.PathValue("id"), reason)
	return s.acted(w, r, err, view.Action{Retire: reason, At: "retire"})
}
