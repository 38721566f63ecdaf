package evidence

import (
	"testing"
	"time"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestCadencePeriods(t *testing.T) {
	for _, c := range []struct {
		cadence  Cadence
		at       string
		from, to string // of the period that contains at
		before   string // start of the one before
	}{
		{Monthly, "2026-03-31", "2026-03-01", "2026-04-01", "2026-02-01"},
		{Monthly, "2026-01-01", "2026-01-01", "2026-02-01", "2025-12-01"},
		{Quarterly, "2026-11-23", "2026-10-01", "2027-01-01", "2026-07-01"},
		{Quarterly, "2026-01-01", "2026-01-01", "2026-04-01", "2025-10-01"},
		{Quarterly, "2026-06-30", "2026-04-01", "2026-07-01", "2026-01-01"},
		{Yearly, "2024-02-29", "2024-01-01", "2025-01-01", "2023-01-01"},
	} {
		got := c.cadence.PeriodAt(day(c.at))
		if !got.From.Equal(day(c.from)) || !got.To.Equal(day(c.to)) {
			t.Errorf("%s at %s: %v to %v, want %s to %s", c.cadence, c.at, got.From, got.To, c.from, c.to)
		}
		before := c.cadence.PeriodBefore(day(c.at))
		if !before.From.Equal(day(c.before)) || !before.To.Equal(got.From) {
			t.Errorf("%s before %s: %v to %v, want from %s", c.cadence, c.at, before.From, before.To, c.before)
		}
	}
	if !Once.PeriodAt(day("2026-01-01")).Empty() || !Once.PeriodBefore(day("2026-01-01")).Empty() {
		t.Error("an action done once has a period")
	}
}

func TestActionFilledBy(t *testing.T) {
	action := Action{Recipe: "coverage", Cadence: Monthly, Due: day("2026-11-14")}
	good := Artifact{Kind: Derived, Recipe: "coverage", Period: Span{day("2026-10-01"), day("2026-11-01")}, Latest: ArtifactVersion{Result: Complete}}
	for name, c := range map[string]struct {
		change func(*Artifact)
		want   bool
	}{
		"its month":         {func(*Artifact) {}, true},
		"a longer period":   {func(a *Artifact) { a.Period.From = day("2026-07-01") }, true},
		"a day is lacking":  {func(a *Artifact) { a.Period.To = day("2026-10-31") }, false},
		"another month":     {func(a *Artifact) { a.Period = Span{day("2026-09-01"), day("2026-10-01")} }, false},
		"another recipe":    {func(a *Artifact) { a.Recipe = "failed-sign-ins" }, false},
		"an inconclusive":   {func(a *Artifact) { a.Latest.Result = Inconclusive }, false},
		"retired":           {func(a *Artifact) { a.RetiredAt = day("2026-11-02") }, false},
		"an upload instead": {func(a *Artifact) { a.Kind, a.Recipe = Uploaded, "" }, false},
	} {
		a := good
		c.change(&a)
		if got := action.FilledBy(a); got != c.want {
			t.Errorf("%s: filled %v, want %v", name, got, c.want)
		}
	}
	upload := Action{Cadence: Once, Due: day("2026-11-14")}
	if upload.FilledBy(good) {
		t.Error("a derived artifact fills an action that asks for an upload")
	}
	if !upload.FilledBy(Artifact{Kind: Uploaded, Latest: ArtifactVersion{Result: Complete}}) {
		t.Error("an upload does not fill an action that asks for one")
	}
}
