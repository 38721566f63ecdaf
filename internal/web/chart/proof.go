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

// The box of a proof in its own units.
const (
	proofWidth, proofHeight = 660.0, 158.0
	proofLeft, proofMiddle  = 34.0, 76.0
	proofRoot               = 318.0
	proofBox, proofBoxHigh  = 132.0, 52.0
	proofSeal, proofOut     = 356.0, 524.0
	proofStep               = 34.0 // between the levels of a small tree
)

// node is a hash on the way up, and the one that it is hashed with.
type node struct{ X, Y, FromX, OtherX, OtherY string }

// steps gives the nodes of the path. A tree of many levels is drawn closer.
func (p Proof) steps() []node {
	sides := Sides(p.Leaf, p.Size)
	step := proofStep
	if n := float64(len(sides)); n > 0 {
		step = min(step, (proofRoot-proofLeft)/n)
	}
	var out []node
	for i, left := range sides {
		x := proofRoot - step*float64(len(sides)-1-i)
		y := proofMiddle + 34
		if left {
			y = proofMiddle - 34
		}
		out = append(out, node{coord(x), coord(proofMiddle), coord(x - step), coord(x - step), coord(y)})
	}
	return out
}

// start is where the leaf is drawn.
func (p Proof) start() float64 {
	n := float64(len(Sides(p.Leaf, p.Size)))
	if n == 0 {
		return proofRoot - proofStep
	}
	return proofRoot - min(proofStep, (proofRoot-proofLeft)/n)*n
}

func (p Proof) viewBox() string { return "0 0 " + coord(proofWidth) + " " + coord(proofHeight) }
