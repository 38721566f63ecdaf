package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// Room is an audit with what belongs to it: its controls, their actions, and of their evidence what touches its period.
type Room struct {
	Audit    store.Audit
	Parts    []Part // by the key of the control
	Requests []store.AuditRequest
	Samples  []store.Sample
	Bundles  []store.Bundle
}

// Part is one control of a room.
type Part struct {
	Control  evidence.Control
	Actions  []evidence.Action
	Evidence []Evidence // newest period first
}

// Artifacts gives the artifacts of a part, each once.
func (p Part) Artifacts() []evidence.Artifact {
	var out []evidence.Artifact
	for _, e := range p.Evidence {
		if !slices.ContainsFunc(out, func(a evidence.Artifact) bool { return a.ID == e.Artifact.ID }) {
			out = append(out, e.Artifact)
		}
	}
	return out
}

// Artifacts gives the artifacts of a room, those of one part behind those of another; one may be in several.
func (r Room) Artifacts() []evidence.Artifact {
	var out []evidence.Artifact
	for _, p := range r.Parts {
		out = append(out, p.Artifacts()...)
	}
	return out
}

// Evidence is an artifact and why it is evidence for the control: attached to it or to one of its actions.
type Evidence struct {
	Artifact   evidence.Artifact
	Attachment evidence.Attachment
}

// Part gives the part of a control by its ID or key; NotFound if the audit is not about it.
func (r Room) Part(idOrKey string) (Part, error) {
	for _, p := range r.Parts {
		if string(p.Control.ID) == idOrKey || p.Control.Key == idOrKey {
			return p, nil
		}
	}
	return Part{}, evidence.Errorf(evidence.NotFound, "The audit has no control %.80s.", idOrKey)
}

// Holds gives the artifact of a room with that ID; NotFound if it is not evidence for one of its controls in its period.
func (r Room) Holds(id evidence.ID) (evidence.Artifact, error) {
	for _, p := range r.Parts {
		for _, e := range p.Evidence {
			if e.Artifact.ID == id {
				return e.Artifact, nil
			}
		}
	}
	return evidence.Artifact{}, evidence.Errorf(evidence.NotFound, "The audit has no artifact %.80s.", id)
}

// Room opens the room of an audit. page names for the trail which of its pages is looked at.
func (s *Service) Room(ctx context.Context, c people.Caller, idOrName, page string) (Room, error) {
	a, err := s.enter(ctx, c, people.ReadAudits, idOrName)
	if err != nil {
		return Room{}, err
	}
	r, err := s.room(ctx, a)
	if err != nil {
		return Room{}, err
	}
	return r, s.opened(ctx, c, a.ID, page)
}

func (s *Service) room(ctx context.Context, a store.Audit) (Room, error) {
	r := Room{Audit: a}
	var err error
	if r.Parts, err = s.parts(ctx, a); err != nil {
		return r, err
	}
	if r.Requests, err = s.cfg.Store.Requests(ctx, a.Workspace, a.ID); err != nil {
		return r, err
	}
	if r.Samples, err = s.cfg.Store.Samples(ctx, a.Workspace, a.ID); err != nil {
		return r, err
	}
	r.Bundles, err = s.cfg.Store.Bundles(ctx, a.Workspace, a.ID)
	return r, err
}

// parts gives the controls of an audit with their actions and evidence. What is outside of its period is left out, and so is what
// was retired.
func (s *Service) parts(ctx context.Context, a store.Audit) ([]Part, error) {
	controls, err := s.cfg.Store.Controls(ctx, a.Workspace)
	if err != nil {
		return nil, err
	}
	actions, err := s.cfg.Store.Actions(ctx, a.Workspace)
	if err != nil {
		return nil, err
	}
	attachments, err := s.cfg.Store.Attachments(ctx, a.Workspace, store.AttachmentFilter{})
	if err != nil {
		return nil, err
	}
	artifacts, err := s.cfg.Store.Artifacts(ctx, a.Workspace, store.ArtifactFilter{})
	if err != nil {
		return nil, err
	}
	byID := map[evidence.ID]evidence.Artifact{}
	for _, x := range artifacts {
		if x.RetiredAt.IsZero() && !x.Period.Intersect(a.Period).Empty() {
			byID[x.ID] = x
		}
	}
	var all []Part
	for _, c := range controls {
		if !a.Holds(c) {
			continue
		}
		p := Part{Control: c}
		at := map[evidence.Target]bool{{Control: c.ID}: true}
		for _, x := range actions {
			if x.Control == c.ID {
				p.Actions, at[evidence.Target{Action: x.ID}] = append(p.Actions, x), true
			}
		}
		for _, x := range attachments {
			if artifact, ok := byID[x.Artifact]; ok && at[x.Target] && x.DetachedAt.IsZero() {
				p.Evidence = append(p.Evidence, Evidence{artifact, x})
			}
		}
		slices.SortStableFunc(p.Evidence, func(x, y Evidence) int { return y.Artifact.Period.To.Compare(x.Artifact.Period.To) })
		all = append(all, p)
	}
	return all, nil
}

