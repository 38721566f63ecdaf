package web

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// How the hub works.
const (
	lookEvery   = time.Second      // between two looks at the store, while anybody watches
	pingEvery   = 15 * time.Second // so that proxies keep a silent stream open; the session is looked at, too
	streamsMost = 24               // open streams of one member; browsers open six to a host over HTTP/1.1
)

// hub tells pages that something has changed. It asks the store, not this process, so that what another node or the
// command line does is seen as well; one look serves everybody who watches a workspace, and nobody watching costs none.
type hub struct {
	ask  func(ctx context.Context, ws evidence.ID) (string, error)
	now  func() time.Time
	log  *slog.Logger
	look time.Duration
	ping time.Duration

	mu      sync.Mutex
	topics  map[evidence.ID]*topic
	streams map[evidence.ID]int // by member
}

// topic is one workspace that is watched.
type topic struct {
	watchers int
	stop     context.CancelFunc
	mark     string
	changed  chan struct{} // closed when mark changes
}

func newHub(st Store, now func() time.Time, log *slog.Logger) *hub {
	return &hub{ask: st.LiveMark, now: now, log: log, look: lookEvery, ping: pingEvery, topics: map[evidence.ID]*topic{}, streams: map[evidence.ID]int{}}
}

// mark gives a word for how a workspace's connections stand. It changes with them, and with every minute, in which "2 min
// ago" goes out of date and a state may change by itself.
func (h *hub) mark(ctx context.Context, ws evidence.ID) (string, error) {
	m, err := h.ask(ctx, ws)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%x", m, h.now().Unix()/60), nil
}

// enter counts a stream of a member in; it fails when he has too many.
func (h *hub) enter(member evidence.ID) (leave func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[member] >= streamsMost {
		return nil, evidence.Errorf(evidence.Unavailable, "Too many pages of yours are open at once. Close some; this one renews itself more slowly.")
	}
	h.streams[member]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.streams[member]--; h.streams[member] == 0 {
			delete(h.streams, member)
		}
	}, nil
}

// watch keeps a workspace looked at until leave is called.
func (h *hub) watch(ws evidence.ID) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[ws]
	if t == nil {
		ctx, stop := context.WithCancel(context.Background())
		t = &topic{stop: stop, changed: make(chan struct{})}
		h.topics[ws] = t
		go h.keepLooking(ctx, ws, t)
	}
	t.watchers++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if t.watchers--; t.watchers == 0 {
			t.stop()
			delete(h.topics, ws)
		}
	}
}

// state gives the last mark of a watched workspace, empty before the first look, and what is closed when it changes.
func (h *hub) state(ws evidence.ID) (mark string, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[ws]
	return t.mark, t.changed
}

func (h *hub) keepLooking(ctx context.Context, ws evidence.ID, t *topic) {
	tick := time.NewTicker(h.look)
	defer tick.Stop()
	for {
		mark, err := h.mark(ctx, ws)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil: // the pages themselves tell of it; the next look may work
			h.log.Debug("looking for changes failed", "error", err)
		default:
			h.tell(t, mark)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (h *hub) tell(t *topic, mark string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.mark == mark {
		return
	}
	t.mark = mark
	close(t.changed)
	t.changed = make(chan struct{})
}
