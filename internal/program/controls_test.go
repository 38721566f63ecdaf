package program_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
)

func ada(ws evidence.ID) people.Caller {
	return people.Caller{Member: "us_ada", Workspace: ws, Name: who, Role: people.Admin}
}

func text(s string) *string { return &s }

func ref(f, id string) evidence.RequirementRef { return evidence.RequirementRef{Framework: f, ID: id} }

func TestControlLife(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	made, err := p.AddControl(ctx, me, program.ControlDraft{Name: " Ours ", Description: "a\r\nb", Requirements: []evidence.RequirementRef{ref("soc2", "CC6.1"), ref("hipaa", "164.312(b)"), ref("soc2", "CC6.1")}})
	if err != nil || made.Key != "C-01" || made.Name != "Ours" || made.Description != "a\nb" || len(made.Requirements) != 2 {
		t.Fatalf("%+v, %v", made, err)
	}
	if second, err := p.AddControl(ctx, me, program.ControlDraft{Name: "Another"}); err != nil || second.Key != "C-02" {
		t.Errorf("%+v, %v", second, err)
	}
	edited, err := p.EditControl(ctx, me, "C-01", program.ControlEdit{Name: text("Renamed"), Owner: text("Marek"), Revision: 1})
	if err != nil || edited.Revision != 2 || edited.Owner != "Marek" {
		t.Fatalf("%+v, %v", edited, err)
	}
	if _, err := p.EditControl(ctx, me, "C-01", program.ControlEdit{Name: text("Too late"), Revision: 1}); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("an edit of what somebody else changed: %v", err)
	}
	if same, err := p.EditControl(ctx, me, "C-01", program.ControlEdit{Name: text("Renamed")}); err != nil || same.Revision != 2 {
		t.Errorf("an edit that changes nothing: %+v, %v", same, err)
	}
	mapped, err := p.MapControl(ctx, me, "C-01", []evidence.RequirementRef{ref("iso27001-2022", "A.8.15")}, []evidence.RequirementRef{ref("soc2", "CC6.1")})
	if err != nil || !slices.Equal(mapped.Requirements, []evidence.RequirementRef{ref("hipaa", "164.312(b)"), ref("iso27001-2022", "A.8.15")}) {
		t.Errorf("%+v, %v", mapped, err)
	}
	retired, err := p.RetireControl(ctx, me, "C-01", "merged into C-02")
	if err != nil || !retired.RetiredAt.Equal(start) {
		t.Errorf("%+v, %v", retired, err)
	}
	if _, err := p.EditControl(ctx, me, "C-01", program.ControlEdit{Name: text("x")}); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("an edit of a retired control: %v", err)
	}
	history, err := p.ControlHistory(ctx, ws, "C-01")
	if err != nil || len(history) != 4 {
		t.Fatalf("history: %+v, %v", history, err)
	}
	for i, want := range []string{"control.retire merged into C-02", "control.edit now also serves iso27001-2022:A.8.15; no longer serves soc2:CC6.1",
		"control.edit name from “Ours” to “Renamed”; owner from “” to “Marek”", "control.add Ours (serves hipaa:164.312(b), soc2:CC6.1)"} {
		if got := history[i].What + " " + history[i].Detail; got != want || history[i].Who != who {
			t.Errorf("line %d: %q by %s, want %q", i, got, history[i].Who, want)
		}
	}
}

func TestControlRefuses(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	if _, err := p.AddControl(ctx, me, program.ControlDraft{Key: "A-1", Name: "x"}); err != nil {
		t.Fatal(err)
	}
	second := func(_ evidence.Control, err error) error { return err }
	for name, got := range map[string]struct {
		err  error
		code evidence.Code
	}{
		"key taken":      {second(p.AddControl(ctx, me, program.ControlDraft{Key: "A-1", Name: "x"})), evidence.Conflict},
		"odd key":        {second(p.AddControl(ctx, me, program.ControlDraft{Key: "../A", Name: "x"})), evidence.Invalid},
		"no name":        {second(p.AddControl(ctx, me, program.ControlDraft{Name: " "})), evidence.Invalid},
		"long name":      {second(p.AddControl(ctx, me, program.ControlDraft{Name: strings.Repeat("x", 201)})), evidence.Invalid},
		"controls":       {second(p.AddControl(ctx, me, program.ControlDraft{Name: "a\x1bb"})), evidence.Invalid},
		"no requirement": {second(p.AddControl(ctx, me, program.ControlDraft{Name: "x", Requirements: []evidence.RequirementRef{ref("soc2", "CC99")}})), evidence.Invalid},
		"no framework":   {second(p.MapControl(ctx, me, "A-1", []evidence.RequirementRef{ref("iso", "1")}, nil)), evidence.Invalid},
		"not mapped":     {second(p.MapControl(ctx, me, "A-1", nil, []evidence.RequirementRef{ref("soc2", "CC6.1")})), evidence.NotFound},
		"not there":      {second(p.EditControl(ctx, me, "A-9", program.ControlEdit{Name: text("x")})), evidence.NotFound},
		"no reason":      {second(p.RetireControl(ctx, me, "A-1", " ")), evidence.Invalid},
	} {
		if evidence.ErrorCode(got.err) != got.code {
			t.Errorf("%s: %v, want %s", name, got.err, got.code)
		}
	}
}

