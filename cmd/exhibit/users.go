package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
)

type usersCmd struct {
	Add       usersAddCmd       `cmd:"" help:"Make a member; prints a link that signs in once."`
	Invite    usersInviteCmd    `cmd:"" help:"Invite somebody with a role; prints a link that lets him in once, within 24 hours."`
	List      usersListCmd      `cmd:"" help:"List members."`
	Role      usersRoleCmd      `cmd:"" help:"Give a member another role."`
	Suspend   usersSuspendCmd   `cmd:"" help:"Shut a member out at once: sessions, links and API tokens end. His name stays in history."`
	Reinstate usersReinstateCmd `cmd:"" help:"Let a suspended member in again."`
	Link      usersLinkCmd      `cmd:"" help:"Make a new one-time sign-in link for a member, also for one who lost his way in."`
}

type usersAddCmd struct {
	Name  string `required:"" help:"Name of the person." placeholder:"NAME"`
	Email string `required:"" help:"Mail address of the person." placeholder:"ADDRESS"`
	linkFlags
}

// linkFlags say which address a sign-in link begins with.
type linkFlags struct {
	URL string `help:"Address under which people reach the server." default:"http://127.0.0.1:8080" env:"EXHIBIT_URL" name:"url" placeholder:"URL"`
}

// clean gives the address without a slash at its end, and refuses what no link can begin with.
func (f linkFlags) clean() (string, error) { return cleanURL(f.URL) }

// cleanURL checks the address under which people reach the server: scheme and host, as a browser shows them.
func cleanURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", usagef("--url %q is no address of a server. Write scheme and host, such as https://exhibit.example.com.", text)
	}
	return u.Scheme + "://" + u.Host, nil
}

type memberJSON struct {
	ID        evidence.ID `json:"id"`
	Name      string      `json:"name"`
	Email     string      `json:"email"`
	Role      string      `json:"role"`
	CreatedAt jsonTime    `json:"created_at"`
	State     string      `json:"state"`
	JoinedAt  jsonTime    `json:"joined_at"`
	Suspended jsonTime    `json:"suspended_at"`
}

func memberOf(m store.Member) memberJSON {
	return memberJSON{m.ID, m.Name, m.Email, m.Role, jsonTime(m.CreatedAt), m.State(), jsonTime(m.JoinedAt), jsonTime(m.SuspendedAt)}
}

func (c *usersAddCmd) Run(ctx context.Context, g *Globals) error {
	url, err := c.clean()
	if err != nil {
		return err
	}
	return g.withNew(ctx, func(a *app.App) error {
		m, err := a.SignIn.AddMember(ctx, who(), a.Workspace, c.Name, c.Email)
		if err != nil {
			return badInput(err)
		}
		return g.printLink(ctx, a, m.ID, m.Name, url)
	})
}

func (g *Globals) printLink(ctx context.Context, a *app.App, member evidence.ID, name, url string) error {
	link, err := a.SignIn.NewLink(ctx, who(), a.Workspace, member)
	if err != nil {
		return badInput(err)
	}
	return g.showLink(link, name, url)
}

func (g *Globals) showLink(link signin.Link, name, url string) error {
	if g.JSON {
		return g.printJSON(map[string]any{"id": link.Member.ID, "name": name, "url": url + link.Path, "expires_at": jsonTime(link.ExpiresAt)})
	}
	fmt.Fprintf(g.out, "Sign in once at %s%s\nThe link for %s works once, until %s.\n", url, link.Path, printable(name), moment(link.ExpiresAt))
	return nil
}

type usersListCmd struct{}

func (c *usersListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		members, err := a.SignIn.Members(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			list := []memberJSON{}
			for _, m := range members {
				list = append(list, memberOf(m))
			}
			return g.printJSON(map[string]any{"users": list})
		}
		if len(members) == 0 {
			fmt.Fprintln(g.out, "Nobody yet. Make the first administrator: exhibit users add --name NAME --email ADDRESS")
			return nil
		}
		t := newTable(g.out, "id", "name", "email", "role", "state", "since")
		for _, m := range members {
			t.row(string(m.ID), m.Name, m.Email, m.Role, m.State(), m.CreatedAt.Format(time.DateOnly))
		}
		return t.flush()
	})
}

