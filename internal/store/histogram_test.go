package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewestWithin(t *testing.T) {
	cells := []cell{{hour: 1, total: 5}, {hour: 2, total: 5, stream: 0}, {hour: 2, total: 6, stream: 1}, {hour: 3, total: 10}}
	for limit, want := range map[int64][]int64{0: nil, 9: nil, 10: {3}, 20: {3}, 21: {3, 2, 2}, 25: {3, 2, 2}, 26: {3, 2, 2, 1}, 100: {3, 2, 2, 1}} {
		var got []int64
		for _, c := range newestWithin(cells, limit) {
			got = append(got, c.hour)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("within %d rows (-want +got):\n%s", limit, diff)
		}
	}
}
