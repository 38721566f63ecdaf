package framework

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var bom = []byte("\ufeff")

// maxComplaints is how many things that are wrong with a file are told at once.
const maxComplaints = 8

// column says which headers name a column. They are compared without case, blanks, hyphens and underscores.
type column struct {
	name    string
	headers []string
}

func columns() []column {
	return []column{
		{"id", []string{"id", "identifier", "requirementid", "controlid", "ref", "reference", "number", "no", "nr", "key", "clause", "refid"}},
		{"title", []string{"title", "name", "shorttitle", "requirement", "control", "summary", "label", "heading"}},
		{"text", []string{"text", "description", "prose", "fulltext", "requirementtext", "statement", "body", "wording"}},
		{"parent", []string{"parent", "parentid", "parentref", "partof", "under"}},
		{"group", []string{"group", "category", "section", "domain", "family", "chapter", "function"}},
	}
}

// ParseCSV reads requirements from a table with the columns id, title, text, parent and group; id and one of title and
// text must be there. Commas, semicolons or tabs may part the cells, and a byte order mark may stand in front. The
// framework's own name and version are not in such a file and stay empty.
func ParseCSV(data []byte) (Framework, error) {
	data = bytes.TrimPrefix(data, bom)
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) || bytes.IndexByte(data, 0) >= 0 {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file is not written in UTF-8. Save it as CSV in UTF-8 and try again.")
	}
	if !utf8.Valid(data) {
		return Framework{}, evidence.Errorf(evidence.Invalid, "Line %d holds bytes that are not UTF-8. Save the file as CSV in UTF-8 and try again.", badLine(data))
	}
	t := table{reader: csv.NewReader(bytes.NewReader(data))}
	t.reader.Comma = comma(data)
	t.reader.FieldsPerRecord = -1
	t.reader.TrimLeadingSpace = t.reader.Comma != '\t' // which would count as a blank itself
	t.reader.ReuseRecord = true
	if err := t.readHeader(); err != nil {
		return Framework{}, err
	}
	return t.readRows()
}

// badLine gives the number of the first line that is not UTF-8.
func badLine(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 1
}

// comma guesses what parts the cells by what stands most often in the first line.
func comma(data []byte) rune {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, r := range ";\t" {
		if n := bytes.Count(line, []byte(string(r))); n > most {
			best, most = r, n
		}
	}
	return best
}

// table is a file that is being read.
type table struct {
	reader *csv.Reader
	at     map[string]int // column to its place
	lines  map[string]int // id to the line that it stands on
	wrong  []string
	more   int
}

func (t *table) readHeader() error {
	header, err := t.reader.Read()
	if err != nil {
		return t.broken(err)
	}
	t.at, t.lines = map[string]int{}, map[string]int{}
	plain := strings.NewReplacer(" ", "", "-", "", "_", "", ".", "", "#", "")
	for _, c := range columns() {
		for _, name := range c.headers { // the first header in this order wins, wherever it stands
			for i, cell := range header {
				if _, ok := t.at[c.name]; !ok && plain.Replace(strings.ToLower(strings.TrimSpace(cell))) == name {
					t.at[c.name] = i
				}
			}
		}
	}
	_, id := t.at["id"]
	_, title := t.at["title"]
	_, text := t.at["text"]
	if !id || !title && !text {
		return evidence.Errorf(evidence.Invalid, "The first line must name the columns. It needs id and title (text, parent and group may follow), and it is: %.120s", oneLine(strings.Join(header, ", ")))
	}
	return nil
}

func (t *table) readRows() (Framework, error) {
	var f Framework
	for {
		row, err := t.reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Framework{}, t.broken(err)
		}
		line, _ := t.reader.FieldPos(0)
		if r, ok := t.requirement(row, line); ok {
			f.Requirements = append(f.Requirements, r)
		}
		if len(f.Requirements) > maxRequirements {
			return Framework{}, evidence.Errorf(evidence.Invalid, "Line %d: the file has more than %d requirements.", line, maxRequirements)
		}
	}
	for _, r := range f.Requirements {
		if _, ok := t.lines[r.Parent]; r.Parent != "" && !ok {
			t.complain(t.lines[r.ID], "the parent %.60q of %.60s is not in the file", r.Parent, r.ID)
		}
	}
	if len(t.wrong) > 0 {
		return Framework{}, t.complaints()
	}
	if len(f.Requirements) == 0 {
		return Framework{}, evidence.Errorf(evidence.Invalid, "The file has a line of headers and no requirement below it.")
	}
	if err := checkParents(f.Requirements); err != nil {
		return Framework{}, err
	}
	group(f.Requirements)
	return f, nil
}

