package translog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/bits"
)

// HashSize is the size of every hash, salt and commitment, in bytes.
const HashSize = sha256.Size

// Hash is a SHA-256 value.
type Hash [HashSize]byte

// String gives lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String writes.
func ParseHash(s string) (Hash, error) {
	var h Hash
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != HashSize || hex.EncodeToString(b) != s {
		return h, fmt.Errorf("%.80q is not a hash in lower-case hex", s)
	}
	return Hash(b), nil
}

// Tag says what a commitment is about, so that one can never be shown as another. The list is closed.
type Tag string

// The tags.
const (
	TagEvent   Tag = "event"         // the bytes of one event in a page
	TagGap     Tag = "page-gap"      // the bytes between events in a page
	TagFile    Tag = "artifact-file" // a rendering or the provenance of an artifact version
	TagActor   Tag = "actor"         // who did something
	TagComment Tag = "comment"       // what a person wrote
	TagSubject Tag = "subject"       // what something was done to, in words
	TagScope   Tag = "scope"         // what an export is about
	TagToken   Tag = "token"         // what is known of a credential
)

// Salt makes a commitment tell nothing of the data to whoever does not have it.
type Salt [HashSize]byte

// NewSalt makes a fresh salt. crypto/rand never fails.
func NewSalt() Salt {
	var s Salt
	rand.Read(s[:])
	return s
}

const commitLabel = "exhibit/commit/v1\x00"

// Commit gives the commitment to data.
func Commit(tag Tag, salt Salt, data []byte) Hash {
	c := newCommitter(tag)
	return c.commit(salt, data)
}

// committer makes commitments of one tag without making garbage.
type committer struct {
	h      hash.Hash
	prefix []byte // label, tag, room for salt and length
	saltAt int
}

func newCommitter(tag Tag) *committer {
	p := append([]byte(commitLabel), byte(len(tag)))
	p = append(p, tag...)
	at := len(p)
	return &committer{h: sha256.New(), prefix: append(p, make([]byte, HashSize+8)...), saltAt: at}
}

func (c *committer) commit(salt Salt, data []byte) (sum Hash) {
	copy(c.prefix[c.saltAt:], salt[:])
	binary.BigEndian.PutUint64(c.prefix[c.saltAt+HashSize:], uint64(len(data)))
	c.h.Reset()
	c.h.Write(c.prefix)
	c.h.Write(data)
	c.h.Sum(sum[:0])
	return sum
}

const saltLabel = "exhibit/salt/v1"

// Salts are the salts of the segments of one page. As long as none of them was deleted they follow from one seed; when one
// is deleted the others are kept one by one, so that nothing has to be committed to anew.
//
//	0x01 || seed (32 bytes)                       salt i = SHA-256("exhibit/salt/v1" || seed || uint64(i))
//	0x02 || for each segment 0x01 || salt, or 0x00 || commitment of a segment that was erased
type Salts []byte

// NewSalts makes the salts of a page.
func NewSalts() Salts {
	s := make(Salts, 1+HashSize)
	s[0] = 1
	rand.Read(s[1:])
	return s
}

// ErrSalts says that stored salts are not what NewSalts makes.
var ErrSalts = errors.New("the salts of a page are damaged")

// ErrErased says that the salt of a segment was deleted with its bytes.
var ErrErased = errors.New("it was erased")

// salter gives the salts of segments in order.
type salter struct {
	block [len(saltLabel) + HashSize + 8]byte
	each  []byte // of a page of which something was erased: a mark and 32 bytes per segment
}

// What stands before the 32 bytes of a segment in the second form.
const (
	saltKept   = 1
	saltErased = 0
)

func (s Salts) salter() (*salter, error) {
	switch {
	case len(s) == 1+HashSize && s[0] == 1:
		r := &salter{}
		copy(r.block[:], saltLabel)
		copy(r.block[len(saltLabel):], s[1:])
		return r, nil
	case len(s) > 1 && s[0] == 2 && (len(s)-1)%(1+HashSize) == 0 && (len(s)-1)/(1+HashSize)%2 == 1:
		for i := 1; i < len(s); i += 1 + HashSize {
			if s[i] != saltKept && (s[i] != saltErased || (i-1)/(1+HashSize)%2 == 0) { // gaps are never erased
				return nil, ErrSalts
			}
		}
		return &salter{each: s[1:]}, nil
	}
	return nil, ErrSalts
}

// at gives the salt of segment i; of one that was erased, its commitment.
func (r *salter) at(i int) (salt Salt, erased bool) {
	if r.each != nil {
		at := i * (1 + HashSize)
		return Salt(r.each[at+1 : at+1+HashSize]), r.each[at] == saltErased
	}
	binary.BigEndian.PutUint64(r.block[len(saltLabel)+HashSize:], uint64(i))
	return sha256.Sum256(r.block[:]), false
}

// holds reports whether there are salts for n segments and, where each has its own, for no more.
func (r *salter) holds(n int) bool { return r.each == nil || len(r.each) == n*(1+HashSize) }

// At gives the salt of segment i. It fails with ErrErased if that was deleted.
func (s Salts) At(i int) (Salt, error) {
	r, err := s.salter()
	if err != nil {
		return Salt{}, err
	}
	if i < 0 || r.each != nil && i >= len(r.each)/(1+HashSize) {
		return Salt{}, ErrSalts
	}
	salt, erased := r.at(i)
	if erased {
		return Salt{}, ErrErased
	}
	return salt, nil
}

