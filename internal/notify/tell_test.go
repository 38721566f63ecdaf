package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
)

// wire stands for the network inside a bubble: it takes webhooks, and refuses them while down.
type wire struct {
	mu    sync.Mutex
	down  bool
	tried []time.Time
	got   []delivery
}

// delivery is what a webhook received, with when.
type delivery struct {
	At       time.Time
	ID       string
	Kind     string
	Concerns []struct{ Key, State string }
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.tried = append(w.tried, time.Now().UTC())
	if w.down {
		return &http.Response{StatusCode: 503, Body: io.NopCloser(strings.NewReader("busy"))}, nil
	}
	d := delivery{At: time.Now().UTC()}
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, err
	}
	w.got = append(w.got, d)
	return &http.Response{StatusCode: 204, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func (w *wire) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// take gives what came since the last time, in words.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, d := range w.got {
		s := d.At.Format("02 15:04 ") + d.Kind
		for _, c := range d.Concerns {
			kind, _, _ := strings.Cut(c.Key, "/")
			s += " " + c.State + ":" + kind
		}
		out = append(out, s)
	}
	w.got = nil
	return out
}

// run tells in the background until stop is called.
func (h *house) run(s *Service) (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, h.ws, "https://exhibit.example.com") }()
	return func() {
		h.t.Helper()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			h.t.Errorf("it ended with %v", err)
		}
	}
}

func (h *house) expect(w *wire, what string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, w.take()); diff != "" {
		h.t.Errorf("%s: %s", what, diff)
	}
}

// bubble runs a test on a clock of its own, which begins at midnight of 1 January 2000.
func bubble(t *testing.T, test func(t *testing.T, h *house, w *wire)) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		h := newHouse(t, func(c *Config) { c.Transport = w })
		defer h.close()
		test(t, h, w)
	})
}

// TestDays lives through some weeks: what is urgent comes within a minute, the rest once a day at the digest's hour, each
// thing once, again when it gets worse, and once more when it is over. Restarts repeat nothing.
func TestDays(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		conn := h.connect("1Password", 20*24*time.Hour)
		_, err := h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "expiry", "unauthorized"))
		h.must(err)
		h.every = 15 * time.Minute // weeks of minutes would take long
		stop := h.run(h.Service)
		time.Sleep(6*time.Hour + 59*time.Minute)
		h.expect(w, "before the digest")
		time.Sleep(5 * time.Minute)
		h.expect(w, "the first digest", "01 07:00 digest new:expiry")
		time.Sleep(48 * time.Hour)
		h.expect(w, "two quiet days")

		h.trouble(conn, true)
		time.Sleep(15 * time.Minute)
		h.expect(w, "refused: at once", "03 07:15 alert new:unauthorized")
		stop()
		another := h.service(func(c *Config) { c.Transport = w })
		another.every = 15 * time.Minute
		stop = h.run(another)
		time.Sleep(26*time.Hour + time.Minute)
		h.expect(w, "after a restart")
		h.trouble(conn, false)
		time.Sleep(15 * time.Minute)
		h.expect(w, "mended: at once", "04 09:34 alert over:unauthorized")
		h.trouble(conn, true)
		time.Sleep(15 * time.Minute)
		h.expect(w, "refused again: told again", "04 09:49 alert new:unauthorized")

		time.Sleep(4 * 24 * time.Hour)
		h.expect(w, "14 days are left", "07 07:04 digest new:expiry lasting:unauthorized")
		time.Sleep(13 * 24 * time.Hour)
		h.expect(w, "7 days, 1 day, and the end, of which the refusal tells", "14 07:04 digest new:expiry lasting:unauthorized", "20 00:04 alert new:expiry")
		stop()
	})
}

