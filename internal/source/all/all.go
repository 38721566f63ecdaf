// Package all lists the sources that Exhibit can read. A new source is one folder and one line here.
package all

import (
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
)

// Kinds gives the catalogue, in the order in which it is shown.
func Kinds() []source.Kind {
	return []source.Kind{
		onepassword.Kind(),
	}
}
