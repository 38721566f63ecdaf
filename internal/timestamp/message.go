package timestamp

import (
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Request asks for a token over the SHA-256 of data, with the authority's certificates in it.
func Request(data []byte, nonce *big.Int) []byte {
	sum := sha256.Sum256(data)
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(der(tag.SEQUENCE, append(oidDER(hashes[0].oid), byte(tag.NULL), 0)))
			b.AddASN1OctetString(sum[:])
		})
		b.AddASN1BigInt(nonce)
		b.AddASN1Boolean(true)
	})
	return b.BytesOrPanic()
}

// Response gives the token of an answer, as it is. It fails with the authority's words if there is none.
func Response(answer []byte) ([]byte, error) {
	in := cryptobyte.String(answer)
	var response, status, texts, token cryptobyte.String
	var code int64
	var said bool
	if !in.ReadASN1(&response, tag.SEQUENCE) || !in.Empty() || !response.ReadASN1(&status, tag.SEQUENCE) || !status.ReadASN1Integer(&code) || !status.ReadOptionalASN1(&texts, &said, tag.SEQUENCE) {
		return nil, errors.New("it cannot be read")
	}
	if code != 0 && code != 1 { // granted, perhaps in another way than was asked for: what the token says is looked at
		var text cryptobyte.String
		if !texts.ReadASN1(&text, tag.UTF8String) {
			text = cryptobyte.String("it does not say why")
		}
		return nil, fmt.Errorf("it refuses, with status %d: %s", code, text)
	}
	if !response.ReadASN1Element(&token, tag.SEQUENCE) || !response.Empty() {
		return nil, errors.New("it holds no token")
	}
	return token, nil
}

// generalized is a GeneralizedTime in DER: in UTC, with seconds, and no zeros at the end of a fraction.
var generalized = regexp.MustCompile(`^[0-9]{14}(\.[0-9]*[1-9])?Z$`)

// parseInfo reads a TSTInfo over a SHA-256.
func parseInfo(content []byte) (t Token, err error) {
	in := cryptobyte.String(content)
	var info, imprint, alg, sum, at, extensions cryptobyte.String
	var version int64
	var policy asn1.ObjectIdentifier
	var has bool
	ok := in.ReadASN1(&info, tag.SEQUENCE) && in.Empty() && info.ReadASN1Integer(&version) && version == 1 && info.ReadASN1ObjectIdentifier(&policy) &&
		info.ReadASN1(&imprint, tag.SEQUENCE) && imprint.ReadASN1Element(&alg, tag.SEQUENCE) && imprint.ReadASN1(&sum, tag.OCTET_STRING) && imprint.Empty() &&
		info.ReadASN1Integer(new(big.Int)) && info.ReadASN1(&at, tag.GeneralizedTime) &&
		info.SkipOptionalASN1(tag.SEQUENCE) && info.SkipOptionalASN1(tag.BOOLEAN)
	if ok && info.PeekASN1Tag(tag.INTEGER) {
		t.Nonce = new(big.Int)
		ok = info.ReadASN1Integer(t.Nonce)
	}
	if !ok || !info.SkipOptionalASN1(tag0) || !info.ReadOptionalASN1(&extensions, &has, tag1) || !info.Empty() {
		return Token{}, errForm
	}
	if oid, err := algorithm(alg); err != nil || !oid.Equal(hashes[0].oid) || len(sum) != sha256.Size {
		return Token{}, errors.New("it is over another digest than SHA-256")
	}
	if has && critical(extensions) {
		return Token{}, errors.New("it has an extension that must be understood, and is not")
	}
	t.imprint = sum
	t.Time, err = time.Parse("20060102150405Z", string(at))
	if err != nil || !generalized.Match(at) {
		return Token{}, errors.New("its time cannot be read")
	}
	return t, nil
}

// critical reports whether one of a list of extensions must be understood, or cannot be read.
func critical(list cryptobyte.String) bool {
	for !list.Empty() {
		var ext, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		must := false
		if !list.ReadASN1(&ext, tag.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&oid) || ext.PeekASN1Tag(tag.BOOLEAN) && !ext.ReadASN1Boolean(&must) ||
			!ext.ReadASN1(&value, tag.OCTET_STRING) || !ext.Empty() || must {
			return true
		}
	}
	return false
}
