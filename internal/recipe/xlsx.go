package recipe

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/exhibithq/exhibit/internal/sheet"
)

// WriteXLSX writes a workbook: a first worksheet About with what stands above the rows of the HTML rendering, then one for
// each section with all its rows. Numbers are numbers, times are RFC 3339 text, lists are joined by semicolons; nothing is
// a formula. tempDir is where rows wait; empty: the system's.
func (r *Report) WriteXLSX(w io.Writer, made Made, tempDir string) (err error) {
	book := sheet.New(sheet.Options{Title: r.Recipe.Title, TempDir: tempDir})
	defer func() { err = errors.Join(err, book.Close()) }()
	if err := r.aboutSheet(book, made); err != nil {
		return fmt.Errorf("writing XLSX: %w", err)
	}
	number := int64(0)
	for _, s := range r.Sections {
		if err := r.sectionSheet(book, s, &number); err != nil {
			return fmt.Errorf("writing XLSX: %w", err)
		}
	}
	if _, err := book.WriteTo(w); err != nil {
		return fmt.Errorf("writing XLSX: %w", err)
	}
	return nil
}

func (r *Report) aboutSheet(book *sheet.Book, made Made) error {
	t, err := book.Table("About", sheet.Column{Title: r.Recipe.Title, Width: 40}, sheet.Column{Title: r.Provenance.span(), Width: 110})
	if err != nil {
		return err
	}
	row := func(name, value string) error { return t.Row(sheet.Text(visible(name)), sheet.Text(visible(value))) }
	for _, p := range r.about(made) {
		if err := t.Row(sheet.Strong(visible(p.Title))); err != nil {
			return err
		}
		for _, text := range p.Text {
			err = errors.Join(err, row("", text))
		}
		for _, x := range p.Terms {
			err = errors.Join(err, row(x.Name, x.Value))
		}
		for i, text := range p.List {
			err = errors.Join(err, row(bullet(p, i), text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sectionSheet writes the rows of a section; number is that of the row before.
func (r *Report) sectionSheet(book *sheet.Book, s *Section, number *int64) error {
	columns := []sheet.Column{{Title: "Row", Kind: sheet.NumberColumn, Width: 8}}
	for _, i := range s.Full {
		columns = append(columns, sheet.Column{Title: r.Columns[i].Title, Kind: sheetKind(r.Columns[i].Kind)})
	}
	columns = append(columns, sheet.Column{Title: "Event", Width: 12}, sheet.Column{Title: "Event's uuid", Width: 30})
	t, err := book.Table(s.Title, columns...)
	if err != nil {
		return err
	}
	cells := make([]sheet.Cell, 0, len(columns))
	return s.Each(func(row Row) error {
		*number++
		cells = append(cells[:0], sheet.Number(*number))
		for _, i := range s.Full {
			cells = append(cells, sheetCell(r.Columns[i].Kind, row.Cells[i]))
		}
		if row.Event.Page > 0 {
			cells = append(cells, sheet.Text(row.Event.String()), sheet.Text(visible(row.UUID)))
		}
		return t.Row(cells...)
	})
}

func sheetKind(k Kind) sheet.Kind {
	switch k {
	case Number:
		return sheet.NumberColumn
	case Time:
		return sheet.TimeColumn
	case Text, List:
	}
	return sheet.TextColumn
}

func sheetCell(k Kind, cell string) sheet.Cell {
	switch k {
	case Number:
		if n, err := strconv.ParseInt(cell, 10, 64); err == nil {
			return sheet.Number(n)
		}
	case List:
		cell = joinList(cell)
	case Text, Time:
	}
	return sheet.Text(visible(cell))
}
