package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

type controlsCmd struct {
	List   controlsListCmd   `cmd:"" help:"List controls with their requirements and artifacts."`
	Show   controlsShowCmd   `cmd:"" help:"One control with what it serves, what is wrong with it, and its history."`
	Add    controlsAddCmd    `cmd:"" help:"Make a control."`
	Edit   controlsEditCmd   `cmd:"" help:"Change name, description or owner of a control."`
	Map    controlsMapCmd    `cmd:"" help:"Let a control serve more requirements, of any framework."`
	Unmap  controlsUnmapCmd  `cmd:"" help:"Take requirements away from a control."`
	Retire controlsRetireCmd `cmd:"" help:"Take a control out of use with a reason; nothing is deleted."`
	Check  controlsCheckCmd  `cmd:"" help:"What is wrong with controls: no requirement, unknown ones, no action, no or stale evidence."`
}

// caller is the person at the keyboard: whoever may use the data directory may do everything in it.
func caller(a *app.App) people.Caller {
	return people.Caller{Member: "command-line", Workspace: a.Workspace, Name: who(), Role: people.Admin}
}

type controlJSON struct {
	ID           evidence.ID       `json:"id"`
	Key          string            `json:"key"`
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Owner        string            `json:"owner"`
	Requirements []requirementJSON `json:"requirements"`
	Artifacts    []evidence.ID     `json:"artifacts"`
	RetiredAt    *jsonTime         `json:"retired_at"`
	Retired      string            `json:"retired,omitempty"`
	Revision     int               `json:"revision"`
}

type requirementJSON struct {
	Framework string `json:"framework"`
	ID        string `json:"id"`
}

func toControlJSON(c evidence.Control, artifacts []evidence.ID) controlJSON {
	j := controlJSON{ID: c.ID, Key: c.Key, Name: c.Name, Description: c.Description, Owner: c.Owner, Requirements: []requirementJSON{}, Artifacts: orEmpty(artifacts), Retired: c.Retired, Revision: c.Revision}
	for _, r := range c.Requirements {
		j.Requirements = append(j.Requirements, requirementJSON{r.Framework, r.ID})
	}
	if !c.RetiredAt.IsZero() {
		at := jsonTime(c.RetiredAt)
		j.RetiredAt = &at
	}
	return j
}

func requirementWords(refs []evidence.RequirementRef) string {
	var out []string
	for _, r := range refs {
		out = append(out, r.Framework+":"+r.ID)
	}
	return strings.Join(out, " ")
}

type controlsListCmd struct {
	All bool `help:"Retired ones too."`
}

func (c *controlsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		views, err := a.Program.Controls(ctx, a.Workspace)
		if err != nil {
			return err
		}
		list := []controlJSON{}
		t := newTable(g.out, "key", "name", "owner", "requirements", "artifacts")
		for _, v := range views {
			if !v.Control.RetiredAt.IsZero() && !c.All {
				continue
			}
			list = append(list, toControlJSON(v.Control, v.Artifacts))
			name := v.Control.Name
			if !v.Control.RetiredAt.IsZero() {
				name += " (retired)"
			}
			t.row(v.Control.Key, name, v.Control.Owner, requirementWords(v.Control.Requirements), fmt.Sprint(len(v.Artifacts)))
		}
		if g.JSON {
			return g.printJSON(map[string]any{"controls": list})
		}
		if len(list) == 0 {
			fmt.Fprintln(g.out, "No controls yet. Make one with exhibit controls add, or the starter set with exhibit frameworks use soc2.")
			return nil
		}
		return t.flush()
	})
}

type controlID struct {
	ID string `arg:"" help:"Key or id of the control."`
}

type controlsShowCmd struct{ controlID }

func (c *controlsShowCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		control, err := a.Program.Control(ctx, a.Workspace, c.ID)
		if err != nil {
			return err
		}
		views, err := a.Program.Controls(ctx, a.Workspace)
		if err != nil {
			return err
		}
		var artifacts []evidence.ID
		for _, v := range views {
			if v.Control.ID == control.ID {
				artifacts = v.Artifacts
			}
		}
		findings, err := a.Program.Findings(ctx, a.Workspace)
		if err != nil {
			return err
		}
		history, err := a.Program.ControlHistory(ctx, a.Workspace, control.Key)
		if err != nil {
			return err
		}
		if g.JSON {
			out := struct {
				controlJSON
				Findings []findingJSON `json:"findings"`
				History  []historyJSON `json:"history"`
			}{toControlJSON(control, artifacts), findingsJSON(findings, control.ID), []historyJSON{}}
			for _, h := range history {
				out.History = append(out.History, historyJSON{jsonTime(h.At), h.Who, h.What, h.Detail})
			}
			return g.printJSON(out)
		}
		fmt.Fprintf(g.out, "%s  %s\n", control.Key, printable(control.Name))
		for _, line := range strings.Split(control.Description, "\n") {
			fmt.Fprintln(g.out, printable(line))
		}
		fmt.Fprintf(g.out, "Owner: %s\nServes: %s\nArtifacts: %d\n", printable(dashIfEmpty(control.Owner)), dashIfEmpty(requirementWords(control.Requirements)), len(artifacts))
		if !control.RetiredAt.IsZero() {
			fmt.Fprintf(g.out, "Retired: %s, %s\n", moment(control.RetiredAt), printable(control.Retired))
		}
		for _, f := range findings {
			if f.Control.ID == control.ID {
				fmt.Fprintf(g.out, "Look at this: %s %s\n", printable(f.Says), f.Do)
			}
		}
		t := newTable(g.out, "when", "who", "what", "detail")
		for _, h := range history {
			t.row(moment(h.At), h.Who, h.What, h.Detail)
		}
		return t.flush()
	})
}

