package app_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/verify"
)

// late stores an event of the story's first days that comes only now.
func (s *story) late() {
	s.t.Helper()
	ctx, stream := s.t.Context(), evidence.Stream("signinattempts")
	lease, err := s.Store.Acquire(ctx, s.conn, stream, "here.example.com/1/2", time.Hour)
	s.ok(err)
	kind, _ := source.FindKind(all.Kinds(), "onepassword")
	p, err := kind.Split(stream, []byte(`{"cursor":"late","has_more":false,"items":[`+eventOf(stream, 900, storyStart.Add(time.Hour))+`]}`), s.now)
	s.ok(err)
	_, err = s.Store.Commit(ctx, lease, store.PageCommit{Mode: store.Live, Request: source.Request{Stream: stream, Cursor: source.Cursor(lease.Cursor), Limit: 1000}, Page: p,
		RequestedAt: s.now.Add(-time.Minute), ReceivedAt: s.now, Window: evidence.Span{From: storyStart, To: s.now.Add(-time.Minute)}, CaughtUp: true, Build: "Exhibit/test"})
	s.ok(err)
	s.ok(s.Store.Release(ctx, lease))
}

// judged gives how a bundle shows the artifact of failed sign-ins, and the line of its index, and checks that it verifies.
func (s *story) judged() (bundle.Artifact, string) {
	s.t.Helper()
	s.bundle()
	if r := s.verify(s.bytes, verify.Options{Policy: s.policy}); r.Verdict != verify.Authentic {
		s.t.Fatalf("it does not verify: %v", r.Failures)
	}
	f := s.forge()
	i := slices.IndexFunc(f.m.Artifacts, func(a bundle.Artifact) bool { return a.ID == string(s.reviewed) })
	for line := range bytes.Lines(f.parts[bundle.PathIndex]) {
		if strings.Contains(string(line), string(s.reviewed)) {
			return f.m.Artifacts[i], string(line)
		}
	}
	s.t.Fatal("the index does not name the artifact")
	return bundle.Artifact{}, ""
}

// TestBundleTellsOfReviews follows an artifact through approval, late events, a second opinion and its end.
func TestBundleTellsOfReviews(t *testing.T) {
	s := newStory(t)
	if a, line := s.judged(); a.Review != "approved" || a.Retired != "" || !strings.Contains(line, ",approved,1,Rita Example,2026-03-14T00:00:00Z,") {
		t.Errorf("approved: %+v, %s", a, line)
	}
	s.now = s.now.Add(time.Hour)
	s.late()
	if a, line := s.judged(); a.Review != "reopened" || !strings.Contains(line, ",reopened,1,,,") {
		t.Errorf("after a late event: %+v, %s", a, line)
	}
	s.now = s.now.Add(time.Hour)
	s.review(evidence.ReviewRejected, "One is missing.")
	if a, line := s.judged(); a.Review != "rejected" || !strings.Contains(line, ",rejected,1,,,") {
		t.Errorf("rejected: %+v, %s", a, line)
	}
	s.ok(s.Artifacts.Retire(t.Context(), "Ada Okafor", s.Workspace, s.reviewed, "Made anew."))
	if a, line := s.judged(); a.Retired == "" || !strings.HasSuffix(line, ",yes\r\n") {
		t.Errorf("retired: %+v, %s", a, line)
	}
}

// TestBundleHoldsUploads hands in a file for a control, and changes it in the bundle.
func TestBundleHoldsUploads(t *testing.T) {
	s := newStory(t)
	controls, err := s.Store.Controls(t.Context(), s.Workspace)
	s.ok(err)
	v, err := s.Artifacts.Upload(t.Context(), "Ada Okafor", s.Workspace, artifact.UploadRequest{Name: "leavers of Ada.csv", Body: strings.NewReader("name,left\nAda,2026-03-02\n"),
		Span: evidence.Span{From: storyStart, To: storyEnd.AddDate(1, 0, 0)}})
	s.ok(err)
	_, err = s.Artifacts.Attach(t.Context(), "Ada Okafor", s.Workspace, artifact.AttachRequest{Artifact: v.Artifact.ID, Control: controls[0].Key, Strength: evidence.Partial, Reason: "The list."})
	s.ok(err)
	s.bundle()
	r := s.verify(s.bytes, verify.Options{Policy: s.policy})
	if r.Verdict != verify.Authentic || !r.Complete || !strings.Contains(strings.Join(r.NotProven, "\n"), "it was uploaded by a person") {
		t.Fatalf("%s, %v", r.Verdict, r.Failures)
	}
	path := fmt.Sprintf("uploads/%s_v1/file.csv", v.Artifact.ID)
	f := s.forge()
	f.t = t
	f.parts[path] = bytes.Replace(f.parts[path], []byte("Ada"), []byte("Eve"), 1)
	if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); r.Verdict != verify.Failed {
		t.Error("an upload may be edited")
	}
	f.recommit(path)
	f.relog()
	if r := s.verify(f.zip(), verify.Options{Policy: s.policy}); !slices.ContainsFunc(r.Failures, func(x verify.Failure) bool { return x.Code == "provenance" }) {
		t.Errorf("edited by the log's owner: %v", r.Failures)
	}
}
