package main

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
)

type auditsRequestsCmd struct {
	Audit string `arg:"" help:"The audit, by id or name."`
}

type messageJSON struct {
	Op       string   `json:"op"`
	Text     string   `json:"text"`
	Artifact string   `json:"artifact,omitempty"`
	At       jsonTime `json:"at"`
	By       string   `json:"by"`
}

type requestJSON struct {
	ID       string        `json:"id"`
	Control  string        `json:"control,omitempty"`
	Artifact string        `json:"artifact,omitempty"`
	State    string        `json:"state"`
	Due      jsonTime      `json:"due"`
	Overdue  bool          `json:"overdue"`
	Messages []messageJSON `json:"messages"`
}

func (c *auditsRequestsCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		room, err := a.Audits.Room(ctx, keyboard(a), c.Audit, "requests")
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			list := []requestJSON{}
			for _, r := range room.Requests {
				out := requestJSON{ID: string(r.ID), Control: string(r.Control), Artifact: string(r.Artifact), State: string(r.State), Due: jsonTime(r.Due), Overdue: r.Overdue(time.Now()), Messages: []messageJSON{}}
				for _, m := range r.Messages {
					out.Messages = append(out.Messages, messageJSON{string(m.Op), m.Text, string(m.Artifact), jsonTime(m.At), m.By})
				}
				list = append(list, out)
			}
			return g.printJSON(map[string]any{"requests": list})
		}
		if len(room.Requests) == 0 {
			fmt.Fprintln(g.out, "Nothing was asked.")
			return nil
		}
		t := newTable(g.out, "id", "state", "due", "asked by", "question")
		for _, r := range room.Requests {
			due := "-"
			if !r.Due.IsZero() {
				due = r.Due.Format(time.DateOnly)
			}
			t.row(string(r.ID), stateWords(r), due, r.AskedBy, r.Messages[0].Text)
		}
		return t.flush()
	})
}

func stateWords(r store.AuditRequest) string {
	if r.Overdue(time.Now()) {
		return "overdue"
	}
	return string(r.State)
}

type auditsAnswerCmd struct {
	Audit    string `arg:"" help:"The audit, by id or name."`
	Request  string `arg:"" help:"The request's id."`
	Text     string `help:"The answer." required:"" placeholder:"TEXT"`
	Artifact string `help:"An artifact that the answer points to; the auditor must see it." placeholder:"ID"`
}

func (c *auditsAnswerCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if err := a.Audits.Answer(ctx, keyboard(a), c.Audit, evidence.ID(c.Request), c.Text, evidence.ID(c.Artifact)); err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"request": c.Request, "state": store.RequestAnswered})
		}
		fmt.Fprintln(g.out, "Answered.")
		return nil
	})
}

type auditsAuditorsCmd struct {
	List   auditorsListCmd   `cmd:"" help:"Who was let into the room of an audit."`
	Add    auditorsAddCmd    `cmd:"" help:"Let an auditor in; prints a link for who has no account yet."`
	Remove auditorsRemoveCmd `cmd:"" help:"End an auditor's access at once."`
	Trail  auditorsTrailCmd  `cmd:"" help:"What auditors opened and took, newest first."`
}

type auditorsListCmd struct {
	Audit string `arg:"" help:"The audit, by id or name."`
}

func (c *auditorsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		all, err := a.Audits.Auditors(ctx, keyboard(a), c.Audit)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			list := []map[string]any{}
			for _, x := range all {
				list = append(list, map[string]any{"member": x.Member.ID, "name": x.Member.Name, "email": x.Member.Email, "added_at": jsonTime(x.AddedAt), "removed_at": jsonTime(x.RemovedAt)})
			}
			return g.printJSON(map[string]any{"auditors": list})
		}
		t := newTable(g.out, "id", "name", "email", "let in", "let out")
		for _, x := range all {
			out := "-"
			if !x.RemovedAt.IsZero() {
				out = moment(x.RemovedAt)
			}
			t.row(string(x.Member.ID), x.Member.Name, x.Member.Email, moment(x.AddedAt), out)
		}
		return t.flush()
	})
}

type auditorsAddCmd struct {
	Audit string `arg:"" help:"The audit, by id or name."`
	Name  string `required:"" help:"Name of the auditor." placeholder:"NAME"`
	Email string `required:"" help:"Mail address of the auditor." placeholder:"ADDRESS"`
	linkFlags
}

func (c *auditorsAddCmd) Run(ctx context.Context, g *Globals) error {
	url, err := c.clean()
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		in, err := a.Audits.InviteAuditor(ctx, keyboard(a), c.Audit, c.Name, c.Email)
		if err != nil {
			return badInput(err)
		}
		if in.Path != "" {
			return g.showLink(linkOf(in), in.Member.Name, url)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"id": in.Member.ID, "name": in.Member.Name, "url": "", "expires_at": nil})
		}
		fmt.Fprintf(g.out, "%s has an account and is let in.\n", printable(in.Member.Name))
		return nil
	})
}

func linkOf(in audit.Invited) signin.Link {
	return signin.Link{Path: in.Path, Member: in.Member, ExpiresAt: in.ExpiresAt}
}

type auditorsRemoveCmd struct {
	Audit string `arg:"" help:"The audit, by id or name."`
	memberArg
}

func (c *auditorsRemoveCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		m, err := memberNamed(ctx, a, c.Member)
		if err != nil {
			return badInput(err)
		}
		if err := a.Audits.LetOut(ctx, keyboard(a), c.Audit, m.ID); err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"member": m.ID, "removed": true})
		}
		fmt.Fprintln(g.out, "Access is ended.")
		return nil
	})
}

type auditorsTrailCmd struct {
	Audit string `arg:"" help:"The audit, by id or name."`
	Limit int    `help:"How many lines at most." default:"100" placeholder:"N"`
}

func (c *auditorsTrailCmd) Run(ctx context.Context, g *Globals) error {
	if c.Limit < 1 {
		return usagef("--limit must be at least 1.")
	}
	return g.with(ctx, func(a *app.App) error {
		_, lines, err := a.Audits.Trail(ctx, keyboard(a), c.Audit, c.Limit)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			list := []map[string]any{}
			for _, l := range lines {
				list = append(list, map[string]any{"at": jsonTime(l.At), "who": l.Who, "what": l.What, "detail": l.Detail})
			}
			return g.printJSON(map[string]any{"lines": list})
		}
		t := newTable(g.out, "at", "who", "what", "detail")
		for _, l := range lines {
			t.row(moment(l.At), l.Who, l.What, l.Detail)
		}
		return t.flush()
	})
}
