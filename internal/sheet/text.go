package sheet

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// fit makes text that XML and a cell can hold. What XML cannot hold stands as its code point, [U+0007]; bytes that are no
// UTF-8 as the replacement character. Text that is too long is cut, and says so at its end.
func fit(s string) (text string, cut bool) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.ContainsFunc(s, unfit) {
		var b strings.Builder
		for _, r := range s {
			if unfit(r) {
				fmt.Fprintf(&b, "[U+%04X]", r)
			} else {
				b.WriteRune(r)
			}
		}
		s = b.String()
	}
	if len(s) <= maxCell { // there are never more UTF-16 units than bytes
		return s, false
	}
	units := lenUTF16(s)
	if units <= maxCell {
		return s, false
	}
	note := fmt.Sprintf("… [cut: %d of %d characters are shown]", maxCell-cutNote, units)
	return cutUTF16(s, maxCell-cutNote) + note, true
}

// cutNote is room enough for the note at the end of a cell that is cut.
const cutNote = 80

// unfit reports whether XML 1.0 cannot hold a character. The carriage return, which it can, would come back as a line feed.
func unfit(r rune) bool {
	switch {
	case r == '\t' || r == '\n':
		return false
	case r < 0x20 || r == 0xFFFE || r == 0xFFFF:
		return true
	}
	return 0xD800 <= r && r <= 0xDFFF
}

func lenUTF16(s string) int {
	n := 0
	for _, r := range s {
		n += units(r)
	}
	return n
}

// cutUTF16 gives the beginning of s in at most n UTF-16 units, never half a character.
func cutUTF16(s string, n int) string {
	for i, r := range s {
		if n -= units(r); n < 0 {
			return s[:i]
		}
	}
	return s
}

func units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// plain reports whether a text can stand in XML and in a cell as it is: not long, of printable ASCII, without what XML or
// spreadsheets read otherwise, and with no blank at its ends. Nearly all texts are.
func plain(s string) bool {
	if s == "" || len(s) > maxCell || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if !plainByte[s[i]] && (s[i] != '_' || escapeBegins(s[i:])) {
			return false
		}
	}
	return true
}

// plainByte are the characters of which nothing has to be known, wherever they stand.
var plainByte = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = !strings.ContainsRune(`&<>"_`, c)
	}
	return is
}()

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// appendEscaped appends text that fits as XML for content and attributes. _x0041_ is how a spreadsheet escapes a letter: the
// underscore that would begin such an escape is itself written as one.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '"':
			b = append(b, "&quot;"...)
		case c == '_' && escapeBegins(s[i:]):
			b = append(b, "_x005F_"...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// escapeBegins reports whether s begins as a spreadsheet's escape of a character does: _x and four hexadecimal digits and _.
func escapeBegins(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	for i := 2; i < 6; i++ {
		if c := s[i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
