package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
)

type actionsCmd struct {
	List    actionsListCmd    `cmd:"" help:"List actions with owner, due date and artifacts."`
	Show    actionsShowCmd    `cmd:"" help:"One action with what it asks for, what has arrived, and its history."`
	Add     actionsAddCmd     `cmd:"" help:"Make an action."`
	Edit    actionsEditCmd    `cmd:"" help:"Change an action; what is not named stays."`
	Move    actionsMoveCmd    `cmd:"" help:"Move an action on the board: open, in_progress or done."`
	Done    actionsDoneCmd    `cmd:"" help:"Mark an action as done; the next of its series is made."`
	Reopen  actionsReopenCmd  `cmd:"" help:"Take back that an action is done."`
	Comment actionsCommentCmd `cmd:"" help:"Comment on an action; it is kept for ever, and an @ and a name tell that member."`
	Accept  actionsAcceptCmd  `cmd:"" help:"Let an action ask for a recipe that its words propose."`
	Retire  actionsRetireCmd  `cmd:"" help:"Take an action out of use with a reason; nothing is deleted."`
}

type actionJSON struct {
	ID          evidence.ID                `json:"id"`
	Key         string                     `json:"key"`
	Title       string                     `json:"title"`
	Description string                     `json:"description"`
	Control     string                     `json:"control"`
	Status      evidence.ActionStatus      `json:"status"`
	State       program.State              `json:"state"`
	Overdue     bool                       `json:"overdue"`
	Owner       string                     `json:"owner"`
	Delegate    string                     `json:"delegate"`
	Due         jsonTime                   `json:"due"`
	Cadence     evidence.Cadence           `json:"cadence"`
	Recipe      string                     `json:"recipe"`
	Requests    []evidence.EvidenceRequest `json:"requests"`
	Open        []evidence.EvidenceRequest `json:"open"`
	Artifacts   []evidence.ID              `json:"artifacts"`
	Series      string                     `json:"series,omitempty"`
	Note        string                     `json:"note,omitempty"`
	Retired     string                     `json:"retired,omitempty"`
	Revision    int                        `json:"revision"`
}

func toActionJSON(v program.ActionView) actionJSON {
	x := v.Action
	return actionJSON{ID: x.ID, Key: x.Key, Title: x.Title, Description: x.Description, Control: v.ControlKey, Status: x.Status, State: v.State, Overdue: v.Overdue,
		Owner: x.Owner, Delegate: x.Delegate, Due: jsonTime(x.Due), Cadence: x.Cadence, Recipe: x.Recipe, Requests: x.Asks(), Open: append([]evidence.EvidenceRequest{}, v.Open...),
		Artifacts: orEmpty(v.Artifacts), Series: x.Series, Note: x.Note, Retired: x.Retired, Revision: x.Revision}
}

type actionsListCmd struct {
	Overdue   bool   `help:"Only what should have been done by now."`
	State     string `help:"Only what stands so: overdue, due_soon, open, in_progress, in_review, done or retired." placeholder:"STATE"`
	Owner     string `help:"Only what this person owns or does for the owner." placeholder:"NAME"`
	Control   string `help:"Only what proves this control." placeholder:"KEY"`
	Framework string `help:"Only what proves a control of this framework." placeholder:"ID"`
	Due       string `help:"Only what is overdue, is due within a week or month, or has no date (none)." placeholder:"WHEN"`
	Evidence  string `help:"Only where some evidence is attached, none is, or something asked for is missing." placeholder:"some|none|missing"`
	Text      string `help:"Only those whose key, title or description hold this text." placeholder:"TEXT"`
	All       bool   `help:"Retired ones too."`
}

func (c *actionsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		views, err := a.Program.FilteredActions(ctx, a.Workspace, program.ActionFilter{State: program.State(c.State), Owner: c.Owner, Control: c.Control, Framework: c.Framework, Due: c.Due, Evidence: c.Evidence, Text: c.Text, Retired: c.All})
		if err != nil {
			return badInput(err)
		}
		list := []actionJSON{}
		for _, v := range views {
			if !c.Overdue || v.Overdue {
				list = append(list, toActionJSON(v))
			}
		}
		if g.JSON {
			return g.printJSON(map[string]any{"actions": list})
		}
		if len(list) == 0 {
			fmt.Fprintln(g.out, "No actions. Make one with exhibit actions add, or the starter set with \"exhibit frameworks use soc2\".")
			return nil
		}
		t := newTable(g.out, "key", "title", "control", "status", "owner", "due", "asks for", "artifacts")
		for _, x := range list {
			status := strings.ToLower(x.State.Words())
			if x.Overdue {
				status = "OVERDUE"
			}
			t.row(x.Key, x.Title, x.Control, status, x.Owner, moment(time.Time(x.Due)), program.RequestWords(x.Requests), fmt.Sprint(len(x.Artifacts)))
		}
		return t.flush()
	})
}

