package collect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// noon is the moment around which the tests of this file turn.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func at(d time.Duration) time.Time { return noon.Add(d) }

func between(from, to time.Duration) evidence.Span { return evidence.Span{From: at(from), To: at(to)} }

// pageOf makes a page with records at the given times.
func pageOf(times ...time.Time) source.Page {
	p := source.Page{Ordered: true}
	for _, t := range times {
		p.Records = append(p.Records, source.Record{Facts: evidence.Facts{At: t}})
	}
	return p
}

func TestClaims(t *testing.T) {
	const keep = 120 * day
	exact := exchange{requested: noon, received: noon}
	odd := pageOf(at(-5 * day))
	odd.Records = append(odd.Records, source.Record{Facts: evidence.Facts{At: at(-time.Minute), Odd: evidence.OddTime}})
	tests := []struct {
		name  string
		r     reading
		want  evidence.Span
		fresh bool
	}{
		{"a first page covers up to its last record, and nothing that is no longer kept",
			reading{req: source.Request{From: at(-keep)}, page: pageOf(at(-100*day), at(-90*day)), clock: exchange{requested: noon, received: at(2 * time.Second)}, ordered: true},
			between(-keep+2*time.Second, -90*day), true},
		{"a first page that is the last covers up to the moment of the request",
			reading{req: source.Request{From: at(-keep)}, clock: exact, ordered: true, end: true}, between(-keep, 0), true},
		{"a page goes on with the window",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-4 * day)), clock: exact, ordered: true},
			between(-10*day, -4*day), false},
		{"an answer from a clock that is further ahead than events are kept claims nothing, and loses nothing",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-4 * day)), clock: exchange{requested: noon, received: noon, server: at(400 * day)}, ordered: true, end: true},
			between(-10*day, -5*day), false},
		{"such an answer to the first request only says where the reading begins",
			reading{req: source.Request{From: at(-keep)}, page: pageOf(at(-4 * day)), clock: exchange{requested: noon, received: noon, server: at(400 * day)}, ordered: true, end: true},
			between(-keep, -keep), true},
		{"a page out of order claims nothing",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-4 * day)), clock: exact},
			between(-10*day, -5*day), false},
		{"the end claims all, in whatever order it was reached",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-4 * day)), clock: exact, end: true},
			between(-10*day, 0), false},
		{"a page of old events does not take back what is covered",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-9 * day)), clock: exact, ordered: true},
			between(-10*day, -5*day), false},
		{"a record from the future proves nothing: there is more to come of the time before it",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(day)), clock: exact, ordered: true},
			between(-10*day, -5*day), false},
		{"the record before one from the future counts",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-4*day), at(day)), clock: exact, ordered: true},
			between(-10*day, -4*day), false},
		{"a record from the future by the source's clock proves nothing either",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-time.Minute)), clock: exchange{requested: noon, received: noon, server: at(-time.Hour)}, ordered: true},
			between(-10*day, -5*day), false},
		{"a time that is not the record's own proves nothing",
			reading{old: between(-10*day, -9*day), req: source.Request{Cursor: "c"}, page: odd, clock: exact, ordered: true},
			between(-10*day, -5*day), false},
		{"at the end the source's clock counts if it is behind",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, clock: exchange{requested: noon, received: noon, server: at(-time.Hour)}, end: true},
			between(-10*day, -time.Hour), false},
		{"at the end the local clock counts if it is behind",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, clock: exchange{requested: noon, received: noon, server: at(time.Hour)}, end: true},
			between(-10*day, 0), false},
		{"clocks that are days apart prove nothing",
			reading{old: between(-10*day, -5*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-4 * day)), clock: exchange{requested: noon, received: noon, server: at(-2 * day)}, ordered: true, end: true},
			between(-10*day, -4*day), false},
		{"a bookmark older than what is kept begins a new window at what is left",
			reading{old: between(-300*day, -200*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-119 * day)), clock: exact, ordered: true},
			between(-keep, -119*day), true},
		{"of two clocks the later one says what is kept",
			reading{old: between(-300*day, -119*day), req: source.Request{Cursor: "c"}, page: pageOf(at(-100 * day)), clock: exchange{requested: noon, received: noon, server: at(3 * day)}, ordered: true},
			between(-117*day+time.Second, -100*day), true},
		{"a bookmark without a window claims nothing before itself",
			reading{req: source.Request{Cursor: "c"}, page: pageOf(at(-4 * day)), clock: exact, ordered: true},
			between(time.Millisecond, time.Millisecond), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.r.retention = keep
			got := test.r.live()
			if diff := cmp.Diff(claim{test.want, test.fresh}, got, cmp.AllowUnexported(claim{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClaimsOfWhatIsReadAgain(t *testing.T) {
	const keep = 120 * day
	exact := exchange{requested: noon, received: noon}
	tests := []struct {
		name string
		r    reading
		span evidence.Span
		want evidence.Span
	}{
		{"half way", reading{page: pageOf(at(-9 * day)), clock: exact, ordered: true}, between(-10*day, -8*day), between(-10*day, -9*day)},
		{"the end", reading{page: pageOf(at(-9 * day)), clock: exact, ordered: true, end: true}, between(-10*day, -8*day), between(-10*day, -8*day)},
		{"out of order", reading{page: pageOf(at(-9 * day)), clock: exact}, between(-10*day, -8*day), evidence.Span{}},
		{"before what is kept", reading{clock: exact, ordered: true, end: true}, between(-130*day, -121*day), evidence.Span{}},
		{"half of it kept", reading{clock: exact, ordered: true, end: true}, between(-130*day, -110*day), between(-keep, -110*day)},
		{"a record of the very end", reading{page: pageOf(at(-8 * day)), clock: exact, ordered: true}, between(-10*day, -8*day), between(-10*day, -8*day)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.r.retention = keep
			if diff := cmp.Diff(test.want, test.r.again(test.span)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSkew(t *testing.T) {
	tests := []struct {
		name   string
		server time.Time
		want   time.Duration
	}{
		{"no date", time.Time{}, 0},
		{"the same second", noon, 0},
		{"cut to the second before", at(-time.Second), 0},
		{"during the answer", at(5 * time.Second), 0},
		{"behind", at(-time.Hour), -time.Hour + time.Second},
		{"ahead", at(time.Hour), time.Hour - 10*time.Second},
	}
	for _, test := range tests {
		x := exchange{requested: noon, received: at(10 * time.Second), server: test.server}
		if got := x.skew(); got != test.want {
			t.Errorf("%s: skew is %v, want %v", test.name, got, test.want)
		}
	}
}
