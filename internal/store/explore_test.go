package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestFilters(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.ok(f.AddMember(ctx, Member{ID: "us_ada", Workspace: f.ws, Name: "Ada", Email: "ada@example.com", Role: "admin", CreatedAt: day0}))
		other, err := f.EnsureWorkspace(ctx, "other")
		f.ok(err)
		want := evidence.Filter{ID: "fi_1", Workspace: f.ws, Member: "us_ada", Owner: "Ada", Name: "Reveals, \"all\"", Lapse: "30d", Connection: "cn_1", Stream: usages,
			Where: []evidence.Match{{Key: evidence.KeyAction, Values: []string{"reveal", "a, b"}}}, CreatedAt: day0, UpdatedAt: day0}
		f.ok(f.AddFilter(ctx, want))
		got, err := f.Filter(ctx, f.ws, "fi_1")
		f.ok(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		second := want
		second.ID = "fi_2"
		if err := f.AddFilter(ctx, second); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("a second one of the same name: %v", err)
		}
		second.Name, second.Span, second.Lapse = "Other", evidence.Span{From: day0, To: day0.Add(time.Hour)}, ""
		f.ok(f.AddFilter(ctx, second))
		f.lists(f.ws, "us_ada", 2)
		f.lists(f.ws, "us_bob", 0)
		f.lists(f.ws, "", 2)
		f.lists(other, "", 0)
		second.Shared, second.Name = true, want.Name
		if err := f.UpdateFilter(ctx, second); evidence.ErrorCode(err) != evidence.Conflict {
			t.Errorf("renamed to a name that is taken: %v", err)
		}
		second.Name = "Third"
		f.ok(f.UpdateFilter(ctx, second))
		f.lists(f.ws, "us_bob", 1)
		for _, err := range []error{f.DeleteFilter(ctx, other, "fi_1"), f.UpdateFilter(ctx, evidence.Filter{ID: "fi_1", Workspace: other, Name: "x"})} {
			if evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("from another workspace: %v", err)
			}
		}
		f.ok(f.DeleteFilter(ctx, f.ws, "fi_1"))
		f.lists(f.ws, "us_ada", 1)
	})
}

// lists holds how many filters a member sees.
func (f *fixture) lists(ws, member evidence.ID, want int) {
	f.t.Helper()
	all, err := f.Filters(f.t.Context(), ws, member)
	f.ok(err)
	if len(all) != want {
		f.t.Errorf("%s sees %d filters, want %d", member, len(all), want)
	}
}

func TestExports(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		e := Export{ID: "ex_1", Workspace: f.ws, Member: "us_ada", Format: "csv", Words: "events", State: ExportRunning, Total: -1, CreatedAt: day0, TouchedAt: day0, ExpiresAt: day0.Add(time.Hour)}
		f.ok(f.AddExport(ctx, e))
		e.Total, e.Written, e.TouchedAt = 10, 4, day0.Add(time.Second)
		if on, err := f.UpdateExport(ctx, e); err != nil || !on {
			t.Errorf("a running export: %v, %v", on, err)
		}
		e.State, e.Written, e.Size, e.SHA256, e.FinishedAt, e.ExpiresAt = ExportDone, 10, 99, "aa", day0.Add(time.Minute), day0.Add(2*time.Hour)
		if on, err := f.UpdateExport(ctx, e); err != nil || !on {
			t.Errorf("an export that ends: %v, %v", on, err)
		}
		if on, err := f.UpdateExport(ctx, e); err != nil || on {
			t.Errorf("an export that has ended is changed: %v, %v", on, err)
		}
		got, err := f.Export(ctx, f.ws, "us_ada", "ex_1")
		f.ok(err)
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if _, err := f.Export(ctx, f.ws, "us_bob", "ex_1"); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("somebody else's: %v", err)
		}
		if all, err := f.Exports(ctx, f.ws, "us_ada"); err != nil || len(all) != 1 {
			t.Errorf("%d exports, %v", len(all), err)
		}
		if gone, err := f.ExpiredExports(ctx, e.ExpiresAt.Add(-time.Second)); err != nil || len(gone) != 0 {
			t.Errorf("before its time %v expire, %v", gone, err)
		}
		gone, err := f.ExpiredExports(ctx, e.ExpiresAt)
		if f.ok(err); len(gone) != 1 || gone[0].ID != "ex_1" {
			t.Fatalf("expired: %v", gone)
		}
		f.ok(f.DeleteExport(ctx, f.ws, "ex_1"))
		if all, err := f.Exports(ctx, f.ws, "us_ada"); err != nil || len(all) != 0 {
			t.Errorf("%d exports after removal, %v", len(all), err)
		}
	})
}
