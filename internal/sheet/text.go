package sheet

import (
	"bytes"
	"encoding/xml"
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

// coreProperties names the document. It holds no date and no person: those would differ from one writing to the next.
func coreProperties(title string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>`)
	title, _ = fit(title)
	_ = xml.EscapeText(&b, []byte(title)) // a bytes.Buffer takes everything
	b.WriteString(`</dc:title><dc:creator>Exhibit</dc:creator></cp:coreProperties>`)
	return b.Bytes()
}

func appProperties() []byte {
	return []byte(xml.Header + `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Exhibit</Application></Properties>`)
}
