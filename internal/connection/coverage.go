package connection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// defaultSpan is what Coverage looks at if nobody says: as much as 1Password keeps, less a minute. What it keeps moves on
// while it answers, and its clock tells whole seconds: without the minute, a first reading that has just ended would show
// a gap of a second that nobody could have read.
const defaultSpan = 120*24*time.Hour - time.Minute

// Coverage says for every stream of every connection of the workspace what of span has been read and what has not, with
// the causes. A zero From or To is filled in: the last 120 days. It is the one place where windows and gaps are made for
// the command line, the API and the pages.
func (s *Service) Coverage(ctx context.Context, ws evidence.ID, span evidence.Span) ([]evidence.StreamCoverage, error) {
	conns, err := s.store.Connections(ctx, ws)
	if err != nil {
		return nil, err
	}
	var all []evidence.StreamCoverage
	for _, conn := range conns {
		cs, err := s.coverage(ctx, conn, span)
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

// CoverageOf is Coverage for one connection.
func (s *Service) CoverageOf(ctx context.Context, ws, id evidence.ID, span evidence.Span) ([]evidence.StreamCoverage, error) {
	conn, err := s.store.Connection(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	return s.coverage(ctx, conn, span)
}

func (s *Service) coverage(ctx context.Context, conn evidence.Connection, span evidence.Span) ([]evidence.StreamCoverage, error) {
	now := s.moment()
	asked, err := askedSpan(span, now)
	if err != nil {
		return nil, err
	}
	statuses, err := s.store.Streams(ctx, conn.ID)
	if err != nil {
		return nil, err
	}
	kind, _ := s.Kind(conn.Source) // an unknown kind keeps its events for ever, as far as anybody knows
	var list []evidence.StreamCoverage
	for _, st := range statuses {
		c := evidence.StreamCoverage{
			Connection: conn.ID, Name: conn.Name, Stream: st.Stream, Late: st.Late,
			Asked: evidence.Span{From: asked.From, To: soFar(conn, st, asked, now)},
		}
		if c.Windows, err = s.store.Windows(ctx, conn.ID, st.Stream, c.Asked); err != nil {
			return nil, err
		}
		troubles, err := s.troubles(ctx, conn, kind, st.Stream)
		if err != nil {
			return nil, err
		}
		var spans []evidence.Span
		for _, w := range c.Windows {
			spans = append(spans, w.Span)
		}
		c.Gaps = evidence.FindGaps(c.Asked, evidence.NewSpans(spans...), troubles, now, kind.Retention)
		list = append(list, c)
	}
	return list, nil
}

// troubles gives what explains the gaps of a stream. One that the token may not read at all has one explanation, for all
// of the span.
func (s *Service) troubles(ctx context.Context, conn evidence.Connection, kind source.Kind, stream evidence.Stream) ([]evidence.Trouble, error) {
	if conn.OffAt.IsZero() && slices.Contains(conn.Missing, stream) {
		return []evidence.Trouble{{Cause: evidence.FeatureMissing, State: evidence.StateDegraded, Reason: kind.Without(stream)}}, nil
	}
	return s.store.Troubles(ctx, conn.ID, stream)
}

// askedSpan fills in what was left open and leaves out the future, which nobody can have read.
func askedSpan(span evidence.Span, now time.Time) (evidence.Span, error) {
	if span.To.IsZero() || span.To.After(now) {
		span.To = now
	}
	if span.From.IsZero() {
		span.From = span.To.Add(-defaultSpan)
	}
	if span.Empty() {
		return span, evidence.Errorf(evidence.Invalid, "The span is empty: it ends at or before its start, or lies in the future.")
	}
	return evidence.Span{From: span.From.UTC(), To: span.To.UTC()}, nil
}

// soFar is up to when a stream can be asked for coverage. What a healthy stream has not read since its last poll, a moment
// ago, is not a gap: it is not yet. Anything longer is.
func soFar(conn evidence.Connection, st evidence.StreamStatus, asked evidence.Span, now time.Time) time.Time {
	healthy := conn.OffAt.IsZero() && (st.Trouble == nil || !st.Trouble.Open()) && st.CaughtUp &&
		now.Sub(st.LastReadAt) <= evidence.StaleAfter && now.Sub(st.Through) <= evidence.StaleAfter
	if !healthy || !st.Through.Before(asked.To) {
		return asked.To
	}
	if st.Through.Before(asked.From) {
		return asked.From
	}
	return st.Through
}

// ExpiryWarning says what happens when the connection's token expires, once that is 30 days away or less. Days is the
// warning that applies: 30, 14, 7, 1, or 0 when the token has expired. ok is false if there is nothing to say.
func (s *Service) ExpiryWarning(conn evidence.Connection) (days int, text string, ok bool) {
	days, ok = evidence.ExpiryDays(conn.ExpiresAt, s.now())
	if !ok || !conn.OffAt.IsZero() {
		return 0, "", false
	}
	kind, _ := s.Kind(conn.Source)
	lost := ""
	if kind.Retention > 0 {
		lost = fmt.Sprintf(" If no new token is rotated in by %s, events are lost for good, the first of them those of %s.",
			day(conn.ExpiresAt.Add(kind.Retention)), day(conn.ExpiresAt))
	}
	if days == 0 {
		return 0, fmt.Sprintf("The token expired on %s; nothing is read since.%s", day(conn.ExpiresAt), lost), true
	}
	return days, fmt.Sprintf("The token expires on %s.%s", day(conn.ExpiresAt), lost), true
}
