package chart

import (
	"slices"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// Day is one day of a stream as a cell: how much of it was read, what is missing and why.
type Day struct {
	evidence.Span        // the part of the day that is drawn
	Kind          Kind   // the loudest that occurs in it
	Tenths        int    // how much of it was read, rounded down; below 10 if anything is missing
	Letter        string // of the longest gap
	Late          bool   // late events happened on it
	Odd           bool   // conflicts or a lost bookmark
	Says          string
	Weekday       int // 1 is Monday
}

// Month is the days of a month that a drawing shows.
type Month struct {
	evidence.Span
	Name  string
	Days  []Day
	Weeks int // columns that it takes
}

// loud orders kinds by what must be seen first.
var loud = map[Kind]int{Future: 0, Waiting: 1, WasRead: 2, Early: 3, Lost: 4, Heals: 5}

// Months cuts a strip into days. Nothing is worked out anew: each day tells the pieces that lie in it.
func (s Sheet) Months(st Strip) []Month {
	pieces := Pieces(st.Coverage, s.Span, st.Made, s.Now)
	var out []Month
	next := 0 // pieces before it have ended
	for from := s.Span.From.UTC(); from.Before(s.Span.To); {
		to := evidence.Earliest(nextRound(from, 24*time.Hour), s.Span.To)
		span := evidence.Span{From: from, To: to}
		for next < len(pieces) && !pieces[next].To.After(from) {
			next++
		}
		if n := len(out); n == 0 || out[n-1].From.Month() != from.Month() || out[n-1].From.Year() != from.Year() {
			out = append(out, Month{Span: span, Name: from.Format("Jan 2006")})
		}
		m := &out[len(out)-1]
		m.To = to
		m.Days = append(m.Days, dayOf(span, pieces[next:], st))
		from = to
	}
	for i := range out {
		m := &out[i]
		m.Weeks = (m.Days[0].Weekday - 1 + len(m.Days) + 6) / 7
	}
	return out
}

func dayOf(span evidence.Span, pieces []Piece, st Strip) Day {
	d := Day{Span: span, Weekday: (int(span.From.Weekday())+6)%7 + 1, Kind: Future}
	var read, past, longest time.Duration
	gaps := 0
	for _, p := range pieces {
		if !p.From.Before(span.To) {
			break
		}
		part := p.Intersect(span).Duration()
		if loud[p.Kind] > loud[d.Kind] {
			d.Kind = p.Kind
		}
		switch p.Kind {
		case WasRead:
			read += part
		case Heals, Lost, Early:
			gaps++
			if part > longest && p.Kind != Early {
				longest, d.Letter = part, Letter(p.Gap.Cause)
			}
		}
		if p.Kind != Future && p.Kind != Waiting {
			past += part
		}
	}
	if past > 0 {
		d.Tenths = int(10 * read / past)
	}
	d.Late = anyIn(st.Late, span)
	d.Odd = anyIn(st.Conflicts, span) || anyIn(st.Resets, span)
	d.Says = d.says(read, past, gaps)
	if past > 0 && past < span.Duration() {
		d.Says += ", so far"
	}
	return d
}

func (d Day) says(read, past time.Duration, gaps int) string {
	says := d.From.Format("Mon 2 Jan 2006") + ": "
	switch {
	case past == 0:
		return says + map[bool]string{true: "still to come", false: "not read yet"}[d.Kind == Future]
	case d.Kind == Early && read == 0:
		says += "before the connection, not kept by the source"
	default:
		says += ui.Share(read, past) + " read"
	}
	if gaps > 0 {
		says += ", " + ui.Many(gaps, "gap")
	}
	if d.Late {
		says += ", late events"
	}
	if d.Odd {
		says += ", conflicts or a lost bookmark"
	}
	return says
}

func anyIn(dots []Dot, span evidence.Span) bool {
	for _, d := range dots {
		if span.Contains(d.At) {
			return true
		}
	}
	return false
}

// class gives the classes of a cell.
func (d Day) class() string {
	c := "cell " + string(d.Kind)
	if d.Kind != WasRead && d.Kind != Future && d.Tenths > 0 {
		c += " t" + strconv.Itoa(d.Tenths)
	}
	return c
}

// whole gives all of the day, also when only a part of it is drawn.
func (d Day) whole() evidence.Span {
	from := d.From.Truncate(24 * time.Hour)
	return evidence.Span{From: from, To: from.Add(24 * time.Hour)}
}

// whole gives all of the month.
func (m Month) whole() evidence.Span {
	from := time.Date(m.From.Year(), m.From.Month(), 1, 0, 0, 0, 0, time.UTC)
	return evidence.Span{From: from, To: from.AddDate(0, 1, 0)}
}

// short names the month where there is little room: the year stands with January alone.
func (m Month) short() string {
	if m.From.Month() == time.January {
		return m.From.Format("Jan 06")
	}
	return m.From.Format("Jan")
}

func stampTo(t time.Time) string {
	if t.UTC().Second() != 0 {
		return t.UTC().Format("2 Jan 2006, 15:04:05")
	}
	return t.UTC().Format("2 Jan 2006, 15:04")
}

func some(strips []Strip, has func(Strip) bool) bool { return slices.ContainsFunc(strips, has) }

func anyDue(st Strip) bool {
	return slices.ContainsFunc(st.Again, func(a Again) bool { return a.Due })
}

func anyFound(st Strip) bool {
	return slices.ContainsFunc(st.Again, func(a Again) bool { return len(a.Found) > 0 })
}
