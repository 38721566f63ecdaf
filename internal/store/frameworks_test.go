package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestControlRevisions(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		c := evidence.Control{ID: "co_1", Workspace: f.ws, Key: "AC-01", Name: "One", Owner: "Ada", CreatedAt: day0}
		first, err := f.AddControl(ctx, c)
		f.ok(err)
		if first.Revision != 1 || first.Owner != "Ada" || !first.RetiredAt.IsZero() {
			t.Errorf("added: %+v", first)
		}
		c.ID = "co_2"
		if _, err := f.AddControl(ctx, c); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("the same key again: %v", err)
		}
		changed := first
		changed.Name, changed.Requirements = "Uno", []evidence.RequirementRef{{Framework: "hipaa", ID: "164.312(b)"}}
		second, err := f.ChangeControl(ctx, changed)
		f.ok(err)
		changed.Revision = 2
		if diff := cmp.Diff(changed, second); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if _, err := f.ChangeControl(ctx, first); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("a change of an old revision: %v", err)
		}
		other, err := f.EnsureWorkspace(ctx, "other")
		f.ok(err)
		foreign := second
		foreign.Workspace = other
		if _, err := f.ChangeControl(ctx, foreign); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("from another workspace: %v", err)
		}
		second.RetiredAt, second.Retired = f.now.Truncate(time.Millisecond), "not needed"
		_, err = f.ChangeControl(ctx, second)
		f.ok(err)
		if got, err := f.Control(ctx, f.ws, "AC-01"); err != nil || got.Retired != "not needed" || !got.RetiredAt.Equal(second.RetiredAt) {
			t.Errorf("retired: %+v, %v", got, err)
		}
	})
}

func TestLoadedFrameworks(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		other, err := f.EnsureWorkspace(ctx, "other")
		f.ok(err)
		for _, l := range []LoadedFramework{{Framework: "b", Revision: 1}, {Framework: "a", Revision: 1}, {Framework: "a", Revision: 2}} {
			l.Document, l.SHA256, l.File, l.At, l.By = []byte(`{"id":"`+l.Framework+`"}`), "aa", "a.csv", day0, "Ada"
			f.ok(f.AddFrameworkRevision(ctx, f.ws, l))
		}
		if err := f.AddFrameworkRevision(ctx, f.ws, LoadedFramework{Framework: "a", Revision: 2}); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("the same revision again: %v", err)
		}
		all, err := f.LoadedFrameworks(ctx, f.ws)
		f.ok(err)
		if len(all) != 2 || all[0].Framework != "a" || all[0].Revision != 2 || string(all[1].Document) != `{"id":"b"}` || !all[0].At.Equal(day0) {
			t.Errorf("loaded: %+v", all)
		}
		if all, err = f.LoadedFrameworks(ctx, other); err != nil || len(all) != 0 {
			t.Errorf("another workspace sees %+v, %v", all, err)
		}
		history, err := f.FrameworkRevisions(ctx, f.ws, "a")
		f.ok(err)
		if len(history) != 2 || history[0].Revision != 2 || history[1].By != "Ada" {
			t.Errorf("history: %+v", history)
		}
	})
}

func TestFrameworkDrafts(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		draft := LoadedFramework{Document: []byte("{}"), SHA256: "aa", File: "a.csv", At: day0}
		f.ok(f.PutFrameworkDraft(ctx, f.ws, "us_1", "fd_1", draft, day0.Add(-time.Hour)))
		f.ok(f.PutFrameworkDraft(ctx, f.ws, "us_2", "fd_2", draft, day0.Add(-time.Hour)))
		if got, err := f.FrameworkDraft(ctx, f.ws, "us_1", "fd_1", day0); err != nil || string(got.Document) != "{}" {
			t.Errorf("draft: %+v, %v", got, err)
		}
		for name, err := range map[string]error{
			"somebody else's": third(f.FrameworkDraft(ctx, f.ws, "us_2", "fd_1", day0)),
			"too old":         third(f.FrameworkDraft(ctx, f.ws, "us_1", "fd_1", day0.Add(time.Hour))),
		} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		draft.At = day0.Add(2 * time.Hour)
		f.ok(f.PutFrameworkDraft(ctx, f.ws, "us_1", "fd_3", draft, day0.Add(time.Hour)))
		for _, id := range []evidence.ID{"fd_1", "fd_2"} {
			if _, err := f.FrameworkDraft(ctx, f.ws, map[evidence.ID]evidence.ID{"fd_1": "us_1", "fd_2": "us_2"}[id], id, day0); err == nil {
				t.Errorf("%s is still there", id)
			}
		}
		f.ok(f.DropFrameworkDrafts(ctx, f.ws, "us_1"))
		if _, err := f.FrameworkDraft(ctx, f.ws, "us_1", "fd_3", day0); err == nil {
			t.Error("a dropped draft is still there")
		}
	})
}

func third[T any](_ T, err error) error { return err }

func TestProfileAndTrail(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		if _, ok, err := f.Profile(ctx, f.ws); ok || err != nil {
			t.Errorf("a profile that nobody told: %v, %v", ok, err)
		}
		for _, p := range []Profile{{Industry: "retail"}, {Industry: "health", Size: "50-249", Systems: []string{"sso", "scim"}, At: day0, By: "Ada"}} {
			f.ok(f.PutProfile(ctx, f.ws, p))
		}
		p, ok, err := f.Profile(ctx, f.ws)
		if !ok || err != nil || p.Industry != "health" || !slices.Equal(p.Systems, []string{"sso", "scim"}) || !p.At.Equal(day0) {
			t.Errorf("profile: %+v, %v, %v", p, ok, err)
		}
		for _, subject := range []string{"EX-01", "EX-02", "EX-01"} {
			f.ok(f.AddActivity(ctx, Activity{Workspace: f.ws, At: day0, Who: "Ada", What: "control.edit", Subject: subject}))
		}
		if lines, err := f.ActivityAbout(ctx, f.ws, "EX-01", 10); err != nil || len(lines) != 2 {
			t.Errorf("trail: %+v, %v", lines, err)
		}
	})
}
