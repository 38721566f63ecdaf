package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/store"
)

// BenchmarkMatrixMarks shows a matrix of six months in a workspace with 500 artifacts of five years, of which 60 are of those
// months, and 6,000 other leaves in its log. CPU is user and system time of the process.
func BenchmarkMatrixMarks(b *testing.B) {
	ctx, now := b.Context(), time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	clock := now.AddDate(0, 0, -1)
	a, err := app.Open(ctx, app.Config{Data: b.TempDir(), Now: func() time.Time { return clock }})
	ok(b, err)
	defer a.Close()
	_, err = a.Program.Seed(ctx, "bench", a.Workspace, "soc2")
	ok(b, err)
	controls, err := a.Store.Controls(ctx, a.Workspace)
	ok(b, err)
	for i := range 500 {
		for j := range 10 {
			ok(b, a.Store.AddActivity(ctx, store.Activity{Workspace: a.Workspace, At: clock, Who: "bench", What: "bench", Subject: "x", Detail: fmt.Sprint(i, j)}))
		}
		clock = clock.Add(time.Minute)
		month := evidence.Monthly.PeriodAt(now.AddDate(0, -i/10, 0))
		x := evidence.Artifact{ID: evidence.NewID(evidence.PrefixArtifact), Workspace: a.Workspace, Kind: evidence.Derived, Recipe: "coverage", Variant: fmt.Sprint(i), Title: "Coverage", Period: month, CreatedAt: clock}
		x.Latest = evidence.ArtifactVersion{Result: evidence.Complete, Engine: "bench", BuiltAt: clock, BuiltBy: "bench", Provenance: []byte(`{}`)}
		for _, format := range []string{"csv", "html", "ndjson", "pdf", "xlsx"} {
			sum := sha256.Sum256([]byte(fmt.Sprint(i, format)))
			x.Latest.Files = append(x.Latest.Files, evidence.File{Format: format, SHA256: hex.EncodeToString(sum[:])})
		}
		x, err = a.Store.SaveArtifact(ctx, x)
		ok(b, err)
		ok(b, a.Store.Attach(ctx, evidence.Attachment{ID: evidence.NewID(evidence.PrefixAttachment), Workspace: a.Workspace, Artifact: x.ID, Target: evidence.Target{Control: controls[i%len(controls)].ID}, AttachedAt: clock, AttachedBy: "bench"}))
	}
	clock = now
	_, err = a.Log.Checkpoint(ctx, a.Workspace)
	ok(b, err)
	before := spent()
	for b.Loop() {
		m, err := a.Program.Matrix(ctx, a.Workspace, program.MatrixRequest{Framework: "soc2", Period: evidence.Span{From: now.AddDate(0, -5, 0), To: now}})
		ok(b, err)
		held := 0
		for _, row := range m.Rows {
			for _, c := range row.Cells {
				if c.Integrity == program.ProofsHold {
					held++
				}
			}
		}
		if held == 0 {
			b.Fatal("no mark says that proofs hold")
		}
	}
	b.ReportMetric(float64(spent()-before)/1e6/float64(b.N), "CPU-ms/page")
}

// spent gives the user and system time of the process.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it fails for wrong arguments alone
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ok(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
