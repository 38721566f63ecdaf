package chart

import (
	"time"

	"github.com/exhibithq/exhibit/internal/web/ui"
)

// Series is one colour of a histogram.
type Series struct {
	Name string
	Key  string // class of its key: "k1"
	Fill string // class of its bars: "f1"
}

// SeriesOf gives the i-th series its colours.
func SeriesOf(i int, name string) Series {
	n := string(rune('1' + min(i, 3)))
	return Series{Name: name, Key: "k" + n, Fill: "f" + n}
}

// Bucket is one bar: what happened from From to To, by series.
type Bucket struct {
	From, To time.Time
	Counts   []int64
	Href     string   // narrows the time to the bar
	Hrefs    []string // and to one of its series, in the order of Counts; none: they lead nowhere
}

// Total is the height of the bar.
func (b Bucket) Total() int64 {
	var n int64
	for _, c := range b.Counts {
		n += c
	}
	return n
}

// Says gives the bar in words.
func (b Bucket) Says(series []Series) string {
	s := ui.Period(b.From, b.To) + ": " + ui.Many(b.Total(), "event")
	sep := " ("
	for i, c := range b.Counts {
		if c > 0 && b.Total() > 0 {
			s += sep + series[i].Name + " " + ui.Number(c)
			sep = ", "
		}
	}
	if sep == ", " {
		s += ")"
	}
	return s
}

// Histogram is the counts of events over time.
type Histogram struct {
	Series  []Series
	Buckets []Bucket
}

// The box of a histogram in its own units.
const (
	histWidth, histHeight = 1080.0, 172.0
	histLeft, histRight   = 44.0, 1072.0
	histTop, histBottom   = 12.0, 143.0
)

// bar is one bucket as drawn.
type bar struct {
	Bucket
	X, Width string
	HitX     string
	HitWidth string
	Pieces   []piece
	Tab      string // tabindex: one bar is in the tab order, arrow keys walk from it
}

type piece struct {
	Fill      string
	Y, Height string
}

type level struct {
	Y, TextY, Text string
}

func (h Histogram) top() int64 {
	n := int64(1)
	for _, b := range h.Buckets {
		n = max(n, b.Total())
	}
	return niceTop(n)
}

func (h Histogram) levels() []level {
	top := h.top()
	var out []level
	for _, v := range []int64{0, top / 2, top} {
		y := histBottom - (histBottom-histTop)*float64(v)/float64(top)
		out = append(out, level{Y: coord(y), TextY: coord(y + 4), Text: ui.Number(v)})
	}
	return out
}

func (h Histogram) span() scale {
	s := scale{left: histLeft, right: histRight}
	if n := len(h.Buckets); n > 0 {
		s.from, s.to = h.Buckets[0].From, h.Buckets[n-1].To
	}
	return s
}

func (h Histogram) ticks() []Tick { return timeTicks(h.span(), histBottom+18) }

func (h Histogram) bars() []bar {
	s, top := h.span(), float64(h.top())
	var out []bar
	for i, b := range h.Buckets {
		left, right := s.x(b.From), s.x(b.To)
		gap := min(5, (right-left)*.22)
		d := bar{
			Bucket: b, X: coord(left + gap/2), Width: coord(max(right-left-gap, .6)),
			HitX: coord(left), HitWidth: coord(right - left), Tab: "-1",
		}
		if i == len(h.Buckets)-1 {
			d.Tab = "0"
		}
		y := histBottom
		for j, c := range b.Counts {
			if c == 0 {
				continue
			}
			height := max((histBottom-histTop)*float64(c)/top, .8)
			y -= height
			d.Pieces = append(d.Pieces, piece{Fill: h.Series[j].Fill, Y: coord(y), Height: coord(max(height-.8, .6))})
		}
		out = append(out, d)
	}
	return out
}
