package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

const erasureID = evidence.ID("er_aaaaaaaaaaaaaaaa")

// twoPeople fills a stream with three pages of Ada's and Bob's events, of which one of Ada's comes again and one of Bob's comes
// again with other bytes that name Ada.
func (f *fixture) twoPeople() Lease {
	f.t.Helper()
	l := f.acquire(usages)
	at := func(n int) time.Time { return day0.Add(time.Duration(n) * time.Hour) }
	pages := [][]happening{
		{{n: 1, at: at(1), person: "adalovelace", note: "adalovelace"}, {n: 2, at: at(2), person: "bob", note: "bob"}, {n: 3, at: at(3), person: "adalovelace", note: "adalovelace"}},
		{{n: 4, at: at(4), person: "bob", note: "bob"}, {n: 5, at: at(5), person: "cy", note: "cy"}},
		{{n: 1, at: at(1), person: "adalovelace", note: "adalovelace"}, {n: 6, at: at(6), person: "adalovelace", note: "adalovelace"}, {n: 4, at: at(4), person: "adalovelace", note: "adalovelace"}},
	}
	for i, p := range pages {
		l = f.commit(l, live(l, pageOf(fmt.Sprint("c", i), true, p...), p[len(p)-1].at)).Lease
	}
	return l
}

// begin begins an erasure.
func (f *fixture) begin() evidence.Erasure {
	f.t.Helper()
	e := evidence.Erasure{ID: erasureID, Workspace: f.ws, Basis: evidence.BasisNoLongerNeeded, Reason: "asked by letter", Subject: `{"emails":["adalovelace@example.com"]}`, BegunAt: day0, BegunBy: "Bob"}
	f.ok(f.BeginErasure(f.t.Context(), e, Activity{Workspace: f.ws, At: day0, Who: "Bob", What: "erase.begin", Subject: string(e.ID)}))
	return e
}

// namesAda reports whether bytes name Ada, as the events of these tests do.
func namesAda(b []byte) bool { return bytes.Contains(bytes.ToLower(b), []byte("adalovelace")) }

// adas finds what is left of Ada.
func (f *fixture) adas() (all []PageTargets) {
	f.t.Helper()
	f.ok(f.FindRecords(f.t.Context(), f.ws, namesAda, namesAda, func(p PageTargets) error {
		all = append(all, p)
		return nil
	}))
	return all
}

// eraseAda does all of an erasure.
func (f *fixture) eraseAda() evidence.Erasure {
	f.t.Helper()
	e := f.begin()
	f.ok(f.EraseRecords(f.t.Context(), e, "Bob", f.adas()))
	f.finish(e)
	return e
}

func (f *fixture) finish(e evidence.Erasure) {
	f.t.Helper()
	e.EndedAt = day0.Add(time.Hour)
	f.ok(f.FinishErasure(f.t.Context(), e, namesAda, Activity{Workspace: f.ws, At: day0, Who: "Bob", What: "erase.run", Subject: string(e.ID)}))
	f.ok(f.Purge(f.t.Context()))
}

