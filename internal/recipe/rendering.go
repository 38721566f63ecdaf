package recipe

import "io"

// Rendering is one form in which a table is kept. The same table, made by the same person at the same time, gives the
// same bytes: that is how whoever verifies a bundle can make them again.
type Rendering struct {
	Format string
	Media  string
	// Writer is the version of what writes the form. It goes up when the same table would give other bytes, so that nobody
	// takes a file that an earlier version wrote for a forged one.
	Writer int
	Write  func(io.Writer) error
}

// Writers are the versions of what wrote each form, by format. A format that is not named, as in provenances from before they
// named any, was written by version 1.
type Writers map[string]int

// Of gives the version for a format.
func (w Writers) Of(format string) int {
	if v, ok := w[format]; ok {
		return v
	}
	return 1
}

// writers gives those of this program. Versions: xlsx 1 was a library's, 2 is internal/sheet's own.
func writers() Writers {
	out := Writers{}
	for _, r := range (*Report)(nil).Renderings(Made{}, "") {
		out[r.Format] = r.Writer
	}
	return out
}

// Renderings gives every form of the table. tempDir is where long tables wait while they are written; empty: the system's.
func (r *Report) Renderings(made Made, tempDir string) []Rendering {
	return []Rendering{
		{"csv", "text/csv; charset=utf-8; header=present", 1, r.WriteCSV},
		{"ndjson", "application/x-ndjson", 1, r.WriteNDJSON},
		{"html", "text/html; charset=utf-8", 1, func(w io.Writer) error { return r.WriteHTML(w, made) }},
		{"pdf", "application/pdf", 1, func(w io.Writer) error { return r.WritePDF(w, made) }},
		{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 2, func(w io.Writer) error { return r.WriteXLSX(w, made, tempDir) }},
	}
}
