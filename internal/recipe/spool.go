package recipe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
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

// add appends a row: uvarints and length-prefixed strings.
func (s *spool) add(r Row) error {
	b := binary.AppendVarint(s.rec[:0], r.At)
	b = binary.AppendUvarint(b, uint64(r.Event.Page))
	b = binary.AppendUvarint(b, uint64(r.Event.Position))
	b = appendText(b, r.UUID)
	b = binary.AppendUvarint(b, uint64(len(r.Cells)))
	for _, c := range r.Cells {
		b = appendText(b, c)
	}
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
	for range s.n {
		if err := readRow(in, &row); err != nil {
			return fmt.Errorf("reading a kept row: %w", err)
		}
		if err := fn(&row); err != nil {
			return err
		}
	}
	return nil
}

func readRow(in *bufio.Reader, r *Row) error {
	var err error
	if r.At, err = binary.ReadVarint(in); err != nil {
		return err
	}
	var page, position, cells uint64
	for _, n := range []*uint64{&page, &position} {
		if *n, err = binary.ReadUvarint(in); err != nil {
			return err
		}
	}
	r.Event.Page, r.Event.Position = int64(page), int(position)
	if r.UUID, err = readText(in); err != nil {
		return err
	}
	if cells, err = binary.ReadUvarint(in); err != nil {
		return err
	}
	r.Cells = r.Cells[:0]
	for range cells {
		text, err := readText(in)
		if err != nil {
			return err
		}
		r.Cells = append(r.Cells, text)
	}
	return nil
}

func readText(in *bufio.Reader) (string, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil || n == 0 {
		return "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(in, b)
	return string(b), err
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
