package connection_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/collect"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
)

// site is a workspace with a real store, a real client, and a simulated account behind TLS.
type site struct {
	t     *testing.T
	dir   string
	store *store.Store
	ws    evidence.ID
	sim   *simulator.Simulator
	url   string
	cfg   connection.Config
	*connection.Service
	woken atomic.Int32
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	var err error
	s.sim, err = simulator.New(simulator.Config{Seed: 7, Events: 600, NoRateLimit: true})
	s.must(err)
	var ca []byte
	var stop func()
	s.url, ca, stop, err = s.sim.StartTLS("127.0.0.1:0", "")
	s.must(err)
	t.Cleanup(stop)
	s.store, err = store.Open(t.Context(), store.Config{Dir: s.dir})
	s.must(err)
	t.Cleanup(func() { s.must(s.store.Close()) })
	s.ws, err = s.store.EnsureWorkspace(t.Context(), "default")
	s.must(err)
	key, err := seal.OpenKEK(s.dir)
	s.must(err)
	s.cfg = connection.Config{
		Store: s.store, Key: key, Kinds: []source.Kind{onepassword.Kind()}, UserAgent: "Exhibit/test",
		Operator: source.Operator{AllowServers: []string{s.url}, CAPEM: ca}, Changed: func() { s.woken.Add(1) },
	}
	s.Service = connection.New(s.cfg)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// token makes the simulated account issue a token.
func (s *site) token(o simulator.TokenOptions) seal.Secret {
	s.t.Helper()
	token, err := s.sim.IssueToken(o)
	s.must(err)
	return seal.NewSecret(token)
}

func (s *site) add(o simulator.TokenOptions) connection.Status {
	s.t.Helper()
	st, err := s.Add(s.t.Context(), "Ada", s.ws, connection.AddRequest{Source: "onepassword", Token: s.token(o)})
	s.must(err)
	return st
}

// collector reads what the service opens.
func (s *site) collector(log *slog.Logger) *collect.Collector {
	return collect.New(collect.Config{Store: s.store, Kind: s.Kind, Open: s.OpenSource, Budget: collect.NewBudget(collect.Limits{}), Log: log, Patience: 5 * time.Second})
}

var three = []evidence.Stream{"signinattempts", "itemusages", "auditevents"}

func TestAdd(t *testing.T) {
	s := newSite(t)
	expires := time.Now().Add(90 * 24 * time.Hour).UTC().Truncate(time.Second)
	token := s.token(simulator.TokenOptions{Expires: expires})
	st, err := s.Add(t.Context(), "Ada", s.ws, connection.AddRequest{Source: "onepassword", Server: s.url + "/", Token: seal.NewSecret("  " + token.Reveal() + "\n")})
	s.must(err)
	if st.Name != "1Password" || st.Server != s.url || st.AccountUUID != s.sim.AccountUUID() || st.Integration != s.sim.IntegrationUUID() ||
		!st.ExpiresAt.Equal(expires) || st.CreatedBy != "Ada" || len(st.TokenMark) != 4 || st.IssuedAt.IsZero() || len(st.Missing) != 0 {
		t.Errorf("the connection is %+v", st.Connection)
	}
	if !sameSet(st.Features, three) || st.Health.State != evidence.StateBackfilling || len(st.Streams) != 3 {
		t.Errorf("features %v, health %+v, %d streams", st.Features, st.Health, len(st.Streams))
	}
	again, err := s.Show(t.Context(), s.ws, st.ID)
	s.must(err)
	if again.TokenMark != st.TokenMark || again.Health.State != st.Health.State {
		t.Errorf("shown is %+v", again)
	}
	if second := s.add(simulator.TokenOptions{Features: []string{"auditevents"}}); second.Name != "1Password 2" || len(second.Missing) != 2 || s.woken.Load() != 2 {
		t.Errorf("the second connection is %+v; woken %d times", second.Connection, s.woken.Load())
	}
	list, err := s.List(t.Context(), s.ws)
	s.must(err)
	if len(list) != 2 {
		t.Errorf("%d connections", len(list))
	}
	trail, err := s.store.Activity(t.Context(), s.ws, 10)
	s.must(err)
	if len(trail) != 2 || trail[0].Who != "Ada" || trail[0].What != "connection.add" {
		t.Errorf("the trail is %+v", trail)
	}
}

func sameSet(a, b []evidence.Stream) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s evidence.Stream) bool { return !slices.Contains(b, s) })
}

