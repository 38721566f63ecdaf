package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

func TestEmptyStates(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for path, want := range map[string]string{
		"/": "Nothing needs you now", "/sources": "Available", "/events": "Nothing is connected yet", "/artifacts": "No artifacts yet",
		"/actions": "No actions here", "/controls": "No controls yet", "/frameworks": "No framework is in use", "/sources?q=zzz": "No source matches",
	} {
		a := s.get(c, path)
		if a.status != http.StatusOK {
			t.Errorf("%s gives %d", path, a.status)
		}
		htmlcheck.Parse(t, a.body).Has("h2", want)
	}
}

func checkHomeShowsWhatIsLostFirst(t *testing.T, s *site) {
	p := htmlcheck.Parse(t, s.get(s.as(people.Admin), "/").body)
	var last string
	items := p.All(".todo li")
	for _, li := range items {
		text := htmlcheck.Text(li)
		if strings.Contains(text, "was due") || strings.Contains(text, "was to be reviewed") {
			continue // an overdue action or review of a hold loses nothing: it stands behind what does
		}
		for _, n := range htmlcheck.In(t, li).All("time") {
			at := htmlcheck.Attr(n, "datetime")
			if at < last {
				t.Errorf("%q stands behind something that is lost later", text)
			}
			last = at
		}
	}
	for _, want := range []string{"The token of 1Password expires soon", "1Password EU: unauthorized", "source unreachable", "inconclusive"} {
		p.Has(".todo li", want)
	}
	p.Lacks("main", "% compliant")
}

func checkConnectionTellsItsGaps(t *testing.T, s *site) {
	p := htmlcheck.Parse(t, s.get(s.as(people.Admin), "/connections/"+string(s.first.ID)).body)
	p.Has("table tr", "source unreachable")
	p.Has("table tr", "not collected yet")
	p.Has("table tr", "Item usages")
	if n := len(p.All("svg rect.c-ok")); n < 4 {
		t.Errorf("the timeline has %d windows", n)
	}
	if n := len(p.All("svg polygon.c-late")); n < 1 {
		t.Error("the timeline does not mark the late event")
	}
	p.Has("pre", "exhibit connections rotate "+string(s.first.ID)+" --token-file token.txt")
	p.Has("section", "7 days")
}

func checkEventsFilterAndPage(t *testing.T, s *site) {
	c := s.as(people.Admin)
	seen := map[string]bool{}
	path := "/events?range=30d&result=failed"
	var pages []string
	for path != "" && len(pages) < 40 {
		pages = append(pages, path)
		p := htmlcheck.Parse(t, s.get(c, path).body)
		for _, a := range p.All("a.go") {
			href := htmlcheck.Attr(a, "href")
			if seen[href] {
				t.Fatalf("%s is on two pages", href)
			}
			seen[href] = true
		}
		p.Lacks("tbody .badge", "Success")
		path = ""
		if next := p.All("a[rel=next]"); len(next) == 1 {
			path = htmlcheck.Attr(next[0], "href")
		}
	}
	total := htmlcheck.Text(htmlcheck.Parse(t, s.get(c, pages[0]).body).All(".chart-head b")[0])
	if got := len(seen); got == 0 || total != number(got) {
		t.Errorf("the pages hold %d events, the histogram says %s", got, total)
	}
	if len(pages) > 2 {
		third := htmlcheck.Parse(t, s.get(c, pages[2]).body)
		back := ""
		for _, a := range third.All(".table-foot a") {
			if htmlcheck.Text(a) == "Newer" {
				back = htmlcheck.Attr(a, "href")
			}
		}
		if got, want := firstRow(t, s.get(c, back).body), firstRow(t, s.get(c, pages[1]).body); got != want {
			t.Errorf("Newer leads to a page that begins with %s, want %s", got, want)
		}
	}
}

