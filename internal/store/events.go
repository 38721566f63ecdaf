package store

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// DefaultScanLimit is how many event rows a query looks at before it stops and says how far it came.
const DefaultScanLimit = 400_000

// EventsRequest asks for a page of events in the order of (At, stream, page, position).
type EventsRequest struct {
	Query      evidence.Query
	After      *Keyset // go on behind this event; nil: from the beginning
	Descending bool    // newest first
	Limit      int     // events at most; 0: 100
	WithRaw    bool
	ScanLimit  int // rows looked at at most; 0: DefaultScanLimit
}

// EventsPage is a page of events.
type EventsPage struct {
	Events []evidence.Event
	Next   *Keyset // where to go on; nil: the end
	// SearchedTo is how far the search came. It means something only if Complete is false.
	SearchedTo time.Time
	Complete   bool // the search did not stop at ScanLimit
}

// EventPlace tells where an event lies and when it was read.
type EventPlace struct {
	PageSHA256  string // lower-case hex, of the page's body
	Sequence    int64  // of the page in its stream; 0: a re-read
	RequestedAt time.Time
	ReceivedAt  time.Time
	Mode        Mode
	Offset      int // of the event's first byte in the body
	Length      int // bytes
	Records     int // in the page
}

// HistogramRequest asks how many events lie in each bucket of time.
type HistogramRequest struct {
	Query  evidence.Query // Span must have both ends
	Bucket time.Duration  // whole hours are cheapest; at most 2,000 buckets
}

// HistogramBucket counts the events of one bucket per stream. Streams without events are not in it.
type HistogramBucket struct {
	From   time.Time
	Counts map[evidence.Stream]int64
}

// Histogram is the answer to a HistogramRequest. Buckets begin at the multiple of Bucket (since 1970, UTC) at or before
// Span.From and follow one another without holes.
type Histogram struct {
	Buckets []HistogramBucket
	Total   int64
	Exact   bool // false: too many rows to look at; the counts cover only the newest part
}

// ValueCount is a value that events can be filtered by.
type ValueCount struct {
	Value string // as a filter takes it
	Label string // for a person: name and email; else the value
	N     int64
}

// PageStats counts what lies in a span of time. Records less Duplicates are Events.
type PageStats struct {
	Pages      int64 // pages with events of the span
	Records    int64 // records of the span in the pages that are kept
	Duplicates int64 // of these: came again, with the same or other bytes
	Events     int64 // first-seen events
}

// PageRow is what is known of a page beside its body.
type PageRow struct {
	ID          int64
	Connection  evidence.ID
	Stream      evidence.Stream
	Sequence    int64 // 0: a re-read
	Mode        Mode
	Cursor      bool      // asked for by a bookmark, not by times
	From, To    time.Time // what was asked for; zero with Cursor
	Limit       int
	CursorSHA   []byte // SHA-256 of the bookmark that was sent; nil without one
	NextSHA     []byte // SHA-256 of the bookmark that came
	RequestedAt time.Time
	ReceivedAt  time.Time
	ServerDate  time.Time
	Build       string
	Records     int
	Events      int
	MinAt       time.Time // over all records
	MaxAt       time.Time
	Size        int    // bytes of the body
	SHA256      string // lower-case hex
}

// Size tells how large the store is.
type Size struct {
	Bytes  int64 // on disk, as the database tells it
	Pages  int64
	Events int64
}

// CheckResult is the outcome of one check.
type CheckResult struct {
	Name   string
	OK     bool
	Detail string // what was looked at, or what is wrong and what to do
}
