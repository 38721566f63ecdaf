package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
)

// replay is what recipes read, made of the raw pages alone: an index of some forty bytes an event, and the pages themselves
// again where an event's content is asked for. It comes to the same index of events as the store does, by other code.
type replay struct {
	v       *verifier
	seed    maphash.Seed
	streams []*track
	what    map[whatWords]uint16
	whats   []whatWords
	cache   *pageCache
	now     cached // the page that is being indexed
	tooMany bool
}

// whatWords are an event's action, type and result.
type whatWords struct{ action, kind, result string }

// track is the events of one stream.
type track struct {
	st      *streamState
	feed    int64
	pages   []pageLeaf // those that are in the bundle
	at      []int64
	page    []uint32 // index in pages
	pos     []uint16
	odd     []evidence.Oddity
	what    []uint16
	order   []uint32 // indices by time, page and position
	seen    map[uint64]uint32
	repeats []repeat
	clash   map[uint32]int64 // event → number of the leaf that brought other bytes under its uuid
}

// repeat is a record whose uuid was known.
type repeat struct {
	at   int64
	page uint32
}

func newReplay(v *verifier) *replay {
	return &replay{v: v, seed: maphash.MakeSeed(), what: map[whatWords]uint16{}, cache: &pageCache{v: v}}
}

func (r *replay) track(st *streamState, feed int64) *track {
	for _, t := range r.streams {
		if t.st == st {
			return t
		}
	}
	t := &track{st: st, feed: feed, seen: map[uint64]uint32{}, clash: map[uint32]int64{}}
	r.streams = append(r.streams, t)
	slices.SortStableFunc(r.streams, func(a, b *track) int { return cmp.Compare(a.feed, b.feed) })
	return t
}

// add indexes the records of a page that was found to be what the log commits to.
func (r *replay) add(st *streamState, p pageLeaf, body []byte, records []source.Record, covered spans) {
	t := r.track(st, p.feed)
	number := uint32(len(t.pages))
	t.pages = append(t.pages, p)
	r.now = cached{body, records}
	late := bits(p.leaf.Text("late"), len(records))
	low, high := int64(0), int64(0)
	for i := range records {
		f := &records[i].Facts
		at := f.At.UnixMilli()
		if i == 0 || at < low {
			low = at
		}
		if i == 0 || at > high {
			high = at
		}
		if late != nil && late[i] != covered.contains(at) && !p.leaf.Bool("entered") {
			r.v.fail(stepPages, "late", "leaf %d says of record %d wrongly whether it came late", p.n, i)
			late = nil
		}
		r.record(t, number, i, f, body[records[i].Start:records[i].End], late != nil && late[i], p.n)
	}
	if low != p.low || high != p.high {
		r.v.fail(stepPages, "page_times", "page %d of %s spans other times than leaf %d says", p.page, st.key, p.n)
	}
}

// bits reads which records have a mark; nil if the text is none for so many.
func bits(text string, n int) []bool {
	out := make([]bool, n)
	for i := range out {
		if text == "" {
			break
		}
		if len(text) != 2*((n+7)/8) {
			return nil
		}
		c := strings.IndexByte("0123456789abcdef", text[i/4])
		if c < 0 {
			return nil
		}
		out[i] = c&(8>>(i%4)) != 0
	}
	return out
}

func (r *replay) record(t *track, page uint32, position int, f *evidence.Facts, raw []byte, late bool, leaf int64) {
	at := f.At.UnixMilli()
	key := maphash.String(r.seed, f.UUID)
	if first, known := t.seen[key]; known {
		t.repeats = append(t.repeats, repeat{at, page})
		if _, clashed := t.clash[first]; !clashed && !r.sameBytes(t, first, page, raw) {
			t.clash[first] = leaf
		}
		return
	}
	if len(t.at) >= 1<<31 || position > 1<<16-1 {
		r.tooMany = true
		return
	}
	if r.v.opt.Each != nil {
		r.v.opt.Each(t.st.key.connection, t.st.key.stream, f.UUID, at, raw)
	}
	t.seen[key] = uint32(len(t.at))
	odd := f.Odd
	if late {
		odd |= evidence.OddLate
	}
	t.at, t.page, t.pos = append(t.at, at), append(t.page, page), append(t.pos, uint16(position))
	t.odd, t.what = append(t.odd, odd), append(t.what, r.whatOf(f))
}

