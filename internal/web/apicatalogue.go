package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/source"
)

// catalogueOperations are what can be connected and built.
func (s *server) catalogueOperations(api huma.API) {
	add(s, api, "/sources", "list-sources", "The catalogue of sources", people.ReadSources, s.apiSources)
	add(s, api, "/sources/{id}", "get-source", "One source, with how to set it up", people.ReadSources, s.apiSource)
	add(s, api, "/recipes", "list-recipes", "The recipes for artifacts", people.ReadArtifacts, s.apiRecipes)
}

type apiServer struct {
	Name string `json:"name" example:"1Password EU"`
	URL  string `json:"url" example:"https://events.1password.eu"`
}

type apiSourceStream struct {
	Stream evidence.Stream `json:"stream" example:"signinattempts"`
	Title  string          `json:"title" example:"Sign-in attempts"`
	Shows  string          `json:"shows" doc:"What evidence is lost without it"`
}

type apiStep struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type apiSource struct {
	ID            string            `json:"id" example:"onepassword"`
	Name          string            `json:"name" example:"1Password"`
	Category      string            `json:"category" example:"Security"`
	Summary       string            `json:"summary"`
	Auth          string            `json:"auth" example:"Bearer token"`
	Plan          string            `json:"plan"`
	RetentionDays int               `json:"retention_days" doc:"How long the source keeps events; 0: for ever" example:"120"`
	Servers       []apiServer       `json:"servers"`
	Streams       []apiSourceStream `json:"streams"`
	Setup         []apiStep         `json:"setup,omitempty"`
	Limits        []string          `json:"limits,omitempty" doc:"What this source cannot show"`
}

func sourceJSON(k source.Kind) apiSource {
	out := apiSource{ID: k.ID, Name: k.Name, Category: k.Category, Summary: k.Summary, Auth: k.Auth, Plan: k.Plan, RetentionDays: int(k.Retention / day), Servers: []apiServer{}, Streams: []apiSourceStream{}}
	for _, sv := range k.Servers {
		out.Servers = append(out.Servers, apiServer(sv))
	}
	for _, st := range k.Streams {
		out.Streams = append(out.Streams, apiSourceStream{st.Stream, st.Title, st.Shows})
	}
	return out
}

type apiSources struct {
	Sources []apiSource `json:"sources"`
}

func (s *server) apiSources(_ context.Context, _ people.Caller, _ *nothing) (apiSources, error) {
	out := apiSources{Sources: []apiSource{}}
	for _, k := range s.cfg.Kinds {
		out.Sources = append(out.Sources, sourceJSON(k))
	}
	return out, nil
}

func (s *server) apiSource(_ context.Context, _ people.Caller, in *byID) (apiSource, error) {
	k, err := s.kind(in.ID)
	if err != nil {
		return apiSource{}, err
	}
	out := sourceJSON(k)
	for _, step := range k.Setup {
		out.Setup = append(out.Setup, apiStep(step))
	}
	out.Limits = all(k.Limits)
	return out, nil
}

type apiParameter struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Unit    string `json:"unit"`
	Default int    `json:"default"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
}

type apiRecipe struct {
	ID         string            `json:"id" example:"failed-sign-ins"`
	Version    int               `json:"version"`
	Title      string            `json:"title"`
	Shows      string            `json:"shows"`
	NotShown   []string          `json:"not_shown"`
	Streams    []evidence.Stream `json:"streams"`
	Parameters []apiParameter    `json:"parameters"`
}

type apiRecipes struct {
	Recipes []apiRecipe `json:"recipes"`
}

func (s *server) apiRecipes(_ context.Context, _ people.Caller, _ *nothing) (apiRecipes, error) {
	out := apiRecipes{Recipes: []apiRecipe{}}
	for _, r := range recipe.All() {
		row := apiRecipe{ID: r.ID, Version: r.Version, Title: r.Title, Shows: r.Shows, NotShown: all(r.NotShown), Streams: all(r.Streams), Parameters: []apiParameter{}}
		for _, p := range r.Parameters {
			row.Parameters = append(row.Parameters, apiParameter{p.Name, p.Title, string(p.Unit), p.Default, p.Min, p.Max})
		}
		out.Recipes = append(out.Recipes, row)
	}
	return out, nil
}
