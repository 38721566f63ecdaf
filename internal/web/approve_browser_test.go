package web

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	cdptarget "github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
)

// patience is how long a test waits for what a page is to show before it says that it does not: far longer than any page takes.
const patience = 2 * time.Minute

// press clicks what a person sees under a role and a name.
func (b *browser) press(t *testing.T, role, name string) {
	t.Helper()
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
		ctx, stop := context.WithTimeout(ctx, patience)
		defer stop()
		for {
			node, err := named(ctx, role, name)
			if err != nil {
				return err
			}
			if node != 0 {
				return click(ctx, node)
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("there is no %s %q: %w", role, name, ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}))
}

// named gives what has a role and a name in the accessibility tree, 0 if nothing has.
func named(ctx context.Context, role, name string) (cdp.BackendNodeID, error) {
	document, thrown, err := runtime.Evaluate("document").Do(ctx)
	if err != nil || thrown != nil {
		return 0, nil //nolint:nilerr // the page is just being replaced: look again
	}
	nodes, err := accessibility.QueryAXTree().WithObjectID(document.ObjectID).WithRole(role).WithAccessibleName(name).Do(ctx)
	if err != nil {
		return 0, nil //nolint:nilerr // the page is just being replaced: look again
	}
	for _, n := range nodes {
		if !n.Ignored {
			return n.BackendDOMNodeID, nil
		}
	}
	return 0, nil
}

func click(ctx context.Context, node cdp.BackendNodeID) error {
	if err := dom.ScrollIntoViewIfNeeded().WithBackendNodeID(node).Do(ctx); err != nil {
		return err
	}
	box, err := dom.GetBoxModel().WithBackendNodeID(node).Do(ctx)
	if err != nil {
		return err
	}
	q := box.Content
	if len(q) != 8 {
		return errors.New("it has no place on the page")
	}
	return chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2).Do(ctx)
}

// paste puts text into what has the focus, as pasting does.
func (b *browser) paste(t *testing.T, text string) {
	t.Helper()
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error { return input.InsertText(text).Do(ctx) }))
}

// newTab waits for the tab that an action opens.
func (b *browser) newTab(t *testing.T, open func()) *browser {
	t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(i *cdptarget.Info) bool { return i.Type == "page" })
	open()
	select {
	case id := <-opened:
		ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		t.Cleanup(stop)
		tab := &browser{ctx: ctx, site: b.site}
		chromedp.ListenTarget(ctx, tab.watch)
		tab.run(t, network.Enable(), log.Enable(), runtime.Enable(), emulation.SetDeviceMetricsOverride(1440, 900, 1, false))
		return tab
	case <-b.ctx.Done():
		t.Fatal("no tab was opened")
		return nil
	}
}

// heading waits until a page with this heading is shown.
func (b *browser) heading(t *testing.T, want string) {
	t.Helper()
	shown := fmt.Sprintf(`[...document.querySelectorAll('h1, h2, legend')].some(h => h.textContent.trim() === %q)`, want)
	if !b.until(t, shown, func(v string) bool { return v == "true" }) {
		t.Fatalf("the heading %q is not shown", want)
	}
	b.run(t, chromedp.WaitReady("body"))
}

// until evaluates an expression, again while one page goes and the next comes, until its value as JSON is what a test waits for.
func (b *browser) until(t *testing.T, expression string, is func(value string) bool) bool {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		var value string
		b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
			if r, thrown, err := runtime.Evaluate(expression).Do(ctx); err == nil && thrown == nil { // fails between two pages
				value = string(r.Value)
			}
			return nil
		}))
		if is(value) {
			return true
		}
	}
	return false
}

