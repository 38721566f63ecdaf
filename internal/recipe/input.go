package recipe

import (
	"context"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Input is all that a recipe can read. Implementations must be consistent while nobody writes: counts, events and pages
// of one query agree. Run notices when they change under it and starts again.
type Input interface {
	// No recipe is shown an event that was erased: Select, Count and Groups leave it out, PageStats counts it.

	// Select calls fn for each event of the query with its bytes (Raw), in order of time, stream, page and position.
	// An error of fn ends it and is given back, wrapped at most. The event is fn's only until fn returns.
	Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error
	// Count gives how many events Select would give.
	Count(ctx context.Context, q evidence.Query) (int64, error)
	// Coverage says for each stream of each connection what of the span had been read.
	Coverage(ctx context.Context, ws evidence.ID, streams []evidence.Stream, span evidence.Span) ([]evidence.StreamCoverage, error)
	// PageStats counts the pages that hold events of the query.
	PageStats(ctx context.Context, q evidence.Query) (PageStats, error)
	// Groups counts the events of a query by the values of keys and calls fn for each combination, in no order. A combination
	// may be told several times, each time with another part of its events. Who asks for one of action, type and result gets
	// all three.
	Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, fn func(Group) error) error
	// Pages tells of each page whose records reach into the span of the query, in order of stream and page; the query's
	// filters play no part.
	Pages(ctx context.Context, q evidence.Query, fn func(Page) error) error
	// MissingNumbers counts the numbers from first to last of a stream's history that nothing has which was kept.
	MissingNumbers(ctx context.Context, connection evidence.ID, stream evidence.Stream, first, last int64) (int64, error)
	// Troubles tells of the times in which a stream could not be read, healed or not, in order of their beginning.
	Troubles(ctx context.Context, connection evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error)
	// Built tells of the artifacts whose period touches the span, by recipe and period.
	Built(ctx context.Context, ws evidence.ID, span evidence.Span) ([]Built, error)
	// Rereads gives the second readings of a stream that touch the span, in order of age and time.
	Rereads(ctx context.Context, connection evidence.ID, stream evidence.Stream, span evidence.Span) ([]Reread, error)
}

// PageStats counts from pages to events. Records - Duplicates = Events.
type PageStats struct {
	Pages      int64 // pages that hold events of the period
	Records    int64 // records of the period in them
	Duplicates int64 // of those: had come before, with the same or with other bytes
	Events     int64 // events of the period
	Erased     int64 // of those: were erased
}

// Group is the events of one stream that have the same values of some keys.
type Group struct {
	Connection evidence.ID
	Stream     evidence.Stream
	Facts      evidence.Facts // only of the keys that were asked for
	Events     int64
	First      time.Time // of the oldest of them
	Last       time.Time // of the newest
}

// Page is one answer of the source, as it is kept.
type Page struct {
	Connection  evidence.ID
	Stream      evidence.Stream
	No          int64 // the first part of the place of its events
	Sequence    int64 // its number in the history of the stream; 0: a second reading
	RequestedAt time.Time
	ReceivedAt  time.Time
	ServerDate  time.Time // as the source told it; zero: it did not
	Records     int
	Events      int // that were new with it
	MinAt       time.Time
	MaxAt       time.Time
	Size        int
	SHA256      string // of the body as it came, lower-case hex
}

// Built is the newest version of an artifact.
type Built struct {
	Artifact evidence.ID
	Recipe   string
	Title    string
	Version  int
	Period   evidence.Span
	Result   evidence.Completeness
	Rows     int64
	At       time.Time
	By       string
	For      []string // keys of the controls and actions that it is attached to
}

// Reread is one second reading of a span that had been read before.
type Reread struct {
	Age     time.Duration // how old the span was at least
	Span    evidence.Span
	At      time.Time
	Seen    int64 // events that the source gave
	Known   int64 // of them: known with the same bytes
	New     int64 // of them: late
	Changed int64 // of them: known with other bytes
	Missing int64 // stored events that the source no longer gave
}

// Source says where events come from: one connection. It never holds the token.
type Source struct {
	Connection  evidence.ID       `json:"connection"`
	Name        string            `json:"name"`
	Kind        string            `json:"source"`      // "onepassword"
	Server      string            `json:"server"`      // https://host
	Account     string            `json:"account"`     // the account's uuid, as introspection gave it
	Integration string            `json:"integration"` // the source's id of the credential
	Features    []evidence.Stream `json:"features"`    // what the credential may read
	Missing     []evidence.Stream `json:"missing"`     // what it may not read
}

// Request asks for one table.
type Request struct {
	Workspace evidence.ID
	Sources   []Source // the connections whose events are asked for
	LeftOut   []string // for each connection of the workspace that is not among them, in a sentence, which and why
	Period    evidence.Span
	Params    map[string]string // by parameter name; what is not named takes its default
	Engine    string            // version of Exhibit
	Writers   Writers           // that the provenance names; nil: those of this program
	TempDir   string            // where long tables are kept while they are made; empty: the system's
}
