package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// fillProgram gives the filled site a second framework, one that it loaded itself in two revisions, a retired control and
// one with which something is wrong.
func (s *site) fillProgram() {
	s.t.Helper()
	ctx, me, p := s.t.Context(), s.caller(), program.New(s.store, s.clock)
	must(s.t, p.SetProfile(ctx, me, framework.Profile{Industry: "software", Size: "250-999", Systems: []string{"sso", "service-accounts"}}))
	_, err := p.Adopt(ctx, me, []string{"iso27001-2022"}, []string{"map:EX-01", "map:EX-02", "map:EX-03", "control:EX-15", "action:EX-15-A1"})
	must(s.t, err)
	for _, csv := range []string{"id,title,text,parent\nR 1,Keys,,\nR 1.1,Keep keys,Keep them well.,R 1\nR/2,Old rule,,\n", "id,title,text,parent\nR 1,Keys,,\nR 1.1,Keep keys safe,Keep them very well.,R 1\nR 3,New rule,,\n"} {
		if strings.Contains(csv, "R 3") {
			_, err := p.AddControl(ctx, me, program.ControlDraft{Key: "OWN-1", Name: "Keys are kept", Owner: "Marek", Requirements: []evidence.RequirementRef{{Framework: "house-rules", ID: "R 1.1"}, {Framework: "house-rules", ID: "R/2"}}})
			must(s.t, err)
		}
		_, err := p.LoadFramework(ctx, me, []byte(csv), framework.Loaded{File: "rules.csv", ID: "house-rules", Name: "House rules"})
		must(s.t, err)
	}
	_, err = p.AddControl(ctx, me, program.ControlDraft{Key: "OWN-2", Name: "Nobody does this any more"})
	must(s.t, err)
	_, err = p.RetireControl(ctx, me, "OWN-2", "The old office was closed.")
	must(s.t, err)
}

// programPages gives the pages of controls and frameworks of a filled site.
func (s *site) programPages() []string {
	s.t.Helper()
	ctx, p := s.t.Context(), program.New(s.store, s.clock)
	own, err := s.store.Control(ctx, s.ws, "OWN-1")
	must(s.t, err)
	retired, err := s.store.Control(ctx, s.ws, "OWN-2")
	must(s.t, err)
	one, err := s.store.Control(ctx, s.ws, "EX-01")
	must(s.t, err)
	l, err := p.PreviewFramework(ctx, s.caller(), []byte("id,title,text\nR 1,Keys,Changed\nR 4,Another,\n"), framework.Loaded{File: "new.csv", ID: "house-rules", Name: "House rules"})
	must(s.t, err)
	return []string{
		"/controls?show=retired", "/controls/new", "/controls/" + string(own.ID), "/controls/" + string(own.ID) + "/edit", "/controls/" + string(retired.ID),
		"/controls/" + string(one.ID) + "?month=2026-10", "/frameworks/proposal?framework=pci-dss-4.0.1", "/frameworks/import?draft=" + string(l.Draft),
		"/frameworks/house-rules", "/frameworks/nist-csf-2.0?q=log&show=unserved", "/frameworks/soc2/requirements/CC7.2?month=2026-10",
		"/frameworks/house-rules/requirements/R%201", "/frameworks/soc2/matrix?show=served&from=2026-09&to=2026-11", "/frameworks/soc2/matrix?by=controls&from=2026-10&to=2026-12",
	}
}

