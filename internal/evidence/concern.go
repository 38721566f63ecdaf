package evidence

import (
	"fmt"
	"slices"
	"time"
)

// ConcernKind says what a concern is about. The words are part of the API and of the command line.
type ConcernKind string

// The kinds of concerns.
const (
	ConcernUnauthorized ConcernKind = "unauthorized" // the source refuses the token
	ConcernPlan         ConcernKind = "plan"         // the account's plan does not offer the source
	ConcernUnreachable  ConcernKind = "unreachable"  // the source does not answer
	ConcernStale        ConcernKind = "stale"        // nothing has been read for long
	ConcernDegraded     ConcernKind = "degraded"     // the token lacks event types
	ConcernPending      ConcernKind = "pending"      // no token has been accepted yet
	ConcernExpiry       ConcernKind = "expiry"       // the token expires
	ConcernGaps         ConcernKind = "gaps"         // something was not read and can still be
	ConcernLate         ConcernKind = "late"         // events came late, or again with other bytes
	ConcernVouch        ConcernKind = "vouch"        // somebody who vouches for the log does not
	ConcernOverdue      ConcernKind = "overdue"      // an action should have been done by now
	ConcernHold         ConcernKind = "hold"         // a legal hold should have been looked at again by now
)

// soon is how long before events are lost somebody is told at once.
const soon = 7 * 24 * time.Hour

// Concern is one thing about a connection, or an action, that somebody must know: what happened, what to do, and what is lost when. It is
// derived on reading and never stored.
type Concern struct {
	// Key names it among all concerns of a workspace and stays the same as long as it lasts.
	Key        string
	Kind       ConcernKind
	Connection ID
	Name       string // of the connection
	Action     ID     // if it is about one, and not about a connection
	Title      string
	Text       string
	By         time.Time // when something is lost or ends; zero: no date
	ByIs       string    // what happens then: "expires"
	// Stage grows when it gets worse: with it, who was told is told again.
	Stage int64
	// AtOnce says that data is at risk: it is lost within days, or nothing is read until a person acts.
	AtOnce bool
	// Silent says that another concern, or a reading under way, tells of it already. It lasts, but nobody is told.
	Silent bool
	// Before says that it is about the time before the connection was made: nobody promised that.
	Before bool
	// Newest and UpTo are where the newest gap begins and where the last one ends; zero for all but gaps.
	Newest time.Time
	UpTo   time.Time
}

// Standing is a connection with all that its concerns follow from.
type Standing struct {
	Connection Connection
	Streams    []StreamStatus
	Health     Health
	Retention  time.Duration // how long the source keeps events; 0: for ever
}

// Concerns derives what somebody must know from how connections stand and what has been read. It is the one place where
// that is worked out: the front page, the notifications and the API show what it gives. What lies before a connection was
// made stands last.
func Concerns(standings []Standing, coverage []StreamCoverage, now time.Time) []Concern {
	var all []Concern
	for _, s := range standings {
		all = append(all, s.trouble(now)...)
		all = append(all, s.expiry(now)...)
	}
	lost, before := gapConcerns(standings, coverage, now)
	all = append(all, lost...)
	for _, s := range standings {
		all = append(all, s.late()...)
	}
	return append(all, before...)
}

// troubleKinds gives the concern that a state is. Other states are none.
func troubleKind(s State) (kind ConcernKind, words string) {
	switch s {
	case StateUnauthorized:
		return ConcernUnauthorized, "unauthorized"
	case StatePlan:
		return ConcernPlan, "plan lacks the Events API"
	case StateUnreachable:
		return ConcernUnreachable, "unreachable"
	case StateStale:
		return ConcernStale, "stale"
	case StateDegraded:
		return ConcernDegraded, "degraded"
	case StatePending:
		return ConcernPending, "pending"
	}
	return "", ""
}

func (s Standing) trouble(now time.Time) []Concern {
	kind, words := troubleKind(s.Health.State)
	if kind == "" {
		return nil
	}
	c := s.concern(kind, s.Connection.Name+": "+words, s.Health.Reason)
	if s.Retention > 0 && kind != ConcernPending && !s.Health.Since.IsZero() {
		c.By, c.ByIs = s.Health.Since.Add(s.Retention), "events are lost from"
	}
	c.AtOnce = kind == ConcernUnauthorized
	if kind != ConcernDegraded && !c.By.IsZero() && c.By.Sub(now) <= soon {
		c.Stage, c.AtOnce = 2, true
	}
	return []Concern{c}
}

// concern begins a concern of which a connection has at most one.
func (s Standing) concern(kind ConcernKind, title, text string) Concern {
	id := s.Connection.ID
	return Concern{Key: string(kind) + "/" + string(id), Kind: kind, Connection: id, Name: s.Connection.Name, Title: title, Text: text, Stage: 1}
}

// ExpiryDays gives the warning that applies to a token that expires at: 30, 14, 7 or 1 days, or 0 once it has expired. ok is
// false if it is further away or never.
func ExpiryDays(at, now time.Time) (days int, ok bool) {
	if at.IsZero() {
		return 0, false
	}
	if !now.Before(at) {
		return 0, true
	}
	for _, d := range []int{30, 14, 7, 1} {
		if at.Sub(now) <= time.Duration(d)*24*time.Hour {
			days, ok = d, true
		}
	}
	return days, ok
}

