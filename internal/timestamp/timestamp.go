// Package timestamp reads time-stamp tokens (RFC 3161) and asks for them. A token is signed in its middle alone: what stands
// around it, such as versions, lists of algorithms and certificates, can be written in many ways that all mean the same. This
// package knows one of them and takes no other: Normal brings a token into it where it comes in, and Read refuses every other
// one, so that no bit of a token that is kept may change.
package timestamp

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Limits of a token. Those of well-known authorities have some thousand bytes and up to four certificates.
const (
	maxToken = 64 << 10 // bytes
	maxCerts = 8
	maxKey   = 8192 // bits of an RSA key
)

// Token is a token whose signature is right. Whose it is, TrustedBy says.
type Token struct {
	Time  time.Time
	Nonce *big.Int // nil: none
	// Chain is the certificate that the token is signed with, and behind it each one's issuer, as far as the token holds them
	// and without a root.
	Chain []*x509.Certificate

	imprint []byte // SHA-256
}

// Read reads a token in the one form that Normal gives, and checks its signature by the certificate that it holds. It fails for
// every other form, whether it means the same or not.
func Read(token []byte) (Token, error) {
	normal, t, err := read(token)
	if err != nil {
		return Token{}, err
	}
	if !bytes.Equal(normal, token) {
		return Token{}, errors.New("the token is not written in its one form")
	}
	return t, nil
}

// Normal brings a token into the one form that Read takes. What is signed stays as it is. It fails for a token whose signature
// is wrong, or that is none.
func Normal(token []byte) ([]byte, error) {
	normal, _, err := read(token)
	return normal, err
}

func read(token []byte) ([]byte, Token, error) {
	if len(token) > maxToken {
		return nil, Token{}, errors.New("the token is too long")
	}
	d, err := parse(token)
	if err != nil {
		return nil, Token{}, fmt.Errorf("the token cannot be read: %w", err)
	}
	chain, err := d.chain()
	if err != nil {
		return nil, Token{}, err
	}
	if err := d.check(chain[0]); err != nil {
		return nil, Token{}, err
	}
	t, err := parseInfo(d.content)
	if err != nil {
		return nil, Token{}, fmt.Errorf("the token cannot be read: %w", err)
	}
	t.Chain = chain
	normal, err := d.encode(chain)
	return normal, t, err
}

// Of reports whether the token is of data: over its SHA-256.
func (t Token) Of(data []byte) bool {
	sum := sha256.Sum256(data)
	return bytes.Equal(t.imprint, sum[:])
}

// TrustedBy checks that the certificate which the token is signed with is for time stamps alone, that it led to one of the
// roots at the time of the token, and that every other certificate of the token does so too: one that nobody vouches for
// could be anything.
func (t Token) TrustedBy(roots *x509.CertPool) error {
	signer := t.Chain[0]
	if len(signer.ExtKeyUsage) != 1 || signer.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(signer.UnknownExtKeyUsage) > 0 {
		return errors.New("its certificate is not for time stamps alone")
	}
	between := x509.NewCertPool()
	for _, c := range t.Chain[1:] {
		between.AddCert(c)
	}
	for i, c := range t.Chain {
		usage := x509.ExtKeyUsageTimeStamping
		if i > 0 {
			usage = x509.ExtKeyUsageAny
		}
		if _, err := c.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
			return fmt.Errorf("its certificate of %.200q leads to no root that you trust, or was not valid then: %w", c.Subject.CommonName, err)
		}
	}
	return nil
}

// chain parses the certificates and gives the signer's, then each one's issuer. A root and what does not belong to the chain
// are left out: whoever verifies brings his own roots.
func (d *signedData) chain() ([]*x509.Certificate, error) {
	var all, chain []*x509.Certificate
	for _, der := range d.certs {
		c, err := parseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("a certificate of the token cannot be read: %w", err)
		}
		all = append(all, c)
	}
	for next := d.isSigner; ; {
		i := slices.IndexFunc(all, next)
		if i < 0 {
			break
		}
		c := all[i]
		all = slices.Delete(all, i, i+1)
		chain = append(chain, c)
		next = func(x *x509.Certificate) bool {
			return !bytes.Equal(x.RawSubject, x.RawIssuer) && bytes.Equal(x.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(x) == nil
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("the token does not hold the certificate that it is signed with")
	}
	return chain, nil
}

// isSigner reports whether a certificate is the one that the signature names.
func (d *signedData) isSigner(c *x509.Certificate) bool {
	if d.signer.keyID != nil {
		return len(c.SubjectKeyId) > 0 && bytes.Equal(c.SubjectKeyId, d.signer.keyID)
	}
	return bytes.Equal(c.RawIssuer, d.signer.issuer) && c.SerialNumber.Cmp(d.signer.serial) == 0
}

// The object identifiers that a token is made of.
var (
	oidSignedData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidInfo         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4} // TSTInfo
	oidContentType  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidCertificate  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // signingCertificate, by SHA-1
	oidCertificate2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // signingCertificateV2
	oidProtection   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 52}        // CMSAlgorithmProtection
	oidRSA          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)
