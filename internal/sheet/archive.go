package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
)

// partMemory is how many compressed bytes of a part stay in memory before they go to a file.
const partMemory = 1 << 20

// level is how hard parts are packed. Of the levels that were measured (docs/adr/0021-sheet.md) it is the fastest; level 6 takes
// twice the time for files that are an eighth smaller.
const level = 1

// archive is a ZIP file whose parts are begun in any order and stand in that of their names. Several may be written side by
// side. Each waits, packed, until all are there; none has a time.
type archive struct {
	dir   string
	parts []*part
}

// create begins a part.
func (a *archive) create(name string) *part {
	p := &part{name: name, sum: crc32.NewIEEE(), packed: overflow{dir: a.dir}}
	p.deflate = packers.Get().(*flate.Writer)
	p.deflate.Reset(&p.packed)
	a.parts = append(a.parts, p)
	return p
}

// add writes a whole part.
func (a *archive) add(name, content string) error {
	_, err := io.WriteString(a.create(name), content)
	return err
}

// packers are used again: each has large tables.
var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		panic(err) // only for a level that there is not
	}
	return w
}}

// writeTo writes the file.
func (a *archive) writeTo(w io.Writer) error {
	slices.SortFunc(a.parts, func(x, y *part) int { return strings.Compare(x.name, y.name) })
	out := zip.NewWriter(w)
	for _, p := range a.parts {
		if err := p.copyTo(out); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	return nil
}

// close gives back what the parts hold.
func (a *archive) close() error {
	var err error
	for _, p := range a.parts {
		err = errors.Join(err, p.close())
	}
	a.parts = nil
	return err
}

// part is one file of the archive.
type part struct {
	name    string
	size    uint64
	sum     hash.Hash32
	deflate *flate.Writer // nil: it is at its end
	packed  overflow
}

// Write packs.
func (p *part) Write(b []byte) (int, error) {
	if p.deflate == nil {
		return 0, errors.New("the worksheet is at its end")
	}
	p.size += uint64(len(b))
	p.sum.Write(b)
	return p.deflate.Write(b)
}

// end ends the part. What it took for packing goes back.
func (p *part) end() error {
	if p.deflate == nil {
		return nil
	}
	err := p.deflate.Close()
	packers.Put(p.deflate)
	p.deflate = nil
	if err != nil {
		return fmt.Errorf("packing %s: %w", p.name, err)
	}
	return nil
}

func (p *part) copyTo(out *zip.Writer) error {
	if err := p.end(); err != nil {
		return err
	}
	w, err := out.CreateRaw(&zip.FileHeader{
		Name: p.name, Method: zip.Deflate, CRC32: p.sum.Sum32(),
		CompressedSize64: uint64(p.packed.size), UncompressedSize64: p.size,
	})
	if err == nil {
		err = p.packed.copyTo(w)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", p.name, err)
	}
	return nil
}

func (p *part) close() error {
	if p.deflate != nil {
		packers.Put(p.deflate)
		p.deflate = nil
	}
	return p.packed.close()
}

// overflow keeps bytes in memory, and in a file when they are many.
type overflow struct {
	dir  string
	mem  bytes.Buffer
	file *os.File
	// nameless says that the file has been removed from its folder already.
	nameless bool
	size     int64
}

func (o *overflow) Write(b []byte) (int, error) {
	if o.file == nil && o.mem.Len()+len(b) > partMemory {
		if err := o.spill(); err != nil {
			return 0, err
		}
	}
	o.size += int64(len(b))
	if o.file == nil {
		return o.mem.Write(b)
	}
	return o.file.Write(b)
}

// spill moves what is in memory to a file.
func (o *overflow) spill() error {
	f, err := os.CreateTemp(o.dir, "exhibit-sheet-*")
	if err != nil {
		return fmt.Errorf("making a file for a worksheet: %w", err)
	}
	o.file = f
	// Where the system allows it, the file loses its name at once, so that no row outlives a crash.
	o.nameless = os.Remove(f.Name()) == nil
	if _, err := o.mem.WriteTo(f); err != nil {
		return fmt.Errorf("keeping a worksheet on disk: %w", err)
	}
	o.mem = bytes.Buffer{}
	return nil
}

func (o *overflow) copyTo(w io.Writer) error {
	if o.file == nil {
		_, err := w.Write(o.mem.Bytes())
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(o.file, 0, o.size))
	return err
}

func (o *overflow) close() error {
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	if !o.nameless {
		err = errors.Join(err, os.Remove(o.file.Name()))
	}
	o.file = nil
	if err != nil {
		return fmt.Errorf("removing the file of a worksheet: %w", err)
	}
	return nil
}