type historyJSON struct {
	At     jsonTime `json:"at"`
	Who    string   `json:"who"`
	What   string   `json:"what"`
	Detail string   `json:"detail"`
}

func dashIfEmpty(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// changed prints a control that was made or changed.
func (g *Globals) changed(c evidence.Control, done string) error {
	if g.JSON {
		return g.printJSON(toControlJSON(c, nil))
	}
	fmt.Fprintf(g.out, "%s %s: %s\n", done, c.Key, printable(c.Name))
	return nil
}

type controlsAddCmd struct {
	Name        string   `required:"" help:"What the organisation does, in a few words." placeholder:"TEXT"`
	Key         string   `help:"Short name such as AC-01; default the next free of C-01, C-02, …" placeholder:"KEY"`
	Description string   `help:"What it is in full." placeholder:"TEXT"`
	Owner       string   `help:"A person or a role." placeholder:"TEXT"`
	Requirement []string `help:"A requirement that it serves, as framework:id (repeatable)." placeholder:"soc2:CC6.1" sep:"none"`
}

func (c *controlsAddCmd) Run(ctx context.Context, g *Globals) error {
	refs, err := program.ParseRequirements(c.Requirement)
	if err != nil {
		return badInput(err)
	}
	return g.withNew(ctx, func(a *app.App) error {
		made, err := a.Program.AddControl(ctx, caller(a), program.ControlDraft{Key: c.Key, Name: c.Name, Description: c.Description, Owner: c.Owner, Requirements: refs})
		if err != nil {
			return badInput(err)
		}
		return g.changed(made, "Made")
	})
}

type controlsEditCmd struct {
	controlID
	Name        *string `help:"New name." placeholder:"TEXT"`
	Description *string `help:"New description." placeholder:"TEXT"`
	Owner       *string `help:"New owner; empty for nobody." placeholder:"TEXT"`
}

func (c *controlsEditCmd) Run(ctx context.Context, g *Globals) error {
	if c.Name == nil && c.Description == nil && c.Owner == nil {
		return usagef("Say what to change: --name, --description or --owner.")
	}
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.EditControl(ctx, caller(a), c.ID, program.ControlEdit{Name: c.Name, Description: c.Description, Owner: c.Owner})
		if err != nil {
			return badInput(err)
		}
		return g.changed(made, "Changed")
	})
}

type mapping struct {
	controlID
	Requirements []string `arg:"" help:"Requirements as framework:id, such as soc2:CC6.1."`
}

func (c *mapping) run(ctx context.Context, g *Globals, done string, change func(*app.App, []evidence.RequirementRef) (evidence.Control, error)) error {
	refs, err := program.ParseRequirements(c.Requirements)
	if err != nil {
		return badInput(err)
	}
	return g.with(ctx, func(a *app.App) error {
		made, err := change(a, refs)
		if err != nil {
			return badInput(err)
		}
		return g.changed(made, done)
	})
}

type controlsMapCmd struct{ mapping }

func (c *controlsMapCmd) Run(ctx context.Context, g *Globals) error {
	return c.run(ctx, g, "Mapped", func(a *app.App, refs []evidence.RequirementRef) (evidence.Control, error) {
		return a.Program.MapControl(ctx, caller(a), c.ID, refs, nil)
	})
}

type controlsUnmapCmd struct{ mapping }

func (c *controlsUnmapCmd) Run(ctx context.Context, g *Globals) error {
	return c.run(ctx, g, "Unmapped", func(a *app.App, refs []evidence.RequirementRef) (evidence.Control, error) {
		return a.Program.MapControl(ctx, caller(a), c.ID, nil, refs)
	})
}

type controlsRetireCmd struct {
	controlID
	Reason string `required:"" help:"Why; kept for ever." placeholder:"TEXT"`
}

func (c *controlsRetireCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.RetireControl(ctx, caller(a), c.ID, c.Reason)
		if err != nil {
			return badInput(err)
		}
		return g.changed(made, "Retired")
	})
}

type controlsCheckCmd struct{}

type findingJSON struct {
	Control string              `json:"control"`
	Code    program.FindingCode `json:"code"`
	Says    string              `json:"says"`
	Do      string              `json:"do"`
}

// findingsJSON gives the findings about one control, or about all if none is named.
func findingsJSON(all []program.Finding, control evidence.ID) []findingJSON {
	out := []findingJSON{}
	for _, f := range all {
		if control == "" || f.Control.ID == control {
			out = append(out, findingJSON{f.Control.Key, f.Code, f.Says, f.Do})
		}
	}
	return out
}

func (c *controlsCheckCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Program.Findings(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"findings": findingsJSON(all, "")})
		}
		if len(all) == 0 {
			fmt.Fprintln(g.out, "Nothing to look at.")
			return nil
		}
		t := newTable(g.out, "control", "finding", "what", "what to do")
		for _, f := range all {
			t.row(f.Control.Key, string(f.Code), f.Says, f.Do)
		}
		return t.flush()
	})
}
