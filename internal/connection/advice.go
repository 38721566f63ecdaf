package connection

import (
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// advice says what a person can do about a gap.
func advice(g evidence.Gap, conn evidence.Connection, kind source.Kind, st evidence.StreamStatus) string {
	lost := g.HealUntil.IsZero() && kind.Retention > 0
	switch {
	case g.Cause == evidence.BeyondRetention && g.Before(conn.CreatedAt):
		return "Nothing: it lies before the connection was made, and " + kind.Name + " no longer keeps it. An audit that needs it needs other evidence."
	case lost:
		return "It can no longer be read. Say in the audit why it is missing, and attach other evidence for this time."
	case !conn.OffAt.IsZero():
		return "Switch the connection on again with a token of the same account; what " + kind.Name + " still keeps is read back by itself."
	}
	lasts := st.Trouble != nil && st.Trouble.Open() && st.Trouble.Cause == g.Cause && !g.To.Before(st.Trouble.From)
	if g.Cause == evidence.FeatureMissing {
		return "Make a token with this event type and rotate it in; then it is read back by itself."
	}
	if lasts {
		return ongoing(g.Cause, kind)
	}
	if !st.CaughtUp {
		return "The past is still being read. Keep the server running; this closes by itself."
	}
	return "Read this time again, from the command line or by asking the server to, before " + kind.Name + " forgets it."
}

// ongoing is what to do while a trouble lasts: once it is mended, reading goes on from the bookmark and closes the gap.
func ongoing(c evidence.Cause, kind source.Kind) string {
	switch c {
	case evidence.TokenExpired, evidence.TokenRefused:
		return "Make a new token at " + kind.Name + " and rotate it in; then what was missed is read back by itself."
	case evidence.Unreachable:
		return "See that this host reaches the source's server. It is tried again every few minutes; once it answers, what was missed is read back by itself."
	}
	return "Keep the server running. It is tried again by itself; once it works, what was missed is read back."
}