// TestErase erases a person and holds that the log still proves every page, that counts add up, that the others are whole, and
// that nothing of her is left.
func TestErase(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.twoPeople()
		before, err := f.Count(ctx, f.query())
		f.ok(err)
		stats, err := f.PageStats(ctx, f.query())
		f.ok(err)
		found := f.adas()
		var places []string
		for _, p := range found {
			places = append(places, fmt.Sprintf("%d%v", p.Page, p.Positions))
		}
		// Event 4 came again with bytes that name Ada, so that its first bytes go too.
		if want := []string{"1[0 2]", "2[0]", "3[0 1 2]"}; !slices.Equal(places, want) {
			t.Fatalf("found at %v, want %v", places, want)
		}
		f.eraseAda()
		f.clean()
		after, err := f.Count(ctx, f.query())
		f.ok(err)
		again, err := f.PageStats(ctx, f.query())
		f.ok(err)
		if after != before || again != stats {
			t.Errorf("counts were %d, %+v and are %d, %+v", before, stats, after, again)
		}
		left := f.query()
		left.Where = []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"erased"}}}
		if n, err := f.Count(ctx, left); err != nil || n != 4 {
			t.Errorf("%d events are counted as erased, want 4 (%v)", n, err)
		}
		var people []string
		for e, err := range f.Verbatim(ctx, f.query()) {
			f.ok(err)
			if e.Odd&evidence.OddErased != 0 && (string(e.Raw) != translog.ErasedRecord || e.Person != (evidence.Person{}) || e.Action != "") {
				t.Errorf("an erased event still says %+v, %s", e.Facts, e.Raw)
			}
			people = append(people, e.Person.Name)
		}
		if !slices.Equal(people, []string{"", "Person bob", "", "", "Person cy", ""}) {
			t.Errorf("people are %q", people)
		}
		if got := f.adas(); len(got) > 0 {
			t.Errorf("still found: %+v", got)
		}
		f.nothingOf("adalovelace")
		leaves := f.leaves()
		if got := kindsOf(leaves); !slices.Equal(got[len(got)-3:], []string{"action", "erase", "action"}) {
			t.Errorf("the log ends with %v", got)
		}
		for _, l := range leaves {
			if l.Kind == translog.KindErase && strings.Contains(strings.ToLower(fmt.Sprint(l.Fields)), "letter") {
				t.Errorf("the leaf tells why in words: %v", l.Fields)
			}
		}
		all, err := f.Erasures(ctx, f.ws)
		f.ok(err)
		if len(all) != 1 || !all[0].Done || all[0].Subject != "" || all[0].Events != 6 || all[0].Pages != 3 {
			t.Errorf("the erasure stands as %+v", all)
		}
		f.ok(f.Rebuild(ctx, f.normalise, nil))
		f.clean()
		if n, err := f.Count(ctx, left); err != nil || n != 4 {
			t.Errorf("made again from the pages, %d events are erased (%v)", n, err)
		}
	})
}

// normalise gives the facts of an event of these tests, as a source would.
func (f *fixture) normalise(_ string, _ evidence.Stream, raw []byte) evidence.Facts {
	var e struct {
		UUID string    `json:"uuid"`
		At   time.Time `json:"timestamp"`
		Note string    `json:"note"`
	}
	f.ok(json.Unmarshal(raw, &e))
	facts := happening{at: e.At, person: e.Note}.facts()
	facts.UUID, facts.Item = e.UUID, ""
	return facts
}

// nothingOf looks into the database's own files for a word; of PostgreSQL it reads every row of every table.
func (f *fixture) nothingOf(word string) {
	f.t.Helper()
	if f.Engine() == "sqlite" {
		files, err := filepath.Glob(filepath.Join(f.cfg.Dir, "*"))
		f.ok(err)
		for _, name := range files {
			if info, err := os.Stat(name); err != nil || info.IsDir() {
				continue
			}
			b, err := os.ReadFile(name)
			f.ok(err)
			if i := bytes.Index(bytes.ToLower(b), []byte(word)); i >= 0 {
				f.t.Errorf("%s still holds %q: %q", filepath.Base(name), word, b[max(0, i-60):min(len(b), i+60)])
			}
		}
		return
	}
	for _, table := range []string{"event", "value", "page", "page_body", "page_salt", "tally", "log_opening", "erasure", "erased_record", "activity", "bad_page", "saved_filter"} {
		var n int
		f.ok(f.read.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table+" t WHERE t::text ILIKE $1", "%"+word+"%").Scan(&n))
		if n > 0 {
			f.t.Errorf("table %s still holds %q", table, word)
		}
	}
}

// TestErasedComesAgain reads again what the source still has: once as a second reading, once as a page that is asked for anew. It
// stays erased, and new events of the same person are kept.
func TestErasedComesAgain(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		l := f.twoPeople()
		f.eraseAda()
		at := func(n int) time.Time { return day0.Add(time.Duration(n) * time.Hour) }
		p := pageOf("c9", true, happening{n: 1, at: at(1), person: "adalovelace", note: "adalovelace"}, happening{n: 2, at: at(2), person: "bob", note: "bob"}, happening{n: 7, at: at(7), person: "bob", note: "bob"})
		c := live(l, p, at(7))
		got := f.commit(l, c)
		if got.New != 1 || got.Duplicates != 2 || got.Conflicts != 0 {
			t.Errorf("%+v", got)
		}
		f.clean()
		if got := f.adas(); len(got) > 0 {
			t.Errorf("it is back: %+v", got)
		}
		body, _, err := f.PageBody(ctx, f.ws, got.Page)
		f.ok(err)
		if !bytes.Contains(body, []byte(translog.ErasedRecord)) || namesAda(body) {
			t.Errorf("the page holds %s", body)
		}
		again := f.commit(got.Lease, live(got.Lease, pageOf("c10", true, happening{n: 8, at: at(8), person: "adalovelace", note: "adalovelace"}), at(8)))
		if again.New != 1 {
			t.Errorf("a new event of hers: %+v", again)
		}
		if left := f.adas(); len(left) != 1 || left[0].Page != again.Page {
			t.Errorf("of hers are left %+v", left)
		}
		f.clean()
		f.ok(f.Rebuild(ctx, f.normalise, nil))
		f.clean()
	})
}

