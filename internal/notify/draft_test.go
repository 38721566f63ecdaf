package notify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

// TestDraft holds what a channel is told, when, and what is noted of it.
func TestDraft(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	yesterday, today := now.Add(-24*time.Hour), time.Date(2026, 11, 23, 7, 0, 30, 0, time.UTC)
	expiry := evidence.Concern{Key: "expiry/cn_1", Kind: evidence.ConcernExpiry, Title: "E", Stage: 2}
	refused := evidence.Concern{Key: "unauthorized/cn_1", Kind: evidence.ConcernUnauthorized, Title: "R", Stage: 1, AtOnce: true}
	gap := evidence.Concern{Key: "gaps/cn_1", Kind: evidence.ConcernGaps, Title: "G", Stage: 1, Newest: now.Add(-3 * time.Hour), UpTo: now.Add(-2 * time.Hour)}
	silent := func(c evidence.Concern) evidence.Concern { c.Silent = true; return c }
	stage := func(c evidence.Concern, n int64) evidence.Concern { c.Stage = n; return c }
	knows := func(cs ...evidence.Concern) (list []store.Notice) {
		for _, c := range cs {
			list = append(list, noticeOf(c, yesterday))
		}
		return list
	}
	type result struct {
		Kind       messageKind
		Open, Over string
		Digest     bool
		Put, Drop  int
	}
	for name, test := range map[string]struct {
		last     time.Time // digest
		concerns []evidence.Concern
		notices  []store.Notice
		want     result
	}{
		"nothing, no digest due":        {today, nil, nil, result{}},
		"nothing, digest due":           {yesterday, nil, nil, result{Digest: true}},
		"waits for the digest":          {today, []evidence.Concern{expiry}, nil, result{}},
		"told with the digest":          {yesterday, []evidence.Concern{expiry, gap}, nil, result{digest, "EG", "", true, 2, 0}},
		"told at once":                  {today, []evidence.Concern{refused, expiry}, nil, result{alert, "R", "", false, 1, 0}},
		"at once before the digest":     {yesterday, []evidence.Concern{expiry, refused}, nil, result{alert, "R", "", false, 1, 0}},
		"told already":                  {yesterday, []evidence.Concern{refused, expiry, gap}, knows(refused, expiry, gap), result{Digest: true}},
		"worse":                         {yesterday, []evidence.Concern{stage(expiry, 3)}, knows(expiry), result{digest, "E", "", true, 1, 0}},
		"better, but not over":          {today, []evidence.Concern{stage(expiry, 1)}, knows(expiry), result{Put: 1}},
		"over":                          {yesterday, nil, knows(expiry), result{digest, "", "E", true, 0, 1}},
		"over, waits":                   {today, nil, knows(expiry), result{}},
		"the urgent one is over":        {today, []evidence.Concern{gap}, knows(refused, expiry), result{alert, "", "R", false, 0, 1}},
		"silent, not told":              {yesterday, []evidence.Concern{silent(gap)}, nil, result{Digest: true}},
		"silent is not over":            {yesterday, []evidence.Concern{silent(expiry)}, knows(expiry), result{Digest: true}},
		"silent and worse":              {yesterday, []evidence.Concern{silent(stage(expiry, 5))}, knows(expiry), result{Digest: true, Put: 1}},
		"a kind that is not told":       {yesterday, []evidence.Concern{{Key: "late/cn_1", Kind: evidence.ConcernLate, Stage: 9, AtOnce: true}}, nil, result{Digest: true}},
		"a kind that is no longer told": {today, nil, []store.Notice{{Fact: "late/cn_1", Kind: evidence.ConcernLate, Urgent: true}}, result{Drop: 1}},
		"the gap is being healed":       {today, []evidence.Concern{{Key: gap.Key, Kind: gap.Kind, Title: "G", Stage: 1, Newest: gap.UpTo, UpTo: gap.UpTo}}, knows(gap), result{}},
		"the gap goes on":               {today, []evidence.Concern{{Key: gap.Key, Kind: gap.Kind, Title: "G", Stage: 1, Newest: gap.Newest, UpTo: now}}, knows(gap), result{Put: 1}},
		"another gap":                   {yesterday, []evidence.Concern{{Key: gap.Key, Kind: gap.Kind, Title: "G", Stage: 1, Newest: gap.UpTo.Add(time.Hour), UpTo: now}}, knows(gap), result{digest, "G", "", true, 1, 0}},
	} {
		c := store.Channel{ID: "nc_1", Tells: []evidence.ConcernKind{evidence.ConcernExpiry, evidence.ConcernUnauthorized, evidence.ConcernGaps}, DigestAt: test.last}
		d := draftFor(c, test.concerns, test.notices, now, store.DefaultDigest())
		got := result{Kind: d.kind, Digest: d.note.Digest, Put: len(d.note.Put), Drop: len(d.note.Drop)}
		for _, i := range d.open {
			got.Open += i.Title
		}
		for _, i := range d.over {
			got.Over += i.Title
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if d.kind != "" && d.id(c) != draftFor(c, test.concerns, test.notices, now.Add(time.Minute), store.DefaultDigest()).id(c) {
			t.Errorf("%s: told again a minute later it has another id", name)
		}
	}
}

func TestDigestDue(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	for _, test := range []struct {
		last, now time.Time
		hour      int
		want      bool
	}{
		{at(22, 7, 0), at(23, 6, 59), 7, false}, {at(22, 7, 0), at(23, 7, 0), 7, true}, {at(23, 7, 0), at(23, 23, 0), 7, false},
		{at(20, 7, 0), at(23, 6, 0), 7, true}, {at(22, 23, 30), at(23, 0, 5), 0, true}, {at(23, 0, 0), at(23, 23, 59), 0, false},
		{at(23, 12, 0), at(23, 22, 59), 23, false}, {at(23, 12, 0), at(23, 23, 0), 23, true},
		{at(22, 7, 0), time.Date(2026, 11, 23, 8, 30, 0, 0, time.FixedZone("CET", 3600)), 7, true},
	} {
		if got := digestDue(test.last, test.now, store.DigestTime{Hour: test.hour}); got != test.want {
			t.Errorf("last %s, now %s, hour %d: %v", test.last, test.now, test.hour, got)
		}
	}
}
