package explore_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/explore"
)

// hostile are values that try to be something else than text in some program.
var hostile = []string{
	`=HYPERLINK("http://example.com")`, "+1+1", "-2+3", "@SUM(A1)", "\tx", "\r\n=1", "  =1+1", "\uFF1D1+1", "a;=1+1", "<script>alert(1)</script>", "a\u202Egpj.exe",
	"nul\x00bel\a", `quote"in,side`, strings.Repeat("long ", 8000), "\x1b[2J", "{{.}}",
}

func hostileWorld(t *testing.T) *world {
	w := newWorld(t)
	var items [][]byte
	for i, h := range hostile {
		items = append(items, audit(i, h))
	}
	w.read(items...)
	return w
}

func (w *world) write(format string) []byte {
	w.t.Helper()
	var out bytes.Buffer
	n, err := w.explore.Write(w.t.Context(), &out, explore.Writing{Query: w.query(), Format: format})
	w.ok(err)
	if n != int64(len(hostile)) {
		w.t.Fatalf("%s holds %d events, want %d", format, n, len(hostile))
	}
	return out.Bytes()
}

func TestHostileEventsInNDJSON(t *testing.T) {
	w := hostileWorld(t)
	lines := strings.Split(strings.TrimSuffix(string(w.write("ndjson")), "\n"), "\n")
	for i, h := range hostile {
		if diff := cmp.Diff(string(audit(i, h)), lines[i]); diff != "" {
			t.Errorf("line %d is not what was received:\n%s", i, diff)
		}
	}
}

func TestHostileEventsInCSV(t *testing.T) {
	w := hostileWorld(t)
	rows, err := csv.NewReader(bytes.NewReader(w.write("csv"))).ReadAll()
	w.ok(err)
	if len(rows) != len(hostile)+1 || strings.Join(rows[0][:10], ",") != "time,stream,person,event,result,place,ip,client,ref,uuid" {
		t.Fatalf("%d rows with the heading %v", len(rows), rows[0])
	}
	for _, row := range rows {
		for _, cell := range row {
			for _, piece := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' }) {
				if strings.IndexAny(strings.TrimLeft(piece, " "), "=+-@\t\x00\uFF1D\uFF0B\uFF0D\uFF20") == 0 {
					t.Errorf("the cell %q could run", cell)
				}
			}
		}
	}
}

func TestHostileEventsInXLSX(t *testing.T) {
	w := hostileWorld(t)
	book, err := excelize.OpenReader(bytes.NewReader(w.write("xlsx")))
	w.ok(err)
	rows, err := book.GetRows("Events")
	w.ok(err)
	if len(rows) != len(hostile)+1 || rows[1][12] != hostile[0] {
		t.Fatalf("%d rows, the first name is %q", len(rows), rows[1][12])
	}
	for r := range rows {
		for c := range rows[r] {
			name, err := excelize.CoordinatesToCellName(c+1, r+1)
			w.ok(err)
			formula, err := book.GetCellFormula("Events", name)
			w.ok(err)
			kind, err := book.GetCellType("Events", name)
			w.ok(err)
			link, _, err := book.GetCellHyperLink("Events", name)
			if w.ok(err); formula != "" || link || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString && rows[r][c] != "" {
				t.Errorf("%s is a formula %q, a link %v, of the kind %v", name, formula, link, kind)
			}
		}
	}
}

func TestHostileEventsInParquet(t *testing.T) {
	w := hostileWorld(t)
	file := w.write("parquet")
	type event struct {
		Time int64  `parquet:"time,timestamp(millisecond)"`
		Name string `parquet:"name"`
		Raw  []byte `parquet:"raw"`
	}
	rows, err := parquet.Read[event](bytes.NewReader(file), int64(len(file)))
	w.ok(err)
	for i, r := range rows {
		if !bytes.Equal(r.Raw, audit(i, hostile[i])) || r.Time != day.From.UnixMilli()+int64(i)*1000 {
			t.Errorf("row %d: time %d, bytes %q", i, r.Time, r.Raw)
		}
		var e struct {
			Actor struct{ Name string } `json:"actor_details"`
		}
		w.ok(json.Unmarshal(r.Raw, &e))
		if len(e.Actor.Name) < 400 && !strings.Contains(e.Actor.Name, "\x00") && r.Name != e.Actor.Name { // facts are cut, and hold no NUL
			t.Errorf("row %d: the name is %q, want %q", i, r.Name, e.Actor.Name)
		}
	}
}

func TestWriteObeysLimitAndFormat(t *testing.T) {
	w := hostileWorld(t)
	for _, f := range explore.Formats() {
		n, err := w.explore.Write(t.Context(), io.Discard, explore.Writing{Query: w.query(), Format: f.ID, Limit: 3})
		if err != nil || n != 3 {
			t.Errorf("%s: %d events, %v", f.ID, n, err)
		}
	}
	if _, err := w.explore.Write(t.Context(), io.Discard, explore.Writing{Query: w.query(), Format: "exe"}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("an unknown format: %v", err)
	}
}
