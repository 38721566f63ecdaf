package verify

import (
	"bytes"
	"cmp"
	"context"
	"hash/maphash"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
)

// replay is what recipes read, made of the raw pages alone: an index of some sixty bytes an event, and the pages themselves
// again where an event's bytes are asked for. It comes to the same index of events as the store does, by other code.
type replay struct {
	v       *verifier
	seed    maphash.Seed
	streams []*track
	what    map[whatWords]uint16
	whats   []whatWords
	values  *values
	cache   *pageCache
	now     []byte // the page that is being indexed
	tooMany bool
}

// pageMemory and wordMemory are how many bytes pages and values may take beside the index, unless Options.Memory says how many for both.
const (
	pageMemory = 128 << 20
	wordMemory = 48 << 20
)

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
	place   []place
	odd     []evidence.Oddity
	what    []uint16
	known   known
	order   []uint32 // indices by time, page and position
	seen    map[uint64]uint32
	repeats []repeat
	clash   map[uint32]int64 // event → number of the leaf that brought other bytes under its uuid
}

// place is where an event lies in its page, and where in it its uuid does.
type place struct {
	start, end uint32
	uuid       uint16 // from start
	length     uint8  // of the uuid; 0: it does not stand there as it is
}

// placeOf finds the uuid in an event's bytes.
func placeOf(r source.Record, raw []byte) place {
	p := place{start: uint32(r.Start), end: uint32(r.End)}
	if i := bytes.Index(raw, []byte(r.Facts.UUID)); i >= 0 && i <= math.MaxUint16 && len(r.Facts.UUID) <= math.MaxUint8 {
		p.uuid, p.length = uint16(i), uint8(len(r.Facts.UUID))
	}
	return p
}

// repeat is a record whose uuid was known.
type repeat struct {
	at   int64
	page uint32
}

