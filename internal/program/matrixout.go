package program

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// MonthsBack gives the first moment of the month that is so many months back, the one of now counted as the first.
func MonthsBack(now time.Time, months int) time.Time {
	return evidence.Monthly.PeriodAt(now).From.AddDate(0, 1-months, 0)
}

// MatrixDocument is a matrix as JSON.
type MatrixDocument struct {
	Framework string              `json:"framework"`
	Version   string              `json:"version"`
	By        string              `json:"by"` // requirements or controls
	Rows      []MatrixDocumentRow `json:"rows"`
}

// MatrixDocumentRow is one row as JSON.
type MatrixDocumentRow struct {
	ID       string               `json:"id"`
	Title    string               `json:"title"`
	Group    string               `json:"group"`
	Controls []string             `json:"controls"`
	Months   []MatrixDocumentCell `json:"months"`
}

// MatrixDocumentCell is one cell as JSON. The four marks stand apart; there is no sum of them.
type MatrixDocumentCell struct {
	Month     string        `json:"month"` // 2026-10
	Verdict   Verdict       `json:"verdict"`
	Freshness Freshness     `json:"freshness"`
	Coverage  Extent        `json:"coverage"`
	Integrity Integrity     `json:"integrity"`
	Artifacts []evidence.ID `json:"artifacts"`
}

// By names what the rows are.
func (m Matrix) By() string {
	if m.Controls {
		return "controls"
	}
	return "requirements"
}

// Document gives the matrix as it is written as JSON.
func (m Matrix) Document() MatrixDocument {
	d := MatrixDocument{Framework: m.Framework.ID, Version: m.Framework.Version, By: m.By(), Rows: []MatrixDocumentRow{}}
	for _, r := range m.Rows {
		row := MatrixDocumentRow{ID: r.ID, Title: r.Title, Group: r.Group, Controls: []string{}}
		for _, c := range r.Controls {
			row.Controls = append(row.Controls, c.Key)
		}
		for _, c := range r.Cells {
			cell := MatrixDocumentCell{c.Month.From.Format("2006-01"), c.Verdict, c.Freshness, c.Coverage, c.Integrity, []evidence.ID{}}
			cell.Artifacts = append(cell.Artifacts, c.Artifacts...)
			row.Months = append(row.Months, cell)
		}
		d.Rows = append(d.Rows, row)
	}
	return d
}

// WriteCSV writes the matrix with one line for each row and month (RFC 4180). Cells that a spreadsheet would take for
// formulas are guarded.
func (m Matrix) WriteCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	w.UseCRLF = true
	lines := [][]string{{"framework", "version", "row", "title", "group", "controls", "month", "verdict", "freshness", "coverage", "integrity", "artifacts"}}
	d := m.Document()
	for _, r := range d.Rows {
		for _, c := range r.Months {
			var artifacts []string
			for _, a := range c.Artifacts {
				artifacts = append(artifacts, string(a))
			}
			lines = append(lines, []string{d.Framework, d.Version, r.ID, r.Title, r.Group, strings.Join(r.Controls, " "), c.Month,
				string(c.Verdict), string(c.Freshness), string(c.Coverage), string(c.Integrity), strings.Join(artifacts, " ")})
		}
	}
	for _, line := range lines {
		for i := range line {
			line[i] = recipe.GuardFormula(line[i])
		}
	}
	if err := w.WriteAll(lines); err != nil {
		return fmt.Errorf("writing the matrix: %w", err)
	}
	return nil
}
