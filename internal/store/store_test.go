package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// both runs a test on SQLite and on PostgreSQL. PostgreSQL needs EXHIBIT_TEST_POSTGRES: the URL of a server whose user may
// make databases (scripts/test-postgres.sh starts one).
func both(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newFixture(t, Config{Dir: t.TempDir()})) })
	t.Run("postgres", func(t *testing.T) { test(t, newFixture(t, Config{URL: freshPostgres(t)})) })
}

// TestMain makes one database on the server of EXHIBIT_TEST_POSTGRES for the run, and drops it.
func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// postgresURL names the database of the run; empty: PostgreSQL is not tested.
const postgresURL = "EXHIBIT_TEST_POSTGRES_DATABASE"

func run(m *testing.M) (code int, err error) {
	server := os.Getenv("EXHIBIT_TEST_POSTGRES")
	if server == "" || os.Getenv("EXHIBIT_TEST_KILL") != "" {
		return m.Run(), nil
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	name := fmt.Sprintf("exhibit_test_%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		return 1, fmt.Errorf("EXHIBIT_TEST_POSTGRES: %w", err)
	}
	u, err := url.Parse(server)
	if err != nil {
		return 1, err
	}
	u.Path = "/" + name
	if err := os.Setenv(postgresURL, u.String()); err != nil {
		return 1, err
	}
	code = m.Run()
	_, err = admin.Exec("DROP DATABASE " + name + " WITH (FORCE)")
	return code, err
}

// freshPostgres makes an empty schema in the database of the run.
func freshPostgres(t testing.TB) string {
	t.Helper()
	database := os.Getenv(postgresURL)
	if database == "" {
		t.Skip("EXHIBIT_TEST_POSTGRES is not set: run scripts/test-postgres.sh start and set it to the URL that it prints")
	}
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("t%d", time.Now().UnixNano())
	if _, err := db.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// fixture is a store with a workspace, a connection of two streams, and a clock.
type fixture struct {
	*Store
	t    testing.TB
	cfg  Config
	ws   evidence.ID
	conn evidence.ID
	now  time.Time
}

const (
	signIns evidence.Stream = "signinattempts"
	usages  evidence.Stream = "itemusages"
	holder                  = "here.example.com/1/1700000000"
)

// day0 is where the events of the tests begin.
var day0 = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func newFixture(t testing.TB, cfg Config) *fixture {
	t.Helper()
	f := &fixture{t: t, cfg: cfg, now: day0.AddDate(0, 0, 10)}
	f.cfg.Now = func() time.Time { return f.now }
	f.open()
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx := t.Context()
	var err error
	f.ws, err = f.EnsureWorkspace(ctx, "default")
	f.ok(err)
	f.conn = f.connect("1Password")
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	var err error
	f.Store, err = Open(context.Background(), f.cfg)
	f.ok(err)
}

func (f *fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) connect(name string) evidence.ID {
	f.t.Helper()
	id := evidence.NewID(evidence.PrefixConnection)
	f.ok(f.CreateConnection(f.t.Context(), evidence.Connection{ID: id, Workspace: f.ws, Source: "onepassword", Name: name,
		Server: "https://events.example.com", Features: []evidence.Stream{signIns, usages}, CreatedAt: day0, CheckedAt: day0},
		[]byte("sealed"), []evidence.Stream{signIns, usages}))
	return id
}

func (f *fixture) acquire(stream evidence.Stream) Lease {
	f.t.Helper()
	l, err := f.Acquire(f.t.Context(), f.conn, stream, holder, time.Minute)
	f.ok(err)
	return l
}

// happening is an event as a test tells it.
type happening struct {
	n      int // makes the uuid
	at     time.Time
	person string
	action string
	note   string // makes other bytes
}

// testUUID is a uuid as 1Password writes it.
func testUUID(n int) string {
	sum := sha256.Sum256([]byte(fmt.Sprint("event", n)))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16])
}

func (h happening) facts() evidence.Facts {
	return evidence.Facts{UUID: testUUID(h.n), At: h.at, Action: cmp.Or(h.action, "reveal"), Type: "credentials",
		Result: evidence.ResultSuccess, Person: evidence.Person{UUID: "P" + h.person, Name: "Person " + h.person, Email: h.person + "@example.com"},
		Vault: "V1", Item: fmt.Sprint("I", h.n%7), Country: "CA", IP: "192.0.2.1", Client: "1Password for Mac"}
}

