package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

type apiTokensCmd struct {
	Create apiTokensCreateCmd `cmd:"" help:"Make a token; it is printed once and stored nowhere."`
	List   apiTokensListCmd   `cmd:"" help:"List tokens, with when they were last used."`
	Revoke apiTokensRevokeCmd `cmd:"" help:"End a token at once."`
}

type apiTokensCreateCmd struct {
	Name    string   `required:"" help:"What the token is for." placeholder:"NAME"`
	Scope   []string `required:"" help:"What it may do (repeatable): monitor (state of connections and coverage), read (everything that is shown), build (artifacts, controls, frameworks), manage (connections), settings (channels and tokens)." placeholder:"SCOPE"`
	Expires string   `help:"When it expires: 30d, 12h, a date, or a time in RFC 3339; 90d if left out, 365d at most." placeholder:"WHEN"`
	Member  string   `help:"Id or mail address of the member on whose behalf it asks; the first administrator if left out." placeholder:"MEMBER"`
}

// madeTokenJSON is the shape of "api-tokens create --json", the only place where a token's secret is printed.
type madeTokenJSON struct {
	ID        evidence.ID    `json:"id"`
	Name      string         `json:"name"`
	Scopes    []people.Scope `json:"scopes"`
	ExpiresAt jsonTime       `json:"expires_at"`
	Token     string         `json:"token"`
}

func (c *apiTokensCreateCmd) Run(ctx context.Context, g *Globals) error {
	expires, err := apitoken.ParseExpiry(c.Expires, time.Now())
	if err != nil {
		return usagef("--expires: %v", err)
	}
	return g.with(ctx, func(a *app.App) error {
		caller, err := onBehalf(ctx, a, c.Member)
		if err != nil {
			return err
		}
		t, secret, err := a.Tokens.Create(ctx, caller, apitoken.CreateRequest{Name: c.Name, Scopes: c.Scope, Expires: expires})
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(madeTokenJSON{t.ID, t.Name, t.Scopes.List(), jsonTime(t.ExpiresAt), secret.Reveal()})
		}
		fmt.Fprintf(g.out, "%s\n", secret.Reveal())
		fmt.Fprintf(g.err, "Made token %q (%s) with %s, until %s. It is not shown again.\n", printable(t.Name), t.ID, t.Scopes.Words(), moment(t.ExpiresAt))
		return nil
	})
}

// onBehalf gives the member on whose behalf a token asks; the trail names who sits at the keyboard.
func onBehalf(ctx context.Context, a *app.App, member string) (people.Caller, error) {
	members, err := a.SignIn.Members(ctx, a.Workspace)
	if err != nil {
		return people.Caller{}, err
	}
	for _, m := range members {
		if string(m.ID) == member || m.Email != "" && strings.EqualFold(m.Email, member) || member == "" && people.Role(m.Role) == people.Admin && m.SuspendedAt.IsZero() {
			return people.Caller{Member: m.ID, Workspace: a.Workspace, Name: who(), Email: m.Email, Role: people.Role(m.Role)}, nil
		}
	}
	if member == "" {
		return people.Caller{}, evidence.Errorf(evidence.NotFound, "There is no administrator yet, on whose behalf it could ask. Make one: exhibit users add --name NAME --email ADDRESS")
	}
	return people.Caller{}, evidence.Errorf(evidence.NotFound, "There is no member %q. \"exhibit users list\" lists them.", member)
}

// keyboard is who sits at the keyboard. Whoever may run the program on the data directory may do what an administrator may.
func keyboard(a *app.App) people.Caller {
	return people.Caller{Member: "keyboard", Workspace: a.Workspace, Name: who(), Role: people.Admin}
}

type tokenJSON struct {
	ID         evidence.ID    `json:"id"`
	Name       string         `json:"name"`
	Member     string         `json:"member"`
	Scopes     []people.Scope `json:"scopes"`
	State      apitoken.State `json:"state"`
	CreatedAt  jsonTime       `json:"created_at"`
	CreatedBy  string         `json:"created_by"`
	ExpiresAt  jsonTime       `json:"expires_at"`
	LastUsedAt jsonTime       `json:"last_used_at"`
	RevokedAt  jsonTime       `json:"revoked_at"`
	RevokedBy  string         `json:"revoked_by"`
}

type apiTokensListCmd struct{}

func (c *apiTokensListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		list, err := a.Tokens.List(ctx, keyboard(a))
		if err != nil {
			return err
		}
		if g.JSON {
			out := []tokenJSON{}
			for _, t := range list {
				out = append(out, tokenJSON{t.ID, t.Name, t.MemberName, t.Scopes.List(), t.State, jsonTime(t.CreatedAt), t.CreatedBy,
					jsonTime(t.ExpiresAt), jsonTime(t.LastUsedAt), jsonTime(t.RevokedAt), t.RevokedBy})
			}
			return g.printJSON(map[string]any{"api_tokens": out})
		}
		if len(list) == 0 {
			fmt.Fprintln(g.out, "No tokens yet. Make one: exhibit api-tokens create --name NAME --scope read")
			return nil
		}
		t := newTable(g.out, "id", "name", "of", "scopes", "state", "expires", "last used")
		for _, tok := range list {
			t.row(string(tok.ID), tok.Name, tok.MemberName, tok.Scopes.Words(), string(tok.State), moment(tok.ExpiresAt), moment(tok.LastUsedAt))
		}
		return t.flush()
	})
}

type apiTokensRevokeCmd struct {
	ID string `arg:"" help:"Id of the token."`
}

func (c *apiTokensRevokeCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		t, err := a.Tokens.Revoke(ctx, keyboard(a), evidence.ID(c.ID))
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(map[string]any{"id": t.ID, "name": t.Name, "state": t.State, "revoked_at": jsonTime(t.RevokedAt)})
		}
		fmt.Fprintf(g.out, "Revoked %q. The next request with it is refused.\n", printable(t.Name))
		return nil
	})
}
