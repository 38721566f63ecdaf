package evidence

import "time"

// Schedule has a recipe built for each month or quarter, some days after its end.
type Schedule struct {
	ID        ID
	Workspace ID
	Recipe    string
	Cadence   Cadence // Monthly or Quarterly
	Settle    int     // days after a period's end before it is built, for events that come late
	Params    map[string]string
	Since     time.Time // the first period is the one that holds it
	DoneUntil time.Time // end of the last period that was built; zero: none was
	Artifact  ID        // built last; empty: none was
	Failure   string    // why the last attempt failed; empty: it did not
	FailedAt  time.Time
	CreatedAt time.Time
	CreatedBy string
	Member    ID // empty: made on the command line
	StoppedAt time.Time
	StoppedBy string
}

// Next gives the period that is built next, and when it has settled.
func (s Schedule) Next() (period Span, at time.Time) {
	period = s.Cadence.PeriodAt(Latest(s.Since, s.DoneUntil))
	return period, period.To.AddDate(0, 0, s.Settle)
}

// Attaching says what becomes of the attachments that the mappings of recipes name, when an artifact is built.
type Attaching string

// The choices.
const (
	Propose Attaching = "propose" // a person accepts or declines each
	Do      Attaching = "do"      // they are made at once, marked as automatic
)

// Declined is a proposed attachment that somebody did not want.
type Declined struct {
	Workspace ID
	Artifact  ID
	Target    Target
	Reason    string
	At        time.Time
	By        string
}
