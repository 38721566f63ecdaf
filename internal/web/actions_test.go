package web

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/exhibithq/exhibit/internal/people"
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

// TestActionPagesAccessible runs axe on the pages of actions, and holds that none is wider than a phone.
func TestActionPagesAccessible(t *testing.T) {
	s := newSite(t)
	s.fillActions()
	checkPages(t, s, s.actionPages())
}
