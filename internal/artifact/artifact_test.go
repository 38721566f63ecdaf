package artifact_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
)

func TestBuild(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	v := w.build("failed-sign-ins", october)
	l := v.Artifact.Latest
	if l.Version != 1 || l.Result != evidence.Complete || l.Population != 16 || l.Rows != 16 || l.BuiltBy != who || len(l.Files) != 5 {
		t.Fatalf("built %+v", l)
	}
	var p recipe.Provenance
	if err := json.Unmarshal(l.Provenance, &p); err != nil {
		t.Fatal(err)
	}
	want := recipe.Counts{Pages: 1, Records: 16, Events: 16, Population: 16, Matched: 15, Listed: 15, Rows: 16}
	if diff := cmp.Diff(want, p.Counts); diff != "" {
		t.Error(diff)
	}
	if p.Sentence != "15 of 16 events failed or were blocked over a fully covered period." || p.Sources[0].Account != "ACCOUNTKFZ5BH37IQWTJ7LGAAA" {
		t.Errorf("%+v", p)
	}
	burst := strings.Split(strings.Split(w.file(v.Artifact.ID, 0, "csv"), "\r\n")[1], ",")
	if burst[1] != "burst" || burst[4] != "15" || burst[13] != "yes" || burst[14] != "2026-10-01T00:01:00Z" {
		t.Errorf("the burst: %q", burst)
	}
	if html := w.file(v.Artifact.ID, 0, "html"); !strings.Contains(html, "Ada Example") || !strings.Contains(html, "https://events.example.com") {
		t.Error("the page tells neither who made it nor from where")
	}
}

func (w *world) file(id evidence.ID, version int, format string) string {
	w.t.Helper()
	body, f, err := w.artifacts.File(w.ctx, who, w.ws, id, version, format)
	if err != nil {
		w.t.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil || int64(len(b)) != f.Size {
		w.t.Fatalf("%d bytes of %d, %v", len(b), f.Size, err)
	}
	return string(b)
}

// TestVersions: the same table makes no version, another one does, and old versions keep their files.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	first := w.build("failed-sign-ins", october)
	again := w.build("failed-sign-ins", october)
	if !again.Unchanged || again.Artifact.Latest.Version != 1 || again.Artifact.ID != first.Artifact.ID {
		t.Errorf("the same again: %+v", again)
	}
	if somebody, err := w.artifacts.Build(w.ctx, "Bob Example", w.ws, artifact.BuildRequest{Recipe: "failed-sign-ins", Span: october}); err != nil || !somebody.Unchanged {
		t.Errorf("the same by somebody else: %+v, %v", somebody, err)
	}
	other, err := w.artifacts.Build(w.ctx, who, w.ws, artifact.BuildRequest{Recipe: "failed-sign-ins", Span: october, Params: map[string]string{"threshold": "11"}})
	if err != nil || other.Unchanged || other.Artifact.Latest.Version != 2 {
		t.Errorf("another parameter that gives the same rows: %+v, %v", other.Artifact.Latest, err)
	}
	w.read("signinattempts", evidence.Span{From: october.To, To: october.To.Add(time.Hour)}, signIn(200, october.From.Add(48*time.Hour), "mfa_failed", "totp_bad"))
	late := w.build("failed-sign-ins", october)
	if late.Artifact.Latest.Version != 3 || late.Artifact.Latest.Population != 17 || late.Artifact.ID != first.Artifact.ID {
		t.Errorf("after a late event: %+v", late.Artifact.Latest)
	}
	if w.file(first.Artifact.ID, 1, "csv") == w.file(first.Artifact.ID, 3, "csv") {
		t.Error("version 1 reads like version 3")
	}
	month := w.build("failed-sign-ins", evidence.Span{From: october.From, To: october.To.Add(-time.Second)})
	if month.Artifact.ID == first.Artifact.ID || month.Artifact.Latest.Version != 1 {
		t.Error("another period is not another artifact")
	}
	views, err := w.artifacts.List(w.ctx, w.ws, artifact.Filter{Recipe: "failed-sign-ins"})
	if err != nil || len(views) != 2 {
		t.Errorf("%d artifacts, %v", len(views), err)
	}
	if got, want := w.trail(), map[string]int{who + " artifact.build": 5, who + " artifact.read": 2, "Bob Example artifact.build": 1}; !cmp.Equal(got, want) {
		t.Errorf("trail: %v", got)
	}
}

