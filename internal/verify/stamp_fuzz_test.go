package verify

import (
	"crypto/x509"
	"testing"
)

// FuzzStamp holds that no token of a stranger is taken without a root that is trusted, and that none makes the verifier panic.
func FuzzStamp(f *testing.F) {
	f.Add([]byte("0"), []byte("data"))
	f.Add([]byte{0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}, []byte("data"))
	roots := x509.NewCertPool()
	f.Fuzz(func(t *testing.T, token, data []byte) {
		if at, err := stamp3161(token, data, roots); err == nil {
			t.Errorf("a token that nobody vouches for says %s", at)
		}
	})
}

// FuzzProof holds that the proof of a leaf is never more than consistent without a policy, and that none makes it panic.
func FuzzProof(f *testing.F) {
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\nx\n1\n\n"), []byte("exhibit/leaf/v1 page\n{}\n"))
	f.Fuzz(func(t *testing.T, proof, leaf []byte) {
		if r := Proof(proof, leaf, nil); r.Verdict.Reaches(Authentic) {
			t.Errorf("%+v", r)
		}
	})
}
