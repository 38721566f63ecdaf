package web

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
)

// connectionOperations look after connections, as the pages do.
func (s *server) connectionOperations(api huma.API) {
	const manage = people.ManageConnections
	mount(s, api, operation(http.MethodPost, "/connections", "add-connection", "Connect an account with its token, after the source has accepted it", manage, asks), s.apiAdd)
	mount(s, api, operation(http.MethodPost, "/connections/{id}/check", "check-connection", "Ask the source what the token may read", manage, asks), s.apiCheck)
	mount(s, api, operation(http.MethodPost, "/connections/{id}/read", "read-connection", "Read at once instead of waiting for the next time", manage, asks), s.apiRead)
	mount(s, api, operation(http.MethodPost, "/connections/{id}/rotate", "rotate-connection", "Put a new token in the place of the old one; no interval is lost", manage, asks), s.apiRotate)
	mount(s, api, operation(http.MethodPost, "/connections/{id}/off", "switch-off-connection", "Stop reading and forget the token; events and artifacts stay", manage, quick), s.apiOff)
	mount(s, api, operation(http.MethodPost, "/connections/{id}/on", "switch-on-connection", "Read again, with a new token of the same account", manage, asks), s.apiOn)
	add(s, api, "/concerns", "list-concerns", "What somebody must know: troubles, expiring tokens, gaps that can still be healed, late events", people.ReadSources, s.apiConcerns)
}

// confidential says no to a secret that came over an open connection from another machine.
func (s *server) confidential(ctx context.Context) error {
	r, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok {
		return evidence.Errorf(evidence.Internal, "It is not known how this request came.")
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if s.cfg.Secure || r.TLS != nil || err == nil && from.Addr().Unmap().IsLoopback() {
		return nil
	}
	return evidence.Errorf(evidence.Forbidden, "A secret is taken over https, or on the machine itself. What you sent went over an open connection: make another one.")
}

type addConnection struct {
	Body struct {
		Source string `json:"source" example:"onepassword" doc:"Id of a source"`
		Server string `json:"server,omitempty" example:"https://events.1password.com" doc:"Empty: the one that the token names"`
		Name   string `json:"name,omitempty" example:"1Password" doc:"Empty: the source's name"`
		Token  string `json:"token" writeOnly:"true" format:"password" doc:"The bearer token of the source. It is taken over https or on the machine itself alone, kept sealed, and never given back"`
	}
}

type newToken struct {
	ID   string `path:"id" maxLength:"60" doc:"Id of the connection"`
	Body struct {
		Token string `json:"token" writeOnly:"true" format:"password" doc:"The new bearer token of the source, of the same account"`
	}
}

// statusJSON is a connection after something was done to it. That the source refuses its token is said as a problem with
// what was sent: 401 would say that the caller's own token is bad.
func (s *server) statusJSON(st connection.Status, err error) (apiConnection, error) {
	if evidence.ErrorCode(err) == evidence.Unauthorized {
		return apiConnection{}, &evidence.Error{Code: evidence.Invalid, Message: err.Error(), Err: err}
	}
	if err != nil {
		return apiConnection{}, err
	}
	return s.readingJSON(st), nil
}

func (s *server) readingJSON(st connection.Status) apiConnection {
	kind, _ := source.FindKind(s.cfg.Kinds, st.Source)
	return connectionJSON(reading{connection: st.Connection, kind: kind, streams: st.Streams, health: st.Health})
}

func (s *server) apiAdd(ctx context.Context, c people.Caller, in *addConnection) (apiConnection, error) {
	if err := s.confidential(ctx); err != nil {
		return apiConnection{}, err
	}
	return s.statusJSON(s.cfg.Connections.Add(ctx, c.Who(), c.Workspace, connection.AddRequest{
		Source: in.Body.Source, Server: in.Body.Server, Name: in.Body.Name, Token: seal.NewSecret(in.Body.Token),
	}))
}

func (s *server) apiRotate(ctx context.Context, c people.Caller, in *newToken) (apiConnection, error) {
	if err := s.confidential(ctx); err != nil {
		return apiConnection{}, err
	}
	return s.statusJSON(s.cfg.Connections.Rotate(ctx, c.Who(), c.Workspace, evidence.ID(in.ID), seal.NewSecret(in.Body.Token)))
}

func (s *server) apiOn(ctx context.Context, c people.Caller, in *newToken) (apiConnection, error) {
	if err := s.confidential(ctx); err != nil {
		return apiConnection{}, err
	}
	return s.statusJSON(s.cfg.Connections.On(ctx, c.Who(), c.Workspace, evidence.ID(in.ID), seal.NewSecret(in.Body.Token)))
}

// apiCheck gives the connection with what the source just said. That it refuses the token is an answer, not a failure.
func (s *server) apiCheck(ctx context.Context, c people.Caller, in *byID) (apiConnection, error) {
	st, err := s.cfg.Connections.Check(ctx, c.Who(), c.Workspace, evidence.ID(in.ID))
	if err != nil && st.ID != "" && evidence.ErrorCode(err) == evidence.Unauthorized {
		return s.readingJSON(st), nil
	}
	return s.statusJSON(st, err)
}

func (s *server) apiRead(ctx context.Context, c people.Caller, in *byID) (apiConnection, error) {
	return s.statusJSON(s.cfg.Connections.ReadNow(ctx, c.Who(), c.Workspace, evidence.ID(in.ID)))
}

func (s *server) apiOff(ctx context.Context, c people.Caller, in *byID) (apiConnection, error) {
	return s.statusJSON(s.cfg.Connections.Off(ctx, c.Who(), c.Workspace, evidence.ID(in.ID)))
}

type apiConcern struct {
	Key        string               `json:"key" example:"expiry/cn_4zq2hxk7m3v5w6ya" doc:"Stays the same as long as it lasts"`
	Kind       evidence.ConcernKind `json:"kind" example:"expiry"`
	Connection evidence.ID          `json:"connection"`
	Name       string               `json:"name" doc:"Of the connection"`
	Action     evidence.ID          `json:"action,omitempty" doc:"If it is about one, and not about a connection"`
	Title      string               `json:"title"`
	Text       string               `json:"text" doc:"What happened and what to do"`
	By         *time.Time           `json:"by" doc:"When something is lost or ends"`
	ByIs       string               `json:"by_is" doc:"What happens then"`
	AtRisk     bool                 `json:"at_risk" doc:"Data is lost within days, or nothing is read until a person acts"`
}

type apiConcerns struct {
	Concerns []apiConcern `json:"concerns"`
}

func (s *server) apiConcerns(ctx context.Context, c people.Caller, _ *nothing) (apiConcerns, error) {
	out := apiConcerns{Concerns: []apiConcern{}}
	list, err := s.cfg.Connections.Concerns(ctx, c.Workspace)
	if err == nil && c.Has(people.ReadActions) {
		var overdue []evidence.Concern
		overdue, err = s.cfg.Program.Concerns(ctx, c.Workspace)
		list = append(list, overdue...)
	}
	if err == nil && c.Has(people.ReadSettings) {
		var due []evidence.Concern
		due, err = s.cfg.Holds.Concerns(ctx, c.Workspace)
		list = append(list, due...)
	}
	for _, con := range list {
		if !con.Silent {
			out.Concerns = append(out.Concerns, apiConcern{con.Key, con.Kind, con.Connection, con.Name, con.Action, con.Title, con.Text, moment(con.By), con.ByIs, con.AtOnce})
		}
	}
	return out, err
}
