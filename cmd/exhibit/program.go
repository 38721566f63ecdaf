package main

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type actionsCmd struct {
	List actionsListCmd `cmd:"" help:"List actions with owner, due date and artifacts."`
}

type actionsListCmd struct {
	Overdue bool `help:"Only what should have been done by now."`
}

type actionJSON struct {
	ID        evidence.ID           `json:"id"`
	Key       string                `json:"key"`
	Title     string                `json:"title"`
	Control   string                `json:"control"`
	Status    evidence.ActionStatus `json:"status"`
	Overdue   bool                  `json:"overdue"`
	Owner     string                `json:"owner"`
	Due       jsonTime              `json:"due"`
	Cadence   evidence.Cadence      `json:"cadence"`
	Recipe    string                `json:"recipe"`
	Artifacts []evidence.ID         `json:"artifacts"`
}

func (c *actionsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		views, err := a.Program.Actions(ctx, a.Workspace)
		if err != nil {
			return err
		}
		list := []actionJSON{}
		for _, v := range views {
			x := v.Action
			if c.Overdue && !v.Overdue {
				continue
			}
			list = append(list, actionJSON{ID: x.ID, Key: x.Key, Title: x.Title, Control: v.ControlKey, Status: x.Status, Overdue: v.Overdue,
				Owner: x.Owner, Due: jsonTime(x.Due), Cadence: x.Cadence, Recipe: x.Recipe, Artifacts: orEmpty(v.Artifacts)})
		}
		if g.JSON {
			return g.printJSON(map[string]any{"actions": list})
		}
		if len(list) == 0 {
			fmt.Fprintln(g.out, "No actions. \"exhibit frameworks use soc2\" makes the starter set.")
			return nil
		}
		t := newTable(g.out, "key", "title", "control", "status", "owner", "due", "asks for", "artifacts")
		for _, x := range list {
			status := string(x.Status)
			if x.Overdue {
				status = "OVERDUE"
			}
			asks := x.Recipe
			if asks == "" {
				asks = "an upload"
			}
			t.row(x.Key, x.Title, x.Control, status, x.Owner, moment(time.Time(x.Due)), asks, fmt.Sprint(len(x.Artifacts)))
		}
		return t.flush()
	})
}