func TestAddRefuses(t *testing.T) {
	s := newSite(t)
	good := s.token(simulator.TokenOptions{})
	revoked := s.token(simulator.TokenOptions{})
	s.must(s.sim.Revoke(revoked.Reveal()))
	s.add(simulator.TokenOptions{})
	tests := []struct {
		name string
		req  connection.AddRequest
		code evidence.Code
		says string
	}{
		{"another source", connection.AddRequest{Source: "elsewhere", Token: good}, evidence.Invalid, "onepassword"},
		{"no token", connection.AddRequest{Token: seal.NewSecret(" \n")}, evidence.Invalid, "There is no token"},
		{"no token at all", connection.AddRequest{Token: seal.NewSecret("hello")}, evidence.Invalid, ""},
		{"half a token", connection.AddRequest{Token: seal.NewSecret(good.Reveal()[:len(good.Reveal())/2])}, evidence.Invalid, ""},
		{"a token with its end cut off", connection.AddRequest{Token: seal.NewSecret(good.Reveal()[:len(good.Reveal())-4])}, evidence.Invalid, "cut off"},
		{"an expired token", connection.AddRequest{Token: s.token(simulator.TokenOptions{Expires: time.Now().Add(-time.Hour)})}, evidence.Invalid, "expired"},
		{"a revoked token", connection.AddRequest{Token: revoked}, evidence.Unauthorized, "refuses this token"},
		{"another server", connection.AddRequest{Token: good, Server: "https://events.1password.eu"}, evidence.Invalid, "Choose " + s.url},
		{"a server that is nobody's", connection.AddRequest{Token: good, Server: "https://events.example.com"}, evidence.Forbidden, "https://events.1password.ca"},
		{"no address", connection.AddRequest{Token: good, Server: "events"}, evidence.Invalid, "address"},
		{"an open connection", connection.AddRequest{Token: good, Server: "http://events.1password.com"}, evidence.Invalid, "https://"},
		{"a token for nobody's server", connection.AddRequest{Token: s.token(simulator.TokenOptions{Audience: "events.example.com"})}, evidence.Forbidden, ""},
		{"a name that is taken", connection.AddRequest{Token: good, Name: "1PASSWORD"}, evidence.Conflict, "already"},
		{"a name that is too long", connection.AddRequest{Token: good, Name: strings.Repeat("x", 81)}, evidence.Invalid, "80"},
		{"a name with a line break", connection.AddRequest{Token: good, Name: "a\nb"}, evidence.Invalid, "seen"},
		{"a name that turns around", connection.AddRequest{Token: good, Name: "a\u202eb"}, evidence.Invalid, "seen"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.req.Source == "" {
				test.req.Source = "onepassword"
			}
			_, err := s.Add(t.Context(), "Ada", s.ws, test.req)
			if evidence.ErrorCode(err) != test.code || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Fatalf("the error is %q (%s), want %s", err, evidence.ErrorCode(err), test.code)
			}
			var said *evidence.Error
			if !errors.As(err, &said) {
				t.Errorf("%q is no sentence for a person", err)
			}
			if wrong := (*connection.WrongServerError)(nil); errors.As(err, &wrong) != (test.name == "another server") || wrong != nil && wrong.Right != s.url {
				t.Errorf("the wrong server is %+v", wrong)
			}
		})
	}
	list, err := s.List(t.Context(), s.ws)
	s.must(err)
	if len(list) != 1 {
		t.Errorf("%d connections are there", len(list))
	}
}

