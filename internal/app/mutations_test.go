package app_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
	"github.com/exhibithq/exhibit/internal/vouch/tsatest"
)

// newWholeStory tells of everything that a bundle can hold: pages of before, artifacts of which one was approved, one rejected and one retired,
// a late event, an upload, a key that took another's place, two witnesses, older checkpoints by both keys, and time stamps. It gives what an auditor
// brings who looks at all of that.
func newWholeStory(t testing.TB) (*story, verify.Options) {
	t.Helper()
	tsa, one, two := tsatest.New(t), newBystander(t, "one.example.com"), newBystander(t, "two.example.com")
	named, err := translog.AllOf(one.witness(), two.witness())
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, now: storyEnd.AddDate(0, 0, 3), before: 4, recipes: []string{"failed-sign-ins", "coverage", "new-places-and-apps", "integrity"}}
	s.tell(app.Config{Witnesses: named, TSA: tsa.URL, Log: slog.New(slog.DiscardHandler)})
	ctx, old := t.Context(), s.key.Verifier()
	s.now = time.Now().UTC().Add(-time.Minute)
	one.follow(t, old)
	two.follow(t, old)
	s.attest()
	s.late() // and approved again after it
	s.review(evidence.ReviewApproved, "")
	approved := s.reviewed
	for i, a := range s.verify(s.bytes, verify.Options{}).Manifest.Artifacts {
		if s.reviewed = evidence.ID(a.ID); s.reviewed == approved {
			continue
		}
		if i%2 == 0 {
			s.review(evidence.ReviewRejected, "One is missing.")
		} else {
			s.ok(s.Artifacts.Retire(ctx, "Ada Okafor", s.Workspace, s.reviewed, "Made anew."))
		}
	}
	s.reviewed = approved
	controls, err := s.Store.Controls(ctx, s.Workspace)
	s.ok(err)
	v, err := s.Artifacts.Upload(ctx, "Ada Okafor", s.Workspace, artifact.UploadRequest{Name: "leavers of Ada.csv", Body: strings.NewReader("name,left\nAda,2026-03-02\n"),
		Span: evidence.Span{From: storyStart, To: storyEnd.AddDate(1, 0, 0)}})
	s.ok(err)
	_, err = s.Artifacts.Attach(ctx, "Ada Okafor", s.Workspace, artifact.AttachRequest{Artifact: v.Artifact.ID, Control: controls[0].Key, Strength: evidence.Partial, Reason: "The list."})
	s.ok(err)
	s.bundle() // stamped and countersigned under the old key
	pin := s.verify(s.bytes, verify.Options{})
	_, err = s.Log.Rotate(ctx, "Ada Okafor", s.Workspace)
	s.ok(err)
	s.ok(s.Log.Retire(ctx, "Ada Okafor", s.Workspace, old.String(), false))
	next := s.newest()
	one.follow(t, old, next.Verifier())
	two.follow(t, old, next.Verifier())
	s.now = time.Now().UTC()
	s.bundle()
	s.now = time.Now().UTC()
	s.bundle() // tells of the stamp of the one before it
	s.key = next
	trust := s.trust()
	stamps, err := verify.Stamps(tsa.Roots)
	s.ok(err)
	return s, verify.Options{Policy: trust, Stamps: stamps, Pins: []translog.Pin{{Size: pin.Size, Root: pin.Root}}}
}

