package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
)

// partMemory is how many compressed bytes of a part stay in memory before they go to a file.
const partMemory = 1 << 20

// archive is a ZIP file whose parts come in any order and stand in that of their names. excelize gives worksheets in the
// order of a Go map, which differs from run to run. Each part waits, compressed, until all are there; none has a time.
type archive struct {
	w     io.Writer
	dir   string
	parts []*part
}

func newArchive(w io.Writer, dir string) *archive { return &archive{w: w, dir: dir} }

// Create begins a part. The one before it is at its end.
func (a *archive) Create(name string) (io.Writer, error) {
	p := &part{name: name, dir: a.dir, sum: crc32.NewIEEE()}
	var err error
	if p.deflate, err = flate.NewWriter(&p.packed, flate.DefaultCompression); err != nil {
		return nil, fmt.Errorf("compressing %s: %w", name, err)
	}
	a.parts = append(a.parts, p)
	return p, nil
}

// AddFS is not used.
func (a *archive) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the file and gives back what the parts hold on disk.
func (a *archive) Close() error {
	slices.SortFunc(a.parts, func(x, y *part) int { return strings.Compare(x.name, y.name) })
	out := zip.NewWriter(a.w)
	var err error
	for _, p := range a.parts {
		if err == nil {
			err = p.copyTo(out)
		}
		err = errors.Join(err, p.packed.close())
	}
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	return nil
}

// part is one file of the archive.
type part struct {
	name    string
	dir     string
	size    uint64
	sum     hash.Hash32
	deflate *flate.Writer
	packed  overflow
	err     error
}

// Write compresses. Its first error stays, as not every caller looks at it.
func (p *part) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.packed.dir = p.dir
	p.size += uint64(len(b))
	p.sum.Write(b)
	n, err := p.deflate.Write(b)
	p.err = err
	return n, err
}

func (p *part) copyTo(out *zip.Writer) error {
	if p.err == nil {
		p.err = p.deflate.Close()
	}
	if p.err != nil {
		return fmt.Errorf("compressing %s: %w", p.name, p.err)
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

// overflow keeps bytes in memory, and in a file when they are many.
type overflow struct {
	dir  string
	mem  bytes.Buffer
	file *os.File
	size int64
}

func (o *overflow) Write(b []byte) (int, error) {
	if o.file == nil && o.mem.Len()+len(b) > partMemory {
		f, err := os.CreateTemp(o.dir, "exhibit-sheet-*")
		if err != nil {
			return 0, fmt.Errorf("making a file for a worksheet: %w", err)
		}
		o.file = f
		if _, err := o.mem.WriteTo(f); err != nil {
			return 0, fmt.Errorf("keeping a worksheet on disk: %w", err)
		}
	}
	o.size += int64(len(b))
	if o.file == nil {
		return o.mem.Write(b)
	}
	return o.file.Write(b)
}

func (o *overflow) copyTo(w io.Writer) error {
	if o.file == nil {
		_, err := o.mem.WriteTo(w)
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(o.file, 0, o.size))
	return err
}

func (o *overflow) close() error {
	if o.file == nil {
		return nil
	}
	err := errors.Join(o.file.Close(), os.Remove(o.file.Name()))
	o.file = nil
	return err
}
