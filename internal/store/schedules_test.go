package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestSchedules(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
		want := evidence.Schedule{ID: "sc_1", Workspace: f.ws, Recipe: "coverage", Cadence: evidence.Monthly, Settle: 2, Params: map[string]string{"a": "b"}, Since: at, CreatedAt: at, CreatedBy: "Ada", Member: "us_1"}
		f.ok(f.AddSchedule(t.Context(), want))
		twin := want
		twin.ID = "sc_2"
		if err := f.AddSchedule(t.Context(), twin); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("the same twice: %v", err)
		}
		f.ok(f.ScheduleFailed(t.Context(), f.ws, "sc_1", at, "why"))
		f.ok(f.ScheduleBuilt(t.Context(), f.ws, "sc_1", at.Add(time.Hour), "ar_1"))
		f.ok(f.ScheduleBuilt(t.Context(), f.ws, "sc_1", at.Add(time.Minute), "ar_0")) // somebody slow
		want.DoneUntil, want.Artifact = at.Add(time.Hour), "ar_1"
		got, err := f.Schedules(t.Context(), f.ws)
		f.ok(err)
		if diff := cmp.Diff([]evidence.Schedule{want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := f.StopSchedule(t.Context(), "ws_other", "sc_1", at, "Eve"); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("another workspace stops it: %v", err)
		}
		f.ok(f.StopSchedule(t.Context(), f.ws, "sc_1", at, "Ada"))
		f.ok(f.AddSchedule(t.Context(), twin))
	})
}

func TestOneBuildsAtATime(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
		take := func(holder string, now time.Time) bool {
			mine, err := f.TakeBuilding(t.Context(), f.ws, holder, now, now.Add(time.Minute))
			f.ok(err)
			return mine
		}
		if !take("one", at) || take("two", at) || !take("one", at.Add(time.Second)) || !take("two", at.Add(2*time.Minute)) {
			t.Error("the turn is not one process's")
		}
		f.ok(f.LeaveBuilding(t.Context(), f.ws, "one")) // has no turn to give
		if take("one", at.Add(2*time.Minute)) {
			t.Error("the turn was given back by who did not have it")
		}
		f.ok(f.LeaveBuilding(t.Context(), f.ws, "two"))
		if !take("one", at.Add(2*time.Minute)) {
			t.Error("the turn is not free after it was given back")
		}
	})
}

func TestAttachingAndDeclining(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
		for _, want := range []evidence.Attaching{evidence.Propose, evidence.Do} {
			if want == evidence.Do {
				f.ok(f.SetAttaching(t.Context(), f.ws, want, "Ada"))
			}
			if got, err := f.Attaching(t.Context(), f.ws); err != nil || got != want {
				t.Errorf("%v, %v, want %v", got, err, want)
			}
		}
		_, err := f.SaveArtifact(t.Context(), evidence.Artifact{ID: "ar_1", Workspace: f.ws, Kind: evidence.Uploaded, Title: "x", CreatedAt: at, Period: evidence.Span{From: at, To: at.Add(time.Hour)}, Latest: evidence.ArtifactVersion{BuiltAt: at, BuiltBy: "Ada"}})
		f.ok(err)
		d := evidence.Declined{Workspace: f.ws, Artifact: "ar_1", Target: evidence.Target{Control: "co_1"}, Reason: "no", At: at, By: "Ada"}
		f.ok(f.Decline(t.Context(), d))
		f.ok(f.Decline(t.Context(), d))
		all, err := f.Declined(t.Context(), f.ws)
		if got := all["ar_1"]; err != nil || len(got) != 1 || got[0] != "co_1" {
			t.Errorf("%v, %v", all, err)
		}
		d.Workspace = "ws_other"
		if err := f.Decline(t.Context(), d); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("another workspace declines: %v", err)
		}
	})
}
