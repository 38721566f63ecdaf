package timestamp_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/timestamp"
	"github.com/exhibithq/exhibit/internal/vouch/tsatest"
)

var data = []byte("what is stamped")

// good is how a verifier looks at a token.
func good(token, data []byte, roots *x509.CertPool) error {
	t, err := timestamp.Read(token)
	if err != nil {
		return err
	}
	if !t.Of(data) {
		return x509.ErrUnsupportedAlgorithm
	}
	return t.TrustedBy(roots)
}

// authorities are one of each kind, with their roots.
func authorities(t *testing.T) map[string]*tsatest.TSA {
	t.Helper()
	return map[string]*tsatest.TSA{"ECDSA": tsatest.New(t), "RSA, with a certificate between": tsatest.RSA(t)}
}

func roots(t *testing.T, a *tsatest.TSA) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(a.Roots) {
		t.Fatal("no roots")
	}
	return p
}

// TestToken reads tokens of openssl, and lets openssl verify what became of them.
func TestToken(t *testing.T) {
	for name, a := range authorities(t) {
		t.Run(name, func(t *testing.T) {
			raw := a.Raw(data)
			if _, err := timestamp.Read(raw); err == nil || !strings.Contains(err.Error(), "one form") {
				t.Errorf("as openssl writes it, with its root: %v", err)
			}
			token, err := timestamp.Normal(raw)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := timestamp.Normal(token); err != nil || !bytes.Equal(again, token) {
				t.Errorf("the one form has another one: %v", err)
			}
			if err := good(token, data, roots(t, a)); err != nil {
				t.Error(err)
			}
			if err := good(token, data, roots(t, tsatest.New(t))); err == nil {
				t.Error("another authority's roots do")
			}
			got, err := timestamp.Read(token)
			if err != nil || time.Since(got.Time).Abs() > time.Minute || got.Nonce == nil || got.Of([]byte("other")) {
				t.Errorf("%+v, %v", got, err)
			}
			a.Verify(token, data)
		})
	}
}

// TestFlips flips every single bit of a token: none may be accepted, whether it says something or not.
func TestFlips(t *testing.T) {
	for name, a := range authorities(t) {
		t.Run(name, func(t *testing.T) {
			token, trust := a.Token(data), roots(t, a)
			for i := range token {
				for bit := range 8 {
					bad := bytes.Clone(token)
					bad[i] ^= 1 << bit
					if good(bad, data, trust) == nil {
						t.Errorf("bit %d of byte %d may change", bit, i)
					}
				}
			}
			t.Logf("%d flips, none accepted", 8*len(token))
		})
	}
}

// TestMutations changes tokens in ways that are larger than a bit: none may be accepted.
func TestMutations(t *testing.T) {
	for name, a := range authorities(t) {
		t.Run(name, func(t *testing.T) {
			token, trust, rng := a.Token(data), roots(t, a), rand.New(rand.NewPCG(3, 5))
			for n := range 20_000 {
				bad := bytes.Clone(token)
				at, size := rng.IntN(len(bad)), 1+rng.IntN(4)
				end := min(at+size, len(bad))
				switch n % 4 {
				case 0:
					bad = slices.Delete(bad, at, end)
				case 1:
					bad = slices.Insert(bad, at, byte(rng.IntN(256)))
				case 2:
					bad = slices.Insert(bad, at, bad[at:end]...)
				case 3:
					bad[at] = byte(rng.IntN(256))
				}
				if !bytes.Equal(bad, token) && good(bad, data, trust) == nil {
					t.Fatalf("mutation %d at byte %d may happen", n, at)
				}
			}
		})
	}
}

// node is an element of DER, to be changed and written again.
type node struct {
	class, tag int
	kids       []*node // of a constructed one
	bytes      []byte  // of another
	constructed,
	long bool // its length takes a byte more than it needs
}

func tree(t *testing.T, der []byte) []*node {
	t.Helper()
	var out []*node
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			t.Fatal(err)
		}
		n := &node{class: v.Class, tag: v.Tag, constructed: v.IsCompound, bytes: v.Bytes}
		if v.IsCompound {
			n.kids = tree(t, v.Bytes)
		}
		out, der = append(out, n), rest
	}
	return out
}