// TestPermissions asks for every change as every role.
func TestPermissions(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p := program.New(st, c.now)
	if _, err := p.AddControl(ctx, ada(ws), program.ControlDraft{Key: "A-1", Name: "x"}); err != nil {
		t.Fatal(err)
	}
	for _, role := range append(people.Roles(), "") {
		caller := people.Caller{Member: "us_1", Workspace: ws, Role: role}
		for name, change := range map[string]func() error{
			"add": func() error { _, err := p.AddControl(ctx, caller, program.ControlDraft{Name: "y"}); return err },
			"edit": func() error {
				_, err := p.EditControl(ctx, caller, "A-1", program.ControlEdit{Owner: text(string(role))})
				return err
			},
			"map":     func() error { _, err := p.MapControl(ctx, caller, "A-1", nil, nil); return err },
			"retire":  func() error { _, err := p.RetireControl(ctx, caller, "A-9", "x"); return err },
			"profile": func() error { return p.SetProfile(ctx, caller, framework.Profile{}) },
			"adopt":   func() error { _, err := p.Adopt(ctx, caller, []string{"cis-8.1"}, []string{}); return err },
			"load": func() error {
				_, err := p.LoadFramework(ctx, caller, []byte("id,title\n1,A\n"), framework.Loaded{ID: "x"})
				return err
			},
			"preview": func() error {
				_, err := p.PreviewFramework(ctx, caller, []byte("id,title\n1,A\n"), framework.Loaded{ID: "x"})
				return err
			},
			"draft":  func() error { _, err := p.FrameworkDraft(ctx, caller, "dr_x"); return err },
			"accept": func() error { _, err := p.AcceptFramework(ctx, caller, "dr_x"); return err },
		} {
			refused := evidence.ErrorCode(change()) == evidence.Forbidden
			if may := role == people.Admin || role == people.Collaborator; refused == may {
				t.Errorf("%s as %q: refused %v", name, role, refused)
			}
		}
	}
}

func TestFindings(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p, me := program.New(st, c.now), ada(ws)
	codes := func(key string) string {
		t.Helper()
		all, err := p.Findings(ctx, ws)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range all {
			if f.Control.Key == key {
				out = append(out, string(f.Code))
			}
		}
		return strings.Join(out, " ")
	}
	if _, err := p.Seed(ctx, who, ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	if got := codes("EX-01"); got != "no_evidence" {
		t.Errorf("fresh: %q", got)
	}
	september := evidence.Monthly.PeriodAt(start.AddDate(0, -2, 0))
	attach(t, st, ws, action(t, p, ws, "EX-01-A1").Action.ID, september, evidence.Complete)
	if got := codes("EX-01"); got != "" {
		t.Errorf("with evidence on its action: %q", got)
	}
	c.at = c.at.AddDate(0, 0, 40)
	if got := codes("EX-01"); got != "stale_evidence" {
		t.Errorf("later: %q", got)
	}
	if _, err := p.AddControl(ctx, me, program.ControlDraft{Key: "A-1", Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if got := codes("A-1"); got != "no_requirement no_action no_evidence" {
		t.Errorf("an empty control: %q", got)
	}
	for _, csv := range []string{"id,title\n1,A\n2,B\n", "id,title\n1,A\n"} {
		if _, err := p.LoadFramework(ctx, me, []byte(csv), framework.Loaded{ID: "own", Name: "Own"}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(csv, "B") {
			if _, err := p.MapControl(ctx, me, "A-1", []evidence.RequirementRef{ref("own", "2")}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := codes("A-1"); got != "unknown_requirement no_action no_evidence" {
		t.Errorf("a requirement that went: %q", got)
	}
	if _, err := p.EditControl(ctx, me, "A-1", program.ControlEdit{Owner: text("Ada")}); err != nil {
		t.Errorf("it can still be edited: %v", err)
	}
	if _, err := p.RetireControl(ctx, me, "A-1", "gone"); err != nil || codes("A-1") != "" {
		t.Errorf("retired: %v, %q", err, codes("A-1"))
	}
}

// TestRetiredControlAsksForNothing holds that the actions of a retired control are neither overdue nor built for.
func TestRetiredControlAsksForNothing(t *testing.T) {
	ctx := context.Background()
	st, ws, c := open(t)
	p := program.New(st, c.now)
	if _, err := p.Seed(ctx, who, ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.AddDate(1, 0, 0)
	if a := action(t, p, ws, "EX-01-A1"); !a.Overdue {
		t.Fatalf("%+v", a)
	}
	if _, err := p.RetireControl(ctx, ada(ws), "EX-01", "done elsewhere"); err != nil {
		t.Fatal(err)
	}
	wanted, err := p.Wanted(ctx, ws)
	asked := slices.ContainsFunc(wanted, func(w program.Wanted) bool { return w.Action.Key == "EX-01-A1" })
	if err != nil || asked || len(wanted) == 0 || action(t, p, ws, "EX-01-A1").Overdue {
		t.Errorf("still asked for: %v, of %d, %v", asked, len(wanted), err)
	}
}
