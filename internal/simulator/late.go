package simulator

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// lateState holds events that have not appeared yet although they happened long ago, like the usages of a laptop that
// was offline.
type lateState struct {
	mu      sync.Mutex
	due     time.Time
	waiting map[Stream]*feed.Builder
	count   int
}

// liveState is how far the live events have been made.
type liveState struct {
	mu      sync.Mutex
	through time.Time
}

// liveStep is the least stretch of time for which live events are made at once.
const liveStep = time.Second

// withhold takes late events out of the feeds as Config.Faults says. Without a target it is the item usages that are
// late, since only of them it is documented.
func (s *Simulator) withhold() {
	s.late.waiting = map[Stream]*feed.Builder{}
	s.late.due = s.config.Now().Add(s.config.LateAfter)
	for i, f := range s.config.Faults {
		if f.Kind != faultLate || f.Target == targetIntrospect {
			continue
		}
		stream := Stream(f.Target)
		if f.Target == "" {
			stream = ItemUsages
		}
		if s.late.waiting[stream] != nil {
			continue
		}
		dice := rand.New(rand.NewPCG(s.config.Seed, uint64(i)^0x6c617465))
		taken := s.feeds[stream].Withdraw(func(int64) bool { return dice.Float64() < f.Probability })
		s.late.waiting[stream] = taken
		s.late.count += taken.Len()
	}
	if s.late.count > 0 {
		s.faults.add(faultLate, s.late.count)
	}
}

func (s *Simulator) withheld() int {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	return s.late.count
}

// ReleaseLate makes the withheld events appear now and tells how many they are.
func (s *Simulator) ReleaseLate() int {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	return s.releaseLocked()
}

func (s *Simulator) releaseLocked() int {
	count := s.late.count
	for stream, b := range s.late.waiting {
		s.feeds[stream].Insert(b)
	}
	s.late.waiting, s.late.count = nil, 0
	return count
}

// advance lets appear what is due by the clock: late events, and live ones.
func (s *Simulator) advance() {
	now := s.config.Now()
	s.late.mu.Lock()
	if s.late.count > 0 && !now.Before(s.late.due) {
		s.releaseLocked()
	}
	s.late.mu.Unlock()
	if !s.config.Live {
		return
	}
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	if now.Sub(s.live.through) < liveStep {
		return
	}
	for stream, b := range s.company.After(s.live.through, now) {
		s.feeds[stream].Insert(b)
	}
	s.live.through = now
}