// TestDigestHour holds that the digest comes at the hour that was chosen.
func TestDigestHour(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		h.connect("1Password", 20*24*time.Hour)
		_, err := h.SetDigest(t.Context(), h.admin, store.DigestTime{Hour: 16})
		h.must(err)
		_, err = h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "expiry"))
		h.must(err)
		stop := h.run(h.Service)
		time.Sleep(24 * time.Hour)
		h.expect(w, "at four", "01 16:00 digest new:expiry")
		stop()
	})
}

// TestDigestZone holds that the hour is one of the zone that was chosen, also on the days on which its clocks change.
func TestDigestZone(t *testing.T) {
	berlin := store.DigestTime{Hour: 2, Zone: "Europe/Berlin"}
	utc := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		last, now string
		due       bool
	}{
		{"2027-01-10 01:00", "2027-01-11 00:59", false}, {"2027-01-10 01:00", "2027-01-11 01:00", true}, // winter: UTC+1
		{"2027-07-10 00:00", "2027-07-10 23:59", false}, {"2027-07-10 00:00", "2027-07-11 00:00", true}, // summer: UTC+2
		{"2027-03-27 01:00", "2027-03-28 01:00", true}, {"2027-03-28 01:00", "2027-03-28 23:59", false}, // 02:00 is skipped
		{"2027-10-30 00:00", "2027-10-31 01:00", true}, {"2027-10-31 01:00", "2027-11-01 00:59", false}, // 02:00 comes twice
	} {
		if got := digestDue(utc(c.last), utc(c.now), berlin); got != c.due {
			t.Errorf("after the digest of %s it is due at %s: %v", c.last, c.now, got)
		}
	}
}

// TestOverdue holds that an overdue action is told with the digest, once more after a week, and when it is over.
func TestOverdue(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		h.every = 20 * time.Minute // a fortnight of minutes would take long
		actions := program.New(h.store, nil)
		a, err := actions.AddAction(t.Context(), h.admin, program.ActionDraft{Title: "Review", Due: time.Now().Add(36 * time.Hour)})
		h.must(err)
		_, err = h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "overdue"))
		h.must(err)
		stop := h.run(h.Service)
		time.Sleep(24*time.Hour + 8*time.Hour)
		h.expect(w, "not yet due")
		time.Sleep(2 * 24 * time.Hour)
		h.expect(w, "overdue", "03 07:00 digest new:overdue")
		time.Sleep(5 * 24 * time.Hour)
		h.expect(w, "once")
		time.Sleep(24 * time.Hour)
		h.expect(w, "after a week", "10 07:00 digest new:overdue")
		_, err = actions.Done(t.Context(), h.admin, a.Key, "")
		h.must(err)
		time.Sleep(24 * time.Hour)
		h.expect(w, "over", "11 07:00 digest over:overdue")
		stop()
	})
}

