package app_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// TestBundleVerifies is the good case that all attacks below start from.
func TestBundleVerifies(t *testing.T) {
	s := newStory(t)
	r := s.verify(s.bytes, verify.Options{Policy: s.policy})
	if r.Verdict != verify.Authentic || !r.Complete || !r.Reproduced || r.Artifacts != 2 || r.Pages != 9 || r.Events != 45 {
		t.Fatalf("%+v", r)
	}
	if !strings.Contains(strings.Join(r.NotProven, "\n"), "1Password does not sign") {
		t.Error("it is not said that 1Password signs nothing")
	}
	if r := s.verify(s.bytes, verify.Options{}); r.Verdict != verify.Consistent || len(r.Failures) > 0 {
		t.Errorf("without a policy: %s, %v", r.Verdict, r.Failures)
	}
	for _, room := range []int{1, 4 << 10, 64 << 10} {
		if r := s.verify(s.bytes, verify.Options{Policy: s.policy, Memory: room}); r.Verdict != verify.Authentic || !r.Reproduced || r.Artifacts != 2 {
			t.Errorf("with %d bytes for pages and values: %s, %v", room, r.Verdict, r.Failures)
		}
	}
	pin := translog.Pin{Size: r.Size, Root: r.Root}
	if r := s.verify(s.bytes, verify.Options{Policy: s.policy, Pins: []translog.Pin{pin}}); r.Verdict != verify.Authentic {
		t.Errorf("with the right pin: %v", r.Failures)
	}
	f := s.forge()
	if !bytes.Equal(f.zip(), s.bytes) {
		t.Error("the same parts give another file")
	}
	f.relog() // an honest owner who writes it anew gives something that verifies
	if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic {
		t.Errorf("written anew it does not verify: %v", r.Failures)
	}
	s.bundle() // a second bundle tells of the first
	if r := s.verify(s.bytes, verify.Options{Policy: s.policy, Pins: []translog.Pin{pin}}); r.Verdict != verify.Authentic {
		t.Errorf("the next bundle, pinned by the last one: %v", r.Failures)
	}
}

// TestOlderWriter: a file that an earlier version of its writer made is told apart from one that does not follow from the pages.
func TestOlderWriter(t *testing.T) {
	s := newStory(t)
	for name, writers := range map[string][2]string{
		"one that is named":                     {`"xlsx":2}`, `"xlsx":1}`},
		"from before provenances named any":     {`"writers":{"csv":1,"html":1,"ndjson":1,"pdf":1,"xlsx":2},`, ""},
		"of another form, the files being ours": {`"pdf":1,`, `"pdf":7,`},
	} {
		f := s.forge()
		f.t = t
		i := slices.IndexFunc(f.m.Artifacts, func(a bundle.Artifact) bool { return a.Reviewed == "" }) // a review binds the bytes
		p := f.part(bundle.DirArtifacts+f.m.Artifacts[i].ID, ".provenance.json")
		if !bytes.Contains(f.parts[p], []byte(writers[0])) {
			t.Fatalf("%s names no writers", p)
		}
		f.parts[p] = bytes.Replace(f.parts[p], []byte(writers[0]), []byte(writers[1]), 1)
		f.recommit(p)
		f.relog()
		r := s.verify(f.zip(), verify.Options{Policy: s.policy})
		told := strings.Contains(strings.Join(r.NotProven, "\n"), "version 1 of what writes them made them, and this program has version 2") ||
			strings.Contains(strings.Join(r.NotProven, "\n"), "version 7 of what writes them made them, and this program has version 1")
		if r.Verdict != verify.Authentic || r.Reproduced || !told || r.Artifacts != 1 {
			t.Errorf("%s: %s, %v, %v", name, r.Verdict, r.Failures, r.NotProven)
		}
	}
}

// attack changes a bundle. want is the code that it must be refused with; the verdict must be below AUTHENTIC.
type attack struct {
	name string
	want string
	do   func(f *forgery)
}

func setText(l translog.Leaf, field string, v any) { l.Fields[field] = v }

