package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// servedWords are the lists that the requirements of a framework can be cut to.
func servedWords() []string { return []string{"", "served", "unserved"} }

func checkServed(show string) error {
	if !slices.Contains(servedWords(), show) {
		return evidence.Errorf(evidence.Invalid, "There is no list %.40q of requirements. Show all, served or unserved.", show)
	}
	return nil
}

// inList says to which of the lists of servedWords a requirement belongs.
func inList(withdrawn bool, controls int) []bool {
	return []bool{true, controls > 0, controls == 0 && !withdrawn}
}

func (s *server) framework(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	f, err := s.cfg.Program.Framework(ctx, c.Workspace, r.PathValue("id"))
	if err != nil {
		return err
	}
	controls, err := s.cfg.Program.Controls(ctx, c.Workspace)
	if err != nil {
		return err
	}
	v := view.Framework{Framework: f, Query: strings.TrimSpace(r.URL.Query().Get("q")), Show: r.URL.Query().Get("show"), MayManage: c.Has(people.ManageControls)}
	if err := checkServed(v.Show); err != nil {
		return err
	}
	if v.History, err = s.cfg.Program.FrameworkHistory(ctx, c.Workspace, f.ID); err != nil {
		return err
	}
	v.Tabs = []view.Tab{{Name: "All"}, {Name: "With a control"}, {Name: "Without"}}
	serving := servingControls(controls)
	for _, q := range f.Requirements {
		ref := evidence.RequirementRef{Framework: f.ID, ID: q.ID}
		if matches(q, v.Query) {
			fileRequirement(&v, view.RequirementRow{Requirement: q, Controls: serving[ref], Recipes: len(speaking(ref))})
		}
	}
	for i, word := range servedWords() {
		q := url.Values{}
		if word != "" {
			q.Set("show", word)
		}
		if v.Query != "" {
			q.Set("q", v.Query)
		}
		v.Tabs[i].Here, v.Tabs[i].Href = word == v.Show, strings.TrimSuffix("/frameworks/"+f.ID+"?"+q.Encode(), "?")
	}
	changes, err := s.cfg.Program.Wording(r.Context(), people.From(r.Context()).Workspace, f.ID)
	if err != nil {
		return err
	}
	v.Changes = len(changes)
	p, err := s.framed(r, f.Name, "/frameworks", ui.Crumb{Name: f.Name})
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.FrameworkPage(p, v))
}

// fileRequirement counts a requirement in the lists that it belongs to, and puts it under its heading if its list is shown.
func fileRequirement(v *view.Framework, row view.RequirementRow) {
	for i, is := range inList(row.Withdrawn, len(row.Controls)) {
		if !is {
			continue
		}
		v.Tabs[i].Count++
		if servedWords()[i] != v.Show {
			continue
		}
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Title != row.Group {
			v.Groups = append(v.Groups, view.RequirementGroup{Title: row.Group})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Rows = append(g.Rows, row)
	}
}

// matches reports whether a requirement holds every word of a search.
func matches(q framework.Requirement, search string) bool {
	all := strings.ToLower(q.ID + " " + q.Title + " " + q.Group + " " + q.Text)
	for _, word := range strings.Fields(strings.ToLower(search)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

// speaking gives the recipes whose mapping names a requirement, the strongest first.
func speaking(ref evidence.RequirementRef) []view.SpeakingRecipe {
	var out []view.SpeakingRecipe
	for _, strength := range []evidence.Strength{evidence.Strong, evidence.Partial, evidence.Context} {
		for _, rc := range recipe.All() {
			for _, m := range rc.Mappings {
				if m.Strength == strength && m.Framework == ref.Framework && m.Requirement == ref.ID {
					out = append(out, view.SpeakingRecipe{ID: rc.ID, Title: rc.Title, Shows: rc.Shows, Mapping: m})
				}
			}
		}
	}
	return out
}

func (s *server) requirement(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	f, err := s.cfg.Program.Framework(ctx, c.Workspace, r.PathValue("id"))
	if err != nil {
		return err
	}
	q, err := f.Requirement(r.PathValue("requirement"))
	if err != nil {
		return err
	}
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return err
	}
	ref := evidence.RequirementRef{Framework: f.ID, ID: q.ID}
	v := view.RequirementDetail{Now: s.now(), Framework: f, Requirement: q, MayManage: c.Has(people.ManageControls), Recipes: speaking(ref)}
	for _, other := range f.Requirements {
		if other.Parent == q.ID {
			v.Parts = append(v.Parts, other)
		}
	}
	for _, cv := range all.controls {
		switch {
		case !cv.Control.RetiredAt.IsZero():
		case slices.Contains(cv.Control.Requirements, ref):
			v.Controls = append(v.Controls, cv.Control)
		default:
			v.Free = append(v.Free, cv.Control)
		}
	}
	if c.Has(people.BuildArtifacts) {
		for i := range v.Recipes {
			v.Recipes[i].BuildHref = "/artifacts/build?" + url.Values{"recipe": {v.Recipes[i].ID}}.Encode()
		}
	}
	if err := s.evidenceOfMonth(r, &v, all); err != nil {
		return err
	}
	p, err := s.framed(r, q.ID+" "+q.Title, "/frameworks", ui.Crumb{Name: f.Name, Path: "/frameworks/" + f.ID}, ui.Crumb{Name: q.ID})
	if err != nil {
		return err
	}
	return render(w, r, http.StatusOK, view.RequirementPage(p, v))
}

// evidenceOfMonth adds the evidence of a requirement: all of it, or what the matrix counts for a month.
func (s *server) evidenceOfMonth(r *http.Request, v *view.RequirementDetail, all programme) error {
	var err error
	if v.Month, err = monthOf(r.URL.Query().Get("month")); err != nil {
		return err
	}
	v.Artifacts = all.evidenceOf(v.Controls, evidence.Span{})
	if v.Month.Empty() {
		return nil
	}
	m, err := s.cfg.Program.Matrix(r.Context(), people.From(r.Context()).Workspace, program.MatrixRequest{Framework: v.Framework.ID, Period: v.Month})
	if err != nil {
		return err
	}
	for _, row := range m.Rows {
		if row.ID == v.ID {
			v.Cell = row.Cells[0]
		}
	}
	v.Artifacts = slices.DeleteFunc(v.Artifacts, func(a view.ArtifactRow) bool { return !slices.Contains(v.Cell.Artifacts, a.Artifact.ID) })
	return nil
}
