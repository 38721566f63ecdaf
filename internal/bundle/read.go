package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
)

// Reader reads the parts of a bundle whose container was found good. Nothing is ever written to a disk.
type Reader struct {
	from    io.ReaderAt
	entries map[string]entry
	order   []string
}

type entry struct {
	name         string
	start        int64 // of the data
	packed, size int64
	crc          uint32
	method       uint16
}

const (
	localSize   = 30
	centralSize = 46
	endSize     = 22
)

// Open looks at every header of a ZIP file before it believes one of them. It accepts what Writer writes and nothing
// else: local headers one behind another from the first byte on, then the directory with the same names, sizes and sums in
// the same order, then the end record as the very last bytes; parts in the one order; no comments, extra fields, data descriptors, encryption,
// links, directories or ZIP64. It never panics.
func Open(from io.ReaderAt, size int64) (*Reader, error) {
	if size > MaxFile || size < endSize {
		return nil, containerf("it has %d bytes", size)
	}
	end, err := readAt(from, size-endSize, endSize)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	n := int(le.Uint16(end[10:]))
	dirSize, dirAt := int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	if le.Uint32(end) != 0x06054b50 || le.Uint32(end[4:]) != 0 || int(le.Uint16(end[8:])) != n || le.Uint16(end[20:]) != 0 ||
		n == 0 || n > MaxEntries || dirAt+dirSize != size-endSize {
		return nil, containerf("its end record is wrong, or something stands behind it")
	}
	if dirSize > int64(n)*(centralSize+MaxName) {
		return nil, containerf("its directory is too long")
	}
	directory, err := readAt(from, dirAt, int(dirSize))
	if err != nil {
		return nil, err
	}
	r := &Reader{from: from, entries: make(map[string]entry, n)}
	return r, r.walk(directory, n, dirAt)
}

func readAt(from io.ReaderAt, at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := from.ReadAt(b, at); err != nil && (!errors.Is(err, io.EOF) || n > 0) {
		if k, _ := from.ReadAt(b, at); k < n {
			return nil, containerf("it is cut off at %d", at)
		}
	}
	return b, nil
}

// walk goes through directory and local headers side by side.
func (r *Reader) walk(directory []byte, n int, dirAt int64) error {
	at, sum := int64(0), int64(0)
	for i := range n {
		e, rest, err := central(directory, at)
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		directory = rest
		if _, twice := r.entries[e.name]; twice {
			return containerf("the name %s is there twice", e.name)
		}
		if i > 0 && compareParts(r.order[i-1], e.name) > 0 {
			return containerf("%s does not stand in its place among the parts", e.name)
		}
		if at, err = r.local(e, at); err != nil {
			return fmt.Errorf("entry %s: %w", e.name, err)
		}
		if sum += e.size; sum > MaxSum || at > dirAt {
			return containerf("its parts are larger than it says, or larger than is allowed")
		}
		e.start = at - e.packed
		r.entries[e.name] = e
		r.order = append(r.order, e.name)
	}
	if at != dirAt || len(directory) != 0 {
		return containerf("something stands between its parts and its directory, or behind it")
	}
	return nil
}