func attacks() []attack {
	edit := func(prefix, suffix string) func(*forgery) {
		return func(f *forgery) {
			for _, p := range slices.Sorted(maps.Keys(f.parts)) {
				if strings.HasPrefix(p, prefix) && strings.HasSuffix(p, suffix) && bytes.Contains(f.parts[p], []byte("Ada")) {
					f.parts[p] = bytes.Replace(bytes.Clone(f.parts[p]), []byte("Ada"), []byte("Eve"), 1)
					return
				}
			}
			f.t.Fatalf("no part %s…%s tells of Ada", prefix, suffix)
		}
	}
	leaf := func(kind translog.Kind, n int, change func(l translog.Leaf)) func(*forgery) {
		return func(f *forgery) { change(f.leaves[f.find(kind, n)]); f.relog() }
	}
	list := []attack{
		// Whoever only has the file.
		{"edit a raw page", "part_changed", edit(bundle.DirRaw, ".json")},
		{"edit an event in the list of events alone", "event_changed", edit(bundle.DirEvents, "signinattempts_1.ndjson")},
		{"edit an artifact", "part_changed", edit(bundle.DirArtifacts, ".csv")},
		{"edit an opened name", "part_changed", edit(bundle.PathOpenings, "")},
		{"add a file", "part_added", func(f *forgery) { f.parts["controls/more.csv"] = []byte("x") }},
		{"add a file to the log's folder", "part_unchecked", func(f *forgery) { f.parts["log/more.txt"] = []byte("x") }},
		{"add a proof", "part_unchecked", func(f *forgery) { f.parts["proofs/more.tlog-proof"] = []byte("x") }},
		{"swap two pages", "part_changed", func(f *forgery) {
			var pages []string
			for _, name := range slices.Sorted(maps.Keys(f.parts)) {
				if strings.Contains(name, "signinattempts/0") {
					pages = append(pages, name)
				}
			}
			f.parts[pages[0]], f.parts[pages[1]] = f.parts[pages[1]], f.parts[pages[0]]
		}},
		{"swap two artifacts", "part_changed", func(f *forgery) {
			a, b := f.m.Artifacts[0], f.m.Artifacts[1]
			x, y := fmt.Sprintf("artifacts/%s_v1.csv", a.ID), fmt.Sprintf("artifacts/%s_v1.csv", b.ID)
			f.parts[x], f.parts[y] = f.parts[y], f.parts[x]
		}},
		{"edit a status and write the manifest for it", "manifest_changed", func(f *forgery) { f.m.Status[0].Strength = "strong!"; f.remanifest() }},
		{"edit an artifact and write the manifest for it", "manifest_changed", func(f *forgery) { edit(bundle.DirArtifacts, ".csv")(f); f.remanifest() }},
		{"write the manifest's sums anew", "sums", func(f *forgery) { f.parts[bundle.PathSums] = append(f.parts[bundle.PathSums], "\n"...) }},
		{"raise the tree size", "tree_size", func(f *forgery) { f.head.Size++; f.parts[bundle.PathCheckpoint] = f.head.Sign(time.Now(), f.key) }},
		{"lower the tree size", "tree_size", func(f *forgery) { f.head.Size--; f.parts[bundle.PathCheckpoint] = f.head.Sign(time.Now(), f.key) }},
		{"another root", "tree_root", func(f *forgery) { f.head.Root[0] ^= 1; f.parts[bundle.PathCheckpoint] = f.head.Sign(time.Now(), f.key) }},
		{"another origin", "origin", func(f *forgery) {
			f.head.Origin += "x"
			f.parts[bundle.PathCheckpoint] = f.head.Sign(time.Now(), f.key)
		}},
		{"another frontier", "frontier", func(f *forgery) { f.parts[bundle.PathFrontier] = []byte("1\n") }},
		{"two leaves change places", "tree_root", func(f *forgery) {
			b := f.parts[bundle.PathLeaves]
			first, second := f.raw[3], f.raw[4]
			old := translog.AppendEntry(translog.AppendEntry(nil, first), second)
			f.parts[bundle.PathLeaves] = bytes.Replace(b, old, translog.AppendEntry(translog.AppendEntry(nil, second), first), 1)
		}},
		{"a leaf stands there twice", "tree_size", func(f *forgery) {
			twice := translog.AppendEntry(nil, f.raw[3])
			f.parts[bundle.PathLeaves] = bytes.Replace(f.parts[bundle.PathLeaves], twice, append(bytes.Clone(twice), twice...), 1)
		}},
		{"a leaf stands in another one's place", "tree_root", func(f *forgery) {
			f.parts[bundle.PathLeaves] = bytes.Replace(f.parts[bundle.PathLeaves], translog.AppendEntry(nil, f.raw[4]), translog.AppendEntry(nil, f.raw[3]), 1)
		}},
		{"something stands behind the last leaf", "framing", func(f *forgery) {
			f.parts[bundle.PathLeaves] = append(f.parts[bundle.PathLeaves], 0)
		}},
		{"a hint of another key", "hint", func(f *forgery) {
			k, _ := translog.NewSigningKey(f.head.Origin, false)
			f.parts[bundle.PathHint] = translog.TrustLog(k.Verifier())
		}},
		{"a hint with another witness", "part_changed", func(f *forgery) {
			k, _ := translog.NewSigningKey("w.example.com", true)
			f.parts[bundle.PathHint] = []byte("log " + f.key.Verifier().String() + "\nwitness w " + k.Verifier().String() + "\nquorum none\n")
		}},
		{"a signature of nobody", "signature_strange", func(f *forgery) {
			k, _ := translog.NewSigningKey("w.example.com", true)
			f.parts[bundle.PathCheckpoint] = append(f.parts[bundle.PathCheckpoint], f.head.Cosign(time.Now(), k)...)
		}},
		{"a wrong signature by the known key", "signature_wrong", func(f *forgery) {
			c := f.head
			c.Size++
			_, n, _ := translog.OpenCheckpoint(c.Sign(time.Now(), f.key))
			f.parts[bundle.PathCheckpoint] = append(append(f.head.Text(), '\n'), n.Signatures[0].Line...)
		}},
		{"a proof of another leaf", "proof", func(f *forgery) {
			p := f.part(bundle.DirProofs, "")
			f.parts[p] = bytes.Replace(f.parts[p], []byte("index "), []byte("index 1"), 1)
		}},
		// Somebody with a key of his own.
		{"a whole new log with another key", "log_key_unknown", func(f *forgery) {
			f.key, _ = translog.NewSigningKey(f.head.Origin, false)
			i := f.find(translog.KindKey, 0)
			fields := translog.Fields{"op": "add", "vkey": f.key.Verifier().String(), "effective_size": f.leaves[i].Int("effective_size"), "prev": ""}
			text, _ := translog.EncodeJSON(fields)
			fields["sig_new"], fields["at"] = f.key.SignText(text), f.leaves[i].At()
			f.leaves[i].Fields = fields
			f.relog()
		}},
		{"a key that nobody vouches for", "key", func(f *forgery) {
			k, _ := translog.NewSigningKey(f.head.Origin, false)
			i := f.find(translog.KindKey, 0)
			f.leaves = slices.Insert(f.leaves, i+1, translog.Leaf{Kind: translog.KindKey, Fields: translog.Fields{"at": f.leaves[i].At(), "op": "add", "vkey": k.Verifier().String(), "effective_size": int64(0), "prev": ""}})
			f.raw = slices.Insert(f.raw, i+1, []byte("new"))
			f.relog()
		}},
		// A dishonest owner of the log, who signs what he likes.
		{"a page is left out", "cursor_chain", func(f *forgery) {
			i := f.find(translog.KindPage, 1)
			stream := f.leaves[i].Text("stream")
			path := f.part(bundle.DirRaw, fmt.Sprintf("/%08d.json", f.leaves[i].Int("page")))
			f.drop(i)
			for _, l := range f.leaves[i:] {
				if l.Text("stream") == stream && l.Int("seq") > 0 {
					setText(l, "seq", l.Int("seq")-1)
				}
			}
			delete(f.parts, path)
			f.relog()
		}},
		{"a number of a stream is missing", "sequence", leaf(translog.KindPage, 2, func(l translog.Leaf) { setText(l, "seq", l.Int("seq")+1) })},
		{"a raw page is left out", "page_missing", func(f *forgery) { delete(f.parts, f.part(bundle.DirRaw, ".json")); f.relog() }},
		{"a page claims more than it was asked", "coverage_claim", leaf(translog.KindPage, 0, func(l translog.Leaf) {
			setText(l, "covered", translog.SpanFields(storyStart.AddDate(0, 0, -9).UnixMilli(), storyStart.UnixMilli()))
		})},
		{"the end is claimed although there was more", "page_more", leaf(translog.KindPage, 2, func(l translog.Leaf) {
			setText(l, "more", false)
			setText(l, "covered", translog.SpanFields(storyStart.UnixMilli(), l.Int("t_req")))
		})},
		{"a page claims a time that it does not reach", "coverage_claim", leaf(translog.KindPage, 1, func(l translog.Leaf) {
			setText(l, "covered", translog.SpanFields(storyStart.UnixMilli(), storyEnd.UnixMilli()))
		})},
		{"the bundle claims coverage that the log does not give", "coverage_claim", func(f *forgery) {
			i := f.find(translog.KindPolls, 0)
			delete(f.leaves[i].Fields, "covered")
			f.relog()
		}},
		{"a gap in the reading is hidden", "coverage_claim", func(f *forgery) {
			// By the log the first page covers what it held, and what was read later begins only with the second one.
			first, second := f.leaves[f.find(translog.KindPage, 0)], f.leaves[f.find(translog.KindPage, 1)]
			hole, _ := second.Span("covered")
			from, _ := translog.ParseMillis(second.Text("min_at"))
			for _, l := range f.leaves {
				if x, ok := l.Span("covered"); ok && l.Text("stream") == first.Text("stream") && l.Int("seq") > first.Int("seq") {
					setText(l, "covered", translog.SpanFields(max(from, hole.From), x.To))
				}
			}
			f.relog()
		}},
		{"a stream is passed over", "coverage_missing", func(f *forgery) { f.m.Coverage = f.m.Coverage[1:]; f.relog() }},
		{"the bundle counts other events", "coverage_counts", func(f *forgery) { f.m.Coverage[0].Events++; f.relog() }},
		{"it is called settled and was not", "coverage_claim", func(f *forgery) {
			for _, l := range f.leaves {
				if l.Has("t_req") {
					setText(l, "t_req", storyEnd.UnixMilli())
				}
				if l.Kind == translog.KindPolls {
					setText(l, "last_at", storyEnd.UnixMilli())
					setText(l, "covered", translog.SpanFields(storyStart.UnixMilli(), storyEnd.UnixMilli()))
				}
			}
			f.relog()
		}},
		{"a leaf is dated back", "time_goes_back", leaf(translog.KindExport, 0, func(l translog.Leaf) { setText(l, "at", l.At()-1) })},
		{"an event's bytes are changed everywhere", "not_derivable", func(f *forgery) {
			p := f.part(bundle.DirRaw, "signinattempts/"+fmt.Sprintf("%08d.json", f.leaves[f.find(translog.KindPage, 0)].Int("page")))
			f.parts[p] = bytes.Replace(f.parts[p], []byte(`"CA"`), []byte(`"US"`), 1)
			f.reroot(p)
			f.relog()
		}},
		{"an event is added everywhere", "coverage_counts", func(f *forgery) {
			p := f.part(bundle.DirRaw, "signinattempts/"+fmt.Sprintf("%08d.json", f.leaves[f.find(translog.KindPage, 0)].Int("page")))
			f.parts[p] = bytes.Replace(f.parts[p], []byte(`"items":[`), []byte(`"items":[`+eventOf("signinattempts", 900, storyStart)+`, `), 1)
			f.reroot(p)
			f.relog()
		}},
		{"an event is edited in the list of events alone, and signed", "event_changed", func(f *forgery) { edit(bundle.DirEvents, "signinattempts_1.ndjson")(f); f.relog() }},
		{"an event is left out of the list of events", "event_missing", func(f *forgery) {
			p := f.part(bundle.DirEvents, "signinattempts_1.ndjson")
			f.parts[p] = f.parts[p][:bytes.LastIndexByte(f.parts[p][:len(f.parts[p])-1], '\n')+1]
			f.relog()
		}},
		{"an event is added to the list of events", "part_changed", func(f *forgery) {
			p := f.part(bundle.DirEvents, "signinattempts_1.ndjson")
			f.parts[p] = append(f.parts[p], "{}\n"...)
			f.relog()
		}},
		{"a page's root is another one", "page_changed", leaf(translog.KindPage, 0, func(l translog.Leaf) { setText(l, "root", strings.Repeat("0", 64)) })},
		{"a page's late events are hidden", "late", leaf(translog.KindPage, 0, func(l translog.Leaf) { setText(l, "late", "f8") })},
		{"an artifact does not follow from the pages", "not_derivable", func(f *forgery) {
			p := f.part(bundle.DirArtifacts, ".csv")
			f.parts[p] = append(bytes.Clone(f.parts[p]), "more\r\n"...)
			f.recommit(p)
			f.relog()
		}},
		{"a workbook says something else than its table", "not_derivable", func(f *forgery) {
			var books []string
			for _, name := range slices.Sorted(maps.Keys(f.parts)) {
				if strings.HasSuffix(name, ".xlsx") {
					books = append(books, name)
				}
			}
			f.parts[books[0]] = f.parts[books[1]]
			f.recommit(books[0])
			f.relog()
		}},
		{"an artifact's file is not the one that the log commits to", "artifact_file", func(f *forgery) { edit(bundle.DirArtifacts, ".html")(f); f.relog() }},
		{"a provenance says another result", "provenance", leaf(translog.KindArtifact, 0, func(l translog.Leaf) { setText(l, "result", "inconclusive") })},
		{"an older version is shown as the newest", "superseded", func(f *forgery) {
			i := f.find(translog.KindArtifact, 0)
			next := maps.Clone(f.leaves[i].Fields)
			next["version"] = int64(2)
			at := f.find(translog.KindCoverage, 0)
			next["at"] = f.leaves[at].At()
			f.leaves = slices.Insert(f.leaves, at, translog.Leaf{Kind: translog.KindArtifact, Fields: next})
			f.raw = slices.Insert(f.raw, at, []byte("new"))
			f.m.AsOf++
			for i := range f.leaves {
				if f.leaves[i].Kind == translog.KindCoverage {
					setText(f.leaves[i], "as_of", f.m.AsOf)
				}
			}
			f.relog()
		}},
		{"what was detached is still shown", "detached", func(f *forgery) {
			at := f.find(translog.KindCoverage, 0)
			zero := strings.Repeat("0", 64)
			f.leaves = slices.Insert(f.leaves, at, translog.Leaf{Kind: translog.KindDetach, Fields: translog.Fields{"at": f.leaves[at].At(), "attachment": f.m.Status[0].Attachment, "actor_commit": zero, "reason_commit": zero, "prev": ""}})
			f.raw = slices.Insert(f.raw, at, []byte("new"))
			f.relog()
		}},
		{"an attachment is not shown", "attachment_hidden", func(f *forgery) { f.m.Status = f.m.Status[1:]; f.relog() }},
		{"an attachment is moved to another control", "attachment", func(f *forgery) { f.m.Status[0].Strength = "context!"; f.relog() }},
		{"a control is left out of the scope with its evidence", "scope", func(f *forgery) {
			for i, c := range f.m.Controls {
				if c.ID == f.m.Status[0].Control || slices.ContainsFunc(f.m.Actions, func(a bundle.ActionRef) bool { return a.ID == f.m.Status[0].Action && a.Control == c.ID }) {
					f.m.Controls = slices.Delete(f.m.Controls, i, i+1)
					break
				}
			}
			f.relog()
		}},
		{"somebody approves what he made himself", "self_approval", func(f *forgery) {
			review, made := f.leaves[f.find(translog.KindReview, 0)], f.leaves[f.find(translog.KindArtifact, 0)]
			setText(review, "actor_commit", made.Text("actor_commit"))
			f.relog()
		}},
		{"an approval is of another artifact's version", "review_subject", func(f *forgery) {
			review, other := f.leaves[f.find(translog.KindReview, 0)], f.find(translog.KindAttach, 0)
			setText(review, "subject", translog.RecordID(f.raw[other]))
			f.relog()
		}},
		{"an approval is of a version that came after it", "review_subject", leaf(translog.KindReview, 0, func(l translog.Leaf) { setText(l, "version", int64(2)) })},
		{"an approval binds other bytes", "review_binds", leaf(translog.KindReview, 0, func(l translog.Leaf) { setText(l, "digest_commit", l.Text("actor_commit")) })},
		{"an approval of an older version is shown as current", "review_status", func(f *forgery) {
			i, at := f.find(translog.KindArtifact, 0), f.find(translog.KindCoverage, 0)
			next, id := maps.Clone(f.leaves[i].Fields), f.leaves[i].Text("artifact")
			next["version"], next["at"] = int64(2), f.leaves[at].At()
			old := translog.RecordID(f.raw[i])
			f.insert(at, translog.Leaf{Kind: translog.KindArtifact, Fields: next})
			for i := range f.m.Artifacts {
				if f.m.Artifacts[i].ID == id {
					f.m.Artifacts[i].Version, f.m.Artifacts[i].Record = 2, translog.RecordID([]byte("new"))
				}
			}
			for i := range f.m.Status {
				if f.m.Status[i].Artifact == id {
					f.m.Status[i].Version = 2
				}
			}
			for i := range f.m.Files {
				if f.m.Files[i].Record == old {
					f.m.Files[i].Record = translog.RecordID([]byte("new"))
				}
			}
			f.relog()
		}},
		{"a rejection after the approval is hidden", "review_status", func(f *forgery) {
			i, at := f.find(translog.KindReview, 0), f.find(translog.KindCoverage, 0)
			no := maps.Clone(f.leaves[i].Fields)
			no["verdict"], no["review"], no["at"] = "rejected", "re_aaaaaaaaaaaaaaaa", f.leaves[at].At()
			f.insert(at, translog.Leaf{Kind: translog.KindReview, Fields: no})
			f.relog()
		}},
		{"a verdict that nobody knows", "leaf_unknown", leaf(translog.KindReview, 0, func(l translog.Leaf) { setText(l, "verdict", "fine") })},
		{"what nobody reviewed is shown as approved", "review_status", func(f *forgery) {
			for i := range f.m.Artifacts {
				f.m.Artifacts[i].Review = "approved"
			}
			f.relog()
		}},
		{"the index alone calls something approved", "index", func(f *forgery) {
			f.parts[bundle.PathIndex] = bytes.ReplaceAll(f.parts[bundle.PathIndex], []byte("not_reviewed"), []byte("approved"))
			f.relog()
		}},
		{"an artifact that was retired is shown as in use", "retired", func(f *forgery) {
			i, at := f.find(translog.KindReview, 0), f.find(translog.KindCoverage, 0)
			l, zero := f.leaves[i], strings.Repeat("0", 64)
			f.insert(at, translog.Leaf{Kind: translog.KindRetire, Fields: translog.Fields{"at": f.leaves[at].At(), "artifact": l.Text("artifact"), "version": l.Int("version"),
				"subject": l.Text("subject"), "actor_commit": zero, "reason_commit": zero, "prev": ""}})
			f.relog()
		}},
		{"a legal hold ends that nobody placed", "hold", func(f *forgery) {
			at, zero := f.find(translog.KindCoverage, 0), strings.Repeat("0", 64)
			f.insert(at, translog.Leaf{Kind: translog.KindRelease, Fields: translog.Fields{"at": f.leaves[at].At(), "hold": "ho_aaaaaaaaaaaaaaaa", "reason_commit": zero, "actor_commit": zero, "prev": zero}})
			f.relog()
		}},
		{"two leaves change places, and it is signed", "chain", func(f *forgery) {
			i := f.find(translog.KindPage, 1)
			f.raw[i-1], f.raw[i] = f.raw[i], f.raw[i-1]
			f.sign()
		}},
		{"an event comes again with other bytes, everywhere", "coverage_counts", func(f *forgery) {
			p := f.part(bundle.DirRaw, "signinattempts/"+fmt.Sprintf("%08d.json", f.leaves[f.find(translog.KindPage, 1)].Int("page")))
			twin := strings.Replace(eventOf("signinattempts", 1, storyStart.Add(time.Hour)), `"CA"`, `"US"`, 1)
			f.parts[p] = bytes.Replace(f.parts[p], []byte(`"items":[`), []byte(`"items":[`+twin+`, `), 1)
			f.reroot(p)
			f.relog()
		}},
		{"a page is erased without a word", "page_changed", func(f *forgery) {
			p := f.part(bundle.DirRaw, "signinattempts/salts.txt")
			f.parts[p] = bytes.Replace(f.parts[p], []byte(" 01"), []byte(" 02"), 1)
			f.relog()
		}},
		{"a page is put into another stream", "page_missing", func(f *forgery) {
			p := f.part(bundle.DirRaw, "signinattempts/"+fmt.Sprintf("%08d.json", f.leaves[f.find(translog.KindPage, 0)].Int("page")))
			f.parts[strings.Replace(p, "signinattempts", "itemusages", 1)] = f.parts[p]
			delete(f.parts, p)
			f.relog()
		}},
		{"a leaf of an unknown kind", "leaf_unknown", func(f *forgery) {
			f.raw[3] = []byte("exhibit/leaf/v1 murmur\n{\"at\":1}\n")
			f.sign()
		}},
		{"a leaf with a key twice", "leaf", func(f *forgery) {
			f.raw[3] = bytes.Replace(f.raw[3], []byte(`"at":`), []byte(`"at":1,"at":`), 1)
			f.sign()
		}},
		{"a leaf that is another one's twin", "chain", func(f *forgery) {
			i := f.find(translog.KindPage, 1)
			f.raw = slices.Insert(f.raw, i, f.raw[i])
			f.sign()
		}},
		{"another bundle's manifest", "export_missing", leaf(translog.KindExport, 0, func(l translog.Leaf) { setText(l, "bundle", "bu_aaaaaaaaaaaaaaaa") })},
		{"an opened name that does not match", "opening", func(f *forgery) {
			f.parts[bundle.PathOpenings] = bytes.Replace(f.parts[bundle.PathOpenings], []byte("Ada Okafor"), []byte("Eve Okafor"), 1)
			f.relog()
		}},
	}
	for _, n := range []string{"first", "middle", "last"} {
		list = append(list, attack{"drop the " + n + " leaf", "tree_size", func(f *forgery) {
			i := map[string]int{"first": 0, "middle": len(f.raw) / 2, "last": len(f.raw) - 1}[n]
			f.parts[bundle.PathLeaves] = bytes.Replace(f.parts[bundle.PathLeaves], translog.AppendEntry(nil, f.raw[i]), nil, 1)
		}})
	}
	return list
}

