package evidence_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// TestConcerns holds what somebody is told of, how loud, and that its name stays the same while it lasts.
func TestConcerns(t *testing.T) {
	const day, keep = 24 * time.Hour, 120 * 24 * time.Hour
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	made := now.Add(-60 * day)
	type row struct {
		Key    string
		Stage  int64
		AtOnce bool
		Silent bool
		By     time.Time
	}
	trouble := func(state evidence.State, since time.Duration) func(*evidence.Standing) {
		return func(s *evidence.Standing) {
			s.Health = evidence.Health{State: state, Reason: "Why.", Since: now.Add(-since)}
		}
	}
	expires := func(left time.Duration) func(*evidence.Standing) {
		return func(s *evidence.Standing) { s.Connection.ExpiresAt = now.Add(left) }
	}
	for name, test := range map[string]struct {
		change func(*evidence.Standing)
		want   []row
	}{
		"all is well":          {func(*evidence.Standing) {}, nil},
		"switched off":         {trouble(evidence.StateOff, day), nil},
		"refused":              {trouble(evidence.StateUnauthorized, time.Hour), []row{{"unauthorized/cn_1", 1, true, false, now.Add(keep - time.Hour)}}},
		"plan":                 {trouble(evidence.StatePlan, time.Hour), []row{{"plan/cn_1", 1, false, false, now.Add(keep - time.Hour)}}},
		"unreachable":          {trouble(evidence.StateUnreachable, time.Hour), []row{{"unreachable/cn_1", 1, false, false, now.Add(keep - time.Hour)}}},
		"unreachable for long": {trouble(evidence.StateUnreachable, 114*day), []row{{"unreachable/cn_1", 2, true, false, now.Add(6 * day)}}},
		"stale":                {trouble(evidence.StateStale, day), []row{{"stale/cn_1", 1, false, false, now.Add(119 * day)}}},
		"degraded for long":    {trouble(evidence.StateDegraded, 119*day), []row{{"degraded/cn_1", 1, false, false, now.Add(day)}}},
		"pending":              {trouble(evidence.StatePending, day), []row{{"pending/cn_1", 1, false, false, time.Time{}}}},
		"expires in 31 days":   {expires(31 * day), nil},
		"in 30":                {expires(30 * day), []row{{"expiry/cn_1", 1, false, false, now.Add(30 * day)}}},
		"in 14":                {expires(14 * day), []row{{"expiry/cn_1", 2, false, false, now.Add(14 * day)}}},
		"in 7":                 {expires(6 * day), []row{{"expiry/cn_1", 3, false, false, now.Add(6 * day)}}},
		"tomorrow":             {expires(day), []row{{"expiry/cn_1", 4, true, false, now.Add(day)}}},
		"expired":              {expires(0), []row{{"expiry/cn_1", 5, false, true, now}}},
		"expires, but is off":  {func(s *evidence.Standing) { s.Connection.ExpiresAt, s.Connection.OffAt = now.Add(day), now }, nil},
		"late": {func(s *evidence.Standing) {
			s.Streams = []evidence.StreamStatus{{Late: 3, Conflicts: 1}, {Late: 1}}
		}, []row{{"late/cn_1", 5, false, false, time.Time{}}}},
	} {
		s := evidence.Standing{Connection: evidence.Connection{ID: "cn_1", Name: "1Password", CreatedAt: made}, Health: evidence.Health{State: evidence.StateActive}, Retention: keep}
		test.change(&s)
		var got []row
		for _, c := range evidence.Concerns([]evidence.Standing{s}, nil, now) {
			got = append(got, row{c.Key, c.Stage, c.AtOnce, c.Silent, c.By})
			if c.Title == "" || c.Name != "1Password" || c.Connection != "cn_1" {
				t.Errorf("%s: %+v says too little", name, c)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestGapConcerns holds that gaps of one cause are one concern, that what something else tells of stays silent, and that
// what is lost within days is told at once.
func TestGapConcerns(t *testing.T) {
	const day, keep = 24 * time.Hour, 120 * 24 * time.Hour
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	gap := func(from, to int, cause evidence.Cause) evidence.Gap {
		g := evidence.Gap{Span: evidence.Span{From: now.Add(time.Duration(from) * day), To: now.Add(time.Duration(to) * day)}, Cause: cause}
		g.HealUntil = g.From.Add(keep)
		return g
	}
	open := &evidence.Trouble{Span: evidence.Span{From: now.Add(-day)}, Cause: evidence.Unreachable, State: evidence.StateUnreachable}
	standing := func(state evidence.State, t *evidence.Trouble) evidence.Standing {
		return evidence.Standing{Connection: evidence.Connection{ID: "cn_1", Name: "1Password", CreatedAt: now.Add(-200 * day)}, Retention: keep,
			Health: evidence.Health{State: state}, Streams: []evidence.StreamStatus{{Stream: "a", Trouble: t}}}
	}
	type row struct {
		Key, Title     string
		Stage          int64
		AtOnce, Silent bool
		Newest, UpTo   time.Time
	}
	for name, test := range map[string]struct {
		standing evidence.Standing
		gaps     []evidence.Gap
		want     []row
	}{
		"two of one cause": {standing(evidence.StateActive, nil), []evidence.Gap{gap(-9, -8, evidence.Unreachable), gap(-5, -4, evidence.Unreachable)},
			[]row{{"gaps/cn_1/unreachable/since", "1Password: 2 gaps, source unreachable", 1, false, false, now.Add(-5 * day), now.Add(-4 * day)}}},
		"lost within days": {standing(evidence.StateActive, nil), []evidence.Gap{gap(-114, -113, evidence.CursorLost)},
			[]row{{"gaps/cn_1/cursor_lost/since", "1Password: 1 gap, bookmark lost", 2, true, false, now.Add(-114 * day), now.Add(-113 * day)}}},
		"the trouble tells of it": {standing(evidence.StateUnreachable, open), []evidence.Gap{gap(-1, 0, evidence.Unreachable)},
			[]row{{"gaps/cn_1/unreachable/since", "1Password: 1 gap, source unreachable", 1, false, true, now.Add(-day), now}}},
		"an older one as well": {standing(evidence.StateUnreachable, &evidence.Trouble{Span: open.Span, Cause: evidence.TokenExpired, State: evidence.StateUnreachable}),
			[]evidence.Gap{gap(-9, -8, evidence.Unreachable), gap(-1, 0, evidence.TokenExpired)},
			[]row{{"gaps/cn_1/unreachable/since", "1Password: 1 gap, source unreachable", 1, false, false, now.Add(-9 * day), now.Add(-8 * day)},
				{"gaps/cn_1/token_expired/since", "1Password: 1 gap, token expired", 1, false, true, now.Add(-day), now}}},
		"a first reading is under way": {standing(evidence.StateBackfilling, nil), []evidence.Gap{gap(-100, 0, evidence.NotCollected)},
			[]row{{"gaps/cn_1/not_collected/since", "1Password: 1 gap, not collected yet", 1, false, true, now.Add(-100 * day), now}}},
	} {
		var got []row
		for _, c := range evidence.Concerns([]evidence.Standing{test.standing}, []evidence.StreamCoverage{{Connection: "cn_1", Name: "1Password", Stream: "a", Gaps: test.gaps}}, now) {
			if c.Kind == evidence.ConcernGaps {
				got = append(got, row{c.Key, c.Title, c.Stage, c.AtOnce, c.Silent, c.Newest, c.UpTo})
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
