package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestLeases(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip("no program true to run:", err)
	}
	dead := fmt.Sprintf("host/%d/1", gone.Process.Pid)
	alive := fmt.Sprintf("host/%d/1", os.Getppid())
	mine := fmt.Sprintf("host/%d/9", os.Getpid())
	both(t, func(t *testing.T, f *fixture) {
		for _, c := range []struct {
			name, holder string
			wait         time.Duration
			taken        bool
		}{
			{"own", mine, 0, true},
			{"dead process of this host", dead, 0, true},
			{"earlier process with our number", fmt.Sprintf("host/%d/1", os.Getpid()), 0, true},
			{"live process of this host", alive, 0, false},
			{"live process whose lease ran out", alive, 61 * time.Second, true},
			{"other host", "elsewhere/1/1", 0, false},
			{"other host whose lease ran out", "elsewhere/1/1", time.Minute, true},
			{"holder that says nothing of itself", "somebody", 0, false},
		} {
			start := f.now
			theirs, err := f.Acquire(t.Context(), f.conn, usages, c.holder, time.Minute)
			f.ok(err)
			f.now = f.now.Add(c.wait)
			ours, err := f.Acquire(t.Context(), f.conn, usages, mine, time.Minute)
			var held *HeldError
			switch {
			case c.taken && (err != nil || ours.Epoch != theirs.Epoch+1):
				t.Errorf("%s: epoch %d after %d, %v", c.name, ours.Epoch, theirs.Epoch, err)
			case !c.taken && (!errors.Is(err, ErrHeld) || !errors.As(err, &held) || held.Holder != c.holder || !held.Until.Equal(start.Add(time.Minute))):
				t.Errorf("%s: %v", c.name, err)
			}
			f.ok(f.Release(t.Context(), theirs))
			if c.taken {
				f.ok(f.Release(t.Context(), ours))
			}
		}
	})
}

func TestAnOldLeaseDoesNothing(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		old := f.acquire(usages)
		f.acquire(usages)
		span := evidence.Span{From: day0}
		_, commit := f.Commit(ctx, old, live(old, pageOf("c", false, happening{n: 1, at: day0}), day0))
		_, empty := f.Commit(ctx, old, live(old, pageOf("c", false), day0))
		_, renew := f.Renew(ctx, old)
		_, reset := f.ResetCursor(ctx, old, day0)
		for name, err := range map[string]error{"commit": commit, "empty": empty, "renew": renew, "reset": reset,
			"trouble": f.SetTrouble(ctx, old, evidence.Trouble{Span: span}), "close": f.CloseTrouble(ctx, old, day0),
			"bad page": f.KeepBadPage(ctx, old, day0, []byte("x"), "y"), "reread": f.FinishReread(ctx, old, Reconciliation{Span: span})} {
			if !errors.Is(err, ErrStale) {
				t.Errorf("%s with an old lease gave %v", name, err)
			}
		}
		if n, err := f.Count(ctx, f.query()); n != 0 || err != nil {
			t.Errorf("%d events, %v", n, err)
		}
		f.ok(f.Release(ctx, old)) // harmless
		if _, err := f.Acquire(ctx, f.conn, usages, "elsewhere/1/1", time.Minute); !errors.Is(err, ErrHeld) {
			t.Errorf("releasing an old lease freed the new one: %v", err)
		}
		f.clean()
	})
}

// TestALeaseCommitsEachPositionOnce: with the same epoch, bookmark and sequence must still be those of the lease.
func TestALeaseCommitsEachPositionOnce(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		l := f.acquire(usages)
		page := pageOf("c1", true, happening{n: 1, at: day0})
		next := f.commit(l, live(l, page, day0.Add(time.Minute))).Lease
		wrongCursor, wrongSequence := next, next
		wrongCursor.Cursor, wrongSequence.Sequence = "c0", next.Sequence-1
		for name, lease := range map[string]Lease{"again": l, "other bookmark": wrongCursor, "other sequence": wrongSequence} {
			if _, err := f.Commit(t.Context(), lease, live(lease, page, day0.Add(time.Minute))); !errors.Is(err, ErrStale) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := f.ResetCursor(t.Context(), lease, day0); !errors.Is(err, ErrStale) {
				t.Errorf("reset, %s: %v", name, err)
			}
		}
		f.clean()
	})
}

func TestRenewAndStreamsThatAreNot(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		l := f.acquire(usages)
		f.now = f.now.Add(30 * time.Second)
		l, err := f.Renew(t.Context(), l)
		f.ok(err)
		if !l.Until.Equal(f.now.Add(time.Minute)) {
			t.Errorf("renewed until %s", l.Until)
		}
		if _, err := f.Acquire(t.Context(), f.conn, "nothing", holder, time.Minute); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("a stream that is not: %v", err)
		}
		if _, err := f.Acquire(t.Context(), f.conn, usages, "", time.Minute); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("no holder: %v", err)
		}
	})
}

func TestPollsAreGathered(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		l := f.acquire(usages)
		l = f.commit(l, live(l, pageOf("c1", false, happening{n: 1, at: day0}), day0.Add(time.Minute))).Lease
		for i := range 45 {
			l = f.commit(l, live(l, pageOf("c1", false), day0.Add(time.Duration(2+i)*time.Minute))).Lease
		}
		l = f.commit(l, live(l, pageOf("c2", false), day0.Add(48*time.Minute))).Lease
		l, err := f.ResetCursor(t.Context(), l, f.now)
		f.ok(err)
		f.commit(l, live(l, pageOf("c3", false), day0.Add(50*time.Minute)))
		var rows, answers int
		f.ok(f.read.QueryRow(`SELECT count(*), CAST(sum(answers) AS integer) FROM poll WHERE kind = 'poll'`).Scan(&rows, &answers))
		if rows != 5 || answers != 47 { // 15 + 15 + 15 + 1, and one behind the reset
			t.Errorf("%d answers in %d rows", answers, rows)
		}
		status, err := f.Streams(t.Context(), f.conn)
		f.ok(err)
		if !status[1].Through.Equal(day0.Add(50*time.Minute)) || status[1].Pages != 1 {
			t.Errorf("status %+v", status[1])
		}
		f.clean()
	})
}

