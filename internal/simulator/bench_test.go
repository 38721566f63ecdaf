package simulator_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// BenchmarkGenerate measures the invention of a million events: events/s, and bytes of memory held for each.
func BenchmarkGenerate(b *testing.B) {
	const events = 1_000_000
	var held uint64
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		sim, err := simulator.New(simulator.Config{Seed: 1, Events: events})
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		held = after.HeapInuse - before.HeapInuse
		runtime.KeepAlive(sim)
	}
	b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(held)/events, "B-held/event")
}

// BenchmarkServe reads pages of a thousand events over a real loopback connection with a client that throws them away,
// so that client and server share the processors.
func BenchmarkServe(b *testing.B) {
	sim, err := simulator.New(simulator.Config{Seed: 1, Events: 300_000, NoRateLimit: true, HTTP2: true, Audience: "events.example.com"})
	if err != nil {
		b.Fatal(err)
	}
	token, err := sim.IssueToken(simulator.TokenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	url, ca, stop, err := sim.StartTLS("127.0.0.1:0", "")
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	for _, c := range []struct {
		name  string
		path  string
		gzip  bool
		http2 bool
	}{
		{"v2", "/api/v2/itemusages", false, false},
		{"v2-http2", "/api/v2/itemusages", false, true},
		{"v2-gzip", "/api/v2/itemusages", true, false},
		{"v1", "/api/v1/itemusages", false, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			client := benchClient(ca, c.http2)
			var bytesRead, events int64
			body := []byte(`{"limit":1000,"start_time":"2020-01-01T00:00:00Z"}`)
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), "POST", url+c.path, bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+token)
				if c.gzip {
					req.Header.Set("Accept-Encoding", "gzip")
				}
				res, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					b.Fatal(res.Status, err)
				}
				bytesRead += n
				events += 1000
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.SetBytes(bytesRead / int64(b.N))
		})
	}
}

// BenchmarkRead follows cursors through a whole stream, as a collector does.
func BenchmarkRead(b *testing.B) {
	sim, err := simulator.New(simulator.Config{Seed: 1, Events: 300_000, NoRateLimit: true, Audience: "events.example.com"})
	if err != nil {
		b.Fatal(err)
	}
	token, err := sim.IssueToken(simulator.TokenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	url, ca, stop, err := sim.StartTLS("127.0.0.1:0", "")
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	client := benchClient(ca, false)
	events := 0
	start := time.Now()
	buf := bytes.NewBuffer(make([]byte, 0, 1<<20))
	for b.Loop() {
		body := []byte(`{"limit":1000,"start_time":"2020-01-01T00:00:00Z"}`)
		for more := true; more; {
			req, _ := http.NewRequestWithContext(b.Context(), "POST", url+"/api/v2/itemusages", bytes.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+token)
			res, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			buf.Reset()
			if _, err := buf.ReadFrom(res.Body); err != nil {
				b.Fatal(err)
			}
			res.Body.Close()
			raw := buf.Bytes()
			at := bytes.LastIndex(raw, []byte(`],"cursor":"`))
			if at < 0 {
				b.Fatalf("a page without cursor: %.200s", raw)
			}
			var tail struct {
				Cursor string `json:"cursor"`
				More   bool   `json:"has_more"`
			}
			if err := json.Unmarshal(append([]byte{'{'}, raw[at+2:]...), &tail); err != nil {
				b.Fatal(err)
			}
			body, more = []byte(`{"cursor":"`+tail.Cursor+`"}`), tail.More
		}
		events += sim.Counts()[simulator.ItemUsages]
	}
	b.ReportMetric(float64(events)/time.Since(start).Seconds(), "events/s")
}

func benchClient(ca []byte, http2 bool) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2, DisableCompression: true,
		ReadBufferSize: 64 << 10,
	}}
}
