package web

import (
	"context"
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
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) controls(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return err
	}
	findings, err := s.cfg.Program.Findings(ctx, c.Workspace)
	if err != nil {
		return err
	}
	show := r.FormValue("show")
	words := []string{"", "attention", "retired"}
	if !slices.Contains(words, show) {
		return evidence.Errorf(evidence.Invalid, "There is no list %.40q of controls. Show all, attention or retired.", show)
	}
	v := view.Controls{Now: s.now(), MayManage: c.Has(people.ManageControls), Tabs: []view.Tab{{Name: "In use"}, {Name: "To look at"}, {Name: "Retired"}}}
	for _, cv := range all.controls {
		row := all.controlRow(cv.Control)
		row.Findings = about(findings, cv.Control.ID)
		used := cv.Control.RetiredAt.IsZero()
		for i, is := range []bool{used, used && len(row.Findings) > 0, !used} {
			if is {
				v.Tabs[i].Count++
				if words[i] == show {
					v.Rows = append(v.Rows, row)
				}
			}
		}
	}
	for i := range v.Tabs {
		v.Tabs[i].Here, v.Tabs[i].Href = words[i] == show, "/controls"
		if words[i] != "" {
			v.Tabs[i].Href += "?show=" + words[i]
		}
	}
	p, err := s.framed(r, "Controls", "/controls")
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.ControlsPage(p, v))
}

func about(all []program.Finding, control evidence.ID) []program.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f program.Finding) bool { return f.Control.ID != control })
}

func (s *server) control(w http.ResponseWriter, r *http.Request) error {
	return s.showControl(w, r, http.StatusOK, view.Control{})
}

// showControl shows a control, with what was typed into the form at its foot and why it was refused.
func (s *server) showControl(w http.ResponseWriter, r *http.Request, status int, v view.Control) error {
	ctx, c := r.Context(), people.From(r.Context())
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return err
	}
	control, err := all.control(r.PathValue("id"))
	if err != nil {
		return err
	}
	v.Now, v.Row, v.MayManage = s.now(), all.controlRow(control), c.Has(people.ManageControls)
	if v.Month, err = monthOf(r.URL.Query().Get("month")); err != nil {
		return err
	}
	if !v.Month.Empty() {
		v.Row.Artifacts = all.evidenceOf([]evidence.Control{control}, v.Month)
	}
	findings, err := s.cfg.Program.Findings(ctx, c.Workspace)
	if err != nil {
		return err
	}
	v.Row.Findings = about(findings, control.ID)
	if v.Requirements, err = s.requirementsOf(ctx, c.Workspace, control); err != nil {
		return err
	}
	if v.History, err = s.cfg.Program.ControlHistory(ctx, c.Workspace, control.Key); err != nil {
		return err
	}
	p, err := s.framed(r, control.Name, "/controls", ui.Crumb{Name: control.Key})
	if err != nil {
		return err
	}
	return render(w, r, status, view.ControlPage(p, v))
}

