package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// When a trouble that may pass is shown to a person: after so many failures in a row, or when it lasts so long.
const (
	showAfterFailures = 3
	showAfter         = time.Minute
)

// Failures in a row after which waiting is not expected to help any more.
const (
	contradictionsMost = 5 // the source refuses a read with a token that it accepts
	refusalsMost       = 3 // the source refuses a request that is not about the token
)

// reasonMost bounds what of a source's own words goes into a reason, in bytes.
const reasonMost = 300

// stuckError ends a drain that leads nowhere.
type stuckError struct{ why string }

func (e *stuckError) Error() string { return "the source leads nowhere: " + e.why }

// storeError says that the store, not the source, failed. It cannot be written down as trouble: the place where troubles
// are kept is what failed.
type storeError struct {
	doing string
	err   error
}

func (e *storeError) Error() string { return e.doing + ": " + e.err.Error() }

func (e *storeError) Unwrap() error { return e.err }

func storing(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &storeError{doing, err}
}

// streak counts what went wrong in a row on one stream. Reaching the end of the stream ends it.
type streak struct {
	failures int       // reads in a row that gave no page
	since    time.Time // when the first of them failed; zero: none did
	lost     int       // times in a row that the bookmark was not accepted
	loops    int       // drains in a row that led nowhere and got no further
	resets   int       // bookmarks given up
}

// begin remembers when the trouble began.
func (s *streak) begin(now time.Time) {
	if s.since.IsZero() {
		s.since = now
	}
}

// good ends the row of failures. Loops and resets show only over whole drains, so that one page does not end theirs.
func (s *streak) good() { s.failures, s.lost, s.since = 0, 0, time.Time{} }

// remedy is what follows from a failed read.
type remedy struct {
	trouble *evidence.Trouble // to be shown; nil: not yet
	wait    time.Duration     // before the next attempt
	lasting bool              // waiting will not mend it: a person must do something
	reset   bool              // the bookmark is to be given up
}

// diagnose says what follows from an error of the source. It has counted the failure in the streak already.
func (r *reader) diagnose(ctx context.Context, err error) remedy {
	var retry *source.RetryError
	var stuck *stuckError
	var bad *source.BadPageError
	switch {
	case errors.As(err, &stuck):
		return r.stuck(stuck)
	case errors.Is(err, source.ErrCursorLost):
		return r.lostCursor()
	case errors.Is(err, source.ErrUnauthorized):
		return r.refused(ctx)
	case errors.Is(err, source.ErrPlan):
		return r.planLacks()
	case errors.Is(err, source.ErrFeature):
		return r.lasting(evidence.FeatureMissing, evidence.StateDegraded, r.kind.Without(r.stream))
	case errors.As(err, &retry):
		return r.passing(err, retry.After)
	case errors.As(err, &bad) && evidence.ErrorCode(err) == evidence.Internal: // nobody has said more about it
		return r.passing(err, 0)
	}
	m := r.passing(err, 0)
	m.trouble = r.trouble(evidence.Unreachable, evidence.StateUnreachable, r.unusable(err))
	m.lasting = r.streak.failures >= refusalsMost
	return m
}

// passing is for what may mend itself: it is shown only when it goes on.
func (r *reader) passing(err error, asked time.Duration) remedy {
	m := remedy{wait: r.c.backoff(r.streak.failures, asked)}
	if r.streak.failures >= showAfterFailures || r.now().Sub(r.streak.since) >= showAfter {
		m.trouble = r.trouble(evidence.Unreachable, evidence.StateUnreachable, r.unusable(err))
	}
	return m
}

// unusable puts an error into words. A source that has a sentence for a person is quoted.
func (r *reader) unusable(err error) string {
	var said *evidence.Error
	if errors.As(err, &said) {
		return clip(said.Message)
	}
	return fmt.Sprintf("%s gives no usable answer: %s. Exhibit keeps trying.", r.kind.Name, clip(err.Error()))
}

// lasting is for what only a person can mend: it is shown at once and tried again rarely.
func (r *reader) lasting(cause evidence.Cause, state evidence.State, reason string) remedy {
	return remedy{trouble: r.trouble(cause, state, reason), wait: jittered(pausedFor), lasting: true}
}

// stuck gives up a bookmark that led nowhere three times.
func (r *reader) stuck(err *stuckError) remedy {
	r.streak.loops++
	return remedy{
		trouble: r.stuckTrouble(err),
		wait:    r.c.backoff(r.streak.loops+r.streak.resets, 0),
		reset:   r.streak.loops%loopsForReset == 0,
	}
}

func (r *reader) stuckTrouble(err *stuckError) *evidence.Trouble {
	return r.trouble(evidence.Unreachable, evidence.StateUnreachable, fmt.Sprintf("%s leads nowhere: %s. Its events were kept; "+
		"Exhibit tries again, and begins a day earlier if it goes on.", r.kind.Name, err.why))
}

// lostCursor tries the bookmark once more, since one refusal can be the source's bad moment, and then gives it up.
func (r *reader) lostCursor() remedy {
	r.streak.lost++
	m := remedy{wait: r.c.backoff(r.streak.lost+r.streak.resets, 0)}
	if r.streak.lost < 2 {
		return m
	}
	m.reset = true
	m.trouble = r.trouble(evidence.CursorLost, evidence.StateUnreachable, r.kind.Name+" no longer accepts the bookmark of this "+
		"stream. Exhibit begins again 24 hours before the last event it has; events that it knows are not stored twice.")
	return m
}

