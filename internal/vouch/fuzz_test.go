package vouch

import (
	"math/big"
	"testing"
)

// FuzzReadToken holds that no answer of an authority makes the client panic, and that none is taken for another question.
func FuzzReadToken(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, answer []byte) {
		if token, at, err := readToken(answer, []byte("data"), big.NewInt(7)); err == nil {
			t.Errorf("%x is taken, at %s", token, at)
		}
	})
}
