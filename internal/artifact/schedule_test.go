package artifact_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

func TestScheduleBuildsWhatSettled(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	w.ctx = people.With(w.ctx, people.Caller{Member: "us_ada", Workspace: w.ws, Name: who, Role: people.Admin})
	x, err := w.artifacts.Schedule(w.ctx, who, w.ws, artifact.ScheduleRequest{Recipe: "failed-sign-ins", Cadence: evidence.Monthly, Settle: 2, Before: true})
	if err != nil {
		t.Fatal(err)
	}
	later, err := w.artifacts.Schedule(w.ctx, who, w.ws, artifact.ScheduleRequest{Recipe: "secret-exposure", Cadence: evidence.Monthly, Settle: 40, Before: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.artifacts.Schedule(w.ctx, who, w.ws, artifact.ScheduleRequest{Recipe: "failed-sign-ins", Cadence: evidence.Monthly, Settle: 5}); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("the same twice: %v", err)
	}
	for range 2 { // the second round finds nothing to do
		if err := w.artifacts.BuildDue(w.ctx, w.ws, "pr_one"); err != nil {
			t.Fatal(err)
		}
	}
	views, err := w.artifacts.List(w.ctx, w.ws, artifact.Filter{})
	if err != nil || len(views) != 1 {
		t.Fatalf("%d artifacts, %v", len(views), err)
	}
	a := views[0].Artifact
	if a.Recipe != "failed-sign-ins" || a.Period != october || a.Latest.BuiltBy != who+" (schedule)" || a.Latest.BuiltMember != "us_ada" {
		t.Errorf("%+v", a)
	}
	all, err := w.artifacts.Schedules(w.ctx, w.ws)
	if err != nil || len(all) != 2 || all[0].ID != x.ID || !all[0].DoneUntil.Equal(october.To) || all[0].Artifact != a.ID || all[1].ID != later.ID || !all[1].DoneUntil.IsZero() {
		t.Errorf("%v, %+v", err, all)
	}
	if period, at := all[0].Next(); !period.From.Equal(october.To) || !at.Equal(time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("next is %v at %v", period, at)
	}
	if _, err := w.artifacts.ReviewHere(w.ctx, who, w.ws, artifact.ReviewRequest{Artifact: a.ID, Verdict: evidence.ReviewApproved}); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("who set it up reviews it: %v", err)
	}
	if err := w.artifacts.StopSchedule(w.ctx, who, w.ws, x.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.artifacts.StopSchedule(w.ctx, who, w.ws, x.ID); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("stopped twice: %v", err)
	}
}

// TestScheduleFails breaks the object store, so that building fails, and mends it.
func TestScheduleFails(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	x, err := w.artifacts.Schedule(w.ctx, who, w.ws, artifact.ScheduleRequest{Recipe: "failed-sign-ins", Cadence: evidence.Monthly, Before: true})
	if err != nil {
		t.Fatal(err)
	}
	ok, err := w.store.TakeBuilding(w.ctx, w.ws, "pr_other", now, now.Add(time.Minute))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := w.artifacts.BuildDue(w.ctx, w.ws, "pr_one"); err != nil {
		t.Errorf("while another has the turn: %v", err)
	}
	if views, err := w.artifacts.List(w.ctx, w.ws, artifact.Filter{}); err != nil || len(views) != 0 {
		t.Errorf("built although another has the turn: %d, %v", len(views), err)
	}
	if err := w.store.LeaveBuilding(w.ctx, w.ws, "pr_other"); err != nil {
		t.Fatal(err)
	}
	if err := w.store.ScheduleFailed(w.ctx, w.ws, x.ID, now.Add(-time.Minute), "No room."); err != nil {
		t.Fatal(err)
	}
	if err := w.artifacts.BuildDue(w.ctx, w.ws, "pr_one"); err != nil {
		t.Error(err)
	}
	all, err := w.artifacts.Schedules(w.ctx, w.ws)
	if err != nil || all[0].Failure != "No room." || !all[0].DoneUntil.IsZero() {
		t.Errorf("tried again within the hour: %v, %+v", err, all)
	}
	if err := w.store.ScheduleFailed(w.ctx, w.ws, x.ID, now.Add(-2*time.Hour), "No room."); err != nil {
		t.Fatal(err)
	}
	if err := w.objects.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.artifacts.BuildDue(w.ctx, w.ws, "pr_one"); err == nil || errors.Is(err, w.ctx.Err()) {
		t.Errorf("building without a store for files: %v", err)
	}
	if all, err = w.artifacts.Schedules(w.ctx, w.ws); err != nil || !strings.Contains(all[0].Failure, "log says why") || !all[0].FailedAt.Equal(now) {
		t.Errorf("why it failed: %v, %+v", err, all)
	}
}

func TestScheduleRefuses(t *testing.T) {
	w := newWorld(t)
	for name, req := range map[string]artifact.ScheduleRequest{
		"no recipe":      {Recipe: "all-green", Cadence: evidence.Monthly},
		"no cadence":     {Recipe: "failed-sign-ins", Cadence: evidence.Yearly},
		"too long":       {Recipe: "failed-sign-ins", Cadence: evidence.Monthly, Settle: 91},
		"no such number": {Recipe: "failed-sign-ins", Cadence: evidence.Monthly, Params: map[string]string{"window": "many"}},
	} {
		if _, err := w.artifacts.Schedule(w.ctx, who, w.ws, req); evidence.ErrorCode(err) != evidence.Invalid && evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