type actionID struct {
	ID string `arg:"" help:"Key or id of the action."`
}

type actionsShowCmd struct{ actionID }

func (c *actionsShowCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Program.Action(ctx, a.Workspace, c.ID)
		if err != nil {
			return err
		}
		history, err := a.Program.ActionHistory(ctx, a.Workspace, v.Action.Key)
		if err != nil {
			return err
		}
		comments, err := a.Program.Comments(ctx, a.Workspace, v.Action.ID)
		if err != nil {
			return err
		}
		if g.JSON {
			out := struct {
				actionJSON
				Comments []commentJSON `json:"comments"`
				History  []historyJSON `json:"history"`
			}{toActionJSON(v), []commentJSON{}, []historyJSON{}}
			for _, x := range comments {
				out.Comments = append(out.Comments, toCommentJSON(x))
			}
			for _, h := range history {
				out.History = append(out.History, historyJSON{jsonTime(h.At), h.Who, h.What, h.Detail})
			}
			return g.printJSON(out)
		}
		x := v.Action
		fmt.Fprintf(g.out, "%s  %s  (%s)\n", x.Key, printable(x.Title), strings.ToLower(v.State.Words()))
		for _, line := range strings.Split(x.Description, "\n") {
			fmt.Fprintln(g.out, printable(line))
		}
		fmt.Fprintf(g.out, "Owner: %s\nDelegated to: %s\nDue: %s, %s\nProves: %s\n", printable(dashIfEmpty(x.Owner)), printable(dashIfEmpty(x.Delegate)), moment(x.Due), x.Cadence, dashIfEmpty(v.ControlKey))
		fmt.Fprintf(g.out, "Asks for: %s\n", printable(program.RequestWords(x.Asks())))
		matches, err := a.Program.Matches(ctx, a.Workspace, v)
		if err != nil {
			return err
		}
		for _, m := range matches {
			fmt.Fprintf(g.out, "Proposed: %s. %s\n", m.Recipe, printable(m.Reason()))
		}
		if len(v.Open) > 0 {
			fmt.Fprintf(g.out, "Not arrived: %s\n", printable(program.RequestWords(v.Open)))
		}
		if !x.DoneAt.IsZero() {
			fmt.Fprintf(g.out, "Done: %s by %s. %s\n", moment(x.DoneAt), printable(x.DoneBy), printable(x.Note))
		}
		if !x.RetiredAt.IsZero() {
			fmt.Fprintf(g.out, "Retired: %s, %s\n", moment(x.RetiredAt), printable(x.Retired))
		}
		t := newTable(g.out, "when", "who", "what", "detail")
		for _, h := range history {
			t.row(moment(h.At), h.Who, h.What, h.Detail)
		}
		return t.flush()
	})
}

// acted prints an action that was made or changed, as it stands.
func (g *Globals) acted(ctx context.Context, a *app.App, x evidence.Action, err error, done string) error {
	if err != nil {
		return badInput(err)
	}
	v, err := a.Program.Action(ctx, a.Workspace, string(x.ID))
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(toActionJSON(v))
	}
	fmt.Fprintf(g.out, "%s %s: %s\n", done, x.Key, printable(x.Title))
	return nil
}

// dueDay reads the day until whose end something is due; empty is no date.
func dueDay(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, usagef("%q is no day. Write it as 2026-12-14.", s)
	}
	return day.AddDate(0, 0, 1).Add(-time.Second), nil
}

func evidenceRequests(all []string) ([]evidence.EvidenceRequest, error) {
	var out []evidence.EvidenceRequest
	for _, s := range all {
		r, err := program.ParseRequest(s)
		if err != nil {
			return nil, badInput(err)
		}
		out = append(out, r)
	}
	return out, nil
}

type actionsAddCmd struct {
	Title       string   `required:"" help:"What is to be done, in a few words." placeholder:"TEXT"`
	Key         string   `help:"Short name; default the next free of A-01, A-02, …" placeholder:"KEY"`
	Description string   `help:"What it is in full." placeholder:"TEXT"`
	Control     string   `help:"The control that it proves." placeholder:"KEY"`
	Owner       string   `help:"A member or a role." placeholder:"TEXT"`
	Delegate    string   `help:"Who does it for the owner." placeholder:"TEXT"`
	Due         string   `help:"Until the end of this day, UTC." placeholder:"DAY"`
	Cadence     string   `help:"once, weekly, monthly, quarterly or yearly." default:"once" placeholder:"CADENCE"`
	Evidence    []string `help:"Evidence that it asks for: a recipe with its parameters, or an upload (repeatable)." placeholder:"failed-sign-ins|upload:TEXT" sep:"none"`
}

