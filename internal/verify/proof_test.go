package verify_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// TestProof judges proofs of a single leaf, good ones and forged ones.
func TestProof(t *testing.T) {
	key, _ := translog.NewSigningKey("log.example.com/ws", false)
	other, _ := translog.NewSigningKey("log.example.com/ws", false)
	alias, _ := translog.NewSigningKey("log.example.com/other", false)
	w, _ := translog.NewSigningKey("w.example.com", true)
	now := time.Unix(1_790_000_000, 0)
	leafAt := func(at time.Time) []byte {
		b, err := translog.Leaf{Kind: translog.KindGenesis, Fields: translog.Fields{"at": at.UnixMilli(), "origin": "log.example.com/ws", "build": "b", "parent": "", "format": int64(1)}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	leaf := leafAt(now)
	proofOf := func(leaf []byte, signers ...*translog.SigningKey) []byte {
		c := translog.Checkpoint{Origin: "log.example.com/ws", Size: 1, Root: translog.LeafHash(leaf)}
		return translog.Proof{Checkpoint: c.Sign(now, signers...)}.Bytes()
	}
	policy := func(text string) *translog.Policy {
		p, err := translog.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := policy("log " + key.Verifier().String() + "\n")
	watched := policy("log " + key.Verifier().String() + "\nwitness w " + w.Verifier().String() + "\nquorum w\n")
	good, strange := proofOf(leaf, key, w), []byte("exhibit/leaf/v1 murmur\n{\"at\":1}\n")
	late := leafAt(now.Add(time.Hour))
	for _, test := range []struct {
		name        string
		proof, leaf []byte
		policy      *translog.Policy
		want        verify.Verdict
		code        string
	}{
		{"nobody is trusted", good, leaf, nil, verify.Consistent, ""},
		{"the log's key", good, leaf, plain, verify.Authentic, ""},
		{"and its witness", good, leaf, watched, verify.Witnessed, ""},
		{"a witness is missing", proofOf(leaf, key), leaf, watched, verify.Authentic, "quorum_missing"},
		{"another key", proofOf(leaf, other), leaf, plain, verify.Consistent, "log_key_unknown"},
		{"the key of another log", proofOf(leaf, alias), leaf, policy("log " + alias.Verifier().String()), verify.Failed, "origin"},
		{"another leaf", good, late, plain, verify.Failed, "proof"},
		{"no proof", []byte("x"), leaf, plain, verify.Failed, "proof"},
		{"a signature is wrong", bytes.Replace(good, []byte("\n1\n"), []byte("\n01\n"), 1), leaf, plain, verify.Failed, "proof"},
		{"a leaf that this version does not know", proofOf(strange, key), strange, plain, verify.Unknown, "leaf_unknown"},
		{"a leaf that is later than who saw it", proofOf(late, key, w), late, watched, verify.Failed, "postdated"},
	} {
		r := verify.Proof(test.proof, test.leaf, test.policy)
		if r.Verdict != test.want || (test.code == "") != (len(r.Failures) == 0) || test.code != "" && r.Failures[0].Code != test.code {
			t.Errorf("%s: %s %v", test.name, r.Verdict, r.Failures)
		}
	}
	for i := range good { // no flipped bit is taken for the same
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if r := verify.Proof(bad, leaf, watched); r.Verdict == verify.Witnessed {
			t.Errorf("byte %d may change", i)
		}
	}
}
