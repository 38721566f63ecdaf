// Package object keeps bodies of artifacts under the SHA-256 of their bytes. A body is written once and never changed;
// the same bytes are kept once. The name is the proof: every read checks the bytes against it.
//
// Order of durable steps: bytes go to a temporary file beside their place, are synced, renamed and the folder is synced,
// and only then Put returns. A crash before that leaves at most a file that nobody refers to; a damaged body at a digest
// is found by the next Put of the same bytes and mended.
package object

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Store keeps bodies. Its methods may be called from several goroutines and several processes at once.
type Store struct {
	bucket *blob.Bucket
	dir    string // of a file store; empty: bodies are in memory
}

// Ref names a body.
type Ref struct {
	SHA256 string // lower-case hex
	Size   int64  // bytes
}

// Open opens the store at address: file:///DIR (made if missing, readable by its owner alone) or mem:// (gone at Close,
// for tests). Other kinds of address are evidence.Invalid.
func Open(_ context.Context, address string) (*Store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, &evidence.Error{Code: evidence.Invalid, Message: "The address of the object store cannot be read. Write file:///DIR.", Err: err}
	}
	switch u.Scheme {
	case "mem":
		return &Store{bucket: memblob.OpenBucket(nil)}, nil
	case "file":
		if u.Host != "" || !filepath.IsAbs(u.Path) || u.RawQuery != "" {
			return nil, evidence.Errorf(evidence.Invalid, "The object store %q is no folder of this machine. Write file:// and the folder's full path, such as file:///var/lib/exhibit/objects.", u.Redacted())
		}
		return openDir(filepath.FromSlash(u.Path))
	case "s3", "gs", "azblob":
		return nil, evidence.Errorf(evidence.Invalid, "Object stores of the kind %s:// are not supported yet; a later version reads and writes them. Use a folder: file:///DIR.", u.Scheme)
	}
	return nil, evidence.Errorf(evidence.Invalid, "%q is no address of an object store. Write file:///DIR.", u.Redacted())
}

// DirURL gives the address of a folder for Open.
func DirURL(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the folder of objects: %w", err)
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(full)}).String(), nil
}

func openDir(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of objects: %w", err)
	}
	if err := sweep(filepath.Join(dir, "tmp")); err != nil {
		return nil, err
	}
	// NoTempDir: the temporary file lies beside its place, so that the rename never crosses file systems.
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{NoTempDir: true, DirFileMode: 0o700, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("opening the folder of objects: %w", err)
	}
	return &Store{bucket: bucket, dir: dir}, nil
}

// unfinishedFor is how old an unfinished body must be until nobody can be writing it any more.
const unfinishedFor = 24 * time.Hour

// sweep removes unfinished bodies that a crash left behind.
func sweep(tmp string) error {
	entries, err := os.ReadDir(tmp)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for unfinished bodies: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < unfinishedFor {
			continue // in use, or another process has just removed it
		}
		if err := os.Remove(filepath.Join(tmp, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an unfinished body: %w", err)
		}
	}
	return nil
}

// Close gives the store back.
func (s *Store) Close() error { return s.bucket.Close() }

// Put keeps what write writes. When it returns, the bytes have been read back against their digest and, in a file
// store, are on the disk. An error of write keeps nothing.
func (s *Store) Put(ctx context.Context, write func(io.Writer) error) (Ref, error) {
	tmp, err := s.temp()
	if err != nil {
		return Ref{}, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	if err := write(io.MultiWriter(tmp, sum)); err != nil {
		return Ref{}, err
	}
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err != nil {
		return Ref{}, fmt.Errorf("measuring a body: %w", err)
	}
	ref := Ref{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: size}
	if s.Verify(ctx, ref) == nil {
		return ref, s.sync(ref) // another process may have renamed it and not synced it yet
	}
	if err := s.upload(ctx, ref, tmp); err != nil {
		return Ref{}, fmt.Errorf("keeping body %s: %w", ref.SHA256, err)
	}
	return ref, nil
}

// temp makes the file in which a body is collected before its digest is known.
func (s *Store) temp() (*os.File, error) {
	dir := ""
	if s.dir != "" {
		dir = filepath.Join(s.dir, "tmp")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the folder for unfinished bodies: %w", err)
		}
	}
	tmp, err := os.CreateTemp(dir, "body-*")
	if err != nil {
		return nil, fmt.Errorf("making a file for a body: %w", err)
	}
	return tmp, nil
}

