package explore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// Relation says what events share.
type Relation string

// The relations, closest first.
const (
	SameSession Relation = "session"
	SamePerson  Relation = "person"
	SameItem    Relation = "item"
)

// Related is the events nearest in time that share something with an event, in order of time.
type Related struct {
	Relation Relation
	Events   []evidence.Event
	Query    evidence.Query // finds all of them: for a session, what the person did in its time
}

// How far related events are looked for. Nearness is what counts, so it is bounded: an event's page has to be quick.
const (
	nearest     = 3 // on each side
	nearSpan    = 30 * 24 * time.Hour
	sessionSpan = 24 * time.Hour
	sessionScan = 150    // events of the person on each side whose session is looked at
	nearScan    = 50_000 // rows on each side
)

// Related gives what belongs to an event of a workspace, whose bytes it needs. Relations without another event are left out.
func (s *Service) Related(ctx context.Context, ws evidence.ID, e evidence.Event) ([]Related, error) {
	var out []Related
	person := cmp.Or(e.Person.UUID, e.Person.Email)
	for _, r := range []struct {
		relation Relation
		key      evidence.Key
		value    string
	}{{SameSession, evidence.KeyPerson, person}, {SamePerson, evidence.KeyPerson, person}, {SameItem, evidence.KeyItem, e.Item}} {
		session := s.describe(e).Session
		if r.value == "" || r.relation == SameSession && session == "" {
			continue
		}
		q := evidence.Query{Workspace: ws, Where: []evidence.Match{{Key: r.key, Values: []string{r.value}}}}
		var found Related
		var err error
		if r.relation == SameSession {
			q.Connections = []evidence.ID{e.Connection}
			found, err = s.session(ctx, q, e, session)
		} else {
			found, err = s.near(ctx, q, e)
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the same %s: %w", r.relation, err)
		}
		if found.Relation = r.relation; len(found.Events) > 0 {
			out = append(out, found)
		}
	}
	return out, nil
}

// near gives the events of a query that are nearest to e.
func (s *Service) near(ctx context.Context, q evidence.Query, e evidence.Event) (Related, error) {
	before, after, err := s.around(ctx, q, e, nearSpan, nearest)
	if err != nil {
		return Related{}, err
	}
	slices.Reverse(before)
	return Related{Events: append(before, after...), Query: q}, nil
}

// session gives the nearest events of the person that name the session, and the time that all of them take.
func (s *Service) session(ctx context.Context, q evidence.Query, e evidence.Event, session string) (Related, error) {
	before, after, err := s.around(ctx, q, e, sessionSpan, sessionScan)
	if err != nil {
		return Related{}, err
	}
	other := func(x evidence.Event) bool { return s.describe(x).Session != session }
	before, after = slices.DeleteFunc(before, other), slices.DeleteFunc(after, other)
	q.Span = evidence.Span{From: e.At, To: e.At}
	for _, x := range slices.Concat(before, after) {
		if x.At.Before(q.Span.From) {
			q.Span.From = x.At
		}
		if x.At.After(q.Span.To) {
			q.Span.To = x.At
		}
	}
	q.Span.From, q.Span.To = q.Span.From.Truncate(time.Second), q.Span.To.Truncate(time.Second).Add(time.Second)
	before, after = before[:min(nearest, len(before))], after[:min(nearest, len(after))]
	slices.Reverse(before)
	return Related{Events: append(before, after...), Query: q}, nil
}

// around gives events of a query before e, the nearest first, and at or after it, in order of time; e itself is left out.
func (s *Service) around(ctx context.Context, q evidence.Query, e evidence.Event, span time.Duration, most int) (before, after []evidence.Event, err error) {
	for _, side := range []struct {
		span evidence.Span
		down bool
		into *[]evidence.Event
	}{
		{evidence.Span{From: e.At.Add(-span), To: e.At}, true, &before},
		{evidence.Span{From: e.At, To: e.At.Add(span)}, false, &after},
	} {
		q.Span = side.span
		page, err := s.cfg.Store.Events(ctx, store.EventsRequest{Query: q, Descending: side.down, Limit: most + 1, WithRaw: true, ScanLimit: nearScan})
		if err != nil {
			return nil, nil, err
		}
		found := slices.DeleteFunc(page.Events, func(x evidence.Event) bool { return x.EventRef == e.EventRef })
		*side.into = found[:min(most, len(found))]
	}
	return before, after, nil
}
