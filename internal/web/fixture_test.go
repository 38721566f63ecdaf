package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/erasure"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/hold"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
)

// noon is the time of the clock in these tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// site is a whole server on a real store, with what the tests need to look behind it.
type site struct {
	*httptest.Server
	t       testing.TB
	store   *store.Store
	signIn  *signin.Service
	tokens  *apitoken.Service
	notify  *notify.Service
	ws      evidence.ID
	admin   store.Member
	first   evidence.Connection
	server  *server
	objects *object.Store
	build   *artifact.Service
	book    *logbook.Service
	rooms   *audit.Service
	legal   *hold.Service
	log     *safeBuffer
	dir     string

	connections *connection.Service

	mu  sync.Mutex
	now time.Time
}

// safeBuffer is a buffer that a server and a test may use at once.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// newSite starts a server on an empty store.
func newSite(t testing.TB) *site { return newSiteWith(t, source.Operator{}) }

// newSiteWith starts one whose operator allows servers.
func newSiteWith(t testing.TB, operator source.Operator) *site {
	t.Helper()
	s := &site{t: t, now: noon, log: &safeBuffer{}}
	ctx := t.Context()
	var err error
	dir := t.TempDir()
	s.dir = dir
	s.store, err = store.Open(ctx, store.Config{Dir: dir, Now: s.clock})
	must(t, err)
	t.Cleanup(func() { must(t, s.store.Close()) })
	s.ws, err = s.store.EnsureWorkspace(ctx, "Northwind GmbH")
	must(t, err)
	s.objects, err = object.Open(ctx, "mem://")
	must(t, err)
	t.Cleanup(func() { must(t, s.objects.Close()) })

	kinds := []source.Kind{onepassword.Kind()}
	key, err := seal.OpenKEK(dir)
	must(t, err)
	connections := connection.New(connection.Config{Store: s.store, Key: key, Kinds: kinds, Operator: operator, UserAgent: "Exhibit/test", Now: s.clock})
	s.connections = connections
	s.build = artifact.New(artifact.Config{Store: s.store, Objects: s.objects, Connections: connections, Engine: "Exhibit/test", Now: s.clock, TempDir: dir})
	x := explore.New(explore.Config{Store: s.store, Objects: s.objects, Kinds: kinds, TempDir: dir, Now: s.clock})
	t.Cleanup(func() { must(t, x.Close()) })
	s.signIn = signin.New(s.store, connections, s.clock)
	s.tokens = apitoken.New(s.store, s.clock)
	s.notify = notify.New(notify.Config{Store: s.store, Connections: connections, Actions: program.New(s.store, s.clock), Name: func(context.Context, evidence.ID) string { return "Northwind GmbH" }, UserAgent: "Exhibit/test", Now: s.clock})
	s.admin, err = s.signIn.AddMember(ctx, "test", s.ws, "Ada Okafor", "ada@example.com")
	must(t, err)
	s.book = logbook.New(logbook.Config{Store: s.store, Box: connections.Box, Dir: t.TempDir(), Now: s.clock, Log: slog.New(slog.DiscardHandler)})
	work := program.New(s.store, s.clock)
	work.ReadReviews(s.build)
	work.ReadProofs(s.book)
	s.rooms = audit.New(audit.Config{Store: s.store, Objects: s.objects, Log: s.book, Build: "Exhibit/test", Now: s.clock, TempDir: dir,
		Framework: func(ctx context.Context, ws evidence.ID, id string) error {
			_, err := work.Framework(ctx, ws, id)
			return err
		},
		Invite: func(ctx context.Context, c people.Caller, name, email string) (audit.Invited, error) {
			l, err := s.signIn.InviteAuditor(ctx, c, name, email)
			return audit.Invited{Member: l.Member, Path: l.Path, ExpiresAt: l.ExpiresAt}, err
		}})
	s.legal = hold.New(s.store, s.clock)
	s.server, err = newServer(Config{
		Store: s.store, SignIn: s.signIn, Tokens: s.tokens, Notify: s.notify, Coverage: connections, Connections: connections, Artifacts: s.build, Program: work, Audits: s.rooms, Holds: s.legal, Erasure: erasure.New(s.store, s.objects, s.clock), Logbook: s.book, Explore: x, Kinds: kinds,
		Workspace: "Northwind GmbH", Version: "test", Now: s.clock, Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	must(t, err)
	s.Server = httptest.NewServer(s.server.handler())
	t.Cleanup(s.Server.Close)
	return s
}

// connect makes a connection with streams, as if its token had just been checked.
func (s *site) connect(name string, change func(*evidence.Connection)) evidence.Connection {
	s.t.Helper()
	streams := []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit}
	c := evidence.Connection{
		ID: evidence.NewID(evidence.PrefixConnection), Workspace: s.ws, Source: "onepassword", Name: name, Server: "https://events.1password.com",
		AccountUUID: "FZLO7U3RXBG7PKGF5ZZKOTH3NQ", Features: streams, TokenMark: "7c4e", IssuedAt: s.clock().Add(-150 * day),
		ExpiresAt: s.clock().Add(30*day + time.Hour), CreatedAt: s.clock().Add(-19 * day), CreatedBy: "Ada Okafor", CheckedAt: s.clock().Add(-19 * day),
	}
	if change != nil {
		change(&c)
	}
	must(s.t, s.store.CreateConnection(s.t.Context(), c, []byte("sealed"), streams))
	return c
}

// feed is what is stored of one stream: events in order, and the spans that were read.
type feed struct {
	connection evidence.Connection
	stream     evidence.Stream
	events     [][]byte
	spans      []evidence.Span // in order; events outside of them are left out
	caughtUp   bool
	next       time.Time         // when it is to be read next
	trouble    *evidence.Trouble // open or closed, after the last page
}

// fill stores a feed page by page through the store's own door.
func (s *site) fill(f feed) {
	s.t.Helper()
	ctx := s.t.Context()
	lease, err := s.store.Acquire(ctx, f.connection.ID, f.stream, "test/1/1", time.Hour)
	must(s.t, err)
	normalise := onepassword.Kind().Normalise
	cursor := 0
	for i, span := range f.spans {
		var in [][]byte
		for _, raw := range f.events {
			if span.Contains(normalise(f.stream, raw).At) {
				in = append(in, raw)
			}
		}
		first := true
		for len(in) > 0 || first {
			n := min(len(in), 1000)
			cursor++
			page := pageOf(f.stream, in[:n], cursor)
			window := evidence.Span{From: span.From, To: span.To}
			if n < len(in) {
				window.To = page.Records[n-1].Facts.At
			}
			done, err := s.store.Commit(ctx, lease, store.PageCommit{
				Mode: store.Live, Request: source.Request{Stream: f.stream, Cursor: source.Cursor(lease.Cursor), From: span.From, Limit: 1000}, Page: page,
				RequestedAt: s.clock().Add(-time.Minute), ReceivedAt: s.clock().Add(-time.Minute), Window: window, NewWindow: first,
				CaughtUp: f.caughtUp && i == len(f.spans)-1 && n == len(in), Build: "Exhibit/test",
			})
			must(s.t, err)
			lease, first, in = done.Lease, false, in[n:]
		}
	}
	lease.Next = f.next
	if f.trouble != nil {
		must(s.t, s.store.SetTrouble(ctx, lease, *f.trouble))
		if !f.trouble.Open() {
			must(s.t, s.store.CloseTrouble(ctx, lease, f.trouble.To))
		}
	}
	must(s.t, s.store.Release(ctx, lease))
}

// again stores a re-read of a span with these events, and its reconciliation.
func (s *site) again(c evidence.Connection, stream evidence.Stream, span evidence.Span, events ...[]byte) store.Committed {
	s.t.Helper()
	ctx := s.t.Context()
	lease, err := s.store.Acquire(ctx, c.ID, stream, "test/1/1", time.Hour)
	must(s.t, err)
	done, err := s.store.Commit(ctx, lease, store.PageCommit{
		Mode: store.Reread, Request: source.Request{Stream: stream, From: span.From, To: span.To, Limit: 1000}, Page: pageOf(stream, events, 0),
		RequestedAt: s.clock(), ReceivedAt: s.clock(), Window: span, Build: "Exhibit/test",
	})
	must(s.t, err)
	must(s.t, s.store.FinishReread(ctx, done.Lease, store.Reconciliation{
		Age: 7 * day, Span: span, At: s.clock(), Seen: int64(len(events)), Known: int64(done.Duplicates), New: int64(done.New), Changed: int64(done.Conflicts),
	}))
	must(s.t, s.store.Release(ctx, done.Lease))
	return done
}

// pageOf makes a page as the source would have sent it.
func pageOf(stream evidence.Stream, events [][]byte, cursor int) source.Page {
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"cursor":"c%d","has_more":true,"items":[`, cursor)
	p := source.Page{Next: source.Cursor(fmt.Sprintf("c%d", cursor)), More: true, Ordered: true, ServerDate: noon}
	for i, raw := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		start := body.Len()
		body.Write(raw)
		p.Records = append(p.Records, source.Record{Start: start, End: body.Len(), Facts: onepassword.Kind().Normalise(stream, raw)})
	}
	body.WriteString("]}")
	p.Body = body.Bytes()
	return p
}

// filled is a site as it looks after some weeks: 120 days of a simulated company, gaps with several causes, late and
// conflicting events, a token that expires, a second connection in trouble, artifacts, actions and controls.
func filled(t testing.TB) *site {
	t.Helper()
	s := newSite(t)
	sim, err := simulator.New(simulator.Config{Seed: 7, Events: 24_000, End: noon, Now: func() time.Time { return noon }})
	must(t, err)
	s.first = s.connect("1Password", func(c *evidence.Connection) { c.ExpiresAt = noon.Add(12 * day) })
	whole := evidence.Span{From: noon.Add(-120 * day), To: noon.Add(-time.Minute)}
	hole := evidence.Span{From: noon.Add(-31 * day), To: noon.Add(-26*day - 5*time.Hour)}
	spans := map[evidence.Stream][]evidence.Span{
		onepassword.SignIns: {whole},
		onepassword.Usages:  {{From: whole.From, To: hole.From}, {From: hole.To, To: whole.To}},
		onepassword.Audit:   {{From: noon.Add(-96 * day), To: whole.To}},
	}
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		f := feed{connection: s.first, stream: stream, spans: spans[stream], caughtUp: true}
		for raw := range sim.Events(simulator.Stream(stream)) {
			f.events = append(f.events, bytes.Clone(raw))
		}
		if stream == onepassword.Usages {
			f.trouble = &evidence.Trouble{Span: hole, Cause: evidence.Unreachable, State: evidence.StateUnreachable, Reason: "events.1password.com did not answer for five days."}
		}
		s.fill(f)
	}
	s.rotateFirst(whole.To)
	s.fillSecond(sim)
	span := evidence.Span{From: noon.Add(-9 * day), To: noon.Add(-8 * day)}
	s.again(s.first, onepassword.Audit, span, oneAudit("LATEAUDITEVENT000000000001", noon.Add(-9*day+3*time.Hour), "Marek Dvořák", "marek@example.com"))
	_, err = program.New(s.store, s.clock).Seed(t.Context(), "test", s.ws, "soc2")
	must(t, err)
	s.buildAll()
	s.fillProgram()
	s.fillActions()
	s.fillSettings()
	s.vouch()
	return s
}

// rotateFirst gives the first connection another token, which reads on where the old one stopped.
func (s *site) rotateFirst(stopped time.Time) {
	s.t.Helper()
	s.first.TokenMark = "a1b2"
	must(s.t, s.store.ReplaceToken(s.t.Context(), s.first, []byte("sealed too")))
	for _, stream := range s.first.Features {
		s.fill(feed{connection: s.first, stream: stream, caughtUp: true, next: noon.Add(24 * time.Second), spans: []evidence.Span{{From: stopped, To: noon.Add(-30 * time.Second)}}})
	}
}

// fillSecond adds a connection whose token was refused three hours ago and lacks one event type.
func (s *site) fillSecond(sim *simulator.Simulator) {
	s.t.Helper()
	c := s.connect("1Password EU", func(c *evidence.Connection) {
		c.Server, c.AccountUUID = "https://events.1password.eu", "PQ2NRUG4VZBEXC3BBFWNPVQFDY"
		c.Features, c.Missing = c.Features[:2], c.Features[2:]
		c.ExpiresAt = time.Time{}
	})
	since := noon.Add(-3 * time.Hour)
	for _, stream := range c.Features {
		f := feed{connection: c, stream: stream, spans: []evidence.Span{{From: noon.Add(-120 * day), To: since}}, caughtUp: true, trouble: &evidence.Trouble{
			Span: evidence.Span{From: since}, Cause: evidence.TokenRefused, State: evidence.StateUnauthorized,
			Reason: "events.1password.eu refuses the token: it was revoked, or belongs to another region. Make a new one and rotate it in.",
		}}
		n := 0
		for raw := range sim.Events(simulator.Stream(stream)) {
			if n++; n%9 == 0 {
				f.events = append(f.events, bytes.Clone(raw))
			}
		}
		s.fill(f)
	}
}

// buildAll builds the artifacts that the pages show, and attaches them as their recipes say.
func (s *site) buildAll() {
	s.t.Helper()
	ctx := s.t.Context()
	for _, b := range []struct {
		recipe   string
		from, to time.Time
	}{
		{"failed-sign-ins", time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{"secret-exposure", time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{"coverage", time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{"failed-sign-ins", time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)},
	} {
		v, err := s.build.Build(ctx, "Ada Okafor", s.ws, artifact.BuildRequest{Recipe: b.recipe, Span: evidence.Span{From: b.from, To: b.to}})
		must(s.t, err)
		_, err = s.build.AutoAttach(ctx, "Ada Okafor", s.ws, v.Artifact.ID)
		must(s.t, err)
	}
}

// oneAudit is one audit event with a name of choice.
func oneAudit(uuid string, at time.Time, name, email string) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"timestamp":%q,"actor_uuid":"4HCGRGYCTRQFBMGVEGTABYDU2V","actor_details":{"uuid":"4HCGRGYCTRQFBMGVEGTABYDU2V","name":%s,"email":%s},`+
		`"action":"join","object_type":"gm","object_uuid":"pf8soyakgngrphytsyjed4ae3u","aux_id":9277034,"aux_uuid":"K6VFYDCJKHGGDI7QFAXX65LCDY","aux_info":"R",`+
		`"session":{"uuid":"A5K6COGVRVEJXJW3XQZGS7VAMM","login_time":"2026-11-01T15:00:00Z","device_uuid":"lc5fqgbrcm4plajd8mwncv2b3u","ip":"192.0.2.254"},`+
		`"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.5991,"longitude":-79.4988}}`,
		uuid, at.Format(time.RFC3339), quote(name), quote(email))
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client is a browser without script: it keeps cookies and does not follow redirects.
func (s *site) client() *http.Client {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// as gives a client that is signed in as a member with a role.
func (s *site) as(role people.Role) *http.Client {
	s.t.Helper()
	m := s.admin
	if role != people.Admin {
		m = store.Member{ID: evidence.NewID(evidence.PrefixPerson), Workspace: s.ws, Name: "Some " + role.Title(), Email: string(evidence.NewID("m")) + "@example.com", Role: string(role), CreatedAt: s.clock()}
		must(s.t, s.store.AddMember(s.t.Context(), m))
	}
	link, err := s.signIn.NewLink(s.t.Context(), "test", s.ws, m.ID)
	must(s.t, err)
	c := s.client()
	res := s.post(c, "/sign-in", url.Values{"link": {strings.TrimPrefix(link.Path, signin.PathPrefix)}})
	if res.status != http.StatusSeeOther {
		s.t.Fatalf("signing in gave %d: %s", res.status, res.body)
	}
	return c
}

// answer is a read response.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(c *http.Client, req *http.Request) answer {
	s.t.Helper()
	res, err := c.Do(req)
	must(s.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(s.t, err)
	if glued := gluedName.FindAllString(string(body), 3); strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && glued != nil {
		s.t.Errorf("%s: a name sticks to the word beside it: %q", req.URL, glued)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// gluedName finds a name from outside that has no space before or after it, which is easily lost in a template.
var gluedName = regexp.MustCompile(`[\pL\d]<bdi>[^<]{0,40}|[^>]{0,40}</bdi>[\pL\d]`)

func (s *site) get(c *http.Client, path string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	must(s.t, err)
	return s.do(c, req)
}

func (s *site) post(c *http.Client, path string, form url.Values) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	must(s.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return s.do(c, req)
}
