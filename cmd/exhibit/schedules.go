package main

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type schedulesCmd struct {
	List schedulesListCmd `cmd:"" default:"1" help:"List what the server builds by itself."`
	Add  schedulesAddCmd  `cmd:"" help:"Have a recipe built for each month or quarter, some days after its end."`
	Stop schedulesStopCmd `cmd:"" help:"End a schedule; what it built stays."`
}

// scheduleJSON is the shape of "schedules list --json".
type scheduleJSON struct {
	ID        evidence.ID       `json:"id"`
	Recipe    string            `json:"recipe"`
	Cadence   evidence.Cadence  `json:"cadence"`
	Settle    int               `json:"settle_days"`
	Params    map[string]string `json:"params"`
	NextFrom  jsonTime          `json:"next_from"`
	NextTo    jsonTime          `json:"next_to"`
	NextAt    jsonTime          `json:"next_at"`
	DoneUntil jsonTime          `json:"done_until"`
	Artifact  evidence.ID       `json:"artifact"`
	Failure   string            `json:"failure"`
	StoppedAt jsonTime          `json:"stopped_at"`
}

func toScheduleJSON(x evidence.Schedule) scheduleJSON {
	period, at := x.Next()
	return scheduleJSON{ID: x.ID, Recipe: x.Recipe, Cadence: x.Cadence, Settle: x.Settle, Params: x.Params, NextFrom: jsonTime(period.From), NextTo: jsonTime(period.To), NextAt: jsonTime(at),
		DoneUntil: jsonTime(x.DoneUntil), Artifact: x.Artifact, Failure: x.Failure, StoppedAt: jsonTime(x.StoppedAt)}
}

type schedulesListCmd struct{}

func (c *schedulesListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Artifacts.Schedules(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			list := []scheduleJSON{}
			for _, x := range all {
				list = append(list, toScheduleJSON(x))
			}
			return g.printJSON(map[string]any{"schedules": list})
		}
		if len(all) == 0 {
			fmt.Fprintln(g.out, "Nothing is scheduled. exhibit schedules add failed-sign-ins --every month")
			return nil
		}
		t := newTable(g.out, "id", "recipe", "cadence", "next from", "built on", "done until", "artifact", "state")
		for _, x := range all {
			period, at := x.Next()
			state := "running"
			switch {
			case !x.StoppedAt.IsZero():
				state = "stopped " + moment(x.StoppedAt)
			case x.Failure != "":
				state = "failing: " + printable(x.Failure)
			}
			t.row(string(x.ID), x.Recipe, string(x.Cadence), moment(period.From), moment(at), moment(x.DoneUntil), string(x.Artifact), state)
		}
		return t.flush()
	})
}

type schedulesAddCmd struct {
	Recipe string            `arg:"" help:"Recipe; \"exhibit recipes\" lists them."`
	Every  string            `help:"month or quarter." enum:"month,quarter" default:"month" placeholder:"PERIOD"`
	Settle int               `help:"Days after a period's end until it is built." default:"2" placeholder:"DAYS"`
	Param  map[string]string `help:"Parameter of the recipe (repeatable)." placeholder:"NAME=VALUE"`
	Before bool              `help:"Begin with the period that is over already."`
}

func (c *schedulesAddCmd) Run(ctx context.Context, g *Globals) error {
	cadence := map[string]evidence.Cadence{"month": evidence.Monthly, "quarter": evidence.Quarterly}[c.Every]
	return g.with(ctx, func(a *app.App) error {
		x, err := a.Artifacts.Schedule(ctx, who(), a.Workspace, artifact.ScheduleRequest{Recipe: c.Recipe, Cadence: cadence, Settle: c.Settle, Params: c.Param, Before: c.Before})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(toScheduleJSON(x))
		}
		period, at := x.Next()
		fmt.Fprintf(g.out, "%s: %s is built %s, first for %s to %s, on %s, while \"exhibit serve\" runs.\n", x.ID, x.Recipe, x.Cadence, moment(period.From), moment(period.To), moment(at))
		return nil
	})
}

type schedulesStopCmd struct {
	ID string `arg:"" help:"Id of the schedule."`
}

func (c *schedulesStopCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if err := a.Artifacts.StopSchedule(ctx, who(), a.Workspace, evidence.ID(c.ID)); err != nil {
			return badInput(err)
		}
		fmt.Fprintf(g.out, "%s was stopped. What it built stays.\n", printable(c.ID))
		return nil
	})
}
