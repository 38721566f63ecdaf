package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/wording"
)

type wordingCmd struct {
	List    wordingListCmd    `cmd:"" help:"Changes of wording that sources and policies call for."`
	Accept  wordingAcceptCmd  `cmd:"" help:"Make a proposed change of wording."`
	Decline wordingDeclineCmd `cmd:"" help:"Leave the text as it is; the same is not proposed again."`
}

type wordingJSON struct {
	ID      string       `json:"id"`
	Area    wording.Area `json:"area"`
	Target  evidence.ID  `json:"target"`
	Key     string       `json:"key"`
	Title   string       `json:"title"`
	Before  string       `json:"before"`
	After   string       `json:"after"`
	Reasons []string     `json:"reasons"`
	Cause   string       `json:"cause"`
}

func wordingOf(p wording.Proposal) wordingJSON {
	return wordingJSON{p.ID, p.Area, p.Target, p.Key, p.Title, p.Before, p.After, p.Reasons, wording.Grouped([]wording.Proposal{p})[0].ID}
}

type wordingListCmd struct {
	Framework string `help:"Only what serves this framework." placeholder:"ID"`
}

func (c *wordingListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Program.Wording(ctx, a.Workspace, c.Framework)
		if err != nil {
			return err
		}
		if g.JSON {
			out := []wordingJSON{}
			for _, p := range all {
				out = append(out, wordingOf(p))
			}
			return g.printJSON(map[string]any{"changes": out})
		}
		if len(all) == 0 {
			fmt.Fprintln(g.out, "Every text fits: what controls and actions say of sources and policies is as these are now.")
			return nil
		}
		for _, group := range wording.Grouped(all) {
			fmt.Fprintf(g.out, "%s  %s\n", group.ID, printable(strings.Join(group.Titles, ". ")))
			for _, p := range group.Changes {
				fmt.Fprintf(g.out, "  %s  %s %s\n    - %s\n    + %s\n", p.ID, p.Key, printable(p.Title), printable(p.Before), printable(p.After))
			}
		}
		return nil
	})
}

type wordingID struct {
	ID string `arg:"" help:"Id of a change, or of the cause of several, as exhibit wording list shows it."`
}

func (g *Globals) decided(p wording.Proposal, err error, what string) error {
	if err != nil {
		return badInput(err)
	}
	if g.JSON {
		return g.printJSON(wordingOf(p))
	}
	fmt.Fprintf(g.out, "%s the change of %s.\n", what, p.Key)
	return nil
}

// decidedAll says on which changes somebody decided at once; with an error too, since those before it stand.
func (g *Globals) decidedAll(all []wording.Proposal, err error, what string) error {
	if g.JSON && err == nil {
		out := []wordingJSON{}
		for _, p := range all {
			out = append(out, wordingOf(p))
		}
		return g.printJSON(map[string]any{"changes": out})
	}
	for _, p := range all {
		fmt.Fprintf(g.out, "%s the change of %s.\n", what, p.Key)
	}
	if err != nil {
		return badInput(err)
	}
	return nil
}

type wordingAcceptCmd struct{ wordingID }

func (c *wordingAcceptCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if strings.HasPrefix(c.ID, "wg_") {
			all, err := a.Program.DecideWordings(ctx, caller(a), c.ID, true)
			return g.decidedAll(all, err, "Accepted")
		}
		p, err := a.Program.AcceptWording(ctx, caller(a), c.ID)
		return g.decided(p, err, "Accepted")
	})
}

type wordingDeclineCmd struct{ wordingID }

func (c *wordingDeclineCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if strings.HasPrefix(c.ID, "wg_") {
			all, err := a.Program.DecideWordings(ctx, caller(a), c.ID, false)
			return g.decidedAll(all, err, "Declined")
		}
		p, err := a.Program.DeclineWording(ctx, caller(a), c.ID)
		return g.decided(p, err, "Declined")
	})
}
