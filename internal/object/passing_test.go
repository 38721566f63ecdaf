package object_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
)

func TestPassingBodies(t *testing.T) {
	dir := t.TempDir()
	address, err := object.DirURL(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := object.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ref, err := s.PutPassing(t.Context(), "ex_1", func(w io.Writer) error {
		_, err := io.WriteString(w, "body")
		return err
	})
	if err != nil || ref.Size != 4 {
		t.Fatalf("kept %+v, %v", ref, err)
	}
	read := func() (string, error) {
		r, err := s.OpenPassing(t.Context(), "ex_1", ref)
		if err != nil {
			return "", err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		return string(b), err
	}
	if got, err := read(); err != nil || got != "body" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "passing", "ex_1"), []byte("bodx"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); !errors.Is(err, object.ErrDamaged) {
		t.Errorf("a damaged body: %v", err)
	}
	for range 2 {
		if err := s.RemovePassing(t.Context(), "ex_1"); err != nil {
			t.Errorf("removing it: %v", err)
		}
	}
	if _, err := read(); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("after it was removed: %v", err)
	}
	failed := errors.New("half way")
	if _, err := s.PutPassing(t.Context(), "ex_2", func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("a body that broke off: %v", err)
	}
	for _, name := range []string{"", "../up", "a/b", "A"} {
		if _, err := s.PutPassing(t.Context(), name, func(io.Writer) error { return nil }); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
}
