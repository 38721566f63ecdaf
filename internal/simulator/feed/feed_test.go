package feed_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

func add(b *feed.Builder, milli int64, uuid string) {
	raw := fmt.Appendf(nil, `{"uuid":%q,"at":%d}`, uuid, milli)
	b.Append(milli, raw, 9, len(uuid))
}

func uuids(s *feed.Snapshot) []string {
	var out []string
	for i := range s.Len() {
		out = append(out, s.At(i).UUID)
	}
	return out
}

func TestFeedSortsAndMerges(t *testing.T) {
	var one, two, late, newer feed.Builder
	add(&one, 20, "B")
	add(&one, 10, "C")
	add(&two, 20, "A")
	f := feed.New(&one, &two)
	before := f.Snapshot()
	if got, want := uuids(before), []string{"C", "A", "B"}; !slices.Equal(got, want) {
		t.Fatalf("order = %v, want %v", got, want)
	}
	add(&late, 15, "L")
	f.Insert(&late)
	add(&newer, 30, "N")
	f.Insert(&newer)
	if got, want := uuids(f.Snapshot()), []string{"C", "L", "A", "B", "N"}; !slices.Equal(got, want) {
		t.Errorf("after inserts = %v, want %v", got, want)
	}
	if got, want := uuids(before), []string{"C", "A", "B"}; !slices.Equal(got, want) {
		t.Errorf("an older snapshot changed to %v", got)
	}
}

func TestSnapshotSearch(t *testing.T) {
	var b feed.Builder
	for _, u := range []string{"A", "B", "C"} {
		add(&b, 10, u)
	}
	add(&b, 20, "D")
	s := feed.New(&b).Snapshot()
	for _, c := range []struct {
		after feed.Position
		want  int
	}{
		{feed.Position{Milli: 9, UUID: "Z"}, 0},
		{feed.Position{Milli: 10}, 0},
		{feed.Position{Milli: 10, UUID: "A"}, 1},
		{feed.Position{Milli: 10, UUID: "C"}, 3},
		{feed.Position{Milli: 20, UUID: "D"}, 4},
	} {
		if got := s.After(c.after); got != c.want {
			t.Errorf("After(%v) = %d, want %d", c.after, got, c.want)
		}
	}
	for milli, want := range map[int64]int{10: 0, 11: 3, 20: 3, 21: 4} {
		if got := s.From(milli); got != want {
			t.Errorf("From(%d) = %d, want %d", milli, got, want)
		}
	}
	if got := string(s.Raw(3)); got != `{"uuid":"D","at":20}` {
		t.Errorf("Raw(3) = %s", got)
	}
}

func TestStripV2(t *testing.T) {
	for name, c := range map[string][2]string{
		"middle":       {`{"a":1,"account_uuid":"X","b":2}`, `{"a":1,"b":2}`},
		"first":        {`{"account_uuid":"X","b":2}`, `{"b":2}`},
		"last":         {`{"a":1,"account_uuid":"X"}`, `{"a":1}`},
		"only":         {`{"account_uuid":"X"}`, `{}`},
		"two last":     {`{"a":1,"actor_type":"user","account_uuid":"X"}`, `{"a":1}`},
		"all of three": {`{"user_type":"u","actor_type":"user","account_uuid":"X"}`, `{}`},
		"nested":       {`{"u":{"n":"x","user_type":"user","user_account_uuid":"A"},"z":[1]}`, `{"u":{"n":"x"},"z":[1]}`},
		"object value": {`{"account_uuid":{"x":[1,{"y":"}"}]},"b":2}`, `{"b":2}`},
		"null value":   {`{"account_uuid":null}`, `{}`},
		"as a value":   {`{"a":"account_uuid","b":["user_type"]}`, `{"a":"account_uuid","b":["user_type"]}`},
		"in a string":  {`{"a":",\"account_uuid\":\"X\""}`, `{"a":",\"account_uuid\":\"X\""}`},
		"with spaces":  {`{ "a" : 1 , "account_uuid" : "X" }`, `{ "a" : 1 }`},
		"untouched":    {`{"a":1.0E+2}`, `{"a":1.0E+2}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(feed.StripV2([]byte("kept,"), []byte(c[0]))); got != "kept,"+c[1] {
				t.Errorf("StripV2(%s) = %s, want %s", c[0], got[5:], c[1])
			}
		})
	}
}

func FuzzStripV2(f *testing.F) {
	f.Add([]byte(`{"a":1,"account_uuid":"X","b":{"user_type":[{}]}}`))
	f.Add([]byte(`{"a" : "\"", "actor_type":1e3 }`))
	f.Add([]byte(`{"a":1e1000,"user_type":-1e-1000}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := feed.StripV2(nil, raw) // must not panic on anything
		if !json.Valid(raw) {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("StripV2(%s) = %s: not JSON", raw, got)
		}
		// Numbers stay as they are written: 1e1000 is JSON, though no float64 can hold it.
		var v any
		decoder := json.NewDecoder(bytes.NewReader(got))
		decoder.UseNumber()
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if holdsV2(v) {
			t.Fatalf("StripV2(%s) = %s: still holds a v2 member", raw, got)
		}
	})
}

func holdsV2(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			switch k {
			case "account_uuid", "actor_type", "actor_account_uuid", "user_type", "user_account_uuid":
				return true
			}
			if holdsV2(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsV2)
	}
	return false
}
