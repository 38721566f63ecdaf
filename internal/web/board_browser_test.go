package web

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestBoardByKeyboard walks the board with arrow keys, moves a card there and back, and hears what happened.
func TestBoardByKeyboard(t *testing.T) {
	s := newSite(t)
	s.fillActions()
	b := newBrowser(t, s)
	b.look(t, "/actions?view=board", "light", 1440, 1000)
	a, err := s.store.Action(t.Context(), s.ws, "A-SOON")
	must(t, err)
	card := "#" + string(a.ID)
	shift := chromedp.KeyModifiers(input.ModifierShift)
	says := func(what, expression, want string) {
		t.Helper()
		got := ""
		if !b.until(t, expression, func(v string) bool { got = v; return strings.Contains(v, want) }) {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
	const focus, said, column = `(document.activeElement.closest('.act') || {}).id || ''`, `document.querySelector('#board-said').textContent`,
		`(document.activeElement.closest('.board > section') || {}).ariaLabelledByElements?.[0].textContent || document.activeElement.closest('.board > section')?.querySelector('h2').textContent || ''`
	b.run(t, chromedp.Focus(card+" h3 a", chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowRight))
	says("the column that is walked to", column, "Done")
	says("where one is", said, "Done, 1 of 1")
	b.run(t, chromedp.KeyEvent(kb.ArrowLeft))
	says("walking back", column, "To do")
	b.run(t, chromedp.Focus(card+" h3 a", chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowLeft, shift))
	says("a move that is none", said, "cannot be moved left from To do")
	b.run(t, chromedp.KeyEvent(kb.ArrowRight, shift))
	says("after moving", said, "Upload the access policy is in In progress now.")
	says("the card has the focus", focus, string(a.ID))
	for _, v := range b.axe(t, axeSource(t)) {
		t.Errorf("%s: %s\n\t%s", v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
	b.run(t, chromedp.KeyEvent(kb.ArrowLeft, shift))
	says("moved back", said, "is in To do now.")
	b.check(t, "the board")
}
