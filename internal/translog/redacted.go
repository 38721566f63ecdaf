package translog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// ErasedRecord stands in a kept page in the place of a record that was erased, so that the page stays JSON of the same shape.
const ErasedRecord = `{"erased":true}`

// Erase gives the salts of a page without those of some records: in their place stand the commitments, so that the root stays
// what it was. body and record are the page as it is now; what was erased before stays erased.
func (s Salts) Erase(body []byte, n int, record func(i int) (start, end int), which map[int]bool) (Salts, error) {
	r, err := s.salter()
	if err != nil {
		return nil, err
	}
	out := make(Salts, 1, 1+(2*n+1)*(1+HashSize))
	out[0] = 2
	i := 0
	err = eachSegment(body, n, record, s, func(c Hash) {
		salt, erased := r.at(i)
		if erased || i%2 == 1 && which[i/2] {
			out = append(append(out, saltErased), c[:]...)
		} else {
			out = append(append(out, saltKept), salt[:]...)
		}
		i++
	})
	return out, err
}

// Segment is a segment of a page of which something was erased: its bytes and salt, or what is left of an erased record.
type Segment struct {
	Bytes  []byte
	Salt   Salt
	Erased bool
	Commit Hash  // of an erased one
	At     int64 // of an erased one: when its event happened, in Unix milliseconds, by the word of whoever kept it
	Again  bool  // of an erased one: it had come before
}

// ErrRedacted says that a text is not a redacted page as EncodeRedacted writes it.
var ErrRedacted = errors.New("it is not a redacted page of this format")

// Redact gives the segments of a page of which something was erased. at and again tell of an erased record what the page
// itself no longer tells.
func Redact(body []byte, n int, record func(i int) (start, end int), salts Salts, at func(i int) int64, again func(i int) bool) ([]Segment, error) {
	r, err := salts.salter()
	if err != nil || !r.holds(2*n+1) {
		return nil, ErrSalts
	}
	var out []Segment
	add := func(from, to int) {
		i := len(out)
		salt, erased := r.at(i)
		if erased {
			out = append(out, Segment{Erased: true, Commit: Hash(salt), At: at(i / 2), Again: again(i / 2)})
			return
		}
		out = append(out, Segment{Bytes: body[from:to], Salt: salt})
	}
	end := 0
	for i := range n {
		from, to := record(i)
		add(end, from)
		add(from, to)
		end = to
	}
	add(end, len(body))
	return out, nil
}

// EncodeRedacted writes a page of which something was erased: canonical JSON with the list of its segments.
func EncodeRedacted(segments []Segment) ([]byte, error) {
	list := make([]any, len(segments))
	for i, s := range segments {
		if !s.Erased {
			list[i] = Fields{"bytes_b64": base64.StdEncoding.EncodeToString(s.Bytes), "salt": Hash(s.Salt).String()}
			continue
		}
		f := Fields{"commit": s.Commit.String(), "at": strconv.FormatInt(s.At, 10)}
		if s.Again {
			f["again"] = true
		}
		list[i] = f
	}
	return EncodeJSON(Fields{"segments": list})
}

// DecodeRedacted reads what EncodeRedacted writes and nothing else. It never panics.
func DecodeRedacted(text []byte) ([]Segment, error) {
	f, err := DecodeJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRedacted, err)
	}
	list, ok := f["segments"].([]any)
	if !ok || len(f) != 1 || len(list)%2 != 1 {
		return nil, ErrRedacted
	}
	out := make([]Segment, len(list))
	for i, v := range list {
		fields, _ := v.(Fields)
		if out[i], err = segmentOf(Leaf{Fields: fields}); err != nil || out[i].Erased && i%2 == 0 {
			return nil, ErrRedacted
		}
	}
	return out, nil
}

func segmentOf(l Leaf) (Segment, error) {
	if !l.Has("commit") {
		b, err := decode64(l.Text("bytes_b64"))
		salt, err2 := ParseHash(l.Text("salt"))
		if _, ok := l.Fields["bytes_b64"].(string); !ok || err != nil || err2 != nil || len(l.Fields) != 2 {
			return Segment{}, ErrRedacted
		}
		return Segment{Bytes: b, Salt: Salt(salt)}, nil
	}
	c, err := ParseHash(l.Text("commit"))
	at, ok := ParseMillis(l.Text("at"))
	known := 2
	if l.Has("again") {
		known++
	}
	if err != nil || !ok || l.Has("again") && !l.Bool("again") || known != len(l.Fields) {
		return Segment{}, ErrRedacted
	}
	return Segment{Erased: true, Commit: c, At: at, Again: l.Bool("again")}, nil
}

// Assemble puts a redacted page together as it is kept, with ErasedRecord in the place of what was erased: its body, where its
// records lie, and its salts.
func Assemble(segments []Segment) (body []byte, records [][2]int, salts Salts) {
	salts = Salts{2}
	for i, s := range segments {
		start := len(body)
		if s.Erased {
			body = append(body, ErasedRecord...)
			salts = append(append(salts, saltErased), s.Commit[:]...)
		} else {
			body = append(body, s.Bytes...)
			salts = append(append(salts, saltKept), s.Salt[:]...)
		}
		if i%2 == 1 {
			records = append(records, [2]int{start, len(body)})
		}
	}
	return body, records, salts
}
