package conformance

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// paging: small pages and large ones give the same events, once each, ascending by (millisecond, uuid).
func (w *wire) paging(t *testing.T, stream string) {
	start := w.Now().AddDate(0, 0, -10)
	for _, version := range []string{"v1", "v2"} {
		path := "/api/" + version + "/" + stream
		large, _ := w.drain(t, path, reset(1000, start, time.Time{}))
		if len(large) == 0 {
			t.Fatalf("%s: no events", path)
		}
		seen := map[string]bool{}
		for i, e := range large {
			if seen[e.UUID] {
				t.Fatalf("%s: event %s came twice", path, e.UUID)
			}
			seen[e.UUID] = true
			if i > 0 && !before(large[i-1], e) {
				t.Fatalf("%s: event %d (%s %s) stands behind %s %s", path, i, e.Timestamp, e.UUID, large[i-1].Timestamp, large[i-1].UUID)
			}
		}
		size := len(large)/40 + 1 // no page size divides every stream, so most end in a part of a page
		small, _ := w.drain(t, path, reset(size, start, time.Time{}))
		sameEvents(t, path+" in small pages", small, large)
		for i := range small {
			if small[i].raw != large[i].raw {
				t.Fatalf("%s: event %s has other bytes when it comes again", path, small[i].UUID)
			}
		}
	}
}

func before(a, b event) bool {
	if a.milli() != b.milli() {
		return a.milli() < b.milli()
	}
	return a.UUID < b.UUID
}

// windows: start_time is inclusive and end_time exclusive, so adjacent windows hold each event once.
func (w *wire) windows(t *testing.T) {
	all := w.lastDays(t)
	third := len(all) / 3
	cut := time.UnixMilli(all[third].milli()).UTC()
	first := third
	for first > 0 && all[first-1].milli() == all[first].milli() {
		first--
	}
	from := time.UnixMilli(all[0].milli()).UTC()
	head, _ := w.drain(t, usagesV2, reset(1000, from, cut))
	sameEvents(t, "before an event's own time", head, all[:first])
	tail, _ := w.drain(t, usagesV2, reset(1000, cut, time.Time{}))
	sameEvents(t, "from an event's own time", tail, all[first:])
	one, _ := w.drain(t, usagesV2, reset(1000, cut, cut.Add(time.Millisecond)))
	if len(one) == 0 || one[0].milli() != cut.UnixMilli() {
		t.Errorf("a window of an event's own millisecond holds %d events", len(one))
	}
	none, _ := w.drain(t, usagesV2, reset(1000, cut, cut))
	if len(none) != 0 {
		t.Errorf("an empty window holds %d events", len(none))
	}
	offset := cut.In(time.FixedZone("", -7*3600))
	west, _ := w.drain(t, usagesV2, reset(1000, offset, time.Time{}))
	sameEvents(t, "a start_time with an offset", west, tail)
	bounded, _ := w.drain(t, usagesV2, reset(7, from, cut)) // end_time rides in the cursor
	sameEvents(t, "a window in small pages", bounded, head)
}

// cursors are opaque, carry the limit, can be used again and by another token, and stand still when nothing is new.
func (w *wire) cursors(t *testing.T) {
	p := w.read(t, usagesV2, reset(5, time.Unix(0, 0), time.Time{}))
	if _, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(*p.Cursor, "=")); err != nil {
		t.Errorf("the cursor is not URL-safe base64: %v", err)
	}
	next := w.read(t, usagesV2, continued(*p.Cursor))
	if len(next.events) != 5 {
		t.Errorf("a page by cursor holds %d events, want the 5 of the limit it was made with", len(next.events))
	}
	if *next.Cursor == *p.Cursor {
		t.Error("the cursor stood still although events came")
	}
	again := w.read(t, usagesV2, continued(*p.Cursor))
	sameEvents(t, "a cursor used again", again.events, next.events)
	if *again.Cursor != *next.Cursor {
		t.Error("the same cursor led to two different ones")
	}
	if w.Second != "" {
		other := w.read(t, usagesV2, continued(*p.Cursor), "Authorization", "Bearer "+w.Second)
		sameEvents(t, "a cursor used by another token", other.events, next.events)
	}
	_, last := w.drain(t, usagesV2, reset(1000, w.Now().Add(-time.Hour), time.Time{}))
	for range 3 {
		idle := w.read(t, usagesV2, continued(last))
		if *idle.Cursor != last || *idle.More || len(idle.events) != 0 {
			t.Fatalf("idle: cursor moved %t, has_more %t, %d events; want the same cursor, false, none", *idle.Cursor != last, *idle.More, len(idle.events))
		}
	}
	empty := w.read(t, usagesV2, reset(10, time.Unix(0, 0), time.Unix(1, 0)))
	if idle := w.read(t, usagesV2, continued(*empty.Cursor)); *idle.Cursor != *empty.Cursor {
		t.Error("the cursor of an empty window moved")
	}
}

