package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/app"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t *testing.T, cfg app.Config) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return a
}

// served is what a running server told when it was ready.
type served struct {
	url, signIn string
	stop        func() error
}

func serve(t *testing.T, a *app.App, cfg app.ServeConfig) served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan served, 1), make(chan error, 1)
	cfg.Listener = listen(t)
	cfg.Ready = func(url, signIn string) { ready <- served{url: url, signIn: signIn} }
	go func() { done <- a.Serve(ctx, cfg) }()
	s := <-ready
	s.stop = func() error { cancel(); return <-done }
	return s
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestServe(t *testing.T) {
	a := open(t, app.Config{Data: t.TempDir()})
	first := serve(t, a, app.ServeConfig{Web: true, Worker: true})
	if !strings.HasPrefix(first.signIn, first.url+"/") {
		t.Errorf("the first start gave the sign-in link %q, want one below %s", first.signIn, first.url)
	}
	if code, _ := get(t, first.url+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz answers %d", code)
	}
	if code, body := get(t, first.url+"/events"); code != http.StatusUnauthorized || strings.Contains(body, "<table") {
		t.Errorf("/events answers %d to somebody who is not signed in", code)
	}
	if err := first.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}

	elsewhere := serve(t, a, app.ServeConfig{Web: true, URL: "https://exhibit.example.com"})
	if !strings.HasPrefix(elsewhere.signIn, "https://exhibit.example.com/sign-in/") {
		t.Errorf("behind a proxy the sign-in link is %q", elsewhere.signIn)
	}
	if err := elsewhere.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}

	worker := serve(t, a, app.ServeConfig{Worker: true})
	if code, _ := get(t, worker.url+"/readyz"); code != http.StatusOK {
		t.Errorf("/readyz of a worker answers %d", code)
	}
	if code, _ := get(t, worker.url+"/events"); code != http.StatusNotFound {
		t.Errorf("/events of a worker answers %d; it serves no pages", code)
	}
	if worker.signIn != "" {
		t.Error("a process that serves no pages gave a sign-in link")
	}
	if err := worker.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
}

func TestOpenKeepsWhatIsThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := app.Open(t.Context(), app.Config{Data: dir, MustExist: true}); err == nil {
		t.Fatal("a database that is not there was opened")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s was made although it had to exist", dir)
	}
	a, err := app.Open(t.Context(), app.Config{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	ws := a.Workspace
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, app.Config{Data: dir, MustExist: true}); again.Workspace != ws {
		t.Errorf("the workspace is %s, was %s", again.Workspace, ws)
	}
	if other := open(t, app.Config{Data: dir, Workspace: "other"}); other.Workspace == ws {
		t.Error("two workspaces are one")
	}
	for _, name := range []string{".", "exhibit.db", "keys", "keys/kek"} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, mode %v; want it closed to others", name, err, st.Mode())
		}
	}
}

func TestDoctor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	find := func(checks []app.Check, name string) app.Check {
		for _, c := range checks {
			if c.Name == name {
				return c
			}
		}
		return app.Check{Detail: "not looked at"}
	}
	checks := app.Doctor(t.Context(), app.Config{Data: dir})
	if c := find(checks, "directory"); c.OK {
		t.Errorf("nothing is there and the doctor says %+v", c)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the doctor made the directory")
	}
	open(t, app.Config{Data: dir})
	for _, c := range app.Doctor(t.Context(), app.Config{Data: dir}) {
		if !c.OK {
			t.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if c := find(app.Doctor(t.Context(), app.Config{Data: dir}), "directory"); c.OK || !strings.Contains(c.Detail, "chmod 700") {
		t.Errorf("an open directory: %+v", c)
	}
}
