package web

import (
	"context"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// Counting the most frequent values reads all counts of a workspace, which takes longer than a page may. They change
// slowly and are a convenience, so they are counted beside the request and kept for a while.
const (
	suggestionsKept = 10 * time.Minute
	suggestionsWait = 40 * time.Millisecond // how long a page waits for values that were never counted
	suggestionsMost = time.Minute           // how long counting may take
)

// suggestions holds the most frequent values of the keys that the events form offers.
type suggestions struct {
	store Store
	now   func() time.Time

	mu    sync.Mutex
	known map[suggestionsOf]*suggestion
}

type suggestionsOf struct {
	workspace evidence.ID
	key       evidence.Key
}

type suggestion struct {
	values  []store.ValueCount
	at      time.Time     // of the last count that worked
	running chan struct{} // closed when the count under way ends; nil: none is
}

func newSuggestions(st Store, now func() time.Time) *suggestions {
	return &suggestions{store: st, now: now, known: map[suggestionsOf]*suggestion{}}
}

// of gives what was counted last, and starts to count again if that is old. Values that were never counted may be missing
// on the first page after the start; a count that fails is tried again by the next page.
func (s *suggestions) of(ctx context.Context, ws evidence.ID, key evidence.Key) []store.ValueCount {
	entry, running := s.look(ctx, suggestionsOf{ws, key})
	if running != nil {
		wait := time.NewTimer(suggestionsWait)
		defer wait.Stop()
		select {
		case <-running:
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return entry.values
}

// look gives the entry and, if it was never counted, the count under way.
func (s *suggestions) look(ctx context.Context, of suggestionsOf) (*suggestion, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.known[of]
	if entry == nil {
		entry = &suggestion{}
		s.known[of] = entry
	}
	if entry.running == nil && s.now().Sub(entry.at) > suggestionsKept {
		entry.running = make(chan struct{})
		go s.count(context.WithoutCancel(ctx), of, entry, entry.running)
	}
	if entry.at.IsZero() {
		return entry, entry.running
	}
	return entry, nil
}

func (s *suggestions) count(ctx context.Context, of suggestionsOf, entry *suggestion, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, suggestionsMost)
	defer cancel()
	values, err := s.store.Values(ctx, of.workspace, of.key, "", suggested)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		entry.values, entry.at = values, s.now()
	}
	entry.running = nil
	close(done)
}
