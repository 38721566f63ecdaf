package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
)

type connectionsCmd struct {
	Add    connectionsAddCmd    `cmd:"" help:"Connect an account of a source."`
	List   connectionsListCmd   `cmd:"" help:"List connections with their state."`
	Show   connectionsShowCmd   `cmd:"" help:"Show one connection with its streams."`
	Check  connectionsCheckCmd  `cmd:"" help:"Ask the source what the token may read."`
	Rotate connectionsRotateCmd `cmd:"" help:"Put a new token in the place of the old one; nothing is lost in between."`
	Off    connectionsOffCmd    `cmd:"" help:"Stop reading and forget the token; events and artifacts stay."`
	On     connectionsOnCmd     `cmd:"" help:"Read again, with a new token."`
}

// tokenFlags take a token from a file, standard input or the environment; never from an argument, which other users of
// the machine could see.
type tokenFlags struct {
	TokenFile string `help:"File with the bearer token; - for standard input. Without it the environment variable EXHIBIT_TOKEN is taken." env:"EXHIBIT_TOKEN_FILE" placeholder:"FILE"`
}

// maxTokenFile is far more than any token has; a larger file is another file.
const maxTokenFile = 64 << 10

func (f tokenFlags) read(g *Globals) (seal.Secret, error) {
	return g.readSecret("token", "--token-file", f.TokenFile, "EXHIBIT_TOKEN")
}

// readSecret reads a secret from a file, from standard input if the file is "-", or without a file from a variable.
func (g *Globals) readSecret(what, flag, path, variable string) (seal.Secret, error) {
	var r io.Reader
	switch {
	case path == "-":
		r = g.in
	case path != "":
		file, err := os.Open(path)
		if err != nil {
			return seal.Secret{}, usagef("The %s file cannot be read: %v", what, err)
		}
		defer file.Close()
		r = file
	default:
		if secret := os.Getenv(variable); secret != "" {
			return seal.NewSecret(secret), nil
		}
		return seal.Secret{}, usagef("No %s is given. Put it in a file and name it with %s, or use %s - and pipe it in.", what, flag, flag)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxTokenFile+1))
	switch {
	case err != nil:
		return seal.Secret{}, usagef("The %s cannot be read: %v", what, err)
	case len(b) > maxTokenFile:
		return seal.Secret{}, usagef("The %s file is larger than any %s. Is it the right file?", what, what)
	case strings.TrimSpace(string(b)) == "":
		return seal.Secret{}, usagef("The %s file is empty.", what)
	}
	return seal.NewSecret(string(b)), nil
}

// connectionJSON is the shape of "connections add --json" and, with more fields, of list and show.
type connectionJSON struct {
	ID          evidence.ID       `json:"id"`
	Name        string            `json:"name"`
	Source      string            `json:"source"`
	Server      string            `json:"server"`
	AccountUUID string            `json:"account_uuid"`
	Features    []evidence.Stream `json:"features"`
	Missing     []evidence.Stream `json:"missing"`
	IssuedAt    jsonTime          `json:"issued_at"`
	ExpiresAt   jsonTime          `json:"expires_at"`
	State       evidence.State    `json:"state"`
	Reason      string            `json:"reason"`
	Since       jsonTime          `json:"since"`
	ToDo        string            `json:"to_do"`
	LostFrom    jsonTime          `json:"lost_from"`
	Expiry      *expiryJSON       `json:"expiry_warning"`
	LastReadAt  jsonTime          `json:"last_read_at"`
	NextReadAt  jsonTime          `json:"next_read_at"`
	Backfill    *backfillJSON     `json:"backfill"`
	SameAccount []evidence.ID     `json:"same_account"`
}

type expiryJSON struct {
	Days int    `json:"days"`
	Text string `json:"text"`
}

type backfillJSON struct {
	Percent     int  `json:"percent"`
	SecondsLeft *int `json:"seconds_left"`
}

