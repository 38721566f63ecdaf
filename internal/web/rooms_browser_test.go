package web

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// pagesOf gives the pages of a room that the company sees, and those that its auditor sees, by a name for a picture.
func (x roomed) pagesOf() (company, auditors map[string]string) {
	company = map[string]string{"audits": "/audits", "audit-new": "/audits/new?from=2026-10-01&to=2026-12-31", "room": x.at(""), "room-scope": x.at("/scope"), "room-answer": x.at("/requests"), "room-people": x.at("/people")}
	auditors = map[string]string{"room-list": "/audits", "room-auditor": x.at(""), "room-control": x.at("/controls/EX-01"), "room-artifact": x.at("/artifacts/" + string(x.inside)),
		"room-events": x.at("/artifacts/" + string(x.inside) + "/events"), "room-samples": x.at("/samples"), "room-sample": x.at("/samples/" + string(x.drawn.ID)),
		"room-member": x.at("/samples/" + string(x.drawn.ID) + "/members/1"), "room-requests": x.at("/requests"), "room-notes": x.at("/notes"), "room-bundle": x.at("/bundle")}
	return company, auditors
}

// eachPage looks at every page of a room as who may see it, in both themes and on a phone.
func (x roomed) eachPage(t *testing.T, b *browser, height int64, do func(name string)) {
	t.Helper()
	company, auditors := x.pagesOf()
	for i, pages := range []map[string]string{company, auditors} {
		if i == 1 {
			admin := b.site.admin
			b.site.admin.ID = x.auditor.Member
			b.run(t, network.ClearBrowserCookies())
			b.signIn(t)
			b.site.admin = admin
		}
		for name, path := range pages {
			for _, as := range []struct {
				theme string
				width int64
			}{{"light", 1440}, {"dark", 1440}, {"phone", 390}} {
				b.look(t, path, strings.Replace(as.theme, "phone", "light", 1), as.width, height)
				do(name + "-" + as.theme)
			}
		}
	}
}

// TestRoomAccessibility runs axe on every page of a room, and holds that none is wider than the screen or complains.
func TestRoomAccessibility(t *testing.T) {
	x := filled(t).fillRooms()
	b := newBrowser(t, x.site)
	src := axeSource(t)
	shots := os.Getenv("EXHIBIT_ROOM_SCREENSHOTS")
	x.eachPage(t, b, 1000, func(name string) {
		for _, v := range b.axe(t, src) {
			t.Errorf("%s: %s: %s\n\t%s", name, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
		}
		var over float64
		b.run(t, chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
		if over > 0 {
			t.Errorf("%s is %v px wider than the screen", name, over)
		}
		b.check(t, name)
		if shots != "" {
			b.shoot(t, filepath.Join(shots, fmt.Sprintf("%s.png", name)))
		}
	})
}