func TestControlForms(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	a := s.post(c, "/controls", url.Values{"name": {"Keys are kept"}, "owner": {"Marek"}, "map.soc2": {"CC6.1, CC99"}})
	p := htmlcheck.Parse(t, a.body)
	if a.status != http.StatusBadRequest || htmlcheck.Attr(p.One("#name"), "value") != "Keys are kept" || htmlcheck.Attr(p.One("#map-soc2"), "value") != "CC6.1, CC99" {
		t.Errorf("what was typed is lost: %d", a.status)
	}
	p.Has(".note", `no requirement "CC99"`)
	a = s.post(c, "/controls", url.Values{"name": {"Keys are kept"}, "owner": {"Marek"}, "map.soc2": {"CC6.1,  CC7.2"}, "map.hipaa": {"164.308(a)(1)(ii)(D)"}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("making gives %d: %s", a.status, a.body)
	}
	control := a.header.Get("Location")
	page := htmlcheck.Parse(t, s.get(c, control).body)
	page.Has("h1", "Keys are kept")
	page.Has(".facts", "HIPAA Security Rule")
	page.Has("table", "control.add")
	page.Has(".note", "No action proves it")
	form := htmlcheck.Parse(t, s.get(c, control+"/edit").body)
	if got := htmlcheck.Attr(form.One("#map-soc2"), "value"); got != "CC6.1, CC7.2" {
		t.Errorf("the form shows %q", got)
	}
	edit := url.Values{"name": {"Keys are safe"}, "owner": {""}, "description": {"One\r\nTwo"}, "map.soc2": {"CC6.1"}, "map.hipaa": {""}, "revision": {htmlcheck.Attr(form.One("input[name=revision]"), "value")}}
	if a = s.post(c, control+"/edit", edit); a.status != http.StatusSeeOther {
		t.Fatalf("changing gives %d: %s", a.status, a.body)
	}
	page = htmlcheck.Parse(t, s.get(c, control).body)
	page.Has("h1", "Keys are safe")
	page.Lacks(".facts", "HIPAA")
	page.Has("table", "no longer serves hipaa:164.308(a)(1)(ii)(D), soc2:CC7.2")
	edit.Set("name", "Too late")
	a = s.post(c, control+"/edit", edit)
	if p := htmlcheck.Parse(t, a.body); a.status != http.StatusConflict || htmlcheck.Attr(p.One("#name"), "value") != "Too late" {
		t.Errorf("an edit of an old revision gives %d", a.status)
	}
	a = s.post(c, control+"/retire", url.Values{"reason": {" "}})
	htmlcheck.Parse(t, a.body).Has("#retire .note", "why the control is retired")
	if a = s.post(c, control+"/retire", url.Values{"reason": {"Merged"}}); a.status != http.StatusSeeOther {
		t.Errorf("retiring gives %d", a.status)
	}
	page = htmlcheck.Parse(t, s.get(c, control).body)
	page.Has(".note", "Merged")
	if n := len(page.All("#retire")); n != 0 {
		t.Error("a retired control can be retired again")
	}
	htmlcheck.Parse(t, s.get(c, "/controls").body).Has("h2", "No controls yet")
	htmlcheck.Parse(t, s.get(c, "/controls?show=retired").body).Has("tbody", "Keys are safe")
	reviewer := htmlcheck.Parse(t, s.get(s.as(people.Reviewer), control).body)
	if n := len(reviewer.All("form[action*='/controls/']")); n != 0 {
		t.Error("a reviewer is offered to change a control")
	}
}

func TestMappingFromTheRequirement(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	_, err := program.New(s.store, s.clock).AddControl(t.Context(), s.caller(), program.ControlDraft{Key: "A-1", Name: "Ours"})
	must(t, err)
	const page = "/frameworks/hipaa/requirements/164.308%28a%29%281%29%28ii%29%28D%29"
	p := htmlcheck.Parse(t, s.get(c, page).body)
	p.Has(".prose", "Implement procedures to regularly review records of information system activity")
	p.Has("h2", "No control serves it")
	form := url.Values{"framework": {"hipaa"}, "requirement": {"164.308(a)(1)(ii)(D)"}, "control": {"A-1"}}
	a := s.post(c, "/controls/map", form)
	if to, _, _ := strings.Cut(a.header.Get("Location"), "#"); a.status != http.StatusSeeOther || s.get(c, to).status != http.StatusOK {
		t.Fatalf("mapping gives %d, leads to %q", a.status, a.header.Get("Location"))
	}
	control, err := s.store.Control(t.Context(), s.ws, "A-1")
	must(t, err)
	htmlcheck.Parse(t, s.get(c, page).body).Has(".todo", "Ours")
	form.Set("take", "away")
	if a = s.post(c, "/controls/"+string(control.ID)+"/map", form); a.status != http.StatusSeeOther {
		t.Errorf("taking away gives %d", a.status)
	}
	htmlcheck.Parse(t, s.get(c, page).body).Has("h2", "No control serves it")
}

// upload loads a framework's file as a browser does.
func (s *site) upload(c *http.Client, name, body string, fields map[string]string) answer {
	s.t.Helper()
	return s.hand(c, "/frameworks/import", name, body, fields)
}

func TestLoadingInTheBrowser(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	a := s.upload(c, "bad.csv", "id,title\n1,A\n1,B\n", map[string]string{"name": "House rules"})
	p := htmlcheck.Parse(t, a.body)
	if a.status != http.StatusBadRequest || htmlcheck.Attr(p.One("#load-name"), "value") != "House rules" {
		t.Errorf("a bad file gives %d", a.status)
	}
	p.Has(".note", "Line 3: the id 1 stands on line 2 already")
	a = s.upload(c, "rules.csv", "id,title\n1,A <b>bold</b>\n2,B\n", map[string]string{"name": "House rules"})
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(to, "/frameworks/import?draft=") {
		t.Fatalf("uploading gives %d, %q: %s", a.status, to, a.body)
	}
	p = htmlcheck.Parse(t, s.get(c, to).body)
	p.Has("dl", "2 added, 0 removed, 0 changed")
	p.Has("tbody", "A <b>bold</b>")
	if got := s.get(c, "/frameworks/house-rules").status; got != http.StatusNotFound {
		t.Errorf("before it is accepted it is there: %d", got)
	}
	draft := url.Values{"draft": {strings.TrimPrefix(to, "/frameworks/import?draft=")}}
	if a = s.post(s.as(people.Collaborator), "/frameworks/import/accept", draft); a.status != http.StatusNotFound {
		t.Errorf("somebody else accepts it: %d", a.status)
	}
	if a = s.post(c, "/frameworks/import/accept", draft); a.header.Get("Location") != "/frameworks/house-rules" {
		t.Errorf("accepting gives %d, %q", a.status, a.header.Get("Location"))
	}
	htmlcheck.Parse(t, s.get(c, "/frameworks/house-rules").body).Has("dl", "rules.csv, loaded by Ada Okafor")
	if a = s.upload(c, "large.csv", "id,title\n"+strings.Repeat("x", framework.MaxFile), nil); a.status != http.StatusBadRequest {
		t.Errorf("a file of more than %d bytes gives %d", framework.MaxFile, a.status)
	}
	if a = s.upload(c, "huge.csv", strings.Repeat("x", framework.MaxFile+2*bodyLimit), nil); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a request that is too large gives %d", a.status)
	}
	if a = s.post(c, "/frameworks/import", url.Values{"file": {"x"}}); a.status != http.StatusBadRequest {
		t.Errorf("no upload at all gives %d", a.status)
	}
}

