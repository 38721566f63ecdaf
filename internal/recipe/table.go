package recipe

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Kind says what the cells of a column hold.
type Kind int

// The kinds of columns. A cell is text in every kind; an empty cell means that there is no value.
const (
	Text   Kind = iota
	Number      // a whole number in decimal
	Time        // RFC 3339 in UTC
	List        // a JSON array of strings
)

// Column is one column of a table.
type Column struct {
	Key   string // heading in CSV, key in NDJSON
	Title string // heading for people
	Kind  Kind
}

// Section is a part of a table whose rows are of one kind.
type Section struct {
	Record string // the value of the column record in each of its rows
	Title  string
	Note   string // a sentence above its rows
	Empty  string // the sentence that stands instead of its rows when there are none
	Full   []int  // columns that its rows fill
	Brief  []int  // those of them that the HTML rendering shows

	rows   *spool
	finish func(*Row) // completes a row when it is read; nil: nothing to complete
}

// Len is the number of rows.
func (s *Section) Len() int64 { return s.rows.len() }

// Each calls fn for each row in order. The row is fn's only until fn returns.
func (s *Section) Each(fn func(Row) error) error {
	return s.rows.each(func(r *Row) error {
		if s.finish != nil {
			s.finish(r)
		}
		return fn(*r)
	})
}

// Row is one row of a table: a cell for each column of the report.
type Row struct {
	Cells []string
	Event evidence.EventRef // the event that the row is; zero: the row is no single event
	UUID  string            // of that event
	At    int64             // Unix milliseconds; orders rows and finds the bursts that they belong to
}

// Report is a table with its provenance. It is read any number of times, by several goroutines at once, and must be closed.
type Report struct {
	Recipe     Recipe
	Variant    string   // tells this table from others of the recipe and period that were asked for in other words; usually empty
	Columns    []Column // beside them each row has its number, its record, and the event's place and uuid
	Sections   []*Section
	Provenance Provenance
}

// Close gives back what the report holds on disk.
func (r *Report) Close() error {
	var first error
	for _, s := range r.Sections {
		if err := s.rows.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// rows is the number of rows of all sections.
func (r *Report) rows() int64 {
	var n int64
	for _, s := range r.Sections {
		n += s.Len()
	}
	return n
}

// each calls fn for every row of the table with its number, counted from 1.
func (r *Report) each(fn func(number int64, s *Section, row Row) error) error {
	var n int64
	for _, s := range r.Sections {
		err := s.Each(func(row Row) error {
			n++
			return fn(n, s, row)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// list makes the cell of a List column.
func list(items []string) string {
	var b []byte
	b = append(b, '[')
	for i, s := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONString(b, s)
	}
	return string(append(b, ']'))
}

// joinList gives the items of a List cell as text for people.
func joinList(cell string) string {
	// Where nothing is escaped, a quote is the end of an item.
	if strings.HasPrefix(cell, `["`) && strings.HasSuffix(cell, `"]`) && strings.IndexByte(cell, '\\') < 0 {
		return strings.ReplaceAll(cell[2:len(cell)-2], `","`, "; ")
	}
	dec := jsontext.NewDecoder(strings.NewReader(cell))
	var items []string
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return strings.Join(items, "; ")
		}
		if tok.Kind() == '"' {
			items = append(items, tok.String())
		}
	}
}

// appendJSONString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	if plainJSON(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	out, err := jsontext.AppendQuote(b, strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil { // only for invalid UTF-8, which is gone
		return append(b, `""`...)
	}
	return out
}

// plainJSON reports whether a text stands in JSON as it is: printable ASCII without quotes and backslashes.
func plainJSON(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// exact writes a time in UTC with all the digits that it has.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
