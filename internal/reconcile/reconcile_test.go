package reconcile_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/reconcile"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// account is a simulated account with what a verification of a bundle of it would tell.
type account struct {
	t      *testing.T
	sim    *simulator.Simulator
	cfg    reconcile.Config
	report verify.Report
	end    time.Time
}

func newAccount(t *testing.T, seed uint64) *account {
	t.Helper()
	a := &account{t: t, end: time.Now().UTC().Truncate(time.Hour)}
	var err error
	a.sim, err = simulator.New(simulator.Config{Seed: seed, Events: 5000, Days: 90, End: a.end, NoRateLimit: true})
	a.ok(err)
	url, ca, stop, err := a.sim.StartTLS("127.0.0.1:0", "")
	a.ok(err)
	t.Cleanup(stop)
	a.cfg = reconcile.Config{Kinds: []source.Kind{onepassword.Kind()}, Operator: source.Operator{AllowServers: []string{url}, CAPEM: ca}, UserAgent: "Exhibit/test", Now: time.Now,
		Tokens: []string{a.token(simulator.TokenOptions{})}, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	a.report = verify.Report{Accounts: []verify.Account{{Connection: "cn_1", Source: "onepassword", Server: url, Account: a.sim.AccountUUID()}}}
	for _, s := range simulator.Streams() {
		w := translog.Millis{From: a.end.AddDate(0, 0, -60).UnixMilli(), To: a.end.AddDate(0, 0, -10).UnixMilli()}
		a.report.Manifest.Coverage = append(a.report.Manifest.Coverage, bundle.Claim{Connection: "cn_1", Stream: string(s), From: w.From, To: w.To, Windows: []translog.Millis{w}})
	}
	return a
}

func (a *account) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) token(o simulator.TokenOptions) string {
	a.t.Helper()
	token, err := a.sim.IssueToken(o)
	a.ok(err)
	return token
}

// index holds the account's events as a bundle would; change may alter one, or leave it out by giving nil.
func (a *account) index(change func(stream string, n int, raw []byte) []byte) *reconcile.Index {
	x := &reconcile.Index{}
	for _, s := range simulator.Streams() {
		n := 0
		for raw := range a.sim.Events(s) {
			f := onepassword.Kind().Normalise(evidence.Stream(s), raw)
			if f.At.UnixMilli() >= a.report.Manifest.Coverage[0].From && f.At.UnixMilli() < a.report.Manifest.Coverage[0].To {
				n++
				if change != nil {
					raw = change(string(s), n, raw)
				}
			}
			if raw != nil {
				x.Seen("cn_1", string(s), f.UUID, f.At.UnixMilli(), raw)
			}
		}
	}
	return x
}

func (a *account) run(x *reconcile.Index) verify.Reconciliation {
	a.t.Helper()
	r, err := reconcile.Run(a.t.Context(), a.cfg, a.report, x)
	a.ok(err)
	return r
}

func TestTheSameAgain(t *testing.T) {
	a := newAccount(t, 3)
	r := a.run(a.index(nil))
	total := int64(0)
	for _, s := range r.Streams {
		total += s.Known
		if !s.Same() || s.Known != s.Seen {
			t.Errorf("%+v", s)
		}
	}
	if !r.Reconciled || len(r.Streams) != 3 || total < 1000 || len(r.NotRead) > 0 {
		t.Errorf("%d events: %+v", total, r)
	}
}

// TestWhatDiffers leaves one event out of the bundle, changes one, and adds one that the source does not know.
func TestWhatDiffers(t *testing.T) {
	a := newAccount(t, 3)
	x := a.index(func(stream string, n int, raw []byte) []byte {
		switch {
		case stream == "signinattempts" && n == 7:
			return nil
		case stream == "itemusages" && n == 9:
			return bytes.Replace(raw, []byte("{"), []byte("{ "), 1)
		}
		return raw
	})
	x.Seen("cn_1", "auditevents", "MADEUP", a.end.AddDate(0, 0, -20).UnixMilli(), []byte("{}"))
	x.Seen("cn_1", "auditevents", "OUTSIDE", a.end.AddDate(0, 0, -5).UnixMilli(), []byte("{}"))
	r := a.run(x)
	got := map[string]string{}
	for _, s := range r.Streams {
		got[s.Stream] = fmt.Sprint(s.New, s.Changed, s.Missing, len(s.Examples))
	}
	want := map[string]string{"signinattempts": "1 0 0 1", "itemusages": "0 1 0 1", "auditevents": "0 0 1 1"}
	if fmt.Sprint(got) != fmt.Sprint(want) || r.Reconciled {
		t.Errorf("%v, reconciled %t", got, r.Reconciled)
	}
}

// TestWhatCannotBeRead holds that what was not read again is said, and nothing is called reconciled then.
func TestWhatCannotBeRead(t *testing.T) {
	a := newAccount(t, 3)
	x := a.index(nil)
	a.cfg.Tokens = []string{a.token(simulator.TokenOptions{Features: []string{"signinattempts"}})}
	if r := a.run(x); r.Reconciled || len(r.Streams) != 1 || len(r.NotRead) != 2 || !strings.Contains(r.NotRead[0], "without this event type") {
		t.Errorf("a token that may not read all: %+v", r)
	}
	a.cfg.Tokens = nil
	if r := a.run(x); r.Reconciled || len(r.Streams) != 0 || len(r.NotRead) != 3 {
		t.Errorf("no token: %+v", r)
	}
	a.cfg.Tokens = []string{a.token(simulator.TokenOptions{})}
	for i := range a.report.Manifest.Coverage {
		a.report.Manifest.Coverage[i].Windows[0].From = a.end.AddDate(0, 0, -200).UnixMilli()
	}
	if r := a.run(x); r.Reconciled || len(r.NotRead) != 3 || !strings.Contains(r.NotRead[0], "120 days") || !r.Streams[0].Same() {
		t.Errorf("what the source has forgotten: %+v", r)
	}
	other := newAccount(t, 4)
	a.cfg.Tokens, a.cfg.Operator = other.cfg.Tokens, other.cfg.Operator
	if _, err := reconcile.Run(t.Context(), a.cfg, a.report, x); err == nil || !strings.Contains(err.Error(), "another account") {
		t.Errorf("a token of another account: %v", err)
	}
	a.cfg.Tokens = []string{"nonsense"}
	if _, err := reconcile.Run(t.Context(), a.cfg, a.report, x); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("no token: %v", err)
	}
}

// TestOnlyReads holds that nothing but the documented read endpoints is asked, whatever comes back.
func TestOnlyReads(t *testing.T) {
	a := newAccount(t, 3)
	asked := map[string]bool{}
	a.cfg.Kinds[0].Open = func(c source.Config) (source.Source, error) {
		c.Transport = transport(func(r *http.Request) (*http.Response, error) {
			asked[r.Method+" "+r.URL.Path] = true
			w := httptest.NewRecorder()
			a.sim.Handler().ServeHTTP(w, r)
			return w.Result(), nil
		})
		return onepassword.Kind().Open(c)
	}
	if r := a.run(a.index(nil)); !r.Reconciled {
		t.Errorf("%+v", r)
	}
	want := map[string]bool{"GET /api/v2/auth/introspect": true, "POST /api/v2/signinattempts": true, "POST /api/v2/itemusages": true, "POST /api/v2/auditevents": true}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("it asks %v", asked)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
