package web

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// steps says how far somebody who makes evidence and audits has come; nil for everybody else. It is worked out from what
// there is, so nothing has to be ticked off.
func (s *server) steps(ctx context.Context, c people.Caller, o overview, rows []artifact.View) (view.Steps, error) {
	if !c.Has(people.BuildArtifacts) || !c.Has(people.ReadAudits) {
		return nil, nil
	}
	members, err := s.cfg.Store.Members(ctx, c.Workspace)
	if err != nil {
		return nil, fmt.Errorf("listing members: %w", err)
	}
	audits, err := s.cfg.Audits.List(ctx, c)
	if err != nil {
		return nil, err
	}
	taken, bundle := false, "/audits"
	for _, a := range audits {
		bundles, err := s.cfg.Store.Bundles(ctx, c.Workspace, a.ID)
		if err != nil {
			return nil, fmt.Errorf("listing bundles: %w", err)
		}
		if bundle = "/audits/" + string(a.ID) + "/bundle"; len(bundles) > 0 {
			taken = true // the step is done: nobody is led there any more
			break
		}
	}
	reviewer := func(m store.Member) bool {
		return people.Role(m.Role) == people.Reviewer && m.SuspendedAt.IsZero()
	}
	// What waits for a review and was attached to something is what an auditor will ask for first.
	review := "/artifacts"
	for _, r := range rows {
		if len(r.ControlKeys)+len(r.ActionKeys) > 0 && r.Standing.Status == evidence.StatusNotReviewed {
			review = "/artifacts/" + string(r.Artifact.ID)
			break
		}
	}
	w := view.Steps{
		{Title: "Connect a source", Text: "Three minutes, a read-only token, and the last 120 days are read.", Do: "Connect", Href: "/sources",
			Done: len(o.readings) > 0},
		{Title: "Build an artifact", Text: "A recipe and a period make evidence of events, with counts that reconcile and what it does not show.", Do: "Build", Href: "/artifacts/build",
			Done: len(rows) > 0},
		{Title: "Attach it to a control", Text: "What an artifact shows is offered for the controls that its recipe serves.", Do: "Attach", Href: "/artifacts",
			Done: slices.ContainsFunc(rows, func(r artifact.View) bool { return len(r.ControlKeys)+len(r.ActionKeys) > 0 })},
		{Title: "Invite somebody who reviews", Text: "Nobody reviews what he made himself. An Evidence reviewer judges and makes nothing.", Do: "Invite", Href: "/settings/people#invite",
			Done: slices.ContainsFunc(members, reviewer)},
		{Title: "Have an artifact approved", Text: "The reviewer opens it and says what he concludes; that binds the exact bytes of the version.", Do: "Open", Href: review,
			Done: slices.ContainsFunc(rows, func(r artifact.View) bool { return r.Standing.Status == evidence.StatusApproved })},
		{Title: "Make an audit", Text: "A framework, a period, and a room in which an auditor sees only what belongs to it.", Do: "Make", Href: "/audits/new",
			Done: len(audits) > 0},
		{Title: "Take the evidence away", Text: "One ZIP file that verifies without Exhibit, without a network and without trusting anybody.", Do: "Bundle", Href: bundle,
			Done: taken},
	}
	if !c.Has(people.ManagePeople) { // only who may invite is asked to
		w = slices.DeleteFunc(w, func(step view.Step) bool { return !step.Done && step.Do == "Invite" })
	}
	return w, nil
}
