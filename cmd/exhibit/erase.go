package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/erasure"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type eraseCmd struct {
	Plan     erasePlanCmd     `cmd:"" help:"Show what the erasure of a person would do, and what keeps it from being done. Changes nothing."`
	Run      eraseRunCmd      `cmd:"" help:"Erase the data of a person for good. What is left stays proven."`
	Continue eraseContinueCmd `cmd:"" help:"Bring an erasure to its end that was interrupted."`
	List     eraseListCmd     `cmd:"" help:"List what was erased; not of whom."`
}

type streamCountJSON struct {
	Connection evidence.ID     `json:"connection"`
	Stream     evidence.Stream `json:"stream"`
	Records    int64           `json:"records"`
	Pages      int64           `json:"pages"`
	From       jsonTime        `json:"from"`
	To         jsonTime        `json:"to"`
}

type versionRefJSON struct {
	Artifact evidence.ID `json:"artifact"`
	Version  int64       `json:"version"`
	Recipe   string      `json:"recipe"`
	From     jsonTime    `json:"from"`
	To       jsonTime    `json:"to"`
}

// planJSON is the shape of "erase plan --json".
type planJSON struct {
	UUIDs     []string          `json:"uuids"`
	Emails    []string          `json:"emails"`
	Names     []string          `json:"names"`
	Records   int64             `json:"records"`
	Pages     int64             `json:"pages"`
	Streams   []streamCountJSON `json:"streams"`
	Artifacts []versionRefJSON  `json:"artifacts"`
	Uploads   int               `json:"uploads_not_searched"`
	Exports   int               `json:"exports"`
	Holds     []evidence.ID     `json:"holds"`
	Held      string            `json:"held"`
}

func toPlanJSON(p erasure.Plan) planJSON {
	out := planJSON{UUIDs: append([]string{}, p.Subject.UUIDs...), Emails: append([]string{}, p.Subject.Emails...), Names: append([]string{}, p.Subject.Names...), Records: p.Records, Pages: p.Pages,
		Streams: []streamCountJSON{}, Artifacts: []versionRefJSON{}, Uploads: p.Uploads, Exports: p.Exports, Holds: []evidence.ID{}, Held: p.Held()}
	for _, x := range p.Streams {
		out.Streams = append(out.Streams, streamCountJSON{x.Connection, x.Stream, x.Records, x.Pages, jsonTime(x.From), jsonTime(x.To)})
	}
	for _, v := range p.Artifacts {
		out.Artifacts = append(out.Artifacts, versionRefJSON{v.Artifact, v.Version, v.Recipe, jsonTime(v.Period.From), jsonTime(v.Period.To)})
	}
	for _, h := range p.Holds {
		out.Holds = append(out.Holds, h.ID)
	}
	return out
}

type erasePlanCmd struct {
	Subject string `help:"The person, by the e-mail address or the uuid that 1Password knows." required:"" placeholder:"WHO"`
}

func (c *erasePlanCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		p, err := a.Erasure.Plan(ctx, keyboard(a), c.Subject)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(toPlanJSON(p))
		}
		return g.printPlan(p)
	})
}

