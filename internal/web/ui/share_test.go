package ui_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibithq/exhibit/internal/web/ui"
)

const day = 24 * time.Hour

func TestShare(t *testing.T) {
	for _, test := range []struct {
		part, whole time.Duration
		want        string
	}{
		{0, 0, "–"}, {0, day, "0 %"}, {day, day, "100 %"}, {time.Nanosecond, day, "under 0.1 %"}, {day / 2, day, "50 %"}, {day / 3, day, "33.3 %"},
		{366*day - 1, 366 * day, "99.99 %"}, {20*366*day - 1, 20 * 366 * day, "99.99 %"}, {999 * day, 1000 * day, "99.90 %"}, {9989 * time.Hour, 10_000 * time.Hour, "99.8 %"},
		{990 * day, 1000 * day, "99 %"},
	} {
		if got := ui.Share(test.part, test.whole); got != test.want {
			t.Errorf("Share(%v, %v) = %q, want %q", test.part, test.whole, got, test.want)
		}
	}
}

// TestShareNeverRoundsUp holds that only what is whole is 100 % and only what is nothing is 0 %.
func TestShareNeverRoundsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(2, int64(40*366*day)).Draw(t, "whole")
		part := rapid.Int64Range(1, whole-1).Draw(t, "part")
		if got := ui.Share(time.Duration(part), time.Duration(whole)); got == "100 %" || got == "0 %" {
			t.Fatalf("%d of %d is %s", part, whole, got)
		}
	})
}

func TestExactAndLength(t *testing.T) {
	at := time.Date(2026, 11, 14, 3, 4, 0, 0, time.UTC)
	midnight := at.Truncate(day)
	for _, test := range []struct {
		from, to time.Time
		want     string
	}{
		{midnight, midnight.AddDate(0, 0, 1), "14 Nov 2026"},
		{at, at.Add(time.Hour), "14 Nov 2026, 03:04 to 04:04"},
		{at, at.Add(time.Second), "14 Nov 2026, 03:04:00 to 03:04:01"},
		{at, midnight.AddDate(0, 0, 1), "14 Nov 2026, 03:04 to 24:00"},
		{at, at.AddDate(0, 0, 3), "14 Nov 03:04 to 17 Nov 2026, 03:04"},
		{at, at.AddDate(1, 0, 0), "14 Nov 2026 03:04 to 14 Nov 2027, 03:04"},
	} {
		if got := ui.Exact(test.from, test.to); got != test.want {
			t.Errorf("Exact(%v, %v) = %q, want %q", test.from, test.to, got, test.want)
		}
	}
	for in, want := range map[time.Duration]string{
		4*day + 19*time.Hour + time.Minute: "4 days 19 h", day: "1 day", 12*time.Minute + 3*time.Second: "12 min 3 s", 20 * time.Millisecond: "20 ms", time.Hour: "1 h",
	} {
		if got := ui.Length(in); got != want {
			t.Errorf("Length(%v) = %q, want %q", in, got, want)
		}
	}
}
