package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

type nothing struct{}

type byID struct {
	ID string `path:"id" maxLength:"60" doc:"Its id"`
}

type apiConnection struct {
	ID       evidence.ID       `json:"id"`
	Name     string            `json:"name"`
	Source   string            `json:"source"`
	Server   string            `json:"server"`
	Account  string            `json:"account_uuid"`
	Features []evidence.Stream `json:"features"`
	Missing  []evidence.Stream `json:"missing"`
	Issued   *time.Time        `json:"issued_at"`
	Expires  *time.Time        `json:"expires_at"`
	State    evidence.State    `json:"state"`
	Reason   string            `json:"reason"`
	Since    *time.Time        `json:"since"`
	ToDo     string            `json:"to_do" doc:"What to do next; empty if nothing"`
	LostFrom *time.Time        `json:"lost_from" doc:"From when on events are lost for good if nothing is done; null if none are at risk"`
	Expiry   *apiExpiry        `json:"expiry_warning" doc:"Null unless the token expires within 30 days"`
	LastRead *time.Time        `json:"last_read_at"`
	NextRead *time.Time        `json:"next_read_at" doc:"When whoever reads it means to read it next; null if nobody does"`
	Backfill *apiBackfill      `json:"backfill" doc:"Null unless the past is being read"`
	Twins    []evidence.ID     `json:"same_account" doc:"Other connections of the same account"`
	Streams  []apiStream       `json:"streams,omitempty"`
	// Handovers are told of one connection alone, as its streams are.
	Handovers []apiHandover `json:"handovers,omitempty"`
}

type apiExpiry struct {
	Days int    `json:"days" enum:"30,14,7,1,0" doc:"The warning that applies; 0: expired"`
	Text string `json:"text"`
}

type apiBackfill struct {
	Percent int  `json:"percent"`
	Left    *int `json:"seconds_left" doc:"At the pace of the last pages; null while too little is known"`
}

type apiHandover struct {
	At      time.Time             `json:"at"`
	Kind    evidence.HandoverKind `json:"kind" enum:"rotate,on"`
	Old     string                `json:"old_token_mark"`
	New     string                `json:"new_token_mark"`
	Proof   connection.Proof      `json:"proof" enum:"no_gap,gap,waiting,nothing"`
	Text    string                `json:"text"`
	Streams []apiStreamHandover   `json:"streams"`
}

type apiStreamHandover struct {
	Stream  evidence.Stream  `json:"stream"`
	Proof   connection.Proof `json:"proof" enum:"no_gap,gap,waiting,nothing"`
	Text    string           `json:"text"`
	OldRead *time.Time       `json:"old_read_at" doc:"Last answer with the old token"`
	NewRead *time.Time       `json:"new_read_at" doc:"First answer with the new one"`
	From    *time.Time       `json:"window_from" doc:"The coverage window that spans both"`
	To      *time.Time       `json:"window_to"`
	Gaps    []apiSeamGap     `json:"gaps" doc:"What of the time between is in no window"`
}

type apiSeamGap struct {
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Cause     evidence.Cause `json:"cause"`
	Reason    string         `json:"reason"`
	HealUntil *time.Time     `json:"heal_until"`
}

type apiStream struct {
	Stream     evidence.Stream `json:"stream"`
	Events     int64           `json:"events"`
	Pages      int64           `json:"pages"`
	Duplicates int64           `json:"duplicates"`
	Late       int64           `json:"late"`
	Conflicts  int64           `json:"conflicts"`
	Odd        int64           `json:"odd"`
	Through    *time.Time      `json:"through"`
	LastRead   *time.Time      `json:"last_read_at"`
	NextRead   *time.Time      `json:"next_read_at"`
	LastEvent  *time.Time      `json:"last_event_at"`
	CaughtUp   bool            `json:"caught_up"`
}

