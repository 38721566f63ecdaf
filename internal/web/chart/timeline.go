package chart

import (
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// Row is one stream of a timeline.
type Row struct {
	Name     string // in words
	Sub      string // what tells it from another of the same name; may be empty
	Coverage evidence.StreamCoverage
	Late     []time.Time // when late events happened
}

// Timeline is the coverage of streams over a span.
type Timeline struct {
	Span evidence.Span
	Rows []Row
	Now  time.Time
	// Narrow draws it for half the width of a page.
	Narrow bool
}

// CauseWords says a cause to a person.
func CauseWords(c evidence.Cause) string { return c.Words() }

// GapTone says how loud a gap is: what can still be healed is the loudest, because it can still be lost.
func GapTone(g evidence.Gap) ui.Tone {
	switch {
	case g.Cause == evidence.BeyondRetention:
		return ui.Idle
	case !g.HealUntil.IsZero():
		return ui.Bad
	}
	return ui.Warn
}

// The box of a timeline in its own units.
const (
	lineLeft         = 150.0
	lineRow, lineBar = 40.0, 18.0
	lineTop          = 8.0
)

// width is that of the box: half a page or a whole one.
func (t Timeline) width() float64 {
	if t.Narrow {
		return 640
	}
	return 1080
}

func (t Timeline) right() float64 { return t.width() - 8 }

type mark struct {
	X, Y, Width, Height string
	Tone                ui.Tone
	Says                string
}

type late struct{ Points, Says string }

type lineDrawn struct {
	Row
	TextY, BarY string
	SubY        string
	Windows     []mark
	Gaps        []mark
	Late        []late
}

func (t Timeline) scale() scale {
	return scale{from: t.Span.From, to: t.Span.To, left: lineLeft, right: t.right()}
}

func (t Timeline) bottom() float64 { return lineTop + lineRow*float64(len(t.Rows)) }

func (t Timeline) viewBox() string { return "0 0 " + coord(t.width()) + " " + coord(t.bottom()+24) }

func (t Timeline) ticks() []Tick { return timeTicks(t.scale(), t.bottom()+17) }

func (t Timeline) nowX() string { return coord(t.scale().x(t.Now)) }

func (t Timeline) lines() []lineDrawn {
	s := t.scale()
	var out []lineDrawn
	for i, r := range t.Rows {
		y := lineTop + lineRow*float64(i) + (lineRow-lineBar)/2
		d := lineDrawn{Row: r, TextY: coord(y + lineBar/2 + 4), BarY: coord(y)}
		if r.Sub != "" {
			d.TextY, d.SubY = coord(y+lineBar/2-2), coord(y+lineBar/2+12)
		}
		for _, w := range r.Coverage.Windows {
			says := r.Name + " read whole, " + ui.Period(w.From, w.To) + ": " + ui.Many(w.Events, "event")
			d.Windows = append(d.Windows, place(s, w.Span, y, ui.OK, says))
		}
		for _, g := range r.Coverage.Gaps {
			d.Gaps = append(d.Gaps, place(s, g.Span, y, GapTone(g), r.Name+" gap, "+ui.Period(g.From, g.To)+": "+CauseWords(g.Cause)))
		}
		for _, at := range r.Late {
			if !t.Span.Contains(at) {
				continue
			}
			x := s.x(at)
			points := coord(x-4) + "," + coord(y-6) + " " + coord(x+4) + "," + coord(y-6) + " " + coord(x) + "," + coord(y+1)
			d.Late = append(d.Late, late{Points: points, Says: "Late event of " + ui.Full(at)})
		}
		out = append(out, d)
	}
	return out
}

func place(s scale, span evidence.Span, y float64, tone ui.Tone, says string) mark {
	left, right := s.x(span.From), s.x(span.To)
	width := max(right-left, 2.5) // a short gap must still be seen
	if left+width > s.right {
		left = s.right - width
	}
	return mark{X: coord(left), Y: coord(y), Width: coord(width), Height: coord(lineBar), Tone: tone, Says: says}
}

// tones gives the kinds of gap that are there, with what they mean, for the legend.
func (t Timeline) tones() []mark {
	words := map[ui.Tone]string{
		ui.Bad:  "Gap that can still be healed",
		ui.Warn: "Gap that can no longer be healed",
		ui.Idle: "Older than the source keeps",
	}
	seen := map[ui.Tone]bool{}
	for _, r := range t.Rows {
		for _, g := range r.Coverage.Gaps {
			seen[GapTone(g)] = true
		}
	}
	var out []mark
	for _, tone := range []ui.Tone{ui.Bad, ui.Warn, ui.Idle} {
		if seen[tone] {
			out = append(out, mark{Tone: tone, Says: words[tone]})
		}
	}
	return out
}

func (t Timeline) anyLate() bool {
	for _, r := range t.Rows {
		if len(r.Late) > 0 {
			return true
		}
	}
	return false
}

// Cell is one piece of a small bar of coverage.
type Cell struct {
	X    string
	Tone ui.Tone // of the loudest gap in it; OK if there is none
	Y    string  // where the part that was not read begins
	Lost string  // height of that part
}

// cellHeight is the height of a cell in its own units.
const cellHeight = 14.0

// Cells cuts a span into n pieces and says of each how large a part of the streams has a gap in it, in the tone of the
// loudest. However small the part, it is seen.
func Cells(span evidence.Span, coverage []evidence.StreamCoverage, n int) []Cell {
	rank := map[ui.Tone]int{ui.OK: 0, ui.Idle: 1, ui.Warn: 2, ui.Bad: 3}
	step := span.Duration() / time.Duration(n)
	out := make([]Cell, n)
	for i := range out {
		piece := evidence.Span{From: span.From.Add(time.Duration(i) * step), To: span.From.Add(time.Duration(i+1) * step)}
		cell := Cell{X: coord(float64(i) * 5), Tone: ui.OK}
		lossy := 0
		for _, c := range coverage {
			loudest := ui.OK
			for _, g := range c.Gaps {
				if tone := GapTone(g); !piece.Intersect(g.Span).Empty() && rank[tone] > rank[loudest] {
					loudest = tone
				}
			}
			if loudest != ui.OK {
				lossy++
			}
			if rank[loudest] > rank[cell.Tone] {
				cell.Tone = loudest
			}
		}
		lost := 0.0
		switch {
		case len(coverage) == 0:
			cell.Tone, lost = ui.Idle, cellHeight
		case lossy > 0:
			lost = max(4, cellHeight*float64(lossy)/float64(len(coverage)))
		}
		cell.Y, cell.Lost = coord(cellHeight-lost), coord(lost)
		out[i] = cell
	}
	return out
}
