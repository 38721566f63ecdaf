package artifact_test

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// reviewer is somebody else, with a membership.
func (w *world) reviewer() people.Caller {
	return people.Caller{Member: "us_rita", Workspace: w.ws, Name: "Rita Example", Role: people.Reviewer}
}

func (w *world) standing(id evidence.ID) evidence.ReviewStanding {
	w.t.Helper()
	v, err := w.artifacts.Show(w.ctx, w.ws, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Standing
}

func (w *world) approve(id evidence.ID) evidence.Review {
	w.t.Helper()
	r, err := w.artifacts.Review(w.ctx, w.reviewer(), artifact.ReviewRequest{Artifact: id, Verdict: evidence.ReviewApproved})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestReviewIsNeverOnesOwn(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	ada := people.Caller{Member: "us_ada", Workspace: w.ws, Name: who, Role: people.Reviewer}
	w.ctx = people.With(w.ctx, ada)
	id := w.build("failed-sign-ins", october).Artifact.ID
	renamed, token, namesake := ada, ada, ada
	renamed.Name = "Ada Other"
	token.Token, token.Via, token.Scopes = "tk_1", "nightly", "review"
	namesake.Member = "us_other"
	for name, c := range map[string]struct {
		caller people.Caller
		want   evidence.Code
	}{
		"the maker":            {ada, evidence.Forbidden},
		"under another name":   {renamed, evidence.Forbidden},
		"through a token":      {token, evidence.Forbidden},
		"an administrator":     {people.Caller{Member: "us_admin", Workspace: w.ws, Role: people.Admin}, evidence.Forbidden},
		"nobody":               {people.Caller{}, evidence.Unauthorized},
		"another by that name": {namesake, ""},
		"somebody else":        {w.reviewer(), ""},
	} {
		_, err := w.artifacts.Review(w.ctx, c.caller, artifact.ReviewRequest{Artifact: id, Verdict: evidence.ReviewApproved})
		if got := evidence.ErrorCode(err); err != nil && got != c.want || err == nil && c.want != "" {
			t.Errorf("%s: %v, want code %q", name, err, c.want)
		}
	}
	if _, err := w.artifacts.ReviewHere(w.ctx, who, w.ws, artifact.ReviewRequest{Artifact: id, Verdict: evidence.ReviewApproved}); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("the maker's name on the command line: %v", err)
	}
}

func TestReviewIsReopened(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	id := w.build("secret-exposure", october).Artifact.ID
	if got := w.standing(id); got.Status != evidence.StatusNotReviewed {
		t.Errorf("at first: %+v", got)
	}
	r := w.approve(id)
	if got := w.standing(id); got.Status != evidence.StatusApproved || got.Review.ID != r.ID || len(r.Digest) != 64 {
		t.Errorf("approved: %+v", got)
	}
	w.read("itemusages", evidence.Span{From: october.To, To: october.To.Add(time.Hour)}, usage(77, october.From.Add(30*time.Minute), "reveal"))
	if got := w.standing(id); got.Status != evidence.StatusApproved {
		t.Errorf("an event that came in the same moment as the review, which cannot be after it: %+v", got)
	}
	later := w.build("secret-exposure", october)
	if later.Artifact.Latest.Version != 2 || later.Standing.Status != evidence.StatusReopened || later.Standing.Review.Version != 1 {
		t.Errorf("a newer version: %+v", later.Standing)
	}
	w.approve(id)
	if got := w.standing(id); got.Status != evidence.StatusApproved || got.Review.Version != 2 {
		t.Errorf("the newer version approved: %+v", got)
	}
	all, err := w.store.Artifact(w.ctx, w.ws, id)
	if err != nil {
		t.Fatal(err)
	}
	reviews, err := w.artifacts.Reviews(w.ctx, w.ws, id)
	if err != nil || len(reviews) != 2 || reviews[0].Version != 1 {
		t.Errorf("%v, %+v", err, reviews)
	}
	if got := evidence.StandingOf(all, reviews, reviews[1].At.Add(time.Second)); got.Status != evidence.StatusReopened || got.Why == "" {
		t.Errorf("a late event after the review: %+v", got)
	}
	all.Latest.Files[0].SHA256 = "00"
	if got := evidence.StandingOf(all, reviews, time.Time{}); got.Status != evidence.StatusReopened {
		t.Errorf("other bytes under the same number: %+v", got)
	}
	if w.trail()["Rita Example artifact.review"] != 2 {
		t.Errorf("the trail: %v", w.trail())
	}
}

// TestLateEventsReopen lets a late event come after an approval that the clock has put before it.
func TestLateEventsReopen(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	id := w.build("secret-exposure", october).Artifact.ID
	v, err := w.store.Artifact(w.ctx, w.ws, id)
	if err != nil {
		t.Fatal(err)
	}
	early := evidence.Review{ID: "re_1", Workspace: w.ws, Artifact: id, Version: 1, Digest: v.Latest.Digest(), Verdict: evidence.ReviewApproved, At: now.Add(-time.Hour), By: "Rita Example"}
	if err := w.store.AddReview(w.ctx, early); err != nil {
		t.Fatal(err)
	}
	if got := w.standing(id); got.Status != evidence.StatusApproved {
		t.Fatalf("before: %+v", got)
	}
	w.read("itemusages", evidence.Span{From: october.To, To: october.To.Add(time.Hour)}, usage(77, october.From.Add(30*time.Minute), "reveal"))
	if got := w.standing(id); got.Status != evidence.StatusReopened || got.Why == "" {
		t.Errorf("after a late event: %+v", got)
	}
}

func TestReviewRefusesAndRetires(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	id := w.build("failed-sign-ins", october).Artifact.ID
	for name, req := range map[string]artifact.ReviewRequest{
		"no verdict":             {Artifact: id, Verdict: "fine"},
		"a rejection, no reason": {Artifact: id, Verdict: evidence.ReviewRejected, Reason: " "},
		"no such version":        {Artifact: id, Verdict: evidence.ReviewApproved, Version: 9},
		"no such artifact":       {Artifact: "ar_none", Verdict: evidence.ReviewApproved},
		"control characters":     {Artifact: id, Verdict: evidence.ReviewChanges, Reason: "a\x00b"},
	} {
		if _, err := w.artifacts.Review(w.ctx, w.reviewer(), req); evidence.ErrorCode(err) != evidence.Invalid && evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.artifacts.Retire(w.ctx, who, w.ws, id, " "); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("retired without a reason: %v", err)
	}
	if err := w.artifacts.Retire(w.ctx, who, w.ws, id, "The wrong month."); err != nil {
		t.Fatal(err)
	}
	if err := w.artifacts.Retire(w.ctx, who, w.ws, id, "Again."); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("retired twice: %v", err)
	}
	if _, err := w.artifacts.Review(w.ctx, w.reviewer(), artifact.ReviewRequest{Artifact: id, Verdict: evidence.ReviewApproved}); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("a retired one reviewed: %v", err)
	}
	if again := w.build("failed-sign-ins", october); again.Unchanged || !again.Artifact.RetiredAt.IsZero() || again.Artifact.Latest.Version != 2 {
		t.Errorf("built again, it is not back in use: %+v", again.Artifact)
	}
}
