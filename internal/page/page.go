// Package page keeps one answer of a source to the byte, in a form from which one record can be taken cheaply.
//
// A body is a row of segments gap, record, gap, record, …, gap whose concatenation is the body. It is stored as frames of
// zstd, each of FrameRecords records with the gaps before them (the last one with the gap behind it), one after another
// without anything between, so that any zstd decoder gives the whole body. Beside it stands a layout, from which follows
// where each segment and each frame lies:
//
//	uvarint 1                          version
//	uvarint number of records
//	uvarint bytes of the body
//	per record: uvarint bytes of the gap before it, uvarint bytes of the record
//	per frame:  uvarint bytes of the compressed frame
//
// What is stored may be damaged, so everything that is read is checked: no input makes this package panic or allocate more
// than MaxBody. The digest of the body is kept by the caller and checked there.
package page

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// FrameRecords is how many records share a frame. More compress better, fewer are cheaper to read one of.
const FrameRecords = 128

// MaxBody is the size of the largest body, in bytes.
const MaxBody = 64 << 20

const version = 1

// ErrCorrupt says that a layout or a frame is not what Encode wrote.
var ErrCorrupt = errors.New("the stored page is damaged")

// Range is the place of a record in a body: Body[Start:End].
type Range struct{ Start, End int }

// Segment is a piece of a body: a record, or the gap before, between or behind records.
type Segment struct {
	Range
	Record bool
}

// Layout tells where the segments and frames of one page lie. It is immutable.
type Layout struct {
	size    int
	records []Range
	frames  []frame
}

// frame covers body[start:end] and lies at packed[at:at+length].
type frame struct{ start, end, at, length int }

// Size is the number of bytes of the body.
func (l Layout) Size() int { return l.size }

// Records is the number of records.
func (l Layout) Records() int { return len(l.records) }

// Record is the place of record i in the body.
func (l Layout) Record(i int) Range { return l.records[i] }

// Packed is the number of bytes of all frames.
func (l Layout) Packed() int {
	last := l.frames[len(l.frames)-1]
	return last.at + last.length
}

// Segments gives gap 0, record 0, gap 1, … and the gap behind the last record: 2n+1 segments that cover the body. A gap
// may be empty.
func (l Layout) Segments() []Segment {
	segments := make([]Segment, 0, 2*len(l.records)+1)
	at := 0
	for _, r := range l.records {
		segments = append(segments, Segment{Range: Range{at, r.Start}}, Segment{Range: r, Record: true})
		at = r.End
	}
	return append(segments, Segment{Range: Range{at, l.size}})
}

// FrameOf gives the number of the frame that holds record i.
func (l Layout) FrameOf(i int) int { return i / FrameRecords }

// FrameAt gives where frame f lies among the packed bytes: packed[at:at+length].
func (l Layout) FrameAt(f int) (at, length int) { return l.frames[f].at, l.frames[f].length }

// Encode packs a body whose records lie in order and do not overlap.
func Encode(body []byte, records []Range) (layout, packed []byte, err error) {
	if len(body) > MaxBody {
		return nil, nil, fmt.Errorf("packing a page: %d bytes are more than the %d that a page may have", len(body), MaxBody)
	}
	layout = make([]byte, 0, 16+4*len(records))
	layout = binary.AppendUvarint(layout, version)
	layout = binary.AppendUvarint(layout, uint64(len(records)))
	layout = binary.AppendUvarint(layout, uint64(len(body)))
	at := 0
	for i, r := range records {
		if r.Start < at || r.End < r.Start || r.End > len(body) {
			return nil, nil, fmt.Errorf("packing a page: record %d lies at %d to %d, behind %d of %d bytes", i, r.Start, r.End, at, len(body))
		}
		layout = binary.AppendUvarint(layout, uint64(r.Start-at))
		layout = binary.AppendUvarint(layout, uint64(r.End-r.Start))
		at = r.End
	}
	w := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(w)
	packed = make([]byte, 0, len(body)/4+64)
	for _, f := range frameEnds(records, len(body)) {
		before := len(packed)
		packed = w.EncodeAll(body[f.start:f.end], packed)
		layout = binary.AppendUvarint(layout, uint64(len(packed)-before))
	}
	return layout, packed, nil
}

