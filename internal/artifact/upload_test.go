package artifact_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

func (w *world) upload(req artifact.UploadRequest, body string) (artifact.View, error) {
	req.Body = strings.NewReader(body)
	return w.artifacts.Upload(w.ctx, who, w.ws, req)
}

func TestUploadAndItsVersions(t *testing.T) {
	w := newWorld(t)
	since := time.Date(2026, 9, 15, 0, 0, 0, 0, time.UTC)
	next := evidence.Span{From: october.From, To: october.To.AddDate(1, 0, 0)} // a policy reaches into the future
	v, err := w.upload(artifact.UploadRequest{Name: `C:\drafts\Leavers.CSV`, Span: next, Effective: since}, "name,left\nAda,2026-10-02\n")
	if err != nil {
		t.Fatal(err)
	}
	a := v.Artifact
	h, ok := artifact.HandedIn(a.Latest)
	if a.Kind != evidence.Uploaded || a.Title != "Leavers.CSV" || a.Latest.Version != 1 || !ok || h.Name != "Leavers.CSV" || !h.Effective.Equal(since) || h.Format != "csv" || !a.Latest.BuiltAt.Equal(now) {
		t.Errorf("%+v, %+v", a, h)
	}
	body, _, err := w.artifacts.File(w.ctx, who, w.ws, a.ID, 1, "csv")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if err != nil || string(got) != "name,left\nAda,2026-10-02\n" || body.Close() != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := w.upload(artifact.UploadRequest{Name: "Leavers.CSV", Artifact: a.ID, Effective: since}, "name,left\nAda,2026-10-02\n"); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("the same file again: %v", err)
	}
	w.approve(a.ID)
	v, err = w.upload(artifact.UploadRequest{Name: "leavers.txt", Artifact: a.ID, Title: "Leavers of the quarter"}, "None.\n")
	if err != nil || v.Artifact.Latest.Version != 2 || v.Artifact.Title != "Leavers of the quarter" || v.Standing.Status != evidence.StatusReopened || v.Artifact.Period != a.Period {
		t.Errorf("a new version: %+v, %v", v, err)
	}
	other, err := w.upload(artifact.UploadRequest{Name: "leavers.txt", Span: october}, "None.\n")
	if err != nil || other.Artifact.ID == a.ID {
		t.Errorf("the same bytes for another period are another artifact: %v", err)
	}
}

func TestUploadRefuses(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	built := w.build("failed-sign-ins", october).Artifact.ID
	up, err := w.upload(artifact.UploadRequest{Name: "a.txt", Span: october}, "x")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		req  artifact.UploadRequest
		says string
	}{
		"no period":            {artifact.UploadRequest{Name: "a.txt"}, "what period"},
		"a period backwards":   {artifact.UploadRequest{Name: "a.txt", Span: evidence.Span{From: october.To, To: october.From}}, "before the end"},
		"a program":            {artifact.UploadRequest{Name: "a.exe", Span: october}, "not taken"},
		"another format":       {artifact.UploadRequest{Name: "a.pdf", Span: october}, "called pdf"},
		"a title of two lines": {artifact.UploadRequest{Name: "a.txt", Title: "a\nb", Span: october}, "one line"},
		"no such artifact":     {artifact.UploadRequest{Name: "a.txt", Artifact: "ar_none"}, "no artifact"},
		"one that was built":   {artifact.UploadRequest{Name: "a.txt", Artifact: built}, "built by a recipe"},
		"another period":       {artifact.UploadRequest{Name: "a.txt", Artifact: up.Artifact.ID, Span: evidence.Span{From: october.From, To: october.To.Add(time.Hour)}}, "about the period"},
	} {
		if _, err := w.upload(c.req, "x"); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if all, err := w.artifacts.List(w.ctx, w.ws, artifact.Filter{}); err != nil || len(all) != 2 {
		t.Errorf("what was refused is kept: %d, %v", len(all), err)
	}
}
