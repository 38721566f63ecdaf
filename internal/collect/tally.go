package collect

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// Summary says what one run of the collector did. Its JSON is part of the command line's contract.
type Summary struct {
	Connections []ConnectionSummary `json:"connections"`
	ElapsedMS   int64               `json:"elapsed_ms"`
}

// ConnectionSummary is the part of a Summary about one connection.
type ConnectionSummary struct {
	ID      evidence.ID     `json:"id"`
	Name    string          `json:"name"`
	Streams []StreamSummary `json:"streams"`
}

// StreamSummary is the part of a Summary about one stream: counts are of this run, From and Through are of the stream's
// current coverage window. Events = New + Duplicates + Conflicts.
type StreamSummary struct {
	Stream     evidence.Stream `json:"stream"`
	Pages      int64           `json:"pages"`
	Events     int64           `json:"events"`
	New        int64           `json:"new"`
	Duplicates int64           `json:"duplicates"`
	Late       int64           `json:"late"`
	Conflicts  int64           `json:"conflicts"`
	Missing    int64           `json:"missing"` // known events that a re-read did not bring again
	From       *time.Time      `json:"from"`    // null: nothing has been read yet
	Through    *time.Time      `json:"through"`
	CaughtUp   bool            `json:"caught_up"`
	// SkewMS is how far the source's clock was ahead of this machine's, in milliseconds, if it was more than 2 minutes;
	// coverage was claimed by the clock that claims less.
	SkewMS         int64   `json:"clock_skew_ms,omitempty"`
	FeatureMissing bool    `json:"feature_missing,omitempty"` // the token was made without this event type
	Error          *string `json:"error"`                     // null: the stream has caught up
}

// Failed reports whether some stream that the token may read did not catch up.
func (s Summary) Failed() bool {
	for _, c := range s.Connections {
		for _, t := range c.Streams {
			if t.Error != nil && !t.FeatureMissing {
				return true
			}
		}
	}
	return false
}

// Progress says how far one stream has come, after a page of it became durable.
type Progress struct {
	Connection evidence.ID
	Name       string
	Stream     evidence.Stream
	Pages      int64 // of this run
	Events     int64
	New        int64
	From       time.Time // where the current coverage window begins
	Through    time.Time // up to where everything has been read
	CaughtUp   bool      // the end has been reached since the last reset
	Reread     bool      // the page belongs to a span that is read again
}

// tally counts what a reader did in one run. The reader's goroutine alone uses it.
type tally struct {
	pages, events, fresh, duplicates, late, conflicts, missing int64

	window  evidence.Span
	movedAt time.Time     // when a page last brought something new or moved the bookmark
	skew    time.Duration // of the source's clock, if it was ever beyond skewWarn
}

// page counts a durable page.
func (t *tally) page(records int, done store.Committed) {
	t.pages++
	t.events += int64(records)
	t.fresh += int64(done.New)
	t.duplicates += int64(done.Duplicates)
	t.late += int64(done.Late)
	t.conflicts += int64(done.Conflicts)
}

func (t *tally) progress(conn evidence.Connection, stream evidence.Stream, caughtUp bool) Progress {
	return Progress{
		Connection: conn.ID, Name: conn.Name, Stream: stream,
		Pages: t.pages, Events: t.events, New: t.fresh,
		From: t.window.From, Through: t.window.To, CaughtUp: caughtUp,
	}
}

// summary gives the tally for people; err says why the stream did not catch up.
func (t *tally) summary(stream evidence.Stream, err error) StreamSummary {
	s := StreamSummary{
		Stream: stream, Pages: t.pages, Events: t.events, New: t.fresh, Duplicates: t.duplicates, Late: t.late,
		Conflicts: t.conflicts, Missing: t.missing, CaughtUp: err == nil, SkewMS: t.skew.Milliseconds(),
	}
	if !t.window.From.IsZero() {
		from, through := t.window.From.UTC(), t.window.To.UTC()
		s.From, s.Through = &from, &through
	}
	if err != nil {
		text := err.Error()
		s.Error = &text
	}
	return s
}