type usersLinkCmd struct {
	Member string `arg:"" help:"Id or mail address of the member."`
	linkFlags
}

func (c *usersLinkCmd) Run(ctx context.Context, g *Globals) error {
	url, err := c.clean()
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		m, err := memberNamed(ctx, a, c.Member)
		if err != nil {
			return err
		}
		return g.printLink(ctx, a, m.ID, m.Name, url)
	})
}

// memberNamed finds a member by id or mail address.
func memberNamed(ctx context.Context, a *app.App, text string) (store.Member, error) {
	members, err := a.SignIn.Members(ctx, a.Workspace)
	if err != nil {
		return store.Member{}, err
	}
	for _, m := range members {
		if string(m.ID) == text || strings.EqualFold(m.Email, text) && text != "" {
			return m, nil
		}
	}
	return store.Member{}, evidence.Errorf(evidence.NotFound, "There is no member %q. \"exhibit users list\" lists them.", text)
}

type usersInviteCmd struct {
	Name  string `required:"" help:"Name of the person." placeholder:"NAME"`
	Email string `required:"" help:"Mail address of the person." placeholder:"ADDRESS"`
	Role  string `required:"" help:"What he may do: admin, collaborator, help_desk, evidence_reviewer, auditor or viewer." placeholder:"ROLE"`
	linkFlags
}

func (c *usersInviteCmd) Run(ctx context.Context, g *Globals) error {
	url, err := c.clean()
	if err != nil {
		return err
	}
	role, err := people.ParseRole(c.Role)
	if err != nil {
		return usagef("--role: %v", err)
	}
	return g.with(ctx, func(a *app.App) error {
		link, err := a.SignIn.Invite(ctx, keyboard(a), signin.InviteRequest{Name: c.Name, Email: c.Email, Role: role})
		if err != nil {
			return badInput(err)
		}
		return g.showLink(link, link.Member.Name, url)
	})
}

type memberArg struct {
	Member string `arg:"" help:"Id or mail address of the member."`
}

// change finds the member, does something about him as the operator, and says what.
func (c memberArg) change(ctx context.Context, g *Globals, says string, do func(a *app.App, op people.Caller, id evidence.ID) (store.Member, error)) error {
	return g.with(ctx, func(a *app.App) error {
		m, err := memberNamed(ctx, a, c.Member)
		if err != nil {
			return err
		}
		if m, err = do(a, keyboard(a), m.ID); err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(memberOf(m))
		}
		fmt.Fprintf(g.out, says+"\n", printable(m.Name), people.Role(m.Role).Title())
		return nil
	})
}

type usersRoleCmd struct {
	memberArg
	Role string `arg:"" help:"admin, collaborator, help_desk, evidence_reviewer, auditor or viewer."`
}

func (c *usersRoleCmd) Run(ctx context.Context, g *Globals) error {
	role, err := people.ParseRole(c.Role)
	if err != nil {
		return usagef("%v", err)
	}
	return c.change(ctx, g, "%s is %s from the next request on.", func(a *app.App, op people.Caller, id evidence.ID) (store.Member, error) {
		return a.SignIn.ChangeRole(ctx, op, id, role)
	})
}

type usersSuspendCmd struct{ memberArg }

func (c *usersSuspendCmd) Run(ctx context.Context, g *Globals) error {
	return c.change(ctx, g, "Suspended %s (%s). Sessions, links and API tokens have ended.", func(a *app.App, op people.Caller, id evidence.ID) (store.Member, error) {
		return a.SignIn.Suspend(ctx, op, id)
	})
}

type usersReinstateCmd struct{ memberArg }

func (c *usersReinstateCmd) Run(ctx context.Context, g *Globals) error {
	return c.change(ctx, g, "Reinstated %s (%s). Make a link if there is no other way in: exhibit users link.", func(a *app.App, op people.Caller, id evidence.ID) (store.Member, error) {
		return a.SignIn.Reinstate(ctx, op, id)
	})
}
