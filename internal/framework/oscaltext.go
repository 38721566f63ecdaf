package framework

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// insertion is where OSCAL prose takes up a parameter: {{ insert: param, ac-02_odp.01 }}.
var insertion = regexp.MustCompile(`\{\{\s*(?:insert:\s*)?param\s*[,:]\s*([^\s{}]+)\s*\}\}`)

// writer writes the prose of a control as text of several lines. It stops when the text becomes longer than one may be,
// so that parameters that insert each other cannot fill the memory.
type writer struct {
	params  map[string]oscalParam
	out     strings.Builder
	runes   int
	inserts int
	tooLong bool
}

// maxInserts bounds how often parameters are taken up in one control, whether they write anything or not.
const maxInserts = 2000

func (w *writer) add(s string) {
	if w.tooLong {
		return
	}
	if w.runes += utf8.RuneCountInString(s); w.runes > maxProse {
		w.tooLong = true
		return
	}
	w.out.WriteString(s)
}

// parts writes the parts of that name, or of any name if it is empty, each item on a line of its own, further in the deeper it lies.
func (w *writer) parts(parts []oscalPart, name string, depth int) {
	if depth > maxDepth {
		w.tooLong = true
	}
	for _, p := range parts {
		if w.tooLong {
			return
		}
		if name != "" && p.Name != name {
			continue
		}
		mark := ""
		for _, q := range p.Props {
			if q.Name == "label" && q.Class == "" {
				mark = oneLine(q.Value) + " "
			}
		}
		if text := oneLine(p.Prose); text != "" || mark != "" {
			w.add(strings.Repeat("  ", max(depth-1, 0)) + mark)
			w.prose(text, 0)
			w.add("\n")
		}
		w.parts(p.Parts, "", depth+1)
	}
}

// prose writes a text with its parameters in place.
func (w *writer) prose(s string, depth int) {
	at := 0
	for _, m := range insertion.FindAllStringSubmatchIndex(s, -1) {
		w.add(s[at:m[0]])
		w.param(s[m[2]:m[3]], depth+1)
		if w.tooLong {
			return
		}
		at = m[1]
	}
	w.add(s[at:])
}

// param writes a parameter: its value if the catalogue sets one, else what there is to choose from or to assign.
func (w *writer) param(id string, depth int) {
	p, ok := w.params[id]
	w.inserts++
	switch {
	case depth > maxDepth || w.inserts > maxInserts:
		w.tooLong = true
	case !ok:
		w.add("[" + id + "]")
	case len(p.Values) > 0:
		w.prose(oneLine(strings.Join(p.Values, ", ")), depth)
	case p.Select != nil:
		w.add("[Selection")
		if p.Select.HowMany == "one-or-more" {
			w.add(" (one or more)")
		}
		w.add(": ")
		for i, choice := range p.Select.Choice {
			if i > 0 {
				w.add("; ")
			}
			w.prose(oneLine(choice), depth)
			if w.tooLong {
				return
			}
		}
		w.add("]")
	default:
		name := oneLine(p.Label)
		if name == "" {
			name = id
		}
		w.add("[Assignment: ")
		if !strings.HasPrefix(name, "organization-defined") {
			w.add("organization-defined ")
		}
		w.prose(name, depth)
		w.add("]")
	}
}
