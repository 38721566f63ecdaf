package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
)

type controlsCmd struct {
	List controlsListCmd `cmd:"" help:"List controls with their requirements and artifacts."`
}

type controlsListCmd struct{}

type controlJSON struct {
	ID           evidence.ID       `json:"id"`
	Key          string            `json:"key"`
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Requirements []requirementJSON `json:"requirements"`
	Artifacts    []evidence.ID     `json:"artifacts"`
}

type requirementJSON struct {
	Framework string `json:"framework"`
	ID        string `json:"id"`
}

func (c *controlsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		views, err := a.Program.Controls(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			list := []controlJSON{}
			for _, v := range views {
				j := controlJSON{ID: v.Control.ID, Key: v.Control.Key, Name: v.Control.Name, Description: v.Control.Description, Requirements: []requirementJSON{}, Artifacts: orEmpty(v.Artifacts)}
				for _, r := range v.Control.Requirements {
					j.Requirements = append(j.Requirements, requirementJSON{r.Framework, r.ID})
				}
				list = append(list, j)
			}
			return g.printJSON(map[string]any{"controls": list})
		}
		if len(views) == 0 {
			fmt.Fprintln(g.out, "No controls yet. Make the starter set: exhibit frameworks use soc2")
			return nil
		}
		t := newTable(g.out, "key", "name", "requirements", "artifacts")
		for _, v := range views {
			var reqs []string
			for _, r := range v.Control.Requirements {
				reqs = append(reqs, r.Framework+":"+r.ID)
			}
			t.row(v.Control.Key, v.Control.Name, strings.Join(reqs, " "), fmt.Sprint(len(v.Artifacts)))
		}
		return t.flush()
	})
}

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
		now := time.Now()
		list := []actionJSON{}
		for _, v := range views {
			x := v.Action
			if c.Overdue && !x.Overdue(now) {
				continue
			}
			list = append(list, actionJSON{ID: x.ID, Key: x.Key, Title: x.Title, Control: v.ControlKey, Status: x.Status, Overdue: x.Overdue(now),
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

type frameworksCmd struct {
	List frameworksListCmd `cmd:"" help:"List the frameworks that Exhibit knows."`
	Use  frameworksUseCmd  `cmd:"" help:"Use a framework in the workspace: makes its starter controls and actions."`
}

type frameworksListCmd struct{}

func (c *frameworksListCmd) Run(_ context.Context, g *Globals) error {
	list, err := framework.Frameworks()
	if err != nil {
		return err
	}
	if g.JSON {
		type frameworkJSON struct {
			ID           string `json:"id"`
			Name         string `json:"name"`
			Version      string `json:"version"`
			Licence      string `json:"licence"`
			Requirements int    `json:"requirements"`
		}
		out := []frameworkJSON{}
		for _, f := range list {
			out = append(out, frameworkJSON{f.ID, f.Name, f.Version, f.Licence, len(f.Requirements)})
		}
		return g.printJSON(map[string]any{"frameworks": out})
	}
	t := newTable(g.out, "id", "name", "version", "requirements")
	for _, f := range list {
		t.row(f.ID, f.Name, f.Version, fmt.Sprint(len(f.Requirements)))
	}
	return t.flush()
}

type frameworksUseCmd struct {
	Framework string `arg:"" help:"Id of the framework, such as soc2."`
}

func (c *frameworksUseCmd) Run(ctx context.Context, g *Globals) error {
	return g.withNew(ctx, func(a *app.App) error {
		s, err := a.Program.Seed(ctx, who(), a.Workspace, c.Framework)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"framework": c.Framework, "controls": s.Controls, "actions": s.Actions})
		}
		fmt.Fprintf(g.out, "Using %s: %d controls and %d actions made.\n", c.Framework, s.Controls, s.Actions)
		return nil
	})
}
