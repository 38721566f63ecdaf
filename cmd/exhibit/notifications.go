package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

type notificationsCmd struct {
	List   notificationsListCmd   `cmd:"" help:"List channels, with whether they work."`
	Add    notificationsAddCmd    `cmd:"" help:"Add a channel. Secrets come from a file, standard input or the environment."`
	Test   notificationsTestCmd   `cmd:"" help:"Send a test message and print what the other side answered."`
	Remove notificationsRemoveCmd `cmd:"" help:"Remove a channel with its secrets."`
	Digest notificationsDigestCmd `cmd:"" help:"Choose the hour of the daily digest."`
}

type notificationsAddCmd struct {
	Kind string   `arg:"" help:"email, slack, teams or webhook."`
	Name string   `help:"Name of the channel. Without it the kind's name is taken." placeholder:"NAME"`
	Tell []string `help:"What it tells (repeatable): unauthorized, expiry, gaps, stale, unreachable, plan, degraded, late. All of it if left out." placeholder:"KIND"`

	URLFile string `help:"slack, teams, webhook: file with the address of the webhook, which is a secret; - for standard input. Without it the environment variable EXHIBIT_NOTIFY_URL is taken." name:"url-file" env:"EXHIBIT_NOTIFY_URL_FILE" placeholder:"FILE"`
	KeyFile string `help:"webhook: file with the key of the signature; - for standard input. Without it EXHIBIT_NOTIFY_KEY is taken." env:"EXHIBIT_NOTIFY_KEY_FILE" placeholder:"FILE"`

	Host         string   `help:"email: mail server, host or host:port." placeholder:"HOST[:PORT]"`
	TLS          string   `help:"email: starttls or tls; by the port if left out." name:"tls" placeholder:"HOW"`
	From         string   `help:"email: address of the sender." placeholder:"ADDRESS"`
	To           []string `help:"email: address to send to (repeatable)." placeholder:"ADDRESS"`
	User         string   `help:"email: user of the mail server, if it asks for one." placeholder:"USER"`
	PasswordFile string   `help:"email: file with the user's password; - for standard input. Without it EXHIBIT_NOTIFY_PASSWORD is taken." env:"EXHIBIT_NOTIFY_PASSWORD_FILE" placeholder:"FILE"`
}

// channelJSON is a channel without its secrets.
type channelJSON struct {
	ID       evidence.ID            `json:"id"`
	Name     string                 `json:"name"`
	Kind     notify.Kind            `json:"kind"`
	Host     string                 `json:"host"`
	To       []string               `json:"to"`
	Tells    []evidence.ConcernKind `json:"tells"`
	SentAt   jsonTime               `json:"sent_at"`
	Failures int                    `json:"failures"`
	Failure  string                 `json:"failure"`
	FailedAt jsonTime               `json:"failed_at"`
	NextAt   jsonTime               `json:"next_at"`
}

func toChannelJSON(c notify.Channel) channelJSON {
	return channelJSON{c.ID, c.Name, c.Kind, c.Address.Host, orEmpty(c.Address.To), orEmpty(c.Tells), jsonTime(c.SentAt), c.Failures, c.Failure, jsonTime(c.FailedAt), jsonTime(c.NextAt)}
}

func (c *notificationsAddCmd) Run(ctx context.Context, g *Globals) error {
	req, err := c.request(g)
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		made, err := a.Notify.Add(ctx, keyboard(a), req)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(toChannelJSON(made))
		}
		fmt.Fprintf(g.out, "Added %q (%s) to %s. Try it: exhibit notifications test %s\n", printable(made.Name), made.ID, made.Address.Host, made.ID)
		return nil
	})
}

// request reads the secrets that the kind needs, each from one place.
func (c *notificationsAddCmd) request(g *Globals) (notify.Request, error) {
	req := notify.Request{Kind: notify.Kind(c.Kind), Name: c.Name, Host: c.Host, TLS: c.TLS, From: c.From, To: c.To, User: c.User, Tells: c.Tell}
	var piped []string
	for _, f := range []string{c.URLFile, c.KeyFile, c.PasswordFile} {
		if f == "-" {
			piped = append(piped, f)
		}
	}
	if len(piped) > 1 {
		return req, usagef("Only one secret can come from standard input.")
	}
	var err error
	read := func(into *seal.Secret, what, flag, path, variable string) {
		if err == nil {
			*into, err = g.readSecret(what, flag, path, variable)
		}
	}
	switch req.Kind {
	case notify.Email:
		if c.User != "" {
			read(&req.Password, "password", "--password-file", c.PasswordFile, "EXHIBIT_NOTIFY_PASSWORD")
			req.Password = seal.NewSecret(strings.TrimRight(req.Password.Reveal(), "\r\n"))
		}
	case notify.Webhook:
		read(&req.URL, "address", "--url-file", c.URLFile, "EXHIBIT_NOTIFY_URL")
		read(&req.Key, "key", "--key-file", c.KeyFile, "EXHIBIT_NOTIFY_KEY")
	case notify.Slack, notify.Teams:
		read(&req.URL, "address", "--url-file", c.URLFile, "EXHIBIT_NOTIFY_URL")
	}
	return req, err
}

