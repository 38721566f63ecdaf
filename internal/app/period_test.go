package app_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
	"github.com/exhibithq/exhibit/internal/verify/command"
)

// lie lets the n-th page of sign-ins tell of other times than its events have.
func (f *forgery) lie(n int, at time.Time) {
	f.t.Helper()
	l := f.leaves[f.pageLeaf(n)]
	setText(l, "min_at", strconv.FormatInt(at.UnixMilli(), 10))
	setText(l, "max_at", strconv.FormatInt(at.UnixMilli(), 10))
}

// pageLeaf gives the leaf of the n-th page of sign-ins.
func (f *forgery) pageLeaf(n int) int {
	f.t.Helper()
	for i, l := range f.leaves {
		if l.Kind == translog.KindPage && l.Text("stream") == "signinattempts" && l.Int("seq") == int64(n)+1 {
			return i
		}
	}
	f.t.Fatalf("there is no page %d of sign-ins", n)
	return -1
}

// withhold takes the n-th page of sign-ins out of the bundle, with its salts and events.
func (f *forgery) withhold(n int) {
	f.t.Helper()
	number := fmt.Sprintf("%08d", f.leaves[f.pageLeaf(n)].Int("page"))
	for name := range f.parts {
		if strings.HasSuffix(name, "signinattempts/"+number+".json") {
			delete(f.parts, name)
			f.eventsAnew("signinattempts")
		}
	}
}

// TestBundleOfAPeriod makes a bundle of a workspace that has read for longer than the audit's period: it holds what the audit is about, and
// nobody can pass over a page of that by saying that it is of another time.
func TestBundleOfAPeriod(t *testing.T) {
	// 30 pages of each stream lie before the ten days of the audit, 75 days in all. New places look back 30 days, in sign-ins alone.
	s := &story{t: t, now: storyEnd.AddDate(0, 0, 3), before: 30, recipes: []string{"failed-sign-ins", "coverage", "new-places-and-apps"}}
	s.tell(app.Config{})
	r := s.verify(s.bytes, verify.Options{Policy: s.policy})
	// Of 33 pages each stream gives 4 pages that reach into the ten days or lie beside them, and 12 more of sign-ins for the 30 days.
	if r.Verdict != verify.Authentic || !r.Complete || !r.Reproduced || r.Artifacts != 3 || r.Pages != 4+4+16 || r.Outside != 99-24 {
		t.Fatalf("%s, complete %t, reproduced %t, %d artifacts, %d pages, %d outside: %v", r.Verdict, r.Complete, r.Reproduced, r.Artifacts, r.Pages, r.Outside, r.Failures)
	}
	if !slices.ContainsFunc(r.NotProven, func(n string) bool { return strings.Contains(n, "75 pages of the log that are not in the bundle") }) {
		t.Errorf("it is not said what was not looked at: %v", r.NotProven)
	}
	file := filepath.Join(t.TempDir(), "bundle.zip")
	s.ok(os.WriteFile(file, s.bytes, 0o600))
	for asJSON, want := range map[bool]string{false: "\nOutside     75 pages of other times are in the log and not in the bundle\n", true: `"pages_outside": 75`} {
		var out strings.Builder
		if failed, below, err := command.Run(t.Context(), command.Arguments{File: file, JSON: asJSON, Kinds: all.Kinds()}, &out); failed || below || err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%t %t %v: %s", failed, below, err, out.String())
		}
	}
	old, later := time.Unix(0, 0).UTC(), storyEnd.AddDate(0, 0, 1)
	hidden := func(at time.Time, pages ...int) func(f *forgery) {
		return func(f *forgery) {
			for _, n := range pages {
				f.lie(n, at)
				f.withhold(n)
			}
		}
	}
	for _, a := range []struct {
		name, want string
		do         func(f *forgery)
	}{
		{"a page of the period is withheld", "page_missing", func(f *forgery) { f.withhold(31) }},
		{"a page that an artifact looks back to is withheld", "page_missing", func(f *forgery) { f.withhold(20) }},
		{"the page beside them is withheld", "page_missing", func(f *forgery) { f.withhold(17) }},
		{"a page of the period lies about its times", "page_times", func(f *forgery) { f.lie(31, old) }},
		{"a page of the period says that it is older", "page_missing", hidden(old, 31)},
		{"the first page of the period says that it is older", "page_missing", hidden(old, 30)},
		{"the last page of the period says that it is newer", "page_missing", hidden(later, 32)},
		{"all pages of the period say that they are older", "page_missing", hidden(old, 30, 31, 32)},
		{"all pages of the period say that they are newer", "page_missing", hidden(later, 30, 31, 32)},
		{"a provenance says that it looks back less far", "not_derivable", func(f *forgery) {
			for name, b := range f.parts {
				if strings.HasSuffix(name, ".provenance.json") && strings.Contains(string(b), `"new-places-and-apps"`) {
					f.parts[name] = []byte(strings.Replace(string(b), `"value":30`, `"value":1`, 1))
					f.recommit(name)
				}
			}
			for n := 17; n < 28; n++ {
				f.withhold(n)
			}
		}},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := s.forge()
			f.t = t
			a.do(f)
			f.relog()
			r := s.verify(f.zip(), verify.Options{Policy: s.policy})
			if r.Verdict != verify.Failed || !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == a.want }) {
				t.Errorf("%s, not for %s: %v", r.Verdict, a.want, r.Failures)
			}
		})
	}
	t.Run("more pages than it must hold", func(t *testing.T) {
		f := s.forge()
		f.t = t
		page := f.leaves[f.pageLeaf(3)].Int("page")
		body, _, err := s.Store.PageParts(t.Context(), s.Workspace, page)
		s.ok(err)
		salts, err := s.Store.PageSalts(t.Context(), page)
		s.ok(err)
		dir := strings.TrimSuffix(f.part(bundle.DirRaw, "signinattempts/salts.txt"), "salts.txt")
		f.parts[fmt.Sprintf("%s%08d.json", dir, page)] = body
		f.parts[dir+"salts.txt"] = append(fmt.Appendf(nil, "%08d %x\n", page, []byte(salts)), f.parts[dir+"salts.txt"]...)
		f.eventsAnew("signinattempts")
		for i := range f.m.Files {
			f.m.Files[i].Role = cmp.Or(f.m.Files[i].Role, "raw")
		}
		f.relog()
		if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic || r.Pages != 25 || r.Outside != 74 {
			t.Errorf("%s, %d pages, %d outside: %v", r.Verdict, r.Pages, r.Outside, r.Failures)
		}
	})
}

// TestBundleOfARepeat holds that a bundle has the page beside it in which a record came first, with another time: no leaf tells
// of that, and without it the record would be counted as an event of its own.
func TestBundleOfARepeat(t *testing.T) {
	s := &story{t: t, now: storyEnd.AddDate(0, 0, 3), before: 30, twin: true, recipes: []string{"failed-sign-ins", "coverage"}}
	s.tell(app.Config{})
	r := s.verify(s.bytes, verify.Options{Policy: s.policy})
	if r.Verdict != verify.Authentic || !r.Reproduced || r.Pages != 4+4+5 || r.Events != 65 {
		t.Fatalf("%s, %d pages, %d events: %v", r.Verdict, r.Pages, r.Events, r.Failures)
	}
	f := s.forge()
	f.withhold(2)
	f.relog()
	if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Failed || !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == "coverage_counts" }) {
		t.Errorf("without it: %s, %v", r.Verdict, r.Failures)
	}
}