func connectionJSON(r reading) apiConnection {
	c := r.connection
	out := apiConnection{
		ID: c.ID, Name: c.Name, Source: c.Source, Server: c.Server, Account: c.AccountUUID, Features: all(c.Features), Missing: all(c.Missing),
		Issued: moment(c.IssuedAt), Expires: moment(c.ExpiresAt), State: r.health.State, Reason: r.health.Reason, Since: moment(r.health.Since),
		ToDo: r.care.ToDo, LostFrom: moment(r.care.LostFrom), LastRead: moment(r.care.LastReadAt), NextRead: moment(r.care.NextReadAt), Twins: []evidence.ID{},
	}
	for _, t := range r.care.Twins {
		out.Twins = append(out.Twins, t.ID)
	}
	if e := r.care.Expiry; e != nil {
		out.Expiry = &apiExpiry{e.Days, e.Text}
	}
	if b := r.care.Backfill; b != nil {
		out.Backfill = &apiBackfill{Percent: b.Percent}
		if left := int(b.Left.Seconds()); b.Left > 0 {
			out.Backfill.Left = &left
		}
	}
	return out
}

func handoverJSON(h connection.Handover) apiHandover {
	out := apiHandover{At: h.At.UTC(), Kind: h.Kind, Old: h.OldMark, New: h.NewMark, Proof: h.Proof, Text: h.Text, Streams: []apiStreamHandover{}}
	for _, st := range h.Streams {
		row := apiStreamHandover{Stream: st.Stream, Proof: st.Proof, Text: st.Text, OldRead: moment(st.OldReadAt), NewRead: moment(st.NewReadAt),
			From: moment(st.Window.From), To: moment(st.Window.To), Gaps: []apiSeamGap{}}
		for _, g := range st.Gaps {
			row.Gaps = append(row.Gaps, apiSeamGap{g.From.UTC(), g.To.UTC(), g.Cause, g.Reason, moment(g.HealUntil)})
		}
		out.Streams = append(out.Streams, row)
	}
	return out
}

