// Package upload says which files people may hand in as evidence: a few formats, at most 50 MB, whose content is what
// their name says and which do nothing when they are opened. It looks at a file and never changes it.
package upload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// MaxSize is the size of the largest file in bytes.
const MaxSize = 50 << 20

// Kind is a format that is taken.
type Kind struct {
	Format string // as in evidence.File, and the ending of a file's name
	Name   string
	Media  string
}

// Kinds gives every format that is taken.
func Kinds() []Kind {
	return []Kind{
		{"pdf", "PDF", "application/pdf"},
		{"png", "PNG", "image/png"},
		{"jpg", "JPEG", "image/jpeg"},
		{"csv", "CSV", "text/csv; charset=utf-8"},
		{"txt", "Text", "text/plain; charset=utf-8"},
		{"xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"docx", "DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"json", "JSON", "application/json"},
	}
}

// Accept is the list of endings for the accept attribute of a file field.
func Accept() string {
	words := ".jpeg"
	for _, k := range Kinds() {
		words += ",." + k.Format
	}
	return words
}

// Named gives the format that the ending of a file's name claims; ok is false if it is not one that is taken.
func Named(name string) (Kind, bool) {
	ending := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if ending == "jpeg" {
		ending = "jpg"
	}
	all := Kinds()
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Format == ending })
	if i < 0 {
		return Kind{}, false
	}
	return all[i], true
}

func refuse(format string, args ...any) error {
	return evidence.Errorf(evidence.Invalid, format, args...)
}

// Check looks at a whole file and gives its format. An error is evidence.Invalid and says what is wrong with the file and
// what to do, or is one of reading it.
func Check(name string, r io.ReaderAt, size int64) (Kind, error) {
	kind, ok := Named(name)
	switch {
	case !ok:
		return kind, refuse("Files of the kind %.20q are not taken. Hand in PDF, PNG, JPEG, CSV, TXT, XLSX, DOCX or JSON.", path.Ext(name))
	case size == 0:
		return kind, refuse("The file is empty.")
	case size > MaxSize:
		return kind, refuse("The file is larger than %d MB. Hand in a smaller one, or several.", MaxSize>>20)
	}
	head, tail := make([]byte, min(size, 1024)), make([]byte, min(size, 1024))
	if err := errors.Join(read(r, head, 0), read(r, tail, size-int64(len(tail)))); err != nil {
		return kind, fmt.Errorf("reading an uploaded file: %w", err)
	}
	body := io.NewSectionReader(r, 0, size)
	switch kind.Format {
	case "pdf":
		return kind, marked(kind, bytes.HasPrefix(head, []byte("%PDF-")) && bytes.Contains(tail, []byte("%%EOF")))
	case "png":
		return kind, marked(kind, bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")) && bytes.HasSuffix(tail, []byte("IEND\xaeB`\x82")))
	case "jpg":
		return kind, marked(kind, bytes.HasPrefix(head, []byte("\xff\xd8\xff")) && bytes.HasSuffix(bytes.TrimRight(tail, "\x00\r\n"), []byte("\xff\xd9")))
	case "json":
		return kind, checkJSON(body)
	case "xlsx", "docx":
		return kind, checkOffice(kind, r, size, head)
	}
	return kind, checkText(kind, body, head)
}

func read(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	return err
}

// marked refuses a file that does not begin and end as files of its kind do.
func marked(k Kind, good bool) error {
	if good {
		return nil
	}
	return refuse("The file is called %s and is none, or it is cut off. Hand it in under the name of what it is, and whole.", k.Format)
}

// checkText reads a text to its end. Text that browsers or shells take for something else is not taken under this name.
func checkText(k Kind, r io.Reader, head []byte) error {
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, other := range []string{"<!doctype", "<html", "<script", "<svg", "<?xml", "<?php", "%pdf-", "{\\rtf", "#!"} {
		if bytes.HasPrefix(start, []byte(other)) {
			return refuse("The file is called %s and begins like something else (%.9s). Hand in plain text.", k.Format, other)
		}
	}
	if k.Format == "csv" && !bytes.ContainsAny(firstLine(head), ",;\t") {
		return refuse("The first line of the CSV file has one column. Separate columns by comma, semicolon or tab, or hand it in as TXT.")
	}
	return plain(r)
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	return line
}

// plain refuses what is not UTF-8, and control characters that no text has.
func plain(r io.Reader) error {
	buf := make([]byte, 32<<10)
	kept := 0
	for {
		n, err := io.ReadFull(r, buf[kept:])
		n += kept
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return fmt.Errorf("reading an uploaded file: %w", err)
		}
		end := n
		for back := 1; !last && back < utf8.UTFMax && back <= n; back++ { // a character that goes on in the next piece
			if utf8.RuneStart(buf[n-back]) {
				if !utf8.FullRune(buf[n-back : n]) {
					end = n - back
				}
				break
			}
		}
		if !utf8.Valid(buf[:end]) {
			return refuse("The text is not UTF-8. Save it as UTF-8 and hand it in again.")
		}
		if bytes.ContainsFunc(buf[:end], func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\r\n\f", c) || c == 0x7f }) {
			return refuse("The file has control characters that no text has. Hand it in under the name of what it is.")
		}
		if last {
			return nil
		}
		kept = copy(buf, buf[end:n])
	}
}

// checkJSON reads one value to its end.
func checkJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	depth := 0
	for {
		t, err := d.Token()
		switch delim, _ := t.(json.Delim); {
		case errors.Is(err, io.EOF):
			return refuse("The JSON ends before it is whole.")
		case err != nil:
			return refuse("The file is called json and is none: %.100s.", err)
		case delim == '{' || delim == '[':
			depth++
		case delim == '}' || delim == ']':
			depth--
		}
		if depth > 200 {
			return refuse("The JSON is nested deeper than 200 levels.")
		}
		if depth > 0 {
			continue
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return refuse("The JSON goes on behind its value. Hand in one value a file.")
		}
		return nil
	}
}
