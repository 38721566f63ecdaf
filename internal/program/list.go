package program

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// ControlView is a control with the artifacts attached to it, in the order in which they were attached.
type ControlView struct {
	Control   evidence.Control
	Artifacts []evidence.ID
}

// ActionView is an action as it stands now.
type ActionView struct {
	Action     evidence.Action // Status is derived
	ControlKey string
	Artifacts  []evidence.ID              // attached, in the order in which they were attached
	Period     evidence.Span              // what evidence is asked for; zero: any
	FilledBy   evidence.ID                // the first artifact of those that fill it; empty: they do not
	Doubtful   bool                       // evidence came that only a person can judge: inconclusive, rejected, or to be changed
	Open       []evidence.EvidenceRequest // what it still asks for
	State      State
	Overdue    bool
	Idle       bool // it or its control is retired: it asks for nothing any more
}

// Controls gives the controls of a workspace in order of their keys.
func (s *Service) Controls(ctx context.Context, ws evidence.ID) ([]ControlView, error) {
	controls, err := s.store.Controls(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing controls: %w", err)
	}
	attached, err := s.attached(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []ControlView
	for _, c := range controls {
		out = append(out, ControlView{Control: c, Artifacts: attached[evidence.Target{Control: c.ID}]})
	}
	return out, nil
}

// Actions gives the actions of a workspace in order of their keys.
func (s *Service) Actions(ctx context.Context, ws evidence.ID) ([]ActionView, error) {
	actions, err := s.store.Actions(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing actions: %w", err)
	}
	controls, err := s.store.Controls(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing controls: %w", err)
	}
	artifacts, err := s.store.Artifacts(ctx, ws, store.ArtifactFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	attached, err := s.attached(ctx, ws)
	if err != nil {
		return nil, err
	}
	verdicts, err := s.verdicts(ctx, ws)
	if err != nil {
		return nil, err
	}
	byControl := map[evidence.ID]evidence.Control{}
	for _, c := range controls {
		byControl[c.ID] = c
	}
	byID := map[evidence.ID]evidence.Artifact{}
	for _, a := range artifacts {
		byID[a.ID] = a
	}
	var out []ActionView
	for _, a := range actions {
		out = append(out, view(a, byControl[a.Control], attached[evidence.Target{Action: a.ID}], byID, verdicts, s.now()))
	}
	return out, nil
}

func view(a evidence.Action, control evidence.Control, attached []evidence.ID, artifacts map[evidence.ID]evidence.Artifact, verdicts map[evidence.ID]Verdict, now time.Time) ActionView {
	v := ActionView{Action: a, ControlKey: control.Key, Artifacts: attached, Period: a.Period(), Idle: !control.RetiredAt.IsZero() || !a.RetiredAt.IsZero()}
	var good, doubtful []evidence.Artifact
	for _, id := range attached {
		art, ok := artifacts[id]
		if verdict := verdicts[id]; !ok || verdict == Rejected || verdict == ChangesRequested {
			v.Doubtful = v.Doubtful || ok
			continue
		}
		if a.FilledBy(art) && v.FilledBy == "" {
			v.FilledBy = id
		}
		good = append(good, art)
		art.Latest.Result = evidence.Complete
		doubtful = append(doubtful, art)
	}
	if v.Open = a.Open(good); len(v.Open) == 0 {
		v.Action.Status = evidence.ActionDone
	} else {
		v.FilledBy = ""
	}
	v.Doubtful = v.Doubtful || len(a.Open(doubtful)) < len(v.Open)
	v.Overdue = v.Action.Overdue(now) && !v.Idle
	v.State = v.state(now)
	return v
}

// attached gives the ids of the attached artifacts for each target, in the order in which they were attached.
func (s *Service) attached(ctx context.Context, ws evidence.ID) (map[evidence.Target][]evidence.ID, error) {
	all, err := s.store.Attachments(ctx, ws, store.AttachmentFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing attachments: %w", err)
	}
	out := map[evidence.Target][]evidence.ID{}
	for _, x := range all {
		out[x.Target] = append(out[x.Target], x.Artifact)
	}
	return out, nil
}

// Wanted is evidence that an open action asks for and that a recipe can make.
type Wanted struct {
	Action evidence.Action
	Recipe string
	Params map[string]string
	Period evidence.Span // zero: any
}

// Wanted gives what open actions ask recipes for and whose period is over, in order of the due date that comes first.
func (s *Service) Wanted(ctx context.Context, ws evidence.ID) ([]Wanted, error) {
	actions, err := s.Actions(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []Wanted
	for _, v := range actions {
		if v.Idle || v.Action.Status == evidence.ActionDone || v.Period.To.After(s.now()) {
			continue
		}
		for _, r := range v.Open {
			if r.Recipe != "" {
				out = append(out, Wanted{v.Action, r.Recipe, r.Params, v.Period})
			}
		}
	}
	return byDue(out), nil
}

func byDue(all []Wanted) []Wanted {
	slices.SortStableFunc(all, func(a, b Wanted) int { return a.Action.Due.Compare(b.Action.Due) })
	return all
}
