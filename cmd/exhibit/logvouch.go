package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/logbook"
	"github.com/exhibithq/exhibit/internal/store"
)

type logVouchCmd struct{}

// errNotVouched ends with exit code 1; who does not was printed.
var errNotVouched = errors.New("not everybody who is asked vouches for the log")

type voucherJSON struct {
	Kind        string   `json:"kind"`
	Name        string   `json:"name"`
	Key         string   `json:"key,omitempty"`
	URL         string   `json:"url"`
	Size        int64    `json:"size"`
	VouchedAt   jsonTime `json:"vouched_at"`
	FailedSince jsonTime `json:"failed_since"`
	Failure     string   `json:"failure"`
}

func voucherOut(v store.Voucher) voucherJSON {
	out := voucherJSON{Kind: v.Kind, Name: logbook.VoucherName(v), URL: v.URL, Size: v.Size, VouchedAt: jsonTime(v.GoodAt), FailedSince: jsonTime(v.FailedAt), Failure: v.Failure}
	if v.Kind == store.VoucherWitness {
		out.Key = v.Name
	}
	return out
}

func (c *logVouchCmd) Run(ctx context.Context, g *Globals) error {
	return g.with(ctx, func(a *app.App) error {
		if _, err := a.Log.Checkpoint(ctx, a.Workspace); err != nil {
			return err
		}
		if err := a.Log.Attest(ctx, a.Workspace); err != nil {
			return err
		}
		st, err := a.Log.Status(ctx, a.Workspace, 1)
		if err != nil {
			return err
		}
		if g.JSON {
			out := []voucherJSON{}
			for _, v := range st.Vouchers {
				out = append(out, voucherOut(v))
			}
			err = g.printJSON(map[string]any{"size": st.Checkpoints[0].Size, "root": st.Checkpoints[0].Root.String(), "vouchers": out})
		} else {
			err = g.printVouchers(st)
		}
		if err == nil && slices.ContainsFunc(st.Vouchers, func(v store.Voucher) bool { return !v.FailedAt.IsZero() }) {
			err = errNotVouched
		}
		return err
	})
}

func (g *Globals) printVouchers(st logbook.Status) error {
	fmt.Fprintf(g.out, "The log is at %s.\n", st.Checkpoints[0].Pin())
	if len(st.Vouchers) == 0 {
		fmt.Fprintln(g.out, "Nobody is asked to vouch for it. Name witnesses with --witness URL#VKEY, a time-stamping authority with --tsa URL.")
		return nil
	}
	t := newTable(g.out, "kind", "name", "leaves", "vouched", "fails since", "reason")
	for _, v := range st.Vouchers {
		t.row(v.Kind, logbook.VoucherName(v), count(v.Size), moment(v.GoodAt), moment(v.FailedAt), v.Failure)
	}
	return t.flush()
}
