package chart

import "math/bits"

// Proof is how a leaf of the log leads to what people outside say of it.
type Proof struct {
	Leaf, Size int64  // number of the leaf, and how many the checkpoint is over; Size 0: it was not signed yet
	Signed     string // when the checkpoint was signed
	Witnesses  Voucher
	Stamp      Voucher
}

// Voucher is somebody outside, as the drawing tells of him.
type Voucher struct {
	Name  string // "2 witnesses"
	Says  string // when he vouched, or why he does not
	Given bool
}

// Sides tells of each step from a leaf up to the root whether what it is hashed with stands to its left, as in RFC 6962.
func Sides(leaf, size int64) []bool {
	if size <= 1 || leaf < 0 || leaf >= size {
		return nil
	}
	half := int64(1) << (bits.Len64(uint64(size-1)) - 1)
	if leaf < half {
		return append(Sides(leaf, half), false)
	}
	return append(Sides(leaf-half, size-half), true)
}

// The boxes of a proof, on a wide screen and on a phone, in their own units.
const (
	proofWidth, proofHeight = 660.0, 158.0
	tallWidth, tallHeight   = 350.0, 262.0
	proofBox, proofBoxHigh  = 132.0, 52.0
	proofSeal, proofOut     = 356.0, 524.0 // where the checkpoint and those who vouch for it begin
	proofStep               = 34.0         // between the levels of a small tree
)

// way is where the path of a proof is drawn: from the left at most up to the root.
type way struct{ left, root, middle, off float64 }

func wideWay() way { return way{34, 318, 76, 34} }

func tallWay() way { return way{24, 262, 42, 26} }

// step is the distance of two levels. A tree of many levels is drawn closer.
func (w way) step(levels int) float64 {
	if levels == 0 {
		return proofStep
	}
	return min(proofStep, (w.root-w.left)/float64(levels))
}

// node is a hash on the way up, and the one that it is hashed with.
type node struct{ X, Y, FromX, OtherX, OtherY string }

// steps gives the nodes of the path.
func (p Proof) steps(w way) []node {
	sides := Sides(p.Leaf, p.Size)
	step := w.step(len(sides))
	var out []node
	for i, left := range sides {
		x := w.root - step*float64(len(sides)-1-i)
		y := w.middle + w.off
		if left {
			y = w.middle - w.off
		}
		out = append(out, node{coord(x), coord(w.middle), coord(x - step), coord(x - step), coord(y)})
	}
	return out
}

// start is where the leaf is drawn.
func (p Proof) start(w way) float64 {
	levels := len(Sides(p.Leaf, p.Size))
	return w.root - w.step(levels)*float64(max(levels, 1))
}

func box(width, height float64) string { return "0 0 " + coord(width) + " " + coord(height) }
