package source

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

const canary = "canary-token-0123456789"

// serve gives a Client for a TLS server on the loopback that answers with handler.
func serve(t *testing.T, limits Limits, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := NewClient(ClientConfig{
		Server: server.URL, Admitted: true, CAPEM: certificatePEM(server), UserAgent: "Exhibit/test", Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func certificatePEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func squeeze(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDoSendsAndReads(t *testing.T) {
	client := serve(t, DefaultLimits(), func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Date", "Mon, 02 Feb 2026 03:04:05 GMT")
		fmt.Fprintf(w, "%s %s|%s|%s|%s|%s|%s|%s|%q", r.Method, r.URL, r.Header.Get("User-Agent"), r.Header.Get("Authorization")[:12],
			r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.Header.Get("Accept-Encoding"), r.Proto, body)
	})
	got, err := client.Do(t.Context(), Call{Method: "POST", Path: "/a", Token: canary, Body: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	want := `POST /a|Exhibit/test|Bearer canar|application/json|application/json|gzip|HTTP/1.1|"{}"`
	if string(got.Body) != want || got.Status != 200 {
		t.Errorf("got %d %s, want %s", got.Status, got.Body, want)
	}
	if want := time.Date(2026, 2, 2, 3, 4, 5, 0, time.UTC); !got.Date.Equal(want) {
		t.Errorf("Date %v, want %v", got.Date, want)
	}
	got, err = client.Do(t.Context(), Call{Method: "GET", Path: "/b", Token: canary})
	if want := `GET /b|Exhibit/test|Bearer canar||application/json|gzip|HTTP/1.1|""`; err != nil || string(got.Body) != want {
		t.Errorf("got %s (%v), want %s", got.Body, err, want)
	}
}

func TestDoFailsClearly(t *testing.T) {
	limits := DefaultLimits()
	limits.Compressed, limits.Decoded, limits.Refusal = 2_000, 10_000, 100
	long := strings.Repeat("a", 10_001)
	zip := squeeze(t, strings.Repeat("hello ", 100))
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // part of the sentence; "": no error
		body    int    // length of what is kept
	}{
		{"plain", send("", []byte("hello")), "", 5},
		{"exactly the limit", send("", []byte(long[:10_000])), "", 10_000},
		{"over the limit", send("", []byte(long)), "larger than Exhibit accepts", 10_000},
		{"gzip", send("gzip", zip), "", 600},
		{"gzip, exactly the limit", send("gzip", squeeze(t, long[:10_000])), "", 10_000},
		{"gzip bomb", send("gzip", squeeze(t, strings.Repeat("a", 1_000_000))), "larger than Exhibit accepts", 10_000},
		{"gzip, too much over the wire", send("gzip", stored(t, 9_000)), "compressed answer that is larger", -1},
		{"gzip, cut", send("gzip", zip[:len(zip)-9]), "ends too early", -1},
		{"gzip, empty", send("gzip", nil), "ends too early", 0},
		{"gzip, wrong sum", send("gzip", flip(zip, len(zip)-5)), "damaged", -1},
		{"gzip, corrupt", send("gzip", flip(zip, 12)), "damaged", -1},
		{"gzip, none at all", send("gzip", []byte("<html>no gzip</html>")), "damaged", 0},
		{"brotli", send("br", []byte("x")), "encoding that was not asked for", 0},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			io.WriteString(w, "12345")
		}, "ends too early", 5},
		{"dropped", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "broke off", 0},
		{"echo of the token", send("", []byte("<pre>Bearer "+canary+"</pre>")), "sent the token back", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := serve(t, limits, c.handler)
			got, err := client.Do(t.Context(), Call{Method: "GET", Path: "/", Token: canary})
			checkFailure(t, err, c.want)
			if c.body >= 0 && len(got.Body) != c.body {
				t.Errorf("%d bytes are kept, want %d", len(got.Body), c.body)
			}
			bad, ok := errors.AsType[*BadPageError](err)
			if err != nil && ok != (len(got.Body) > 0) {
				t.Errorf("BadPageError: %v with %d bytes", ok, len(got.Body))
			}
			if ok && !bytes.HasPrefix(got.Body, bad.Body) {
				t.Error("the error holds other bytes than the answer")
			}
			if bytes.Contains(got.Body, []byte(canary)) {
				t.Error("the token stands in the body")
			}
		})
	}
}

func checkFailure(t *testing.T, err error, want string) {
	t.Helper()
	if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want one with %q", err, want)
	}
	if err == nil {
		return
	}
	if _, retry := errors.AsType[*RetryError](err); !retry {
		t.Errorf("%v is no RetryError", err)
	}
	if evidence.ErrorCode(err) != evidence.Unavailable {
		t.Errorf("code %s, want %s", evidence.ErrorCode(err), evidence.Unavailable)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), canary) {
			t.Errorf("the token stands in %v", e)
		}
	}
}

func send(encoding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		w.Write(body)
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0x55
	return b
}

// stored gives a gzip body that is as long as what is in it.
func stored(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(make([]byte, n))
	z.Close()
	return b.Bytes()
}

