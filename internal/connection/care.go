package connection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// Care is what a person should know of a connection beside its state: what to do, until when, and what goes on by itself.
// Pages, API and command line say it in these words.
type Care struct {
	ToDo string // what to do next; empty: nothing
	// LostFrom is the day from which events are lost for good if nobody does it; zero: none are at risk.
	LostFrom   time.Time
	Expiry     *Expiry   // nil: the token does not expire within 30 days
	Backfill   *Backfill // nil: none is under way
	LastReadAt time.Time // of any stream; zero: never
	NextReadAt time.Time // of the stream that is read first; zero: nobody means to
	Twins      []Twin    // other connections of the same account
}

// Expiry warns of a token's end.
type Expiry struct {
	Days int       // the warning that applies: 30, 14, 7, 1, or 0 when the token has expired
	At   time.Time // when it expires
	// LostFrom is when the source begins to forget what happened after it; zero: never.
	LostFrom time.Time
	Text     string
}

// Urgent reports whether the last two warnings are reached.
func (e Expiry) Urgent() bool { return e.Days <= 7 }

// Backfill is the first reading of the past.
type Backfill struct {
	Percent int           // 0 to 99
	Left    time.Duration // as the last pages went; 0: too little is known yet
}

// Twin is another connection of the same account.
type Twin struct {
	ID   evidence.ID
	Name string
	Off  bool
}

// care works out a connection's Care. all is every connection of the workspace.
func (s *Service) care(ctx context.Context, conn evidence.Connection, health evidence.Health, streams []evidence.StreamStatus, all []evidence.Connection) (Care, error) {
	kind, _ := s.Kind(conn.Source)
	c := Care{Twins: twins(conn, all)}
	if days, text, ok := s.ExpiryWarning(conn); ok {
		c.Expiry = &Expiry{Days: days, At: conn.ExpiresAt, Text: text}
		if kind.Retention > 0 {
			c.Expiry.LostFrom = conn.ExpiresAt.Add(kind.Retention)
		}
	}
	for _, st := range granted(conn, streams) {
		if st.LastReadAt.After(c.LastReadAt) {
			c.LastReadAt = st.LastReadAt
		}
		if n := st.NextReadAt; !n.IsZero() && (c.NextReadAt.IsZero() || n.Before(c.NextReadAt)) {
			c.NextReadAt = n
		}
	}
	if !conn.OffAt.IsZero() {
		c.NextReadAt = time.Time{}
	}
	c.LostFrom = lostFrom(conn, health, streams, kind.Retention)
	c.ToDo = toDo(conn, health, kind, c.LostFrom)
	if health.State != evidence.StateBackfilling {
		return c, nil
	}
	var err error
	c.Backfill, err = s.backfill(ctx, granted(conn, streams), kind.Retention)
	return c, err
}

func twins(conn evidence.Connection, all []evidence.Connection) []Twin {
	var out []Twin
	for _, o := range all {
		if o.ID != conn.ID && o.Source == conn.Source && o.AccountUUID == conn.AccountUUID && o.AccountUUID != "" {
			out = append(out, Twin{ID: o.ID, Name: o.Name, Off: !o.OffAt.IsZero()})
		}
	}
	return out
}

// TwinText says what it means that an account has other connections; empty if it has none.
func (c Care) TwinText() string {
	if len(c.Twins) == 0 {
		return ""
	}
	var names []string
	for _, t := range c.Twins {
		name := fmt.Sprintf("%q", t.Name)
		if t.Off {
			name += " (off)"
		}
		names = append(names, name)
	}
	return "The same account is also connected as " + strings.Join(names, ", ") + ". That is allowed; each connection keeps events and coverage of its own, " +
		"so counts over all connections hold an event once for each. If you do not want that, switch one of them off."
}

