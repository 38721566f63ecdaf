package program_test

import (
	"context"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/program"
)

func TestLoading(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	l, err := p.PreviewFramework(ctx, me, []byte("id,title\n1,A\n2,B\n"), framework.Loaded{File: "own.csv", Name: "Own rules"})
	if err != nil || l.Framework.ID != "own-rules" || l.Before != nil || len(l.Difference.Added) != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	if all, err := p.Frameworks(ctx, ws); err != nil || len(all) != 8 {
		t.Errorf("a preview changed something: %d frameworks, %v", len(all), err)
	}
	if l, err = p.AcceptFramework(ctx, me, l.Draft); err != nil || l.Revision != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	f, err := p.Framework(ctx, ws, "own-rules")
	if err != nil || f.Shipped || f.Loaded == nil || f.Loaded.File != "own.csv" || len(f.Requirements) != 2 || f.InUse() {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := p.AddControl(ctx, me, program.ControlDraft{Key: "A-1", Name: "x", Requirements: []evidence.RequirementRef{ref("own-rules", "1"), ref("own-rules", "2")}}); err != nil {
		t.Fatal(err)
	}
	l, err = p.LoadFramework(ctx, me, []byte("id,title\n1,A better\n3,C\n"), framework.Loaded{File: "own2.csv", ID: "own-rules", Name: "Own rules"})
	if err != nil || l.Revision != 2 || len(l.Difference.Added) != 1 || len(l.Difference.Removed) != 1 || len(l.Difference.Changed) != 1 || len(l.Orphaned) != 1 || l.Orphaned[0].Ref.ID != "2" {
		t.Fatalf("%+v, %v", l, err)
	}
	if kept, err := p.Control(ctx, ws, "A-1"); err != nil || len(kept.Requirements) != 2 {
		t.Errorf("the mapping did not stay: %+v, %v", kept, err)
	}
	again, err := p.LoadFramework(ctx, me, []byte("id,title\n1,A better\n3,C\n"), framework.Loaded{File: "own2.csv", ID: "own-rules", Name: "Own rules"})
	if err != nil || !again.Same || again.Revision != 0 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	history, err := p.FrameworkHistory(ctx, ws, "own-rules")
	if err != nil || len(history) != 2 || history[0].File != "own2.csv" || history[0].By != who {
		t.Errorf("history: %+v, %v", history, err)
	}
}

// TestOwnTextInPlace loads a licence holder's text under the id of a framework that comes without it.
func TestOwnTextInPlace(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	other, err := st.EnsureWorkspace(ctx, "other")
	if err != nil {
		t.Fatal(err)
	}
	l, err := p.LoadFramework(ctx, me, []byte("id,title,text\nCC6.1,Own title,Bought text\n"), framework.Loaded{ID: "soc2", File: "soc2.csv"})
	if err != nil || l.Before == nil || len(l.Difference.Removed) != 60 {
		t.Fatalf("%d removed, %v", len(l.Difference.Removed), err)
	}
	f, err := p.Framework(ctx, ws, "soc2")
	if err != nil || !f.Shipped || f.Loaded == nil || f.Requirements[0].Text != "Bought text" {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = p.Framework(ctx, other, "soc2"); err != nil || f.Loaded != nil || len(f.Requirements) != 61 {
		t.Errorf("another workspace sees it: %d requirements, %v", len(f.Requirements), err)
	}
}

func TestDraftsAreOnesOwn(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	l, err := p.PreviewFramework(ctx, me, []byte("id,title\n1,A\n"), framework.Loaded{ID: "own"})
	if err != nil {
		t.Fatal(err)
	}
	marek := me
	marek.Member = "us_marek"
	if _, err := p.AcceptFramework(ctx, marek, l.Draft); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("somebody else's preview: %v", err)
	}
	c.at = c.at.Add(time.Hour + time.Second)
	if _, err := p.AcceptFramework(ctx, me, l.Draft); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("an old preview: %v", err)
	}
	for _, bad := range []framework.Loaded{{ID: "import"}, {ID: "Upper"}, {ID: "a/b"}} {
		if _, err := p.LoadFramework(ctx, me, []byte("id,title\n1,A\n"), bad); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
