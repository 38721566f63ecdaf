package web

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// focused says what has the focus, as a screen reader would, and whether a person can see that it has.
func (b *browser) focused(t *testing.T) (role, name string, visible bool) {
	t.Helper()
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error {
		object, _, err := runtime.Evaluate("document.activeElement").Do(ctx)
		if err != nil {
			return err
		}
		nodes, err := accessibility.GetPartialAXTree().WithObjectID(object.ObjectID).WithFetchRelatives(false).Do(ctx)
		if err != nil || len(nodes) == 0 || nodes[0].Role == nil || nodes[0].Name == nil {
			return err
		}
		role, name = string(nodes[0].Role.Value), string(nodes[0].Name.Value)
		return chromedp.Evaluate(`((n) => {
			const s = getComputedStyle(n), around = n.closest(':has(:focus-visible)') && getComputedStyle(n.closest('label') || n);
			return n.matches(':focus-visible') && [s, around, getComputedStyle(n, '::after')].some((x) => x && (x.outlineStyle !== 'none' || x.boxShadow !== 'none'));
		})(document.activeElement)`, &visible).Do(ctx)
	}))
	return role, name, visible
}

// walk presses a key until something has the focus, as somebody does who has no mouse. What is not reached is not there
// for him, and where he does not see where he is, he is lost.
func (b *browser) walk(t *testing.T, key, role, name string) {
	t.Helper()
	var passed []string
	for range 80 {
		b.run(t, chromedp.KeyEvent(key))
		r, n, visible := b.focused(t)
		passed = append(passed, r+" "+n)
		if r != "" && r != `"RootWebArea"` && !visible {
			t.Errorf("nobody sees that %s %s has the focus", r, n)
		}
		if r == `"`+role+`"` && n == `"`+name+`"` {
			return
		}
	}
	t.Fatalf("the keyboard does not reach the %s %q, only %q", role, name, passed)
}

// TestApproveByKeyboard connects, switches off and begins anew with the keyboard alone.
func TestApproveByKeyboard(t *testing.T) {
	s := newSimulated(t)
	b := newBrowser(t, s.site)
	b.look(t, "/sources", "light", 1440, 900)
	b.walk(t, "\t", "switch", "Connect 1Password (opens a new tab)")
	tab := b.newTab(t, func() { b.run(t, chromedp.KeyEvent(" ")) })
	tab.heading(t, "Select your events server")
	tab.run(t, page.BringToFront())
	tab.walk(t, "\t", "radio", "1Password Enterprise https://events.ent.1password.com")
	tab.walk(t, "\u0301", "radio", "Allowed by the operator "+s.url) // arrow down
	tab.walk(t, "\t", "button", "Confirm server")
	tab.run(t, chromedp.KeyEvent("\r"))
	tab.run(t, chromedp.WaitVisible("#token"))
	if _, name, _ := tab.focused(t); name != `"Token"` {
		tab.walk(t, "\t", "textbox", "Token")
	}
	token := s.token(simulator.TokenOptions{})
	tab.run(t, chromedp.ActionFunc(func(ctx context.Context) error { return input.InsertText(token).Do(ctx) }), chromedp.WaitVisible("#token-facts"))
	tab.walk(t, "\t", "button", "Submit Bearer Token")
	tab.run(t, chromedp.KeyEvent("\r"))
	tab.heading(t, "Connection Configured")
	tab.check(t, "approval by keyboard")

	b.run(t, page.BringToFront(), chromedp.Poll(`document.querySelector('#live-cards [role=switch][aria-checked=true]') !== null`, nil))
	conns, err := s.store.Connections(t.Context(), s.ws)
	must(t, err)
	b.walk(t, "\t", "switch", conns[0].Name)
	b.run(t, chromedp.KeyEvent(" "))
	b.heading(t, "Switch off "+conns[0].Name+"?")
	b.walk(t, "\t", "button", "Switch off")
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent("\r")); err != nil {
		t.Fatal(err)
	}
	conns, err = s.store.Connections(t.Context(), s.ws)
	must(t, err)
	if conns[0].OffAt.IsZero() {
		t.Error("the connection is still on")
	}
	b.check(t, "switching off by keyboard")
}