func number(n int) string {
	b, _ := json.Marshal(n)
	s := string(b)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

func firstRow(t *testing.T, body string) string {
	t.Helper()
	return htmlcheck.Attr(htmlcheck.Parse(t, body).All("a.go")[0], "href")
}

// checkSearchBox holds what each kind of word in the search box is taken for.
func checkSearchBox(t *testing.T, s *site) {
	c := s.as(people.Admin)
	for q, want := range map[string]string{
		"Marek Dvořák": "person is Marek Dvořák", "marek@example.com": "person is marek@example.com", "192.0.2.254": "ip is 192.0.2.254",
		"action=join odd=late": "odd is late", "LATEAUDITEVENT000000000001": "uuid is LATEAUDITEVENT000000000001",
	} {
		p := htmlcheck.Parse(t, s.get(c, "/events?"+url.Values{"q": {q}, "range": {"30d"}}.Encode()).body)
		p.Has(".chip", want)
		if n := len(p.All("a.go")); n < 1 {
			t.Errorf("%q finds nothing", q)
		}
		if got := htmlcheck.Attr(p.One("#q"), "value"); got != q {
			t.Errorf("the box holds %q after searching %q", got, q)
		}
	}
	p := htmlcheck.Parse(t, s.get(c, "/events?q=colour%3Dred").body)
	p.Has(".note", "cannot be filtered by")
	if got := htmlcheck.Attr(p.One("#q"), "value"); got != "colour=red" {
		t.Errorf("what was typed is lost: %q", got)
	}
}

func checkEventPage(t *testing.T, s *site) {
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/events/"+s.someEvent()).body)
	p.Has("dd", "Marek Dvořák")
	p.Has(".note", "after its time had already been read")
	p.Has("pre", `"actor_uuid"`)
	p.Has("dd", "again, after its window was closed")
	for _, n := range p.All("dd.mono") {
		if text := htmlcheck.Text(n); len(text) == 64 && strings.Trim(text, "0123456789abcdef") == "" {
			return
		}
	}
	t.Error("the page does not show the SHA-256 of the page that the event lies in")
}

func TestConflictIsShown(t *testing.T) {
	s := newSite(t)
	s.first = s.connect("1Password", nil)
	at := noon.Add(-30 * day)
	span := evidence.Span{From: at.Add(-day), To: at.Add(day)}
	s.fill(feed{connection: s.first, stream: "auditevents", events: [][]byte{oneAudit("CONFLICT000000000000000001", at, "First Name", "a@example.com")}, spans: []evidence.Span{span}, caughtUp: true})
	if done := s.again(s.first, "auditevents", span, oneAudit("CONFLICT000000000000000001", at, "Other Name", "a@example.com")); done.Conflicts != 1 {
		t.Fatalf("the store found %d conflicts", done.Conflicts)
	}
	p := htmlcheck.Parse(t, s.get(s.as(people.Admin), "/events/1.0").body)
	p.Has("h2", "Other bytes under the same uuid")
	p.Has("pre", "Other Name")
	p.Has("dd", "First Name")
}

// TestHostileData holds that attacks come out as text, in every page that shows events.
func TestHostileData(t *testing.T) {
	s := newSite(t)
	s.fillHostile()
	c := s.as(people.Admin)
	for _, path := range []string{"/events?range=7d", "/events/1.0", "/events/1.5", "/", "/sources", "/connections/" + string(s.first.ID)} {
		body := s.get(c, path).body
		p := htmlcheck.Parse(t, body)
		for _, bad := range []string{"img", "main script", "[onerror]", "[onload]"} {
			if n := len(p.All(bad)); n > 0 {
				t.Errorf("%s holds %d %s", path, n, bad)
			}
		}
		if strings.ContainsAny(body, "\u202e\u202c\u2066\u2069\u200b") {
			t.Errorf("%s holds characters that hide", path)
		}
	}
	p := htmlcheck.Parse(t, s.get(c, "/events?range=7d").body)
	p.Has("td", "<script>window.pwned=1</script>")
	p.Has("td", "[U+202E]gnp.exe")
}

func checkArtifactPage(t *testing.T, s *site) {
	c := s.as(people.Admin)
	all, err := s.server.programme(t.Context(), s.ws)
	must(t, err)
	for id, a := range all.artifacts {
		p := htmlcheck.Parse(t, s.get(c, "/artifacts/"+string(id)).body)
		want := map[evidence.Completeness]string{evidence.Complete: "Complete", evidence.Inconclusive: "Inconclusive"}[a.Latest.Result]
		p.Has(".standing .badge", want)
		p.Has("h2", "What it does not show")
		p.Has("tr.sum", "Events of the period")
		for _, f := range a.Latest.Files {
			got := s.get(c, "/artifacts/"+string(id)+"/v/1/"+f.Format)
			if got.status != http.StatusOK || int64(len(got.body)) != f.Size {
				t.Errorf("%s of %s gives %d and %d bytes, want %d", f.Format, a.Recipe, got.status, len(got.body), f.Size)
			}
			if d := got.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; filename=") {
				t.Errorf("%s is not an attachment: %q", f.Format, d)
			}
			if csp := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox;") {
				t.Errorf("%s is not in a sandbox: %q", f.Format, csp)
			}
			p.Has("td", f.SHA256)
		}
	}
}

