package web

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// programme is all work of a workspace, tied together. It is small: tens of controls, hundreds of attachments.
type programme struct {
	controls    []program.ControlView
	actions     []program.ActionView
	artifacts   map[evidence.ID]evidence.Artifact
	attachments []evidence.Attachment
	standings   map[evidence.ID]evidence.ReviewStanding
}

func (s *server) programme(ctx context.Context, ws evidence.ID) (programme, error) {
	var p programme
	var err error
	if p.controls, err = s.cfg.Program.Controls(ctx, ws); err != nil {
		return p, fmt.Errorf("listing controls: %w", err)
	}
	if p.actions, err = s.cfg.Program.Actions(ctx, ws); err != nil {
		return p, fmt.Errorf("listing actions: %w", err)
	}
	if p.attachments, err = s.cfg.Store.Attachments(ctx, ws, store.AttachmentFilter{}); err != nil {
		return p, fmt.Errorf("listing attachments: %w", err)
	}
	list, err := s.cfg.Store.Artifacts(ctx, ws, store.ArtifactFilter{})
	if err != nil {
		return p, fmt.Errorf("listing artifacts: %w", err)
	}
	if p.standings, err = s.cfg.Artifacts.Standings(ctx, ws); err != nil {
		return p, err
	}
	p.artifacts = map[evidence.ID]evidence.Artifact{}
	for _, a := range list {
		p.artifacts[a.ID] = a
	}
	return p, nil
}

// attached gives the artifacts attached to a target, the newest period first.
func (p programme) attached(to evidence.Target) []view.ArtifactRow {
	var out []view.ArtifactRow
	for _, at := range p.attachments {
		a, ok := p.artifacts[at.Artifact]
		if ok && at.Target == to && at.DetachedAt.IsZero() {
			out = append(out, view.ArtifactRow{Artifact: a, Attachment: at, Review: p.standings[a.ID]})
		}
	}
	slices.SortStableFunc(out, func(a, b view.ArtifactRow) int { return b.Artifact.Period.To.Compare(a.Artifact.Period.To) })
	return out
}

func (p programme) controlOf(id evidence.ID) evidence.Control {
	for _, c := range p.controls {
		if c.Control.ID == id {
			return c.Control
		}
	}
	return evidence.Control{}
}

// action gives an action by its id or key.
func (p programme) action(idOrKey string) (program.ActionView, error) {
	for _, a := range p.actions {
		if string(a.Action.ID) == idOrKey || a.Action.Key == idOrKey {
			return a, nil
		}
	}
	return program.ActionView{}, evidence.Errorf(evidence.NotFound, "There is no action %.60q in this workspace.", idOrKey)
}

// control gives a control by its id or key.
func (p programme) control(idOrKey string) (evidence.Control, error) {
	for _, c := range p.controls {
		if string(c.Control.ID) == idOrKey || c.Control.Key == idOrKey {
			return c.Control, nil
		}
	}
	return evidence.Control{}, evidence.Errorf(evidence.NotFound, "There is no control %.60q in this workspace.", idOrKey)
}

func (p programme) actionRow(v program.ActionView) view.ActionRow {
	a := v.Action
	row := view.ActionRow{Action: a, State: v.State, Column: v.Column(), Moves: v.Moves(), Open: v.Open, Overdue: v.Overdue, Idle: v.Idle, Period: v.Period, FilledBy: v.FilledBy, Control: p.controlOf(a.Control), Artifacts: p.attached(evidence.Target{Action: a.ID})}
	return row
}

func (p programme) controlRow(c evidence.Control) view.ControlRow {
	row := view.ControlRow{Control: c, Artifacts: p.attached(evidence.Target{Control: c.ID})}
	for _, a := range p.actions {
		if a.Action.Control == c.ID {
			row.Actions = append(row.Actions, p.actionRow(a))
		}
	}
	if len(row.Artifacts) > 0 {
		row.LastPeriod = row.Artifacts[0].Artifact.Period
	}
	return row
}

// dueFirst puts what is due first in front; what is done and what has no date stand last.
func dueFirst(a, b evidence.Action) int {
	rank := func(x evidence.Action) int {
		switch {
		case x.Status == evidence.ActionDone:
			return 2
		case x.Due.IsZero():
			return 1
		}
		return 0
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return a.Due.Compare(b.Due)
}
