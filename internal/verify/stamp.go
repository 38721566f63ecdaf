package verify

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// Stamps makes a verifier of RFC 3161 tokens that trusts the roots in PEM.
func Stamps(pem []byte) (StampVerifier, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return func(token, data []byte) (time.Time, error) { return stamp3161(token, data, roots) }, nil
}

// stamp3161 checks a token: its imprint, its signature, that the signer's certificate is for time stamps, and that it leads
// to one of the roots.
func stamp3161(token, data []byte, roots *x509.CertPool) (at time.Time, err error) {
	defer func() {
		if recover() != nil { // the parsers below read what a stranger wrote
			at, err = time.Time{}, errors.New("the time stamp cannot be read")
		}
	}()
	ts, err := timestamp.Parse(token)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time stamp cannot be read: %w", err)
	}
	sum := sha256.Sum256(data)
	if ts.HashAlgorithm != crypto.SHA256 || !bytes.Equal(ts.HashedMessage, sum[:]) {
		return time.Time{}, errors.New("the time stamp is of other data")
	}
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time stamp cannot be read: %w", err)
	}
	signer := p7.GetOnlySigner()
	if signer == nil {
		return time.Time{}, errors.New("the time stamp does not hold the certificate of its one signer")
	}
	between := x509.NewCertPool()
	for _, c := range p7.Certificates {
		between.AddCert(c)
	}
	_, err = signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: ts.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return time.Time{}, fmt.Errorf("the time stamp is of an authority that you do not trust, or its certificate was not valid then: %w", err)
	}
	if err := p7.Verify(); err != nil {
		return time.Time{}, fmt.Errorf("the time stamp's signature is wrong: %w", err)
	}
	return ts.Time, nil
}
