package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const usagesV2 = "/api/v2/itemusages"

// The bodies of errors as they have been observed.
const (
	badRequest   = `{"Error":{"Message":"Bad Request"}}`
	unauthorized = `{"Error":{"Message":"Unauthorized"}}`
	notFound     = "404 page not found\n"
)

func (w *wire) introspection(t *testing.T) {
	for path, want := range map[string][]string{
		"/api/auth/introspect":    {"UUID", "IssuedAt", "Features"},
		"/api/v2/auth/introspect": {"uuid", "issued_at", "features", "account_uuid"},
	} {
		a := w.ask(t, "GET", path, "")
		if a.status != http.StatusOK {
			t.Fatalf("GET %s = %d, want 200", path, a.status)
		}
		var got map[string]any
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		for _, key := range want {
			if got[key] == nil {
				t.Errorf("GET %s lacks %q: %s", path, key, a.body)
			}
		}
		if len(got) != len(want) {
			t.Errorf("GET %s = %s, want the keys %v alone", path, a.body, want)
		}
		if a := w.ask(t, "GET", path, "", "Authorization", ""); a.status != http.StatusUnauthorized {
			t.Errorf("GET %s without a token = %d, want 401", path, a.status)
		}
	}
}

func (w *wire) paths(t *testing.T) {
	for _, path := range []string{
		"/", "/api", "/api/v1/introspect", "/api/v1/auth/introspect", "/api/v2/introspect", "/api/v4/itemusages",
		"/api/v2/itemusages/", "/api/v2/unknown", "/API/v2/itemusages",
	} {
		for _, method := range []string{"GET", "POST"} {
			a := w.ask(t, method, path, "{}")
			if a.status != http.StatusNotFound || string(a.body) != notFound {
				t.Errorf("%s %s = %d %q, want 404 %q", method, path, a.status, a.body, notFound)
			}
			if got := a.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("%s %s: Content-Type = %q, want plain text", method, path, got)
			}
		}
	}
	for path, allowed := range map[string]string{
		"/api/v1/signinattempts": "POST", "/api/v1/itemusages": "POST", "/api/v1/auditevents": "POST",
		"/api/v2/signinattempts": "POST", "/api/v2/itemusages": "POST", "/api/v2/auditevents": "POST",
		"/api/auth/introspect": "GET, HEAD", "/api/v2/auth/introspect": "GET, HEAD",
	} {
		a := w.ask(t, "PUT", path, "{}")
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != allowed {
			t.Errorf("PUT %s = %d, Allow %q, want 405, %q", path, a.status, a.header.Get("Allow"), allowed)
		}
	}
}

func (w *wire) tokens(t *testing.T) {
	refused := func(what, path, header string) {
		t.Helper()
		a := w.ask(t, "POST", path, `{"limit":1}`, "Authorization", header)
		if a.status != http.StatusUnauthorized || string(a.body) != unauthorized {
			t.Errorf("%s: %d %s, want 401 %s", what, a.status, a.body, unauthorized)
		}
		if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
			t.Errorf("%s: Content-Type = %q, want JSON", what, got)
		}
	}
	refused("no header", usagesV2, "")
	refused("no scheme", usagesV2, w.Token)
	refused("another scheme", usagesV2, "Basic "+w.Token)
	refused("no token", usagesV2, "Bearer ")
	refused("garbage", usagesV2, "Bearer garbage")
	refused("cut token", usagesV2, "Bearer "+w.Token[:len(w.Token)-10])
	refused("two parts", usagesV2, "Bearer "+w.Token[:strings.LastIndexByte(w.Token, '.')])
	parts := strings.Split(w.Token, ".")
	claims := []byte(parts[1])
	claims[len(claims)/2] ^= 1
	refused("changed claims", usagesV2, "Bearer "+parts[0]+"."+string(claims)+"."+parts[2])
	for what, token := range w.Bad {
		refused(what, usagesV2, "Bearer "+token)
	}
	if w.Unscoped != "" {
		refused("missing feature", usagesV2, "Bearer "+w.Unscoped)
		refused("missing feature, v1", "/api/v1/itemusages", "Bearer "+w.Unscoped)
		if a := w.ask(t, "GET", "/api/v2/auth/introspect", "", "Authorization", "Bearer "+w.Unscoped); a.status != http.StatusOK {
			t.Errorf("introspection of a token without the feature = %d, want 200", a.status)
		}
	}
	if a := w.ask(t, "POST", usagesV2, `{"limit":1}`, "Authorization", "bearer "+w.Token); a.status != http.StatusOK {
		t.Errorf("scheme in lower case = %d, want 200 (RFC 9110 section 11.1)", a.status)
	}
}

func (w *wire) badRequests(t *testing.T) {
	good := *w.read(t, usagesV2, `{"limit":1}`).Cursor
	for _, body := range []string{
		``, ` `, `null`, `[]`, `"x"`, `1`, `{`, `{} {}`, `{"limit":}`, "\xff\xfe",
		`{"limit":0}`, `{"limit":-1}`, `{"limit":1001}`, `{"limit":1000000000000000000000}`, `{"limit":1.5}`, `{"limit":"100"}`, `{"limit":[1]}`,
		`{"start_time":""}`, `{"start_time":"yesterday"}`, `{"start_time":1700000000}`, `{"start_time":"2026-01-31"}`, `{"start_time":"2026-01-31T00:00:00"}`,
		`{"start_time":"2026-01-31 00:00:00Z"}`, `{"start_time":"2026-02-30T00:00:00Z"}`, `{"start_time":"2026-01-31T25:00:00Z"}`,
		`{"end_time":"x"}`, `{"end_time":"2026-01-31T00:00:00"}`, `{"end_time":{}}`,
		`{"cursor":"x"}`, `{"cursor":"aGVsbG8="}`, `{"cursor":7}`, `{"cursor":"` + good + `A"}`, `{"cursor":"` + good[:len(good)-4] + `"}`,
		`{"cursor":"` + flip(good) + `"}`, `{"cursor":" ` + good + `"}`, `{"x":"` + strings.Repeat("y", 1<<20) + `"}`,
	} {
		a := w.ask(t, "POST", usagesV2, body)
		if a.status != http.StatusBadRequest || string(a.body) != badRequest {
			t.Errorf("body %.120s = %d %.120s, want 400 %s", body, a.status, a.body, badRequest)
		}
	}
}