func TestASourceThatCannotBeReached(t *testing.T) {
	s := newSite(t)
	token := s.token(simulator.TokenOptions{})
	s.must(s.sim.SetFaults(simulator.Fault{Kind: "5xx", Target: "introspect", Probability: 1}))
	_, err := s.Add(t.Context(), "Ada", s.ws, connection.AddRequest{Source: "onepassword", Token: token})
	if evidence.ErrorCode(err) != evidence.Unavailable {
		t.Errorf("the error is %v", err)
	}
	s.must(s.sim.SetFaults())
	st := s.add(simulator.TokenOptions{})
	s.must(s.sim.SetFaults(simulator.Fault{Kind: "html", Target: "introspect", Probability: 1}))
	got, err := s.Check(t.Context(), "Ada", s.ws, st.ID)
	if evidence.ErrorCode(err) != evidence.Unavailable || got.Health.State != evidence.StateUnreachable {
		t.Errorf("a check gives %+v, %v", got.Health, err)
	}
}

func TestALiftedLimitIsForAdmittedServersAlone(t *testing.T) {
	s := newSite(t)
	s.cfg.Unlimited = true
	service := connection.New(s.cfg)
	if _, err := service.Add(t.Context(), "Ada", s.ws, connection.AddRequest{Source: "onepassword", Token: s.token(simulator.TokenOptions{})}); err != nil {
		t.Errorf("an admitted server: %v", err)
	}
	conn := evidence.Connection{ID: "cn_x", Workspace: s.ws, Source: "onepassword", Server: "https://events.1password.com"}
	if _, err := service.OpenSource(t.Context(), conn); evidence.ErrorCode(err) != evidence.Forbidden || !strings.Contains(err.Error(), "request limit") {
		t.Errorf("1Password's own server: %v", err)
	}
	if _, err := s.OpenSource(t.Context(), conn); err != nil {
		t.Errorf("1Password's own server with a limit: %v", err)
	}
}

func TestCheck(t *testing.T) {
	s := newSite(t)
	token := s.token(simulator.TokenOptions{})
	st, err := s.Add(t.Context(), "Ada", s.ws, connection.AddRequest{Source: "onepassword", Token: token})
	s.must(err)
	checked, err := s.Check(t.Context(), "Ada", s.ws, st.ID)
	s.must(err)
	if checked.CheckedAt.Before(st.CheckedAt) || !sameSet(checked.Features, three) {
		t.Errorf("checked is %+v", checked.Connection)
	}
	s.must(s.sim.Revoke(token.Reveal()))
	refused, err := s.Check(t.Context(), "Ada", s.ws, st.ID)
	if evidence.ErrorCode(err) != evidence.Unauthorized || refused.Health.State != evidence.StateUnauthorized || refused.ID != st.ID {
		t.Errorf("a revoked token gives %+v, %v", refused.Health, err)
	}
	if _, err := s.Check(t.Context(), "Ada", s.ws, "cn_none"); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("no such connection: %v", err)
	}
	if _, err := s.Check(t.Context(), "Ada", "ws_other", st.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("another workspace: %v", err)
	}
}

func TestRotate(t *testing.T) {
	s := newSite(t)
	old := s.token(simulator.TokenOptions{Features: []string{"auditevents"}})
	st, err := s.Add(t.Context(), "Ada", s.ws, connection.AddRequest{Source: "onepassword", Token: old})
	s.must(err)
	src, err := s.OpenSource(t.Context(), st.Connection)
	s.must(err)
	bad := s.token(simulator.TokenOptions{})
	s.must(s.sim.Revoke(bad.Reveal()))
	if _, err := s.Rotate(t.Context(), "Ben", s.ws, st.ID, bad); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("a revoked token: %v", err)
	}
	if _, err := src.Check(t.Context()); err != nil {
		t.Errorf("after a refused rotation the old token does not work: %v", err)
	}
	rotated, err := s.Rotate(t.Context(), "Ben", s.ws, st.ID, s.token(simulator.TokenOptions{}))
	s.must(err)
	if rotated.TokenMark == st.TokenMark || len(rotated.Missing) != 0 || !rotated.CreatedAt.Equal(st.CreatedAt) || rotated.CreatedBy != "Ada" {
		t.Errorf("rotated is %+v", rotated.Connection)
	}
	s.must(s.sim.Revoke(old.Reveal()))
	if grant, err := src.Check(t.Context()); err != nil || len(grant.Features) != 3 {
		t.Errorf("a source that was opened before does not use the new token: %v, %v", grant, err)
	}
	other := rotated.Connection
	other.AccountUUID = "ANOTHERACCOUNT"
	s.must(s.store.UpdateConnection(t.Context(), other))
	if _, err := s.Rotate(t.Context(), "Ben", s.ws, st.ID, s.token(simulator.TokenOptions{})); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("a token of another account: %v", err)
	}
	if _, err := s.Check(t.Context(), "Ben", s.ws, st.ID); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("a check that finds another account: %v", err)
	}
}

