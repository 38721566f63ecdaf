package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestReviewsAndRetiring(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
		a, err := f.SaveArtifact(t.Context(), evidence.Artifact{ID: "ar_1", Workspace: f.ws, Kind: evidence.Uploaded, Title: "Policy", CreatedAt: at,
			Period: evidence.Span{From: at, To: at.Add(time.Hour)}, Latest: evidence.ArtifactVersion{BuiltAt: at, BuiltBy: "Ada", BuiltMember: "us_1"}})
		f.ok(err)
		got, err := f.Artifact(t.Context(), f.ws, a.ID)
		f.ok(err)
		if got.Latest.BuiltMember != "us_1" {
			t.Errorf("who made it: %q", got.Latest.BuiltMember)
		}
		want := []evidence.Review{
			{ID: "re_2", Workspace: f.ws, Artifact: a.ID, Version: 1, Digest: "d", Verdict: evidence.ReviewChanges, Reason: "why", At: at, By: "Rita", Member: "us_2"},
			{ID: "re_1", Workspace: f.ws, Artifact: a.ID, Version: 1, Digest: "d", Verdict: evidence.ReviewApproved, At: at.Add(time.Minute), By: "Rita", Member: "us_2"},
		}
		for i := range want {
			f.ok(f.AddReview(t.Context(), want[i]))
			l, err := f.Log(t.Context(), f.ws)
			f.ok(err)
			want[i].Leaf = l.Size - 1
		}
		reviews, err := f.Reviews(t.Context(), f.ws, a.ID)
		f.ok(err)
		if diff := cmp.Diff(want, reviews); diff != "" {
			t.Errorf("reviews (-want +got):\n%s", diff)
		}
		if other, err := f.Reviews(t.Context(), "ws_other", ""); err != nil || len(other) > 0 {
			t.Errorf("another workspace sees %v, %v", other, err)
		}
		if err := f.RetireArtifact(t.Context(), "ws_other", a.ID, at, "Ada", "x"); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("another workspace retires it: %v", err)
		}
		f.ok(f.RetireArtifact(t.Context(), f.ws, a.ID, at, "Ada", "old"))
		if err := f.RetireArtifact(t.Context(), f.ws, a.ID, at, "Ada", "old"); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("retired twice: %v", err)
		}
	})
}