// flip changes one character in the middle to another of the alphabet.
func flip(cursor string) string {
	b := []byte(cursor)
	i := len(b) * 3 / 4
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

func (w *wire) goodRequests(t *testing.T) {
	for _, body := range []string{
		`{}`, " {\n}\t", `{"limit":1}`, `{"limit":1000}`, `{"limit":null,"start_time":null,"end_time":null,"cursor":null}`, `{"cursor":""}`,
		`{"unknown":{"a":[1,2]},"limit":1}`, `{"start_time":"2020-01-01T00:00:00Z","limit":1}`, `{"start_time":"2020-01-01T00:00:00.123456+00:00","limit":1}`,
		`{"start_time":"2020-01-01T00:00:00-07:00","limit":1}`, `{"end_time":"2020-01-01T00:00:00Z"}`,
		`{"start_time":"2999-01-01T00:00:00Z"}`, `{"start_time":"2999-01-01T00:00:00Z","end_time":"2020-01-01T00:00:00Z"}`,
	} {
		w.read(t, usagesV2, body)
	}
	for _, kind := range []string{"", "application/json", "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-16", "nonsense"} {
		w.read(t, usagesV2, `{"limit":2}`, "Content-Type", kind)
	}
	p := w.read(t, usagesV2, reset(3, time.Unix(0, 0), time.Time{}))
	next := w.read(t, usagesV2, continued(*p.Cursor))
	both := w.read(t, usagesV2, fmt.Sprintf(`{"limit":50,"start_time":"2020-01-01T00:00:00Z","end_time":"nonsense","cursor":%q}`, *p.Cursor))
	sameEvents(t, "a cursor with other keys", both.events, next.events)
}

func (w *wire) defaults(t *testing.T) {
	now := w.Now()
	for _, e := range w.read(t, usagesV2, `{}`).events {
		if e.Timestamp.Before(now.Add(-time.Hour - time.Minute)) {
			t.Errorf("without a start_time an event of %s came, want the last hour only", e.Timestamp)
		}
	}
	all := w.lastDays(t)
	end := all[len(all)-1].Timestamp.Truncate(time.Millisecond)
	p, _ := w.drain(t, usagesV2, reset(1000, time.Time{}, end))
	want, _ := w.drain(t, usagesV2, reset(1000, end.Add(-time.Hour), end))
	sameEvents(t, "end_time alone", p, want)
	if got := len(w.read(t, usagesV2, `{"start_time":"2020-01-01T00:00:00Z"}`).events); got != 100 {
		t.Errorf("without a limit %d events came, want 100", got)
	}
}

// lastDays are the item usages that the other checks work with.
func (w *wire) lastDays(t *testing.T) []event {
	t.Helper()
	all, _ := w.drain(t, usagesV2, reset(1000, w.Now().AddDate(0, 0, -10), time.Time{}))
	if len(all) < 300 {
		t.Fatalf("the target holds %d item usages in the last ten days, the checks need 300", len(all))
	}
	return all
}

func (w *wire) envelope(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		for _, body := range []string{reset(2, time.Unix(0, 0), time.Time{}), reset(2, time.Unix(0, 0), time.Unix(1, 0))} {
			a := w.ask(t, "POST", "/api/"+version+"/itemusages", body)
			var keys map[string]json.RawMessage
			if err := json.Unmarshal(a.body, &keys); err != nil {
				t.Fatal(err)
			}
			if len(keys) != 3 || keys["cursor"] == nil || keys["has_more"] == nil || keys["items"] == nil {
				t.Errorf("%s %s: the envelope is %.200s", version, body, a.body)
			}
			if body == reset(2, time.Unix(0, 0), time.Unix(1, 0)) && string(keys["items"]) != "[]" {
				t.Errorf("%s: no events are written as %s, want []", version, keys["items"])
			}
		}
	}
}

func (w *wire) gzip(t *testing.T) {
	body := reset(50, time.Unix(0, 0), time.Time{})
	plain := w.ask(t, "POST", usagesV2, body, "Accept-Encoding", "")
	if got := plain.header.Get("Content-Encoding"); got != "" {
		t.Errorf("unasked, Content-Encoding = %q", got)
	}
	for _, refusal := range []string{"identity", "br", "gzip;q=0", "gzip; q=0.0"} {
		if got := w.ask(t, "POST", usagesV2, body, "Accept-Encoding", refusal).header.Get("Content-Encoding"); got != "" {
			t.Errorf("Accept-Encoding: %s: Content-Encoding = %q, want none", refusal, got)
		}
	}
	for _, wish := range []string{"gzip", "br, gzip", "gzip;q=0.5"} {
		packed := w.ask(t, "POST", usagesV2, body, "Accept-Encoding", wish)
		if got := packed.header.Get("Content-Encoding"); got != "gzip" {
			t.Fatalf("Accept-Encoding: %s: Content-Encoding = %q, want gzip", wish, got)
		}
		if !bytes.Equal(unzip(t, packed.body), plain.body) {
			t.Errorf("Accept-Encoding: %s: the page differs from the plain one", wish)
		}
	}
}