func (r *replay) whatOf(f *evidence.Facts) uint16 {
	w := whatWords{f.Action, f.Type, string(f.Result)}
	id, ok := r.what[w]
	if !ok && len(r.whats) < 1<<16-1 {
		id = uint16(len(r.whats))
		r.what[w] = id
		r.whats = append(r.whats, w)
	} else if !ok {
		r.tooMany = true
	}
	return id
}

// sameBytes compares a record with the one that had its uuid first.
func (r *replay) sameBytes(t *track, first, page uint32, raw []byte) bool {
	body, records := r.now.body, r.now.records
	if t.page[first] != page {
		var err error
		if body, records, err = r.cache.get(t, t.page[first]); err != nil {
			return false
		}
	}
	was := records[t.pos[first]]
	return string(body[was.Start:was.End]) == string(raw)
}

// sorted gives the events of a track by time, page and position.
func (t *track) sorted() []uint32 {
	if len(t.order) != len(t.at) {
		t.order = make([]uint32, len(t.at))
		for i := range t.order {
			t.order[i] = uint32(i)
		}
		slices.SortFunc(t.order, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(t.at[a], t.at[b]), cmp.Compare(t.pages[t.page[a]].page, t.pages[t.page[b]].page), cmp.Compare(t.pos[a], t.pos[b]))
		})
	}
	return t.order
}

// pageCache keeps the pages that were read last. Several goroutines may ask it at once.
type pageCache struct {
	v    *verifier
	mu   sync.Mutex
	keys []string // oldest first
	all  map[string]cached
	size int // bytes, about
}

type cached struct {
	body    []byte
	records []source.Record
}

// cachedBytes is how much of the pages is kept in memory; recordBytes is about what a record's facts take.
const (
	cachedBytes = 160 << 20
	recordBytes = 640
)

func (x cached) bytes() int { return cap(x.body) + recordBytes*cap(x.records) }

// held gives a page that is in memory.
func (c *pageCache) held(path string) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, ok := c.all[path]
	return x, ok
}

// hold keeps a page in memory, in place of those that were read first.
func (c *pageCache) hold(path string, x cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.all[path]; twice {
		return
	}
	for c.size += x.bytes(); c.size > cachedBytes && len(c.keys) > 0; c.keys = c.keys[1:] {
		c.size -= c.all[c.keys[0]].bytes()
		delete(c.all, c.keys[0])
	}
	if c.all == nil {
		c.all = map[string]cached{}
	}
	c.keys, c.all[path] = append(c.keys, path), x
}

func (c *pageCache) get(t *track, number uint32) ([]byte, []source.Record, error) {
	p := t.pages[number]
	path := fmt.Sprintf("%s%s/%s/%08d.json", bundle.DirRaw, t.st.key.connection, t.st.key.stream, p.page)
	if x, ok := c.held(path); ok {
		return x.body, x.records, nil
	}
	body, err := c.v.in.Read(path, 64<<20)
	if err != nil {
		return nil, nil, err
	}
	kind, ok := c.v.kindOf(t.st.key.connection)
	if !ok {
		return nil, nil, errors.New("the source is not known")
	}
	noTime := p.leaf.Int("server_date")
	if noTime == 0 {
		noTime = p.leaf.Int("t_res")
	}
	page, err := kind.Split(evidence.Stream(t.st.key.stream), body, time.UnixMilli(noTime))
	if err != nil {
		return nil, nil, err
	}
	c.hold(path, cached{body, page.Records})
	return body, page.Records, nil
}

// view is the evidence as it was when the log had asOf leaves. It is recipe.Input.
type view struct {
	*replay
	asOf int64
	gaps map[streamKey][]evidence.Gap // causes of gaps as the artifact tells them; that there is a gap follows from the log
}

var _ recipe.Input = (*view)(nil)

// selected gives the tracks of a query.
func (w *view) selected(q evidence.Query) []*track {
	var out []*track
	for _, t := range w.streams {
		if (len(q.Connections) == 0 || slices.Contains(q.Connections, evidence.ID(t.st.key.connection))) && (len(q.Streams) == 0 || slices.Contains(q.Streams, evidence.Stream(t.st.key.stream))) {
			out = append(out, t)
		}
	}
	return out
}