func (c *actionsAddCmd) Run(ctx context.Context, g *Globals) error {
	due, err := dueDay(c.Due)
	if err != nil {
		return err
	}
	requests, err := evidenceRequests(c.Evidence)
	if err != nil {
		return err
	}
	return g.withNew(ctx, func(a *app.App) error {
		made, err := a.Program.AddAction(ctx, caller(a), program.ActionDraft{Key: c.Key, Control: c.Control, Title: c.Title, Description: c.Description,
			Owner: c.Owner, Delegate: c.Delegate, Due: due, Cadence: evidence.Cadence(c.Cadence), Requests: requests})
		return g.acted(ctx, a, made, err, "Made")
	})
}

type actionsEditCmd struct {
	actionID
	Title       *string  `help:"New title." placeholder:"TEXT"`
	Description *string  `help:"New description." placeholder:"TEXT"`
	Control     *string  `help:"The control that it proves; empty for none." placeholder:"KEY"`
	Owner       *string  `help:"New owner; empty for nobody." placeholder:"TEXT"`
	Delegate    *string  `help:"Who does it for the owner; empty for nobody." placeholder:"TEXT"`
	Due         *string  `help:"Until the end of this day, UTC; empty for no date." placeholder:"DAY"`
	Cadence     *string  `help:"once, weekly, monthly, quarterly or yearly." placeholder:"CADENCE"`
	Evidence    []string `help:"All evidence that it is to ask for, in place of what it asks for (repeatable)." placeholder:"failed-sign-ins|upload:TEXT" sep:"none"`
}

func (c *actionsEditCmd) Run(ctx context.Context, g *Globals) error {
	e := program.ActionEdit{Title: c.Title, Description: c.Description, Control: c.Control, Owner: c.Owner, Delegate: c.Delegate}
	if c.Due != nil {
		due, err := dueDay(*c.Due)
		if err != nil {
			return err
		}
		e.Due = &due
	}
	if c.Cadence != nil {
		cadence := evidence.Cadence(*c.Cadence)
		e.Cadence = &cadence
	}
	if c.Evidence != nil {
		requests, err := evidenceRequests(c.Evidence)
		if err != nil {
			return err
		}
		e.Requests = &requests
	}
	if e == (program.ActionEdit{}) {
		return usagef("Say what to change: --title, --description, --control, --owner, --delegate, --due, --cadence or --evidence.")
	}
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.EditAction(ctx, caller(a), c.ID, e)
		return g.acted(ctx, a, made, err, "Changed")
	})
}

type actionsMoveCmd struct {
	actionID
	Status string `arg:"" help:"open, in_progress or done."`
}

func (c *actionsMoveCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.Move(ctx, caller(a), c.ID, evidence.ActionStatus(c.Status))
		return g.acted(ctx, a, made, err, "Moved")
	})
}

type actionsDoneCmd struct {
	actionID
	Note string `help:"What was found and what was done; kept with the action." placeholder:"TEXT"`
}

func (c *actionsDoneCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.Done(ctx, caller(a), c.ID, c.Note)
		return g.acted(ctx, a, made, err, "Done")
	})
}

type actionsReopenCmd struct {
	actionID
	Reason string `help:"Why; kept in its history." placeholder:"TEXT"`
}

func (c *actionsReopenCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.Reopen(ctx, caller(a), c.ID, c.Reason)
		return g.acted(ctx, a, made, err, "Opened again")
	})
}

type commentJSON struct {
	ID       evidence.ID   `json:"id"`
	At       jsonTime      `json:"at"`
	Who      string        `json:"who"`
	Text     string        `json:"text"`
	Mentions []evidence.ID `json:"mentions"`
}

func toCommentJSON(x evidence.Comment) commentJSON {
	return commentJSON{x.ID, jsonTime(x.At), x.Who, x.Text, orEmpty(x.Mentions)}
}

type actionsAcceptCmd struct {
	actionID
	Recipe string `arg:"" help:"The recipe, as exhibit actions show proposes it."`
}

func (c *actionsAcceptCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.AcceptMatch(ctx, caller(a), c.ID, c.Recipe)
		return g.acted(ctx, a, made, err, "Changed")
	})
}

type actionsCommentCmd struct {
	actionID
	Text string `arg:"" help:"What is to be said."`
}

func (c *actionsCommentCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.Comment(ctx, caller(a), c.ID, c.Text)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(toCommentJSON(made))
		}
		fmt.Fprintf(g.out, "Commented on %s; it mentions %d.\n", printable(c.ID), len(made.Mentions))
		return nil
	})
}

type actionsRetireCmd struct {
	actionID
	Reason string `required:"" help:"Why; kept for ever." placeholder:"TEXT"`
}

func (c *actionsRetireCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Program.RetireAction(ctx, caller(a), c.ID, c.Reason)
		return g.acted(ctx, a, made, err, "Retired")
	})
}
