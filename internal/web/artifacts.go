package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) askBuild(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	return s.showBuild(w, r, http.StatusOK, view.BuildForm{Recipe: v.Get("recipe"), From: v.Get("from"), To: v.Get("to"), Values: map[string]string{}})
}

// showBuild shows the form that builds an artifact as it was filled in.
func (s *server) showBuild(w http.ResponseWriter, r *http.Request, status int, form view.BuildForm) error {
	form.Quick = quickPeriods(s.now(), form.Recipe)
	p, err := s.framed(r, "Build an artifact", "/artifacts", ui.Crumb{Name: "Build"})
	if err != nil {
		return err
	}
	return render(w, r, status, view.BuildPage(p, recipe.All(), form))
}

// quickPeriods are the periods that audits ask for most.
func quickPeriods(now time.Time, recipeID string) []view.QuickPeriod {
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	quarter := time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	today := now.Truncate(day)
	var out []view.QuickPeriod
	for _, q := range []struct {
		name     string
		from, to time.Time
	}{
		{"Last month", month.AddDate(0, -1, 0), month},
		{"Last quarter", quarter.AddDate(0, -3, 0), quarter},
		{"This month so far", month, today},
		{"Last 90 days", today.AddDate(0, 0, -90), today},
	} {
		if q.to.After(q.from) {
			v := url.Values{"from": {q.from.Format("2006-01-02")}, "to": {q.to.Format("2006-01-02")}}
			if recipeID != "" {
				v.Set("recipe", recipeID)
			}
			out = append(out, view.QuickPeriod{Name: q.name, Href: "/artifacts/build?" + v.Encode()})
		}
	}
	return out
}

// buildArtifact builds and leads to the artifact; what cannot be built is said above the form as it was filled in.
func (s *server) buildArtifact(w http.ResponseWriter, r *http.Request) error {
	form := view.BuildForm{Recipe: r.PostFormValue("recipe"), From: r.PostFormValue("from"), To: r.PostFormValue("to"), Values: map[string]string{}}
	params := parameters(r.PostForm, form.Recipe, form.Values)
	built, err := s.build(r, form, params)
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.NotFound || code == evidence.Conflict:
		form.Problem = err.Error()
		return s.showBuild(w, r, statusOf(err), form)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/artifacts/"+string(built.Artifact.ID), http.StatusSeeOther)
	return nil
}

// parameters gives what was typed for a recipe's parameters, and keeps in typed what was typed for any recipe's.
func parameters(form url.Values, of string, typed map[string]string) map[string]string {
	params := map[string]string{}
	for name, values := range form {
		id, param, ok := strings.Cut(name, ".")
		if ok && len(values) > 0 && strings.TrimSpace(values[0]) != "" {
			typed[name] = values[0]
			if id == of {
				params[param] = strings.TrimSpace(values[0])
			}
		}
	}
	return params
}

func (s *server) build(r *http.Request, form view.BuildForm, params map[string]string) (artifact.View, error) {
	from, err := parseTime(form.From)
	if err != nil {
		return artifact.View{}, err
	}
	to, err := parseTime(form.To)
	if err != nil {
		return artifact.View{}, err
	}
	c := people.From(r.Context())
	done, err := s.builds.begin(c.Member)
	if err != nil {
		return artifact.View{}, err
	}
	defer done()
	return s.cfg.Artifacts.Build(r.Context(), c.Who(), c.Workspace, artifact.BuildRequest{Recipe: form.Recipe, Span: evidence.Span{From: from, To: to}, Params: params})
}

func (s *server) artifact(w http.ResponseWriter, r *http.Request) error {
	return s.showArtifact(w, r, http.StatusOK, view.Artifact{})
}

