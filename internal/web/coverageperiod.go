package web

import (
	"net/url"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// period is the time that the coverage page is about, as its address says it.
type period struct {
	word string // one of scales, or "custom"
	evidence.Span
	words string // "November 2026"
}

// scale is one of the lengths of time that can be chosen.
type scale struct {
	word, label string
	of          func(at time.Time) evidence.Span // the piece of time that a day lies in
	step        func(at time.Time, n int) time.Time
}

// scales are those of the coverage page, the shortest first. They are calendar pieces in UTC, so that an address means the
// same tomorrow; the 120 days end with the day that is asked for.
func scales() []scale {
	days := func(n int) func(time.Time, int) time.Time {
		return func(at time.Time, by int) time.Time { return at.AddDate(0, 0, n*by) }
	}
	month := func(t time.Time, more int) time.Time {
		return time.Date(t.Year(), t.Month()+time.Month(more), 1, 0, 0, 0, 0, time.UTC)
	}
	return []scale{
		{"day", "Day", func(at time.Time) evidence.Span { return evidence.Span{From: at, To: at.AddDate(0, 0, 1)} }, days(1)},
		{"week", "Week", func(at time.Time) evidence.Span {
			monday := at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
			return evidence.Span{From: monday, To: monday.AddDate(0, 0, 7)}
		}, days(7)},
		{"month", "Month", func(at time.Time) evidence.Span { return evidence.Span{From: month(at, 0), To: month(at, 1)} },
			func(at time.Time, n int) time.Time { return month(at, n) }},
		{"120d", "120 days", func(at time.Time) evidence.Span {
			end := at.AddDate(0, 0, 1)
			return evidence.Span{From: end.AddDate(0, 0, -coverageDays), To: end}
		}, days(coverageDays)},
		{"year", "Year", func(at time.Time) evidence.Span { return evidence.Span{From: month(at, -11), To: month(at, 1)} },
			func(at time.Time, n int) time.Time { return month(at, 12*n) }},
	}
}

const defaultScale = "120d"

// parsePeriod reads the period of an address: from and to, else a scale and the day that it is about, else the last 120 days.
func parsePeriod(v url.Values, now time.Time) (period, error) {
	today := now.UTC().Truncate(day)
	if v.Get("from") != "" || v.Get("to") != "" {
		span, _, err := customSpan(v, evidence.Span{From: now.Add(-coverageDays * day), To: now}, "")
		return period{"custom", span, ui.Exact(span.From, span.To)}, err
	}
	word, at := v.Get("range"), today
	if word == "" {
		word = defaultScale
	}
	if text := v.Get("at"); text != "" {
		t, err := parseTime(text)
		if err != nil {
			return period{}, err
		}
		at = t.Truncate(day)
	}
	if at.Year() < 2000 || at.Year() > 2200 {
		return period{}, evidence.Errorf(evidence.Invalid, "The day must lie between the years 2000 and 2200.")
	}
	for _, s := range scales() {
		if s.word == word {
			p := period{word: word, Span: s.of(at)}
			p.words = p.says()
			return p, nil
		}
	}
	return period{}, evidence.Errorf(evidence.Invalid, "There is no range %.20q. Choose day, week, month, 120d or year, or write From and To.", word)
}

func (p period) says() string {
	last := p.To.AddDate(0, 0, -1)
	switch p.word {
	case "day":
		return p.From.Format("Monday, 2 January 2006")
	case "month":
		return p.From.Format("January 2006")
	case "year":
		return p.From.Format("January 2006") + " to " + last.Format("January 2006")
	}
	return ui.Period(p.From, p.To)
}

// values gives the period as parameters of an address.
func (p period) values() url.Values {
	if p.word == "custom" {
		return url.Values{"from": {machine(p.From)}, "to": {machine(p.To)}}
	}
	at := p.To.AddDate(0, 0, -1)
	if p.word == "day" || p.word == "week" {
		at = p.From
	}
	return url.Values{"range": {p.word}, "at": {at.Format(time.DateOnly)}}
}

// beside gives the period n steps later; a chosen time moves by its length.
func (p period) beside(n int) period {
	if p.word == "custom" {
		d := p.Duration() * time.Duration(n)
		return period{word: "custom", Span: evidence.Span{From: p.From.Add(d), To: p.To.Add(d)}}
	}
	for _, s := range scales() {
		if s.word == p.word {
			return period{word: p.word, Span: s.of(s.step(p.To.AddDate(0, 0, -1), n))}
		}
	}
	return p
}

// scaled gives the period of another scale that is nearest: that of the same last day, or of today if that is earlier.
func (p period) scaled(s scale, now time.Time) period {
	at := evidence.Earliest(p.To.Add(-time.Nanosecond), evidence.Latest(now, p.From)).UTC().Truncate(day)
	return period{word: s.word, Span: s.of(at)}
}

// periodOf gives the period of a span: a whole day, week or month as such, else as a chosen time.
func periodOf(span evidence.Span) period {
	if span.From.UTC().Truncate(day).Equal(span.From) {
		for _, s := range scales() {
			if s.word != "120d" && s.word != "year" && s.of(span.From.UTC()).To.Equal(span.To) && s.of(span.From.UTC()).From.Equal(span.From) {
				return period{word: s.word, Span: span}
			}
		}
	}
	return period{word: "custom", Span: span}
}

// auditPeriods are the quarters and years around now that audits are mostly about.
func auditPeriods(now time.Time) []period {
	now = now.UTC()
	date := func(year int, month time.Month) time.Time { return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC) }
	quarter := (now.Month()-1)/3*3 + 1
	name := func(t time.Time) string { return "Q" + ui.Number(int(t.Month()+2)/3) + t.Format(" 2006") }
	this, last, before := date(now.Year(), quarter), date(now.Year(), quarter-3), date(now.Year(), quarter-6)
	return []period{
		{"custom", evidence.Span{From: this, To: this.AddDate(0, 3, 0)}, name(this)},
		{"custom", evidence.Span{From: last, To: this}, name(last)},
		{"custom", evidence.Span{From: before, To: last}, name(before)},
		{"custom", evidence.Span{From: date(now.Year(), 1), To: date(now.Year()+1, 1)}, now.Format("2006")},
		{"custom", evidence.Span{From: date(now.Year()-1, 1), To: date(now.Year(), 1)}, date(now.Year()-1, 1).Format("2006")},
	}
}
