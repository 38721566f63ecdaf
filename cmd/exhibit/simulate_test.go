package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// simulation is "exhibit simulate" running within the test.
type simulation struct {
	line string        // first line of standard output
	err  *bytes.Buffer // standard error, to be read after stop
	stop func() int
}

// simulate starts the command on a free port and waits for its first line.
func simulate(t *testing.T, args ...string) simulation {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	s := simulation{err: new(bytes.Buffer)}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"simulate", "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), w, s.err)
		w.Close()
	}()
	ended := -1
	s.stop = func() int {
		cancel()
		if ended < 0 {
			ended = <-code
		}
		return ended
	}
	t.Cleanup(func() { s.stop() })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		s.stop()
		t.Fatalf("no line on standard output: %v; standard error: %s", err, s.err)
	}
	s.line = strings.TrimSuffix(line, "\n")
	return s
}

// started is the line that --json prints.
type started struct {
	URL     string         `json:"url"`
	Account string         `json:"account_uuid"`
	Events  map[string]int `json:"events"`
	CA      string         `json:"ca"`
	Token   string         `json:"token_file"`
}

func (s started) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(s.Token)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+string(token))
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func simulateJSON(t *testing.T, args ...string) (simulation, started) {
	t.Helper()
	dir := t.TempDir()
	s := simulate(t, append(args, "--json", "--tls-dir", filepath.Join(dir, "tls"), "--token-out", filepath.Join(dir, "token"))...)
	var out started
	if err := json.Unmarshal([]byte(s.line), &out); err != nil {
		t.Fatalf("%v: %s", err, s.line)
	}
	return s, out
}

func TestSimulate(t *testing.T) {
	s, out := simulateJSON(t, "--events", "1000", "--days", "10")
	if n := out.Events["signinattempts"] + out.Events["itemusages"] + out.Events["auditevents"]; n != 1000 || len(out.Account) != 26 {
		t.Errorf("%+v", out)
	}
	if info, err := os.Stat(out.Token); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v", info.Mode(), err)
	}
	if code, body := out.post(t, "/api/v2/itemusages", `{"limit":10,"start_time":"2020-01-01T00:00:00Z"}`); code != 200 || strings.Count(body, `"vault_uuid"`) != 10 {
		t.Errorf("%d %.200s", code, body)
	}
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if got := s.err.String(); !strings.Contains(got, "1   POST /api/v2/itemusages") || !strings.Contains(got, "10  events served") {
		t.Errorf("standard error: %s", got)
	}
	token, err := os.ReadFile(out.Token)
	if err != nil || strings.Contains(s.line+s.err.String(), string(token)) {
		t.Error("the token is printed")
	}
}

func TestSimulatePlainHTTP(t *testing.T) {
	s := simulate(t, "--events", "10")
	if !strings.HasPrefix(s.line, "Simulating the Events API on http://127.0.0.1:") {
		t.Errorf("printed %q", s.line)
	}
	s.stop()
	if !strings.Contains(s.err.String(), "Warning: serving plain HTTP") {
		t.Errorf("no warning: %s", s.err)
	}
}

func TestSimulateIsReproducible(t *testing.T) {
	end := time.Now().UTC().Truncate(time.Hour).Format(time.RFC3339)
	var bodies []string
	for range 2 {
		s, out := simulateJSON(t, "--events", "3000", "--seed", "9", "--days", "30", "--end", end)
		_, body := out.post(t, "/api/v2/auditevents", `{"limit":1000,"start_time":"2020-01-01T00:00:00Z"}`)
		bodies = append(bodies, body)
		s.stop()
	}
	if bodies[0] != bodies[1] || strings.Count(bodies[0], `"actor_uuid"`) != 300 {
		t.Error("two runs with the same seed, events, days and end differ")
	}
}

func TestSimulateTokens(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"feature missing": {[]string{"--features", "auditevents,signinattempts"}, 401},
		"expired":         {[]string{"--token-expires=-1h"}, 401},
		"expires later":   {[]string{"--token-expires", "90d"}, 200},
		"wrong server":    {[]string{"--token-audience", "events.example.org"}, 401},
		"faults":          {[]string{"--fault", "bad-cursor", "--fault", "429@itemusages=1"}, 429},
	} {
		t.Run(name, func(t *testing.T) {
			_, out := simulateJSON(t, append(c.args, "--events", "10")...)
			if code, body := out.post(t, "/api/v2/itemusages", `{}`); code != c.want {
				t.Errorf("%d %s, want %d", code, body, c.want)
			}
		})
	}
	t.Run("revoked", func(t *testing.T) {
		_, out := simulateJSON(t, "--events", "10", "--revoke-after", "1ms", "--no-rate-limit")
		for {
			if code, _ := out.post(t, "/api/v2/itemusages", `{}`); code == 401 {
				break
			}
		}
	})
}

func TestSimulateBadInput(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--events -1", 2, "--events"},
		{"--events 99999999999", 2, "--events"},
		{"--events many", 2, "--events"},
		{"--days 0", 2, "--days"},
		{"--days 5000", 2, "--days"},
		{"--seed x", 2, "--seed"},
		{"--end yesterday", 2, "--end"},
		{"--features itemusages,passwords", 2, "passwords"},
		{"--token-expires soon", 2, "--token-expires"},
		{"--token-expires 99999999d", 2, "--token-expires"},
		{"--fault explosion", 2, "explosion"},
		{"--fault 5xx=2", 2, "0 to 1"},
		{"--fault 5xx@nowhere=1", 2, "nowhere"},
		{"--late-after 0s", 2, "--late-after"},
		{"--revoke-after -1s", 2, "--revoke-after"},
		{"--listen nonsense", 2, "--listen"},
		{"--listen 127.0.0.1:99999", 1, "--listen"},
		{"--listen " + busy.Addr().String(), 1, "--listen"},
		{"--nonsense", 2, "nonsense"},
		{"--token-out " + filepath.Join(dir, "missing", "token"), 1, "directory does not exist"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var out, errOut bytes.Buffer
			args := []string{"simulate", "--listen", "127.0.0.1:0", "--events", "10", "--tls-dir", filepath.Join(dir, "tls"), "--token-out", filepath.Join(dir, "token")}
			code := run(t.Context(), append(args, strings.Fields(c.args)...), strings.NewReader(""), &out, &errOut)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			lines := strings.Split(strings.TrimSpace(errOut.String()), "\n")
			last := lines[len(lines)-1]
			if !strings.HasPrefix(last, "exhibit: ") || !strings.Contains(last, c.want) {
				t.Errorf("standard error ends with %q, want a sentence with %q", last, c.want)
			}
			if strings.Contains(out.String(), "Simulating") {
				t.Errorf("printed %q", out.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "token")); err == nil {
				t.Error("a token was written")
			}
		})
	}
}

func TestSimulateFaultList(t *testing.T) {
	var out bytes.Buffer
	if code := run(t.Context(), []string{"simulate", "--fault", "list"}, strings.NewReader(""), &out, io.Discard); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"429", "gzip-bomb", "has-more-lies", "late"} {
		if !strings.Contains(out.String(), fmt.Sprintf("\n%s ", name)) && !strings.HasPrefix(out.String(), name) {
			t.Errorf("the list lacks %s: %s", name, out.String())
		}
	}
}
