package explore

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/sheet"
)

// csvWriter writes RFC 4180 CSV with CRLF line ends, UTF-8 without a byte order mark.
type csvWriter struct {
	out     *csv.Writer
	columns []column
	clean   func(string) string
	cells   []string
}

func newCSV(w *bufio.Writer, clean func(string) string) (*csvWriter, error) {
	c := &csvWriter{out: csv.NewWriter(w), columns: columns(), clean: clean}
	c.out.UseCRLF = true
	for _, col := range c.columns {
		c.cells = append(c.cells, col.name)
	}
	if err := c.out.Write(c.cells); err != nil {
		return nil, fmt.Errorf("writing the heading: %w", err)
	}
	return c, nil
}

func (c *csvWriter) event(r row) error {
	for i, col := range c.columns {
		cell := col.value(r)
		if c.clean != nil {
			cell = c.clean(cell)
		}
		c.cells[i] = recipe.GuardFormula(cell)
	}
	return c.out.Write(c.cells)
}

func (c *csvWriter) end() error {
	c.out.Flush()
	return c.out.Error()
}

func (c *csvWriter) abandon() {}

// xlsxWriter writes a workbook whose cells are text.
type xlsxWriter struct {
	w       *bufio.Writer
	book    *sheet.Book
	table   *sheet.Table
	columns []column
	cells   []sheet.Cell
}

func newXLSX(w *bufio.Writer, tempDir string) (*xlsxWriter, error) {
	x := &xlsxWriter{w: w, columns: columns(), book: sheet.New(sheet.Options{Title: "Events", TempDir: tempDir})}
	var heads []sheet.Column
	for _, col := range x.columns {
		h := sheet.Column{Title: col.title}
		if col.name == "time" {
			h.Kind = sheet.TimeColumn
		}
		heads = append(heads, h)
	}
	var err error
	if x.table, err = x.book.Table("Events", heads...); err != nil {
		x.abandon()
		return nil, err
	}
	x.cells = make([]sheet.Cell, len(x.columns))
	return x, nil
}

func (x *xlsxWriter) event(r row) error {
	for i, col := range x.columns {
		x.cells[i] = sheet.Text(col.value(r))
	}
	return x.table.Row(x.cells...)
}

func (x *xlsxWriter) end() error {
	_, err := x.book.WriteTo(x.w)
	if cerr := x.book.Close(); err == nil {
		err = cerr
	}
	return err
}

func (x *xlsxWriter) abandon() { _ = x.book.Close() } // there is an error to tell already

// parquetEvent is the schema of a Parquet file. Raw is the event as received, to the byte.
type parquetEvent struct {
	Time       time.Time `parquet:"time,timestamp(millisecond)"`
	Stream     string    `parquet:"stream,dict"`
	Person     string    `parquet:"person,dict"`
	Event      string    `parquet:"event"`
	Result     string    `parquet:"result,dict"`
	Place      string    `parquet:"place,dict"`
	IP         string    `parquet:"ip,dict"`
	Client     string    `parquet:"client,dict"`
	Ref        string    `parquet:"ref"`
	UUID       string    `parquet:"uuid"`
	Action     string    `parquet:"action,dict"`
	Type       string    `parquet:"type,dict"`
	Name       string    `parquet:"name,dict"`
	Email      string    `parquet:"email,dict"`
	PersonUUID string    `parquet:"person_uuid,dict"`
	Vault      string    `parquet:"vault,dict"`
	Item       string    `parquet:"item,dict"`
	Target     string    `parquet:"target,dict"`
	Country    string    `parquet:"country,dict"`
	Connection string    `parquet:"connection,dict"`
	Noteworthy string    `parquet:"noteworthy,dict"`
	Raw        []byte    `parquet:"raw"`
}

// rowGroup is how many events are held in memory before they are written.
const rowGroup = 20_000

type parquetWriter struct {
	out  *parquet.GenericWriter[parquetEvent]
	rows int
	one  [1]parquetEvent
}

func newParquet(w *bufio.Writer) *parquetWriter {
	return &parquetWriter{out: parquet.NewGenericWriter[parquetEvent](w, parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("Exhibit", "", ""))}
}

func (p *parquetWriter) event(r row) error {
	text := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	p.one[0] = parquetEvent{
		Time: r.At.UTC(), Stream: string(r.Stream), Person: text(r.person()), Event: text(r.event()), Result: string(r.Result), Place: text(r.words.Place), IP: text(r.words.IP),
		Client: text(r.words.Client), Ref: r.EventRef.String(), UUID: text(r.UUID), Action: text(r.Action), Type: text(r.Type), Name: text(r.Person.Name),
		Email: text(r.Person.Email), PersonUUID: text(r.Person.UUID), Vault: text(r.Vault), Item: text(r.Item), Target: text(r.Target), Country: text(r.Country),
		Connection: text(r.connection), Noteworthy: strings.Join(r.Odd.Words(), " "), Raw: r.Raw,
	}
	if _, err := p.out.Write(p.one[:]); err != nil {
		return err
	}
	if p.rows++; p.rows%rowGroup == 0 {
		return p.out.Flush()
	}
	return nil
}

func (p *parquetWriter) end() error { return p.out.Close() }
func (p *parquetWriter) abandon()   {}
