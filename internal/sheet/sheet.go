// Package sheet writes XLSX workbooks row by row: tables with a heading that stays in sight, whose cells are text, whole
// numbers or times and never formulas, links or anything else that a spreadsheet would act on. What does not fit is never
// left out in silence: a table longer than a worksheet goes on in the next one, a cell that is cut says so.
//
// The same rows give the same bytes: there is no date in the file, and its parts stand in order of their names. Memory does
// not grow with the rows; they wait in temporary files until the workbook is written.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Limits of the file format.
const (
	maxRows    = excelize.TotalRows      // rows of a worksheet, the heading included
	maxColumns = excelize.MaxColumns     // columns of a worksheet
	maxCell    = excelize.TotalCellChars // UTF-16 units of a cell
	maxName    = excelize.MaxSheetNameLength
)

// maxPart bounds what one worksheet may hold, in bytes of XML at most. Parts of more than 4 GiB would need ZIP64, which
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
	file   *excelize.File
	names  map[string]bool // of worksheets, in lower case
	tables []*Table
	styles styles
}

type styles struct{ head, text, number, time, strong int }

// New begins a workbook.
func New(opt Options) (*Book, error) {
	if opt.MaxRows <= 1 || opt.MaxRows > maxRows {
		opt.MaxRows = maxRows
	}
	b := &Book{opt: opt, file: excelize.NewFile(excelize.Options{TmpDir: opt.TempDir}), names: map[string]bool{}}
	b.file.Pkg.Store("docProps/core.xml", coreProperties(opt.Title))
	b.file.Pkg.Store("docProps/app.xml", appProperties())
	if err := b.makeStyles(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Book) makeStyles() error {
	top := &excelize.Alignment{Vertical: "top"}
	const asText, asWhole = 49, 1 // the format's numbers for "@" and "0"
	for _, s := range []struct {
		id    *int
		style excelize.Style
	}{
		{&b.styles.head, excelize.Style{
			NumFmt: asText, Font: &excelize.Font{Bold: true, Color: "1B2130"},
			Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8ECF5"}},
			Border:    []excelize.Border{{Type: "bottom", Style: 1, Color: "566078"}},
			Alignment: &excelize.Alignment{Vertical: "center", WrapText: true},
		}},
		{&b.styles.text, excelize.Style{NumFmt: asText, Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}}},
		{&b.styles.time, excelize.Style{NumFmt: asText, Alignment: top}},
		{&b.styles.number, excelize.Style{NumFmt: asWhole, Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "right"}}},
		{&b.styles.strong, excelize.Style{NumFmt: asText, Font: &excelize.Font{Bold: true}, Alignment: top}},
	} {
		id, err := b.file.NewStyle(&s.style)
		if err != nil {
			return fmt.Errorf("making a style: %w", err)
		}
		*s.id = id
	}
	return nil
}

// Table begins a table on a worksheet of its own, behind those that there are. Tables may be written side by side. The name
// is made fit for a worksheet, and different from those before it.
func (b *Book) Table(name string, columns ...Column) (*Table, error) {
	if len(columns) == 0 || len(columns) > maxColumns {
		return nil, fmt.Errorf("a table needs 1 to %d columns, not %d", maxColumns, len(columns))
	}
	t := &Table{book: b, name: name, columns: columns}
	if err := t.begin(); err != nil {
		return nil, err
	}
	b.tables = append(b.tables, t)
	return t, nil
}

// WriteTo writes the workbook. Nothing can be added afterwards.
func (b *Book) WriteTo(w io.Writer) (int64, error) {
	if len(b.tables) == 0 {
		return 0, errors.New("a workbook needs a table")
	}
	for _, t := range b.tables {
		if err := t.end(); err != nil {
			return 0, err
		}
	}
	counted := &counter{w: w}
	// The buffer that excelize would fill stays empty: the parts go straight to where they belong, in order.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return newArchive(counted, b.opt.TempDir) })
	if _, err := b.file.WriteToBuffer(); err != nil {
		return counted.n, fmt.Errorf("writing the workbook: %w", err)
	}
	return counted.n, nil
}

// Close gives back what the workbook holds on disk.
func (b *Book) Close() error {
	if err := b.file.Close(); err != nil {
		return fmt.Errorf("removing the files of a workbook: %w", err)
	}
	return nil
}

// nameFor makes the name of a worksheet: at most 31 UTF-16 units without the characters that spreadsheets forbid, unlike all
// before it. part counts the worksheets of one table from 1.
func (b *Book) nameFor(name string, part int) string {
	clean := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) || unfit(r) {
			return '-'
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(name, "\uFFFD")))
	if clean == "" || strings.EqualFold(clean, "history") { // a name that Excel keeps for itself
		clean = "Table"
	}
	for ; ; part++ {
		suffix := ""
		if part > 1 {
			suffix = " (" + strconv.Itoa(part) + ")"
		}
		full := strings.TrimSpace(cutUTF16(clean, maxName-len(suffix))) + suffix
		if key := strings.ToLower(full); !b.names[key] {
			b.names[key] = true
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