// pageOf makes a page of happenings.
func pageOf(next string, more bool, events ...happening) source.Page {
	var b strings.Builder
	b.WriteString(`{"cursor":"` + next + `","items":[`)
	p := source.Page{Next: source.Cursor(next), More: more, Ordered: true}
	for i, h := range events {
		if i > 0 {
			b.WriteString(", ")
		}
		start := b.Len()
		fmt.Fprintf(&b, `{"uuid":"%s","timestamp":"%s","note":"%s"}`, testUUID(h.n), h.at.Format(time.RFC3339Nano), h.note)
		p.Records = append(p.Records, source.Record{Start: start, End: b.Len(), Facts: h.facts()})
	}
	b.WriteString(`]}`)
	p.Body = []byte(b.String())
	return p
}

// live makes the commit of a page that goes on from a lease and covers until through.
func live(l Lease, p source.Page, through time.Time) PageCommit {
	from := l.Window.From
	if from.IsZero() {
		from = day0
	}
	req := source.Request{Stream: l.Stream, Cursor: source.Cursor(l.Cursor)}
	if l.Cursor == "" {
		req = source.Request{Stream: l.Stream, From: from, Limit: 1000}
	}
	return PageCommit{Mode: Live, Request: req, Page: p, RequestedAt: through.Add(time.Second), ReceivedAt: through.Add(2 * time.Second),
		Window: evidence.Span{From: from, To: through}, CaughtUp: !p.More, Build: "Exhibit/test"}
}

func (f *fixture) commit(l Lease, c PageCommit) Committed {
	f.t.Helper()
	done, err := f.Commit(f.t.Context(), l, c)
	f.ok(err)
	return done
}

func (f *fixture) query() evidence.Query { return evidence.Query{Workspace: f.ws} }

func TestCommitAndRead(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.acquire(usages)
		first := pageOf("c1", true, happening{n: 1, at: day0.Add(time.Hour), person: "ada"}, happening{n: 2, at: day0.Add(2 * time.Hour), person: "bob"})
		done := f.commit(l, live(l, first, day0.Add(2*time.Hour)))
		if done.New != 2 || done.Page == 0 || done.Lease.Cursor != "c1" || done.Lease.Sequence != 1 {
			t.Fatalf("first page: %+v", done)
		}
		second := pageOf("c2", false, happening{n: 2, at: day0.Add(2 * time.Hour), person: "bob"}, happening{n: 3, at: day0.Add(3 * time.Hour), person: "bob"})
		done = f.commit(done.Lease, live(done.Lease, second, day0.Add(4*time.Hour)))
		if done.New != 1 || done.Duplicates != 1 || done.Late != 0 {
			t.Fatalf("second page: %+v", done)
		}
		got, err := f.Events(ctx, EventsRequest{Query: f.query(), Descending: true, WithRaw: true})
		f.ok(err)
		if len(got.Events) != 3 || got.Events[0].UUID != testUUID(3) || got.Events[2].Person.Email != "ada@example.com" || !got.Complete || got.Next != nil {
			t.Fatalf("events: %+v", got)
		}
		if want := string(second.Body[second.Records[1].Start:second.Records[1].End]); string(got.Events[0].Raw) != want {
			t.Errorf("raw is %s, want %s", got.Events[0].Raw, want)
		}
		windows, err := f.Windows(ctx, f.conn, usages, evidence.Span{})
		f.ok(err)
		if len(windows) != 1 || windows[0].Events != 3 || !windows[0].To.Equal(day0.Add(4*time.Hour)) {
			t.Errorf("windows: %+v", windows)
		}
		status, err := f.Streams(ctx, f.conn)
		f.ok(err)
		if s := status[1]; s.Events != 3 || s.Pages != 2 || s.Duplicates != 1 || !s.CaughtUp || !s.LastEvent.Equal(day0.Add(3*time.Hour)) {
			t.Errorf("status: %+v", s)
		}
	})
}
