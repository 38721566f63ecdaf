package evidence

import (
	"slices"
	"time"
)

// Stream names one ordered feed of a connection, in the source's own word: "signinattempts".
type Stream string

// State is what a connection shows. The words are part of the command line's contract.
type State string

// The states of a connection.
const (
	StateOff          State = "off"          // switched off: reads nothing, the token is forgotten, the evidence stays
	StatePending      State = "pending"      // waiting for approval
	StateBackfilling  State = "backfilling"  // reading the past
	StateActive       State = "active"       // every stream has caught up
	StateDegraded     State = "degraded"     // active, but the token lacks some event types
	StateUnauthorized State = "unauthorized" // the source refuses the token
	StatePlan         State = "plan"         // the account's plan does not offer the source
	StateUnreachable  State = "unreachable"  // the source does not answer, or not usably
	StateStale        State = "stale"        // nothing is wrong that we know of, but nothing has been read for long
)

// StaleAfter is how long a stream may stay unread before its connection is shown as stale.
const StaleAfter = 15 * time.Minute

// Connection is one configured account of a source. It belongs to the workspace, not to the person who made it. The
// token is not in it.
type Connection struct {
	ID          ID
	Workspace   ID
	Source      string // the source's id, "onepassword"
	Name        string
	Server      string // https://host[:port]
	AccountUUID string
	// Integration is the source's id of the credential (for 1Password the uuid that introspection gives).
	Integration string
	Features    []Stream // what the token may read
	Missing     []Stream // what the source offers and the token may not read
	TokenMark   string   // last four hex digits of the SHA-256 of the token: tells tokens apart, tells nothing of them
	IssuedAt    time.Time
	ExpiresAt   time.Time // zero: never
	CreatedAt   time.Time
	CreatedBy   string
	CheckedAt   time.Time // last introspection that worked
	OffAt       time.Time // zero: on
}

// StreamStatus is how far one stream of a connection has been read.
type StreamStatus struct {
	Connection ID
	Stream     Stream
	Through    time.Time // every moment before it, from the current window's start on, has been read
	CaughtUp   bool      // the end has been reached at least once since the last reset
	LastReadAt time.Time // last answer of the source that was stored; zero: none yet
	LastEvent  time.Time // newest event; zero: none
	NextReadAt time.Time // when whoever reads it means to read it next; zero: nobody means to
	Pages      int64
	Events     int64
	Duplicates int64 // events that came again with the same bytes
	Late       int64
	Conflicts  int64 // events that came again with other bytes
	Odd        int64 // events with something unknown or unreadable in them
	Trouble    *Trouble
}

// Health is the state of a connection with its reason, since when, and what to do.
type Health struct {
	State  State
	Reason string
	Since  time.Time
}

// stateRank orders states by what a person must know first.
var stateRank = []State{StatePlan, StateUnauthorized, StateUnreachable}

// ConnectionHealth derives what a connection shows at now from the state of its streams. It is never stored.
func ConnectionHealth(c Connection, streams []StreamStatus, now time.Time) Health {
	switch {
	case !c.OffAt.IsZero():
		return Health{StateOff, "Switched off. Its token is forgotten; events and artifacts stay.", c.OffAt}
	case c.CheckedAt.IsZero():
		return Health{StatePending, "Waiting for approval: no token has been accepted yet.", c.CreatedAt}
	}
	for _, want := range stateRank {
		if t := troubleOf(streams, want); t != nil {
			return Health{want, t.Reason, t.From}
		}
	}
	if !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt) {
		return Health{StateUnauthorized, "The token has expired, so nothing is read any more.", c.ExpiresAt}
	}
	return readingHealth(c, streams, now)
}

// readingHealth is ConnectionHealth for a connection whose token works.
func readingHealth(c Connection, streams []StreamStatus, now time.Time) Health {
	var unread, behind bool
	oldest := now
	for _, s := range streams {
		if slices.Contains(c.Missing, s.Stream) {
			continue
		}
		unread = unread || s.LastReadAt.IsZero()
		behind = behind || !s.CaughtUp
		if !s.LastReadAt.IsZero() {
			oldest = Earliest(oldest, s.LastReadAt)
		}
	}
	stale := now.Sub(oldest) > StaleAfter || unread && now.Sub(c.CheckedAt) > StaleAfter
	switch {
	case stale:
		return Health{StateStale, "Nothing has been read lately, and no trouble is known: nobody seems to be reading.", oldest}
	case unread || behind:
		return Health{StateBackfilling, "Reading the past.", c.CreatedAt}
	case len(c.Missing) > 0:
		return Health{StateDegraded, "The token lacks some event types; what they would show is missing.", c.CheckedAt}
	}
	return Health{StateActive, "Every stream has been read to the end.", c.CheckedAt}
}

// troubleOf gives the longest-lasting open trouble that puts a connection into want.
func troubleOf(streams []StreamStatus, want State) *Trouble {
	var found *Trouble
	for _, s := range streams {
		if t := s.Trouble; t != nil && t.Open() && t.State == want && (found == nil || t.From.Before(found.From)) {
			found = t
		}
	}
	return found
}
