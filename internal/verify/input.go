package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/translog"
)

// errNotInBundle says that a recipe asked for what a bundle does not hold.
var errNotInBundle = errors.New("it also tells of other artifacts of the workspace, which a bundle does not hold whole")

// Groups is recipe.Input's. Each event is told as a group of its own.
func (w *view) Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, fn func(recipe.Group) error) error {
	return w.Select(ctx, q, func(e evidence.Event) error {
		g := recipe.Group{Connection: e.Connection, Stream: e.Stream, Events: 1, First: e.At, Last: e.At}
		for _, k := range keys {
			switch k {
			case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
				g.Facts.Action, g.Facts.Type, g.Facts.Result = e.Action, e.Type, e.Result
			case evidence.KeyPerson:
				g.Facts.Person = e.Person
			case evidence.KeyVault:
				g.Facts.Vault = e.Vault
			case evidence.KeyItem:
				g.Facts.Item = e.Item
			case evidence.KeyTarget:
				g.Facts.Target = e.Target
			case evidence.KeyCountry:
				g.Facts.Country = e.Country
			case evidence.KeyIP:
				g.Facts.IP = e.IP
			case evidence.KeyClient:
				g.Facts.Client = e.Client
			default:
				return fmt.Errorf("events cannot be grouped by %s", k)
			}
		}
		return fn(g)
	})
}

// Pages is recipe.Input's.
func (w *view) Pages(_ context.Context, q evidence.Query, fn func(recipe.Page) error) error {
	from, to := bounds(q.Span)
	for _, t := range w.selected(q) {
		fresh := make([]int, len(t.pages))
		for _, p := range t.page {
			fresh[p]++
		}
		order := make([]int, len(t.pages))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(t.pages[a].page, t.pages[b].page) })
		for _, i := range order {
			p := t.pages[i]
			if p.n >= w.asOf || p.low >= to || p.high < from {
				continue
			}
			f := w.v.files[fmt.Sprintf("%s%s/%s/%08d.json", bundle.DirRaw, t.st.key.connection, t.st.key.stream, p.page)]
			err := fn(recipe.Page{Connection: evidence.ID(t.st.key.connection), Stream: evidence.Stream(t.st.key.stream), No: p.page, Sequence: p.leaf.Int("seq"),
				RequestedAt: moment(p.leaf.Int("t_req")), ReceivedAt: moment(p.leaf.Int("t_res")), ServerDate: moment(p.leaf.Int("server_date")), Records: int(p.leaf.Int("n")),
				Events: fresh[i], MinAt: time.UnixMilli(p.low).UTC(), MaxAt: time.UnixMilli(p.high).UTC(), Size: int(p.leaf.Int("len")), SHA256: f.SHA256})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// moment is a time of a leaf; 0 is none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// MissingNumbers is recipe.Input's. That the numbers of a stream go on without a hole was checked leaf by leaf.
func (w *view) MissingNumbers(context.Context, evidence.ID, evidence.Stream, int64, int64) (int64, error) {
	return 0, nil
}

// Troubles is recipe.Input's. The reasons are what the bundle opened.
func (w *view) Troubles(_ context.Context, connection evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error) {
	st := w.v.log.streams[streamKey{string(connection), string(stream)}]
	if st == nil {
		return nil, nil
	}
	var out []evidence.Trouble
	for _, g := range st.gaps {
		if g.n >= w.asOf {
			break
		}
		t := evidence.Trouble{Span: evidence.Span{From: moment(g.leaf.Int("from")), To: moment(g.leaf.Int("to"))}, Cause: evidence.Cause(g.leaf.Text("cause")),
			State: evidence.State(g.leaf.Text("state")), Reason: w.v.opened(g.leaf, "reason_commit")}
		i := slices.IndexFunc(out, func(x evidence.Trouble) bool { return x.Open() && x.From.Equal(t.From) && x.Cause == t.Cause })
		if i >= 0 {
			out[i].To = t.To
			continue
		}
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b evidence.Trouble) int { return a.From.Compare(b.From) })
	return out, nil
}

// Built is recipe.Input's.
func (w *view) Built(context.Context, evidence.ID, evidence.Span) ([]recipe.Built, error) {
	return nil, errNotInBundle
}

// keepGap keeps a leaf about what kept a stream from being read.
func (v *verifier) keepGap(n int64, l translog.Leaf) {
	st := v.stream(l)
	st.gaps = append(st.gaps, againLeaf{n, l})
}