func (n *node) der() []byte {
	body := n.bytes
	if n.constructed {
		body = nil
		for _, k := range n.kids {
			body = append(body, k.der()...)
		}
	}
	head := byte(n.class<<6 | n.tag)
	if n.constructed {
		head |= 0x20
	}
	switch {
	case n.long:
		return append([]byte{head, 0x83, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	case len(body) < 128:
		return append([]byte{head, byte(len(body))}, body...)
	case len(body) < 256:
		return append([]byte{head, 0x81, byte(len(body))}, body...)
	}
	return append([]byte{head, 0x82, byte(len(body) >> 8), byte(len(body))}, body...)
}

func (n *node) kid(path ...int) *node {
	for _, i := range path {
		n = n.kids[i]
	}
	return n
}

var null = &node{tag: 5}

// TestOtherForms writes a token in ways that mean the same, or almost: Read takes none of them, and what Normal makes of them is the
// token that it was.
func TestOtherForms(t *testing.T) {
	a := tsatest.RSA(t)
	token := a.Token(data)
	// ContentInfo: 0 type, 1 [0]: 0 SignedData: 0 version, 1 digests, 2 content, 3 certificates, 4 signers: 0: 0 version, 1 signer,
	// 2 digest, 3 attributes, 4 algorithm, 5 signature
	signed, signer := []int{1, 0}, []int{1, 0, 4, 0}
	at := func(n *node, base []int, more ...int) *node { return n.kid(append(slices.Clone(base), more...)...) }
	foreign := tree(t, tsatest.New(t).Token(data))[0]
	for _, x := range []struct {
		name string
		same bool // Normal makes the token of it again
		do   func(n *node)
	}{
		{"another version", true, func(n *node) { at(n, signed, 0).bytes = []byte{4} }},
		{"another version of the signer", true, func(n *node) { at(n, signer, 0).bytes = []byte{3} }},
		{"a digest more in the list", true, func(n *node) {
			at(n, signed, 1).kids = append(at(n, signed, 1).kids, at(n, signed, 1, 0))
		}},
		{"no digest in the list", true, func(n *node) { at(n, signed, 1).kids = nil }},
		{"a digest with NULL", true, func(n *node) { at(n, signer, 2).kids = append(at(n, signer, 2).kids, null) }},
		{"a digest with other parameters", false, func(n *node) {
			at(n, signer, 2).kids = append(at(n, signer, 2).kids, &node{tag: 2, bytes: []byte{1}})
		}},
		{"the signature's other name", true, func(n *node) { at(n, signer, 4, 0).bytes = []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b") }},
		{"the signature's name without NULL", true, func(n *node) { at(n, signer, 4).kids = at(n, signer, 4).kids[:1] }},
		{"a signature by SHA-1", false, func(n *node) { at(n, signer, 4, 0).bytes = []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05") }},
		{"certificates in another order", true, func(n *node) { slices.Reverse(at(n, signed, 3).kids) }},
		{"a certificate twice", true, func(n *node) { at(n, signed, 3).kids = append(at(n, signed, 3).kids, at(n, signed, 3, 1)) }},
		{"a foreign certificate more", true, func(n *node) {
			at(n, signed, 3).kids = append(at(n, signed, 3).kids, at(foreign, signed, 3, 0))
		}},
		{"no certificates", false, func(n *node) { at(n, signed, 3).kids = nil }},
		{"a certificate with more behind its signature", false, func(n *node) {
			c := at(n, signed, 3, 1)
			c.kids = append(c.kids, null)
		}},
		{"a list of revoked certificates", true, func(n *node) {
			at(n, signed).kids = slices.Insert(at(n, signed).kids, 4, &node{class: 2, tag: 1, constructed: true, kids: []*node{{tag: 16, constructed: true}}})
		}},
		{"an attribute that is not signed", true, func(n *node) {
			at(n, signer).kids = append(at(n, signer).kids, &node{class: 2, tag: 1, constructed: true, kids: []*node{{tag: 16, constructed: true, kids: []*node{{tag: 6, bytes: []byte{0x2a, 3}}, {tag: 17, constructed: true}}}}})
		}},
		{"an attribute more among the signed ones", false, func(n *node) {
			at(n, signer, 3).kids = append(at(n, signer, 3).kids, at(n, signer, 3, 0))
		}},
		{"two signers", false, func(n *node) { at(n, signed, 4).kids = append(at(n, signed, 4).kids, at(n, signer)) }},
		{"no signer", false, func(n *node) { at(n, signed, 4).kids = nil }},
		{"another signer's name", false, func(n *node) { at(n, signer, 1, 1).bytes = []byte{9} }},
		{"a length in a longer form", false, func(n *node) { at(n, signed, 3).long = true }},
		{"the content in pieces", false, func(n *node) {
			c := at(n, signed, 2, 1)
			c.kids = []*node{{tag: 4, constructed: true, kids: []*node{c.kids[0]}}}
		}},
		{"the foreign token's content", false, func(n *node) { *at(n, signed, 2) = *at(foreign, signed, 2) }},
		{"the foreign token's signer", false, func(n *node) { *at(n, signer) = *at(foreign, signer) }},
		{"more behind everything", false, func(n *node) { n.kids = append(n.kids, null) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			n := tree(t, token)[0]
			if !bytes.Equal(n.der(), token) {
				t.Fatal("the token is not written as it was read")
			}
			x.do(n)
			bad := n.der()
			if good(bad, data, roots(t, a)) == nil {
				t.Error("it is taken")
			}
			made, err := timestamp.Normal(bad)
			if x.same && (err != nil || !bytes.Equal(made, token)) {
				t.Errorf("its one form is another one: %v", err)
			}
			if !x.same && err == nil {
				t.Error("a form is made of it")
			}
		})
	}
	if _, err := timestamp.Normal(append(bytes.Clone(token), 0)); err == nil {
		t.Error("a byte may stand behind it")
	}
}

// TestTwin takes the other one of the two ECDSA signatures that are as good.
func TestTwin(t *testing.T) {
	a := tsatest.New(t)
	token := a.Token(data)
	n := tree(t, token)[0]
	octets := n.kid(1, 0, 4, 0, 5)
	pair := tree(t, octets.bytes)[0]
	s := new(big.Int).SetBytes(pair.kid(1).bytes)
	order, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	twin, err := asn1.Marshal(new(big.Int).Sub(order, s))
	if err != nil {
		t.Fatal(err)
	}
	pair.kids[1] = tree(t, twin)[0]
	octets.bytes = pair.der()
	bad := n.der()
	if good(bad, data, roots(t, a)) == nil {
		t.Error("it is taken")
	}
	if made, err := timestamp.Normal(bad); err != nil || !bytes.Equal(made, token) {
		t.Errorf("it is no signature at all, so that this tests nothing: %v", err)
	}
}

// TestStrangeCertificate holds that a certificate of the chain that leads to no root of the verifier's is not passed over.
func TestStrangeCertificate(t *testing.T) {
	a := tsatest.RSA(t)
	token := a.Token(data)
	got, err := timestamp.Read(token)
	if err != nil || len(got.Chain) != 2 {
		t.Fatal(got.Chain, err)
	}
	onlySigner := x509.NewCertPool()
	onlySigner.AddCert(got.Chain[0])
	if err := good(token, data, onlySigner); err == nil || !strings.Contains(err.Error(), "Between") {
		t.Errorf("who trusts the signer alone passes over the certificate between: %v", err)
	}
}

func TestResponse(t *testing.T) {
	refusal := []byte{0x30, 0x0d, 0x30, 0x0b, 2, 1, 2, 0x30, 6, 12, 4, 'b', 'u', 's', 'y'}
	if _, err := timestamp.Response(refusal); err == nil || !strings.Contains(err.Error(), "status 2: busy") {
		t.Errorf("a refusal: %v", err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "no token": {0x30, 5, 0x30, 3, 2, 1, 0}, "no status": {0x30, 0}, "more behind": append(slices.Clone(refusal), 0)} {
		if _, err := timestamp.Response(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// FuzzToken holds that no token makes the reader panic, and that what Normal makes is what Read takes.
func FuzzToken(f *testing.F) {
	f.Add([]byte("0"))
	f.Add([]byte{0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02})
	f.Add(tsatest.New(f).Token(data))
	f.Fuzz(func(t *testing.T, token []byte) {
		_, rerr := timestamp.Read(token)
		normal, err := timestamp.Normal(token)
		if err != nil && rerr == nil || err == nil && (rerr == nil) != bytes.Equal(normal, token) {
			t.Errorf("Read says %v, Normal %v", rerr, err)
		}
		if again, err2 := timestamp.Normal(normal); err == nil && (err2 != nil || !bytes.Equal(again, normal)) {
			t.Errorf("the one form has another one: %v", err2)
		}
		_, _ = timestamp.Response(token)
	})
}
