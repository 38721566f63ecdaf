package object_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
)

func put(t *testing.T, s *object.Store, body string) object.Ref {
	t.Helper()
	ref, err := s.Put(context.Background(), func(w io.Writer) error {
		_, err := io.Copy(w, iotestOneByte{strings.NewReader(body)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// iotestOneByte hands out few bytes at a time, so that nothing may count on whole writes.
type iotestOneByte struct{ io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 3)]) }

func read(s *object.Store, ref object.Ref) (string, error) {
	r, err := s.Open(context.Background(), ref)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func openDir(t *testing.T) (*object.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "with space", "objects")
	address, err := object.DirURL(dir)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, address), dir
}

func open(t *testing.T, address string) *object.Store {
	t.Helper()
	s, err := object.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestStore is what every kind of store must do.
func TestStore(t *testing.T) {
	dir, _ := openDir(t)
	for name, s := range map[string]*object.Store{"file": dir, "mem": open(t, "mem://")} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{"", "x", strings.Repeat("evidence ", 10_000)} {
				ref := put(t, s, body)
				sum := sha256.Sum256([]byte(body))
				if ref.SHA256 != hex.EncodeToString(sum[:]) || ref.Size != int64(len(body)) {
					t.Fatalf("ref %+v of %d bytes", ref, len(body))
				}
				if again := put(t, s, body); again != ref {
					t.Errorf("the same bytes twice: %+v, %+v", ref, again)
				}
				if got, err := read(s, ref); err != nil || got != body {
					t.Errorf("%d bytes came back as %d, %v", len(body), len(got), err)
				}
			}
			absent := object.Ref{SHA256: strings.Repeat("ab", 32), Size: 1}
			if _, err := read(s, absent); evidence.ErrorCode(err) != evidence.NotFound {
				t.Errorf("absent: %v", err)
			}
			for _, bad := range []string{"", "x", "../../etc/passwd", strings.Repeat("AB", 32), strings.Repeat("ab", 31)} {
				if _, err := read(s, object.Ref{SHA256: bad}); evidence.ErrorCode(err) != evidence.Invalid {
					t.Errorf("%q: %v", bad, err)
				}
			}
		})
	}
}

func TestFailedWriteKeepsNothing(t *testing.T) {
	s, dir := openDir(t)
	boom := errors.New("boom")
	_, err := s.Put(context.Background(), func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDamage changes a body on the disk in every way that matters. Reading must fail, and putting the bytes again must mend it.
func TestDamage(t *testing.T) {
	s, dir := openDir(t)
	const body = "what was collected"
	ref := put(t, s, body)
	path := filepath.Join(dir, ref.SHA256[:2], ref.SHA256)
	for name, damaged := range map[string]string{"changed": "what was c0llected", "cut": "what was", "longer": body + ".", "emptied": ""} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(s, ref); !errors.Is(err, object.ErrDamaged) || got != "" {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
		put(t, s, body)
		if got, err := read(s, ref); err != nil || got != body {
			t.Errorf("%s and put again: %q, %v", name, got, err)
		}
	}
	// A crash between the digest and the rename leaves a temporary file and no body.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := read(s, ref); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("taken away: %v", err)
	}
}

// TestChangedWhileRead changes a body between the check and the end of reading.
func TestChangedWhileRead(t *testing.T) {
	s, dir := openDir(t)
	body := strings.Repeat("0123456789", 100_000)
	ref := put(t, s, body)
	r, err := s.Open(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := os.OpenFile(filepath.Join(dir, ref.SHA256[:2], ref.SHA256), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("x"), int64(len(body)-1)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, object.ErrDamaged) {
		t.Errorf("read to the end: %v", err)
	}
}

// TestSweep: what a crash left unfinished a day ago is removed when the store is opened; what is younger may be in use.
func TestSweep(t *testing.T) {
	_, dir := openDir(t)
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(tmp, "body-old"), filepath.Join(tmp, "body-young")
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	address, err := object.DirURL(dir)
	if err != nil {
		t.Fatal(err)
	}
	open(t, address)
	if left := files(t, dir); len(left) != 1 || left[0] != young {
		t.Errorf("left: %v", left)
	}
}

func TestFileModes(t *testing.T) {
	s, dir := openDir(t)
	put(t, s, "secret enough")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	s, dir := openDir(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			body := bytes.Repeat([]byte{byte(i % 4)}, 50_000)
			ref, err := s.Put(context.Background(), func(w io.Writer) error { _, err := w.Write(body); return err })
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := read(s, ref); err != nil || got != string(body) {
				t.Errorf("body %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	wg.Wait()
	if n := len(files(t, dir)); n != 4 {
		t.Errorf("%d files for 4 different bodies", n)
	}
}

func TestAddresses(t *testing.T) {
	for _, address := range []string{"s3://bucket", "gs://b", "/var/x", "file://host/x", "file:relative", "file:///x?y=1", "%zz", "", "http://user:hunter2@example.com"} {
		_, err := object.Open(context.Background(), address)
		if evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %v, want a sentence", address, err)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%q: the password is in the sentence", address)
		}
	}
}
