package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

// leaves gives the whole log of the fixture's workspace.
func (f *fixture) leaves() (all []translog.Leaf) {
	f.t.Helper()
	l, err := f.Log(f.t.Context(), f.ws)
	f.ok(err)
	f.ok(f.EachLeaf(f.t.Context(), l, 0, l.Size, func(_ int64, leaf []byte) error {
		x, err := translog.DecodeLeaf(leaf)
		all = append(all, x)
		return err
	}))
	return all
}

func kindsOf(leaves []translog.Leaf) (kinds []string) {
	for _, l := range leaves {
		kinds = append(kinds, string(l.Kind))
	}
	return kinds
}

// live through a life: pages, answers without records, a lost bookmark, a trouble, a second reading, an artifact that is
// attached and detached, and a line of the trail.
func (f *fixture) aLife() {
	ctx := f.t.Context()
	l := f.acquire(usages)
	at := day0
	next := func() time.Time { at = at.Add(time.Minute); return at }
	l = f.commit(l, live(l, pageOf("c1", true, happening{n: 1, at: day0, person: "ada"}, happening{n: 2, at: day0.Add(time.Second), person: "bob"}), day0.Add(time.Second))).Lease
	for range 3 {
		p := live(l, pageOf("c1", false), next())
		p.ReceivedAt = at
		l = f.commit(l, p).Lease
	}
	f.ok(f.SetTrouble(ctx, l, evidence.Trouble{Span: evidence.Span{From: next()}, Cause: evidence.Unreachable, State: evidence.StateUnreachable, Reason: "ada@example.com cannot be reached"}))
	l = f.commit(l, live(l, pageOf("c2", true, happening{n: 3, at: next(), person: "eve"}), at)).Lease
	l, err := f.ResetCursor(ctx, l, next())
	f.ok(err)
	l = f.commit(l, live(l, pageOf("c3", false, happening{n: 1, at: day0, person: "ada"}, happening{n: 4, at: day0.Add(time.Hour), person: "eve"}), day0.Add(2*time.Hour))).Lease
	f.ok(f.FinishReread(ctx, l, Reconciliation{Age: time.Hour, Span: evidence.Span{From: day0, To: day0.Add(time.Hour)}, At: next(), Seen: 3, Known: 3}))
	a, err := f.SaveArtifact(ctx, evidence.Artifact{ID: evidence.NewID(evidence.PrefixArtifact), Workspace: f.ws, Kind: evidence.Derived, Recipe: "failed-sign-ins",
		Title: "Failed sign-ins", Period: evidence.Span{From: day0, To: day0.Add(time.Hour)}, CreatedAt: day0,
		Latest: evidence.ArtifactVersion{Provenance: []byte(`{}`), Files: []evidence.File{{Format: "csv", Media: "text/csv", Size: 3, SHA256: strings.Repeat("ab", 32)}}, BuiltAt: day0, BuiltBy: "Ada Okafor"}})
	f.ok(err)
	c, err := f.PutControl(ctx, evidence.Control{ID: evidence.NewID(evidence.PrefixControl), Workspace: f.ws, Key: "AC-1", Name: "Access", CreatedAt: day0})
	f.ok(err)
	at1 := evidence.Attachment{ID: evidence.NewID(evidence.PrefixAttachment), Workspace: f.ws, Artifact: a.ID, Target: evidence.Target{Control: c.ID}, Strength: evidence.Strong, Reason: "Ada says so", AttachedAt: day0, AttachedBy: "Ada Okafor"}
	f.ok(f.Attach(ctx, at1))
	f.ok(f.Detach(ctx, f.ws, at1.ID, day0, "Bob Lind", "wrong control"))
	f.ok(f.AddActivity(ctx, Activity{Workspace: f.ws, At: day0, Who: "Ada Okafor", What: "artifact.attach", Subject: string(a.ID), Detail: "for ada@example.com"}))
	f.ok(f.ForgetToken(ctx, f.ws, f.conn, next()))
}

