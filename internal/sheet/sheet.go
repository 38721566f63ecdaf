// Package sheet writes XLSX workbooks row by row: tables with a heading that stays in sight, whose cells are text, whole
// numbers or times and never formulas, links or anything else that a spreadsheet would act on. What does not fit is never
// left out in silence: a table longer than a worksheet goes on in the next one, a cell that is cut says so.
//
// The same rows give the same bytes: there is no date in the file, and its parts stand in order of their names. Memory does
// not grow with the rows; they wait, packed, in temporary files until the workbook is written.
//
// SpreadsheetML is written by hand, as little of it as such a workbook needs; docs/adr/0021-sheet.md says why.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Limits of the file format, as Excel documents them.
const (
	maxRows    = 1_048_576 // rows of a worksheet, the heading included
	maxColumns = 16_384    // columns of a worksheet
	maxCell    = 32_767    // UTF-16 units of a cell
	maxName    = 31        // UTF-16 units of the name of a worksheet
	maxWidth   = 255       // of a column, in characters
)

// maxPart bounds what one worksheet may hold, in bytes of XML. Parts of more than 4 GiB would need ZIP64, which
// spreadsheets read unreliably.
const maxPart = 3 << 30

// Options are what a workbook is made with.
type Options struct {
	Title   string // stands in the document's properties
	TempDir string // where rows wait; empty: the system's
	// MaxRows is how many rows a worksheet holds at most, its heading included; 0: as many as the format allows.
	MaxRows int
}

// Kind says what the cells of a column mostly hold. It decides how they are aligned; each cell has its own type beside it.
type Kind int

// The kinds of columns.
const (
	TextColumn Kind = iota
	NumberColumn
	TimeColumn
)

// Column is one column of a table.
type Column struct {
	Title string
	Kind  Kind
	Width float64 // in characters; 0: by the kind
}

// Cell is the value of one cell. The zero Cell is empty.
type Cell struct {
	text   string
	number int64
	isText bool
	isInt  bool
	strong bool
}

// Text makes a cell of text. It stays text whatever it looks like, also when somebody edits it.
func Text(s string) Cell { return Cell{text: s, isText: s != ""} }

// Strong makes a cell of text in bold.
func Strong(s string) Cell { return Cell{text: s, isText: s != "", strong: true} }

// exactInts is the first whole number that a spreadsheet, which knows 15 digits, may change.
const exactInts = 1_000_000_000_000_000

// Number makes a cell of a whole number. One that a spreadsheet could not hold exactly becomes text.
func Number(n int64) Cell {
	if n >= exactInts || n <= -exactInts {
		return Text(strconv.FormatInt(n, 10))
	}
	return Cell{number: n, isInt: true}
}

// Time makes a cell of a moment: RFC 3339 in UTC with all its digits, as text. Dates of spreadsheets know no time zone and
// no more than milliseconds; this form is exact and sorts by time. The zero time is an empty cell.
func Time(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Text(t.UTC().Format(time.RFC3339Nano))
}

// Book is a workbook that is being written, by one goroutine. It must be closed.
type Book struct {
	opt    Options
	file   archive
	used   map[string]bool // names of worksheets, in lower case
	names  []string        // of the worksheets, in the order in which they are shown
	tables []*Table
	ended  bool
}

// New begins a workbook.
func New(opt Options) *Book {
	if opt.MaxRows <= 1 || opt.MaxRows > maxRows {
		opt.MaxRows = maxRows
	}
	return &Book{opt: opt, file: archive{dir: opt.TempDir}, used: map[string]bool{}}
}

// Table begins a table on a worksheet of its own, behind those that there are. Tables may be written side by side. The name
// is made fit for a worksheet, and different from those before it.
func (b *Book) Table(name string, columns ...Column) (*Table, error) {
	if len(columns) == 0 || len(columns) > maxColumns {
		return nil, fmt.Errorf("a table needs 1 to %d columns, not %d", maxColumns, len(columns))
	}
	t := &Table{book: b, name: name, columns: columns}
	for i := range columns {
		t.opening = append(t.opening, `<c r="`+letters(i))
	}
	t.open()
	b.tables = append(b.tables, t)
	return t, t.err
}

// worksheet begins a worksheet, behind those that there are. part counts those of one table from 1.
func (b *Book) worksheet(table string, part int) (out *part, first bool) {
	b.names = append(b.names, b.nameFor(table, part))
	return b.file.create("xl/" + worksheetPart(len(b.names))), len(b.names) == 1
}

// WriteTo writes the workbook. Nothing can be added afterwards.
func (b *Book) WriteTo(w io.Writer) (int64, error) {
	switch {
	case len(b.tables) == 0:
		return 0, errors.New("a workbook needs a table")
	case b.ended:
		return 0, errors.New("the workbook was written already")
	}
	b.ended = true
	for _, t := range b.tables {
		if t.end(); t.err != nil {
			return 0, t.err
		}
	}
	for name, content := range map[string]string{
		"[Content_Types].xml": contentTypesXML(len(b.names)), "_rels/.rels": packageXML, "docProps/app.xml": appXML, "docProps/core.xml": coreXML(b.opt.Title),
		"xl/_rels/workbook.xml.rels": relationsXML(len(b.names)), "xl/styles.xml": stylesXML, "xl/workbook.xml": workbookXML(b.names),
	} {
		if err := b.file.add(name, content); err != nil {
			return 0, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	counted := &counter{w: w}
	if err := b.file.writeTo(counted); err != nil {
		return counted.n, fmt.Errorf("writing the workbook: %w", err)
	}
	return counted.n, nil
}

// Close gives back what the workbook holds on disk.
func (b *Book) Close() error { return b.file.close() }

// nameFor makes the name of a worksheet: at most 31 UTF-16 units without the characters that spreadsheets forbid, unlike all
// before it. part counts the worksheets of one table from 1.
func (b *Book) nameFor(name string, part int) string {
	clean := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) || unfit(r) {
			return '-'
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(name, "\uFFFD")))
	for i := range clean { // an escape would count as more characters for some readers than for others
		if clean[i] == '_' && escapeBegins(clean[i:]) {
			clean = clean[:i] + "-" + clean[i+1:]
		}
	}
	if clean == "" || strings.EqualFold(clean, "history") { // a name that Excel keeps for itself
		clean = "Table"
	}
	for ; ; part++ {
		suffix := ""
		if part > 1 {
			suffix = " (" + strconv.Itoa(part) + ")"
		}
		full := strings.TrimSpace(cutUTF16(clean, maxName-len(suffix))) + suffix
		if key := strings.ToLower(full); !b.used[key] {
			b.used[key] = true
			return full
		}
	}
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
