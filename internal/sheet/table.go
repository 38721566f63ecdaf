package sheet

import (
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// Table is one table of a workbook. It goes on in further worksheets, "Name (2)" and so on, each with the heading, where
// one is full.
type Table struct {
	book    *Book
	name    string
	columns []Column
	out     *excelize.StreamWriter
	parts   int
	row     int   // rows of the worksheet so far, the heading included
	weight  int64 // bytes of XML of the worksheet at most
	rows    int64
	cut     int64
	values  []any
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
	weight := int64(64)
	t.values = t.values[:0]
	for i, c := range cells {
		value, bytes := t.value(c, t.columns[i].Kind)
		t.values = append(t.values, value)
		weight += bytes
	}
	if t.row >= t.book.opt.MaxRows || t.weight+weight > maxPart {
		if err := t.next(); err != nil {
			return err
		}
	}
	t.weight += weight
	t.rows++
	return t.write(t.values)
}

// value gives a cell as excelize takes it, and how many bytes of XML it needs at most.
func (t *Table) value(c Cell, kind Kind) (any, int64) {
	const frame = 96 // element, reference and style
	switch {
	case c.isInt:
		return excelize.Cell{StyleID: t.book.styles.number, Value: c.number}, frame
	case !c.isText:
		return nil, 0
	}
	text, cut := fit(c.text)
	if cut {
		t.cut++
	}
	style := t.book.styles.text
	switch {
	case c.strong:
		style = t.book.styles.strong
	case kind == TimeColumn:
		style = t.book.styles.time
	}
	return excelize.Cell{StyleID: style, Value: text}, frame + 8*int64(len(text)) // the longest escape of a byte
}

func (t *Table) write(values []any) error {
	t.row++
	if err := t.out.SetRow("A"+strconv.Itoa(t.row), values); err != nil {
		return fmt.Errorf("writing row %d of %s: %w", t.row, t.out.Sheet, err)
	}
	return nil
}

// next ends the worksheet and begins another.
func (t *Table) next() error {
	if err := t.end(); err != nil {
		return err
	}
	return t.begin()
}

// begin makes a worksheet with the heading.
func (t *Table) begin() error {
	t.parts++
	t.row, t.weight = 0, 0
	name := t.book.nameFor(t.name, t.parts)
	f := t.book.file
	if len(f.GetSheetList()) == 1 && len(t.book.tables) == 0 && t.parts == 1 {
		if err := f.SetSheetName(f.GetSheetName(0), name); err != nil { // a new workbook has one worksheet already
			return fmt.Errorf("naming a worksheet: %w", err)
		}
	} else if _, err := f.NewSheet(name); err != nil {
		return fmt.Errorf("making a worksheet: %w", err)
	}
	var err error
	if t.out, err = f.NewStreamWriter(name); err != nil {
		return fmt.Errorf("making a worksheet: %w", err)
	}
	if err := t.layOut(); err != nil {
		return fmt.Errorf("laying %s out: %w", name, err)
	}
	return t.heading()
}

func (t *Table) layOut() error {
	for i, c := range t.columns {
		if err := t.out.SetColWidth(i+1, i+1, c.width()); err != nil {
			return err
		}
	}
	return t.out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

func (t *Table) heading() error {
	var titles []any
	for _, c := range t.columns {
		title, _ := fit(c.Title)
		titles = append(titles, excelize.Cell{StyleID: t.book.styles.head, Value: title})
	}
	return t.write(titles)
}

func (t *Table) end() error {
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("ending worksheet %s: %w", t.out.Sheet, err)
	}
	return nil
}

// width is how wide the column is, in characters.
func (c Column) width() float64 {
	switch {
	case c.Width > 0:
		return min(c.Width, excelize.MaxColumnWidth)
	case c.Kind == TimeColumn:
		return 26 // 2026-10-01T12:00:00.123456Z
	case c.Kind == NumberColumn:
		return 12
	}
	return 24
}
