package web

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// slowValues takes a second to count, and fails while it is told to.
type slowValues struct {
	Store
	counts int
	broken bool
}

func (s *slowValues) Values(context.Context, evidence.ID, evidence.Key, string, int) ([]store.ValueCount, error) {
	time.Sleep(time.Second)
	s.counts++
	if s.broken {
		return nil, errors.New("the database is gone")
	}
	return []store.ValueCount{{Value: "reveal", N: int64(s.counts)}}, nil
}

func TestSuggestionsNeverHoldAPageUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &slowValues{broken: true}
		s := newSuggestions(st, time.Now)
		ask := func() (n int64, took time.Duration) {
			started := time.Now()
			if values := s.of(t.Context(), "ws", evidence.KeyAction); len(values) > 0 {
				n = values[0].N
			}
			return n, time.Since(started)
		}
		expect := func(what string, wantN int64, most time.Duration) {
			t.Helper()
			if n, took := ask(); n != wantN || took > most {
				t.Errorf("%s: count %d after %s, want %d within %s", what, n, took, wantN, most)
			}
		}
		expect("never counted", 0, suggestionsWait)
		time.Sleep(2 * time.Second)
		st.broken = false
		expect("the first count failed", 0, suggestionsWait)
		time.Sleep(2 * time.Second)
		expect("counted", 2, 0)
		time.Sleep(suggestionsKept)
		expect("old: shown at once while it is counted again", 2, 0)
		time.Sleep(2 * time.Second)
		expect("counted again", 3, 0)
		if st.counts != 3 {
			t.Errorf("counted %d times, want 3", st.counts)
		}
	})
}
