//go:build offline

package recipe

import "io"

// WriteXLSX makes no workbook in a build without a network: the package that writes them links one.
func (r *Report) WriteXLSX(io.Writer, Made, string) error { return ErrNotHere }
