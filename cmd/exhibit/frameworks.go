package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/program"
)

type frameworksCmd struct {
	List    frameworksListCmd    `cmd:"" help:"List the frameworks that Exhibit knows and those that the workspace loaded."`
	Show    frameworksShowCmd    `cmd:"" help:"The requirements of a framework with the controls that serve each."`
	Import  frameworksImportCmd  `cmd:"" help:"Load an OSCAL catalogue (JSON) or a CSV file with the columns id, title, text, parent."`
	Profile frameworksProfileCmd `cmd:"" help:"Tell what the company is like, or show what was told."`
	Adopt   frameworksAdoptCmd   `cmd:"" help:"Take frameworks into use and make the starter controls and actions that suit the profile."`
	Use     frameworksUseCmd     `cmd:"" help:"Use a framework in the workspace: makes its starter controls and actions."`
	Matrix  frameworksMatrixCmd  `cmd:"" help:"Requirements or controls by month with verdict, freshness, coverage and integrity, as CSV."`
}

type frameworksListCmd struct{}

type frameworkJSON struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Version      string    `json:"version"`
	Date         string    `json:"date"`
	Publisher    string    `json:"publisher"`
	Licence      string    `json:"licence"`
	Source       string    `json:"source"`
	Requirements int       `json:"requirements"`
	Loaded       int       `json:"loaded_revision"`
	InUseSince   *jsonTime `json:"in_use_since"`
}

func (c *frameworksListCmd) Run(ctx context.Context, g *Globals) error {
	list, err := g.frameworks(ctx)
	if err != nil {
		return err
	}
	out := []frameworkJSON{}
	t := newTable(g.out, "id", "name", "version", "requirements", "from", "in use since")
	for _, f := range list {
		j := frameworkJSON{ID: f.ID, Name: f.Name, Version: f.Version, Date: f.Date, Publisher: f.Publisher, Licence: f.Licence, Source: f.Source, Requirements: len(f.Requirements)}
		from, since := "Exhibit", "–"
		if f.Loaded != nil {
			j.Loaded, from = f.Loaded.Revision, fmt.Sprintf("%s, revision %d", f.Loaded.File, f.Loaded.Revision)
		}
		if f.InUse() {
			at := jsonTime(f.Since)
			j.InUseSince, since = &at, f.Since.UTC().Format(time.DateOnly)
		}
		out = append(out, j)
		t.row(f.ID, f.Name, f.Version, fmt.Sprint(len(f.Requirements)), from, since)
	}
	if g.JSON {
		return g.printJSON(map[string]any{"frameworks": out})
	}
	return t.flush()
}

// frameworks gives those of the workspace, or those that come with Exhibit where there is no database yet.
func (g *Globals) frameworks(ctx context.Context) (list []program.Framework, err error) {
	err = g.with(ctx, func(a *app.App) error {
		list, err = a.Program.Frameworks(ctx, a.Workspace)
		return err
	})
	if evidence.ErrorCode(err) != evidence.NotFound {
		return list, err
	}
	shipped, err := framework.Frameworks()
	for _, f := range shipped {
		list = append(list, program.Framework{Framework: f, Shipped: true})
	}
	return list, err
}

type frameworksShowCmd struct {
	Framework string `arg:"" help:"Id of the framework, such as soc2."`
}

type servedJSON struct {
	framework.Requirement
	Controls []string `json:"controls"`
}

func (c *frameworksShowCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		f, err := a.Program.Framework(ctx, a.Workspace, c.Framework)
		if err != nil {
			return err
		}
		controls, err := a.Program.Controls(ctx, a.Workspace)
		if err != nil {
			return err
		}
		serving := map[string][]string{}
		for _, v := range controls {
			for _, r := range v.Control.Requirements {
				if r.Framework == f.ID && v.Control.RetiredAt.IsZero() {
					serving[r.ID] = append(serving[r.ID], v.Control.Key)
				}
			}
		}
		if g.JSON {
			list := []servedJSON{}
			for _, r := range f.Requirements {
				list = append(list, servedJSON{r, orEmpty(serving[r.ID])})
			}
			return g.printJSON(map[string]any{"id": f.ID, "name": f.Name, "title": f.Title, "version": f.Version, "licence": f.Licence, "source": f.Source, "requirements": list})
		}
		fmt.Fprintf(g.out, "%s, %s\n%s\n", printable(f.Title), printable(f.Version), printable(f.Licence))
		t := newTable(g.out, "requirement", "title", "controls")
		for _, r := range f.Requirements {
			title := r.Title
			if r.Withdrawn {
				title += " (withdrawn)"
			}
			t.row(r.ID, title, dashIfEmpty(strings.Join(serving[r.ID], " ")))
		}
		return t.flush()
	})
}

