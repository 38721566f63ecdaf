package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/exhibithq/exhibit/internal/sheet"
)

// write makes a workbook of one table of text columns.
func write(t testing.TB, opt sheet.Options, name string, rows ...[]sheet.Cell) []byte {
	t.Helper()
	b := sheet.New(opt)
	defer b.Close()
	table, err := b.Table(name, sheet.Column{Title: "time", Kind: sheet.TimeColumn}, sheet.Column{Title: "who"}, sheet.Column{Title: "how many", Kind: sheet.NumberColumn})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := table.Row(r...); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if n, err := b.WriteTo(&out); err != nil || n != int64(out.Len()) {
		t.Fatalf("%d of %d bytes: %v", n, out.Len(), err)
	}
	return out.Bytes()
}

func open(t testing.TB, file []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func cell(t testing.TB, f *excelize.File, name, ref string) string {
	t.Helper()
	v, err := f.GetCellValue(name, ref)
	if err != nil {
		t.Fatal(err)
	}
	if formula, err := f.GetCellFormula(name, ref); err != nil || formula != "" {
		t.Errorf("%s holds the formula %q (%v)", ref, formula, err)
	}
	if linked, _, err := f.GetCellHyperLink(name, ref); err != nil || linked {
		t.Errorf("%s is a link (%v)", ref, err)
	}
	return v
}

// hostile texts, and what a reader must see of them.
var hostile = map[string]string{
	`=HYPERLINK("https://example.com","x")`: `=HYPERLINK("https://example.com","x")`,
	"=1+1":                                  "=1+1",
	"+1":                                    "+1",
	"@SUM(A1)":                              "@SUM(A1)",
	"https://example.com/":                  "https://example.com/",
	"0123":                                  "0123",
	"1e5":                                   "1e5",
	"TRUE":                                  "TRUE",
	"_x0041_":                               "_x0041_",
	"_x005F_x0041_":                         "_x005F_x0041_",
	"_x0041_x0042_x0043_":                   "_x0041_x0042_x0043_",
	"_X0041_ __x0041__":                     "_X0041_ __x0041__",
	"a\x00b\x07\x1b":                        "a[U+0000]b[U+0007][U+001B]",
	"\r\n":                                  "[U+000D]\n",
	" kept ":                                " kept ",
	"\ttab\n":                               "\ttab\n",
	"\ufffe\uffff":                          "[U+FFFE][U+FFFF]",
	"broken \xff\xc3":                       "broken \ufffd",
	"</t></is></c><c><f>":                   "</t></is></c><c><f>",
	"&amp;<![CDATA[":                        "&amp;<![CDATA[",
	"Zoë 🔑 محمد":                            "Zoë 🔑 محمد",
}

func TestReadsBack(t *testing.T) {
	texts := slices.Sorted(func(yield func(string) bool) {
		for s := range hostile {
			if !yield(s) {
				return
			}
		}
	})
	rows := [][]sheet.Cell{
		{sheet.Time(time.Date(2026, 10, 1, 14, 0, 0, 123456789, time.FixedZone("", 7200))), sheet.Strong("Ada Example"), sheet.Number(-42)},
		{sheet.Time(time.Time{}), sheet.Text(""), sheet.Number(1_234_567_890_123_456_789)},
	}
	for _, s := range texts {
		rows = append(rows, []sheet.Cell{{}, sheet.Text(s)})
	}
	f := open(t, write(t, sheet.Options{}, "Rows", rows...))
	for ref, want := range map[string]string{
		"A1": "time", "C1": "how many", "A2": "2026-10-01T12:00:00.123456789Z", "B2": "Ada Example", "C2": "-42", "A3": "", "B3": "", "C3": "1234567890123456789",
	} {
		if got := cell(t, f, "Rows", ref); got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
	for ref, want := range map[string]excelize.CellType{"C2": excelize.CellTypeUnset, "C3": excelize.CellTypeInlineString, "B2": excelize.CellTypeInlineString} {
		if got, err := f.GetCellType("Rows", ref); err != nil || got != want {
			t.Errorf("%s is of type %v, want %v (%v)", ref, got, want, err)
		}
	}
	for i, s := range texts {
		ref := fmt.Sprintf("B%d", i+4)
		if got := cell(t, f, "Rows", ref); got != hostile[s] {
			t.Errorf("%q: %q, want %q", s, got, hostile[s])
		}
		if kind, err := f.GetCellType("Rows", ref); err != nil || kind != excelize.CellTypeInlineString {
			t.Errorf("%q is of type %v (%v)", s, kind, err)
		}
	}
	panes, err := f.GetPanes("Rows")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the heading is not frozen: %+v, %v", panes, err)
	}
	if width, err := f.GetColWidth("Rows", "A"); err != nil || width < 20 {
		t.Errorf("the column of times is %v wide (%v)", width, err)
	}
}

// TestLooks: the heading is dark and bold on grey with a line below it, text is of the format text, and nothing else is bold.
func TestLooks(t *testing.T) {
	f := open(t, write(t, sheet.Options{}, "Rows", []sheet.Cell{sheet.Time(time.Unix(0, 0)), sheet.Strong("Ada"), sheet.Number(1)}, []sheet.Cell{{}, sheet.Text("Ada")}))
	for ref, want := range map[string]string{
		"A1": "format 49, bold true, fill 1, border 1, wrapped true, center", "A2": "format 49, bold false, fill 0, border 0, wrapped false, top",
		"B2": "format 49, bold true, fill 0, border 0, wrapped false, top", "C2": "format 1, bold false, fill 0, border 0, wrapped false, top", "B3": "format 49, bold false, fill 0, border 0, wrapped true, top",
	} {
		id, err := f.GetCellStyle("Rows", ref)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.GetStyle(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("format %d, bold %v, fill %d, border %d, wrapped %v, %s", s.NumFmt, s.Font.Bold, s.Fill.Pattern, len(s.Border), s.Alignment.WrapText, s.Alignment.Vertical); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
		if s.Font.Family != "Calibri" || s.Font.Size != 11 {
			t.Errorf("%s is in %s %v", ref, s.Font.Family, s.Font.Size)
		}
	}
}

// TestParts: each part is whole XML, and whatever one names is there.
func TestParts(t *testing.T) {
	var rows [][]sheet.Cell
	for i := range int64(40) {
		rows = append(rows, []sheet.Cell{{}, sheet.Text("<&>\"'"), sheet.Number(i)})
	}
	file := write(t, sheet.Options{Title: "<&>", MaxRows: 5}, `<&>"`, rows...)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	there, named := map[string]bool{}, map[string]bool{}
	for _, p := range z.File {
		there["/"+p.Name] = true
		r, err := p.Open()
		if err != nil {
			t.Fatal(err)
		}
		for dec := xml.NewDecoder(r); ; {
			tok, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				for _, a := range e.Attr {
					switch {
					case a.Name.Local == "PartName":
						named[a.Value] = true
					case a.Name.Local == "Target" && strings.HasPrefix(p.Name, "xl/"):
						named["/xl/"+a.Value] = true
					case a.Name.Local == "Target":
						named["/"+a.Value] = true
					}
				}
			}
		}
	}
	for _, name := range []string{"/[Content_Types].xml", "/_rels/.rels", "/xl/_rels/workbook.xml.rels"} {
		named[name] = true
	}
	if !maps.Equal(there, named) || len(there) != 7+10 {
		t.Errorf("there are %v and named %v", there, named)
	}
}

// TestLongCell: a cell that is too long is cut between characters, says so and is counted.
func TestLongCell(t *testing.T) {
	b := sheet.New(sheet.Options{})
	defer b.Close()
	table, err := b.Table("Long", sheet.Column{Title: "text"})
	if err != nil {
		t.Fatal(err)
	}
	fits, tooLong := strings.Repeat("🔑", 16383)+"x", strings.Repeat("🔑", 16384)
	for _, s := range []string{fits, tooLong, strings.Repeat("\x00", 10000)} {
		if err := table.Row(sheet.Text(s)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := b.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	f := open(t, out.Bytes())
	if got := cell(t, f, "Long", "A2"); got != fits {
		t.Error("a cell of 32,767 units came back changed")
	}
	if got := cell(t, f, "Long", "A3"); !strings.HasSuffix(got, "🔑… [cut: 32687 of 32768 characters are shown]") || len(utf16.Encode([]rune(got))) > 32767 {
		t.Errorf("a cell of 32,768 units ends with %q", got[len(got)-60:])
	}
	if got := cell(t, f, "Long", "A4"); !strings.Contains(got, "[cut: ") {
		t.Error("a cell that grew too long is not cut")
	}
	if table.Cut() != 2 || table.Rows() != 3 {
		t.Errorf("%d cut of %d rows, want 2 of 3", table.Cut(), table.Rows())
	}
}

// TestManyRows: a table goes on in further worksheets, each with the heading, and no row is lost.
func TestManyRows(t *testing.T) {
	var rows [][]sheet.Cell
	for i := range int64(10) {
		rows = append(rows, []sheet.Cell{{}, {}, sheet.Number(i)})
	}
	f := open(t, write(t, sheet.Options{MaxRows: 5}, "A name that is far longer than a worksheet's", rows...))
	want := []string{"A name that is far longer than", "A name that is far longer t (2)", "A name that is far longer t (3)"}
	if got := f.GetSheetList(); !slices.Equal(got, want) {
		t.Fatalf("worksheets %q, want %q", got, want)
	}
	var seen []string
	for _, name := range want {
		if got := cell(t, f, name, "C1"); got != "how many" {
			t.Errorf("%s has no heading: %q", name, got)
		}
		for row := 2; row <= 5; row++ {
			if v := cell(t, f, name, fmt.Sprintf("C%d", row)); v != "" {
				seen = append(seen, v)
			}
		}
	}
	if got := strings.Join(seen, ""); got != "0123456789" {
		t.Errorf("rows %s", got)
	}
}

func TestNames(t *testing.T) {
	b := sheet.New(sheet.Options{})
	defer b.Close()
	for _, name := range []string{"About", "about", "", "history", "it's [a] 1/2 x:y*?\\", "_x0041_x0042_", "\x00\xff", "🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑"} {
		if _, err := b.Table(name, sheet.Column{Title: "x"}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	var out bytes.Buffer
	if _, err := b.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	want := []string{"About", "about (2)", "Table", "Table (2)", "it-s -a- 1-2 x-y---", "-x0041-x0042_", "-\ufffd", strings.Repeat("🔑", 15)}
	if got := open(t, out.Bytes()).GetSheetList(); !slices.Equal(got, want) {
		t.Errorf("worksheets %q, want %q", got, want)
	}
}

// TestSameBytes: the same input gives the same file, also with many worksheets.
func TestSameBytes(t *testing.T) {
	var rows [][]sheet.Cell
	for i := range int64(40) {
		rows = append(rows, []sheet.Cell{{}, sheet.Text("x"), sheet.Number(i)})
	}
	first := write(t, sheet.Options{Title: "T & Co", MaxRows: 5}, "Rows", rows...)
	for range 5 {
		if again := write(t, sheet.Options{Title: "T & Co", MaxRows: 5}, "Rows", rows...); !bytes.Equal(first, again) {
			t.Fatal("the same rows gave other bytes")
		}
	}
	write(t, sheet.Options{}, "Others", rows[7:]...)
	if again := write(t, sheet.Options{Title: "T & Co", MaxRows: 5}, "Rows", rows...); !bytes.Equal(first, again) {
		t.Fatal("after other rows the same rows gave other bytes")
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range z.File {
		names = append(names, p.Name)
		if p.Modified.Year() != 1979 { // what no time at all reads as
			t.Errorf("%s has a time: %s", p.Name, p.Modified)
		}
		r, err := p.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r) // checks the sum
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		for _, year := range []string{"2006", "2025", "2026"} {
			if strings.HasPrefix(p.Name, "docProps/") && bytes.Contains(body, []byte(year+"-")) {
				t.Errorf("%s holds a date: %s", p.Name, body)
			}
		}
	}
	if !slices.IsSorted(names) || names[0] != "[Content_Types].xml" {
		t.Errorf("parts in the order %q", names)
	}
	if props, err := open(t, first).GetDocProps(); err != nil || props.Title != "T & Co" || props.Creator != "Exhibit" || props.Created != "" {
		t.Errorf("properties %+v, %v", props, err)
	}
}

// TestNothingStays: a workbook that went through the disk leaves nothing there.
func TestNothingStays(t *testing.T) {
	dir := t.TempDir()
	noise := []byte("abcdefghijklmnopqrstuvwxyz")
	var rows [][]sheet.Cell
	state := uint32(1)
	for range 60_000 {
		var text [400]byte
		for i := range text {
			state = state*1664525 + 1013904223
			text[i] = noise[state>>24%26]
		}
		rows = append(rows, []sheet.Cell{{}, sheet.Text(string(text[:]))})
	}
	if f := open(t, write(t, sheet.Options{TempDir: dir}, "Rows", rows...)); len(f.GetSheetList()) != 1 {
		t.Error("the rows do not stand in one worksheet")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestMisuse(t *testing.T) {
	b := sheet.New(sheet.Options{})
	defer b.Close()
	if _, err := b.WriteTo(io.Discard); err == nil {
		t.Error("a workbook without a table was written")
	}
	if _, err := b.Table("x"); err == nil {
		t.Error("a table without columns was begun")
	}
	table, err := b.Table("x", sheet.Column{Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Row(sheet.Text("a"), sheet.Text("b")); err == nil {
		t.Error("a row that is too wide was taken")
	}
	if _, err := b.WriteTo(failing{}); err == nil {
		t.Error("a writer that fails went unnoticed")
	}
	if _, err := b.WriteTo(io.Discard); err == nil {
		t.Error("a workbook was written twice")
	}
	if err := table.Row(sheet.Text("a")); err == nil {
		t.Error("a row was taken after the end")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// FuzzText: any text comes back as a text cell that a reader can open, unchanged where a spreadsheet can hold it.
func FuzzText(f *testing.F) {
	for s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 40_000 {
			return
		}
		book := open(t, write(t, sheet.Options{}, s, []sheet.Cell{{}, sheet.Text(s)}))
		name := book.GetSheetList()[0]
		got := cell(t, book, name, "B2")
		plain := utf8.ValidString(s) && len(s) <= 32767 && !strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF
		})
		if plain && got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}
