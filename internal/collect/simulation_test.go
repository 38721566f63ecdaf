package collect

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// house is a store with one connection to a world. Everything in it happens in one synctest bubble, in which time is
// not the real one: days pass in milliseconds.
type house struct {
	t     testing.TB
	dir   string
	store distant
	out   *outside
	world *world
	conn  evidence.Connection
	turns int
	log   *slog.Logger
}

func newHouse(t testing.TB, o *outside, w *world) *house {
	t.Helper()
	h := &house{t: t, dir: memoryDir(t), world: w, out: o, log: slog.New(slog.DiscardHandler)}
	if os.Getenv("EXHIBIT_TEST_LOG") != "" {
		h.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	h.openStore()
	ctx := context.Background()
	ws, err := h.store.EnsureWorkspace(ctx, "default")
	h.must(err)
	now := time.Now().UTC()
	h.conn = evidence.Connection{
		ID: "cn_test", Workspace: ws, Source: "world", Name: "World", Server: "https://world.example.com", AccountUUID: "ACCOUNT",
		Features: slices.Clone(w.granted), CreatedAt: now, CheckedAt: now,
	}
	for _, s := range []evidence.Stream{quiet, busy} {
		if !slices.Contains(w.granted, s) {
			h.conn.Missing = append(h.conn.Missing, s)
		}
	}
	h.must(h.store.CreateConnection(ctx, h.conn, []byte("sealed"), []evidence.Stream{quiet, busy}))
	return h
}

// memoryDir gives a directory in memory where there is one: the simulated processes die, the machine does not, and
// thousands of worlds need no durable disk.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "exhibit-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) openStore() {
	s, err := far(h.out, context.Background(), func(ctx context.Context) (*store.Store, error) {
		return store.Open(ctx, store.Config{Dir: h.dir, Now: h.out.now})
	})
	h.must(err)
	h.store = distant{s, h.out}
}

func (h *house) close() { h.must(h.store.Close()) }

// collector makes a new process: its store breaks as plan says, and ctx ends when it dies.
func (h *house) collector(ctx context.Context, plan func(string) accident, change ...func(*Config)) (context.Context, *Collector) {
	h.turns++
	ctx, die := context.WithCancel(ctx)
	h.t.Cleanup(die)
	cfg := Config{
		Store:  &fragile{Store: h.store, plan: plan, die: die},
		Kind:   func(string) (source.Kind, bool) { return h.world.kind(), true },
		Open:   func(context.Context, evidence.Connection) (source.Source, error) { return h.world, nil },
		Budget: NewBudget(Limits{}),
		Holder: fmt.Sprintf("elsewhere/%d/%d", h.turns, h.turns), // no process of this machine: its leases run out
		Build:  "Exhibit/test",
		Log:    h.log,
	}
	for _, c := range change {
		c(&cfg)
	}
	c := New(cfg)
	c.look = max(c.look, cfg.Every)
	return ctx, c
}

// stored gives the uuids of a stream that are stored, and fails if one is there twice or with other bytes.
func (h *house) stored(stream evidence.Stream) map[string]bool {
	h.t.Helper()
	raw := map[string]string{}
	for _, e := range h.world.truth(stream) {
		raw[e.uuid] = e.raw
	}
	found := map[string]bool{}
	events, err := h.store.all(context.Background(), evidence.Query{Workspace: h.conn.Workspace, Streams: []evidence.Stream{stream}})
	h.must(err)
	for _, e := range events {
		if found[e.UUID] {
			h.t.Errorf("%s: %s is stored twice", stream, e.UUID)
		}
		if raw[e.UUID] != string(e.Raw) {
			h.t.Errorf("%s: %s was %s and is stored as %s", stream, e.UUID, raw[e.UUID], e.Raw)
		}
		found[e.UUID] = true
	}
	return found
}

func (h *house) windows(stream evidence.Stream) []evidence.Window {
	h.t.Helper()
	ws, err := h.store.Windows(context.Background(), h.conn.ID, stream, evidence.Span{From: time.Unix(0, 0), To: time.Now().Add(1000 * day)})
	h.must(err)
	return ws
}

func (h *house) status(stream evidence.Stream) evidence.StreamStatus {
	h.t.Helper()
	all, err := h.store.Streams(context.Background(), h.conn.ID)
	h.must(err)
	for _, s := range all {
		if s.Stream == stream {
			return s
		}
	}
	h.t.Fatalf("the connection has no stream %s", stream)
	return evidence.StreamStatus{}
}

// checkHonest checks that coverage claims nothing that was not read: every event whose time is in a window, and that
// did not come late, is stored. It holds at any moment, also in the middle of things.
func (h *house) checkHonest() {
	h.t.Helper()
	for _, stream := range []evidence.Stream{quiet, busy} {
		windows := h.windows(stream)
		found := h.stored(stream)
		for _, e := range h.world.truth(stream) {
			for _, w := range windows {
				if w.Contains(e.at) && !e.late() && !found[e.uuid] {
					h.t.Errorf("%s: %s of %s is not stored, but its time is said to have been read (%v to %v)", stream, e.uuid, e.at, w.From, w.To)
				}
			}
		}
		for i, w := range windows {
			if w.To.After(time.Now()) {
				h.t.Errorf("%s: window %d reaches into the future, %v", stream, i, w.To)
			}
			if n := countIn(h.world.truth(stream), found, w.Span); n != w.Events {
				h.t.Errorf("%s: window %d says it has %d events, and %d are stored", stream, i, w.Events, n)
			}
		}
	}
}

