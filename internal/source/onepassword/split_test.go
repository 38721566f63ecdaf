package onepassword

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var noTime = time.Date(2026, 3, 1, 0, 0, 0, 123_456_789, time.UTC)

func usage(uuid, at string) string { return fmt.Sprintf(`{"uuid":%q,"timestamp":%q}`, uuid, at) }

func pageOf(items ...string) string {
	return `{"cursor":"c","has_more":false,"items":[` + strings.Join(items, ",") + `]}`
}

func TestSplit(t *testing.T) {
	one, two := usage("A", "2026-02-02T00:00:01Z"), usage("B", "2026-02-02T00:00:02Z")
	for name, body := range map[string]string{
		"empty":               `{"cursor":"c","has_more":true,"items":[]}`,
		"plain":               pageOf(one, two),
		"other order":         `{"items":[` + one + `],"has_more":true,"cursor":"c"}`,
		"white space":         " \r\n{ \"cursor\" :\t\"c\" , \"has_more\": true,\n\"items\": [ \n" + one + "\n ,\n\n " + two + " ] } \n",
		"unknown keys":        `{"next":{"a":[1]},"cursor":"c","has_more":true,"items":[` + one + `],"v":2}`,
		"escaped key":         `{"cur\u0073or":"c","has_more":true,"items":[` + one + `]}`,
		"brackets in strings": pageOf(`{"uuid":"}]{[,\"","timestamp":"2026-02-02T00:00:01Z"}`, two),
		"items of any kind":   pageOf(`null`, `12`, `"text"`, `[1,[2]]`, `true`, one, `{}`),
	} {
		t.Run(name, func(t *testing.T) {
			e, err := split(Usages, []byte(body), 1000, noTime)
			if err != nil {
				t.Fatal(err)
			}
			if e.cursor != "c" || e.more != strings.Contains(body, "true,") && !strings.Contains(body, `"has_more":false`) {
				t.Errorf("cursor %q, more %v", e.cursor, e.more)
			}
			checkSegments(t, []byte(body), e)
		})
	}
}

// checkSegments compares the records with the items as another reader finds them.
func checkSegments(t *testing.T, body []byte, e envelope) {
	t.Helper()
	var want struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(body, &want); err != nil {
		t.Fatal(err)
	}
	var joined []byte
	at := 0
	if len(want.Items) != len(e.records) {
		t.Fatalf("%d records of %d items", len(e.records), len(want.Items))
	}
	for i, r := range e.records {
		joined = append(joined, body[at:r.Start]...)
		joined = append(joined, body[r.Start:r.End]...)
		at = r.End
		if !bytes.Equal(body[r.Start:r.End], want.Items[i]) {
			t.Errorf("record %d is %s, want %s", i, body[r.Start:r.End], want.Items[i])
		}
	}
	if joined = append(joined, body[at:]...); !bytes.Equal(joined, body) {
		t.Error("gaps and records do not make up the body")
	}
}

