package collect

import (
	"crypto/sha256"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// Limits of one drain, after which it is given up for a while.
const (
	emptyMost     = 1000   // empty pages in a row
	cursorsMost   = 50_000 // bookmarks remembered in each of two generations
	loopsForReset = 3      // drains in a row that led nowhere, after which the bookmark is given up
)

// verdict is what a page means for the drain that it belongs to.
type verdict struct {
	end     bool   // the source has nothing more
	ordered bool   // this page and all before it came in the source's order
	stuck   string // the page leads nowhere: why, as half a sentence; empty if it does not
}

// guard watches over one drain: it knows the end when it sees it, and sees when a source leads it in circles.
// Known cases: bookmarks that never change when idle, has_more with an unchanged bookmark
// (https://github.com/elastic/integrations/issues/5471).
type guard struct {
	limit     int  // events that a full page holds
	closed    bool // the drain has an upper end in time
	empty     int  // empty pages in a row
	asked     bool // the page before was full, said that there is no more, and was asked about again
	unordered bool
	last      time.Time // of the newest record so far
	seen      recent
}

// newGuard watches over a drain that starts at a bookmark, or, with an empty one, at a time.
func newGuard(limit int, at source.Cursor, closed bool) *guard {
	g := &guard{limit: limit, closed: closed}
	if at != "" {
		g.seen.add(at)
	}
	return g
}

// judge looks at the next page of the drain. reached is the latest moment of which its answer can tell.
func (g *guard) judge(req source.Request, page source.Page, reached time.Time) verdict {
	newest := g.last
	v := verdict{ordered: g.inOrder(page, reached)}
	g.empty++
	if len(page.Records) > 0 {
		g.empty = 0
	}
	// A page that is full to the brim and says "no more" may be wrong about it; only one with room left ends the drain.
	full := g.limit > 0 && len(page.Records) >= g.limit
	askedBefore := g.asked
	g.asked = !page.More && full
	known := !g.seen.add(page.Next)
	switch {
	case !page.More && !full:
		v.end = true
	case page.Next == req.Cursor && page.More:
		v.stuck = "it says that there is more, but its bookmark stands still"
	case page.Next == req.Cursor:
		v.stuck = "it gave a full page without moving its bookmark"
	case known && g.closed && askedBefore && !g.last.After(newest):
		// Asked beyond the end of a closed span, the source may start over; seen in the wild:
		// https://github.com/SEKOIA-IO/automation-library/pull/3102
		// A page with something newer is no new start: the end was none.
		v.end = true
	case known:
		v.stuck = "its bookmark went back to one that was read already"
	case page.More && g.empty >= emptyMost:
		v.stuck = "it says that there is more, but a thousand pages in a row held nothing"
	}
	return v
}

// inOrder reports whether the drain is in order up to and with this page. A page that repeats what came before is in
// order; one that reaches from before the newest record to behind it is not.
func (g *guard) inOrder(page source.Page, reached time.Time) bool {
	first, last := firstRecord(page, reached), lastRecord(page, reached)
	across := !g.last.IsZero() && first.Before(g.last) && last.After(g.last)
	if !page.Ordered || across {
		g.unordered = true
	}
	g.last = evidence.Latest(g.last, last)
	return !g.unordered
}

// recent remembers the bookmarks of a drain in bounded memory: the newest 50,000 at least, 100,000 at most.
type recent struct {
	young, old map[[16]byte]struct{}
}

// add remembers c and reports whether it is new.
func (r *recent) add(c source.Cursor) bool {
	full := sha256.Sum256([]byte(c))
	key := [16]byte(full[:16])
	if _, ok := r.young[key]; ok {
		return false
	}
	if _, ok := r.old[key]; ok {
		return false
	}
	if r.young == nil || len(r.young) >= cursorsMost {
		r.old, r.young = r.young, map[[16]byte]struct{}{}
	}
	r.young[key] = struct{}{}
	return true
}
