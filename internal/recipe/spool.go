package recipe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// spoolMemory is how many bytes of rows stay in memory before they go to a file, so that a table of any length needs
// little memory.
const spoolMemory = 4 << 20

// spool keeps rows in the order in which they come. It is written by one goroutine, sealed, and then read by any number.
type spool struct {
	dir  string
	n    int64
	mem  bytes.Buffer
	file *os.File // nil while all rows fit into mem
	// nameless says that the file has been removed from its folder already.
	nameless bool
	out      *bufio.Writer
	rec      []byte // scratch for one row
}

func (s *spool) len() int64 { return s.n }

// add appends a row: its length, then uvarints and length-prefixed strings.
func (s *spool) add(r Row) error {
	b := append(s.rec[:0], make([]byte, rowHead)...)
	b = binary.AppendVarint(b, r.At)
	b = binary.AppendUvarint(b, uint64(r.Event.Page))
	b = binary.AppendUvarint(b, uint64(r.Event.Position))
	b = appendText(b, r.UUID)
	b = binary.AppendUvarint(b, uint64(len(r.Cells)))
	for _, c := range r.Cells {
		b = appendText(b, c)
	}
	if int64(len(b)) > math.MaxUint32 {
		return errors.New("a row has more than 4 GiB")
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-rowHead))
	s.rec = b
	s.n++
	if s.file == nil && s.mem.Len()+len(b) > spoolMemory {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.file == nil {
		s.mem.Write(b)
		return nil
	}
	if _, err := s.out.Write(b); err != nil {
		return fmt.Errorf("keeping a row on disk: %w", err)
	}
	return nil
}

// rowHead is how many bytes the length of a row takes.
const rowHead = 4

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// spill moves what is in memory to a file.
func (s *spool) spill() error {
	f, err := os.CreateTemp(s.dir, "exhibit-rows-*")
	if err != nil {
		return fmt.Errorf("making a file for rows: %w", err)
	}
	s.file, s.out = f, bufio.NewWriterSize(f, 1<<18)
	// Where the system allows it, the file loses its name at once, so that no row outlives a crash.
	s.nameless = os.Remove(f.Name()) == nil
	if _, err := s.out.Write(s.mem.Bytes()); err != nil {
		return fmt.Errorf("keeping rows on disk: %w", err)
	}
	s.mem = bytes.Buffer{}
	return nil
}

// seal ends the writing.
func (s *spool) seal() error {
	if s.file == nil {
		return nil
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("keeping rows on disk: %w", err)
	}
	return nil
}

// each reads the rows back. The row is reused for the next one.
func (s *spool) each(fn func(*Row) error) error {
	var in *bufio.Reader
	if s.file == nil {
		in = bufio.NewReader(bytes.NewReader(s.mem.Bytes()))
	} else {
		in = bufio.NewReaderSize(io.NewSectionReader(s.file, 0, 1<<62), 1<<18)
	}
	var row Row
	var buf []byte
	for range s.n {
		var err error
		if buf, err = readRow(in, buf, &row); err != nil {
			return fmt.Errorf("reading a kept row: %w", err)
		}
		if err := fn(&row); err != nil {
			return err
		}
	}
	return nil
}

// readRow reads a row through buf, which it gives back for the next one. All texts of a row are parts of one string.
func readRow(in *bufio.Reader, buf []byte, r *Row) ([]byte, error) {
	head, err := in.Peek(rowHead)
	if err != nil {
		return buf, err
	}
	size := int(binary.LittleEndian.Uint32(head))
	if _, err := in.Discard(rowHead); err != nil {
		return buf, err
	}
	buf = slices.Grow(buf[:0], size)[:size]
	if _, err := io.ReadFull(in, buf); err != nil {
		return buf, err
	}
	p := rowParts{rest: buf, text: string(buf)}
	at, n := binary.Varint(buf)
	p.skip(n)
	r.At = at
	r.Event.Page, r.Event.Position = int64(p.number()), int(p.number())
	r.UUID = p.string()
	r.Cells = r.Cells[:0]
	for range p.number() {
		r.Cells = append(r.Cells, p.string())
		if p.broken {
			break
		}
	}
	if p.broken {
		return buf, errors.New("it is not as it was written")
	}
	return buf, nil
}

// rowParts takes a row apart. Bytes that are none of ours make it broken.
type rowParts struct {
	rest   []byte
	text   string // the same bytes
	broken bool
}

func (p *rowParts) skip(n int) {
	if n <= 0 || n > len(p.rest) {
		p.broken, p.rest, p.text = true, nil, ""
		return
	}
	p.rest, p.text = p.rest[n:], p.text[n:]
}

func (p *rowParts) number() uint64 {
	v, n := binary.Uvarint(p.rest)
	p.skip(n)
	return v
}

func (p *rowParts) string() string {
	n := p.number()
	if n == 0 {
		return ""
	}
	if n > uint64(len(p.text)) {
		p.broken = true
		return ""
	}
	s := p.text[:n]
	p.skip(int(n))
	return s
}

// close removes the file.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if !s.nameless {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	s.file, s.n = nil, 0
	if err != nil {
		return fmt.Errorf("removing the file of rows: %w", err)
	}
	return nil
}