func toConnectionJSON(v connection.Status) connectionJSON {
	c := v.Connection
	out := connectionJSON{
		ID: c.ID, Name: c.Name, Source: c.Source, Server: c.Server, AccountUUID: c.AccountUUID,
		Features: orEmpty(c.Features), Missing: orEmpty(c.Missing),
		IssuedAt: jsonTime(c.IssuedAt), ExpiresAt: jsonTime(c.ExpiresAt),
		State: v.Health.State, Reason: v.Health.Reason, Since: jsonTime(v.Health.Since),
		ToDo: v.ToDo, LostFrom: jsonTime(v.LostFrom), LastReadAt: jsonTime(v.LastReadAt), NextReadAt: jsonTime(v.NextReadAt), SameAccount: []evidence.ID{},
	}
	for _, t := range v.Twins {
		out.SameAccount = append(out.SameAccount, t.ID)
	}
	if e := v.Expiry; e != nil {
		out.Expiry = &expiryJSON{e.Days, e.Text}
	}
	if b := v.Backfill; b != nil {
		out.Backfill = &backfillJSON{Percent: b.Percent}
		if left := int(b.Left.Seconds()); b.Left > 0 {
			out.Backfill.SecondsLeft = &left
		}
	}
	return out
}

type connectionsAddCmd struct {
	Source string `arg:"" help:"Source to connect; \"exhibit sources\" lists them."`
	Server string `help:"Events server of the account. Without it the one that the token names is taken." placeholder:"URL"`
	Name   string `help:"Name of the connection. Without it the source's name is taken." placeholder:"NAME"`
	tokenFlags
}

func (c *connectionsAddCmd) Run(ctx context.Context, g *Globals) error {
	token, err := c.read(g)
	if err != nil {
		return err
	}
	return g.withNew(ctx, func(a *app.App) error {
		view, err := a.Connections.Add(ctx, who(), a.Workspace, connection.AddRequest{
			Source: c.Source, Server: c.Server, Name: c.Name, Token: token,
		})
		if err != nil {
			return badInput(err)
		}
		return g.printConnection(a, view, "Connected")
	})
}

// badInput gives a person's mistake the exit code of a usage error.
func badInput(err error) error {
	if code := evidence.ErrorCode(err); code == evidence.Invalid {
		return usagef("%v", err)
	}
	return err
}

// printConnection prints what was done to a connection and what its token may and may not read.
func (g *Globals) printConnection(a *app.App, v connection.Status, done string) error {
	if g.JSON {
		return g.printJSON(toConnectionJSON(v))
	}
	c := v.Connection
	if done == "" { // nothing was done: what is there is shown
		done = "Connection"
	}
	fmt.Fprintf(g.out, "%s %q (%s) to %s, account %s.\n", done, printable(c.Name), c.ID, c.Server, printable(c.AccountUUID))
	fmt.Fprintf(g.out, "The token may read: %s.\n", joinStreams(c.Features))
	for _, missing := range c.Missing {
		fmt.Fprintf(g.out, "It may not read %s: %s\n", missing, a.StreamShows(c.Source, missing))
	}
	switch {
	case !c.OffAt.IsZero():
		fmt.Fprintln(g.out, "It is forgotten.")
	case v.Expiry != nil:
		fmt.Fprintln(g.out, v.Expiry.Text)
	case c.ExpiresAt.IsZero():
		fmt.Fprintln(g.out, "It does not expire.")
	default:
		fmt.Fprintf(g.out, "It expires on %s (in %d days).\n", moment(c.ExpiresAt), int(time.Until(c.ExpiresAt).Hours()/24))
	}
	g.printCare(v)
	return nil
}

// printCare prints state, reason and what to do in the words of the pages.
func (g *Globals) printCare(v connection.Status) {
	fmt.Fprintf(g.out, "State: %s. %s", v.Health.State, printable(v.Health.Reason))
	if !v.Health.Since.IsZero() {
		fmt.Fprintf(g.out, " Since %s.", moment(v.Health.Since))
	}
	if v.ToDo != "" {
		fmt.Fprintf(g.out, "\nTo do: %s", printable(v.ToDo))
	}
	if b := v.Backfill; b != nil {
		fmt.Fprintf(g.out, "\nReading the past: %d %%", b.Percent)
		if b.Left > 0 {
			fmt.Fprintf(g.out, ", about %s left at the pace of the last pages", b.Left.Round(time.Second))
		}
		fmt.Fprint(g.out, ".")
	}
	fmt.Fprintf(g.out, "\nLast read: %s. Next read: %s.\n", moment(v.LastReadAt), moment(v.NextReadAt))
	if text := v.TwinText(); text != "" {
		fmt.Fprintln(g.out, printable(text))
	}
}

// printHandovers prints for each new token whether anything was lost.
func (g *Globals) printHandovers(list []connection.Handover) {
	for _, h := range list {
		fmt.Fprintf(g.out, "\nToken %s → %s (%s), %s: %s\n", printable(h.OldMark), printable(h.NewMark), h.Kind, moment(h.At), h.Text)
		for _, st := range h.Streams {
			fmt.Fprintf(g.out, "  %-16s %s\n", printable(string(st.Stream)), st.Text)
		}
	}
}

