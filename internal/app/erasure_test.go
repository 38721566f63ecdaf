package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/erasure"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// Bo is the person of these tests who is erased.
const (
	boUUID  = "BOBERGBOBERGBOBERGBOBERG22"
	boName  = "Bo Bergqvist"
	boEmail = "bo.bergqvist@example.com"
)

// withBo makes every third event Bo's.
func withBo(stream evidence.Stream, n int, at time.Time) string {
	s := eventOf(stream, n, at)
	if n%3 != 1 {
		return s
	}
	return strings.NewReplacer(`"U1"`, `"`+boUUID+`"`, "Ada Okafor", boName, "ada@example.com", "Bo.Bergqvist\\u0040example.com").Replace(s)
}

func (s *story) erase() evidence.Erasure {
	s.t.Helper()
	e, err := s.Erasure.Run(s.t.Context(), s.ada(), erasure.RunRequest{Subject: boEmail, Basis: evidence.BasisNoLongerNeeded, Reason: "left the company"}, nil)
	s.ok(err)
	return e
}

// nothingOfBo looks for Bo in every file of the data directory.
func (s *story) nothingOfBo(dir string) {
	s.t.Helper()
	s.ok(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, word := range []string{boUUID, boName, boEmail, "Bergqvist"} {
			if i := bytes.Index(bytes.ToLower(b), []byte(strings.ToLower(word))); i >= 0 {
				s.t.Errorf("%s still holds %q: %q", filepath.Base(path), word, b[max(0, i-80):min(len(b), i+80)])
			}
		}
		return err
	}))
}

// TestErasureKeepsProofs erases a person and holds that the bundle still verifies: what was made before is unchanged and said to
// be no longer derivable, what tells of the person is gone, and what is built anew is made again byte for byte.
func TestErasureKeepsProofs(t *testing.T) {
	s := newStoryOf(t, app.Config{}, withBo)
	plan, err := s.Erasure.Plan(t.Context(), s.ada(), strings.ToUpper(boEmail))
	s.ok(err)
	if plan.Records != 15 || len(plan.Streams) != 3 || !slices.Equal(plan.Subject.UUIDs, []string{boUUID}) || !slices.Equal(plan.Subject.Names, []string{boName}) || len(plan.Artifacts) != 1 || plan.Held() != "" {
		t.Fatalf("the plan: %+v", plan)
	}
	e := s.erase()
	if !e.Done || e.Events != 15 || e.Artifacts != 1 || e.Subject != "" {
		t.Errorf("%+v", e)
	}
	s.bundle()
	r := s.verify(s.bytes, verify.Options{Policy: s.policy})
	if r.Verdict != verify.Authentic || !r.Complete || r.Reproduced || r.Erased != 15 || r.Emptied != 1 || r.Events != 45 || r.Pages != 9 {
		t.Fatalf("%+v", r)
	}
	said := strings.Join(r.NotProven, "\n")
	for _, want := range []string{"its content was erased", "events that it was made from were erased later", "Some events were erased with the data of a person"} {
		if !strings.Contains(said, want) {
			t.Errorf("the report does not say %q:\n%s", want, said)
		}
	}
	for name, b := range s.forge().parts {
		for _, word := range []string{boUUID, "Bergqvist"} {
			if bytes.Contains(b, []byte(word)) || bytes.Contains(b, []byte(base64.StdEncoding.EncodeToString([]byte(word)))) {
				t.Errorf("%s of the bundle tells of %s", name, word)
			}
		}
	}
	again, err := s.Artifacts.Build(t.Context(), "Ada Okafor", s.Workspace, artifact.BuildRequest{Recipe: "failed-sign-ins", Span: evidence.Span{From: storyStart, To: storyEnd}})
	s.ok(err)
	if again.Unchanged || again.Artifact.Latest.Version != 2 || again.Artifact.Latest.Population != 10 {
		t.Errorf("built anew: %+v", again.Artifact.Latest)
	}
	if _, _, err := s.Artifacts.File(t.Context(), "Ada", s.Workspace, again.Artifact.ID, 1, "csv"); evidence.ErrorCode(err) != evidence.NotFound || !strings.Contains(err.Error(), "was erased") {
		t.Errorf("the file of the erased version: %v", err)
	}
	_, err = s.Artifacts.Build(t.Context(), "Ada Okafor", s.Workspace, artifact.BuildRequest{Recipe: "coverage", Span: evidence.Span{From: storyStart, To: storyEnd}})
	s.ok(err)
	s.bundle()
	r = s.verify(s.bytes, verify.Options{Policy: s.policy})
	if r.Verdict != verify.Authentic || !r.Reproduced || r.Artifacts != 2 || r.Emptied != 0 {
		t.Fatalf("after building anew: %+v", r)
	}
	results, err := s.Store.Check(t.Context(), nil)
	s.ok(err)
	for _, c := range results {
		if !c.OK {
			t.Errorf("check of %s: %s", c.Name, c.Detail)
		}
	}
}