// upload puts the body at its place, replacing a damaged one, and reads it back.
func (s *Store) upload(ctx context.Context, ref Ref, body io.ReadSeeker) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewinding: %w", err)
	}
	if err := s.bucket.Upload(ctx, key(ref.SHA256), body, &blob.WriterOptions{ContentType: "application/octet-stream"}); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	if err := s.sync(ref); err != nil {
		return err
	}
	return s.Verify(ctx, ref)
}

// sync brings a body and the entries that lead to it to the disk: the file, its folder, and the folder above.
func (s *Store) sync(ref Ref) error {
	if s.dir == "" {
		return nil
	}
	file := filepath.Join(s.dir, filepath.FromSlash(key(ref.SHA256)))
	if err := os.Chmod(file, 0o600); err != nil {
		return fmt.Errorf("closing a body to others: %w", err)
	}
	for _, path := range []string{file, filepath.Dir(file), s.dir} {
		if err := syncPath(path); err != nil {
			return err
		}
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing: %w", err)
	}
	err = errors.Join(f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("syncing: %w", err)
	}
	return nil
}

// Open gives a body from its start. It has been checked against its digest and size before Open returns, and is checked
// again while it is read: a read that would end it wrongly fails. Without it the error is evidence.NotFound.
func (s *Store) Open(ctx context.Context, ref Ref) (io.ReadCloser, error) {
	if err := s.Verify(ctx, ref); err != nil {
		return nil, err
	}
	return s.reader(ctx, ref)
}

// Remove deletes a body for good. One that is not there is no error, so that it may be done twice.
func (s *Store) Remove(ctx context.Context, ref Ref) error {
	if len(ref.SHA256) != 2*sha256.Size {
		return nil // no body has such a name
	}
	err := s.bucket.Delete(ctx, key(ref.SHA256))
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("removing %s: %w", ref.SHA256, err)
	}
	if s.dir == "" || err != nil {
		return nil
	}
	return syncPath(filepath.Dir(filepath.Join(s.dir, filepath.FromSlash(key(ref.SHA256)))))
}

// Verify reads a body and checks it against its digest and size.
func (s *Store) Verify(ctx context.Context, ref Ref) error {
	r, err := s.reader(ctx, ref)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

func (s *Store) reader(ctx context.Context, ref Ref) (*checked, error) {
	if raw, err := hex.DecodeString(ref.SHA256); err != nil || len(raw) != sha256.Size || strings.ToLower(ref.SHA256) != ref.SHA256 {
		return nil, evidence.Errorf(evidence.Invalid, "%.80q is no SHA-256 in lower-case hex.", ref.SHA256)
	}
	r, err := s.bucket.NewReader(ctx, key(ref.SHA256), nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, &evidence.Error{Code: evidence.NotFound, Message: "The body " + ref.SHA256 + " is not in the object store. Restore it from a backup, or build the artifact again.", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("reading body %s: %w", ref.SHA256, err)
	}
	return &checked{ReadCloser: r, ref: ref, sum: sha256.New()}, nil
}

// checked is a body that is hashed while it is read.
type checked struct {
	io.ReadCloser
	ref  Ref
	sum  hash.Hash
	read int64
}

// ErrDamaged says that the bytes at a digest are not those that were kept there.
var ErrDamaged = errors.New("the body does not match its digest: it was changed or damaged where it is kept")

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.sum.Write(p[:n])
	c.read += int64(n)
	if c.read > c.ref.Size {
		return 0, fmt.Errorf("body %s: %w", c.ref.SHA256, ErrDamaged)
	}
	if err == io.EOF && (c.read != c.ref.Size || hex.EncodeToString(c.sum.Sum(nil)) != c.ref.SHA256) {
		return 0, fmt.Errorf("body %s: %w", c.ref.SHA256, ErrDamaged)
	}
	return n, err
}

// key spreads bodies over 256 folders.
func key(sha string) string { return sha[:2] + "/" + sha }
