package program_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

func TestActionLife(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	due := time.Date(2026, 12, 14, 23, 59, 59, 0, time.UTC)
	a, err := p.AddAction(ctx, me, program.ActionDraft{Title: " Review ", Owner: "Ada", Due: due, Cadence: evidence.Monthly, Requests: []evidence.EvidenceRequest{
		{Recipe: "failed-sign-ins"}, {Upload: "The signed list"},
	}})
	if err != nil || a.Key != "A-01" || a.Title != "Review" || a.Recipe != "failed-sign-ins" || a.Revision != 1 {
		t.Fatalf("made %+v, %v", a, err)
	}
	title, delegate := "Review sign-ins", "Marek"
	a, err = p.EditAction(ctx, me, "A-01", program.ActionEdit{Title: &title, Delegate: &delegate, Revision: 1})
	if err != nil || a.Title != title || a.Delegate != "Marek" || a.Revision != 2 || len(a.Requests) != 2 {
		t.Fatalf("changed %+v, %v", a, err)
	}
	if _, err = p.EditAction(ctx, me, "A-01", program.ActionEdit{Title: &delegate, Revision: 1}); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("an edit of an old revision: %v", err)
	}
	november := evidence.Monthly.PeriodAt(start)
	attach(t, st, ws, a.ID, november, evidence.Complete)
	if v := action(t, p, ws, "A-01"); v.State != program.StateOpen || len(v.Open) != 1 || v.Open[0].Upload == "" {
		t.Errorf("half filled: %s, open %+v", v.State, v.Open)
	}
	if _, err = p.Done(ctx, me, "A-01", "All was in order."); err != nil {
		t.Fatal(err)
	}
	if _, err = p.Done(ctx, me, "A-01", ""); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("done twice: %v", err)
	}
	next := action(t, p, ws, "A-01.2026-12")
	if want := time.Date(2027, 1, 14, 23, 59, 59, 0, time.UTC); !next.Action.Due.Equal(want) || next.Action.Series != "A-01" || len(next.Action.Requests) != 2 || next.State != program.StateOpen {
		t.Errorf("the next is %+v", next)
	}
	if a, err = p.Reopen(ctx, me, "A-01", "One was overlooked"); err != nil || a.Status != evidence.ActionOpen || a.Note != "" {
		t.Errorf("reopened %+v, %v", a, err)
	}
	if a, err = p.RetireAction(ctx, me, "A-01.2026-12", "Merged"); err != nil || a.Retired != "Merged" {
		t.Errorf("retired %+v, %v", a, err)
	}
	c.at = start.AddDate(1, 0, 0)
	if err := p.Roll(ctx, ws); err != nil {
		t.Fatal(err)
	}
	if all, err := p.Actions(ctx, ws); err != nil || len(all) != 2 {
		t.Errorf("a series goes on after its last action was retired: %d, %v", len(all), err)
	}
	history, err := p.ActionHistory(ctx, ws, "A-01")
	if err != nil || len(history) != 4 || history[0].What != "action.reopen" || !strings.Contains(history[2].Detail, "delegate from “” to “Marek”") {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestActionsRefused(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p := program.New(st, c.now)
	good := program.ActionDraft{Title: "Do"}
	for name, change := range map[string]func(*program.ActionDraft){
		"no title":            func(d *program.ActionDraft) { d.Title = " " },
		"a control character": func(d *program.ActionDraft) { d.Title = "a\x00b" },
		"no such cadence":     func(d *program.ActionDraft) { d.Cadence = "hourly" },
		"again without a day": func(d *program.ActionDraft) { d.Cadence = evidence.Monthly },
		"no such control":     func(d *program.ActionDraft) { d.Control = "EX-99" },
		"a key with a slash":  func(d *program.ActionDraft) { d.Key = "a/b" },
		"no such recipe":      func(d *program.ActionDraft) { d.Requests = []evidence.EvidenceRequest{{Recipe: "nothing"}} },
		"no such parameter": func(d *program.ActionDraft) {
			d.Requests = []evidence.EvidenceRequest{{Recipe: "failed-sign-ins", Params: map[string]string{"nothing": "1"}}}
		},
		"an empty request": func(d *program.ActionDraft) { d.Requests = []evidence.EvidenceRequest{{}} },
	} {
		d := good
		change(&d)
		if _, err := p.AddAction(ctx, ada(ws), d); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	reviewer := ada(ws)
	reviewer.Role = people.Reviewer
	if _, err := p.AddAction(ctx, reviewer, good); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("a reviewer makes an action: %v", err)
	}
}

// TestRoll holds that every action of a series is made exactly once, also after a crash at each durable step.
func TestRoll(t *testing.T) {
	ctx := context.Background()
	for _, stored := range []bool{false, true} {
		for step := range 4 {
			st, ws, c := open(t)
			p := program.New(st, c.now)
			due := time.Date(2026, 10, 31, 23, 59, 59, 0, time.UTC)
			if _, err := p.AddAction(ctx, ada(ws), program.ActionDraft{Key: "R", Title: "Do", Due: due, Cadence: evidence.Monthly}); err != nil {
				t.Fatal(err)
			}
			c.at = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) // October, November and December are over
			f := &failing{Store: st, left: step, stored: stored}
			if err := program.New(f, c.now).Roll(ctx, ws); !errors.Is(err, errCrash) {
				t.Fatalf("step %d: %v", step, err)
			}
			for range 2 {
				if err := p.Roll(ctx, ws); err != nil {
					t.Fatal(err)
				}
			}
			all, err := p.Actions(ctx, ws)
			if err != nil || len(all) != 4 {
				t.Fatalf("step %d: %d actions, %v", step, len(all), err)
			}
			if a := action(t, p, ws, "R.2026-12"); !a.Action.Due.Equal(time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)) {
				t.Errorf("step %d: December is due %s", step, a.Action.Due)
			}
		}
	}
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		cadence   evidence.Cadence
		due, next string
		key       string
	}{
		{evidence.Weekly, "2026-12-03", "2026-12-10", "K.2026-W49"},
		{evidence.Monthly, "2027-01-31", "2027-02-28", "K.2027-01"},
		{evidence.Quarterly, "2026-10-21", "2027-01-21", "K.2026-Q4"},
		{evidence.Yearly, "2027-01-31", "2028-01-31", "K.2027"},
	} {
		due, err := time.Parse(time.DateOnly, c.due)
		if err != nil {
			t.Fatal(err)
		}
		next, ok := evidence.Action{Key: "K", Cadence: c.cadence, Due: due}.Next()
		if !ok || next.Due.Format(time.DateOnly) != c.next || next.Key != c.key {
			t.Errorf("%s: %s due %s, want %s due %s", c.cadence, next.Key, next.Due, c.key, c.next)
		}
	}
	feb, _ := evidence.Action{Key: "K", Cadence: evidence.Monthly, Due: time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)}.Next()
	if march, _ := feb.Next(); march.Due.Day() != 31 {
		t.Errorf("the date drifts: %s", march.Due)
	}
	if _, ok := (evidence.Action{Key: "K", Cadence: evidence.Once}).Next(); ok {
		t.Error("what is done once comes again")
	}
}

func TestParseRequest(t *testing.T) {
	for text, want := range map[string]string{
		"coverage":              "coverage",
		" failed-sign-ins b=2 ": "failed-sign-ins b=2",
		"upload: the list":      "upload: the list",
	} {
		r, err := program.ParseRequest(text)
		if err != nil || program.RequestWords([]evidence.EvidenceRequest{r}) != want {
			t.Errorf("%q gives %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "the list of leavers"} {
		if _, err := program.ParseRequest(text); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add("failed-sign-ins threshold=5")
	f.Add("upload: x")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := program.ParseRequest(s); err == nil && (r.Recipe != "") == strings.HasPrefix(strings.TrimSpace(s), "upload:") && r.Upload != "" && r.Recipe != "" {
			t.Errorf("%q is both: %+v", s, r)
		}
	})
}
