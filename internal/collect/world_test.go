package collect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// The streams of the world.
const (
	quiet evidence.Stream = "quiet"
	busy  evidence.Stream = "busy"
)

// happening is one event of the world. It can be read from seen on; if that is after at, it comes late.
type happening struct {
	uuid string
	at   time.Time
	seen time.Time
	raw  string
}

func (h happening) late() bool { return h.seen.After(h.at) }

func (h happening) before(o happening) bool {
	if !h.at.Equal(o.at) {
		return h.at.Before(o.at)
	}
	return h.uuid < o.uuid
}

// world is a source that knows the truth. It behaves as the Events API is described: ascending by millisecond and uuid,
// a start that is inclusive, bookmarks that hold their position, the same bookmark again when there is nothing new, and
// events that are forgotten after the retention. Faults are drawn with every request.
type world struct {
	limit     int
	retention time.Duration

	mu       sync.Mutex
	events   map[evidence.Stream][]happening
	rng      *rand.Rand
	faults   []string      // drawn evenly
	chance   float64       // of a fault for each request
	skew     time.Duration // of the Date header
	nodate   bool
	refused  bool // the token is refused
	granted  []evidence.Stream
	requests []source.Request
	drawn    map[string]int
	past     map[evidence.Stream][]string // bookmarks that were given out
	lag      time.Duration                // how long an answer takes
}

var worldFaults = []string{
	"retry", "retry-after", "bad-page", "refused-once", "cursor-lost", "unordered", "duplicate", "loop", "more-empty", "more-false",
	"hang", "panic", "wrong-request", "skew",
}

func newWorld(seed uint64, limit int) *world {
	return &world{
		limit: limit, retention: 120 * day, events: map[evidence.Stream][]happening{}, rng: rand.New(rand.NewPCG(seed, 1)),
		granted: []evidence.Stream{quiet, busy}, drawn: map[string]int{}, past: map[evidence.Stream][]string{},
	}
}

// kind is the world as an entry of the catalogue.
func (w *world) kind() source.Kind {
	return source.Kind{
		ID: "world", Name: "World", Plan: "a large plan", Retention: w.retention, PageLimit: w.limit,
		Streams: []source.StreamKind{{Stream: quiet, Title: "Quiet", Shows: "Little."}, {Stream: busy, Title: "Busy", Shows: "Much."}},
	}
}

// add makes an event happen.
func (w *world) add(stream evidence.Stream, at, seen time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := happening{at: at.UTC().Truncate(time.Millisecond), seen: seen}
	h.uuid = fmt.Sprintf("%s-%d-%d", stream, len(w.events[stream]), w.rng.Uint32())
	h.raw = fmt.Sprintf(`{"uuid":%q,"at":%q}`, h.uuid, h.at.Format(time.RFC3339Nano))
	i, _ := slices.BinarySearchFunc(w.events[stream], h, func(a, b happening) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	w.events[stream] = slices.Insert(w.events[stream], i, h)
}

// truth gives what happened on a stream, in order.
func (w *world) truth(stream evidence.Stream) []happening {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events[stream])
}

// calm ends all faults.
func (w *world) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.chance, w.skew, w.refused, w.nodate, w.lag = 0, 0, false, false, 0
}

func (w *world) Check(context.Context) (source.Grant, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused {
		return source.Grant{}, fmt.Errorf("checking: %w", source.ErrUnauthorized)
	}
	return source.Grant{AccountUUID: "ACCOUNT", Features: w.granted}, nil
}

// place is what a bookmark holds. An odd one differs in its text alone.
type place struct {
	after, uuid string
	to          int64
	odd         uint32
}

func (p place) String() string { return fmt.Sprintf("%s|%s|%d|%d", p.after, p.uuid, p.to, p.odd) }

func parsePlace(c source.Cursor) place {
	parts := strings.Split(string(c), "|")
	to, _ := strconv.ParseInt(parts[2], 10, 64)
	return place{after: parts[0], uuid: parts[1], to: to}
}

