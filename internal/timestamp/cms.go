package timestamp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 3161 names the signer's certificate by SHA-1 where it does not by a better one
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// signedData is a CMS SignedData (RFC 5652) with one signer, as a token is one.
type signedData struct {
	content []byte // TSTInfo, DER; signed through the digest among the attributes
	certs   [][]byte
	signer  signerInfo
}

// signerInfo is who signed, and how.
type signerInfo struct {
	issuer    []byte // of the signer's certificate, DER, with serial; or
	serial    *big.Int
	keyID     []byte // its key
	hash      crypto.Hash
	digestAlg []byte // as it was written, DER; kept only if what is signed tells of it
	sigAlg    []byte
	protected bool   // what is signed tells of both
	attrs     []byte // the attributes, DER, without their tag; signed
	signature []byte
}

var (
	tag0 = tag.Tag(0).Constructed().ContextSpecific()
	tag1 = tag.Tag(1).Constructed().ContextSpecific()
	key0 = tag.Tag(0).ContextSpecific()
)

var errForm = errors.New("it is not formed as RFC 3161 says, in DER")

// hashes are the hash functions that a token may be signed with.
var hashes = []struct {
	oid, ecdsa, rsa asn1.ObjectIdentifier
	hash            crypto.Hash
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, crypto.SHA256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, crypto.SHA384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, crypto.SHA512},
}

// parse reads a token. It lets pass what can be written in more than one way; encode writes it in one.
func parse(token []byte) (*signedData, error) {
	in := cryptobyte.String(token)
	var info, wrap, data, encap, octets, content, certs, infos cryptobyte.String
	var kind, inner asn1.ObjectIdentifier
	var version int64
	var hasCerts bool
	ok := in.ReadASN1(&info, tag.SEQUENCE) && in.Empty() &&
		info.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidSignedData) && info.ReadASN1(&wrap, tag0) && info.Empty() &&
		wrap.ReadASN1(&data, tag.SEQUENCE) && wrap.Empty() &&
		data.ReadASN1Integer(&version) && data.SkipASN1(tag.SET) &&
		data.ReadASN1(&encap, tag.SEQUENCE) && encap.ReadASN1ObjectIdentifier(&inner) && inner.Equal(oidInfo) && encap.ReadASN1(&octets, tag0) && encap.Empty() &&
		octets.ReadASN1(&content, tag.OCTET_STRING) && octets.Empty() &&
		data.ReadOptionalASN1(&certs, &hasCerts, tag0) && data.SkipOptionalASN1(tag1) &&
		data.ReadASN1(&infos, tag.SET) && data.Empty()
	if !ok {
		return nil, errForm
	}
	d := &signedData{content: content}
	for !certs.Empty() {
		var c cryptobyte.String
		if !certs.ReadASN1Element(&c, tag.SEQUENCE) || len(d.certs) == maxCerts {
			return nil, errors.New("its certificates cannot be read, or are too many")
		}
		d.certs = append(d.certs, c)
	}
	err := d.signer.parse(&infos)
	if err == nil && !infos.Empty() {
		err = errors.New("it has more than one signer")
	}
	return d, err
}

func (s *signerInfo) parse(infos *cryptobyte.String) error {
	var in, sid, keyID, issuer, digestAlg, attrs, sigAlg, signature cryptobyte.String
	var version int64
	var byKey bool
	serial := new(big.Int)
	ok := infos.ReadASN1(&in, tag.SEQUENCE) && in.ReadASN1Integer(&version) && in.ReadOptionalASN1(&keyID, &byKey, key0)
	if ok && !byKey {
		ok = in.ReadASN1(&sid, tag.SEQUENCE) && sid.ReadASN1Element(&issuer, tag.SEQUENCE) && sid.ReadASN1Integer(serial) && sid.Empty()
	}
	ok = ok && in.ReadASN1Element(&digestAlg, tag.SEQUENCE) && in.ReadASN1(&attrs, tag0) && in.ReadASN1Element(&sigAlg, tag.SEQUENCE) &&
		in.ReadASN1(&signature, tag.OCTET_STRING) && in.SkipOptionalASN1(tag1) && in.Empty()
	if !ok {
		return errForm
	}
	*s = signerInfo{issuer: issuer, serial: serial, digestAlg: digestAlg, sigAlg: sigAlg, attrs: attrs, signature: signature}
	if byKey {
		s.keyID = append([]byte{}, keyID...)
	}
	oid, err := algorithm(digestAlg)
	if err != nil {
		return err
	}
	for _, h := range hashes {
		if h.oid.Equal(oid) {
			s.hash = h.hash
			return nil
		}
	}
	return errors.New("it is signed over a digest that this program does not know")
}

