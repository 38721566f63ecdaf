package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/htmlcheck"
)

// TestReviewPage has a reviewer judge on the page what somebody else made, over the API what he sees there.
func TestReviewPage(t *testing.T) {
	s := filled(t)
	list, err := s.store.Artifacts(t.Context(), s.ws, store.ArtifactFilter{})
	must(t, err)
	id := string(list[0].ID)
	rita := s.as(people.Reviewer)
	if a := s.get(rita, "/"); !strings.Contains(a.body, "Review asked:") {
		t.Error("the front page does not say that a review is asked for")
	}
	if a := s.post(s.as(people.Admin), "/artifacts/"+id+"/review", url.Values{"verdict": {"approved"}, "version": {"1"}}); a.status != 403 {
		t.Errorf("an administrator reviews: %d", a.status)
	}
	a := s.post(rita, "/artifacts/"+id+"/review", url.Values{"verdict": {"rejected"}, "version": {"1"}, "reason": {""}})
	if a.status != 400 || !strings.Contains(a.body, "text why") || !strings.Contains(a.body, `value="rejected" required checked`) {
		t.Errorf("a rejection without a reason: %d", a.status)
	}
	if a := s.post(rita, "/artifacts/"+id+"/review", url.Values{"verdict": {"changes_requested"}, "version": {"1"}, "reason": {"<b>Too short</b>"}}); a.status != 200 && a.status != 303 {
		t.Fatalf("a review: %d %s", a.status, a.body)
	}
	if a := s.get(rita, "/artifacts/"+id); !strings.Contains(a.body, "&lt;b&gt;Too short") || !strings.Contains(a.body, "Changes asked") {
		t.Error("the review is not shown, or not as text")
	}
	var got apiReviews
	s.send(rita, "GET", "/artifacts/"+id+"/reviews", "", "", &got)
	if got.Status != evidence.StatusChanges || len(got.Reviews) != 1 || got.Reviews[0].Version != 1 {
		t.Errorf("over the API: %+v", got)
	}
	var r apiReview
	if a := s.send(rita, "POST", "/artifacts/"+id+"/reviews", "application/json", `{"verdict":"approved"}`, &r); a.status != 200 || r.Digest != got.Reviews[0].Digest {
		t.Errorf("a second opinion: %d %+v", a.status, r)
	}
	if a := s.get(s.as(people.Admin), "/"); strings.Contains(a.body, "Reviewers want changes") {
		t.Error("the front page still asks for changes")
	}
	if a := s.send(s.as(people.Admin), "POST", "/artifacts/"+id+"/retire", "application/json", `{"reason":"The wrong month."}`, nil); a.status != 200 || !strings.Contains(a.body, "The wrong month.") {
		t.Errorf("retired over the API: %d %s", a.status, a.body)
	}
}

// TestInvitedReviewerApproves goes the way of a second person: invited, signed in, he approves what the first one made.
func TestInvitedReviewerApproves(t *testing.T) {
	s := filled(t)
	admin := s.as(people.Admin)
	list, err := s.store.Artifacts(t.Context(), s.ws, store.ArtifactFilter{})
	must(t, err)
	path := "/artifacts/" + string(list[0].ID)
	if a := s.get(admin, path); !strings.Contains(a.body, `href="/settings/people"`) || strings.Contains(a.body, "Keep the review") {
		t.Error("an administrator is not told who reviews, or may review himself")
	}
	a := s.post(admin, "/settings/people", url.Values{"name": {"Rita Example"}, "email": {"rita@example.com"}, "role": {string(people.Reviewer)}})
	link := htmlcheck.Text(htmlcheck.Parse(t, a.body).One("#invitation"))
	rita := s.client()
	if a := s.post(rita, "/sign-in", url.Values{"link": {link[strings.LastIndex(link, "/")+1:]}}); a.status != http.StatusSeeOther {
		t.Fatalf("accepting gives %d", a.status)
	}
	if a := s.get(rita, path); !strings.Contains(a.body, "Keep the review") {
		t.Error("the reviewer has no form")
	}
	if a := s.post(rita, path+"/review", url.Values{"verdict": {"approved"}, "version": {"1"}}); a.status != http.StatusSeeOther {
		t.Fatalf("approving gives %d: %s", a.status, a.body)
	}
	for _, page := range []string{path, "/artifacts"} {
		if a := s.get(admin, page); !strings.Contains(a.body, "Approved") || !strings.Contains(a.body, "Rita Example") {
			t.Errorf("%s does not show who approved", page)
		}
	}
}
