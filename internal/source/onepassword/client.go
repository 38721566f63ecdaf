//go:build !offline

// Package onepassword reads the Events API of 1Password Business, version 2: sign-in attempts, item usages and audit
// events. It is one source; everything that Exhibit knows of 1Password is in this folder.
//
// It only ever sends GET /api/v2/auth/introspect and POST /api/v2/{signinattempts,itemusages,auditevents}: all of them
// read. A test looks for any other path in this folder and another one watches what is sent.
package onepassword

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// The paths of the Events API that Exhibit uses. A stream's path is pathPages and its name.
const (
	pathIntrospect = "/api/v2/auth/introspect"
	pathPages      = "/api/v2/"
)

// client is a source.Source. It holds no state but its connections.
type client struct {
	http  *source.Client
	host  string
	token func(context.Context) (string, error)
	now   func() time.Time
}

// open makes the source of one connection.
func open(c source.Config) (source.Source, error) {
	server, err := source.ParseServer(c.Server)
	if err != nil {
		return nil, err
	}
	kind := Kind()
	if !kind.Allows(server, c.Operator) {
		return nil, notAllowed(server)
	}
	sender, err := source.NewClient(source.ClientConfig{
		Server: server, Admitted: slices.Contains(c.Operator.AllowServers, server), CAPEM: c.Operator.CAPEM,
		UserAgent: c.UserAgent, Limits: source.DefaultLimits(), Transport: c.Transport,
	})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", server, err)
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	return &client{http: sender, host: server[len("https://"):], token: c.Token, now: now}, nil
}

func notAllowed(server string) error {
	return evidence.Errorf(evidence.Invalid,
		"%s is none of 1Password's events servers. Choose one of the four; a server of your own must be admitted with --allow-events-server when Exhibit is started.", server)
}

// Check asks what the token may read.
func (c *client) Check(ctx context.Context) (source.Grant, error) {
	answer, err := c.send(ctx, source.Call{Method: http.MethodGet, Path: pathIntrospect})
	if err != nil {
		return source.Grant{}, err
	}
	grant, err := parseGrant(answer.Body)
	if err != nil {
		return source.Grant{}, c.badPage(answer.Body, err)
	}
	return grant, nil
}

// Next reads one page. The first request of a stream says from where on, later ones send the cursor and nothing else.
// Whether the API's end_time is inclusive is not documented: a page may hold events of the very moment To.
func (c *client) Next(ctx context.Context, req source.Request) (source.Page, error) {
	if _, ok := streamNamed(req.Stream); !ok {
		return source.Page{}, fmt.Errorf("reading a page: 1Password has no stream %q", req.Stream)
	}
	body, limit, err := requestBody(req)
	if err != nil {
		return source.Page{}, err
	}
	answer, err := c.send(ctx, source.Call{Method: http.MethodPost, Path: pathPages + string(req.Stream), Body: body})
	if err != nil {
		if answer.Status == http.StatusBadRequest {
			return source.Page{}, c.badRequest(req, answer)
		}
		return source.Page{}, err
	}
	noTime := answer.Date
	if noTime.IsZero() {
		noTime = c.now()
	}
	e, err := split(req.Stream, answer.Body, limit, noTime)
	if err != nil {
		return source.Page{}, c.badPage(answer.Body, err)
	}
	return source.Page{
		Body: answer.Body, Records: e.records, Next: source.Cursor(e.cursor), More: e.more,
		Ordered: ordered(e.records), ServerDate: answer.Date,
	}, nil
}

// send sends one call with the token of the moment. Its answer has status 200 if there is no error.
func (c *client) send(ctx context.Context, call source.Call) (source.Answer, error) {
	text, err := c.token(ctx)
	if err != nil {
		return source.Answer{}, fmt.Errorf("getting the token: %w", err)
	}
	call.Token = tidy(text)
	if !sendable(call.Token) {
		return source.Answer{}, &evidence.Error{Code: evidence.Unauthorized, Err: source.ErrUnauthorized,
			Message: "There is no usable token for this connection, so nothing was sent. Rotate a new one in."}
	}
	answer, err := c.http.Do(ctx, call)
	if answer.Status != 0 && answer.Status != http.StatusOK {
		return answer, c.refusal(answer)
	}
	return answer, err
}

// requestBody gives the body of a request for a page in exactly one of the API's two shapes, and the number of events
// that the answer may hold.
func requestBody(req source.Request) ([]byte, int, error) {
	if req.Cursor != "" {
		body, err := marshal(struct {
			Cursor string `json:"cursor"`
		}{string(req.Cursor)})
		return body, mostEvents, err
	}
	if req.From.IsZero() {
		// Without a start the API would give the last hour alone and look as if there were nothing else.
		return nil, 0, fmt.Errorf("reading a page: neither a cursor nor a start is given")
	}
	limit := req.Limit
	if limit < 1 || limit > mostEvents {
		limit = mostEvents
	}
	reset := struct {
		Limit     int    `json:"limit"`
		StartTime string `json:"start_time"`
		EndTime   string `json:"end_time,omitempty"`
	}{Limit: limit, StartTime: moment(req.From)}
	if !req.To.IsZero() {
		// Rounded up: the API counts milliseconds, and what is asked for must not be cut.
		reset.EndTime = moment(req.To.Add(time.Millisecond - 1))
	}
	body, err := marshal(reset)
	return body, limit, err
}

// moment writes t as the API takes it, cut to milliseconds.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// marshal writes JSON without the escapes for HTML, so that a cursor goes back as it came.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
