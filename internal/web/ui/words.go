package ui

import (
	"fmt"
	"strconv"
	"time"
)

// Number writes a whole number with thousands apart: 64,818.
func Number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Many writes a number with its word: "1 gap", "2 gaps".
func Many[N int | int64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return Number(n) + " " + word + "s"
}

// Stamp writes a time for a dense table: 23 Nov 07:59:56, with the year when it is not that of now.
func Stamp(t, now time.Time) string {
	if t.UTC().Year() == now.UTC().Year() {
		return t.UTC().Format("2 Jan 15:04:05")
	}
	return t.UTC().Format("2 Jan 2006 15:04:05")
}

// Day writes a date: 23 Nov 2026.
func Day(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// Full writes a time in full: 23 Nov 2026, 07:59:56 UTC.
func Full(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") }

// Minute writes a time to the minute: 23 Nov 2026, 07:59 UTC.
func Minute(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// Machine writes a time for a program to read.
func Machine(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Long writes a length of time in its largest unit that gives at least 2, else in the next smaller: "6 days", "40 s".
func Long(d time.Duration) string {
	d = max(d, -d)
	day := 24 * time.Hour
	switch {
	case d >= 2*day:
		return Many(int(d/day), "day")
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}

// Ago says how long before now t was, or how long after it: "2 min ago", "in 6 days".
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d > -2*time.Second && d < 2*time.Second:
		return "now"
	case d < 0:
		return "in " + Long(-d)
	}
	return Long(d) + " ago"
}

// Period writes a half-open span of days or times so that both ends are clear.
func Period(from, to time.Time) string {
	from, to = from.UTC(), to.UTC()
	if from.Truncate(24*time.Hour).Equal(from) && to.Truncate(24*time.Hour).Equal(to) && to.Sub(from) >= 24*time.Hour {
		last := to.Add(-24 * time.Hour)
		if last.Equal(from) {
			return Day(from)
		}
		if last.Year() == from.Year() {
			return from.Format("2 Jan") + " to " + Day(last)
		}
		return Day(from) + " to " + Day(last)
	}
	return from.Format("2 Jan 2006 15:04") + " to " + Minute(to)
}

// Bytes writes a size: 12.4 kB.
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return Many(n, "byte")
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// Percent writes a share without ever rounding an incomplete one up to 100 %.
func Percent(share float64) string {
	switch {
	case share >= 1:
		return "100 %"
	case share > 0.999:
		return "99.9 %"
	case share <= 0:
		return "0 %"
	}
	return strconv.FormatFloat(float64(int(share*1000))/10, 'f', -1, 64) + " %"
}
