package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/sample"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
)

type auditsCmd struct {
	Create  auditsCreateCmd  `cmd:"" help:"Make an audit: a framework and a period."`
	List    auditsListCmd    `cmd:"" help:"The audits of the workspace."`
	Bundle  auditsBundleCmd  `cmd:"" help:"Write all evidence of an audit as one file that proves itself."`
	Sample  auditsSampleCmd  `cmd:"" help:"Draw a sample that anybody can draw again, from the server or from a bundle alone."`
	Replace auditsReplaceCmd `cmd:"" help:"Pass over a member of a sample, with a reason; the next in rank takes its place."`

	Requests auditsRequestsCmd `cmd:"" help:"What auditors asked, and where it stands."`
	Answer   auditsAnswerCmd   `cmd:"" help:"Answer a request of an auditor, with words and an artifact."`
	Auditors auditsAuditorsCmd `cmd:"" help:"Who may enter the room of an audit, and what was opened there."`
}

type auditJSON struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Framework string   `json:"framework"`
	From      jsonTime `json:"from"`
	To        jsonTime `json:"to"`
}

func auditOut(a store.Audit) auditJSON {
	return auditJSON{string(a.ID), a.Name, a.Framework, jsonTime(a.Period.From), jsonTime(a.Period.To)}
}

type auditsCreateCmd struct {
	Framework string   `help:"Framework, such as soc2." required:"" placeholder:"F"`
	From      string   `help:"Start of the period." required:"" placeholder:"T"`
	To        string   `help:"End of the period, which is no longer part of it." required:"" placeholder:"T"`
	Name      string   `help:"Name of the audit." required:"" placeholder:"N"`
	Control   []string `help:"A control that it is about, by id or key; repeatable. Without it: all that serve the framework." placeholder:"C"`
}

func (c *auditsCreateCmd) Run(ctx context.Context, g *Globals) error {
	span, err := period(c.From, c.To, evidence.Span{})
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		var controls []evidence.ID
		for _, key := range c.Control {
			control, err := a.Store.Control(ctx, a.Workspace, key)
			if err != nil {
				return badInput(err)
			}
			controls = append(controls, control.ID)
		}
		made, err := a.Audits.Create(ctx, keyboard(a), audit.CreateRequest{Name: c.Name, Framework: c.Framework, Period: span, Controls: controls})
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(auditOut(made))
		}
		fmt.Fprintf(g.out, "Made audit %s: %s, %s, %s to %s.\nWrite its evidence with: exhibit audits bundle %s -o FILE.zip\n", made.ID, made.Name, made.Framework, moment(made.Period.From), moment(made.Period.To), made.ID)
		return nil
	})
}

type auditsListCmd struct{}

func (c *auditsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Audits.List(ctx, keyboard(a))
		if err != nil {
			return err
		}
		if g.JSON {
			out := []auditJSON{}
			for _, x := range all {
				out = append(out, auditOut(x))
			}
			return g.printJSON(map[string]any{"audits": out})
		}
		t := newTable(g.out, "id", "name", "framework", "from", "to")
		for _, x := range all {
			t.row(string(x.ID), x.Name, x.Framework, moment(x.Period.From), moment(x.Period.To))
		}
		return t.flush()
	})
}

type auditsBundleCmd struct {
	Audit  string `arg:"" help:"The audit, by id or name."`
	Output string `short:"o" help:"File to write." required:"" placeholder:"FILE"`
}

func (c *auditsBundleCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		bar := g.newProgress("Bundle")
		var made audit.Made
		err := writeFile(c.Output, func(out io.Writer) (err error) {
			made, err = a.Audits.Bundle(ctx, keyboard(a), c.Audit, out, func(step string, done, total int64) {
				bar.update(float64(done)/float64(max(total, 1)), done, step)
			})
			return err
		})
		if err != nil {
			return err
		}
		bar.done("Wrote the bundle.")
		if g.JSON {
			return g.printJSON(map[string]any{"audit": made.Audit.ID, "file": c.Output, "sha256": made.SHA256, "leaves": made.Leaves, "bundle": made.ID, "bytes": made.Size,
				"checkpoint": map[string]any{"size": made.Checkpoint.Size, "root": made.Checkpoint.Root.String(), "vkey": made.Checkpoint.VKey}})
		}
		fmt.Fprintf(g.out, "Wrote %s: %s bytes, %s leaves of the log, SHA-256 %s.\nThe log is at %s.\nIts verifier key, to be given to the auditor by another way than this file:\n%s\n",
			c.Output, count(made.Size), count(made.Leaves), made.SHA256, made.Checkpoint.Pin(), made.Checkpoint.VKey)
		return nil
	})
}

