package collect

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// outside runs functions on goroutines that are in no synctest bubble. A store and its libraries keep pools of things with
// channels in them, which must not wander from one bubble to the next.
type outside struct {
	jobs    chan job
	replies chan chan struct{} // channels made inside of a bubble cannot be used outside
	clock   atomic.Int64       // the bubble's time, for what happens outside
}

type job struct {
	do   func()
	done chan struct{}
}

// outsiders is how many calls can be outside at once.
const outsiders = 8

// newOutside must be called outside of bubbles; stop ends it.
func newOutside() (o *outside, stop func()) {
	o = &outside{jobs: make(chan job), replies: make(chan chan struct{}, outsiders)}
	for range outsiders {
		o.replies <- make(chan struct{})
		go func() {
			for j := range o.jobs {
				j.do()
				j.done <- struct{}{}
			}
		}()
	}
	return o, func() { close(o.jobs) }
}

// run does f outside and waits for it. The time of the bubble stands still meanwhile.
func (o *outside) run(f func()) {
	o.clock.Store(time.Now().UnixNano())
	done := <-o.replies
	o.jobs <- job{f, done}
	<-done
	o.replies <- done
}

func (o *outside) now() time.Time { return time.Unix(0, o.clock.Load()) }

// far runs f outside with a context that has ctx's values alone: a bubble's deadline means nothing there.
func far[T any](o *outside, ctx context.Context, f func(context.Context) (T, error)) (v T, err error) {
	if err := ctx.Err(); err != nil {
		return v, err
	}
	o.run(func() { v, err = f(context.WithoutCancel(ctx)) })
	return v, err
}

// distant is a store that is kept outside.
type distant struct {
	*store.Store
	o *outside
}

func (d distant) do(ctx context.Context, f func(context.Context) error) error {
	_, err := far(d.o, ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

func (d distant) Workspaces(ctx context.Context) ([]evidence.ID, error) {
	return far(d.o, ctx, d.Store.Workspaces)
}

func (d distant) Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error) {
	return far(d.o, ctx, func(ctx context.Context) ([]evidence.Connection, error) { return d.Store.Connections(ctx, ws) })
}

func (d distant) Connection(ctx context.Context, ws, id evidence.ID) (evidence.Connection, error) {
	return far(d.o, ctx, func(ctx context.Context) (evidence.Connection, error) { return d.Store.Connection(ctx, ws, id) })
}

func (d distant) Streams(ctx context.Context, conn evidence.ID) ([]evidence.StreamStatus, error) {
	return far(d.o, ctx, func(ctx context.Context) ([]evidence.StreamStatus, error) { return d.Store.Streams(ctx, conn) })
}

func (d distant) Acquire(ctx context.Context, conn evidence.ID, stream evidence.Stream, holder string, ttl time.Duration) (store.Lease, error) {
	return far(d.o, ctx, func(ctx context.Context) (store.Lease, error) { return d.Store.Acquire(ctx, conn, stream, holder, ttl) })
}

func (d distant) Renew(ctx context.Context, l store.Lease) (store.Lease, error) {
	return far(d.o, ctx, func(ctx context.Context) (store.Lease, error) { return d.Store.Renew(ctx, l) })
}

func (d distant) Release(ctx context.Context, l store.Lease) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.Release(ctx, l) })
}

func (d distant) Commit(ctx context.Context, l store.Lease, c store.PageCommit) (store.Committed, error) {
	return far(d.o, ctx, func(ctx context.Context) (store.Committed, error) { return d.Store.Commit(ctx, l, c) })
}

func (d distant) SetTrouble(ctx context.Context, l store.Lease, t evidence.Trouble) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.SetTrouble(ctx, l, t) })
}

func (d distant) ResetCursor(ctx context.Context, l store.Lease, at time.Time) (store.Lease, error) {
	return far(d.o, ctx, func(ctx context.Context) (store.Lease, error) { return d.Store.ResetCursor(ctx, l, at) })
}

func (d distant) KeepBadPage(ctx context.Context, l store.Lease, at time.Time, body []byte, reason string) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.KeepBadPage(ctx, l, at, body, reason) })
}

func (d distant) Rereads(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]store.RereadMark, error) {
	return far(d.o, ctx, func(ctx context.Context) ([]store.RereadMark, error) { return d.Store.Rereads(ctx, conn, stream) })
}

func (d distant) FinishReread(ctx context.Context, l store.Lease, rec store.Reconciliation) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.FinishReread(ctx, l, rec) })
}

func (d distant) EventsInSpan(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (int64, error) {
	return far(d.o, ctx, func(ctx context.Context) (int64, error) { return d.Store.EventsInSpan(ctx, conn, stream, span) })
}

// The methods below are what the tests themselves ask.

func (d distant) EnsureWorkspace(ctx context.Context, name string) (evidence.ID, error) {
	return far(d.o, ctx, func(ctx context.Context) (evidence.ID, error) { return d.Store.EnsureWorkspace(ctx, name) })
}

func (d distant) CreateConnection(ctx context.Context, c evidence.Connection, token []byte, streams []evidence.Stream) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.CreateConnection(ctx, c, token, streams) })
}

func (d distant) UpdateConnection(ctx context.Context, c evidence.Connection) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.UpdateConnection(ctx, c) })
}

func (d distant) ReplaceToken(ctx context.Context, c evidence.Connection, token []byte) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.ReplaceToken(ctx, c, token) })
}

func (d distant) ForgetToken(ctx context.Context, ws, id evidence.ID, at time.Time) error {
	return d.do(ctx, func(ctx context.Context) error { return d.Store.ForgetToken(ctx, ws, id, at) })
}

func (d distant) Windows(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]evidence.Window, error) {
	return far(d.o, ctx, func(ctx context.Context) ([]evidence.Window, error) { return d.Store.Windows(ctx, conn, stream, span) })
}

func (d distant) Troubles(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error) {
	return far(d.o, ctx, func(ctx context.Context) ([]evidence.Trouble, error) { return d.Store.Troubles(ctx, conn, stream) })
}

func (d distant) Check(ctx context.Context) ([]store.CheckResult, error) {
	return far(d.o, ctx, func(ctx context.Context) ([]store.CheckResult, error) {
		return d.Store.Check(ctx, func(int64, int64) {})
	})
}

// all gives the events that a query selects.
func (d distant) all(ctx context.Context, q evidence.Query) ([]evidence.Event, error) {
	return far(d.o, ctx, func(ctx context.Context) (events []evidence.Event, err error) {
		for e, err := range d.Store.Verbatim(ctx, q) {
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		return events, nil
	})
}

func (d distant) Close() error {
	return d.do(context.Background(), func(context.Context) error { return d.Store.Close() })
}
