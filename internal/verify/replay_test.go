package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/translog"
)

// rawUsage makes an item usage; some of them are odd.
func rawUsage(n int, at time.Time) string {
	uuid := fmt.Sprintf(`"USAGE%021d"`, n)
	switch {
	case n%17 == 0:
		uuid = fmt.Sprintf(`"\u0055SAGE%021d"`, n) // does not stand there as it is
	case n%19 == 0:
		uuid = `""`
	case n%23 == 0:
		uuid = fmt.Sprintf(`"%s%d"`, strings.Repeat("ü", 110), n)
	case n%29 == 0:
		uuid = fmt.Sprintf(`"USAGE%021d"`, n-1) // known already, with other bytes
	}
	return fmt.Sprintf(`{"uuid":%s,"timestamp":%q,"used_version":%d,"vault_uuid":"V%d","item_uuid":"I%d","action":%q,"user":{"uuid":"U%d","name":"Person %d","email":"P%d@example.com"},`+
		`"client":{"app_name":"App %d","ip_address":"192.0.2.%d"},"location":{"country":"C%d"}}`,
		uuid, at.Format(time.RFC3339Nano), n, n%3, n%7, []string{"reveal", "fill", "export"}[n%3], n%5, n%5, n%5, n%2, n%11, n%4)
}

// replayOf indexes pages of 100 usages with room for so many bytes of values.
func replayOf(t *testing.T, room int) *view {
	t.Helper()
	kind := all.Kinds()[0]
	v := &verifier{ctx: t.Context(), opt: Options{Kinds: []source.Kind{kind}}, log: &logState{kinds: map[string]string{"cn": kind.ID}}}
	r := newReplay(v)
	r.values = newValues(room)
	st := &streamState{key: streamKey{"cn", "itemusages"}}
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for p := range 4 {
		var items []string
		low, high := int64(1<<62), int64(0)
		for i := range 100 {
			at := start.Add(time.Duration(p*100+i*7%100) * time.Minute) // not in order within a page
			low, high = min(low, at.UnixMilli()), max(high, at.UnixMilli())
			items = append(items, rawUsage(p*100+i, at))
		}
		body := []byte(`{"cursor":"c","has_more":false,"items":[` + strings.Join(items, ",") + `]}`)
		page, err := kind.Split("itemusages", body, start)
		if err != nil {
			t.Fatal(err)
		}
		leaf := translog.Leaf{Kind: translog.KindPage, Fields: translog.Fields{"t_res": start.UnixMilli(), "server_date": int64(0), "late": ""}}
		r.add(st, pageLeaf{n: int64(p), page: int64(p + 1), leaf: leaf, low: low, high: high}, pageRead{cached: cached{body: body, records: page.Records}}, spans{})
	}
	if len(v.Failures) > 0 {
		t.Fatal(v.Failures)
	}
	return &view{replay: r, asOf: 3} // the last page came later
}

// TestRoomMakesNoDifference: what the index has no room for is read from the pages, and comes to the same.
func TestRoomMakesNoDifference(t *testing.T) {
	whole := replayOf(t, 1<<20)
	where := func(key evidence.Key, values ...string) []evidence.Match {
		return []evidence.Match{{Key: key, Values: values}}
	}
	filters := [][]evidence.Match{
		nil, where(evidence.KeyPerson, "U3"), where(evidence.KeyPerson, "p2@EXAMPLE.com", "Person 4"), where(evidence.KeyItem, "I6", "I1"), where(evidence.KeyVault, "V2"), where(evidence.KeyIP, "192.0.2.9"),
		where(evidence.KeyClient, "App 1"), where(evidence.KeyCountry, "C3"), where(evidence.KeyUUID, fmt.Sprintf("USAGE%021d", 17)), where(evidence.KeyOdd, "conflict"), where(evidence.KeyTarget, ""),
		slices.Concat(where(evidence.KeyAction, "export"), where(evidence.KeyPerson, "U3"), where(evidence.KeyItem, "I6")), where(evidence.KeyPerson, "nobody"),
	}
	keys := [][]evidence.Key{{evidence.KeyPerson}, {evidence.KeyAction, evidence.KeyIP}, {evidence.KeyPerson, evidence.KeyVault, evidence.KeyItem, evidence.KeyCountry, evidence.KeyClient, evidence.KeyTarget}, nil}
	for i, f := range filters {
		q := evidence.Query{Where: f}
		want, groups := told(t, whole, q, keys)
		if n := len(want); i == 0 && n < 200 || i == len(filters)-1 && n > 0 || i == 1 && (n < 20 || n > 80) {
			t.Fatalf("%v selects %d events", f, n)
		}
		for _, room := range []int{0, 400, 2000} {
			got, gotGroups := told(t, replayOf(t, room), q, keys)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v with room for %d bytes:\n%s", f, room, diff)
			}
			if diff := cmp.Diff(groups, gotGroups); diff != "" {
				t.Errorf("%v with room for %d bytes, groups:\n%s", f, room, diff)
			}
		}
	}
}

// told gives the events of a query as JSON, and how many there are with the same values of keys.
func told(t *testing.T, w *view, q evidence.Query, keys [][]evidence.Key) (events []string, groups map[string]int64) {
	t.Helper()
	err := w.Select(t.Context(), q, func(e evidence.Event) error {
		b, err := json.Marshal(e)
		events = append(events, string(b)+string(e.Raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Count(t.Context(), q); err != nil || n != int64(len(events)) {
		t.Errorf("%d are counted and %d selected: %v", n, len(events), err)
	}
	groups = map[string]int64{}
	for _, by := range keys {
		err := w.Groups(t.Context(), q, by, func(g recipe.Group) error {
			b, err := json.Marshal([]any{by, g.Connection, g.Stream, g.Facts})
			groups[string(b)] += g.Events
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return events, groups
}
