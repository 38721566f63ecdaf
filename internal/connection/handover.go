package connection

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// shownHandovers is how many handovers of a connection are told of.
const shownHandovers = 4

// Proof says what is known about the time between two tokens. The words are part of the API.
type Proof string

// The proofs, the best first.
const (
	ProofWhole   Proof = "no_gap"  // one coverage window spans both tokens' reads
	ProofNothing Proof = "nothing" // the old token had not read, or the new one was replaced before it did: nothing lies between
	ProofWaiting Proof = "waiting" // the new token has not read yet
	ProofGap     Proof = "gap"     // some of the time between is in no window
)

// Handover is how a connection went from one token to the next.
type Handover struct {
	At               time.Time
	Kind             evidence.HandoverKind
	OldMark, NewMark string
	Proof            Proof // the worst of its streams
	Text             string
	Streams          []StreamHandover
}

// StreamHandover is that of one stream.
type StreamHandover struct {
	evidence.Handover
	Proof  Proof
	Text   string
	Window evidence.Span  // the coverage window that spans both reads; empty: none does
	Gaps   []evidence.Gap // what of the seam is in no window
}

// Handovers gives the last handovers of a connection, newest first, each with the proof that no interval was lost, or
// with what was. It is worked out from the coverage as it is now: a gap that was healed is gone.
func (s *Service) Handovers(ctx context.Context, ws, id evidence.ID) ([]Handover, error) {
	conn, err := s.store.Connection(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	streams, err := s.store.Streams(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Handovers(ctx, id, shownHandovers*len(streams))
	if err != nil {
		return nil, err
	}
	windows := map[evidence.Stream]evidence.Spans{}
	newest := map[evidence.Stream]bool{}
	var out []Handover
	for _, row := range rows {
		if _, ok := windows[row.Stream]; !ok {
			if windows[row.Stream], err = s.spans(ctx, id, row.Stream); err != nil {
				return nil, err
			}
		}
		sh, err := s.prove(ctx, conn, row, windows[row.Stream], newest[row.Stream])
		if err != nil {
			return nil, err
		}
		newest[row.Stream] = true
		if n := len(out); n == 0 || !out[n-1].At.Equal(row.At) {
			out = append(out, Handover{At: row.At, Kind: row.Kind, OldMark: row.OldMark, NewMark: row.NewMark})
		}
		h := &out[len(out)-1]
		h.Streams = append(h.Streams, sh)
	}
	for i := range out {
		out[i].conclude()
	}
	return out, nil
}

func (s *Service) spans(ctx context.Context, id evidence.ID, stream evidence.Stream) (evidence.Spans, error) {
	list, err := s.store.Windows(ctx, id, stream, evidence.Span{})
	if err != nil {
		return nil, err
	}
	var spans []evidence.Span
	for _, w := range list {
		spans = append(spans, w.Span)
	}
	return evidence.NewSpans(spans...), nil
}

// prove looks at one stream. replaced says that a later token took over from the new one.
func (s *Service) prove(ctx context.Context, conn evidence.Connection, h evidence.Handover, windows evidence.Spans, replaced bool) (StreamHandover, error) {
	sh := StreamHandover{Handover: h, Proof: ProofNothing}
	switch {
	case h.NewReadAt.IsZero() && replaced:
		sh.Text = "This token was replaced before it read anything."
		return sh, nil
	case h.NewReadAt.IsZero():
		sh.Proof = ProofWaiting
		sh.Text = "The new token has not read this stream yet."
		if !h.OldReadAt.IsZero() {
			sh.Text = fmt.Sprintf("The old token last read at %s. The new one has not read this stream yet.", second(h.OldReadAt))
		}
		return sh, nil
	case h.OldReadAt.IsZero():
		sh.Text = fmt.Sprintf("The old token had never read this stream. The new one first read at %s.", second(h.NewReadAt))
		return sh, nil
	}
	reads := fmt.Sprintf("The old token last read at %s, the new one first read at %s.", second(h.OldReadAt), second(h.NewReadAt))
	seam := h.Seam()
	for _, w := range windows {
		if !w.From.After(seam.From) && !w.To.Before(seam.To) {
			sh.Proof, sh.Window = ProofWhole, w
			sh.Text = fmt.Sprintf("%s One window, from %s through %s, spans both: no gap.", reads, second(w.From), second(w.To))
			return sh, nil
		}
	}
	troubles, err := s.store.Troubles(ctx, conn.ID, h.Stream)
	if err != nil {
		return sh, err
	}
	kind, _ := s.Kind(conn.Source)
	sh.Gaps = evidence.FindGaps(seam, windows, troubles, s.now(), kind.Retention)
	if len(sh.Gaps) == 0 { // the windows touch, so nothing lies between them
		sh.Proof = ProofWhole
		sh.Text = reads + " Every moment between is in a window: no gap."
		return sh, nil
	}
	sh.Proof = ProofGap
	sh.Text = fmt.Sprintf("%s From %s to %s was not read; see its coverage for the cause and until when it can be healed.", reads,
		second(sh.Gaps[0].From), second(sh.Gaps[len(sh.Gaps)-1].To))
	return sh, nil
}

// conclude says of the whole handover what its streams say.
func (h *Handover) conclude() {
	n := map[Proof]int{}
	for _, st := range h.Streams {
		n[st.Proof]++
	}
	switch {
	case n[ProofGap] > 0:
		h.Proof, h.Text = ProofGap, "Some of the time between the two tokens was not read."
	case n[ProofWaiting] > 0:
		h.Proof, h.Text = ProofWaiting, "The new token is in place; the proof follows with its first read of every stream."
	case n[ProofWhole] == 0:
		h.Proof, h.Text = ProofNothing, "Nothing had been read before, so no interval lies between the two tokens."
	default:
		h.Proof, h.Text = ProofWhole, "No interval was lost: every stream was read on from where the old token stopped."
	}
}

func second(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }
