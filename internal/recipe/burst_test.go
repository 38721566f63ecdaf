package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// plain is the definition of bursts without any cleverness: for every attempt, look at every stretch of time that ends
// with an attempt of the same key; join those that share an attempt.
func plain(all []attempt, window time.Duration, threshold int) []burst {
	byKey := map[string][]attempt{}
	for _, a := range all {
		if a.key != "" {
			byKey[a.key] = append(byKey[a.key], a)
		}
	}
	var out []burst
	for key, list := range byKey {
		group := make([]int, len(list)) // 0: in none; else the number of the burst
		groups := 0
		for end := range list {
			var stretch []int
			for i := 0; i <= end; i++ {
				if list[end].at-list[i].at < window.Milliseconds() {
					stretch = append(stretch, i)
				}
			}
			if len(stretch) < threshold {
				continue
			}
			g := 0
			for _, i := range stretch {
				g = max(g, group[i])
			}
			if g == 0 {
				groups++
				g = groups
			}
			for _, i := range stretch {
				group[i] = g
			}
		}
		for g := 1; g <= groups; g++ {
			b := burst{key: key}
			for i, a := range list {
				if group[i] != g {
					continue
				}
				if b.count == 0 {
					b.from = a.at
				}
				b.to = a.at
				b.count++
			}
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b burst) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.key, b.key))
	})
	return out
}

func TestBurstsAgainstTheirDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := time.Duration(rapid.IntRange(1, 30).Draw(t, "window")) * time.Millisecond
		threshold := rapid.IntRange(2, 6).Draw(t, "threshold")
		var all []attempt
		var at int64
		for range rapid.IntRange(0, 120).Draw(t, "attempts") {
			at += int64(rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5, 40}).Draw(t, "pause"))
			key := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "key")
			all = append(all, attempt{at: at, key: key, labels: []string{key}})
		}
		finder := newBurstFinder(window, threshold)
		finder.untilDrop = rapid.IntRange(1, 10).Draw(t, "drop")
		for _, a := range all {
			finder.add(a)
		}
		want := plain(all, window, threshold)
		got := finder.bursts()
		if len(got) != len(want) {
			t.Fatalf("%d bursts, want %d", len(got), len(want))
		}
		index := burstIndex{}
		for i, b := range got {
			if b.key != want[i].key || b.from != want[i].from || b.to != want[i].to || b.count != want[i].count {
				t.Fatalf("burst %d is %+v, want %+v", i, *b, want[i])
			}
			index.add(b, fmt.Sprint(i))
		}
		inBursts := map[string]int64{}
		for _, a := range all {
			inBursts[index.find(a.key, a.at)]++
		}
		for i, b := range got {
			if inBursts[fmt.Sprint(i)] != b.count {
				t.Fatalf("%d attempts find burst %d of %d", inBursts[fmt.Sprint(i)], i, b.count)
			}
		}
	})
}

// TestBurstMemory: a stream of ever new addresses leaves nothing behind.
func TestBurstMemory(t *testing.T) {
	f := newBurstFinder(time.Minute, 10)
	for i := range int64(200_000) {
		f.add(attempt{at: i * 1000, key: fmt.Sprint(i), labels: []string{"x"}})
	}
	if len(f.trails) > 2*dropEvery {
		t.Errorf("%d keys are remembered", len(f.trails))
	}
	one := newBurstFinder(time.Hour, 10)
	for i := range int64(100_000) {
		one.add(attempt{at: i, key: "x", labels: []string{"x"}})
	}
	if b := one.bursts(); len(b) != 1 || b[0].count != 100_000 || cap(one.trails["x"].recent) > 100 {
		t.Errorf("one long burst: %+v, %d remembered", b, cap(one.trails["x"].recent))
	}
}
