// Package company invents a company and what its people did in 1Password: the data of the simulator. The same Plan
// gives the same bytes on every machine.
//
// The background is drawn hour by hour, each hour from its own random source, so that hours can be made in parallel
// and also after the end of the plan. Incidents (see Incident) lie at fixed fractions of the period.
package company

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// storyEvents is the least number of events with which the incidents take place.
const storyEvents = 2000

// Plan says what to invent.
type Plan struct {
	Seed   uint64
	Events int       // of all streams together, incidents included; exactly so many are made
	From   time.Time // nothing is older
	To     time.Time // everything is older; the newest event of each stream lies less than a minute before
}

// Company is an invented company. It is immutable and safe for concurrent use.
type Company struct {
	plan        Plan
	account     string
	integration string
	places      []place
	away        []place
	staff       []*person
	robots      []*person
	guest       *person
	groups      []group
	vaults      [][]vault // by team, the shared ones last
	floors      []floor   // by office
	texts       []string  // hostile
	calendar    calendar
	strides     int // every so many events one is odd
	story       []Incident
	storyEvents [3]*feed.Builder
	background  [3]uint64 // events beside the incidents
}

// floor is an office's people with their running weights, to draw one quickly.
type floor struct {
	people []*person
	sums   []uint64
}

// New invents the company and its incidents. It fails only if the plan makes no sense.
func New(plan Plan) (*Company, error) {
	if plan.Events < 0 {
		return nil, fmt.Errorf("inventing a company: %d events are asked for", plan.Events)
	}
	if !plan.From.Before(plan.To) {
		return nil, fmt.Errorf("inventing a company: the period from %s to %s is empty", plan.From, plan.To)
	}
	rng := rand.New(rand.NewPCG(plan.Seed, 0x636f6d70616e79))
	c := &Company{
		plan: plan, account: newID(rng, upperID), integration: newID(rng, upperID),
		places: officePlaces(), away: elsewhere(), texts: hostile(), strides: min(max(plan.Events/1000, 20), 200),
	}
	people := min(max(plan.Events/250, 40), 600)
	c.groups, c.vaults = groups(rng), vaults(rng, people)
	c.staff = hire(rng, people, len(c.places), teamCount, c.account)
	c.robots, c.guest = robots(rng, c.account), guest(rng, 600)
	c.calendar = newCalendar(plan.From.UnixNano(), plan.To.UnixNano(), c.hourWeight)
	if plan.Events >= storyEvents {
		c.tell(rng)
	}
	c.seat()
	return c, c.share()
}

// Account is the UUID of the account.
func (c *Company) Account() string { return c.account }

// Integration is the UUID of the Events Reporting integration.
func (c *Company) Integration() string { return c.integration }

// Story lists the incidents, oldest first; it is empty below 2,000 events.
func (c *Company) Story() []Incident { return c.story }

// seat prepares the drawing of people by office.
func (c *Company) seat() {
	c.floors = make([]floor, len(c.places))
	for _, p := range append(c.staff[:len(c.staff):len(c.staff)], c.guest) {
		f := &c.floors[p.office]
		sum := p.weight
		if len(f.sums) > 0 {
			sum += f.sums[len(f.sums)-1]
		}
		f.people, f.sums = append(f.people, p), append(f.sums, sum)
	}
}

// share divides the events: 30 % sign-ins, 60 % item usages, 10 % audit events, less those of the incidents.
func (c *Company) share() error {
	total := c.plan.Events
	want := [3]int{total * 3 / 10, 0, total / 10}
	want[1] = total - want[0] - want[2]
	for i, w := range want {
		if c.storyEvents[i] != nil {
			w -= c.storyEvents[i].Len()
		}
		if w < 0 {
			return fmt.Errorf("inventing a company: %d events are too few for the incidents", total)
		}
		c.background[i] = uint64(w)
	}
	return nil
}

// hourWeight is how much happens in the whole company in the UTC hour that begins at unixSeconds.
func (c *Company) hourWeight(unixSeconds int64) uint64 {
	var sum uint64
	for _, w := range c.officeWeights(unixSeconds) {
		sum += w
	}
	return sum
}

// officeWeights is the share of each office in an hour; the last is that of the machines, which never rest.
func (c *Company) officeWeights(unixSeconds int64) [7]uint64 {
	var out [7]uint64
	heads := [6]uint64{30, 20, 20, 18, 8, 8}
	for i, p := range c.places {
		out[i] = heads[i] * p.activity(unixSeconds)
	}
	out[6] = 12_000
	return out
}

// Generate makes all events of the plan on all processors: one set of builders per stream.
func (c *Company) Generate() map[feed.Stream][]*feed.Builder {
	out := map[feed.Stream][]*feed.Builder{}
	for i, s := range feed.Streams() {
		if c.storyEvents[i] != nil {
			out[s] = append(out[s], c.storyEvents[i])
		}
	}
	const chunk = 24 // hours
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			w := newWriter(c)
			for {
				from := int(next.Add(chunk)) - chunk
				if from >= c.calendar.hours() {
					break
				}
				for h := from; h < min(from+chunk, c.calendar.hours()); h++ {
					w.hour(h)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for i, s := range feed.Streams() {
				out[s] = append(out[s], w.out[i])
			}
		})
	}
	wg.Wait()
	return out
}

// After makes the events of a stretch of time behind the end of the plan, at the rate of the plan. Stretches must be
// asked for in order and must not overlap; the same stretches give the same events.
func (c *Company) After(from, to time.Time) map[feed.Stream]*feed.Builder {
	w := newWriter(c)
	for at := from; at.Before(to); {
		end := at.Truncate(time.Hour).Add(time.Hour)
		if end.After(to) {
			end = to
		}
		w.later(at.UnixNano(), end.UnixNano())
		at = end
	}
	out := map[feed.Stream]*feed.Builder{}
	for i, s := range feed.Streams() {
		out[s] = w.out[i]
	}
	return out
}

// calendar divides a period into hours of known weight.
type calendar struct {
	from, to int64    // unix nanoseconds
	first    int64    // start of the first hour, unix seconds
	sums     []uint64 // sums[h] is the weight of all hours before h
}

func newCalendar(from, to int64, weight func(unixSeconds int64) uint64) calendar {
	const hour = int64(time.Hour)
	c := calendar{from: from, to: to, first: from / hour * 3600, sums: []uint64{0}}
	for start := c.first; start*1e9 < to; start += 3600 {
		lo, hi := max(start*1e9, from), min((start+3600)*1e9, to)
		part := weight(start) * uint64((hi-lo)/1e9)
		c.sums = append(c.sums, c.sums[len(c.sums)-1]+part)
	}
	return c
}

func (c calendar) hours() int { return len(c.sums) - 1 }

// span is the part of hour h that belongs to the period.
func (c calendar) span(h int) (lo, hi int64) {
	start := (c.first + int64(h)*3600) * 1e9
	return max(start, c.from), min(start+int64(time.Hour), c.to)
}

// before is how many of total events lie before hour h.
func (c calendar) before(h int, total uint64) uint64 {
	all := c.sums[len(c.sums)-1]
	if all == 0 || h == c.hours() {
		if h == c.hours() {
			return total
		}
		return 0
	}
	hi, lo := bits.Mul64(c.sums[h], total)
	q, _ := bits.Div64(hi, lo, all)
	return q
}
