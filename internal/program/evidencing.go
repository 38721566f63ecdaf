package program

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// work is all of a workspace's controls with what proves them.
type work struct {
	controls  []evidence.Control
	actions   map[evidence.ID][]evidence.Action   // by control
	artifacts map[evidence.ID][]evidence.Artifact // by control: attached to it or to one of its actions, in use, each once
}

func (s *Service) work(ctx context.Context, ws evidence.ID) (work, error) {
	w := work{actions: map[evidence.ID][]evidence.Action{}, artifacts: map[evidence.ID][]evidence.Artifact{}}
	var err error
	if w.controls, err = s.store.Controls(ctx, ws); err != nil {
		return w, fmt.Errorf("listing controls: %w", err)
	}
	actions, err := s.store.Actions(ctx, ws)
	if err != nil {
		return w, fmt.Errorf("listing actions: %w", err)
	}
	controlOf := map[evidence.ID]evidence.ID{}
	for _, a := range actions {
		controlOf[a.ID] = a.Control
		if !a.RetiredAt.IsZero() {
			continue // what is attached to it still proves the control
		}
		w.actions[a.Control] = append(w.actions[a.Control], a)
	}
	list, err := s.store.Artifacts(ctx, ws, store.ArtifactFilter{})
	if err != nil {
		return w, fmt.Errorf("listing artifacts: %w", err)
	}
	byID := map[evidence.ID]evidence.Artifact{}
	for _, a := range list {
		byID[a.ID] = a
	}
	attachments, err := s.store.Attachments(ctx, ws, store.AttachmentFilter{})
	if err != nil {
		return w, fmt.Errorf("listing attachments: %w", err)
	}
	for _, x := range attachments {
		control := x.Target.Control
		if control == "" {
			control = controlOf[x.Target.Action]
		}
		a, ok := byID[x.Artifact]
		there := slices.ContainsFunc(w.artifacts[control], func(b evidence.Artifact) bool { return b.ID == a.ID })
		if ok && !there && a.RetiredAt.IsZero() {
			w.artifacts[control] = append(w.artifacts[control], a)
		}
	}
	return w, nil
}

// cadence is how often a control is to be proven: the shortest cadence of its actions. Where none comes again it is quarterly.
func (w work) cadence(control evidence.ID) evidence.Cadence {
	for _, c := range []evidence.Cadence{evidence.Weekly, evidence.Monthly, evidence.Quarterly, evidence.Yearly} {
		if slices.ContainsFunc(w.actions[control], func(a evidence.Action) bool { return a.Cadence == c }) {
			return c
		}
	}
	return evidence.Quarterly
}

// Finding is something about a control that somebody should look at.
type Finding struct {
	Control evidence.Control
	Code    FindingCode
	Says    string // what is so, as a sentence
	Do      string // what to do about it
}

// FindingCode says to a program what was found.
type FindingCode string

// The codes of findings.
const (
	NoRequirement        FindingCode = "no_requirement"
	UnknownRequirement   FindingCode = "unknown_requirement"
	WithdrawnRequirement FindingCode = "withdrawn_requirement"
	NoAction             FindingCode = "no_action"
	NoEvidenceYet        FindingCode = "no_evidence"
	StaleEvidence        FindingCode = "stale_evidence"
)

// Findings checks every control that is in use, in order of their keys.
func (s *Service) Findings(ctx context.Context, ws evidence.ID) ([]Finding, error) {
	w, err := s.work(ctx, ws)
	if err != nil {
		return nil, err
	}
	frameworks, err := s.Frameworks(ctx, ws)
	if err != nil {
		return nil, err
	}
	known := requirementsOf(frameworks)
	var out []Finding
	for _, c := range w.controls {
		if c.RetiredAt.IsZero() {
			out = append(out, mappingFindings(c, known)...)
			out = append(out, w.proofFindings(c, s.now())...)
		}
	}
	return out, nil
}

func mappingFindings(c evidence.Control, known requirements) []Finding {
	var out []Finding
	if len(c.Requirements) == 0 {
		out = append(out, Finding{c, NoRequirement, "It serves no requirement.", "Map it to the requirements that it helps to meet, or retire it."})
	}
	for _, ref := range c.Requirements {
		r, ok := known[ref]
		switch {
		case !ok:
			out = append(out, Finding{c, UnknownRequirement, fmt.Sprintf("It serves %s %s, which no framework here has.", ref.Framework, ref.ID), "Map it to what took its place, and take this one away."})
		case r.Withdrawn:
			out = append(out, Finding{c, WithdrawnRequirement, fmt.Sprintf("It serves %s %s, which was withdrawn by its publisher.", ref.Framework, ref.ID), "Map it to what took its place, and take this one away."})
		}
	}
	return out
}

// grace is how long after the end of a period its evidence may come before the control counts as stale.
const grace = 31 * 24 * time.Hour

func (w work) proofFindings(c evidence.Control, now time.Time) []Finding {
	var out []Finding
	if len(w.actions[c.ID]) == 0 {
		out = append(out, Finding{c, NoAction, "No action proves it.", "Plan work that proves it, or attach evidence by hand."})
	}
	list := w.artifacts[c.ID]
	if len(list) == 0 {
		return append(out, Finding{c, NoEvidenceYet, "No evidence is attached to it or its actions.", "Build or upload what proves it, and attach it."})
	}
	var newest time.Time
	for _, a := range list {
		newest = evidence.Latest(newest, a.Period.To)
	}
	cadence := w.cadence(c.ID)
	if due := cadence.PeriodAt(newest).To.Add(grace); now.After(due) {
		out = append(out, Finding{c, StaleEvidence, fmt.Sprintf("Its newest evidence ends on %s, and it is to be proven %s.", newest.UTC().Format("2 January 2006"), cadence), "Attach evidence of a newer period."})
	}
	return out
}
