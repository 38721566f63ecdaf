// Package evidence holds the words that the whole of Exhibit speaks: workspaces, connections, streams, events,
// coverage, artifacts, actions and controls. It is floor 0: it imports the standard library alone, reads nothing and
// writes nothing, and every other package may import it.
//
// One thing has one word. A page is one answer of a source, kept to the byte; a coverage window is a half-open span of
// time of one stream that has been read whole; a gap is a span that should be covered and is not. Verdict, freshness,
// coverage and integrity of evidence are four separate things; a status shown to a person is derived from them when it
// is read and is never stored.
//
// Times are UTC. Events are ordered as the Events API orders them, by Unix milliseconds and then by uuid; the full
// precision of a timestamp stays in the event's bytes.
package evidence
