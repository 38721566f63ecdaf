package translog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Fields is a JSON object of a leaf. Its values are Fields, []any, string, bool and int64; Encode takes int and []string
// too.
type Fields map[string]any

// maxInt is the largest integer that every JSON reader keeps exactly.
const maxInt = 1<<53 - 1

// maxDepth bounds how deep values may lie in one another.
const maxDepth = 16

// ErrNotCanonical says that a text is not the one and only way in which its value is written.
var ErrNotCanonical = errors.New("it is not canonical JSON")

// EncodeJSON writes f canonically: a subset of RFC 8785 without floats and null. Keys are sorted by their bytes and hold
// only a to z, 0 to 9, '_', '.' and '-'; there is no white space; integers lie between 0 and 2^53-1; of strings only
// what must be escaped is. It fails for values that have no such form.
func EncodeJSON(f Fields) ([]byte, error) { return appendObject(make([]byte, 0, 512), f, 0) }

func appendObject(b []byte, f Fields, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: it is nested too deep", ErrNotCanonical)
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(f)) {
		if !validKey(key) {
			return nil, fmt.Errorf("%w: the key %q", ErrNotCanonical, key)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), key...), '"', ':')
		var err error
		if b, err = appendValue(b, f[key], depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func validKey(key string) bool {
	for i := range len(key) {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return key != ""
}

func appendValue(b []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return appendInt(b, int64(v))
	case int64:
		return appendInt(b, v)
	case Fields:
		return appendObject(b, v, depth)
	case []string:
		list := make([]any, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return appendList(b, list, depth)
	case []any:
		return appendList(b, v, depth)
	}
	return nil, fmt.Errorf("%w: a value of type %T", ErrNotCanonical, v)
}

func appendInt(b []byte, v int64) ([]byte, error) {
	if v < 0 || v > maxInt {
		return nil, fmt.Errorf("%w: the number %d", ErrNotCanonical, v)
	}
	return strconv.AppendInt(b, v, 10), nil
}

func appendList(b []byte, list []any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: it is nested too deep", ErrNotCanonical)
	}
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%w: a text that is not UTF-8", ErrNotCanonical)
	}
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ':
			b = append(b, c)
		case c == '\b':
			b = append(b, `\b`...)
		case c == '\f':
			b = append(b, `\f`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(b, '"'), nil
}

// DecodeJSON reads what EncodeJSON writes and nothing else: a text that says the same in another way fails with
// ErrNotCanonical. It never panics.
func DecodeJSON(text []byte) (Fields, error) {
	r := reader{in: text}
	f, ok := r.object(0)
	if !ok || len(r.in) > 0 {
		return nil, ErrNotCanonical
	}
	again, err := EncodeJSON(f)
	if err != nil || string(again) != string(text) {
		return nil, ErrNotCanonical
	}
	return f, nil
}

// reader takes JSON apart loosely; that the text is canonical follows from encoding the result again.
type reader struct{ in []byte }

func (r *reader) take(c byte) bool {
	if len(r.in) == 0 || r.in[0] != c {
		return false
	}
	r.in = r.in[1:]
	return true
}

func (r *reader) word(w string) bool {
	if len(r.in) < len(w) || string(r.in[:len(w)]) != w {
		return false
	}
	r.in = r.in[len(w):]
	return true
}

func (r *reader) object(depth int) (Fields, bool) {
	if depth > maxDepth || !r.take('{') {
		return nil, false
	}
	f := Fields{}
	if r.take('}') {
		return f, true
	}
	for {
		key, ok := r.text()
		if !ok || !r.take(':') {
			return nil, false
		}
		if _, twice := f[key]; twice {
			return nil, false
		}
		if f[key], ok = r.value(depth + 1); !ok {
			return nil, false
		}
		if r.take('}') {
			return f, true
		}
		if !r.take(',') {
			return nil, false
		}
	}
}

func (r *reader) list(depth int) ([]any, bool) {
	if depth > maxDepth || !r.take('[') {
		return nil, false
	}
	list := []any{}
	if r.take(']') {
		return list, true
	}
	for {
		v, ok := r.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if r.take(']') {
			return list, true
		}
		if !r.take(',') {
			return nil, false
		}
	}
}

func (r *reader) value(depth int) (any, bool) {
	if len(r.in) == 0 {
		return nil, false
	}
	switch c := r.in[0]; {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case c == '"':
		return r.text()
	case c == 't':
		return true, r.word("true")
	case c == 'f':
		return false, r.word("false")
	case c >= '0' && c <= '9':
		return r.number()
	}
	return nil, false
}

func (r *reader) number() (int64, bool) {
	n := 0
	for n < len(r.in) && n < 17 && r.in[n] >= '0' && r.in[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(r.in[:n]), 10, 64)
	r.in = r.in[n:]
	return v, err == nil
}

func (r *reader) text() (string, bool) {
	if !r.take('"') {
		return "", false
	}
	var out []byte
	for i := 0; i < len(r.in); i++ {
		switch c := r.in[i]; {
		case c == '"':
			text := string(append(out, r.in[:i]...))
			r.in = r.in[i+1:]
			return text, true
		case c != '\\':
			continue
		}
		out = append(out, r.in[:i]...)
		r.in = r.in[i+1:]
		c, ok := r.escape()
		if !ok {
			return "", false
		}
		out = append(out, c)
		i = -1
	}
	return "", false
}

// escape reads what follows a backslash.
func (r *reader) escape() (byte, bool) {
	if len(r.in) == 0 {
		return 0, false
	}
	c := r.in[0]
	r.in = r.in[1:]
	switch c {
	case '"', '\\':
		return c, true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		if len(r.in) < 4 {
			return 0, false
		}
		v, err := strconv.ParseUint(string(r.in[:4]), 16, 8)
		r.in = r.in[4:]
		return byte(v), err == nil
	}
	return 0, false
}