// Artifact opens an artifact of a room, with all of its versions, newest first, and the controls for which it is evidence.
func (s *Service) Artifact(ctx context.Context, c people.Caller, idOrName string, id evidence.ID) (Room, evidence.Artifact, []evidence.ArtifactVersion, error) {
	r, a, err := s.artifact(ctx, c, people.ReadAudits, idOrName, id)
	if err != nil {
		return r, a, nil, err
	}
	versions, err := s.cfg.Store.ArtifactVersions(ctx, c.Workspace, id)
	if err != nil {
		return r, a, nil, err
	}
	return r, a, versions, s.opened(ctx, c, r.Audit.ID, fmt.Sprintf("artifact %s, %s", id, a.Title))
}

// artifact finds an artifact in a room.
func (s *Service) artifact(ctx context.Context, c people.Caller, p people.Permission, idOrName string, id evidence.ID) (Room, evidence.Artifact, error) {
	a, err := s.enter(ctx, c, p, idOrName)
	if err != nil {
		return Room{}, evidence.Artifact{}, err
	}
	r := Room{Audit: a}
	if r.Parts, err = s.parts(ctx, a); err != nil {
		return r, evidence.Artifact{}, err
	}
	found, err := r.Holds(id)
	return r, found, err
}

// File gives one file of an artifact of a room. That it is given is noted; without the note there is no file. The reader must be
// closed.
func (s *Service) File(ctx context.Context, c people.Caller, idOrName string, id evidence.ID, version int, format string) (evidence.Artifact, io.ReadCloser, evidence.File, error) {
	r, a, err := s.artifact(ctx, c, people.ReadAudits, idOrName, id)
	if err != nil {
		return a, nil, evidence.File{}, err
	}
	versions, err := s.cfg.Store.ArtifactVersions(ctx, c.Workspace, id)
	if err != nil {
		return a, nil, evidence.File{}, err
	}
	for _, v := range versions {
		for _, f := range v.Files {
			if v.Version != version || f.Format != format {
				continue
			}
			if !v.ErasedAt.IsZero() {
				return a, nil, f, evidence.Errorf(evidence.NotFound, "The content of version %d was erased on %s with the data of a person. Its leaf in the log and what people concluded about it stay.", v.Version, v.ErasedAt.UTC().Format("2 Jan 2006"))
			}
			if err := s.note(ctx, c, "room.file", r.Audit.ID, fmt.Sprintf("%s of version %d of artifact %s, SHA-256 %s", format, version, id, f.SHA256)); err != nil {
				return a, nil, f, err
			}
			body, err := s.cfg.Objects.Open(ctx, object.Ref{SHA256: f.SHA256, Size: f.Size})
			return a, body, f, err
		}
	}
	return a, nil, evidence.File{}, evidence.Errorf(evidence.NotFound, "Artifact %s has no file %.40q in a version %d.", id, format, version)
}

// Counted is the events that an artifact counts, as far as they lie in the period of the audit.
type Counted struct {
	Audit    store.Audit
	Artifact evidence.Artifact
	Query    evidence.Query
	Events   []evidence.Event
	Next     *store.Keyset // nil: that is all
}

// eventsAtOnce is how many events a page of a room shows.
const eventsAtOnce = 100

