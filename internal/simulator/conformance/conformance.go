// Package conformance checks over the wire that a server behaves as the Events API contract says. It knows nothing of how
// the server is made; each check says what it found instead.
package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Target is the server to check. It must hold at least 300 item usages in the last ten days, must not gain events while
// it is checked, and must let a few hundred requests pass.
type Target struct {
	URL    string       // without a slash at the end
	Client *http.Client // must not follow redirects or ask for gzip by itself
	Token  string       // for all three streams, good
	Second string       // another good token of the same account
	Now    func() time.Time

	Unscoped string            // good, but without the feature itemusages
	Bad      map[string]string // tokens to be refused, by what is wrong with them
}

// Run makes every check as a subtest of t.
func Run(t *testing.T, target Target) {
	w := &wire{target}
	t.Run("introspection", w.introspection)
	t.Run("paths and methods", w.paths)
	t.Run("tokens", w.tokens)
	t.Run("bad requests", w.badRequests)
	t.Run("good requests", w.goodRequests)
	t.Run("defaults", w.defaults)
	t.Run("envelope", w.envelope)
	t.Run("gzip", w.gzip)
	for _, stream := range []string{"signinattempts", "itemusages", "auditevents"} {
		t.Run("paging "+stream, func(t *testing.T) { w.paging(t, stream) })
	}
	t.Run("windows", w.windows)
	t.Run("cursors", w.cursors)
	t.Run("full last page", w.fullLastPage)
	t.Run("retention", w.retention)
	t.Run("versions", w.versions)
}

// wire asks the target.
type wire struct{ Target }

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one request; header holds name, value, name, value.
func (w *wire) ask(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.Token)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := w.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, raw}
}

// page is a good answer to a data request, taken apart.
type page struct {
	Cursor *string           `json:"cursor"`
	More   *bool             `json:"has_more"`
	Items  []json.RawMessage `json:"items"`
	events []event
}

// event is what every stream's events have in common.
type event struct {
	UUID      string    `json:"uuid"`
	Timestamp time.Time `json:"timestamp"`
	raw       string
}

func (e event) milli() int64 { return e.Timestamp.UnixMilli() }

// read asks for a page and fails the test unless it is a whole one.
func (w *wire) read(t *testing.T, path, body string, header ...string) page {
	t.Helper()
	a := w.ask(t, "POST", path, body, header...)
	if a.status != http.StatusOK {
		t.Fatalf("POST %s %s = %d %s, want 200", path, body, a.status, a.body)
	}
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("Content-Type = %q, want JSON", got)
	}
	return parse(t, a.body)
}

func parse(t *testing.T, body []byte) page {
	t.Helper()
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("the page is not JSON: %v", err)
	}
	if p.Cursor == nil || p.More == nil || p.Items == nil || *p.Cursor == "" {
		t.Fatalf("a page lacks cursor, has_more or items: %.300s", body)
	}
	for _, raw := range p.Items {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatalf("an event without uuid or timestamp: %v: %s", err, raw)
		}
		e.raw = string(raw)
		p.events = append(p.events, e)
	}
	return p
}

// drain follows cursors until has_more is false.
func (w *wire) drain(t *testing.T, path, body string) ([]event, string) {
	t.Helper()
	var all []event
	for range 100_000 {
		p := w.read(t, path, body)
		all = append(all, p.events...)
		if !*p.More {
			return all, *p.Cursor
		}
		body = continued(*p.Cursor)
	}
	t.Fatal("has_more stays true for ever")
	return nil, ""
}

func continued(cursor string) string { return fmt.Sprintf(`{"cursor":%q}`, cursor) }

// reset is a body with a reset cursor; zero values are left out.
func reset(limit int, start, end time.Time) string {
	m := map[string]any{}
	if limit != 0 {
		m["limit"] = limit
	}
	if !start.IsZero() {
		m["start_time"] = start.Format(time.RFC3339Nano)
	}
	if !end.IsZero() {
		m["end_time"] = end.Format(time.RFC3339Nano)
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	return string(b)
}

// sameEvents compares by uuid and order.
func sameEvents(t *testing.T, what string, got, want []event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d events, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i].UUID != want[i].UUID {
			t.Fatalf("%s: event %d is %s, want %s", what, i, got[i].UUID, want[i].UUID)
		}
	}
}

func unzip(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