// TestBackOff holds that a channel that fails is tried less and less often, that others do not wait for it, that it is
// shown, and that what it missed is told when it works again.
func TestBackOff(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		conn := h.connect("1Password", 90*24*time.Hour)
		c, err := h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "unauthorized"))
		h.must(err)
		w.set(true)
		h.trouble(conn, true)
		stop := h.run(h.Service)
		time.Sleep(6*time.Hour + 30*time.Second) // not in the moment of a look
		w.mu.Lock()
		tried := w.tried
		w.mu.Unlock()
		var pauses []string
		for i := range min(len(tried), 9) {
			if i > 0 {
				pauses = append(pauses, tried[i].Sub(tried[i-1]).String())
			}
		}
		// Half of 1, 2, 4, … minutes up to half of an hour, seen once a minute.
		if diff := cmp.Diff([]string{"1m0s", "1m0s", "2m0s", "4m0s", "8m0s", "16m0s", "30m0s", "30m0s"}, pauses); diff != "" {
			t.Errorf("the pauses: %s", diff)
		}
		shown, err := h.Show(t.Context(), h.admin, c.ID)
		h.must(err)
		if shown.Failures != len(tried) || shown.Failure != "hooks.example.com answered 503: busy." || !shown.NextAt.After(shown.FailedAt) {
			t.Errorf("the page shows %+v after %d tries", shown, len(tried))
		}
		w.set(false)
		time.Sleep(time.Hour)
		if got := w.take(); len(got) != 1 || !strings.HasSuffix(got[0], "alert new:unauthorized") {
			t.Errorf("when it works again it is told %v", got)
		}
		if shown, err := h.Show(t.Context(), h.admin, c.ID); err != nil || shown.Failures != 0 || shown.SentAt.IsZero() {
			t.Errorf("it still shows %+v, %v", shown, err)
		}
		w.set(true)
		h.trouble(conn, false)
		time.Sleep(2 * time.Minute)
		w.set(false)
		res, err := h.Test(t.Context(), h.admin, c.ID, "")
		h.must(err)
		if !res.OK || res.Said != "hooks.example.com answered 204." {
			t.Errorf("the test says %+v", res)
		}
		w.take()
		time.Sleep(2 * time.Minute) // a test that works ends the pause
		if got := w.take(); len(got) != 1 || !strings.HasSuffix(got[0], "alert over:unauthorized") {
			t.Errorf("after the test it is told %v", got)
		}
		stop()
	})
}

// TestOneTells holds that of several processes on one store one tells, and that another goes on when it is gone.
func TestOneTells(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		conn := h.connect("1Password", 90*24*time.Hour)
		_, err := h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "unauthorized"))
		h.must(err)
		var stops []func()
		for range 3 {
			stops = append(stops, h.run(h.service(func(c *Config) { c.Transport = w })))
		}
		time.Sleep(90 * time.Second)
		for open := true; len(stops) > 0; open = !open {
			h.trouble(conn, open)
			time.Sleep(2 * time.Minute)
			if got := w.take(); len(got) != 1 {
				t.Errorf("with %d processes it is told %v", len(stops), got)
			}
			stops[0]()
			stops = stops[1:]
		}
	})
}

var (
	errDisk = errors.New("the disk is full")
	errDead = errors.New("the process is dead")
)

// fragile is a store one of whose steps has an accident, once.
type fragile struct {
	Store
	step string
	do   func(f func() error) error
	once sync.Once
}

func (f *fragile) at(step string, do func() error) error {
	err, hit := error(nil), false
	if step == f.step {
		f.once.Do(func() { hit, err = true, f.do(do) })
	}
	if hit {
		return err
	}
	return do()
}

func (f *fragile) NoteTold(ctx context.Context, ws, channel evidence.ID, t store.Told) error {
	return f.at("NoteTold", func() error { return f.Store.NoteTold(ctx, ws, channel, t) })
}

func (f *fragile) NoteFailure(ctx context.Context, ws, channel evidence.ID, at time.Time, why string, next time.Time) error {
	return f.at("NoteFailure", func() error { return f.Store.NoteFailure(ctx, ws, channel, at, why, next) })
}

func (f *fragile) TakeTelling(ctx context.Context, ws evidence.ID, holder string, now, until time.Time) (mine bool, err error) {
	err = f.at("TakeTelling", func() error { mine, err = f.Store.TakeTelling(ctx, ws, holder, now, until); return err })
	return mine, err
}

