package store

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// told is an event of the model with where the store put it.
type told struct {
	evidence.Facts
	stream evidence.Stream
	page   int64
	place  int
}

// fill commits random pages to both streams and gives what must be found.
func fill(f *fixture, rng *rand.Rand, pages, perPage int) []told {
	f.t.Helper()
	var all []told
	leases := map[evidence.Stream]Lease{signIns: f.acquire(signIns), usages: f.acquire(usages)}
	at := map[evidence.Stream]time.Time{signIns: day0, usages: day0}
	for n := range pages {
		stream := []evidence.Stream{signIns, usages}[rng.IntN(2)]
		var events []happening
		for i := range perPage {
			at[stream] = at[stream].Add(time.Duration(rng.IntN(4)) * time.Duration(rng.IntN(1000)) * time.Second)
			when := at[stream]
			if rng.IntN(20) == 0 {
				when = day0.Add(time.Duration(rng.Int64N(int64(when.Sub(day0)) + 1))).Truncate(time.Millisecond)
			}
			events = append(events, happening{n: n*perPage + i, at: when, person: fmt.Sprint(rng.IntN(5)), action: []string{"reveal", "copy", "export"}[rng.IntN(3)]})
		}
		l := leases[stream]
		done := f.commit(l, live(l, pageOf(fmt.Sprint("c", n), true, events...), at[stream]))
		leases[stream] = done.Lease
		for i, h := range events {
			all = append(all, told{h.facts(), stream, done.Page, i})
		}
	}
	return all
}

// matches is the model's own reading of a query.
func matches(q evidence.Query, e told) bool {
	if len(q.Streams) > 0 && !slices.Contains(q.Streams, e.stream) ||
		!q.Span.From.IsZero() && e.At.Before(q.Span.From) || !q.Span.To.IsZero() && !e.At.Before(q.Span.To) {
		return false
	}
	for _, m := range q.Where {
		has := map[evidence.Key][]string{evidence.KeyPerson: {e.Person.UUID, e.Person.Email, e.Person.Name}, evidence.KeyAction: {e.Action},
			evidence.KeyType: {e.Type}, evidence.KeyResult: {string(e.Result)}, evidence.KeyVault: {e.Vault}, evidence.KeyItem: {e.Item},
			evidence.KeyUUID: {e.UUID}, evidence.KeyCountry: {e.Country}}[m.Key]
		if !slices.ContainsFunc(m.Values, func(v string) bool { return slices.Contains(has, v) }) {
			return false
		}
	}
	return true
}

// randomQuery makes a query of the model's values.
func randomQuery(f *fixture, rng *rand.Rand, all []told) evidence.Query {
	q := f.query()
	if rng.IntN(3) == 0 {
		q.Streams = []evidence.Stream{signIns}
	}
	a, b := all[rng.IntN(len(all))].At, all[rng.IntN(len(all))].At
	if b.Before(a) {
		a, b = b, a
	}
	switch rng.IntN(4) {
	case 0:
		q.Span = evidence.Span{From: a, To: b}
	case 1:
		q.Span.From = a
	case 2:
		q.Span.To = b
	}
	choices := []evidence.Match{{Key: evidence.KeyPerson, Values: []string{"P1"}}, {Key: evidence.KeyPerson, Values: []string{"2@EXAMPLE.com", "Person 3"}},
		{Key: evidence.KeyAction, Values: []string{"copy"}}, {Key: evidence.KeyAction, Values: []string{"copy", "export"}},
		{Key: evidence.KeyType, Values: []string{"credentials"}}, {Key: evidence.KeyItem, Values: []string{"I3"}},
		{Key: evidence.KeyVault, Values: []string{"V9"}}, {Key: evidence.KeyUUID, Values: []string{all[rng.IntN(len(all))].UUID, testUUID(-1)}}}
	for range rng.IntN(3) {
		q.Where = append(q.Where, choices[rng.IntN(len(choices))])
	}
	return q
}

