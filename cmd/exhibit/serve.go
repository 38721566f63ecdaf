package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/app"
)

type serveCmd struct {
	Listen string   `help:"Address to listen on." default:"127.0.0.1:8080" env:"EXHIBIT_LISTEN" placeholder:"ADDR"`
	Role   []string `help:"What this process does: web (pages and API), worker (reading; it answers for health and metrics alone), or both." default:"web,worker" env:"EXHIBIT_ROLE" placeholder:"ROLE"`
	URL    string   `help:"Address under which people reach the server, if that is not http://ADDR." env:"EXHIBIT_URL" name:"url" placeholder:"URL"`
}

func (c *serveCmd) Run(ctx context.Context, g *Globals) error {
	for _, r := range c.Role {
		if r != "web" && r != "worker" {
			return usagef("There is no role %q. The roles are web and worker.", r)
		}
	}
	if c.URL != "" {
		clean, err := cleanURL(c.URL)
		if err != nil {
			return err
		}
		c.URL = clean
	}
	l, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	return g.withNew(ctx, func(a *app.App) error {
		return g.serve(ctx, a, l, app.ServeConfig{
			Web: slices.Contains(c.Role, "web"), Worker: slices.Contains(c.Role, "worker"), URL: c.URL,
		})
	})
}

// listen opens the port before anything else is done, so that a port in use is told at once.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, usagef("--listen %q is no address. Write HOST:PORT, such as 127.0.0.1:8080.", addr)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w. Choose another address with --listen", addr, err)
	}
	return l, nil
}

// serve prints where the server is reached and serves until ctx ends, which is no failure.
func (g *Globals) serve(ctx context.Context, a *app.App, l net.Listener, cfg app.ServeConfig) error {
	cfg.Listener = l
	cfg.Ready = func(url, signIn string) {
		fmt.Fprintf(g.out, "Listening on %s\n", url)
		if signIn != "" {
			fmt.Fprintf(g.out, "Sign in once at %s\n", signIn)
		}
		if host, _, err := net.SplitHostPort(l.Addr().String()); err == nil && !net.ParseIP(host).IsLoopback() && !strings.HasPrefix(cfg.URL, "https://") {
			fmt.Fprintln(g.err, "Warning: this address is reached from other machines without TLS. Put a TLS proxy before it and name its address with --url https://…")
		}
	}
	err := a.Serve(ctx, cfg)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}
