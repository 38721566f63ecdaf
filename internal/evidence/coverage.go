package evidence

import (
	"slices"
	"time"
)

// Cause says why a span was not read. The words are part of the command line's contract.
type Cause string

// The causes of a gap.
const (
	NotCollected    Cause = "not_collected"    // nobody has read it yet
	TokenExpired    Cause = "token_expired"    // the token's expiry has passed
	TokenRefused    Cause = "unauthorized"     // the source refused the token: revoked, or of another region
	FeatureMissing  Cause = "feature_missing"  // the token was made without this event type
	Unreachable     Cause = "unreachable"      // the source did not answer, or not with anything usable
	BeyondRetention Cause = "beyond_retention" // older than what the source keeps
	SwitchedOff     Cause = "off"              // somebody switched the connection off
	CursorLost      Cause = "cursor_lost"      // the source no longer accepted the bookmark
)

// Words says a cause to a person.
func (c Cause) Words() string {
	switch c {
	case NotCollected:
		return "not collected yet"
	case TokenExpired:
		return "token expired"
	case TokenRefused:
		return "token refused"
	case FeatureMissing:
		return "event type missing in the token"
	case Unreachable:
		return "source unreachable"
	case BeyondRetention:
		return "older than the source keeps"
	case SwitchedOff:
		return "switched off"
	case CursorLost:
		return "bookmark lost"
	}
	return string(c)
}

// Trouble is a time during which a stream could not be read, on the wall clock. To is zero while it lasts.
type Trouble struct {
	Span
	Cause  Cause
	State  State  // what the connection shows because of it
	Reason string // one or two sentences for a person: what happened and what to do
}

// Open reports whether the trouble lasts.
func (t Trouble) Open() bool { return t.To.IsZero() }

// Window is a coverage window: the span of one stream that has been read whole, with the events in it.
type Window struct {
	Span
	Events int64
}

// Gap is a span of one stream that should be covered and is not.
type Gap struct {
	Span
	Cause  Cause
	Reason string
	// HealUntil is the time until which the whole gap can still be read from the source; zero if it no longer can.
	HealUntil time.Time
}

// StreamCoverage says of one stream what of a span has been read and what has not.
type StreamCoverage struct {
	Connection ID
	Name       string // of the connection
	Stream     Stream
	Asked      Span
	Windows    []Window
	Gaps       []Gap
	Late       int64 // events that came after their time had been read
}

// Whole reports whether every moment that was asked for has been read.
func (c StreamCoverage) Whole() bool { return len(c.Gaps) == 0 }

// FindGaps gives what of asked is in no window, split so that each piece has one cause. A piece takes the cause of the
// latest trouble that covers it; without one it is BeyondRetention if the source no longer keeps it, else NotCollected.
// retention is how long the source keeps events; 0 means for ever.
func FindGaps(asked Span, windows Spans, troubles []Trouble, now time.Time, retention time.Duration) []Gap {
	var horizon time.Time // what lies before it is no longer kept by the source
	if retention > 0 {
		horizon = now.Add(-retention)
	}
	var gaps []Gap
	for _, hole := range windows.Missing(asked) {
		for _, piece := range cut(hole, cutPoints(horizon, troubles)) {
			gaps = join(gaps, explain(piece, horizon, troubles, retention))
		}
	}
	return gaps
}

// cutPoints are the moments at which the cause of a gap can change.
func cutPoints(horizon time.Time, troubles []Trouble) []time.Time {
	points := []time.Time{horizon}
	for _, t := range troubles {
		points = append(points, t.From)
		if !t.Open() {
			points = append(points, t.To)
		}
	}
	slices.SortFunc(points, time.Time.Compare)
	return points
}

// cut splits s at the points, which are in order, that lie inside it.
func cut(s Span, points []time.Time) []Span {
	var out []Span
	for _, p := range points {
		if p.After(s.From) && p.Before(s.To) {
			out = append(out, Span{From: s.From, To: p})
			s.From = p
		}
	}
	return append(out, s)
}

func explain(piece Span, horizon time.Time, troubles []Trouble, retention time.Duration) Gap {
	g := Gap{Span: piece, Cause: NotCollected}
	lost := piece.From.Before(horizon)
	if lost {
		g.Cause = BeyondRetention
	}
	var since time.Time
	for _, t := range troubles {
		covers := !t.From.After(piece.From) && (t.Open() || !t.To.Before(piece.To))
		if covers && !t.From.Before(since) {
			g.Cause, g.Reason, since = t.Cause, t.Reason, t.From
		}
	}
	if !lost && retention > 0 && g.Cause != BeyondRetention {
		g.HealUntil = piece.From.Add(retention)
	}
	return g
}

// join appends g, or lengthens the last gap if g goes on with the same cause and prospects.
func join(gaps []Gap, g Gap) []Gap {
	if n := len(gaps); n > 0 {
		last := &gaps[n-1]
		if last.To.Equal(g.From) && last.Cause == g.Cause && last.Reason == g.Reason && last.HealUntil.IsZero() == g.HealUntil.IsZero() {
			last.To = g.To
			return gaps
		}
	}
	return append(gaps, g)
}