// TestAdoptionInTheBrowser goes from the profile through the proposal to a framework in use.
func TestAdoptionInTheBrowser(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/frameworks").body)
	p.Has("h2", "Tell what your company is like")
	a := s.post(c, "/frameworks/profile", url.Values{"industry": {"health"}, "size": {"1-49"}, "system": {"health-data", "sso"}, "framework": {"hipaa", "soc2"}})
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || to != "/frameworks/proposal?framework=hipaa&framework=soc2" {
		t.Fatalf("the profile gives %d, %q", a.status, to)
	}
	p = htmlcheck.Parse(t, s.get(c, to).body)
	p.Has("label", "EX-17 Access to secrets of health systems is examined")
	p.Lacks("label", "EX-16")
	if all, ticked := len(p.All("input[name=item]")), len(p.All("input[name=item][checked]")); all < 20 || all != ticked {
		t.Errorf("%d of %d items are ticked", ticked, all)
	}
	a = s.post(c, "/frameworks/adopt", url.Values{"framework": {"hipaa"}, "item": {"action:EX-17-A1"}})
	p = htmlcheck.Parse(t, a.body)
	p.Has(".note", "Accept that too")
	if n := len(p.All("input[name=item][checked]")); a.status != http.StatusBadRequest || n != 1 {
		t.Errorf("what was ticked is lost: %d, %d ticked", a.status, n)
	}
	if a = s.post(c, "/frameworks/adopt", url.Values{"framework": {"hipaa"}, "item": {"control:EX-17", "action:EX-17-A1"}}); a.status != http.StatusSeeOther {
		t.Fatalf("adopting gives %d: %s", a.status, a.body)
	}
	controls, err := s.store.Controls(t.Context(), s.ws)
	must(t, err)
	if len(controls) != 1 {
		t.Errorf("%d controls were made, want the one that was ticked", len(controls))
	}
	if a = s.post(c, "/frameworks/adopt", url.Values{"framework": {"cis-8.1"}}); a.status != http.StatusSeeOther {
		t.Errorf("adopting without an item gives %d", a.status)
	}
	if controls, err = s.store.Controls(t.Context(), s.ws); err != nil || len(controls) != 1 {
		t.Errorf("nothing ticked made %d controls, %v", len(controls)-1, err)
	}
	p = htmlcheck.Parse(t, s.get(c, "/frameworks").body)
	p.Has("article", "In use since 23 Nov 2026")
	p.Has("h2", "Your company")
	a = s.post(c, "/frameworks/profile", url.Values{"industry": {"mining"}})
	htmlcheck.Parse(t, a.body).Has(".note", "no industry")
}