// requirement makes a requirement of a row, or notes what is wrong with it. Rows without anything in them are passed over.
func (t *table) requirement(row []string, line int) (Requirement, bool) {
	cell := func(name string) string {
		if i, ok := t.at[name]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	r := Requirement{ID: cell("id"), Title: oneLine(cell("title")), Text: prose(cell("text")), Parent: cell("parent"), Group: oneLine(cell("group"))}
	if r == (Requirement{}) {
		return r, false
	}
	before := len(t.wrong) + t.more
	switch first := t.lines[r.ID]; {
	case r.ID == "":
		t.complain(line, "there is no id")
	case first != 0:
		t.complain(line, "the id %.60s stands on line %d already", r.ID, first)
	case len(r.ID) > maxID || textProblem(r.ID) != "" || strings.Trim(r.ID, ".") == "":
		t.complain(line, "%.60q cannot be an id", r.ID)
	default:
		t.lines[r.ID] = line
	}
	if r.Title == "" {
		r.Title = short(oneLine(r.Text))
	}
	if problem := textProblem(r.Title); problem != "" {
		t.complain(line, "the title of %.60q %s", r.ID, problem)
	}
	if problem := proseProblem(r.Text); problem != "" {
		t.complain(line, "the text of %.60q %s", r.ID, problem)
	}
	if problem := textProblem(r.Group); r.Group != "" && problem != "" {
		t.complain(line, "the group of %.60q %s", r.ID, problem)
	}
	return r, len(t.wrong)+t.more == before
}

func (t *table) complain(line int, format string, args ...any) {
	if len(t.wrong) == maxComplaints {
		t.more++
		return
	}
	t.wrong = append(t.wrong, fmt.Sprintf("Line %d: %s.", line, fmt.Sprintf(format, args...)))
}

func (t *table) complaints() error {
	text := strings.Join(t.wrong, "\n")
	if t.more > 0 {
		text += fmt.Sprintf("\nAnd %d more.", t.more)
	}
	return evidence.Errorf(evidence.Invalid, "%s\nNothing was imported. Mend the file and try again.", text)
}

// broken says why the file cannot be read as CSV.
func (t *table) broken(err error) error {
	var p *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return evidence.Errorf(evidence.Invalid, "The file is empty.")
	case errors.As(err, &p):
		return &evidence.Error{Code: evidence.Invalid, Message: fmt.Sprintf("Line %d: a quotation mark stands where none may be, or one is missing. Nothing was imported.", p.StartLine), Err: err}
	}
	return &evidence.Error{Code: evidence.Invalid, Message: "The file cannot be read as CSV.", Err: err}
}

// group gives requirements without a group the one of their topmost ancestor, or that ancestor's name.
func group(all []Requirement) {
	byID := make(map[string]int, len(all))
	parent := map[string]bool{}
	for i, r := range all {
		byID[r.ID] = i
		parent[r.Parent] = true
	}
	for i := range all {
		if all[i].Group != "" {
			continue
		}
		top := all[i]
		for top.Parent != "" {
			top = all[byID[top.Parent]]
		}
		switch {
		case top.Group != "":
			all[i].Group = top.Group
		case parent[top.ID]:
			all[i].Group = short(top.ID + " " + top.Title)
		default:
			all[i].Group = "Requirements"
		}
	}
}

// short cuts a text to what a title may be, at a blank if there is one.
func short(s string) string {
	const longest = 120
	r := []rune(s)
	if len(r) <= longest {
		return s
	}
	cut := string(r[:longest-1])
	if at := strings.LastIndexByte(cut, ' '); at > longest/2 {
		cut = cut[:at]
	}
	return cut + "…"
}

// prose writes line ends in one way and keeps at most one empty line in a row.
func prose(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(strings.TrimSpace(s))
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return s
}
