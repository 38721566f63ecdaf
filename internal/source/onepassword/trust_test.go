package onepassword

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
)

// trusting gives a transport that trusts ca alone.
func trusting(t *testing.T, ca []byte) http.RoundTripper {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}