// TestEraseCrashes fails each durable step once: it is done or it is not, the log proves what is there, and going on comes to
// the same end.
func TestEraseCrashes(t *testing.T) {
	for _, c := range []struct {
		step   string
		stored bool
	}{{"records erased", false}, {"leaf added", false}, {"before commit", false}, {"after commit", true}} {
		t.Run("records: "+c.step, func(t *testing.T) {
			both(t, func(t *testing.T, f *fixture) {
				f.twoPeople()
				e := f.begin()
				found := f.adas()
				f.failAt(c.step)
				if err := f.EraseRecords(t.Context(), e, "Bob", found); err == nil {
					t.Error("nothing failed")
				}
				f.fail = nil
				if left := f.adas(); (len(left) == 0) != c.stored {
					t.Errorf("left are %+v", left)
				}
				if left := f.adas(); len(left) > 0 {
					f.ok(f.EraseRecords(t.Context(), e, "Bob", left))
				} else { // whoever does not know that it was done does it again
					f.ok(f.EraseRecords(t.Context(), e, "Bob", found))
				}
				f.finish(e)
				f.clean()
				f.nothingOf("adalovelace")
				n := 0
				for _, l := range f.leaves() {
					if l.Kind == translog.KindErase {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d leaves tell of one step", n)
				}
			})
		})
	}
	for _, c := range []struct {
		step   string
		stored bool
	}{{"derived erased", false}, {"before commit", false}, {"after commit", true}} {
		t.Run("end: "+c.step, func(t *testing.T) {
			both(t, func(t *testing.T, f *fixture) {
				f.twoPeople()
				e := f.begin()
				f.ok(f.EraseRecords(t.Context(), e, "Bob", f.adas()))
				f.failAt(c.step)
				end := Activity{Workspace: f.ws, At: day0, Who: "Bob", What: "erase.run", Subject: string(e.ID)}
				if err := f.FinishErasure(t.Context(), e, namesAda, end); err == nil {
					t.Error("nothing failed")
				}
				f.fail = nil
				all, err := f.Erasures(t.Context(), f.ws)
				f.ok(err)
				if all[0].Done != c.stored {
					t.Errorf("%+v", all)
				}
				if !c.stored {
					f.finish(e)
				}
				f.ok(f.Purge(t.Context()))
				f.clean()
				f.nothingOf("adalovelace")
			})
		})
	}
}

func (f *fixture) failAt(step string) {
	f.fail = func(s string) error {
		if s == step {
			return errCrash
		}
		return nil
	}
}

// TestHoldKeepsFromErasing holds that a hold over one of the events stops the step as a whole.
func TestHoldKeepsFromErasing(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.twoPeople()
		h, a := f.aHold("ho_dddddddddddddddd")
		h.Span = evidence.Span{From: day0.Add(6 * time.Hour), To: day0.Add(7 * time.Hour)} // event 6 alone
		f.ok(f.AddHold(t.Context(), h, a))
		e := f.begin()
		found := f.adas()
		err := f.EraseRecords(t.Context(), e, "Bob", found)
		if evidence.ErrorCode(err) != evidence.Conflict || !strings.Contains(err.Error(), "ho_dddddddddddddddd") {
			t.Errorf("under a hold: %v", err)
		}
		if diff := cmp.Diff(found, f.adas()); diff != "" {
			t.Errorf("something went (-before +after):\n%s", diff)
		}
		h.ReleasedAt, h.ReleasedBy, h.Release = day0, "Ada", "over"
		f.ok(f.ReleaseHold(t.Context(), h, a))
		f.ok(f.EraseRecords(t.Context(), e, "Bob", found))
		f.finish(e)
		f.clean()
	})
}