func (s Standing) expiry(now time.Time) []Concern {
	at := s.Connection.ExpiresAt
	days, ok := ExpiryDays(at, now)
	if !ok || !s.Connection.OffAt.IsZero() {
		return nil
	}
	text := "Nothing is read once it has expired. Make a new token and rotate it in; no interval is lost."
	if s.Retention > 0 {
		text += " If it is not rotated by " + at.Add(s.Retention).UTC().Format("2 Jan 2006") + ", events are lost for good."
	}
	c := s.concern(ConcernExpiry, "The token of "+s.Connection.Name+" expires soon", text)
	c.By, c.ByIs = at, "expires"
	c.Stage = map[int]int64{30: 1, 14: 2, 7: 3, 1: 4, 0: 5}[days]
	c.AtOnce = days == 1
	c.Silent = days == 0 // that it is refused says more
	return []Concern{c}
}

// late tells of what came after its time had been read, and of what came again with other bytes. It never ends: it is a
// count that grows.
func (s Standing) late() []Concern {
	var late, conflicts int64
	for _, st := range s.Streams {
		late, conflicts = late+st.Late, conflicts+st.Conflicts
	}
	if late+conflicts == 0 {
		return nil
	}
	c := s.concern(ConcernLate, fmt.Sprintf("%s: %s, %s so far", s.Connection.Name, count(late, "late event"), count(conflicts, "conflict")),
		"Late events came after their time had been read and were added. Conflicts came again with other bytes; both are kept.")
	c.Stage = late + conflicts
	return []Concern{c}
}

// count writes a number with its word: "1 gap", "2 gaps".
func count(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// gapGroup is what the gaps have in common that are named together.
type gapGroup struct {
	connection ID
	cause      Cause
	before     bool // they end before the connection was made
}

// gapGroups gathers the gaps that can still be healed.
type gapGroups struct {
	standings map[ID]Standing
	order     []gapGroup
	found     map[gapGroup]*Concern
	counts    map[gapGroup]int64
	loud      map[gapGroup]bool // one of them is told by nothing else
}

// gapConcerns names per connection and cause what can still be healed, with the earliest date of loss. What lies before a
// connection was made stands apart: nobody promised it, and losing it is no failure of the reading. Gaps that something
// else tells of are counted only if nothing else is left to count.
func gapConcerns(standings []Standing, coverage []StreamCoverage, now time.Time) (lost, before []Concern) {
	g := gapGroups{standings: map[ID]Standing{}, found: map[gapGroup]*Concern{}, counts: map[gapGroup]int64{}, loud: map[gapGroup]bool{}}
	for _, s := range standings {
		g.standings[s.Connection.ID] = s
	}
	for _, silent := range []bool{false, true} {
		for _, c := range coverage {
			for _, gap := range c.Gaps {
				if s := g.standings[c.Connection]; !gap.HealUntil.IsZero() && s.explains(gap) == silent {
					g.add(s, c, gap, silent)
				}
			}
		}
	}
	for _, key := range g.order {
		c := *g.found[key]
		c.Title = fmt.Sprintf("%s: %s, %s", c.Name, count(g.counts[key], "gap"), key.cause.Words())
		c.Silent = !g.loud[key]
		if !key.before {
			if c.By.Sub(now) <= soon {
				c.Stage, c.AtOnce = 2, true
			}
			lost = append(lost, c)
			continue
		}
		c.Title += ", from before it was connected"
		c.Text += " The source forgets it from " + c.By.UTC().Format("2 Jan 2006") + " on."
		c.By, c.ByIs, c.Before = time.Time{}, "", true
		before = append(before, c)
	}
	return lost, before
}

func (g *gapGroups) add(s Standing, sc StreamCoverage, gap Gap, silent bool) {
	made := s.Connection.CreatedAt
	key := gapGroup{sc.Connection, gap.Cause, !gap.To.After(made)}
	if silent && g.loud[key] {
		return
	}
	c := g.found[key]
	if c == nil {
		when := "since"
		if key.before {
			when = "before"
		}
		c = &Concern{
			Key: "gaps/" + string(sc.Connection) + "/" + string(gap.Cause) + "/" + when, Kind: ConcernGaps, Connection: sc.Connection, Name: sc.Name,
			Text: gap.Reason, By: gap.HealUntil, ByIs: "can be healed until", Stage: 1,
		}
		if c.Text == "" {
			c.Text = "Keep the server running, or run exhibit collect, before the source forgets these events."
		}
		g.order, g.found[key] = append(g.order, key), c
	}
	g.loud[key] = !silent
	g.counts[key]++
	c.Newest, c.UpTo = latest(c.Newest, gap.From), latest(c.UpTo, gap.To)
	until := gap.HealUntil
	if !key.before && gap.From.Before(made) { // what counts is the part that was to be read
		until = until.Add(made.Sub(gap.From))
	}
	if g.counts[key] == 1 || until.Before(c.By) {
		c.By = until
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// explains reports whether something else names a gap already: the trouble that lasts, or the first reading that is on
// its way.
func (s Standing) explains(gap Gap) bool {
	if gap.Cause == NotCollected && s.Health.State == StateBackfilling {
		return true
	}
	return slices.ContainsFunc(s.Streams, func(st StreamStatus) bool {
		t := st.Trouble
		return t != nil && t.Open() && t.State == s.Health.State && t.Cause == gap.Cause
	})
}
