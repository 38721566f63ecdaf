package simulator_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

// reader is a small correct client: it retries, checks pages, keeps the first bytes of each event, and goes on.
type reader struct {
	url    string
	client *http.Client
	token  string
	events map[string]string // first bytes seen, by uuid
	others map[string]string // other bytes of the same uuid
}

// result is one answer, read as far as it goes.
type result struct {
	status int
	header http.Header
	body   []byte
	err    error
	cursor string
	more   bool
	items  []json.RawMessage
}

// maxDecoded is far below what a gzip bomb unpacks to and far above any page.
const maxDecoded = 8 << 20

func (r *reader) post(ctx context.Context, stream, body string) result {
	req, err := http.NewRequestWithContext(ctx, "POST", r.url+"/api/v2/"+stream, strings.NewReader(body))
	if err != nil {
		return result{err: err}
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := r.client.Do(req)
	if err != nil {
		return result{err: err}
	}
	defer res.Body.Close()
	out := result{status: res.StatusCode, header: res.Header}
	var from io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(res.Body); err != nil {
			out.err = err
			return out
		}
	}
	out.body, out.err = io.ReadAll(io.LimitReader(from, maxDecoded))
	if out.err == nil && len(out.body) == maxDecoded {
		out.err = fmt.Errorf("more than %d bytes", maxDecoded)
	}
	if out.err == nil && out.status == http.StatusOK {
		out.err = out.parse()
	}
	return out
}

func (o *result) parse() error {
	var p struct {
		Cursor string            `json:"cursor"`
		More   bool              `json:"has_more"`
		Items  []json.RawMessage `json:"items"`
	}
	err := json.Unmarshal(o.body, &p)
	o.cursor, o.more, o.items = p.Cursor, p.More, p.Items
	return err
}

// drain reads a stream from its beginning until several answers in a row bring nothing new.
func (r *reader) drain(t *testing.T, stream string) {
	t.Helper()
	body := `{"limit":50,"start_time":"2020-01-01T00:00:00Z"}`
	for idle := 0; idle < 12; {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		res := r.post(ctx, stream, body)
		cancel()
		if res.err != nil || res.status != http.StatusOK || res.cursor == "" {
			continue
		}
		if r.keep(t, res.items) == 0 {
			idle++
		} else {
			idle = 0
		}
		body = fmt.Sprintf(`{"cursor":%q}`, res.cursor)
	}
}

// keep notes events and tells how many were new.
func (r *reader) keep(t *testing.T, items []json.RawMessage) int {
	t.Helper()
	fresh := 0
	for _, raw := range items {
		id := uuidOf(t, raw)
		switch first, known := r.events[id]; {
		case !known:
			r.events[id] = string(raw)
			fresh++
		case first != string(raw):
			r.others[id] = string(raw)
		}
	}
	return fresh
}

func uuidOf(t *testing.T, raw []byte) string {
	t.Helper()
	var e struct{ UUID string }
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e.UUID
}

func newReader(url string, client *http.Client, token string) *reader {
	return &reader{url: url, client: client, token: token, events: map[string]string{}, others: map[string]string{}}
}

func parseFaults(t *testing.T, texts ...string) []simulator.Fault {
	t.Helper()
	var out []simulator.Fault
	for _, text := range texts {
		f, err := simulator.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}