func checkFrameworkPages(t *testing.T, s *site) {
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/frameworks/soc2?q=sign+attack").body)
	p.Has("tbody", "CC7.2")
	p.Lacks("tbody", "CC6.1")
	p = htmlcheck.Parse(t, s.get(c, "/frameworks/soc2/requirements/CC7.2").body)
	p.Has("ul", "Failed sign-ins")
	p.Has("ul", "Caveat.")
	p.Has(".part", "EX-01")
	if n := len(p.All("section .table tbody tr")); n < 3 {
		t.Errorf("the requirement shows %d artifacts", n)
	}
	own, err := s.store.Control(t.Context(), s.ws, "OWN-1")
	must(t, err)
	p = htmlcheck.Parse(t, s.get(c, "/controls/"+string(own.ID)).body)
	p.Has(".note", "It serves house-rules R/2, which no framework here has.")
	for path, want := range map[string]int{"/frameworks/none": 404, "/frameworks/soc2/requirements/CC99": 404, "/frameworks/soc2?show=x": 400, "/frameworks/soc2/matrix?by=x": 400,
		"/frameworks/soc2/matrix?from=2026-13": 400, "/frameworks/soc2/matrix?from=2020-01": 400, "/frameworks/soc2/matrix.csv?from=2026-10&to=2026-09": 400,
		"/frameworks/soc2/requirements/CC6.1?month=x": 400, "/controls?show=x": 400, "/frameworks/import?draft=none": 404, "/frameworks/proposal?framework=x": 404} {
		if got := s.get(c, path).status; got != want {
			t.Errorf("%s gives %d, want %d", path, got, want)
		}
	}
}

