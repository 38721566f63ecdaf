package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/collect"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/source"
)

// workspace is a fresh Exhibit that reads the simulator.
type workspace struct {
	dir string
	cfg app.Config
	app *app.App
}

func newWorkspace(ctx context.Context, o options, sim *simulatorProcess) (*workspace, error) {
	dir, err := os.MkdirTemp("", "exhibit-bench-")
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(sim.ca)
	if err != nil {
		return nil, err
	}
	w := &workspace{dir: dir, cfg: app.Config{Data: dir, Database: o.database, Operator: source.Operator{AllowServers: []string{sim.url}, CAPEM: pem}}}
	if w.app, err = app.Open(ctx, w.cfg); err != nil {
		return nil, err
	}
	_, err = w.app.Connections.Add(ctx, "bench", w.app.Workspace, connection.AddRequest{
		Source: "onepassword", Server: sim.url, Token: seal.NewSecret(sim.token), Name: "simulated",
	})
	return w, err
}

func (w *workspace) remove() {
	_ = w.app.Close()
	_ = os.RemoveAll(w.dir)
}

// collect reads everything and gives the number of new events.
func (w *workspace) collect(ctx context.Context) (int, error) {
	s, err := w.app.Collector(nil).UntilIdle(ctx, collect.Filter{Workspace: w.app.Workspace})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range s.Connections {
		for _, st := range c.Streams {
			if st.Error != nil {
				return n, fmt.Errorf("stream %s: %s", st.Stream, *st.Error)
			}
			n += int(st.New)
		}
	}
	return n, nil
}

// size closes and opens the database, so that nothing waits in a journal, and gives what it takes on disk.
func (w *workspace) size(ctx context.Context) (int64, error) {
	if w.cfg.Database != "" {
		s, err := w.app.Store.Size(ctx)
		return s.Bytes, err
	}
	if err := w.app.Close(); err != nil {
		return 0, err
	}
	var size int64
	err := filepath.WalkDir(w.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	w.app, err = app.Open(ctx, w.cfg)
	return size, err
}

// pages measures the Events page and API over loopback HTTP, as a signed-in person sees them.
func (w *workspace) pages(ctx context.Context, requests int) error {
	handler, err := w.app.Handler("http://127.0.0.1")
	if err != nil {
		return err
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar}
	if err := w.signIn(ctx, client, server.URL); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	kinds, err := w.kinds(ctx)
	if err != nil {
		return err
	}
	fmt.Println("| request | p50 | p99 | worst |")
	fmt.Println("|---|---:|---:|---:|")
	for _, k := range kinds {
		times := make([]time.Duration, 0, requests)
		for i := range requests + 1 {
			started := time.Now()
			if err := get(ctx, client, server.URL+k.path); err != nil {
				return fmt.Errorf("%s: %w", k.path, err)
			}
			if i > 0 { // the first request warms up
				times = append(times, time.Since(started))
			}
		}
		fmt.Printf("| %s | %s | %s | %s |\n", k.name, ms(percentile(times, 0.50)), ms(percentile(times, 0.99)), ms(percentile(times, 1)))
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// pageKind is one kind of request.
type pageKind struct{ name, path string }

// kinds are the requests of a person who looks for something: the newest events, a busy and a quiet person, a rare
// action, one item, one address, failures, a narrow time, and going on to older events.
func (w *workspace) kinds(ctx context.Context) ([]pageKind, error) {
	out := []pageKind{
		{"Events page, newest", "/events"},
		{"Events page, 120 days", "/events?range=120d"},
		{"Events page, failed sign-ins", "/events?range=120d&stream=signinattempts&result=failed"},
		{"Events page, exports", "/events?range=120d&action=export"},
		{"API, 100 newest", "/api/v1/events?limit=100"},
		{"API, histogram", "/api/v1/histogram"},
	}
	for _, key := range []evidence.Key{evidence.KeyPerson, evidence.KeyItem, evidence.KeyIP} {
		values, err := w.app.Store.Values(ctx, w.app.Workspace, key, "", 200)
		if err != nil {
			return nil, err
		}
		if len(values) == 0 {
			continue
		}
		busy, quiet := values[0], values[len(values)-1]
		for _, v := range []struct {
			name  string
			value string
		}{{"busiest " + string(key), busy.Value}, {"quiet " + string(key), quiet.Value}} {
			out = append(out, pageKind{"Events page, " + v.name, "/events?range=120d&" + string(key) + "=" + url.QueryEscape(v.value)})
		}
	}
	return out, nil
}

// signIn uses the first administrator's link the way a browser does.
func (w *workspace) signIn(ctx context.Context, client *http.Client, base string) error {
	link, ok, err := w.app.SignIn.FirstLink(ctx, w.app.Workspace)
	if err != nil || !ok {
		return fmt.Errorf("no link: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/sign-in", strings.NewReader(url.Values{"link": {strings.TrimPrefix(link.Path, signin.PathPrefix)}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(client, req)
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return do(client, req)
}
