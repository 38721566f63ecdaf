package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

// proposalJSON is one line of "artifacts proposals --json".
type proposalJSON struct {
	Artifact evidence.ID       `json:"artifact"`
	Key      string            `json:"key"`
	Name     string            `json:"name"`
	Strength evidence.Strength `json:"strength"`
	Reason   string            `json:"reason"`
}

type artifactsProposalsCmd struct{}

func (c *artifactsProposalsCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Artifacts.Proposals(ctx, a.Workspace)
		if err != nil {
			return err
		}
		list := []proposalJSON{}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			for _, x := range all[id] {
				list = append(list, proposalJSON{id, x.Key, x.Name, x.Strength, x.Reason})
			}
		}
		if g.JSON {
			return g.printJSON(map[string]any{"proposals": list})
		}
		if len(list) == 0 {
			fmt.Fprintln(g.out, "Nothing is proposed.")
			return nil
		}
		t := newTable(g.out, "artifact", "for", "name", "strength")
		for _, x := range list {
			t.row(string(x.Artifact), x.Key, printable(x.Name), string(x.Strength))
		}
		return t.flush()
	})
}

type artifactsAcceptCmd struct {
	artifactID
	attachTo
}

func (c *artifactsAcceptCmd) Run(ctx context.Context, g *Globals) error {
	if err := c.check(); err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		x, err := a.Artifacts.Accept(ctx, who(), a.Workspace, artifact.ProposalRequest{Artifact: evidence.ID(c.ID), Control: c.Control, Action: c.Action})
		if err != nil {
			return badInput(err)
		}
		fmt.Fprintf(g.out, "Attached as %s evidence, marked as automatic.\n", x.Strength)
		return nil
	})
}

type artifactsDeclineCmd struct {
	artifactID
	attachTo
	Reason string `required:"" help:"Why it is no evidence for that; kept for ever." placeholder:"TEXT"`
}

func (c *artifactsDeclineCmd) Run(ctx context.Context, g *Globals) error {
	if err := c.check(); err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		err := a.Artifacts.Decline(ctx, who(), a.Workspace, artifact.ProposalRequest{Artifact: evidence.ID(c.ID), Control: c.Control, Action: c.Action, Reason: c.Reason})
		if err != nil {
			return badInput(err)
		}
		fmt.Fprintln(g.out, "Declined. It is not proposed again.")
		return nil
	})
}

type artifactsAttachingCmd struct {
	How string `arg:"" optional:"" help:"propose: a person accepts or declines each; do: attach at once."`
}

func (c *artifactsAttachingCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if c.How != "" {
			if err := a.Artifacts.SetAttachingHere(ctx, who(), a.Workspace, evidence.Attaching(c.How)); err != nil {
				return badInput(err)
			}
		}
		how, err := a.Artifacts.Attaching(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"attaching": how})
		}
		fmt.Fprintln(g.out, how)
		return nil
	})
}
