package explore

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// Format is a form in which events are taken away.
type Format struct {
	ID    string // also the ending of the file
	Name  string
	Media string
	Says  string // what it is good for, and what is done to values
}

// Formats gives all formats in the order in which they are shown.
func Formats() []Format {
	return []Format{
		{"csv", "CSV", "text/csv; charset=utf-8; header=present", "For spreadsheets and scripts, in order of time. Values that a spreadsheet would run get an apostrophe in front."},
		{"xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			"For Excel, in order of time. Every cell is text and no formula. A worksheet holds 1,048,576 rows; more events go on in the next one."},
		{"ndjson", "NDJSON", "application/x-ndjson", "The bytes of each event exactly as they were received, one a line, in order of page and position."},
		{"parquet", "Parquet", "application/vnd.apache.parquet", "For DuckDB, Spark and the like, in order of time: typed columns, and the bytes as they were received."},
	}
}

// FormatOf gives a format by its id.
func FormatOf(id string) (Format, error) {
	all := Formats()
	if i := slices.IndexFunc(all, func(f Format) bool { return f.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Format{}, evidence.Errorf(evidence.Invalid, "%.40q is no format. There are csv, xlsx, ndjson and parquet.", id)
}

// Writing says how events are written.
type Writing struct {
	Query  evidence.Query
	Format string
	Limit  int64 // events at most; 0: all
	// Clean changes each text of a CSV before it is written, for a terminal that would obey some of it; nil: nothing.
	Clean func(string) string
	// Progress is told how many events are written, after each of them.
	Progress func(written int64) error
}

// batch is how many events are asked of the store at a time.
const batch = 1000

// Write writes the events of a query, reading them piece by piece so that memory stays flat, and gives their number. Events
// that come in meanwhile may or may not be among them.
func (s *Service) Write(ctx context.Context, w io.Writer, how Writing) (int64, error) {
	if _, err := FormatOf(how.Format); err != nil {
		return 0, err
	}
	names, err := s.connectionNames(ctx, how.Query.Workspace)
	if err != nil {
		return 0, err
	}
	buffered := bufio.NewWriterSize(w, 1<<18)
	out, err := s.writer(how, buffered)
	if err != nil {
		return 0, err
	}
	var n int64
	one := func(e evidence.Event) error {
		if err := out.event(row{Event: e, words: s.describe(e), connection: names[e.Connection]}); err != nil {
			return fmt.Errorf("writing an event: %w", err)
		}
		if n++; how.Progress != nil {
			return how.Progress(n)
		}
		return nil
	}
	if how.Format == "ndjson" {
		err = s.inPages(ctx, how, one)
	} else {
		err = s.inTime(ctx, how, one)
	}
	if err != nil {
		out.abandon()
		return n, err
	}
	if err := out.end(); err != nil {
		return n, fmt.Errorf("writing the end: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return n, fmt.Errorf("writing: %w", err)
	}
	return n, nil
}

// inPages gives events in order of page and position.
func (s *Service) inPages(ctx context.Context, how Writing, one func(evidence.Event) error) error {
	n := int64(0)
	for e, err := range s.cfg.Store.Verbatim(ctx, how.Query) {
		if err != nil {
			return fmt.Errorf("reading events: %w", err)
		}
		if err := one(e); err != nil {
			return err
		}
		if n++; n == how.Limit {
			return nil
		}
	}
	return ctx.Err()
}

// inTime gives events in order of time, oldest first.
func (s *Service) inTime(ctx context.Context, how Writing, one func(evidence.Event) error) error {
	req := store.EventsRequest{Query: how.Query, WithRaw: true, Limit: batch}
	for left := how.Limit; ; {
		if how.Limit > 0 {
			req.Limit = int(min(batch, left))
		}
		page, err := s.cfg.Store.Events(ctx, req)
		if err != nil {
			return fmt.Errorf("reading events: %w", err)
		}
		for _, e := range page.Events {
			if err := one(e); err != nil {
				return err
			}
		}
		left -= int64(len(page.Events))
		if page.Next == nil || how.Limit > 0 && left <= 0 {
			return nil
		}
		req.After = page.Next
	}
}

func (s *Service) connectionNames(ctx context.Context, ws evidence.ID) (map[evidence.ID]string, error) {
	list, err := s.cfg.Store.Connections(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	names := map[evidence.ID]string{}
	for _, c := range list {
		names[c.ID] = c.Name
	}
	return names, nil
}

// describe says an event in full words. The source is known by the stream's name.
func (s *Service) describe(e evidence.Event) source.Description {
	if e.Odd&evidence.OddErased != 0 {
		return source.Description{Verb: "erased event"}
	}
	for _, k := range s.cfg.Kinds {
		if k.Describe != nil && slices.ContainsFunc(k.Streams, func(st source.StreamKind) bool { return st.Stream == e.Stream }) {
			return k.Describe(e.Stream, e.Raw)
		}
	}
	return source.Description{Verb: e.Action, Object: e.Type, Person: e.Person.Name, Email: e.Person.Email, IP: e.IP, Client: e.Client}
}

// row is an event as the tables show it.
type row struct {
	evidence.Event
	words      source.Description
	connection string
}

// eventWriter writes events in one format.
type eventWriter interface {
	event(row) error
	end() error
	abandon() // gives back what is held after an error
}

func (s *Service) writer(how Writing, w *bufio.Writer) (eventWriter, error) {
	switch how.Format {
	case "csv":
		return newCSV(w, how.Clean)
	case "xlsx":
		return newXLSX(w, s.cfg.TempDir)
	case "parquet":
		return newParquet(w), nil
	}
	return &verbatim{w}, nil
}

// column is one column of the tables.
type column struct {
	name, title string
	value       func(row) string
}

// columns are those of CSV and XLSX. Words come first, what the source wrote stands beside them.
func columns() []column {
	return []column{
		{"time", "Time (UTC)", func(r row) string { return r.At.UTC().Format("2006-01-02T15:04:05.000Z") }},
		{"stream", "Type", func(r row) string { return string(r.Stream) }},
		{"person", "Person", row.person},
		{"event", "Event", row.event},
		{"result", "Result", func(r row) string { return string(r.Result) }},
		{"place", "Location", func(r row) string { return r.words.Place }},
		{"ip", "IP address", func(r row) string { return r.words.IP }},
		{"client", "App", func(r row) string { return r.words.Client }},
		{"ref", "Place in Exhibit", func(r row) string { return r.EventRef.String() }},
		{"uuid", "uuid", func(r row) string { return r.UUID }},
		{"action", "Action, as received", func(r row) string { return r.Action }},
		{"type", "Kind of object, as received", func(r row) string { return r.Type }},
		{"name", "Person's name", func(r row) string { return r.Person.Name }},
		{"email", "Person's email", func(r row) string { return r.Person.Email }},
		{"person_uuid", "Person's uuid", func(r row) string { return r.Person.UUID }},
		{"vault", "Vault's uuid", func(r row) string { return r.Vault }},
		{"item", "Item's uuid", func(r row) string { return r.Item }},
		{"target", "Target", func(r row) string { return r.Target }},
		{"country", "Country", func(r row) string { return r.Country }},
		{"connection", "Connection", func(r row) string { return r.connection }},
		{"noteworthy", "Noteworthy", func(r row) string { return strings.Join(r.Odd.Words(), " ") }},
	}
}

func (r row) person() string {
	if e := r.words.Email; e != "" && e != r.words.Person {
		return strings.TrimSpace(r.words.Person + " <" + e + ">")
	}
	return r.words.Person
}

func (r row) event() string { return strings.TrimSpace(r.words.Verb + " " + r.words.Object) }

// verbatim writes bytes as received; a line break inside, which would end the line, is taken out.
type verbatim struct{ w *bufio.Writer }

func (v *verbatim) event(r row) error {
	raw := r.Raw
	if bytes.ContainsAny(raw, "\r\n") {
		raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r"), nil), []byte("\n"), nil)
	}
	if _, err := v.w.Write(raw); err != nil {
		return err
	}
	return v.w.WriteByte('\n')
}

func (v *verbatim) end() error { return nil }
func (v *verbatim) abandon()   {}
