package evidence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PeriodAt gives the calendar week (it begins on Monday), month, quarter or year (UTC) that contains t. Once has no period: the Span is zero.
func (c Cadence) PeriodAt(t time.Time) Span {
	year, month, _ := t.UTC().Date()
	months := 0
	switch c {
	case Weekly:
		since := (int(t.UTC().Weekday()) + 6) % 7
		from := t.UTC().Truncate(24*time.Hour).AddDate(0, 0, -since)
		return Span{From: from, To: from.AddDate(0, 0, 7)}
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

// FilledBy reports whether an artifact is one that the action asks for and proves what it was asked for: it is in use, its
// result is complete, it comes from the recipe of a request (or, where none is named, from a person) with the request's
// parameters, and its period holds the whole period of the action.
func (a Action) FilledBy(art Artifact) bool {
	return slices.ContainsFunc(a.Asks(), func(r EvidenceRequest) bool { return a.fills(r, art) })
}

// Open gives the requests that none of the attached artifacts fills. What is asked for as an upload twice needs two.
func (a Action) Open(attached []Artifact) []EvidenceRequest {
	used := make([]bool, len(attached))
	var open []EvidenceRequest
	for _, r := range a.Asks() {
		at := 0
		for at < len(attached) && (used[at] || !a.fills(r, attached[at])) {
			at++
		}
		if at == len(attached) {
			open = append(open, r)
			continue
		}
		used[at] = true
	}
	return open
}

func (a Action) fills(r EvidenceRequest, art Artifact) bool {
	asked := a.Period()
	covers := asked.Empty() || !art.Period.From.After(asked.From) && !art.Period.To.Before(asked.To)
	origin := r.Recipe == art.Recipe && made(art.Latest.Provenance, r.Params)
	if r.Recipe == "" {
		origin = art.Kind == Uploaded
	}
	return origin && covers && art.RetiredAt.IsZero() && art.Latest.Result == Complete
}

// made reports whether provenance says that an artifact was made with the parameters.
func made(provenance []byte, params map[string]string) bool {
	if len(params) == 0 {
		return true
	}
	type value struct {
		Name  string   `json:"name"`
		Value int      `json:"value"`
		Names []string `json:"names"`
		Text  string   `json:"text"`
	}
	var p struct {
		Parameters []value `json:"parameters"`
	}
	if json.Unmarshal(provenance, &p) != nil {
		return false
	}
	for name, want := range params {
		at := slices.IndexFunc(p.Parameters, func(v value) bool { return v.Name == name })
		if at < 0 {
			return false
		}
		v := p.Parameters[at]
		if want != v.Text && want != strings.Join(v.Names, ",") && want != strconv.Itoa(v.Value) {
			return false
		}
	}
	return true
}

// Next gives the action that follows in the series: the same for the next period, due as long after its end, and at the
// latest before the period after it ends. ok is false for an action that does not come again.
func (a Action) Next() (next Action, ok bool) {
	period := a.Period()
	if period.Empty() {
		return Action{}, false
	}
	grace := a.Grace
	if grace == 0 {
		grace = a.Due.Sub(period.To)
	}
	following := a.Cadence.PeriodAt(period.To)
	due := following.To.Add(grace)
	if last := a.Cadence.PeriodAt(following.To).To.Add(-time.Second); due.After(last) {
		due = last
	}
	series := cmp.Or(a.Series, a.Key)
	return Action{
		Workspace: a.Workspace, Key: series + "." + a.Cadence.label(following), Control: a.Control, Title: a.Title, Description: a.Description,
		Owner: a.Owner, Delegate: a.Delegate, Due: due, Cadence: a.Cadence, Recipe: a.Recipe, Requests: a.Requests, Status: ActionOpen, Series: series, Grace: grace,
	}, true
}

// NextFrom is when the action that follows is to be there, even if this one is not done: when the period that it asks
// about is over.
func (a Action) NextFrom() time.Time { return a.Cadence.PeriodAt(a.Period().To).To }

// label names a period in a key: 2026-W48, 2026-11, 2026-Q4, 2026.
func (c Cadence) label(p Span) string {
	switch c {
	case Weekly:
		year, week := p.From.ISOWeek()
		return fmt.Sprintf("%d-W%02d", year, week)
	case Quarterly:
		return fmt.Sprintf("%d-Q%d", p.From.Year(), (p.From.Month()+2)/3)
	case Yearly:
		return strconv.Itoa(p.From.Year())
	}
	return p.From.Format("2006-01")
}
