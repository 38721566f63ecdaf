package recipe

import "testing"

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