// TestErasureLeavesNothing looks into every file of database and objects.
func TestErasureLeavesNothing(t *testing.T) {
	s := newStoryOf(t, app.Config{}, withBo)
	s.erase()
	s.nothingOfBo(s.cfg.Data)
}

// TestErasureAttacks shows redactions that the log does not explain.
func TestErasureAttacks(t *testing.T) {
	s := newStoryOf(t, app.Config{}, withBo)
	s.erase()
	s.bundle()
	page := func(f *forgery) string { return f.part(bundle.DirRaw, ".redacted") }
	redact := func(f *forgery, change func([]translog.Segment)) {
		segments, err := translog.DecodeRedacted(f.parts[page(f)])
		f.ok(err)
		change(segments)
		f.parts[page(f)], err = translog.EncodeRedacted(segments)
		f.ok(err)
		f.relog()
	}
	for _, a := range []attack{
		{"a record is missing that no leaf tells of", "erased_unexplained", func(f *forgery) {
			redact(f, func(x []translog.Segment) {
				x[1] = translog.Segment{Erased: true, Commit: translog.Commit(translog.TagEvent, x[1].Salt, x[1].Bytes), At: x[3].At}
			})
		}},
		{"the leaf of the erasure is left out", "erased_unexplained", func(f *forgery) {
			f.drop(f.find(translog.KindErase, 1))
			f.m.AsOf--
			for _, l := range f.leaves {
				if l.Kind == translog.KindCoverage {
					setText(l, "as_of", f.m.AsOf)
				}
			}
			f.m.Redactions = nil
			f.relog()
		}},
		{"the leaf names other records", "erased_unexplained", func(f *forgery) {
			for _, x := range f.leaves[f.find(translog.KindErase, 1)].List("targets") {
				x.(translog.Fields)["segments"] = []any{int64(1)}
			}
			for i := range f.m.Redactions {
				f.m.Redactions[i].Segments = []int64{1}
			}
			f.relog()
		}},
		{"the leaf names the gap between records", "erase_target", func(f *forgery) {
			f.leaves[f.find(translog.KindErase, 1)].List("targets")[0].(translog.Fields)["segments"] = []any{int64(2)}
			f.relog()
		}},
		{"the leaf names records that the page does not have", "erase_target", func(f *forgery) {
			target := f.leaves[f.find(translog.KindErase, 1)].List("targets")[0].(translog.Fields)
			target["segments"] = append(target["segments"].([]any), int64(99))
			f.relog()
		}},
		{"the leaf names a page that is not there", "erase_target", func(f *forgery) {
			l := f.leaves[f.find(translog.KindErase, 1)]
			l.Fields["targets"] = append(l.List("targets"), translog.Fields{"page": strings.Repeat("ab", 32), "segments": []any{int64(1)}})
			f.relog()
		}},
		{"the leaf names a version that is not there", "erase_target", func(f *forgery) {
			l := f.leaves[f.find(translog.KindErase, 0)]
			l.List("targets")[0].(translog.Fields)["version"] = int64(9)
			f.relog()
		}},
		{"a whole page is shown as a redacted one", "redacted_needless", func(f *forgery) {
			f.leaves[f.find(translog.KindErase, 1)].Fields["targets"] = []any{f.leaves[f.find(translog.KindErase, 1)].List("targets")[1]}
			f.m.Redactions = f.m.Redactions[1:]
			redact(f, func(x []translog.Segment) {
				for i := range x {
					if x[i].Erased {
						x[i] = translog.Segment{Bytes: []byte(`{"uuid":"X"}`)}
					}
				}
			})
		}},
		{"an erased record is shown", "erased_shown", func(f *forgery) {
			redact(f, func(x []translog.Segment) {
				for i := range x {
					if x[i].Erased {
						x[i] = translog.Segment{Bytes: []byte(`{"uuid":"X"}`)}
					}
				}
			})
		}},
		{"another record stands in the place of the commitment", "page_changed", func(f *forgery) {
			redact(f, func(x []translog.Segment) {
				for i := range x {
					x[i].Commit[0] ^= 1
				}
			})
		}},
		{"a kept record is changed", "page_changed", func(f *forgery) {
			redact(f, func(x []translog.Segment) { x[1].Bytes = bytes.Replace(x[1].Bytes, []byte("U1"), []byte("U9"), 1) })
		}},
		{"an erased record is moved out of its page's time", "page_times", func(f *forgery) {
			redact(f, func(x []translog.Segment) {
				for i := range x {
					if x[i].Erased {
						x[i].At = storyStart.AddDate(-1, 0, 0).UnixMilli()
					}
				}
			})
		}},
		{"an erased record is counted as one that came again", "coverage_counts", func(f *forgery) {
			redact(f, func(x []translog.Segment) {
				for i := range x {
					x[i].Again = x[i].Erased
				}
			})
		}},
		{"the manifest does not name what was erased", "redactions", func(f *forgery) { f.m.Redactions = f.m.Redactions[1:]; f.relog() }},
		{"a redacted page is cut at other places", "page_split", func(f *forgery) {
			redact(f, func(x []translog.Segment) {
				x[0].Bytes, x[1].Bytes = append(x[0].Bytes, x[1].Bytes[:1]...), x[1].Bytes[1:]
			})
		}},
		{"the mark of an erased record is left out of the list of events", "event_changed", func(f *forgery) {
			p := f.part(bundle.DirEvents, "signinattempts_1.ndjson")
			f.parts[p] = bytes.Replace(f.parts[p], []byte(translog.ErasedRecord+"\n"), nil, 1)
			f.relog()
		}},
		{"the erasure of an artifact is not shown", "erased_artifact", func(f *forgery) {
			for i := range f.m.Artifacts {
				f.m.Artifacts[i].Erased = ""
			}
			f.relog()
		}},
		{"an artifact is called erased and is not", "erased_artifact", func(f *forgery) {
			var record string
			for _, a := range f.m.Artifacts {
				record += a.Erased
			}
			for i := range f.m.Artifacts {
				f.m.Artifacts[i].Erased = record
			}
			f.relog()
		}},
		{"a file of an artifact is missing that no leaf tells of", "artifact_file", func(f *forgery) {
			l := f.leaves[f.find(translog.KindErase, 0)]
			l.Fields["targets"] = l.List("targets")[1:]
			f.relog()
		}},
		{"an artifact that stands on no erased event does not follow from the pages", "not_derivable", func(f *forgery) {
			p := f.part(bundle.DirArtifacts, ".csv")
			f.parts[p] = append(bytes.Clone(f.parts[p]), "more\r\n"...)
			f.recommit(p)
			for i := range f.leaves { // as if it had been made after the erasure
				if f.leaves[i].Kind == translog.KindArtifact {
					setText(f.leaves[i], "as_of", f.m.AsOf)
				}
			}
			f.relog()
		}},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := s.forge()
			f.t = t
			a.do(f)
			r := s.verify(f.zip(), verify.Options{Policy: s.policy})
			if r.Verdict.Reaches(verify.Authentic) {
				t.Fatalf("it is accepted: %s, %v", r.Verdict, r.NotProven)
			}
			if !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == a.want }) {
				t.Errorf("it is refused, but for another reason than %s: %v", a.want, r.Failures)
			}
		})
	}
	f := s.forge()
	f.relog()
	if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic {
		t.Errorf("written anew it does not verify: %v", r.Failures)
	}
}

