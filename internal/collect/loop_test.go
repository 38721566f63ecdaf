package collect

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// bubble runs a test with a world and a store in a bubble of its own time.
func bubble(t *testing.T, limit int, test func(t *testing.T, w *world, h *house)) {
	t.Helper()
	o, stop := newOutside()
	defer stop()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, limit)
		for i := range 25 {
			at := time.Now().Add(-time.Duration(25-i) * 4 * day)
			w.add(busy, at, at)
		}
		h := newHouse(t, o, w)
		defer h.close()
		test(t, w, h)
	})
}

// run starts a collector and gives a function that ends it.
func (h *house) run(change ...func(*Config)) (*Collector, func()) {
	ctx, c := h.collector(h.t.Context(), noAccidents, change...)
	ctx, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { h.must(c.Run(ctx)) })
	return c, func() { stop(); done.Wait() }
}

func TestRunReadsAndKeepsReading(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		_, stop := h.run()
		defer stop()
		time.Sleep(2 * time.Minute)
		h.checkWhole(time.Time{})
		st := h.status(busy)
		if !st.CaughtUp || time.Since(st.Through) > time.Minute || st.Events != 25 {
			t.Errorf("after two minutes: %+v", st)
		}
		if win := h.windows(busy); len(win) != 1 || win[0].Duration() < 119*day {
			t.Errorf("the windows are %v", win)
		}
		now := time.Now()
		w.add(busy, now, now)
		time.Sleep(time.Minute)
		h.checkWhole(time.Time{})
		w.mu.Lock()
		polls := len(w.requests)
		first := w.requests[0]
		w.mu.Unlock()
		if first.Cursor != "" || first.Limit != 4 || now.Sub(first.From) < 119*day {
			t.Errorf("the first request is %+v", first)
		}
		if polls > 40 {
			t.Errorf("%d requests in three minutes", polls)
		}
	})
}

func TestRunNoticesConnections(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		c, stop := h.run()
		defer stop()
		time.Sleep(time.Minute)
		ctx := t.Context()
		h.must(h.store.ForgetToken(ctx, h.conn.Workspace, h.conn.ID, time.Now()))
		c.Wake()
		synctest.Wait()
		before := len(w.requests)
		time.Sleep(time.Hour)
		if len(w.requests) != before {
			t.Errorf("%d requests were sent for a connection that is off", len(w.requests)-before)
		}
		off := h.status(busy).Trouble
		if off == nil || off.Cause != evidence.SwitchedOff {
			t.Errorf("the trouble of a connection that is off is %+v", off)
		}
		h.must(h.store.ReplaceToken(ctx, h.conn, []byte("sealed anew")))
		time.Sleep(10 * time.Second)
		if len(w.requests) == before || h.status(busy).Trouble != nil {
			t.Errorf("a connection that was switched on again is not read: %+v", h.status(busy))
		}
	})
}