// TestLogTellsAll lives through all that the log is about and looks whether it tells of it, in order, in one chain each,
// and of no person.
func TestLogTellsAll(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.aLife()
		leaves := f.leaves()
		got := kindsOf(leaves)
		want := []string{"genesis", "connection", "page", "gap", "polls", "page", "gap", "reset", "page", "reconcile",
			"artifact", "config", "attach", "detach", "action", "connection", "gap", "gap"}
		if !slices.Equal(got, want) {
			t.Errorf("the log tells\n%v, want\n%v", got, want)
		}
		for _, l := range leaves {
			text := fmt.Sprint(l.Fields)
			for _, person := range []string{"Ada", "Okafor", "ada@", "Bob", "wrong control"} {
				if strings.Contains(text, person) {
					t.Errorf("a leaf of kind %s tells of a person: %s", l.Kind, text)
				}
			}
			if l.Kind == translog.KindPolls && (l.Int("count") != 3 || l.Int("seq") != 4) {
				t.Errorf("three answers without records are entered as %v", l.Fields)
			}
		}
		f.opens(leaves)
		f.clean()
		m, err := f.MarkLog(t.Context(), f.ws)
		f.ok(err)
		if m.Log.Size != int64(len(leaves)) || len(m.Covered[StreamKey{f.conn, usages}]) == 0 {
			t.Errorf("the mark is %+v", m)
		}
	})
}

// opens looks whether every commitment can be opened to what it commits to.
func (f *fixture) opens(leaves []translog.Leaf) {
	f.t.Helper()
	l, err := f.Log(f.t.Context(), f.ws)
	f.ok(err)
	n := 0
	for _, leaf := range leaves {
		for name := range leaf.Fields {
			if !strings.HasSuffix(name, "_commit") {
				continue
			}
			o, err := f.Opening(f.t.Context(), l, leaf.Hash(name))
			f.ok(err)
			if translog.Commit(o.Tag, o.Salt, o.Value) != leaf.Hash(name) {
				f.t.Errorf("%s of a leaf of kind %s does not open", name, leaf.Kind)
			}
			n++
		}
	}
	if n < 10 {
		f.t.Errorf("only %d commitments were opened", n)
	}
}

// TestWaitingPolls looks at what makes answers without records enter the log.
func TestWaitingPolls(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		l := f.acquire(usages)
		l = f.commit(l, live(l, pageOf("c1", false, happening{n: 1, at: day0}), day0.Add(time.Minute))).Lease
		for i := range 40 {
			p := live(l, pageOf("c1", false), day0.Add(time.Duration(i+2)*time.Minute))
			p.ReceivedAt = day0.Add(time.Duration(i+2) * time.Minute)
			l = f.commit(l, p).Lease
		}
		sizes := []int64{}
		seq := int64(1)
		_, err := f.MarkLog(t.Context(), f.ws)
		f.ok(err)
		for _, leaf := range f.leaves() {
			if leaf.Kind == translog.KindPolls {
				sizes = append(sizes, leaf.Int("count"))
				if seq += leaf.Int("count"); leaf.Int("seq") != seq {
					t.Errorf("a leaf ends with number %d, want %d", leaf.Int("seq"), seq)
				}
			}
		}
		if !slices.Equal(sizes, []int64{15, 15, 10}) {
			t.Errorf("40 answers a minute apart are entered as %v", sizes)
		}
		f.clean()
	})
}

// TestAdopt takes the log away, as if the evidence had been stored before there was one, and opens the store again.
func TestAdopt(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.aLife()
		f.forgetLog()
		f.ok(f.Close())
		f.open()
		leaves := f.leaves()
		kinds := kindsOf(leaves)
		if kinds[1] != "adopt" || kinds[len(kinds)-1] != "adopt-end" {
			t.Errorf("what was there before is entered as %v", kinds)
		}
		for _, l := range leaves[2 : len(leaves)-1] {
			if !l.Bool("entered") {
				t.Errorf("a leaf of kind %s does not say that it was entered later", l.Kind)
			}
		}
		if end := leaves[len(leaves)-1]; end.Int("pages") != 3 || end.Int("artifacts") != 1 || end.Int("attachments") != 1 || end.Int("actions") != 1 {
			t.Errorf("it counts %v", end.Fields)
		}
		f.clean()
		f.ok(f.Close())
		f.open()
		if again := f.leaves(); len(again) != len(leaves) {
			t.Errorf("the next start enters it again: %d leaves instead of %d", len(again), len(leaves))
		}
		l := f.acquire(usages)
		f.commit(l, live(l, pageOf("c9", false, happening{n: 9, at: day0.Add(3 * time.Hour)}), day0.Add(4*time.Hour)))
		f.clean()
	})
}

