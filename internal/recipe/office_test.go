package recipe_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// TestOfficeFormats: the workbook holds every row as typed cells below what stands above them, and the same table made by
// the same person at the same time gives the same bytes, as workbook and as PDF.
func TestOfficeFormats(t *testing.T) {
	for _, r := range recipe.All() {
		report := run(t, r.ID, request(), dayOf(r)())
		file, pdf := office(t, report)
		again, pdfAgain := office(t, run(t, r.ID, request(), dayOf(r)()))
		if !bytes.Equal(file, again) || !bytes.Equal(pdf, pdfAgain) {
			t.Errorf("%s: made again it gave other bytes", r.ID)
		}
		book, err := excelize.OpenReader(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		sheets := book.GetSheetList()
		if len(sheets) != 1+len(report.Sections) || sheets[0] != "About" {
			t.Fatalf("%s: worksheets %q for %d sections", r.ID, sheets, len(report.Sections))
		}
		about := rowsOf(t, book, "About")
		for _, want := range []string{"ACCOUNTKFZ5BH37IQWTJ7LGAAA", "https://events.example.com", "Made by\tAda Example", "0.0.0-test", report.Provenance.Sentence, r.NotShown[0], r.Method[0]} {
			if !strings.Contains(about, want) {
				t.Errorf("%s: About does not say %q", r.ID, want)
			}
		}
		lines := 0
		for _, name := range sheets[1:] {
			lines += strings.Count(rowsOf(t, book, name), "\n") - 1
		}
		if int64(lines) != report.Provenance.Counts.Rows {
			t.Errorf("%s: %d rows in the workbook, want %d", r.ID, lines, report.Provenance.Counts.Rows)
		}
		if err := book.Close(); err != nil {
			t.Error(err)
		}
		if pages := regexp.MustCompile(`/Type /Page\b`).FindAll(pdf, -1); !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pages) < 2 {
			t.Errorf("%s: a PDF of %d pages", r.ID, len(pages))
		}
	}
}

// TestBytesOfWriters: what writes a form writes the same bytes as when its version was given. Should a library or a release of
// Go change them, Writer of the form has to go up: files from before must not look forged to whoever makes them again.
func TestBytesOfWriters(t *testing.T) {
	var b strings.Builder
	for _, r := range recipe.All() {
		for _, form := range run(t, r.ID, request(), dayOf(r)()).Renderings(made, t.TempDir()) {
			sum := sha256.New()
			if err := form.Write(sum); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s %d %x\n", r.ID, form.Format, form.Writer, sum.Sum(nil))
		}
	}
	golden(t, "writers.txt", b.String())
}

func office(t *testing.T, r *recipe.Report) (xlsx, pdf []byte) {
	t.Helper()
	var a, b bytes.Buffer
	if err := r.WriteXLSX(&a, made, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if err := r.WritePDF(&b, made); err != nil {
		t.Fatal(err)
	}
	return a.Bytes(), b.Bytes()
}

// rowsOf gives a worksheet with a tab between cells and a line for each row.
func rowsOf(t *testing.T, book *excelize.File, name string) string {
	t.Helper()
	rows, err := book.GetRows(name)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	return b.String()
}

// TestHostileOffice: no value of an event breaks the workbook or the PDF, or becomes a formula.
func TestHostileOffice(t *testing.T) {
	var all []evidence.Event
	for i, h := range append(hostile, "山田 太郎", "محمد", strings.Repeat("word ", 4000), "🔑") {
		all = append(all, signIn(fmt.Sprintf("09:%02d:00", i), evidence.Person{UUID: "U" + h, Name: h, Email: h}, h, "credentials_failed", h))
	}
	report := run(t, "failed-sign-ins", request(), withEvents(all...))
	file, pdf := office(t, report)
	if len(pdf) == 0 {
		t.Error("no PDF")
	}
	book, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	const name = "Failed and blocked sign-ins"
	if lines := strings.Count(rowsOf(t, book, name), "\n"); lines != len(all)+1 {
		t.Errorf("%d rows, want %d", lines-1, len(all))
	}
	for row := range len(all) + 1 {
		for col := range 26 {
			ref, err := excelize.CoordinatesToCellName(col+1, row+1)
			if err != nil {
				t.Fatal(err)
			}
			if formula, err := book.GetCellFormula(name, ref); err != nil || formula != "" {
				t.Errorf("%s is the formula %q (%v)", ref, formula, err)
			}
		}
	}
}
