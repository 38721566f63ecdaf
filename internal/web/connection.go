package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// How much of the past a connection's page shows beside its coverage.
const (
	shownRereads = 12
	shownLate    = 200
)

func (s *server) connection(w http.ResponseWriter, r *http.Request) error {
	return s.showConnection(w, r, http.StatusOK, doneWords(r.URL.Query().Get("done")), "")
}

func crumb(name, path string) ui.Crumb { return ui.Crumb{Name: name, Path: path} }

// showConnection shows a connection, with what was just done or why it was not.
func (s *server) showConnection(w http.ResponseWriter, r *http.Request, status int, said, problem string) error {
	ctx, caller := r.Context(), people.From(r.Context())
	mark, err := s.liveMark(r)
	if err != nil {
		return err
	}
	c, err := s.cfg.Store.Connection(ctx, caller.Workspace, evidence.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	rd, err := s.readingOf(ctx, c)
	if err != nil {
		return err
	}
	v := view.Connection{
		Now: s.now(), Connection: c, Kind: rd.kind, Health: rd.health, Care: rd.care, PerMinute: s.cfg.PerMinute,
		Commands: s.lookAfter(c), MayEvents: caller.Has(people.ReadEvents),
		MayManage: caller.Has(people.ManageConnections), Said: said, Problem: problem,
		Features: titles(rd, c.Features), Missing: titles(rd, c.Missing), Streams: streamRows(rd, s.now(), people.From(r.Context()).Has(people.ReadEvents)),
	}
	if err := s.connectionCoverage(ctx, rd, &v); err != nil {
		return err
	}
	if v.Numbers.Gaps > 0 && v.Care.ToDo == "" {
		v.Care.ToDo = "Its past has " + ui.Many(v.Numbers.Gaps, "gap") + "; see below until when each can be healed."
	}
	if v.Handovers, err = s.handovers(ctx, rd); err != nil {
		return err
	}
	if v.Rereads, err = s.rereads(ctx, rd); err != nil {
		return err
	}
	p, err := s.framed(r, c.Name, "/sources", ui.Crumb{Name: c.Name})
	if err != nil {
		return err
	}
	p.Mark = mark
	p.Path = connectionPath(c.ID, "") // a page that answers a form is not asked for again by changing the theme
	return render(w, r, status, view.ConnectionPage(p, v))
}

// handovers gives how the connection went from one token to the next, with its streams in words.
func (s *server) handovers(ctx context.Context, r reading) ([]view.HandoverRow, error) {
	list, err := s.cfg.Connections.Handovers(ctx, r.connection.Workspace, r.connection.ID)
	if err != nil {
		return nil, fmt.Errorf("reading what happened to the tokens: %w", err)
	}
	var out []view.HandoverRow
	for _, h := range list {
		row := view.HandoverRow{Handover: h}
		for _, st := range h.Streams {
			row.Titles = append(row.Titles, r.streamTitle(st.Stream))
		}
		out = append(out, row)
	}
	return out, nil
}

func titles(r reading, streams []evidence.Stream) []string {
	var out []string
	for _, st := range streams {
		out = append(out, r.streamTitle(st))
	}
	return out
}

func streamRows(r reading, now time.Time, mayEvents bool) []view.StreamRow {
	var out []view.StreamRow
	for _, st := range r.streams {
		row := view.StreamRow{
			Status: st, Title: r.streamTitle(st.Stream),
			Href: "/events?" + url.Values{"connection": {string(r.connection.ID)}, "stream": {string(st.Stream)}}.Encode(),
		}
		if mayEvents {
			all := everything(now)
			all.Set("connection", string(r.connection.ID))
			all.Set("stream", string(st.Stream))
			row.EventsHref, row.PagesHref = "/events?"+all.Encode(), "/pages?"+all.Encode()
			all.Set("step", stepDuplicates)
			row.DuplicatesHref = "/pages?" + all.Encode()
			all.Del("step")
			for odd, href := range map[string]*string{"late": &row.LateHref, "conflict": &row.ConflictsHref} {
				all.Set("odd", odd)
				*href = "/events?" + all.Encode()
			}
		}
		if slices.Contains(r.connection.Missing, st.Stream) {
			row.Missing = "The token lacks it."
			for _, k := range r.kind.Streams {
				if k.Stream == st.Stream {
					row.Missing = k.Shows
				}
			}
		}
		out = append(out, row)
	}
	return out
}

// connectionCoverage fills the timeline, the table of gaps and the figures.
func (s *server) connectionCoverage(ctx context.Context, r reading, v *view.Connection) error {
	now := s.now()
	span := evidence.Span{From: now.Add(-coverageDays * day), To: now}
	all, err := s.cfg.Coverage.Coverage(ctx, r.connection.Workspace, span)
	if err != nil {
		return fmt.Errorf("reading the coverage: %w", err)
	}
	var own []evidence.StreamCoverage
	v.Timeline = chart.Timeline{Span: span, Now: now}
	for _, c := range all {
		if c.Connection != r.connection.ID {
			continue
		}
		own = append(own, c)
		row := chart.Row{Name: r.streamTitle(c.Stream), Coverage: c}
		if c.Late > 0 {
			if row.Late, err = s.lateTimes(ctx, r.connection, c.Stream, span); err != nil {
				return err
			}
		}
		v.Timeline.Rows = append(v.Timeline.Rows, row)
		for _, g := range c.Gaps {
			v.Gaps = append(v.Gaps, view.GapRow{Stream: row.Name, Gap: g})
		}
	}
	slices.SortStableFunc(v.Gaps, func(a, b view.GapRow) int { return healFirst(a.Gap, b.Gap) })
	v.Numbers.Covered, v.Numbers.Gaps = covered(own)
	v.Numbers.Days = coverageDays
	return nil
}

// healFirst puts first what is lost first; what can no longer be healed stands last.
func healFirst(a, b evidence.Gap) int {
	switch {
	case a.HealUntil.IsZero() && b.HealUntil.IsZero():
		return a.From.Compare(b.From)
	case a.HealUntil.IsZero():
		return 1
	case b.HealUntil.IsZero():
		return -1
	}
	return a.HealUntil.Compare(b.HealUntil)
}

// lateTimes gives when the newest late events of a stream happened.
func (s *server) lateTimes(ctx context.Context, c evidence.Connection, stream evidence.Stream, span evidence.Span) ([]time.Time, error) {
	page, err := s.cfg.Store.Events(ctx, store.EventsRequest{
		Query: evidence.Query{
			Workspace: c.Workspace, Connections: []evidence.ID{c.ID}, Streams: []evidence.Stream{stream}, Span: span,
			Where: []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"late"}}},
		},
		Descending: true, Limit: shownLate,
	})
	if err != nil {
		return nil, fmt.Errorf("looking for late events: %w", err)
	}
	var out []time.Time
	for _, e := range page.Events {
		out = append(out, e.At)
	}
	return out, nil
}

func (s *server) rereads(ctx context.Context, r reading) ([]view.RereadRow, error) {
	var out []view.RereadRow
	for _, st := range r.streams {
		list, err := s.cfg.Store.Reconciliations(ctx, r.connection.ID, st.Stream, shownRereads)
		if err != nil {
			return nil, fmt.Errorf("listing what was read again: %w", err)
		}
		for _, rec := range list {
			out = append(out, view.RereadRow{
				Stream: r.streamTitle(st.Stream), At: rec.At, Age: ageWords(rec.Age), Span: rec.Span,
				Seen: rec.Seen, Known: rec.Known, New: rec.New, Changed: rec.Changed, Missing: rec.Missing,
			})
		}
	}
	slices.SortStableFunc(out, func(a, b view.RereadRow) int { return b.At.Compare(a.At) })
	return out[:min(shownRereads, len(out))], nil
}
