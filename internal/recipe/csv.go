package recipe

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// WriteCSV writes the table as RFC 4180 CSV: one header line, CRLF line ends, UTF-8 without a byte order mark. Every row
// has all columns; those that its section does not fill are empty. Cells that a spreadsheet could take for a formula get
// an apostrophe in front; the value as it came stands in the NDJSON rendering.
func (r *Report) WriteCSV(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	line := []byte("row,record")
	for _, c := range r.Columns {
		line = append(append(line, ','), c.Key...)
	}
	line = append(line, ",event,uuid\r\n"...)
	if _, err := out.Write(line); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	err := r.each(func(n int64, s *Section, row Row) error {
		line = strconv.AppendInt(line[:0], n, 10)
		line = append(append(line, ','), s.Record...)
		for i, cell := range row.Cells {
			if r.Columns[i].Kind == List {
				cell = joinList(cell)
			}
			line = appendCSV(append(line, ','), cell)
		}
		line = append(line, ',')
		if row.Event.Page > 0 {
			line = append(line, row.Event.String()...)
		}
		line = appendCSV(append(line, ','), row.UUID)
		line = append(line, "\r\n"...)
		_, err := out.Write(line)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// formulaStarts are the characters with which a spreadsheet begins a formula or a command (OWASP, CSV injection), and
// their full-width forms, which some programs fold.
const formulaStarts = "=+-@\t\r\n\x00\uFF1D\uFF0B\uFF0D\uFF20"

// GuardFormula gives a cell that no spreadsheet takes for a formula: one that begins like a formula, leading space,
// quotes and invisible characters aside, gets an apostrophe before it. The same goes for what stands behind a semicolon, a
// tab or a line break: where the decimal point is a comma, spreadsheets cut a line at semicolons and heed no quotes that
// begin in the middle of such a piece.
func GuardFormula(cell string) string {
	var b strings.Builder
	written, piece, blank := 0, 0, true // up to where it is written; where the piece begins; nothing but blanks in it so far
	for i, c := range cell {
		if blank && strings.ContainsRune(formulaStarts, c) {
			b.WriteString(cell[written:piece])
			b.WriteByte('\'')
			written, blank = piece, false
		}
		switch {
		case strings.ContainsRune(";\t\r\n", c):
			piece, blank = i+1, true
		case blank:
			blank = c == '"' || unicode.IsSpace(c) || unicode.Is(unicode.Cf, c)
		}
	}
	if b.Len() == 0 {
		return cell
	}
	return b.String() + cell[written:]
}

// plainCell reports whether a cell needs neither guard nor quotes, as nearly all do: it begins with a letter or digit, does not end
// with a space, and nothing in it ends a piece or a cell.
func plainCell(cell string) bool {
	if cell == "" {
		return true
	}
	if c := cell[0]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') || cell[len(cell)-1] == ' ' {
		return false
	}
	for i := range len(cell) {
		switch cell[i] {
		case ';', '\t', '\r', '\n', ',', '"':
			return false
		}
	}
	return true
}

// appendCSV appends one cell, guarded and quoted.
func appendCSV(b []byte, cell string) []byte {
	if plainCell(cell) {
		return append(b, cell...)
	}
	return appendGuarded(b, cell)
}

func appendGuarded(b []byte, cell string) []byte {
	cell = GuardFormula(cell)
	quote := strings.ContainsAny(cell, "\",\r\n") || strings.HasPrefix(cell, " ") || strings.HasSuffix(cell, " ")
	if quote {
		b = append(b, '"')
	}
	if !quote {
		return append(b, cell...)
	}
	for i := range len(cell) {
		if cell[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, cell[i])
	}
	return append(b, '"')
}
