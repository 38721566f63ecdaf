package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

func TestActionForms(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	form := url.Values{"title": {"Review"}, "owner": {"Marek"}, "due": {"2026-12-14"}, "cadence": {"monthly"}, "ask": {"failed-sign-ins", "upload", ""}, "ask.text": {"nothing=1", "The signed <b>list</b>", ""}}
	a := s.post(c, "/actions", form)
	p := htmlcheck.Parse(t, a.body)
	if a.status != http.StatusBadRequest || htmlcheck.Attr(p.One("#title"), "value") != "Review" || htmlcheck.Attr(p.One("#ask-text-0"), "value") != "nothing=1" {
		t.Errorf("what was typed is lost: %d", a.status)
	}
	p.Has(".note", `no parameter "nothing"`)
	form.Set("ask.text", "")
	form["ask.text"] = []string{"", "The signed <b>list</b>", ""}
	if a = s.post(c, "/actions", form); a.status != http.StatusSeeOther {
		t.Fatalf("making gives %d: %s", a.status, a.body)
	}
	action := a.header.Get("Location")
	page := htmlcheck.Parse(t, s.get(c, action).body)
	page.Has("h1", "Review")
	page.Has(".todo", "The signed <b>list</b>")
	page.Has("table", "action.add")
	edit := htmlcheck.Parse(t, s.get(c, action+"/edit").body)
	if got := htmlcheck.Attr(edit.One("#due"), "value"); got != "2026-12-14" {
		t.Errorf("the form shows %q", got)
	}
	form.Set("title", "Review sign-ins")
	form.Set("revision", htmlcheck.Attr(edit.One("input[name=revision]"), "value"))
	if a = s.post(c, action+"/edit", form); a.status != http.StatusSeeOther {
		t.Fatalf("changing gives %d: %s", a.status, a.body)
	}
	form.Set("title", "Too late")
	if a = s.post(c, action+"/edit", form); a.status != http.StatusConflict || htmlcheck.Attr(htmlcheck.Parse(t, a.body).One("#title"), "value") != "Too late" {
		t.Errorf("an edit of an old revision gives %d", a.status)
	}
	if a = s.post(c, action+"/done", url.Values{"note": {"All in order"}}); a.status != http.StatusSeeOther {
		t.Errorf("finishing gives %d", a.status)
	}
	page = htmlcheck.Parse(t, s.get(c, action).body)
	page.Has(".note", "All in order")
	page.Has("h1", "Done")
	htmlcheck.Parse(t, s.get(c, "/actions").body).Has("tbody", "A-01.2026-12")
	if a = s.post(c, action+"/reopen", url.Values{"reason": {"No"}}); a.status != http.StatusSeeOther {
		t.Errorf("opening again gives %d", a.status)
	}
	htmlcheck.Parse(t, s.post(c, action+"/retire", url.Values{"reason": {" "}}).body).Has("#retire .note", "why the action is retired")
	if a = s.post(c, action+"/retire", url.Values{"reason": {"Merged"}}); a.status != http.StatusSeeOther {
		t.Errorf("retiring gives %d", a.status)
	}
	htmlcheck.Parse(t, s.get(c, action).body).Has(".note", "Merged")
	reviewer := htmlcheck.Parse(t, s.get(s.as(people.Reviewer), action).body)
	if n := len(reviewer.All("form[action*='/actions/']")); n != 0 {
		t.Error("a reviewer is offered to change an action")
	}
}

