package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

// cursor is all that the server knows about a reader: it keeps no state of its own, so a cursor survives restarts, can be
// used twice, and by another token of the account.
type cursor struct {
	Limit int
	End   int64 // unix milliseconds, exclusive; noEnd if open
	After feed.Position
	Last  int    // events on the page that this cursor came with, for faults only
	Nonce uint64 // makes two cursors of the same position differ, for faults only
}

const noEnd = math.MaxInt64

// cursorPrefix brings cursors to the length of real ones (about 200 characters), which readers must have room for.
const cursorPrefix = "a cursor of the Exhibit simulator; opaque to readers, as all cursors of the Events API are\x00"

// maxTieBreaker bounds the uuid in a cursor.
const maxTieBreaker = 1024

var errCursor = errors.New("the cursor is corrupt")

// encode gives the text of the cursor: URL-safe base64 of prefix, fields and a check sum.
func (c cursor) encode() string {
	b := append(make([]byte, 0, 192), cursorPrefix...)
	b = binary.AppendUvarint(b, uint64(c.Limit))
	b = binary.AppendVarint(b, c.End)
	b = binary.AppendVarint(b, c.After.Milli)
	b = binary.AppendUvarint(b, uint64(len(c.After.UUID)))
	b = append(b, c.After.UUID...)
	b = binary.AppendUvarint(b, uint64(c.Last))
	b = binary.AppendUvarint(b, c.Nonce)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads a cursor; every text but one that encode makes is an error.
func decodeCursor(text string) (cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < len(cursorPrefix)+4 || string(b[:len(cursorPrefix)]) != cursorPrefix {
		return cursor{}, errCursor
	}
	r := fields{rest: b[len(cursorPrefix) : len(b)-4]}
	var c cursor
	c.Limit = int(r.uvarint())
	c.End = r.varint()
	c.After.Milli = r.varint()
	c.After.UUID = r.text()
	c.Last = int(r.uvarint())
	c.Nonce = r.uvarint()
	// Writing it again checks the sum, and that no number has another spelling.
	if r.bad || len(r.rest) > 0 || c.Limit < 1 || c.Limit > maxLimit || c.Last < 0 || c.Last > c.Limit || c.encode() != text {
		return cursor{}, errCursor
	}
	return c, nil
}

// fields takes values from the front of a byte slice and remembers if one was missing.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) take(n int) {
	if n <= 0 {
		f.bad, n = true, 0
	}
	f.rest = f.rest[n:]
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	f.take(n)
	return v
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.rest)
	f.take(n)
	return v
}

func (f *fields) text() string {
	n := f.uvarint()
	if f.bad || n > maxTieBreaker || n > uint64(len(f.rest)) {
		f.bad = true
		return ""
	}
	s := string(f.rest[:n])
	f.rest = f.rest[n:]
	return s
}