// TestHandovers rotates under a collector and holds that the seam between the tokens is proven: waiting until the new one
// has read, whole afterwards, and a gap when the window is not there.
func TestHandovers(t *testing.T) {
	s := newSite(t)
	st := s.add(simulator.TokenOptions{})
	proofs := func(want ...connection.Proof) []connection.Handover {
		t.Helper()
		list, err := s.Handovers(t.Context(), s.ws, st.ID)
		s.must(err)
		var got []connection.Proof
		for _, h := range list {
			got = append(got, h.Proof)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the handovers are %v, want %v: %+v", got, want, list)
		}
		return list
	}
	rotate := func() {
		t.Helper()
		_, err := s.Rotate(t.Context(), "Ada", s.ws, st.ID, s.token(simulator.TokenOptions{}))
		s.must(err)
	}
	read := func() {
		t.Helper()
		_, err := s.collector(slog.New(slog.DiscardHandler)).UntilIdle(t.Context(), collect.Filter{})
		s.must(err)
	}
	proofs()
	rotate()
	proofs(connection.ProofWaiting)
	read() // nothing had been read with the first token
	proofs(connection.ProofNothing)
	rotate()
	read()
	list := proofs(connection.ProofWhole, connection.ProofNothing)
	now, err := s.Show(t.Context(), s.ws, st.ID)
	s.must(err)
	if h := list[0]; h.Kind != evidence.Rotated || h.NewMark != now.TokenMark || h.OldMark != list[1].NewMark || len(h.Streams) != 3 {
		t.Errorf("the last handover is %+v", h)
	}
	for _, sh := range list[0].Streams {
		if sh.OldReadAt.IsZero() || !sh.NewReadAt.After(sh.OldReadAt) || sh.Window.From.After(sh.OldThrough) || sh.Window.To.Before(sh.NewThrough) || !strings.Contains(sh.Text, "no gap") {
			t.Errorf("%s: %+v", sh.Stream, sh)
		}
	}
	_, err = s.Off(t.Context(), "Ada", s.ws, st.ID)
	s.must(err)
	_, err = s.On(t.Context(), "Ada", s.ws, st.ID, s.token(simulator.TokenOptions{}))
	s.must(err)
	rotate() // before anything was read
	if list := proofs(connection.ProofWaiting, connection.ProofNothing, connection.ProofWhole, connection.ProofNothing); list[1].Kind != evidence.SwitchedOn {
		t.Errorf("switching on is %+v", list[1])
	}
	read()
	proofs(connection.ProofWhole, connection.ProofNothing, connection.ProofWhole, connection.ProofNothing)
	if _, err := s.Handovers(t.Context(), "ws_other", st.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("another workspace sees them: %v", err)
	}
}