type handoverJSON struct {
	At      jsonTime              `json:"at"`
	Kind    evidence.HandoverKind `json:"kind"`
	Old     string                `json:"old_token_mark"`
	New     string                `json:"new_token_mark"`
	Proof   connection.Proof      `json:"proof"`
	Text    string                `json:"text"`
	Streams []streamHandoverJSON  `json:"streams"`
}

type streamHandoverJSON struct {
	Stream  evidence.Stream  `json:"stream"`
	Proof   connection.Proof `json:"proof"`
	Text    string           `json:"text"`
	OldRead jsonTime         `json:"old_read_at"`
	NewRead jsonTime         `json:"new_read_at"`
	From    jsonTime         `json:"window_from"`
	To      jsonTime         `json:"window_to"`
	Gaps    int              `json:"gaps"`
}

func toHandoverJSON(list []connection.Handover) []handoverJSON {
	out := []handoverJSON{}
	for _, h := range list {
		j := handoverJSON{At: jsonTime(h.At), Kind: h.Kind, Old: h.OldMark, New: h.NewMark, Proof: h.Proof, Text: h.Text, Streams: []streamHandoverJSON{}}
		for _, st := range h.Streams {
			j.Streams = append(j.Streams, streamHandoverJSON{st.Stream, st.Proof, st.Text, jsonTime(st.OldReadAt), jsonTime(st.NewReadAt),
				jsonTime(st.Window.From), jsonTime(st.Window.To), len(st.Gaps)})
		}
		out = append(out, j)
	}
	return out
}

func joinStreams(streams []evidence.Stream) string {
	if len(streams) == 0 {
		return "nothing"
	}
	words := make([]string, len(streams))
	for i, s := range streams {
		words[i] = printable(string(s))
	}
	return strings.Join(words, ", ")
}

type connectionsListCmd struct{}

func (c *connectionsListCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		views, err := a.Connections.List(ctx, a.Workspace)
		if err != nil {
			return err
		}
		if g.JSON {
			list := []connectionJSON{}
			for _, v := range views {
				list = append(list, toConnectionJSON(v))
			}
			return g.printJSON(map[string]any{"connections": list})
		}
		if len(views) == 0 {
			fmt.Fprintln(g.out, "No connections yet. Add one: exhibit connections add onepassword --token-file FILE")
			return nil
		}
		t := newTable(g.out, "id", "name", "server", "state", "since", "token expires", "last read", "next read", "reason", "to do")
		for _, v := range views {
			expires := "never"
			if !v.ExpiresAt.IsZero() {
				expires = moment(v.ExpiresAt)
			}
			t.row(string(v.ID), v.Name, v.Server, string(v.Health.State), moment(v.Health.Since), expires, moment(v.LastReadAt), moment(v.NextReadAt), v.Health.Reason, v.ToDo)
		}
		return t.flush()
	})
}

type connectionID struct {
	ID string `arg:"" help:"Id or name of the connection."`
}

// streamJSON is how far one stream has been read.
type streamJSON struct {
	Stream     evidence.Stream `json:"stream"`
	Through    jsonTime        `json:"through"`
	CaughtUp   bool            `json:"caught_up"`
	LastReadAt jsonTime        `json:"last_read_at"`
	NextReadAt jsonTime        `json:"next_read_at"`
	Pages      int64           `json:"pages"`
	Events     int64           `json:"events"`
	Duplicates int64           `json:"duplicates"`
	Late       int64           `json:"late"`
	Conflicts  int64           `json:"conflicts"`
	Odd        int64           `json:"odd"`
	Trouble    *troubleJSON    `json:"trouble"`
}

type troubleJSON struct {
	Cause  evidence.Cause `json:"cause"`
	Reason string         `json:"reason"`
	Since  jsonTime       `json:"since"`
}

type connectionsShowCmd struct{ connectionID }

