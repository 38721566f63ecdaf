package onepassword

import "time"

// parseTime reads a timestamp of the Events API: RFC 3339 with any number of fraction digits and any offset. It gives
// UTC cut to milliseconds, the precision by which the API orders. time.Parse would do all but keep up: this runs once an
// event and needs no allocation.
func parseTime(s []byte) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	hour, ok4 := digits(s[11:13])
	minute, ok5 := digits(s[14:16])
	second, ok6 := digits(s[17:19])
	ms, rest, ok7 := fraction(s[19:])
	offset, ok8 := zone(rest)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || !ok8 {
		return time.Time{}, false
	}
	// 60 is a leap second, which Unix time counts as the first second of the next minute.
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second-offset, ms*int(time.Millisecond), time.UTC)
	return t, !t.IsZero() // Go programs write the zero time for "none"
}

func digits(s []byte) (int, bool) {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// fraction reads an optional fraction of a second and gives its whole milliseconds and what follows.
func fraction(s []byte) (ms int, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	for j, unit := 1, 100; j < i && unit > 0; j, unit = j+1, unit/10 {
		ms += int(s[j]-'0') * unit
	}
	return ms, s[i:], i > 1
}

// zone reads Z or an offset and gives its seconds east of UTC.
func zone(s []byte) (int, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != len("+00:00") || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok1 := digits(s[1:3])
	minutes, ok2 := digits(s[4:6])
	east := (hours*60 + minutes) * 60
	if s[0] == '-' {
		east = -east
	}
	return east, ok1 && ok2 && hours <= 23 && minutes <= 59
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
