package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/web/asset"
)

// server is the pages and the API of one workspace's server.
type server struct {
	cfg      Config
	assets   *asset.Set
	metrics  *metrics
	suggest  *suggestions
	tries    *attempts // sign-in links
	tokens   *attempts // API tokens
	accounts *attempts // passwords and codes, by account
	builds   *building
	begun    *attempts // sign-ins with a passkey, by network
	hub      *hub
	log      *slog.Logger
}

// New puts pages, API, assets, health and metrics behind one handler. It holds nothing that would have to be closed.
func New(cfg Config) (http.Handler, error) {
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

func newServer(cfg Config) (*server, error) {
	if cfg.Store == nil || cfg.SignIn == nil || cfg.Coverage == nil || cfg.Connections == nil || cfg.Artifacts == nil || cfg.Program == nil || cfg.Tokens == nil || cfg.Notify == nil || cfg.Explore == nil || cfg.Audits == nil || cfg.Holds == nil || cfg.Erasure == nil {
		return nil, fmt.Errorf("making the pages: Store, SignIn, Tokens, Notify, Coverage, Connections, Artifacts, Program, Audits, Holds, Erasure and Explore must all be given")
	}
	assets, err := asset.New()
	if err != nil {
		return nil, fmt.Errorf("preparing the assets: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Command == "" {
		cfg.Command = "exhibit"
	}
	return &server{
		cfg: cfg, assets: assets, metrics: newMetrics(cfg.Store), suggest: newSuggestions(cfg.Store, cfg.Now),
		tries: newAttempts(cfg.Now, tooManyLinks), tokens: newAttempts(cfg.Now, tooManyTokens), accounts: newAttempts(cfg.Now, tooManyPasswords), builds: newBuilding(), begun: newLimited(cfg.Now, tooManyBegun, begunBurst, begunEvery), hub: newHub(cfg.Store, cfg.Now, cfg.Log), log: cfg.Log,
	}, nil
}

func (s *server) now() time.Time { return s.cfg.Now().UTC() }

// handler stacks what every request passes, the outermost last.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.serve(r))
	}
	s.mountAPI(mux)
	mux.Handle("GET "+asset.Prefix, s.assets)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.Handle("/", s.serve(route{pattern: "other", needs: open, limit: quick, handle: s.nothingHere}))

	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(s.serve(route{pattern: "cross-origin", needs: open, limit: quick, handle: crossOrigin}))

	var h http.Handler = guard.Handler(mux)
	h = limitBody(h)
	h = newPacker().wrap(h)
	h = headers(s.cfg.Secure, h)
	return s.watch(h)
}

// serve finds out who asks, asks the permission table, runs the handler within its time and answers its error.
func (s *server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), rt.limit)
		defer cancel()
		if rt.limit > quick { // the server's own time-outs are for pages; a test recorder has none to extend
			rc := http.NewResponseController(w)
			_ = rc.SetWriteDeadline(time.Now().Add(rt.limit))
			_ = rc.SetReadDeadline(time.Now().Add(rt.limit)) // when it passes, the request's context ends
		}
		r = r.WithContext(ctx)
		r, err := s.identify(r)
		if err == nil && rt.needs != open {
			err = people.From(r.Context()).May(rt.needs)
		}
		if err == nil && rt.needs != open {
			err = s.rotate(w, r)
		}
		if err == nil {
			err = rt.handle(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// identify puts the caller into the request's context. Nobody being signed in is no error here: the table decides.
func (s *server) identify(r *http.Request) (*http.Request, error) {
	if token, ok := bearer(r); ok {
		return s.identifyToken(r, token)
	}
	secret := s.session(r)
	if secret == "" {
		return r, nil
	}
	who := s.cfg.SignIn.Caller
	if byItself(r) {
		who = s.cfg.SignIn.Peek
	}
	c, err := who(r.Context(), secret)
	if evidence.ErrorCode(err) == evidence.Unauthorized {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("finding out who asks: %w", err)
	}
	return r.WithContext(people.With(r.Context(), c)), nil
}

// kind gives an entry of the catalogue.
func (s *server) kind(id string) (source.Kind, error) {
	if k, ok := source.FindKind(s.cfg.Kinds, id); ok {
		return k, nil
	}
	return source.Kind{}, evidence.Errorf(evidence.NotFound, "The catalogue has no source %.80q.", id)
}