// printPlan says in words what would go.
func (g *Globals) printPlan(p erasure.Plan) error {
	fmt.Fprintf(g.out, "Found by: %s\n", printable(strings.Join(append(append([]string{}, p.Subject.UUIDs...), p.Subject.Emails...), ", ")))
	if len(p.Subject.Names) > 0 {
		fmt.Fprintf(g.out, "Named as: %s\n", printable(strings.Join(p.Subject.Names, ", ")))
	}
	if p.Nothing() {
		fmt.Fprintln(g.out, "Nothing that is kept here names this person.")
		return nil
	}
	fmt.Fprintf(g.out, "\n%s records of %s pages would be erased, and the files of %d versions of artifacts; %d files of events that people took away are removed.\n\n", count(p.Records), count(p.Pages), len(p.Artifacts), p.Exports)
	t := newTable(g.out, "connection", "stream", "records", "pages", "from", "to")
	for _, x := range p.Streams {
		t.row(string(x.Connection), string(x.Stream), count(x.Records), count(x.Pages), moment(x.From), moment(x.To))
	}
	if err := t.flush(); err != nil {
		return err
	}
	if len(p.Artifacts) > 0 {
		fmt.Fprintln(g.out)
		t := newTable(g.out, "artifact", "version", "recipe", "from", "to")
		for _, v := range p.Artifacts {
			t.row(string(v.Artifact), fmt.Sprint(v.Version), v.Recipe, moment(v.Period.From), moment(v.Period.To))
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if p.Uploads > 0 {
		fmt.Fprintf(g.out, "\nNot looked into: %d versions of uploads, which people handed in.\n", p.Uploads)
	}
	if held := p.Held(); held != "" {
		fmt.Fprintf(g.out, "\n%s\n", printable(held))
	}
	return nil
}

type eraseRunCmd struct {
	Subject string `help:"The person, by the e-mail address or the uuid that 1Password knows." required:"" placeholder:"WHO"`
	Basis   string `help:"Ground of article 17(1) GDPR: ${enum}." enum:"art17-1a,art17-1b,art17-1c,art17-1d,art17-1e,art17-1f,other" required:"" placeholder:"BASIS"`
	Reason  string `help:"Why, in words that do not name the person: it is kept." required:"" placeholder:"TEXT"`
	Yes     bool   `help:"Yes, erase it for good. Without this the plan is shown and nothing is changed."`
}

func (c *eraseRunCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if !c.Yes {
			p, err := a.Erasure.Plan(ctx, keyboard(a), c.Subject)
			if err != nil {
				return badInput(err)
			}
			if err := g.printPlan(p); err != nil {
				return err
			}
			return usagef("Nothing was erased. It cannot be undone: say --yes to do it.")
		}
		bar := g.newProgress("Erasing")
		e, err := a.Erasure.Run(ctx, keyboard(a), erasure.RunRequest{Subject: c.Subject, Basis: evidence.Basis(c.Basis), Reason: c.Reason}, func(step string, done, total int64) {
			bar.update(float64(done)/float64(max(total, 1)), done, step)
		})
		if err != nil {
			return badInput(err)
		}
		bar.done("Erased.")
		return g.printErasure(e)
	})
}

type eraseContinueCmd struct{}

func (c *eraseContinueCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		e, err := a.Erasure.Continue(ctx, keyboard(a), nil)
		if err != nil {
			return err
		}
		return g.printErasure(e)
	})
}

// erasureJSON is the shape of "erase run --json" and of each of "erase list --json".
type erasureJSON struct {
	ID        evidence.ID    `json:"id"`
	Done      bool           `json:"done"`
	Basis     evidence.Basis `json:"basis"`
	Reason    string         `json:"reason"`
	BegunAt   jsonTime       `json:"begun_at"`
	BegunBy   string         `json:"begun_by"`
	EndedAt   jsonTime       `json:"ended_at"`
	Records   int64          `json:"records"`
	Pages     int64          `json:"pages"`
	Artifacts int64          `json:"artifacts"`
}

func toErasureJSON(e evidence.Erasure) erasureJSON {
	return erasureJSON{e.ID, e.Done, e.Basis, e.Reason, jsonTime(e.BegunAt), e.BegunBy, jsonTime(e.EndedAt), e.Events, e.Pages, e.Artifacts}
}

func (g *Globals) printErasure(e evidence.Erasure) error {
	if g.JSON {
		return g.printJSON(toErasureJSON(e))
	}
	fmt.Fprintf(g.out, "%s: %s records of %s pages and the files of %s versions of artifacts are gone. Backups, and bundles that were handed over, still hold them: see docs/erasure.md.\n", e.ID, count(e.Events), count(e.Pages), count(e.Artifacts))
	return nil
}

type eraseListCmd struct{}

func (c *eraseListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Erasure.List(ctx, keyboard(a))
		if err != nil {
			return err
		}
		if g.JSON {
			list := []erasureJSON{}
			for _, e := range all {
				list = append(list, toErasureJSON(e))
			}
			return g.printJSON(map[string]any{"erasures": list})
		}
		if len(all) == 0 {
			fmt.Fprintln(g.out, "Nothing was erased.")
			return nil
		}
		t := newTable(g.out, "id", "state", "basis", "begun", "by", "records", "pages", "artifacts", "reason")
		for _, e := range all {
			state := "done " + moment(e.EndedAt)
			if !e.Done {
				state = "interrupted: exhibit erase continue"
			}
			t.row(string(e.ID), state, string(e.Basis), moment(e.BegunAt), printable(e.BegunBy), count(e.Events), count(e.Pages), count(e.Artifacts), printable(e.Reason))
		}
		return t.flush()
	})
}
