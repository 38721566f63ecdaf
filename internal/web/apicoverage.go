package web

import (
	"context"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
)

// apiListed is how many late events and re-reads of a stream the API lists, the newest first. Their numbers say how many
// there are; the CSV lists all.
const apiListed = 1000

type coverageParams struct {
	SpanParams
	Connection string `query:"connection" maxLength:"60" doc:"Id of a connection; all if left out"`
	Stream     string `query:"stream" maxLength:"60" doc:"A stream, such as signinattempts; all if left out"`
}

type apiWindow struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Events int64     `json:"events"`
}

type apiGap struct {
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Cause     evidence.Cause `json:"cause"`
	Reason    string         `json:"reason"`
	HealUntil *time.Time     `json:"heal_until"`
	ToDo      string         `json:"to_do"`
	Before    *apiMark       `json:"last_event_before"`
	After     *apiMark       `json:"first_event_after"`
}

type apiMark struct {
	Ref string    `json:"ref"`
	At  time.Time `json:"at"`
}

type apiLate struct {
	Ref    string     `json:"ref"`
	At     time.Time  `json:"at" doc:"When it happened"`
	CameAt *time.Time `json:"came_at" doc:"When the page that brought it was received"`
}

type apiReread struct {
	AgeSeconds int64     `json:"age_seconds" doc:"0: asked for by a person"`
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	At         time.Time `json:"at" doc:"When it ended"`
	Seen       int64     `json:"seen"`
	Known      int64     `json:"known"`
	New        int64     `json:"new"`
	Changed    int64     `json:"changed"`
	Missing    int64     `json:"missing"`
}

type apiRereadAge struct {
	AgeSeconds int64      `json:"age_seconds"`
	Through    *time.Time `json:"through" doc:"Up to where re-reads of this age have come"`
	DueAt      *time.Time `json:"due_at" doc:"When the next is or was due"`
	Due        bool       `json:"due"`
	Times      int        `json:"times"`
	New        int64      `json:"new"`
	Changed    int64      `json:"changed"`
	Missing    int64      `json:"missing"`
}

type apiStreamCoverage struct {
	Connection    evidence.ID     `json:"connection"`
	Name          string          `json:"name"`
	Stream        evidence.Stream `json:"stream"`
	From          time.Time       `json:"from"`
	To            time.Time       `json:"to" doc:"Up to when it was asked; later than that a healthy stream has not been polled yet"`
	ReadSeconds   float64         `json:"read_seconds"`
	Windows       []apiWindow     `json:"windows"`
	Gaps          []apiGap        `json:"gaps"`
	Late          int64           `json:"late"`
	LateEvents    []apiLate       `json:"late_events" doc:"At most 1,000, the newest first"`
	Conflicts     int64           `json:"conflicts"`
	BookmarksLost []time.Time     `json:"bookmarks_lost"`
	RereadCount   int             `json:"reread_count"`
	Rereads       []apiReread     `json:"rereads" doc:"At most 1,000, the newest first"`
	RereadAges    []apiRereadAge  `json:"reread_ages"`
}

type apiCoverage struct {
	Streams []apiStreamCoverage `json:"streams"`
}

func (s *server) apiCoverage(ctx context.Context, c people.Caller, in *coverageParams) (apiCoverage, error) {
	out := apiCoverage{Streams: []apiStreamCoverage{}}
	span, err := in.span(s.now(), coverageDays*day)
	if err != nil {
		return out, err
	}
	list, err := s.cfg.Coverage.History(ctx, connection.HistoryRequest{
		Workspace: c.Workspace, Connection: evidence.ID(in.Connection), Stream: evidence.Stream(in.Stream), Span: span, Late: apiListed,
	})
	for _, h := range list {
		out.Streams = append(out.Streams, historyJSON(h, s.now()))
	}
	return out, err
}

func historyJSON(h connection.StreamHistory, now time.Time) apiStreamCoverage {
	row := apiStreamCoverage{
		Connection: h.Connection, Name: h.Name, Stream: h.Stream, From: h.Asked.From, To: h.Asked.To, ReadSeconds: h.Read().Seconds(), Windows: []apiWindow{}, Gaps: []apiGap{},
		Late: h.LateTotal, LateEvents: []apiLate{}, Conflicts: h.ConflictTotal, BookmarksLost: all(h.Resets), RereadCount: len(h.Rereads), Rereads: []apiReread{}, RereadAges: []apiRereadAge{},
	}
	for _, w := range h.Windows {
		row.Windows = append(row.Windows, apiWindow{w.From.UTC(), w.To.UTC(), w.Events})
	}
	for _, g := range h.Details {
		row.Gaps = append(row.Gaps, apiGap{g.From.UTC(), g.To.UTC(), g.Cause, g.Reason, moment(g.HealUntil), g.ToDo, markJSON(g.Before), markJSON(g.After)})
	}
	for _, e := range h.LateEvents {
		row.LateEvents = append(row.LateEvents, apiLate{e.EventRef.String(), e.At.UTC(), moment(e.CameAt)})
	}
	for _, r := range h.Rereads[:min(len(h.Rereads), apiListed)] {
		row.Rereads = append(row.Rereads, apiReread{int64(r.Age.Seconds()), r.Span.From.UTC(), r.Span.To.UTC(), r.At.UTC(), r.Seen, r.Known, r.New, r.Changed, r.Missing})
	}
	for _, a := range h.Ages {
		row.RereadAges = append(row.RereadAges, apiRereadAge{int64(a.Age.Seconds()), moment(a.Through), moment(a.DueAt), a.Due(now), a.Times, a.New, a.Changed, a.Missing})
	}
	return row
}

func markJSON(m *evidence.EventMark) *apiMark {
	if m == nil {
		return nil
	}
	return &apiMark{m.EventRef.String(), m.At.UTC()}
}
