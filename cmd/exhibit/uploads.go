package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type artifactsAddCmd struct {
	File      string `arg:"" help:"PDF, PNG, JPEG, CSV, TXT, XLSX, DOCX or JSON, up to 50 MB." placeholder:"FILE"`
	From      string `help:"Start of the period that it is evidence about." placeholder:"T"`
	To        string `help:"End of that period (not included); it may lie ahead." placeholder:"T"`
	Effective string `help:"Since when what it says holds." placeholder:"T"`
	Title     string `help:"Title; default the file's name." placeholder:"TEXT"`
	Artifact  string `help:"Make it a new version of this uploaded artifact, for the same period." placeholder:"ID"`
}

func (c *artifactsAddCmd) Run(ctx context.Context, g *Globals) (err error) {
	req := artifact.UploadRequest{Name: filepath.Base(c.File), Title: c.Title, Artifact: evidence.ID(c.Artifact)}
	if c.Artifact == "" && (c.From == "" || c.To == "") {
		return usagef("Say with --from and --to what period the file is evidence about.")
	}
	for text, into := range map[*string]*time.Time{&c.From: &req.Span.From, &c.To: &req.Span.To, &c.Effective: &req.Effective} {
		if *text == "" {
			continue
		}
		if *into, err = evidence.ParseMoment(*text, time.Now()); err != nil {
			return usagef("%v", err)
		}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return usagef("%s cannot be read: %v", c.File, err)
	}
	defer f.Close()
	req.Body = f
	return g.with(ctx, func(a *app.App) error {
		v, err := a.Artifacts.Upload(ctx, who(), a.Workspace, req)
		if err != nil {
			return badInput(err)
		}
		return g.printArtifact(v)
	})
}

// printUpload tells how a file came, which has no recipe and no counts.
func (g *Globals) printUpload(v artifact.View, h artifact.Handed) {
	l := v.Artifact.Latest
	fmt.Fprintf(g.out, "Uploaded as %s, period %s to %s", printable(h.Name), moment(v.Artifact.Period.From), moment(v.Artifact.Period.To))
	if h.Effective != nil {
		fmt.Fprintf(g.out, ", in effect since %s", moment(*h.Effective))
	}
	fmt.Fprintf(g.out, ".\nHanded in %s by %s.\n", moment(l.BuiltAt), printable(l.BuiltBy))
}
