package evidence

import "time"

// HandoverKind says why a connection got another token.
type HandoverKind string

// The kinds of handovers.
const (
	Rotated    HandoverKind = "rotate" // a new token took the place of one that was in use
	SwitchedOn HandoverKind = "on"     // the connection had been switched off
)

// Handover is how one stream went from one token to the next. All times but the two Through are on our clock.
type Handover struct {
	Stream           Stream
	At               time.Time
	Kind             HandoverKind
	OldMark, NewMark string    // see Connection.TokenMark
	OldReadAt        time.Time // last answer with the old token; zero: it never read this stream
	OldThrough       time.Time // every moment before it had been read then
	NewReadAt        time.Time // first answer with the new token; zero: none yet
	NewThrough       time.Time // every moment before it had been read then
}

// Seam is the time that lies between the two tokens: what nobody had read when the old one stopped, up to where the first
// answer with the new one came. It is empty if there is nothing to prove: one of the two never read.
func (h Handover) Seam() Span {
	if h.OldThrough.IsZero() || h.NewThrough.Before(h.OldThrough) {
		return Span{}
	}
	return Span{From: h.OldThrough, To: h.NewThrough}
}
