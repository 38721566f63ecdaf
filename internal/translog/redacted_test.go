package translog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// threeRecords is a page with three records, its salts and its root.
func threeRecords(t testing.TB) (body []byte, at func(int) (int, int), salts Salts, root Hash) {
	t.Helper()
	body = []byte(`{"items":[{"uuid":"A"},{"uuid":"B"}, {"uuid":"C"}],"cursor":"x","has_more":false}`)
	places := [][2]int{{10, 22}, {23, 35}, {37, 49}}
	at = func(i int) (int, int) { return places[i][0], places[i][1] }
	salts = NewSalts()
	root, err := PageRoot(body, 3, at, salts)
	if err != nil {
		t.Fatal(err)
	}
	return body, at, salts, root
}

// erased gives a page as it is kept after some records were erased, and where its records lie then.
func erased(body []byte, n int, at func(int) (int, int), which map[int]bool) ([]byte, func(int) (int, int)) {
	var out []byte
	var places [][2]int
	end := 0
	for i := range n {
		from, to := at(i)
		out = append(out, body[end:from]...)
		start := len(out)
		if which[i] {
			out = append(out, ErasedRecord...)
		} else {
			out = append(out, body[from:to]...)
		}
		places = append(places, [2]int{start, len(out)})
		end = to
	}
	return append(out, body[end:]...), func(i int) (int, int) { return places[i][0], places[i][1] }
}

// TestErase erases records of a page one after another, and holds that the root stays, that the others are still proven, and
// that nothing of what was erased is left.
func TestErase(t *testing.T) {
	body, at, salts, root := threeRecords(t)
	var gone []int
	for _, i := range []int{1, 2, 0} {
		next, err := salts.Erase(body, 3, at, map[int]bool{i: true})
		if err != nil {
			t.Fatal(err)
		}
		was, _ := salts.At(2*i + 1)
		from, to := at(i)
		raw := bytes.Clone(body[from:to])
		body, at = erased(body, 3, at, map[int]bool{i: true})
		salts = next
		gone = append(gone, i)
		if got, err := PageRoot(body, 3, at, salts); err != nil || got != root {
			t.Fatalf("without record %d: %v", i, err)
		}
		if bytes.Contains(salts, was[:]) || bytes.Contains(body, raw) {
			t.Errorf("record %d or its salt is still there", i)
		}
		if _, err := salts.At(2*i + 1); !errors.Is(err, ErrErased) {
			t.Errorf("the salt of record %d: %v", i, err)
		}
		if got := salts.Erased(); !slices.Equal(got, slices.Sorted(slices.Values(gone))) {
			t.Errorf("erased are %v, want %v", got, gone)
		}
		for k := range 3 {
			p, err := ProveRecord(body, 3, at, salts, k)
			from, to := at(k)
			if slices.Contains(gone, k) {
				if err == nil {
					t.Errorf("record %d, which is gone, is proven", k)
				}
			} else if err != nil || !p.Check(body[from:to], root) {
				t.Errorf("record %d is no longer proven: %v", k, err)
			}
		}
	}
	forged := bytes.Replace(body, []byte(`{"erased":true}`), []byte(`{"erased":1234}`), 1)
	if _, err := PageRoot(forged, 3, at, salts); err == nil {
		t.Error("something may stand in the place of an erased record")
	}
	if _, err := PageRoot(body, 2, at, salts); err == nil {
		t.Error("salts of more segments are accepted")
	}
}

// TestRedacted writes a page with an erased record as a bundle has it, and puts it together again.
func TestRedacted(t *testing.T) {
	body, at, salts, root := threeRecords(t)
	which := map[int]bool{0: true, 2: true}
	next, err := salts.Erase(body, 3, at, which)
	if err != nil {
		t.Fatal(err)
	}
	kept, places := erased(body, 3, at, which)
	segments, err := Redact(kept, 3, places, next, func(i int) int64 { return int64(100 * i) }, func(i int) bool { return i == 2 })
	if err != nil {
		t.Fatal(err)
	}
	text, err := EncodeRedacted(segments)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{`"A"`, `"C"`} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("it tells of %s", secret)
		}
	}
	read, err := DecodeRedacted(text)
	if err != nil || len(read) != 7 || read[1].At != 0 || read[5].At != 200 || !read[5].Again || read[1].Again || read[3].Erased {
		t.Fatalf("%+v, %v", read, err)
	}
	again, records, salts2 := Assemble(read)
	if !bytes.Equal(again, kept) || !bytes.Equal(salts2, next) {
		t.Error("put together it is another page")
	}
	if got, err := PageRoot(again, 3, func(i int) (int, int) { return records[i][0], records[i][1] }, salts2); err != nil || got != root {
		t.Errorf("its root is another one: %v", err)
	}
}

func FuzzDecodeRedacted(f *testing.F) {
	h := Hash{1}.String()
	f.Add([]byte(`{"segments":[{"bytes_b64":"W10=","salt":"` + h + `"}]}`))
	f.Add(fmt.Appendf(nil, `{"segments":[{"bytes_b64":"Ww==","salt":"%s"},{"again":true,"at":"-5","commit":"%s"},{"bytes_b64":"","salt":"%s"}]}`, h, h, h))
	f.Fuzz(func(t *testing.T, b []byte) {
		segments, err := DecodeRedacted(b)
		if err != nil {
			return
		}
		if again, err := EncodeRedacted(segments); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is also written %q (%v)", b, again, err)
		}
		body, records, salts := Assemble(segments)
		if _, err := PageRoot(body, len(records), func(i int) (int, int) { return records[i][0], records[i][1] }, salts); err != nil {
			t.Errorf("%q gives no root: %v", b, err)
		}
	})
}