func TestSplitRefuses(t *testing.T) {
	one := usage("A", "2026-02-02T00:00:01Z")
	for name, c := range map[string]struct{ body, want string }{
		"nothing":                 {"", "no JSON object"},
		"list":                    {"[]", "no JSON object"},
		"HTML":                    {"<html>", "no JSON object"},
		"cut in an item":          {`{"cursor":"c","has_more":true,"items":[{"uuid":"A`, "unexpected EOF"},
		"cut behind the items":    {`{"cursor":"c","has_more":true,"items":[` + one + `]`, "unexpected EOF"},
		"trailing value":          {pageOf(one) + "{}", "follows behind"},
		"trailing garbage":        {pageOf(one) + "x", "follows behind"},
		"key twice":               {`{"cursor":"c","cursor":"d","has_more":true,"items":[]}`, "twice"},
		"key twice, escaped":      {`{"cursor":"c","cur\u0073or":"d","has_more":true,"items":[]}`, "twice"},
		"unknown key twice":       {`{"a":1,"a":2,"cursor":"c","has_more":true,"items":[]}`, "twice"},
		"no cursor":               {`{"has_more":true,"items":[]}`, `"cursor" is missing`},
		"no has_more":             {`{"cursor":"c","items":[]}`, `"has_more" is missing`},
		"no items":                {`{"cursor":"c","has_more":true}`, `"items" is missing`},
		"empty cursor":            {`{"cursor":"","has_more":true,"items":[]}`, "cursor is empty"},
		"cursor null":             {`{"cursor":null,"has_more":true,"items":[]}`, "cursor is no text"},
		"cursor with NUL":         {`{"cursor":"a\u0000b","has_more":true,"items":[]}`, "control"},
		"cursor too long":         {`{"cursor":"` + strings.Repeat("a", 9000) + `","has_more":true,"items":[]}`, "too long"},
		"has_more text":           {`{"cursor":"c","has_more":"true","items":[]}`, "neither true nor false"},
		"items null":              {`{"cursor":"c","has_more":true,"items":null}`, "items is no list"},
		"items object":            {`{"cursor":"c","has_more":true,"items":{}}`, "items is no list"},
		"too many":                {pageOf(one, one, one, one), "more than the 3"},
		"invalid UTF-8":           {pageOf(`{"uuid":"` + "\xff" + `"}`), "UTF-8"},
		"lone surrogate":          {pageOf(`{"uuid":"\ud800"}`), "surrogate"},
		"bare control":            {pageOf("{\"uuid\":\"a\nb\"}"), "invalid character"},
		"comma at the end":        {`{"cursor":"c","has_more":true,"items":[` + one + `,]}`, "invalid character"},
		"number with leading nil": {pageOf(`{"used_version":01}`), "invalid character"},
		"error body":              {`{"Error":{"Message":"Bad Request"}}`, "is missing"},
		"too deep":                {pageOf(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)), "depth"},
		"too many keys":           {"{" + manyKeys(100) + `"cursor":"c","has_more":true,"items":[]}`, "more keys"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := split(Usages, []byte(c.body), 3, noTime); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := split("users", []byte(pageOf()), 3, noTime); err == nil {
		t.Error("an unknown stream was split")
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	return b.String()
}

func TestTimesAreFilledAndOrderIsSeen(t *testing.T) {
	page := func(times ...string) []byte {
		var items []string
		for i, at := range times {
			items = append(items, usage(fmt.Sprint(i), at))
		}
		return []byte(pageOf(items...))
	}
	for _, c := range []struct {
		times   []string
		seconds []int // of At, -1 for noTime
		ordered bool
	}{
		{[]string{"2026-02-02T00:00:01Z", "2026-02-02T00:00:01Z", "2026-02-02T00:00:03Z"}, []int{1, 1, 3}, true},
		{[]string{"2026-02-02T00:00:03Z", "2026-02-02T00:00:01Z"}, []int{3, 1}, false},
		{[]string{"", "2026-02-02T00:00:02Z", "x", "0001-01-01T00:00:00Z", "2026-02-02T00:00:04Z", "?"}, []int{2, 2, 2, 2, 4, 4}, true},
		{[]string{"", "x"}, []int{-1, -1}, true},
		{nil, nil, true},
	} {
		e, err := split(Usages, page(c.times...), 10, noTime)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range e.records {
			want := noTime.Truncate(time.Millisecond)
			if c.seconds[i] >= 0 {
				want = time.Date(2026, 2, 2, 0, 0, c.seconds[i], 0, time.UTC)
			}
			_, readable := parseTime([]byte(c.times[i]))
			if !r.Facts.At.Equal(want) || readable == (r.Facts.Odd&evidence.OddTime != 0) {
				t.Errorf("%v: event %d is at %v, odd %v; want %v", c.times, i, r.Facts.At, r.Facts.Odd.Words(), want)
			}
		}
		if got := ordered(e.records); got != c.ordered {
			t.Errorf("%v: ordered %v", c.times, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	for in, want := range map[string]string{
		"2024-12-02T11:54:21Z":                "2024-12-02T11:54:21Z",
		"2024-12-02T11:54:21.2Z":              "2024-12-02T11:54:21.2Z",
		"2024-12-02T11:54:21.24645983Z":       "2024-12-02T11:54:21.246Z",
		"2024-12-02T11:54:21.999999999Z":      "2024-12-02T11:54:21.999Z",
		"2024-12-02T11:54:21.0009Z":           "2024-12-02T11:54:21Z",
		"2024-12-02T11:54:21.123456789012Z":   "2024-12-02T11:54:21.123Z",
		"2023-03-15T16:33:50-03:00":           "2023-03-15T19:33:50Z",
		"2023-03-15T16:33:50.5+05:45":         "2023-03-15T10:48:50.5Z",
		"2024-02-29T23:59:60Z":                "2024-03-01T00:00:00Z",
		"2024-01-01t00:00:00z":                "2024-01-01T00:00:00Z",
		"1969-12-31T23:59:59.5Z":              "1969-12-31T23:59:59.5Z",
		"9999-12-31T23:59:59Z":                "9999-12-31T23:59:59Z",
		"2023-03-15T16:33:50.000000000+00:00": "2023-03-15T16:33:50Z",
	} {
		got, ok := parseTime([]byte(in))
		if !ok || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%s gives %v, %v; want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "2024-12-02", "2024-12-02T11:54:21", "2024-12-02 11:54:21Z", "2024-12-02T11:54:21.Z", "2024-13-02T11:54:21Z",
		"2024-12-32T11:54:21Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-12-02T24:00:00Z", "2024-12-02T11:60:21Z", "2024-12-02T11:54:61Z",
		"2024-12-02T11:54:21+0300", "2024-12-02T11:54:21+24:00", "2024-12-02T11:54:21+03:60", "2024-12-02T11:54:21Zx", "+024-12-02T11:54:21Z", "0001-01-01T00:00:00Z", "2024-12-02T11:54:2aZ"} {
		if got, ok := parseTime([]byte(in)); ok {
			t.Errorf("%q is read as %v", in, got)
		}
	}
}

// FuzzTime compares with the standard library wherever that reads a time.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2024-12-02T11:54:21.24645983Z", "2023-03-15T16:33:50-03:00", "2024-02-29T23:59:60Z", "2023-03-15T10:33:50-03:60", "2023-03-15T10:33:50+24:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		// The library also takes commas, hours of one digit, and offsets of 24 hours or 60 minutes, which RFC 3339 does
		// not have.
		strict := err == nil && !want.IsZero() && !strings.Contains(s, ",") && len(s) > 13 && s[13] == ':' &&
			!strings.HasSuffix(s, ":60") && !strings.Contains(s, "+24:") && !strings.Contains(s, "-24:")
		if strict && (!ok || !got.Equal(want.Truncate(time.Millisecond)) && want.Year() > 1) {
			t.Errorf("%q gives %v, %v; the library reads %v", s, got, ok, want)
		}
		if ok && err != nil && !strings.Contains(s, ":60") && !strings.ContainsAny(s, "tz") {
			t.Errorf("%q gives %v; the library refuses it: %v", s, got, err)
		}
		if ok && (got.Location() != time.UTC || got.Nanosecond()%int(time.Millisecond) != 0) {
			t.Errorf("%q gives %v", s, got)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(pageOf(usage("A", "2026-02-02T00:00:01Z"), usage("B", ""))), 10)
	f.Add([]byte(`{"items":[null,{"a":1,"a":2},[]],"cursor":"c","has_more":true}`), 3)
	f.Add(benchPage("signinattempts", 2), 2)
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		before := bytes.Clone(body)
		e, err := split(SignIns, body, max(0, limit), noTime)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			return
		}
		if !json.Valid(body) || e.cursor == "" || len(e.records) > limit {
			t.Fatalf("accepted: %q", body)
		}
		if !hasTwins(body) { // the other reader takes keys in any case and the last of two
			checkSegments(t, body, e)
		}
		for _, r := range e.records {
			checkFacts(t, r.Facts)
			raw := body[r.Start:r.End]
			again := normalise(SignIns, raw)
			if again.At.IsZero() {
				again.At = r.Facts.At
			}
			if again != r.Facts {
				t.Errorf("%s: %+v alone, %+v in the page", raw, again, r.Facts)
			}
		}
	})
}

// hasTwins reports whether two keys of the envelope differ by case alone.
func hasTwins(body []byte) bool {
	var keys map[string]json.RawMessage
	if json.Unmarshal(body, &keys) != nil {
		return true
	}
	var lower []string
	for k := range keys {
		if k != "items" && strings.EqualFold(k, "items") {
			return true
		}
		lower = append(lower, strings.ToLower(k))
	}
	slices.Sort(lower)
	return len(slices.Compact(lower)) != len(keys)
}

func checkFacts(t *testing.T, f evidence.Facts) {
	t.Helper()
	if f.UUID == "" || f.At.IsZero() {
		t.Errorf("no name or no time: %+v", f)
	}
	for _, s := range []string{f.UUID, f.Action, f.Type, f.Person.UUID, f.Person.Name, f.Person.Email, f.Vault, f.Item, f.Target, f.Country, f.IP, f.Client} {
		if len(s) > longestFact || strings.ContainsRune(s, 0) || strings.ToValidUTF8(s, "") != s {
			t.Errorf("%q cannot stand in a database", s)
		}
	}
}
