package recipe

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WritePDF writes the table as a PDF to be filed or printed: what stands above the rows, then each section with at most
// 2,000 rows, as in the HTML rendering. The same table made by the same person at the same time gives the same bytes: the
// document's date is that of Made. It is not tagged for screen readers, and says so.
func (r *Report) WritePDF(w io.Writer, made Made) error {
	p := newPrinter(r.Recipe.Title, made.At)
	p.title(r.Recipe.Title)
	p.text(r.Provenance.span())
	for _, x := range r.about(made) {
		p.passage(x)
	}
	for _, s := range r.Sections {
		if err := r.printSection(p, s); err != nil {
			return fmt.Errorf("writing PDF: %w", err)
		}
	}
	p.heading("About this file")
	p.text("The HTML and XLSX files of this artifact hold the same and are the accessible formats: a screen reader can follow their headings and tables, which it cannot in this PDF. CSV and NDJSON hold all rows, exactly.")
	if p.undrawn {
		p.text("Characters that the font of this PDF cannot draw stand as their code, [U+5C71]. The other files of the artifact hold them as they came.")
	}
	if err := p.writeTo(w); err != nil {
		return fmt.Errorf("writing PDF: %w", err)
	}
	return nil
}

func (r *Report) printSection(p *printer, s *Section) error {
	p.heading(s.Title + " (" + strconv.FormatInt(s.Len(), 10) + ")")
	if s.Note != "" {
		p.text(s.Note)
	}
	if s.Len() == 0 {
		p.text(s.Empty)
		return nil
	}
	g, err := r.grid(p, s)
	if err != nil {
		return err
	}
	p.grid(g)
	if s.Len() > shownRows {
		p.text(fmt.Sprintf("Shown are the first %d of %d rows. All of them are in the CSV, NDJSON and XLSX files of this artifact.", shownRows, s.Len()))
	}
	return nil
}

// grid takes the rows that are shown into memory: there are at most 2,000.
func (r *Report) grid(p *printer, s *Section) (grid, error) {
	var g grid
	for _, i := range s.Brief {
		g.heads = append(g.heads, r.Columns[i].Title)
		g.right = append(g.right, r.Columns[i].Kind == Number)
	}
	err := s.Each(func(row Row) error {
		if len(g.rows) == shownRows {
			return io.EOF
		}
		var cells []string
		for _, i := range s.Brief {
			cells = append(cells, p.drawable(shownCell(r.Columns[i].Kind, row.Cells[i])))
		}
		if row.Event.Page > 0 {
			cells = append(cells, row.Event.String())
		}
		g.rows = append(g.rows, cells)
		return nil
	})
	if len(g.rows) > 0 && len(g.rows[0]) > len(g.heads) {
		g.heads, g.right = append(g.heads, "Event"), append(g.right, false)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return g, err
}

// shownCell writes a cell for a reader.
func shownCell(k Kind, cell string) string {
	switch k {
	case List:
		return joinList(cell)
	case Time:
		return strings.Replace(strings.TrimSuffix(cell, "Z"), "T", " ", 1)
	case Text, Number:
	}
	return cell
}

// pdfDate is the date in the document's properties: of the making, or a fixed one if that is not known.
func pdfDate(made time.Time) time.Time {
	if made.IsZero() {
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return made.UTC()
}
