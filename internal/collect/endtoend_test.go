package collect

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
)

// rig is a simulated account behind TLS, and a store on disk for what is read from it. Time is the real one.
type rig struct {
	t     *testing.T
	sim   *simulator.Simulator
	url   string
	ca    []byte
	token string
	dir   string
	store *store.Store
	conn  evidence.Connection
	limit int // events a page; 0: the source's own
}

func newRig(t *testing.T, cfg simulator.Config) *rig {
	t.Helper()
	a := &rig{t: t, dir: t.TempDir()}
	var err error
	a.sim, err = simulator.New(cfg)
	a.must(err)
	var stop func()
	a.url, a.ca, stop, err = a.sim.StartTLS("127.0.0.1:0", "")
	a.must(err)
	t.Cleanup(stop)
	a.token, err = a.sim.IssueToken(simulator.TokenOptions{})
	a.must(err)
	a.open()
	ws, err := a.store.EnsureWorkspace(t.Context(), "default")
	a.must(err)
	now := time.Now().UTC()
	a.conn = evidence.Connection{ID: "cn_test", Workspace: ws, Source: "onepassword", Name: "1Password", Server: a.url,
		AccountUUID: a.sim.AccountUUID(), CreatedAt: now, CheckedAt: now}
	for _, s := range simulator.Streams() {
		a.conn.Features = append(a.conn.Features, evidence.Stream(s))
	}
	a.must(a.store.CreateConnection(t.Context(), a.conn, []byte("sealed"), a.conn.Features))
	return a
}

func (a *rig) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *rig) open() {
	s, err := store.Open(context.Background(), store.Config{Dir: a.dir})
	a.must(err)
	a.store = s
	a.t.Cleanup(func() { _ = s.Close() }) // some tests have closed it already
}

// collector reads the account with the real client, and waits less than in real life.
func (a *rig) collector() *Collector {
	kind := onepassword.Kind()
	if a.limit > 0 {
		kind.PageLimit = a.limit
	}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("EXHIBIT_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	c := New(Config{
		Store: a.store, Kind: func(string) (source.Kind, bool) { return kind, true },
		Open: func(context.Context, evidence.Connection) (source.Source, error) {
			return kind.Open(source.Config{
				Server: a.url, UserAgent: "Exhibit/test", Token: func(context.Context) (string, error) { return a.token, nil },
				Operator: source.Operator{AllowServers: []string{a.url}, CAPEM: a.ca},
			})
		},
		Budget: NewBudget(Limits{}), Build: "Exhibit/test", Patience: time.Minute, Log: log,
	})
	c.backoff = func(failures int, asked time.Duration) time.Duration {
		return min(max(backoff(failures, asked)/100, asked), time.Second)
	}
	return c
}

// checkEqual checks that what is stored is what the account holds, byte for byte and once.
func (a *rig) checkEqual() {
	a.t.Helper()
	for _, stream := range simulator.Streams() {
		want := map[string]int{}
		for raw := range a.sim.Events(stream) {
			want[string(raw)]++
		}
		n, more := 0, 0
		for e, err := range a.store.Verbatim(a.t.Context(), evidence.Query{Workspace: a.conn.Workspace, Streams: []evidence.Stream{evidence.Stream(stream)}}) {
			a.must(err)
			n++
			if want[string(e.Raw)]--; want[string(e.Raw)] < 0 {
				if more++; more < 4 {
					a.t.Errorf("%s: stored twice, or never served: %s", stream, e.Raw)
				}
				delete(want, string(e.Raw))
				continue
			}
			if want[string(e.Raw)] == 0 {
				delete(want, string(e.Raw))
			}
		}
		if len(want) > 0 || more > 0 || n == 0 {
			a.t.Errorf("%s: %d events are stored, %d are missing, %d too many", stream, n, len(want), more)
		}
	}
	results, err := a.store.Check(a.t.Context(), func(int64, int64) {})
	a.must(err)
	for _, r := range results {
		if !r.OK {
			a.t.Errorf("the store is not sound: %s: %s", r.Name, r.Detail)
		}
	}
}

