package onepassword

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// longestCursor bounds a cursor in bytes; real ones have about 200.
const longestCursor = 8 << 10

// envelope is what a page holds: {"cursor", "has_more", "items"} in any order.
type envelope struct {
	cursor  string
	more    bool
	records []source.Record
}

// split reads the body of a page strictly and in one pass. Each record says where an item's bytes lie, so that body is
// the concatenation of gap, record, gap, … record, gap. It accepts well-formed JSON in UTF-8 alone, every key of the
// envelope once, at most limit items, and nothing behind the object. What is inside an item can be anything: an item is
// never lost, at most it is odd. An item without a time that can be read takes that of its neighbour, else noTime.
func split(name evidence.Stream, body []byte, limit int, noTime time.Time) (envelope, error) {
	known, ok := streamNamed(name)
	if !ok {
		return envelope{}, fmt.Errorf("the stream %q is not known", name)
	}
	s := newScanner(body)
	if s.dec.PeekKind() != jsontext.KindBeginObject {
		return envelope{}, errors.New("it is no JSON object")
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return envelope{}, err
	}
	e, err := s.envelope(known, body, limit)
	if err != nil {
		return envelope{}, err
	}
	if !s.atEnd() {
		return envelope{}, errors.New("something follows behind it")
	}
	fillTimes(e.records, noTime)
	return e, nil
}

// splitAgain takes a page apart that was read before. How many events were asked for plays no part any more.
func splitAgain(name evidence.Stream, body []byte, noTime time.Time) (source.Page, error) {
	e, err := split(name, body, math.MaxInt32, noTime)
	if err != nil {
		return source.Page{}, err
	}
	return source.Page{Body: body, Records: e.records, Next: source.Cursor(e.cursor), More: e.more, Ordered: ordered(e.records)}, nil
}

// envelope reads the rest of the page's object, whose brace has been read.
func (s *scanner) envelope(known *stream, body []byte, limit int) (envelope, error) {
	var e envelope
	var seen []string
	for s.dec.PeekKind() != jsontext.KindEndObject {
		name, err := s.dec.ReadToken()
		if err != nil {
			return e, err
		}
		key := name.String()
		if slices.Contains(seen, key) {
			return e, fmt.Errorf("the key %q is there twice", presentable(key))
		}
		seen = append(seen, key)
		switch key {
		case "cursor":
			e.cursor, err = s.cursor()
		case "has_more":
			e.more, err = s.boolean()
		case "items":
			e.records, err = s.items(known, body, limit)
		default:
			err = s.dec.SkipValue()
		}
		if err != nil {
			return e, err
		}
		if len(seen) > 64 {
			return e, errors.New("it has more keys than a page has")
		}
	}
	for _, key := range []string{"cursor", "has_more", "items"} {
		if !slices.Contains(seen, key) {
			return e, fmt.Errorf("the key %q is missing", key)
		}
	}
	_, err := s.dec.ReadToken()
	return e, err
}

// cursor refuses an empty cursor above all: sent back, it would start the stream again from an hour ago.
func (s *scanner) cursor() (string, error) {
	if s.dec.PeekKind() != jsontext.KindString {
		return "", s.wrongKind("cursor", "no text")
	}
	token, err := s.dec.ReadToken()
	if err != nil {
		return "", err
	}
	cursor := token.String()
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if cursor == "" || len(cursor) > longestCursor || strings.ContainsFunc(cursor, control) {
		return "", errors.New("its cursor is empty, too long or holds control characters")
	}
	return cursor, nil
}

func (s *scanner) boolean() (bool, error) {
	switch kind := s.dec.PeekKind(); kind {
	case jsontext.KindTrue, jsontext.KindFalse:
		_, err := s.dec.ReadToken()
		return kind == jsontext.KindTrue, err
	}
	return false, s.wrongKind("has_more", "neither true nor false")
}

// wrongKind prefers the decoder's own complaint: a cut body is cut, not of another kind.
func (s *scanner) wrongKind(key, what string) error {
	if err := s.dec.SkipValue(); err != nil {
		return err
	}
	return fmt.Errorf("its %s is %s", key, what)
}

func (s *scanner) items(known *stream, body []byte, limit int) ([]source.Record, error) {
	if s.dec.PeekKind() != jsontext.KindBeginArray {
		return nil, s.wrongKind("items", "no list")
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return nil, err
	}
	const leastItem = 256 // bytes of a usual short event: guesses the number of items
	records := make([]source.Record, 0, min(limit, len(body)/leastItem+1))
	for s.dec.PeekKind() != jsontext.KindEndArray {
		if len(records) == limit {
			return nil, fmt.Errorf("it has more than the %d events that were asked for", limit)
		}
		records = append(records, source.Record{})
		r := &records[len(records)-1]
		if err := s.event(known, r); err != nil {
			return nil, err
		}
		if r.Facts.UUID == "" {
			r.Facts.UUID = madeUUID(body[r.Start:r.End])
		}
	}
	_, err := s.dec.ReadToken()
	return records, err
}

// fillTimes gives records without a time that of the record before, else of the one behind, else noTime.
func fillTimes(records []source.Record, noTime time.Time) {
	last := time.Time{}
	for i := range records {
		if f := &records[i].Facts; f.At.IsZero() {
			f.At = last
		} else {
			last = f.At
		}
	}
	next := noTime.UTC().Truncate(time.Millisecond)
	for i := len(records) - 1; i >= 0; i-- {
		if f := &records[i].Facts; f.At.IsZero() {
			f.At = next
		} else {
			next = f.At
		}
	}
}

// ordered reports whether the events came in ascending time, by milliseconds as the API orders them. Events of the same
// millisecond are ordered by uuid, but nothing rests on that.
func ordered(records []source.Record) bool {
	return slices.IsSortedFunc(records, func(a, b source.Record) int { return a.Facts.At.Compare(b.Facts.At) })
}