// bounds gives a span in milliseconds.
func bounds(s evidence.Span) (from, to int64) {
	from, to = -1<<62, 1<<62
	if !s.From.IsZero() {
		from = s.From.Add(time.Millisecond - 1).UnixMilli()
	}
	if !s.To.IsZero() {
		to = s.To.Add(time.Millisecond - 1).UnixMilli()
	}
	return from, to
}

// among gives the events of a track in a span, by time.
func (t *track) among(from, to int64) []uint32 {
	order := t.sorted()
	i := sort.Search(len(order), func(i int) bool { return t.at[order[i]] >= from })
	j := sort.Search(len(order), func(i int) bool { return t.at[order[i]] >= to })
	return order[i:max(i, j)]
}

// there reports whether an event was known as of the view.
func (w *view) there(t *track, e uint32) bool { return t.pages[t.page[e]].n < w.asOf }

// oddOf gives the oddities of an event as of the view.
func (w *view) oddOf(t *track, e uint32) evidence.Oddity {
	odd := t.odd[e]
	if n, ok := t.clash[e]; ok && n < w.asOf {
		odd |= evidence.OddConflict
	}
	return odd
}

// Select is recipe.Input's.
func (w *view) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	from, to := bounds(q.Span)
	type cursor struct {
		t    *track
		rest []uint32
	}
	var all []*cursor
	for _, t := range w.selected(q) {
		all = append(all, &cursor{t, t.among(from, to)})
	}
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var next *cursor
		for _, c := range all {
			if len(c.rest) > 0 && (next == nil || c.t.at[c.rest[0]] < next.t.at[next.rest[0]]) {
				next = c
			}
		}
		if next == nil {
			return nil
		}
		e := next.rest[0]
		next.rest = next.rest[1:]
		ok, event, err := w.match(next.t, e, q.Where, true)
		if err != nil {
			return err
		}
		if ok {
			if err := fn(event); err != nil {
				return err
			}
		}
	}
}

// match reports whether an event is there and meets the filters, and gives it if that is asked for.
func (w *view) match(t *track, e uint32, where []evidence.Match, full bool) (bool, evidence.Event, error) {
	if !w.there(t, e) {
		return false, evidence.Event{}, nil
	}
	deep := false
	for _, m := range where {
		switch m.Key {
		case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
			x := w.whats[t.what[e]]
			value := map[evidence.Key]string{evidence.KeyAction: x.action, evidence.KeyType: x.kind, evidence.KeyResult: x.result}[m.Key]
			if !slices.Contains(m.Values, value) {
				return false, evidence.Event{}, nil
			}
		case evidence.KeyOdd:
			if !slices.ContainsFunc(w.oddOf(t, e).Words(), func(o string) bool { return slices.Contains(m.Values, o) }) {
				return false, evidence.Event{}, nil
			}
		default:
			deep = true
		}
	}
	if !deep && !full {
		return true, evidence.Event{}, nil
	}
	event, err := w.event(t, e)
	if err != nil {
		return false, event, err
	}
	for _, m := range where {
		if !meets(event.Facts, m) {
			return false, event, nil
		}
	}
	return true, event, nil
}

// event reads an event from its page.
func (w *view) event(t *track, e uint32) (evidence.Event, error) {
	body, records, err := w.cache.get(t, t.page[e])
	if err != nil {
		return evidence.Event{}, err
	}
	r := records[t.pos[e]]
	x := evidence.Event{EventRef: evidence.EventRef{Page: t.pages[t.page[e]].page, Position: int(t.pos[e])}, Facts: r.Facts,
		Connection: evidence.ID(t.st.key.connection), Stream: evidence.Stream(t.st.key.stream), Raw: body[r.Start:r.End]}
	x.Odd = w.oddOf(t, e)
	x.At = time.UnixMilli(t.at[e]).UTC()
	if len(x.UUID) > 200 { // as the store keeps a uuid that is too long to be one
		cut := x.UUID[:168]
		for !utf8.ValidString(cut) {
			cut = cut[:len(cut)-1]
		}
		x.UUID = cut + "…"
	}
	return x, nil
}

