package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
)

// find waits for what has a role and a name, ten seconds at most.
func (b *browser) find(t *testing.T, role, name string) cdp.BackendNodeID {
	t.Helper()
	var id cdp.BackendNodeID
	for range 200 {
		b.run(t, chromedp.ActionFunc(func(ctx context.Context) (err error) {
			id, err = named(ctx, role, name)
			return err
		}))
		if id != 0 {
			return id
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("there is no %s %q on the page", role, name)
	return 0
}

// write puts text into a field.
func (b *browser) write(t *testing.T, name, text string) {
	t.Helper()
	id := b.find(t, "textbox", name)
	b.run(t, chromedp.ActionFunc(func(ctx context.Context) error { return dom.Focus().WithBackendNodeID(id).Do(ctx) }), chromedp.KeyEvent(text))
}

// checkExplorerByHand saves a filter, takes it away as a file and makes it an artifact, as a person would.
func checkExplorerByHand(t *testing.T, s *site) {
	b := newBrowser(t, s)
	src := axeSource(t)
	accessible := func(state string) {
		t.Helper()
		for _, v := range b.axe(t, src) {
			t.Errorf("%s: %s: %s\n\t%s", state, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
		}
	}
	var heading string
	b.look(t, "/events?range=30d&stream=itemusages", "light", 390, 844)
	b.run(t, chromedp.Click("tbody tr:nth-child(2) a.go"), chromedp.WaitVisible("dialog.drawer[open] .related"), chromedp.Sleep(300*time.Millisecond)) // it slides in
	accessible("the drawer on a phone")
	b.run(t, chromedp.Click("dialog.drawer .related li a"), chromedp.WaitVisible("dialog.drawer[open] h1"))
	b.look(t, "/events?range=7d&result=failed", "dark", 1440, 900)
	b.press(t, "DisclosureTriangle", "Save this filter")
	accessible("the form that saves a filter")
	b.write(t, "Name", "By hand")
	b.press(t, "button", "Save")
	b.find(t, "link", "By hand")
	accessible("events with a saved filter")
	b.press(t, "link", "Export")
	b.press(t, "button", "Make CSV")
	b.find(t, "link", "Download CSV") // without loading the page again: the list renews itself
	accessible("an export that is ready")
	b.press(t, "button", "Remove CSV")
	b.find(t, "heading", "No files yet")
	b.press(t, "link", "Change the filter")
	b.press(t, "link", "Save as artifact")
	b.press(t, "button", "Build the artifact")
	b.find(t, "link", "Build again")
	b.run(t, chromedp.Text("h1", &heading))
	if !strings.HasPrefix(heading, "Selected events: result is failed") {
		t.Errorf("the artifact is called %q", heading)
	}
	b.press(t, "link", "Its events")
	b.press(t, "link", "Manage")
	b.find(t, "button", "Remove By hand")
	accessible("saved filters")
	b.press(t, "button", "Remove By hand")
	b.find(t, "heading", "No filters are saved")
	b.check(t, "by hand")
}

// hostileEvents are events of a stream whose every text is an attack.
func hostileEvents(stream evidence.Stream) [][]byte {
	var out [][]byte
	for i, attack := range attacks() {
		at := noon.Add(-time.Hour + time.Duration(i)*time.Second).Format(time.RFC3339)
		who := map[string]string{"uuid": attack, "name": attack, "email": attack, "user_type": attack}
		client := map[string]string{"app_name": attack, "app_version": attack, "platform_name": attack, "os_name": attack, "ip_address": attack}
		place := map[string]string{"country": attack, "region": attack, "city": attack}
		e := map[string]any{"uuid": fmt.Sprintf("HOSTILE%s%05d", strings.ToUpper(string(stream[:14-4])), i), "timestamp": at, "location": place, "client": client, "action": attack, attack: attack}
		switch stream {
		case onepassword.SignIns:
			e["category"], e["type"], e["session_uuid"], e["target_user"], e["country"] = attack, attack, "ONESESSION", who, attack
			e["details"] = map[string]string{"value": attack}
		case onepassword.Usages:
			e["user"], e["vault_uuid"], e["item_uuid"] = who, attack, attack
		default:
			e["actor_uuid"], e["actor_details"], e["object_type"], e["object_uuid"], e["object_details"], e["aux_info"] = "ONEACTOR", map[string]string{"uuid": "ONEACTOR", "name": attack, "email": attack}, attack, attack, who, attack
			e["session"] = map[string]string{"uuid": "ONESESSION", "ip": attack, "device_uuid": attack}
		}
		raw, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		out = append(out, raw)
	}
	return out
}

// TestHostileDataEverywhere shows events whose every text is an attack in list, drawer, page, filters, suggestions, saved
// filters, export and artifact, wide and on a phone, and holds that none of it runs, hides, leads away or breaks the page.
func TestHostileDataEverywhere(t *testing.T) {
	s := newSite(t)
	s.first = s.connect(attacks()[0], nil)
	window := evidence.Span{From: noon.Add(-2 * time.Hour), To: noon.Add(-time.Minute)}
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		s.fill(feed{connection: s.first, stream: stream, events: hostileEvents(stream), spans: []evidence.Span{window}, caughtUp: true})
	}
	ctx := t.Context()
	script, bidi := attacks()[0], "\u202egnp.exe\u202c"
	_, err := s.server.cfg.Explore.SaveFilter(ctx, s.caller(), evidence.Filter{Name: script, Lapse: "24h", Shared: true, Where: []evidence.Match{{Key: evidence.KeyPerson, Values: []string{bidi}}}})
	must(t, err)
	s.exported("csv")
	built, err := s.build.Build(ctx, script, s.ws, artifact.BuildRequest{Recipe: recipe.SelectedEvents, Span: window, Params: map[string]string{
		recipe.ParamWhere: evidence.FormatWhere([]evidence.Match{{Key: evidence.KeyPerson, Values: []string{script, bidi}}})}})
	must(t, err)
	b := newBrowser(t, s)
	filter := url.Values{"range": {"24h"}, "person": {script}, "country": {bidi}, "q": {evidence.FormatWhere([]evidence.Match{{Key: evidence.KeyItem, Values: attacks()[:3]}})}}.Encode()
	for path, shows := range map[string]string{
		"/events?range=24h": "[U+202E]", "/events?range=24h&stream=itemusages": script, "/events?" + filter: script, "/events/export?" + filter: "[U+202E]", "/events/artifact?" + filter: script,
		"/events/filters": script, "/events/1.0": script, "/events/2.5": "[U+202E]", "/events/3.0": "Same session", "/events/3.11": "long long", "/events/1.12": "WWWW",
		"/artifacts": "[U+202E]", "/artifacts/" + string(built.Artifact.ID): "[U+202E]", "/": "", "/sources": "", "/connections/" + string(s.first.ID): script,
	} {
		b.look(t, path, "light", 1440, 844)
		b.harmless(t, path, shows)
		b.run(t, emulation.SetDeviceMetricsOverride(390, 844, 1, true))
		b.harmless(t, path+" on a phone", shows)
	}
	b.look(t, "/events?range=24h&stream=itemusages", "light", 1440, 900)
	b.run(t, chromedp.Click("tbody tr:last-child a.go"), chromedp.WaitVisible("dialog.drawer[open] h1"))
	b.harmless(t, "the drawer", script)
	b.look(t, "/events?range=24h", "light", 1440, 900)
	b.harmless(t, "suggestions", "")
	var options int
	b.run(t, chromedp.Evaluate(`document.querySelectorAll('datalist option').length`, &options))
	if options == 0 {
		t.Error("no values are suggested")
	}
	file := s.get(s.as(people.Admin), "/artifacts/"+string(built.Artifact.ID)+"/v/1/html")
	b.run(t, chromedp.Navigate("about:blank"), chromedp.ActionFunc(func(ctx context.Context) error {
		tree, err := page.GetFrameTree().Do(ctx)
		if err != nil {
			return err
		}
		return page.SetDocumentContent(tree.Frame.ID, file.body).Do(ctx)
	}))
	var ran bool
	var text string
	b.run(t, chromedp.Evaluate(`Boolean(window.pwned)`, &ran), chromedp.Text("body", &text))
	if ran || !strings.Contains(text, script) || !strings.Contains(text, "[U+202E]") || strings.ContainsRune(text, '\u202e') {
		t.Errorf("the artifact's file: a script ran: %v, its text: %.400q", ran, text)
	}
}

// harmless holds that the page shows a text literally, that nothing on it ran, hides or leads away, and that it fits.
func (b *browser) harmless(t *testing.T, where, shows string) {
	t.Helper()
	var found struct {
		Ran   bool
		Text  string
		Away  []string
		Extra float64
		Wide  []string // the elements behind it
	}
	b.run(t, chromedp.Evaluate(`({ran: Boolean(window.pwned), text: document.body.innerText, extra: document.documentElement.scrollWidth - document.documentElement.clientWidth,
		wide: [...document.querySelectorAll('main *')].filter((n) => n.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && getComputedStyle(n).position !== 'absolute').slice(0, 3).map((n) => n.outerHTML.slice(0, 300)),
		away: [...document.querySelectorAll('a[href], form[action], [formaction]')].map((n) => n.href || n.formAction || n.action).filter((h) => typeof h === 'string' && !h.startsWith(location.origin))})`, &found))
	if found.Ran {
		t.Errorf("%s ran a script from an event", where)
	}
	if strings.ContainsAny(found.Text, "\u202e\u2066\u200b") {
		t.Errorf("%s shows characters that hide", where)
	}
	if !strings.Contains(found.Text, shows) {
		t.Errorf("%s does not show %q", where, shows)
	}
	if len(found.Away) > 0 {
		t.Errorf("%s leads to %q", where, found.Away)
	}
	if found.Extra > 0 {
		t.Errorf("%s is %v px wider than the screen: %q", where, found.Extra, found.Wide)
	}
	b.check(t, where)
}
