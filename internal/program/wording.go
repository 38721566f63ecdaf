package program

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/wording"
)

// Wording gives the changes of wording that sources and policies as they are now call for, controls first, by key: of all
// controls and actions in use, or of those that serve a framework. They are worked out anew each time; what was declined is
// left out for good.
func (s *Service) Wording(ctx context.Context, ws evidence.ID, framework string) ([]wording.Proposal, error) {
	texts, err := s.texts(ctx, ws, framework)
	if err != nil {
		return nil, err
	}
	declined, err := s.store.DeclinedWording(ctx, ws)
	if err != nil {
		return nil, err
	}
	var out []wording.Proposal
	for _, t := range texts {
		t.Declined = declined
		if p, ok := wording.Propose(t); ok && !slices.Contains(declined, p.ID) {
			out = append(out, p)
		}
	}
	return out, nil
}

// texts gives what controls and actions say, each with the sources and policies on which it stands now.
func (s *Service) texts(ctx context.Context, ws evidence.ID, framework string) ([]wording.Text, error) {
	connections, err := s.store.Connections(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	policies, err := s.policies(ctx, ws)
	if err != nil {
		return nil, err
	}
	w, err := s.work(ctx, ws)
	if err != nil {
		return nil, err
	}
	on := sourcesOf(connections)
	var controls, actions []wording.Text
	for _, c := range w.controls {
		serves := framework == "" || slices.ContainsFunc(c.Requirements, func(r evidence.RequirementRef) bool { return r.Framework == framework })
		if !c.RetiredAt.IsZero() || !serves {
			continue
		}
		t := wording.Text{Area: wording.Control, ID: c.ID, Key: c.Key, Title: c.Name, Text: c.Description, Policies: policies[evidence.Target{Control: c.ID}]}
		for _, a := range w.actions[c.ID] {
			x := actionText(a, on, policies)
			if len(x.Sources) > 0 {
				t.Sources = on
			}
			x.Below = true
			actions = append(actions, x)
		}
		controls = append(controls, t)
	}
	if framework == "" {
		for _, a := range w.actions[""] {
			actions = append(actions, actionText(a, on, policies))
		}
	}
	return append(controls, actions...), nil
}

func actionText(a evidence.Action, on []wording.Source, policies map[evidence.Target][]wording.Policy) wording.Text {
	t := wording.Text{Area: wording.Action, ID: a.ID, Key: a.Key, Title: a.Title, Text: a.Description, Policies: policies[evidence.Target{Action: a.ID}]}
	if slices.ContainsFunc(a.Asks(), func(r evidence.EvidenceRequest) bool { return r.Recipe != "" }) {
		t.Sources = on
	}
	return t
}

// sourcesOf gives the connections that are on, as texts name them.
func sourcesOf(connections []evidence.Connection) []wording.Source {
	var out []wording.Source
	for _, c := range connections {
		if !c.OffAt.IsZero() {
			continue
		}
		x := wording.Source{Kind: c.Source, Name: c.Name}
		if c.Source == "onepassword" {
			x.Kind = "1Password"
		}
		for _, m := range c.Missing {
			x.Missing = append(x.Missing, string(m))
		}
		out = append(out, x)
	}
	return out
}

// policies gives the policies in force by what they are attached to: uploaded artifacts in use whose titles name a policy.
func (s *Service) policies(ctx context.Context, ws evidence.ID) (map[evidence.Target][]wording.Policy, error) {
	artifacts, err := s.store.Artifacts(ctx, ws, store.ArtifactFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	attachments, err := s.store.Attachments(ctx, ws, store.AttachmentFilter{})
	if err != nil {
		return nil, fmt.Errorf("listing attachments: %w", err)
	}
	out := map[evidence.Target][]wording.Policy{}
	for _, x := range attachments {
		at := slices.IndexFunc(artifacts, func(a evidence.Artifact) bool { return a.ID == x.Artifact })
		if at < 0 || !x.DetachedAt.IsZero() {
			continue
		}
		if a := artifacts[at]; a.Kind == evidence.Uploaded && a.RetiredAt.IsZero() && wording.IsPolicy(a.Title) {
			out[x.Target] = append(out[x.Target], wording.Policy{Title: a.Title, Version: a.Latest.Version})
		}
	}
	return out, nil
}

// proposed gives a change of wording that is proposed still.
func (s *Service) proposed(ctx context.Context, ws evidence.ID, id string) (wording.Proposal, error) {
	all, err := s.Wording(ctx, ws, "")
	if err != nil {
		return wording.Proposal{}, err
	}
	at := slices.IndexFunc(all, func(p wording.Proposal) bool { return p.ID == id })
	if at < 0 {
		return wording.Proposal{}, evidence.Errorf(evidence.NotFound, "That change is not proposed any more: the text, a source or a policy changed meanwhile, or somebody decided on it. Look at the list again.")
	}
	return all[at], nil
}

// AcceptWording makes a proposed change: the control or the action says it from now on, which enters the log.
func (s *Service) AcceptWording(ctx context.Context, c people.Caller, id string) (wording.Proposal, error) {
	p, err := s.mayDecide(ctx, c, id)
	if err != nil {
		return p, err
	}
	return p, s.acceptWording(ctx, c, p)
}

func (s *Service) acceptWording(ctx context.Context, c people.Caller, p wording.Proposal) error {
	var err error
	if p.Area == wording.Control {
		_, err = s.EditControl(ctx, c, string(p.Target), ControlEdit{Description: &p.After})
	} else {
		_, err = s.EditAction(ctx, c, string(p.Target), ActionEdit{Description: &p.After})
	}
	return err
}

// DeclineWording leaves a text as it is. That it does not say those facts is not proposed again; other facts are.
func (s *Service) DeclineWording(ctx context.Context, c people.Caller, id string) (wording.Proposal, error) {
	p, err := s.mayDecide(ctx, c, id)
	if err != nil {
		return p, err
	}
	return p, s.declineWording(ctx, c, p)
}

func (s *Service) declineWording(ctx context.Context, c people.Caller, p wording.Proposal) error {
	var facts []string
	for _, cause := range p.Causes {
		facts = append(facts, cause.Fact)
	}
	return s.store.DeclineWording(ctx, store.Activity{Workspace: c.Workspace, At: s.now().UTC(), Who: c.Who(), What: "wording.decline", Subject: p.Key, Detail: p.After}, facts)
}

// DecideWordings accepts or declines all changes of a group, and gives those on which it decided. A crash, or a text that somebody changes
// meanwhile, leaves the rest proposed.
func (s *Service) DecideWordings(ctx context.Context, c people.Caller, group string, accept bool) ([]wording.Proposal, error) {
	if err := c.May(people.ManageControls); err != nil {
		return nil, err
	}
	all, err := s.Wording(ctx, c.Workspace, "")
	if err != nil {
		return nil, err
	}
	groups := wording.Grouped(all)
	at := slices.IndexFunc(groups, func(g wording.Group) bool { return g.ID == group })
	if at < 0 {
		return nil, evidence.Errorf(evidence.NotFound, "Nothing is proposed for that reason any more: somebody decided on it, or it changed meanwhile. Look at the list again.")
	}
	decide := s.declineWording
	if accept {
		decide = s.acceptWording
	}
	for i, p := range groups[at].Changes {
		if err := decide(ctx, c, p); err != nil {
			return groups[at].Changes[:i], err
		}
	}
	return groups[at].Changes, nil
}

// mayDecide gives a proposed change if the caller may change what it is about.
func (s *Service) mayDecide(ctx context.Context, c people.Caller, id string) (wording.Proposal, error) {
	if err := c.May(people.ManageControls); err != nil {
		return wording.Proposal{}, err
	}
	p, err := s.proposed(ctx, c.Workspace, id)
	if err == nil && p.Area == wording.Action {
		err = c.May(people.ManageActions)
	}
	return p, err
}
