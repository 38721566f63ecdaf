package evidence

import "time"

// PeriodAt gives the calendar month, quarter or year (UTC) that contains t. Once has no period: the Span is zero.
func (c Cadence) PeriodAt(t time.Time) Span {
	year, month, _ := t.UTC().Date()
	months := 0
	switch c {
	case Monthly:
		months = 1
	case Quarterly:
		months = 3
		month -= (month - 1) % 3
	case Yearly:
		months = 12
		month = time.January
	default:
		return Span{}
	}
	from := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return Span{From: from, To: from.AddDate(0, months, 0)}
}

// PeriodBefore gives the last calendar period that was over at t.
func (c Cadence) PeriodBefore(t time.Time) Span {
	now := c.PeriodAt(t)
	if now.Empty() {
		return Span{}
	}
	return c.PeriodAt(now.From.Add(-time.Nanosecond))
}

// Period is the span that the action asks evidence for: the last calendar period of its cadence that is over when the
// action is due. It is zero for an action that is done once, or that has no due date; then evidence of any period serves.
func (a Action) Period() Span {
	if a.Due.IsZero() {
		return Span{}
	}
	return a.Cadence.PeriodBefore(a.Due)
}

// FilledBy reports whether an artifact of the kind that the action asks for proves it: it is in use, its result is
// complete, it comes from the action's recipe (or, where none is named, from a person) and its period holds the whole
// period of the action.
func (a Action) FilledBy(art Artifact) bool {
	asked := a.Period()
	covers := asked.Empty() || !art.Period.From.After(asked.From) && !art.Period.To.Before(asked.To)
	origin := a.Recipe == art.Recipe
	if a.Recipe == "" {
		origin = art.Kind == Uploaded
	}
	return origin && covers && art.RetiredAt.IsZero() && art.Latest.Result == Complete
}
