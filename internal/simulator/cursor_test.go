package simulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/simulator/feed"
)

func TestCursorRoundTrip(t *testing.T) {
	for _, c := range []cursor{
		{Limit: 1, End: noEnd, After: feed.Position{Milli: 1615231498000, UUID: "E7V6V3GMSVAMJNKSE2RARK2UX4"}},
		{Limit: 1000, End: 1615231498000, After: feed.Position{Milli: -1}},
		{Limit: 100, End: -1, After: feed.Position{UUID: strings.Repeat("x", maxTieBreaker)}, Last: 100, Nonce: 7},
	} {
		text := c.encode()
		got, err := decodeCursor(text)
		if err != nil || got != c {
			t.Errorf("decodeCursor(encode(%+v)) = %+v, %v", c, got, err)
		}
	}
	if n := len((cursor{Limit: 100, End: noEnd, After: feed.Position{Milli: 1615231498000, UUID: "E7V6V3GMSVAMJNKSE2RARK2UX4"}}).encode()); n < 180 || n > 232 {
		t.Errorf("a cursor has %d characters, real ones have about 184 to 232", n)
	}
}

func TestDecodeCursorRefuses(t *testing.T) {
	good := cursor{Limit: 5, End: noEnd, After: feed.Position{Milli: 1, UUID: "A"}}.encode()
	for _, limit := range []int{0, 1001} {
		if _, err := decodeCursor(cursor{Limit: limit, End: noEnd}.encode()); err == nil {
			t.Errorf("a cursor with limit %d is accepted", limit)
		}
	}
	if _, err := decodeCursor(cursor{Limit: 5, Last: 6, End: noEnd}.encode()); err == nil {
		t.Error("a cursor of a page larger than its limit is accepted")
	}
	for i := range good { // every change of one character must be noticed
		b := []byte(good)
		b[i] ^= 1
		if _, err := decodeCursor(string(b)); err == nil {
			t.Errorf("a cursor with character %d changed is accepted", i)
		}
		if _, err := decodeCursor(good[:i]); err == nil {
			t.Errorf("a cursor cut at %d is accepted", i)
		}
	}
}

// A number written longer than it need be would make two texts of one cursor.
func TestDecodeCursorRefusesOtherSpellings(t *testing.T) {
	b := []byte(cursorPrefix)
	b = append(b, 0x85, 0x00) // limit 5 in two bytes
	b = binary.AppendVarint(b, noEnd)
	b = append(b, 0, 0, 0, 0) // position 0 without uuid, no last page, nonce 0
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	if c, err := decodeCursor(base64.RawURLEncoding.EncodeToString(b)); err == nil {
		t.Errorf("accepted as %+v", c)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor{Limit: 5, End: noEnd, After: feed.Position{Milli: 1, UUID: "A"}}.encode())
	f.Add("aGVsbG8")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeCursor(text)
		if err == nil && c.encode() != text {
			t.Fatalf("%q decodes to %+v, which is written as %q", text, c, c.encode())
		}
	})
}

func FuzzBody(f *testing.F) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, body := range []string{
		`{}`, `{"limit":1000,"start_time":"2026-01-01T00:00:00Z","end_time":"2026-02-01T00:00:00+01:00"}`, `{"cursor":""}`,
		`{"cursor":"` + cursor{Limit: 5, End: noEnd}.encode() + `"}`, `null`, `{"limit":null}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, asked, err := parseBody(raw, now)
		if err != nil {
			return
		}
		if !json.Valid(raw) || firstByte(raw) != '{' {
			t.Fatalf("%q is accepted although it is no JSON object", raw)
		}
		if c.Limit < 1 || c.Limit > maxLimit {
			t.Fatalf("%q gives the limit %d", raw, c.Limit)
		}
		if asked == "" {
			if _, err := decodeCursor(c.encode()); err != nil {
				t.Fatalf("%q gives a cursor that cannot be read again: %+v", raw, c)
			}
		}
	})
}

func TestUUIDText(t *testing.T) {
	for raw, want := range map[string]int{
		`{"uuid":"A"}`:                      9,
		`{ "uuid" : "A" }`:                  12,
		`{"x":"uuid","uuid":"A"}`:           20,
		`{"x":{"uuid":"A"},"uuid":"A"}`:     26,
		`{"x":["uuid","A"]}`:                -1,
		`{"uuid":"B"}`:                      -1,
		`{"n":"\"uuid\":\"A\"","uuid":"A"}`: 30,
		`{"uuid":"B","uuid":"A"}`:           20, // the last one counts, as in encoding/json
	} {
		if got := uuidText([]byte(raw), "A"); got != want {
			t.Errorf("uuidText(%s) = %d, want %d", raw, got, want)
		}
	}
}

func TestRateLimitWindows(t *testing.T) {
	var l rateLimit
	at := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	take := func(n int, want bool, wait time.Duration) {
		t.Helper()
		for i := range n {
			if ok, w := l.take(at); ok != want || w != wait {
				t.Fatalf("request %d at %s: %t %s, want %t %s", i, at.Format(time.TimeOnly), ok, w, want, wait)
			}
		}
	}
	take(600, true, 0)
	take(3, false, 30*time.Second)
	for range 49 { // 50 minutes of 600 make the hour's 30,000
		at = at.Add(time.Minute)
		take(600, true, 0)
	}
	at = at.Add(time.Minute)
	take(1, false, 9*time.Minute+30*time.Second)
	at = at.Add(10 * time.Minute)
	take(600, true, 0)
}
