package evidence

import "time"

// Rereading says when closed windows are read again, and in which pieces.
type Rereading struct {
	Age   time.Duration // how long after its time an event is looked for again
	Chunk time.Duration // how much is read at once, at least
}

// Rereadings gives all of them, the shortest age first. They follow the ways in which events come late: within minutes from
// the source's own queues, within days from devices that were switched off, and for the last time shortly before the
// source forgets. With a chunk, the oldest event of it is a chunk older than the age; 110 days and two stay well below the
// 120 that 1Password keeps.
func Rereadings() []Rereading {
	const day = 24 * time.Hour
	return []Rereading{
		{time.Hour, time.Hour},
		{day, 6 * time.Hour},
		{7 * day, day},
		{30 * day, 7 * day},
		{110 * day, 2 * day},
	}
}

// Open gives what has grown old enough to be read again and has not been. through is how far this re-reading came (zero:
// never); a connection whose streams were first read at begun needs no re-read of what was older than the age then;
// oldest is what the source still keeps. It may be empty. It is due as soon as it is as long as a chunk.
func (r Rereading) Open(through, begun, oldest, now time.Time) Span {
	return Span{From: Latest(Latest(through, begun.Add(-r.Age)), oldest), To: now.Add(-r.Age)}
}

// DueAt is when a span that begins as open does will be due.
func (r Rereading) DueAt(open Span) time.Time { return open.From.Add(r.Chunk + r.Age) }
