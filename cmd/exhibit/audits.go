package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

type auditsCmd struct {
	Create auditsCreateCmd `cmd:"" help:"Make an audit: a framework and a period."`
	List   auditsListCmd   `cmd:"" help:"The audits of the workspace."`
	Bundle auditsBundleCmd `cmd:"" help:"Write all evidence of an audit as one file that proves itself."`
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
	Framework string `help:"Framework, such as soc2." required:"" placeholder:"F"`
	From      string `help:"Start of the period." required:"" placeholder:"T"`
	To        string `help:"End of the period, which is no longer part of it." required:"" placeholder:"T"`
	Name      string `help:"Name of the audit." required:"" placeholder:"N"`
}

func (c *auditsCreateCmd) Run(ctx context.Context, g *Globals) error {
	span, err := period(c.From, c.To, evidence.Span{})
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Audits.Create(ctx, who(), a.Workspace, c.Framework, span, c.Name)
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
		all, err := a.Audits.List(ctx, a.Workspace)
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
			made, err = a.Audits.Bundle(ctx, who(), a.Workspace, c.Audit, out, func(step string, done, total int64) {
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
