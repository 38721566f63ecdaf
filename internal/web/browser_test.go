package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// browser is a real Chromium that is signed in to a site. It notes what a page must not do.
type browser struct {
	ctx  context.Context
	site *site

	mu         sync.Mutex
	complaints []string
}

// newBrowser starts Chromium, or skips the test where there is none.
func newBrowser(t *testing.T, s *site) *browser {
	t.Helper()
	path := chromium()
	if path == "" {
		t.Skip("no Chromium on this machine: browser tests are not run (install the package chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 15*time.Minute) // ends a browser that hangs; every page is looked at three times
	t.Cleanup(stop)
	b := &browser{ctx: ctx, site: s}
	chromedp.ListenTarget(ctx, b.watch)
	b.run(t, network.Enable(), log.Enable(), runtime.Enable())
	b.signIn(t)
	return b
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// watch notes console errors, refusals of the content security policy, exceptions and requests to other hosts.
func (b *browser) watch(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.Text, "status of 4") {
			b.complain("log: " + e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.complain("exception: " + e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert {
			b.complain(fmt.Sprintf("console: %s %v", e.Type, e.Args))
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && "http://"+u.Host != b.site.URL {
			b.complain("request to another host: " + e.Request.URL)
		}
	}
}

func (b *browser) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

// check fails the test with what was noted since the last check.
func (b *browser) check(t *testing.T, where string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		t.Errorf("%s: %s", where, c)
	}
	b.complaints = nil
}

func (b *browser) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) signIn(t *testing.T) {
	t.Helper()
	link, err := b.site.signIn.NewLink(t.Context(), "test", b.site.ws, b.site.admin.ID)
	must(t, err)
	b.run(t, chromedp.Navigate(b.site.URL+link.Path))
	// The page of the link has a heading too: only the answer to the press says that the next page is there, and whoever
	// loads another before that races with it.
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click("form[action='/sign-in'] button")); err != nil {
		t.Fatal(err)
	}
	b.run(t, chromedp.WaitReady("aside.rail", chromedp.ByQuery))
}

// look loads a page in a theme and a width.
func (b *browser) look(t *testing.T, path, theme string, width, height int64) {
	t.Helper()
	if strings.Contains(path, "#") { // a browser that is on the page already would only scroll, and keep the theme
		b.run(t, chromedp.Navigate("about:blank"))
	}
	b.run(t,
		network.SetCookie("theme", theme).WithURL(b.site.URL),
		emulation.SetDeviceMetricsOverride(width, height, 1, width < 600),
		chromedp.Navigate(b.site.URL+path), chromedp.WaitReady("#content h1"),
		chromedp.Evaluate(`document.fonts.ready.then(() => true)`, nil, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
}

func axeSource(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", "axe", "axe.min.js"))
	must(t, err)
	return string(src)
}

// violation is one finding of axe.
type violation struct {
	ID    string
	Help  string
	Nodes []string
}

func (b *browser) axe(t *testing.T, src string) []violation {
	t.Helper()
	var out string
	b.run(t, chromedp.Evaluate(src+";0", nil), chromedp.Evaluate(`axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice'], resultTypes: ['violations']})
		.then(r => JSON.stringify(r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 220) + ' | ' + n.any.concat(n.all, n.none).map(c => c.message).join('; ').slice(0, 200))}))))`,
		&out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	var list []violation
	must(t, json.Unmarshal([]byte(out), &list))
	return list
}

// checkAccessibility runs axe on every kind of page in both themes and on a phone, and holds that no page complains,
// asks another host, or is wider than the screen.
func checkAccessibility(t *testing.T, s *site) { checkPages(t, s, s.pages()) }

func checkPages(t *testing.T, s *site, pages []string) {
	b := newBrowser(t, s)
	src := axeSource(t)
	for _, path := range pages {
		for _, as := range []struct {
			theme         string
			width, height int64
		}{{"light", 1440, 900}, {"dark", 1440, 900}, {"light", 390, 844}} {
			where := fmt.Sprintf("%s %s %d", path, as.theme, as.width)
			b.look(t, path, as.theme, as.width, as.height)
			for _, v := range b.axe(t, src) {
				t.Errorf("%s: %s: %s\n\t%s", where, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
			}
			var over float64
			b.run(t, chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
			if over > 0 {
				t.Errorf("%s is %v px wider than the screen", where, over)
			}
			b.check(t, where)
		}
	}
}

// TestFontsLoad holds that text is set in the fonts that come with Exhibit and not in whatever a machine has.
func TestFontsLoad(t *testing.T) {
	s := newSite(t)
	s.connect("1Password", nil)
	b := newBrowser(t, s)
	b.look(t, "/sources/onepassword", "light", 1440, 900)
	var loaded string
	b.run(t, chromedp.Evaluate(`[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family.replaceAll('"', '')).sort().join(', ')`, &loaded))
	for _, family := range []string{"Inter", "Geist Mono"} {
		if !strings.Contains(loaded, family) {
			t.Errorf("%s was not loaded, only %q", family, loaded)
		}
	}
}

// TestAloneAccessibility does the same for pages without a session.
func TestAloneAccessibility(t *testing.T) {
	s := newSite(t)
	b := newBrowser(t, s)
	src := axeSource(t)
	b.run(t, network.ClearBrowserCookies())
	for _, path := range []string{"/events", "/sign-in", "/sign-in/x"} {
		for _, theme := range []string{"light", "dark"} {
			b.look(t, path, theme, 390, 844)
			for _, v := range b.axe(t, src) {
				t.Errorf("%s %s: %s: %s\n\t%s", path, theme, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
			}
			b.check(t, path)
		}
	}
}

// checkKeyboard walks a page with the keyboard alone: skip link, drawer open and closed, focus back, search by "/".
func checkKeyboard(t *testing.T, s *site) {
	b := newBrowser(t, s)
	b.look(t, "/events?range=7d", "light", 1440, 900)
	var focused, heading string
	var open bool
	active := func(into *string) chromedp.Action {
		return chromedp.Evaluate(`(document.activeElement.className + ' ' + document.activeElement.id).trim()`, into)
	}
	b.run(t, chromedp.KeyEvent("\t"), active(&focused))
	if !strings.Contains(focused, "skip") {
		t.Errorf("the first tab leads to %q, want the skip link", focused)
	}
	b.run(t, chromedp.KeyEvent("\r"), chromedp.KeyEvent("/"), active(&focused))
	if focused != "q" {
		t.Errorf("/ leads to %q, want the search box", focused)
	}
	b.run(t, chromedp.Focus("a.go"), chromedp.KeyEvent("\r"), chromedp.WaitVisible("dialog.drawer[open] h1"), chromedp.Text("dialog.drawer h1", &heading))
	if heading == "" {
		t.Error("the drawer is empty")
	}
	b.run(t, chromedp.KeyEvent("\x1b"), chromedp.WaitNotVisible("dialog.drawer h1"), chromedp.Evaluate(`document.querySelector('dialog.drawer').open`, &open), active(&focused))
	if open || focused != "go" {
		t.Errorf("after Escape the drawer is open: %v, and the focus is on %q, want the row", open, focused)
	}
	var before, after string
	bar := `document.activeElement.getAttribute('aria-label')`
	for range 100 { // closing the drawer goes back in the tab's history, which may take the focus along once more
		if b.run(t, chromedp.Focus(`svg a[tabindex="0"]`), chromedp.Sleep(50*time.Millisecond), chromedp.Evaluate(bar, &before)); before != "" {
			break
		}
	}
	b.run(t, chromedp.KeyEvent("\u0302"), chromedp.Evaluate(bar, &after))
	if before == after || after == "" {
		t.Errorf("an arrow key leads from bar %q to %q", before, after)
	}
	b.check(t, "keyboard")
}

// inEveryView gives each page that is named once or more in both themes and on a phone.
func inEveryView(named []shot) []shot {
	have := map[string]bool{}
	for _, n := range named {
		have[n.name] = true
	}
	var all []shot
	for _, n := range named {
		page := strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(n.name, "-light"), "-dark"), "phone-")
		height := n.height
		if n.width < 600 {
			height = 1000
		}
		all = append(all, n)
		for _, view := range []shot{{page + "-light", n.path, "light", 1440, height}, {page + "-dark", n.path, "dark", 1440, height}, {"phone-" + page, n.path, "light", 390, 844}} {
			if !have[view.name] {
				have[view.name] = true
				all = append(all, view)
			}
		}
	}
	return all
}

// TestScreenshots writes the pictures of docs/screenshots; it runs only if EXHIBIT_SCREENSHOTS names a directory.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("EXHIBIT_SCREENSHOTS")
	if dir == "" {
		t.Skip("EXHIBIT_SCREENSHOTS names no directory: no pictures are made")
	}
	must(t, os.MkdirAll(dir, 0o755))
	s := filled(t)
	b := newBrowser(t, s)
	all, err := s.server.programme(t.Context(), s.ws)
	must(t, err)
	s.fillExplored()
	s.fillHolds()
	x := s.fillRooms()
	var unsure, whole string
	for id, a := range all.artifacts {
		switch {
		case a.Latest.Result == "inconclusive":
			unsure = string(id)
		case a.Recipe == "failed-sign-ins":
			whole = string(id)
		}
	}
	only := regexp.MustCompile(os.Getenv("EXHIBIT_SCREENSHOTS_ONLY")) // all without it
	for _, shot := range inEveryView(append(s.actionShots(), []shot{
		{"home-light", "/", "light", 1440, 900}, {"home-dark", "/", "dark", 1440, 900},
		{"sources-light", "/sources", "light", 1440, 900}, {"source-light", "/sources/onepassword", "light", 1440, 900},
		{"connection-light", "/connections/" + string(s.first.ID), "light", 1440, 1000}, {"connection-dark", "/connections/" + string(s.first.ID), "dark", 1440, 1000},
		{"coverage-light", "/coverage", "light", 1440, 1000}, {"coverage-dark", "/coverage", "dark", 1440, 1000},
		{"coverage-month-light", "/coverage?range=month", "light", 1440, 1000}, {"coverage-year-light", "/coverage?range=year", "light", 1440, 1000},
		{"coverage-year-dark", "/coverage?range=year", "dark", 1440, 1000}, {"phone-coverage", "/coverage?range=month", "light", 390, 844}, {"phone-coverage-year", "/coverage?range=year", "dark", 390, 844},
		{"events-light", "/events?range=7d", "light", 1440, 900}, {"events-dark", "/events?range=7d", "dark", 1440, 900},
		{"pages-light", "/pages?range=30d&step=records", "light", 1440, 900}, {"pages-dark", "/pages?artifact=" + whole, "dark", 1440, 900}, {"phone-pages", "/pages?range=30d", "light", 390, 844},
		{"rows-light", "/artifacts/" + whole + "/v/1/rows", "light", 1440, 900}, {"phone-rows", "/artifacts/" + whole + "/v/1/rows", "dark", 390, 844}, {"events-counted-light", "/events?artifact=" + whole + "&step=matched", "light", 1440, 900},
		{"events-empty-light", "/events?q=zzz", "light", 1440, 900}, {"event-light", "/events/" + s.someEvent(), "light", 1440, 1000},
		{"artifacts-light", "/artifacts", "light", 1440, 900}, {"artifact-light", "/artifacts/" + whole, "light", 1440, 1000},
		{"artifact-inconclusive-dark", "/artifacts/" + unsure, "dark", 1440, 1000},
		{"artifacts-dark", "/artifacts", "dark", 1440, 900}, {"phone-artifacts", "/artifacts", "light", 390, 844}, {"upload-light", "/artifacts/upload", "light", 1440, 1000}, {"phone-upload", "/artifacts/upload", "dark", 390, 1200},
		{"build-light", "/artifacts/build", "light", 1440, 900}, {"schedules-light", "/artifacts/schedules", "light", 1440, 900}, {"phone-schedules", "/artifacts/schedules", "dark", 390, 1000}, {"artifacts-none-light", "/artifacts?q=zzz", "light", 1440, 900},
		{"actions-light", "/actions", "light", 1440, 900}, {"controls-light", "/controls", "light", 1440, 900}, {"frameworks-light", "/frameworks", "light", 1440, 900}, {"log-light", "/log", "light", 1440, 1000}, {"log-dark", "/log", "dark", 1440, 1000}, {"phone-log", "/log", "light", 390, 844},
		{"verify-light", "/log/verify", "light", 1440, 1000}, {"verify-dark", "/log/verify?from=grade#grade", "dark", 1440, 1000}, {"phone-verify", "/log/verify", "dark", 390, 844},
		{"artifact-proof-light", "/artifacts/" + whole + "#proof", "light", 1440, 1000}, {"artifact-proof-dark", "/artifacts/" + whole + "?version=1#proof", "dark", 1440, 1000}, {"phone-artifact-proof", "/artifacts/" + whole + "#proof", "light", 390, 844},
		{"control-light", "/controls/" + string(all.controls[0].Control.ID), "light", 1440, 900},
		{"control-own-light", s.programPages()[2], "light", 1440, 900}, {"control-form-light", s.programPages()[3], "light", 1440, 900},
		{"framework-light", "/frameworks/soc2", "light", 1440, 900}, {"frameworks-dark", "/frameworks", "dark", 1440, 1000}, {"requirement-light", "/frameworks/soc2/requirements/CC7.2?month=2026-10", "light", 1440, 1000},
		{"requirement-dark", "/frameworks/nist-800-53r5/requirements/AC-2", "dark", 1440, 1000}, {"proposal-light", "/frameworks/proposal?framework=pci-dss-4.0.1", "light", 1440, 1000},
		{"framework-load-light", s.programPages()[7], "light", 1440, 1000}, {"matrix-light", "/frameworks/soc2/matrix?show=served", "light", 1440, 1000}, {"matrix-dark", "/frameworks/soc2/matrix?by=controls", "dark", 1440, 1000},
		{"phone-matrix", "/frameworks/soc2/matrix?by=controls", "light", 390, 844}, {"phone-framework", "/frameworks/soc2", "dark", 390, 844}, {"phone-proposal", "/frameworks/proposal?framework=pci-dss-4.0.1", "light", 390, 844},
		{"audits-light", "/audits", "light", 1440, 900}, {"room-light", x.at(""), "light", 1440, 1000}, {"room-dark", x.at(""), "dark", 1440, 1000}, {"phone-room", x.at(""), "light", 390, 844},
		{"room-control-light", x.at("/controls/EX-01"), "light", 1440, 1000}, {"room-sample-light", x.at("/samples/" + string(x.drawn.ID)), "light", 1440, 1000}, {"room-requests-light", x.at("/requests"), "light", 1440, 1000},
		{"room-bundle-dark", x.at("/bundle"), "dark", 1440, 1000}, {"room-people-light", x.at("/people"), "light", 1440, 1000}, {"phone-room-requests", x.at("/requests"), "dark", 390, 844},
		{"settings-light", "/settings", "light", 1440, 900}, {"settings-dark", "/settings", "dark", 1440, 900}, {"people-light", "/settings/people", "light", 1440, 900},
		{"people-dark", "/settings/people", "dark", 1440, 900}, {"person-light", "/settings/people/" + string(s.admin.ID), "light", 1440, 1000}, {"phone-people", "/settings/people", "light", 390, 844},
		{"account-light", "/settings/account", "light", 1440, 1000}, {"account-dark", "/settings/account", "dark", 1440, 1000}, {"phone-account", "/settings/account", "dark", 390, 844},
		{"activity-light", "/settings/activity", "light", 1440, 900}, {"api-tokens-light", "/settings/api-tokens", "light", 1440, 900}, {"api-tokens-dark", "/settings/api-tokens", "dark", 1440, 900},
		{"notifications-light", "/settings/notifications", "light", 1440, 900}, {"notifications-dark", "/settings/notifications", "dark", 1440, 900},
		{"holds-light", "/settings/holds", "light", 1440, 1000}, {"holds-dark", "/settings/holds", "dark", 1440, 1000}, {"erasure-light", "/settings/erasure", "light", 1440, 900}, {"phone-holds", "/settings/holds", "light", 390, 844},
		{"channel-mail-light", "/settings/notifications/new?kind=email", "light", 1440, 1000}, {"phone-notifications", "/settings/notifications", "light", 390, 844}, {"phone-channel", "/settings/notifications/new?kind=webhook", "dark", 390, 844},
		{"phone-settings", "/settings", "light", 390, 844}, {"phone-activity", "/settings/activity", "light", 390, 844}, {"phone-api-tokens", "/settings/api-tokens", "dark", 390, 844},
		{"phone-home", "/", "light", 390, 844}, {"phone-sources", "/sources", "light", 390, 844}, {"phone-events", "/events?range=7d", "light", 390, 844},
		{"connection-tokens-light", "/connections/" + string(s.first.ID) + "#handovers", "light", 1440, 1000}, {"source-help-dark", "/sources/onepassword#help", "dark", 1440, 1000},
		{"events-filtered-dark", "/events?range=30d&action=reveal&country=DE", "dark", 1440, 900}, {"export-light", "/events/export?range=30d&result=failed", "light", 1440, 900},
		{"save-artifact-light", "/events/artifact?range=30d&result=failed", "light", 1440, 900}, {"filters-light", "/events/filters", "light", 1440, 900},
		{"phone-export", "/events/export?range=30d&result=failed", "dark", 390, 844}, {"phone-filters", "/events/filters", "light", 390, 844},
		{"phone-connection", "/connections/" + string(s.first.ID), "dark", 390, 844}, {"phone-artifact", "/artifacts/" + unsure, "light", 390, 844},
	}...)) {
		if !only.MatchString(shot.name) {
			continue
		}
		b.look(t, shot.path, shot.theme, shot.width, shot.height)
		b.shoot(t, filepath.Join(dir, shot.name+".png"))
	}
	if only.String() != "" {
		return
	}
	b.look(t, "/events?range=7d", "light", 1440, 900)
	b.run(t, chromedp.Click("tbody tr:nth-child(4) a.go"), chromedp.WaitVisible("dialog.drawer[open] h1"), chromedp.Sleep(400*time.Millisecond))
	b.shoot(t, filepath.Join(dir, "drawer-light.png"))
	b.look(t, "/events?range=30d&stream=itemusages&result=", "dark", 1440, 900)
	b.run(t, chromedp.Click("tbody tr:nth-child(2) a.go"), chromedp.WaitVisible("dialog.drawer[open] h1"), chromedp.Evaluate(`document.querySelector('dialog.drawer .related').scrollIntoView({block: 'center'})`, nil), chromedp.Sleep(400*time.Millisecond))
	b.shoot(t, filepath.Join(dir, "drawer-related-dark.png"))
	b.look(t, "/events?range=120d&result=failed", "light", 1440, 900)
	b.run(t, chromedp.Click("details.save summary"), chromedp.Sleep(100*time.Millisecond))
	b.shoot(t, filepath.Join(dir, "events-save-light.png"))
	b.look(t, "/events?range=7d", "light", 1440, 900)
	b.run(t, chromedp.Evaluate(`scrollTo(0, 1400)`, nil), chromedp.Sleep(200*time.Millisecond))
	b.shoot(t, filepath.Join(dir, "events-scrolled-light.png"))
	b.shootApproval(t, dir)
}

// shot is one picture: of which page, in which theme, on how large a screen.
type shot struct {
	name, path, theme string
	width, height     int64
}

func (b *browser) shoot(t *testing.T, path string) {
	t.Helper()
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
		png, err := page.CaptureScreenshot().WithOptimizeForSpeed(false).Do(cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Target))
		if err != nil {
			return err
		}
		return os.WriteFile(path, shrink(t, png), 0o644)
	}))
}

// fillHostile stores events whose names are attacks.
func (s *site) fillHostile() {
	s.t.Helper()
	s.first = s.connect(`<img src=x onerror="window.pwned=1">`, nil)
	var events [][]byte
	for i, attack := range attacks() {
		events = append(events, oneAudit(fmt.Sprintf("HOSTILE%019d", i), noon.Add(-time.Hour+time.Duration(i)*time.Second), attack, attack))
	}
	s.fill(feed{connection: s.first, stream: "auditevents", events: events, spans: []evidence.Span{{From: noon.Add(-2 * time.Hour), To: noon.Add(-time.Minute)}}, caughtUp: true})
}

// attacks are names that somebody could give himself.
func attacks() []string {
	return slices.Concat([]string{
		`<script>window.pwned=1</script>`, `"><img src=x onerror=window.pwned=1>`, `javascript:window.pwned=1`, `'-alert(1)-'`, `{{constructor.constructor('window.pwned=1')()}}`,
		"\u202egnp.exe\u202c", "\u2066left\u2069", "zero\u200bwidth", "nul\x00bel\a", `</title></textarea></style><svg onload=window.pwned=1>`, "=HYPERLINK(\"http://evil.example.com\")",
	}, []string{strings.Repeat("long ", 200), strings.Repeat("W", 400)})
}
