//go:build unix

package sheet_test

import (
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/exhibithq/exhibit/internal/sheet"
)

// benchRows are rows as recipes make them.
const benchRows = 20_000

func benchTexts(i int, at time.Time) []string {
	return []string{
		at.Add(time.Duration(i) * 1234567 * time.Microsecond).Format(time.RFC3339Nano), "", "reveal", fmt.Sprintf("Person %d", i%400), fmt.Sprintf("person%d@example.com", i%400), fmt.Sprintf("PERSON%020d", i%400),
		"", fmt.Sprintf("vault%021d", i%90), fmt.Sprintf("item%022d", i%5000), "7", fmt.Sprintf("198.51.100.%d", i%250), "CA", "Ontario", "Toronto", "1Password Browser Extension", "81134021", "Chrome", "140.0.7339.127",
		"MacOSX", "26.0", "Example Inc.", "", fmt.Sprintf("12:%d", i), fmt.Sprintf("USAGES%020d", i),
	}
}

// BenchmarkRows writes the same rows with this package and with the library that did it before.
func BenchmarkRows(b *testing.B) {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	rows := make([][]string, benchRows)
	for i := range rows {
		rows[i] = benchTexts(i, at)
	}
	report := func(b *testing.B, before time.Duration, size int64) {
		b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N)/benchRows/1e3, "cpu-µs/row")
		b.ReportMetric(float64(size)/benchRows, "bytes/row")
	}
	b.Run("sheet", func(b *testing.B) {
		var size int64
		before := cpuTime(b)
		for b.Loop() {
			book := sheet.New(sheet.Options{TempDir: b.TempDir()})
			t, err := book.Table("Rows", make([]sheet.Column, len(rows[0]))...)
			if err != nil {
				b.Fatal(err)
			}
			cells := make([]sheet.Cell, len(rows[0]))
			for _, r := range rows {
				for i, s := range r {
					cells[i] = sheet.Text(s)
				}
				if err := t.Row(cells...); err != nil {
					b.Fatal(err)
				}
			}
			if size, err = book.WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
			if err := book.Close(); err != nil {
				b.Fatal(err)
			}
		}
		report(b, before, size)
	})
	b.Run("excelize", func(b *testing.B) {
		size, before := &counted{}, cpuTime(b)
		for b.Loop() {
			size.n = 0
			book := excelize.NewFile(excelize.Options{TmpDir: b.TempDir()})
			t, err := book.NewStreamWriter("Sheet1")
			if err != nil {
				b.Fatal(err)
			}
			cells := make([]any, len(rows[0]))
			for n, r := range rows {
				for i, s := range r {
					cells[i] = excelize.Cell{Value: s}
				}
				if err := t.SetRow(fmt.Sprintf("A%d", n+1), cells); err != nil {
					b.Fatal(err)
				}
			}
			if err := t.Flush(); err != nil {
				b.Fatal(err)
			}
			if err := book.Write(size); err != nil {
				b.Fatal(err)
			}
			if err := book.Close(); err != nil {
				b.Fatal(err)
			}
		}
		report(b, before, size.n)
	})
}

// cpuTime is the time that the processors spent on this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type counted struct{ n int64 }

func (c *counted) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