func TestRefusalIsCutAndKeepsItsStatus(t *testing.T) {
	limits := DefaultLimits()
	limits.Refusal = 100
	client := serve(t, limits, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(401)
		io.WriteString(w, canary+strings.Repeat("x", 10_000))
	})
	got, err := client.Do(t.Context(), Call{Method: "GET", Path: "/", Token: canary})
	if err != nil || got.Status != 401 || len(got.Body) > 100 || strings.Contains(string(got.Body), canary) {
		t.Errorf("got %d, %d bytes %q, %v", got.Status, len(got.Body), got.Body, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	client := serve(t, DefaultLimits(), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	got, err := client.Do(t.Context(), Call{Method: "POST", Path: "/", Token: canary, Body: []byte("{}")})
	if err != nil || got.Status != http.StatusTemporaryRedirect {
		t.Errorf("got %d, %v", got.Status, err)
	}
}

func TestTokenStaysOnItsHost(t *testing.T) {
	client := serve(t, DefaultLimits(), func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a request came: %s", r.URL) })
	for _, path := range []string{"@elsewhere.example.com/", ".example.com/", ":1/", "", "x", "?a"} {
		if _, err := client.Do(t.Context(), Call{Method: "GET", Path: path, Token: canary}); err == nil {
			t.Errorf("path %q was accepted", path)
		}
	}
}

func TestTLSIsChecked(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came") }))
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	good := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came") }))
	good.Config.ErrorLog = log.New(io.Discard, "", 0)
	good.StartTLS()
	defer good.Close()
	for _, c := range []struct {
		name, want string
		config     ClientConfig
	}{
		{"old TLS", "No secure connection", ClientConfig{Server: server.URL, Admitted: true, CAPEM: certificatePEM(server)}},
		{"unknown CA", "does not trust", ClientConfig{Server: good.URL, Admitted: true}},
		{"CA of the operator for a server that was not admitted", "does not trust", ClientConfig{Server: good.URL, CAPEM: certificatePEM(good), Dial: (&net.Dialer{}).DialContext}},
		{"other host's certificate", "another host", ClientConfig{Server: strings.Replace(good.URL, "127.0.0.1", "localhost", 1), Admitted: true, CAPEM: certificatePEM(good)}},
		{"private address", "private address", ClientConfig{Server: good.URL}},
		{"private address behind a name", "private address", ClientConfig{Server: strings.Replace(good.URL, "127.0.0.1", "localhost", 1)}},
		{"nobody listens", "cannot be reached", ClientConfig{Server: "https://127.0.0.1:1", Admitted: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Limits = DefaultLimits()
			client, err := NewClient(c.config)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Do(t.Context(), Call{Method: "GET", Path: "/", Token: canary})
			checkFailure(t, err, c.want)
		})
	}
	if _, err := NewClient(ClientConfig{Server: good.URL, Admitted: true, CAPEM: []byte("x")}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("a CA file without certificate gives %v", err)
	}
}

func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"203.0.113.5": true, "2001:db8::5": true, "::ffff:203.0.113.5": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.31.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "100.100.100.200": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false,
		"192.0.0.192": false, "198.18.0.1": false, "::1": false, "::": false, "fe80::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %v", address, got)
		}
	}
}

// brokenTransport fails with an error that holds what it was to send.
type brokenTransport struct{}

func (brokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("cannot send %s", r.Header.Get("Authorization"))
}

func TestTransportCannotTellTheToken(t *testing.T) {
	client, err := NewClient(ClientConfig{Server: "https://events.example.com", Limits: DefaultLimits(), Transport: brokenTransport{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Do(t.Context(), Call{Method: "GET", Path: "/", Token: canary})
	checkFailure(t, err, "broke off")
}

func TestWaitAsked(t *testing.T) {
	now := time.Date(2026, 2, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		headers string // Name: value, separated by |
		want    time.Duration
	}{
		{"", 0},
		{"Retry-After: 7", 7 * time.Second},
		{"Retry-After: 1.5", 1500 * time.Millisecond},
		{"Retry-After: Mon, 02 Feb 2026 12:00:30 GMT", 30 * time.Second},
		{"Retry-After: Mon, 02 Feb 2026 11:00:00 GMT", 0},
		{"Date: Mon, 02 Feb 2026 10:00:00 GMT|Retry-After: Mon, 02 Feb 2026 10:00:30 GMT", 30 * time.Second},
		{"Retry-After: -1", 0}, {"Retry-After: soon", 0}, {"Retry-After: NaN", 0}, {"Retry-After: 1e300", LongestWait}, {"Retry-After: 99999999", LongestWait},
		{"RateLimit-Remaining: 0|RateLimit-Reset: 12", 12 * time.Second},
		{"RateLimit-Remaining: 5|RateLimit-Reset: 12", 0},
		{"RateLimit-Reset: 12", 12 * time.Second},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1770033640", 40 * time.Second},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: 13", 13 * time.Second},
		{"X-Rate-Limit-Reset: 14", 14 * time.Second},
		{"RateLimit: limit=600, remaining=0, reset=15", 15 * time.Second},
		{"RateLimit: limit=600, remaining=3, reset=15", 0},
		{`RateLimit: "minute";r=0;t=16`, 16 * time.Second},
		{`RateLimit: "minute";r=4;t=16, "hour";r=0;t=100`, 100 * time.Second},
		{"Retry-After: 3|RateLimit-Remaining: 0|RateLimit-Reset: 12", 3 * time.Second},
	} {
		h := http.Header{}
		for line := range strings.SplitSeq(c.headers, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Add(name, value)
			}
		}
		if got := WaitAsked(h, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.headers, got, c.want)
		}
	}
}

func FuzzWaitAsked(f *testing.F) {
	f.Add("7", `"minute";r=0;t=16`, "1770033640")
	f.Fuzz(func(t *testing.T, after, limit, reset string) {
		h := http.Header{"Retry-After": {after}, "Ratelimit": {limit}, "X-Ratelimit-Reset": {reset}}
		if got := WaitAsked(h, time.Unix(1_770_000_000, 0)); got < 0 || got > LongestWait {
			t.Errorf("waits %v", got)
		}
	})
}
