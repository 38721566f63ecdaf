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
	"github.com/exhibithq/exhibit/internal/verify"
)

// TestReadmeVerifies opens the bundle's own page from the disk in a browser, lets it check good and forged bundles, and
// compares what it says with the program.
func TestReadmeVerifies(t *testing.T) {
	chrome := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chrome = path
			break
		}
	}
	if chrome == "" {
		t.Skip("there is no Chromium: install it as make test does")
	}
	s := newStory(t)
	dir := t.TempDir()
	page := filepath.Join(dir, "readme.html")
	s.ok(os.WriteFile(page, s.forge().parts[bundle.PathReadme], 0o600))
	alloc, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chrome), chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(alloc)
	defer cancel()
	s.ok(chromedp.Run(ctx)) // the browser lives as long as this context
	ask := func(b []byte, key string) string {
		t.Helper()
		file := filepath.Join(dir, "bundle.zip")
		s.ok(os.WriteFile(file, b, 0o600))
		var said string
		timed, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		s.ok(chromedp.Run(timed, chromedp.Navigate("file://"+page), chromedp.SetUploadFiles("#file", []string{file}, chromedp.ByQuery), chromedp.SendKeys("#key", key, chromedp.ByQuery),
			chromedp.Click("button", chromedp.ByQuery), chromedp.WaitVisible("#verdict .good, #verdict .bad, #verdict .warn", chromedp.ByQuery), chromedp.Text("#verdict", &said, chromedp.ByQuery)))
		return said
	}
	key := s.key.Verifier().String()
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
	cut := bytes.Clone(s.bytes[:len(s.bytes)-1])
	if said := ask(cut, key); !strings.Contains(said, "FAILED") {
		t.Errorf("of a file that is cut off it says: %s", said)
	}
}

// basic reports whether the program finds something in the steps that the page has too. Of what is only in later steps, and
// of the schema of leaves, keys, hints and proofs, the page does not speak.
func basic(r verify.Report) bool {
	for _, f := range r.Failures {
		switch f.Code {
		case "container", "part_changed", "part_added", "part_missing", "part_unreadable", "tree_size", "tree_root", "origin", "chain", "time_goes_back", "genesis", "manifest_changed", "export_missing", "sums", "log_key_unknown", "signature_wrong":
			if !strings.HasPrefix(f.Step, "7") {
				return true
			}
		}
	}
	return false
}