type frameworksImportCmd struct {
	File   string `arg:"" help:"OSCAL catalogue in JSON, or CSV; - reads standard input."`
	ID     string `help:"Id to keep it under; that of a framework that comes with Exhibit puts your text in its place." placeholder:"ID"`
	Name   string `help:"Name to show." placeholder:"TEXT"`
	DryRun bool   `help:"Only tell what would change."`
}

func (c *frameworksImportCmd) Run(ctx context.Context, g *Globals) error {
	data, err := c.read(g)
	if err != nil {
		return err
	}
	as := framework.Loaded{File: filepath.Base(c.File), ID: c.ID, Name: c.Name}
	if c.File == "-" {
		as.File = "standard input"
	}
	return g.withNew(ctx, func(a *app.App) error {
		load := a.Program.LoadFramework
		if c.DryRun {
			load = a.Program.PreviewFramework
		}
		l, err := load(ctx, caller(a), data, as)
		if err != nil {
			return badInput(err)
		}
		return g.printLoading(l)
	})
}

// read reads the file, one byte more than may be: whoever reads it refuses it then.
func (c *frameworksImportCmd) read(g *Globals) ([]byte, error) {
	in := g.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, usagef("%s cannot be read: %v", c.File, err)
		}
		defer f.Close() //nolint:errcheck // opened for reading
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, framework.MaxFile+1))
	if err != nil {
		return nil, usagef("%s cannot be read: %v", c.File, err)
	}
	return data, nil
}

func (g *Globals) printLoading(l program.Loading) error {
	d := l.Difference
	if g.JSON {
		ids := func(all []framework.Requirement) []string {
			out := []string{}
			for _, r := range all {
				out = append(out, r.ID)
			}
			return out
		}
		changed, orphaned := []string{}, []map[string]string{}
		for _, c := range d.Changed {
			changed = append(changed, c.After.ID)
		}
		for _, o := range l.Orphaned {
			orphaned = append(orphaned, map[string]string{"control": o.Control.Key, "requirement": o.Ref.ID})
		}
		return g.printJSON(map[string]any{"id": l.Framework.ID, "name": l.Framework.Name, "version": l.Framework.Version, "requirements": len(l.Framework.Requirements),
			"revision": l.Revision, "same": l.Same, "sha256": l.SHA256, "added": ids(d.Added), "removed": ids(d.Removed), "changed": changed, "orphaned": orphaned})
	}
	switch {
	case l.Same:
		fmt.Fprintf(g.out, "%s says the same as what is there: nothing was changed.\n", l.Framework.ID)
	case l.Revision > 0:
		fmt.Fprintf(g.out, "Loaded %s (%s) as revision %d: %d requirements.\n", l.Framework.ID, printable(l.Framework.Name), l.Revision, len(l.Framework.Requirements))
	default:
		fmt.Fprintf(g.out, "%s (%s) would be loaded: %d requirements. Nothing was changed.\n", l.Framework.ID, printable(l.Framework.Name), len(l.Framework.Requirements))
	}
	if l.Before != nil {
		fmt.Fprintf(g.out, "%d added, %d removed, %d changed, %d as before.\n", len(d.Added), len(d.Removed), len(d.Changed), d.Same)
	}
	for _, o := range l.Orphaned {
		fmt.Fprintf(g.out, "%s serves %s, which is no longer there; its mapping is kept.\n", o.Control.Key, printable(o.Ref.ID))
	}
	return nil
}

type frameworksProfileCmd struct {
	Industry *string   `help:"What the company does: software, finance, health, retail, public, manufacturing, education, services or other." placeholder:"WORD"`
	Size     *string   `help:"People who work with the password manager: 1-49, 50-249, 250-999 or 1000+." placeholder:"WORD"`
	Systems  *[]string `help:"What else there is, separated by commas: sso, scim, service-accounts, own-devices, card-data, health-data, ai." placeholder:"WORDS"`
}

