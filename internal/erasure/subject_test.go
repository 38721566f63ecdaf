package erasure

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

const aPerson = "BOBERGBOBERGBOBERGBOBERG22"

func TestParseSubject(t *testing.T) {
	for text, ok := range map[string]bool{aPerson: true, " boberg" + "boberg" + "boberg" + "boberg22 ": true, "Bo@Example.com": true, "bo": false, "": false, "@example.com": false, "bo@": false,
		"Bo Berg <bo@example.com>": false, "bo@example.com,eve@example.com": false, "U1": false} {
		s, err := ParseSubject(text)
		if (err == nil) != ok || ok && len(s.UUIDs)+len(s.Emails) != 1 {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
		if err != nil && evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: code %s", text, evidence.ErrorCode(err))
		}
	}
}

func TestWiden(t *testing.T) {
	s := Subject{Emails: []string{"bo@example.com"}}.widen([]evidence.Person{
		{UUID: aPerson, Name: "Bo Berg", Email: "Bo@Example.com"}, {UUID: aPerson, Name: "Bo Berg", Email: "BO@example.com"},
		{UUID: "SOMEBODYSOMEBODYSOMEBODY22", Name: "Bo Berg", Email: "other@example.com"}, {Name: "Nobody"},
	})
	if !slices.Equal(s.UUIDs, []string{aPerson}) || !slices.Equal(s.Emails, []string{"bo@example.com"}) || !slices.Equal(s.Names, []string{"Bo Berg"}) {
		t.Errorf("%+v", s)
	}
}

func TestNamed(t *testing.T) {
	s := Subject{UUIDs: []string{aPerson}, Emails: []string{"bo@example.com"}}
	for raw, want := range map[string]bool{
		`{"actor_uuid":"` + aPerson + `"}`:     true,
		`{"aux":"moved X` + aPerson + `"}`:     false,
		`{"email":"BO@Example.COM"}`:           true,
		`{"email":"bo\u0040example.com"}`:      true,
		`{"email":"\u0062o@example.com"}`:      true,
		`{"email":"bo@example.com.evil.org"}`:  false,
		`{"email":"jo.bo@example.com"}`:        false,
		`{"email":"jobo@example.com"}`:         false,
		`{"email":"bo@example.community"}`:     false,
		`{"email":"bo-bo@example.com"}`:        false,
		`{"details":"was bo@example.com."}`:    true,
		`{"details":"a\\nb","x":"jo@ex.com"}`:  false,
		`{"\u0062o@example.com":1}`:            true,
		`{"details":"half \`:                   false,
		`{"name":"Bo Berg","email":"b@x.org"}`: false,
	} {
		if got := s.Named([]byte(raw)); got != want {
			t.Errorf("%s: %v", raw, got)
		}
		if s.Named([]byte(raw)) && !s.mayName([]byte(raw)) {
			t.Errorf("%s: a page that holds it would be passed over", raw)
		}
	}
}

// FuzzNamed writes an address in every way that JSON has, and holds that it is found.
func FuzzNamed(f *testing.F) {
	f.Add("bo@example.com", "before ", " behind")
	f.Add("x.y+z@example.org", "", "")
	f.Fuzz(func(t *testing.T, email, before, behind string) {
		s, err := ParseSubject(email)
		if err != nil || len(s.Emails) == 0 {
			return
		}
		raw, err := json.Marshal(map[string]string{"details": before + " " + email + " " + behind})
		if err != nil {
			return
		}
		var back map[string]string
		if json.Unmarshal(raw, &back) != nil || back["details"] != before+" "+email+" "+behind {
			return // it is not UTF-8
		}
		if !s.Named(raw) || !s.mayName(raw) {
			t.Errorf("%q is not found in %s", email, raw)
		}
	})
}

func TestBatches(t *testing.T) {
	long := store.PageTargets{Page: 1}
	for i := range 9000 {
		long.Positions, long.Times = append(long.Positions, i), append(long.Times, int64(i))
	}
	pages := []store.PageTargets{long}
	for i := range 60 {
		pages = append(pages, store.PageTargets{Page: int64(i + 2), Positions: []int{1}, Times: []int64{1}})
	}
	n := 0
	for _, b := range batches(pages) {
		segments := 0
		for _, p := range b {
			segments += len(p.Positions)
			if len(p.Positions) != len(p.Times) {
				t.Errorf("page %d has %d times of %d records", p.Page, len(p.Times), len(p.Positions))
			}
		}
		if len(b) > pagesAtOnce || segments > segmentsAtOnce {
			t.Errorf("a step has %d pages and %d records", len(b), segments)
		}
		n += segments
	}
	if n != 9060 {
		t.Errorf("%d records are in the steps", n)
	}
}
