package collect

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// leaseTTL is how long a lease lives without being renewed; it is renewed three times in that time.
const leaseTTL = time.Minute

// releaseTime bounds how long a reader that stops may take to give its lease back.
const releaseTime = 5 * time.Second

// overlap is how far before the last known time a stream is read again after its bookmark was lost.
const overlap = 24 * time.Hour

// skewAgain is how often a skewed clock is told of in the log.
const skewAgain = time.Hour

// reader reads one stream of one connection. One goroutine uses it.
type reader struct {
	c       *Collector
	conn    evidence.Connection
	kind    source.Kind
	stream  evidence.Stream
	opening *opening
	log     *slog.Logger
	tally   *tally

	lease    store.Lease
	streak   streak
	shown    *evidence.Trouble // the stream's open trouble as far as this reader knows
	skewedAt time.Time         // when a skewed clock was last logged

	keeps bool // the reader goes on reading, so that it knows when it reads next

	rereadFailures int       // re-reads in a row that failed
	rereadAfter    time.Time // no re-read before it
}

func (r *reader) now() time.Time { return r.c.now() }

// account names the budget that the reader draws on.
func (r *reader) account() string {
	if r.conn.AccountUUID != "" {
		return r.conn.AccountUUID
	}
	return string(r.conn.ID)
}

// turn is how one attempt to read a stream ended.
type turn struct {
	end     bool          // the source has nothing more for now
	wait    time.Duration // least time before the next attempt
	lasting bool          // waiting will not mend it
	gone    bool          // the connection was switched off meanwhile
	held    bool          // another process reads the stream
	err     error         // what went wrong, for a person; nil when the end was reached
}

// underLease runs work as the stream's only writer and gives how it ended. A crash in it leaves a lease that runs out
// after a minute, or that the next reader on the same machine takes at once because its holder is dead.
func (r *reader) underLease(ctx context.Context, mode store.Mode, work func(context.Context) error) turn {
	leave, err := r.c.enter(ctx, r.conn.ID, r.stream)
	if err != nil {
		return turn{err: err}
	}
	defer leave()
	lease, err := r.c.store.Acquire(ctx, r.conn.ID, r.stream, r.c.holder, leaseTTL)
	switch {
	case errors.Is(err, store.ErrHeld):
		return turn{held: true, wait: jittered(5 * time.Second), err: err}
	case err != nil:
		return r.settle(ctx, mode, storing("taking the lease of the stream", err))
	}
	r.lease = lease
	working, letGo := r.keepLease(ctx)
	defer letGo()
	var t turn
	if err := work(working); err != nil {
		t = r.settle(working, mode, err)
	} else {
		r.streak = streak{}
		t = turn{end: true, wait: jittered(r.c.every)}
	}
	if r.keeps && mode == store.Live {
		r.lease.Next = r.now().Add(t.wait) // given back with the lease
	}
	return t
}

// enter waits until no other goroutine of this collector works on the stream. Between processes the lease does that; a
// process, however, may always take its own lease again, since it may be one whose last answer was lost.
func (c *Collector) enter(ctx context.Context, conn evidence.ID, stream evidence.Stream) (leave func(), err error) {
	key := string(conn) + "/" + string(stream)
	c.mu.Lock()
	door := c.doors[key]
	if door == nil {
		door = make(chan struct{}, 1)
		c.doors[key] = door
	}
	c.mu.Unlock()
	select {
	case door <- struct{}{}:
		return func() { <-door }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keepLease renews the lease until letGo is called, which gives it back. A lost lease cancels the context with
// store.ErrStale as its cause.
func (r *reader) keepLease(ctx context.Context) (working context.Context, letGo func()) {
	working, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	lease := r.lease
	go func() {
		defer close(done)
		tick := time.NewTicker(leaseTTL / 3)
		defer tick.Stop()
		for {
			select {
			case <-working.Done():
				return
			case <-tick.C:
			}
			renewed, err := r.c.store.Renew(working, lease)
			if errors.Is(err, store.ErrStale) {
				cancel(store.ErrStale)
				return
			}
			// Any other failure to renew is left alone: every commit proves the lease again.
			if err == nil {
				lease = renewed
			}
		}
	}()
	return working, func() {
		cancel(nil)
		<-done
		r.release(ctx)
	}
}

// release gives the lease back, also when the reader was told to stop. Failing to is no harm: it runs out.
func (r *reader) release(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer stop()
	if err := r.c.store.Release(ctx, r.lease); err != nil && !errors.Is(err, store.ErrStale) {
		r.log.Debug("the lease was not given back; it runs out by itself", "error", err)
	}
}

// settle turns an error into what happens next. An error of a re-read says nothing about the stream's tail: the
// stream's trouble and bookmark stay as they are then.
func (r *reader) settle(ctx context.Context, mode store.Mode, err error) turn {
	if lostLease(ctx, err) {
		// Somebody else reads the stream, or took it over. What they store is as good as what this reader would have.
		return turn{wait: jittered(2 * time.Second), err: err}
	}
	if ctx.Err() != nil {
		return turn{err: ctx.Err()}
	}
	if r.isGone(ctx, err) {
		return turn{gone: true, err: err}
	}
	r.streak.begin(r.now())
	r.streak.failures++
	var failed *storeError
	if !errors.As(err, &failed) {
		t, noteErr := r.face(ctx, mode, err)
		if noteErr == nil {
			return t
		}
		if lostLease(ctx, noteErr) || ctx.Err() != nil {
			return turn{wait: jittered(2 * time.Second), err: noteErr}
		}
		err = noteErr
	}
	// The store cannot be told of its own failure, so the log is the only place left.
	r.log.Error("the evidence store failed; this stream waits and tries again", "error", err)
	return turn{wait: r.c.backoff(r.streak.failures, 0), err: err}
}

// face deals with a failure of the source: it finds out what follows, and writes it down.
func (r *reader) face(ctx context.Context, mode store.Mode, err error) (turn, error) {
	m := r.diagnose(ctx, err)
	if mode == store.Reread {
		m.trouble, m.reset = nil, false
	}
	var retry *source.RetryError
	if errors.As(err, &retry) && retry.After > 0 {
		r.c.budget.Slow(r.account(), retry.After)
	}
	if noteErr := r.note(ctx, err, m); noteErr != nil {
		return turn{}, noteErr
	}
	r.log.Debug("a read failed", "error", err, "failures", r.streak.failures, "wait", m.wait)
	if m.trouble != nil {
		err = &evidence.Error{Code: evidence.Unavailable, Message: m.trouble.Reason, Err: err}
	}
	return turn{wait: m.wait, lasting: m.lasting, err: err}, nil
}

func lostLease(ctx context.Context, err error) bool {
	return errors.Is(err, store.ErrStale) || errors.Is(context.Cause(ctx), store.ErrStale)
}

// isGone reports whether the connection was switched off while it was read. Its token is forgotten then, which shows
// as something that is not found.
func (r *reader) isGone(ctx context.Context, err error) bool {
	if evidence.ErrorCode(err) != evidence.NotFound {
		return false
	}
	conn, err := r.c.store.Connection(ctx, r.conn.Workspace, r.conn.ID)
	return evidence.ErrorCode(err) == evidence.NotFound || err == nil && !conn.OffAt.IsZero()
}
