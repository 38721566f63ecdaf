package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

// TestVouchers keeps what became of asking witnesses: that one fails, and since when, does not erase what he signed before.
func TestVouchers(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.ok(f.EnsureLog(ctx, f.ws))
		l, err := f.Log(ctx, f.ws)
		f.ok(err)
		good := Voucher{Kind: VoucherWitness, Name: "w", URL: "https://w.example.com", Size: 7, GoodAt: day0}
		bad := Voucher{Kind: VoucherWitness, Name: "w", URL: good.URL, FailedAt: day0.Add(time.Hour), Failure: "no answer"}
		later := bad
		later.FailedAt, later.Failure = day0.Add(2*time.Hour), "still none"
		for i, step := range []struct {
			note  Voucher
			first bool
			want  Voucher
		}{
			{good, false, good},
			{bad, true, Voucher{VoucherWitness, "w", good.URL, 7, day0, bad.FailedAt, "no answer"}},
			{later, false, Voucher{VoucherWitness, "w", good.URL, 7, day0, bad.FailedAt, "still none"}},
			{good, false, good},
			{later, true, Voucher{VoucherWitness, "w", good.URL, 7, day0, later.FailedAt, "still none"}},
		} {
			first, err := f.NoteVoucher(ctx, l, step.note)
			f.ok(err)
			all, err := f.Vouchers(ctx, l)
			f.ok(err)
			if diff := cmp.Diff([]Voucher{step.want}, all); diff != "" || first != step.first {
				t.Errorf("step %d (first %t): %s", i, first, diff)
			}
		}
		_, err = f.NoteVoucher(ctx, l, Voucher{Kind: VoucherTSA, Name: "t", URL: "t", GoodAt: day0})
		f.ok(err)
		f.ok(f.RemoveVoucher(ctx, l, good))
		if all, err := f.Vouchers(ctx, l); err != nil || len(all) != 1 || all[0].Kind != VoucherTSA {
			t.Errorf("one of two was removed: %v %v", all, err)
		}
	})
}

// TestTimeStampIsInTheLog stores a token with the leaf that tells of it, or neither.
func TestTimeStampIsInTheLog(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.ok(f.EnsureLog(ctx, f.ws))
		l, err := f.Log(ctx, f.ws)
		f.ok(err)
		if _, ok, err := f.LastStamped(ctx, l); ok || err != nil {
			t.Fatalf("before the first: %t %v", ok, err)
		}
		if _, err := f.Checkpoint(ctx, l, 1); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("no checkpoint: %v", err)
		}
		c := Checkpoint{Size: 1, At: day0, Note: []byte("signed")}
		f.ok(f.AddCheckpoint(ctx, l, c))
		c.Token, c.StampedAt = []byte("token"), day0.Add(time.Second)
		if err := f.AddTimeStamp(ctx, f.ws, c, translog.Fields{"size": "one"}); err == nil {
			t.Error("a leaf that cannot be was entered")
		}
		if _, ok, err := f.LastStamped(ctx, l); ok || err != nil {
			t.Fatalf("the token is stored without its leaf: %v", err)
		}
		h := translog.Hash{1}.String()
		f.ok(f.AddTimeStamp(ctx, f.ws, c, translog.Fields{"size": int64(1), "checkpoint_sha": h, "tst_sha": h}))
		f.ok(f.AddCheckpoint(ctx, l, Checkpoint{Size: 1, At: day0, Note: []byte("signed by another process")}))
		got, ok, err := f.LastStamped(ctx, l)
		if diff := cmp.Diff(c, got); !ok || err != nil || diff != "" {
			t.Errorf("%t %v %s", ok, err, diff)
		}
		now, err := f.Log(ctx, f.ws)
		f.ok(err)
		leaf, err := f.Leaf(ctx, now, now.Size-1)
		f.ok(err)
		if x, err := translog.DecodeLeaf(leaf); err != nil || x.Kind != translog.KindAnchor || now.Size != l.Size+1 {
			t.Errorf("the last leaf of %d is %s: %v", now.Size, leaf, err)
		}
	})
}