func TestTroubles(t *testing.T) {
	tests := []struct {
		name   string
		faults string // drawn by every request
		world  func(*world)
		expiry time.Duration // of the token; 0: never
		after  time.Duration // when the trouble must be seen
		cause  evidence.Cause
		state  evidence.State
		reason string
		most   int // requests in an hour for the one stream
	}{
		{"the source is down", "retry", nil, 0, 2 * time.Minute, evidence.Unreachable, evidence.StateUnreachable, "status 503", 60},
		{"it asks for patience", "retry-after", nil, 0, 5 * time.Minute, evidence.Unreachable, evidence.StateUnreachable, "status 429", 80},
		{"it sends rubbish", "bad-page", nil, 0, 2 * time.Minute, evidence.Unreachable, evidence.StateUnreachable, "not a page", 60},
		{"it does not answer", "hang", nil, 0, 5 * time.Minute, evidence.Unreachable, evidence.StateUnreachable, "in time", 40},
		{"it refuses the request", "wrong-request", nil, 0, time.Second, evidence.Unreachable, evidence.StateUnreachable, "did not accept", 60},
		{"our own defect", "panic", nil, 0, time.Second, evidence.Unreachable, evidence.StateUnreachable, "defect", 60},
		{"the token was revoked", "", func(w *world) { w.refused = true }, 0, time.Second, evidence.TokenRefused, evidence.StateUnauthorized, "revoked", 6},
		{"the token expired", "", func(w *world) { w.refused = true }, time.Minute, 2 * time.Minute, evidence.TokenExpired, evidence.StateUnauthorized, "expired on", 100},
		{"the token lacks the event type", "", func(w *world) { w.granted = nil }, 0, time.Second, evidence.FeatureMissing, evidence.StateDegraded, "Missing without it: Much.", 6},
		{"it refuses one stream", "refused-once", nil, 0, time.Second, evidence.TokenRefused, evidence.StateUnauthorized, "although it says", 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, 4, func(t *testing.T, w *world, h *house) {
				if test.expiry > 0 {
					h.conn.ExpiresAt = time.Now().Add(test.expiry)
					h.must(h.store.UpdateConnection(t.Context(), h.conn))
					time.Sleep(test.expiry)
				}
				w.faults, w.chance = strings.Fields(test.faults), 1
				if test.world != nil {
					test.world(w)
				}
				began := time.Now()
				_, stop := h.run()
				defer stop()
				time.Sleep(test.after)
				trouble := h.status(busy).Trouble
				if trouble == nil {
					t.Fatal("nothing is shown")
				}
				if trouble.Cause != test.cause || trouble.State != test.state || !strings.Contains(trouble.Reason, test.reason) {
					t.Errorf("shown is %+v", trouble)
				}
				if trouble.From.Before(began.Truncate(time.Millisecond)) || trouble.From.After(began.Add(2*time.Minute)) {
					t.Errorf("it is said to have begun %v after it did", trouble.From.Sub(began))
				}
				time.Sleep(time.Hour)
				if again := h.status(busy).Trouble; again == nil || !again.From.Equal(trouble.From) || again.Cause != trouble.Cause {
					t.Errorf("an hour later shown is %+v", again)
				}
				if n := w.asked(busy); n > test.most {
					t.Errorf("%d requests were sent in an hour of trouble", n)
				}
				w.calm()
				w.mu.Lock()
				w.granted = []evidence.Stream{quiet, busy}
				w.mu.Unlock()
				time.Sleep(20 * time.Minute)
				if left := h.status(busy).Trouble; left != nil {
					t.Errorf("the trouble does not end: %+v", left)
				}
				h.checkWhole(time.Time{})
				h.checkHonest()
			})
		})
	}
}

// asked counts the requests for a stream.
func (w *world) asked(stream evidence.Stream) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if r.Stream == stream {
			n++
		}
	}
	return n
}

func TestAStreamWithoutItsEventTypeIsNeverPolled(t *testing.T) {
	o, end := newOutside()
	defer end()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 4)
		w.granted = []evidence.Stream{quiet}
		h := newHouse(t, o, w)
		defer h.close()
		_, stop := h.run()
		defer stop()
		time.Sleep(time.Hour)
		if n := w.asked(busy); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
		if st := h.status(busy); st.Trouble == nil || st.Trouble.Cause != evidence.FeatureMissing {
			t.Errorf("shown is %+v", st.Trouble)
		}
		if st := h.status(quiet); !st.CaughtUp || st.Trouble != nil {
			t.Errorf("the other stream: %+v", st)
		}
	})
}

func TestAPassingFaultIsNotShown(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		w.faults, w.chance = []string{"retry"}, 1
		_, stop := h.run()
		defer stop()
		time.Sleep(time.Millisecond)
		w.calm()
		time.Sleep(time.Minute)
		all, err := h.store.Troubles(t.Context(), h.conn.ID, busy)
		h.must(err)
		if len(all) != 0 {
			t.Errorf("shown is %+v", all)
		}
	})
}

func TestLostBookmark(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		_, stop := h.run()
		defer stop()
		time.Sleep(time.Minute)
		w.mu.Lock()
		w.faults, w.chance = []string{"cursor-lost"}, 1
		w.mu.Unlock()
		now := time.Now()
		w.add(busy, now, now)
		time.Sleep(5 * time.Minute)
		w.calm()
		time.Sleep(10 * time.Minute)
		all, err := h.store.Troubles(t.Context(), h.conn.ID, busy)
		h.must(err)
		if len(all) == 0 || all[0].Cause != evidence.CursorLost || all[0].Open() {
			t.Errorf("the troubles are %+v", all)
		}
		resets := 0
		for _, r := range w.requests {
			if r.Stream == busy && r.Cursor == "" && r.To.IsZero() {
				resets++
			}
		}
		if resets < 2 {
			t.Errorf("reading began anew %d times", resets-1)
		}
		h.checkWhole(time.Time{})
		h.checkHonest()
		if win := h.windows(busy); len(win) != 1 {
			t.Errorf("the windows are %v", win)
		}
	})
}

