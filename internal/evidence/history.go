package evidence

import "time"

// EventMark is an event's place and time, and nothing of what it says.
type EventMark struct {
	EventRef
	At time.Time
}

// Before reports whether all of the gap lies before a connection was made at made: nobody promised to read it.
func (g Gap) Before(made time.Time) bool { return !g.To.After(made) }

// Read is how much of what was asked for has been read.
func (c StreamCoverage) Read() time.Duration {
	var d time.Duration
	for _, w := range c.Windows {
		d += w.Intersect(c.Asked).Duration()
	}
	return d
}
