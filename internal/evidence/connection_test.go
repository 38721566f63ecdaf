package evidence

import (
	"testing"
	"time"
)

func TestConnectionHealth(t *testing.T) {
	now := at(1000)
	checked := Connection{ID: "cn_1", CreatedAt: at(0), CheckedAt: at(1)}
	read := func(change ...func(*StreamStatus)) StreamStatus {
		s := StreamStatus{Stream: "signinattempts", CaughtUp: true, LastReadAt: at(999)}
		for _, c := range change {
			c(&s)
		}
		return s
	}
	trouble := func(state State, since int) func(*StreamStatus) {
		return func(s *StreamStatus) {
			s.Trouble = &Trouble{Span: Span{From: at(since)}, State: state, Reason: "because"}
		}
	}
	tests := []struct {
		name    string
		change  func(*Connection)
		streams []StreamStatus
		want    State
		since   time.Time
	}{
		{"all is well", nil, []StreamStatus{read()}, StateActive, at(1)},
		{"off says nothing else", func(c *Connection) { c.OffAt = at(5) }, []StreamStatus{read(trouble(StateUnauthorized, 9))}, StateOff, at(5)},
		{"no token was ever accepted", func(c *Connection) { c.CheckedAt = time.Time{} }, nil, StatePending, at(0)},
		{"the oldest trouble of the worst kind", nil, []StreamStatus{read(trouble(StateUnreachable, 3)), read(trouble(StateUnauthorized, 9)), read(trouble(StateUnauthorized, 7))}, StateUnauthorized, at(7)},
		{"closed trouble is over", nil, []StreamStatus{read(trouble(StateUnreachable, 3), func(s *StreamStatus) { s.Trouble.To = at(4) })}, StateActive, at(1)},
		{"expiry is known without asking", func(c *Connection) { c.ExpiresAt = at(990) }, []StreamStatus{read()}, StateUnauthorized, at(990)},
		{"expiry ahead is no trouble", func(c *Connection) { c.ExpiresAt = at(1001) }, []StreamStatus{read()}, StateActive, at(1)},
		{"one stream still reads the past", nil, []StreamStatus{read(), read(func(s *StreamStatus) { s.CaughtUp = false })}, StateBackfilling, at(0)},
		{"nothing read yet, just connected", func(c *Connection) { c.CheckedAt = at(995) }, []StreamStatus{read(func(s *StreamStatus) { s.LastReadAt = time.Time{}; s.CaughtUp = false })}, StateBackfilling, at(0)},
		{"nothing read yet, connected long ago", nil, []StreamStatus{read(func(s *StreamStatus) { s.LastReadAt = time.Time{} })}, StateStale, now},
		{"read long ago", nil, []StreamStatus{read(func(s *StreamStatus) { s.LastReadAt = at(900) })}, StateStale, at(900)},
		{"a missing type degrades", func(c *Connection) { c.Missing = []Stream{"auditevents"} },
			[]StreamStatus{read(), {Stream: "auditevents"}}, StateDegraded, at(1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := checked
			if tt.change != nil {
				tt.change(&c)
			}
			got := ConnectionHealth(c, tt.streams, now)
			if got.State != tt.want || !got.Since.Equal(tt.since) {
				t.Errorf("got %s since %v, want %s since %v", got.State, got.Since, tt.want, tt.since)
			}
			if got.Reason == "" {
				t.Error("no reason is given")
			}
		})
	}
}
