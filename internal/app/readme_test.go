package app_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// checker opens the bundle's own page from the disk in a browser, and gives what lets it check a bundle.
func (s *story) checker() (ask func(b []byte, key string) string) {
	s.t.Helper()
	chrome := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chrome = path
			break
		}
	}
	if chrome == "" {
		s.t.Skip("there is no Chromium: install it as make test does")
	}
	dir := s.t.TempDir()
	page := filepath.Join(dir, "readme.html")
	s.ok(os.WriteFile(page, s.forge().parts[bundle.PathReadme], 0o600))
	alloc, cancel := chromedp.NewExecAllocator(s.t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chrome), chromedp.NoSandbox)...)
	s.t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	s.t.Cleanup(cancel)
	s.ok(chromedp.Run(ctx)) // the browser lives as long as this context
	return func(b []byte, key string) string {
		s.t.Helper()
		file := filepath.Join(dir, "bundle.zip")
		s.ok(os.WriteFile(file, b, 0o600))
		var said string
		timed, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		s.ok(chromedp.Run(timed, chromedp.Navigate("file://"+page), chromedp.SetUploadFiles("#file", []string{file}, chromedp.ByQuery), chromedp.SendKeys("#key", key, chromedp.ByQuery),
			chromedp.Click("button", chromedp.ByQuery), chromedp.WaitVisible("#verdict .good, #verdict .bad, #verdict .warn", chromedp.ByQuery), chromedp.Text("#verdict", &said, chromedp.ByQuery)))
		return said
	}
}

// TestReadmeVerifies lets the bundle's own page check good and forged bundles, and compares what it says with the program.
func TestReadmeVerifies(t *testing.T) {
	s := newStory(t)
	ask, key := s.checker(), s.key.Verifier().String()
	if said := ask(s.bytes, key); !strings.Contains(said, "AUTHENTIC") {
		t.Errorf("of the good bundle with the log's key it says: %s", said)
	}
	if said := ask(s.bytes, ""); !strings.Contains(said, "CONSISTENT:") {
		t.Errorf("without a key it says: %s", said)
	}
	refused := 0
	for _, a := range attacks() {
		f := s.forge()
		a.do(f)
		b := f.zip()
		said := ask(b, key)
		if strings.Contains(said, "AUTHENTIC") && basic(s.verify(b, verify.Options{Policy: s.policy})) {
			t.Errorf("%s: the page says %s", a.name, said)
		}
		if strings.Contains(said, "FAILED") {
			refused++
		}
	}
	t.Logf("the page refuses %d of %d", refused, len(attacks()))
}

