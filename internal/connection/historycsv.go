package connection

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
)

// LateInCSV is how many late events of a stream the CSV lists at most. Their number is in the stream's own row.
const LateInCSV = 100_000

// WriteCSV writes the history that req asks for as CSV and notes in the workspace's trail who took it. Nothing is written
// before that is noted.
func (s *Service) WriteCSV(ctx context.Context, w io.Writer, who string, req HistoryRequest) error {
	req.Late, req.Mark = LateInCSV, 0
	list, err := s.History(ctx, req)
	if err != nil {
		return err
	}
	subject := "all connections"
	if req.Connection != "" {
		subject = string(req.Connection)
	}
	detail := "csv"
	if len(list) > 0 {
		detail += ", " + stamp(list[0].Asked.From) + " to " + stamp(list[0].Asked.To)
	}
	if err := s.store.AddActivity(ctx, store.Activity{Workspace: req.Workspace, At: s.moment(), Who: who, What: "coverage.read", Subject: subject, Detail: detail}); err != nil {
		return fmt.Errorf("noting who takes the coverage: %w", err)
	}
	return WriteHistoryCSV(w, list)
}

// csvColumns are the columns of WriteHistoryCSV. Each row fills those that its record has.
func csvColumns() []string {
	return []string{"record", "connection", "connection_name", "stream", "from", "to", "seconds", "events", "cause", "heal_until", "reason", "to_do",
		"last_event_before", "first_event_after", "event", "came_at", "action", "age_seconds", "at", "due_at", "seen", "known", "new", "changed", "missing",
		"read_seconds", "late", "conflicts"}
}

// WriteHistoryCSV writes one row for each stream, window, gap, late event, re-read, age of re-reads and lost bookmark: RFC
// 4180, UTF-8, times in RFC 3339, lengths in seconds. Cells that a spreadsheet could take for a formula are guarded.
func WriteHistoryCSV(w io.Writer, list []StreamHistory) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	c := historyCSV{out: out}
	c.err = out.Write(csvColumns())
	for _, h := range list {
		c.stream(h)
	}
	out.Flush()
	if c.err == nil {
		c.err = out.Error()
	}
	if c.err != nil {
		return fmt.Errorf("writing the coverage as CSV: %w", c.err)
	}
	return nil
}

type historyCSV struct {
	out *csv.Writer
	err error
}

// cells are a row by the names of its columns.
type cells map[string]string

func (c *historyCSV) row(h StreamHistory, record string, more cells) {
	more["record"], more["connection"], more["connection_name"], more["stream"] = record, string(h.Connection), h.Name, string(h.Stream)
	row := make([]string, 0, len(csvColumns()))
	for _, name := range csvColumns() {
		row = append(row, recipe.GuardFormula(more[name]))
	}
	if c.err == nil {
		c.err = c.out.Write(row)
	}
}

func (c *historyCSV) stream(h StreamHistory) {
	all := spanCells(h.Asked)
	all["read_seconds"], all["late"], all["conflicts"] = seconds(h.Read()), number(h.LateTotal), number(h.ConflictTotal)
	c.row(h, "stream", all)
	for _, w := range h.Windows {
		row := spanCells(w.Span)
		row["events"] = number(w.Events)
		c.row(h, "window", row)
	}
	for _, g := range h.Details {
		row := spanCells(g.Span)
		row["cause"], row["heal_until"], row["reason"], row["to_do"] = string(g.Cause), stamp(g.HealUntil), g.Reason, g.ToDo
		row["last_event_before"], row["first_event_after"] = stampOf(g.Before), stampOf(g.After)
		c.row(h, "gap", row)
	}
	for _, e := range h.LateEvents {
		c.row(h, "late", cells{"event": e.EventRef.String(), "from": stamp(e.At), "came_at": stamp(e.CameAt), "action": e.Action})
	}
	for _, at := range h.Resets {
		c.row(h, "bookmark_lost", cells{"at": stamp(at)})
	}
	for _, r := range h.Rereads {
		row := spanCells(r.Span)
		row["age_seconds"], row["at"] = seconds(r.Age), stamp(r.At)
		row["seen"], row["known"], row["new"], row["changed"], row["missing"] = number(r.Seen), number(r.Known), number(r.New), number(r.Changed), number(r.Missing)
		c.row(h, "reread", row)
	}
	for _, a := range h.Ages {
		c.row(h, "reread_age", cells{"age_seconds": seconds(a.Age), "to": stamp(a.Through), "due_at": stamp(a.DueAt), "read_seconds": seconds(a.Spans.Duration()),
			"seen": number(a.Seen), "known": number(a.Known), "new": number(a.New), "changed": number(a.Changed), "missing": number(a.Missing)})
	}
}

func spanCells(s evidence.Span) cells {
	return cells{"from": stamp(s.From), "to": stamp(s.To), "seconds": seconds(s.Duration())}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// seconds writes a length without rounding.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func stampOf(m *evidence.EventMark) string {
	if m == nil {
		return ""
	}
	return stamp(m.At)
}
