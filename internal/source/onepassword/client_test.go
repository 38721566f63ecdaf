package onepassword

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// against opens a source on a TLS server with handler, with a good token.
func against(t *testing.T, handler http.HandlerFunc) source.Source {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	opened, err := open(source.Config{
		Server: server.URL, Token: func(context.Context) (string, error) { return mint(nil), nil }, UserAgent: "Exhibit/1.2.3",
		Operator: source.Operator{AllowServers: []string{server.URL}, CAPEM: ca}, Now: func() time.Time { return noTime },
	})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestRequests(t *testing.T) {
	from := time.Date(2026, 2, 2, 3, 4, 5, 678_999_999, time.FixedZone("", 3600))
	for _, c := range []struct {
		name string
		req  source.Request
		want string
	}{
		{"start", source.Request{Stream: Audit, From: from, Limit: 7}, `{"limit":7,"start_time":"2026-02-02T02:04:05.678Z"}`},
		{"window", source.Request{Stream: Audit, From: from, To: from, Limit: 1000}, `{"limit":1000,"start_time":"2026-02-02T02:04:05.678Z","end_time":"2026-02-02T02:04:05.679Z"}`},
		{"no limit", source.Request{Stream: Audit, From: from}, `{"limit":1000,"start_time":"2026-02-02T02:04:05.678Z"}`},
		{"limit too large", source.Request{Stream: Audit, From: from, Limit: 5000}, `{"limit":1000,"start_time":"2026-02-02T02:04:05.678Z"}`},
		{"cursor alone", source.Request{Stream: Audit, Cursor: "a<b>&\"é", From: from, To: from, Limit: 7}, `{"cursor":"a<b>&\"é"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened := against(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got := fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL, r.Header.Get("User-Agent"), r.Header.Get("Content-Type"), body)
				if want := "POST /api/v2/auditevents Exhibit/1.2.3 application/json " + c.want; got != want || r.Header.Get("Authorization") != "Bearer "+mint(nil) {
					t.Errorf("sent %s\nwant %s", got, want)
				}
				io.WriteString(w, pageOf())
			})
			page, err := opened.Next(t.Context(), c.req)
			if err != nil || page.Next != "c" || page.More || len(page.Records) != 0 || !page.Ordered || page.ServerDate.IsZero() {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
	opened := against(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for name, req := range map[string]source.Request{"neither start nor cursor": {Stream: Audit}, "unknown stream": {Stream: "users", From: from}} {
		if _, err := opened.Next(t.Context(), req); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestAnswersThatAreNoPages(t *testing.T) {
	type words struct {
		is    error // one of the source's error words
		retry bool
		after time.Duration
		code  evidence.Code
		says  string
		keeps bool
	}
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	unauthorized := words{is: source.ErrUnauthorized, code: evidence.Unauthorized, says: "refused the token"}
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		body   string
		cursor source.Cursor
		want   words
	}{
		{"401 as observed", 401, nil, `{"Error":{"Message":"Unauthorized"}}`, "", words{is: source.ErrUnauthorized, code: evidence.Unauthorized, says: "(401: Unauthorized)"}},
		{"401 as documented", 401, nil, `{"status":401,"message":"no"}`, "x", words{is: source.ErrUnauthorized, code: evidence.Unauthorized, says: "(401: no)"}},
		{"401 with text", 401, nil, "go away\n", "", words{is: source.ErrUnauthorized, code: evidence.Unauthorized, says: "(401: go away)"}},
		{"401 with HTML", 401, nil, "<html><b>no</b></html>", "", words{is: source.ErrUnauthorized, code: evidence.Unauthorized, says: "(401)"}},
		{"401 with nothing", 401, nil, "", "", unauthorized},
		{"403", 403, nil, `{"Error":{"Message":"Forbidden"}}`, "", unauthorized},
		{"402", 402, nil, "", "", words{is: source.ErrPlan, code: evidence.Forbidden, says: "plan"}},
		{"400 without cursor", 400, nil, `{"Error":{"Message":"Bad Request"}}`, "", words{code: evidence.Invalid, says: "did not accept the request for itemusages from 2026-01-01T00:00:00Z (400: Bad Request)", keeps: true}},
		{"400 with cursor", 400, nil, `{"Error":{"Message":"Bad Request"}}`, "x", words{is: source.ErrCursorLost, code: evidence.Conflict, says: "bookmark of itemusages", keeps: true}},
		{"404", 404, nil, "404 page not found\n", "", words{code: evidence.Invalid, says: "wrong server", keeps: true}},
		{"429", 429, nil, "", "", words{retry: true, says: "slow down"}},
		{"429 with seconds", 429, header("Retry-After", "30"), "", "", words{retry: true, after: 30 * time.Second, says: "wait 30s"}},
		{"429 with date", 429, header("Date", "Sun, 01 Mar 2026 00:00:00 GMT", "Retry-After", "Sun, 01 Mar 2026 00:01:00 GMT"), "", "", words{retry: true, after: time.Minute, says: "slow down"}},
		{"429 with RateLimit", 429, header("RateLimit-Remaining", "0", "RateLimit-Reset", "9"), "{}", "", words{retry: true, after: 9 * time.Second, says: "slow down", keeps: true}},
		{"500", 500, nil, `{"Error":{"Message":"Internal Server Error"}}`, "", words{retry: true, says: "has trouble (500: Internal", keeps: true}},
		{"503 that says when", 503, header("Retry-After", "5"), "", "x", words{retry: true, after: 5 * time.Second, says: "has trouble (503)"}},
		{"408", 408, nil, "", "", words{retry: true, says: "has trouble"}},
		{"302", 302, header("Location", "https://elsewhere.example.com/"), "", "", words{retry: true, says: "redirects are not followed"}},
		{"204", 204, nil, "", "", words{retry: true, says: "never does (204)"}},
		{"405", 405, nil, "", "", words{code: evidence.Invalid, says: "(405)"}},
		{"HTML", 200, header("Content-Type", "text/html"), "<html>sign in</html>", "", words{retry: true, says: "not an answer of the Events API", keeps: true}},
		{"error body with 200", 200, nil, `{"Error":{"Message":"Bad Request"}}`, "", words{retry: true, says: "not an answer", keeps: true}},
		{"cut", 200, nil, pageOf(usage("A", ""))[:50], "", words{retry: true, says: "not an answer", keeps: true}},
		{"cut on the way", 200, header("Content-Length", "99"), pageOf(), "", words{retry: true, says: "ends too early", keeps: true}},
		{"empty", 200, nil, "", "", words{retry: true, says: "not an answer"}},
		{"more than asked for", 200, nil, pageOf(usage("A", ""), usage("B", ""), usage("C", "")), "", words{retry: true, says: "not an answer", keeps: true}},
		{"hostile words", 500, nil, `{"Error":{"Message":"a\u0000\u202e` + strings.Repeat("b", 5000) + `"}}`, "", words{retry: true, says: strings.Repeat("b", 190), keeps: true}},
		{"echo of the token", 500, nil, "Bearer " + mint(nil), "", words{retry: true, says: "[redacted]", keeps: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened := against(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			_, err := opened.Next(t.Context(), source.Request{Stream: Usages, Cursor: c.cursor, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Limit: 2})
			if err == nil || !strings.Contains(err.Error(), c.want.says) || len(err.Error()) > 700 || strings.ContainsAny(err.Error(), "\x00\u202e") {
				t.Fatalf("got %v, want %q", err, c.want.says)
			}
			retry, ok := errors.AsType[*source.RetryError](err)
			if ok != c.want.retry || ok && retry.After != c.want.after {
				t.Errorf("%v: RetryError %v", err, ok)
			}
			for _, word := range []error{source.ErrUnauthorized, source.ErrPlan, source.ErrCursorLost, source.ErrFeature} {
				if errors.Is(err, word) != (word == c.want.is) {
					t.Errorf("%v: is %q: %v", err, word, errors.Is(err, word))
				}
			}
			if code := evidence.ErrorCode(err); c.want.code != "" && code != c.want.code || c.want.retry && code != evidence.Unavailable {
				t.Errorf("%v has the code %s", err, code)
			}
			bad, ok := errors.AsType[*source.BadPageError](err)
			if c.want.keeps && (!ok || len(bad.Body) == 0) {
				t.Errorf("%v keeps no body", err)
			}
			var logged strings.Builder
			slog.New(slog.NewTextHandler(&logged, nil)).Error("x", "err", err, "all", fmt.Sprintf("%+v", err))
			if strings.Contains(logged.String(), mint(nil)) || ok && strings.Contains(string(bad.Body), mint(nil)) {
				t.Error("the token is told")
			}
		})
	}
}

func TestCheck(t *testing.T) {
	answer := func(status int, body string) (source.Grant, error) {
		return against(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Method + " " + r.URL.String(); got != "GET /api/v2/auth/introspect" || r.ContentLength > 0 {
				t.Errorf("sent %s with %d bytes", got, r.ContentLength)
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		}).Check(t.Context())
	}
	g, err := answer(200, `{"uuid":"I","issued_at":"2026-01-02T03:04:05.678901234Z","features":["auditevents","future","auditevents"],"account_uuid":"A","more":1}`)
	if err != nil || g.Integration != "I" || g.AccountUUID != "A" || g.IssuedAt.Format(time.RFC3339Nano) != "2026-01-02T03:04:05.678Z" || fmt.Sprint(g.Features) != "[auditevents future]" {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := answer(200, `{"uuid":"I","features":[]}`); err != nil || len(g.Features) != 0 {
		t.Errorf("a token that may read nothing: %+v, %v", g, err)
	}
	for _, body := range []string{"", "<html>", "{}", `{"uuid":"I"}`, `{"uuid":"","features":[]}`, `{"uuid":1,"features":[]}`, `{"uuid":"I","features":"x"}`, pageOf()} {
		if _, err := answer(200, body); !isRetry(err) {
			t.Errorf("%s gives %v", body, err)
		}
	}
	for status, word := range map[int]error{401: source.ErrUnauthorized, 403: source.ErrUnauthorized, 402: source.ErrPlan} {
		if _, err := answer(status, ""); !errors.Is(err, word) {
			t.Errorf("%d gives %v", status, err)
		}
	}
	for _, status := range []int{400, 404, 405} {
		if _, err := answer(status, ""); evidence.ErrorCode(err) != evidence.Invalid || isRetry(err) {
			t.Errorf("%d gives %v", status, err)
		}
	}
}

func isRetry(err error) bool {
	_, ok := errors.AsType[*source.RetryError](err)
	return ok
}

func TestUnusableTokensAreNotSent(t *testing.T) {
	for _, token := range []string{"", " ", "a b", "a\x00b", "a\u00e9", "a:b"} {
		opened, err := open(source.Config{Server: Kind().Servers[0].URL, Token: func(context.Context) (string, error) { return token, nil }, Transport: http.NewFileTransport(http.Dir("."))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := opened.Check(t.Context()); !errors.Is(err, source.ErrUnauthorized) {
			t.Errorf("%q gives %v", token, err)
		}
	}
}

// TestTokensAreSentTidy: what preflight forgives must not spoil the header.
func TestTokensAreSentTidy(t *testing.T) {
	var sent string
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = r.Header.Get("Authorization")
		return nil, errors.New("not today")
	})
	opened, err := open(source.Config{
		Server: Kind().Servers[0].URL, Token: func(context.Context) (string, error) { return " 'Bearer " + mint(nil) + "'\n", nil }, Transport: transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Check(t.Context()); !isRetry(err) || sent != "Bearer "+mint(nil) {
		t.Errorf("%d bytes were sent in place of %d, %v", len(sent), len(mint(nil))+7, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
