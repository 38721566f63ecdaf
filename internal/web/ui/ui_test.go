package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/web/ui"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"Marek Dvořák":              "Marek Dvořák",
		"a\u202egnp.exe":            "a[U+202E]gnp.exe",
		"zero\u200bwidth\ufeff":     "zero[U+200B]width[U+FEFF]",
		"bell\a\x00":                "bell[U+0007][U+0000]",
		"two\nlines\tand":           "two lines and",
		"<script>alert(1)</script>": "<script>alert(1)</script>",
		"\u2066iso\u2069":           "[U+2066]iso[U+2069]",
		"bad\xffbyte":               "bad[U+FFFD]byte",
		"日本語 مرحبا":                 "日本語 مرحبا",
		"":                          "",
	} {
		if got := ui.Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\u202eb")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range ui.Visible(s) {
			if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b {
				t.Fatalf("Visible(%q) still holds %U", s, r)
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 64818: "64,818", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := ui.Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
	for share, want := range map[float64]string{1: "100 %", 0.99999: "99.9 %", 0.9937: "99.3 %", 0.5: "50 %", 0: "0 %"} {
		if got := ui.Percent(share); got != want {
			t.Errorf("Percent(%v) = %q, want %q: an incomplete share is never rounded up", share, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "now", 40 * time.Second: "40 s ago", 5 * time.Minute: "5 min ago", 3 * time.Hour: "3 h ago", 49 * time.Hour: "2 days ago", -12 * 24 * time.Hour: "in 12 days",
	} {
		if got := ui.Ago(now.Add(-d), now); got != want {
			t.Errorf("Ago(%v) = %q, want %q", d, got, want)
		}
	}
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for want, span := range map[string][2]time.Time{
		"1 Oct to 31 Oct 2026":                      {day(2026, 10, 1), day(2026, 11, 1)},
		"1 Dec 2025 to 31 Jan 2026":                 {day(2025, 12, 1), day(2026, 2, 1)},
		"5 Oct 2026":                                {day(2026, 10, 5), day(2026, 10, 6)},
		"5 Oct 2026 00:00 to 5 Oct 2026, 04:00 UTC": {day(2026, 10, 5), day(2026, 10, 5).Add(4 * time.Hour)},
	} {
		if got := ui.Period(span[0], span[1]); got != want {
			t.Errorf("Period = %q, want %q", got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Ada Okafor": "AO", "ada@example.com": "A", "": "?", "\u202e": "?", "Anna Maria von Berg": "AB", "x": "X"} {
		if got := ui.Initials(name); got != want {
			t.Errorf("Initials(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestText holds that text from outside is escaped and that what hides is named.
func TestText(t *testing.T) {
	var b strings.Builder
	if err := ui.Text("<b>\u202e&").Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"&lt;b&gt;", "&amp;", "[U+202E]", "<bdi>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
}
