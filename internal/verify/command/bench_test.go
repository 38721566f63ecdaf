package command

import (
	"os"
	"testing"

	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/verify"
)

// BenchmarkVerify verifies the bundle that EXHIBIT_BENCH_BUNDLE names: container, log, pages, and every artifact made again.
func BenchmarkVerify(b *testing.B) {
	path := os.Getenv("EXHIBIT_BENCH_BUNDLE")
	if path == "" {
		b.Skip("EXHIBIT_BENCH_BUNDLE names no bundle. Make one: exhibit demo --once --events 60000, exhibit audits create, exhibit audits bundle")
	}
	events := int64(0)
	for b.Loop() {
		r, err := verifyFile(b, path)
		if err != nil {
			b.Fatal(err)
		}
		if r.Verdict != verify.Consistent || !r.Reproduced {
			b.Fatalf("%s: %v", r.Verdict, r.Failures)
		}
		events = r.Events
		b.ReportMetric(float64(r.Artifacts), "artifacts")
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func verifyFile(b *testing.B, path string) (verify.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return verify.Report{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return verify.Report{}, err
	}
	return verify.Bundle(b.Context(), f, st.Size(), verify.Options{Kinds: all.Kinds()})
}
