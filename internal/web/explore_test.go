package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// fillExplored saves filters of two people and makes files, as somebody would have them after some weeks.
func (s *site) fillExplored() {
	s.t.Helper()
	ctx := s.t.Context()
	x := s.server.cfg.Explore
	for _, f := range []evidence.Filter{
		{Name: "Failed sign-ins", Lapse: "30d", Shared: true, Where: []evidence.Match{{Key: evidence.KeyResult, Values: []string{"failed"}}}},
		{Name: "Reveals from Germany", Lapse: "30d", Where: []evidence.Match{{Key: evidence.KeyAction, Values: []string{"reveal"}}, {Key: evidence.KeyCountry, Values: []string{"DE"}}}},
		{Name: "Exports and shares", Lapse: "120d", Stream: "itemusages", Where: []evidence.Match{{Key: evidence.KeyAction, Values: []string{"export", "share"}}}},
	} {
		_, err := x.SaveFilter(ctx, s.caller(), f)
		must(s.t, err)
	}
	for _, format := range []string{"csv", "parquet"} {
		s.exported(format)
	}
}

// exported makes a file of everything and waits for it.
func (s *site) exported(format string) explore.Export {
	s.t.Helper()
	x := s.server.cfg.Explore
	e, err := x.BeginExport(s.t.Context(), s.caller(), evidence.Query{Span: evidence.Span{From: noon.Add(-30 * day), To: noon}}, format)
	must(s.t, err)
	for e.State == store.ExportRunning {
		time.Sleep(5 * time.Millisecond)
		e, err = x.Export(s.t.Context(), s.caller(), e.ID)
		must(s.t, err)
	}
	return e
}

// checkExport makes a file by the buttons of the page, as a person without scripts would, and takes it away.
func checkExport(t *testing.T, s *site) {
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/events?range=30d&result=failed").body)
	href := ""
	for _, a := range p.All(".head a.button") {
		if htmlcheck.Text(a) == "Export" {
			href = htmlcheck.Attr(a, "href")
		}
	}
	p = htmlcheck.Parse(t, s.get(c, href).body)
	filter := htmlcheck.Attr(p.All("ul.formats input[name=filter]")[0], "value")
	a := s.post(c, "/events/export", url.Values{"filter": {filter}, "format": {"csv"}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("exporting gives %d: %s", a.status, a.body)
	}
	back, _, _ := strings.Cut(a.header.Get("Location"), "#")
	file := ""
	for file == "" {
		for _, n := range htmlcheck.Parse(t, s.get(c, back).body).All(".export-list a[download]") {
			file = htmlcheck.Attr(n, "href")
		}
	}
	got := s.get(c, file)
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	must(t, err)
	failed := 0
	for _, row := range rows[1:] {
		if row[4] == "failed" {
			failed++
		}
	}
	if h := got.header; failed == 0 || failed != len(rows)-1 || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("Content-Security-Policy") != downloadPolicy {
		t.Errorf("%d rows, %d of them failed, headers %v", len(rows)-1, failed, h)
	}
	if other := s.get(s.as(people.Reviewer), file); other.status != http.StatusNotFound {
		t.Errorf("somebody else takes the file: %d", other.status)
	}
	if a := s.post(c, strings.TrimSuffix(file, "/file")+"/cancel", nil); a.status != http.StatusSeeOther {
		t.Errorf("removing it gives %d", a.status)
	}
	if a := s.get(c, file); a.status != http.StatusNotFound {
		t.Errorf("after it was removed: %d", a.status)
	}
}

// checkSavedFilters saves, applies, shares, renames and removes a filter through the pages.
func checkSavedFilters(t *testing.T, s *site) {
	ada, bob := s.as(people.Admin), s.as(people.Reviewer)
	p := htmlcheck.Parse(t, s.get(ada, `/events?range=30d&stream=itemusages&q=action%3Dreveal%2Cexport`).body)
	filter := htmlcheck.Attr(p.One("details.save input[name=filter]"), "value")
	a := s.post(ada, "/events/filters", url.Values{"filter": {filter}, "name": {"Seen in clear"}})
	where := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.Contains(where, "action%3Dexport%2Creveal") && !strings.Contains(where, "action%3Dreveal%2Cexport") {
		t.Fatalf("saving gives %d and leads to %s", a.status, where)
	}
	p = htmlcheck.Parse(t, s.get(ada, where).body)
	if got := htmlcheck.Text(p.One(".saved nav a[aria-current=true]")); got != "Seen in clear" {
		t.Errorf("what is shown is the filter %q", got)
	}
	again := s.post(ada, "/events/filters", url.Values{"filter": {filter}, "name": {"Seen in clear"}})
	if p := htmlcheck.Parse(t, again.body); again.status != http.StatusConflict || htmlcheck.Attr(p.One("#save-name"), "value") != "Seen in clear" {
		t.Errorf("the same name again gives %d", again.status)
	}
	if strings.Contains(s.get(bob, "/events").body, "Seen in clear") {
		t.Error("a filter that is not shared is shown to somebody else")
	}
	p = htmlcheck.Parse(t, s.get(ada, "/events/filters").body)
	action := htmlcheck.Attr(p.All(".filter-forms form")[0], "action")
	if a := s.post(ada, action, url.Values{"name": {"Shown"}, "shared": {"on"}}); a.status != http.StatusSeeOther {
		t.Errorf("changing it gives %d", a.status)
	}
	if b := s.get(bob, "/events").body; !strings.Contains(b, "Shown") {
		t.Error("a shared filter is not shown to others")
	}
	if a := s.post(bob, action+"/remove", nil); a.status != http.StatusForbidden {
		t.Errorf("a reviewer removes another's: %d", a.status)
	}
	if a := s.post(ada, action+"/remove", nil); a.status != http.StatusSeeOther {
		t.Errorf("removing it gives %d", a.status)
	}
}

// checkSaveAsArtifact makes an artifact of a filter by the buttons, and finds its events and its form again from there.
func checkSaveAsArtifact(t *testing.T, s *site) {
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/events/artifact?range=7d&result=failed&person=nobody%40example.com").body)
	form := url.Values{}
	for _, n := range p.All("main form.panel input") {
		form.Set(htmlcheck.Attr(n, "name"), htmlcheck.Attr(n, "value"))
	}
	a := s.post(c, "/artifacts", form)
	if a.status != http.StatusSeeOther {
		t.Fatalf("building gives %d: %s", a.status, a.body)
	}
	body := s.get(c, a.header.Get("Location")).body
	for _, want := range []string{"person is nobody@example.com", "q=person%3Dnobody%40example.com", "/events/artifact?", "Inconclusive"} {
		if !strings.Contains(body, want) {
			t.Errorf("the artifact's page lacks %q", want)
		}
	}
	if a := s.get(s.as(people.Reviewer), "/events/artifact"); a.status != http.StatusForbidden {
		t.Errorf("a reviewer, who builds nothing, gets %d", a.status)
	}
	if strings.Contains(s.get(s.as(people.Reviewer), "/events").body, "Save as artifact") {
		t.Error("a reviewer is offered to save an artifact")
	}
}

// checkRelated holds that the page of an event leads to others of its session, person and item.
func checkRelated(t *testing.T, s *site) {
	c := s.as(people.Admin)
	seen := map[string]bool{}
	for _, path := range []string{"/events?range=30d&stream=itemusages", "/events?range=30d&stream=signinattempts", "/events?range=30d&stream=auditevents"} {
		for _, row := range htmlcheck.Parse(t, s.get(c, path).body).All("a.go")[:8] {
			p := htmlcheck.Parse(t, s.get(c, htmlcheck.Attr(row, "href")).body)
			for _, h := range p.All(".related h3") {
				seen[htmlcheck.Text(h)] = true
			}
			for _, link := range p.All(".related-head a") {
				found := htmlcheck.Parse(t, s.get(c, htmlcheck.Attr(link, "href")).body)
				if len(found.All("a.go")) < 2 {
					t.Errorf("%s finds nothing else", htmlcheck.Attr(link, "href"))
				}
			}
		}
	}
	for _, want := range []string{"Same person", "Same item"} { // the simulated company gives each event a session of its own
		if !seen[want] {
			t.Errorf("no event shows others of the %s", strings.ToLower(want))
		}
	}
}

// checkEventsAreLight holds the first load of the events page, packed, to what a slow line may wait for.
func checkEventsAreLight(t *testing.T, s *site) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/events", nil)
	must(t, err)
	req.Header.Set("Accept-Encoding", "gzip")
	a := s.do(s.as(people.Admin), req)
	total := len(a.body)
	for name, size := range s.server.assets.Sizes() {
		if name != "inter-ext.woff2" { // only for names outside of Western Europe
			total += size
		}
	}
	if a.header.Get("Content-Encoding") != "gzip" || total > 120<<10 {
		t.Errorf("the first load of /events takes %d bytes, %d of them the page", total, len(a.body))
	}
}

