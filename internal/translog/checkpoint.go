package translog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Checkpoint is the state of a log at one moment (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// Text is the part that is signed: three lines.
func (c Checkpoint) Text() []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, strict.EncodeToString(c.Root[:]))
}

// TextHash is the SHA-256 of the text: what a time stamp is over, and what a leaf calls a checkpoint by.
func (c Checkpoint) TextHash() Hash { return sha256.Sum256(c.Text()) }

// ErrCheckpoint says that a text is no checkpoint.
var ErrCheckpoint = errors.New("it is not a checkpoint of three lines")

// ParseCheckpoint reads the text of a checkpoint. Extension lines are refused: this log writes none.
func ParseCheckpoint(text []byte) (Checkpoint, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, ErrCheckpoint
	}
	size, ok := ParseMillis(lines[1])
	root, err := decode64(lines[2])
	if !ok || size < 0 || err != nil || len(root) != HashSize {
		return Checkpoint{}, ErrCheckpoint
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}, nil
}

// OpenCheckpoint takes a signed checkpoint apart. It checks no signature.
func OpenCheckpoint(b []byte) (Checkpoint, Note, error) {
	n, err := ParseNote(b)
	if err != nil {
		return Checkpoint{}, Note{}, err
	}
	c, err := ParseCheckpoint(n.Text)
	return c, n, err
}

// Sign signs the checkpoint with each key, at a time that cosignatures tell.
func (c Checkpoint) Sign(at time.Time, keys ...*SigningKey) []byte {
	text := c.Text()
	b := append(append([]byte{}, text...), '\n')
	for _, k := range keys {
		b = append(b, k.line(text, at)...)
	}
	return b
}

// Cosign gives a witness's signature line for the checkpoint.
func (c Checkpoint) Cosign(at time.Time, key *SigningKey) string { return key.line(c.Text(), at) }

// Pin is a state of the log that somebody wrote down: "size:root".
type Pin struct {
	Size int64
	Root Hash
}

// String gives size:root with the root in hex.
func (p Pin) String() string { return strconv.FormatInt(p.Size, 10) + ":" + p.Root.String() }

// ParsePin reads SIZE:ROOT; the root is hex, or base64 as in a checkpoint.
func ParsePin(s string) (Pin, error) {
	size, root, ok := strings.Cut(s, ":")
	n, okSize := ParseMillis(size)
	if !ok || !okSize || n < 0 {
		return Pin{}, fmt.Errorf("%.100q is not SIZE:ROOT", s)
	}
	h, err := ParseHash(strings.ToLower(root))
	if err != nil {
		raw, errBase := decode64(root)
		if errBase != nil || len(raw) != HashSize {
			return Pin{}, fmt.Errorf("%.100q is not SIZE:ROOT", s)
		}
		h = Hash(raw)
	}
	return Pin{n, h}, nil
}

const proofLabel = "c2sp.org/tlog-proof@v1"

// Proof is the proof that a leaf is in the log, as one text that can be mailed (C2SP tlog-proof).
type Proof struct {
	Index      int64
	Path       []Hash
	Checkpoint []byte // signed
}

// Bytes writes the proof.
func (p Proof) Bytes() []byte {
	b := fmt.Appendf(nil, "%s\nindex %d\n", proofLabel, p.Index)
	for _, h := range p.Path {
		b = append(append(b, strict.EncodeToString(h[:])...), '\n')
	}
	return append(append(b, '\n'), p.Checkpoint...)
}

// ErrProof says that a text is no proof.
var ErrProof = errors.New("it is not a proof of this format")

// ParseProof reads what Bytes writes. It never panics.
func ParseProof(b []byte) (Proof, error) {
	head, checkpoint, ok := strings.Cut(string(b), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(b) > 2*maxNote || len(lines) < 2 || len(lines) > 66 || lines[0] != proofLabel {
		return Proof{}, ErrProof
	}
	index, ok := strings.CutPrefix(lines[1], "index ")
	n, okIndex := ParseMillis(index)
	if !ok || !okIndex || n < 0 {
		return Proof{}, ErrProof
	}
	p := Proof{Index: n, Checkpoint: []byte(checkpoint)}
	for _, line := range lines[2:] {
		raw, err := decode64(line)
		if err != nil || len(raw) != HashSize {
			return Proof{}, ErrProof
		}
		p.Path = append(p.Path, Hash(raw))
	}
	return p, nil
}

// Check fails unless the proof shows that leaf is in the tree of its checkpoint. Whose the checkpoint is, is for Policy.
func (p Proof) Check(leaf []byte) (Checkpoint, error) {
	c, _, err := OpenCheckpoint(p.Checkpoint)
	if err != nil {
		return c, err
	}
	return c, CheckLeaf(p.Path, c.Size, c.Root, p.Index, LeafHash(leaf))
}

// Signed is a checkpoint with its signatures.
type Signed struct {
	Checkpoint
	VKey string // of the newest key that signs
	Note []byte
	At   time.Time
}

// Pin is size and root in the form that verify --pin takes.
func (s Signed) Pin() string { return Pin{Size: s.Size, Root: s.Root}.String() }

// Vouched is a signed checkpoint with what others say of it.
type Vouched struct {
	Signed
	Token []byte // RFC 3161; nil: none
}
