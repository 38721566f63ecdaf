package evidence

import (
	"testing"
	"time"
)

func TestHoldCovers(t *testing.T) {
	at := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	period := Hold{Span: Span{From: at, To: at.Add(time.Hour)}}
	one := period
	one.Connection = "cn_1"
	for what, c := range map[string]struct {
		hold     Hold
		conn     ID
		from, to time.Time
		want     bool
	}{
		"everything":           {Hold{}, "cn_2", at, at, true},
		"inside":               {period, "cn_2", at.Add(time.Minute), at.Add(time.Minute), true},
		"touches the start":    {period, "cn_2", at.Add(-time.Hour), at, true},
		"before":               {period, "cn_2", at.Add(-time.Hour), at.Add(-time.Millisecond), false},
		"at its end":           {period, "cn_2", at.Add(time.Hour), at.Add(time.Hour), false},
		"around it":            {period, "cn_2", at.Add(-time.Hour), at.Add(2 * time.Hour), true},
		"its connection":       {one, "cn_1", at, at, true},
		"another connection":   {one, "cn_2", at, at, false},
		"its, at another time": {one, "cn_1", at.Add(time.Hour), at.Add(time.Hour), false},
	} {
		if got := c.hold.Covers(c.conn, c.from, c.to); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
	for _, code := range HoldCodes() {
		if code.Title() == "" {
			t.Errorf("%s has no title", code)
		}
	}
}
