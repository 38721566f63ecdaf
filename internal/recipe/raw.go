package recipe

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// fields are the values of an event's JSON that stand at the top or one level below it.
type fields []field

// field is one value: "name" at the top, or "group" and "name" one level below.
type field struct {
	group, name string
	value       string
}

// get gives a value by "name" or "group.name", "" if there is none. Of a key that stands twice the last counts.
func (f fields) get(path string) string {
	group, name, nested := strings.Cut(path, ".")
	if !nested {
		group, name = "", path
	}
	for i := len(f) - 1; i >= 0; i-- {
		if f[i].name == name && f[i].group == group {
			return f[i].value
		}
	}
	return ""
}

// fieldReader reads the fields of one event after another, by one goroutine.
type fieldReader struct {
	in  bytes.Buffer
	dec *jsontext.Decoder
	// Keys may stand twice and text may be broken: the event is shown as it is.
	lenient, broken jsontext.Options
	names           map[string]string // key names that came before, so that they are not made anew for each event
	out             fields
}

// maxNames bounds the names that are remembered: a source has some dozens, a hostile event may have any number.
const maxNames = 1000

func newFieldReader() *fieldReader {
	return &fieldReader{
		dec:     jsontext.NewDecoder(&bytes.Buffer{}),
		lenient: jsontext.AllowDuplicateNames(true),
		broken:  jsontext.AllowInvalidUTF8(true),
		names:   map[string]string{},
	}
}

// read takes from raw what it can: of bytes that are no JSON it gives what stands before the fault. Strings are unquoted,
// other scalars stand as written; null, arrays and deeper objects are left out. The fields hold until the next read.
func (r *fieldReader) read(raw []byte) fields {
	r.in.Reset()
	r.in.Write(raw)
	r.dec.Reset(&r.in, r.lenient, r.broken)
	r.out = r.out[:0]
	if r.dec.PeekKind() == '{' {
		r.object("")
	}
	return r.out
}

// object reads one object. It reports false where the JSON ends or breaks.
func (r *fieldReader) object(group string) bool {
	if _, err := r.dec.ReadToken(); err != nil {
		return false
	}
	for r.dec.PeekKind() == '"' {
		raw, err := r.dec.ReadValue()
		if err != nil || !r.value(group, r.name(raw)) {
			return false
		}
	}
	_, err := r.dec.ReadToken()
	return err == nil
}

func (r *fieldReader) value(group, name string) bool {
	switch kind := r.dec.PeekKind(); {
	case kind == '{' && group == "" && name != "":
		return r.object(name)
	case kind == '{' || kind == '[' || kind == 'n':
		return r.dec.SkipValue() == nil
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return false
	}
	r.out = append(r.out, field{group, name, scalar(raw)})
	return true
}

// name gives a key's text, remembered from before if it can be.
func (r *fieldReader) name(raw jsontext.Value) string {
	if s, ok := r.names[string(raw)]; ok {
		return s
	}
	s := scalar(raw)
	if len(r.names) < maxNames {
		r.names[string(raw)] = s
	}
	return s
}

// scalar gives the text of a string, a number or a truth value.
func scalar(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return string(raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return strings.ToValidUTF8(string(text), "\uFFFD") // broken UTF-8: what could be read, marked
	}
	return string(text)
}

// when gives the event's time with all the digits that the source gave; without a readable one, the time it is filed under.
func when(e evidence.Event, f fields) string {
	t, err := time.Parse(time.RFC3339Nano, f.get("timestamp"))
	if err != nil {
		t = e.At
	}
	return exact(t)
}
