package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/people"
)

// exploreOperations is the table of the API's operations that keep filters and make files of events.
func (s *server) exploreOperations(api huma.API) {
	add(s, api, "/events/filters", "list-filters", "The caller's saved filters and those that others share", people.ReadEvents, s.apiFilters)
	addAs(s, api, http.MethodPost, "/events/filters", "save-filter", "Keep a filter under a name", people.ReadEvents, s.apiSaveFilter)
	addAs(s, api, http.MethodPatch, "/events/filters/{id}", "change-filter", "Rename a filter, share it or keep it to oneself", people.ReadEvents, s.apiChangeFilter)
	addAs(s, api, http.MethodDelete, "/events/filters/{id}", "remove-filter", "Forget a filter", people.ReadEvents, s.apiRemoveFilter)
	add(s, api, "/events/exports", "list-exports", "The caller's files of events, newest first", people.ReadEvents, s.apiExports)
	addAs(s, api, http.MethodPost, "/events/exports", "begin-export", "Begin to make a file of events", people.ReadEvents, s.apiBeginExport)
	add(s, api, "/events/exports/{id}", "get-export", "How far a file is", people.ReadEvents, s.apiExport)
	addAs(s, api, http.MethodDelete, "/events/exports/{id}", "cancel-export", "Stop making a file, or remove it", people.ReadEvents, s.apiCancelExport)
}

// addAs is add for an operation that changes something.
func addAs[I, T any](s *server, api huma.API, method, path, id, summary string, needs people.Permission, f func(context.Context, people.Caller, *I) (T, error)) {
	op := huma.Operation{
		Method: method, Path: apiPrefix + path, OperationID: id, Summary: summary, DefaultStatus: http.StatusOK,
		Errors:     []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
		Extensions: map[string]any{needsKey: string(needs)},
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*body[T], error) {
		out, err := f(ctx, people.From(ctx), in)
		if err != nil {
			return nil, s.apiProblem(ctx, err)
		}
		return &body[T]{Body: out}, nil
	})
}

