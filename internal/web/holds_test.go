package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/hold"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// fillHolds places a hold that stands, one whose review is due, and one that was released.
func (s *site) fillHolds() {
	s.t.Helper()
	ctx, me := s.t.Context(), s.caller()
	place := func(code evidence.HoldCode, reason string, span evidence.Span, review time.Duration) hold.View {
		v, err := s.legal.Place(ctx, me, hold.PlaceRequest{Span: span, Owner: s.admin.Email, Code: code, Reason: reason, Review: s.clock().Add(review)})
		must(s.t, err)
		return v
	}
	place(evidence.HoldLitigation, "Northwind v. Example Corp: keep what the sign-ins of spring say.", evidence.Span{From: noon.AddDate(0, -6, 0).Truncate(day), To: noon.AddDate(0, -3, 0).Truncate(day)}, 200*day)
	place(evidence.HoldRegulator, "The authority asked for everything in its letter of 2 November.", evidence.Span{}, time.Millisecond)
	over := place(evidence.HoldAudit, "Until the report is signed.", evidence.Span{}, 90*day)
	_, err := s.legal.Release(ctx, me, over.ID, "The report was signed.")
	must(s.t, err)
	s.advance(time.Second)
}

// TestHolds places a hold on the page, with mistakes first, keeps it, is told on Home that its review is due, and releases it over the API.
func TestHolds(t *testing.T) {
	s := filled(t)
	c := s.as(people.Admin)
	if a := s.get(c, holdsPath); !strings.Contains(a.body, "Nothing is on hold") {
		t.Error("the empty state is missing")
	}
	form := url.Values{"scope": {"part"}, "connection": {string(s.first.ID)}, "from": {"2026-07-01"}, "to": {""}, "owner": {string(s.admin.ID)}, "code": {"audit"}, "reason": {"Until the <b>report</b>."}, "review": {"2026-12-01"}}
	a := s.post(c, holdsPath, form)
	p := htmlcheck.Parse(t, a.body)
	if a.status != http.StatusBadRequest || htmlcheck.Attr(p.One("#from"), "value") != "2026-07-01" || !strings.Contains(a.body, `value="audit" selected`) || !strings.Contains(a.body, "A period has a start and an end") {
		t.Errorf("what was typed is lost: %d", a.status)
	}
	form.Set("to", "2026-09-30")
	form.Set("review", "2026-11-01")
	if a := s.post(c, holdsPath, form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "a day in the future") {
		t.Errorf("a review in the past gives %d", a.status)
	}
	form.Set("review", "2026-12-01")
	if a := s.post(c, holdsPath, form); a.status != http.StatusSeeOther {
		t.Fatalf("placing gives %d: %s", a.status, words(a.body))
	}
	page := s.get(c, holdsPath+"?done=placed").body
	for _, want := range []string{"Audit: ", "events from 2026-07-01 to 2026-10-01", "Until the &lt;b&gt;report", "In force", "1 hold in force", "Owner: "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(s.get(c, "/").body, "A legal hold is to be reviewed") {
		t.Error("Home asks for a review that is not due")
	}
	s.advance(10 * day)
	c = s.as(people.Admin)
	if a := s.get(c, "/"); !strings.Contains(a.body, "A legal hold is to be reviewed: Audit") {
		t.Error("Home does not say that a review is due")
	}
	var due apiConcerns
	s.send(c, "GET", "/concerns", "", "", &due)
	if !strings.Contains(string(due.Concerns[len(due.Concerns)-1].Key), "hold/") {
		t.Errorf("%+v", due.Concerns)
	}
	var list apiHoldList
	s.send(c, "GET", "/holds", "", "", &list)
	if len(list.Holds) != 1 || !list.Holds[0].Due || list.Holds[0].Connection != s.first.ID || list.Holds[0].OwnerName != "Ada Okafor" {
		t.Fatalf("%+v", list)
	}
	at := holdsPath + "/" + string(list.Holds[0].ID)
	if a := s.post(c, at+"/review", url.Values{"review": {"2027-02-01"}, "reason": {" "}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Give a reason") || !strings.Contains(a.body, `value="2027-02-01"`) {
		t.Errorf("a review without a reason gives %d", a.status)
	}
	if a := s.post(c, at+"/review", url.Values{"review": {"2027-02-01"}, "reason": {"Not signed yet."}}); a.status != http.StatusSeeOther {
		t.Errorf("a review gives %d", a.status)
	}
	if a := s.get(c, holdsPath); !strings.Contains(a.body, "Not signed yet.") || strings.Contains(a.body, "Review due") {
		t.Error("the page does not show the review")
	}
	var got apiHold
	if a := s.send(c, "POST", "/holds/"+string(list.Holds[0].ID)+"/release", "application/json", `{"reason":"Signed."}`, &got); a.status != http.StatusOK || got.ReleasedAt == nil || got.Release != "Signed." {
		t.Errorf("releasing over the API gives %d, %+v", a.status, got)
	}
	if a := s.send(c, "POST", "/holds/"+string(list.Holds[0].ID)+"/release", "application/json", `{"reason":"Signed."}`, nil); a.status != http.StatusConflict {
		t.Errorf("releasing twice gives %d", a.status)
	}
	if a := s.get(s.as(people.Collaborator), holdsPath); a.status != http.StatusOK || strings.Contains(a.body, "Place a hold</h2>") || !strings.Contains(a.body, "Released") {
		t.Errorf("a collaborator sees %d, or may place one", a.status)
	}
}

// TestHoldsAccessible runs axe on the page with a form opened and refused, in both themes and on a phone.
func TestHoldsAccessible(t *testing.T) {
	s := filled(t)
	s.fillHolds()
	b := newBrowser(t, s)
	b.look(t, holdsPath, "light", 1440, 900)
	b.examine(t, axeSource(t), "holds")
}
