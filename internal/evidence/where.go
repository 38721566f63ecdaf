package evidence

import (
	"strings"
	"unicode"
)

// FormatWhere writes matches as ParseWhere reads them: KEY=VALUE pieces with spaces between them, values of one key with
// commas. A value that would be read otherwise stands in double quotes, in which a backslash takes the next character as
// it is.
func FormatWhere(where []Match) string {
	var b strings.Builder
	for i, m := range where {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(m.Key) + "=")
		for j, v := range m.Values {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoteValue(v))
		}
	}
	return b.String()
}

func quoteValue(v string) string {
	plain := func(r rune) bool { return r != ',' && r != '"' && r != '\\' && !unicode.IsSpace(r) }
	if v != "" && strings.IndexFunc(v, func(r rune) bool { return !plain(r) }) < 0 {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// ParseWhere reads what FormatWhere writes, and what a person writes in its manner. Errors are Invalid.
func ParseWhere(text string) ([]Match, error) {
	var where []Match
	for _, piece := range SplitWhere(text) {
		m, err := ParseMatch(piece)
		if err != nil {
			return nil, err
		}
		where = append(where, m)
	}
	return where, nil
}

// SplitWhere cuts text at spaces that are not in double quotes. The pieces keep their quotes.
func SplitWhere(text string) []string {
	var out []string
	start, quoted, escaped := -1, false, false
	for i, r := range text {
		switch {
		case unicode.IsSpace(r) && !quoted:
			if start >= 0 {
				out = append(out, text[start:i])
				start = -1
			}
			continue
		case escaped:
			escaped = false
		case r == '\\' && quoted:
			escaped = true
		case r == '"':
			quoted = !quoted
		}
		if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		out = append(out, text[start:])
	}
	return out
}

// splitValues cuts the values of a match at commas that are not in double quotes, and takes the quotes off. Quotes begin
// at the start of a value only; elsewhere they are characters like any other.
func splitValues(text string) []string {
	var out []string
	for {
		value, rest, more := nextValue(text)
		out = append(out, value)
		if !more {
			return out
		}
		text = rest
	}
}

func nextValue(text string) (value, rest string, more bool) {
	if !strings.HasPrefix(text, `"`) {
		return strings.Cut(text, ",")
	}
	var b strings.Builder
	escaped := false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case escaped:
			b.WriteByte(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			tail, rest, more := strings.Cut(text[i+1:], ",")
			return b.String() + tail, rest, more
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", false // a quote was left open
}

// Unquote takes the quotes off a piece of SplitWhere that is no match.
func Unquote(piece string) string {
	if !strings.Contains(piece, `"`) {
		return piece
	}
	return strings.ReplaceAll(strings.Join(splitValues(piece), ","), `"`, "")
}
