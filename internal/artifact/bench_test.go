//go:build unix

package artifact_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/evidence"
)

// BenchmarkBuild builds failed-sign-ins and secret-exposure over EXHIBIT_BENCH_EVENTS events (20,000 if unset) of October, half
// sign-in attempts of which 6 % failed, half item usages of which a quarter exposed a secret, and some of the recipes that
// count every event. It reports events of the
// population a second, the largest heap seen while building, and the time to fill the store apart from it.
func BenchmarkBuild(b *testing.B) {
	n := 20_000
	if s := os.Getenv("EXHIBIT_BENCH_EVENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	w := newWorld(b)
	w.fill(n)
	for _, recipe := range []string{"failed-sign-ins", "secret-exposure", "coverage", "secret-use", "second-factor", "dormant-users", "log-content", "integrity"} {
		b.Run(recipe, func(b *testing.B) {
			stop := make(chan struct{})
			peak := make(chan uint64)
			go watchHeap(stop, peak)
			var built artifact.View
			before := cpuTime(b)
			for i := range b.N {
				// Another period each time, so that it is built anew.
				built = w.build(recipe, evidence.Span{From: october.From.Add(time.Duration(i) * time.Second), To: october.To})
			}
			spent := cpuTime(b) - before
			close(stop)
			b.ReportMetric(float64(<-peak)/(1<<20), "heap-MiB")
			b.ReportMetric(float64(built.Artifact.Latest.Population)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(spent.Nanoseconds())/1e3/float64(built.Artifact.Latest.Population)/float64(b.N), "cpu-µs/event")
			b.ReportMetric(float64(built.Artifact.Latest.Rows), "rows")
		})
	}
}

// fill reads n events in pages of 1,000, as a source would give them.
func (w *world) fill(n int) {
	w.t.Helper()
	for _, stream := range streams[:2] {
		pages := max(1, n/2/1000)
		step := october.Duration() / time.Duration(pages)
		for p := range pages {
			var items []string
			from := october.From.Add(time.Duration(p) * step)
			for i := range 1000 {
				at := from.Add(time.Duration(i) * step / 1000)
				items = append(items, synthetic(stream, p*1000+i, at))
			}
			to := from.Add(step)
			if p == pages-1 {
				to = october.To
			}
			w.read(stream, evidence.Span{From: october.From, To: to}, items...)
		}
	}
	w.read("auditevents", october)
}

// synthetic makes one event as large as real ones are.
func synthetic(stream evidence.Stream, n int, at time.Time) string {
	const client = `"client":{"app_name":"1Password Browser Extension","app_version":"81134021","platform_name":"Chrome","platform_version":"140.0.7339.127",` +
		`"os_name":"MacOSX","os_version":"26.0","ip_address":"198.51.100.%[2]d"},"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.64,"longitude":-79.43}}`
	person := fmt.Sprintf(`{"uuid":"PERSON%020[1]d","name":"Person %[1]d","email":"person%[1]d@example.com"}`, n%400)
	if stream == "signinattempts" {
		outcome := `"category":"success","type":"credentials_ok"`
		if n%100 < 6 {
			outcome = `"category":"credentials_failed","type":"password_secret_bad"`
		}
		return fmt.Sprintf(`{"uuid":"SIGNIN%020[1]d","session_uuid":"SESSIO%020[1]d","timestamp":%[3]q,%[4]s,"details":null,"country":"CA","target_user":%[5]s,`+client,
			n, n%250, at.Format(time.RFC3339Nano), outcome, person)
	}
	action := []string{"fill", "reveal", "fill", "enter-item-edit-mode"}[n%4]
	return fmt.Sprintf(`{"uuid":"USAGES%020[1]d","used_version":%[6]d,"timestamp":%[3]q,"vault_uuid":"vault%021[6]d","item_uuid":"item%022[7]d","action":%[4]q,"user":%[5]s,`+client,
		n, n%250, at.Format(time.RFC3339Nano), action, person, n%90, n%5000)
}

// cpuTime is the time that the processors spent on this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchHeap gives the largest heap between now and stop.
func watchHeap(stop chan struct{}, peak chan uint64) {
	var largest uint64
	var m runtime.MemStats
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		runtime.ReadMemStats(&m)
		largest = max(largest, m.HeapInuse)
		select {
		case <-stop:
			peak <- largest
			return
		case <-tick.C:
		}
	}
}
