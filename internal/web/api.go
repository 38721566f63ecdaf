package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/exhibithq/exhibit/internal/people"
)

// apiPrefix is the path below which the API lies.
const apiPrefix = "/api/v1"

// needsKey is where an operation carries the permission that it needs; it is also published in the API's document.
const needsKey = "x-needs"

// mountAPI puts the API's operations and its document on the mux.
func (s *server) mountAPI(mux *http.ServeMux) huma.API {
	cfg := huma.DefaultConfig("Exhibit", s.cfg.Version)
	cfg.Info.Description = "Everything that the pages show, for programs. Answers are of the workspace of the caller; times are RFC 3339 in UTC."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = []huma.Transformer{withoutValues}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: s.cookieName(), Description: "The session of somebody who signed in with a link."},
	}
	cfg.Components.SecuritySchemes["token"] = &huma.SecurityScheme{Type: "http", Scheme: "bearer", BearerFormat: "exh_…",
		Description: "An API token, made under Settings or with exhibit api-tokens create. It is taken from the header Authorization alone."}
	cfg.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	api := humago.New(mux, cfg)
	api.UseMiddleware(s.guardAPI)
	s.operations(api)
	mux.Handle("GET "+apiPrefix+"/openapi.json", s.serve(route{pattern: "openapi", needs: open, limit: quick, handle: func(w http.ResponseWriter, _ *http.Request) error {
		doc, err := api.OpenAPI().MarshalJSON()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(doc) // a client that hangs up is no error of ours
		return nil
	}}))
	mux.Handle("/api/", s.serve(route{pattern: "api", needs: open, limit: quick, handle: s.nothingHere}))
	return api
}

// operations is the whole table of the API, with the same columns as routes.
func (s *server) operations(api huma.API) {
	add(s, api, "/connections", "list-connections", "Connections with their state", people.ReadSources, s.apiConnections)
	add(s, api, "/connections/{id}", "get-connection", "One connection with its streams", people.ReadSources, s.apiConnection)
	add(s, api, "/coverage", "get-coverage", "What of a time has been read, and what has not", people.ReadSources, s.apiCoverage)
	add(s, api, "/events", "list-events", "Events in order of time, page by page", people.ReadEvents, s.apiEvents)
	add(s, api, "/events/{ref}", "get-event", "One event with its bytes and its place", people.ReadEvents, s.apiEvent)
	add(s, api, "/histogram", "get-histogram", "Counts of events over time", people.ReadEvents, s.apiHistogram)
	add(s, api, "/artifacts", "list-artifacts", "Artifacts with their newest version, filtered", people.ReadArtifacts, s.apiArtifacts)
	add(s, api, "/artifacts/{id}", "get-artifact", "One artifact with its versions and provenance", people.ReadArtifacts, s.apiArtifact)
	s.programOperations(api)
	s.actionOperations(api)
	s.evidenceOperations(api)
	s.exploreOperations(api)
	s.catalogueOperations(api)
	s.connectionOperations(api)
	s.artifactOperations(api)
	s.settingsOperations(api)
	s.holdOperations(api)
	s.erasureOperations(api)
	s.peopleOperations(api)
	s.logOperations(api)
	s.auditOperations(api)
}

// body is an answer.
type body[T any] struct{ Body T }

// add mounts one operation that reads.
func add[I, T any](s *server, api huma.API, path, id, summary string, needs people.Permission, f func(context.Context, people.Caller, *I) (T, error)) {
	mount(s, api, operation(http.MethodGet, path, id, summary, needs, quick), f)
}

// limitKey is where an operation carries its time limit; it is not published.
const limitKey = "limit"

// operation is one row of the table: what is asked, what one needs for it, and how long it may take.
func operation(method, path, id, summary string, needs people.Permission, limit time.Duration) huma.Operation {
	op := huma.Operation{
		Method: method, Path: apiPrefix + path, OperationID: id, Summary: summary, Tags: []string{tagOf(path)},
		Description: "Needs the permission to " + string(needs) + "; of a token, the scope " + string(people.ScopeFor(needs)) + ".",
		Errors:      []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
		Extensions:  map[string]any{needsKey: string(needs)},
		Metadata:    map[string]any{limitKey: limit},
	}
	if needs == people.Own {
		op.Description = "Needs nothing but a session or a token."
	}
	if method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusConflict)
	}
	return op
}

// tagOf groups operations by the first word of their path.
func tagOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

// mount mounts one operation. Its error becomes a problem document, never more.
func mount[I, T any](s *server, api huma.API, op huma.Operation, f func(context.Context, people.Caller, *I) (T, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (*body[T], error) {
		out, err := f(ctx, people.From(ctx), in)
		if err != nil {
			return nil, s.apiProblem(ctx, err)
		}
		return &body[T]{Body: out}, nil
	})
}

type requestKey struct{}

// guardAPI finds out who asks and asks the permission table before an operation runs.
func (s *server) guardAPI(hc huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(hc)
	limit, ok := hc.Operation().Metadata[limitKey].(time.Duration)
	if !ok {
		limit = quick
	}
	if limit > quick { // the server's own write time-out is for quick answers; a test recorder has none to extend
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit))
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	r, err := s.identify(r.WithContext(ctx))
	if err == nil {
		needs, _ := hc.Operation().Extensions[needsKey].(string)
		err = people.From(r.Context()).May(people.Permission(needs)) // an operation without one fails closed
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next(huma.WithContext(hc, context.WithValue(r.Context(), requestKey{}, r)))
}

// problem is RFC 9457 problem JSON.
type problem struct {
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitempty"`
}

func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return "application/problem+json" }

func (t told) problem() *problem {
	p := &problem{Title: t.title, Status: t.status, Detail: t.text}
	if t.number != "" {
		p.Instance = "urn:exhibit:problem:" + t.number
	}
	return p
}

// withoutValues takes out of huma's own refusals what was sent: it may be a secret, and whoever sent it knows it.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		for _, detail := range e.Errors {
			detail.Value = nil
		}
	}
	return v, nil
}

// apiProblem turns an error into a problem document as the pages turn it into a page.
func (s *server) apiProblem(ctx context.Context, err error) error {
	r, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok {
		r = (&http.Request{}).WithContext(ctx)
	}
	return s.tell(r, err).problem()
}

// moment gives a time as JSON, null if there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
