package simulator

import (
	"strconv"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// page is the answer to one data request before it is written out.
type page struct {
	stream  Stream
	version int
	asked   cursor
	text    string // of the asked cursor; empty for a reset
	snap    *feed.Snapshot
	from    int   // first event
	to      int   // behind the last event
	order   []int // if not nil, the events in this order instead of from..to
	changed int   // event served with other bytes; -1 for none
	cursor  string
	more    bool
}

// page finds the events that an honest answer holds.
func (s *Simulator) page(stream Stream, version int, c cursor, asked string, now time.Time) *page {
	p := &page{stream: stream, version: version, asked: c, text: asked, snap: s.feeds[stream].Snapshot(), changed: -1}
	p.from = p.snap.After(c.After)
	if s.config.Retention > 0 { // a cursor from before resumes silently at the oldest event that is kept
		p.from = max(p.from, p.snap.From(now.Add(-s.config.Retention).UnixMilli()))
	}
	p.to = min(p.from+c.Limit, p.snap.Len())
	if c.End != noEnd {
		p.to = min(p.to, p.snap.From(c.End))
	}
	p.to = max(p.to, p.from)
	p.more = p.len() == c.Limit
	next := c // the same again if nothing is new
	if p.len() > 0 {
		next.After, next.Last, next.Nonce = p.snap.At(p.to-1), p.len(), 0
	}
	p.cursor = next.encode()
	return p
}

func (p *page) len() int {
	if p.order != nil {
		return len(p.order)
	}
	return p.to - p.from
}

// event is the index of the event at place i of the page.
func (p *page) event(i int) int {
	if p.order != nil {
		return p.order[i]
	}
	return p.from + i
}

// append writes the page out. v1 puts the cursor first and v2 the items, as their documents do.
func (p *page) append(dst []byte) []byte {
	dst = append(dst, '{')
	if p.version == 1 {
		dst = p.appendTail(dst)
		dst = append(dst, ',')
	}
	dst = append(dst, `"items":[`...)
	for i := range p.len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.appendItem(dst, p.event(i))
	}
	dst = append(dst, ']')
	if p.version != 1 {
		dst = append(dst, ',')
		dst = p.appendTail(dst)
	}
	return append(dst, '}')
}

func (p *page) appendTail(dst []byte) []byte {
	dst = append(dst, `"cursor":"`...)
	dst = append(dst, p.cursor...)
	dst = append(dst, `","has_more":`...)
	return strconv.AppendBool(dst, p.more)
}

func (p *page) appendItem(dst []byte, event int) []byte {
	raw := p.snap.Raw(event)
	if p.version == 1 {
		dst = feed.StripV2(dst, raw)
	} else {
		dst = append(dst, raw...)
	}
	if event == p.changed {
		dst = append(dst[:len(dst)-1], `,"revision":2}`...)
	}
	return dst
}

// seenSet remembers which events were served, for the fault "conflict" alone.
type seenSet struct {
	mu   sync.Mutex
	seen map[Stream]map[string]bool
}

// mark notes that the events of a page were served.
func (s *seenSet) mark(p *page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[Stream]map[string]bool{}
	}
	if s.seen[p.stream] == nil {
		s.seen[p.stream] = map[string]bool{}
	}
	for i := range p.len() {
		s.seen[p.stream][p.snap.At(p.event(i)).UUID] = true
	}
}

// again lists the events of a page that were served before.
func (s *seenSet) again(p *page) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int
	for i := range p.len() {
		if s.seen[p.stream][p.snap.At(p.event(i)).UUID] {
			out = append(out, p.event(i))
		}
	}
	return out
}
