package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/translog"
)

// errNotInBundle says that a recipe asked for what a bundle does not hold.
var errNotInBundle = errors.New("it also tells of other artifacts of the workspace, which a bundle does not hold whole")

// groupKey tells groups apart by the numbers of their values. What is not asked for is 0.
type groupKey struct {
	what uint16
	ids  [7]uint32 // as many as there are kinds of values in the index
}

// grouping makes keys of the events of one stream.
type grouping struct {
	t       *track
	what    bool // by action, type or result: who asks for one gets all
	columns []column
}

func (t *track) grouping(keys []evidence.Key) (grouping, error) {
	g := grouping{t: t}
	for _, k := range keys {
		c, ok := t.known.column(k)
		switch {
		case k == evidence.KeyAction || k == evidence.KeyType || k == evidence.KeyResult:
			g.what = true
		case !ok || len(g.columns) == len(groupKey{}.ids):
			return g, fmt.Errorf("events cannot be grouped by %s", k)
		default:
			g.columns = append(g.columns, c)
		}
	}
	return g, nil
}

// key gives the numbers of an event's values, and false if one of them has none.
func (g grouping) key(e uint32) (key groupKey, ok bool) {
	if g.what {
		key.what = g.t.what[e]
	}
	for i, c := range g.columns {
		if key.ids[i] = c.at(e); key.ids[i] == elsewhere {
			return key, false
		}
	}
	return key, true
}

// groupsAtOnce bounds how many groups wait in memory; those that come again are told again.
const groupsAtOnce = 1 << 15