// TestWordingPage holds that a change is compared side by side, accepted or declined one by one, and named on the front page.
func TestWordingPage(t *testing.T) {
	s := newSite(t)
	s.connect("Acme", nil)
	s.fillActions()
	c := s.as(people.Admin)
	for range 4 {
		s.post(c, "/actions", url.Values{"title": {"Confirm that reading was whole"}, "ask": {"coverage"}, "ask.text": {""}})
	}
	home := s.get(c, "/").body
	htmlcheck.Parse(t, home).Has("#live-attention", "“Acme” is connected: ")
	if n := strings.Count(home, `href="/wording#`); n != 1 {
		t.Errorf("one source makes %d lines of the front page", n)
	}
	page := htmlcheck.Parse(t, s.get(c, "/wording").body)
	forms := page.All(".wording form")
	page.Has(".sides ins", "read through the connection “Acme”")
	page.Has(".plain-list", "“Acme” is connected")
	if len(forms) < 2 {
		t.Fatalf("%d changes are proposed", len(forms))
	}
	for i, decision := range []string{"accept", "decline"} {
		if a := s.post(c, htmlcheck.Attr(forms[i], "action"), url.Values{"decision": {decision}}); a.status != http.StatusSeeOther {
			t.Errorf("%s gives %d: %s", decision, a.status, a.body)
		}
	}
	if now := htmlcheck.Parse(t, s.get(c, "/wording").body).All(".wording"); len(now) != len(forms)-2 {
		t.Errorf("after two decisions %d of %d are left", len(now), len(forms))
	}
	htmlcheck.Parse(t, s.post(c, htmlcheck.Attr(forms[0], "action"), url.Values{"decision": {"accept"}}).body).Has(".note", "not proposed any more")
	all := htmlcheck.Parse(t, s.get(c, "/wording").body).One(".part-head form")
	if a := s.post(c, htmlcheck.Attr(all, "action"), url.Values{"decision": {"decline"}}); a.status != http.StatusSeeOther {
		t.Errorf("declining all gives %d: %s", a.status, a.body)
	}
	htmlcheck.Parse(t, s.get(c, "/wording").body).Has(".empty", "Every text fits")
	if a := s.post(c, htmlcheck.Attr(all, "action"), url.Values{"decision": {"accept"}}); a.status != http.StatusNotFound {
		t.Errorf("deciding twice gives %d", a.status)
	}
	if n := len(htmlcheck.Parse(t, s.get(s.as(people.Viewer), "/wording").body).All(".wording form")); n != 0 {
		t.Error("a viewer is offered to decide")
	}
}

// TestProposedEvidence holds that what an action's words name is proposed with the reason and becomes a request.
func TestProposedEvidence(t *testing.T) {
	s := newSite(t)
	c := s.as(people.Admin)
	at := s.post(c, "/actions", url.Values{"title": {"Check the MFA of 1Password"}}).header.Get("Location")
	htmlcheck.Parse(t, s.get(c, at).body).Has(".part", "It names “1Password” and “MFA”.")
	htmlcheck.Parse(t, s.post(c, at+"/requests", url.Values{"recipe": {"coverage"}}).body).Has(".note", "is not proposed")
	if a := s.post(c, at+"/requests", url.Values{"recipe": {"second-factor"}}); a.status != http.StatusSeeOther {
		t.Fatalf("accepting gives %d: %s", a.status, a.body)
	}
	page := htmlcheck.Parse(t, s.get(c, at).body)
	if page.Has(".todo", "Made by the recipe second-factor"); len(page.All("#matches")) != 0 {
		t.Error("what it asks for is proposed still")
	}
}

// TestComments holds that a comment is shown with whom it mentions, that he sees it on his front page until he marks it as seen or answers, and
// that what was typed is not lost.
func TestComments(t *testing.T) {
	s := newSite(t)
	s.fillActions()
	c, marek := s.as(people.Admin), s.as(people.Collaborator)
	members, err := s.store.Members(t.Context(), s.ws)
	must(t, err)
	name := members[slices.IndexFunc(members, func(m store.Member) bool { return m.Role == string(people.Collaborator) })].Name
	a, err := s.store.Action(t.Context(), s.ws, "A-SOON")
	must(t, err)
	at := "/actions/" + string(a.ID)
	refused := s.post(c, at+"/comments", url.Values{"text": {strings.Repeat("x", 4001)}})
	if page := htmlcheck.Parse(t, refused.body); refused.status != http.StatusBadRequest || len(htmlcheck.Text(page.One("#comment"))) < 4001 {
		t.Errorf("what was typed is lost: %d", refused.status)
	}
	said := s.post(c, at+"/comments", url.Values{"text": {"<b>Look</b>, @" + name + "!\nPlease."}})
	if said.status != http.StatusSeeOther || !strings.HasPrefix(said.header.Get("Location"), at+"#cm_") {
		t.Fatalf("commenting gives %d %s", said.status, said.header.Get("Location"))
	}
	page := htmlcheck.Parse(t, s.get(c, at).body)
	page.Has(".comments", "<b>Look</b>")
	page.Has(".mention", "@"+name)
	htmlcheck.Parse(t, s.get(marek, "/").body).Has("#live-attention", "mentions you on A-SOON")
	if strings.Contains(s.get(c, "/").body, "mentions you") {
		t.Error("somebody else is told of the mention")
	}
	htmlcheck.Parse(t, s.get(marek, at).body).Has("#unseen", "mentioned in 1 comment")
	home := htmlcheck.Parse(t, s.get(marek, "/").body) // looking alone changes nothing
	if got := htmlcheck.Attr(home.One("#live-attention form"), "action"); got != at+"/seen" {
		t.Errorf("the front page's button goes to %q", got)
	}
	if seen := s.post(marek, at+"/seen", url.Values{"return": {"/"}}); seen.status != http.StatusSeeOther || seen.header.Get("Location") != "/" {
		t.Errorf("marking as seen gives %d %s", seen.status, seen.header.Get("Location"))
	}
	if strings.Contains(s.get(marek, "/").body, "mentions you") {
		t.Error("what he has seen is told still")
	}
	s.post(c, at+"/comments", url.Values{"text": {"Once more, @" + name + "."}})
	s.post(marek, at+"/comments", url.Values{"text": {"Done."}})
	if strings.Contains(s.get(marek, "/").body, "mentions you") {
		t.Error("who answered is told still")
	}
}