// examine runs axe on the page as it stands, in both themes and on a phone, and holds that it fits the screen.
func (b *browser) examine(t *testing.T, src, where string) {
	t.Helper()
	b.run(t, emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}))
	for _, theme := range []string{"dark", "light"} {
		for _, width := range []int64{390, 1440} {
			var over float64
			b.run(t, emulation.SetDeviceMetricsOverride(width, 900, 1, width < 600), chromedp.Evaluate(`document.documentElement.dataset.theme = '`+theme+`'`, nil),
				chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
			if over > 0 {
				t.Errorf("%s: %v px wider than a screen of %d", where, over, width)
			}
			for _, v := range b.axe(t, src) {
				t.Errorf("%s %s %d: %s: %s\n\t%s", where, theme, width, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
			}
		}
	}
	b.check(t, where)
}

// TestApproveInBrowser goes the whole way as a person does: toggle, new tab, wrong server, wrong paste, token with a type
// missing, another token, Connection Configured with numbers that grow, and the first page that shows it by itself.
func TestApproveInBrowser(t *testing.T) {
	s := newSimulated(t)
	b := newBrowser(t, s.site)
	src := axeSource(t)
	b.look(t, "/sources", "light", 1440, 900)
	tab := b.newTab(t, func() { b.press(t, "switch", "Connect 1Password (opens a new tab)") })
	tab.heading(t, "Select your events server")
	tab.examine(t, src, "server")
	tab.press(t, "radio", "Allowed by the operator "+s.other)
	tab.press(t, "button", "Confirm server")
	tab.run(t, chromedp.WaitVisible("#token"))
	tab.press(t, "textbox", "Token")
	tab.paste(t, "ops_eyJzaWduSW4")
	tab.examine(t, src, "token")
	tab.press(t, "button", "Submit Bearer Token")
	tab.run(t, chromedp.WaitVisible("#refusal"))
	tab.examine(t, src, "refused token")
	partial := s.token(simulator.TokenOptions{Features: []string{"signinattempts", "itemusages"}})
	tab.press(t, "textbox", "Token")
	tab.paste(t, partial)
	var facts string
	tab.run(t, chromedp.WaitVisible("#token-facts"), chromedp.Text(".told-all", &facts))
	for _, want := range []string{strings.TrimPrefix(s.url, "https://"), "Sign-in attempts, Item usages", "never", "This token is for Allowed by the operator", "not for the server that you confirmed", "Without audit events there is no evidence"} {
		if !strings.Contains(facts, want) {
			t.Errorf("of the pasted token the page says %q, not %q", facts, want)
		}
	}
	if strings.Contains(facts, "Without item usages") || strings.Contains(facts, "no whole events token") {
		t.Errorf("of the pasted token the page says %q", facts)
	}
	tab.examine(t, src, "token that was read")
	tab.press(t, "button", "Submit Bearer Token")
	tab.heading(t, "This token is for another server")
	tab.examine(t, src, "mend")
	tab.press(t, "link", "Paste another token")
	tab.run(t, chromedp.WaitVisible("#token"))
	tab.press(t, "textbox", "Token")
	tab.paste(t, partial)
	tab.press(t, "button", "Use Allowed by the operator and submit")
	tab.heading(t, "The token lacks 1 event type")
	tab.examine(t, src, "accept")
	tab.press(t, "link", "Paste another token")
	s.finishInBrowser(t, b, tab, src)
}

// finishInBrowser pastes a whole token for the right server, and watches both tabs renew themselves.
func (s *simulated) finishInBrowser(t *testing.T, b, tab *browser, src string) {
	t.Helper()
	tab.run(t, chromedp.WaitVisible("#token"))
	tab.press(t, "link", "Back")
	tab.press(t, "radio", "Allowed by the operator "+s.url)
	tab.press(t, "button", "Confirm server")
	tab.run(t, chromedp.WaitVisible("#token"))
	tab.press(t, "textbox", "Token")
	tab.paste(t, s.token(simulator.TokenOptions{}))
	tab.run(t, chromedp.WaitVisible("#token-facts"))
	var said int
	tab.run(t, chromedp.Evaluate(`[...document.querySelectorAll('.told-all [data-told], .told-all [data-told-server]')].filter(n => !n.hidden).length`, &said))
	if said != 0 {
		t.Errorf("%d complaints about a good token", said)
	}
	tab.press(t, "button", "Submit Bearer Token")
	tab.heading(t, "Connection Configured")
	tab.examine(t, src, "configured")
	s.collect(t)
	tab.run(t, chromedp.Poll(`document.querySelector('#live').textContent.includes('Active')`, nil))
	tab.examine(t, src, "configured and read")
	b.run(t, page.BringToFront(), chromedp.Poll(`document.querySelector('#live-cards [role=switch][aria-checked=true]') !== null`, nil))
	b.counts(t, "sources with the connection", 1, 2)
	b.examine(t, src, "sources with the connection")
	conns, err := s.store.Connections(t.Context(), s.ws)
	must(t, err)
	if len(conns) != 1 || conns[0].Server != s.url {
		t.Fatalf("made %+v", conns)
	}
	s.first = conns[0]
	s.nowhere(t)
}

// counts holds how many toggles are on, how many cards there are, and that every part is on the page once, however often it
// was renewed.
func (b *browser) counts(t *testing.T, where string, on, cards int) {
	t.Helper()
	var got [3]int
	b.run(t, chromedp.Evaluate(`[document.querySelectorAll('[role=switch][aria-checked=true]').length, document.querySelectorAll('.card').length,
		[...document.querySelectorAll('[id]')].length - new Set([...document.querySelectorAll('[id]')].map(n => n.id)).size]`, &got))
	if got != [3]int{on, cards, 0} {
		t.Errorf("%s: %d toggles are on, %d cards, %d ids twice; want %d and %d", where, got[0], got[1], got[2], on, cards)
	}
}

// TestBlockedTab holds that the page gives the same link when the browser keeps the new tab closed.
func TestBlockedTab(t *testing.T) {
	s := newSite(t)
	b := newBrowser(t, s)
	b.look(t, "/sources", "light", 1440, 900)
	var link, asked, says string
	b.run(t, chromedp.Evaluate(`window.open = (link) => { window.asked = link; return null; }; 0`, nil))
	b.press(t, "switch", "Connect 1Password (opens a new tab)")
	b.run(t, chromedp.WaitVisible("#approve-note"), chromedp.Evaluate(`window.asked`, &asked),
		chromedp.AttributeValue("#approve-note a", "href", &link, nil), chromedp.Text("#approve-note", &says))
	if link != asked || !strings.HasPrefix(link, "/connect/approve?link=") || !strings.Contains(says, "kept the new tab closed") {
		t.Errorf("the page says %q and links to %q, the tab was to show %q", says, link, asked)
	}
	b.examine(t, axeSource(t), "blocked")
	b.run(t, chromedp.Navigate(s.URL+link))
	b.heading(t, "Select your events server")
	b.check(t, "blocked")
}

// shootApproval makes the pictures of an approval.
func (b *browser) shootApproval(t *testing.T, dir string) {
	t.Helper()
	s := b.site
	sim, err := simulator.New(simulator.Config{Seed: 7, Events: 24_000, End: noon, Now: func() time.Time { return noon }})
	must(t, err)
	token, err := sim.IssueToken(simulator.TokenOptions{Audience: "events.1password.eu", Expires: noon.Add(180 * day)})
	must(t, err)
	shot := func(name, path, theme string, width int64) {
		b.look(t, path, theme, width, 900)
		b.shoot(t, filepath.Join(dir, name+".png"))
	}
	begin := func() string {
		link, err := s.connections.BeginApproval(t.Context(), s.caller(), "onepassword", "")
		must(t, err)
		return link
	}
	link := begin()
	b.look(t, approvePath(link), "light", 1440, 900)
	b.press(t, "radio", "1Password (default) https://events.1password.com")
	b.run(t, chromedp.Sleep(300*time.Millisecond))
	b.shoot(t, filepath.Join(dir, "approve-server-light.png"))
	_, err = s.connections.ChooseServer(t.Context(), s.caller(), link, "https://events.1password.com")
	must(t, err)
	b.look(t, approvePath(link), "light", 1440, 900)
	b.press(t, "textbox", "Token")
	b.paste(t, token)
	b.run(t, chromedp.Sleep(300*time.Millisecond))
	b.shoot(t, filepath.Join(dir, "approve-token-light.png"))
	b.press(t, "button", "Submit Bearer Token")
	b.heading(t, "This token is for another server")
	b.shoot(t, filepath.Join(dir, "approve-wrong-server-light.png"))
	shot("phone-approve", approvePath(begin()), "dark", 390)
	c := s.connect("Northwind 1Password", func(c *evidence.Connection) { c.CreatedAt, c.ExpiresAt = noon.Add(-40*time.Second), noon.Add(180*day) })
	for i, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		f := feed{connection: c, stream: stream, spans: []evidence.Span{{From: noon.Add(-120 * day), To: noon.Add(time.Duration(-40-i*6) * day)}}}
		for raw := range sim.Events(simulator.Stream(stream)) {
			f.events = append(f.events, append([]byte(nil), raw...))
		}
		s.fill(f)
	}
	shot("approve-configured-light", "/connections/"+string(c.ID)+"/configured", "light", 1440)
	shot("approve-configured-dark", "/connections/"+string(c.ID)+"/configured", "dark", 1440)
}
