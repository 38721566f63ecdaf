package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type usersCmd struct {
	Add  usersAddCmd  `cmd:"" help:"Make a member; prints a link that signs in once."`
	List usersListCmd `cmd:"" help:"List members."`
	Link usersLinkCmd `cmd:"" help:"Make a new one-time sign-in link for a member."`
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
	if g.JSON {
		return g.printJSON(map[string]any{"id": member, "name": name, "url": url + link.Path, "expires_at": jsonTime(link.ExpiresAt)})
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
				list = append(list, memberJSON{m.ID, m.Name, m.Email, string(m.Role), jsonTime(m.CreatedAt)})
			}
			return g.printJSON(map[string]any{"users": list})
		}
		if len(members) == 0 {
			fmt.Fprintln(g.out, "Nobody yet. Make the first administrator: exhibit users add --name NAME --email ADDRESS")
			return nil
		}
		t := newTable(g.out, "id", "name", "email", "role", "since")
		for _, m := range members {
			t.row(string(m.ID), m.Name, m.Email, string(m.Role), m.CreatedAt.Format(time.DateOnly))
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
		members, err := a.SignIn.Members(ctx, a.Workspace)
		if err != nil {
			return err
		}
		for _, m := range members {
			if string(m.ID) == c.Member || m.Email == c.Member {
				return g.printLink(ctx, a, m.ID, m.Name, url)
			}
		}
		return evidence.Errorf(evidence.NotFound, "There is no member %q. \"exhibit users list\" lists them.", c.Member)
	})
}
