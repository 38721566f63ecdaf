package recipe

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// WriteNDJSON writes one JSON object a row, in the order of the table, with the keys of its section in a fixed order.
// Values stand as the source gave them. A row that is an event also tells its place ("event") and its uuid. A number or
// a time that there is none of is null.
func (r *Report) WriteNDJSON(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	err := r.each(func(n int64, s *Section, row Row) error {
		line = append(line[:0], `{"row":`...)
		line = strconv.AppendInt(line, n, 10)
		line = append(line, `,"record":`...)
		line = appendJSONString(line, s.Record)
		for _, i := range s.Full {
			line = append(line, ',')
			line = appendJSONString(line, r.Columns[i].Key)
			line = append(line, ':')
			line = appendCell(line, r.Columns[i].Kind, row.Cells[i])
		}
		if row.Event.Page > 0 {
			line = append(line, `,"event":"`...)
			line = append(line, row.Event.String()...)
			line = append(line, `","uuid":`...)
			line = appendJSONString(line, row.UUID)
		}
		line = append(line, "}\n"...)
		_, err := out.Write(line)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing NDJSON: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing NDJSON: %w", err)
	}
	return nil
}

// appendCell appends a cell as JSON. Numbers and lists are made by recipes, never taken from an event unchecked.
func appendCell(b []byte, kind Kind, cell string) []byte {
	switch {
	case cell == "" && kind == List:
		return append(b, "[]"...)
	case cell == "" && kind != Text:
		return append(b, "null"...)
	case kind == Number || kind == List:
		return append(b, cell...)
	}
	return appendJSONString(b, cell)
}
