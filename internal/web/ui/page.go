package ui

import "strings"

// Page is what the frame around a page needs to know.
type Page struct {
	Title     string // without the product's name
	Nav       string // path of the entry in the rail that is lit
	Crumbs    []Crumb
	Theme     string              // "light", "dark" or "" for what the browser prefers
	Path      string              // path and query of this page, where changing the theme leads back to
	Asset     func(string) string // address of an asset by its plain name
	Workspace string
	Person    Person
	Others    []Elsewhere // workspaces in which this browser is signed in, too
	Groups    []Group
	Low       []Entry // at the foot of the rail
	Wide      bool
	Mark      string // how what the page shows stood, if it renews itself; see the hub of package web
	Reload    bool   // the page changes by itself: without scripts it is loaded again every few seconds
}

// Elsewhere is another workspace to which one can switch.
type Elsewhere struct {
	ID, Name string
}

// Person is who is signed in, as the rail shows him.
type Person struct {
	Name string
	Role string
}

// Crumb is one step of the way to a page. The last has no Path.
type Crumb struct {
	Name string
	Path string
}

// Group is one group of entries in the rail.
type Group struct {
	Title   string // empty: the first group
	Entries []Entry
}

// Entry is one entry of the rail.
type Entry struct {
	Name  string
	Path  string
	Icon  string
	Count int    // shown if not 0
	Loud  bool   // the count asks for something
	Says  string // what the count counts, for a screen reader: "overdue"
}

// Here gives the value of aria-current for an entry.
func (p Page) Here(path string) string {
	if p.Nav == path {
		return "page"
	}
	return "false"
}

// NextTheme is what the theme button changes to.
func (p Page) NextTheme() string {
	return map[string]string{"": "dark", "dark": "light", "light": "auto"}[p.Theme]
}

// ThemeSays names what the theme button does.
func (p Page) ThemeSays() string {
	switch p.NextTheme() {
	case "dark":
		return "Use the dark theme"
	case "light":
		return "Use the light theme"
	}
	return "Use the theme of the browser"
}

func (p Page) themeIcon() string {
	switch p.NextTheme() {
	case "dark":
		return "moon"
	case "light":
		return "sun"
	}
	return "monitor"
}

// Initials gives at most two letters for an avatar.
func Initials(name string) string {
	var out []rune
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' || r == '-' || r == '_' }) {
		if r := []rune(word)[0]; r != '(' && r != '@' && !hidden(r) {
			out = append(out, r)
		}
		if strings.Contains(word, "@") {
			break
		}
	}
	switch {
	case len(out) == 0:
		return "?"
	case len(out) > 2:
		out = []rune{out[0], out[len(out)-1]}
	}
	return strings.ToUpper(string(out))
}

// hue picks one of eight hues for a name, the same each time.
func hue(name string) string {
	sum := 0
	for i, b := range []byte(name) {
		sum += int(b) * (i%7 + 1)
	}
	return "h" + string(rune('0'+sum%8))
}