// TestCrashTable lets each durable step fail in both ways. What is told may come twice, under one id, and is never lost.
func TestCrashTable(t *testing.T) {
	notStored := func(func() error) error { return errDisk }
	butStored := func(do func() error) error { _ = do(); return errDisk }
	for _, test := range []struct {
		step  string
		name  string
		do    func(func() error) error
		down  bool // the channel fails at first
		times int  // how often it comes
	}{
		{"TakeTelling", "failed and not stored", notStored, false, 1},
		{"TakeTelling", "failed but stored", butStored, false, 1},
		{"NoteTold", "failed and not stored", notStored, false, 2},
		{"NoteTold", "failed but stored", butStored, false, 1},
		{"NoteFailure", "failed and not stored", notStored, true, 1},
		{"NoteFailure", "failed but stored", butStored, true, 1},
	} {
		t.Run(test.step+" "+test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house, w *wire) {
				conn := h.connect("1Password", 90*24*time.Hour)
				_, err := h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "unauthorized"))
				h.must(err)
				h.trouble(conn, true)
				w.set(test.down)
				stop := h.run(h.service(func(c *Config) {
					c.Transport, c.Store = w, &fragile{Store: h.store, step: test.step, do: test.do}
				}))
				time.Sleep(30 * time.Second)
				w.set(false)
				time.Sleep(time.Hour)
				stop()
				w.mu.Lock()
				defer w.mu.Unlock()
				if len(w.got) != test.times {
					t.Errorf("it came %d times, want %d", len(w.got), test.times)
				}
				for _, d := range w.got {
					if d.ID != w.got[0].ID {
						t.Errorf("a repetition has another id: %v", w.got)
					}
				}
			})
		})
	}
}

// TestKilled lets the process die between sending and noting; the next one tells it again, once.
func TestKilled(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		conn := h.connect("1Password", 90*24*time.Hour)
		_, err := h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "unauthorized"))
		h.must(err)
		h.trouble(conn, true)
		ctx, kill := context.WithCancel(t.Context())
		dying := h.service(func(c *Config) {
			c.Transport = w
			c.Store = &fragile{Store: h.store, step: "NoteTold", do: func(func() error) error { kill(); return errDead }}
		})
		if err := dying.Round(ctx, h.ws, ""); !errors.Is(err, errDead) {
			t.Fatalf("it ended with %v", err)
		}
		stop := h.run(h.Service) // waits until the turn of the dead one has passed
		time.Sleep(time.Hour)
		stop()
		if n := len(w.got); n != 2 || w.got[0].ID != w.got[1].ID {
			t.Errorf("it came %d times: %+v", n, w.got)
		}
	})
}

// stopping stops the server as soon as a message was taken.
type stopping struct {
	*wire
	stop func()
}

// RoundTrip implements http.RoundTripper.
func (s stopping) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.wire.RoundTrip(r)
	s.stop()
	return res, err
}

// TestStopped stops the server between sending and noting. That is no crash: it is noted, and comes once.
func TestStopped(t *testing.T) {
	bubble(t, func(t *testing.T, h *house, w *wire) {
		conn := h.connect("1Password", 90*24*time.Hour)
		_, err := h.Add(t.Context(), h.admin, hook(Webhook, "https://hooks.example.com/x", "unauthorized"))
		h.must(err)
		h.trouble(conn, true)
		ctx, stop := context.WithCancel(t.Context())
		if err := h.service(func(c *Config) { c.Transport = stopping{w, stop} }).Run(ctx, h.ws, ""); !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		again := h.run(h.Service)
		time.Sleep(time.Hour)
		again()
		if n := len(w.take()); n != 1 {
			t.Errorf("it came %d times", n)
		}
	})
}

// TestManyAtOnce holds that many rounds of one process at once are safe.
func TestManyAtOnce(t *testing.T) {
	srv := newReceiver(t, func(http.ResponseWriter, *http.Request) {})
	h := newHouse(t, allow(srv.Server))
	defer h.close()
	for i := range 3 {
		req := hook(Slack, srv.URL+"/x")
		req.Name = fmt.Sprint(i)
		_, err := h.Add(t.Context(), h.admin, req)
		h.must(err)
	}
	h.trouble(h.connect("1Password", 90*24*time.Hour), true)
	var wg sync.WaitGroup
	for range 4 {
		s := h.service(allow(srv.Server))
		wg.Go(func() {
			if err := s.Round(t.Context(), h.ws, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(srv.got); n != 3 {
		t.Errorf("3 channels were told %d times", n)
	}
}
