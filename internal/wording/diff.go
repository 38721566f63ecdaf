package wording

import (
	"slices"
	"strings"
	"unicode"
)

// Piece is a run of words of one side of a comparison.
type Piece struct {
	Text    string
	Changed bool // it stands on this side alone
}

// mostCells bounds the table of the comparison; what differs in more words than that is shown as one change.
const mostCells = 1 << 20

// Diff compares two texts by words. The pieces of each side, one behind the other, are that text.
func Diff(before, after string) (left, right []Piece) {
	a, b := tokens(before), tokens(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	inA, inB := common(a[head:len(a)-tail], b[head:len(b)-tail])
	mark := func(all []string, same []bool) []Piece {
		var out []Piece
		for i, t := range all {
			changed := i >= head && i < len(all)-tail && !same[i-head]
			if n := len(out); n > 0 && out[n-1].Changed == changed {
				out[n-1].Text += t
				continue
			}
			out = append(out, Piece{t, changed})
		}
		return out
	}
	return mark(a, inA), mark(b, inB)
}

// common says which words of each side belong to the longest sequence that both have.
func common(a, b []string) (inA, inB []bool) {
	inA, inB = make([]bool, len(a)), make([]bool, len(b))
	if (len(a)+1)*(len(b)+1) > mostCells {
		return inA, inB
	}
	width := len(b) + 1
	best := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i*width+j] = max(best[(i+1)*width+j], best[i*width+j+1])
			if a[i] == b[j] {
				best[i*width+j] = best[(i+1)*width+j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			inA[i], inB[j] = true, true
			i, j = i+1, j+1
		case best[(i+1)*width+j] >= best[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return inA, inB
}

// tokens cuts a text into words with the white space behind them.
func tokens(s string) []string {
	var out []string
	for s != "" {
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 {
			return append(out, s)
		}
		for end < len(s) && slices.Contains([]byte(" \n\t\r"), s[end]) {
			end++
		}
		end = max(end, 1)
		out, s = append(out, s[:end]), s[end:]
	}
	return out
}
