package recipe

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibithq/exhibit/internal/evidence"
)

func asMap(f fields) map[string]string {
	m := map[string]string{}
	for _, x := range f {
		path := x.name
		if x.group != "" {
			path = x.group + "." + x.name
		}
		m[path] = f.get(path)
	}
	return m
}

func TestReadFields(t *testing.T) {
	reader := newFieldReader() // one for all: what one event held must not show in the next
	for name, c := range map[string]struct {
		raw  string
		want map[string]string
	}{
		"as documented":    {`{"uuid":"U","client":{"app_version":"1"},"details":null,"n":3}`, map[string]string{"uuid": "U", "client.app_version": "1", "n": "3"}},
		"nothing":          {``, map[string]string{}},
		"no object":        {`["x"]`, map[string]string{}},
		"cut":              {`{"a":"1","client":{"ip":"x","v`, map[string]string{"a": "1", "client.ip": "x"}},
		"wrong shapes":     {`{"client":"text","location":[1],"user":{"name":{"x":1},"email":true}}`, map[string]string{"client": "text", "user.email": "true"}},
		"twice":            {`{"a":"1","a":"2"}`, map[string]string{"a": "2"}},
		"escaped key":      {`{"\u0061":"1"}`, map[string]string{"a": "1"}},
		"other case":       {`{"Timestamp":"x"}`, map[string]string{"Timestamp": "x"}},
		"broken UTF-8":     {"{\"a\":\"\xff\"}", map[string]string{"a": "\uFFFD"}},
		"rubbish follows":  {`{"a":"1"} rubbish`, map[string]string{"a": "1"}},
		"a dot in the key": {`{"client.ip":"1"}`, map[string]string{"client.ip": ""}},
		"an empty group":   {`{"timestamp":"1","":{"timestamp":"2"}}`, map[string]string{"timestamp": "1"}},
		"a dot in a group": {`{"a.b":{"c":"1"}}`, map[string]string{"a.b.c": ""}},
	} {
		if diff := cmp.Diff(c.want, asMap(reader.read([]byte(c.raw)))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhen(t *testing.T) {
	filed := evidence.Event{Facts: evidence.Facts{At: time.UnixMilli(1700000000123)}}
	for given, want := range map[string]string{
		"2026-10-05T09:00:00.12345678Z": "2026-10-05T09:00:00.12345678Z",
		"2026-10-05T06:00:00-03:00":     "2026-10-05T09:00:00Z",
		"yesterday":                     "2023-11-14T22:13:20.123Z",
		"":                              "2023-11-14T22:13:20.123Z",
	} {
		if got := when(filed, fields{{name: "timestamp", value: given}}); got != want {
			t.Errorf("%q: %s, want %s", given, got, want)
		}
	}
}

func FuzzReadFields(f *testing.F) {
	for _, s := range []string{`{"a":"1","b":{"c":2,"d":null}}`, `{"a`, `[]`, "{\"\xff\":\"\xff\"}", `{"a":{"b":{"c":1}}}`, strings.Repeat(`{"a":`, 50)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, x := range newFieldReader().read(raw) {
			if !utf8.ValidString(x.group+x.name) || !utf8.ValidString(x.value) {
				t.Fatalf("%+q is no UTF-8", x)
			}
		}
	})
}

// FuzzCells: whatever a value is, it comes back from NDJSON, it starts no formula in CSV, and it is no markup in HTML.
func FuzzCells(f *testing.F) {
	for _, s := range []string{"", "x", "=1", " +1", "a; \"=1", "\"", "\r\n", "\u202e", "\xff", "<b>", "'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendJSONString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") && back != s {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(appendCSV([]byte("x,"), s)) + "\r\n")).ReadAll()
		if err != nil || len(rows) != 1 || len(rows[0]) != 2 {
			t.Fatalf("%q is not one cell: %q, %v", s, rows, err)
		}
		for _, piece := range strings.FieldsFunc(rows[0][1], func(c rune) bool { return strings.ContainsRune(";\t\r\n", c) }) {
			if strings.IndexAny(strings.TrimLeft(piece, " \""), formulaStarts) == 0 {
				t.Fatalf("%q could run as %q", s, piece)
			}
		}
		bare := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "'", "") }
		if bare(strings.ReplaceAll(rows[0][1], "'", "")) != bare(strings.ReplaceAll(s, "'", "")) {
			t.Fatalf("%q came back as %q", s, rows[0][1])
		}
		if strings.ContainsFunc(visible(s), hidden) {
			t.Fatalf("%q hides something: %q", s, visible(s))
		}
		if got := joinList(list([]string{s, "end"})); got != strings.ToValidUTF8(s, "\uFFFD")+"; end" {
			t.Fatalf("list of %q reads %q", s, got)
		}
	})
}

func BenchmarkReadFields(b *testing.B) {
	raw := []byte(`{"uuid":"HGIF4OEWXDTVWKEQDIWTKV26HU","session_uuid":"UED4KFZ5BH37IQWTJ7LG4VPWK7","timestamp":"2026-08-11T14:28:03.123456789Z","country":"CA","category":"credentials_failed","type":"password_secret_bad","details":null,"target_user":{"uuid":"OJQGU46KAPROEJLCK674RHSAY5","name":"Ada Example","email":"ada@example.com"},"client":{"app_name":"1Password Browser Extension","app_version":"1109","platform_name":"Chrome","platform_version":"93.0.4577.62","os_name":"Android","os_version":"10","ip_address":"192.0.2.156"},"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.64,"longitude":-79.433}}`)
	r := newFieldReader()
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		r.read(raw)
	}
}
