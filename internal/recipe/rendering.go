package recipe

import (
	"errors"
	"io"
)

// ErrNotHere says that this build of Exhibit cannot make a rendering, although another can.
var ErrNotHere = errors.New("this build of Exhibit cannot make this format")

// Rendering is one form in which a table is kept. The same table, made by the same person at the same time, gives the
// same bytes: that is how whoever verifies a bundle can make them again.
type Rendering struct {
	Format string
	Media  string
	Write  func(io.Writer) error
}

// Renderings gives every form of the table. tempDir is where long tables wait while they are written; empty: the system's.
func (r *Report) Renderings(made Made, tempDir string) []Rendering {
	return []Rendering{
		{"csv", "text/csv; charset=utf-8; header=present", r.WriteCSV},
		{"ndjson", "application/x-ndjson", r.WriteNDJSON},
		{"html", "text/html; charset=utf-8", func(w io.Writer) error { return r.WriteHTML(w, made) }},
		{"pdf", "application/pdf", func(w io.Writer) error { return r.WritePDF(w, made) }},
		{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", func(w io.Writer) error { return r.WriteXLSX(w, made, tempDir) }},
	}
}