// lower makes the model compare addresses as the store does.
func lower(q evidence.Query) evidence.Query {
	q.Where = slices.Clone(q.Where)
	for i, m := range q.Where {
		q.Where[i].Values = slices.Clone(m.Values)
		for j, v := range m.Values {
			if v == "2@EXAMPLE.com" {
				q.Where[i].Values[j] = "2@example.com"
			}
		}
	}
	return q
}

func TestQueriesAgreeWithAModel(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		rng := rand.New(rand.NewPCG(7, 7))
		all := fill(f, rng, 30, 40)
		for range 25 {
			q := randomQuery(f, rng, all)
			var want []told
			for _, e := range all {
				if matches(lower(q), e) {
					want = append(want, e)
				}
			}
			checkCounts(f, q, want)
			checkVerbatim(f, q, want)
			checkEvents(f, q, want, rng.IntN(2) == 0, 1+rng.IntN(30), rng)
		}
	})
}

func checkCounts(f *fixture, q evidence.Query, want []told) {
	f.t.Helper()
	n, err := f.Count(f.t.Context(), q)
	f.ok(err)
	if n != int64(len(want)) {
		f.t.Errorf("%s: counted %d, want %d", q, n, len(want))
	}
	if q.Span.From.IsZero() || q.Span.To.IsZero() || q.Span.Empty() {
		return
	}
	for _, bucket := range []time.Duration{time.Hour, 24 * time.Hour, 20 * time.Minute} {
		h, err := f.Histogram(f.t.Context(), HistogramRequest{Query: q, Bucket: bucket})
		f.ok(err)
		if h.Total != int64(len(want)) || !h.Exact {
			f.t.Errorf("%s by %s: histogram of %d (exact %v), want %d", q, bucket, h.Total, h.Exact, len(want))
		}
		for i, b := range h.Buckets {
			counts := map[evidence.Stream]int64{}
			for _, e := range want {
				if (evidence.Span{From: b.From, To: b.From.Add(bucket)}).Contains(e.At) {
					counts[e.stream]++
				}
			}
			if fmt.Sprint(counts) != fmt.Sprint(b.Counts) {
				f.t.Errorf("%s by %s, bucket %d: %v, want %v", q, bucket, i, b.Counts, counts)
			}
		}
	}
}

func checkVerbatim(f *fixture, q evidence.Query, want []told) {
	f.t.Helper()
	want = slices.SortedFunc(slices.Values(want), func(a, b told) int { return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(a.place, b.place)) })
	i := 0
	for e, err := range f.Verbatim(f.t.Context(), q) {
		f.ok(err)
		if i >= len(want) || e.UUID != want[i].UUID || e.Facts != want[i].Facts && e.Odd == 0 || !slices.Contains([]byte(string(e.Raw)), '{') {
			f.t.Fatalf("%s: event %d is %+v", q, i, e)
		}
		i++
	}
	if i != len(want) {
		f.t.Errorf("%s: %d events verbatim, want %d", q, i, len(want))
	}
}

func checkEvents(f *fixture, q evidence.Query, want []told, down bool, limit int, rng *rand.Rand) {
	f.t.Helper()
	ids := map[evidence.Stream]int{signIns: 1, usages: 2}
	want = slices.SortedFunc(slices.Values(want), func(a, b told) int {
		c := cmp.Or(a.At.Compare(b.At), cmp.Compare(ids[a.stream], ids[b.stream]), cmp.Compare(a.page, b.page), cmp.Compare(a.place, b.place))
		if down {
			return -c
		}
		return c
	})
	var got []evidence.Event
	req := EventsRequest{Query: q, Descending: down, Limit: limit, ScanLimit: []int{0, 30}[rng.IntN(2)]}
	for range 2000 {
		p, err := f.Events(f.t.Context(), req)
		f.ok(err)
		got = append(got, p.Events...)
		if p.Next == nil {
			break
		}
		if req.After, err = ParseKeyset(p.Next.String()); err != nil {
			f.t.Fatal(err)
		}
	}
	if len(got) != len(want) {
		f.t.Fatalf("%s (down %v, limit %d, scan %d): %d events, want %d", q, down, limit, req.ScanLimit, len(got), len(want))
	}
	for i := range got {
		if got[i].UUID != want[i].UUID || got[i].Stream != want[i].stream {
			f.t.Fatalf("%s (down %v): event %d is %s, want %s", q, down, i, got[i].UUID, want[i].UUID)
		}
	}
}