// Events gives a page of the events that an artifact counts, oldest first.
func (s *Service) Events(ctx context.Context, c people.Caller, idOrName string, id evidence.ID, after *store.Keyset) (Counted, error) {
	out, err := s.counted(ctx, c, idOrName, id)
	if err != nil {
		return out, err
	}
	page, err := s.cfg.Store.Events(ctx, store.EventsRequest{Query: out.Query, After: after, Limit: eventsAtOnce})
	if err != nil {
		return out, err
	}
	out.Events, out.Next = page.Events, page.Next
	return out, s.opened(ctx, c, out.Audit.ID, fmt.Sprintf("%d events of artifact %s", len(out.Events), id))
}

// Event gives one event that an artifact counts, with its bytes.
func (s *Service) Event(ctx context.Context, c people.Caller, idOrName string, id evidence.ID, uuid string) (Counted, error) {
	out, err := s.counted(ctx, c, idOrName, id)
	if err != nil {
		return out, err
	}
	e, err := s.byUUID(ctx, out.Query, uuid)
	if err != nil {
		return out, err
	}
	out.Events = []evidence.Event{e}
	return out, s.opened(ctx, c, out.Audit.ID, fmt.Sprintf("event %s of artifact %s", uuid, id))
}

// SampleEvent gives one member of a sample with its bytes.
func (s *Service) SampleEvent(ctx context.Context, c people.Caller, idOrName string, id evidence.ID, rank int) (store.Audit, Drawn, evidence.Event, error) {
	a, err := s.enter(ctx, c, people.ReadSamples, idOrName)
	if err != nil {
		return a, Drawn{}, evidence.Event{}, err
	}
	d, err := s.again(ctx, a, id)
	if err != nil {
		return a, d, evidence.Event{}, err
	}
	p, err := s.population(a, d.Population)
	if err != nil {
		return a, d, evidence.Event{}, err
	}
	for _, m := range d.Members {
		if m.Rank != rank {
			continue
		}
		e, err := s.byUUID(ctx, p, m.Facts.UUID)
		if err != nil {
			return a, d, e, err
		}
		return a, d, e, s.opened(ctx, c, a.ID, fmt.Sprintf("event %s, member %d of sample %s", m.Facts.UUID, rank, id))
	}
	return a, d, evidence.Event{}, evidence.Errorf(evidence.NotFound, "The sample has no member of rank %d.", rank)
}

// counted gives the query that selected what an artifact counts, cut to the period of the audit.
func (s *Service) counted(ctx context.Context, c people.Caller, idOrName string, id evidence.ID) (Counted, error) {
	r, a, err := s.artifact(ctx, c, people.ReadSamples, idOrName, id)
	out := Counted{Audit: r.Audit, Artifact: a}
	if err != nil {
		return out, err
	}
	var p recipe.Provenance
	if a.Kind != evidence.Derived || json.Unmarshal(a.Latest.Provenance, &p) != nil || len(p.Query.Streams) == 0 {
		return out, evidence.Errorf(evidence.NotFound, "This artifact counts no events.")
	}
	out.Query = evidence.Query{Workspace: c.Workspace, Connections: p.Query.Connections, Streams: p.Query.Streams, Span: a.Period.Intersect(r.Audit.Period)}
	for _, m := range p.Query.Where {
		out.Query.Where = append(out.Query.Where, evidence.Match(m))
	}
	return out, nil
}

func (s *Service) byUUID(ctx context.Context, q evidence.Query, uuid string) (evidence.Event, error) {
	q.Where = append(slices.Clone(q.Where), evidence.Match{Key: evidence.KeyUUID, Values: []string{uuid}})
	page, err := s.cfg.Store.Events(ctx, store.EventsRequest{Query: q, Limit: 1, WithRaw: true})
	if err != nil {
		return evidence.Event{}, err
	}
	if len(page.Events) == 0 {
		return evidence.Event{}, evidence.Errorf(evidence.NotFound, "There is no such event here.")
	}
	return page.Events[0], nil
}

// Trail gives what was done in the room of an audit, newest first: what auditors opened and took, and what was done with the audit.
func (s *Service) Trail(ctx context.Context, c people.Caller, idOrName string, most int) (store.Audit, []store.Activity, error) {
	a, err := s.enter(ctx, c, people.ReadSettings, idOrName)
	if err != nil {
		return a, nil, err
	}
	lines, err := s.cfg.Store.ActivityAbout(ctx, c.Workspace, string(a.ID), most)
	return a, lines, err
}