func TestLoopsDoNotHammer(t *testing.T) {
	for fault, span := range map[string]time.Duration{"loop": 15 * time.Minute, "more-empty": time.Minute} {
		t.Run(fault, func(t *testing.T) {
			bubble(t, 4, func(t *testing.T, w *world, h *house) {
				w.faults, w.chance = []string{fault}, 1
				_, stop := h.run()
				defer stop()
				time.Sleep(span)
				if n := w.asked(busy); n > 20*emptyMost {
					t.Errorf("%d requests in %v", n, span)
				}
				if h.status(busy).Trouble == nil {
					t.Error("nothing is shown")
				}
				h.checkHonest()
				w.calm()
				time.Sleep(20 * time.Minute)
				if left := h.status(busy).Trouble; left != nil {
					t.Errorf("the trouble does not end: %+v", left)
				}
				h.checkWhole(time.Time{})
				h.checkHonest()
			})
		})
	}
}

func TestAPageThatLeadsBackDoesNotMoveTheBookmark(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		start := time.Now()
		w.faults = []string{"loop"}
		_, c := h.collector(t.Context(), noAccidents, func(cfg *Config) {
			cfg.Progress = func(p Progress) {
				w.mu.Lock()
				defer w.mu.Unlock()
				if p.Stream == busy && p.Pages == 3 {
					w.chance = 1 // every bookmark that was given out so far belongs to this drain
				}
				if p.Stream == busy && p.Pages > 3 {
					w.chance = 0
				}
			}
		})
		sum, err := c.UntilIdle(t.Context(), Filter{Streams: []evidence.Stream{busy}})
		h.must(err)
		w.mu.Lock()
		defer w.mu.Unlock()
		var last source.Cursor
		for _, r := range w.requests {
			if last != "" && behindOf(parsePlace(last), parsePlace(r.Cursor)) {
				t.Errorf("after %s reading went back to %s", last, r.Cursor)
			}
			last = r.Cursor
		}
		if sum.Failed() || w.drawn["loop"] != 1 || time.Since(start) > time.Minute {
			t.Errorf("%d loops, after %v: %+v", w.drawn["loop"], time.Since(start), sum)
		}
	})
}

func TestAPageThatIsOnItsWayWhenTheConnectionIsSwitchedOff(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		w.lag = 10 * time.Second
		_, stop := h.run()
		defer stop()
		time.Sleep(time.Second)
		h.must(h.store.ForgetToken(t.Context(), h.conn.Workspace, h.conn.ID, time.Now()))
		time.Sleep(time.Hour)
		if n := len(h.stored(busy)); n != 0 {
			t.Errorf("%d events were stored after it was off", n)
		}
		if off := h.status(busy).Trouble; off == nil || off.Cause != evidence.SwitchedOff {
			t.Errorf("shown is %+v", off)
		}
	})
}

func TestLongSilenceBeginsANewWindow(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		_, stop := h.run()
		time.Sleep(time.Minute)
		stop()
		left := time.Now()
		lost := left.Add(5 * day)
		w.add(busy, lost, lost)
		time.Sleep(200 * day)
		_, stop = h.run()
		defer stop()
		time.Sleep(time.Minute)
		h.checkHonest()
		win := h.windows(busy)
		if len(win) != 2 || win[0].To.After(left) || win[1].From.Before(time.Now().Add(-120*day-time.Minute)) {
			t.Fatalf("the windows are %v", win)
		}
		if h.stored(busy)["nothing"] || (evidence.Span{From: win[0].To, To: win[1].From}).Contains(lost) == false {
			t.Error("what was lost does not lie in the gap")
		}
	})
}

func TestSkewedClocks(t *testing.T) {
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour, -100 * day, 100 * day} {
		t.Run(skew.String(), func(t *testing.T) {
			bubble(t, 4, func(t *testing.T, w *world, h *house) {
				w.skew = skew
				_, c := h.collector(t.Context(), noAccidents)
				sum, err := c.UntilIdle(t.Context(), Filter{Streams: []evidence.Stream{busy}})
				h.must(err)
				s := sum.Connections[0].Streams[0]
				if s.Error != nil || s.SkewMS == 0 {
					t.Errorf("the summary is %+v", s)
				}
				h.checkHonest()
				if skew > -day {
					return
				}
				if s.Through.After(time.Now().Add(skew).Add(2 * time.Second)) {
					t.Errorf("read through %v, and the source's clock says %v", s.Through, time.Now().Add(skew))
				}
			})
		})
	}
}

