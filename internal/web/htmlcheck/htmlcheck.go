// Package htmlcheck looks at pages in tests the way that a reader would: by elements, attributes and text, so that a
// test does not break because a page looks better.
package htmlcheck

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Page is a parsed page.
type Page struct {
	t    testing.TB
	root *html.Node
}

// Parse parses a page; what cannot be parsed fails the test.
func Parse(t testing.TB, body string) Page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatalf("parsing the page: %v", err)
	}
	return Page{t, root}
}

// All gives the elements that match a selector: one or more steps apart by spaces, each a tag, ".class", "#id",
// "[attr]", "[attr=value]" or several of them joined, such as "a.go[href]".
func (p Page) All(selector string) []*html.Node {
	found := []*html.Node{p.root}
	for step := range strings.FieldsSeq(selector) {
		var next []*html.Node
		seen := map[*html.Node]bool{}
		for _, from := range found {
			for n := range from.Descendants() {
				if n.Type == html.ElementNode && !seen[n] && matches(n, step) {
					seen[n] = true
					next = append(next, n)
				}
			}
		}
		found = next
	}
	return found
}

// One gives the only element that matches; none or several fail the test.
func (p Page) One(selector string) *html.Node {
	p.t.Helper()
	found := p.All(selector)
	if len(found) != 1 {
		p.t.Fatalf("%d elements match %q, want 1", len(found), selector)
	}
	return found[0]
}

// Has fails the test unless some element that matches holds the text.
func (p Page) Has(selector, text string) {
	p.t.Helper()
	for _, n := range p.All(selector) {
		if strings.Contains(Text(n), text) {
			return
		}
	}
	p.t.Errorf("no %q holds %q", selector, text)
}

// Lacks fails the test if some element that matches holds the text.
func (p Page) Lacks(selector, text string) {
	p.t.Helper()
	for _, n := range p.All(selector) {
		if strings.Contains(Text(n), text) {
			p.t.Errorf("a %q holds %q", selector, text)
		}
	}
}

// Text gives the text of an element with white space folded.
func Text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Attr gives an attribute of an element, "" without it.
func Attr(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// matches reports whether an element matches one step of a selector.
func matches(n *html.Node, step string) bool {
	for step != "" {
		end := len(step)
		if i := strings.IndexAny(step[1:], ".#["); i >= 0 {
			end = i + 1
		}
		if step[0] == '[' {
			end = strings.IndexByte(step, ']') + 1
		}
		if !matchesPart(n, step[:end]) {
			return false
		}
		step = step[end:]
	}
	return true
}

func matchesPart(n *html.Node, part string) bool {
	switch part[0] {
	case '.':
		for class := range strings.FieldsSeq(Attr(n, "class")) {
			if class == part[1:] {
				return true
			}
		}
		return false
	case '#':
		return Attr(n, "id") == part[1:]
	case '[':
		name, value, hasValue := strings.Cut(strings.Trim(part, "[]"), "=")
		got, ok := attr(n, name)
		return ok && (!hasValue || got == strings.Trim(value, `"`))
	}
	return n.Data == part
}

// In looks inside one element.
func In(t testing.TB, n *html.Node) Page { return Page{t, n} }
