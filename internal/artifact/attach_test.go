package artifact_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

func TestAttach(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	if _, err := w.program.Seed(w.ctx, who, w.ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	v := w.build("failed-sign-ins", october)
	id := v.Artifact.ID
	x, err := w.artifacts.Attach(w.ctx, who, w.ws, artifact.AttachRequest{Artifact: id, Control: "EX-01"})
	if err != nil || x.Strength != evidence.Strong || x.Reason == "" || x.Caveat == "" || x.Automatic {
		t.Fatalf("attached %+v, %v", x, err)
	}
	y, err := w.artifacts.Attach(w.ctx, who, w.ws, artifact.AttachRequest{Artifact: id, Action: "EX-12-A1", Caveat: "Only by the way."})
	if err != nil || y.Strength != evidence.Context || y.Caveat != "Only by the way." {
		t.Fatalf("attached where no mapping leads: %+v, %v", y, err)
	}
	for name, c := range map[string]struct {
		req  artifact.AttachRequest
		code evidence.Code
	}{
		"twice":       {artifact.AttachRequest{Artifact: id, Control: "EX-01"}, evidence.Conflict},
		"nowhere":     {artifact.AttachRequest{Artifact: id}, evidence.Invalid},
		"both":        {artifact.AttachRequest{Artifact: id, Control: "EX-01", Action: "EX-01-A1"}, evidence.Invalid},
		"strength":    {artifact.AttachRequest{Artifact: id, Control: "EX-02", Strength: "very"}, evidence.Invalid},
		"long reason": {artifact.AttachRequest{Artifact: id, Control: "EX-02", Reason: strings.Repeat("x", 2001)}, evidence.Invalid},
		"control":     {artifact.AttachRequest{Artifact: id, Control: "EX-99"}, evidence.NotFound},
		"artifact":    {artifact.AttachRequest{Artifact: "ar_none", Control: "EX-02"}, evidence.NotFound},
	} {
		if _, err := w.artifacts.Attach(w.ctx, who, w.ws, c.req); evidence.ErrorCode(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	shown, err := w.artifacts.Show(w.ctx, w.ws, id)
	if err != nil || !slices.Equal(shown.ControlKeys, []string{"EX-01"}) || !slices.Equal(shown.ActionKeys, []string{"EX-01-A1", "EX-12-A1"}) {
		t.Errorf("shown: %v %v, %v", shown.ControlKeys, shown.ActionKeys, err)
	}
	for filter, want := range map[artifact.Filter]int{{Control: "EX-01"}: 1, {Control: "EX-02"}: 0, {Action: "EX-12-A1"}: 1} {
		if views, err := w.artifacts.List(w.ctx, w.ws, filter); err != nil || len(views) != want {
			t.Errorf("%+v: %d artifacts, %v", filter, len(views), err)
		}
	}
	for _, reason := range []string{"steers\x1b[2J", "is no text \xff", strings.Repeat("x", 2001)} {
		if err := w.artifacts.Detach(w.ctx, who, w.ws, artifact.DetachRequest{Artifact: id, Control: "EX-01", Reason: reason}); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("detached because of %.20q: %v", reason, err)
		}
	}
	if err := w.artifacts.Detach(w.ctx, who, w.ws, artifact.DetachRequest{Artifact: id, Control: "EX-01"}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("detached without a reason: %v", err)
	}
	for _, req := range []artifact.DetachRequest{{Artifact: id, Control: "EX-01", Reason: "Wrong month."}, {Attachment: y.ID, Reason: "Not about it."}} {
		if err := w.artifacts.Detach(w.ctx, who, w.ws, req); err != nil {
			t.Error(err)
		}
		if err := w.artifacts.Detach(w.ctx, who, w.ws, req); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("detached twice: %v", err)
		}
	}
	if _, err := w.artifacts.Attach(w.ctx, who, w.ws, artifact.AttachRequest{Artifact: id, Control: "EX-01"}); err != nil {
		t.Errorf("attached again: %v", err)
	}
}

func TestAutoAttach(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	if _, err := w.program.Seed(w.ctx, who, w.ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	for recipe, want := range map[string]struct{ asked, others []string }{
		"failed-sign-ins": {[]string{"EX-01"}, []string{"EX-02", "EX-03", "EX-08"}}, // CC6.1 and CC7.2
		"secret-exposure": {[]string{"EX-02"}, []string{"EX-01", "EX-03"}},          // CC6.7 and CC7.2
		"coverage":        {[]string{"EX-03"}, []string{"EX-01", "EX-02"}},          // CC4.1 and CC7.2
	} {
		v := w.build(recipe, october)
		if want := want.asked[0] + "-A1"; !slices.Equal(v.ActionKeys, []string{want}) {
			t.Errorf("%s: what was built fills %v, want %s", recipe, v.ActionKeys, want)
		}
		if asked, others := w.suggested(v.Artifact.ID); !slices.Equal(asked, want.asked) || !slices.Equal(others, want.others) {
			t.Errorf("%s: suggested %v and %v, want %v", recipe, asked, others, want)
		}
		made, err := w.artifacts.AutoAttach(w.ctx, who, w.ws, v.Artifact.ID)
		if err != nil || len(made) != len(want.asked) || !made[0].Automatic {
			t.Errorf("%s: %d attached, %v", recipe, len(made), err)
		}
		if asked, others := w.suggested(v.Artifact.ID); len(asked) != 0 || !slices.Equal(others, want.others) {
			t.Errorf("%s: suggested %v and %v after it was attached to what asks for it", recipe, asked, others)
		}
		if made, err = w.artifacts.AutoAttach(w.ctx, who, w.ws, v.Artifact.ID); err != nil || len(made) != 0 {
			t.Errorf("%s: %d attached a second time, %v", recipe, len(made), err)
		}
	}
	september := w.build("coverage", evidence.Span{From: october.From.AddDate(0, -1, 0), To: october.From})
	suggested, err := w.artifacts.SuggestAttachments(w.ctx, w.ws, september.Artifact.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suggested {
		if s.Target.Action != "" {
			t.Errorf("September's ledger is suggested for %s, which asks for October", s.Key)
		}
	}
}

// suggested gives the keys of what asks for the artifact and of what merely shares a requirement with it.
func (w *world) suggested(id evidence.ID) (asked, others []string) {
	w.t.Helper()
	suggestions, err := w.artifacts.SuggestAttachments(w.ctx, w.ws, id)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range suggestions {
		if s.Asked {
			asked = append(asked, s.Key)
		} else {
			others = append(others, s.Key)
		}
	}
	return asked, others
}
