package web

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// connected is a site with one connection that has read all of the last quarter, and nothing made of it yet.
func connected(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	sim, err := simulator.New(simulator.Config{Seed: 11, Events: 9_000, End: noon, Now: func() time.Time { return noon }})
	must(t, err)
	s.first = s.connect("1Password", nil)
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		var events [][]byte
		for raw := range sim.Events(simulator.Stream(stream)) {
			events = append(events, bytes.Clone(raw))
		}
		s.read(stream, events)
	}
	_, err = program.New(s.store, s.clock).Seed(t.Context(), "test", s.ws, "soc2")
	must(t, err)
	return s
}

// read stores events as the collector does: answers as the source gives them, taken apart by the source's own reader, until one
// says that there is no more. So the bundle proves them.
func (s *site) read(stream evidence.Stream, events [][]byte) {
	s.t.Helper()
	ctx, start, kind := s.t.Context(), noon.Add(-150*day), onepassword.Kind()
	lease, err := s.store.Acquire(ctx, s.first.ID, stream, "test/1/1", time.Hour)
	must(s.t, err)
	answers := append(slices.Collect(slices.Chunk(events, 500)), nil)
	for n, items := range answers {
		more := n < len(answers)-1
		body := fmt.Appendf(nil, `{"cursor":"%s-%d","has_more":%t,"items":[%s]}`, stream, n, more, bytes.Join(items, []byte(", ")))
		p, err := kind.Split(stream, body, noon)
		must(s.t, err)
		through := noon.Add(-time.Minute)
		if more {
			through = p.Records[len(p.Records)-1].Facts.At
		}
		done, err := s.store.Commit(ctx, lease, store.PageCommit{Mode: store.Live, Request: source.Request{Stream: stream, Cursor: source.Cursor(lease.Cursor), From: start, Limit: 500}, Page: p,
			RequestedAt: noon.Add(-time.Minute), ReceivedAt: noon.Add(-time.Minute + time.Second), Window: evidence.Span{From: start, To: through}, NewWindow: n == 0, CaughtUp: !more, Build: "Exhibit/test"})
		must(s.t, err)
		lease = done.Lease
	}
	must(s.t, s.store.Release(ctx, lease))
}

// choose takes an option of a list by typing how it begins.
func (b *browser) choose(t *testing.T, list, option string) {
	t.Helper()
	id := b.find(t, "combobox", list)
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error { return dom.Focus().WithBackendNodeID(id).Do(ctx) }), chromedp.KeyEvent(option))
}

// shows waits until a page says all of these, while one page goes and the next comes.
func (b *browser) shows(t *testing.T, want ...string) {
	t.Helper()
	var said string
	text := `document.querySelector('main') ? document.querySelector('main').innerText.replace(/\s+/g, ' ') : ''`
	if !b.until(t, text, func(v string) bool {
		said = v
		return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(v, w) })
	}) {
		t.Fatalf("the page does not say %q: %s", want, said)
	}
}

// next follows the step that the front page asks for.
func (b *browser) next(t *testing.T, step, does string) {
	t.Helper()
	b.press(t, "link", "Home")
	b.heading(t, "From events to an audit")
	var asked string
	b.run(t, chromedp.Text("ol.first-steps a.primary", &asked, chromedp.ByQuery))
	if strings.TrimSpace(asked) != does {
		t.Fatalf("the front page asks for %q next, not to %s: %q", asked, step, does)
	}
	b.press(t, "link", does)
}