// showArtifact shows an artifact version; v holds the attach form as it was filled in, and why it was refused.
func (s *server) showArtifact(w http.ResponseWriter, r *http.Request, status int, v view.Artifact) error {
	ctx, c := r.Context(), people.From(r.Context())
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	v.Now, v.Artifact = s.now(), a
	if v.Versions, err = s.cfg.Store.ArtifactVersions(ctx, c.Workspace, a.ID); err != nil {
		return fmt.Errorf("listing the versions of %s: %w", a.ID, err)
	}
	slices.SortFunc(v.Versions, func(x, y evidence.ArtifactVersion) int { return y.Version - x.Version })
	if v.Version, err = wantedVersion(a, v.Versions, r.URL.Query().Get("version")); err != nil {
		return err
	}
	s.explain(&v)
	if v.Proof, err = s.proofOf(ctx, c.Workspace, v.Version); err != nil {
		return err
	}
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return err
	}
	v.Attached, v.Targets = targets(all, a)
	if err := s.reviewing(ctx, c, &v); err != nil {
		return err
	}
	if v.Proposals, err = s.proposed(ctx, c, a.ID); err != nil {
		return err
	}
	v.MayAttach = c.Has(people.AttachArtifacts) && a.RetiredAt.IsZero()
	if c.Has(people.BuildArtifacts) && a.Recipe != "" {
		v.BuildHref = "/artifacts/build?" + url.Values{"recipe": {a.Recipe}, "from": {machine(a.Period.From)}, "to": {machine(a.Period.To)}}.Encode()
	}
	if c.Has(people.BuildArtifacts) && a.Kind == evidence.Uploaded {
		v.UploadHref = "/artifacts/upload?" + url.Values{"artifact": {string(a.ID)}}.Encode()
	}
	if a.Recipe == recipe.SelectedEvents && v.BuildHref != "" && v.HasProof {
		v.BuildHref = "/events/artifact?" + eventsOf(v.Provenance).Encode()
	}
	if c.Has(people.ReadEvents) && v.HasProof {
		v.EventsHref = "/events?" + eventsOf(v.Provenance).Encode()
		countHrefs(&v)
	}
	p, err := s.framed(r, a.Title, "/artifacts", ui.Crumb{Name: a.Title})
	if err != nil {
		return err
	}
	return render(w, r, status, view.ArtifactPage(p, v))
}

// countHrefs lets counts lead to exactly what they count.
func countHrefs(v *view.Artifact) {
	for step, href := range map[string]*string{stepPages: &v.PagesHref, stepRecords: &v.RecordsHref, stepDuplicates: &v.DuplicatesHref} {
		*href = "/pages?" + stepParams(v.Version, step).Encode()
	}
	v.PopulationHref = "/events?" + stepParams(v.Version, stepPopulation).Encode()
	v.MatchedHref = "/events?" + stepParams(v.Version, stepMatched).Encode()
}

func machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// eventsOf gives the search that shows what a recipe selected.
func eventsOf(p recipe.Provenance) url.Values {
	v := url.Values{"from": {machine(p.Period.From)}, "to": {machine(p.Period.To)}}
	if len(p.Query.Streams) == 1 {
		v.Set("stream", string(p.Query.Streams[0]))
	}
	if len(p.Query.Where) > 0 {
		var where []evidence.Match
		for _, m := range p.Query.Where {
			where = append(where, evidence.Match(m))
		}
		v.Set("q", evidence.FormatWhere(where))
	}
	for _, param := range p.Parameters {
		if p.Recipe.ID == recipe.SelectedEvents && param.Name == recipe.ParamConnection && param.Text != "" {
			v.Set("connection", param.Text)
		}
	}
	return v
}

func wantedVersion(a evidence.Artifact, versions []evidence.ArtifactVersion, text string) (evidence.ArtifactVersion, error) {
	if text == "" {
		return a.Latest, nil
	}
	for _, v := range versions {
		if strconv.Itoa(v.Version) == text {
			return v, nil
		}
	}
	return evidence.ArtifactVersion{}, evidence.Errorf(evidence.NotFound, "This artifact has no version %.20q.", text)
}

// explain fills in what the provenance tells. One that cannot be read is left out; the files still stand.
func (s *server) explain(v *view.Artifact) {
	v.Streams = map[evidence.Stream]string{}
	for _, st := range s.allStreams() {
		v.Streams[st] = s.streamTitle(st)
	}
	if err := json.Unmarshal(v.Version.Provenance, &v.Provenance); err != nil || v.Provenance.Recipe.ID == "" {
		return
	}
	v.HasProof = true
	v.Raw = indent(v.Version.Provenance)
	v.Timeline = chart.Timeline{Span: v.Artifact.Period, Now: s.now(), Narrow: true}
	for _, c := range v.Provenance.Coverage {
		row := chart.Row{Name: s.streamTitle(c.Stream), Sub: c.Name}
		for _, w := range c.Windows {
			row.Coverage.Windows = append(row.Coverage.Windows, evidence.Window{Span: evidence.Span(w)})
		}
		for _, g := range c.Gaps {
			row.Coverage.Gaps = append(row.Coverage.Gaps, evidence.Gap{Span: evidence.Span{From: g.From, To: g.To}, Cause: g.Cause, Reason: g.Reason, HealUntil: g.HealUntil})
		}
		v.Timeline.Rows = append(v.Timeline.Rows, row)
	}
}

