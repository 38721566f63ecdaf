package web

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
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
	Artifacts []apiArtifact `json:"artifacts"`
}

func (s *server) apiArtifacts(ctx context.Context, c people.Caller, _ *nothing) (apiArtifacts, error) {
	out := apiArtifacts{Artifacts: []apiArtifact{}}
	all, err := s.programme(ctx, c.Workspace)
	if err != nil {
		return out, err
	}
	list, err := s.cfg.Store.Artifacts(ctx, c.Workspace, store.ArtifactFilter{})
	if err != nil {
		return out, fmt.Errorf("listing artifacts: %w", err)
	}
	for _, a := range list {
		out.Artifacts = append(out.Artifacts, artifactJSON(all, a))
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