// algorithm reads an AlgorithmIdentifier whose parameters are none or NULL.
func algorithm(der []byte) (asn1.ObjectIdentifier, error) {
	in := cryptobyte.String(der)
	var alg, null cryptobyte.String
	var oid asn1.ObjectIdentifier
	var has bool
	if !in.ReadASN1(&alg, tag.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) || !alg.ReadOptionalASN1(&null, &has, tag.NULL) || !null.Empty() || !alg.Empty() {
		return nil, errors.New("it names an algorithm with parameters that this program does not know")
	}
	return oid, nil
}

// check checks what is signed and the signature itself by a certificate.
func (d *signedData) check(c *x509.Certificate) error {
	if err := d.attributes(c); err != nil {
		return err
	}
	oid, err := algorithm(d.signer.sigAlg)
	if err != nil {
		return err
	}
	h := d.signer.hash.New()
	h.Write(der(tag.SET, d.signer.attrs))
	sum, good := h.Sum(nil), false
	switch key := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		good = oid.Equal(d.signer.names().ecdsa) && ecdsa.VerifyASN1(key, sum, d.signer.signature)
	case *rsa.PublicKey:
		good = (oid.Equal(oidRSA) || oid.Equal(d.signer.names().rsa)) && rsa.VerifyPKCS1v15(key, d.signer.hash, sum, d.signer.signature) == nil
	}
	if !good {
		return errors.New("the token's signature is wrong, or of a kind that this program does not know")
	}
	return nil
}

// names are the object identifiers that belong to the hash function.
func (s *signerInfo) names() (n struct{ digest, ecdsa, rsa asn1.ObjectIdentifier }) {
	for _, h := range hashes {
		if h.hash == s.hash {
			n.digest, n.ecdsa, n.rsa = h.oid, h.ecdsa, h.rsa
		}
	}
	return n
}

// attributes checks the signed attributes: that they are of a token, of this content, and name this certificate by its hash.
func (d *signedData) attributes(c *x509.Certificate) error {
	var kind, digest, named bool
	seen := map[string]bool{}
	for in := cryptobyte.String(d.signer.attrs); !in.Empty(); {
		var attr, values cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !in.ReadASN1(&attr, tag.SEQUENCE) || !attr.ReadASN1ObjectIdentifier(&oid) || !attr.ReadASN1(&values, tag.SET) || !attr.Empty() || seen[oid.String()] {
			return errors.New("the token's signed attributes cannot be read")
		}
		seen[oid.String()] = true
		switch {
		case oid.Equal(oidContentType):
			var of asn1.ObjectIdentifier
			kind = values.ReadASN1ObjectIdentifier(&of) && of.Equal(oidInfo) && values.Empty()
		case oid.Equal(oidDigest):
			var sum cryptobyte.String
			h := d.signer.hash.New()
			h.Write(d.content)
			digest = values.ReadASN1(&sum, tag.OCTET_STRING) && values.Empty() && bytes.Equal(sum, h.Sum(nil))
		case oid.Equal(oidCertificate), oid.Equal(oidCertificate2):
			if !names(values, c.Raw, oid.Equal(oidCertificate)) {
				return errors.New("the token names another certificate than the one that it is signed with")
			}
			named = true
		case oid.Equal(oidProtection):
			if !d.protects(values) {
				return errors.New("the token names other algorithms than those that it is signed with")
			}
			d.signer.protected = true
		}
	}
	if !kind || !digest || !named {
		return errors.New("the token does not sign its content and its certificate")
	}
	return nil
}

// names reports whether a SigningCertificate, or its second version, names a certificate first.
func names(values cryptobyte.String, cert []byte, old bool) bool {
	var list, ids, id, sum, issuer, alg cryptobyte.String
	var has bool
	if !values.ReadASN1(&list, tag.SEQUENCE) || !values.Empty() || !list.ReadASN1(&ids, tag.SEQUENCE) || !ids.ReadASN1(&id, tag.SEQUENCE) {
		return false
	}
	want := sha256.Sum256(cert)
	digest := want[:]
	if old {
		short := sha1.Sum(cert) //nolint:gosec // as above
		digest = short[:]
	} else if id.PeekASN1Tag(tag.SEQUENCE) {
		if !id.ReadASN1Element(&alg, tag.SEQUENCE) {
			return false
		}
		oid, err := algorithm(alg)
		hash := crypto.Hash(0)
		for _, h := range hashes {
			if err == nil && h.oid.Equal(oid) {
				hash = h.hash
			}
		}
		if hash == 0 {
			return false
		}
		h := hash.New()
		h.Write(cert)
		digest = h.Sum(nil)
	}
	return id.ReadASN1(&sum, tag.OCTET_STRING) && subtle.ConstantTimeCompare(sum, digest) == 1 && id.ReadOptionalASN1(&issuer, &has, tag.SEQUENCE) && id.Empty()
}