// checkExploreAPI does over the API what the pages do.
func checkExploreAPI(t *testing.T, s *site) {
	c := s.as(people.Admin)
	ask := func(method, path, body string, want int, into any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/api/v1"+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		a := s.do(c, req)
		if a.status != want {
			t.Fatalf("%s %s gives %d, want %d: %s", method, path, a.status, want, a.body)
		}
		if into != nil {
			must(t, json.Unmarshal([]byte(a.body), into))
		}
	}
	var f struct{ ID, Name, Where string }
	ask("POST", "/events/filters", `{"name":"By API","range":"30d","where":["result=failed"],"shared":true}`, 200, &f)
	var found struct{ Events []struct{ Result string } }
	ask("GET", "/events?filter="+f.ID, "", 200, &found)
	if f.Where != "result=failed" || len(found.Events) == 0 || found.Events[0].Result != "failed" {
		t.Errorf("the filter %+v finds %d events", f, len(found.Events))
	}
	ask("PATCH", "/events/filters/"+f.ID, `{"name":"Renamed","shared":false}`, 200, &f)
	var list struct{ Filters []struct{ Name string } }
	ask("GET", "/events/filters", "", 200, &list)
	if len(list.Filters) != 1 || list.Filters[0].Name != "Renamed" {
		t.Errorf("filters: %+v", list)
	}
	ask("POST", "/events/filters", `{"name":"x","where":["colour=red"]}`, 400, nil)
	var e struct {
		ID, State     string
		Total, Events int64
	}
	ask("POST", "/events/exports", `{"format":"ndjson","filter":"`+f.ID+`"}`, 200, &e)
	for e.State == "running" {
		ask("GET", "/events/exports/"+e.ID, "", 200, &e)
	}
	file := s.get(c, "/api/v1/events/exports/"+e.ID+"/file")
	if n := strings.Count(file.body, "\n"); e.State != "done" || int64(n) != e.Events || n == 0 {
		t.Errorf("the export %+v has %d lines", e, n)
	}
	ask("DELETE", "/events/exports/"+e.ID, "", 200, nil)
	ask("DELETE", "/events/filters/"+f.ID, "", 200, nil)
	ask("GET", "/events/exports/"+e.ID, "", 404, nil)
	ask("POST", "/events/exports", `{"format":"exe"}`, 400, nil)
}