func (c *connectionsShowCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		v, err := findConnection(ctx, a, c.ID)
		if err != nil {
			return err
		}
		handovers, err := a.Connections.Handovers(ctx, a.Workspace, v.ID)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(struct {
				connectionJSON
				Streams   []streamJSON   `json:"streams"`
				Handovers []handoverJSON `json:"handovers"`
			}{toConnectionJSON(v), toStreamJSON(v.Streams), toHandoverJSON(handovers)})
		}
		if err := g.printConnection(a, v, ""); err != nil {
			return err
		}
		t := newTable(g.out, "stream", "events", "pages", "read through", "last read", "next read", "duplicates", "late", "conflicts", "odd", "trouble")
		for _, s := range v.Streams {
			trouble := "–"
			if s.Trouble != nil {
				trouble = string(s.Trouble.Cause) + " since " + moment(s.Trouble.From)
			}
			t.row(string(s.Stream), count(s.Events), count(s.Pages), moment(s.Through), moment(s.LastReadAt), moment(s.NextReadAt),
				count(s.Duplicates), count(s.Late), count(s.Conflicts), count(s.Odd), trouble)
		}
		if err := t.flush(); err != nil {
			return err
		}
		g.printHandovers(handovers)
		return nil
	})
}

func toStreamJSON(streams []evidence.StreamStatus) []streamJSON {
	out := []streamJSON{}
	for _, s := range streams {
		j := streamJSON{
			Stream: s.Stream, Through: jsonTime(s.Through), CaughtUp: s.CaughtUp, LastReadAt: jsonTime(s.LastReadAt), NextReadAt: jsonTime(s.NextReadAt),
			Pages: s.Pages, Events: s.Events, Duplicates: s.Duplicates, Late: s.Late, Conflicts: s.Conflicts, Odd: s.Odd,
		}
		if s.Trouble != nil {
			j.Trouble = &troubleJSON{s.Trouble.Cause, s.Trouble.Reason, jsonTime(s.Trouble.From)}
		}
		out = append(out, j)
	}
	return out
}

type connectionsCheckCmd struct{ connectionID }

func (c *connectionsCheckCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		v, err := findConnection(ctx, a, c.ID)
		if err != nil {
			return err
		}
		checked, err := a.Connections.Check(ctx, who(), a.Workspace, v.ID)
		if err != nil && checked.ID == "" {
			return err
		}
		if perr := g.printConnection(a, checked, "Connected"); perr != nil {
			return perr
		}
		return err
	})
}

type connectionsRotateCmd struct {
	connectionID
	tokenFlags
}

func (c *connectionsRotateCmd) Run(ctx context.Context, g *Globals) error {
	return g.changeToken(ctx, c.ID, c.tokenFlags, "Rotated the token of", (*connection.Service).Rotate)
}

type connectionsOnCmd struct {
	connectionID
	tokenFlags
}

func (c *connectionsOnCmd) Run(ctx context.Context, g *Globals) error {
	return g.changeToken(ctx, c.ID, c.tokenFlags, "Switched on", (*connection.Service).On)
}

// changeToken is rotate and on, which differ only in what the use case allows.
func (g *Globals) changeToken(ctx context.Context, id string, f tokenFlags, done string,
	change func(*connection.Service, context.Context, string, evidence.ID, evidence.ID, seal.Secret) (connection.Status, error)) error {
	token, err := f.read(g)
	if err != nil {
		return err
	}
	return g.with(ctx, func(a *app.App) error {
		v, err := findConnection(ctx, a, id)
		if err != nil {
			return err
		}
		v, err = change(a.Connections, ctx, who(), a.Workspace, v.ID, token)
		if err != nil {
			return badInput(err)
		}
		return g.printConnection(a, v, done)
	})
}

type connectionsOffCmd struct{ connectionID }

func (c *connectionsOffCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		v, err := findConnection(ctx, a, c.ID)
		if err != nil {
			return err
		}
		v, err = a.Connections.Off(ctx, who(), a.Workspace, v.ID)
		if err != nil {
			return err
		}
		if g.JSON {
			return g.printJSON(toConnectionJSON(v))
		}
		fmt.Fprintf(g.out, "Switched off %q. The token is forgotten; events and artifacts stay.\n", printable(v.Name))
		g.printCare(v)
		return nil
	})
}

// findConnection finds a connection by id or name.
func findConnection(ctx context.Context, a *app.App, idOrName string) (connection.Status, error) {
	list, err := a.Connections.List(ctx, a.Workspace)
	if err != nil {
		return connection.Status{}, err
	}
	for _, v := range list {
		if string(v.ID) == idOrName || v.Name == idOrName {
			return v, nil
		}
	}
	return connection.Status{}, evidence.Errorf(evidence.NotFound, "There is no connection %q. \"exhibit connections list\" lists them.", idOrName)
}

var errNothingRead = errors.New("not every stream could be read to the end; the table says why")