// TestQuarterInBrowser goes from events to a reviewed artifact of a quarter on a control, and to a bundle that
// verifies, as two people who know nothing of Exhibit do: where the front page leads.
func TestQuarterInBrowser(t *testing.T) {
	s := connected(t)
	b := newBrowser(t, s)
	src := axeSource(t)
	b.look(t, "/", "light", 1440, 900)
	b.next(t, "build an artifact", "Build")
	b.heading(t, "Build an artifact")
	b.press(t, "link", "Last quarter")
	b.heading(t, "Build an artifact")
	b.press(t, "button", "Build")
	b.heading(t, "From pages to rows")
	var artifact string
	b.run(t, chromedp.Location(&artifact))
	artifact = artifact[len(s.URL):strings.IndexAny(artifact+"#", "#?")]

	b.press(t, "DisclosureTriangle", "Attach to something")
	b.choose(t, "Control or action", "EX-01 ")
	b.press(t, "button", "Attach")
	b.shows(t, "EX-01 Sign-in failures are watched", "Detach")

	b.next(t, "invite a reviewer", "Invite")
	b.heading(t, "Invite somebody")
	b.write(t, "Name", "Rita Example")
	b.write(t, "Mail address", "rita@example.com")
	b.press(t, "radio", "Evidence reviewer Judges evidence: sees everything, approves or rejects what somebody else made, changes nothing.")
	b.press(t, "button", "Make the invitation")
	var invitation string
	b.run(t, chromedp.WaitVisible("#invitation"), chromedp.Text("#invitation", &invitation))
	s.review(t, src, strings.TrimSpace(invitation), artifact)

	b.look(t, "/", "light", 1440, 900)
	b.next(t, "make an audit", "Make")
	b.heading(t, "New audit")
	b.press(t, "link", "Last quarter")
	b.heading(t, "New audit")
	b.write(t, "Name", "SOC 2, third quarter")
	b.press(t, "button", "Make the audit")
	b.heading(t, "The period")
	var shown string
	b.run(t, chromedp.Text("main", &shown))
	if !strings.Contains(shown, "Approved") || !strings.Contains(shown, "1 of 12") {
		t.Errorf("the room does not show the approved artifact: %s", shown)
	}
	b.next(t, "take the evidence away", "Bundle")
	b.heading(t, "Take the evidence away")
	s.holds(t, b.download(t, func() { b.press(t, "button", "Make the bundle") }), artifact)
	b.look(t, "/", "light", 1440, 900)
	b.run(t, chromedp.Text("main", &shown))
	if strings.Contains(shown, "From events to an audit") {
		t.Error("the front page still leads the way")
	}
	b.check(t, "the whole way")
}

// review is what the invited person does in a browser of his own.
func (s *site) review(t *testing.T, src, invitation, artifact string) {
	t.Helper()
	b := newBrowser(t, s)
	b.run(t, network.ClearBrowserCookies(), chromedp.Navigate(s.URL+invitation[strings.Index(invitation, "/sign-in/"):]))
	b.press(t, "button", "Sign in")
	b.shows(t, "Welcome.", "Evidence reviewer")
	b.look(t, "/", "light", 1440, 900)
	b.examine(t, src, "home of a reviewer")
	b.look(t, "/", "light", 1440, 900)
	b.press(t, "link", "Review asked: 1 artifact")
	b.heading(t, "Artifacts")
	b.press(t, "link", "Failed sign-ins and bursts")
	b.heading(t, "Review")
	b.press(t, "radio", "Approve")
	b.press(t, "button", "Keep the review")
	b.shows(t, "Approved")
	var at string
	b.run(t, chromedp.Location(&at))
	if !strings.Contains(at, artifact) {
		t.Errorf("the review is asked for at %s, not at %s", at, artifact)
	}
	b.check(t, "a review")
}

// download gives the file that an action makes the browser save.
func (b *browser) download(t *testing.T, begin func()) []byte {
	t.Helper()
	dir, done := t.TempDir(), make(chan string, 1)
	chromedp.ListenBrowser(b.ctx, func(ev any) {
		if e, ok := ev.(*cdpbrowser.EventDownloadProgress); ok && e.State == cdpbrowser.DownloadProgressStateCompleted {
			done <- e.GUID
		}
	})
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
		return cdpbrowser.SetDownloadBehavior(cdpbrowser.SetDownloadBehaviorBehaviorAllowAndName).WithDownloadPath(dir).WithEventsEnabled(true).
			Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser))
	}))
	begin()
	select {
	case guid := <-done:
		data, err := os.ReadFile(filepath.Join(dir, guid))
		must(t, err)
		return data
	case <-time.After(patience):
		t.Fatal("nothing was saved")
		return nil
	}
}

// holds verifies a bundle with the trust file alone, as an auditor does with exhibit verify, and looks into it for the artifact and for
// who approved it.
func (s *site) holds(t *testing.T, bundle []byte, artifact string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	must(t, err)
	text, _, err := s.book.Policy(t.Context(), s.ws)
	must(t, err)
	policy, err := translog.ParsePolicy(text)
	must(t, err)
	r, err := verify.Bundle(t.Context(), bytes.NewReader(bundle), int64(len(bundle)), verify.Options{Policy: policy, Kinds: []source.Kind{onepassword.Kind()}})
	must(t, err)
	if r.Verdict != verify.Authentic {
		t.Errorf("exhibit verify says %s: %v", r.Verdict, r.Failures)
	}
	index, err := z.Open("controls/index.csv")
	must(t, err)
	defer index.Close()
	text, err = io.ReadAll(index)
	must(t, err)
	for _, want := range []string{"Rita Example", filepath.Base(artifact), "approved"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the index of the bundle does not name %s:\n%s", want, text)
		}
	}
	if _, err := z.Open("readme.html"); err != nil {
		t.Error(err)
	}
}
