package store

import (
	"fmt"
	"maps"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

// TestVersionPlaces holds that the place of each version is noted with it, found for those of older programs, and given up where the log
// does not tell of one; and that a review of an old version finds its leaf although the note is wrong.
func TestVersionPlaces(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		a := evidence.Artifact{ID: "ar_1", Workspace: f.ws, Kind: evidence.Uploaded, Title: "Policy", CreatedAt: day0, Period: evidence.Span{From: day0, To: day0.Add(1)},
			Latest: evidence.ArtifactVersion{BuiltAt: day0, BuiltBy: "Ada"}}
		for range 3 {
			_, err := f.SaveArtifact(ctx, a)
			f.ok(err)
			f.ok(f.AddActivity(ctx, Activity{Workspace: f.ws, At: day0, Who: "Ada", What: "x"}))
		}
		noted, err := f.VersionPlaces(ctx, f.ws)
		f.ok(err)
		l, err := f.Log(ctx, f.ws)
		f.ok(err)
		records := map[int]string{}
		for v := 1; v <= 3; v++ {
			n, err := f.VersionPlace(ctx, f.ws, a.ID, v)
			f.ok(err)
			raw, err := f.Leaf(ctx, l, n)
			f.ok(err)
			if n != noted[VersionKey{a.ID, v}] || !TellsOf(raw, a.ID, int64(v)) || TellsOf(raw, a.ID, int64(v)+1) {
				t.Errorf("version %d stands at %d and %d", v, n, noted[VersionKey{a.ID, v}])
			}
			records[v] = translog.RecordID(raw)
		}
		if other, err := f.VersionPlaces(ctx, "ws_other"); err != nil || len(other) > 0 {
			t.Errorf("another workspace sees %v, %v", other, err)
		}
		f.exec("UPDATE artifact_version SET leaf = -1")
		f.exec("INSERT INTO artifact_version (artifact, version, recipe_version, engine, result, population, table_rows, provenance, files, built_at, built_by) SELECT artifact, 9, 0, '', '', 0, 0, provenance, files, 0, '' FROM artifact_version WHERE version = 1")
		f.ok(f.placeVersions(ctx))
		if found, err := f.VersionPlaces(ctx, f.ws); err != nil || !maps.Equal(found, noted) {
			t.Errorf("found %v, want %v, %v", found, noted, err)
		}
		if _, err := f.VersionPlace(ctx, f.ws, a.ID, 9); evidence.ErrorCode(err) != evidence.NotFound {
			t.Errorf("a version that the log does not tell of: %v", err)
		}
		if left, err := f.queries().UnplacedWorkspaces(ctx); err != nil || len(left) > 0 {
			t.Errorf("it is looked for again: %v, %v", left, err)
		}
		f.exec(fmt.Sprintf("UPDATE artifact_version SET leaf = %d WHERE version = 1", noted[VersionKey{a.ID, 2}]))
		f.ok(f.AddReview(ctx, evidence.Review{ID: "re_1", Workspace: f.ws, Artifact: a.ID, Version: 1, Verdict: evidence.ReviewApproved, At: day0, By: "Rita", Member: "us_2"}))
		all := f.leaves()
		if got := all[len(all)-1].Text("subject"); got != records[1] {
			t.Errorf("the review is about %s, want %s", got, records[1])
		}
	})
}

func (f *fixture) exec(query string) {
	f.t.Helper()
	_, err := f.write.Exec(query)
	f.ok(err)
}
