package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

// reviewWords says where an artifact stands with its reviewers.
func reviewWords(s evidence.ReviewStanding) string {
	words := strings.ReplaceAll(string(s.Status), "_", " ")
	if s.Review.Version > 0 {
		words += fmt.Sprintf(", version %d by %s on %s", s.Review.Version, printable(s.Review.By), moment(s.Review.At))
	}
	if s.Why != "" {
		words += ". " + s.Why
	}
	return words
}

type artifactsReviewCmd struct {
	artifactID
	Approve    bool   `help:"Approve it." xor:"verdict"`
	Reject     bool   `help:"Reject it; needs a reason." xor:"verdict"`
	AskChanges bool   `help:"Ask for changes; needs a reason." xor:"verdict"`
	Reason     string `help:"Why; kept with the review." placeholder:"TEXT"`
	Version    int    `help:"Version; default the newest." placeholder:"N"`
}

func (c *artifactsReviewCmd) Run(ctx context.Context, g *Globals) error {
	var verdict evidence.ReviewVerdict
	switch {
	case c.Approve:
		verdict = evidence.ReviewApproved
	case c.Reject:
		verdict = evidence.ReviewRejected
	case c.AskChanges:
		verdict = evidence.ReviewChanges
	default:
		return usagef("Say what you conclude: --approve, --reject or --ask-changes.")
	}
	return g.with(ctx, func(a *app.App) error {
		r, err := a.Artifacts.ReviewHere(ctx, who(), a.Workspace, artifact.ReviewRequest{Artifact: evidence.ID(c.ID), Version: c.Version, Verdict: verdict, Reason: c.Reason})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"id": r.ID, "artifact": r.Artifact, "version": r.Version, "digest": r.Digest, "verdict": r.Verdict, "reason": r.Reason, "at": jsonTime(r.At), "by": r.By})
		}
		fmt.Fprintf(g.out, "Version %d of %s: %s. It binds digest %s.\n", r.Version, r.Artifact, strings.ReplaceAll(string(r.Verdict), "_", " "), r.Digest)
		return nil
	})
}

type artifactsRetireCmd struct {
	artifactID
	Reason string `required:"" help:"Why it is taken out of use; kept for ever." placeholder:"TEXT"`
}

func (c *artifactsRetireCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if err := a.Artifacts.Retire(ctx, who(), a.Workspace, evidence.ID(c.ID), c.Reason); err != nil {
			return badInput(err)
		}
		v, err := a.Artifacts.Show(ctx, a.Workspace, evidence.ID(c.ID))
		if err != nil {
			return err
		}
		return g.printArtifact(v)
	})
}