func TestUntilIdleGivesUp(t *testing.T) {
	tests := []struct {
		name   string
		fault  string
		world  func(*world)
		within time.Duration
		says   string
	}{
		{"a source that is down", "retry", nil, 15 * time.Minute, "Given up after 10m0s without progress"},
		{"a source that wants too much patience", "retry-after", nil, 15 * time.Minute, "Given up"},
		{"a token that was revoked", "", func(w *world) { w.refused = true }, time.Minute, "revoked"},
		{"a request that is refused", "wrong-request", nil, time.Minute, "did not accept"},
		{"a stream that is refused", "refused-once", nil, 5 * time.Minute, "although it says"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, 4, func(t *testing.T, w *world, h *house) {
				w.faults, w.chance = strings.Fields(test.fault), 1
				if test.world != nil {
					test.world(w)
				}
				_, c := h.collector(t.Context(), noAccidents)
				began := time.Now()
				sum, err := c.UntilIdle(t.Context(), Filter{Workspace: h.conn.Workspace, Connections: []evidence.ID{h.conn.ID}})
				h.must(err)
				if took := time.Since(began); took > test.within {
					t.Errorf("it gave up after %v", took)
				}
				for _, s := range sum.Connections[0].Streams {
					if s.Error == nil || !strings.Contains(*s.Error, test.says) {
						t.Errorf("%s: the error is %v", s.Stream, str(s.Error))
					}
				}
				if !sum.Failed() {
					t.Error("the summary does not say that it failed")
				}
			})
		})
	}
}

func str(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

func TestFilters(t *testing.T) {
	bubble(t, 4, func(t *testing.T, _ *world, h *house) {
		ctx, c := h.collector(t.Context(), noAccidents)
		tests := []struct {
			name string
			f    Filter
			want evidence.Code
		}{
			{"another workspace", Filter{Workspace: "ws_other"}, evidence.NotFound},
			{"no such connection", Filter{Connections: []evidence.ID{"cn_other"}}, evidence.NotFound},
			{"no such stream", Filter{Streams: []evidence.Stream{"loud"}}, evidence.Invalid},
			{"one stream", Filter{Streams: []evidence.Stream{quiet}}, ""},
			{"everything", Filter{}, ""},
		}
		for _, test := range tests {
			if _, err := c.UntilIdle(ctx, test.f); evidence.ErrorCode(err) != test.want {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		h.must(h.store.ForgetToken(ctx, h.conn.Workspace, h.conn.ID, time.Now()))
		if _, err := c.UntilIdle(ctx, Filter{Connections: []evidence.ID{h.conn.ID}}); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("a connection that is off: %v", err)
		}
		if _, err := c.UntilIdle(ctx, Filter{}); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("no connection that is on: %v", err)
		}
		if _, err := c.Reread(ctx, Filter{}, evidence.Span{From: time.Now(), To: time.Now()}); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("an empty span: %v", err)
		}
		if _, err := c.Reread(ctx, Filter{}, evidence.Span{From: time.Now().Add(day), To: time.Now().Add(2 * day)}); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("the future: %v", err)
		}
	})
}

func TestTwoProcessesShareTheWork(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		w.lag = 2 * time.Second
		_, stop1 := h.run()
		_, stop2 := h.run()
		time.Sleep(time.Hour)
		stop1()
		stop2()
		h.checkWhole(time.Time{})
		h.checkHonest()
		// One process alone sends about 120 of them.
		if n := w.asked(quiet); n > 200 {
			t.Errorf("%d polls of one stream in an hour by two processes", n)
		}
	})
}

func TestLateEventsAreFound(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		begin := time.Now()
		for _, late := range []time.Duration{50 * time.Minute, 20 * time.Hour, 6 * day, 29 * day, 100 * day} {
			for i := range 5 {
				at := begin.Add(time.Duration(i+1) * 3 * time.Hour)
				w.add(busy, at, at.Add(late))
			}
		}
		_, stop := h.run(func(c *Config) { c.Every = 30 * time.Minute })
		time.Sleep(9 * day)
		stop()
		h.checkWhole(begin)
		if st := h.status(busy); st.Late != 15 {
			t.Errorf("after 9 days %d events are marked as late", st.Late)
		}
		// From here on nobody runs a server; somebody calls the command once in a while.
		for _, later := range []time.Duration{37 * day, 111 * day, 114 * day} {
			time.Sleep(time.Until(begin.Add(later)))
			_, c := h.collector(t.Context(), noAccidents)
			sum, err := c.UntilIdle(t.Context(), Filter{})
			h.must(err)
			if sum.Failed() {
				t.Errorf("after %v: %+v", later, sum)
			}
		}
		h.checkWhole(begin)
		h.checkHonest()
		if st := h.status(busy); st.Late != 25 {
			t.Errorf("%d events are marked as late", st.Late)
		}
	})
}

