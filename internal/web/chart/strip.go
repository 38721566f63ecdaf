package chart

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// Kind is what a piece of a stream's time is, as far as a drawing tells kinds apart. It is the name of a class.
type Kind string

// The kinds, each with a pattern of its own.
const (
	WasRead Kind = "read"   // in a coverage window
	Heals   Kind = "heals"  // a gap that can still be healed
	Lost    Kind = "lost"   // a gap that can no longer be healed
	Early   Kind = "early"  // not read, can no longer be, and before the connection was made
	Waiting Kind = "wait"   // a healthy stream has not read it yet: since its last poll, a moment ago
	Future  Kind = "future" // not yet
)

// KindOf says how a gap is drawn. Nobody failed to read what was gone before the connection was made.
func KindOf(g evidence.Gap, made time.Time) Kind {
	switch {
	case !g.HealUntil.IsZero():
		return Heals
	case g.Before(made) || g.Cause == evidence.BeyondRetention && g.From.Before(made):
		return Early
	}
	return Lost
}

// KindWords says a kind to a person.
func KindWords(k Kind) string {
	return map[Kind]string{
		WasRead: "Read whole", Heals: "Gap that can still be healed", Lost: "Gap that can no longer be healed",
		Early: "Before the connection, no longer kept by the source", Waiting: "Since the last poll", Future: "Still to come",
	}[k]
}

// Letter marks a cause where there is no room for words.
func Letter(c evidence.Cause) string {
	return map[evidence.Cause]string{
		evidence.NotCollected: "N", evidence.TokenExpired: "E", evidence.TokenRefused: "R", evidence.FeatureMissing: "T",
		evidence.Unreachable: "U", evidence.BeyondRetention: "K", evidence.SwitchedOff: "O", evidence.CursorLost: "B",
	}[c]
}

// Piece is a part of a stream's time of one kind.
type Piece struct {
	evidence.Span
	Kind   Kind
	Events int64        // of a window
	Gap    evidence.Gap // of a gap: all of it, not only what lies in the drawing
}

// Pieces cuts the span of a drawing into what the coverage says of it, in order and without holes. It works nothing out:
// windows and gaps are those of the coverage.
func Pieces(c evidence.StreamCoverage, span evidence.Span, made, now time.Time) []Piece {
	var out []Piece
	add := func(s evidence.Span, p Piece) {
		if p.Span = s.Intersect(span); !p.Empty() {
			out = append(out, p)
		}
	}
	for _, w := range c.Windows {
		add(w.Span, Piece{Kind: WasRead, Events: w.Events})
	}
	for _, g := range c.Gaps {
		add(g.Span, Piece{Kind: KindOf(g, made), Gap: g})
	}
	add(evidence.Span{From: c.Asked.To, To: now}, Piece{Kind: Waiting})
	add(evidence.Span{From: evidence.Latest(now, c.Asked.To), To: span.To}, Piece{Kind: Future})
	slices.SortFunc(out, func(a, b Piece) int { return a.From.Compare(b.From) })
	return out
}

// Says tells a piece in one line.
func (p Piece) Says() string {
	switch p.Kind {
	case WasRead:
		return "read whole, " + ui.Exact(p.From, p.To) + ": " + ui.Many(p.Events, "event")
	case Heals, Lost, Early:
		return "gap of " + ui.Length(p.Gap.Duration()) + ", " + ui.Exact(p.Gap.From, p.Gap.To) + ": " + CauseWords(p.Gap.Cause)
	}
	return KindWords(p.Kind) + ", " + ui.Exact(p.From, p.To)
}

// Dot is something that happened to a piece of time: late events, conflicts, a lost bookmark.
type Dot struct {
	At   time.Time
	Text string // a short number beside it; may be empty
	Says string
	Href string // may be empty
}

// Again is one age of re-reads, as a thin line.
type Again struct {
	Name  string // "1 h"
	Done  evidence.Spans
	Open  evidence.Span // old enough and not read again yet
	Due   bool          // Open is due
	Found []Dot         // where something was found that was not known
	Says  string
}

