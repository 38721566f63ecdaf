package evidence

import "time"

// HoldCode says in one word why evidence is held. The words are part of the API, of the command line and of the log.
type HoldCode string

// The codes.
const (
	HoldLitigation    HoldCode = "litigation"    // a lawsuit runs or is to be expected
	HoldInvestigation HoldCode = "investigation" // something is being looked into inside the company
	HoldRegulator     HoldCode = "regulator"     // an authority asks
	HoldAudit         HoldCode = "audit"         // an audit is not over
	HoldContract      HoldCode = "contract"      // a contract asks for it
	HoldOther         HoldCode = "other"
)

// HoldCodes gives all codes in the order in which they are shown.
func HoldCodes() []HoldCode {
	return []HoldCode{HoldLitigation, HoldInvestigation, HoldRegulator, HoldAudit, HoldContract, HoldOther}
}

// Title is the code in words for a person.
func (c HoldCode) Title() string {
	switch c {
	case HoldLitigation:
		return "Litigation"
	case HoldInvestigation:
		return "Investigation"
	case HoldRegulator:
		return "Regulator"
	case HoldAudit:
		return "Audit"
	case HoldContract:
		return "Contract"
	case HoldOther:
		return "Other"
	}
	return ""
}

// Hold is a legal hold: as long as it stands, nothing in its scope is erased.
type Hold struct {
	ID         ID
	Workspace  ID
	Code       HoldCode
	Reason     string
	Span       Span // which events; zero: of all times
	Connection ID   // empty: of all connections
	Owner      ID   // the member who answers for it
	// Review is the day on which somebody must have looked again whether it is still needed.
	Review     time.Time
	PlacedAt   time.Time
	PlacedBy   string
	ReviewedAt time.Time // zero: never since it was placed
	ReviewedBy string
	ReviewNote string
	ReleasedAt time.Time // zero: it stands
	ReleasedBy string
	Release    string // why
}

// Stands reports whether the hold keeps anything.
func (h Hold) Stands() bool { return h.ReleasedAt.IsZero() }

// Due reports whether the day has come on which somebody must look again.
func (h Hold) Due(now time.Time) bool { return h.Stands() && !now.Before(h.Review) }

// Covers reports whether something of a connection that lies between two moments, both included, is in the hold's scope.
func (h Hold) Covers(connection ID, from, to time.Time) bool {
	if h.Connection != "" && h.Connection != connection {
		return false
	}
	return h.Span.From.IsZero() || from.Before(h.Span.To) && !to.Before(h.Span.From)
}

// Touches reports whether a period shares a moment with that of the hold, whatever its connection: an artifact tells of all of them.
func (h Hold) Touches(period Span) bool {
	return h.Covers(h.Connection, period.From, period.To.Add(-1))
}
