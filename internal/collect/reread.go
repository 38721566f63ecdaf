package collect

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// chunkMost is how much is read again at once at most: it bounds the memory for what was seen, and what a crash repeats.
const chunkMost = 7 * 24 * time.Hour

// rereadsMost bounds how many chunks one UntilIdle reads again for a stream.
const rereadsMost = 240

// Reread reads a span again that has been read before, or one that never was, and reports as UntilIdle does. Events that
// are new are kept and marked as late if their time had been read; spans that were gaps are covered then. What the source
// no longer keeps is left out.
func (c *Collector) Reread(ctx context.Context, f Filter, span evidence.Span) (Summary, error) {
	if span.Empty() {
		return Summary{}, evidence.Errorf(evidence.Invalid, "The span to read again is empty: it ends at or before its start.")
	}
	if now := c.now(); span.To.After(now) {
		span.To = now
	}
	if span.Empty() {
		return Summary{}, evidence.Errorf(evidence.Invalid, "The span to read again lies in the future.")
	}
	return c.each(ctx, f, func(ctx context.Context, r *reader) error { return r.rereadSpan(ctx, span) })
}

// rereadSpan reads a span again because a person asked for it.
func (r *reader) rereadSpan(ctx context.Context, span evidence.Span) error {
	if !r.granted() {
		return evidence.Errorf(evidence.Unauthorized, "%s", r.kind.Without(r.stream))
	}
	span.From = evidence.Latest(span.From, r.oldest(r.now()))
	if span.Empty() {
		return evidence.Errorf(evidence.Invalid, "%s keeps events for %d days; nothing of this span can be read any more.",
			r.kind.Name, int(r.kind.Retention.Hours()/24))
	}
	r.tally.window = evidence.Span{}
	for from := span.From; from.Before(span.To); from = from.Add(chunkMost) {
		piece := evidence.Span{From: from, To: evidence.Earliest(from.Add(chunkMost), span.To)}
		if err := r.patiently(ctx, store.Reread, func(ctx context.Context) error { return r.reread(ctx, 0, piece) }); err != nil {
			return err
		}
		r.tally.window = evidence.Span{From: span.From, To: piece.To}
	}
	return nil
}

// due picks the closed span whose re-read is most overdue, measured in chunks. A connection whose streams were first read
// at begun needs no re-read of what was older than an age then. oldest is what the source still keeps.
func due(marks []store.RereadMark, begun, now, oldest time.Time) (evidence.Rereading, evidence.Span, bool) {
	var pick evidence.Rereading
	var span evidence.Span
	var most float64
	for _, plan := range evidence.Rereadings() {
		var through time.Time
		for _, m := range marks {
			if m.Age == plan.Age {
				through = m.Through
			}
		}
		open := plan.Open(through, begun, oldest, now)
		if chunks := float64(open.Duration()) / float64(plan.Chunk); chunks >= 1 && chunks > most {
			pick, most = plan, chunks
			// After a long silence there is much to do; larger pieces get through it in a few dozen.
			span = evidence.Span{From: open.From, To: open.From.Add(min(max(plan.Chunk, open.Duration()/8), chunkMost))}
		}
	}
	return pick, span, most > 0
}

// nextDue reads the marks and gives what is due for this stream.
func (r *reader) nextDue(ctx context.Context) (evidence.Rereading, evidence.Span, bool, error) {
	marks, err := r.c.store.Rereads(ctx, r.conn.ID, r.stream)
	if err != nil {
		return evidence.Rereading{}, evidence.Span{}, false, storing("reading what is due to be read again", err)
	}
	now := r.now().UTC().Truncate(time.Millisecond)
	// The connection was made shortly before its first read, or long before; the earlier moment re-reads more.
	plan, span, ok := due(marks, r.conn.CreatedAt.UTC().Truncate(time.Millisecond), now, r.oldest(now))
	return plan, span, ok, nil
}

// rereadNext reads one chunk again if one is due. It comes after the tail of the stream and never more than one at a
// time, so that reading what is new goes first.
func (r *reader) rereadNext(ctx context.Context) {
	if r.now().Before(r.rereadAfter) {
		return
	}
	plan, span, ok, err := r.nextDue(ctx)
	if err == nil && !ok {
		return
	}
	t := turn{err: err}
	if err == nil {
		t = r.underLease(ctx, store.Reread, func(ctx context.Context) error { return r.reread(ctx, plan.Age, span) })
	}
	r.streak = streak{} // what went wrong here is not the tail's
	if t.end {
		r.rereadFailures = 0
		return
	}
	if ctx.Err() == nil && !t.held {
		r.rereadFailures++
		r.rereadAfter = r.now().Add(max(t.wait, r.c.backoff(r.rereadFailures, 0)))
		r.log.Warn("a closed span could not be read again; it is tried later", "from", span.From, "to", span.To, "error", t.err)
	}
}

