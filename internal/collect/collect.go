package collect

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what the collector needs of the evidence store; *store.Store is one. Its methods may be called by many
// goroutines at once, and every one that changes something is a transaction of its own.
type Store interface {
	Workspaces(ctx context.Context) ([]evidence.ID, error)
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
	Connection(ctx context.Context, ws, id evidence.ID) (evidence.Connection, error)
	Streams(ctx context.Context, conn evidence.ID) ([]evidence.StreamStatus, error)

	Acquire(ctx context.Context, conn evidence.ID, stream evidence.Stream, holder string, ttl time.Duration) (store.Lease, error)
	Renew(ctx context.Context, l store.Lease) (store.Lease, error)
	Release(ctx context.Context, l store.Lease) error

	Commit(ctx context.Context, l store.Lease, c store.PageCommit) (store.Committed, error)
	SetTrouble(ctx context.Context, l store.Lease, t evidence.Trouble) error
	ResetCursor(ctx context.Context, l store.Lease, at time.Time) (store.Lease, error)
	KeepBadPage(ctx context.Context, l store.Lease, at time.Time, body []byte, reason string) error

	Rereads(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]store.RereadMark, error)
	FinishReread(ctx context.Context, l store.Lease, rec store.Reconciliation) error
	EventsInSpan(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (int64, error)
}

// Config makes a Collector. Store, Kind and Open must be given.
type Config struct {
	Store    Store
	Kind     func(id string) (source.Kind, bool)
	Open     func(ctx context.Context, conn evidence.Connection) (source.Source, error)
	Budget   *Budget          // nil: DefaultLimits
	Every    time.Duration    // between two polls of a stream that has caught up; 0: 30 s
	Patience time.Duration    // how long UntilIdle and Reread go on without any progress; 0: 10 min
	Holder   string           // holder of the leases; empty: Holder of this process
	Build    string           // "Exhibit/1.2.3", kept with each page
	Now      func() time.Time // wall clock; nil: time.Now. Waits do not depend on it
	Log      *slog.Logger     // nil: slog.Default
	Progress func(Progress)   // called after each durable page, by many goroutines at once; nil: nobody asks
}

// Defaults of Config.
const (
	defaultEvery    = 30 * time.Second
	defaultPatience = 10 * time.Minute
)

// lookEvery is how often Run looks for connections that were added, changed or switched off by another process.
const lookEvery = 5 * time.Second

// Collector reads connections into the store. It may be used by many goroutines at once; a process needs one only, since
// processes, not collectors, hold leases.
type Collector struct {
	store    Store
	kind     func(id string) (source.Kind, bool)
	open     func(ctx context.Context, conn evidence.Connection) (source.Source, error)
	budget   *Budget
	every    time.Duration
	patience time.Duration
	holder   string
	build    string
	now      func() time.Time
	log      *slog.Logger
	progress func(Progress)
	wake     chan struct{}
	look     time.Duration // lookEvery
	backoff  func(failures int, asked time.Duration) time.Duration

	mu    sync.Mutex
	doors map[string]chan struct{} // one for each stream; see enter
}

