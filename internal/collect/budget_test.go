package collect

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// grants asks a budget without pause from the given number of goroutines and gives the times of the grants.
func grants(b *Budget, streams int, account string, span time.Duration) []time.Time {
	ctx, stop := context.WithTimeout(context.Background(), span)
	defer stop()
	var mu sync.Mutex
	var times []time.Time
	var all sync.WaitGroup
	for range streams {
		all.Go(func() {
			for b.Wait(ctx, account) == nil {
				mu.Lock()
				times = append(times, time.Now())
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return times
}

// most gives the largest number of times within any span of the given length.
func most(times []time.Time, span time.Duration) int {
	n, start := 0, 0
	for i, t := range times {
		for t.Sub(times[start]) >= span {
			start++
		}
		n = max(n, i-start+1)
	}
	return n
}

func TestBudgetHoldsItsLimits(t *testing.T) {
	tests := []Limits{{120, 6000}, {120, 0}, {0, 600}, {10, 100}, {600, 1000}}
	for _, limits := range tests {
		synctest.Test(t, func(t *testing.T) {
			times := grants(NewBudget(limits), 3, "account", 3*time.Hour)
			if n := most(times, time.Minute); limits.PerMinute > 0 && n > limits.PerMinute {
				t.Errorf("%v: %d requests in a minute", limits, n)
			}
			if n := most(times, time.Hour); limits.PerHour > 0 && n > limits.PerHour {
				t.Errorf("%v: %d requests in an hour", limits, n)
			}
			want := 3 * limits.PerHour
			if limits.PerHour == 0 || limits.PerHour > 60*limits.PerMinute && limits.PerMinute > 0 {
				want = 180 * limits.PerMinute
			}
			if len(times) < want*8/10 {
				t.Errorf("%v: only %d requests in three hours, %d were allowed", limits, len(times), want)
			}
		})
	}
}

func TestBudgetWithoutLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := NewBudget(Limits{}), time.Now()
		for range 10_000 {
			if err := b.Wait(t.Context(), "account"); err != nil {
				t.Fatal(err)
			}
		}
		if !time.Now().Equal(start) {
			t.Error("a lifted limit made somebody wait")
		}
	})
}

func TestOneWordSlowsTheWholeAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := NewBudget(Limits{PerMinute: 600}), time.Now()
		b.Slow("slow", 30*time.Second)
		b.Slow("slow", 10*time.Second)
		if err := b.Wait(t.Context(), "quick"); err != nil || !time.Now().Equal(start) {
			t.Error("another account had to wait")
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := b.Wait(t.Context(), "slow"); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); waited < 30*time.Second {
					t.Errorf("a stream of the account waited %v only", waited)
				}
			})
		}
		all.Wait()
		b.Slow("slow", 48*time.Hour)
		if err := b.Wait(t.Context(), "slow"); err != nil || time.Since(start) > 2*time.Hour {
			t.Errorf("a source kept us waiting for %v", time.Since(start))
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(Limits{PerMinute: 1})
		if err := b.Wait(t.Context(), "account"); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := b.Wait(ctx, "account"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait ended with %v", err)
		}
		b.Slow("account", time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := b.Wait(ctx, "account"); !errors.Is(err, context.Canceled) {
			t.Errorf("the wait ended with %v", err)
		}
	})
}

func TestBackoff(t *testing.T) {
	for failures, bound := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1000: 5 * time.Minute} {
		longest := time.Duration(0)
		for range 500 {
			wait := backoff(failures, 0)
			if wait < 0 || wait > bound {
				t.Fatalf("after %d failures the wait is %v", failures, wait)
			}
			longest = max(longest, wait)
		}
		if longest < bound/2 {
			t.Errorf("after %d failures the longest of 500 waits is %v of %v", failures, longest, bound)
		}
	}
	if wait := backoff(1, 42*time.Second); wait != 42*time.Second {
		t.Errorf("asked for 42 s, the wait is %v", wait)
	}
	if wait := backoff(1, 1000*time.Hour); wait != time.Hour {
		t.Errorf("asked for 1000 h, the wait is %v", wait)
	}
}