// TestActionBoard holds that the board moves actions without a script, keeps the filters, and says why it does not.
func TestActionBoard(t *testing.T) {
	s := newSite(t)
	s.fillActions()
	c := s.as(people.Admin)
	late, err := s.store.Action(t.Context(), s.ws, "A-LATE")
	must(t, err)
	at := "/actions/" + string(late.ID) + "/move"
	board := htmlcheck.Parse(t, s.get(c, "/actions?view=board&owner=ada+okafor").body)
	board.Has("#"+string(late.ID), "Overdue")
	form := board.One("#" + string(late.ID) + " form")
	if got := htmlcheck.Attr(form, "action"); got != at+"?owner=ada+okafor" {
		t.Errorf("the form leads to %q", got)
	}
	for _, step := range []struct{ to, column string }{{"in_progress", "In progress"}, {"open", "To do"}, {"done", "Done"}, {"open", "To do"}} {
		a := s.post(c, at+"?owner=ada+okafor", url.Values{"to": {step.to}})
		if want := "/actions?owner=ada+okafor&view=board#" + string(late.ID); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Fatalf("to %s: %d %s", step.to, a.status, a.header.Get("Location"))
		}
		page := htmlcheck.Parse(t, s.get(c, "/actions?view=board").body)
		for _, section := range page.All(".board > section") {
			if htmlcheck.Text(section) != "" && strings.Contains(htmlcheck.Text(section), late.Title) != strings.HasPrefix(strings.TrimSpace(htmlcheck.Text(section)), step.column) {
				t.Errorf("moved to %s it stands in %.40q", step.to, strings.TrimSpace(htmlcheck.Text(section)))
			}
		}
	}
	htmlcheck.Parse(t, s.post(c, at, url.Values{"to": {"open"}}).body).Has(".note", "stands there already")
	htmlcheck.Parse(t, s.post(c, at, url.Values{"to": {"gone"}}).body).Has(".note", "is no status")
	if n := len(htmlcheck.Parse(t, s.get(s.as(people.Reviewer), "/actions?view=board").body).All(".board form")); n != 0 {
		t.Error("a reviewer is offered moves")
	}
	for query, want := range map[string]string{"q=POLICY": "A-SOON", "due=overdue": "A-LATE", "due=week": "A-SOON", "status=retired": "A-OLD", "evidence=missing&due=overdue&owner=marek+dvořák": "A-LATE"} {
		page := htmlcheck.Parse(t, s.get(c, "/actions?"+query).body)
		if rows := page.All("tbody tr"); len(rows) != 1 || !strings.Contains(htmlcheck.Text(rows[0]), want) {
			t.Errorf("%s shows %d rows, want %s", query, len(rows), want)
		}
	}
	htmlcheck.Parse(t, s.get(c, "/actions?q=nowhere").body).Has(".empty", "No action fits")
	if a := s.get(c, "/actions?due=soon"); a.status != http.StatusBadRequest {
		t.Errorf("a due date that is none gives %d", a.status)
	}
}

// TestActionPagesAccessible runs axe on the pages of actions, and holds that none is wider than a phone.
func TestActionPagesAccessible(t *testing.T) {
	s := newSite(t)
	s.fillActions()
	checkPages(t, s, s.actionPages())
}