func countIn(truth []happening, found map[string]bool, span evidence.Span) (n int64) {
	for _, e := range truth {
		if found[e.uuid] && span.Contains(e.at) {
			n++
		}
	}
	return n
}

// checkWhole checks that everything that could be read since the given time is stored exactly once.
func (h *house) checkWhole(since time.Time) {
	h.t.Helper()
	for _, stream := range []evidence.Stream{quiet, busy} {
		found := h.stored(stream)
		for _, e := range h.world.truth(stream) {
			if !e.at.Before(since) && !e.seen.After(time.Now()) && !found[e.uuid] {
				h.t.Errorf("%s: %s of %v, seen since %v, is not stored", stream, e.uuid, e.at, e.seen)
			}
		}
	}
}

// seeds is how many worlds the simulation goes through; EXHIBIT_TEST_SEEDS sets another number, EXHIBIT_TEST_SEED one
// world alone.
func seeds(t *testing.T) (first, n uint64) {
	if s, err := strconv.ParseUint(os.Getenv("EXHIBIT_TEST_SEED"), 10, 64); err == nil {
		return s, 1
	}
	if s, err := strconv.ParseUint(os.Getenv("EXHIBIT_TEST_SEEDS"), 10, 64); err == nil {
		return 0, s
	}
	if testing.Short() {
		return 0, 5
	}
	return 0, 25
}

// TestSimulation reads random worlds with random faults in processes that have random accidents, for days, and checks
// that nothing is lost, nothing is doubled, nothing is claimed that was not read, and that reading goes on.
func TestSimulation(t *testing.T) {
	first, n := seeds(t)
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o, stop := newOutside()
			defer stop()
			synctest.Test(t, func(t *testing.T) { simulate(t, o, seed) })
		})
	}
}

func simulate(t *testing.T, o *outside, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	w := newWorld(seed, 2+rng.IntN(8))
	w.faults, w.chance, w.nodate = worldFaults, rng.Float64()*0.4, rng.IntN(4) == 0
	begin := time.Now()
	w.populate(rng, begin.Add(-125*day), begin, 20+rng.IntN(100))
	h := newHouse(t, o, w)
	defer h.close()
	chance := rng.Float64() * 0.15
	for range 2 + rng.IntN(4) {
		w.mu.Lock()
		w.lag = time.Duration(rng.IntN(3000)) * time.Millisecond
		w.mu.Unlock()
		now := time.Now()
		lasting := time.Duration(rng.ExpFloat64() * float64(6*time.Hour))
		w.populate(rng, now, now.Add(lasting), rng.IntN(30))
		every := time.Duration(1+rng.IntN(20)) * 30 * time.Second
		ctx, c := h.collector(t.Context(), accidents(rng.Uint64(), chance), func(c *Config) { c.Every = every })
		ctx, stop := context.WithTimeout(ctx, lasting)
		h.must(c.Run(ctx))
		stop()
		h.checkHonest()
		if down := rng.IntN(4); down == 0 {
			time.Sleep(time.Duration(rng.ExpFloat64() * float64(2*day)))
		}
	}
	h.recovers()
}

// populate makes n events happen in a span, some in bursts of one millisecond, some late.
func (w *world) populate(rng *rand.Rand, from, to time.Time, n int) {
	length := int64(max(to.Sub(from), time.Millisecond))
	for range n {
		at := from.Add(time.Duration(rng.Int64N(length)))
		stream := []evidence.Stream{quiet, busy, busy, busy}[rng.IntN(4)]
		for range 1 + 3*(rng.IntN(8)/7) {
			seen := at
			if rng.IntN(8) == 0 {
				seen = at.Add(time.Duration(rng.ExpFloat64() * float64(5*time.Hour)))
			}
			w.add(stream, at, seen)
		}
	}
}

// recovers checks that reading goes on once all faults have ended, within twice the longest wait, and that then nothing
// is missing.
func (h *house) recovers() {
	h.t.Helper()
	h.world.calm()
	start := time.Now()
	ctx, c := h.collector(h.t.Context(), noAccidents)
	ctx, stop := context.WithTimeout(ctx, 2*backoffMost+leaseTTL)
	h.must(c.Run(ctx))
	stop()
	for _, s := range []evidence.Stream{quiet, busy} {
		if st := h.status(s); st.Through.Before(start) || st.Trouble != nil {
			h.t.Errorf("%s: reading did not go on: through %v, %v ago; trouble %+v", s, st.Through, time.Since(st.Through), st.Trouble)
		}
	}
	h.checkHonest()
	_, c = h.collector(h.t.Context(), noAccidents)
	kept := time.Now().Add(-h.world.retention)
	sum, err := c.UntilIdle(h.t.Context(), Filter{})
	h.must(err)
	if sum.Failed() {
		h.t.Errorf("the streams did not catch up: %+v", sum)
	}
	sum, err = c.Reread(h.t.Context(), Filter{}, evidence.Span{From: kept, To: time.Now()})
	h.must(err)
	for _, s := range sum.Connections[0].Streams {
		if s.Error != nil || s.Missing != 0 {
			h.t.Errorf("%s: read again with %d missing, error %v", s.Stream, s.Missing, s.Error)
		}
	}
	h.checkHonest()
	h.checkWhole(kept.Add(time.Second))
	results, err := h.store.Check(context.Background())
	h.must(err)
	for _, r := range results {
		if !r.OK {
			h.t.Errorf("the store is not sound: %s: %s", r.Name, r.Detail)
		}
	}
}
