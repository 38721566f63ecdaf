package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/exhibithq/exhibit/internal/app"
)

// errChecks is why doctor and fsck end with exit code 1: the checks themselves have been printed.
var errChecks = errors.New("not every check passed")

type checksJSON struct {
	OK     bool        `json:"ok"`
	Checks []checkJSON `json:"checks"`
}

type checkJSON struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// printChecks prints what doctor or fsck found and fails if anything is wrong.
func (g *Globals) printChecks(checks []app.Check) error {
	out := checksJSON{OK: true, Checks: []checkJSON{}}
	for _, c := range checks {
		out.OK = out.OK && c.OK
		out.Checks = append(out.Checks, checkJSON{c.Name, c.OK, c.Detail})
	}
	if g.JSON {
		if err := g.printJSON(out); err != nil {
			return err
		}
	} else {
		t := newTable(g.out, "check", "result", "detail")
		for _, c := range out.Checks {
			result := "ok"
			if !c.OK {
				result = "FAILED"
			}
			t.row(c.Name, result, c.Detail)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if !out.OK {
		return errChecks
	}
	return nil
}

type doctorCmd struct{}

func (c *doctorCmd) Run(ctx context.Context, g *Globals) error {
	cfg, err := g.config()
	if err != nil {
		return err
	}
	return g.printChecks(app.Doctor(ctx, cfg))
}

type fsckCmd struct {
	Rebuild bool `help:"First make event rows, dictionary and counts again from the pages."`
}

func (c *fsckCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if c.Rebuild {
			bar := g.newProgress("Rebuilding")
			if err := a.Rebuild(ctx, bar.pages); err != nil {
				return err
			}
			bar.done("Rebuilt the event index from the pages.")
		}
		bar := g.newProgress("Checking")
		checks, err := a.Fsck(ctx, bar.pages)
		if err != nil {
			return err
		}
		bar.done("Checked.")
		return g.printChecks(checks)
	})
}

// pages shows work that goes page by page.
func (p *progress) pages(done, total int64) {
	p.update(float64(done)/float64(max(total, 1)), done, "pages")
}

type migrateCmd struct{}

func (c *migrateCmd) Run(ctx context.Context, g *Globals) error {
	cfg, err := g.config()
	if err != nil {
		return err
	}
	from, to, err := app.Migrate(ctx, cfg)
	if err != nil {
		return fmt.Errorf("migrating %s: %w", g.where(), err)
	}
	if g.JSON {
		return g.printJSON(map[string]any{"from": from, "to": to})
	}
	if from == to {
		fmt.Fprintf(g.out, "The schema is at version %d already.\n", to)
		return nil
	}
	fmt.Fprintf(g.out, "Migrated the schema from version %d to %d.\n", from, to)
	return nil
}

type versionCmd struct{}

func (c *versionCmd) Run(_ context.Context, g *Globals) error {
	if g.JSON {
		return g.printJSON(map[string]any{"version": app.Version})
	}
	fmt.Fprintln(g.out, "exhibit", app.Version)
	return nil
}