// fullLastPage: has_more means that the page is full, so a window of exactly one page is followed by an empty one.
func (w *wire) fullLastPage(t *testing.T) {
	all := w.lastDays(t)
	from, to := all[10], all[40]
	start, end := time.UnixMilli(from.milli()).UTC(), time.UnixMilli(to.milli()).UTC()
	window, _ := w.drain(t, usagesV2, reset(1000, start, end))
	p := w.read(t, usagesV2, reset(len(window), start, end))
	if len(p.events) != len(window) || !*p.More {
		t.Fatalf("a window of one full page: %d events, has_more %t; want %d, true", len(p.events), *p.More, len(window))
	}
	last := w.read(t, usagesV2, continued(*p.Cursor))
	if len(last.events) != 0 || *last.More || *last.Cursor != *p.Cursor {
		t.Errorf("the page behind it: %d events, has_more %t, cursor moved %t; want none, false, the same", len(last.events), *last.More, *last.Cursor != *p.Cursor)
	}
	short := w.read(t, usagesV2, reset(len(window)+1, start, end))
	if *short.More {
		t.Error("has_more is true although the page is not full")
	}
}

// retention: what is older than 120 days is not served, and asking for it is no error.
func (w *wire) retention(t *testing.T) {
	oldest := w.Now().AddDate(0, 0, -120).Add(-time.Minute)
	for _, stream := range []string{"signinattempts", "itemusages", "auditevents"} {
		p := w.read(t, "/api/v2/"+stream, `{"start_time":"2020-01-01T00:00:00Z","limit":1}`)
		if len(p.events) == 1 && p.events[0].Timestamp.Before(oldest) {
			t.Errorf("%s: an event of %s came, want none before %s", stream, p.events[0].Timestamp, oldest)
		}
	}
}

// versions: v1 and v2 hold the same events; v1 lacks what came with v2.
func (w *wire) versions(t *testing.T) {
	v2only := map[string]bool{}
	for _, stream := range []string{"signinattempts", "itemusages", "auditevents"} {
		body := reset(500, w.Now().AddDate(0, 0, -10), time.Time{})
		v1, v2 := w.read(t, "/api/v1/"+stream, body), w.read(t, "/api/v2/"+stream, body)
		sameEvents(t, stream, v1.events, v2.events)
		for i := range v1.events {
			one, two := members(t, v1.events[i].raw), members(t, v2.events[i].raw)
			for key := range two {
				if !one[key] {
					v2only[key] = true
				}
				delete(one, key)
			}
			for key := range one {
				t.Errorf("%s: only v1 has %q", stream, key)
			}
		}
	}
	for _, key := range []string{"account_uuid", "actor_type", "actor_account_uuid", "user_type", "user_account_uuid"} {
		if !v2only[key] {
			t.Errorf("%q is not a member of v2 alone", key)
		}
		delete(v2only, key)
	}
	for key := range v2only {
		t.Errorf("v1 lacks %q", key)
	}
}

// members are the names of all members of an object, at any depth.
func members(t *testing.T, raw string) map[string]bool {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				out[k] = true
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}
