package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// ErrStale says that a stream moved since the lease was taken or the last page was committed: somebody else reads it
// now, or an earlier commit whose answer was lost did happen. Nothing was stored. Acquire tells where the stream is.
var ErrStale = errors.New("another process has taken over the stream or moved its bookmark")

// ErrHeld says that another live process reads the stream. It comes as a *HeldError.
var ErrHeld = errors.New("another process reads the stream")

// HeldError tells who holds a lease, and until when if it is not renewed.
type HeldError struct {
	Holder string
	Until  time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s (%s) reads the stream, at least until %s", ErrHeld, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrHeld) hold.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// Mode says why a page was read.
type Mode string

// The modes.
const (
	Live   Mode = "live"   // going on from the bookmark
	Reread Mode = "reread" // a span that was read before is read again for late events
)

// Position is how far a stream has been read.
type Position struct {
	Cursor   string // the source's bookmark; empty: start with a reset
	Sequence int64  // goes up by one with each live commit and each reset
	// Window is the current live window: From is where it began, To is the moment up to which it has been read.
	// Zero: none yet.
	Window   evidence.Span
	CaughtUp bool // the end was reached at least once since the last reset
}

// Lease makes its holder the only reader of a stream. Epoch is the fencing token: it goes up with each Acquire, and a
// commit with an old one is refused.
type Lease struct {
	Connection evidence.ID
	Stream     evidence.Stream
	Epoch      int64
	Until      time.Time
	Term       time.Duration // by how much Renew lengthens it
	Next       time.Time     // when its holder means to read next, for Release; zero: nobody knows
	Position
}

// PageCommit is one answer of the source with what it means for the stream.
type PageCommit struct {
	Mode        Mode
	Request     source.Request // as sent
	Page        source.Page
	RequestedAt time.Time
	ReceivedAt  time.Time
	// Window is what this reading has covered once the page is stored. Live: From is the start of the current window
	// and To how far it now reaches. Reread: what the re-read has covered, if it covers anything by itself; may be zero.
	Window evidence.Span
	// NewWindow begins a new live window. Without it Window makes the current one longer, if it touches it.
	NewWindow bool
	CaughtUp  bool              // live: the end was reached
	Build     string            // "Exhibit/x.y.z"
	Trouble   *evidence.Trouble // a trouble to record in the same transaction; nil: none
}

// Committed tells what a commit did.
type Committed struct {
	Lease      Lease // with the new Position
	Page       int64 // number of the page; 0: nothing of it had to be kept
	New        int   // events seen for the first time
	Duplicates int   // events that came again with the same bytes
	Late       int   // of New: their time had been read before
	Conflicts  int   // events that came again with other bytes
	Odd        int   // of New: with something unknown or unreadable in them (being late is not that)
}

// RereadMark tells up to which time the re-reads of one age have come.
type RereadMark struct {
	Age     time.Duration
	Through time.Time // zero: never
}

// Reconciliation is the result of reading a span again.
type Reconciliation struct {
	Age     time.Duration // 0: asked for by a person
	Span    evidence.Span
	At      time.Time // when the re-read ended
	Seen    int64     // events that the re-read returned
	Known   int64     // of these: known with the same bytes
	New     int64     // of these: not known before
	Changed int64     // of these: known with other bytes
	Missing int64     // stored events of the span that the re-read did not return
}

// BadPage is an answer of the source that is no page, capped.
type BadPage struct {
	At     time.Time
	Reason string
	Body   []byte
	Size   int64 // bytes of the whole answer, as far as it was read
}
