package web

import (
	"context"
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
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// artifactsAPage is how many artifacts one page of the list shows.
const artifactsAPage = 50

// artifactFilter reads the filters of a list. Without a word about use, retired artifacts are left out.
func artifactFilter(v url.Values, c people.Caller) (f artifact.Filter, err error) {
	f = artifact.Filter{Text: v.Get("q"), Kind: evidence.ArtifactKind(v.Get("kind")), Source: v.Get("source"), Recipe: v.Get("recipe"), Control: v.Get("control"), Action: v.Get("action"),
		Result: evidence.Completeness(v.Get("result")), Review: v.Get("review"), Use: artifact.Use(v.Get("use")), Proposed: v.Get("attach") == "proposed", Caller: c}
	for name, into := range map[string]*time.Time{"from": &f.Touches.From, "to": &f.Touches.To} {
		if text := strings.TrimSpace(v.Get(name)); text != "" {
			if *into, err = parseTime(text); err != nil {
				return f, err
			}
		}
	}
	switch f.Use {
	case "":
		f.Use = artifact.InUse
	case "all":
		f.Use = ""
	}
	return f, f.Check()
}

func (s *server) artifacts(w http.ResponseWriter, r *http.Request) error {
	ctx, c, q := r.Context(), people.From(r.Context()), r.URL.Query()
	all, err := s.cfg.Artifacts.List(ctx, c.Workspace, artifact.Filter{})
	if err != nil {
		return err
	}
	v := view.Artifacts{Now: s.now(), All: len(all), Query: q.Get("q"), From: q.Get("from"), To: q.Get("to"), MayBuild: c.Has(people.BuildArtifacts), Figures: listFigures(all, c, q)}
	if v.Choices, err = s.listChoices(ctx, c, all, q); err != nil {
		return err
	}
	status := http.StatusOK
	f, err := artifactFilter(q, c)
	var found []artifact.View
	if err == nil {
		found, err = s.cfg.Artifacts.List(ctx, c.Workspace, f)
	}
	if code := evidence.ErrorCode(err); code == evidence.Invalid || code == evidence.NotFound {
		v.Problem, status, err = err.Error(), statusOf(err), nil
	}
	if err != nil {
		return err
	}
	for name := range q {
		v.Filtered = v.Filtered || name != "page" && q.Get(name) != ""
	}
	v.Found = len(found)
	page, _ := strconv.Atoi(q.Get("page")) // what is no number is the first
	page = max(1, min(page, (len(found)+artifactsAPage-1)/artifactsAPage))
	v.First = (page-1)*artifactsAPage + 1
	v.Rows = found[min(len(found), v.First-1):min(len(found), page*artifactsAPage)]
	if page > 1 {
		v.Newer = listHref(q, "page", strconv.Itoa(page-1))
	}
	if page*artifactsAPage < len(found) {
		v.Older = listHref(q, "page", strconv.Itoa(page+1))
	}
	p, err := s.framed(r, "Artifacts", "/artifacts")
	if err != nil {
		return err
	}
	return render(w, r, status, view.ArtifactsPage(p, v))
}

// listHref gives the address of the list with one filter set another way; what is empty is left out.
func listHref(q url.Values, name, value string) string {
	out := url.Values{}
	for k := range q {
		if q.Get(k) != "" && k != "page" {
			out.Set(k, q.Get(k))
		}
	}
	out.Del(name)
	if value != "" {
		out.Set(name, value)
	}
	if len(out) == 0 {
		return "/artifacts"
	}
	return "/artifacts?" + out.Encode()
}

// listFigures are the numbers above the list, each with the filter that shows what it counts.
func listFigures(all []artifact.View, c people.Caller, q url.Values) []view.Figure {
	var out []view.Figure
	add := func(tone ui.Tone, icon, name, filter string, always bool) {
		values, _ := url.ParseQuery(filter) // written here
		f, err := artifactFilter(values, c) // known words alone
		n := 0
		for _, v := range all {
			if err == nil && f.Holds(v) {
				n++
			}
		}
		here := q.Encode() == values.Encode()
		if n > 0 || always || here {
			out = append(out, view.Figure{Tone: tone, Icon: icon, Count: n, Name: name, Href: "/artifacts?" + filter, Here: here})
		}
	}
	add(ui.OK, "circle-check", "complete", "result=complete", true)
	add(ui.Unsure, "circle-help", "inconclusive", "result=inconclusive", true)
	add(ui.Idle, "upload", "handed in", "kind=uploaded", false)
	add(ui.OK, "badge-check", "approved", "review=approved", true)
	if c.Has(people.ReviewArtifacts) {
		add(ui.Info, "user", "wait for your review", "review="+artifact.ToReview, true)
	} else {
		add(ui.Idle, "user", "not reviewed", "review=not_reviewed", true)
	}
	add(ui.Warn, "hourglass", "reopened", "review=reopened", false)
	add(ui.Warn, "refresh-cw", "to be changed", "review="+artifact.ToChange, false)
	add(ui.Idle, "ban", "retired", "use=retired", false)
	return out
}

// listChoices are the filters that are chosen from a list, the most used first. What no artifact has is not offered.
func (s *server) listChoices(ctx context.Context, c people.Caller, all []artifact.View, q url.Values) ([]view.Choice, error) {
	connections, err := s.cfg.Store.Connections(ctx, c.Workspace)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	recipes, sources, keys := map[string]bool{}, map[string]bool{}, [2]map[string]bool{{}, {}}
	for _, v := range all {
		recipes[v.Artifact.Recipe] = true
		for _, src := range artifact.SourcesOf(v.Artifact.Latest) {
			sources[string(src.Connection)] = true
		}
		for i, list := range [][]string{v.ControlKeys, v.ActionKeys} {
			for _, k := range list {
				keys[i][k] = true
			}
		}
	}
	choice := func(name, label, none string, options ...view.Option) view.Choice {
		for i := range options {
			options[i].Here = options[i].Value == q.Get(name)
		}
		return view.Choice{Name: name, Label: label, Options: append([]view.Option{{Label: none, Here: q.Get(name) == ""}}, options...)}
	}
	var ofRecipes, ofSources []view.Option
	for _, r := range recipe.All() {
		if recipes[r.ID] || q.Get("recipe") == r.ID {
			ofRecipes = append(ofRecipes, view.Option{Value: r.ID, Label: r.Title})
		}
	}
	for _, x := range connections {
		if sources[string(x.ID)] || q.Get("source") == string(x.ID) {
			ofSources = append(ofSources, view.Option{Value: string(x.ID), Label: x.Name})
		}
	}
	reviews := []view.Option{{Value: artifact.ToReview, Label: "Waiting for my review"}, {Value: artifact.ToChange, Label: "To be changed"}}
	if !c.Has(people.ReviewArtifacts) {
		reviews = reviews[1:]
	}
	for _, st := range evidence.ReviewStatuses() {
		_, _, word := view.ReviewBadge(st)
		reviews = append(reviews, view.Option{Value: string(st), Label: word})
	}
	return []view.Choice{
		choice("recipe", "Recipe", "Any recipe", ofRecipes...),
		choice("result", "Coverage", "Any coverage", view.Option{Value: "complete", Label: "Complete"}, view.Option{Value: "inconclusive", Label: "Inconclusive"}),
		choice("review", "Review", "Any review", reviews...),
		choice("kind", "Kind", "Any", view.Option{Value: "derived", Label: "Built by a recipe"}, view.Option{Value: "uploaded", Label: "Uploaded"}),
		choice("source", "Source", "Any", ofSources...),
		choice("control", "Control", "Any", keyOptions(keys[0])...),
		choice("action", "Action", "Any", keyOptions(keys[1])...),
		choice("attach", "Attachment", "Any", view.Option{Value: "proposed", Label: "Proposed by a mapping"}),
		choice("use", "Use", "In use", view.Option{Value: "retired", Label: "Retired"}, view.Option{Value: "all", Label: "In use and retired"}),
	}, nil
}

func keyOptions(keys map[string]bool) []view.Option {
	var out []view.Option
	for k := range keys {
		out = append(out, view.Option{Value: k, Label: k})
	}
	slices.SortFunc(out, func(a, b view.Option) int { return strings.Compare(a.Value, b.Value) })
	return out
}
