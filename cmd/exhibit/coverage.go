package main

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
)

type coverageCmd struct {
	From       string `help:"Start of the period; default 120 days ago." placeholder:"T"`
	To         string `help:"End of the period (not included); default now." placeholder:"T"`
	Connection string `help:"Only this connection, by id or name." placeholder:"ID"`
	Stream     string `help:"Only this stream." placeholder:"S"`
	Format     string `help:"${enum}. csv has a row for each window, gap, late event, re-read and lost bookmark, and is noted in the workspace's trail." enum:"table,csv" default:"table"`
}

// lateInJSON is how many late events of a stream --json lists.
const lateInJSON = 1000

type coverageJSON struct {
	Streams []streamCoverageJSON `json:"streams"`
}

type streamCoverageJSON struct {
	Connection    evidence.ID     `json:"connection"`
	Name          string          `json:"name"`
	Stream        evidence.Stream `json:"stream"`
	From          jsonTime        `json:"from"`
	To            jsonTime        `json:"to"`
	Windows       []windowJSON    `json:"windows"`
	Gaps          []gapJSON       `json:"gaps"`
	Late          int64           `json:"late"` // of the stream, whenever they happened
	LateInPeriod  int64           `json:"late_in_period"`
	LateEvents    []lateJSON      `json:"late_events"` // the newest first
	Conflicts     int64           `json:"conflicts"`
	BookmarksLost []jsonTime      `json:"bookmarks_lost"`
	Rereads       []rereadJSON    `json:"rereads"` // the newest first
	RereadAges    []rereadAgeJSON `json:"reread_ages"`
}

type windowJSON struct {
	From   jsonTime `json:"from"`
	To     jsonTime `json:"to"`
	Events int64    `json:"events"`
}

type gapJSON struct {
	From      jsonTime       `json:"from"`
	To        jsonTime       `json:"to"`
	Cause     evidence.Cause `json:"cause"`
	Reason    string         `json:"reason"`
	HealUntil jsonTime       `json:"heal_until"`
	ToDo      string         `json:"to_do"`
	Before    jsonTime       `json:"last_event_before"`
	After     jsonTime       `json:"first_event_after"`
}

type lateJSON struct {
	Ref    string   `json:"ref"`
	At     jsonTime `json:"at"`
	CameAt jsonTime `json:"came_at"`
}

type rereadJSON struct {
	AgeSeconds int64    `json:"age_seconds"`
	From       jsonTime `json:"from"`
	To         jsonTime `json:"to"`
	At         jsonTime `json:"at"`
	Seen       int64    `json:"seen"`
	Known      int64    `json:"known"`
	New        int64    `json:"new"`
	Changed    int64    `json:"changed"`
	Missing    int64    `json:"missing"`
}

type rereadAgeJSON struct {
	AgeSeconds int64    `json:"age_seconds"`
	Through    jsonTime `json:"through"`
	DueAt      jsonTime `json:"due_at"`
	Due        bool     `json:"due"`
}

func (c *coverageCmd) Run(ctx context.Context, g *Globals) error {
	var asked evidence.Span
	if c.From != "" || c.To != "" {
		now := time.Now()
		var err error
		if asked, err = period(c.From, c.To, evidence.Span{From: now.AddDate(0, 0, -120), To: now}); err != nil {
			return err
		}
	}
	return g.with(ctx, func(a *app.App) error {
		req := connection.HistoryRequest{Workspace: a.Workspace, Stream: evidence.Stream(c.Stream), Span: asked}
		if c.Connection != "" {
			st, err := findConnection(ctx, a, c.Connection)
			if err != nil {
				return err
			}
			req.Connection = st.ID
		}
		if c.Format == "csv" && !g.JSON {
			return badInput(a.Connections.WriteCSV(ctx, g.out, who(), req))
		}
		if g.JSON {
			req.Late = lateInJSON
		}
		list, err := a.Connections.History(ctx, req)
		if err != nil {
			return badInput(err)
		}
		if g.JSON {
			return g.printJSON(toCoverageJSON(list, time.Now()))
		}
		return g.printCoverage(list)
	})
}

func toCoverageJSON(list []connection.StreamHistory, now time.Time) coverageJSON {
	out := coverageJSON{Streams: []streamCoverageJSON{}}
	for _, s := range list {
		j := streamCoverageJSON{Connection: s.Connection, Name: s.Name, Stream: s.Stream, From: jsonTime(s.Asked.From), To: jsonTime(s.Asked.To), Windows: []windowJSON{}, Gaps: []gapJSON{}, Late: s.Late,
			LateInPeriod: s.LateTotal, LateEvents: []lateJSON{}, Conflicts: s.ConflictTotal, BookmarksLost: []jsonTime{}, Rereads: []rereadJSON{}, RereadAges: []rereadAgeJSON{}}
		for _, w := range s.Windows {
			j.Windows = append(j.Windows, windowJSON{jsonTime(w.From), jsonTime(w.To), w.Events})
		}
		for _, gap := range s.Details {
			j.Gaps = append(j.Gaps, gapJSON{jsonTime(gap.From), jsonTime(gap.To), gap.Cause, gap.Reason, jsonTime(gap.HealUntil), gap.ToDo, markTime(gap.Before), markTime(gap.After)})
		}
		for _, e := range s.LateEvents {
			j.LateEvents = append(j.LateEvents, lateJSON{e.EventRef.String(), jsonTime(e.At), jsonTime(e.CameAt)})
		}
		for _, at := range s.Resets {
			j.BookmarksLost = append(j.BookmarksLost, jsonTime(at))
		}
		for _, r := range s.Rereads {
			j.Rereads = append(j.Rereads, rereadJSON{int64(r.Age.Seconds()), jsonTime(r.Span.From), jsonTime(r.Span.To), jsonTime(r.At), r.Seen, r.Known, r.New, r.Changed, r.Missing})
		}
		for _, a := range s.Ages {
			j.RereadAges = append(j.RereadAges, rereadAgeJSON{int64(a.Age.Seconds()), jsonTime(a.Through), jsonTime(a.DueAt), a.Due(now)})
		}
		out.Streams = append(out.Streams, j)
	}
	return out
}

// markTime is the time of an event that may not be there.
func markTime(m *evidence.EventMark) jsonTime {
	if m == nil {
		return jsonTime{}
	}
	return jsonTime(m.At)
}

func (g *Globals) printCoverage(list []connection.StreamHistory) error {
	if len(list) == 0 {
		fmt.Fprintln(g.out, "Nothing is connected, so nothing is covered.")
		return nil
	}
	t := newTable(g.out, "connection", "stream", "what", "from", "to", "events", "heal until", "cause")
	for _, s := range list {
		for _, w := range s.Windows {
			t.row(s.Name, string(s.Stream), "window", moment(w.From), moment(w.To), count(w.Events), "", "")
		}
		for _, gap := range s.Gaps {
			heal := "no longer"
			if !gap.HealUntil.IsZero() {
				heal = moment(gap.HealUntil)
			}
			t.row(s.Name, string(s.Stream), "gap", moment(gap.From), moment(gap.To), "", heal, string(gap.Cause))
		}
	}
	return t.flush()
}
