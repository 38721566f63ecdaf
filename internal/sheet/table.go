package sheet

import (
	"fmt"
	"strconv"
)

// Table is one table of a workbook. It goes on in further worksheets, "Name (2)" and so on, each with the heading, where
// one is full.
type Table struct {
	book    *Book
	name    string
	columns []Column
	opening []string // of each column: what a cell's XML begins with, up to the number of its row
	out     *part
	parts   int
	row     int    // rows of the worksheet so far, the heading included
	line    []byte // the XML of a row, used again for the next
	digits  []byte // the number of that row
	err     error  // the first failure; nothing is written after it
	rows    int64
	cut     int64
}

// Rows is the number of rows so far, without headings.
func (t *Table) Rows() int64 { return t.rows }

// Cut is how many cells were too long for a spreadsheet; each of them says so where it was cut.
func (t *Table) Cut() int64 { return t.cut }

// Row appends a row. Cells that are left out stay empty.
func (t *Table) Row(cells ...Cell) error {
	if len(cells) > len(t.columns) {
		return fmt.Errorf("a row of %d cells for %d columns", len(cells), len(t.columns))
	}
	if t.err != nil {
		return t.err
	}
	if t.row >= t.book.opt.MaxRows {
		t.next()
	}
	before := t.cut
	t.encode(cells)
	if t.out.size+uint64(len(t.line)) > maxPart {
		t.next()
		t.cut = before
		t.encode(cells) // the number of the row is another one there
	}
	t.rows++
	t.write()
	return t.err
}

// encode makes the XML of the next row.
func (t *Table) encode(cells []Cell) {
	t.digits = strconv.AppendInt(t.digits[:0], int64(t.row+1), 10)
	t.line = append(append(append(t.line[:0], `<row r="`...), t.digits...), `">`...)
	for i := range cells {
		t.cell(i, &cells[i])
	}
	t.line = append(t.line, `</row>`...)
}

func (t *Table) cell(column int, c *Cell) {
	switch {
	case c.isInt:
		t.begin(column, styleWhole)
		t.line = append(t.line, `"><v>`...)
		t.line = strconv.AppendInt(t.line, c.number, 10)
		t.line = append(t.line, `</v></c>`...)
	case c.isText:
		style := styleText
		switch {
		case c.strong:
			style = styleStrong
		case t.columns[column].Kind == TimeColumn:
			style = styleTime
		}
		t.text(column, style, c.text)
	}
}

// text makes a cell of text: a string in its place, of which no reader can make a formula or a number.
func (t *Table) text(column, style int, s string) {
	t.begin(column, style)
	t.line = append(t.line, `" t="inlineStr"><is><t>`...)
	if plain(s) {
		t.line = append(t.line, s...)
	} else {
		text, cut := fit(s)
		if cut {
			t.cut++
		}
		if blank(text[0]) || blank(text[len(text)-1]) {
			t.line = append(t.line[:len(t.line)-1], ` xml:space="preserve">`...)
		}
		t.line = appendEscaped(t.line, text)
	}
	t.line = append(t.line, `</t></is></c>`...)
}

// begin makes what each cell begins with: its place and its format.
func (t *Table) begin(column, style int) {
	t.line = append(append(t.line, t.opening[column]...), t.digits...)
	t.line = append(t.line, `" s="`...)
	t.line = append(t.line, byte('0'+style))
}

// write writes the row that was made.
func (t *Table) write() {
	t.row++
	t.put(t.line)
}

func (t *Table) put(b []byte) {
	if t.err != nil {
		return
	}
	if _, err := t.out.Write(b); err != nil {
		t.err = fmt.Errorf("writing row %d of %s: %w", t.row, t.name, err)
	}
}

// next ends the worksheet and begins another.
func (t *Table) next() {
	t.end()
	t.open()
}

// open begins a worksheet with the heading.
func (t *Table) open() {
	t.parts++
	t.row = 0
	var first bool
	t.out, first = t.book.worksheet(t.name, t.parts)
	t.put([]byte(worksheetXML(t.columns, first)))
	t.digits = append(t.digits[:0], '1')
	t.line = append(t.line[:0], `<row r="1">`...)
	for i, c := range t.columns {
		if c.Title != "" {
			t.text(i, styleHead, c.Title)
			continue
		}
		t.begin(i, styleHead)
		t.line = append(t.line, `"/>`...)
	}
	t.line = append(t.line, `</row>`...)
	t.write()
}

// end ends the worksheet. What its compression took in memory goes back.
func (t *Table) end() {
	t.put([]byte(worksheetEnd))
	if err := t.out.end(); err != nil && t.err == nil {
		t.err = err
	}
}

// width is how wide the column is, in characters.
func (c Column) width() float64 {
	switch {
	case c.Width > 0:
		return min(c.Width, maxWidth)
	case c.Kind == TimeColumn:
		return 26 // 2026-10-01T12:00:00.123456Z
	case c.Kind == NumberColumn:
		return 12
	}
	return 24
}