// TestGroupsAgreeWithAModel: groups add up to the events that a query selects, combination by combination.
func TestGroupsAgreeWithAModel(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		rng := rand.New(rand.NewPCG(9, 9))
		all := fill(f, rng, 20, 40)
		type sum struct {
			n           int64
			first, last time.Time
		}
		for _, keys := range [][]evidence.Key{{}, {evidence.KeyPerson}, {evidence.KeyAction, evidence.KeyType}, {evidence.KeyPerson, evidence.KeyAction, evidence.KeyVault, evidence.KeyItem}} {
			q := randomQuery(f, rng, all)
			want, got := map[string]sum{}, map[string]sum{}
			add := func(to map[string]sum, s evidence.Stream, facts evidence.Facts, n int64, first, last time.Time) {
				name := fmt.Sprint(s)
				for _, k := range keys {
					name += "|" + map[evidence.Key]string{evidence.KeyPerson: facts.Person.UUID, evidence.KeyAction: facts.Action, evidence.KeyType: facts.Type,
						evidence.KeyVault: facts.Vault, evidence.KeyItem: facts.Item}[k]
				}
				x, known := to[name]
				if !known || first.Before(x.first) {
					x.first = first
				}
				if last.After(x.last) {
					x.last = last
				}
				x.n += n
				to[name] = x
			}
			for _, e := range all {
				if matches(lower(q), e) {
					add(want, e.stream, e.Facts, 1, e.At, e.At)
				}
			}
			f.ok(f.Groups(t.Context(), q, keys, func(g Group) error {
				add(got, g.Stream, g.Facts, g.Events, g.First, g.Last)
				return nil
			}))
			if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(sum{})); diff != "" {
				t.Errorf("%v of %s: %s", keys, q, diff)
			}
		}
		if err := f.Groups(t.Context(), f.query(), []evidence.Key{"moon"}, nil); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("a key that does not exist: %v", err)
		}
	})
}

// TestPagesOfASpan: the pages that reach into a span are told once, in order, and their numbers have no hole.
func TestPagesOfASpan(t *testing.T) {
	both(t, func(t *testing.T, f *fixture) {
		all := fill(f, rand.New(rand.NewPCG(11, 11)), 12, 10)
		q := f.query()
		q.Span = evidence.Span{From: all[20].At, To: all[len(all)-20].At}
		want := map[int64]bool{}
		for _, e := range all {
			if !e.At.Before(q.Span.From) && e.At.Before(q.Span.To) {
				want[e.page] = true
			}
		}
		var last PageRow
		seen := map[evidence.Stream][2]int64{}
		f.ok(f.Pages(t.Context(), q, func(p PageRow) error {
			if p.Stream == last.Stream && p.ID <= last.ID {
				t.Errorf("page %d after %d", p.ID, last.ID)
			}
			_, row, err := f.PageBody(t.Context(), f.query().Workspace, p.ID)
			f.ok(err)
			if row.SHA256 != p.SHA256 || row.Size != p.Size || row.Records != p.Records || row.Sequence != p.Sequence || !row.ReceivedAt.Equal(p.ReceivedAt) {
				t.Errorf("page %d: %+v, want %+v", p.ID, p, row)
			}
			delete(want, p.ID)
			s := seen[p.Stream]
			if s[0] == 0 {
				s[0] = p.Sequence
			}
			s[1] = p.Sequence
			seen[p.Stream], last = s, p
			return nil
		}))
		if len(want) > 0 {
			t.Errorf("pages %v were not told", want)
		}
		for stream, s := range seen {
			missing, err := f.MissingNumbers(t.Context(), last.Connection, stream, s[0], s[1])
			f.ok(err)
			beyond, err := f.MissingNumbers(t.Context(), last.Connection, stream, s[0], s[1]+1000)
			f.ok(err)
			if missing != 0 || beyond == 0 {
				t.Errorf("%s: %d numbers are missing from %d to %d, %d beyond", stream, missing, s[0], s[1], beyond)
			}
		}
	})
}