func newReplay(v *verifier) *replay {
	pages, words := pageMemory, wordMemory
	if v.opt.Memory > 0 {
		pages, words = v.opt.Memory-v.opt.Memory/4, v.opt.Memory/4
	}
	return &replay{v: v, seed: maphash.MakeSeed(), what: map[whatWords]uint16{}, values: newValues(words), cache: &pageCache{v: v, room: pages}}
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
func (r *replay) add(st *streamState, p pageLeaf, read pageRead, covered spans) {
	body, records := read.body, read.records
	t := r.track(st, p.feed)
	number := uint32(len(t.pages))
	t.pages = append(t.pages, p)
	r.now = body
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
		if read.erased != nil && read.erased[i].Again {
			t.repeats = append(t.repeats, repeat{at, number})
			continue
		}
		r.record(t, number, i, &records[i], body[records[i].Start:records[i].End], late != nil && late[i], p.n)
	}
	r.cache.hold(pageKey{t, number, false}, cached{body: body})
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

func (r *replay) record(t *track, page uint32, position int, record *source.Record, raw []byte, late bool, leaf int64) {
	f := &record.Facts
	at := f.At.UnixMilli()
	key := maphash.String(r.seed, f.UUID)
	gone := f.Odd&evidence.OddErased != 0
	if first, known := t.seen[key]; known && !gone {
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
	if r.v.opt.Each != nil && !gone {
		r.v.opt.Each(t.st.key.connection, t.st.key.stream, f.UUID, at, raw)
	}
	if !gone { // by what name it came is not known any more
		t.seen[key] = uint32(len(t.at))
	}
	odd := f.Odd
	if late {
		odd |= evidence.OddLate
	}
	t.at, t.page, t.pos = append(t.at, at), append(t.page, page), append(t.pos, uint16(position))
	t.odd, t.what, t.place = append(t.odd, odd), append(t.what, r.whatOf(f)), append(t.place, placeOf(*record, raw))
	t.known.add(r.values, len(t.at)-1, f)
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
	body := r.now
	if t.page[first] != page {
		var err error
		if body, err = r.cache.body(t, t.page[first]); err != nil {
			return false
		}
	}
	was := t.place[first]
	return string(body[was.start:was.end]) == string(raw)
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

// view is the evidence as it was when the log had asOf leaves. It is recipe.Input.
type view struct {
	*replay
	asOf int64
	hit  *bool                        // becomes true if something was asked for of which part was erased later
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

// cursor is where a selection is in one stream.
type cursor struct {
	t    *track
	rest []uint32
	s    *sieve
	held bool // page is in body
	page uint32
	body []byte
}

// Select is recipe.Input's.
func (w *view) Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error {
	return w.each(ctx, q, func(c *cursor, e uint32) error {
		event, err := w.event(c, e)
		if err != nil {
			return err
		}
		return fn(event)
	})
}

// each calls fn for the events of a query in order of time.
func (w *view) each(ctx context.Context, q evidence.Query, fn func(c *cursor, e uint32) error) error {
	from, to := bounds(q.Span)
	var all []*cursor
	for _, t := range w.selected(q) {
		w.lost(t, from, to)
		all = append(all, &cursor{t: t, rest: t.among(from, to), s: w.sieve(t, q.Where)})
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
		ok, err := w.match(next, e)
		if err == nil && ok {
			err = fn(next, e)
		}
		if err != nil {
			return err
		}
	}
}

// lost notes whether something was erased, behind the view, of what the view is asked for.
func (w *view) lost(t *track, from, to int64) {
	for _, p := range t.pages {
		if p.erased > 0 && p.erased >= w.asOf && p.n < w.asOf && p.low < to && p.high >= from {
			*w.hit = true
		}
	}
}

// match reports whether an event is there and meets the filters.
func (w *view) match(c *cursor, e uint32) (bool, error) {
	if !w.there(c.t, e) || c.t.odd[e]&evidence.OddErased != 0 {
		return false, nil
	}
	ok, sure := c.s.passes(w, e)
	if !ok || sure {
		return ok, nil
	}
	event, err := w.event(c, e)
	if err != nil {
		return false, err
	}
	for _, m := range c.s.where {
		if !meets(event.Facts, m) {
			return false, nil
		}
	}
	return true, nil
}

// event gives an event with its bytes.
func (w *view) event(c *cursor, e uint32) (evidence.Event, error) {
	t := c.t
	if !c.held || c.page != t.page[e] {
		body, err := w.cache.body(t, t.page[e])
		if err != nil {
			return evidence.Event{}, err
		}
		c.held, c.page, c.body = true, t.page[e], body
	}
	p := t.place[e]
	x := evidence.Event{EventRef: evidence.EventRef{Page: t.pages[t.page[e]].page, Position: int(t.pos[e])},
		Connection: evidence.ID(t.st.key.connection), Stream: evidence.Stream(t.st.key.stream), Raw: c.body[p.start:p.end]}
	if w.facts(t, e, &x.Facts) && p.length > 0 {
		at := p.start + uint32(p.uuid)
		x.UUID = string(c.body[at : at+uint32(p.length)])
	} else {
		records, err := w.cache.records(t, t.page[e])
		if err != nil {
			return evidence.Event{}, err
		}
		x.Facts = records[t.pos[e]].Facts
	}
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

// facts gives what the index knows of an event, and reports whether that is all but its uuid, time and oddities.
func (r *replay) facts(t *track, e uint32, f *evidence.Facts) bool {
	what := r.whats[t.what[e]]
	f.Action, f.Type, f.Result = what.action, what.kind, evidence.Result(what.result)
	return t.known.facts(r.values, e, f)
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
		w.lost(t, from, to)
		c := &cursor{t: t, s: w.sieve(t, q.Where)}
		for i, e := range t.among(from, to) {
			if i%65536 == 0 && ctx.Err() != nil {
				return 0, ctx.Err()
			}
			ok, err := w.match(c, e)
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
		w.lost(t, from, to)
		pages := make([]bool, len(t.pages))
		for _, e := range t.among(from, to) {
			if !w.there(t, e) {
				continue
			}
			s.Events++
			if t.odd[e]&evidence.OddErased != 0 {
				s.Erased++
			}
			if p := t.page[e]; !pages[p] {
				pages[p] = true
				s.Pages++
			}
		}
		for _, r := range t.repeats {
			if r.at >= from && r.at < to && t.pages[r.page].n < w.asOf {
				s.Duplicates++
			}
		}
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
