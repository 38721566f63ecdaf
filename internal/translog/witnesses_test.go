package translog

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestTrustWitnessed writes policies of witnesses and reads them again.
func TestTrustWitnessed(t *testing.T) {
	key, _ := NewSigningKey("exhibit/ws_test", false)
	a, _ := NewSigningKey("a.example.com", true)
	b, _ := NewSigningKey("b.example.com", true)
	wa, err := ParseWitness("https://a.example.com/w#" + a.Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	wb, err := ParseWitness("http://127.0.0.1:8090#" + b.Verifier().String())
	if err != nil {
		t.Fatal(err)
	}
	if wa.Name != "a.example.com" || wa.URL != "https://a.example.com/w" {
		t.Errorf("%+v", wa)
	}
	c := Checkpoint{key.Verifier().Name, 3, Hash{1}}
	note := func(signers ...*SigningKey) Note {
		n, err := ParseNote(c.Sign(time.Unix(1, 0), append([]*SigningKey{key}, signers...)...))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, test := range []struct {
		witnesses []Witness
		note      Note
		quorum    bool
	}{
		{nil, note(a, b), false},
		{[]Witness{wa}, note(), false},
		{[]Witness{wa}, note(b), false},
		{[]Witness{wa}, note(a), true},
		{[]Witness{wa, wb}, note(a), false},
		{[]Witness{wa, wb}, note(a, b), true},
	} {
		p, err := AllOf(test.witnesses...)
		if err != nil {
			t.Fatal(err)
		}
		text := TrustWitnessed(p, key.Verifier())
		again, err := ParsePolicy(text)
		if err != nil || !bytes.Equal(TrustWitnessed(again, again.Logs...), text) {
			t.Fatalf("%s is not read as it was written: %v", text, err)
		}
		j, err := again.Judge(test.note)
		if err != nil || !j.Logged || j.Quorum != test.quorum {
			t.Errorf("%s with %d signatures: %+v %v", text, len(test.note.Signatures), j, err)
		}
	}
	for _, bad := range []string{"", "https://a.example.com", "https://a.example.com#x", "#" + a.Verifier().String(), "https://a.example.com#" + key.Verifier().String()} {
		if _, err := ParseWitness(bad); err == nil {
			t.Errorf("%q is taken for a witness", bad)
		}
	}
	text := "witness x " + a.Verifier().String() + "\nwitness y " + b.Verifier().String() + "\ngroup g 1 x y\nquorum g\n"
	p, err := ParseWitnesses([]byte(text))
	if err != nil || !strings.HasSuffix(string(TrustWitnessed(p, key.Verifier())), text) {
		t.Errorf("%v: %s", err, TrustWitnessed(p, key.Verifier()))
	}
	if _, err := ParsePolicy([]byte(text)); err == nil {
		t.Error("a policy for a verifier without a log is taken")
	}
}

// TestWithLines adds what a witness answers, and nothing else of it.
func TestWithLines(t *testing.T) {
	key, _ := NewSigningKey("exhibit/ws_test", false)
	w, _ := NewSigningKey("w.example.com", true)
	foreign, _ := NewSigningKey("w.example.com", true)
	c, other := Checkpoint{key.Verifier().Name, 3, Hash{1}}, Checkpoint{key.Verifier().Name, 3, Hash{2}}
	n, err := ParseNote(c.Sign(time.Unix(1, 0), key))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_790_000_000, 0)
	for lines, good := range map[string]bool{
		"":                    false,
		"nonsense":            false,
		c.Cosign(at, foreign): false,
		other.Cosign(at, w):   false,
		c.Cosign(at, w):       true,
		c.Cosign(at, foreign) + "— x y\n" + other.Cosign(at, w) + c.Cosign(at, w): true,
		strings.TrimSuffix(c.Cosign(at, w), "\n"):                                 false,
	} {
		with, ok := n.WithLines([]byte(lines), w.Verifier())
		if ok != good || len(with.Signatures) != 1+map[bool]int{true: 1}[good] {
			t.Errorf("%q: %t with %d signatures", lines, ok, len(with.Signatures))
		}
		if good && (len(with.Cosigned()) != 1 || !with.Cosigned()[0].At.Equal(at)) {
			t.Errorf("%q: %v", lines, with.Cosigned())
		}
	}
	once, _ := n.WithLines([]byte(c.Cosign(at, w)), w.Verifier())
	if twice, ok := once.WithLines([]byte(c.Cosign(at.Add(time.Hour), w)), w.Verifier()); !ok || len(twice.Signatures) != 2 {
		t.Errorf("a second signature of one witness stands beside the first: %d", len(twice.Signatures))
	}
	if only := once.Only(key.Verifier()); len(only.Signatures) != 1 || len(only.Cosigned()) != 0 {
		t.Errorf("signatures of others are left: %s", only.Bytes())
	}
}