// refused asks the source about the token, to tell apart what can be told apart: the source gives the same answer to a
// token that expired, was revoked, belongs to another server, or lacks the event type.
func (r *reader) refused(ctx context.Context) remedy {
	if e := r.conn.ExpiresAt; !e.IsZero() && !r.now().Before(e) {
		return r.lasting(evidence.TokenExpired, evidence.StateUnauthorized, fmt.Sprintf("The token expired on %s. Make a new one at %s "+
			"and rotate it in.", e.UTC().Format("2 January 2006 at 15:04 UTC"), r.kind.Name))
	}
	grant, err := r.check(ctx)
	switch {
	case errors.Is(err, source.ErrPlan):
		return r.planLacks()
	case errors.Is(err, source.ErrUnauthorized):
		return r.lasting(evidence.TokenRefused, evidence.StateUnauthorized, fmt.Sprintf("%s refuses the token at %s, which accepted it before: "+
			"somebody revoked it or deleted its integration, or the account was closed, moved to another region or put on a smaller plan. "+
			"Make a new token and rotate it in.", r.kind.Name, r.conn.Server))
	case err != nil:
		return r.lasting(evidence.TokenRefused, evidence.StateUnauthorized, fmt.Sprintf("%s refused the token for this stream and could "+
			"not be asked why. If this goes on, make a new token and rotate it in.", r.kind.Name))
	case !slices.Contains(grant.Features, r.stream):
		return r.lasting(evidence.FeatureMissing, evidence.StateDegraded, r.kind.Without(r.stream))
	}
	m := remedy{wait: r.c.backoff(r.streak.failures, 0), lasting: r.streak.failures >= contradictionsMost}
	if m.lasting {
		m.wait = jittered(pausedFor)
	}
	m.trouble = r.trouble(evidence.TokenRefused, evidence.StateUnauthorized, r.kind.Name+" refuses to give this stream, although it says "+
		"that the token is good for it. Exhibit keeps trying; if this goes on, make a new token and rotate it in.")
	return m
}

// planLacks is what follows when the source says that the account's plan does not offer it.
func (r *reader) planLacks() remedy {
	return r.lasting(evidence.TokenRefused, evidence.StatePlan, r.kind.Name+" says that the account's plan does not offer the "+
		"Events API. It comes with "+orElse(r.kind.Plan, "a larger plan")+"; Exhibit tries again every 15 minutes.")
}

// trouble says since when: a trouble of the same cause that is open already goes on, whatever its last words were.
func (r *reader) trouble(cause evidence.Cause, state evidence.State, reason string) *evidence.Trouble {
	t := &evidence.Trouble{Span: evidence.Span{From: r.streak.since}, Cause: cause, State: state, Reason: reason}
	switch {
	case r.shown == nil:
	case r.shown.Cause != cause:
		t.From = r.now() // the trouble of before ends where this one begins
	default:
		t.From = r.shown.From
		if state == r.shown.State && cause == evidence.Unreachable {
			t.Reason = r.shown.Reason // one row for one outage, not one for each of its error texts
		}
	}
	return t
}

// note writes a remedy's consequences into the store. Each step is harmless if it happens twice, so that a crash
// between two of them costs a repetition and nothing else.
func (r *reader) note(ctx context.Context, err error, m remedy) error {
	var bad *source.BadPageError
	if errors.As(err, &bad) && len(bad.Body) > 0 {
		// A crash before it: the source is asked again. A crash after it: the body may be kept twice.
		if err := r.c.store.KeepBadPage(ctx, r.lease, r.now(), bad.Body, clip(bad.Err.Error())); err != nil {
			return storing("keeping the source's unusable answer", err)
		}
	}
	if m.trouble != nil && !r.isShown(*m.trouble) {
		// A crash before it: the trouble is found again by the next attempt. It is written before the bookmark is given
		// up, so that no reset happens that nobody can see.
		if err := r.c.store.SetTrouble(ctx, r.lease, *m.trouble); err != nil {
			return storing("recording the trouble", err)
		}
		r.shown = m.trouble
		r.log.Warn("reading is in trouble", "cause", m.trouble.Cause, "reason", m.trouble.Reason, "since", m.trouble.From)
	}
	var defect *defectError
	if errors.As(err, &defect) {
		r.log.Error("a defect in Exhibit; please report it", "panic", fmt.Sprint(defect.value), "stack", string(defect.stack))
	}
	if m.reset {
		// A crash before it: the lost bookmark is tried again, refused again, and given up then. A crash after it:
		// reading begins 24 hours before the end of the window; what is known is not stored twice.
		lease, err := r.c.store.ResetCursor(ctx, r.lease, r.now())
		if err != nil {
			return storing("giving up the bookmark", err)
		}
		r.lease = lease
		r.streak.resets++
		r.streak.lost = 0
	}
	return nil
}

func (r *reader) isShown(t evidence.Trouble) bool {
	return r.shown != nil && r.shown.Cause == t.Cause && r.shown.State == t.State && r.shown.Reason == t.Reason
}

// clip bounds a text of foreign origin and keeps it whole as UTF-8.
func clip(s string) string {
	if len(s) <= reasonMost {
		return s
	}
	return strings.ToValidUTF8(s[:reasonMost], "") + "…"
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