// Erased reports which records of a page were erased; nil: none.
func (s Salts) Erased() []int {
	r, err := s.salter()
	if err != nil || r.each == nil {
		return nil
	}
	var out []int
	for i := 1; i < len(r.each)/(1+HashSize); i += 2 {
		if _, erased := r.at(i); erased {
			out = append(out, i/2)
		}
	}
	return out
}

// PageRoot commits to a body as the row of its segments: gap 0, record 0, gap 1, … record n-1, gap n, which must cover the
// body. record gives where record i lies. The root is the RFC 6962 tree over the commitments of the segments, so that one
// root proves the bytes, each record by itself, their number and their order.
func PageRoot(body []byte, n int, record func(i int) (start, end int), salts Salts) (Hash, error) {
	var m merkle
	err := eachSegment(body, n, record, salts, func(x Hash) { m.add(x) })
	return m.root(), err
}

func eachSegment(body []byte, n int, record func(i int) (start, end int), salts Salts, fn func(Hash)) error {
	r, err := salts.salter()
	if err != nil {
		return err
	}
	if !r.holds(2*n + 1) {
		return ErrSalts
	}
	gaps, events := newCommitter(TagGap), newCommitter(TagEvent)
	gap := func(i int, b []byte) {
		salt, _ := r.at(i)
		fn(gaps.commit(salt, b))
	}
	at := 0
	for i := range n {
		start, end := record(i)
		if start < at || end < start || end > len(body) {
			return fmt.Errorf("record %d lies at %d to %d, behind %d of %d bytes", i, start, end, at, len(body))
		}
		gap(2*i, body[at:start])
		switch salt, erased := r.at(2*i + 1); {
		case !erased:
			fn(events.commit(salt, body[start:end]))
		case string(body[start:end]) != ErasedRecord:
			return fmt.Errorf("record %d was erased, and something stands in its place", i)
		default:
			fn(Hash(salt))
		}
		at = end
	}
	gap(2*n, body[at:])
	return nil
}

// RecordProof leads from one record to the root of its page: nothing else of the page is shown by it.
type RecordProof struct {
	Salt     Salt
	Segment  int // 2i+1 for record i
	Segments int // 2n+1
	Path     []Hash
}

// ProveRecord gives the proof of record i of a page.
func ProveRecord(body []byte, n int, record func(i int) (start, end int), salts Salts, i int) (RecordProof, error) {
	if i < 0 || i >= n {
		return RecordProof{}, fmt.Errorf("there is no record %d among %d", i, n)
	}
	var leaves []Hash
	if err := eachSegment(body, n, record, salts, func(x Hash) { leaves = append(leaves, leafOf(x)) }); err != nil {
		return RecordProof{}, err
	}
	salt, err := salts.At(2*i + 1)
	return RecordProof{Salt: salt, Segment: 2*i + 1, Segments: 2*n + 1, Path: path(leaves, 2*i+1)}, err
}

// Check reports whether raw is that record of the page with the given root.
func (p RecordProof) Check(raw []byte, root Hash) bool {
	if p.Segment < 0 || p.Segment >= p.Segments || p.Segment%2 != 1 {
		return false
	}
	got, ok := climb(leafOf(Commit(TagEvent, p.Salt, raw)), p.Segment, p.Segments, p.Path)
	return ok && got == root
}

// merkle is RFC 6962's tree hash over 32-byte values, of which each is a leaf.
type merkle struct {
	stack [64]Hash // roots of complete subtrees, largest first
	n     uint64
	depth int
}

func (m *merkle) add(x Hash) {
	h := leafOf(x)
	for n := m.n; n&1 == 1; n >>= 1 {
		m.depth--
		h = nodeOf(m.stack[m.depth], h)
	}
	m.stack[m.depth] = h
	m.depth++
	m.n++
}

func (m *merkle) root() Hash {
	if m.n == 0 {
		return sha256.Sum256(nil)
	}
	h := m.stack[m.depth-1]
	for i := m.depth - 2; i >= 0; i-- {
		h = nodeOf(m.stack[i], h)
	}
	return h
}

func leafOf(x Hash) Hash {
	var b [1 + HashSize]byte
	copy(b[1:], x[:])
	return sha256.Sum256(b[:])
}

func nodeOf(left, right Hash) Hash {
	var b [1 + 2*HashSize]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// split is the largest power of two below n, where RFC 6962 divides a tree.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

func treeOf(leaves []Hash) Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return nodeOf(treeOf(leaves[:k]), treeOf(leaves[k:]))
}

// path is RFC 6962's audit path, from the leaf up.
func path(leaves []Hash, i int) []Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(path(leaves[:k], i), treeOf(leaves[k:]))
	}
	return append(path(leaves[k:], i-k), treeOf(leaves[:k]))
}

// climb gives the root that a path leads to.
func climb(h Hash, i, n int, p []Hash) (Hash, bool) {
	if n == 1 {
		return h, len(p) == 0
	}
	if len(p) == 0 {
		return h, false
	}
	k, last := split(n), p[len(p)-1]
	if i < k {
		below, ok := climb(h, i, k, p[:len(p)-1])
		return nodeOf(below, last), ok
	}
	below, ok := climb(h, i-k, n-k, p[:len(p)-1])
	return nodeOf(last, below), ok
}
