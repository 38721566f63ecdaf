package framework

import (
	"cmp"
	"strings"
)

// Order compares two identifiers as a person would sort them: runs of digits by their number, so that A.5.9 comes before
// A.5.10, and everything else by its characters.
func Order(a, b string) int {
	for a != "" && b != "" {
		x, restA := run(a)
		y, restB := run(b)
		if digit(x[0]) && digit(y[0]) {
			nx, ny := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(nx), len(ny)), strings.Compare(nx, ny)); c != 0 {
				return c
			}
		} else if c := strings.Compare(x, y); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// run cuts the digits, or the one character that is none, off the front of a text that is not empty.
func run(s string) (head, rest string) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	n = max(n, 1)
	return s[:n], s[n:]
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