// TestAHandoverWithAGapSaysSo lets the source forget what happened between two tokens.
func TestAHandoverWithAGapSaysSo(t *testing.T) {
	s := newSite(t)
	st := s.add(simulator.TokenOptions{Expires: time.Now().Add(time.Hour)})
	_, err := s.collector(slog.New(slog.DiscardHandler)).UntilIdle(t.Context(), collect.Filter{})
	s.must(err)
	_, err = s.Rotate(t.Context(), "Ada", s.ws, st.ID, s.token(simulator.TokenOptions{}))
	s.must(err)
	lease, err := s.store.Acquire(t.Context(), st.ID, "auditevents", "test/1/1", time.Minute)
	s.must(err)
	later := time.Now().Add(200 * 24 * time.Hour)
	_, err = s.store.Commit(t.Context(), lease, store.PageCommit{Mode: store.Live, Request: source.Request{Cursor: source.Cursor(lease.Cursor)},
		Page: source.Page{Next: "later", Body: []byte("{}")}, RequestedAt: later, ReceivedAt: later, NewWindow: true, CaughtUp: true,
		Window: evidence.Span{From: later.Add(-120 * 24 * time.Hour), To: later}})
	s.must(err)
	list, err := s.Handovers(t.Context(), s.ws, st.ID)
	s.must(err)
	for _, sh := range list[0].Streams {
		if sh.Stream == "auditevents" && (sh.Proof != connection.ProofGap || len(sh.Gaps) != 1 || !strings.Contains(sh.Text, "was not read")) {
			t.Errorf("80 days that nobody read: %+v", sh)
		}
	}
	if list[0].Proof != connection.ProofGap {
		t.Errorf("the handover is %q", list[0].Proof)
	}
}

// TestCare holds what is said beside the state: progress, times, other connections of the account, what is lost when.
func TestCare(t *testing.T) {
	s := newSite(t)
	first := s.add(simulator.TokenOptions{Expires: time.Now().Add(5 * 24 * time.Hour)})
	if b := first.Backfill; b == nil || b.Percent != 0 || b.Left != 0 || first.Expiry == nil || first.Expiry.Days != 7 || !first.Expiry.Urgent() || first.TwinText() != "" {
		t.Errorf("just connected: %+v, backfill %+v", first.Care, b)
	}
	second := s.add(simulator.TokenOptions{Features: []string{"auditevents"}})
	if len(second.Twins) != 1 || second.Twins[0].Name != "1Password" || !strings.Contains(second.TwinText(), "The same account is also connected as \"1Password\"") {
		t.Errorf("the second connection of the account: %+v", second.Care)
	}
	_, err := s.collector(slog.New(slog.DiscardHandler)).UntilIdle(t.Context(), collect.Filter{})
	s.must(err)
	read, err := s.Show(t.Context(), s.ws, first.ID)
	s.must(err)
	if read.Backfill != nil || read.LastReadAt.IsZero() || !read.NextReadAt.IsZero() || !read.LostFrom.IsZero() || read.ToDo != "" {
		t.Errorf("read to the end: %+v", read.Care)
	}
	off, err := s.Off(t.Context(), "Ada", s.ws, first.ID)
	s.must(err)
	if day := 24 * time.Hour; off.LostFrom.Before(time.Now().Add(119*day)) || off.LostFrom.After(time.Now().Add(121*day)) || !strings.Contains(off.ToDo, "switch it on again") || off.Expiry != nil {
		t.Errorf("off: %+v", off.Care)
	}
}

func TestOffAndOn(t *testing.T) {
	s := newSite(t)
	st := s.add(simulator.TokenOptions{})
	_, err := s.collector(slog.New(slog.DiscardHandler)).UntilIdle(t.Context(), collect.Filter{})
	s.must(err)
	src, err := s.OpenSource(t.Context(), st.Connection)
	s.must(err)
	off, err := s.Off(t.Context(), "Ada", s.ws, st.ID)
	s.must(err)
	if off.Health.State != evidence.StateOff || off.OffAt.IsZero() {
		t.Errorf("off is %+v", off.Health)
	}
	if _, err := s.store.SealedToken(t.Context(), s.ws, st.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("the token is still there: %v", err)
	}
	if _, err := src.Check(t.Context()); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("an open source still reads: %v", err)
	}
	for name, do := range map[string]func() error{
		"check": func() error { _, err := s.Check(t.Context(), "Ada", s.ws, st.ID); return err },
		"rotate": func() error {
			_, err := s.Rotate(t.Context(), "Ada", s.ws, st.ID, s.token(simulator.TokenOptions{}))
			return err
		},
	} {
		if err := do(); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("%s of what is off: %v", name, err)
		}
	}
	if again, err := s.Off(t.Context(), "Ada", s.ws, st.ID); err != nil || !again.OffAt.Equal(off.OffAt) {
		t.Errorf("off again: %v, %v", again.OffAt, err)
	}
	time.Sleep(20 * time.Millisecond)
	gaps := s.gaps(st.ID)
	if last := len(gaps) - 1; last < 0 || gaps[last].Cause != evidence.SwitchedOff || !gaps[last].From.Equal(off.OffAt) {
		t.Errorf("the gaps are %+v", gaps)
	}
	on, err := s.On(t.Context(), "Ben", s.ws, st.ID, s.token(simulator.TokenOptions{}))
	s.must(err)
	if !on.OffAt.IsZero() || on.Health.State == evidence.StateOff {
		t.Errorf("on is %+v", on.Health)
	}
	if _, err := s.On(t.Context(), "Ben", s.ws, st.ID, s.token(simulator.TokenOptions{})); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("on again: %v", err)
	}
	_, err = s.collector(slog.New(slog.DiscardHandler)).UntilIdle(t.Context(), collect.Filter{})
	s.must(err)
	if gaps := s.gaps(st.ID); len(gaps) != 0 {
		t.Errorf("what was off is read now, and the gaps are %+v", gaps)
	}
}

