package audit

import (
	"errors"
	"io"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/sample"
	"github.com/exhibithq/exhibit/internal/sheet"
)

// WriteSheet writes the attribute sheet of a sample, csv or xlsx. The last columns are the auditor's to fill in.
func WriteSheet(out io.Writer, members []sample.Member, form string) (err error) {
	switch form {
	case "csv":
		return sample.WriteCSV(out, members, recipe.GuardFormula)
	case "xlsx":
	default:
		return evidence.Errorf(evidence.NotFound, "A sheet comes as csv or xlsx, not as %.20q.", form)
	}
	book := sheet.New(sheet.Options{Title: "Sample"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	var columns []sheet.Column
	for _, name := range sample.Heading() {
		columns = append(columns, sheet.Column{Title: name})
	}
	t, err := book.Table("Sample", columns...)
	if err != nil {
		return err
	}
	for _, m := range members {
		var cells []sheet.Cell
		for _, text := range m.Row() {
			cells = append(cells, sheet.Text(text))
		}
		if err := t.Row(cells...); err != nil {
			return err
		}
	}
	_, err = book.WriteTo(out)
	return err
}