func indent(raw []byte) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// targets gives what an artifact is attached to and what it can still be attached to; what fits stands first.
func targets(all programme, a evidence.Artifact) (attached, free []view.Target) {
	supports := map[evidence.RequirementRef]bool{}
	if r, err := recipe.ByID(a.Recipe); err == nil {
		for _, m := range r.Mappings {
			supports[evidence.RequirementRef{Framework: m.Framework, ID: m.Requirement}] = true
		}
	}
	add := func(t view.Target, to evidence.Target) {
		for _, at := range all.attachments {
			if at.Artifact == a.ID && at.Target == to && at.DetachedAt.IsZero() {
				t.Attachment = at
				attached = append(attached, t)
				return
			}
		}
		free = append(free, t)
	}
	for _, cv := range all.controls {
		c := cv.Control
		if !c.RetiredAt.IsZero() {
			continue
		}
		fits := slices.ContainsFunc(c.Requirements, func(r evidence.RequirementRef) bool { return supports[r] })
		add(view.Target{Value: "control:" + string(c.ID), Name: c.Key + " " + c.Name, Kind: "Control", Href: "/controls/" + string(c.ID), Fits: fits}, evidence.Target{Control: c.ID})
	}
	for _, av := range all.actions {
		x := av.Action
		if av.Idle {
			continue
		}
		add(view.Target{Value: "action:" + string(x.ID), Name: x.Key + " " + x.Title, Kind: "Action", Href: "/actions/" + string(x.ID), Fits: x.Recipe == a.Recipe}, evidence.Target{Action: x.ID})
	}
	slices.SortStableFunc(free, func(x, y view.Target) int {
		if x.Fits == y.Fits {
			return 0
		}
		return map[bool]int{true: -1, false: 1}[x.Fits]
	})
	return attached, free
}

func (s *server) attach(w http.ResponseWriter, r *http.Request) error {
	v := view.Artifact{Chosen: r.PostFormValue("target"), Strength: r.PostFormValue("strength"), Reason: strings.TrimSpace(r.PostFormValue("reason")), Caveat: strings.TrimSpace(r.PostFormValue("caveat"))}
	at := artifact.AttachRequest{
		Artifact: evidence.ID(r.PathValue("id")), Strength: evidence.Strength(v.Strength), Reason: v.Reason, Caveat: v.Caveat,
	}
	kind, id, _ := strings.Cut(v.Chosen, ":")
	var err error
	switch kind {
	case "control":
		at.Control = id
	case "action":
		at.Action = id
	default:
		err = evidence.Errorf(evidence.Invalid, "Choose a control or an action to attach to.")
	}
	if err == nil {
		c := people.From(r.Context())
		_, err = s.cfg.Artifacts.Attach(r.Context(), c.Who(), c.Workspace, at)
	}
	return s.afterAttach(w, r, v, err)
}

func (s *server) detach(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	err := s.cfg.Artifacts.Detach(r.Context(), c.Who(), c.Workspace, artifact.DetachRequest{
		Attachment: evidence.ID(r.PostFormValue("attachment")), Artifact: evidence.ID(r.PathValue("id")), Reason: strings.TrimSpace(r.PostFormValue("reason")),
	})
	return s.afterAttach(w, r, view.Artifact{}, err)
}

// afterAttach leads back to the artifact, or shows it with what was typed and why it was refused.
func (s *server) afterAttach(w http.ResponseWriter, r *http.Request, v view.Artifact, err error) error {
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid || code == evidence.Conflict:
		v.Problem = err.Error()
		return s.showArtifact(w, r, statusOf(err), v)
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/artifacts/"+url.PathEscape(r.PathValue("id"))+"#attached", http.StatusSeeOther)
	return nil
}

// download gives a file as it is, to be saved and never to be shown: even HTML comes as dead paper.
func (s *server) download(w http.ResponseWriter, r *http.Request) error {
	ctx, c := r.Context(), people.From(r.Context())
	version, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || version < 1 {
		return evidence.Errorf(evidence.NotFound, "%.20q is no version of an artifact.", r.PathValue("version"))
	}
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	body, file, err := s.cfg.Artifacts.File(ctx, c.Who(), c.Workspace, a.ID, version, r.PathValue("format"))
	if err != nil {
		return err
	}
	return s.sendFile(w, r, a, version, file, body)
}

// fileName is made of what Exhibit itself made, so it needs no quoting.
func fileName(a evidence.Artifact, version int, format string) string {
	name := a.Recipe
	if name == "" {
		name = string(a.ID)
	}
	return fmt.Sprintf("%s_%s_%s_v%d.%s", name, a.Period.From.UTC().Format("20060102"), a.Period.To.UTC().Format("20060102"), version, format)
}