// TestAdoptCrashes fails in the middle of it and at its end.
func TestAdoptCrashes(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.aLife()
		f.forgetLog()
		for step, stored := range map[string]bool{"leaf added": false, "before commit": false} {
			n := 0
			f.fail = func(s string) error {
				if n++; s == step && n > 5 {
					return errCrash
				}
				return nil
			}
			if err := f.adopt(t.Context()); err == nil {
				t.Errorf("%s: nothing failed", step)
			}
			f.fail = nil
			if l, err := f.Log(t.Context(), f.ws); err != nil || (l.Size > 0) != stored {
				t.Errorf("%s: the log has %d leaves, %v", step, l.Size, err)
			}
		}
		f.ok(f.adopt(t.Context()))
		f.clean()
	})
}

// forgetLog makes the database look as the migration leaves an older one.
func (f *fixture) forgetLog() {
	f.t.Helper()
	for _, q := range []string{"DELETE FROM log_leaf", "DELETE FROM log_node", "DELETE FROM log_chain", "DELETE FROM log_opening", "DELETE FROM log_pending",
		"DELETE FROM page_salt", "UPDATE log SET size = 0, last_at = 0, adopt = 1, origin = ''"} {
		_, err := f.write.ExecContext(context.Background(), q)
		f.ok(err)
	}
}

// TestCheckSeesLog changes the log behind the store's back.
func TestCheckSeesLog(t *testing.T) {
	for name, change := range map[string]string{
		"a leaf":         "UPDATE log_leaf SET data = (SELECT data FROM log_leaf WHERE id % 1099511627776 = 4) WHERE id % 1099511627776 = 3",
		"a node":         "UPDATE log_node SET hashes = (SELECT hashes FROM log_node WHERE id % 1099511627776 = 4) WHERE id % 1099511627776 = 2",
		"a missing leaf": "DELETE FROM log_leaf WHERE id % 1099511627776 = 5",
		"salts":          "UPDATE page_salt SET salts = (SELECT salts FROM page_salt ORDER BY page DESC LIMIT 1)",
		"the size":       "UPDATE log SET size = size - 1",
		"a chain":        "UPDATE log_chain SET record = ''",
		"a page":         "DELETE FROM page_salt",
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, f *fixture) {
				f.aLife()
				_, err := f.write.ExecContext(t.Context(), change)
				f.ok(err)
				results, err := f.Check(t.Context(), nil)
				f.ok(err)
				for _, r := range results {
					if r.Name == "log" && r.OK {
						t.Errorf("it is not seen: %s", r.Detail)
					}
				}
			})
		})
	}
}

// TestProofs proves every leaf and every prefix of a log from what is stored.
func TestProofs(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.aLife()
		l, err := f.Log(t.Context(), f.ws)
		f.ok(err)
		nodes := f.LogNodes(t.Context(), l)
		root, err := translog.Root(l.Size, nodes)
		f.ok(err)
		for n := range l.Size {
			leaf, err := f.Leaf(t.Context(), l, n)
			f.ok(err)
			p, err := translog.ProveLeaf(l.Size, n, nodes)
			f.ok(err)
			f.ok(translog.CheckLeaf(p, l.Size, root, n, translog.LeafHash(leaf)))
			old, err := translog.Root(n+1, nodes)
			f.ok(err)
			c, err := translog.ProveConsistency(l.Size, n+1, nodes)
			f.ok(err)
			f.ok(translog.CheckConsistency(c, l.Size, root, n+1, old))
		}
	})
}
