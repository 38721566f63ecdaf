package upload

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// part is one part of an office file.
type part struct{ name, content string }

const types = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="TYPE"/></Types>`

// office makes an office file of a kind with more parts.
func office(t testing.TB, kind string, more ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, p := range append([]part{{"[Content_Types].xml", strings.ReplaceAll(types, "TYPE", mainTypes[kind])}, {"xl/workbook.xml", "<workbook/>"}}, more...) {
		f, err := w.Create(p.name)
		if err == nil {
			_, err = f.Write([]byte(p.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func check(name string, b []byte) (Kind, error) {
	return Check(name, bytes.NewReader(b), int64(len(b)))
}

const (
	onePixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\x00IEND\xaeB`\x82"
	link     = `<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/KIND" Target="https://example.com/x" TargetMode="External"/></Relationships>`
)

func TestTaken(t *testing.T) {
	for name, b := range map[string][]byte{
		"Policy.PDF":    []byte("%PDF-1.7\n…\n%%EOF\n"),
		"screen.png":    []byte(onePixel),
		"photo.jpeg":    []byte("\xff\xd8\xff\xe0…\xff\xd9"),
		"leavers.csv":   []byte("name;left\nAda;2026-10-01\n"),
		"bom.csv":       []byte("\xef\xbb\xbfname,left\n"),
		"note.txt":      []byte("Überprüft.\n" + strings.Repeat("é", 40_000)),
		"export.json":   []byte(` {"a": [1, {"b": null}]} `),
		"list.xlsx":     office(t, "xlsx"),
		"minutes.docx":  office(t, "docx"),
		"linked.docx":   office(t, "docx", part{"word/_rels/document.xml.rels", strings.ReplaceAll(link, "KIND", "hyperlink")}),
		"repeated.xlsx": office(t, "xlsx", part{"xl/worksheets/sheet1.xml", strings.Repeat("<c/>", 200_000)}),
	} {
		if k, err := check(name, b); err != nil || !strings.Contains(strings.ToLower(name), k.Format[:2]) {
			t.Errorf("%s: %v, %+v", name, err, k)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		body []byte
		says string
	}{
		{"tool.exe", []byte("MZ"), "not taken"},
		{"report.xlsm", office(t, "xlsx"), "not taken"},
		{"nothing.pdf", nil, "empty"},
		{"page.pdf", []byte("<html>%%EOF"), "called pdf"},
		{"cut.pdf", []byte("%PDF-1.7\n"), "cut off"},
		{"cut.png", []byte(onePixel[:40]), "cut off"},
		{"photo.jpg", []byte(onePixel), "called jpg"},
		{"page.txt", []byte("\n<!DOCTYPE html><script>"), "begins like something else"},
		{"page.csv", []byte("<svg onload=x>,"), "begins like something else"},
		{"one.csv", []byte("name\nAda\n"), "one column"},
		{"latin.txt", []byte("Gr\xfc\xdfe"), "UTF-8"},
		{"binary.txt", []byte("a\x00b"), "control characters"},
		{"cut.json", []byte(`{"a":`), "ends before"},
		{"two.json", []byte(`{} {}`), "goes on behind"},
		{"deep.json", []byte(strings.Repeat("[", 300)), "nested"},
		{"no.json", []byte(`{a}`), "is none"},
		{"list.xlsx", []byte("%PDF-1.7 %%EOF"), "called xlsx"},
		{"list.xlsx", office(t, "docx"), "called xlsx"},
		{"list.docx", office(t, "xlsx"), "called docx"},
		{"list.xlsx", append([]byte("x"), office(t, "xlsx")...), "called xlsx"},
		{"list.xlsx", office(t, "xlsx", part{"xl/vbaProject.bin", "x"}), "macros"},
		{"list.xlsx", office(t, "xlsx", part{"xl/macrosheets/sheet1.xml", "x"}), "macros"},
		{"list.xlsx", office(t, "xlsx", part{"xl/externalLinks/externalLink1.xml", "x"}), "takes data from other files"},
		{"list.xlsx", office(t, "xlsx", part{"xl/connections.xml", "x"}), "takes data from other files"},
		{"list.docx", office(t, "docx", part{"word/_rels/settings.xml.rels", strings.ReplaceAll(link, "KIND", "attachedTemplate")}), "takes data from other files"},
		{"list.docx", office(t, "docx", part{"word/embeddings/oleObject1.bin", "x"}), "embedded"},
		{"list.docx", office(t, "docx", part{"../evil.xml", "x"}), "name that no office"},
		{"list.docx", office(t, "docx", part{"xl\\workbook.xml", "x"}), "name that no office"},
		{"list.docx", office(t, "docx", part{"XL/Workbook.xml", "x"}), "name that no office"},
		{"list.docx", office(t, "docx", part{"word/_rels/x.rels", "<a"}), "damaged"},
		{"bomb.docx", office(t, "docx", part{"word/document.xml", strings.Repeat(" ", 8<<20)}), "bombs"},
	} {
		_, err := check(c.name, c.body)
		if evidence.ErrorCode(err) != evidence.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s (%.20q): %v, want %q", c.name, c.body, err, c.says)
		}
	}
	if _, err := Check("large.txt", bytes.NewReader(nil), MaxSize+1); !strings.Contains(err.Error(), "larger than 50 MB") {
		t.Errorf("a file that is too large: %v", err)
	}
}

// FuzzCheck holds that no file makes the program panic, and that what is taken begins as its name says.
func FuzzCheck(f *testing.F) {
	for _, seed := range [][]byte{[]byte("%PDF-1.7\n%%EOF"), []byte(onePixel), []byte("\xff\xd8\xff\xd9"), []byte("a,b\n"), []byte(`{"a":[1]}`), office(f, "xlsx"), office(f, "docx", part{"word/_rels/a.rels", link})} {
		for _, k := range Kinds() {
			f.Add("x."+k.Format, seed)
		}
	}
	starts := map[string]string{"pdf": "%PDF-", "png": "\x89PNG", "jpg": "\xff\xd8\xff", "xlsx": "PK\x03\x04", "docx": "PK\x03\x04"}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		k, err := check(name, b)
		if err == nil && !bytes.HasPrefix(b, []byte(starts[k.Format])) {
			t.Errorf("%q is taken for %s and begins with %.8q", name, k.Format, b)
		}
	})
}
