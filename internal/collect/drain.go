package collect

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

var errNoBookmark = errors.New("it has no bookmark, and without one the next request would begin at the last hour")

// drain reads and stores page after page until the source has nothing more. The lease must be held.
func (r *reader) drain(ctx context.Context) error {
	g := newGuard(r.kind.PageLimit, source.Cursor(r.lease.Position.Cursor), false)
	for {
		req := r.request()
		page, clock, err := r.ask(ctx, req)
		if err != nil {
			return err
		}
		if from, earlier := r.earlierStart(req, clock); earlier {
			req.From = from
			if page, clock, err = r.ask(ctx, req); err != nil {
				return err
			}
		}
		v := g.judge(req, page, clock.reached())
		if err := r.commit(ctx, req, page, clock, v); err != nil {
			return err
		}
		if v.stuck != "" {
			return &stuckError{v.stuck}
		}
		if v.end {
			return nil
		}
	}
}

// request is the next one of the live reading. The start of a first reading is always told: without it the source
// would give the last hour only, and nobody would see that the rest is missing.
func (r *reader) request() source.Request {
	at := r.lease.Position
	req := source.Request{Stream: r.stream, Cursor: source.Cursor(at.Cursor), Limit: r.kind.PageLimit}
	switch {
	case at.Cursor != "":
	case at.Window.To.IsZero():
		req.From = r.oldest(r.now())
	case r.streak.resets > 1:
		// The bookmark was lost again before the overlap was through. Going on from the last record, which comes again
		// since a start is inclusive, makes some way with every page.
		req.From = at.Window.To
	default:
		req.From = at.Window.To.Add(-overlap)
	}
	return req
}

// oldest is the oldest moment that the source can still have kept at now.
func (r *reader) oldest(now time.Time) time.Time {
	if r.kind.Retention == 0 {
		return time.Unix(0, 0).UTC()
	}
	return now.Add(-r.kind.Retention).UTC().Truncate(time.Millisecond)
}

// earlierStart reports whether a first reading began too late because the local clock is ahead of the source's, and
// where it must begin instead.
func (r *reader) earlierStart(req source.Request, clock exchange) (time.Time, bool) {
	first := req.Cursor == "" && r.lease.Position.Window.To.IsZero()
	if !first || r.kind.Retention == 0 || clock.skew() > -skewWarn {
		return time.Time{}, false
	}
	return r.oldest(clock.server), true
}

// ask waits for the account's budget and reads one page.
func (r *reader) ask(ctx context.Context, req source.Request) (source.Page, exchange, error) {
	if err := r.c.budget.Wait(ctx, r.account()); err != nil {
		return source.Page{}, exchange{}, err
	}
	clock := exchange{requested: r.now()} // after the wait: what happens before it is what the answer can tell of
	page, err := r.next(ctx, req)
	clock.received, clock.server = r.now(), page.ServerDate
	switch {
	case err != nil:
		return source.Page{}, exchange{}, err
	case page.Next == "":
		return source.Page{}, exchange{}, &source.BadPageError{Body: page.Body, Err: errNoBookmark}
	}
	r.watchClock(clock)
	return page, clock, nil
}

// defectError is a panic in a source's code. What a source reads is of foreign origin; a defect there must not end the
// process with all its other streams.
type defectError struct {
	value any
	stack []byte
}

func (e *defectError) Error() string {
	return fmt.Sprintf("Exhibit has a defect in how it reads this source: %v", e.value)
}

func (r *reader) next(ctx context.Context, req source.Request) (page source.Page, err error) {
	defer func() {
		if p := recover(); p != nil {
			page, err = source.Page{}, &defectError{p, debug.Stack()}
		}
	}()
	src, err := r.opening.source(ctx)
	if err != nil {
		return source.Page{}, err
	}
	return src.Next(ctx, req)
}

// check asks the source what the token may read; it counts in the budget like any request.
func (r *reader) check(ctx context.Context) (source.Grant, error) {
	if err := r.c.budget.Wait(ctx, r.account()); err != nil {
		return source.Grant{}, err
	}
	src, err := r.opening.source(ctx)
	if err != nil {
		return source.Grant{}, err
	}
	return src.Check(ctx)
}

// watchClock tells of clocks that do not agree. Coverage takes the side that claims less.
func (r *reader) watchClock(clock exchange) {
	skew := clock.skew()
	if skew.Abs() <= skewWarn {
		return
	}
	r.tally.skew = skew
	if clock.received.Sub(r.skewedAt) < skewAgain {
		return
	}
	r.skewedAt = clock.received
	r.log.Warn("the clocks do not agree; coverage is claimed by the one that claims less. Check this machine's clock",
		"source_ahead_by", skew.Round(time.Second).String())
}

// commit stores one page of the live reading with what it proves and where reading goes on.
//
// A crash before it: the same request comes again. A crash after it: reading goes on behind the page. An error from it
// leaves open which of the two it was; the turn ends, and the next one takes its position from the store.
func (r *reader) commit(ctx context.Context, req source.Request, page source.Page, clock exchange, v verdict) error {
	at := r.lease.Position
	c := store.PageCommit{
		Mode:        store.Live,
		Request:     req,
		Page:        page,
		RequestedAt: clock.requested,
		ReceivedAt:  clock.received,
		Window:      at.Window,
		CaughtUp:    v.end || at.CaughtUp,
		Build:       r.c.build,
	}
	if v.stuck != "" {
		// The events of a page that leads nowhere are kept like any other; but the bookmark does not follow it, and
		// nothing is claimed by it.
		c.Page.Next = req.Cursor
		r.streak.begin(clock.received)
		c.Trouble = r.stuckTrouble(&stuckError{v.stuck})
	} else {
		claim := reading{old: at.Window, req: req, page: page, clock: clock, retention: r.kind.Retention, ordered: v.ordered, end: v.end}.live()
		c.Window, c.NewWindow = claim.window, claim.fresh
	}
	done, err := r.c.store.Commit(ctx, r.lease, c)
	if err != nil {
		return storing("committing", err)
	}
	r.lease = done.Lease
	r.stored(c, done, at)
	return nil
}

// stored takes note of a page that is durable. before is where the stream stood.
func (r *reader) stored(c store.PageCommit, done store.Committed, before store.Position) {
	after := done.Lease.Position
	r.shown = c.Trouble
	if c.Trouble == nil {
		r.streak.good()
	}
	if !c.NewWindow && after.Window.To.After(before.Window.To) {
		r.streak.loops = 0 // it got further: what led nowhere before was not a circle
	}
	r.tally.page(len(c.Page.Records), done)
	r.tally.window = after.Window
	if after.Cursor != before.Cursor || done.New > 0 {
		r.tally.movedAt = c.ReceivedAt
	}
	r.c.progress(r.tally.progress(r.conn, r.stream, after.CaughtUp))
}