// Strip is one stream of a coverage page.
type Strip struct {
	Name      string
	Href      string // the page of this stream alone; empty: this is it
	Share     string // how much has been read
	Sub       string // more numbers, in words
	Tone      ui.Tone
	Coverage  evidence.StreamCoverage
	Made      time.Time // when the connection was made
	Late      []Dot
	Conflicts []Dot
	Resets    []Dot
	Again     []Again
	// Events gives where the events of a piece of time are shown; nil: the caller may not see them.
	Events func(evidence.Span) string
}

// eventsOf leads to the events that a piece counts; "" for what is no whole window, since all of a window is counted.
func (s Strip) eventsOf(p Piece) string {
	whole := slices.ContainsFunc(s.Coverage.Windows, func(w evidence.Window) bool { return w.Span == p.Span })
	if s.Events == nil || p.Kind != WasRead || p.Events == 0 || !whole {
		return ""
	}
	return s.Events(p.Span)
}

// Sheet is what the strips of a page have in common.
type Sheet struct {
	Span evidence.Span
	Now  time.Time
	// Zoom gives the address of the page for a piece of time.
	Zoom func(evidence.Span) string
	// Days draws days as cells instead of a line of time.
	Days bool
}

// share gives the place of a moment on the line of time, from 0 to 1.
func (s Sheet) share(t time.Time) float64 {
	whole := s.Span.Duration()
	if whole <= 0 {
		return 0
	}
	return min(max(float64(t.Sub(s.Span.From))/float64(whole), 0), 1)
}

// at writes the place of a moment as a part of the drawing's width: the same drawing fits a phone and a wall.
func (s Sheet) at(t time.Time) string { return percent(s.share(t)) }

func (s Sheet) wide(p evidence.Span) string { return percent(s.share(p.To) - s.share(p.From)) }

func percent(f float64) string { return strconv.FormatFloat(100*f, 'f', 3, 64) + "%" }

// slim reports whether a piece is too narrow to be seen as itself.
func (s Sheet) slim(p evidence.Span) bool { return s.share(p.To)-s.share(p.From) < .004 }

// lettered reports whether a letter has room in a piece: on any screen, or at least on a large one.
func (s Sheet) lettered(p evidence.Span) string {
	switch part := s.share(p.To) - s.share(p.From); {
	case part >= .05:
		return "letter"
	case part >= .014:
		return "letter fine"
	}
	return ""
}

// wordy reports whether the words of a cause have room in a piece on a large screen.
func (s Sheet) wordy(p evidence.Span) bool { return s.share(p.To)-s.share(p.From) >= .22 }

func (s Sheet) mid(p evidence.Span) string { return percent((s.share(p.From) + s.share(p.To)) / 2) }

// nowIn reports whether now lies inside the drawing.
func (s Sheet) nowIn() bool { return s.Span.Contains(s.Now) }

// unit is the step by which one goes nearer: an hour of a day, a day of a month, a month of a year. 0: it is near enough.
func (s Sheet) unit() time.Duration {
	switch d := s.Span.Duration(); {
	case d <= 2*time.Hour:
		return 0
	case d <= 50*time.Hour:
		return time.Hour
	case d <= 62*24*time.Hour:
		return 24 * time.Hour
	case d <= 200*24*time.Hour:
		return 7 * 24 * time.Hour
	}
	return 30 * 24 * time.Hour
}

// Units cuts the drawing at round moments in UTC: hours, days, weeks from Monday on, or months.
func (s Sheet) Units() []evidence.Span {
	unit := s.unit()
	if unit == 0 {
		return nil
	}
	var out []evidence.Span
	for from := s.Span.From.UTC(); from.Before(s.Span.To); {
		next := nextRound(from, unit)
		out = append(out, evidence.Span{From: from, To: evidence.Earliest(next, s.Span.To)})
		from = next
	}
	return out
}

