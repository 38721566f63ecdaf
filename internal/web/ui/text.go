package ui

import (
	"fmt"
	"strings"
	"unicode"
)

// Span is a piece of text from outside: either characters to show as they are or one that must be shown by its number.
type Span struct {
	Text string
	Odd  bool
}

// hidden reports whether a character shows nothing of itself or changes how others are shown: controls, bidi controls,
// zero-width and other format characters, private use, and what is no character at all.
func hidden(r rune) bool {
	switch {
	case r == unicode.ReplacementChar:
		return true
	case r == '\u00a0' || r == '\u3000':
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) ||
		r == '\u034f' || r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0'
}

// Spans splits hostile text so that nothing in it can hide: a line break becomes a space, every other character that
// does not show itself is given by its number.
func Spans(s string) []Span {
	var out []Span
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			out = append(out, Span{Text: plain.String()})
			plain.Reset()
		}
	}
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			plain.WriteByte(' ')
		case hidden(r):
			flush()
			out = append(out, Span{Text: fmt.Sprintf("U+%04X", r), Odd: true})
		default:
			plain.WriteRune(r)
		}
	}
	flush()
	return out
}

// Visible is Spans as plain text, with the numbers in brackets; for attributes.
func Visible(s string) string {
	var b strings.Builder
	for _, p := range Spans(s) {
		if p.Odd {
			b.WriteString("[" + p.Text + "]")
			continue
		}
		b.WriteString(p.Text)
	}
	return b.String()
}