func TestAttacks(t *testing.T) {
	s := newStory(t)
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			f := s.forge()
			f.t = t
			a.do(f)
			r := s.verify(f.zip(), verify.Options{Policy: s.policy})
			if r.Verdict.Reaches(verify.Authentic) {
				t.Fatalf("it is accepted: %+v", r)
			}
			if !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == a.want }) {
				t.Errorf("it is refused, but for another reason than %s: %v", a.want, r.Failures)
			}
		})
	}
	t.Run("each part is edited, and left out", func(t *testing.T) {
		for name := range s.forge().parts {
			f := s.forge()
			f.parts[name] = bytes.Clone(f.parts[name])
			f.parts[name][len(f.parts[name])/2] ^= 1
			if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict.Reaches(verify.Consistent) && len(r.Failures) == 0 {
				t.Errorf("%s may be edited", name)
			}
			delete(f.parts, name)
			if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Failed {
				t.Errorf("%s may be left out", name)
			}
		}
	})
	t.Run("the history is rewritten behind a pin", func(t *testing.T) {
		r := s.verify(s.bytes, verify.Options{Policy: s.policy})
		pin := translog.Pin{Size: r.Size, Root: r.Root}
		f := s.forge()
		setText(f.leaves[2], "at", f.leaves[2].At()-1)
		setText(f.leaves[1], "at", f.leaves[1].At()-1)
		setText(f.leaves[0], "at", f.leaves[0].At()-1)
		f.relog()
		if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic {
			t.Fatalf("without a pin nobody can see it, but: %v", r.Failures)
		}
		r = s.verify(f.zip(), verify.Options{Policy: s.policy, Pins: []translog.Pin{pin}})
		if r.Verdict != verify.Failed || r.Failures[0].Code != "pin" {
			t.Errorf("%s, %v", r.Verdict, r.Failures)
		}
	})
	t.Run("a witness that nobody named", func(t *testing.T) {
		mine, _ := translog.NewSigningKey("w.example.com", true)
		theirs, _ := translog.NewSigningKey("w.example.com", true)
		f := s.forge()
		p, err := translog.ParsePolicy(append(bytes.Replace(translog.TrustLog(s.key.Verifier()), []byte("quorum none\n"), nil, 1), "witness w "+mine.Verifier().String()+"\nquorum w\n"...))
		s.ok(err)
		f.parts[bundle.PathHint] = []byte("log " + s.key.Verifier().String() + "\nwitness w " + theirs.Verifier().String() + "\nquorum none\n")
		f.relog()
		f.parts[bundle.PathCheckpoint] = append(f.parts[bundle.PathCheckpoint], f.head.Cosign(s.now, theirs)...)
		f.resignProofs()
		r := s.verify(f.zip(), verify.Options{Policy: p})
		if r.Verdict != verify.Authentic || r.Failures[0].Code != "quorum_missing" || r.Verdict.Reaches(verify.Options{Policy: p}.Wanted()) {
			t.Errorf("%s, %v", r.Verdict, r.Failures)
		}
		f = s.forge()
		f.parts[bundle.PathHint] = []byte("log " + s.key.Verifier().String() + "\nwitness w " + mine.Verifier().String() + "\nquorum none\n")
		f.relog()
		f.parts[bundle.PathCheckpoint] = append(f.parts[bundle.PathCheckpoint], f.head.Cosign(s.now, mine)...)
		f.resignProofs()
		if r := s.verify(f.zip(), verify.Options{Policy: p}); r.Verdict != verify.Witnessed || len(r.Vouched) != 1 {
			t.Errorf("by the right witness: %s, %v", r.Verdict, r.Failures)
		}
		f = s.forge()
		f.parts[bundle.PathHint] = []byte("log " + s.key.Verifier().String() + "\nwitness w " + mine.Verifier().String() + "\nquorum none\n")
		f.relog()
		f.parts[bundle.PathCheckpoint] = append(f.parts[bundle.PathCheckpoint], f.head.Cosign(s.now.AddDate(0, 0, -1), mine)...)
		f.resignProofs()
		if r := s.verify(f.zip(), verify.Options{Policy: p}); r.Verdict != verify.Failed || r.Failures[0].Code != "postdated" {
			t.Errorf("leaves that say they are of a day after the witness saw them: %s, %v", r.Verdict, r.Failures)
		}
	})
	t.Run("a retired key signs", func(t *testing.T) {
		_, err := s.Log.Rotate(t.Context(), "Ada Okafor", s.Workspace)
		s.ok(err)
		old := s.key
		s.ok(s.Log.Retire(t.Context(), "Ada Okafor", s.Workspace, old.Verifier().String(), false))
		var out bytes.Buffer
		_, err = s.Audits.Bundle(t.Context(), s.ada(), "Spring", &out, nil)
		s.ok(err)
		s.bytes = out.Bytes()
		if r := s.verify(s.bytes, verify.Options{}); r.Verdict != verify.Consistent {
			t.Fatalf("after the change of keys: %v", r.Failures)
		}
		f := s.forge()
		f.key = old
		f.sign()
		for _, policy := range []*translog.Policy{nil, s.policy} {
			if r := s.verify(f.zip(), verify.Options{Policy: policy}); r.Verdict != verify.Failed || r.Failures[0].Code != "key_retired" {
				t.Errorf("%s, %v", r.Verdict, r.Failures)
			}
		}
		f = s.forge() // beside the key that took its place
		f.parts[bundle.PathCheckpoint] = append(f.parts[bundle.PathCheckpoint], bytes.SplitAfter(f.head.Sign(s.now, old), []byte("\n\n"))[1]...)
		f.resignProofs()
		if r := s.verify(f.zip(), verify.Options{}); r.Verdict != verify.Failed || r.Failures[0].Code != "key_retired" {
			t.Errorf("%s, %v", r.Verdict, r.Failures)
		}
		f = s.forge() // the end of the key is called the end of another one
		i := f.find(translog.KindKey, 2)
		setText(f.leaves[i], "effective_size", f.leaves[i].Int("effective_size")+5)
		f.key = s.newest()
		f.relog()
		if r := s.verify(f.zip(), verify.Options{}); r.Verdict != verify.Failed || !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == "key" }) {
			t.Errorf("%s, %v", r.Verdict, r.Failures)
		}
	})
	t.Run("a newer version's leaf", func(t *testing.T) {
		s := newStory(t)
		f := s.forge()
		i := f.find(translog.KindCoverage, 0)
		strange := fmt.Appendf(nil, "exhibit/leaf/v1 murmur\n{\"at\":%d}\n", f.leaves[i].At())
		f.raw = slices.Insert(f.raw, i, strange)
		f.sign()
		r := s.verify(f.zip(), verify.Options{Policy: s.policy})
		if r.Verdict != verify.Unknown || len(r.Failures) != 1 || r.Complete || r.Reproduced || r.Verdict.Reaches(verify.Consistent) {
			t.Errorf("%s, %v", r.Verdict, r.Failures)
		}
	})
}

// newest opens the key that was added last.
func (s *story) newest() *translog.SigningKey {
	s.t.Helper()
	l, err := s.Store.Log(s.t.Context(), s.Workspace)
	s.ok(err)
	keys, err := s.Store.LogKeys(s.t.Context(), l)
	s.ok(err)
	box, err := s.Connections.Box(s.t.Context(), s.Workspace)
	s.ok(err)
	for _, k := range keys {
		if !k.RetiredAt.IsZero() {
			continue
		}
		secret, err := box.Open(k.Sealed, "", seal.PurposeLogKey)
		s.ok(err)
		key, err := translog.ParseSigningKey(secret.Reveal())
		s.ok(err)
		return key
	}
	s.t.Fatal("no key signs")
	return nil
}

// resignProofs puts the checkpoint as it is now into every proof.
func (f *forgery) resignProofs() {
	for name, b := range f.parts {
		if strings.HasPrefix(name, bundle.DirProofs) {
			p, err := translog.ParseProof(b)
			f.ok(err)
			p.Checkpoint = f.parts[bundle.PathCheckpoint]
			f.parts[name] = p.Bytes()
		}
	}
}
