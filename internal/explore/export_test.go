package explore_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

func TestExportOfAMember(t *testing.T) {
	w := hostileWorld(t)
	ctx := t.Context()
	begun, err := w.explore.BeginExport(ctx, w.ada, w.query(), "ndjson")
	w.ok(err)
	e := w.until(begun.ID, func(e explore.Export) bool { return e.State != store.ExportRunning })
	if e.State != store.ExportDone || e.Written != int64(len(hostile)) || e.Total != e.Written || e.Size == 0 {
		t.Fatalf("ended as %+v", e)
	}
	body, _, err := w.explore.ExportFile(ctx, w.ada, e.ID)
	w.ok(err)
	got, err := io.ReadAll(body)
	w.ok(err)
	w.ok(body.Close())
	if want := w.write("ndjson"); !bytes.Equal(got, want) {
		t.Error("the file is not what was written")
	}
	if _, _, err := w.explore.ExportFile(ctx, w.bob, e.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("somebody else takes it: %v", err)
	}
	trail, err := w.store.Activity(ctx, w.ws, 10)
	w.ok(err)
	var what []string
	for _, a := range trail {
		what = append(what, a.Who+" "+a.What)
	}
	if got := strings.Join(what, ", "); got != "Ada events.export.read, Ada events.exported, Ada events.export" {
		t.Errorf("the trail says %s", got)
	}
	w.advance(e.ExpiresAt.Sub(w.clock()))
	if _, _, err := w.explore.ExportFile(ctx, w.ada, e.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("after it expired: %v", err)
	}
	w.ok(w.explore.Sweep(ctx))
	if _, err := w.objects.OpenPassing(ctx, string(e.ID), object.Ref{}); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("an expired file is still there: %v", err)
	}
}

func TestExportNeedsPermission(t *testing.T) {
	w := newWorld(t)
	help := w.member("Hal", people.HelpDesk)
	if _, err := w.explore.BeginExport(t.Context(), help, w.query(), "csv"); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("the help desk exports: %v", err)
	}
	if _, err := w.explore.BeginExport(t.Context(), w.ada, w.query(), "exe"); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("an unknown format: %v", err)
	}
}

// gated is the real store behind a gate that lets one reading of events through at a time.
type gated struct {
	*store.Store
	gate chan struct{}
}

func (g gated) Events(ctx context.Context, r store.EventsRequest) (store.EventsPage, error) {
	select {
	case <-ctx.Done():
		return store.EventsPage{}, ctx.Err()
	case <-g.gate:
	}
	return g.Store.Events(ctx, r)
}

// TestExportTellsHowFarItIs follows a long export by its row, cancels it, and stops the process of another one.
func TestExportTellsHowFarItIs(t *testing.T) {
	w := newWorld(t)
	var items [][]byte
	for i := range 2000 {
		items = append(items, audit(i, "name"))
	}
	w.read(items...)
	ctx := t.Context()
	g := gated{w.store, make(chan struct{})}
	x := explore.New(explore.Config{Store: g, Objects: w.objects, TempDir: t.TempDir(), Now: w.clock})
	w.explore = x
	e, err := x.BeginExport(ctx, w.ada, w.query(), "csv")
	w.ok(err)
	if _, err := x.BeginExport(ctx, w.ada, w.query(), "csv"); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("a second one at a time: %v", err)
	}
	if _, _, err := x.ExportFile(ctx, w.ada, e.ID); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("a file that is not there yet: %v", err)
	}
	w.until(e.ID, func(e explore.Export) bool { return e.Total == 2000 })
	w.advance(10 * time.Second)
	g.gate <- struct{}{}
	half := w.until(e.ID, func(e explore.Export) bool { return e.Written > 0 })
	if half.Written != 64 || half.Rate != 6.4 || half.Left != 303*time.Second+500*time.Millisecond {
		t.Errorf("after ten seconds: %+v", half)
	}
	w.ok(x.CancelExport(ctx, w.ada, e.ID))
	if all, err := x.Exports(ctx, w.ada); err != nil || len(all) != 0 {
		t.Errorf("after it was cancelled: %+v, %v", all, err)
	}
	e, err = x.BeginExport(ctx, w.ada, w.query(), "csv")
	w.ok(err)
	w.ok(x.Close())
	if e, err = x.Export(ctx, w.ada, e.ID); err != nil || e.State != store.ExportFailed || !strings.Contains(e.Problem, "server was stopped") {
		t.Errorf("after the process was stopped: %+v, %v", e, err)
	}
	w.ok(w.store.AddExport(ctx, store.Export{ID: "ex_dead", Workspace: w.ws, Member: w.ada.Member, State: store.ExportRunning, CreatedAt: w.clock(), TouchedAt: w.clock(), ExpiresAt: w.clock().Add(time.Hour)}))
	w.advance(3 * time.Minute)
	if e, err = x.Export(ctx, w.ada, "ex_dead"); err != nil || e.State != store.ExportFailed {
		t.Errorf("one whose process died: %+v, %v", e, err)
	}
}

// until waits for something of an export of Ada's.
func (w *world) until(id evidence.ID, ready func(explore.Export) bool) explore.Export {
	w.t.Helper()
	for {
		e, err := w.explore.Export(w.t.Context(), w.ada, id)
		w.ok(err)
		if ready(e) {
			return e
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestSavedFiltersOfMembers(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	f, err := w.explore.SaveFilter(ctx, w.bob, evidence.Filter{Name: " Reveals ", Lapse: "30d", Where: []evidence.Match{{Key: evidence.KeyAction, Values: []string{"reveal"}}}})
	w.ok(err)
	if f.Name != "Reveals" {
		t.Errorf("the name is %q", f.Name)
	}
	for _, name := range []string{"", " ", strings.Repeat("x", 81), "a\u202eb", "a\nb"} {
		if _, err := w.explore.SaveFilter(ctx, w.ada, evidence.Filter{Name: name}); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	if _, err := w.explore.Filter(ctx, w.ada, f.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := w.explore.ChangeFilter(ctx, w.bob, f.ID, "Shown", true); err != nil {
		t.Fatal(err)
	}
	if got, err := w.explore.FilterNamed(ctx, w.ws, "Shown"); err != nil || got.Query(now).Span.Duration() < 30*24*time.Hour {
		t.Errorf("by its name: %+v, %v", got, err)
	}
	carol := w.member("Carol", people.Reviewer)
	if err := w.explore.RemoveFilter(ctx, carol, f.ID); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("a reviewer removes another's: %v", err)
	}
	w.ok(w.explore.RemoveFilter(ctx, w.ada, f.ID))
	if _, err := w.explore.FilterNamed(ctx, w.ws, "Shown"); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("after it was removed: %v", err)
	}
}
