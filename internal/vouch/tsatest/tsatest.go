// Package tsatest is a time-stamping authority for tests: certificates of its own, and openssl, which answers RFC 3161
// questions. Its clock is the machine's.
package tsatest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/timestamp"
)

// TSA is an authority that runs until the test ends.
type TSA struct {
	URL   string
	Roots []byte // PEM

	t    testing.TB
	dir  string
	rsa  bool       // the authority's key, and one certificate more between it and the root
	mu   sync.Mutex // openssl's file of serial numbers is not made for two
	fail bool
}

// New starts an authority whose certificate is valid from yesterday until tomorrow. It skips the test if there is no openssl.
func New(t testing.TB) *TSA {
	return Until(t, time.Now().AddDate(0, 0, 1))
}

// Until starts an authority whose certificate ends then.
func Until(t testing.TB, end time.Time) *TSA { return start(t, end, false) }

// RSA starts an authority that signs with an RSA key, and whose certificate leads to its root through another one.
func RSA(t testing.TB) *TSA { return start(t, time.Now().AddDate(0, 0, 1), true) }

func start(t testing.TB, end time.Time, ofRSA bool) *TSA {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("there is no openssl, which answers for the time-stamping authority. On Debian: apt-get install openssl")
	}
	a := &TSA{t: t, dir: t.TempDir(), rsa: ofRSA}
	a.certificates(end)
	a.write("serial", []byte("01\n"))
	a.write("tsa.cnf", []byte("[tsa]\ndefault_tsa = it\n[it]\nserial = "+filepath.Join(a.dir, "serial")+"\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\n"))
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	a.URL = srv.URL + "/"
	return a
}

// Fail lets the authority answer with an error, or no longer.
func (a *TSA) Fail(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = on
}

// ServeHTTP answers a question.
func (a *TSA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	question, err := io.ReadAll(r.Body)
	if err != nil || a.fail || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "not today", http.StatusServiceUnavailable)
		return
	}
	a.write("question", question)
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(a.answer(r.Context()))
}

// answer lets openssl answer the question that lies there.
func (a *TSA) answer(ctx context.Context, more ...string) []byte {
	a.run(ctx, append([]string{"-reply", "-queryfile", a.path("question"), "-config", a.path("tsa.cnf"), "-section", "it",
		"-signer", a.path("tsa.pem"), "-inkey", a.path("tsa.key"), "-chain", a.path("ca.pem"), "-out", a.path("answer")}, more...)...)
	b, err := os.ReadFile(a.path("answer"))
	if err != nil {
		a.t.Error(err)
	}
	return b
}

func (a *TSA) run(ctx context.Context, args ...string) {
	var said bytes.Buffer
	c := exec.CommandContext(ctx, "openssl", append([]string{"ts"}, args...)...)
	c.Stderr = &said
	if err := c.Run(); err != nil {
		a.t.Errorf("openssl ts: %v: %s", err, said.String())
	}
}

// Token gives a token over data in the form in which tokens are kept, whether somebody would take it or not.
func (a *TSA) Token(data []byte) []byte {
	a.t.Helper()
	token, err := timestamp.Normal(a.Raw(data))
	a.ok(err)
	return token
}

// Raw gives a token over data as the authority makes it.
func (a *TSA) Raw(data []byte) []byte {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.write("data", data)
	a.run(a.t.Context(), "-query", "-data", a.path("data"), "-sha256", "-cert", "-out", a.path("question"))
	return a.answer(a.t.Context(), "-token_out")
}

// Verify lets openssl verify a token over data.
func (a *TSA) Verify(token, data []byte) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.write("data", data)
	a.write("token", token)
	a.write("root.pem", a.Roots)
	a.run(a.t.Context(), "-verify", "-data", a.path("data"), "-in", a.path("token"), "-token_in", "-CAfile", a.path("root.pem"))
}

func (a *TSA) path(name string) string { return filepath.Join(a.dir, name) }

func (a *TSA) write(name string, b []byte) {
	if err := os.WriteFile(a.path(name), b, 0o600); err != nil {
		a.t.Error(err)
	}
}

// certificates makes a root, and with it a certificate that is good for time stamps alone.
func (a *TSA) certificates(end time.Time) {
	a.t.Helper()
	begin := time.Now().AddDate(0, 0, -1)
	if end.Before(begin) {
		begin = end.AddDate(0, 0, -1)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root of example.com"}, NotBefore: begin.AddDate(-1, 0, 0), NotAfter: begin.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caKey := a.key(false)
	root := a.sign(ca, ca, caKey, caKey)
	a.Roots = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root})
	chain := a.Roots
	if a.rsa {
		between, key := *ca, a.key(true)
		between.SerialNumber, between.Subject = big.NewInt(3), pkix.Name{CommonName: "Between of example.com"}
		chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.sign(&between, ca, key, caKey)}), chain...)
		ca, caKey = &between, key
	}
	forStamps := []byte{0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08}
	own := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Time of example.com"}, NotBefore: begin, NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 37}, Critical: true, Value: forStamps}}}
	key := a.key(a.rsa)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	a.ok(err)
	a.write("ca.pem", chain)
	a.write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.sign(own, ca, key, caKey)}))
	a.write("tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func (a *TSA) sign(c, parent *x509.Certificate, key, by crypto.Signer) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	a.ok(err)
	return der
}

func (a *TSA) key(ofRSA bool) crypto.Signer {
	a.t.Helper()
	if ofRSA {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		a.ok(err)
		return k
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.ok(err)
	return k
}

func (a *TSA) ok(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}
