package verify

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// pageCache keeps pages that were verified in memory. Recipes go through the same pages one after the other, so that keeping what
// was read last would keep nothing that is asked for next: most of the room is for the pages that came first, and the rest
// for those that were read last, as events of neighbouring pages take turns. Several goroutines may ask it at once.
type pageCache struct {
	v     *verifier
	room  int // bytes
	mu    sync.Mutex
	all   map[pageKey]cached
	first int       // bytes of the pages that stay
	last  int       // bytes of those that go
	queue []pageKey // those that go, oldest first
}

type pageKey struct {
	t     *track
	page  uint32
	apart bool // its records, not its bytes
}

// cached is a page in memory: its bytes, or its records if they were asked for. What recipes want of an event is in the index,
// but for what found no room there.
type cached struct {
	body    []byte
	records []source.Record
}

// recordBytes is about what a record's facts take.
const recordBytes = 400

func (x cached) bytes() int { return cap(x.body) + recordBytes*cap(x.records) }

// held gives a page that is in memory.
func (c *pageCache) held(key pageKey) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, ok := c.all[key]
	return x, ok
}

// hold keeps a page in memory.
func (c *pageCache) hold(key pageKey, x cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[pageKey]cached{}
	}
	if _, twice := c.all[key]; twice {
		return
	}
	n := x.bytes()
	if c.first+n <= c.room-c.room/4 && x.records == nil {
		c.first += n
		c.all[key] = x
		return
	}
	for c.last += n; c.last > c.room/4 && len(c.queue) > 0; c.queue = c.queue[1:] {
		c.last -= c.all[c.queue[0]].bytes()
		delete(c.all, c.queue[0])
	}
	c.queue, c.all[key] = append(c.queue, key), x
}

// body gives the bytes of a page.
func (c *pageCache) body(t *track, number uint32) ([]byte, error) {
	key := pageKey{t, number, false}
	if x, ok := c.held(key); ok {
		return x.body, nil
	}
	path := c.v.pathOf(t.st, t.pages[number])
	body, err := c.v.in.Read(path, 64<<20)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, redactedPage) {
		w, ok := &verifier{log: c.v.log}, false // what is wrong with it was told when it was read first
		if body, _, _, _, ok = w.redacted(t.st, t.pages[number], body); !ok {
			return nil, errors.New("a redacted page cannot be read")
		}
	}
	c.hold(key, cached{body: body})
	return body, nil
}

// records takes a page apart again.
func (c *pageCache) records(t *track, number uint32) ([]source.Record, error) {
	key := pageKey{t, number, true}
	if x, ok := c.held(key); ok {
		return x.records, nil
	}
	body, err := c.body(t, number)
	if err != nil {
		return nil, err
	}
	kind, ok := c.v.kindOf(t.st.key.connection)
	if !ok {
		return nil, errors.New("the source is not known")
	}
	p := t.pages[number]
	noTime := p.leaf.Int("server_date")
	if noTime == 0 {
		noTime = p.leaf.Int("t_res")
	}
	page, err := kind.Split(evidence.Stream(t.st.key.stream), body, time.UnixMilli(noTime))
	if err != nil {
		return nil, err
	}
	c.hold(key, cached{records: page.Records})
	return page.Records, nil
}
