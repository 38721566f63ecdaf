package explore_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
)

var (
	now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	day = evidence.Span{From: now.Add(-24 * time.Hour), To: now}
)

const audits evidence.Stream = "auditevents"

// world is a workspace with one connection, on a real store.
type world struct {
	t       testing.TB
	store   *store.Store
	objects *object.Store
	explore *explore.Service
	ws      evidence.ID
	ada     people.Caller
	bob     people.Caller

	mu   sync.Mutex
	time time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, time: now}
	ctx := t.Context()
	var err error
	w.store, err = store.Open(ctx, store.Config{Dir: t.TempDir(), Now: w.clock})
	w.ok(err)
	t.Cleanup(func() { w.ok(w.store.Close()) })
	w.objects, err = object.Open(ctx, "mem://")
	w.ok(err)
	t.Cleanup(func() { w.ok(w.objects.Close()) })
	w.ws, err = w.store.EnsureWorkspace(ctx, "test")
	w.ok(err)
	w.ada, w.bob = w.member("Ada", people.Admin), w.member("Bob", people.Reviewer)
	w.explore = explore.New(explore.Config{Store: w.store, Objects: w.objects, Kinds: all.Kinds(), TempDir: t.TempDir(), Now: w.clock})
	t.Cleanup(func() { w.ok(w.explore.Close()) })
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) member(name string, role people.Role) people.Caller {
	c := people.Caller{Member: evidence.NewID(evidence.PrefixPerson), Workspace: w.ws, Name: name, Email: name + "@example.com", Role: role}
	w.ok(w.store.AddMember(w.t.Context(), store.Member{ID: c.Member, Workspace: w.ws, Name: name, Email: c.Email, Role: string(role), CreatedAt: now}))
	return c
}

// read stores a page of audit events.
func (w *world) read(items ...[]byte) {
	w.t.Helper()
	ctx := w.t.Context()
	c := evidence.Connection{ID: evidence.NewID(evidence.PrefixConnection), Workspace: w.ws, Source: "onepassword", Name: `=cmd|"/c calc"!A1`, Server: "https://events.example.com",
		Features: []evidence.Stream{audits}, CreatedAt: day.From, CreatedBy: "Ada", CheckedAt: now}
	w.ok(w.store.CreateConnection(ctx, c, []byte("sealed"), c.Features))
	lease, err := w.store.Acquire(ctx, c.ID, audits, "test/1/1", time.Minute)
	w.ok(err)
	page := source.Page{Body: []byte(`{"items":[`), Next: "c1", Ordered: true}
	for i, item := range items {
		if i > 0 {
			page.Body = append(page.Body, ',')
		}
		start := len(page.Body)
		page.Body = append(page.Body, item...)
		page.Records = append(page.Records, source.Record{Start: start, End: len(page.Body), Facts: all.Kinds()[0].Normalise(audits, item)})
	}
	page.Body = append(page.Body, `]}`...)
	done, err := w.store.Commit(ctx, lease, store.PageCommit{Mode: store.Live, Request: source.Request{Stream: audits, From: day.From, Limit: 1000}, Page: page,
		RequestedAt: now, ReceivedAt: now, Window: day, NewWindow: true, CaughtUp: true, Build: "test"})
	w.ok(err)
	w.ok(w.store.Release(ctx, done.Lease))
}

// audit is an audit event whose every text is name.
func audit(i int, name string) []byte {
	b, err := json.Marshal(map[string]any{
		"uuid": fmt.Sprintf("AUDITOEWXDTVWKEQDIWTKV%04d", i), "timestamp": day.From.Add(time.Duration(i) * time.Second).Format(time.RFC3339Nano),
		"actor_uuid": "U" + name, "actor_details": map[string]string{"uuid": "U" + name, "name": name, "email": name}, "action": name, "object_type": name, "object_uuid": name,
		"session": map[string]string{"uuid": "S1", "ip": name}, "location": map[string]string{"country": name, "city": name},
	})
	if err != nil {
		panic(err)
	}
	return b
}

func (w *world) query() evidence.Query { return evidence.Query{Workspace: w.ws, Span: day} }
