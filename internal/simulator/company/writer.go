package company

import (
	"math/rand/v2"
	"sort"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// The streams in the order of feed.Streams.
const (
	signIns = iota
	usages
	audits
)

// uuidAt is where the uuid of an invented event begins: behind {"uuid":".
const uuidAt = len(`{"uuid":"`)

// writer appends events to its own builders. Each hour has its own random source, so that the order in which writers
// take the hours does not matter.
type writer struct {
	c    *Company
	rng  *rand.Rand
	buf  []byte
	out  [3]*feed.Builder
	last [3]int64 // nanoseconds of the hour's previous event, for ties
	tie  [3]bool  // the next event takes the time of the previous one
	uuid string   // of the last event, set when keep is
	keep bool
	west *time.Location
}

func newWriter(c *Company) *writer {
	return &writer{
		c: c, rng: rand.New(rand.NewPCG(0, 0)), buf: make([]byte, 0, 16<<10),
		out:  [3]*feed.Builder{new(feed.Builder), new(feed.Builder), new(feed.Builder)},
		west: time.FixedZone("", -3*3600),
	}
}

func (w *writer) reseed(tag uint64, nano int64) {
	w.rng = rand.New(rand.NewPCG(w.c.plan.Seed^tag, uint64(nano)))
	w.last, w.tie = [3]int64{}, [3]bool{}
}

// hour writes the background of one hour of the plan.
func (w *writer) hour(h int) {
	lo, hi := w.c.calendar.span(h)
	w.reseed(0x686f7572, lo)
	weights := w.c.officeWeights(lo / int64(time.Hour) * 3600)
	for s := range w.out {
		total := w.c.background[s]
		first, end := w.c.calendar.before(h, total), w.c.calendar.before(h+1, total)
		for i := first; i < end; i++ {
			at := lo + w.rng.Int64N(hi-lo)
			if i == total-1 { // the newest of its stream
				at = hi - int64(s+1)*int64(15*time.Second)
				at = max(at, lo)
			}
			w.event(s, at, weights, w.c.oddity(s, i))
		}
	}
}

// later writes what happens from lo to hi, nanoseconds within one hour behind the plan's end.
func (w *writer) later(lo, hi int64) {
	w.reseed(0x6c617465, lo)
	seconds := lo / int64(time.Hour) * 3600
	weight := w.c.hourWeight(seconds) * uint64(hi-lo) / 1e9
	all := max(w.c.calendar.sums[w.c.calendar.hours()], 1)
	for s := range w.out {
		expected := float64(weight) * float64(w.c.background[s]) / float64(all)
		count := int(expected)
		if w.rng.Float64() < expected-float64(count) {
			count++
		}
		for range count {
			w.event(s, lo+w.rng.Int64N(hi-lo), w.c.officeWeights(seconds), w.c.oddity(s, w.rng.Uint64()))
		}
	}
}

// event writes one background event.
func (w *writer) event(stream int, at int64, weights [7]uint64, odd oddity) {
	if odd == oddTie || w.tie[stream] { // with the event before, or if there is none with the one that follows
		if w.last[stream] != 0 {
			at = w.last[stream]
		}
		w.tie[stream] = w.last[stream] == 0
	}
	w.last[stream] = at
	switch stream {
	case signIns:
		w.signIn(at, w.person(at, weights, false), odd)
	case usages:
		w.usage(at, w.person(at, weights, true), odd)
	default:
		w.audit(at, w.person(at, weights, false), odd)
	}
}

// person draws who acts.
func (w *writer) person(at int64, weights [7]uint64, machines bool) *person {
	if !machines {
		weights[6] = 0
	}
	office := draw(w.rng, weights[:])
	if office == 6 {
		return pick(w.rng, w.c.robots)
	}
	f := w.c.floors[office]
	for range 16 {
		x := w.rng.Uint64N(f.sums[len(f.sums)-1])
		p := f.people[sort.Search(len(f.sums), func(i int) bool { return f.sums[i] > x })]
		if p.activeAt(at) {
			return p
		}
	}
	return f.people[0]
}

// draw picks an index with the given weights.
func draw(rng *rand.Rand, weights []uint64) int {
	var sum uint64
	for _, w := range weights {
		sum += w
	}
	x := rng.Uint64N(max(sum, 1))
	for i, w := range weights {
		if x < w {
			return i
		}
		x -= w
	}
	return 0
}

// spot is where a client is: its network address and location.
type spot struct {
	address string
	place   *place
}

// whereabouts: at the office on most working hours, else at home in the same city.
func (w *writer) whereabouts(p *person) spot {
	if len(p.devices) > 1 && w.rng.IntN(10) < 6 {
		return spot{officeAddress(p.office), &w.c.places[p.office]}
	}
	return spot{p.home, &w.c.places[p.office]}
}

// start begins an event in the buffer: its uuid and timestamp.
func (w *writer) start(at int64, p precision, odd oddity) (nano int64) {
	nano = quantise(at, odd.precision(p))
	w.buf = append(w.buf[:0], `{"uuid":"`...)
	w.buf = appendID(w.buf, w.rng, upperID)
	w.buf = append(w.buf, '"')
	return nano
}

func (w *writer) timestamp(nano int64, odd oddity) {
	zone := time.UTC
	if odd == oddOffset {
		zone = w.west
	}
	w.buf = append(w.buf, `,"timestamp":"`...)
	w.buf = appendTime(w.buf, nano, zone)
	w.buf = append(w.buf, '"')
}

// finish ends the event and hands it to the builder of its stream.
func (w *writer) finish(stream int, nano int64, odd oddity) {
	if odd == oddExtraKey {
		w.buf = append(w.buf, `,"future_field":{"ratio":1.50,"big":12345678901234567890,"exp":1.0E+2,"list":[null,true,{}],"text":"caf\u00e9 \/ \ud83d\ude80"}`...)
	}
	w.buf = append(w.buf, '}')
	w.out[stream].Append(nano/1e6, w.buf, uuidAt, idLength)
	if w.keep {
		w.uuid = string(w.buf[uuidAt : uuidAt+idLength])
	}
}

// location appends the location of an event, which now and then is missing altogether.
func (w *writer) location(where spot, odd oddity, names bool) {
	if odd == oddNoLocation || where.place == nil {
		return
	}
	w.buf = append(w.buf, `,"location":`...)
	if names != (odd == oddCountry) {
		w.buf = append(w.buf, where.place.withName...)
	} else {
		w.buf = append(w.buf, where.place.withCode...)
	}
}

// user appends the user object of a sign-in attempt or item usage.
func (w *writer) user(key string, p *person, odd oddity) {
	w.buf = append(w.buf, key...)
	switch odd {
	case oddSparse:
		w.buf = append(w.buf, p.plain...)
	case oddHostileName:
		w.buf = p.appendUser(w.buf, pick(w.rng, w.c.texts), true)
	default:
		w.buf = append(w.buf, p.full...)
	}
}

// client appends the client object.
func (w *writer) client(d device, where spot, odd oddity) {
	switch odd {
	case oddHostileClient:
		d.platform, d.platVers = pick(w.rng, w.c.texts), pick(w.rng, w.c.texts)
	case oddEmpty:
		d.platform, d.platVers, d.osVers, d.appVersion = "", "", "", ""
	}
	w.buf = append(w.buf, `,"client":`...)
	w.buf = d.appendClient(w.buf, where.address)
}

// account appends the account of the event, a v2 member that may be missing.
func (w *writer) account(odd oddity) {
	if odd == oddSparse {
		return
	}
	w.buf = append(w.buf, `,"account_uuid":"`...)
	w.buf = append(w.buf, w.c.account...)
	w.buf = append(w.buf, '"')
}
