package recipe

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestGuardFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"":                             "",
		"plain; text":                  "plain; text",
		"2026-11-23":                   "2026-11-23",
		"=1+1":                         "'=1+1",
		"  @SUM(A1)":                   "'  @SUM(A1)",
		"\u00a0\u200b=1":               "'\u00a0\u200b=1",
		"\ufeff-1":                     "'\ufeff-1",
		"\"=1\"":                       "'\"=1\"",
		"\t=1":                         "'\t'=1",
		"＝1":                           "'＝1",
		"note;=cmd|' /C calc'!A1":      "note;'=cmd|' /C calc'!A1",
		"note; \"=HYPERLINK(1)\";+1":   "note;' \"=HYPERLINK(1)\";'+1",
		"first\n=1":                    "first\n'=1",
		"Mozilla/5.0 (X11; x86_64) =1": "Mozilla/5.0 (X11; x86_64) =1",
		"a;b;\u2066@x":                 "a;b;'\u2066@x",
	} {
		if got := GuardFormula(cell); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
		if again := GuardFormula(GuardFormula(cell)); again != want {
			t.Errorf("%q guarded twice: %q", cell, again)
		}
	}
}

// FuzzPlain: where the short way is taken, the long one comes to the same.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"", "plain text", "1e5", "a;=1", "a, b", "ends ", " begins", "a\"b", "=1", "Zoë 🔑", "a\\b", "\x00", "a\xff", "`x", "{y", "a\u2028b"} {
		f.Add(s, "x,y")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		if got, want := string(appendCSV(nil, s)), string(appendGuarded(nil, s)); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
		want, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
		if got := appendJSONString(nil, s); err != nil || string(got) != string(want) {
			t.Errorf("%q: %s, want %s (%v)", s, got, want, err)
		}
		s, other = strings.ToValidUTF8(s, "\uFFFD"), strings.ToValidUTF8(other, "\uFFFD")
		for _, items := range [][]string{{}, {s}, {s, other}, {other, s, other}} {
			if got, want := joinList(list(items)), strings.Join(items, "; "); got != want {
				t.Errorf("%q: %q, want %q", items, got, want)
			}
		}
	})
}