// TestReadmeVerifiesTheWhole lets the page check a bundle that has everything in it, changed in each of the page's steps.
func TestReadmeVerifiesTheWhole(t *testing.T) {
	s, _ := newWholeStory(t)
	ask, key := s.checker(), s.key.Verifier().String()
	said := ask(s.bytes, key)
	for _, want := range []string{"AUTHENTIC", "Countersigned by one.example.com", "Countersigned by two.example.com", "older checkpoints are of the same log", "proofs lead to the root", "pages that the log tells of the bundle holds"} {
		if !strings.Contains(said, want) {
			t.Errorf("of the good bundle it does not say %q: %s", want, said)
		}
	}
	at := func(b []byte, of int, with byte) []byte { b = bytes.Clone(b); b[of] = with; return b }
	part := func(prefix, suffix string, change func(f *forgery, b []byte) []byte) func(f *forgery) []byte {
		return func(f *forgery) []byte {
			name := f.part(prefix, suffix)
			f.parts[name] = change(f, bytes.Clone(f.parts[name]))
			return f.zip()
		}
	}
	replace := func(old, with string) func(*forgery, []byte) []byte {
		return func(f *forgery, b []byte) []byte {
			out := bytes.Replace(b, []byte(old), []byte(with), 1)
			if bytes.Equal(out, b) {
				f.t.Fatalf("there is no %q", old)
			}
			return out
		}
	}
	leafOf := func(kind translog.Kind, change func(l translog.Leaf)) func(f *forgery) []byte {
		return func(f *forgery) []byte {
			change(f.leaves[f.find(kind, 0)])
			f.relog()
			return f.zip()
		}
	}
	stranger, _ := translog.NewSigningKey("one.example.com", true)
	for _, a := range []struct {
		name, want string
		do         func(f *forgery) []byte
	}{
		{"1 a byte behind the end", "its end is wrong", func(*forgery) []byte { return append(bytes.Clone(s.bytes), 0) }},
		{"1 cut off", "its end is wrong", func(*forgery) []byte { return s.bytes[:len(s.bytes)-1] }},
		{"1 another version in a header", "headers of readme.html differ", func(*forgery) []byte { return at(s.bytes, 4, 21) }},
		{"1 another date in a header", "headers of readme.html differ", func(*forgery) []byte { return at(s.bytes, 10, 1) }},
		{"1 a checksum in both headers", "checksum", func(f *forgery) []byte {
			b := bytes.Clone(s.bytes)
			local := bytes.Index(b, []byte("log/end.checkpoint")) - 30
			central := bytes.LastIndex(b, []byte("log/end.checkpoint")) - 46
			b[local+14] ^= 1
			b[central+16] ^= 1
			return b
		}},
		{"2 the name of who signed", "by nobody that the bundle names", part(bundle.PathCheckpoint, "", replace("— one.example.com", "— ane.example.com"))},
		{"2 a witness that nobody names", "by nobody that the bundle names", part(bundle.PathCheckpoint, "", func(f *forgery, b []byte) []byte { return append(b, f.head.Cosign(s.now, stranger)...) })},
		{"2 a signature of another checkpoint", "is wrong", part(bundle.PathCheckpoint, "", func(f *forgery, _ []byte) []byte {
			c := f.head
			c.Size++
			_, n, err := translog.OpenCheckpoint(c.Sign(s.now, s.key))
			f.ok(err)
			return append(append(f.head.Text(), '\n'), n.Signatures[0].Line...)
		})},
		{"3 a leaf twice", "not those of the checkpoint", part(bundle.PathLeaves, "", func(f *forgery, b []byte) []byte {
			one := translog.AppendEntry(nil, f.raw[len(f.raw)-1])
			return append(b, one...)
		})},
		{"3 an older checkpoint of another size", "not a checkpoint of this log", part(bundle.DirOlder, ".checkpoint", func(f *forgery, _ []byte) []byte {
			c := f.head
			return c.Sign(s.now, s.key)
		})},
		{"3 a signature line of an older checkpoint", "by nobody that the bundle names", part(bundle.DirOlder, ".checkpoint", replace("— two.example.com", "— twi.example.com"))},
		{"3 an older time stamp", "not the time stamp that leaf", part(bundle.DirOlder, ".tst", func(_ *forgery, b []byte) []byte { b[len(b)-1] ^= 1; return b })},
		{"3 a time stamp that the log does not tell of", "The log tells of nothing like", func(f *forgery) []byte { f.parts[bundle.DirOlder+"2.tst"] = []byte("x"); return f.zip() }},
		{"3 a proof", "does not lead to the root", part(bundle.DirProofs, "", func(_ *forgery, b []byte) []byte {
			i := bytes.Index(b, []byte("\n")) + 1
			i += bytes.Index(b[i:], []byte("\n")) + 1
			b[i] = 'A' + (b[i]-'A'+1)%26
			return b
		})},
		{"3 something else in the log's folder", "Nothing in the log speaks for", func(f *forgery) []byte { f.parts["log/more.txt"] = []byte("x"); return f.zip() }},
		{"4 a leaf goes back in time", "goes back in time", leafOf(translog.KindExport, func(l translog.Leaf) { setText(l, "at", int64(1)) })},
		{"4 a leaf that follows another one", "does not follow the one before it", func(f *forgery) []byte {
			i := f.find(translog.KindPage, 1)
			f.raw[i-1], f.raw[i] = f.raw[i], f.raw[i-1]
			f.sign()
			return f.zip()
		}},
		{"5 a leaf is later than what a witness signed", "before one of its leaves", func(f *forgery) []byte {
			for _, l := range f.leaves[len(f.leaves)-1:] {
				setText(l, "at", l.At()+time.Hour.Milliseconds())
			}
			f.relog()
			one := bundle.PathHint
			f.parts[one] = []byte("log " + s.key.Verifier().String() + "\nwitness one.example.com " + stranger.Verifier().String() + "\nquorum none\n")
			for name := range f.parts {
				if strings.HasPrefix(name, bundle.DirOlder) {
					delete(f.parts, name)
				}
			}
			f.relog()
			f.parts[bundle.PathCheckpoint] = append(f.parts[bundle.PathCheckpoint], f.head.Cosign(s.now, stranger)...)
			f.resignProofs()
			return f.zip()
		}},
		{"5 the time stamp is of another checkpoint", "of other data", func(f *forgery) []byte {
			f.parts[bundle.PathToken] = f.parts[f.part(bundle.DirOlder, ".tst")]
			return f.zip()
		}},
		{"6 a part", "was changed", part(bundle.DirArtifacts, ".csv", func(_ *forgery, b []byte) []byte { return append(b, 'x') })},
		{"6 the hint", "was changed", part(bundle.PathHint, "", replace("witness one.example.com", "witness ane.example.com"))},
		{"6 a part more", "is not in the manifest", func(f *forgery) []byte { f.parts["controls/more.csv"] = []byte("x"); return f.zip() }},
		{"6 a part less", "is missing", func(f *forgery) []byte { delete(f.parts, f.part(bundle.DirRaw, ".json")); return f.zip() }},
		{"6 the manifest", "not the one that the log fixes", func(f *forgery) []byte { f.m.Audit += "x"; f.remanifest(); return f.zip() }},
		{"6 the sums", "does not name the same parts", part(bundle.PathSums, "", func(_ *forgery, b []byte) []byte { return append(b, '\n') })},
	} {
		t.Run(a.name, func(t *testing.T) {
			f := s.forge()
			f.t = t
			if said := ask(a.do(f), key); !strings.Contains(said, "FAILED") || !strings.Contains(said, a.want) {
				t.Errorf("it is not refused for %q: %s", a.want, said)
			}
		})
	}
}

// basic reports whether the program finds something in the steps that the page has too. Of what is only in later steps, and
// of the schema of leaves, of keys, hints and what a proof is about, the page does not speak.
func basic(r verify.Report) bool {
	for _, f := range r.Failures {
		switch f.Code {
		case "container", "part_changed", "part_added", "part_missing", "part_unreadable", "tree_size", "tree_root", "origin", "chain", "time_goes_back", "genesis", "manifest_changed", "export_missing", "sums", "log_key_unknown", "signature_wrong",
			"signature_strange", "key_retired", "older_checkpoint", "anchor", "anchor_missing":
			if !strings.HasPrefix(f.Step, "7") {
				return true
			}
		}
	}
	return false
}