// TestManyEvents: more events than the store gives at a time, in pages whose times overlap, all come through in order.
func TestManyEvents(t *testing.T) {
	w := newWorld(t)
	const n = 2600
	for page := range 4 {
		var items []string
		for i := page; i < n; i += 4 {
			items = append(items, signIn(i, october.From.Add(time.Duration(i/3)*time.Minute), "mfa_failed", "totp_bad"))
		}
		w.read("signinattempts", october, items...)
	}
	v := w.build("failed-sign-ins", october)
	last, rows := "", 0
	for line := range strings.Lines(w.file(v.Artifact.ID, 0, "ndjson")) {
		var row struct{ Record, Time string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Record != "sign-in" {
			continue
		}
		if rows++; row.Time < last {
			t.Fatalf("row %d of %s stands behind %s", rows, row.Time, last)
		}
		last = row.Time
	}
	if rows != n || v.Artifact.Latest.Population != n {
		t.Errorf("%d rows of a population of %d, want %d", rows, v.Artifact.Latest.Population, n)
	}
}

// TestLedger: late and conflicting events of the store stand in the coverage ledger, each once, and its counts reconcile.
func TestLedger(t *testing.T) {
	w := newWorld(t)
	w.readAll()
	next := evidence.Span{From: october.From, To: october.To.Add(time.Hour)}
	w.read("signinattempts", next,
		signIn(200, october.From.Add(48*time.Hour), "mfa_failed", "totp_bad"),                   // late
		signIn(3, october.From.Add(3*time.Second), "mfa_failed", "totp_timeout"),                // known, with other bytes
		signIn(4, october.From.Add(4*time.Second), "credentials_failed", "password_secret_bad"), // known
	)
	v := w.build("coverage", october)
	var p recipe.Provenance
	if err := json.Unmarshal(v.Artifact.Latest.Provenance, &p); err != nil {
		t.Fatal(err)
	}
	if p.Counts.Listed != 2 || p.Counts.Duplicates != 2 || p.Counts.Population != 32 || p.Result != evidence.Complete {
		t.Errorf("%+v %s", p.Counts, p.Sentence)
	}
	var odd []string
	for line := range strings.Lines(w.file(v.Artifact.ID, 0, "ndjson")) {
		var row struct{ Record, Noteworthy, UUID string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Record == "event" {
			odd = append(odd, row.UUID+" "+row.Noteworthy)
		}
	}
	want := []string{"SIGNINOEWXDTVWKEQDIWTK0003 conflict", "SIGNINOEWXDTVWKEQDIWTK0200 late"}
	if diff := cmp.Diff(want, odd); diff != "" {
		t.Error(diff)
	}
}

// TestCoverageDecides: an unread minute, an unread stream and a lack of connections make a result inconclusive.
func TestCoverageDecides(t *testing.T) {
	w := newWorld(t)
	if v := w.build("failed-sign-ins", october); v.Artifact.Latest.Result != evidence.Inconclusive {
		t.Error("nothing read, and the result is complete")
	}
	w.read("signinattempts", evidence.Span{From: october.From, To: october.To.Add(-time.Minute)})
	v := w.build("failed-sign-ins", october)
	if v.Artifact.Latest.Result != evidence.Inconclusive {
		t.Error("a minute is unread, and the result is complete")
	}
	w.read("signinattempts", evidence.Span{From: october.From, To: october.To})
	if v = w.build("failed-sign-ins", october); v.Artifact.Latest.Result != evidence.Complete || !strings.Contains(string(v.Artifact.Latest.Provenance), "0 of 0 events") {
		t.Errorf("all read: %s", v.Artifact.Latest.Provenance)
	}
	if v = w.build("coverage", october); v.Artifact.Latest.Result != evidence.Inconclusive {
		t.Error("two streams are unread, and the ledger is complete")
	}
	w.connect("switched off before", october.From)
	if v = w.build("failed-sign-ins", october); v.Artifact.Latest.Result != evidence.Complete {
		t.Error("a connection that was off all the time counts as a gap")
	}
	if !strings.Contains(string(v.Artifact.Latest.Provenance), "Not part of this: switched off before") {
		t.Errorf("the provenance is silent about a connection that was left out: %s", v.Artifact.Latest.Provenance)
	}
	w.connect("switched off within", october.From.Add(time.Second))
	if v = w.build("failed-sign-ins", october); v.Artifact.Latest.Result != evidence.Inconclusive {
		t.Error("a connection that was switched off within the period is no gap")
	}
}

func TestRefusedRequests(t *testing.T) {
	w := newWorld(t)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		req  artifact.BuildRequest
		code evidence.Code
	}{
		"no such recipe": {artifact.BuildRequest{Recipe: "sign-ins", Span: october}, evidence.NotFound},
		"no period":      {artifact.BuildRequest{Recipe: "coverage"}, evidence.Invalid},
		"backwards":      {artifact.BuildRequest{Recipe: "coverage", Span: evidence.Span{From: october.To, To: october.From}}, evidence.Invalid},
		"empty":          {artifact.BuildRequest{Recipe: "coverage", Span: evidence.Span{From: october.To, To: october.To}}, evidence.Invalid},
		"still to come":  {artifact.BuildRequest{Recipe: "coverage", Span: evidence.Span{From: october.From, To: now.Add(time.Second)}}, evidence.Invalid},
		"a fraction":     {artifact.BuildRequest{Recipe: "coverage", Span: evidence.Span{From: october.From.Add(1), To: october.To}}, evidence.Invalid},
		"parameter":      {artifact.BuildRequest{Recipe: "failed-sign-ins", Span: october, Params: map[string]string{"window": "no"}}, evidence.Invalid},
	} {
		if _, err := w.artifacts.Build(w.ctx, who, w.ws, c.req); evidence.ErrorCode(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if _, err := w.artifacts.Build(w.ctx, who, w.ws, artifact.BuildRequest{Recipe: "coverage", Span: evidence.Span{From: now.Add(-day), To: now}}); err != nil {
		t.Errorf("a period that ends now: %v", err)
	}
	v := w.build("coverage", october)
	for name, err := range map[string]error{
		"format":          third(w.artifacts.File(w.ctx, who, w.ws, v.Artifact.ID, 0, "docx")),
		"version":         third(w.artifacts.File(w.ctx, who, w.ws, v.Artifact.ID, 9, "csv")),
		"artifact":        third(w.artifacts.File(w.ctx, who, w.ws, "ar_none", 0, "csv")),
		"other workspace": third(w.artifacts.File(w.ctx, who, "ws_other", v.Artifact.ID, 0, "csv")),
	} {
		if evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
}

// TestHealedInPart holds that a version which names gaps is not left standing when they are no longer the same.
func TestHealedInPart(t *testing.T) {
	w := newWorld(t)
	w.read("signinattempts", evidence.Span{From: october.From, To: october.From.Add(10 * 24 * time.Hour)})
	before := w.build("failed-sign-ins", october)
	w.read("signinattempts", evidence.Span{From: october.From, To: october.From.Add(20 * 24 * time.Hour)})
	after := w.build("failed-sign-ins", october)
	if before.Artifact.Latest.Version != 1 || after.Artifact.Latest.Version != 2 || after.Artifact.Latest.Result != evidence.Inconclusive {
		t.Errorf("version %d %s", after.Artifact.Latest.Version, after.Artifact.Latest.Result)
	}
	if again := w.build("failed-sign-ins", october); !again.Unchanged || again.Artifact.Latest.Version != 2 {
		t.Errorf("built again without a change: version %d", again.Artifact.Latest.Version)
	}
}

// TestReadingIsNoted holds that no file leaves without a note of who took which bytes.
func TestReadingIsNoted(t *testing.T) {
	w := newWorld(t)
	v := w.build("coverage", october)
	f := v.Artifact.Latest.Files[0]
	w.file(v.Artifact.ID, 1, f.Format)
	trail, err := w.store.Activity(w.ctx, w.ws, 1)
	if err != nil || len(trail) != 1 {
		t.Fatalf("%v, %v", trail, err)
	}
	if a := trail[0]; a.Who != who || a.What != "artifact.read" || a.Subject != string(v.Artifact.ID) || a.Detail != f.Format+" of version 1, sha256 "+f.SHA256 {
		t.Errorf("noted is %+v", a)
	}
	ended, cancel := context.WithCancel(w.ctx)
	cancel()
	if body, _, err := w.artifacts.File(ended, who, w.ws, v.Artifact.ID, 1, f.Format); err == nil || body != nil {
		t.Errorf("a file came without a note: %v", err)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

func TestCheckFiles(t *testing.T) {
	w := newWorld(t)
	v := w.build("coverage", october)
	if c, err := w.artifacts.CheckFiles(w.ctx, w.ws); err != nil || c.Good != 5 || len(c.Bad) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	sha := v.Artifact.Latest.Files[0].SHA256
	path := filepath.Join(w.objectDir, sha[:2], sha)
	if err := os.WriteFile(path, []byte("forged"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := w.artifacts.CheckFiles(w.ctx, w.ws)
	if err != nil || c.Good != 4 || len(c.Bad) != 1 || !strings.Contains(c.Bad[0], "version 1 csv") {
		t.Errorf("%+v, %v", c, err)
	}
	if _, _, err := w.artifacts.File(w.ctx, who, w.ws, v.Artifact.ID, 0, "csv"); !errors.Is(err, object.ErrDamaged) {
		t.Errorf("a forged file was given out: %v", err)
	}
	if w.build("coverage", october); w.file(v.Artifact.ID, 0, "csv") == "forged" {
		t.Error("building again did not mend the file")
	}
}

// TestCrashes fails each durable step of a build, once before and once after it took effect. Building again must end with
// one artifact, one version, and every file in place.
func TestCrashes(t *testing.T) {
	for _, step := range []string{"put", "save", "note"} {
		for _, stored := range []bool{false, true} {
			w := newWorld(t)
			w.readAll()
			f := &failing{Store: w.store, Objects: w.objects, step: step, stored: stored}
			cfg := artifact.Config{Store: f, Objects: f, Connections: connection.New(connection.Config{Store: w.store, Kinds: all.Kinds(), Now: func() time.Time { return now }}), Now: func() time.Time { return now }}
			req := artifact.BuildRequest{Recipe: "failed-sign-ins", Span: october}
			if _, err := artifact.New(cfg).Build(w.ctx, who, w.ws, req); !errors.Is(err, errCrash) {
				t.Fatalf("%s, stored %v: %v", step, stored, err)
			}
			if c, err := w.artifacts.CheckFiles(w.ctx, w.ws); err != nil || len(c.Bad) > 0 {
				t.Errorf("%s, stored %v: right after the crash %+v, %v", step, stored, c, err)
			}
			w.build(req.Recipe, req.Span)
			views, err := w.artifacts.List(w.ctx, w.ws, artifact.Filter{})
			if err != nil || len(views) != 1 || views[0].Artifact.Latest.Version != 1 {
				t.Errorf("%s, stored %v: %d artifacts, %v", step, stored, len(views), err)
			}
			if c, err := w.artifacts.CheckFiles(w.ctx, w.ws); err != nil || c.Good != 5 || len(c.Bad) != 0 {
				t.Errorf("%s, stored %v: %+v, %v", step, stored, c, err)
			}
		}
	}
}

var errCrash = errors.New("crashed")

// failing fails one step, before or after it took effect.
type failing struct {
	artifact.Store
	artifact.Objects
	step   string
	stored bool
}

func (f *failing) Put(ctx context.Context, write func(io.Writer) error) (object.Ref, error) {
	if f.step == "put" && !f.stored {
		return object.Ref{}, errCrash
	}
	ref, err := f.Objects.Put(ctx, write)
	if f.step == "put" {
		return object.Ref{}, errCrash
	}
	return ref, err
}

func (f *failing) SaveArtifact(ctx context.Context, a evidence.Artifact) (evidence.Artifact, error) {
	if f.step == "save" && !f.stored {
		return evidence.Artifact{}, errCrash
	}
	a, err := f.Store.SaveArtifact(ctx, a)
	if f.step == "save" {
		return evidence.Artifact{}, errCrash
	}
	return a, err
}

func (f *failing) AddActivity(ctx context.Context, a store.Activity) error {
	if f.step == "note" && !f.stored {
		return errCrash
	}
	err := f.Store.AddActivity(ctx, a)
	if f.step == "note" {
		return errCrash
	}
	return err
}
