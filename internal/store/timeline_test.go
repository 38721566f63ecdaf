package store

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestTimelineQueries(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		at := func(hours int) time.Time { return day0.Add(time.Duration(hours) * time.Hour) }
		l := f.acquire(usages)
		done := f.commit(l, live(l, pageOf("c1", true, happening{n: 1, at: at(1), person: "ada"}, happening{n: 2, at: at(5), person: "bob"}), at(6)))
		l, err := f.ResetCursor(ctx, done.Lease, at(3))
		f.ok(err)
		for from := range 3 {
			f.ok(f.FinishReread(ctx, l, Reconciliation{Age: time.Hour, Span: evidence.Span{From: at(2 * from), To: at(2*from + 2)}, At: at(9), Seen: int64(from)}))
		}

		resets, err := f.Resets(ctx, f.conn, usages, evidence.Span{From: at(3), To: at(4)})
		f.ok(err)
		if len(resets) != 1 || !resets[0].Equal(at(3)) {
			t.Errorf("resets %v", resets)
		}
		if resets, err = f.Resets(ctx, f.conn, usages, evidence.Span{From: at(2), To: at(3)}); err != nil || len(resets) != 0 {
			t.Errorf("a reset at the end of a span is in it: %v, %v", resets, err)
		}
		all, err := f.ReconciliationsWithin(ctx, f.conn, usages, evidence.Span{From: at(2), To: at(3)})
		f.ok(err)
		if len(all) != 1 || all[0].Seen != 1 {
			t.Errorf("what touches the span is %+v, want the one that begins with it", all)
		}
		for _, test := range []struct{ from, to, before, after int }{{1, 5, 0, 5}, {2, 5, 1, 5}, {2, 6, 1, 0}, {0, 1, 0, 1}} {
			before, after, err := f.Around(ctx, f.conn, usages, evidence.Span{From: at(test.from), To: at(test.to)})
			f.ok(err)
			if !marks(before, at(test.before), test.before > 0) || !marks(after, at(test.after), test.after > 0) {
				t.Errorf("around %d to %d: %v, %v", test.from, test.to, before, after)
			}
		}
		came, err := f.Arrivals(ctx, f.ws, []int64{done.Page, done.Page + 1000})
		f.ok(err)
		if len(came) != 1 || came[done.Page].IsZero() {
			t.Errorf("pages came %v", came)
		}
		if came, err = f.Arrivals(ctx, "ws_other", []int64{done.Page}); err != nil || len(came) != 0 {
			t.Errorf("another workspace learns when a page came: %v, %v", came, err)
		}
	})
}

func marks(m *evidence.EventMark, at time.Time, there bool) bool {
	return (m != nil) == there && (m == nil || m.At.Equal(at) && m.Page > 0)
}
