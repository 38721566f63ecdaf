package evidence

import (
	"testing"
	"time"
)

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600))
	tests := map[string]string{
		"2026-01-31":                     "2026-01-31T00:00:00Z",
		" 2026-01-31T08:00:00Z ":         "2026-01-31T08:00:00Z",
		"2026-01-31T08:00:00.123456789Z": "2026-01-31T08:00:00.123456789Z",
		"2026-01-31T08:00:00-03:00":      "2026-01-31T11:00:00Z",
		"now":                            "2026-02-03T03:05:06.000000007Z",
	}
	for in, want := range tests {
		got, err := ParseMoment(in, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("ParseMoment(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "yesterday", "2026-13-01", "2026-02-30", "31.01.2026", "2026-01-31T08:00:00", "2026-01-31 08:00:00Z", "0001-01-01", "1e9"} {
		if got, err := ParseMoment(in, now); ErrorCode(err) != Invalid {
			t.Errorf("ParseMoment(%q) = %v, %v; want an Invalid error", in, got, err)
		}
	}
}

func TestParsePeriod(t *testing.T) {
	got, err := ParsePeriod("", "2030-01-01T00:30:00Z", span(0, 60), epoch)
	if err != nil || got != span(0, 30) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, tt := range [][2]string{{"2030-02-01", "2030-01-01"}, {"2030-01-01", "2030-01-01"}, {"x", ""}, {"", "x"}} {
		if got, err := ParsePeriod(tt[0], tt[1], span(0, 60), epoch); ErrorCode(err) != Invalid {
			t.Errorf("ParsePeriod(%q) = %v, %v; want an Invalid error", tt, got, err)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, s := range []string{"now", "2026-01-31", "2026-01-31T08:00:00.5+23:59", "9999-12-31T23:59:59-12:00", "٢٠٢٦-01-01"} {
		f.Add(s)
	}
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseMoment(s, now)
		if err != nil {
			return
		}
		again, err := ParseMoment(got.Format(time.RFC3339Nano), now)
		if err != nil || !again.Equal(got) {
			t.Errorf("%q was read as %v, which is then read as %v, %v", s, got, again, err)
		}
	})
}