type apiFilter struct {
	ID         evidence.ID     `json:"id"`
	Name       string          `json:"name"`
	Owner      string          `json:"owner"`
	Own        bool            `json:"own"`
	Shared     bool            `json:"shared"`
	Range      string          `json:"range" doc:"A range up to now, such as 7d; empty: from and to count"`
	From       *time.Time      `json:"from"`
	To         *time.Time      `json:"to"`
	Connection evidence.ID     `json:"connection" doc:"Empty: all"`
	Stream     evidence.Stream `json:"stream" doc:"Empty: all"`
	Where      string          `json:"where" doc:"KEY=VALUE pieces with spaces between them"`
	Page       string          `json:"page" doc:"Address of the page that shows it"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

func filterJSON(c people.Caller, f evidence.Filter) apiFilter {
	return apiFilter{ID: f.ID, Name: f.Name, Owner: f.Owner, Own: f.Member == c.Member, Shared: f.Shared, Range: f.Lapse, From: moment(f.Span.From), To: moment(f.Span.To),
		Connection: f.Connection, Stream: f.Stream, Where: evidence.FormatWhere(f.Where), Page: "/events?" + filterParams(f).Encode(), UpdatedAt: f.UpdatedAt.UTC()}
}

type apiFilters struct {
	Filters []apiFilter `json:"filters"`
}

func (s *server) apiFilters(ctx context.Context, c people.Caller, _ *nothing) (apiFilters, error) {
	list, err := s.cfg.Explore.Filters(ctx, c)
	out := apiFilters{Filters: []apiFilter{}}
	for _, f := range list {
		out.Filters = append(out.Filters, filterJSON(c, f))
	}
	return out, err
}

// FilterBody selects events in the body of a request.
type FilterBody struct {
	Range      string   `json:"range,omitempty" maxLength:"10" doc:"A range up to now: 1h, 24h, 7d, 30d, 120d or 366d; without it from and to count"`
	From       string   `json:"from,omitempty" maxLength:"40" doc:"RFC 3339 or a date; 120 days ago if left out"`
	To         string   `json:"to,omitempty" maxLength:"40" doc:"RFC 3339 or a date, exclusive; now if left out"`
	Connection string   `json:"connection,omitempty" maxLength:"60" doc:"Id of a connection"`
	Stream     string   `json:"stream,omitempty" maxLength:"60" doc:"A stream, such as signinattempts"`
	Where      []string `json:"where,omitempty" maxItems:"20" doc:"KEY=VALUE each; all must hold"`
}

// filter reads a body as a filter of the caller's workspace.
func (s *server) filter(ctx context.Context, c people.Caller, b FilterBody) (evidence.Filter, error) {
	if b.Range != "" && (b.From != "" || b.To != "") {
		return evidence.Filter{}, evidence.Errorf(evidence.Invalid, "Give either a range or from and to.")
	}
	q, err := s.query(ctx, c, QueryParams{SpanParams: SpanParams{From: b.From, To: b.To}, Connection: b.Connection, Stream: b.Stream, Where: b.Where})
	if err != nil {
		return evidence.Filter{}, err
	}
	f := filterOf(search{query: q, lapse: b.Range})
	f.Workspace = c.Workspace
	if b.Range == "" {
		return f, nil
	}
	for _, l := range evidence.Lapses() {
		if l.Word == b.Range {
			return f, nil
		}
	}
	return f, evidence.Errorf(evidence.Invalid, "There is no range %.20q. There are 1h, 24h, 7d, 30d, 120d and 366d.", b.Range)
}

type saveFilterBody struct {
	Body struct {
		FilterBody
		Name   string `json:"name" maxLength:"200" doc:"Its name"`
		Shared bool   `json:"shared,omitempty" doc:"True: the whole workspace sees it"`
	}
}

func (s *server) apiSaveFilter(ctx context.Context, c people.Caller, in *saveFilterBody) (apiFilter, error) {
	f, err := s.filter(ctx, c, in.Body.FilterBody)
	if err != nil {
		return apiFilter{}, err
	}
	f.Name, f.Shared = in.Body.Name, in.Body.Shared
	f, err = s.cfg.Explore.SaveFilter(ctx, c, f)
	return filterJSON(c, f), err
}

type changeFilterBody struct {
	ID   string `path:"id" maxLength:"60" doc:"Its id"`
	Body struct {
		Name   *string `json:"name,omitempty" maxLength:"200" doc:"Its new name; left out: as it is"`
		Shared *bool   `json:"shared,omitempty" doc:"Left out: as it is"`
	}
}

func (s *server) apiChangeFilter(ctx context.Context, c people.Caller, in *changeFilterBody) (apiFilter, error) {
	f, err := s.cfg.Explore.Filter(ctx, c, evidence.ID(in.ID))
	if err != nil {
		return apiFilter{}, err
	}
	if in.Body.Name != nil {
		f.Name = *in.Body.Name
	}
	if in.Body.Shared != nil {
		f.Shared = *in.Body.Shared
	}
	f, err = s.cfg.Explore.ChangeFilter(ctx, c, f.ID, f.Name, f.Shared)
	return filterJSON(c, f), err
}

// apiRemoved is the answer to a removal.
type apiRemoved struct {
	ID string `json:"id"`
}

func (s *server) apiRemoveFilter(ctx context.Context, c people.Caller, in *byID) (apiRemoved, error) {
	return apiRemoved(*in), s.cfg.Explore.RemoveFilter(ctx, c, evidence.ID(in.ID))
}

type apiExportJSON struct {
	ID         evidence.ID `json:"id"`
	Format     string      `json:"format"`
	Query      string      `json:"query" doc:"In words"`
	State      string      `json:"state" enum:"running,done,failed"`
	Total      *int64      `json:"total" doc:"Events that were counted before it began; null: not counted yet"`
	Events     int64       `json:"events" doc:"Events written so far"`
	Rate       float64     `json:"events_per_second"`
	Left       float64     `json:"seconds_left" doc:"About; 0: not known"`
	Size       int64       `json:"size"`
	SHA256     string      `json:"sha256"`
	Problem    string      `json:"problem"`
	CreatedAt  time.Time   `json:"created_at"`
	FinishedAt *time.Time  `json:"finished_at"`
	ExpiresAt  time.Time   `json:"expires_at" doc:"When the file is removed"`
	File       string      `json:"file" doc:"Where to get it, once it is done"`
}

func exportJSON(e explore.Export) apiExportJSON {
	j := apiExportJSON{ID: e.ID, Format: e.Format, Query: e.Words, State: string(e.State), Events: e.Written, Rate: e.Rate, Left: e.Left.Seconds(), Size: e.Size, SHA256: e.SHA256,
		Problem: e.Problem, CreatedAt: e.CreatedAt.UTC(), FinishedAt: moment(e.FinishedAt), ExpiresAt: e.ExpiresAt.UTC(), File: apiPrefix + "/events/exports/" + string(e.ID) + "/file"}
	if e.Total >= 0 {
		j.Total = &e.Total
	}
	return j
}

type apiExportList struct {
	Exports []apiExportJSON `json:"exports"`
}

func (s *server) apiExports(ctx context.Context, c people.Caller, _ *nothing) (apiExportList, error) {
	list, err := s.cfg.Explore.Exports(ctx, c)
	out := apiExportList{Exports: []apiExportJSON{}}
	for _, e := range list {
		out.Exports = append(out.Exports, exportJSON(e))
	}
	return out, err
}

type beginExportBody struct {
	Body struct {
		FilterBody
		Format string `json:"format" maxLength:"20" doc:"csv, xlsx, ndjson or parquet"`
		Filter string `json:"filter,omitempty" maxLength:"60" doc:"Id of a saved filter, instead of all the other parts"`
	}
}

func (s *server) apiBeginExport(ctx context.Context, c people.Caller, in *beginExportBody) (apiExportJSON, error) {
	var f evidence.Filter
	var err error
	if in.Body.Filter != "" {
		f, err = s.cfg.Explore.Filter(ctx, c, evidence.ID(in.Body.Filter))
	} else {
		f, err = s.filter(ctx, c, in.Body.FilterBody)
	}
	if err != nil {
		return apiExportJSON{}, err
	}
	e, err := s.cfg.Explore.BeginExport(ctx, c, f.Query(s.now()), in.Body.Format)
	return exportJSON(e), err
}

func (s *server) apiExport(ctx context.Context, c people.Caller, in *byID) (apiExportJSON, error) {
	e, err := s.cfg.Explore.Export(ctx, c, evidence.ID(in.ID))
	return exportJSON(e), err
}

func (s *server) apiCancelExport(ctx context.Context, c people.Caller, in *byID) (apiRemoved, error) {
	return apiRemoved(*in), s.cfg.Explore.CancelExport(ctx, c, evidence.ID(in.ID))
}
