package artifact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
)

const who = "Ada Example"

var (
	now     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	october = evidence.Span{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	streams = []evidence.Stream{"signinattempts", "itemusages", "auditevents"}
)

// world is a workspace with one connection, on a real store and a real folder of objects.
type world struct {
	t         testing.TB
	ctx       context.Context
	store     *store.Store
	objects   *object.Store
	objectDir string
	artifacts *artifact.Service
	program   *program.Service
	ws        evidence.ID
	conn      evidence.ID
	cursor    int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), objectDir: filepath.Join(t.TempDir(), "objects")}
	clock := func() time.Time { return now }
	var err error
	if w.store, err = store.Open(w.ctx, store.Config{Dir: t.TempDir(), Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	address, err := object.DirURL(w.objectDir)
	if err != nil {
		t.Fatal(err)
	}
	if w.objects, err = object.Open(w.ctx, address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.objects.Close() })
	if w.ws, err = w.store.EnsureWorkspace(w.ctx, "test"); err != nil {
		t.Fatal(err)
	}
	w.conn = w.connect("1Password", time.Time{})
	conns := connection.New(connection.Config{Store: w.store, Kinds: all.Kinds(), Now: clock})
	w.artifacts = artifact.New(artifact.Config{Store: w.store, Objects: w.objects, Connections: conns, Engine: "0.0.0-test", Now: clock, TempDir: t.TempDir()})
	w.program = program.New(w.store, clock)
	return w
}

func (w *world) connect(name string, off time.Time) evidence.ID {
	w.t.Helper()
	c := evidence.Connection{
		ID: evidence.NewID(evidence.PrefixConnection), Workspace: w.ws, Source: "onepassword", Name: name, Server: "https://events.example.com",
		AccountUUID: "ACCOUNTKFZ5BH37IQWTJ7LGAAA", Integration: "INTEGRATIONZ5BH37IQWTJ7LGI", Features: streams,
		CreatedAt: october.From, CreatedBy: who, CheckedAt: now, OffAt: off,
	}
	if err := w.store.CreateConnection(w.ctx, c, []byte("sealed"), streams); err != nil {
		w.t.Fatal(err)
	}
	return c.ID
}

// read stores one page as if it had been read: the events, and the window that the reading has covered.
func (w *world) read(stream evidence.Stream, window evidence.Span, items ...string) {
	w.t.Helper()
	lease, err := w.store.Acquire(w.ctx, w.conn, stream, "test/1/1", time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	w.cursor++
	page := source.Page{Body: []byte(`{"items":[`), Next: source.Cursor(fmt.Sprint("cursor ", w.cursor)), Ordered: true}
	kind := all.Kinds()[0]
	for i, item := range items {
		if i > 0 {
			page.Body = append(page.Body, ',')
		}
		start := len(page.Body)
		page.Body = append(page.Body, item...)
		page.Records = append(page.Records, source.Record{Start: start, End: len(page.Body), Facts: kind.Normalise(stream, []byte(item))})
	}
	page.Body = append(page.Body, `],"has_more":false}`...)
	_, err = w.store.Commit(w.ctx, lease, store.PageCommit{
		Mode: store.Live, Request: source.Request{Stream: stream, Cursor: source.Cursor(lease.Cursor), From: window.From, Limit: 1000}, Page: page,
		RequestedAt: now, ReceivedAt: now, Window: window, NewWindow: lease.Window.Empty() || !lease.Window.To.Equal(window.From) && !lease.Window.From.Equal(window.From),
		CaughtUp: true, Build: "Exhibit/0.0.0-test",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	lease2, err := w.store.Acquire(w.ctx, w.conn, stream, "test/1/1", time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Release(w.ctx, lease2); err != nil {
		w.t.Fatal(err)
	}
}

// readAll reads October of all streams: a burst of failures with a success after it, and some reveals.
func (w *world) readAll() {
	w.t.Helper()
	var attempts, uses []string
	for i := range 15 {
		attempts = append(attempts, signIn(i, october.From.Add(time.Duration(i)*time.Second), "credentials_failed", "password_secret_bad"))
		uses = append(uses, usage(i, october.From.Add(time.Duration(i)*time.Hour), []string{"reveal", "fill", "export"}[i%3]))
	}
	attempts = append(attempts, signIn(99, october.From.Add(time.Minute), "success", "credentials_ok"))
	w.read("signinattempts", october, attempts...)
	w.read("itemusages", october, uses...)
	w.read("auditevents", october)
}

func signIn(n int, at time.Time, category, kind string) string {
	return object2("uuid", fmt.Sprintf("SIGNINOEWXDTVWKEQDIWTK%04d", n), "session_uuid", "SESSION4KFZ5BH37IQWTJ7LGSS", "timestamp", at.Format(time.RFC3339Nano),
		"category", category, "type", kind, "details", nil, "country", "CA", "target_user", person,
		"client", map[string]string{"app_name": "1Password for Web", "app_version": "20195", "ip_address": "192.0.2.7"})
}

func usage(n int, at time.Time, action string) string {
	return object2("uuid", fmt.Sprintf("USAGEVOEWXDTVWKEQDIWTK%04d", n), "timestamp", at.Format(time.RFC3339Nano), "used_version", 1,
		"vault_uuid", "vaultsqf5qylslqiitnduawrnd", "item_uuid", "itembvwmmwxisuca7wbehrbyqh", "action", action, "user", person,
		"client", map[string]string{"app_name": "1Password for Mac", "ip_address": "192.0.2.7"})
}

var person = map[string]string{"uuid": "ADA7KAPROEJLCK674RHSAY5AAA", "name": "Ada Example", "email": "ada@example.com"}

func object2(pairs ...any) string {
	var b bytes.Buffer
	for i := 0; i < len(pairs); i += 2 {
		value, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%c%q:%s", ",{"[min(1, max(0, 1-i))], pairs[i], value)
	}
	return b.String() + "}"
}

func (w *world) build(recipe string, span evidence.Span) artifact.View {
	w.t.Helper()
	v, err := w.artifacts.Build(w.ctx, who, w.ws, artifact.BuildRequest{Recipe: recipe, Span: span})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// trail counts what the workspace's own trail holds: "who what".
func (w *world) trail() map[string]int {
	w.t.Helper()
	all, err := w.store.Activity(w.ctx, w.ws, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]int{}
	for _, a := range all {
		out[a.Who+" "+a.What]++
	}
	return out
}