// granted gives the streams that the connection's token may read.
func granted(conn evidence.Connection, streams []evidence.StreamStatus) []evidence.StreamStatus {
	var out []evidence.StreamStatus
	for _, st := range streams {
		if !slices.Contains(conn.Missing, st.Stream) {
			out = append(out, st)
		}
	}
	return out
}

// lostFrom is when the source begins to forget what was not read: what came first after the stream that is furthest
// behind. Zero if reading goes on, or nothing was read yet that could be behind.
func lostFrom(conn evidence.Connection, health evidence.Health, streams []evidence.StreamStatus, retention time.Duration) time.Time {
	if retention <= 0 {
		return time.Time{}
	}
	concerned := granted(conn, streams)
	switch health.State {
	case evidence.StateUnauthorized, evidence.StatePlan, evidence.StateUnreachable, evidence.StateStale, evidence.StateOff:
	case evidence.StateDegraded:
		return health.Since.Add(retention)
	default:
		return time.Time{}
	}
	behind := health.Since
	for _, st := range concerned {
		if !st.Through.IsZero() && st.CaughtUp {
			behind = evidence.Earliest(behind, st.Through)
		}
	}
	if behind.IsZero() {
		return time.Time{}
	}
	return behind.Add(retention)
}

// toDo says what to do about a state, and by when.
func toDo(conn evidence.Connection, health evidence.Health, kind source.Kind, lost time.Time) string {
	by := ""
	if !lost.IsZero() {
		by = fmt.Sprintf(" What happens meanwhile can be read back until %s; after that it is lost, the oldest first.", day(lost))
	}
	switch health.State {
	case evidence.StateDegraded, evidence.StateUnauthorized:
		if strings.Contains(health.Reason, "rotate it in") { // the reason says it already
			return strings.TrimSpace(by)
		}
	}
	switch health.State {
	case evidence.StateOff:
		return "To read on, switch it on again with a token of the same account." + by
	case evidence.StatePending:
		return "Finish the approval, or begin it again under Sources."
	case evidence.StateDegraded:
		return fmt.Sprintf("Make a token with all event types at %s and rotate it in.%s", kind.Name, by)
	case evidence.StateUnauthorized:
		return fmt.Sprintf("Make a new token at %s and rotate it in.%s", kind.Name, by)
	case evidence.StatePlan:
		return "Ask an owner of the account about its plan. Once it offers the Events API again, check the connection." + by
	case evidence.StateUnreachable:
		return fmt.Sprintf("Check the network between here and %s: DNS, firewall, proxy. Exhibit keeps trying.%s", conn.Server, by)
	case evidence.StateStale:
		return "Start the server with exhibit serve, or run exhibit collect." + by
	}
	return ""
}

// backfill says how far the first reading of the past has come: the mean of the streams, and the slowest one's time left.
// The pace is that of the last pages, and so whatever the request budget allows.
func (s *Service) backfill(ctx context.Context, streams []evidence.StreamStatus, retention time.Duration) (*Backfill, error) {
	if retention <= 0 || len(streams) == 0 {
		return nil, nil //nolint:nilnil // no backfill that could be measured is an answer
	}
	now := s.now()
	var sum float64
	var left time.Duration
	known := true
	for _, st := range streams {
		if st.CaughtUp {
			sum++
			continue
		}
		open := min(max(now.Sub(st.Through), 0), retention)
		if st.Through.IsZero() {
			open = retention
		}
		sum += 1 - float64(open)/float64(retention)
		read, took, err := s.store.Pace(ctx, st.Connection, st.Stream)
		if err != nil {
			return nil, err
		}
		if read <= 0 || took <= 0 || now.Sub(st.LastReadAt) > evidence.StaleAfter {
			known = false
			continue
		}
		left = max(left, time.Duration(float64(open)/float64(read)*float64(took)))
	}
	b := &Backfill{Percent: min(int(100*sum/float64(len(streams))), 99)}
	if known {
		b.Left = left
	}
	return b, nil
}