// rereadAllDue reads again whatever is due, for a run that ends when there is nothing left to do.
func (r *reader) rereadAllDue(ctx context.Context) error {
	for range rereadsMost {
		plan, span, ok, err := r.nextDue(ctx)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		window := r.tally.window
		err = r.patiently(ctx, store.Reread, func(ctx context.Context) error { return r.reread(ctx, plan.Age, span) })
		r.tally.window = window
		if err != nil {
			return err
		}
	}
	return nil
}

// reread reads one closed span again, under the lease. The stream's own bookmark does not move.
//
// A crash during it: the mark has not moved, so that the same span is read again from its start, and what was stored of
// it is known then. A crash after its last page: as before. A crash after FinishReread: it is done.
func (r *reader) reread(ctx context.Context, age time.Duration, span evidence.Span) error {
	g := newGuard(r.kind.PageLimit, "", true)
	rec := store.Reconciliation{Age: age, Span: span}
	seen := recentlySeen{}
	req := source.Request{Stream: r.stream, From: span.From, To: span.To, Limit: r.kind.PageLimit}
	for {
		page, clock, err := r.ask(ctx, req)
		if err != nil {
			return err
		}
		v := g.judge(req, page, clock.reached())
		done, err := r.commitReread(ctx, req, page, clock, v, span)
		if err != nil {
			return err
		}
		rec.Seen += int64(len(page.Records))
		rec.Known += int64(done.Duplicates)
		rec.New += int64(done.New)
		rec.Changed += int64(done.Conflicts)
		seen.add(page, span)
		if v.stuck != "" {
			return &stuckError{v.stuck}
		}
		if v.end {
			return r.finishReread(ctx, rec, len(seen))
		}
		req.Cursor = page.Next
	}
}

func (r *reader) commitReread(ctx context.Context, req source.Request, page source.Page, clock exchange, v verdict, span evidence.Span) (store.Committed, error) {
	c := store.PageCommit{
		Mode: store.Reread, Request: req, Page: page, RequestedAt: clock.requested, ReceivedAt: clock.received, Build: r.c.build,
	}
	if v.stuck == "" {
		c.Window = reading{req: req, page: page, clock: clock, retention: r.kind.Retention, ordered: v.ordered, end: v.end}.again(span)
	}
	done, err := r.c.store.Commit(ctx, r.lease, c)
	if err != nil {
		return store.Committed{}, storing("committing what was read again", err)
	}
	r.lease = done.Lease
	r.tally.page(len(page.Records), done)
	r.tally.movedAt = clock.received
	p := r.tally.progress(r.conn, r.stream, r.lease.Position.CaughtUp)
	p.Reread = true
	r.c.progress(p)
	return done, nil
}

// finishReread compares what came with what is stored and moves the mark. Nobody else can add to the stream meanwhile:
// the lease is held.
func (r *reader) finishReread(ctx context.Context, rec store.Reconciliation, seen int) error {
	stored, err := r.c.store.EventsInSpan(ctx, r.conn.ID, r.stream, rec.Span)
	if err != nil {
		return storing("counting the events of the span", err)
	}
	rec.At = r.now()
	rec.Missing = max(0, stored-int64(seen))
	if err := r.c.store.FinishReread(ctx, r.lease, rec); err != nil {
		return storing("recording the re-read", err)
	}
	r.tally.missing += rec.Missing
	if rec.New+rec.Changed+rec.Missing > 0 {
		r.log.Info("a closed span was read again and differs", "age", fmt.Sprint(rec.Age), "from", rec.Span.From, "to", rec.Span.To,
			"new", rec.New, "changed", rec.Changed, "missing", rec.Missing)
	}
	return nil
}

// recentlySeen are the uuids that one re-read brought.
type recentlySeen map[string]struct{}

// add takes the records of the page that lie in the span: whether the source's end is inclusive is not documented.
func (s recentlySeen) add(page source.Page, span evidence.Span) {
	for _, record := range page.Records {
		if span.Contains(record.Facts.At) {
			s[record.Facts.UUID] = struct{}{}
		}
	}
}