func TestBuildAndAttach(t *testing.T) {
	s := filled(t)
	c := s.as(people.Admin)
	form := url.Values{"recipe": {"failed-sign-ins"}, "from": {"2026-11-01"}, "to": {"2026-11-08"}}
	a := s.post(c, "/artifacts", form)
	if a.status != http.StatusSeeOther {
		t.Fatalf("building gives %d: %s", a.status, a.body)
	}
	path := a.header.Get("Location")
	p := htmlcheck.Parse(t, s.get(c, path).body)
	options := p.All("#target option")
	if len(options) == 0 {
		t.Fatal("there is nothing to attach to")
	}
	target := htmlcheck.Attr(options[0], "value")
	if a := s.post(c, path+"/attach", url.Values{"target": {target}, "strength": {"partial"}, "reason": {"because"}}); a.status != http.StatusSeeOther {
		t.Fatalf("attaching gives %d: %s", a.status, a.body)
	}
	p = htmlcheck.Parse(t, s.get(c, path).body)
	p.Has("section", "because")
	again := s.post(c, path+"/attach", url.Values{"target": {target}, "reason": {"what I typed"}})
	if again.status != http.StatusConflict {
		t.Errorf("attaching twice gives %d", again.status)
	}
	if got := htmlcheck.Attr(htmlcheck.Parse(t, again.body).One("#reason"), "value"); got != "what I typed" {
		t.Errorf("what was typed is lost: %q", got)
	}
	id := htmlcheck.Attr(p.One("input[name=attachment]"), "value")
	if a := s.post(c, path+"/detach", url.Values{"attachment": {id}, "reason": {"by mistake"}}); a.status != http.StatusSeeOther {
		t.Errorf("detaching gives %d: %s", a.status, a.body)
	}
	if n := len(htmlcheck.Parse(t, s.get(c, path).body).All("input[name=attachment]")); n != 0 {
		t.Errorf("%d attachments are left", n)
	}
}

func TestBuildRefusedKeepsTheForm(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	for name, form := range map[string]url.Values{
		"no such date": {"recipe": {"failed-sign-ins"}, "from": {"tomorrow"}, "to": {"2026-11-08"}},
		"backwards":    {"recipe": {"failed-sign-ins"}, "from": {"2026-11-08"}, "to": {"2026-11-01"}},
		"future":       {"recipe": {"failed-sign-ins"}, "from": {"2026-11-08"}, "to": {"2027-11-01"}},
		"no recipe":    {"recipe": {"all-green"}, "from": {"2026-11-01"}, "to": {"2026-11-08"}},
		"parameter":    {"recipe": {"failed-sign-ins"}, "from": {"2026-11-01"}, "to": {"2026-11-08"}, "failed-sign-ins.window": {"many"}},
	} {
		a := s.post(c, "/artifacts", form)
		if a.status != http.StatusBadRequest && a.status != http.StatusNotFound {
			t.Errorf("%s gives %d", name, a.status)
			continue
		}
		p := htmlcheck.Parse(t, a.body)
		if got := htmlcheck.Attr(p.One("#from"), "value"); got != form.Get("from") {
			t.Errorf("%s: what was typed is lost: %q", name, got)
		}
		if len(p.All("form .note")) != 1 {
			t.Errorf("%s: the form does not say why", name)
		}
	}
}

func checkAPI(t *testing.T, s *site) {
	c := s.as(people.Admin)
	var events struct {
		Events []struct{ Ref, At string }
		Next   *string
	}
	seen := map[string]bool{}
	after := ""
	for range 30 {
		path := "/api/v1/events?limit=100&where=result%3Dfailed&from=2026-10-20&after=" + url.QueryEscape(after)
		events.Next, events.Events = nil, nil
		a := s.get(c, path)
		must(t, json.Unmarshal([]byte(a.body), &events))
		for _, e := range events.Events {
			if seen[e.Ref] {
				t.Fatalf("%s comes twice", e.Ref)
			}
			seen[e.Ref] = true
		}
		if events.Next == nil {
			break
		}
		after = *events.Next
	}
	var h struct{ Total int }
	must(t, json.Unmarshal([]byte(s.get(c, "/api/v1/histogram?where=result%3Dfailed&from=2026-10-20").body), &h))
	if len(seen) == 0 || len(seen) != h.Total {
		t.Errorf("the list gives %d events, the histogram %d", len(seen), h.Total)
	}
	for path, want := range map[string]int{
		"/api/v1/connections": 200, "/api/v1/connections/" + string(s.first.ID): 200, "/api/v1/connections/cn_x": 404, "/api/v1/coverage": 200,
		"/api/v1/events?limit=0": 422, "/api/v1/events?where=x": 400, "/api/v1/events?colour=red": 422, "/api/v1/events/1.0": 200, "/api/v1/events/x": 400,
		"/api/v1/artifacts": 200, "/api/v1/controls": 200, "/api/v1/actions": 200, "/api/v1/nothing": 404, "/api/v1/openapi.json": 200,
		"/api/v1/histogram?hours=1&from=2016-01-01": 400,
	} {
		a := s.get(c, path)
		if a.status != want {
			t.Errorf("%s gives %d, want %d: %s", path, a.status, want, a.body)
		}
		if media := a.header.Get("Content-Type"); want >= 400 && media != "application/problem+json" {
			t.Errorf("%s gives a problem as %q", path, media)
		}
	}
}