func checkMatrixPage(t *testing.T, s *site) {
	c := s.as(people.Admin)
	p := htmlcheck.Parse(t, s.get(c, "/frameworks/soc2/matrix?by=controls&from=2026-09&to=2026-11").body)
	for _, row := range p.All("tbody tr") {
		in := htmlcheck.In(t, row)
		if !strings.Contains(htmlcheck.Text(in.One("th")), "EX-01") {
			continue
		}
		for i, want := range []string{"Verdict: Not reviewed Freshness: Current Coverage: Read whole Integrity: Proofs hold", "Freshness: Current", "Freshness: Carried over Coverage: Not covered"} {
			cell := in.All("td")[i]
			if got := strings.Join(strings.Fields(htmlcheck.Text(cell)), " "); !strings.Contains(got, want) {
				t.Errorf("month %d: %q, want %q", i, got, want)
			}
			href := htmlcheck.Attr(htmlcheck.In(t, cell).One("a"), "href")
			if a := s.get(c, href); a.status != http.StatusOK {
				t.Errorf("the cell leads to %s, which gives %d", href, a.status)
			}
		}
	}
	p.Lacks("main", "% compliant")
	a := s.get(c, "/frameworks/soc2/matrix.csv?by=controls&from=2026-09&to=2026-11")
	if a.status != http.StatusOK || !strings.Contains(a.header.Get("Content-Disposition"), "matrix_soc2_controls_202609_202611.csv") || !strings.Contains(a.body, "2026-09,not_reviewed,current,whole,proofs_hold,ar_") {
		t.Errorf("%d %q\n%s", a.status, a.header.Get("Content-Disposition"), a.body)
	}
	for _, path := range []string{"/frameworks/soc2/requirements/CC7.2?month=2026-09", "/frameworks/soc2/requirements/CC7.2?month=2026-10"} {
		m, err := program.New(s.store, s.clock).Matrix(t.Context(), s.ws, program.MatrixRequest{Framework: "soc2", Period: mustMonth(t, path[len(path)-7:])})
		must(t, err)
		var counted int
		for _, r := range m.Rows {
			if r.ID == "CC7.2" {
				counted = len(r.Cells[0].Artifacts)
			}
		}
		if got := len(htmlcheck.Parse(t, s.get(c, path).body).All("section .table tbody tr")); got != counted || counted == 0 {
			t.Errorf("%s shows %d artifacts, the cell counts %d", path, got, counted)
		}
	}
}

func mustMonth(t *testing.T, s string) evidence.Span {
	t.Helper()
	m, err := monthOf(s)
	must(t, err)
	return m
}

// TestHostileFramework loads a framework whose every text is an attack and shows it everywhere.
func TestHostileFramework(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	var csv strings.Builder
	csv.WriteString("id,title,text,group\n")
	for i, attack := range []string{`<script>window.pwned=1</script>`, `"><img src=x onerror=window.pwned=1>`, `javascript:window.pwned=1`, `{{7*7}}`, `=HYPERLINK("http://evil.example.com")`} {
		quoted := `"` + strings.ReplaceAll(attack, `"`, `""`) + `"`
		fmt.Fprintf(&csv, "%d %s,%s,%s,%s\n", i, `"x/'?#%"`, quoted, quoted, quoted)
	}
	_, err := program.New(s.store, s.clock).LoadFramework(t.Context(), s.caller(), []byte(csv.String()), framework.Loaded{ID: "own", Name: `<svg onload="window.pwned=1">`})
	if err == nil {
		t.Fatal("the ids are not CSV, so this should have been refused")
	}
	text := strings.ReplaceAll(csv.String(), ` "x/'?#%"`, `x/'?#%`)
	_, err = program.New(s.store, s.clock).LoadFramework(t.Context(), s.caller(), []byte(text), framework.Loaded{ID: "own", Name: `<svg onload="window.pwned=1">`})
	must(t, err)
	for _, path := range []string{"/frameworks", "/frameworks/own", "/frameworks/own/matrix", "/frameworks/own/requirements/" + url.PathEscape(`0x/'?#%`)} {
		a := s.get(c, path)
		if a.status != http.StatusOK {
			t.Errorf("%s gives %d", path, a.status)
		}
		for _, bad := range []string{"main script", "main img", "main [onload]", "main a[href^=javascript]"} {
			if n := len(htmlcheck.Parse(t, a.body).All(bad)); n > 0 {
				t.Errorf("%s has %d %s", path, n, bad)
			}
		}
	}
	if body := s.get(c, "/frameworks/own/matrix.csv").body; strings.Contains(body, ",=HYPERLINK") || strings.Contains(body, `,"=HYPERLINK`) {
		t.Errorf("a cell begins like a formula:\n%s", body)
	}
}