func TestARereadHealsAGap(t *testing.T) {
	bubble(t, 4, func(t *testing.T, w *world, h *house) {
		_, c := h.collector(t.Context(), noAccidents)
		span := evidence.Span{From: time.Now().Add(-60 * day), To: time.Now().Add(-20 * day)}
		sum, err := c.Reread(t.Context(), Filter{Streams: []evidence.Stream{busy}}, span)
		h.must(err)
		if s := sum.Connections[0].Streams[0]; s.Error != nil || s.New != 10 {
			t.Errorf("the summary is %+v", s)
		}
		h.checkHonest()
		windows := h.windows(busy)
		var spans []evidence.Span
		for _, win := range windows {
			spans = append(spans, win.Span)
		}
		if missing := evidence.NewSpans(spans...).Missing(evidence.Span{From: span.From.Add(time.Millisecond), To: span.To.Add(-time.Millisecond)}); len(missing) > 0 {
			t.Errorf("still not covered: %v", missing)
		}
	})
}

func TestCrashTable(t *testing.T) {
	steps := []string{"Acquire", "Commit", "Release", "SetTrouble", "ResetCursor", "KeepBadPage", "FinishReread", "Renew"}
	for _, step := range steps {
		for _, what := range []accident{notStored, butStored, diesBefore, diesAfter} {
			for nth := 1; nth <= 2; nth++ {
				t.Run(strings.Join([]string{step, what.String(), []string{"", "first", "second"}[nth]}, "/"), func(t *testing.T) {
					bubble(t, 4, func(t *testing.T, w *world, h *house) { crash(t, w, h, step, what, nth) })
				})
			}
		}
	}
}

// crash lets the nth step of a name have an accident while a world with faults is read, and checks that a second process
// ends with everything exactly once.
func crash(t *testing.T, w *world, h *house, step string, what accident, nth int) {
	w.faults, w.chance, w.lag = []string{"cursor-lost", "bad-page", "refused-once"}, 0.4, 7*time.Second
	begin := time.Now()
	for i := range 20 {
		at := begin.Add(time.Duration(i) * 10 * time.Minute)
		w.add(busy, at, at.Add(time.Duration(i%2)*time.Hour))
	}
	var mu sync.Mutex
	seen, struck := 0, false
	plan := func(name string) accident {
		mu.Lock()
		defer mu.Unlock()
		if name == step {
			if seen++; seen == nth {
				struck = true
				return what
			}
		}
		return fine
	}
	ctx, c := h.collector(t.Context(), plan, func(c *Config) { c.Every = 5 * time.Minute })
	ctx, stop := context.WithTimeout(ctx, 5*time.Hour)
	h.must(c.Run(ctx))
	stop()
	if !struck {
		t.Fatalf("the step happened %d times only", seen)
	}
	h.checkHonest()
	h.recovers()
}

func TestADeadProcessHoldsNothingForLong(t *testing.T) {
	bubble(t, 4, func(t *testing.T, _ *world, h *house) {
		ctx, c := h.collector(t.Context(), func(step string) accident {
			if step == "Commit" {
				return diesBefore
			}
			return fine
		})
		h.must(c.Run(ctx))
		began := time.Now()
		_, c = h.collector(t.Context(), noAccidents)
		sum, err := c.UntilIdle(t.Context(), Filter{})
		h.must(err)
		if took := time.Since(began); sum.Failed() || took > 2*leaseTTL {
			t.Errorf("the next process needed %v: %+v", took, sum)
		}
		h.checkWhole(time.Time{})
	})
}

func TestAskingNobody(t *testing.T) {
	bubble(t, 4, func(t *testing.T, _ *world, h *house) {
		_, stop := h.run(func(c *Config) {
			c.Open = func(context.Context, evidence.Connection) (source.Source, error) {
				return nil, evidence.Errorf(evidence.Forbidden, "The server is no longer admitted.")
			}
		})
		defer stop()
		time.Sleep(time.Second)
		if tr := h.status(busy).Trouble; tr == nil || tr.Reason != "The server is no longer admitted." {
			t.Errorf("shown is %+v", tr)
		}
	})
}
