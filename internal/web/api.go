package web

import (
	"context"
	"net/http"
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
	add(s, api, "/artifacts", "list-artifacts", "Artifacts with their newest version", people.ReadArtifacts, s.apiArtifacts)
	add(s, api, "/artifacts/{id}", "get-artifact", "One artifact with its versions and provenance", people.ReadArtifacts, s.apiArtifact)
	s.programOperations(api)
	add(s, api, "/actions", "list-actions", "Actions with what is attached", people.ReadActions, s.apiActions)
	s.exploreOperations(api)
}

// body is an answer.
type body[T any] struct{ Body T }

// add mounts one operation that reads. Its error becomes a problem document, never more.
func add[I, T any](s *server, api huma.API, path, id, summary string, needs people.Permission, f func(context.Context, people.Caller, *I) (T, error)) {
	mount(s, api, huma.Operation{Method: http.MethodGet, Path: apiPrefix + path, OperationID: id, Summary: summary}, needs, f)
}

// mount mounts any operation under its permission.
func mount[I, T any](s *server, api huma.API, op huma.Operation, needs people.Permission, f func(context.Context, people.Caller, *I) (T, error)) {
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound)
	op.Extensions = map[string]any{needsKey: string(needs)}
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
	ctx, cancel := context.WithTimeout(r.Context(), quick)
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
