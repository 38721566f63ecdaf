package view

import "strings"

// textLine is a line of a requirement's text.
type textLine struct {
	Depth int
	Text  string
}

// textLines splits a text; two blanks in front of a line are one step further in.
func textLines(s string) []textLine {
	var out []textLine
	for _, l := range strings.Split(s, "\n") {
		text := strings.TrimLeft(l, " ")
		if text != "" {
			out = append(out, textLine{(len(l) - len(text)) / 2, text})
		}
	}
	return out
}

// depthClass names the class of a depth; deeper than three looks like three.
func depthClass(depth int) string {
	return [...]string{"d0", "d1", "d2", "d3"}[min(depth, 3)]
}
