package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// TestProposals builds an artifact that mappings know, declines one proposal and accepts another on its page, and then lets
// mappings attach at once.
func TestProposals(t *testing.T) {
	s := filled(t)
	admin := s.as(people.Admin)
	build := func(month time.Month) artifact.View {
		v, err := s.build.Build(t.Context(), "Ada Okafor", s.ws, artifact.BuildRequest{Recipe: "secret-exposure", Span: evidence.Span{From: time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, month+1, 1, 0, 0, 0, 0, time.UTC)}})
		must(t, err)
		return v
	}
	v := build(9)
	path := "/artifacts/" + string(v.Artifact.ID)
	if a := s.get(admin, "/"); !strings.Contains(a.body, "Proposed as evidence: 1 artifact") {
		t.Error("Home does not say that something is proposed")
	}
	if got := s.rowsOf(admin, "/artifacts?attach=proposed"); got != 1 {
		t.Errorf("the number on Home leads to %d rows", got)
	}
	p := htmlcheck.Parse(t, s.get(admin, path).body)
	targets := p.All(".proposed input[name=target]")
	if len(targets) == 0 {
		t.Fatal("nothing is proposed on the page")
	}
	target := htmlcheck.Attr(targets[0], "value")
	if a := s.post(admin, path+"/decline", url.Values{"target": {target}, "reason": {" "}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "no evidence for that") {
		t.Errorf("declining without a reason gives %d", a.status)
	}
	if a := s.post(s.as(people.Reviewer), path+"/accept", url.Values{"target": {target}}); a.status != http.StatusForbidden {
		t.Errorf("a reviewer accepts: %d", a.status)
	}
	if a := s.post(admin, path+"/accept", url.Values{"target": {target}}); a.status != http.StatusSeeOther {
		t.Fatalf("accepting gives %d: %s", a.status, a.body)
	}
	page := s.get(admin, path).body
	if !strings.Contains(page, "accepted by") || !strings.Contains(page, "Automatic") {
		t.Error("an accepted proposal is not marked as automatic")
	}
	if a := s.post(admin, path+"/accept", url.Values{"target": {target}}); a.status != http.StatusConflict {
		t.Errorf("accepting twice gives %d", a.status)
	}
	var rest apiProposals
	s.send(admin, "GET", path+"/proposals", "", "", &rest)
	for _, x := range rest.Proposals {
		if a := s.send(admin, "POST", path+"/proposals/decline", "application/json", `{"control":"`+string(x.Control)+`","action":"`+string(x.Action)+`","reason":"Another list serves."}`, nil); a.status != http.StatusOK {
			t.Errorf("declining over the API gives %d: %s", a.status, a.body)
		}
	}
	if a := s.get(admin, "/"); strings.Contains(a.body, "Proposed as evidence") {
		t.Error("what was accepted and declined is still proposed")
	}
	if a := s.post(s.as(people.Collaborator), "/artifacts/attaching", url.Values{"attaching": {"do"}}); a.status != http.StatusForbidden {
		t.Errorf("a collaborator changes the setting: %d", a.status)
	}
	if a := s.post(admin, "/artifacts/attaching", url.Values{"attaching": {"do"}}); a.status != http.StatusSeeOther {
		t.Fatalf("choosing gives %d: %s", a.status, a.body)
	}
	if a := s.get(admin, "/artifacts/schedules"); !strings.Contains(a.body, `value="do" checked`) {
		t.Error("the choice is not shown")
	}
	if v := build(8); len(v.ControlKeys) == 0 {
		t.Errorf("nothing was attached at once: %+v", v)
	}
	var how apiAttaching
	if s.send(admin, "POST", "/attaching", "application/json", `{"attaching":"propose"}`, &how); how.Attaching != evidence.Propose {
		t.Errorf("over the API: %+v", how)
	}
}

// TestDetachedStaysDetached holds that building again does not attach what a person took off.
func TestDetachedStaysDetached(t *testing.T) {
	s := filled(t)
	must(t, s.build.SetAttaching(t.Context(), s.caller(), evidence.Do))
	list, err := s.build.List(t.Context(), s.ws, artifact.Filter{Recipe: "secret-exposure"})
	must(t, err)
	v := list[0]
	must(t, s.build.Detach(t.Context(), "Ada Okafor", s.ws, artifact.DetachRequest{Artifact: v.Artifact.ID, Control: v.ControlKeys[0], Reason: "Not this one."}))
	again, err := s.build.Build(t.Context(), "Ada Okafor", s.ws, artifact.BuildRequest{Recipe: "secret-exposure", Span: v.Artifact.Period})
	must(t, err)
	if len(again.ControlKeys) >= len(v.ControlKeys) {
		t.Errorf("attached again: %v", again.ControlKeys)
	}
}
