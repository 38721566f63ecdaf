package collect

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// Skews between the local clock and the source's.
const (
	skewWarn = 2 * time.Minute // beyond it a person is told
	skewMost = 24 * time.Hour  // beyond it no clock is believed: only records say how far the reading came
)

// dateStep is the resolution of an HTTP Date header (RFC 9110 section 5.6.7): the source's clock stood somewhere in the
// second that starts at the header's value.
const dateStep = time.Second

// exchange is what one request and its answer tell of time.
type exchange struct {
	requested time.Time // local clock, just before the request was sent
	received  time.Time // local clock, when the answer was whole
	server    time.Time // the source's clock; zero: it did not say
}

// skew is how far the source's clock is ahead of the local one; negative if it is behind. Network delay and the Date
// header's resolution do not count as skew.
func (x exchange) skew() time.Duration {
	switch {
	case x.server.IsZero():
		return 0
	case x.server.After(x.received):
		return x.server.Sub(x.received)
	case x.server.Add(dateStep).Before(x.requested):
		return x.server.Add(dateStep).Sub(x.requested)
	}
	return 0
}

// reached is the latest moment up to which an answer can speak: the source cannot have told of anything that happened
// after the request was sent, by either clock.
func (x exchange) reached() time.Time {
	t := x.requested
	if !x.server.IsZero() && x.server.Before(t) {
		t = x.server
	}
	return t.UTC().Truncate(time.Millisecond)
}

// believable reports whether the clocks are close enough to claim time without a record that proves it.
func (x exchange) believable() bool { return x.skew().Abs() <= skewMost }

// horizon is the moment before which the source may have dropped events already when it answered; zero if it keeps
// them for ever. Of two clocks the later one is taken, since it claims less.
func (x exchange) horizon(retention time.Duration) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	now := x.received
	if s := x.server.Add(dateStep); !x.server.IsZero() && s.After(now) {
		now = s
	}
	return now.Add(-retention + time.Millisecond - time.Nanosecond).UTC().Truncate(time.Millisecond)
}

// credible reports whether a record says anything of how far a reading came: its time is its own, and is not in the
// future. A single record with a time to come would else claim all the time before it, and hide that pages are out of order.
func credible(f evidence.Facts, reached time.Time) bool {
	return f.Odd&evidence.OddTime == 0 && !f.At.After(reached)
}

// lastRecord is the time of the page's last credible record; zero if there is none.
func lastRecord(page source.Page, reached time.Time) time.Time {
	for i := len(page.Records) - 1; i >= 0; i-- {
		if f := page.Records[i].Facts; credible(f, reached) {
			return f.At
		}
	}
	return time.Time{}
}

// firstRecord is the time of the page's first credible record; zero if there is none.
func firstRecord(page source.Page, reached time.Time) time.Time {
	for _, r := range page.Records {
		if credible(r.Facts, reached) {
			return r.Facts.At
		}
	}
	return time.Time{}
}

// claim is what may be said after a page about what has been read.
type claim struct {
	window evidence.Span // may be empty (From = To): reading has begun there and nothing can be claimed yet
	fresh  bool          // a new window: what lies between the old one and this one was lost or never asked for
}

// reading is all that a claim rests on.
type reading struct {
	old       evidence.Span // the window before the page; zero: none yet
	req       source.Request
	page      source.Page
	clock     exchange
	retention time.Duration
	ordered   bool // this page and all pages of the drain came in order
	end       bool // the source has nothing more
}

// live gives the coverage after a page that was read for the first time.
func (r reading) live() claim {
	c := claim{window: r.old}
	if r.old.From.IsZero() {
		c = claim{window: evidence.Span{From: r.start(), To: r.start()}, fresh: true}
	}
	// A bookmark that stood still for longer than the source keeps events goes on silently at the oldest event that is
	// left. Whatever was dropped before this answer can be missing from it.
	if h := r.clock.horizon(r.retention); h.After(c.window.To) {
		if h.After(r.clock.reached()) {
			// The clocks are further apart than the source keeps events. By one of them all of this was dropped, by the other
			// the window would begin in the future and nothing could be claimed until then. This answer claims nothing;
			// the next one with clocks that can be believed says what was kept.
			return c
		}
		c = claim{window: evidence.Span{From: h, To: h}, fresh: true}
	}
	c.window.To = evidence.Latest(c.window.To, r.through())
	return c
}

// start is where a first window begins. A bookmark without a window says nothing about where its reading began, so
// that only what comes after this answer can be claimed.
func (r reading) start() time.Time {
	if r.req.Cursor == "" && !r.req.From.IsZero() {
		return r.req.From
	}
	return evidence.Latest(r.clock.received, r.clock.server).Add(time.Millisecond).UTC().Truncate(time.Millisecond)
}

// through is up to where this page alone proves that everything has been read; zero: it proves nothing.
func (r reading) through() time.Time {
	switch {
	case r.end && r.clock.believable():
		return r.clock.reached()
	case r.ordered:
		return lastRecord(r.page, r.clock.reached())
	}
	return time.Time{}
}

// again gives the coverage after a page of a closed span that is read again: nothing of span before what the source
// still keeps, and all of it only once the end is reached. The zero Span claims nothing.
func (r reading) again(span evidence.Span) evidence.Span {
	covered := evidence.Span{
		From: evidence.Latest(span.From, r.clock.horizon(r.retention)),
		To:   evidence.Earliest(r.through(), span.To),
	}
	if covered.Empty() {
		return evidence.Span{}
	}
	return covered
}
