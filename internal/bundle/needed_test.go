package bundle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/exhibithq/exhibit/internal/translog"
)

func TestNeeded(t *testing.T) {
	span := func(from, to int64) translog.Millis { return translog.Millis{From: from, To: to} }
	page := func(seq, low, high int64) Step { return Step{Page: true, Seq: seq, Low: low, High: high} }
	in := func(s Step, from, to int64) Step { s.Covered = span(from, to); return s }
	ten := []Step{page(1, 0, 9), page(2, 10, 19), page(3, 20, 29), page(4, 30, 39), page(5, 40, 49), page(6, 50, 59), page(7, 60, 69)}
	with := func(at int, s Step) []Step { out := slices.Clone(ten); out[at] = s; return out }
	for _, x := range []struct {
		name  string
		steps []Step
		of    []translog.Millis
		want  []int
	}{
		{"those of the span and their neighbours", ten, []translog.Millis{span(20, 40)}, []int{1, 2, 3, 4}},
		{"all of them", ten, []translog.Millis{span(-5, 100)}, []int{0, 1, 2, 3, 4, 5, 6}},
		{"two spans, not what lies between", ten, []translog.Millis{span(0, 5), span(61, 62)}, []int{0, 1, 5, 6}},
		{"two spans that overlap", ten, []translog.Millis{span(25, 41), span(20, 30)}, []int{1, 2, 3, 4, 5}},
		{"nothing", nil, []translog.Millis{span(0, 5)}, nil},
		{"a span before all pages", ten, []translog.Millis{span(-9, -5)}, []int{0}},
		{"a span behind all pages", ten, []translog.Millis{span(90, 95)}, []int{6}},
		{"a page between says that it is older", with(3, page(4, 0, 0)), []translog.Millis{span(20, 50)}, []int{1, 2, 3, 4, 5}},
		{"the first says that it is older", with(2, page(3, 0, 0)), []translog.Millis{span(20, 50)}, []int{2, 3, 4, 5}},
		{"the last says that it is newer", with(4, page(5, 99, 99)), []translog.Millis{span(20, 50)}, []int{1, 2, 3, 4}},
		{"the only one says that it is older", with(3, page(4, 0, 0)), []translog.Millis{span(30, 40)}, []int{3, 4}},
		{"the only one says that it is newer", with(3, page(4, 99, 99)), []translog.Millis{span(30, 40)}, []int{2, 3}},
		{"a second reading of the span, and one of another", append(slices.Clone(ten), page(0, 22, 25), page(0, 0, 5)), []translog.Millis{span(20, 40)}, []int{1, 2, 3, 4, 7}},
		{"what a page reaches over", append(slices.Clone(ten), page(0, 2, 9), page(0, 9, 21)), []translog.Millis{span(20, 40)}, []int{0, 1, 2, 3, 4, 7, 8}},
		{"what a claim stands on", []Step{in(page(1, 0, 9), 0, 9), in(page(2, 10, 19), 0, 19), {Seq: 3, Covered: span(0, 30)}, page(4, 0, 9), in(page(0, 100, 101), 40, 50), in(page(6, 300, 301), 0, 301)},
			[]translog.Millis{span(45, 47)}, []int{3, 4, 5}},
		{"answers without records are no pages", []Step{{Seq: 1, Covered: span(0, 30)}}, []translog.Millis{span(0, 30)}, nil},
	} {
		var got []int
		for i, n := range Needed(x.steps, x.of) {
			if n {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("%s: %v instead of %v", x.name, got, x.want)
		}
	}
}

// TestNeededOfHonest holds over random readings that no page which holds an event of a span is passed over, that a larger span never needs
// fewer pages, and that whatever one page of the first reading says of its times it is needed where it lies between others.
func TestNeededOfHonest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 3000 {
		var steps []Step
		at := int64(0)
		for n := range 2 + rng.IntN(12) {
			low := at + rng.Int64N(20) - 8
			at = max(at, low) + 1 + rng.Int64N(30)
			steps = append(steps, Step{Page: true, Seq: int64(n) + 1, Low: low, High: at})
		}
		from := rng.Int64N(at)
		small := translog.Millis{From: from, To: from + 1 + rng.Int64N(at)}
		large := translog.Millis{From: small.From - rng.Int64N(20), To: small.To + rng.Int64N(20)}
		some, more := Needed(steps, []translog.Millis{small}), Needed(steps, []translog.Millis{large})
		for i, s := range steps {
			reaches := s.Low < small.To && s.High >= small.From
			if reaches && !some[i] || some[i] && reaches && !more[i] {
				t.Fatalf("page %d of %+v for %v: %t, for %v: %t", i, steps, small, some[i], large, more[i])
			}
			if i == 0 || i == len(steps)-1 || !reaches {
				continue
			}
			lies := slices.Clone(steps)
			lies[i].Low = rng.Int64N(4000) - 2000
			lies[i].High = lies[i].Low + rng.Int64N(50)
			inner := reachesInto(steps[i-1], small) || reachesInto(steps[i+1], small)
			if inner && !Needed(lies, []translog.Millis{small})[i] {
				t.Fatalf("page %d of %+v is passed over for %v when it says %d to %d", i, steps, small, lies[i].Low, lies[i].High)
			}
		}
	}
}

func reachesInto(s Step, of translog.Millis) bool { return s.Low < of.To && s.High >= of.From }