// TestEndToEnd reads a simulated account over TLS under all faults at once, but for the one that takes the client's whole
// time-out, and compares byte by byte.
func TestEndToEnd(t *testing.T) {
	var faults []simulator.Fault
	for _, k := range simulator.FaultKinds() {
		switch k.Name {
		case "hang":
		case "late":
			faults = append(faults, simulator.Fault{Kind: k.Name, Probability: 0.05})
		default:
			faults = append(faults, simulator.Fault{Kind: k.Name, Probability: 0.02})
		}
	}
	faults = append(faults, simulator.Fault{Kind: "5xx", Target: "introspect", Probability: 0.1})
	a := newRig(t, simulator.Config{Seed: 11, Events: 12_000, Days: 100, NoRateLimit: true, Faults: faults, SlowFor: 50 * time.Millisecond, LateAfter: time.Hour})
	a.limit = 100
	for range 5 {
		sum, err := a.collector().UntilIdle(t.Context(), Filter{})
		a.must(err)
		if !sum.Failed() {
			break
		}
		t.Logf("one more time: %+v", sum)
	}
	if n := a.sim.ReleaseLate(); n == 0 {
		t.Error("no event came late")
	}
	a.must(a.sim.SetFaults())
	sum, err := a.collector().UntilIdle(t.Context(), Filter{})
	a.must(err)
	if sum.Failed() {
		t.Errorf("the streams did not catch up: %+v", sum)
	}
	_, err = a.collector().Reread(t.Context(), Filter{}, evidence.Span{From: time.Now().Add(-120 * day), To: time.Now()})
	a.must(err)
	a.checkEqual()
	span := evidence.Span{From: time.Now().Add(-99 * day), To: time.Now().Add(-time.Hour)}
	for _, s := range a.conn.Features {
		windows, err := a.store.Windows(t.Context(), a.conn.ID, s, span)
		a.must(err)
		if len(windows) != 1 || windows[0].Duration() != span.Duration() {
			t.Errorf("%s: the windows are %v", s, windows)
		}
	}
}

// childEnv tells the test binary that it is the process to be killed.
const childEnv = "EXHIBIT_TEST_CHILD"

// TestKill kills processes that read an account, without warning and at any moment, and checks that the last one ends
// with every event exactly once.
func TestKill(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		child(t)
		return
	}
	if testing.Short() {
		t.Skip("kills processes for up to 20 s")
	}
	a := newRig(t, simulator.Config{Seed: 12, Events: 30_000, Days: 100, NoRateLimit: true, Faults: []simulator.Fault{
		{Kind: "5xx", Probability: 0.02}, {Kind: "cut", Probability: 0.02}, {Kind: "duplicate-page", Probability: 0.02}, {Kind: "slow-body", Probability: 0.1}},
		SlowFor: 30 * time.Millisecond})
	a.must(a.store.Close())
	ca := a.dir + "/ca.pem"
	a.must(os.WriteFile(ca, a.ca, 0o600))
	deadline := time.Now().Add(12 * time.Second)
	kills, done := 0, false
	for i := 0; time.Now().Before(deadline) && !done; i++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{a.dir, a.url, ca, a.token, string(a.conn.Workspace)}, "|"))
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		a.must(cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			if done = err == nil; !done {
				t.Fatalf("a process ended by itself: %v\n%s", err, out.String())
			}
		case <-time.After(time.Duration(80+i*37%400) * time.Millisecond):
			a.must(cmd.Process.Kill())
			<-ended
			kills++
		}
	}
	t.Logf("%d processes were killed", kills)
	if kills < 3 {
		t.Errorf("only %d processes were killed", kills)
	}
	a.open()
	a.must(a.sim.SetFaults())
	sum, err := a.collector().UntilIdle(t.Context(), Filter{})
	a.must(err)
	if sum.Failed() {
		t.Errorf("the last process did not catch up: %+v", sum)
	}
	a.checkEqual()
}

// child reads the account until it has caught up or is killed.
func child(t *testing.T) {
	args := strings.Split(os.Getenv(childEnv), "|")
	ca, err := os.ReadFile(args[2])
	if err != nil {
		t.Fatal(err)
	}
	a := &rig{t: t, dir: args[0], url: args[1], ca: ca, token: args[3], limit: 100}
	a.conn.Workspace = evidence.ID(args[4])
	a.open()
	sum, err := a.collector().UntilIdle(t.Context(), Filter{})
	if err != nil || sum.Failed() {
		t.Fatal(fmt.Sprint(err, sum))
	}
}
