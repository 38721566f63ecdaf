package collect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// UntilIdle reads every stream that f selects until it has caught up, and the closed spans that are due to be read again.
// What goes wrong with one stream stands in its summary and hinders no other; a stream gives up when waiting will not
// mend it, or after Patience without progress. The error is for what concerns the whole: nothing to read, ctx ended.
func (c *Collector) UntilIdle(ctx context.Context, f Filter) (Summary, error) {
	return c.each(ctx, f, func(ctx context.Context, r *reader) error { return r.untilIdle(ctx) })
}

// each does work for all streams that f selects, side by side.
func (c *Collector) each(ctx context.Context, f Filter, work func(context.Context, *reader) error) (Summary, error) {
	started := time.Now()
	conns, err := c.connections(ctx, f)
	if err != nil {
		return Summary{}, err
	}
	var all [][]*reader
	for _, conn := range conns {
		rs, err := c.readers(ctx, conn, f)
		if err != nil {
			return Summary{}, err
		}
		all = append(all, rs)
	}
	sum := Summary{Connections: make([]ConnectionSummary, len(conns))}
	var group errgroup.Group
	for i, conn := range conns {
		cs := &sum.Connections[i]
		*cs = ConnectionSummary{ID: conn.ID, Name: conn.Name, Streams: make([]StreamSummary, len(all[i]))}
		for k, r := range all[i] {
			group.Go(func() error {
				cs.Streams[k] = r.summarise(work(ctx, r))
				return nil
			})
		}
	}
	_ = group.Wait() // no stream's error ends another; they are in the summary
	sum.ElapsedMS = time.Since(started).Milliseconds()
	return sum, ctx.Err()
}

func (r *reader) summarise(err error) StreamSummary {
	s := r.tally.summary(r.stream, err)
	s.FeatureMissing = !r.granted()
	return s
}

// untilIdle reads one stream until it has caught up.
func (r *reader) untilIdle(ctx context.Context) error {
	if !r.granted() {
		if err := r.patiently(ctx, store.Live, r.showMissing); err != nil {
			return err
		}
		return evidence.Errorf(evidence.Unauthorized, "%s", r.kind.Without(r.stream))
	}
	if err := r.patiently(ctx, store.Live, r.drain); err != nil {
		return err
	}
	return r.rereadAllDue(ctx)
}

// patiently does work under the lease again and again until it succeeds, until only a person can help, or until there
// was no progress for long.
func (r *reader) patiently(ctx context.Context, mode store.Mode, work func(context.Context) error) error {
	r.tally.movedAt = r.now()
	started := r.now()
	for {
		t := r.underLease(ctx, mode, work)
		switch {
		case t.end:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case t.gone:
			return evidence.Errorf(evidence.Conflict, "The connection was switched off while it was read.")
		case t.lasting:
			return t.err
		case t.held && mode == store.Live && r.readByOther(ctx, started):
			return nil
		}
		if r.now().Add(t.wait).Sub(r.tally.movedAt) > r.c.patience {
			return gaveUp(t, r.c.patience)
		}
		if err := sleep(ctx, t.wait); err != nil {
			return err
		}
	}
}

func gaveUp(t turn, patience time.Duration) error {
	if t.held {
		return &evidence.Error{Code: evidence.Conflict, Err: t.err,
			Message: fmt.Sprintf("Another Exhibit process reads this stream and did not finish within %s.", patience)}
	}
	return &evidence.Error{Code: evidence.Unavailable, Err: t.err,
		Message: fmt.Sprintf("Given up after %s without progress. The last failure: %v", patience, t.err)}
}

// readByOther reports whether the process that holds the lease has brought the stream to its end since the given time.
func (r *reader) readByOther(ctx context.Context, since time.Time) bool {
	statuses, err := r.c.store.Streams(ctx, r.conn.ID)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(statuses, func(s evidence.StreamStatus) bool {
		done := s.Stream == r.stream && s.CaughtUp && s.LastReadAt.After(since)
		if done {
			r.tally.window.To = s.Through
		}
		return done
	})
}
