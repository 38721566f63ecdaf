package simulator_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/simulator/conformance"
)

// start serves a simulator over TLS for the test and gives its base URL and a client that trusts it.
func start(t *testing.T, c simulator.Config) (*simulator.Simulator, string, *http.Client) {
	t.Helper()
	sim, err := simulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	url, ca, stop, err := sim.StartTLS("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the CA is not PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return sim, url, &http.Client{Transport: transport}
}

func issue(t *testing.T, sim *simulator.Simulator, o simulator.TokenOptions) string {
	t.Helper()
	token, err := sim.IssueToken(o)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name   string
		config simulator.Config
	}{
		{"http1", simulator.Config{Seed: 7, Events: 12_000, NoRateLimit: true}},
		{"http2", simulator.Config{Seed: 8, Events: 12_000, NoRateLimit: true, HTTP2: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim, url, client := start(t, c.config)
			revoked := issue(t, sim, simulator.TokenOptions{})
			if err := sim.Revoke(revoked); err != nil {
				t.Fatal(err)
			}
			stranger, err := simulator.New(simulator.Config{Seed: 99})
			if err != nil {
				t.Fatal(err)
			}
			conformance.Run(t, conformance.Target{
				URL: url, Client: client, Now: time.Now,
				Token:    issue(t, sim, simulator.TokenOptions{}),
				Second:   issue(t, sim, simulator.TokenOptions{Expires: time.Now().Add(time.Hour)}),
				Unscoped: issue(t, sim, simulator.TokenOptions{Features: []string{"signinattempts", "auditevents"}}),
				Bad: map[string]string{
					"expired":         issue(t, sim, simulator.TokenOptions{IssuedAt: time.Now().Add(-2 * time.Hour), Expires: time.Now().Add(-time.Hour)}),
					"revoked":         revoked,
					"wrong region":    issue(t, sim, simulator.TokenOptions{Audience: "events.example.org"}),
					"no feature":      issue(t, sim, simulator.TokenOptions{Features: []string{}}),
					"another account": issue(t, stranger, simulator.TokenOptions{Audience: url[len("https://"):]}),
				},
			})
		})
	}
}
