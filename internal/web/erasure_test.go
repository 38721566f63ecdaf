package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/hold"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// somebody gives the e-mail address of a person of the filled site who did most.
func (s *site) somebody() string {
	s.t.Helper()
	people, err := s.store.PeopleAs(s.t.Context(), s.ws)
	must(s.t, err)
	for _, p := range people {
		if strings.Contains(p.Email, "@") && len(p.UUID) == 26 {
			return p.Email
		}
	}
	s.t.Fatal("the filled site names nobody with a uuid and an address")
	return ""
}

// TestErasurePage goes the whole way without a script: a name that is none, the plan, a hold, a word that is missing, the erasure, and
// what explorer and API say afterwards.
func TestErasurePage(t *testing.T) {
	s := filled(t)
	c, who := s.as(people.Admin), s.somebody()
	if a := s.get(c, erasurePath); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing was erased") {
		t.Errorf("the empty state is missing: %d", a.status)
	}
	if a := s.post(c, erasurePath+"/plan", url.Values{"subject": {"somebody"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, `value="somebody"`) {
		t.Errorf("a name that is none gives %d", a.status)
	}
	if a := s.post(c, erasurePath+"/plan", url.Values{"subject": {"nobody@nowhere.example"}}); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing that is kept here names this person") {
		t.Errorf("somebody unknown gives %d", a.status)
	}
	held, err := s.legal.Place(t.Context(), s.caller(), hold.PlaceRequest{Owner: "ada@example.com", Code: evidence.HoldLitigation, Reason: "A <b>lawsuit</b>.", Review: noon.AddDate(0, 1, 0)})
	must(t, err)
	a := s.post(c, erasurePath+"/plan", url.Values{"subject": {who}})
	if a.status != http.StatusOK || !strings.Contains(a.body, string(held.ID)) || !strings.Contains(a.body, "A &lt;b&gt;lawsuit") || strings.Contains(a.body, "Erase for good") {
		t.Errorf("under a hold the plan gives %d and may be carried out", a.status)
	}
	_, err = s.legal.Release(t.Context(), s.caller(), held.ID, "Over.")
	must(t, err)
	a = s.post(c, erasurePath+"/plan", url.Values{"subject": {who}})
	p := htmlcheck.Parse(t, a.body)
	if a.status != http.StatusOK || htmlcheck.Attr(p.One("input[name=subject][type=hidden]"), "value") != who {
		t.Fatalf("the plan gives %d", a.status)
	}
	form := url.Values{"subject": {who}, "basis": {"art17-1b"}, "reason": {"consent was withdrawn"}, "confirm": {"yes"}}
	if a := s.post(c, erasurePath, form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Type the word erase") || !strings.Contains(a.body, "consent was withdrawn</textarea>") || !strings.Contains(a.body, `value="art17-1b" selected`) {
		t.Errorf("without the word it gives %d, or forgets what was typed", a.status)
	}
	form.Set("confirm", "Erase")
	form.Set("reason", "asked by "+who)
	if a := s.post(c, erasurePath, form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "The reason names the person") {
		t.Errorf("a reason that names the person gives %d", a.status)
	}
	form.Set("reason", "consent was withdrawn")
	if a := s.post(s.as(people.Collaborator), erasurePath, form); a.status != http.StatusForbidden {
		t.Errorf("a collaborator erases: %d", a.status)
	}
	c = s.as(people.Admin)
	if a := s.post(c, erasurePath, form); a.status != http.StatusSeeOther {
		t.Fatalf("it gives %d: %s", a.status, words(a.body))
	}
	page := s.get(c, erasurePath+"?done=erased").body
	for _, want := range []string{"Article 17(1)(b)", "consent was withdrawn", "Done", "It is erased"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, who) || strings.Contains(s.get(c, "/settings/activity").body, who) {
		t.Error("whose data it was is still told")
	}
	events := s.get(c, "/events?range=120d&q=odd%3Derased").body
	q := htmlcheck.Parse(t, events)
	links := q.All("a.go")
	if len(links) == 0 || !strings.Contains(events, "erased event") {
		t.Fatal("the explorer shows no erased event")
	}
	if a := s.get(c, htmlcheck.Attr(links[0], "href")); a.status != http.StatusOK || !strings.Contains(a.body, "It was erased with the data of a person") {
		t.Errorf("an erased event gives %d", a.status)
	}
	if a := s.get(c, htmlcheck.Attr(links[0], "href")+"/raw"); a.status != http.StatusOK || a.body != `{"erased":true}` {
		t.Errorf("its bytes are %d %q", a.status, a.body)
	}
	var list apiErasureList
	s.send(c, "GET", "/erasures", "", "", &list)
	if len(list.Erasures) != 1 || !list.Erasures[0].Done || list.Erasures[0].Records == 0 {
		t.Errorf("%+v", list)
	}
	var plan apiErasurePlan
	if a := s.send(c, "POST", "/erasures/plan", "application/json", `{"subject":"`+who+`"}`, &plan); a.status != http.StatusOK || plan.Records != 0 || len(plan.Artifacts) != 0 {
		t.Errorf("over the API the plan gives %d, %+v", a.status, plan)
	}
	for _, x := range list.Erasures {
		if x.Artifacts == 0 {
			continue
		}
		versions, err := s.store.Versions(t.Context(), s.ws)
		must(t, err)
		for _, v := range versions {
			if !v.Erased {
				continue
			}
			at := "/artifacts/" + string(v.Artifact)
			if a := s.get(c, at+"?version=1"); a.status != http.StatusOK || !strings.Contains(a.body, "Content erased") {
				t.Errorf("an erased artifact gives %d", a.status)
			}
			if a := s.get(c, at+"/v/1/csv"); a.status != http.StatusNotFound || !strings.Contains(a.body, "was erased") {
				t.Errorf("its file gives %d: %s", a.status, words(a.body))
			}
		}
	}
}

// TestErasureAccessible runs axe on the page with a plan, in both themes and on a phone.
func TestErasureAccessible(t *testing.T) {
	s := filled(t)
	b := newBrowser(t, s)
	b.look(t, erasurePath, "light", 1440, 900)
	b.write(t, "E-mail address or uuid that 1Password knows", s.somebody())
	b.press(t, "button", "Show what would go")
	b.heading(t, "Erasure")
	b.until(t, `document.querySelector("#plan")?.textContent ?? ""`, func(v string) bool { return v != "" })
	b.examine(t, axeSource(t), "erasure")
}
