package web

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are counted in a registry of their own. They hold sums alone: no name, no address, no id.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(st Store) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "exhibit_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "exhibit_http_request_seconds", Help: "Time to answer a request, by route.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), sizes{st})
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// sizes tells how much is stored, asked anew with each scrape.
type sizes struct{ store Store }

func (s sizes) names() (events, pages, bytes *prometheus.Desc) {
	return prometheus.NewDesc("exhibit_events", "Events stored.", nil, nil),
		prometheus.NewDesc("exhibit_pages", "Pages stored.", nil, nil),
		prometheus.NewDesc("exhibit_store_bytes", "Size of the database.", nil, nil)
}

// Describe implements prometheus.Collector.
func (s sizes) Describe(ch chan<- *prometheus.Desc) {
	events, pages, bytes := s.names()
	ch <- events
	ch <- pages
	ch <- bytes
}

// Collect implements prometheus.Collector. A store that does not answer gives an invalid metric, which the scrape shows.
func (s sizes) Collect(ch chan<- prometheus.Metric) {
	events, pages, bytes := s.names()
	ctx, cancel := timeout(5 * time.Second)
	defer cancel()
	size, err := s.store.Size(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(events, err)
		return
	}
	ch <- prometheus.MustNewConstMetric(events, prometheus.GaugeValue, float64(size.Events))
	ch <- prometheus.MustNewConstMetric(pages, prometheus.GaugeValue, float64(size.Pages))
	ch <- prometheus.MustNewConstMetric(bytes, prometheus.GaugeValue, float64(size.Bytes))
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watch counts and logs requests and answers a panic. It logs the route and never the address, which may hold a
// sign-in link or what somebody searched for.
func (s *server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		sw := &statusWriter{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
					panic(p)
				}
				s.log.Error("a handler panicked", "route", routeOf(r), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if sw.status == 0 {
					s.fail(sw, r, fmt.Errorf("panic: %v", p))
				} else {
					defer panic(http.ErrAbortHandler) // half an answer must not look like a whole one
				}
			}
			took := time.Since(start)
			s.metrics.requests.WithLabelValues(routeOf(r), strconv.Itoa(sw.status)).Inc()
			s.metrics.seconds.WithLabelValues(routeOf(r)).Observe(took.Seconds())
			s.log.Debug("request", "method", r.Method, "route", routeOf(r), "status", sw.status, "ms", took.Milliseconds())
		}()
		next.ServeHTTP(sw, r)
	})
}

// routeOf names the route that a request took; the mux writes it into the request.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}
