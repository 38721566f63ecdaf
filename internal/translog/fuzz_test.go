package translog

import (
	"bytes"
	"testing"
	"time"
)

func FuzzDecodeLeaf(f *testing.F) {
	f.Add(sampleLeaf(3))
	f.Add([]byte(leafLabel + "page\n{}\n"))
	for _, l := range seedLeaves() {
		b, err := l.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := DecodeLeaf(b)
		if err != nil {
			return
		}
		if again, err := l.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is also written %q (%v)", b, again, err)
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"\n\u0001é"}],"c":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeJSON(b)
		if err != nil {
			return
		}
		if again, err := EncodeJSON(v); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is also written %q (%v)", b, again, err)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	key, _ := NewSigningKey("exhibit/ws_test", false)
	witness, _ := NewSigningKey("w.example.com", true)
	f.Add(Checkpoint{"exhibit/ws_test", 3, Hash{}}.Sign(time.Unix(1, 0), key, witness))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, n, err := OpenCheckpoint(b)
		if err != nil {
			return
		}
		if !bytes.Equal(n.Bytes(), b) || !bytes.Equal(c.Text(), n.Text) {
			t.Errorf("%q is also written %q", b, n.Bytes())
		}
		_, _, _ = n.Signed(key.Verifier(), witness.Verifier())
	})
}

func FuzzParseProof(f *testing.F) {
	f.Add(Proof{3, []Hash{{1}, {2}}, []byte("x\n1\n\n")}.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProof(b)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Bytes(), b) {
			t.Errorf("%q is also written %q", b, p.Bytes())
		}
		_, _ = p.Check([]byte("leaf"))
	})
}

func FuzzParsePolicy(f *testing.F) {
	key, _ := NewSigningKey("exhibit/ws_test", false)
	f.Add(TrustLog(key.Verifier()))
	f.Add([]byte("group a any b\nquorum a"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		p, err := ParsePolicy(b)
		if err == nil {
			_, _ = p.Judge(Note{})
		}
	})
}

func FuzzReadEntry(f *testing.F) {
	f.Add(AppendEntry(AppendEntry(nil, sampleLeaf(1)), sampleLeaf(2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		var again []byte
		for {
			leaf, err := ReadEntry(r, nil)
			if err != nil {
				if err.Error() == "EOF" && !bytes.Equal(again, b) {
					t.Errorf("%q is also written %q", b, again)
				}
				return
			}
			again = AppendEntry(again, leaf)
		}
	})
}

func FuzzParseSubmission(f *testing.F) {
	f.Add(Submission{3, []Hash{{1}, {2}}, []byte("x\n1\n\n")}.Bytes())
	f.Add(Submission{}.Bytes())
	f.Add([]byte("old 3\nAQAAAAAAAAAAAAAAAAAAAAAAA\rAAAAAAAAAAAAAAAAAA=\nAgAAAAAAAAAAAAAA0AAAAAAAAAAAAAAAAAAAAAXAAAA=\n\n")) // a line break within base64
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSubmission(b)
		if err == nil && !bytes.Equal(s.Bytes(), b) {
			t.Errorf("%q is also written %q", b, s.Bytes())
		}
	})
}

func FuzzWithLines(f *testing.F) {
	key, _ := NewSigningKey("log.example.com", false)
	witness, _ := NewSigningKey("w.example.com", true)
	c := Checkpoint{"log.example.com", 3, Hash{1}}
	n, _ := ParseNote(c.Sign(time.Unix(1, 0), key))
	f.Add([]byte(c.Cosign(time.Unix(1, 0), witness)))
	f.Add([]byte("— w.example.com AAAA\n\n— x\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		with, ok := n.WithLines(lines, witness.Verifier())
		again, err := ParseNote(with.Bytes())
		if err != nil {
			t.Fatalf("%q makes a note that cannot be read: %v", lines, err)
		}
		if _, _, err := again.Signed(witness.Verifier()); ok != (err == nil) {
			t.Errorf("%q: added %t, signed %v", lines, ok, err)
		}
	})
}