// TestWholeStory holds that the bundle of the mutations is good, and has everything in it that could be changed.
func TestWholeStory(t *testing.T) {
	s, opt := newWholeStory(t)
	r := s.verify(s.bytes, opt)
	if r.Verdict != verify.Timestamped || len(r.Failures) > 0 || !r.Complete || !r.Reproduced || len(r.Witnesses) != 2 || r.Stamp.IsZero() {
		t.Fatalf("%s %v", r.Verdict, r.Failures)
	}
	f := s.forge()
	kinds := map[translog.Kind]int{}
	for _, l := range f.leaves {
		kinds[l.Kind]++
	}
	for _, k := range []translog.Kind{translog.KindReview, translog.KindRetire, translog.KindAnchor, translog.KindExport, translog.KindCoverage} {
		if kinds[k] == 0 {
			t.Errorf("no leaf of kind %s", k)
		}
	}
	if kinds[translog.KindKey] != 3 || kinds[translog.KindReview] < 3 || kinds[translog.KindAnchor] < 2 {
		t.Errorf("%v", kinds)
	}
	for _, p := range []struct{ prefix, suffix string }{{bundle.DirOlder, ".tst"}, {bundle.DirOlder, ".checkpoint"}, {bundle.PathToken, ""}, {bundle.DirUploads, "file.csv"}, {bundle.DirProofs, "_retired.tlog-proof"}, {bundle.DirArtifacts, ".xlsx"}} {
		f.part(p.prefix, p.suffix)
	}
	reviews := map[string]bool{}
	for _, a := range f.m.Artifacts {
		reviews[a.Review] = true
	}
	if !reviews["rejected"] || !reviews["approved"] {
		t.Errorf("%v", reviews)
	}
}

// packer puts parts together again and packs anew only what was changed.
type packer struct {
	t     testing.TB
	parts map[string][]byte
	names []string
	file  *zip.Reader
}

func newPacker(s *story) *packer {
	s.t.Helper()
	p := &packer{t: s.t, parts: s.forge().parts}
	p.names = slices.Sorted(maps.Keys(p.parts))
	var err error
	p.file, err = zip.NewReader(bytes.NewReader(s.bytes), int64(len(s.bytes)))
	s.ok(err)
	return p
}

