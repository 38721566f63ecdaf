package evidence

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// at is the moment m minutes after the epoch of these tests.
func at(m int) time.Time { return epoch.Add(time.Duration(m) * time.Minute) }

func span(from, to int) Span { return Span{From: at(from), To: at(to)} }

func TestNewSpans(t *testing.T) {
	tests := []struct {
		name string
		in   []Span
		want Spans
	}{
		{"nothing", nil, nil},
		{"empty spans vanish", []Span{span(3, 3), span(5, 4)}, nil},
		{"order does not matter", []Span{span(5, 6), span(1, 2)}, Spans{span(1, 2), span(5, 6)}},
		{"touching spans become one", []Span{span(1, 2), span(2, 3)}, Spans{span(1, 3)}},
		{"overlapping spans become one", []Span{span(1, 5), span(2, 3), span(4, 8)}, Spans{span(1, 8)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, NewSpans(tt.in...)); diff != "" {
				t.Errorf("NewSpans (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSpansAgainstMinutes compares the set with a plain list of minutes, which cannot be wrong.
func TestSpansAgainstMinutes(t *testing.T) {
	const minutes = 60
	rapid.Check(t, func(t *rapid.T) {
		var naive [minutes]bool
		var set Spans
		for range rapid.IntRange(0, 8).Draw(t, "spans") {
			from := rapid.IntRange(0, minutes).Draw(t, "from")
			to := rapid.IntRange(0, minutes).Draw(t, "to")
			set = set.Add(span(from, to))
			for m := from; m < to; m++ {
				naive[m] = true
			}
		}
		asked := span(rapid.IntRange(0, minutes).Draw(t, "askedFrom"), rapid.IntRange(0, minutes).Draw(t, "askedTo"))
		within, missing := set.Within(asked), set.Missing(asked)
		for m := range minutes {
			in := asked.Contains(at(m))
			if got, want := set.Contains(at(m)), naive[m]; got != want {
				t.Fatalf("minute %d in %v: %v, want %v", m, set, got, want)
			}
			if got, want := within.Contains(at(m)), in && naive[m]; got != want {
				t.Fatalf("minute %d within: %v, want %v", m, got, want)
			}
			if got, want := missing.Contains(at(m)), in && !naive[m]; got != want {
				t.Fatalf("minute %d missing: %v, want %v", m, got, want)
			}
		}
		if got, want := within.Duration()+missing.Duration(), asked.Duration(); got != want {
			t.Fatalf("within and missing last %v together, asked %v", got, want)
		}
		if !slices.IsSortedFunc(set, func(a, b Span) int { return a.From.Compare(b.From) }) {
			t.Fatalf("not in order: %v", set)
		}
	})
}
