package recipe

import (
	"context"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Input is all that a recipe can read. Implementations must be consistent while nobody writes: counts, events and pages
// of one query agree. Run notices when they change under it and starts again.
type Input interface {
	// Select calls fn for each event of the query with its bytes (Raw), in order of time, stream, page and position.
	// An error of fn ends it and is given back, wrapped at most. The event is fn's only until fn returns.
	Select(ctx context.Context, q evidence.Query, fn func(evidence.Event) error) error
	// Count gives how many events Select would give.
	Count(ctx context.Context, q evidence.Query) (int64, error)
	// Coverage says for each stream of each connection what of the span had been read.
	Coverage(ctx context.Context, ws evidence.ID, streams []evidence.Stream, span evidence.Span) ([]evidence.StreamCoverage, error)
	// PageStats counts the pages that hold events of the query.
	PageStats(ctx context.Context, q evidence.Query) (PageStats, error)
	// Rereads gives the second readings of a stream that touch the span, in order of age and time.
	Rereads(ctx context.Context, connection evidence.ID, stream evidence.Stream, span evidence.Span) ([]Reread, error)
}

// PageStats counts from pages to events. Records - Duplicates = Events.
type PageStats struct {
	Pages      int64 // pages that hold events of the period
	Records    int64 // records of the period in them
	Duplicates int64 // of those: had come before, with the same or with other bytes
	Events     int64 // events of the period
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
	TempDir   string            // where long tables are kept while they are made; empty: the system's
}