// meets reports whether an event's value of a key is one of those that are asked for.
func meets(f evidence.Facts, m evidence.Match) bool {
	one := func(values ...string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(m.Values, v) })
	}
	switch m.Key {
	case evidence.KeyPerson:
		return one(f.Person.UUID, f.Person.Name) || slices.ContainsFunc(m.Values, func(v string) bool { return strings.EqualFold(v, f.Person.Email) })
	case evidence.KeyVault:
		return one(f.Vault)
	case evidence.KeyItem:
		return one(f.Item)
	case evidence.KeyTarget:
		return one(f.Target)
	case evidence.KeyCountry:
		return one(f.Country)
	case evidence.KeyIP:
		return one(f.IP)
	case evidence.KeyClient:
		return one(f.Client)
	case evidence.KeyUUID:
		return one(f.UUID)
	}
	return true
}

// Count is recipe.Input's.
func (w *view) Count(ctx context.Context, q evidence.Query) (int64, error) {
	from, to := bounds(q.Span)
	var n int64
	for _, t := range w.selected(q) {
		for i, e := range t.among(from, to) {
			if i%65536 == 0 && ctx.Err() != nil {
				return 0, ctx.Err()
			}
			ok, _, err := w.match(t, e, q.Where, false)
			if err != nil {
				return 0, err
			}
			if ok {
				n++
			}
		}
	}
	return n, nil
}

// Coverage is recipe.Input's: what had been read follows from the log.
func (w *view) Coverage(_ context.Context, _ evidence.ID, streams []evidence.Stream, span evidence.Span) ([]evidence.StreamCoverage, error) {
	from, to := bounds(span)
	var out []evidence.StreamCoverage
	for _, key := range w.v.log.order {
		if !slices.Contains(streams, evidence.Stream(key.stream)) {
			continue
		}
		c := evidence.StreamCoverage{Connection: evidence.ID(key.connection), Stream: evidence.Stream(key.stream), Asked: span, Gaps: w.gaps[key]}
		for _, x := range w.v.log.streams[key].asOf(w.asOf).within(translog.Millis{From: from, To: to}) {
			c.Windows = append(c.Windows, evidence.Window{Span: evidence.Span{From: time.UnixMilli(x.From).UTC(), To: time.UnixMilli(x.To).UTC()}})
		}
		out = append(out, c)
	}
	return out, nil
}

// PageStats is recipe.Input's.
func (w *view) PageStats(_ context.Context, q evidence.Query) (recipe.PageStats, error) {
	from, to := bounds(q.Span)
	var s recipe.PageStats
	for _, t := range w.selected(q) {
		pages := map[uint32]bool{}
		for _, e := range t.among(from, to) {
			if w.there(t, e) {
				s.Events++
				pages[t.page[e]] = true
			}
		}
		for _, r := range t.repeats {
			if r.at >= from && r.at < to && t.pages[r.page].n < w.asOf {
				s.Duplicates++
			}
		}
		s.Pages += int64(len(pages))
	}
	s.Records = s.Events + s.Duplicates
	return s, nil
}

// Rereads is recipe.Input's.
func (w *view) Rereads(_ context.Context, connection evidence.ID, stream evidence.Stream, span evidence.Span) ([]recipe.Reread, error) {
	from, to := bounds(span)
	st := w.v.log.streams[streamKey{string(connection), string(stream)}]
	if st == nil {
		return nil, nil
	}
	var out []recipe.Reread
	for _, a := range st.again {
		x, _ := a.leaf.Span("span")
		if a.n >= w.asOf || x.From >= to || x.To <= from {
			continue
		}
		out = append(out, recipe.Reread{Age: time.Duration(a.leaf.Int("age")) * time.Millisecond, Span: evidence.Span{From: time.UnixMilli(x.From).UTC(), To: time.UnixMilli(x.To).UTC()},
			At: time.UnixMilli(a.leaf.Int("ended")).UTC(), Seen: a.leaf.Int("seen"), Known: a.leaf.Int("known"), New: a.leaf.Int("new"), Changed: a.leaf.Int("changed"), Missing: a.leaf.Int("missing")})
	}
	slices.SortFunc(out, func(a, b recipe.Reread) int {
		return cmp.Or(cmp.Compare(a.Age, b.Age), a.Span.From.Compare(b.Span.From), a.At.Compare(b.At))
	})
	return out, nil
}
