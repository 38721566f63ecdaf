package translog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Submission is what a log sends to a witness (C2SP tlog-witness, add-checkpoint): a signed checkpoint, and the proof that
// it goes on from the tree of Old leaves, the last one that the witness cosigned.
type Submission struct {
	Old   int64
	Proof []Hash
	Note  []byte // the signed checkpoint
}

// maxSubmitted is how many hashes a submission may have: a tree of 2^63 leaves needs no more.
const maxSubmitted = 63

// MaxSubmission is the size of the largest submission in bytes.
const MaxSubmission = maxNote + maxSubmitted*45 + 32

// ErrSubmission says that a text is no submission.
var ErrSubmission = errors.New("it is not a checkpoint with a proof as add-checkpoint takes it")

// Bytes writes the submission.
func (s Submission) Bytes() []byte {
	b := strconv.AppendInt([]byte("old "), s.Old, 10)
	for _, h := range s.Proof {
		b = append(append(b, '\n'), strict.EncodeToString(h[:])...)
	}
	return append(append(b, "\n\n"...), s.Note...)
}

// ParseSubmission reads what Bytes writes. It checks neither proof nor signature, and never panics.
func ParseSubmission(b []byte) (Submission, error) {
	head, note, ok := bytes.Cut(b, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	old, ok2 := strings.CutPrefix(lines[0], "old ")
	size, ok3 := ParseMillis(old)
	if !ok || !ok2 || !ok3 || size < 0 || len(lines) > 1+maxSubmitted || len(b) > MaxSubmission {
		return Submission{}, ErrSubmission
	}
	s := Submission{Old: size, Note: note}
	for _, line := range lines[1:] {
		raw, err := decode64(line)
		if err != nil || len(raw) != HashSize {
			return Submission{}, ErrSubmission
		}
		s.Proof = append(s.Proof, Hash(raw))
	}
	return s, nil
}

// WithLines adds the signature lines that a key made to a signed checkpoint, in place of those that it has of that key, and
// passes over all others. ok is false if none of them is the key's and verifies.
func (n Note) WithLines(lines []byte, key Key) (with Note, ok bool) {
	with.Text = n.Text
	for _, s := range n.Signatures {
		if !s.By(key) {
			with.Signatures = append(with.Signatures, s)
		}
	}
	for line := range bytes.Lines(lines) {
		s, err := parseLine(string(line))
		if err != nil || !bytes.HasSuffix(line, []byte("\n")) || len(with.Signatures) >= maxSignatures {
			continue
		}
		if _, good := s.Verify(key, n.Text); good {
			with.Signatures = append(with.Signatures, s)
			return with, true
		}
	}
	return n, false
}

// Only leaves of the signature lines those of the keys.
func (n Note) Only(keys ...Key) Note {
	with := Note{Text: n.Text}
	for _, s := range n.Signatures {
		for _, k := range keys {
			if s.By(k) {
				with.Signatures = append(with.Signatures, s)
				break
			}
		}
	}
	return with
}

// Cosigned gives who countersigned, by the lines alone: nothing is checked. It is for notes whose lines were checked before
// they were kept.
func (n Note) Cosigned() []Cosigned {
	var all []Cosigned
	for _, s := range n.Signatures {
		if len(s.raw) == 8+ed25519.SignatureSize {
			all = append(all, Cosigned{s.Name, time.Unix(int64(binary.BigEndian.Uint64(s.raw)&(1<<40-1)), 0).UTC()})
		}
	}
	return all
}