// with gives the file with other contents of some parts, as the writer of bundles would write it.
func (p *packer) with(changed map[string][]byte) []byte {
	p.t.Helper()
	ok := func(err error) {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range p.file.File {
		h := f.FileHeader
		raw, err := f.OpenRaw()
		ok(err)
		if b, other := changed[f.Name]; other {
			packed := b
			if h.Method == zip.Deflate {
				var deflated bytes.Buffer
				w, err := flate.NewWriter(&deflated, flate.DefaultCompression)
				ok(err)
				_, err = w.Write(b)
				ok(errors.Join(err, w.Close()))
				packed = deflated.Bytes()
			}
			h.CRC32, h.UncompressedSize64, h.CompressedSize64 = crc32.ChecksumIEEE(b), uint64(len(b)), uint64(len(packed))
			raw = bytes.NewReader(packed)
		}
		w, err := z.CreateRaw(&h)
		ok(err)
		_, err = io.Copy(w, raw)
		ok(err)
	}
	ok(z.Close())
	return out.Bytes()
}

// change gives a changed copy of bytes, and what was done. It may be the same bytes.
func change(rng *rand.Rand, was []byte) ([]byte, string) {
	b := bytes.Clone(was)
	if len(b) == 0 {
		return []byte{byte(rng.IntN(256))}, "a byte put into nothing"
	}
	at := rng.IntN(len(b))
	end := min(len(b), at+1+rng.IntN(64))
	switch rng.IntN(8) {
	case 0, 1, 2:
		bit := rng.IntN(8)
		b[at] ^= 1 << bit
		return b, fmt.Sprintf("bit %d of byte %d flipped", bit, at)
	case 3:
		c := byte(rng.IntN(256))
		b[at] = c
		return b, fmt.Sprintf("byte %d made %#x", at, c)
	case 4:
		return slices.Delete(b, at, end), fmt.Sprintf("bytes %d to %d deleted", at, end)
	case 5:
		c := byte(rng.IntN(256))
		return slices.Insert(b, at, c), fmt.Sprintf("byte %#x inserted at %d", c, at)
	case 6:
		return slices.Insert(b, at, b[at:end]...), fmt.Sprintf("bytes %d to %d twice", at, end)
	}
	to := rng.IntN(len(b))
	n := min(len(b)-to, end-at)
	copy(b[to:], was[at:at+n])
	return b, fmt.Sprintf("bytes %d to %d copied to %d", at, at+n, to)
}

// mutate changes a bundle and says how; nil: nothing was changed.
func (p *packer) mutate(rng *rand.Rand, whole []byte) ([]byte, string) {
	name := p.names[rng.IntN(len(p.names))]
	if rng.IntN(3) == 0 { // what proves itself is small and many-sided: as often as all the rest
		for !bundle.SelfProven(name) {
			name = p.names[rng.IntN(len(p.names))]
		}
	}
	switch rng.IntN(16) {
	case 0, 1, 2, 3, 4, 5:
		b, what := change(rng, whole)
		if bytes.Equal(b, whole) {
			return nil, ""
		}
		return b, "the file: " + what
	case 6:
		other := p.names[rng.IntN(len(p.names))]
		if bytes.Equal(p.parts[name], p.parts[other]) {
			return nil, ""
		}
		return p.with(map[string][]byte{name: p.parts[other], other: p.parts[name]}), name + " and " + other + " swapped"
	case 7:
		other := p.names[rng.IntN(len(p.names))]
		if bytes.Equal(p.parts[name], p.parts[other]) {
			return nil, ""
		}
		return p.with(map[string][]byte{name: p.parts[other]}), name + " made the same as " + other
	}
	b, what := change(rng, p.parts[name])
	if bytes.Equal(b, p.parts[name]) {
		return nil, ""
	}
	return p.with(map[string][]byte{name: b}), name + ": " + what
}

// TestMutations changes a bundle that has everything in it, at random: bits, bytes, ranges and parts, in the file and in the contents
// put together again. None may be accepted at the grade that an auditor asks for who brings policy, roots and a pin, nor without them at the lowest.
// EXHIBIT_MUTATIONS says how many, EXHIBIT_MUTATIONS_SEED which.
func TestMutations(t *testing.T) {
	n := 600
	if more, err := strconv.Atoi(os.Getenv("EXHIBIT_MUTATIONS")); err == nil {
		n = more
	}
	seed, err := strconv.ParseUint(os.Getenv("EXHIBIT_MUTATIONS_SEED"), 10, 64)
	if err != nil {
		seed = 7
	}
	s, opt := newWholeStory(t)
	opt.First = true
	wanted := opt.Wanted()
	if r := s.verify(s.bytes, opt); r.Verdict != wanted || len(r.Failures) > 0 {
		t.Fatalf("unchanged: %s %v", r.Verdict, r.Failures)
	}
	p := newPacker(s)
	if !bytes.Equal(p.with(nil), s.bytes) {
		t.Fatal("put together again it is another file")
	}
	rng, failed, lower, accepted := rand.New(rand.NewPCG(seed, 11)), 0, 0, 0
	for i := range n {
		b, what := p.mutate(rng, s.bytes)
		if b == nil {
			continue
		}
		r := s.verify(b, opt)
		switch {
		case r.Verdict.Reaches(wanted):
			accepted++
			t.Errorf("mutation %d of seed %d is accepted: %s", i, seed, what)
		case r.Verdict == verify.Failed:
			failed++
		default:
			lower++
			t.Logf("mutation %d of seed %d makes it %s: %s; %v", i, seed, r.Verdict, what, r.Failures)
		}
		if i%10 == 0 { // who brings nothing
			if r := s.verify(b, verify.Options{First: true}); len(r.Failures) == 0 {
				t.Errorf("mutation %d of seed %d is accepted from who brings nothing: %s", i, seed, what)
			}
		}
		if accepted > 20 {
			t.Fatal("and so on")
		}
	}
	t.Logf("seed %d: %d mutations refused, %d lower the grade, %d accepted", seed, failed, lower, accepted)
}
