package program

import "fmt"

// edits is what an edit changes, each in words for the trail.
type edits []string

// text changes a field to what was typed, cleaned; nil leaves it. Long texts are named and not repeated.
func (e *edits) text(what string, to, field *string, clean func(string) string) {
	if to == nil || clean(*to) == *field {
		return
	}
	if what != "description" {
		what = fmt.Sprintf("%s from “%s” to “%s”", what, *field, clean(*to))
	}
	*e = append(*e, what)
	*field = clean(*to)
}