type notificationsListCmd struct{}

func (c *notificationsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		list, err := a.Notify.List(ctx, keyboard(a))
		if err != nil {
			return err
		}
		digest, err := a.Notify.Digest(ctx, keyboard(a))
		if err != nil {
			return err
		}
		if g.JSON {
			out := []channelJSON{}
			for _, ch := range list {
				out = append(out, toChannelJSON(ch))
			}
			return g.printJSON(map[string]any{"channels": out, "digest_hour": digest.Hour, "digest_zone": digest.Zone})
		}
		if len(list) == 0 {
			fmt.Fprintln(g.out, "No channels yet: nobody is told. Add one: exhibit notifications add slack --url-file FILE")
			return nil
		}
		t := newTable(g.out, "id", "name", "kind", "to", "last sent", "state")
		for _, ch := range list {
			state := "works, as far as is known"
			if ch.Failures > 0 {
				state = fmt.Sprintf("failed %d times, next try %s: %s", ch.Failures, moment(ch.NextAt), ch.Failure)
			}
			t.row(string(ch.ID), ch.Name, string(ch.Kind), ch.Address.Host, moment(ch.SentAt), state)
		}
		if err := t.flush(); err != nil {
			return err
		}
		fmt.Fprintf(g.out, "The digest is sent at %02d:00 %s.\n", digest.Hour, digest.Zone)
		return nil
	})
}

// channelID names a channel at the keyboard.
type channelID struct {
	ID string `arg:"" help:"Id or name of the channel."`
}

// find gives the id of a channel by id or name.
func (c channelID) find(ctx context.Context, a *app.App) (evidence.ID, error) {
	list, err := a.Notify.List(ctx, keyboard(a))
	if err != nil {
		return "", err
	}
	for _, ch := range list {
		if string(ch.ID) == c.ID || ch.Name == c.ID {
			return ch.ID, nil
		}
	}
	return "", evidence.Errorf(evidence.NotFound, "There is no channel %q. \"exhibit notifications list\" lists them.", c.ID)
}

type notificationsTestCmd struct{ channelID }

func (c *notificationsTestCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		id, err := c.find(ctx, a)
		if err != nil {
			return err
		}
		res, err := a.Notify.Test(ctx, keyboard(a), id, "")
		if err != nil {
			return err
		}
		if g.JSON {
			if err := g.printJSON(map[string]any{"ok": res.OK, "said": res.Said}); err != nil {
				return err
			}
		} else if res.OK {
			fmt.Fprintln(g.out, printable(res.Said))
		}
		if !res.OK {
			return errors.New(res.Said)
		}
		return nil
	})
}

type notificationsRemoveCmd struct{ channelID }

func (c *notificationsRemoveCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		id, err := c.find(ctx, a)
		if err != nil {
			return err
		}
		ch, err := a.Notify.Remove(ctx, keyboard(a), id)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"id": ch.ID, "name": ch.Name})
		}
		fmt.Fprintf(g.out, "Removed %q with its secrets.\n", printable(ch.Name))
		return nil
	})
}

type notificationsDigestCmd struct {
	Hour int    `arg:"" help:"Hour of the day, 0 to 23."`
	Zone string `help:"Time zone of the hour by its IANA name; default: as it is." placeholder:"Europe/Berlin"`
}

func (c *notificationsDigestCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		d, err := a.Notify.SetDigest(ctx, keyboard(a), store.DigestTime{Hour: c.Hour, Zone: c.Zone})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(map[string]any{"digest_hour": d.Hour, "digest_zone": d.Zone})
		}
		fmt.Fprintf(g.out, "The digest is sent at %02d:00 %s.\n", d.Hour, d.Zone)
		return nil
	})
}
