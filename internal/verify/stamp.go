package verify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/timestamp"
)

// Stamps makes a verifier of RFC 3161 tokens that trusts the roots in PEM.
func Stamps(pem []byte) (StampVerifier, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return func(token, data []byte) (time.Time, error) { return stamp3161(token, data, roots) }, nil
}

// stamp3161 checks a token: its form, its signature, what it is of, and that its certificates lead to one of the roots.
func stamp3161(token, data []byte, roots *x509.CertPool) (time.Time, error) {
	t, err := timestamp.Read(token)
	if err != nil {
		return time.Time{}, err
	}
	if !t.Of(data) {
		return time.Time{}, errors.New("the time stamp is of other data")
	}
	if err := t.TrustedBy(roots); err != nil {
		return time.Time{}, fmt.Errorf("the time stamp is of an authority that you do not trust: %w", err)
	}
	return t.Time, nil
}