// TestErasureGoesOn is interrupted after each of its steps and continued: the end is the same.
func TestErasureGoesOn(t *testing.T) {
	for stop := range 4 {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			s := newStoryOf(t, app.Config{}, withBo)
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			_, err := s.Erasure.Run(ctx, s.ada(), erasure.RunRequest{Subject: boUUID, Basis: evidence.BasisObjection, Reason: "asked"}, func(string, int64, int64) {
				if n++; n > stop {
					cancel()
				}
			})
			if err == nil && stop < 3 {
				t.Fatal("it was not interrupted")
			}
			cancel()
			e, err := s.Erasure.Continue(t.Context(), s.ada(), nil)
			s.ok(err)
			if !e.Done || e.Events != 15 || e.Artifacts != 1 {
				t.Errorf("%+v", e)
			}
			s.nothingOfBo(s.cfg.Data)
			s.bundle()
			if r := s.verify(s.bytes, verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic || r.Erased != 15 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestReadmeVerifiesErased lets the bundle's own page check a bundle of which something was erased, and that it says so.
func TestReadmeVerifiesErased(t *testing.T) {
	s := newStoryOf(t, app.Config{}, withBo)
	s.erase()
	s.bundle()
	said := s.checker()(s.bytes, s.key.Verifier().String())
	if !strings.Contains(said, "AUTHENTIC") || !strings.Contains(said, "15 events were erased") {
		t.Errorf("it says: %s", said)
	}
}