// central reads one record of the directory, whose local header must lie at at.
func central(b []byte, at int64) (e entry, rest []byte, err error) {
	le := binary.LittleEndian
	if len(b) < centralSize || le.Uint32(b) != 0x02014b50 {
		return e, nil, containerf("its record in the directory is cut off")
	}
	nameLen := int(le.Uint16(b[28:]))
	if nameLen == 0 || len(b) < centralSize+nameLen {
		return e, nil, containerf("its name is cut off")
	}
	e = entry{name: string(b[centralSize : centralSize+nameLen]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
		packed: int64(le.Uint32(b[20:])), size: int64(le.Uint32(b[24:]))}
	if err := CheckName(e.name); err != nil {
		return e, nil, err
	}
	// Version made by and needed, flags, time, date, extra, comment, disk, attributes: each has one value that is written.
	fixed := le.Uint16(b[4:]) == 20 && le.Uint16(b[6:]) == 20 && le.Uint16(b[8:]) == 0 && le.Uint16(b[12:]) == 0 && le.Uint16(b[14:]) == 1<<5|1 &&
		le.Uint16(b[30:]) == 0 && le.Uint16(b[32:]) == 0 && le.Uint16(b[34:]) == 0 && le.Uint16(b[36:]) == 0 && le.Uint32(b[38:]) == 0
	switch {
	case !fixed:
		return e, nil, containerf("it is encrypted, has a date, a comment, attributes or extra fields")
	case e.method != method(e.name):
		return e, nil, containerf("it is packed by method %d", e.method)
	case int64(le.Uint32(b[42:])) != at:
		return e, nil, containerf("it does not lie behind the one before it")
	case e.method == zip.Store && e.size != e.packed:
		return e, nil, containerf("it is stored, but %d bytes are %d", e.size, e.packed)
	case e.size > MaxEntry || e.size > 1<<20 && e.size > maxRatio*e.packed:
		return e, nil, containerf("it unpacks to %d bytes out of %d", e.size, e.packed)
	}
	return e, b[centralSize+nameLen:], nil
}

// local compares a local header with the directory and gives where the data ends.
func (r *Reader) local(e entry, at int64) (end int64, err error) {
	b, err := readAt(r.from, at, localSize+len(e.name))
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	same := le.Uint32(b) == 0x04034b50 && le.Uint16(b[4:]) == 20 && le.Uint16(b[6:]) == 0 && le.Uint16(b[8:]) == e.method && le.Uint16(b[10:]) == 0 &&
		le.Uint16(b[12:]) == 1<<5|1 && le.Uint32(b[14:]) == e.crc && int64(le.Uint32(b[18:])) == e.packed && int64(le.Uint32(b[22:])) == e.size &&
		int(le.Uint16(b[26:])) == len(e.name) && le.Uint16(b[28:]) == 0 && bytes.Equal(b[localSize:], []byte(e.name))
	if !same {
		return 0, containerf("its two headers differ")
	}
	return at + localSize + int64(len(e.name)) + e.packed, nil
}

// Names gives the parts in the order in which they lie in the file.
func (r *Reader) Names() []string { return slices.Clone(r.order) }

// Has reports whether there is such a part.
func (r *Reader) Has(name string) bool { _, ok := r.entries[name]; return ok }

// Size gives the size of a part, 0 if there is none.
func (r *Reader) Size(name string) int64 { return r.entries[name].size }

// ErrMissing says that a bundle lacks a part.
var ErrMissing = errors.New("the bundle lacks this part")

// Open reads a part. The reader fails at its end if size or checksum are not those of the headers, or if packed bytes are
// left over.
func (r *Reader) Open(name string) (*Part, error) {
	e, ok := r.entries[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	p := &Part{entry: e, packed: &exact{in: io.NewSectionReader(r.from, e.start, e.packed), sha: sha256.New()}}
	p.in = p.packed
	if e.method == zip.Deflate {
		p.in = flate.NewReader(p.packed)
	}
	return p, nil
}

// Packed gives the SHA-256 of the packed bytes, once the part has been read to its end.
func (c *Part) Packed() string { return hex.EncodeToString(c.packed.sha.Sum(nil)) }

// exact is read byte by byte by the unpacker, so that what it leaves over can be seen.
type exact struct {
	in   *io.SectionReader
	sha  hash.Hash
	buf  [32 << 10]byte
	have []byte
}

func (x *exact) fill() error {
	if len(x.have) > 0 {
		return nil
	}
	n, err := x.in.Read(x.buf[:])
	x.have = x.buf[:n]
	x.sha.Write(x.have)
	if n > 0 {
		return nil
	}
	return err
}

func (x *exact) ReadByte() (byte, error) {
	if err := x.fill(); err != nil {
		return 0, err
	}
	c := x.have[0]
	x.have = x.have[1:]
	return c, nil
}

func (x *exact) Read(b []byte) (int, error) {
	if err := x.fill(); err != nil {
		return 0, err
	}
	n := copy(b, x.have)
	x.have = x.have[n:]
	return n, nil
}

// Part reads one part and compares it with its headers.
type Part struct {
	entry
	packed *exact
	in     io.Reader
	n      int64
	sum    uint32
}

// Read fails at the end if the part is not what its headers say.
func (c *Part) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.n += int64(n)
	c.sum = crc32.Update(c.sum, crc32.IEEETable, b[:n])
	switch {
	case c.n > c.size:
		return 0, containerf("%s unpacks to more than it says", c.name)
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, containerf("%s cannot be unpacked", c.name)
	}
	if c.packed.fill() == nil {
		return n, containerf("%s has bytes that belong to nothing", c.name)
	}
	if c.n != c.size || c.sum != c.crc {
		return n, containerf("%s has another size or checksum than its headers say", c.name)
	}
	return n, io.EOF
}

// Read gives a whole part of at most limit bytes.
func (r *Reader) Read(name string, limit int64) ([]byte, error) {
	if r.Size(name) > limit {
		return nil, containerf("%s has %d bytes, more than %d", name, r.Size(name), limit)
	}
	in, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(make([]byte, 0, r.Size(name)+bytes.MinRead))
	_, err = b.ReadFrom(in)
	return b.Bytes(), err
}
