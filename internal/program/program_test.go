package program_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
)

const who = "Ada Example"

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(t *testing.T) (*store.Store, evidence.ID, *clock) {
	t.Helper()
	c := &clock{start}
	st, err := store.Open(context.Background(), store.Config{Dir: t.TempDir(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ws, err := st.EnsureWorkspace(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return st, ws, c
}

func TestSeed(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p := program.New(st, c.now)
	made, err := p.Seed(ctx, who, ws, "soc2")
	if err != nil || made.Controls != 12 || made.Actions != 24 {
		t.Fatalf("made %+v, %v", made, err)
	}
	controls, err := p.Controls(ctx, ws)
	if err != nil || len(controls) != 12 || controls[0].Control.Key != "EX-01" || len(controls[0].Control.Requirements) != 2 {
		t.Fatalf("controls: %+v, %v", controls, err)
	}
	c.at = start.AddDate(1, 0, 0)
	if made, err = p.Seed(ctx, who, ws, "soc2"); err != nil || made != (program.Seeded{}) {
		t.Errorf("seeded again: %+v, %v", made, err)
	}
	if _, err = p.Seed(ctx, who, ws, "iso"); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("a framework that is not there: %v", err)
	}
	inUse, err := st.FrameworksInUse(ctx, ws)
	if err != nil || len(inUse) != 1 || !inUse[0].Since.Equal(start) {
		t.Errorf("in use: %+v, %v", inUse, err)
	}
	trail, err := st.Activity(ctx, ws, 10)
	if err != nil || len(trail) != 1 || trail[0].Who != who || trail[0].What != "framework.use" {
		t.Errorf("trail: %+v, %v", trail, err)
	}
}

// TestSeedCrashes fails durable steps of Seed, the first, the last and some of each kind, once before and once after it took effect; seeding again completes the set.
func TestSeedCrashes(t *testing.T) {
	ctx := context.Background()
	for _, stored := range []bool{false, true} {
		for _, step := range []int{0, 5, 11, 12, 18, 35, 36} { // 12 controls, 24 actions, the framework
			st, ws, c := open(t)
			f := &failing{Store: st, left: step, stored: stored}
			if _, err := program.New(f, c.now).Seed(ctx, who, ws, "soc2"); !errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", step, err)
			}
			p := program.New(st, c.now)
			renamed := rename(t, st, ws)
			if _, err := p.Seed(ctx, who, ws, "soc2"); err != nil {
				t.Fatal(err)
			}
			controls, err1 := p.Controls(ctx, ws)
			actions, err2 := p.Actions(ctx, ws)
			if err := errors.Join(err1, err2); err != nil || len(controls) != 12 || len(actions) != 24 {
				t.Errorf("step %d, stored %v: %d controls, %d actions, %v", step, stored, len(controls), len(actions), err)
			}
			if renamed && controls[0].Control.Name != "Our own name" {
				t.Errorf("step %d, stored %v: what a person wrote was overwritten", step, stored)
			}
			if slices.ContainsFunc(actions, func(a program.ActionView) bool { return a.ControlKey == "" }) {
				t.Errorf("step %d, stored %v: an action without its control", step, stored)
			}
		}
	}
}

// rename gives the first control another name, if there is one.
func rename(t *testing.T, st *store.Store, ws evidence.ID) bool {
	t.Helper()
	controls, err := st.Controls(context.Background(), ws)
	if err != nil {
		t.Fatal(err)
	}
	if len(controls) == 0 {
		return false
	}
	controls[0].Name = "Our own name"
	if _, err := st.PutControl(context.Background(), controls[0]); err != nil {
		t.Fatal(err)
	}
	return true
}

var errCrash = errors.New("crashed")

// failing fails the write after so many, before or after it took effect.
type failing struct {
	program.Store
	left   int
	stored bool
}

func step[T any](f *failing, write func() (T, error)) (T, error) {
	f.left--
	if f.left >= 0 {
		return write()
	}
	var zero T
	if f.stored {
		if _, err := write(); err != nil {
			return zero, err
		}
	}
	return zero, errCrash
}

func (f *failing) PutControl(ctx context.Context, c evidence.Control) (evidence.Control, error) {
	return step(f, func() (evidence.Control, error) { return f.Store.PutControl(ctx, c) })
}

func (f *failing) AddAction(ctx context.Context, a evidence.Action) (evidence.Action, error) {
	return step(f, func() (evidence.Action, error) { return f.Store.AddAction(ctx, a) })
}

func (f *failing) AddActivity(ctx context.Context, a store.Activity) error {
	if a.What != "action.next" {
		return f.Store.AddActivity(ctx, a)
	}
	_, err := step(f, func() (struct{}, error) { return struct{}{}, f.Store.AddActivity(ctx, a) })
	return err
}

func (f *failing) PutAction(ctx context.Context, a evidence.Action) (evidence.Action, error) {
	return step(f, func() (evidence.Action, error) { return f.Store.PutAction(ctx, a) })
}

func (f *failing) UseFramework(ctx context.Context, ws evidence.ID, id, version string, at time.Time) error {
	_, err := step(f, func() (struct{}, error) { return struct{}{}, f.Store.UseFramework(ctx, ws, id, version, at) })
	return err
}

func TestActions(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p := program.New(st, c.now)
	if _, err := p.Seed(ctx, who, ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	october := evidence.Span{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	wanted, err := p.Wanted(ctx, ws)
	if err != nil || len(wanted) != 15 || wanted[0].Recipe != "failed-sign-ins" || wanted[0].Period != october {
		t.Fatalf("wanted: %+v, %v", wanted, err)
	}
	a := action(t, p, ws, "EX-01-A1")
	if a.Action.Status != evidence.ActionOpen || a.Overdue || a.ControlKey != "EX-01" || a.Period != october {
		t.Errorf("at the start: %+v", a)
	}
	inconclusive := attach(t, st, ws, a.Action.ID, october, evidence.Inconclusive)
	if a = action(t, p, ws, "EX-01-A1"); a.Action.Status != evidence.ActionOpen || !slices.Equal(a.Artifacts, []evidence.ID{inconclusive}) {
		t.Errorf("with an inconclusive artifact: %+v", a)
	}
	c.at = a.Action.Due.Add(time.Second)
	if a = action(t, p, ws, "EX-01-A1"); !a.Overdue {
		t.Errorf("after its due date: %+v", a)
	}
	whole := attach(t, st, ws, a.Action.ID, evidence.Span{From: october.From.AddDate(0, -1, 0), To: october.To}, evidence.Complete)
	if a = action(t, p, ws, "EX-01-A1"); a.Action.Status != evidence.ActionDone || a.FilledBy != whole || a.Overdue {
		t.Errorf("with a complete artifact: %+v", a)
	}
	if wanted, err = p.Wanted(ctx, ws); err != nil || len(wanted) != 14 {
		t.Errorf("wanted then: %+v, %v", wanted, err)
	}
	stored, err := st.Action(ctx, ws, "EX-01-A1")
	if err != nil || stored.Status != evidence.ActionOpen {
		t.Errorf("the derived status was stored: %+v, %v", stored, err)
	}
}

func action(t *testing.T, p *program.Service, ws evidence.ID, key string) program.ActionView {
	t.Helper()
	all, err := p.Actions(context.Background(), ws)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(a program.ActionView) bool { return a.Action.Key == key })
	if at < 0 {
		t.Fatalf("no action %s", key)
	}
	return all[at]
}

// attach saves an artifact of failed-sign-ins and attaches it.
func attach(t *testing.T, st *store.Store, ws, action evidence.ID, period evidence.Span, result evidence.Completeness) evidence.ID {
	t.Helper()
	ctx := context.Background()
	a, err := st.SaveArtifact(ctx, evidence.Artifact{
		ID: evidence.NewID(evidence.PrefixArtifact), Workspace: ws, Kind: evidence.Derived, Recipe: "failed-sign-ins", Title: "Failed sign-ins", Period: period, CreatedAt: start,
		Latest: evidence.ArtifactVersion{RecipeVersion: 1, Result: result, Provenance: []byte("{}"), BuiltAt: start, BuiltBy: who},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Attach(ctx, evidence.Attachment{
		ID: evidence.NewID(evidence.PrefixAttachment), Workspace: ws, Artifact: a.ID, Target: evidence.Target{Action: action},
		Strength: evidence.Strong, AttachedAt: start, AttachedBy: who,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}