// TestEraseVersion erases the files of a version of an artifact and holds that its leaf and its review stay, and that what opens
// the commitments to its files is gone.
func TestEraseVersion(t *testing.T) {
	for step, stored := range map[string]bool{"": true, "version erased": false, "leaf added": false, "before commit": false, "after commit": true} {
		t.Run(step, func(t *testing.T) {
			both(t, func(t *testing.T, f *fixture) {
				ctx := t.Context()
				l := f.twoPeople()
				_ = l
				a, err := f.SaveArtifact(ctx, evidence.Artifact{ID: "ar_aaaaaaaaaaaaaaaa", Workspace: f.ws, Kind: evidence.Derived, Recipe: "failed-sign-ins", Title: "T", CreatedAt: day0, Period: evidence.Span{From: day0, To: day0.Add(time.Hour)},
					Latest: evidence.ArtifactVersion{Provenance: []byte(`{"who":"adalovelace"}`), BuiltAt: day0, BuiltBy: "Bob", Files: []evidence.File{{Format: "csv", Media: "text/csv", Size: 3, SHA256: strings.Repeat("ab", 32)}}}})
				f.ok(err)
				e := f.begin()
				all, err := f.Versions(ctx, f.ws)
				f.ok(err)
				if step != "" {
					f.failAt(step)
				}
				err = f.EraseVersion(ctx, e, "Bob", all[0])
				f.fail = nil
				if (err != nil) != (step != "") {
					t.Fatal(err)
				}
				got, err := f.Artifact(ctx, f.ws, a.ID)
				f.ok(err)
				if got.Latest.ErasedAt.IsZero() == stored {
					t.Errorf("%+v", got.Latest)
				}
				if !stored {
					f.ok(f.EraseVersion(ctx, e, "Bob", all[0]))
				}
				if err := f.EraseVersion(ctx, e, "Bob", all[0]); evidence.ErrorCode(err) != evidence.Conflict {
					t.Errorf("twice: %v", err)
				}
				var removed []string
				for range 2 {
					f.ok(f.RemoveErasedFiles(ctx, f.ws, func(sha string, _ int64) error {
						removed = append(removed, sha)
						return nil
					}))
				}
				if !slices.Equal(removed, []string{strings.Repeat("ab", 32)}) {
					t.Errorf("removed %v", removed)
				}
				f.ok(f.EraseRecords(ctx, e, "Bob", f.adas()))
				f.finish(e)
				f.clean()
				f.nothingOf("adalovelace")
				f.nothingOf(strings.Repeat("ab", 32))
				log, err := f.Log(ctx, f.ws)
				f.ok(err)
				for _, c := range all[0].commits {
					if _, err := f.Opening(ctx, log, c); evidence.ErrorCode(err) != evidence.NotFound {
						t.Errorf("the commitment to a file can still be opened: %v", err)
					}
				}
			})
		})
	}
}

// TestNothingIsBuiltMeanwhile refuses an artifact that was made of events which are gone.
func TestNothingIsBuiltMeanwhile(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		f.twoPeople()
		log, err := f.Log(t.Context(), f.ws)
		f.ok(err)
		save := func(asOf int64) error {
			_, err := f.SaveArtifact(t.Context(), evidence.Artifact{ID: evidence.NewID(evidence.PrefixArtifact), Workspace: f.ws, Kind: evidence.Derived, Recipe: "r", Title: "T", CreatedAt: day0, Period: evidence.Span{From: day0, To: day0.Add(time.Hour)},
				Latest: evidence.ArtifactVersion{Provenance: []byte(`{}`), BuiltAt: day0, BuiltBy: "Bob", AsOf: asOf}})
			return err
		}
		f.ok(save(log.Size))
		e := f.begin()
		if err := save(log.Size); evidence.ErrorCode(err) != evidence.Unavailable {
			t.Errorf("while it runs: %v", err)
		}
		f.ok(f.EraseRecords(t.Context(), e, "Bob", f.adas()))
		f.finish(e)
		if err := save(log.Size); evidence.ErrorCode(err) != evidence.Unavailable {
			t.Errorf("made before it: %v", err)
		}
		log, err = f.Log(t.Context(), f.ws)
		f.ok(err)
		f.ok(save(log.Size))
		if err := f.BeginErasure(t.Context(), evidence.Erasure{ID: "er_b", Workspace: f.ws, BegunAt: day0}, Activity{Workspace: f.ws, At: day0}); err != nil {
			t.Error(err)
		}
		if err := f.BeginErasure(t.Context(), evidence.Erasure{ID: "er_c", Workspace: f.ws, BegunAt: day0}, Activity{Workspace: f.ws, At: day0}); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("two at once: %v", err)
		}
	})
}
