package store

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/simulator/company"
	"github.com/exhibithq/exhibit/internal/simulator/feed"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
)

// benchStreams are the streams of the simulated account.
var benchStreams = []evidence.Stream{"signinattempts", "itemusages", "auditevents"}

// benchPages makes the pages of 1,000 events in which a simulated account of n events in 120 days is read: the streams take
// turns, each in the order of time.
func benchPages(tb testing.TB, n int) []source.Page {
	tb.Helper()
	to := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	c, err := company.New(company.Plan{Seed: 1, Events: n, From: to.AddDate(0, 0, -120), To: to})
	if err != nil {
		tb.Fatal(err)
	}
	normalise := onepassword.Kind().Normalise
	perStream := make(map[evidence.Stream][]source.Page)
	longest := 0
	for stream, builders := range c.Generate() {
		events := feed.New(builders...).Snapshot()
		for i := 0; i < events.Len(); i += 1000 {
			p := source.Page{Ordered: true, More: true}
			var b bytes.Buffer
			b.WriteString(`{"cursor":"` + fmt.Sprint(stream, i) + `","has_more":true,"items":[`)
			for k := i; k < min(events.Len(), i+1000); k++ {
				if k > i {
					b.WriteByte(',')
				}
				start := b.Len()
				raw := events.Raw(k)
				b.Write(raw)
				facts := normalise(evidence.Stream(stream), raw)
				if facts.At.IsZero() {
					facts.At = time.UnixMilli(events.Milli(k)).UTC()
				}
				p.Records = append(p.Records, source.Record{Start: start, End: b.Len(), Facts: facts})
			}
			b.WriteString(`]}`)
			p.Body, p.Next = b.Bytes(), source.Cursor(fmt.Sprint(stream, i))
			perStream[evidence.Stream(stream)] = append(perStream[evidence.Stream(stream)], p)
		}
		longest = max(longest, len(perStream[evidence.Stream(stream)]))
	}
	var pages []source.Page
	for i := range longest {
		for _, stream := range benchStreams {
			if i < len(perStream[stream]) {
				pages = append(pages, perStream[stream][i])
			}
		}
	}
	return pages
}

// streamOfPage tells from a bench page's cursor which stream it is of.
func streamOfPage(p source.Page) evidence.Stream {
	return evidence.Stream(bytes.TrimRight([]byte(p.Next), "0123456789"))
}

// load commits pages into a fresh connection of the three streams and gives the number of events.
func load(tb testing.TB, s *Store, ws evidence.ID, pages []source.Page) (events int) {
	tb.Helper()
	ctx := tb.Context()
	conn := evidence.NewID(evidence.PrefixConnection)
	err := s.CreateConnection(ctx, evidence.Connection{ID: conn, Workspace: ws, Source: "onepassword", Name: string(conn)}, nil, benchStreams)
	if err != nil {
		tb.Fatal(err)
	}
	leases := make(map[evidence.Stream]Lease)
	for _, stream := range benchStreams {
		if leases[stream], err = s.Acquire(ctx, conn, stream, holder, time.Hour); err != nil {
			tb.Fatal(err)
		}
	}
	for _, p := range pages {
		l := leases[streamOfPage(p)]
		last := p.Records[len(p.Records)-1].Facts.At
		done, err := s.Commit(ctx, l, PageCommit{Mode: Live, Request: source.Request{Stream: l.Stream, Cursor: source.Cursor(l.Cursor), Limit: 1000},
			Page: p, RequestedAt: last, ReceivedAt: last, Window: evidence.Span{From: pages[0].Records[0].Facts.At, To: last}, Build: "Exhibit/bench"})
		if err != nil {
			tb.Fatal(err)
		}
		leases[l.Stream] = done.Lease
		events += done.New
	}
	return events
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// benchEvents is how many events the benchmarks work with: EXHIBIT_BENCH_EVENTS, or fewer than one wants to know about.
func benchEvents() int {
	if n, err := strconv.Atoi(os.Getenv("EXHIBIT_BENCH_EVENTS")); err == nil && n > 0 {
		return n
	}
	return 100_000
}

// benchConfigs are the engines to measure.
func benchConfigs(b *testing.B, run func(b *testing.B, cfg Config)) {
	b.Run("sqlite", func(b *testing.B) { run(b, Config{Dir: b.TempDir()}) })
	if os.Getenv("EXHIBIT_TEST_POSTGRES") != "" {
		b.Run("postgres", func(b *testing.B) { run(b, Config{URL: freshPostgres(b)}) })
	}
}

// BenchmarkCommit stores a simulated account page by page, durably: processor time and bytes on disk per event. Of
// PostgreSQL it shows Exhibit's share of the time alone.
func BenchmarkCommit(b *testing.B) {
	pages := benchPages(b, benchEvents())
	benchConfigs(b, func(b *testing.B, cfg Config) {
		for b.Loop() {
			s, err := Open(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			ws, err := s.EnsureWorkspace(b.Context(), "default")
			if err != nil {
				b.Fatal(err)
			}
			before, start := cpu(), time.Now()
			n := load(b, s, ws, pages)
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(n), "cpu-µs/event")
			b.ReportMetric(float64(n)/time.Since(start).Seconds(), "events/s")
			size, err := s.Size(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(size.Bytes)/float64(size.Events), "bytes/event")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEvents asks for pages of 50 events over EXHIBIT_BENCH_EVENTS events, for each kind of filter and for rare and
// frequent values: the 50th and 99th percentile of the time.
func BenchmarkEvents(b *testing.B) {
	pages := benchPages(b, benchEvents())
	benchConfigs(b, func(b *testing.B, cfg Config) {
		s, err := Open(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		}()
		ws, err := s.EnsureWorkspace(b.Context(), "default")
		if err != nil {
			b.Fatal(err)
		}
		load(b, s, ws, pages)
		for _, key := range append([]evidence.Key{""}, evidence.Keys()...) {
			if key != evidence.KeyUUID {
				b.Run(string("by "+key), func(b *testing.B) { benchKey(b, s, ws, key, pages) })
			}
		}
	})
}

// benchKey asks for events by values of a key as they occur, so that frequent values are asked for often, and by the rarest.
func benchKey(b *testing.B, s *Store, ws evidence.ID, key evidence.Key, pages []source.Page) {
	var took []time.Duration
	span := evidence.Span{}
	var events int
	for i := 0; b.Loop(); i++ {
		p := pages[(i*7919)%len(pages)]
		f := p.Records[(i*104729)%len(p.Records)].Facts
		q := evidence.Query{Workspace: ws, Span: span}
		if key != "" {
			v := map[evidence.Key]string{evidence.KeyPerson: f.Person.UUID, evidence.KeyAction: f.Action, evidence.KeyType: f.Type,
				evidence.KeyResult: string(f.Result), evidence.KeyVault: f.Vault, evidence.KeyItem: f.Item, evidence.KeyTarget: f.Target,
				evidence.KeyCountry: f.Country, evidence.KeyIP: f.IP, evidence.KeyClient: f.Client, evidence.KeyOdd: "action"}[key]
			if v == "" {
				continue
			}
			q.Where = []evidence.Match{{Key: key, Values: []string{v}}}
		}
		start := time.Now()
		got, err := s.Events(b.Context(), EventsRequest{Query: q, Descending: i%2 == 0, Limit: 50})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		events += len(got.Events)
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(events)/float64(len(took)), "events/page")
}
