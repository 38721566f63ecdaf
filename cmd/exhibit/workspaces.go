package main

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

type workspacesCmd struct {
	List   workspacesListCmd   `cmd:"" help:"The workspaces of this server."`
	Add    workspacesAddCmd    `cmd:"" help:"Make a workspace. Its first member is its administrator: exhibit users add --workspace NAME."`
	Rename workspacesRenameCmd `cmd:"" help:"Give a workspace another name; its id, and the name of its log, stay."`
}

type workspaceJSON struct {
	ID   evidence.ID `json:"id"`
	Name string      `json:"name"`
}

type workspacesListCmd struct{}

func (c *workspacesListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Store.WorkspaceNames(ctx)
		if err != nil {
			return err
		}
		if g.JSON {
			list := []workspaceJSON{}
			for _, n := range all {
				list = append(list, workspaceJSON(n))
			}
			return g.printJSON(map[string]any{"workspaces": list})
		}
		t := newTable(g.out, "id", "name")
		for _, n := range all {
			t.row(string(n.ID), n.Name)
		}
		return t.flush()
	})
}

type workspacesAddCmd struct {
	Name string `arg:"" help:"Name of the workspace."`
}

func (c *workspacesAddCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if _, err := a.Store.WorkspaceNamed(ctx, c.Name); err == nil {
			return evidence.Errorf(evidence.Conflict, "There is a workspace named %q already.", c.Name)
		}
		id, err := a.Store.EnsureWorkspace(ctx, c.Name)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(workspaceJSON{id, c.Name})
		}
		fmt.Fprintf(g.out, "Made workspace %s: %s.\nMake its administrator: exhibit users add --workspace %q --name NAME --email ADDRESS\n", id, printable(c.Name), c.Name)
		return nil
	})
}

type workspacesRenameCmd struct {
	Name string `arg:"" help:"Name of the workspace now."`
	To   string `arg:"" help:"Its new name."`
}

func (c *workspacesRenameCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		id, err := a.Store.WorkspaceNamed(ctx, c.Name)
		if err != nil {
			return err
		}
		if err := a.Store.RenameWorkspace(ctx, id, c.To); err != nil {
			return badInput(err)
		}
		note := store.Activity{Workspace: id, At: time.Now().UTC(), Who: who(), What: "workspace.rename", Subject: string(id), Detail: c.Name + " → " + c.To}
		if err := a.Store.AddActivity(ctx, note); err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(workspaceJSON{id, c.To})
		}
		fmt.Fprintf(g.out, "%s is now %s.\n", printable(c.Name), printable(c.To))
		return nil
	})
}