// requirementsOf adds what the frameworks here tell of a control's requirements; of others the bare identifier is shown.
func (s *server) requirementsOf(ctx context.Context, ws evidence.ID, c evidence.Control) ([]view.Requirement, error) {
	frameworks, err := s.cfg.Program.Frameworks(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []view.Requirement
	for _, ref := range c.Requirements {
		q := view.Requirement{Ref: ref, Framework: ref.Framework}
		for _, f := range frameworks {
			if f.ID != ref.Framework {
				continue
			}
			q.Framework = f.Name
			if known, err := f.Requirement(ref.ID); err == nil {
				q.Title, q.Known, q.Withdrawn = known.Title, true, known.Withdrawn
			}
		}
		out = append(out, q)
	}
	return out, nil
}

// monthOf reads a month such as 2026-10; "" gives no month.
func monthOf(s string) (evidence.Span, error) {
	if s == "" {
		return evidence.Span{}, nil
	}
	at, err := time.Parse("2006-01", s)
	if err != nil || at.Year() < 2000 || at.Year() > 2200 {
		return evidence.Span{}, evidence.Errorf(evidence.Invalid, "%.20q is no month. Write the year and the month, such as 2026-10.", s)
	}
	return evidence.Monthly.PeriodAt(at), nil
}

// evidenceOf gives what is attached to controls and to their actions, each artifact once, the newest period first; with a
// month, only what touches it.
func (p programme) evidenceOf(controls []evidence.Control, month evidence.Span) []view.ArtifactRow {
	var out []view.ArtifactRow
	add := func(to evidence.Target) {
		for _, row := range p.attached(to) {
			there := slices.ContainsFunc(out, func(x view.ArtifactRow) bool { return x.Artifact.ID == row.Artifact.ID })
			if !there && row.Artifact.RetiredAt.IsZero() && (month.Empty() || !row.Artifact.Period.Intersect(month).Empty()) {
				out = append(out, row)
			}
		}
	}
	for _, c := range controls {
		add(evidence.Target{Control: c.ID})
		for _, a := range p.actions {
			if a.Action.Control == c.ID {
				add(evidence.Target{Action: a.Action.ID})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b view.ArtifactRow) int { return b.Artifact.Period.To.Compare(a.Artifact.Period.To) })
	return out
}

func (s *server) newControl(w http.ResponseWriter, r *http.Request) error {
	return s.showControlForm(w, r, http.StatusOK, evidence.Control{}, view.ControlForm{})
}

// showControlForm shows the form for a control, or for a new one, as it was filled in.
func (s *server) showControlForm(w http.ResponseWriter, r *http.Request, status int, control evidence.Control, form view.ControlForm) error {
	ctx, c := r.Context(), people.From(r.Context())
	frameworks, err := s.cfg.Program.Frameworks(ctx, c.Workspace)
	if err != nil {
		return err
	}
	form.Maps = controlMaps(r, frameworks, control.Requirements)
	title, crumbs := "New control", []ui.Crumb{{Name: "New"}}
	if control.ID != "" {
		form.ID, form.Key = string(control.ID), control.Key
		title, crumbs = "Edit "+control.Key, []ui.Crumb{{Name: control.Key, Path: "/controls/" + string(control.ID)}, {Name: "Edit"}}
	}
	p, err := s.framed(r, title, "/controls", crumbs...)
	if err != nil {
		return err
	}
	return render(w, r, status, view.ControlFormPage(p, form))
}

// controlMaps gives a field for each framework that is in use or that the control serves, with what was typed into it.
func controlMaps(r *http.Request, frameworks []program.Framework, serves []evidence.RequirementRef) []view.ControlMap {
	var out []view.ControlMap
	add := func(id, name, example string) {
		m := view.ControlMap{Framework: id, Name: name, Example: example}
		var ids []string
		for _, ref := range serves {
			if ref.Framework == id {
				ids = append(ids, ref.ID)
			}
		}
		m.IDs = strings.Join(ids, ", ")
		if r.Method == http.MethodPost {
			m.IDs = r.PostFormValue("map." + id)
		}
		out = append(out, m)
	}
	serving := func(id string) bool {
		return slices.ContainsFunc(serves, func(ref evidence.RequirementRef) bool { return ref.Framework == id })
	}
	for _, f := range frameworks {
		if f.InUse() || serving(f.ID) || r.PostForm.Has("map."+f.ID) {
			add(f.ID, f.Name, f.Requirements[0].ID)
		}
	}
	for _, ref := range serves { // of frameworks that are no longer known
		if !slices.ContainsFunc(out, func(m view.ControlMap) bool { return m.Framework == ref.Framework }) {
			add(ref.Framework, ref.Framework, "")
		}
	}
	return out
}

// mappedIn reads the fields of controlMaps.
func mappedIn(form url.Values) []evidence.RequirementRef {
	var out []evidence.RequirementRef
	for name, values := range form {
		framework, ok := strings.CutPrefix(name, "map.")
		if !ok {
			continue
		}
		for _, id := range strings.FieldsFunc(strings.Join(values, ","), func(r rune) bool { return r == ',' || r == '\n' || r == ';' }) {
			if id = strings.TrimSpace(id); id != "" {
				out = append(out, evidence.RequirementRef{Framework: framework, ID: id})
			}
		}
	}
	return out
}

func typedControl(r *http.Request) view.ControlForm {
	return view.ControlForm{Key: r.PostFormValue("key"), Name: r.PostFormValue("name"), Description: r.PostFormValue("description"), Owner: r.PostFormValue("owner")}
}

func (s *server) addControl(w http.ResponseWriter, r *http.Request) error {
	form := typedControl(r)
	control, err := s.cfg.Program.AddControl(r.Context(), people.From(r.Context()), program.ControlDraft{
		Key: form.Key, Name: form.Name, Description: form.Description, Owner: form.Owner, Requirements: mappedIn(r.PostForm),
	})
	if mendable(err) {
		form.Problem = err.Error()
		return s.showControlForm(w, r, statusOf(err), evidence.Control{}, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/controls/"+string(control.ID), http.StatusSeeOther)
	return nil
}

// mendable reports whether a person can mend what he typed.
func mendable(err error) bool {
	code := evidence.ErrorCode(err)
	return code == evidence.Invalid || code == evidence.Conflict
}

func (s *server) editControl(w http.ResponseWriter, r *http.Request) error {
	control, err := s.controlAsked(r)
	if err != nil {
		return err
	}
	return s.showControlForm(w, r, http.StatusOK, control, view.ControlForm{Name: control.Name, Description: control.Description, Owner: control.Owner, Revision: control.Revision})
}

func (s *server) controlAsked(r *http.Request) (evidence.Control, error) {
	all, err := s.programme(r.Context(), people.From(r.Context()).Workspace)
	if err != nil {
		return evidence.Control{}, err
	}
	return all.control(r.PathValue("id"))
}

func (s *server) changeControl(w http.ResponseWriter, r *http.Request) error {
	control, err := s.controlAsked(r)
	if err != nil {
		return err
	}
	form := typedControl(r)
	form.Revision, err = strconv.Atoi(r.PostFormValue("revision"))
	if err != nil {
		return evidence.Errorf(evidence.Invalid, "The form does not say which state of the control it changes. Open it again.")
	}
	refs := mappedIn(r.PostForm)
	_, err = s.cfg.Program.EditControl(r.Context(), people.From(r.Context()), string(control.ID), program.ControlEdit{
		Name: &form.Name, Description: &form.Description, Owner: &form.Owner, Requirements: &refs, Revision: form.Revision,
	})
	if mendable(err) {
		form.Problem = err.Error()
		return s.showControlForm(w, r, statusOf(err), control, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/controls/"+string(control.ID), http.StatusSeeOther)
	return nil
}

// mapControl lets a control serve a requirement, or takes it away; both lead back to the requirement.
func (s *server) mapControl(w http.ResponseWriter, r *http.Request) error {
	ref := evidence.RequirementRef{Framework: r.PostFormValue("framework"), ID: r.PostFormValue("requirement")}
	control := r.PathValue("id")
	if control == "" {
		control = r.PostFormValue("control")
	}
	add, remove := []evidence.RequirementRef{ref}, []evidence.RequirementRef(nil)
	if r.PostFormValue("take") == "away" {
		add, remove = remove, add
	}
	if _, err := s.cfg.Program.MapControl(r.Context(), people.From(r.Context()), control, add, remove); err != nil {
		return err
	}
	http.Redirect(w, r, view.RequirementHref(ref)+"#controls", http.StatusSeeOther)
	return nil
}

func (s *server) retireControl(w http.ResponseWriter, r *http.Request) error {
	reason := r.PostFormValue("reason")
	control, err := s.cfg.Program.RetireControl(r.Context(), people.From(r.Context()), r.PathValue("id"), reason)
	var told *evidence.Error
	if mendable(err) && errors.As(err, &told) {
		return s.showControl(w, r, statusOf(err), view.Control{Retire: reason, Problem: told.Message})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/controls/"+string(control.ID), http.StatusSeeOther)
	return nil
}
