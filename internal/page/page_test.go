package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/page"
)

// answer makes a body of n records with gaps between them.
func answer(n int) ([]byte, []page.Range) {
	var b bytes.Buffer
	var records []page.Range
	b.WriteString(`{"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n")
		}
		start := b.Len()
		fmt.Fprintf(&b, `{"uuid":"EVENT%d","note":"%s"}`, i, strings.Repeat("x", i%17))
		records = append(records, page.Range{Start: start, End: b.Len()})
	}
	b.WriteString(`],"has_more":false}`)
	return b.Bytes(), records
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, page.FrameRecords - 1, page.FrameRecords, page.FrameRecords + 1, 2 * page.FrameRecords, 1000} {
		body, records := answer(n)
		layout, packed, err := page.Encode(body, records)
		if err != nil {
			t.Fatal(err)
		}
		l, err := page.ParseLayout(layout)
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, l, body, records, packed)
	}
}

func checkLayout(t *testing.T, l page.Layout, body []byte, records []page.Range, packed []byte) {
	t.Helper()
	got, err := l.Decode(packed)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%d records: body differs, %v", len(records), err)
	}
	var joined []byte
	for i, s := range l.Segments() {
		if s.Record != (i%2 == 1) {
			t.Errorf("segment %d: record is %v", i, s.Record)
		}
		joined = append(joined, body[s.Start:s.End]...)
	}
	if !bytes.Equal(joined, body) {
		t.Errorf("%d records: the segments are not the body", len(records))
	}
	for i, r := range records {
		at, length := l.FrameAt(l.FrameOf(i))
		f, err := l.DecodeFrame(l.FrameOf(i), packed[at:at+length])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Record(i), body[r.Start:r.End]) {
			t.Errorf("record %d of %d differs", i, len(records))
		}
	}
}

func TestEncodeRefusesRecordsThatAreNone(t *testing.T) {
	for _, records := range [][]page.Range{{{-1, 2}}, {{3, 2}}, {{0, 9}}, {{0, 3}, {2, 4}}} {
		if _, _, err := page.Encode([]byte("12345678"), records); err == nil {
			t.Errorf("%v was packed", records)
		}
	}
	if _, _, err := page.Encode(make([]byte, page.MaxBody+1), nil); err == nil {
		t.Error("a body above the limit was packed")
	}
}

func TestDamageIsSeen(t *testing.T) {
	body, records := answer(200)
	layout, packed, err := page.Encode(body, records)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range layout {
		if _, err := page.ParseLayout(layout[:cut]); !errors.Is(err, page.ErrCorrupt) {
			t.Fatalf("a layout cut at %d gave %v", cut, err)
		}
	}
	if _, err := page.ParseLayout(append(bytes.Clone(layout), 0)); !errors.Is(err, page.ErrCorrupt) {
		t.Errorf("a layout with one byte too many gave %v", err)
	}
	l, err := page.ParseLayout(layout)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, packed[:len(packed)-1], append(bytes.Clone(packed), 1), make([]byte, len(packed))} {
		if _, err := l.Decode(bad); !errors.Is(err, page.ErrCorrupt) {
			t.Errorf("damaged frames gave %v", err)
		}
	}
}

func FuzzParseLayout(f *testing.F) {
	for _, n := range []int{0, 1, 130} {
		layout, packed, err := page.Encode(answer(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(layout, packed)
	}
	f.Fuzz(func(t *testing.T, layout, packed []byte) {
		l, err := page.ParseLayout(layout)
		if err != nil {
			return
		}
		body, err := l.Decode(packed)
		if err != nil {
			return
		}
		if len(body) != l.Size() {
			t.Fatalf("%d bytes instead of %d", len(body), l.Size())
		}
		for i := range l.Records() {
			at, length := l.FrameAt(l.FrameOf(i))
			frame, err := l.DecodeFrame(l.FrameOf(i), packed[at:at+length])
			if err != nil {
				t.Fatal(err)
			}
			frame.Record(i)
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"items":[{"a":1},{"b":2}]}`), uint64(1))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var records []page.Range
		for at := rng.IntN(8); at < len(body); {
			end := min(len(body), at+rng.IntN(9))
			records = append(records, page.Range{Start: at, End: end})
			at = end + rng.IntN(3)
		}
		layout, packed, err := page.Encode(body, records)
		if err != nil {
			t.Fatal(err)
		}
		l, err := page.ParseLayout(layout)
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, l, body, records, packed)
	})
}

func BenchmarkEncode(b *testing.B) {
	body, records := answer(1000)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, _, err := page.Encode(body, records); err != nil {
			b.Fatal(err)
		}
	}
}
