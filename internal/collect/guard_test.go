package collect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/source"
)

// step is one page of a drain, and what the guard should say of it.
type step struct {
	next    source.Cursor
	more    bool
	records int
	end     bool
	stuck   string // a word of the reason; empty: not stuck
}

func TestGuard(t *testing.T) {
	tests := []struct {
		name   string
		at     source.Cursor
		closed bool
		steps  []step
	}{
		{"pages until there is no more", "", false, []step{{"a", true, 3, false, ""}, {"b", true, 3, false, ""}, {"c", false, 1, true, ""}}},
		{"nothing new: the same bookmark comes back", "a", false, []step{{"a", false, 0, true, ""}}},
		{"a full last page is asked about again", "", false, []step{{"a", false, 3, false, ""}, {"a", false, 0, true, ""}}},
		{"more although the page is empty", "", false, []step{{"a", true, 0, false, ""}, {"b", true, 0, false, ""}, {"c", false, 2, true, ""}}},
		{"more with the same bookmark", "a", false, []step{{"a", true, 3, false, "stands still"}}},
		{"more with the same bookmark and nothing in it", "a", false, []step{{"a", true, 0, false, "stands still"}}},
		{"a full page with the same bookmark", "a", false, []step{{"a", false, 3, false, "without moving"}}},
		{"a circle", "a", false, []step{{"b", true, 3, false, ""}, {"c", true, 3, false, ""}, {"b", true, 3, false, "went back"}}},
		{"a circle to the start", "a", false, []step{{"b", true, 3, false, ""}, {"a", true, 3, false, "went back"}}},
		{"a closed span that starts over behind its end", "", true, []step{{"a", true, 3, false, ""}, {"b", false, 3, false, ""}, {"a", true, 3, true, ""}}},
		{"an open one that does so goes in a circle", "", false, []step{{"a", true, 3, false, ""}, {"b", false, 3, false, ""}, {"a", true, 3, false, "went back"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newGuard(3, test.at, test.closed)
			cursor := test.at
			for i, s := range test.steps {
				page := source.Page{Next: s.next, More: s.more, Ordered: true, Records: make([]source.Record, s.records)}
				v := g.judge(source.Request{Cursor: cursor}, page, noon)
				if v.end != s.end || (v.stuck != "") != (s.stuck != "") || !strings.Contains(v.stuck, s.stuck) {
					t.Fatalf("page %d: end %v, stuck %q; want end %v, stuck %q", i+1, v.end, v.stuck, s.end, s.stuck)
				}
				cursor = s.next
			}
		})
	}
}

// TestNewStartBringsNothingNew holds that a page behind a closed span's end ends it only if it is a new start: one with
// something newer shows that the end was none, and nothing may be claimed by it.
func TestNewStartBringsNothingNew(t *testing.T) {
	for _, test := range []struct {
		name  string
		third time.Time
		end   bool
	}{{"older records", at(-9 * time.Hour), true}, {"newer records", at(-time.Hour), false}} {
		g := newGuard(1, "", true)
		g.judge(source.Request{}, source.Page{Next: "a", More: true, Ordered: true, Records: pageOf(at(-9 * time.Hour)).Records}, noon)
		g.judge(source.Request{Cursor: "a"}, source.Page{Next: "b", Ordered: true, Records: pageOf(at(-8 * time.Hour)).Records}, noon)
		v := g.judge(source.Request{Cursor: "b"}, source.Page{Next: "a", More: true, Ordered: true, Records: pageOf(test.third).Records}, noon)
		if v.end != test.end || (v.stuck == "") != test.end {
			t.Errorf("%s: end %v, stuck %q", test.name, v.end, v.stuck)
		}
	}
}

func TestGuardGivesUpOnEmptyPages(t *testing.T) {
	g := newGuard(3, "", false)
	for i := range emptyMost {
		v := g.judge(source.Request{}, source.Page{Next: source.Cursor(fmt.Sprint(i)), More: true, Ordered: true}, noon)
		if last := i == emptyMost-1; (v.stuck != "") != last {
			t.Fatalf("empty page %d: stuck %q", i+1, v.stuck)
		}
	}
}

func TestGuardRemembersInBoundedMemory(t *testing.T) {
	var r recent
	for i := range 3 * cursorsMost {
		if !r.add(source.Cursor(fmt.Sprint(i))) {
			t.Fatalf("bookmark %d is taken for an old one", i)
		}
		if n := len(r.young) + len(r.old); n > 2*cursorsMost {
			t.Fatalf("%d bookmarks are remembered", n)
		}
	}
	if r.add(source.Cursor(fmt.Sprint(3*cursorsMost - cursorsMost))) {
		t.Error("a bookmark among the newest was forgotten")
	}
}

func TestOrderOverPages(t *testing.T) {
	tests := []struct {
		name  string
		pages []source.Page
		want  []bool
	}{
		{"in order", []source.Page{pageOf(at(-3), at(-2)), pageOf(at(-2), at(-1)), pageOf()}, []bool{true, true, true}},
		{"a page that repeats the last one", []source.Page{pageOf(at(-3), at(-2)), pageOf(at(-3), at(-2)), pageOf(at(-1))}, []bool{true, true, true}},
		{"a page that reaches behind the last one", []source.Page{pageOf(at(-9), at(-5)), pageOf(at(-7), at(-3)), pageOf(at(-2))}, []bool{true, false, false}},
		{"a record from the future hides no disorder", []source.Page{pageOf(at(-9), at(day)), pageOf(at(-8), at(-5)), pageOf(at(-7), at(-4))}, []bool{true, true, false}},
		{"a page that is out of order", []source.Page{pageOf(at(-9), at(-5)), {}, pageOf(at(-2))}, []bool{true, false, false}},
	}
	for _, test := range tests {
		g := newGuard(100, "", false)
		for i, p := range test.pages {
			if got := g.judge(source.Request{}, p, noon).ordered; got != test.want[i] {
				t.Errorf("%s: page %d: in order is %v", test.name, i+1, got)
			}
		}
	}
}
