package ui

import (
	"fmt"
	"math/bits"
	"strconv"
	"time"
)

// Share writes a part of a whole in percent, rounded down: 100 % means that nothing is missing, 0 % that there is nothing.
// Whole numbers alone are used, so that a second in a year is not lost in rounding.
func Share(part, whole time.Duration) string {
	switch {
	case whole <= 0:
		return "–"
	case part >= whole:
		return "100 %"
	case part <= 0:
		return "0 %"
	}
	parts := hundredths(part, whole)
	switch {
	case parts >= 99_90: // near the end two digits tell more
		return fmt.Sprintf("%d.%02d %%", parts/100, parts%100)
	case parts < 10:
		return "under 0.1 %"
	case parts/10%10 == 0:
		return strconv.FormatUint(parts/100, 10) + " %"
	}
	return fmt.Sprintf("%d.%d %%", parts/100, parts/10%10)
}

// hundredths gives hundredths of a percent, rounded down; 0 < part < whole.
func hundredths(part, whole time.Duration) uint64 {
	high, low := bits.Mul64(uint64(part), 100_00)
	q, _ := bits.Div64(high, low, uint64(whole))
	return q
}

// Exact writes a half-open span with the seconds where they matter.
func Exact(from, to time.Time) string {
	from, to = from.UTC(), to.UTC()
	midnight := func(t time.Time) bool { return t.Truncate(24 * time.Hour).Equal(t) }
	if midnight(from) && midnight(to) {
		return Period(from, to)
	}
	clock := "15:04"
	if from.Second() != 0 || to.Second() != 0 {
		clock = "15:04:05"
	}
	if from.Year() == to.Year() && from.YearDay() == to.YearDay() || midnight(to) && to.Sub(from) <= 24*time.Hour {
		return from.Format("2 Jan 2006, "+clock) + " to " + map[bool]string{true: "24:00", false: to.Format(clock)}[midnight(to)]
	}
	if from.Year() == to.Year() {
		return from.Format("2 Jan "+clock) + " to " + to.Format("2 Jan 2006, "+clock)
	}
	return from.Format("2 Jan 2006 "+clock) + " to " + to.Format("2 Jan 2006, "+clock)
}

// Length writes a length of time in its two largest units: "4 days 19 h", "12 min 3 s".
func Length(d time.Duration) string {
	day := 24 * time.Hour
	units := []struct {
		size time.Duration
		name string
	}{{day, "day"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		text := count(int64(d/u.size), u.name)
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				text += " " + count(int64(rest), units[i+1].name)
			}
		}
		return text
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

func count(n int64, unit string) string {
	if unit == "day" {
		return Many(n, unit)
	}
	return Number(n) + " " + unit
}
