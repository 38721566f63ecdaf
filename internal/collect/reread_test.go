package collect

import (
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

func TestDue(t *testing.T) {
	marks := func(list ...time.Duration) (m []store.RereadMark) { // how far each mark is behind its age
		for i, behind := range list {
			age := evidence.Rereadings()[i].Age
			m = append(m, store.RereadMark{Age: age, Through: noon.Add(-age - behind)})
		}
		return m
	}
	fresh := noon.Add(-time.Minute)
	old := noon.Add(-300 * day)
	tests := []struct {
		name  string
		begun time.Time
		marks []store.RereadMark
		age   time.Duration
		span  evidence.Span
	}{
		{"nothing yet after a first reading", fresh, nil, 0, evidence.Span{}},
		{"an hour after a first reading", noon.Add(-time.Hour), nil, time.Hour, between(-2*time.Hour, -time.Hour)},
		{"all done", old, marks(0, 0, 0, 0, 0), 0, evidence.Span{}},
		{"no whole chunk", old, marks(59*time.Minute, 5*time.Hour, 23*time.Hour, 6*day, day), 0, evidence.Span{}},
		{"a chunk of a day", old, marks(0, 0, day, 0, 0), 7 * day, between(-8*day, -7*day)},
		{"the most overdue first", old, marks(90*time.Minute, 0, 3*day, 0, 0), 7 * day, between(-10*day, -9*day)},
		{"much at once after a long silence", old, marks(16*day, 0, 0, 0, 0), time.Hour, evidence.Span{From: noon.Add(-time.Hour - 16*day), To: noon.Add(-time.Hour - 14*day)}},
		{"but not too much", old, marks(100*day, 0, 0, 0, 0), time.Hour, evidence.Span{From: noon.Add(-time.Hour - 100*day), To: noon.Add(-time.Hour - 93*day)}},
		{"what is no longer kept is left out", old, marks(0, 0, 0, 0, 100*day), 110 * day, between(-120*day, -118*day)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan, span, ok := due(test.marks, test.begun, noon, noon.Add(-120*day))
			if ok != (test.age != 0) || plan.Age != test.age || !span.From.Equal(test.span.From) || !span.To.Equal(test.span.To) {
				t.Errorf("due is %v, %v to %v (%v)", plan.Age, span.From.Sub(noon), span.To.Sub(noon), ok)
			}
		})
	}
}