// New makes a Collector. It reads nothing yet.
func New(cfg Config) *Collector {
	c := &Collector{
		store: cfg.Store, kind: cfg.Kind, open: cfg.Open, budget: cfg.Budget, every: cfg.Every, patience: cfg.Patience,
		holder: cfg.Holder, build: cfg.Build, now: cfg.Now, log: cfg.Log, progress: cfg.Progress,
		wake: make(chan struct{}, 1), doors: map[string]chan struct{}{}, backoff: backoff, look: lookEvery,
	}
	if c.budget == nil {
		c.budget = NewBudget(DefaultLimits)
	}
	if c.every <= 0 {
		c.every = defaultEvery
	}
	if c.patience <= 0 {
		c.patience = defaultPatience
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.holder == "" {
		c.holder = Holder(c.now())
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	if c.progress == nil {
		c.progress = func(Progress) {}
	}
	return c
}

// Filter selects what RunOnly, UntilIdle and Reread work on. Every part narrows it; the zero Filter selects everything.
type Filter struct {
	Workspace   evidence.ID
	Connections []evidence.ID
	Streams     []evidence.Stream
}

// selects reports whether f selects streams of a connection.
func (f Filter) selects(conn evidence.Connection) bool {
	return (f.Workspace == "" || conn.Workspace == f.Workspace) && (len(f.Connections) == 0 || slices.Contains(f.Connections, conn.ID))
}

// all gives the connections of all workspaces.
func (c *Collector) all(ctx context.Context) ([]evidence.Connection, error) {
	workspaces, err := c.store.Workspaces(ctx)
	if err != nil {
		return nil, storing("listing workspaces", err)
	}
	var all []evidence.Connection
	for _, ws := range workspaces {
		conns, err := c.store.Connections(ctx, ws)
		if err != nil {
			return nil, storing("listing connections", err)
		}
		all = append(all, conns...)
	}
	return all, nil
}

// connections gives the connections that f selects and that can be read. Asking for one that is not there or is off is
// an error; not asking for any in particular leaves out those that are off.
func (c *Collector) connections(ctx context.Context, f Filter) ([]evidence.Connection, error) {
	all, err := c.all(ctx)
	if err != nil {
		return nil, err
	}
	var chosen []evidence.Connection
	for _, conn := range all {
		switch {
		case !f.selects(conn):
		case readable(conn):
			chosen = append(chosen, conn)
		case len(f.Connections) > 0:
			return nil, evidence.Errorf(evidence.Conflict, "Connection %s is switched off. Switch it on with a token first.", conn.ID)
		}
	}
	for _, id := range f.Connections {
		if !slices.ContainsFunc(chosen, func(conn evidence.Connection) bool { return conn.ID == id }) {
			return nil, evidence.Errorf(evidence.NotFound, "There is no connection %s in this workspace.", id)
		}
	}
	if len(chosen) == 0 {
		return nil, evidence.Errorf(evidence.NotFound, "There is no connection to read. Add one first, or switch one on.")
	}
	return chosen, nil
}

// readable reports whether a connection has a token to read with.
func readable(conn evidence.Connection) bool { return conn.OffAt.IsZero() && !conn.CheckedAt.IsZero() }

// readers makes one reader for each stream of a connection, in the order of its kind.
func (c *Collector) readers(ctx context.Context, conn evidence.Connection, f Filter) ([]*reader, error) {
	kind, ok := c.kind(conn.Source)
	if !ok {
		return nil, evidence.Errorf(evidence.Invalid, "Connection %s is of the source %q, which this version of Exhibit does not know.", conn.ID, conn.Source)
	}
	statuses, err := c.store.Streams(ctx, conn.ID)
	if err != nil {
		return nil, storing("reading the state of the streams", err)
	}
	for _, s := range f.Streams {
		if !slices.ContainsFunc(kind.Streams, func(k source.StreamKind) bool { return k.Stream == s }) {
			return nil, evidence.Errorf(evidence.Invalid, "%s has no stream %q.", kind.Name, s)
		}
	}
	opened := &opening{open: c.open, conn: conn}
	var rs []*reader
	for _, s := range kind.Streams {
		if len(f.Streams) > 0 && !slices.Contains(f.Streams, s.Stream) {
			continue
		}
		r := &reader{
			c: c, conn: conn, kind: kind, stream: s.Stream, opening: opened, tally: &tally{movedAt: c.now()},
			log: c.log.With("connection", string(conn.ID), "stream", string(s.Stream)),
		}
		r.remember(statuses)
		rs = append(rs, r)
	}
	return rs, nil
}

// remember takes over what the store says of the reader's stream from runs before this one.
func (r *reader) remember(statuses []evidence.StreamStatus) {
	for _, s := range statuses {
		if s.Stream != r.stream {
			continue
		}
		if s.Trouble != nil && s.Trouble.Open() {
			shown := *s.Trouble
			r.shown = &shown
		}
		r.tally.window = evidence.Span{To: s.Through}
	}
}

// granted reports whether the token may read the reader's stream.
func (r *reader) granted() bool { return slices.Contains(r.conn.Features, r.stream) }

// showMissing records, under the lease, that the token may not read this stream. It is never asked for then.
func (r *reader) showMissing(ctx context.Context) error {
	r.streak.begin(r.now())
	t := r.trouble(evidence.FeatureMissing, evidence.StateDegraded, r.kind.Without(r.stream))
	return r.note(ctx, source.ErrFeature, remedy{trouble: t})
}

// Wake makes Run look for new and changed connections at once. It never blocks.
func (c *Collector) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // a wake is on its way already
	}
}