// gaps gives the gaps of the first stream within what the source still keeps.
func (s *site) gaps(id evidence.ID) []evidence.Gap {
	s.t.Helper()
	cs, err := s.CoverageOf(s.t.Context(), s.ws, id, evidence.Span{From: time.Now().Add(-119 * 24 * time.Hour)})
	s.must(err)
	if len(cs) != 3 {
		s.t.Fatalf("coverage of %d streams", len(cs))
	}
	return cs[0].Gaps
}

func TestCoverage(t *testing.T) {
	s := newSite(t)
	st := s.add(simulator.TokenOptions{Features: []string{"signinattempts", "auditevents"}})
	before, err := s.Coverage(t.Context(), s.ws, evidence.Span{})
	s.must(err)
	for _, c := range before {
		if c.Whole() || len(c.Windows) != 0 {
			t.Errorf("%s is said to be read: %+v", c.Stream, c)
		}
	}
	_, err = s.collector(slog.New(slog.DiscardHandler)).UntilIdle(t.Context(), collect.Filter{})
	s.must(err)
	span := evidence.Span{From: time.Now().Add(-119 * 24 * time.Hour)}
	after, err := s.Coverage(t.Context(), s.ws, span)
	s.must(err)
	for _, c := range after {
		if c.Name != st.Name || c.Connection != st.ID {
			t.Errorf("coverage of %s %s", c.Connection, c.Name)
		}
		if c.Stream == "itemusages" {
			if len(c.Gaps) != 1 || c.Gaps[0].Cause != evidence.FeatureMissing || c.Gaps[0].Span != c.Asked || c.Gaps[0].HealUntil.IsZero() || c.Gaps[0].Reason == "" {
				t.Errorf("a stream that the token may not read has the gaps %+v", c.Gaps)
			}
			continue
		}
		if !c.Whole() || len(c.Windows) != 1 || c.Windows[0].Events == 0 {
			t.Errorf("%s: windows %+v, gaps %+v", c.Stream, c.Windows, c.Gaps)
		}
		if time.Since(c.Asked.To) > time.Minute {
			t.Errorf("%s is asked for until %v", c.Stream, c.Asked.To)
		}
	}
	if _, err := s.Coverage(t.Context(), s.ws, evidence.Span{From: time.Now().Add(time.Hour)}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("the future: %v", err)
	}
	year, err := s.Coverage(t.Context(), s.ws, evidence.Span{From: time.Now().Add(-365 * 24 * time.Hour)})
	s.must(err)
	if g := year[0].Gaps; len(g) == 0 || g[0].Cause != evidence.BeyondRetention || !g[0].HealUntil.IsZero() {
		t.Errorf("a year back the gaps are %+v", g)
	}
}

