// Package source is the contract between Exhibit and the systems it reads: what a source tells of itself (Kind), how one
// connection of it is read (Source), and the words in which a read can fail. A new source is one folder below this one
// and one line in source/all; it needs nothing else.
//
// A Source is a stateless page function. It never waits, never retries and keeps no position: pacing, back-off,
// bookmarks and storage belong to package collect, once for all sources.
package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Cursor is a source's opaque bookmark. It is stored and sent back as it came, and never parsed.
type Cursor string

// Source reads one connection. Its methods may be called from several goroutines at once.
type Source interface {
	// Check asks the source what the credential may read. It changes nothing there.
	Check(ctx context.Context) (Grant, error)
	// Next reads one page. The same Request may come again after a crash and must be harmless. A context deadline
	// bounds the call; besides it the source's own limits on connecting, headers, progress and size hold.
	Next(ctx context.Context, req Request) (Page, error)
}

// Request asks for one page: of the stream from a bookmark, or, without one, of the events with From <= time < To.
type Request struct {
	Stream evidence.Stream
	Cursor Cursor
	From   time.Time // ignored with a Cursor
	To     time.Time // zero: open end; ignored with a Cursor
	Limit  int       // events at most; ignored with a Cursor that carries its own
}

// Page is one answer of the source.
type Page struct {
	Body    []byte   // exact bytes after content decoding
	Records []Record // in the order of the body, not overlapping
	Next    Cursor   // where to go on; may be the cursor of the request when there was nothing new
	More    bool     // the source says that there may be more
	// Ordered reports whether the records came in the source's documented order. If not, no time can be said to have
	// been read whole until the end is reached.
	Ordered    bool
	ServerDate time.Time // the answer's Date header; zero: none
}

// Record is one event in a page: Body[Start:End] are its bytes.
type Record struct {
	Start, End int
	Facts      evidence.Facts
}

// Grant is what a credential may read.
type Grant struct {
	AccountUUID string
	Integration string
	Features    []evidence.Stream
	IssuedAt    time.Time
}

// The ways in which a read fails for a reason that waiting does not mend.
var (
	ErrUnauthorized = errors.New("the source refused the token")
	ErrPlan         = errors.New("the account's plan does not offer this")
	ErrFeature      = errors.New("the token was made without this event type")
	ErrCursorLost   = errors.New("the source did not accept the bookmark")
)

// RetryError says that the same request may work later.
type RetryError struct {
	After time.Duration // the source asked to wait at least so long; 0: it did not say
	Err   error
}

func (e *RetryError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("%v (wait %s)", e.Err, e.After)
	}
	return e.Err.Error()
}

func (e *RetryError) Unwrap() error { return e.Err }

// BadPageError says that the source answered with something that is not a page. Body is what came, as far as it was
// read, so that it can be looked at.
type BadPageError struct {
	Body []byte
	Err  error
}

func (e *BadPageError) Error() string { return "the source's answer is not a page: " + e.Err.Error() }

func (e *BadPageError) Unwrap() error { return e.Err }
