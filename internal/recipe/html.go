package recipe

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

//go:embed report.css
var reportCSS string

//go:embed report.html
var reportHTML string

// shownRows is how many rows of a section the HTML rendering shows at most. Where it leaves rows out it says so; CSV and
// NDJSON hold all of them.
const shownRows = 2000

// shownGaps is the same for the windows and gaps of one stream in the header.
const shownGaps = 100

// Made says who made a table and when. It stands in the HTML rendering alone, so that CSV and NDJSON are the same
// whoever makes them.
type Made struct {
	By string
	At time.Time
}

// WriteHTML writes the table as one self-contained page: no script, no load from anywhere, light and dark, fit to print.
// Above the rows stands what an auditor asks of any report: source, query, parameters, counts, coverage, limits, result.
func (r *Report) WriteHTML(w io.Writer, made Made) error {
	page, err := template.New("report").Funcs(template.FuncMap{"time": humanTime, "show": visible}).Parse(reportHTML)
	if err != nil {
		return fmt.Errorf("reading the report's template: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	data, err := r.pageData(made)
	if err != nil {
		return err
	}
	for _, part := range []string{"head", "sections", "foot"} {
		if part == "sections" {
			err = r.writeSections(out)
		} else {
			err = page.ExecuteTemplate(out, part, data)
		}
		if err != nil {
			return fmt.Errorf("writing HTML: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing HTML: %w", err)
	}
	return nil
}

// pageData is what the template shows.
type pageData struct {
	Provenance
	Made      Made
	Style     template.CSS
	Policy    string // content security policy: nothing but the page's own style
	QueryJSON string
	CutGaps   int
}

func (r *Report) pageData(made Made) (pageData, error) {
	query, err := json.Marshal(struct {
		Query      QueryFacts `json:"query"`
		Parameters []Value    `json:"parameters"`
	}{r.Provenance.Query, r.Provenance.Parameters})
	if err != nil {
		return pageData{}, fmt.Errorf("writing the query as JSON: %w", err)
	}
	sum := sha256.Sum256([]byte(reportCSS))
	return pageData{
		Provenance: r.Provenance,
		Made:       made,
		Style:      template.CSS(reportCSS),
		Policy:     "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		QueryJSON:  escapeHidden(string(query)),
		CutGaps:    shownGaps,
	}, nil
}

// writeSections writes the tables by hand, as a template would keep every row in memory.
func (r *Report) writeSections(w *bufio.Writer) error {
	for _, s := range r.Sections {
		fmt.Fprintf(w, "<section>\n<h2>%s <span class=\"n\">%d</span></h2>\n", template.HTMLEscapeString(s.Title), s.Len())
		if s.Note != "" {
			fmt.Fprintf(w, "<p>%s</p>\n", template.HTMLEscapeString(s.Note))
		}
		if s.Len() == 0 {
			fmt.Fprintf(w, "<p class=\"none\">%s</p>\n</section>\n", template.HTMLEscapeString(s.Empty))
			continue
		}
		if err := r.writeRows(w, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) writeRows(w *bufio.Writer, s *Section) error {
	fmt.Fprintf(w, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>\n<thead><tr>", template.HTMLEscapeString(s.Title))
	for _, i := range s.Brief {
		fmt.Fprintf(w, "<th scope=\"col\">%s</th>", template.HTMLEscapeString(r.Columns[i].Title))
	}
	events := false
	written := 0
	err := s.Each(func(row Row) error {
		if written == 0 {
			if events = row.Event.Page > 0; events {
				w.WriteString("<th scope=\"col\">Event</th>")
			}
			w.WriteString("</tr></thead>\n<tbody>\n")
		}
		if written++; written > shownRows {
			return io.EOF
		}
		return r.writeRow(w, s, row, events)
	})
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	w.WriteString("</tbody></table></div>\n")
	if s.Len() > shownRows {
		fmt.Fprintf(w, "<p class=\"cut\">Shown are the first %d of %d rows. All of them are in the CSV, NDJSON and XLSX files of this artifact.</p>\n", shownRows, s.Len())
	}
	_, err = w.WriteString("</section>\n")
	return err
}

func (r *Report) writeRow(w *bufio.Writer, s *Section, row Row, events bool) error {
	w.WriteString("<tr>")
	for _, i := range s.Brief {
		cell := row.Cells[i]
		class := ""
		switch r.Columns[i].Kind {
		case List:
			cell = joinList(cell)
		case Time:
			cell, class = strings.Replace(strings.TrimSuffix(cell, "Z"), "T", " ", 1), ` class="t"`
		case Number:
			class = ` class="num"`
		case Text:
		}
		if class == "" && longWord(cell) {
			class = ` class="w"`
		}
		w.WriteString("<td" + class + ">")
		w.WriteString(template.HTMLEscapeString(visible(cell)))
		w.WriteString("</td>")
	}
	if events {
		w.WriteString("<td class=\"t\">" + row.Event.String() + "</td>")
	}
	_, err := w.WriteString("</tr>\n")
	return err
}

// longWord reports whether a cell holds a word that would stretch its column beyond reading; such a word is broken anywhere.
func longWord(s string) bool {
	for word := range strings.FieldsSeq(s) {
		if len(word) > 36 {
			return true
		}
	}
	return false
}

// escapeHidden writes characters that visible would show by their code as JSON escapes them, so that it stays JSON.
func escapeHidden(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		if !hidden(c) {
			b.WriteRune(c)
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// visible makes characters that a reader cannot see, or that turn round what he sees, into their code in brackets.
func visible(s string) string {
	if ascii(s) || !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if hidden(c) {
			b.WriteString("[U+" + strings.ToUpper(strconv.FormatInt(int64(c)+0x1000000, 16)[3:]) + "]")
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// ascii reports whether s is printable ASCII alone, as nearly all values are.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// hidden are controls, invisible formatting (bidirectional controls, zero-width characters, byte order marks) and line separators.
func hidden(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp)
}

// humanTime writes a time for a reader, to the second unless it has more.
func humanTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999999")
}
