package onepassword

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// longestFact bounds a fact in bytes: it goes into indexes, and a hostile value must not be able to stop a stream there.
// The event's own bytes keep the whole value.
const longestFact = 256

// scanner reads events and what facts are made from in one pass. Keys that the documentation does not name are
// skipped, but count as odd.
type scanner struct {
	dec     *jsontext.Decoder
	words   map[string]string // one string for each value that comes often
	scratch []byte

	got      [places]string
	at       time.Time
	odd      evidence.Oddity
	spoiltID bool // the uuid was cut or changed, so it is no name any more
}

// newScanner reads from body, which it never changes. Twice the same key in one object is accepted here: such an event
// must not be lost.
func newScanner(body []byte) *scanner {
	whole := bytes.NewBuffer(body[:len(body):len(body)])
	return &scanner{dec: jsontext.NewDecoder(whole, jsontext.AllowDuplicateNames(true)), words: make(map[string]string, 128)}
}

func (s *scanner) reset() {
	s.got = [places]string{}
	s.at, s.odd, s.spoiltID = time.Time{}, 0, false
}

// object reads the rest of an object whose brace has been read.
func (s *scanner) object(known shape) error {
	var seen uint32
	next := 0
	for s.dec.PeekKind() != jsontext.KindEndObject {
		name, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		i := known.find(s.unquote(name), next)
		if i < 0 {
			s.odd |= evidence.OddKey
			if err := s.dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if seen&(1<<i) != 0 { // the same key again: the last value counts, as most readers have it
			s.odd |= evidence.OddShape
		}
		seen |= 1 << i
		next = i + 1
		if err := s.value(&known[i]); err != nil {
			return err
		}
	}
	_, err := s.dec.ReadToken()
	return err
}

func (s *scanner) value(slot *slot) error {
	if slot.inner != nil && s.dec.PeekKind() == jsontext.KindBeginObject {
		if _, err := s.dec.ReadToken(); err != nil {
			return err
		}
		return s.object(slot.inner)
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return err
	}
	switch kind := raw.Kind(); {
	case kind == jsontext.KindNull:
	case kind != slot.kind:
		s.odd |= evidence.OddShape
	case slot.place != nowhere:
		s.keep(slot.place, s.unquote(raw))
	}
	return nil
}

// keep takes a value. v is only valid until the next read.
func (s *scanner) keep(p place, v []byte) {
	switch p {
	case placeTime:
		s.at, _ = parseTime(v)
		return
	case placeUUID:
		s.spoiltID = len(v) > longestFact || bytes.IndexByte(v, 0) >= 0
		if !s.spoiltID {
			s.got[p] = string(v)
		}
		return
	}
	s.got[p] = s.word(v)
}

// word gives v as a string that can stand in any database: cut, and without NUL, which PostgreSQL refuses in text.
func (s *scanner) word(v []byte) string {
	if w, ok := s.words[string(v)]; ok {
		return w
	}
	w := string(v)
	if clean := presentable(w); clean != w {
		s.odd |= evidence.OddShape
		return clean
	}
	s.words[w] = w
	return w
}

func presentable(w string) string {
	w = strings.ReplaceAll(w, "\x00", "\uFFFD")
	if len(w) <= longestFact {
		return w
	}
	end := longestFact
	for end > 0 && !utf8.RuneStart(w[end]) {
		end--
	}
	return w[:end]
}

// unquote gives the text of a JSON string that is known to be well-formed.
func (s *scanner) unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	s.scratch, _ = jsontext.AppendUnquote(s.scratch[:0], raw) // the decoder has checked it
	return s.scratch
}

// event reads one item of a stream, whatever kind of value it is, into r. At stays zero if the event has no time that can
// be read, UUID empty if it has none.
func (s *scanner) event(known *stream, r *source.Record) error {
	s.reset()
	if s.dec.PeekKind() != jsontext.KindBeginObject {
		raw, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		r.End = int(s.dec.InputOffset())
		r.Start = r.End - len(raw)
		s.odd = evidence.OddShape
		s.facts(known, &r.Facts)
		return nil
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	r.Start = int(s.dec.InputOffset()) - 1
	if err := s.object(known.shape); err != nil {
		return err
	}
	r.End = int(s.dec.InputOffset())
	s.facts(known, &r.Facts)
	return nil
}

func (s *scanner) facts(known *stream, f *evidence.Facts) {
	f.UUID, f.At, f.Odd = s.got[placeUUID], s.at, s.odd
	if s.spoiltID {
		f.Odd |= evidence.OddShape
	}
	if f.UUID == "" {
		f.Odd |= evidence.OddUUID
	}
	if f.At.IsZero() {
		f.Odd |= evidence.OddTime
	}
	known.fill(f, &s.got)
}

// madeUUID names an event that has no name of its own by its bytes, so that the same bytes have the same name.
func madeUUID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256-" + hex.EncodeToString(sum[:16])
}

// atEnd reports whether nothing but white space is left.
func (s *scanner) atEnd() bool {
	_, err := s.dec.ReadToken()
	return errors.Is(err, io.EOF)
}
