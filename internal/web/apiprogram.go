package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

type apiFile struct {
	Format string `json:"format"`
	Media  string `json:"media"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Href   string `json:"href"`
}

type apiArtifact struct {
	ID         evidence.ID           `json:"id"`
	Version    int                   `json:"version"`
	Kind       evidence.ArtifactKind `json:"kind"`
	Recipe     string                `json:"recipe"`
	Title      string                `json:"title"`
	From       time.Time             `json:"from"`
	To         time.Time             `json:"to"`
	Result     evidence.Completeness `json:"result"`
	Population int64                 `json:"population"`
	Rows       int64                 `json:"rows"`
	Review     evidence.ReviewStatus `json:"review" enum:"not_reviewed,reopened,changes_requested,rejected,approved"`
	RetiredAt  *time.Time            `json:"retired_at,omitempty"`
	Effective  *time.Time            `json:"effective,omitempty" doc:"Of an upload: since when what it says holds"`
	Retired    string                `json:"retired,omitempty" doc:"Why it was retired"`
	BuiltAt    *time.Time            `json:"built_at"`
	BuiltBy    string                `json:"built_by"`
	Controls   []string              `json:"controls"`
	Actions    []string              `json:"actions"`
	Files      []apiFile             `json:"files"`
	Versions   []int                 `json:"versions,omitempty"`
	Provenance json.RawMessage       `json:"provenance,omitempty"`
}

func artifactJSON(all programme, a evidence.Artifact) apiArtifact {
	v := a.Latest
	out := apiArtifact{
		ID: a.ID, Version: v.Version, Kind: a.Kind, Recipe: a.Recipe, Title: a.Title, From: a.Period.From.UTC(), To: a.Period.To.UTC(), Result: v.Result,
		Population: v.Population, Rows: v.Rows, BuiltAt: moment(v.BuiltAt), BuiltBy: v.BuiltBy, Review: all.standings[a.ID].Status, RetiredAt: moment(a.RetiredAt), Retired: a.Retired, Controls: []string{}, Actions: []string{}, Files: []apiFile{},
	}
	for _, at := range all.attachments {
		if at.Artifact != a.ID || !at.DetachedAt.IsZero() {
			continue
		}
		if c, err := all.control(string(at.Target.Control)); err == nil {
			out.Controls = append(out.Controls, c.Key)
		}
		if x, err := all.action(string(at.Target.Action)); err == nil {
			out.Actions = append(out.Actions, x.Action.Key)
		}
	}
	if h, ok := artifact.HandedIn(v); ok {
		out.Effective = h.Effective
	}
	for _, f := range v.Files {
		out.Files = append(out.Files, apiFile{f.Format, f.Media, f.Size, f.SHA256, fmt.Sprintf("%s/artifacts/%s/versions/%d/%s", apiPrefix, a.ID, v.Version, f.Format)})
	}
	return out
}

type apiArtifacts struct {
	Artifacts []apiArtifact `json:"artifacts" doc:"The newest first"`
	Total     int           `json:"total" doc:"How many meet the filters"`
}

type artifactsInput struct {
	Q       string `query:"q" maxLength:"200" doc:"Words that are in title, recipe, id, file name, maker or keys of controls and actions"`
	Kind    string `query:"kind" doc:"derived or uploaded"`
	Source  string `query:"source" maxLength:"60" doc:"Id of a connection, or of its kind: onepassword"`
	Recipe  string `query:"recipe" maxLength:"60"`
	Control string `query:"control" maxLength:"60" doc:"Key or id"`
	Action  string `query:"action" maxLength:"60" doc:"Key or id"`
	Result  string `query:"result" doc:"complete or inconclusive"`
	Review  string `query:"review" doc:"not_reviewed, reopened, changes_requested, rejected, approved; to_review: what waits for the caller's review; to_change: what reviewers want changed"`
	From    string `query:"from" maxLength:"40" doc:"Whose period ends after this"`
	To      string `query:"to" maxLength:"40" doc:"Whose period begins before this"`
	Attach  string `query:"attach" enum:"proposed" doc:"proposed: what a mapping proposes to attach, and nobody has accepted or declined yet"`
	Use     string `query:"use" default:"all" doc:"in_use, retired or all"`
	Limit   int    `query:"limit" minimum:"0" maximum:"1000" doc:"At most so many; 0: all"`
	Offset  int    `query:"offset" minimum:"0" doc:"Leave out so many of the newest"`
}

func (in artifactsInput) values() url.Values {
	return url.Values{"q": {in.Q}, "kind": {in.Kind}, "source": {in.Source}, "recipe": {in.Recipe}, "control": {in.Control}, "action": {in.Action}, "result": {in.Result},
		"review": {in.Review}, "from": {in.From}, "to": {in.To}, "use": {in.Use}, "attach": {in.Attach}}
}

func (s *server) apiArtifacts(ctx context.Context, c people.Caller, in *artifactsInput) (apiArtifacts, error) {
	out := apiArtifacts{Artifacts: []apiArtifact{}}
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return out, err
	}
	f, err := artifactFilter(in.values(), c)
	if err != nil {
		return out, err
	}
	list, err := s.cfg.Artifacts.List(ctx, c.Workspace, f)
	if err != nil {
		return out, err
	}
	out.Total = len(list)
	list = list[min(in.Offset, len(list)):]
	if in.Limit > 0 {
		list = list[:min(in.Limit, len(list))]
	}
	for _, v := range list {
		out.Artifacts = append(out.Artifacts, artifactJSON(all, v.Artifact))
	}
	return out, nil
}

func (s *server) apiArtifact(ctx context.Context, c people.Caller, in *byID) (apiArtifact, error) {
	a, err := s.cfg.Store.Artifact(ctx, c.Workspace, evidence.ID(in.ID))
	if err != nil {
		return apiArtifact{}, err
	}
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return apiArtifact{}, err
	}
	versions, err := s.cfg.Store.ArtifactVersions(ctx, c.Workspace, a.ID)
	if err != nil {
		return apiArtifact{}, fmt.Errorf("listing the versions of %s: %w", a.ID, err)
	}
	out := artifactJSON(all, a)
	for _, v := range versions {
		out.Versions = append(out.Versions, v.Version)
	}
	slices.Sort(out.Versions)
	if json.Valid(a.Latest.Provenance) {
		out.Provenance = a.Latest.Provenance
	}
	return out, nil
}
