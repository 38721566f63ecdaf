package artifact_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

func TestListFilters(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	signIns, exposure := w.build("failed-sign-ins", october).Artifact, w.build("secret-exposure", october).Artifact
	long := evidence.Span{From: october.From.AddDate(0, 2, 0), To: october.From.AddDate(0, 3, 0)}
	up, err := w.upload(artifact.UploadRequest{Name: "leavers.txt", Title: "List of leavers", Span: long}, "none")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.program.Seed(w.ctx, who, w.ws, "soc2"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.artifacts.Attach(w.ctx, who, w.ws, artifact.AttachRequest{Artifact: signIns.ID, Control: "EX-01", Strength: evidence.Partial}); err != nil {
		t.Fatal(err)
	}
	if err := w.artifacts.Retire(w.ctx, who, w.ws, exposure.ID, "x"); err != nil {
		t.Fatal(err)
	}
	names := map[evidence.ID]string{signIns.ID: "signins", exposure.ID: "exposure", up.Artifact.ID: "upload"}
	ada := people.Caller{Member: "us_ada", Workspace: w.ws, Name: who, Role: people.Reviewer}
	for what, c := range map[string]struct {
		f    artifact.Filter
		want string
	}{
		"all":                  {artifact.Filter{}, "exposure signins upload"},
		"uploaded":             {artifact.Filter{Kind: evidence.Uploaded}, "upload"},
		"from a connection":    {artifact.Filter{Source: string(w.conn)}, "exposure signins"},
		"from a kind":          {artifact.Filter{Source: "onepassword"}, "exposure signins"},
		"from another":         {artifact.Filter{Source: "cn_other"}, ""},
		"of a recipe":          {artifact.Filter{Recipe: "secret-exposure"}, "exposure"},
		"of a control":         {artifact.Filter{Control: "EX-01"}, "signins"},
		"complete":             {artifact.Filter{Result: evidence.Complete, Use: artifact.InUse}, "signins"},
		"retired":              {artifact.Filter{Use: artifact.Retired}, "exposure"},
		"touching November":    {artifact.Filter{Touches: evidence.Span{From: october.To, To: october.To.AddDate(0, 1, 0)}}, ""},
		"from the end on":      {artifact.Filter{Touches: evidence.Span{From: october.To.Add(-time.Second)}}, "exposure signins upload"},
		"up to the start":      {artifact.Filter{Touches: evidence.Span{To: long.From}}, "exposure signins"},
		"not reviewed":         {artifact.Filter{Review: "not_reviewed"}, "exposure signins upload"},
		"waiting for somebody": {artifact.Filter{Review: artifact.ToReview, Caller: w.reviewer()}, "signins"},
		"waiting for a maker":  {artifact.Filter{Review: artifact.ToReview, Caller: ada}, ""},
		"by title":             {artifact.Filter{Text: "  LEAVERS list "}, "upload"},
		"by file":              {artifact.Filter{Text: "leavers.txt"}, "upload"},
		"by key and maker":     {artifact.Filter{Text: "ex-01 ada"}, "signins"},
		"by nothing there":     {artifact.Filter{Text: "zzz"}, ""},
	} {
		views, err := w.artifacts.List(w.ctx, w.ws, c.f)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		got := map[string]bool{}
		for _, v := range views {
			got[names[v.Artifact.ID]] = true
		}
		if len(got) != len(strings.Fields(c.want)) {
			t.Errorf("%s: %v, want %q", what, got, c.want)
		}
		for _, name := range strings.Fields(c.want) {
			if !got[name] {
				t.Errorf("%s: %v, want %q", what, got, c.want)
			}
		}
	}
	for _, f := range []artifact.Filter{{Kind: "x"}, {Review: "x"}, {Result: "x"}, {Use: "x"}} {
		if _, err := w.artifacts.List(w.ctx, w.ws, f); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