// TestTheTokenIsNowhere looks for tokens in all that is left behind: files, logs, errors, and what is returned.
func TestTheTokenIsNowhere(t *testing.T) {
	s := newSite(t)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var tokens []string
	secret := func(o simulator.TokenOptions) seal.Secret {
		token := s.token(o)
		tokens = append(tokens, token.Reveal())
		return token
	}
	note := func(v any, err error) {
		fmt.Fprintf(&out, "%v %+v %#v %v\n", v, v, v, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(&out, "%v %+v\n", e, e)
		}
	}
	ctx, req := t.Context(), connection.AddRequest{Source: "onepassword", Token: secret(simulator.TokenOptions{})}
	fmt.Fprintf(&out, "%v %+v %#v", req, req, req)
	st, err := s.Add(ctx, "Ada", s.ws, req)
	note(st, err)
	for _, server := range []string{"https://events.1password.com", "https://events.example.com", "x"} {
		note(s.Add(ctx, "Ada", s.ws, connection.AddRequest{Source: "onepassword", Server: server, Token: secret(simulator.TokenOptions{})}))
	}
	note(s.Add(ctx, "Ada", s.ws, connection.AddRequest{Source: "onepassword", Token: seal.NewSecret(secret(simulator.TokenOptions{}).Reveal() + ".x")}))
	revoked := secret(simulator.TokenOptions{})
	s.must(s.sim.Revoke(revoked.Reveal()))
	note(s.Rotate(ctx, "Ada", s.ws, st.ID, revoked))
	note(s.Rotate(ctx, "Ada", s.ws, st.ID, secret(simulator.TokenOptions{})))
	s.must(s.sim.SetFaults(simulator.Fault{Kind: "5xx", Probability: 0.3}, simulator.Fault{Kind: "revoked-token", Probability: 0.2}, simulator.Fault{Kind: "cut", Probability: 0.2}))
	note(s.collector(log).UntilIdle(ctx, collect.Filter{}))
	s.sim.RevokeAll()
	note(s.collector(log).UntilIdle(ctx, collect.Filter{}))
	note(s.Check(ctx, "Ada", s.ws, st.ID))
	note(s.List(ctx, s.ws))
	src, err := s.OpenSource(ctx, st.Connection)
	note(fmt.Sprintf("%T", src), err)
	note(s.store.Activity(ctx, s.ws, 100))
	for i, token := range tokens {
		parts := strings.Split(token, ".")
		for _, part := range []string{token, parts[1], parts[2]} {
			if bytes.Contains(out.Bytes(), []byte(part)) {
				t.Errorf("token %d stands in logs, errors or results", i)
			}
			s.notInFiles(part)
		}
	}
	if out.Len() < 2000 {
		t.Errorf("only %d bytes were looked at", out.Len())
	}
}

func (s *site) notInFiles(text string) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			s.t.Errorf("a token stands in %s", path)
		}
		return err
	})
	s.must(err)
	if files < 2 {
		s.t.Errorf("only %d files were looked at", files)
	}
}

func TestExpiryWarning(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	s := connection.New(connection.Config{Kinds: []source.Kind{{ID: "world", Retention: 120 * 24 * time.Hour}}, Now: func() time.Time { return now }})
	tests := []struct {
		left time.Duration
		days int
		ok   bool
		says string
	}{
		{31 * 24 * time.Hour, 0, false, ""},
		{30 * 24 * time.Hour, 30, true, "expires on 1 April 2026"},
		{8 * 24 * time.Hour, 14, true, "rotated in by 8 July 2026"},
		{5 * 24 * time.Hour, 7, true, "expires on"},
		{time.Hour, 1, true, "expires on"},
		{-time.Hour, 0, true, "nothing is read since"},
	}
	for _, test := range tests {
		days, text, ok := s.ExpiryWarning(evidence.Connection{Source: "world", ExpiresAt: now.Add(test.left)})
		if days != test.days || ok != test.ok || !strings.Contains(text, test.says) {
			t.Errorf("%v before: %d, %q, %v", test.left, days, text, ok)
		}
	}
	if _, _, ok := s.ExpiryWarning(evidence.Connection{Source: "world"}); ok {
		t.Error("a token that never expires is warned of")
	}
}

var _ connection.Store = (*store.Store)(nil)
