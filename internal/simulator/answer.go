package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const jsonType = "application/json; charset=utf-8"

// fail answers with an error as it has been observed, {"Error":{"Message":"Bad Request"}}, unless a fault wants another
// form.
func (s *Simulator) fail(w http.ResponseWriter, target string, status int) {
	text := http.StatusText(status)
	body := fmt.Sprintf(`{"Error":{"Message":%q}}`, text)
	kind := jsonType
	switch s.faults.manner(target, faultErrorShape, faultPlainError, faultEmptyError) {
	case faultErrorShape:
		body = fmt.Sprintf(`{"status":%d,"message":%q}`, status, text)
	case faultPlainError:
		kind, body = "text/plain; charset=utf-8", text+"\n"
	case faultEmptyError:
		body = ""
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write([]byte(body)) // an error means that the client has gone
}

// tooMany answers 429; wait is zero for no Retry-After.
func (s *Simulator) tooMany(w http.ResponseWriter, target string, wait time.Duration) {
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	s.fail(w, target, http.StatusTooManyRequests)
}

// reply answers with a small JSON document.
func reply(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("simulator: a reply cannot be written as JSON: %v", err))
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) // an error means that the client has gone
}

// Stats counts what happened since the start.
type Stats struct {
	Requests map[string]int `json:"requests"` // by method and path: "POST /api/v2/itemusages"; other paths together as "other"
	Statuses map[int]int    `json:"statuses"` // by status; 0 for answers that were cut off
	Events   int            `json:"events"`   // events in answers, also those of faulty ones
	Faults   map[string]int `json:"faults"`   // really injected, by kind; for "late" the events withheld
	Withheld int            `json:"withheld"` // late events that have not appeared yet
}

// Stats gives the counts so far.
func (s *Simulator) Stats() Stats {
	out := s.tally.stats()
	out.Faults = s.faults.counted()
	out.Withheld = s.withheld()
	return out
}

type tally struct {
	mu       sync.Mutex
	requests map[string]int
	statuses map[int]int
	events   int
}

func (t *tally) stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := Stats{Requests: map[string]int{}, Statuses: map[int]int{}, Events: t.events}
	for k, v := range t.requests {
		out.Requests[k] = v
	}
	for k, v := range t.statuses {
		out.Statuses[k] = v
	}
	return out
}

func (t *tally) request(name string, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests == nil {
		t.requests, t.statuses = map[string]int{}, map[int]int{}
	}
	t.requests[name]++
	t.statuses[status]++
}

func (t *tally) served(events int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events += events
}

// statusWriter remembers the status for the counts.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
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