// frameEnds cuts a body of size bytes into frames: each ends with its last record, the last one with the body.
func frameEnds(records []Range, size int) []frame {
	frames := make([]frame, max(1, (len(records)+FrameRecords-1)/FrameRecords))
	at := 0
	for f := range frames {
		end := size
		if f < len(frames)-1 {
			end = records[(f+1)*FrameRecords-1].End
		}
		frames[f] = frame{start: at, end: end}
		at = end
	}
	return frames
}

// ParseLayout reads what Encode wrote. It fails with ErrCorrupt on anything else.
func ParseLayout(layout []byte) (Layout, error) {
	r := reader{rest: layout}
	if v := r.next(MaxBody); v != version {
		return Layout{}, fmt.Errorf("%w: its layout has version %d", ErrCorrupt, v)
	}
	n, size := r.next(uint64(len(layout))), r.next(MaxBody)
	l := Layout{size: int(size), records: make([]Range, 0, n)}
	at := 0
	for range n {
		start := at + int(r.next(size))
		end := start + int(r.next(size))
		if end > l.size {
			return Layout{}, fmt.Errorf("%w: a record lies outside", ErrCorrupt)
		}
		l.records = append(l.records, Range{start, end})
		at = end
	}
	l.frames = frameEnds(l.records, l.size)
	packed := 0
	for f := range l.frames {
		l.frames[f].at, l.frames[f].length = packed, int(r.next(2*MaxBody))
		packed += l.frames[f].length
	}
	if r.bad || len(r.rest) > 0 {
		return Layout{}, fmt.Errorf("%w: its layout is cut off, too long or out of bounds", ErrCorrupt)
	}
	return l, nil
}

// Decode gives the whole body.
func (l Layout) Decode(packed []byte) ([]byte, error) {
	if len(packed) != l.Packed() {
		return nil, fmt.Errorf("%w: it has %d bytes instead of %d", ErrCorrupt, len(packed), l.Packed())
	}
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	body := make([]byte, 0, l.size)
	for _, f := range l.frames {
		var err error
		if body, err = inflate(d, packed[f.at:f.at+f.length], body, f.end-f.start); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// Frame is a decoded frame: the bytes of some records and of the gaps around them.
type Frame struct {
	layout Layout
	start  int
	body   []byte
}

// DecodeFrame decodes frame f from its own packed bytes.
func (l Layout) DecodeFrame(f int, packed []byte) (Frame, error) {
	place := l.frames[f]
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	body, err := inflate(d, packed, make([]byte, 0, place.end-place.start), place.end-place.start)
	return Frame{layout: l, start: place.start, body: body}, err
}

// Record gives the bytes of record i of the page, which must lie in this frame. They must not be changed.
func (f Frame) Record(i int) []byte {
	r := f.layout.records[i]
	return f.body[r.Start-f.start : r.End-f.start : r.End-f.start]
}

// Size is the number of bytes of the decoded frame.
func (f Frame) Size() int { return len(f.body) }

// inflate appends what packed holds, which must be want bytes, to body, which has room for it.
func inflate(d *zstd.Decoder, packed, body []byte, want int) ([]byte, error) {
	before := len(body)
	if want == 0 && len(packed) == 0 {
		return body, nil // zstd writes nothing for nothing
	}
	out, err := d.DecodeAll(packed, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if len(out)-before != want {
		return nil, fmt.Errorf("%w: a frame holds %d bytes instead of %d", ErrCorrupt, len(out)-before, want)
	}
	return out, nil
}

// reader takes varints from a layout and remembers whether one was wrong.
type reader struct {
	rest []byte
	bad  bool
}

// next gives the next number, or 0 and marks the layout as bad if there is none or it is above limit.
func (r *reader) next(limit uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > limit {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// encoders and decoders cost megabytes and milliseconds to make; each is used by one goroutine at a time.
var (
	encoders = sync.Pool{New: func() any {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return w
	}}
	decoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBody))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	}}
)