// Groups is recipe.Input's. An event some value of which found no room in the index is told as a group of its own.
func (w *view) Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, fn func(recipe.Group) error) error {
	for _, t := range w.selected(q) { // a group is of one stream
		q.Connections, q.Streams = []evidence.ID{evidence.ID(t.st.key.connection)}, []evidence.Stream{evidence.Stream(t.st.key.stream)}
		by, err := t.grouping(keys)
		if err != nil {
			return err
		}
		groups := map[groupKey]*recipe.Group{}
		err = w.each(ctx, q, func(c *cursor, e uint32) error {
			at := time.UnixMilli(t.at[e]).UTC()
			key, ok := by.key(e)
			if g := groups[key]; ok && g != nil {
				g.Events++
				g.Last = at // they come in order of time
				return nil
			}
			f, err := w.factsOf(c, e)
			if err != nil {
				return err
			}
			g := &recipe.Group{Connection: q.Connections[0], Stream: q.Streams[0], Events: 1, First: at, Last: at, Facts: only(f, keys)}
			if !ok {
				return fn(*g)
			}
			if len(groups) == groupsAtOnce {
				if err := tell(groups, fn); err != nil {
					return err
				}
			}
			groups[key] = g
			return nil
		})
		if err == nil {
			err = tell(groups, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell tells of groups and forgets them.
func tell(groups map[groupKey]*recipe.Group, fn func(recipe.Group) error) error {
	for _, g := range groups {
		if err := fn(*g); err != nil {
			return err
		}
	}
	clear(groups)
	return nil
}

// factsOf gives what is known of an event without its uuid and oddities, from its page if the index does not know all of it.
func (w *view) factsOf(c *cursor, e uint32) (evidence.Facts, error) {
	var f evidence.Facts
	if w.facts(c.t, e, &f) {
		return f, nil
	}
	x, err := w.event(c, e)
	return x.Facts, err
}

// only gives the facts that keys ask for.
func only(f evidence.Facts, keys []evidence.Key) evidence.Facts {
	var out evidence.Facts
	for _, k := range keys {
		switch k {
		case evidence.KeyAction, evidence.KeyType, evidence.KeyResult:
			out.Action, out.Type, out.Result = f.Action, f.Type, f.Result
		case evidence.KeyPerson:
			out.Person = f.Person
		case evidence.KeyVault:
			out.Vault = f.Vault
		case evidence.KeyItem:
			out.Item = f.Item
		case evidence.KeyTarget:
			out.Target = f.Target
		case evidence.KeyCountry:
			out.Country = f.Country
		case evidence.KeyIP:
			out.IP = f.IP
		case evidence.KeyClient:
			out.Client = f.Client
		}
	}
	return out
}

// Pages is recipe.Input's.
func (w *view) Pages(_ context.Context, q evidence.Query, fn func(recipe.Page) error) error {
	from, to := bounds(q.Span)
	for _, t := range w.selected(q) {
		w.lost(t, from, to)
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
			size, sha := p.leaf.Int("len"), w.v.files[w.v.pathOf(t.st, p)].SHA256
			if p.sha != "" {
				size, sha = p.size, p.sha
			}
			err := fn(recipe.Page{Connection: evidence.ID(t.st.key.connection), Stream: evidence.Stream(t.st.key.stream), No: p.page, Sequence: p.leaf.Int("seq"),
				RequestedAt: moment(p.leaf.Int("t_req")), ReceivedAt: moment(p.leaf.Int("t_res")), ServerDate: moment(p.leaf.Int("server_date")), Records: int(p.leaf.Int("n")),
				Events: fresh[i], MinAt: time.UnixMilli(p.low).UTC(), MaxAt: time.UnixMilli(p.high).UTC(), Size: int(size), SHA256: sha})
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

// Built is recipe.Input's. It fails if the bundle does not open what it needs.
func (w *view) Built(_ context.Context, _ evidence.ID, span evidence.Span) ([]recipe.Built, error) {
	var out []recipe.Built
	for id, versions := range w.v.log.arts {
		var newest *artLeaf
		for i := range versions {
			if versions[i].n < w.asOf {
				newest = &versions[i]
			}
		}
		if newest == nil || w.v.outOfUse(id, newest.n, w.asOf) != "" {
			continue
		}
		l := newest.leaf
		period, _ := l.Span("period")
		b := recipe.Built{Artifact: evidence.ID(id), Recipe: l.Text("recipe"), Title: w.v.opened(l, "title_commit"), Version: int(l.Int("version")), Result: evidence.Completeness(l.Text("result")),
			Rows: l.Int("rows"), Period: evidence.Span{From: moment(period.From), To: moment(period.To)}, At: moment(l.Int("built")), By: w.v.opened(l, "actor_commit")}
		if b.Period.Intersect(span).Empty() {
			continue
		}
		if _, ok := w.v.openings[l.Text("title_commit")]; !ok {
			return nil, errNotInBundle
		}
		var err error
		if b.For, err = w.attachedTo(id); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b recipe.Built) int {
		return cmp.Or(cmp.Compare(a.Recipe, b.Recipe), a.Period.From.Compare(b.Period.From), a.Period.To.Compare(b.Period.To), cmp.Compare(a.Artifact, b.Artifact))
	})
	return out, nil
}

// attachedTo gives the keys of the controls, then of the actions, that an artifact was attached to.
func (w *view) attachedTo(artifact string) ([]string, error) {
	var controls, actions []string
	for _, a := range w.v.log.attaches {
		if a.n >= w.asOf || a.until < w.asOf || a.leaf.Text("artifact") != artifact {
			continue
		}
		for field, into := range map[string]*[]string{"control": &controls, "action": &actions} {
			id := a.leaf.Text(field)
			if id == "" {
				continue
			}
			key, err := w.keyOf(id)
			if err != nil {
				return nil, err
			}
			*into = append(*into, key)
		}
	}
	slices.Sort(controls)
	slices.Sort(actions)
	return slices.Concat(controls, actions), nil
}

// keyOf gives the key of a control or action as it was set up then.
func (w *view) keyOf(id string) (string, error) {
	var thing struct{ Key string }
	for _, t := range w.v.log.things[id] {
		o, ok := w.v.openings[t.leaf.Text("after_commit")]
		if t.n >= w.asOf || !ok {
			continue
		}
		if err := json.Unmarshal([]byte(o.Value), &thing); err != nil {
			return "", errNotInBundle
		}
	}
	if thing.Key == "" {
		return "", errNotInBundle
	}
	return thing.Key, nil
}

// keepGap keeps a leaf about what kept a stream from being read.
func (v *verifier) keepGap(n int64, l translog.Leaf) {
	st := v.stream(l)
	st.gaps = append(st.gaps, againLeaf{n, l})
}