// protects reports whether a CMSAlgorithmProtection names the two algorithms as they are written.
func (d *signedData) protects(values cryptobyte.String) bool {
	var list, sig, digest cryptobyte.String
	return values.ReadASN1(&list, tag.SEQUENCE) && values.Empty() && list.ReadASN1Element(&digest, tag.SEQUENCE) && bytes.Equal(digest, d.signer.digestAlg) &&
		list.ReadASN1(&sig, tag1) && list.Empty() && bytes.Equal(der(tag.SEQUENCE, sig), d.signer.sigAlg)
}

// encode writes the token in its one form: the versions that follow from the content, the digest's algorithm without
// parameters, the chain of certificates alone and in its order, the signature's algorithm under its first name, the smaller
// one of two ECDSA signatures that are as good, and nothing that is not signed.
func (d *signedData) encode(chain []*x509.Certificate) ([]byte, error) {
	s := d.signer
	digestAlg, sigAlg := s.digestAlg, s.sigAlg
	if !s.protected {
		digestAlg = der(tag.SEQUENCE, oidDER(s.names().digest))
		sigAlg = der(tag.SEQUENCE, append(oidDER(oidRSA), byte(tag.NULL), 0))
	}
	signature := s.signature
	if key, ok := chain[0].PublicKey.(*ecdsa.PublicKey); ok {
		if !s.protected {
			sigAlg = der(tag.SEQUENCE, oidDER(s.names().ecdsa))
		}
		var err error
		if signature, err = smaller(signature, key.Curve); err != nil {
			return nil, err
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(3)
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { b.AddBytes(digestAlg) })
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidInfo)
					b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.content) })
				})
				b.AddASN1(tag0, func(b *cryptobyte.Builder) {
					for _, c := range chain {
						b.AddBytes(c.Raw)
					}
				})
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { s.encode(b, digestAlg, sigAlg, signature) })
			})
		})
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("writing the token: %w", err)
	}
	return out, nil
}

func (s *signerInfo) encode(b *cryptobyte.Builder, digestAlg, sigAlg, signature []byte) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		if s.keyID != nil {
			b.AddASN1Int64(3)
			b.AddASN1(key0, func(b *cryptobyte.Builder) { b.AddBytes(s.keyID) })
		} else {
			b.AddASN1Int64(1)
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(s.issuer)
				b.AddASN1BigInt(s.serial)
			})
		}
		b.AddBytes(digestAlg)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(s.attrs) })
		b.AddBytes(sigAlg)
		b.AddASN1OctetString(signature)
	})
}

// smaller gives the one of the two signatures (r, s) and (r, n-s), which are as good as each other, whose s is smaller.
func smaller(signature []byte, curve elliptic.Curve) ([]byte, error) {
	in := cryptobyte.String(signature)
	var pair cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&pair, tag.SEQUENCE) || !in.Empty() || !pair.ReadASN1Integer(r) || !pair.ReadASN1Integer(s) || !pair.Empty() {
		return nil, errForm
	}
	if other := new(big.Int).Sub(curve.Params().N, s); other.Cmp(s) < 0 {
		s = other
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r)
		b.AddASN1BigInt(s)
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("writing the signature: %w", err)
	}
	return out, nil
}

// parseCertificate reads a certificate that has three parts and nothing behind them.
func parseCertificate(raw []byte) (*x509.Certificate, error) {
	in := cryptobyte.String(raw)
	var parts cryptobyte.String
	if !in.ReadASN1(&parts, tag.SEQUENCE) || !parts.SkipASN1(tag.SEQUENCE) || !parts.SkipASN1(tag.SEQUENCE) || !parts.SkipASN1(tag.BIT_STRING) || !parts.Empty() {
		return nil, errForm
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxKey {
		return nil, fmt.Errorf("its key has more than %d bits", maxKey)
	}
	return c, nil
}

// der writes an element around bytes.
func der(t tag.Tag, content []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(t, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	return b.BytesOrPanic() // a length that does not fit is the one error, and a token is short
}

func oidDER(oid asn1.ObjectIdentifier) []byte {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(oid)
	return b.BytesOrPanic()
}
