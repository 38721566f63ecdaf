package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web"
)

// ServeConfig says what one process serves.
type ServeConfig struct {
	Listener net.Listener
	Web      bool   // pages and API; without it the listener answers for health and metrics alone
	Worker   bool   // reading and telling
	URL      string // under which people reach the server; empty: http://ADDR of Listener
	// Ready is called once, when pages are answered. signIn is a link that works once; it is empty when somebody has
	// signed in before.
	Ready func(url, signIn string)
}

// drainFor is how long requests under way may take when the server stops.
const drainFor = 10 * time.Second

// Serve serves until ctx ends, lets requests under way finish, and returns ctx's error.
func (a *App) Serve(ctx context.Context, cfg ServeConfig) error {
	if cfg.URL == "" {
		cfg.URL = "http://" + cfg.Listener.Addr().String()
	}
	g, running := errgroup.WithContext(ctx)
	if cfg.Web {
		handler, err := a.Handler(cfg.URL)
		if err != nil {
			return err
		}
		g.Go(func() error { return a.serveWeb(running, cfg, handler) })
		g.Go(func() error { return a.tidyUp(running) })
	}
	if cfg.Worker {
		g.Go(func() error { return a.work(running) })
		g.Go(func() error {
			return a.everywhere(running, func(ctx context.Context, ws evidence.ID) error { return a.Program.Run(ctx, ws) })
		})
		g.Go(func() error {
			return a.everywhere(running, func(ctx context.Context, ws evidence.ID) error {
				return a.Artifacts.RunSchedules(ctx, ws, a.cfg.Log)
			})
		})
		g.Go(func() error {
			return a.everywhere(running, func(ctx context.Context, ws evidence.ID) error { return a.Notify.Run(ctx, ws, cfg.URL) })
		})
	}
	if !cfg.Web {
		handler, err := a.Handler(cfg.URL)
		if err != nil {
			return err
		}
		g.Go(func() error { return a.serveWeb(running, cfg, watchOnly(handler)) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// watchOnly lets through what tells an operator how a process is, for one that serves no pages.
func watchOnly(handler http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, handler)
	}
	return mux
}

// Handler makes pages and API.
func (a *App) Handler(url string) (http.Handler, error) {
	h, err := web.New(web.Config{
		Store: a.Store, SignIn: a.SignIn, Tokens: a.Tokens, Notify: a.Notify, URL: url, Coverage: a.Connections, Connections: concerned{a.Connections, a.Log, nil}, Artifacts: a.Artifacts, Program: a.Program, Audits: a.Audits, Holds: a.Holds, Erasure: a.Erasure, Logbook: a.Log, Explore: a.Explore, Kinds: a.kinds, Workspace: a.cfg.Workspace,
		Stopping: a.stopping, PerMinute: a.cfg.RequestsPerMinute,
		Secure: strings.HasPrefix(url, "https://"), Version: Version, Now: a.cfg.Now, Log: a.cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("making the pages: %w", err)
	}
	return h, nil
}

func (a *App) serveWeb(ctx context.Context, cfg ServeConfig, handler http.Handler) error {
	// Time-outs bound slow clients (ASVS 15.2.2). Downloads of large artifacts extend their own write deadline.
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	srv.RegisterOnShutdown(a.stop)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(cfg.Listener) }()
	if err := a.ready(ctx, cfg); err != nil {
		_ = srv.Close()
		return err
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serving pages: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping the pages: %w", err)
	}
	return ctx.Err()
}

// ready tells where the server is, with a link for the first administrator as long as nobody has signed in.
func (a *App) ready(ctx context.Context, cfg ServeConfig) error {
	if cfg.Ready == nil {
		return nil
	}
	if !cfg.Web {
		cfg.Ready(cfg.URL, "")
		return nil
	}
	link, first, err := a.SignIn.FirstLink(ctx, a.Workspace)
	if err != nil {
		return err
	}
	signIn := ""
	if first {
		signIn = cfg.URL + link.Path
	}
	cfg.Ready(cfg.URL, signIn)
	return nil
}

// tidyEvery is how often files that have expired are removed.
const tidyEvery = time.Hour

// tidyUp removes exported files that have expired until ctx ends. What fails is tried again an hour later.
func (a *App) tidyUp(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := a.Explore.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.cfg.Log.Error("expired exports could not be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// lookEvery is how often a server looks for workspaces that were made since.
const lookEvery = time.Minute

// everywhere runs something for each workspace of the database, also for those that are made later, until ctx ends or one fails.
func (a *App) everywhere(ctx context.Context, run func(ctx context.Context, ws evidence.ID) error) error {
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		known := map[evidence.ID]bool{}
		for {
			all, err := a.Store.Workspaces(running)
			if err != nil && running.Err() == nil {
				a.cfg.Log.Error("the workspaces could not be read", "error", err)
			}
			for _, ws := range all {
				if !known[ws] {
					known[ws] = true
					g.Go(func() error { return run(running, ws) })
				}
			}
			select {
			case <-running.Done():
				return running.Err()
			case <-tick.C:
			}
		}
	})
	return g.Wait()
}

// work reads all connections until ctx ends.
func (a *App) work(ctx context.Context) error {
	c := a.Collector(nil)
	go func() { _ = a.everywhere(ctx, a.keepSigning) }() // it ends with ctx and has no other error
	go func() { _ = a.everywhere(ctx, a.keepAsking) }()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-a.wake:
				c.Wake()
			}
		}
	}()
	return c.Run(ctx)
}
