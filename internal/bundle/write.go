package bundle

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
)

// File is a part of a bundle as its manifest names it.
type File struct {
	Path   string
	Role   string
	Size   int64
	SHA256 string
	// Packed is the SHA-256 of the packed bytes: there is more than one way to pack the same content.
	Packed string
	// Record, Commit and Salt tie the file of an artifact to the leaf that commits to it; else they are empty.
	Record, Commit, Salt, Format string
}

// Writer collects the parts of a bundle. They wait compressed in a temporary file, so that memory stays flat, and are put
// together by Close. It is used by one goroutine.
type Writer struct {
	temp  *os.File
	out   *bufio.Writer
	at    int64
	parts []part
	names map[string]bool
	sum   int64
	deflt *flate.Writer
}

type part struct {
	File
	start, packed int64
	crc           uint32
}

// NewWriter keeps parts in dir; empty: the system's directory for temporary files.
func NewWriter(dir string) (*Writer, error) {
	f, err := os.CreateTemp(dir, "exhibit-bundle-*")
	if err != nil {
		return nil, fmt.Errorf("making a file for the bundle's parts: %w", err)
	}
	_ = os.Remove(f.Name()) // where the system allows it, the file outlives no crash
	w := &Writer{temp: f, out: bufio.NewWriterSize(f, 1<<18), names: map[string]bool{}}
	w.deflt, err = flate.NewWriter(nil, flate.BestSpeed+2)
	if err != nil {
		return nil, errors.Join(err, w.Discard())
	}
	return w, nil
}

// Discard gives the temporary file back.
func (w *Writer) Discard() error {
	err := w.temp.Close()
	if rerr := os.Remove(w.temp.Name()); !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// counter counts and sums what goes through it.
type counter struct {
	n    int64
	sha  hash.Hash
	crc  hash.Hash32
	into io.Writer
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	c.sha.Write(b)
	c.crc.Write(b)
	return c.into.Write(b)
}

// Add appends a part. write must give the same bytes whenever it is called for the same content.
func (w *Writer) Add(f File, write func(io.Writer) error) (File, error) {
	if err := CheckName(f.Path); err != nil {
		return f, err
	}
	if w.names[f.Path] {
		return f, fmt.Errorf("the bundle has a part %s already", f.Path)
	}
	w.names[f.Path] = true
	packed := &counter{sha: sha256.New(), crc: crc32.NewIEEE(), into: w.out}
	c := &counter{sha: sha256.New(), crc: crc32.NewIEEE(), into: packed}
	if method(f.Path) == zip.Deflate {
		w.deflt.Reset(packed)
		c.into = w.deflt
	}
	if err := write(c); err != nil {
		return f, fmt.Errorf("writing %s: %w", f.Path, err)
	}
	if method(f.Path) == zip.Deflate {
		if err := w.deflt.Close(); err != nil {
			return f, fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}
	f.Size, f.SHA256, f.Packed = c.n, hex.EncodeToString(c.sha.Sum(nil)), hex.EncodeToString(packed.sha.Sum(nil))
	w.parts = append(w.parts, part{File: f, start: w.at, packed: packed.n, crc: c.crc.Sum32()})
	w.at += packed.n
	w.sum += c.n
	if c.n > MaxEntry || w.sum > MaxSum || w.at > MaxFile-1<<20 || len(w.parts) > MaxEntries {
		return f, fmt.Errorf("the bundle grows beyond what can be verified (%d parts, %d bytes). Make it for a shorter period", len(w.parts), w.at)
	}
	return f, nil
}

// AddBytes is Add for what is in memory.
func (w *Writer) AddBytes(f File, b []byte) (File, error) {
	return w.Add(f, func(out io.Writer) error {
		_, err := out.Write(b)
		return err
	})
}

// method says how a part is packed. What proves itself is stored as it is: a packed form could be changed without changing
// what it says, and the manifest, which fixes the packed form of everything else, does not name these parts.
func method(path string) uint16 {
	if SelfProven(path) {
		return zip.Store
	}
	return zip.Deflate
}

// Files gives the parts that a manifest names, by path.
func (w *Writer) Files() []File {
	var files []File
	for _, p := range w.parts {
		if !SelfProven(p.Path) {
			files = append(files, p.File)
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// Sums writes files in the form that sha256sum -c reads.
func Sums(files []File) []byte {
	var b []byte
	for _, f := range files {
		b = append(append(append(append(b, f.SHA256...), "  "...), f.Path...), '\n')
	}
	return b
}

// Close writes the ZIP file: parts in the order of their names, readme and manifest first, no dates, no extra fields, no
// comment, sizes before the data. progress is told bytes written and in all; it may be nil.
func (w *Writer) Close(to io.Writer, progress func(done, total int64)) (err error) {
	defer func() { err = errors.Join(err, w.Discard()) }()
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	slices.SortFunc(w.parts, func(a, b part) int { return compareParts(a.Path, b.Path) })
	z := zip.NewWriter(to)
	var done int64
	for _, p := range w.parts {
		h := &zip.FileHeader{Name: p.Path, Method: method(p.Path), CRC32: p.crc, CompressedSize64: uint64(p.packed), UncompressedSize64: uint64(p.Size),
			CreatorVersion: 20, ReaderVersion: 20}
		//lint:ignore SA1019 CreateRaw writes this field as it is; Modified would be left out or need an extra field.
		h.ModifiedDate = 1<<5 | 1 // 1980-01-01
		out, err := z.CreateRaw(h)
		if err == nil {
			_, err = io.Copy(out, io.NewSectionReader(w.temp, p.start, p.packed))
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", p.Path, err)
		}
		if done += p.packed; progress != nil {
			progress(done, w.at)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	return nil
}

func compareParts(a, b string) int {
	rank := func(p string) int { return slices.Index([]string{PathSums, PathManifest, PathReadme}, p) }
	if r := rank(b) - rank(a); r != 0 {
		return r
	}
	return strings.Compare(a, b)
}
