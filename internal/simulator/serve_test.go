package simulator_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
)

func TestControls(t *testing.T) {
	sim, token := newSimulator(t, simulator.Config{Events: 3000, NoRateLimit: true})
	post := func(path, body string) *httptest.ResponseRecorder { return call(sim, "", "POST", path, body) }
	var issued struct{ Token string }
	if err := json.Unmarshal(post("/simulator/tokens", `{"features":["itemusages"],"expires_in":"1h"}`).Body.Bytes(), &issued); err != nil {
		t.Fatal(err)
	}
	read := func(token string) int { return call(sim, token, "POST", "/api/v2/itemusages", `{}`).Code }
	if got := read(issued.Token); got != 200 {
		t.Errorf("the token issued gets %d", got)
	}
	post("/simulator/revoke", `{"token":"`+issued.Token+`"}`)
	if one, two := read(issued.Token), read(token); one != 401 || two != 200 {
		t.Errorf("after revoking one: %d and %d", one, two)
	}
	post("/simulator/faults", `{"faults":["bad-cursor@itemusages","5xx=1"]}`)
	if got := read(token); got < 500 {
		t.Errorf("with a fault: %d", got)
	}
	post("/simulator/faults", "")
	if got := read(token); got != 200 {
		t.Errorf("without faults: %d", got)
	}
	if got := post("/simulator/late", `{"stream":"auditevents","events":[{"uuid":"LATE","timestamp":"2026-01-01T00:00:00Z"}]}`).Body.String(); got != `{"appeared":1}` {
		t.Errorf("late: %s", got)
	}
	if got := post("/simulator/late", "").Body.String(); got != `{"appeared":0}` {
		t.Errorf("late without events: %s", got)
	}
	status := call(sim, "", "GET", "/simulator/status", "").Body.String()
	if !strings.Contains(status, `"auditevents":301`) || !strings.Contains(status, `"POST /api/v2/itemusages":5`) {
		t.Errorf("status: %s", status)
	}
	if !strings.Contains(call(sim, "", "GET", "/simulator/story", "").Body.String(), `"name":"brute-force"`) {
		t.Error("the story lacks the brute force")
	}
	post("/simulator/revoke", "")
	if got := read(token); got != 401 {
		t.Errorf("after revoking all: %d", got)
	}
}

func TestControlsRefuse(t *testing.T) {
	sim, _ := newSimulator(t, simulator.Config{})
	for path, body := range map[string]string{
		"/simulator/tokens": `{"expires_in":"soon"}`, "/simulator/revoke": `{"token":"x"}`, "/simulator/faults": `{"faults":["x"]}`,
		"/simulator/late": `{"stream":"auditevents","events":[{}]}`,
	} {
		for _, b := range []string{body, `{`, `[]`} {
			if w := call(sim, "", "POST", path, b); w.Code != 400 {
				t.Errorf("%s %s = %d %s, want 400", path, b, w.Code, w.Body)
			}
		}
	}
	r := httptest.NewRequest("POST", "https://"+host+"/simulator/revoke", nil)
	r.RemoteAddr = "192.0.2.1:5555"
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("from another machine: %d, want 403", w.Code)
	}
	r = httptest.NewRequest("POST", "https://"+host+"/simulator/revoke", nil)
	r.RemoteAddr = "127.0.0.1:5555"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w = httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("from another site: %d, want 403", w.Code)
	}
}

func TestCertificateIsUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	_, first, err := simulator.Certificate(dir, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := simulator.Certificate(dir, "127.0.0.1")
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the certificate was not used again: %v", err)
	}
	cert, other, err := simulator.Certificate(dir, "192.0.2.7") // not covered, so a new one
	if err != nil || bytes.Equal(first, other) {
		t.Fatalf("another host: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(other)
	for _, name := range []string{"192.0.2.7", "127.0.0.1", "localhost", "::1"} {
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "server.pem"), []byte("rubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := simulator.Certificate(dir, "127.0.0.1"); err != nil {
		t.Errorf("a broken certificate is not replaced: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "server-key.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil || bytes.Contains(ca, []byte("PRIVATE")) {
		t.Errorf("ca.pem: %v", err)
	}
	if _, _, err := simulator.Certificate(filepath.Join(dir, "ca.pem", "x"), "localhost"); err == nil {
		t.Error("a directory below a file is no error")
	}
}

func TestStartTLSEnds(t *testing.T) {
	sim, err := simulator.New(simulator.Config{Faults: parseFaults(t, "hang=1")})
	if err != nil {
		t.Fatal(err)
	}
	url, ca, stop, err := sim.StartTLS("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := sim.StartTLS(strings.TrimPrefix(url, "https://"), ""); err == nil {
		t.Error("two servers on one address")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	r := newReader(url, client, issue(t, sim, simulator.TokenOptions{}))
	done := make(chan result)
	go func() { done <- r.post(t.Context(), "itemusages", `{}`) }()
	for sim.Stats().Faults["hang"] == 0 {
		time.Sleep(time.Millisecond)
	}
	stop() // must not wait for the hung request for ever
	if res := <-done; res.err == nil {
		t.Errorf("the hung request got %d", res.status)
	}
}