// nextRound gives the first round moment after t.
func nextRound(t time.Time, unit time.Duration) time.Time {
	const day = 24 * time.Hour
	switch {
	case unit < day:
		return t.Truncate(unit).Add(unit)
	case unit == day:
		return t.Truncate(day).Add(day)
	case unit == 7*day:
		midnight := t.Truncate(day)
		return midnight.AddDate(0, 0, 7-(int(midnight.Weekday())+6)%7)
	}
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// Grid is a line of the axis with its label; Fine ones are left out on small screens.
type Grid struct {
	X, Text string
	Fine    bool
}

// Grid gives the lines of the axis.
func (s Sheet) Grid() []Grid {
	step, layout := tickStep(s.Span.Duration())
	var out []Grid
	round := min(step, 30*24*time.Hour)
	every := 1
	switch day := 24 * time.Hour; {
	case step >= 28*day: // months, some of them left out
		every, layout = max(1, int(step/(28*day))), "Jan 06"
		if s.Span.Duration() < 400*day {
			every, layout = 1, "Jan"
		}
	case step > day: // days from a Monday on, or every other
		round = day
		if step%(7*day) == 0 {
			round, every = 7*day, int(step/(7*day))
		} else {
			every = int(step / day)
		}
	}
	if s.Span.Duration() <= 25*time.Hour {
		layout = "15:04"
	}
	n := 0
	for at := nextRound(s.Span.From.UTC().Add(-time.Nanosecond), round); at.Before(s.Span.To); at = nextRound(at, round) {
		if n%every == 0 {
			g := Grid{X: s.at(at), Text: at.Format(layout), Fine: n/every%2 == 1}
			if s.share(at) > .965 || s.share(at) < .004 && at.After(s.Span.From) {
				g.Text = ""
			}
			out = append(out, g)
		}
		n++
	}
	return out
}

// UnitSays tells of one stream what it has of a unit.
func UnitSays(pieces []Piece, unit evidence.Span) string {
	read, gaps := time.Duration(0), 0
	for _, p := range pieces {
		part := p.Intersect(unit)
		switch {
		case part.Empty():
		case p.Kind == WasRead:
			read += part.Duration()
		case p.Kind == Heals || p.Kind == Lost || p.Kind == Early:
			gaps++
		}
	}
	says := ui.Exact(unit.From, unit.To) + ": " + ui.Share(read, unit.Duration()) + " read"
	if gaps > 0 {
		says += ", " + ui.Many(gaps, "gap")
	}
	return says
}

// Kinds gives the kinds and causes that occur in the strips, for the legend.
func (s Sheet) Kinds(strips []Strip) (kinds []Kind, causes []evidence.Cause) {
	for _, st := range strips {
		for _, p := range Pieces(st.Coverage, s.Span, st.Made, s.Now) {
			if !slices.Contains(kinds, p.Kind) {
				kinds = append(kinds, p.Kind)
			}
			if c := p.Gap.Cause; c != "" && p.Kind != Early && !slices.Contains(causes, c) {
				causes = append(causes, c)
			}
		}
	}
	order := []Kind{WasRead, Heals, Lost, Early, Waiting, Future}
	slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	slices.SortFunc(causes, func(a, b evidence.Cause) int { return cmp.Compare(Letter(a), Letter(b)) })
	return kinds, causes
}

// isGap reports whether a piece was not read though its time has passed.
func (p Piece) isGap() bool { return p.Kind == Heals || p.Kind == Lost || p.Kind == Early }

// Around gives the time of a gap with some of what lies beside it, to be looked at more closely.
func Around(g evidence.Gap) evidence.Span {
	margin := max(g.Duration()/4, 5*time.Minute)
	return evidence.Span{From: g.From.Add(-margin).Truncate(time.Minute), To: g.To.Add(margin).Truncate(time.Minute).Add(time.Minute)}
}

// tab makes the first link of a drawing a stop of the tabulator; arrow keys walk the others.
func tab(first *bool) string {
	if *first {
		*first = false
		return "0"
	}
	return "-1"
}