func (w *world) Next(ctx context.Context, req source.Request) (source.Page, error) {
	w.mu.Lock()
	w.requests = append(w.requests, req)
	fault := ""
	if len(w.faults) > 0 && w.rng.Float64() < w.chance {
		fault = w.faults[w.rng.IntN(len(w.faults))]
	}
	lag := w.lag
	refused := w.refused || !slices.Contains(w.granted, req.Stream)
	w.mu.Unlock()
	if err := sleep(ctx, lag); err != nil {
		return source.Page{}, err
	}
	if refused {
		return source.Page{}, fmt.Errorf("reading: %w", source.ErrUnauthorized)
	}
	if err := w.fail(ctx, fault, req); err != nil {
		return source.Page{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.page(req, fault), nil
}

// fail acts out the faults that give no page.
func (w *world) fail(ctx context.Context, fault string, req source.Request) error {
	var err error
	switch fault {
	case "retry":
		err = &source.RetryError{Err: errors.New("status 503")}
	case "retry-after":
		err = &source.RetryError{After: 45 * time.Second, Err: errors.New("status 429")}
	case "bad-page":
		err = &source.RetryError{Err: &source.BadPageError{Body: []byte("<html>"), Err: errors.New("no JSON")}}
	case "refused-once":
		err = source.ErrUnauthorized
	case "cursor-lost":
		if req.Cursor == "" {
			return nil
		}
		err = source.ErrCursorLost
	case "wrong-request":
		err = evidence.Errorf(evidence.Invalid, "The world did not accept the request.")
	case "hang":
		if err = sleep(ctx, 90*time.Second); err == nil {
			err = &source.RetryError{Err: errors.New("no answer in time")}
		}
	case "panic":
		w.count(fault)
		panic("the world ends")
	default:
		return nil
	}
	w.count(fault)
	return err
}

func (w *world) count(fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drawn[fault]++
}

// page gives what can be read now, bent by a fault.
func (w *world) page(req source.Request, fault string) source.Page {
	now := time.Now()
	var p place
	if req.Cursor != "" {
		p = parsePlace(req.Cursor)
	} else {
		// A start is inclusive: the place lies before every event of its millisecond.
		p = place{after: strconv.FormatInt(req.From.UnixMilli(), 10)}
		if !req.To.IsZero() {
			p.to = req.To.UnixMilli()
		}
	}
	limit := w.limit
	if req.Cursor == "" && req.Limit > 0 {
		limit = min(limit, req.Limit)
	}
	found := w.find(req.Stream, p, now, limit)
	next := p
	if n := len(found); n > 0 {
		next.after, next.uuid = strconv.FormatInt(found[n-1].at.UnixMilli(), 10), found[n-1].uuid
	}
	page := source.Page{More: len(found) == limit, Ordered: true, Next: source.Cursor(next.String())}
	if !w.nodate {
		page.ServerDate = now.Add(w.skew).Truncate(time.Second)
	}
	found = w.bend(req, fault, found, &page, p)
	page.Body = append(page.Body, '[')
	for i, h := range found {
		if i > 0 {
			page.Body = append(page.Body, ',')
		}
		start := len(page.Body)
		page.Body = append(page.Body, h.raw...)
		page.Records = append(page.Records, source.Record{Start: start, End: len(page.Body), Facts: evidence.Facts{UUID: h.uuid, At: h.at, Action: "happen"}})
	}
	page.Body = append(page.Body, ']')
	w.past[req.Stream] = append(w.past[req.Stream], string(page.Next))
	return page
}

// find gives the events behind a place that can be read at now.
func (w *world) find(stream evidence.Stream, p place, now time.Time, limit int) []happening {
	ms, _ := strconv.ParseInt(p.after, 10, 64)
	oldest := now.Add(-w.retention)
	var found []happening
	for _, h := range w.events[stream] {
		at := h.at.UnixMilli()
		behind := at > ms || at == ms && h.uuid > p.uuid
		if behind && !h.seen.After(now) && !h.at.Before(oldest) && (p.to == 0 || at < p.to) {
			if found = append(found, h); len(found) == limit {
				break
			}
		}
	}
	return found
}

// bend acts out the faults that give a page. None makes an event unreachable for ever.
func (w *world) bend(req source.Request, fault string, found []happening, page *source.Page, p place) []happening {
	odd := p
	odd.odd = w.rng.Uint32()
	past := w.past[req.Stream]
	switch {
	case fault == "unordered" && len(found) > 1:
		slices.Reverse(found)
		page.Ordered = false
	case fault == "duplicate" && req.Cursor != "":
		page.Next, page.More = source.Cursor(odd.String()), true
		before := slices.Clone(w.events[req.Stream])
		before = slices.DeleteFunc(before, func(h happening) bool {
			ms, _ := strconv.ParseInt(p.after, 10, 64)
			return h.at.UnixMilli() >= ms || h.seen.After(time.Now())
		})
		found = before[max(0, len(before)-w.limit):]
	case fault == "loop" && len(past) > 0 && req.Cursor != "":
		// The page is right, but its bookmark is one that was given out before.
		page.Next, page.More = source.Cursor(past[w.rng.IntN(len(past))]), true
		if back := parsePlace(page.Next); back.to != p.to || behindOf(back, p) {
			page.Next = req.Cursor
		}
	case fault == "more-empty":
		page.Next, page.More = source.Cursor(odd.String()), true
		found = nil
	case fault == "more-false" && len(found) == w.limit:
		page.More = false
	case fault == "skew" && !w.nodate:
		page.ServerDate = page.ServerDate.Add(time.Duration(w.rng.IntN(200)-100) * time.Hour)
	default:
		return found
	}
	w.drawn[fault]++
	return found
}

// behindOf reports whether place a lies behind b: a loop never skips anything.
func behindOf(a, b place) bool {
	x, _ := strconv.ParseInt(a.after, 10, 64)
	y, _ := strconv.ParseInt(b.after, 10, 64)
	return x > y || x == y && a.uuid > b.uuid
}