func TestTroubles(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.acquire(usages)
		minute := func(n int) time.Time { return day0.Add(time.Duration(n) * time.Minute) }
		refused := evidence.Trouble{Cause: evidence.TokenRefused, State: evidence.StateUnauthorized, Reason: "refused"}
		for i, step := range []struct {
			cause  evidence.Cause
			reason string
		}{{evidence.TokenRefused, "refused"}, {evidence.TokenRefused, "refused"}, {evidence.Unreachable, "no answer"}, {evidence.Unreachable, "no name"}} {
			tr := refused
			tr.From, tr.Cause, tr.Reason = minute(i), step.cause, step.reason
			f.ok(f.SetTrouble(ctx, l, tr))
		}
		f.ok(f.CloseTrouble(ctx, l, minute(9)))
		f.ok(f.CloseTrouble(ctx, l, minute(10)))
		refused.From = minute(20)
		f.ok(f.SetTrouble(ctx, l, refused))
		c := live(l, pageOf("c", false, happening{n: 1, at: day0}), minute(30))
		f.commit(l, c)
		got, err := f.Troubles(ctx, f.conn, usages)
		f.ok(err)
		var said []string
		for _, tr := range got {
			said = append(said, fmt.Sprintf("%s %d-%d", tr.Reason, tr.From.Sub(day0)/time.Minute, tr.To.Sub(day0)/time.Minute))
		}
		if want := "[refused 0-2 no answer 2-3 no name 3-9 refused 20-30]"; fmt.Sprint(said) != want {
			t.Errorf("troubles %v, want %s", said, want)
		}
	})
}

func TestOffAndOn(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.acquire(usages)
		f.ok(f.ForgetToken(ctx, f.ws, f.conn, f.now))
		if _, err := f.Commit(ctx, l, live(l, pageOf("c", false), f.now)); !errors.Is(err, ErrStale) {
			t.Errorf("a page that was on its way when the connection was switched off: %v", err)
		}
		if _, err := f.SealedToken(ctx, f.ws, f.conn); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("the token is still there: %v", err)
		}
		streams, err := f.Streams(ctx, f.conn)
		f.ok(err)
		for _, s := range streams {
			if s.Trouble == nil || s.Trouble.Cause != evidence.SwitchedOff || !s.Trouble.Open() {
				t.Errorf("%s: trouble %+v", s.Stream, s.Trouble)
			}
		}
		c, err := f.Connection(ctx, f.ws, f.conn)
		f.ok(err)
		if !c.OffAt.Equal(f.now) {
			t.Errorf("off at %s", c.OffAt)
		}
		c.OffAt, c.TokenMark = time.Time{}, "beef"
		f.now = f.now.Add(time.Hour)
		f.ok(f.ReplaceToken(ctx, c, []byte("fresh")))
		token, err := f.SealedToken(ctx, f.ws, f.conn)
		f.ok(err)
		streams, err = f.Streams(ctx, f.conn)
		f.ok(err)
		if string(token) != "fresh" || streams[0].Trouble != nil {
			t.Errorf("on again: token %s, trouble %+v", token, streams[0].Trouble)
		}
		other, err := f.EnsureWorkspace(ctx, "other")
		f.ok(err)
		for name, err := range map[string]error{"off": f.ForgetToken(ctx, other, f.conn, f.now),
			"replace": f.ReplaceToken(ctx, evidence.Connection{ID: f.conn, Workspace: other}, nil)} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("%s from another workspace: %v", name, err)
			}
		}
		if _, err := f.SealedToken(ctx, other, f.conn); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("another workspace reads the token: %v", err)
		}
	})
}

func TestBadPagesAndRereads(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.acquire(usages)
		for i := range 25 {
			f.ok(f.KeepBadPage(ctx, l, day0.Add(time.Duration(i)*time.Minute), []byte(strings.Repeat("x", i*10_000)), fmt.Sprint("reason ", i)))
		}
		bad, err := f.BadPages(ctx, f.conn, usages)
		f.ok(err)
		if len(bad) != 20 || bad[0].Reason != "reason 24" || len(bad[0].Body) != maxBadPage || bad[0].Size != 240_000 || bad[19].Reason != "reason 5" {
			t.Errorf("%d bad pages", len(bad))
		}
		for _, hours := range []int{2, 1, 5} {
			f.ok(f.FinishReread(ctx, l, Reconciliation{Age: time.Hour, Span: evidence.Span{From: day0, To: day0.Add(time.Duration(hours) * time.Hour)}, At: f.now, Seen: 5, Known: 4, New: 1}))
		}
		f.ok(f.FinishReread(ctx, l, Reconciliation{Span: evidence.Span{From: day0, To: f.now}, At: f.now}))
		marks, err := f.Rereads(ctx, f.conn, usages)
		f.ok(err)
		if len(marks) != 1 || marks[0].Age != time.Hour || !marks[0].Through.Equal(day0.Add(5*time.Hour)) {
			t.Errorf("marks %+v", marks)
		}
		all, err := f.Reconciliations(ctx, f.conn, usages, 10)
		f.ok(err)
		if len(all) != 4 || all[0].Age != 0 || all[1].Known != 4 || all[1].New != 1 {
			t.Errorf("reconciliations %+v", all)
		}
	})
}
