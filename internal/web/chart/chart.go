// Package chart draws the few charts of the pages as SVG on the server: numbers become coordinates here, colours come
// from classes, and every chart has its numbers in words or in a table beside it.
package chart

import (
	"strconv"
	"strings"
	"time"
)

// coord writes a coordinate with one decimal.
func coord(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// scale maps moments of a span to a range of x.
type scale struct {
	from, to    time.Time
	left, right float64
}

func (s scale) x(t time.Time) float64 {
	whole := s.to.Sub(s.from)
	if whole <= 0 {
		return s.left
	}
	share := float64(t.Sub(s.from)) / float64(whole)
	return s.left + min(max(share, 0), 1)*(s.right-s.left)
}

// Tick is a label on an axis.
type Tick struct {
	X, Y string
	Text string
}

// timeTicks gives at most about nine labels at round moments of the span, in UTC.
func timeTicks(s scale, y float64) []Tick {
	step, layout := tickStep(s.to.Sub(s.from))
	var out []Tick
	t := s.from.UTC().Truncate(step)
	if step >= 24*time.Hour {
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	for ; t.Before(s.to); t = t.Add(step) {
		x := s.x(t)
		if t.Before(s.from) || x < s.left+14 && len(out) == 0 && t.After(s.from) || x > s.right-12 {
			continue
		}
		out = append(out, Tick{X: coord(x), Y: coord(y), Text: t.Format(layout)})
	}
	return out
}

func tickStep(whole time.Duration) (time.Duration, string) {
	day := 24 * time.Hour
	for _, c := range []struct {
		step   time.Duration
		layout string
	}{
		{5 * time.Minute, "15:04"}, {15 * time.Minute, "15:04"}, {time.Hour, "15:04"}, {3 * time.Hour, "Mon 15:04"}, {6 * time.Hour, "Mon 15:04"},
		{day, "Mon 2"}, {2 * day, "2 Jan"}, {7 * day, "2 Jan"}, {14 * day, "2 Jan"}, {28 * day, "2 Jan"}, {56 * day, "2 Jan 06"},
	} {
		if whole <= 9*c.step {
			return c.step, c.layout
		}
	}
	return 182 * day, "Jan 2006"
}

// niceTop gives a round number of at least n whose half is round as well.
func niceTop(n int64) int64 {
	for base := int64(1); ; base *= 10 {
		for _, m := range []int64{2, 4, 6, 8, 10, 12, 16} {
			if m*base >= n {
				return m * base
			}
		}
	}
}

// Spark gives the outlines of a sparkline in a box of 200 by 38: the area below and the line.
func Spark(values []int64) (area, line string) {
	if len(values) < 2 {
		return "", ""
	}
	top := int64(1)
	for _, v := range values {
		top = max(top, v)
	}
	var b strings.Builder
	for i, v := range values {
		x := 200 * float64(i) / float64(len(values)-1)
		y := 35 - 31*float64(v)/float64(top)
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + coord(x) + " " + coord(y))
	}
	return b.String() + "L200 38L0 38Z", b.String()
}