// writeFile writes beside path and renames, so that a file of that name is a whole one.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".exhibit-*")
	if err != nil {
		return usagef("%s cannot be written: %v", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	out := bufio.NewWriterSize(f, 1<<18)
	if err := write(out); err != nil {
		return err
	}
	if err := errors.Join(out.Flush(), f.Chmod(0o600), f.Sync()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

type auditsSampleCmd struct {
	Audit      string `arg:"" help:"The audit, by id or name; with --bundle the bundle's file."`
	Population string `help:"Stream, with filters if you like: \"signinattempts result=failed\"." required:"" placeholder:"P"`
	Seed       string `help:"Text that the auditor chooses." required:"" placeholder:"S"`
	Size       int    `help:"How many." required:"" placeholder:"N"`
	Bundle     bool   `help:"Draw from a bundle alone: no database is opened."`
	Output     string `short:"o" help:"Attribute sheet to write: FILE.csv or FILE.xlsx." placeholder:"FILE"`
}

func (c *auditsSampleCmd) Run(ctx context.Context, g *Globals) error {
	if c.Bundle {
		return c.fromBundle(g)
	}
	return g.with(ctx, func(a *app.App) error {
		d, err := a.Audits.Sample(ctx, keyboard(a), c.Audit, c.Population, c.Seed, c.Size)
		if err != nil {
			return err
		}
		return g.printSample(string(d.ID), c.Population, c.Seed, d.Sample.Members, d.Members, c.Output)
	})
}

func (c *auditsSampleCmd) fromBundle(g *Globals) error {
	f, err := os.Open(c.Audit)
	if err != nil {
		return usagef("The bundle cannot be opened: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return usagef("The bundle cannot be opened: %v", err)
	}
	r, err := bundle.Open(f, info.Size())
	if err != nil {
		return err
	}
	members, n, err := audit.SampleBundle(r, all.Kinds(), c.Population, c.Seed, c.Size)
	if err != nil {
		return err
	}
	return g.printSample("", c.Population, c.Seed, n, members, c.Output)
}

type sampledJSON struct {
	Rank   int      `json:"rank"`
	UUID   string   `json:"uuid"`
	Time   jsonTime `json:"time"`
	Action string   `json:"action"`
	Person string   `json:"person"`
}

// printSample prints a sample and writes its attribute sheet.
func (g *Globals) printSample(id, population, seed string, n int64, members []sample.Member, output string) error {
	if err := writeSheet(output, members); err != nil {
		return err
	}
	if g.JSON {
		list := []sampledJSON{}
		for _, m := range members {
			list = append(list, sampledJSON{m.Rank, m.Facts.UUID, jsonTime(m.Facts.At), m.Facts.Action, cmp.Or(m.Facts.Person.Email, m.Facts.Person.Name, m.Facts.Person.UUID)})
		}
		return g.printJSON(map[string]any{"id": id, "population": population, "seed": seed, "members": n, "sample": list})
	}
	t := newTable(g.out, "rank", "uuid", "time", "action", "person")
	for _, m := range members {
		t.row(fmt.Sprint(m.Rank), m.Facts.UUID, moment(m.Facts.At), m.Facts.Action, cmp.Or(m.Facts.Person.Email, m.Facts.Person.Name, m.Facts.Person.UUID))
	}
	if err := t.flush(); err != nil {
		return err
	}
	fmt.Fprintf(g.err, "%d of %s events of %s, seed %q. %s\n", len(members), count(n), population, seed, id)
	return nil
}

// writeSheet writes an attribute sheet as CSV or XLSX, by the name of the file; no name writes none.
func writeSheet(path string, members []sample.Member) error {
	form := strings.TrimPrefix(filepath.Ext(path), ".")
	switch {
	case path == "":
		return nil
	case form != "csv" && form != "xlsx":
		return usagef("The attribute sheet is written as FILE.csv or FILE.xlsx.")
	}
	return writeFile(path, func(out io.Writer) error { return audit.WriteSheet(out, members, form) })
}

type auditsReplaceCmd struct {
	Audit  string `arg:"" help:"The audit, by id or name."`
	Sample string `arg:"" help:"The sample's id."`
	Rank   int    `help:"Rank of the member to pass over." required:"" placeholder:"R"`
	Reason string `help:"Why." required:"" placeholder:"TEXT"`
	Output string `short:"o" help:"Attribute sheet to write: FILE.csv or FILE.xlsx." placeholder:"FILE"`
}

func (c *auditsReplaceCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		d, err := a.Audits.Replace(ctx, keyboard(a), c.Audit, evidence.ID(c.Sample), c.Rank, c.Reason)
		if err != nil {
			return err
		}
		return g.printSample(string(d.ID), d.Population, d.Seed, d.Sample.Members, d.Members, c.Output)
	})
}
