package web

import (
	"bytes"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/simulator"
	"github.com/exhibithq/exhibit/internal/source/onepassword"
	"github.com/exhibithq/exhibit/internal/store"
)

// storied is a site whose connection is two hundred days old and has seen everything that coverage tells of: an outage that
// can still be healed, one that no longer can, a refused token, late events, a conflict, a lost bookmark and re-reads.
func storied(t testing.TB) *site {
	t.Helper()
	s := newSite(t)
	sim, err := simulator.New(simulator.Config{Seed: 7, Events: 24_000, End: noon, Now: func() time.Time { return noon }})
	must(t, err)
	s.first = s.connect("1Password", func(c *evidence.Connection) { c.CreatedAt = noon.Add(-200 * day) })
	begun, end := noon.Add(-320*day), noon.Add(-time.Minute)
	gone := evidence.Span{From: noon.Add(-151*day - 5*time.Hour), To: noon.Add(-148*day - 90*time.Minute)}
	down := evidence.Span{From: noon.Add(-9*day - 7*time.Hour), To: noon.Add(-8*day - 22*time.Hour)}
	refused := evidence.Span{From: noon.Add(-18 * day), To: noon.Add(-15*day - 3*time.Hour)}
	spans := map[evidence.Stream][]evidence.Span{
		onepassword.SignIns: {{From: begun, To: gone.From}, {From: gone.To, To: end}},
		onepassword.Usages:  {{From: begun, To: refused.From}, {From: refused.To, To: down.From}, {From: down.To, To: end}},
		onepassword.Audit:   {{From: begun, To: end}},
	}
	troubles := map[evidence.Stream]*evidence.Trouble{
		onepassword.SignIns: {Span: gone, Cause: evidence.TokenExpired, State: evidence.StateUnauthorized, Reason: "The token had expired."},
		onepassword.Usages:  {Span: refused, Cause: evidence.TokenRefused, State: evidence.StateUnauthorized, Reason: "events.1password.com refuses the token: it was revoked."},
	}
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		f := feed{connection: s.first, stream: stream, spans: spans[stream], caughtUp: true, trouble: troubles[stream]}
		for raw := range sim.Events(simulator.Stream(stream)) {
			f.events = append(f.events, bytes.Clone(raw))
		}
		if stream == onepassword.Audit { // its bookmark was lost five days ago, and reading went on a day before that
			lost := noon.Add(-5 * day)
			f.spans = []evidence.Span{{From: begun, To: lost}}
			s.fill(f)
			s.loseBookmark(stream, lost)
			f.spans = []evidence.Span{{From: lost.Add(-day), To: end}}
		}
		s.fill(f)
	}
	s.trouble(onepassword.Usages, evidence.Trouble{Span: down, Cause: evidence.Unreachable, State: evidence.StateUnreachable, Reason: "events.1password.com did not answer."})
	s.lateAndAgain()
	return s
}

// trouble records a trouble that is over.
func (s *site) trouble(stream evidence.Stream, tr evidence.Trouble) {
	s.t.Helper()
	lease, err := s.store.Acquire(s.t.Context(), s.first.ID, stream, "test/1/1", time.Hour)
	must(s.t, err)
	over := tr.To
	tr.To = time.Time{}
	must(s.t, s.store.SetTrouble(s.t.Context(), lease, tr))
	must(s.t, s.store.CloseTrouble(s.t.Context(), lease, over))
	must(s.t, s.store.Release(s.t.Context(), lease))
}

// lateAndAgain adds what re-reads leave behind to the audit events.
func (s *site) lateAndAgain() {
	s.t.Helper()
	ctx := s.t.Context()
	at := func(ago time.Duration) time.Time { return noon.Add(-ago) }
	for i, ago := range []time.Duration{2 * day, 11*day + 2*time.Hour, 11*day + time.Hour, 40 * day, 90 * day} {
		raw := oneAudit("LATESTORY00000000000000"+string(rune('A'+i))+"Q", at(ago), "Marek Dvořák", "marek@example.com")
		s.again(s.first, onepassword.Audit, evidence.Span{From: at(ago + 12*time.Hour), To: at(ago - 12*time.Hour)}, raw)
	}
	changed := oneAudit("LATESTORY00000000000000AQ", at(2*day), "Other Name", "marek@example.com")
	if done := s.again(s.first, onepassword.Audit, evidence.Span{From: at(3 * day), To: at(day)}, changed); done.Conflicts != 1 {
		s.t.Fatalf("there are %d conflicts, want 1", done.Conflicts)
	}
	for _, stream := range []evidence.Stream{onepassword.SignIns, onepassword.Usages, onepassword.Audit} {
		lease, err := s.store.Acquire(ctx, s.first.ID, stream, "test/1/1", time.Hour)
		must(s.t, err)
		for i, r := range evidence.Rereadings() {
			behind := time.Duration(0)
			if stream == onepassword.Usages && i == 2 {
				behind = 2 * r.Chunk // due
			}
			for from := at(200 * day).Add(-r.Age); from.Before(at(r.Age + behind)); from = from.Add(7 * day) {
				span := evidence.Span{From: from, To: evidence.Earliest(from.Add(7*day), at(r.Age+behind))}
				must(s.t, s.store.FinishReread(ctx, lease, store.Reconciliation{Age: r.Age, Span: span, At: span.To.Add(r.Age), Seen: 40, Known: 40}))
			}
		}
		must(s.t, s.store.Release(ctx, lease))
	}
}

// loseBookmark drops the bookmark of a stream.
func (s *site) loseBookmark(stream evidence.Stream, at time.Time) {
	s.t.Helper()
	lease, err := s.store.Acquire(s.t.Context(), s.first.ID, stream, "test/1/1", time.Hour)
	must(s.t, err)
	lease, err = s.store.ResetCursor(s.t.Context(), lease, at)
	must(s.t, err)
	must(s.t, s.store.Release(s.t.Context(), lease))
}
