package connection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
)

// historyStore is what History needs beside what Coverage does.
type historyStore interface {
	Around(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (before, after *evidence.EventMark, err error)
	Resets(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]time.Time, error)
	ReconciliationsWithin(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) ([]store.Reconciliation, error)
	Rereads(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]store.RereadMark, error)
	Arrivals(ctx context.Context, ws evidence.ID, pages []int64) (map[int64]time.Time, error)
	Events(ctx context.Context, r store.EventsRequest) (store.EventsPage, error)
	Histogram(ctx context.Context, r store.HistogramRequest) (store.Histogram, error)
}

// HistoryRequest asks how the reading of streams went over a span.
type HistoryRequest struct {
	Workspace  evidence.ID
	Connection evidence.ID     // empty: all
	Stream     evidence.Stream // empty: all
	Span       evidence.Span   // a zero end is filled in as Coverage does
	Late       int             // late events listed at most for each stream, the newest first
	Mark       time.Duration   // length of the pieces in which late events and conflicts are counted; 0: only their sums
}

// StreamHistory is the coverage of a stream with all that is known of how it came about.
type StreamHistory struct {
	evidence.StreamCoverage
	Conn      evidence.Connection
	Title     string        // of the stream, in words
	Retention time.Duration // how long the source keeps events; 0: for ever
	Horizon   time.Time     // what lies before it is no longer kept by the source; zero: it keeps all
	Details   []GapDetail   // of each of Gaps, in the same order

	LateTotal     int64 // late events that happened in the span, unlike Late, which counts all of the stream
	ConflictTotal int64
	LateEvents    []LateEvent // the newest first; as many as were asked for
	LateMarks     []Mark
	ConflictMarks []Mark
	Resets        []time.Time            // when the bookmark was lost, if that was in the span
	Rereads       []store.Reconciliation // that touch the span, the newest first
	Ages          []RereadAge            // the shortest first
}

// GapDetail is what a person must know of a gap beside its cause.
type GapDetail struct {
	evidence.Gap
	Before *evidence.EventMark // the last event before it; nil: none
	After  *evidence.EventMark // the first event after it; nil: none
	Early  bool                // all of it lies before the connection was made
	ToDo   string
}

// LateEvent is an event that came after its time had been read.
type LateEvent struct {
	evidence.EventMark
	Action string
	CameAt time.Time // when its page was received
}

// Mark is a piece of time with a number of events in it.
type Mark struct {
	evidence.Span
	N int64
}

// RereadAge is how far the re-reads of one age have come, and what those of the span found together.
type RereadAge struct {
	Age                                time.Duration  // 0: asked for by a person
	Through                            time.Time      // up to where they have come; zero: never
	Open                               evidence.Span  // old enough to be read again and not read again yet; may be empty
	DueAt                              time.Time      // when the next one is or was due; zero: none will be
	Spans                              evidence.Spans // of the span, what has been read again
	Times                              int
	Seen, Known, New, Changed, Missing int64
}

// Due reports whether a re-read is due at now.
func (a RereadAge) Due(now time.Time) bool { return !a.DueAt.IsZero() && !now.Before(a.DueAt) }

// History is Coverage with the gaps explained and with what came late, what was read again and what is due to be. Windows
// and gaps are Coverage's own; nothing is worked out a second time. No event is read but those that are listed.
func (s *Service) History(ctx context.Context, req HistoryRequest) ([]StreamHistory, error) {
	if req.Stream != "" && !slices.Contains(source.AllStreams(s.kinds), req.Stream) {
		return nil, evidence.Errorf(evidence.Invalid, "There is no stream %.60q.", req.Stream)
	}
	conns, err := s.historyOf(ctx, req)
	if err != nil {
		return nil, err
	}
	var all []StreamHistory
	for _, conn := range conns {
		list, err := s.connectionHistory(ctx, conn, req)
		if err != nil {
			return nil, fmt.Errorf("telling the history of %s: %w", conn.ID, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func (s *Service) historyOf(ctx context.Context, req HistoryRequest) ([]evidence.Connection, error) {
	if req.Connection == "" {
		return s.store.Connections(ctx, req.Workspace)
	}
	conn, err := s.store.Connection(ctx, req.Workspace, req.Connection)
	return []evidence.Connection{conn}, err
}

func (s *Service) connectionHistory(ctx context.Context, conn evidence.Connection, req HistoryRequest) ([]StreamHistory, error) {
	covered, err := s.coverage(ctx, conn, req.Span)
	if err != nil {
		return nil, err
	}
	if req.Stream != "" {
		covered = slices.DeleteFunc(covered, func(c evidence.StreamCoverage) bool { return c.Stream != req.Stream })
	}
	statuses, err := s.store.Streams(ctx, conn.ID)
	if err != nil {
		return nil, err
	}
	kind, _ := s.Kind(conn.Source)
	var list []StreamHistory
	for _, c := range covered {
		h := StreamHistory{StreamCoverage: c, Conn: conn, Title: streamTitle(kind, c.Stream), Retention: kind.Retention}
		if kind.Retention > 0 {
			h.Horizon = s.moment().Add(-kind.Retention)
		}
		i := slices.IndexFunc(statuses, func(st evidence.StreamStatus) bool { return st.Stream == c.Stream })
		for _, fill := range []func(context.Context, *StreamHistory, HistoryRequest) error{
			func(ctx context.Context, h *StreamHistory, _ HistoryRequest) error {
				return s.details(ctx, h, kind, statuses[i])
			},
			s.late, s.rereads,
		} {
			if err := fill(ctx, &h, req); err != nil {
				return nil, err
			}
		}
		list = append(list, h)
	}
	return list, s.marks(ctx, conn, list, req)
}

func streamTitle(kind source.Kind, stream evidence.Stream) string {
	for _, st := range kind.Streams {
		if st.Stream == stream {
			return st.Title
		}
	}
	return string(stream)
}

// details explains each gap.
func (s *Service) details(ctx context.Context, h *StreamHistory, kind source.Kind, st evidence.StreamStatus) error {
	for _, g := range h.Gaps {
		d := GapDetail{Gap: g, Early: g.Before(h.Conn.CreatedAt), ToDo: advice(g, h.Conn, kind, st)}
		var err error
		if d.Before, d.After, err = s.store.Around(ctx, h.Conn.ID, h.Stream, g.Span); err != nil {
			return err
		}
		h.Details = append(h.Details, d)
	}
	return nil
}

// late lists late events, and resets, which are often why events come late.
func (s *Service) late(ctx context.Context, h *StreamHistory, req HistoryRequest) error {
	var err error
	if h.Resets, err = s.store.Resets(ctx, h.Conn.ID, h.Stream, h.Asked); err != nil {
		return err
	}
	if req.Late <= 0 || h.Late == 0 || h.Asked.Empty() {
		return nil
	}
	q := s.oddQuery(h.Conn, h.Asked, "late")
	q.Streams = []evidence.Stream{h.Stream}
	var pages []int64
	ask := store.EventsRequest{Query: q, Descending: true}
	for {
		ask.Limit = min(req.Late-len(h.LateEvents), lateAtOnce)
		found, err := s.store.Events(ctx, ask)
		if err != nil {
			return fmt.Errorf("looking for late events: %w", err)
		}
		for _, e := range found.Events {
			h.LateEvents = append(h.LateEvents, LateEvent{EventMark: evidence.EventMark{EventRef: e.EventRef, At: e.At}, Action: e.Action})
			pages = append(pages, e.Page)
		}
		if found.Next == nil || len(h.LateEvents) >= req.Late {
			break
		}
		ask.After = found.Next
	}
	return s.arrivals(ctx, h, pages)
}

// lateAtOnce is how many late events are read with one question.
const lateAtOnce = 1000

func (s *Service) arrivals(ctx context.Context, h *StreamHistory, pages []int64) error {
	slices.Sort(pages)
	came, err := s.store.Arrivals(ctx, h.Conn.Workspace, slices.Compact(pages))
	if err != nil {
		return err
	}
	for i := range h.LateEvents {
		h.LateEvents[i].CameAt = came[h.LateEvents[i].Page]
	}
	return nil
}

func (s *Service) oddQuery(conn evidence.Connection, span evidence.Span, word string) evidence.Query {
	return evidence.Query{Workspace: conn.Workspace, Connections: []evidence.ID{conn.ID}, Span: span, Where: []evidence.Match{{Key: evidence.KeyOdd, Values: []string{word}}}}
}

// rereads tells what was read again, and what is due to be.
func (s *Service) rereads(ctx context.Context, h *StreamHistory, _ HistoryRequest) error {
	var err error
	if h.Rereads, err = s.store.ReconciliationsWithin(ctx, h.Conn.ID, h.Stream, h.Asked); err != nil {
		return err
	}
	marks, err := s.store.Rereads(ctx, h.Conn.ID, h.Stream)
	if err != nil {
		return err
	}
	read := h.Conn.OffAt.IsZero() && !slices.Contains(h.Conn.Missing, h.Stream)
	for _, plan := range evidence.Rereadings() {
		a := RereadAge{Age: plan.Age}
		for _, m := range marks {
			if m.Age == plan.Age {
				a.Through = m.Through
			}
		}
		if read {
			a.Open = plan.Open(a.Through, h.Conn.CreatedAt.UTC().Truncate(time.Millisecond), h.Horizon, s.moment())
			a.DueAt = plan.DueAt(a.Open)
		}
		h.Ages = append(h.Ages, a)
	}
	if slices.ContainsFunc(h.Rereads, func(r store.Reconciliation) bool { return r.Age == 0 }) {
		h.Ages = append(h.Ages, RereadAge{})
	}
	for i := range h.Ages {
		h.Ages[i].sum(h.Rereads, h.Asked)
	}
	slices.Reverse(h.Rereads)
	return nil
}

// sum adds up the re-reads of one age.
func (a *RereadAge) sum(all []store.Reconciliation, asked evidence.Span) {
	var spans []evidence.Span
	for _, r := range all {
		if r.Age != a.Age {
			continue
		}
		spans = append(spans, r.Span)
		a.Times++
		a.Seen += r.Seen
		a.Known += r.Known
		a.New += r.New
		a.Changed += r.Changed
		a.Missing += r.Missing
	}
	a.Spans = evidence.NewSpans(spans...).Within(asked)
}

// marks counts late events and conflicts of the connection's streams, in pieces and together. The hourly counts tell them.
func (s *Service) marks(ctx context.Context, conn evidence.Connection, list []StreamHistory, req HistoryRequest) error {
	var span evidence.Span
	for _, h := range list {
		if h.Asked.To.After(span.To) {
			span = h.Asked
		}
	}
	if span.Empty() {
		return nil
	}
	bucket := req.Mark
	if bucket <= 0 {
		bucket = max(time.Hour, (span.Duration()/1000).Truncate(time.Hour)+time.Hour)
	}
	for _, word := range []string{"late", "conflict"} {
		ask := store.HistogramRequest{Query: s.oddQuery(conn, span, word), Bucket: bucket}
		counted, err := s.store.Histogram(ctx, ask)
		if err == nil && !counted.Exact { // too many rows for pieces of minutes; whole hours are always counted
			ask.Bucket = time.Hour
			counted, err = s.store.Histogram(ctx, ask)
		}
		if err != nil {
			return fmt.Errorf("counting what is %s: %w", word, err)
		}
		for _, b := range counted.Buckets {
			for i := range list {
				n := b.Counts[list[i].Stream]
				if n == 0 {
					continue
				}
				m := Mark{Span: evidence.Span{From: b.From, To: b.From.Add(ask.Bucket)}, N: n}
				list[i].mark(word, m, req.Mark > 0)
			}
		}
	}
	return nil
}

func (h *StreamHistory) mark(word string, m Mark, keep bool) {
	total, marks := &h.LateTotal, &h.LateMarks
	if word == "conflict" {
		total, marks = &h.ConflictTotal, &h.ConflictMarks
	}
	*total += m.N
	if keep {
		*marks = append(*marks, m)
	}
}
