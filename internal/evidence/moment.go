package evidence

import (
	"strings"
	"time"
)

// ParseMoment reads a moment that a person or a program wrote: RFC 3339 with any offset ("2026-01-31T08:00:00Z"), a date
// ("2026-01-31", its first moment in UTC), or "now". The result is in UTC. Years outside 1970 to 9999 are refused: they
// are slips of the pen.
func ParseMoment(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "now" {
		return now.UTC(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC()
			if t.Year() < 1970 || t.Year() > 9999 {
				return time.Time{}, Errorf(Invalid, "The year of %q cannot be meant.", s)
			}
			return t, nil
		}
	}
	return time.Time{}, Errorf(Invalid, "%q is not a time. Write a date such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z.", s)
}

// ParsePeriod reads the two ends of a period; an empty end takes that of fallback. The period must not be empty.
func ParsePeriod(from, to string, fallback Span, now time.Time) (Span, error) {
	s := fallback
	for _, end := range []struct {
		text string
		into *time.Time
	}{{from, &s.From}, {to, &s.To}} {
		if end.text == "" {
			continue
		}
		t, err := ParseMoment(end.text, now)
		if err != nil {
			return Span{}, err
		}
		*end.into = t
	}
	if s.Empty() {
		return Span{}, Errorf(Invalid, "The period is empty: it ends at %s and starts at %s.", s.To.UTC().Format(time.RFC3339), s.From.UTC().Format(time.RFC3339))
	}
	return s, nil
}