// all makes an empty list of none, which JSON writes as [] and not as null.
func all[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type apiConnections struct {
	Connections []apiConnection `json:"connections"`
}

func (s *server) apiConnections(ctx context.Context, c people.Caller, _ *nothing) (apiConnections, error) {
	list, err := s.readings(ctx, c.Workspace)
	out := apiConnections{Connections: []apiConnection{}}
	for _, r := range list {
		out.Connections = append(out.Connections, connectionJSON(r))
	}
	return out, err
}

func (s *server) apiConnection(ctx context.Context, c people.Caller, in *byID) (apiConnection, error) {
	conn, err := s.cfg.Store.Connection(ctx, c.Workspace, evidence.ID(in.ID))
	if err != nil {
		return apiConnection{}, err
	}
	r, err := s.readingOf(ctx, conn)
	if err != nil {
		return apiConnection{}, err
	}
	out := connectionJSON(r)
	for _, st := range r.streams {
		out.Streams = append(out.Streams, apiStream{
			Stream: st.Stream, Events: st.Events, Pages: st.Pages, Duplicates: st.Duplicates, Late: st.Late, Conflicts: st.Conflicts, Odd: st.Odd,
			Through: moment(st.Through), LastRead: moment(st.LastReadAt), LastEvent: moment(st.LastEvent), CaughtUp: st.CaughtUp, NextRead: moment(st.NextReadAt),
		})
	}
	list, err := s.cfg.Connections.Handovers(ctx, c.Workspace, conn.ID)
	for _, h := range list {
		out.Handovers = append(out.Handovers, handoverJSON(h))
	}
	return out, err
}

// SpanParams are the parameters of a span of time. huma reads embedded parameters only from exported types.
type SpanParams struct {
	From string `query:"from" maxLength:"40" doc:"RFC 3339 or a date; 120 days ago if left out"`
	To   string `query:"to" maxLength:"40" doc:"RFC 3339 or a date, exclusive; now if left out"`
}

func (p SpanParams) span(now time.Time, length time.Duration) (evidence.Span, error) {
	span, _, err := customSpan(url.Values{"from": {p.From}, "to": {p.To}}, evidence.Span{From: now.Add(-length), To: now}, "")
	return span, err
}

// QueryParams are the parameters that select events.
type QueryParams struct {
	SpanParams
	Connection string   `query:"connection" maxLength:"60" doc:"Id of a connection"`
	Stream     string   `query:"stream" maxLength:"60" doc:"A stream, such as signinattempts"`
	Where      []string `query:"where,explode" maxItems:"20" doc:"KEY=VALUE; repeat it for several, which must all hold"`
	Filter     string   `query:"filter" maxLength:"60" doc:"Id of a saved filter to begin with; what is given beside it narrows it, a time or stream replaces its own"`
}

// query turns the parameters into a query of the caller's workspace.
func (s *server) query(ctx context.Context, c people.Caller, p QueryParams) (evidence.Query, error) {
	var saved evidence.Query
	if p.Filter != "" {
		f, err := s.cfg.Explore.Filter(ctx, c, evidence.ID(p.Filter))
		if err != nil {
			return evidence.Query{}, err
		}
		saved = f.Query(s.now())
	}
	span, err := p.span(s.now(), coverageDays*day)
	if err != nil {
		return evidence.Query{}, err
	}
	sr, err := s.parseSearch(ctx, c.Workspace, url.Values{"from": {machine(span.From)}, "to": {machine(span.To)}, "connection": {p.Connection}, "stream": {p.Stream}})
	if err != nil {
		return evidence.Query{}, err
	}
	sr.query.Span = span
	for _, w := range p.Where {
		m, err := evidence.ParseMatch(w)
		if err != nil {
			return evidence.Query{}, err
		}
		sr.query.Where = append(sr.query.Where, m)
	}
	if p.Filter == "" {
		return sr.query, nil
	}
	return beside(saved, sr.query, p), nil
}

// beside gives a saved query with what was asked for beside it.
func beside(saved, q evidence.Query, p QueryParams) evidence.Query {
	if p.From != "" || p.To != "" {
		saved.Span = q.Span
	}
	if len(q.Streams) > 0 {
		saved.Streams = q.Streams
	}
	if len(q.Connections) > 0 {
		saved.Connections = q.Connections
	}
	saved.Where = append(saved.Where, q.Where...)
	return saved
}

type eventsParams struct {
	QueryParams
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Events at most"`
	After string `query:"after" maxLength:"200" doc:"next of the answer before"`
	Order string `query:"order" enum:"newest,oldest" default:"newest" doc:"Which end to begin at"`
}

type apiEvent struct {
	Ref        string            `json:"ref"`
	At         time.Time         `json:"at"`
	UUID       string            `json:"uuid"`
	Connection evidence.ID       `json:"connection"`
	Stream     evidence.Stream   `json:"stream"`
	Action     string            `json:"action"`
	Type       string            `json:"type"`
	Result     evidence.Result   `json:"result"`
	Person     apiPerson         `json:"person"`
	Vault      string            `json:"vault"`
	Item       string            `json:"item"`
	Target     string            `json:"target"`
	Country    string            `json:"country"`
	IP         string            `json:"ip"`
	Client     string            `json:"client"`
	Odd        []string          `json:"odd"`
	Place      *apiPlace         `json:"place,omitempty"`
	Raw        string            `json:"raw,omitempty" doc:"The bytes as received, as text; bytes that are no UTF-8 are replaced"`
	Conflicts  []json.RawMessage `json:"conflicts,omitempty" doc:"Other bytes that came under the same uuid"`
}

type apiPerson struct {
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type apiPlace struct {
	Page        int64      `json:"page"`
	Position    int        `json:"position"`
	PageSHA256  string     `json:"page_sha256"`
	Sequence    int64      `json:"sequence"`
	Offset      int        `json:"offset"`
	Length      int        `json:"length"`
	Records     int        `json:"records"`
	Mode        store.Mode `json:"mode"`
	RequestedAt *time.Time `json:"requested_at"`
	ReceivedAt  *time.Time `json:"received_at"`
}

func eventJSON(e evidence.Event) apiEvent {
	return apiEvent{
		Ref: e.EventRef.String(), At: e.At.UTC(), UUID: e.UUID, Connection: e.Connection, Stream: e.Stream, Action: e.Action, Type: e.Type, Result: e.Result,
		Person: apiPerson{e.Person.UUID, e.Person.Name, e.Person.Email}, Vault: e.Vault, Item: e.Item, Target: e.Target, Country: e.Country, IP: e.IP,
		Client: e.Client, Odd: all(e.Odd.Words()), Raw: strings.ToValidUTF8(string(e.Raw), "\uFFFD"),
	}
}

type apiEvents struct {
	Events     []apiEvent `json:"events"`
	Next       *string    `json:"next" doc:"What to send as after for more; null at the end"`
	Complete   bool       `json:"complete" doc:"False: the search stopped at its limit and looked only as far as searched_to"`
	SearchedTo *time.Time `json:"searched_to"`
}

func (s *server) apiEvents(ctx context.Context, c people.Caller, in *eventsParams) (apiEvents, error) {
	out := apiEvents{Events: []apiEvent{}}
	q, err := s.query(ctx, c, in.QueryParams)
	if err != nil {
		return out, err
	}
	after, err := keyset(in.After)
	if err != nil {
		return out, err
	}
	page, err := s.cfg.Store.Events(ctx, store.EventsRequest{Query: q, After: after, Descending: in.Order != "oldest", Limit: in.Limit})
	if err != nil {
		return out, fmt.Errorf("reading events: %w", err)
	}
	for _, e := range page.Events {
		out.Events = append(out.Events, eventJSON(e))
	}
	if page.Next != nil {
		next := page.Next.String()
		out.Next = &next
	}
	if out.Complete = page.Complete; !page.Complete {
		out.SearchedTo = moment(page.SearchedTo)
	}
	return out, nil
}

type byRef struct {
	Ref string `path:"ref" maxLength:"40" doc:"PAGE.POSITION"`
}

func (s *server) apiEvent(ctx context.Context, c people.Caller, in *byRef) (apiEvent, error) {
	ref, err := evidence.ParseEventRef(in.Ref)
	if err != nil {
		return apiEvent{}, err
	}
	e, p, err := s.cfg.Store.Event(ctx, c.Workspace, ref)
	if err != nil {
		return apiEvent{}, err
	}
	out := eventJSON(e)
	out.Place = &apiPlace{e.Page, e.Position, p.PageSHA256, p.Sequence, p.Offset, p.Length, p.Records, p.Mode, moment(p.RequestedAt), moment(p.ReceivedAt)}
	others, err := s.cfg.Store.Conflicts(ctx, c.Workspace, ref)
	if err != nil {
		return apiEvent{}, fmt.Errorf("reading the conflicts of event %s: %w", ref, err)
	}
	for _, o := range others {
		raw := json.RawMessage(o.Raw)
		if !json.Valid(raw) {
			raw, _ = json.Marshal(string(o.Raw)) // a string always encodes
		}
		out.Conflicts = append(out.Conflicts, raw)
	}
	return out, nil
}

type histogramParams struct {
	QueryParams
	Hours int `query:"hours" minimum:"1" maximum:"8784" default:"24" doc:"Length of a bucket in hours"`
}

type apiBucket struct {
	From   time.Time                 `json:"from"`
	Counts map[evidence.Stream]int64 `json:"counts"`
}

type apiHistogram struct {
	Total   int64       `json:"total"`
	Exact   bool        `json:"exact" doc:"False: too much to look at; the counts cover the newest part only"`
	Hours   int         `json:"hours"`
	Buckets []apiBucket `json:"buckets"`
}

func (s *server) apiHistogram(ctx context.Context, c people.Caller, in *histogramParams) (apiHistogram, error) {
	out := apiHistogram{Hours: in.Hours, Buckets: []apiBucket{}}
	q, err := s.query(ctx, c, in.QueryParams)
	if err != nil {
		return out, err
	}
	bucket := time.Duration(in.Hours) * time.Hour
	if q.Span.Duration() > 2000*bucket {
		return out, evidence.Errorf(evidence.Invalid, "That would be more than 2,000 buckets. Ask for longer buckets or for less time.")
	}
	h, err := s.cfg.Store.Histogram(ctx, store.HistogramRequest{Query: q, Bucket: bucket})
	if err != nil {
		return out, fmt.Errorf("counting events: %w", err)
	}
	out.Total, out.Exact = h.Total, h.Exact
	for _, b := range h.Buckets {
		counts := b.Counts
		if counts == nil {
			counts = map[evidence.Stream]int64{}
		}
		out.Buckets = append(out.Buckets, apiBucket{b.From.UTC(), counts})
	}
	return out, nil
}
