package translog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Nodes reads hashes of complete subtrees: that over the leaves n<<level to (n+1)<<level of the log. Reading them in one
// call lets a store answer with one query.
type Nodes func(at []Node) ([]Hash, error)

// Node names a complete subtree.
type Node struct {
	Level int
	N     int64
}

// Leaf gives the number of the leaf with which the subtree became complete.
func (n Node) Leaf() int64 { return (n.N+1)<<n.Level - 1 }

// reader is Nodes as package tlog wants it.
func (r Nodes) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		at := make([]Node, len(indexes))
		for i, x := range indexes {
			at[i].Level, at[i].N = tlog.SplitStoredHashIndex(x)
		}
		hashes, err := r(at)
		if err != nil {
			return nil, err
		}
		if len(hashes) != len(at) {
			return nil, fmt.Errorf("%d hashes of the log were read instead of %d", len(hashes), len(at))
		}
		out := make([]tlog.Hash, len(hashes))
		for i, h := range hashes {
			out[i] = tlog.Hash(h)
		}
		return out, nil
	})
}

// Grow gives the hashes that leaf n completes: its own, then those of the subtrees of 2, 4, 8, … leaves that end with it.
func Grow(n int64, leaf []byte, read Nodes) ([]Hash, error) {
	hashes, err := tlog.StoredHashes(n, leaf, read.reader())
	if err != nil {
		return nil, fmt.Errorf("growing the log: %w", err)
	}
	return fromTlog(hashes), nil
}

// LeafHash is the hash of a leaf in the tree.
func LeafHash(leaf []byte) Hash { return Hash(tlog.RecordHash(leaf)) }

// Root gives the root over the first size leaves.
func Root(size int64, read Nodes) (Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	h, err := tlog.TreeHash(size, read.reader())
	if err != nil {
		return Hash{}, fmt.Errorf("computing the root: %w", err)
	}
	return Hash(h), nil
}

// ProveLeaf gives the path from leaf n to the root over size leaves.
func ProveLeaf(size, n int64, read Nodes) ([]Hash, error) {
	p, err := tlog.ProveRecord(size, n, read.reader())
	if err != nil {
		return nil, fmt.Errorf("proving leaf %d: %w", n, err)
	}
	return fromTlog(p), nil
}

// CheckLeaf fails unless the path leads from a leaf with that hash at place n to the root over size leaves.
func CheckLeaf(path []Hash, size int64, root Hash, n int64, leaf Hash) error {
	if err := tlog.CheckRecord(tlog.RecordProof(toTlog(path)), size, tlog.Hash(root), n, tlog.Hash(leaf)); err != nil {
		return fmt.Errorf("leaf %d is not in the tree of %d leaves", n, size)
	}
	return nil
}

// ProveConsistency gives the proof that the tree of size leaves begins with that of old leaves; 0 < old <= size.
func ProveConsistency(size, old int64, read Nodes) ([]Hash, error) {
	p, err := tlog.ProveTree(size, old, read.reader())
	if err != nil {
		return nil, fmt.Errorf("proving consistency: %w", err)
	}
	return fromTlog(p), nil
}

// CheckConsistency fails unless the proof shows that the tree with the root over size leaves begins with the old one.
// Every tree begins with the empty one.
func CheckConsistency(proof []Hash, size int64, root Hash, old int64, oldRoot Hash) error {
	bad := fmt.Errorf("the tree of %d leaves does not go on from that of %d leaves", size, old)
	switch {
	case old == 0:
		if len(proof) > 0 || oldRoot != sha256.Sum256(nil) || size < 0 || size == 0 && root != oldRoot {
			return bad
		}
		return nil
	case old < 0 || size < old:
		return bad
	}
	if tlog.CheckTree(tlog.TreeProof(toTlog(proof)), size, tlog.Hash(root), old, tlog.Hash(oldRoot)) != nil {
		return bad
	}
	return nil
}

// Tile gives hash tile n of a level in the layout of C2SP tlog-tiles: width hashes, 1 to 256.
func Tile(level int, n int64, width int, read Nodes) ([]byte, error) {
	data, err := tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: n, W: width}, read.reader())
	if err != nil {
		return nil, fmt.Errorf("reading a tile: %w", err)
	}
	return data, nil
}

func fromTlog(in []tlog.Hash) []Hash {
	out := make([]Hash, len(in))
	for i, h := range in {
		out[i] = Hash(h)
	}
	return out
}

func toTlog(in []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(in))
	for i, h := range in {
		out[i] = tlog.Hash(h)
	}
	return out
}

// Fold rebuilds the tree from a frontier and the leaves behind it, and gives the root after each of them. The zero Fold is
// the empty tree.
type Fold struct {
	edge []Hash // roots of complete subtrees, largest first
	size int64
}

// NewFold begins behind start leaves, of which frontier are the complete subtrees, largest first.
func NewFold(start int64, frontier []Hash) (*Fold, error) {
	if start < 0 || len(frontier) != bits.OnesCount64(uint64(start)) {
		return nil, fmt.Errorf("a tree of %d leaves has a frontier of %d hashes, not %d", start, bits.OnesCount64(uint64(start)), len(frontier))
	}
	return &Fold{edge: append([]Hash{}, frontier...), size: start}, nil
}

// Add appends a leaf by its hash.
func (f *Fold) Add(leaf Hash) {
	for n := f.size; n&1 == 1; n >>= 1 {
		leaf = nodeOf(f.edge[len(f.edge)-1], leaf)
		f.edge = f.edge[:len(f.edge)-1]
	}
	f.edge = append(f.edge, leaf)
	f.size++
}

// Size is the number of leaves.
func (f *Fold) Size() int64 { return f.size }

// Frontier gives the roots of the complete subtrees, largest first.
func (f *Fold) Frontier() []Hash { return append([]Hash{}, f.edge...) }

// Root is the root of the tree.
func (f *Fold) Root() Hash {
	if len(f.edge) == 0 {
		return sha256.Sum256(nil)
	}
	h := f.edge[len(f.edge)-1]
	for i := len(f.edge) - 2; i >= 0; i-- {
		h = nodeOf(f.edge[i], h)
	}
	return h
}

// ErrEntries says that a row of leaves is framed wrongly.
var ErrEntries = errors.New("the leaves are cut off or framed wrongly")

// AppendEntry frames a leaf as in the entry bundles of C2SP tlog-tiles: two bytes of length, then the leaf.
func AppendEntry(b, leaf []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(leaf))), leaf...)
}

// ReadEntry reads one framed leaf into buf, which is made larger if need be; io.EOF at the end.
func ReadEntry(r io.Reader, buf []byte) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, ErrEntries
	}
	size := int(binary.BigEndian.Uint16(n[:]))
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil || size == 0 {
		return nil, ErrEntries
	}
	return buf, nil
}