func (c *frameworksProfileCmd) Run(ctx context.Context, g *Globals) error {
	open := g.with
	if c.Industry != nil || c.Size != nil || c.Systems != nil {
		open = g.withNew
	}
	return open(ctx, func(a *app.App) error {
		p, told, err := a.Program.Profile(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if c.Industry != nil {
			p.Industry = *c.Industry
		}
		if c.Size != nil {
			p.Size = *c.Size
		}
		if c.Systems != nil {
			p.Systems = *c.Systems
		}
		if c.Industry != nil || c.Size != nil || c.Systems != nil {
			if err := a.Program.SetProfile(ctx, caller(a), p); err != nil {
				return badInput(err)
			}
			told = true
		}
		if g.JSON {
			suggested := []map[string]string{}
			for _, s := range p.Suggest() {
				suggested = append(suggested, map[string]string{"framework": s.Framework, "why": s.Why})
			}
			return g.printJSON(map[string]any{"industry": p.Industry, "size": p.Size, "systems": orEmpty(p.Systems), "told": told, "suggested": suggested})
		}
		if !told {
			fmt.Fprintln(g.out, "Nothing was told yet. See exhibit help frameworks profile.")
			return nil
		}
		fmt.Fprintf(g.out, "Industry: %s\nSize: %s\nSystems: %s\n", dashIfEmpty(p.Industry), dashIfEmpty(p.Size), dashIfEmpty(strings.Join(p.Systems, ", ")))
		for _, s := range p.Suggest() {
			fmt.Fprintf(g.out, "Often asked for: %s. %s.\n", s.Framework, s.Why)
		}
		return nil
	})
}

type frameworksAdoptCmd struct {
	Frameworks []string `arg:"" optional:"" help:"Ids of the frameworks; none: those in use."`
	Item       []string `help:"Accept only this item of the proposal, such as control:EX-13 (repeatable)." placeholder:"ITEM"`
	DryRun     bool     `help:"Only show the proposal."`
}

func (c *frameworksAdoptCmd) Run(ctx context.Context, g *Globals) error {
	return g.withNew(ctx, func(a *app.App) error {
		if c.DryRun {
			p, err := a.Program.Propose(ctx, a.Workspace, c.Frameworks)
			if err != nil {
				return badInput(err)
			}
			return g.printProposal(p)
		}
		made, err := a.Program.Adopt(ctx, caller(a), c.Frameworks, c.Item)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"frameworks": orEmpty(made.Frameworks), "controls": made.Controls, "actions": made.Actions, "mapped": made.Mapped})
		}
		fmt.Fprintf(g.out, "Adopted: %s. %d controls and %d actions made, %d controls mapped.\n", dashIfEmpty(strings.Join(made.Frameworks, ", ")), made.Controls, made.Actions, made.Mapped)
		return nil
	})
}

func (g *Globals) printProposal(p program.Proposal) error {
	if g.JSON {
		type itemJSON struct {
			ID           string            `json:"id"`
			Kind         program.ItemKind  `json:"kind"`
			Control      string            `json:"control"`
			Title        string            `json:"title"`
			Why          string            `json:"why"`
			Requirements []requirementJSON `json:"requirements"`
		}
		list := []itemJSON{}
		for _, i := range p.Items {
			j := itemJSON{i.ID, i.Kind, i.Control, i.Title, i.Why, []requirementJSON{}}
			for _, r := range i.Requirements {
				j.Requirements = append(j.Requirements, requirementJSON{r.Framework, r.ID})
			}
			list = append(list, j)
		}
		return g.printJSON(map[string]any{"items": list})
	}
	if len(p.Items) == 0 {
		fmt.Fprintln(g.out, "Nothing to propose: what suits these frameworks is there already.")
		return nil
	}
	t := newTable(g.out, "item", "title", "why", "serves")
	for _, i := range p.Items {
		t.row(i.ID, i.Title, i.Why, requirementWords(i.Requirements))
	}
	return t.flush()
}

type frameworksUseCmd struct {
	Framework string `arg:"" help:"Id of the framework, such as soc2."`
}

// Run makes the starter set that a fresh workspace gets, or for a framework without one what suits the profile.
func (c *frameworksUseCmd) Run(ctx context.Context, g *Globals) error {
	return g.withNew(ctx, func(a *app.App) error {
		s, err := a.Program.Seed(ctx, who(), a.Workspace, c.Framework)
		if evidence.ErrorCode(err) == evidence.NotFound {
			var made program.Adoption
			made, err = a.Program.Adopt(ctx, caller(a), []string{c.Framework}, nil)
			s = program.Seeded{Controls: made.Controls, Actions: made.Actions}
		}
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

type frameworksMatrixCmd struct {
	Framework string `arg:"" help:"Id of the framework, such as soc2."`
	Controls  bool   `help:"Rows are controls instead of requirements."`
	From      string `help:"First day of the period (default six months back)." placeholder:"T"`
	To        string `help:"End of the period (default now)." placeholder:"T"`
}

func (c *frameworksMatrixCmd) Run(ctx context.Context, g *Globals) error {
	now := time.Now().UTC()
	span, err := period(c.From, c.To, evidence.Span{From: program.MonthsBack(now, 6), To: now})
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		m, err := a.Program.Matrix(ctx, a.Workspace, program.MatrixRequest{Framework: c.Framework, Controls: c.Controls, Period: span})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(m.Document())
		}
		return m.WriteCSV(g.out)
	})
}
