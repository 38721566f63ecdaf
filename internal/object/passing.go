package object

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Passing bodies have a name of their own, apart from the bodies that are kept for good, and are removed one day: what was
// put together for a person to take away. They are no evidence.

// PutPassing keeps what write writes under a name until RemovePassing. A crash leaves nothing or the whole body.
func (s *Store) PutPassing(ctx context.Context, name string, write func(io.Writer) error) (Ref, error) {
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
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return Ref{}, fmt.Errorf("measuring a body: %w", err)
	}
	key, err := passingKey(name)
	if err != nil {
		return Ref{}, err
	}
	if err := s.bucket.Upload(ctx, key, tmp, &blob.WriterOptions{ContentType: "application/octet-stream"}); err != nil {
		return Ref{}, fmt.Errorf("keeping the passing body %s: %w", name, err)
	}
	return Ref{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: size}, nil
}

// OpenPassing gives a passing body, which is checked against its digest while it is read: a read that would end it wrongly
// fails. Without it the error is evidence.NotFound.
func (s *Store) OpenPassing(ctx context.Context, name string, ref Ref) (io.ReadCloser, error) {
	key, err := passingKey(name)
	if err != nil {
		return nil, err
	}
	r, err := s.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, &evidence.Error{Code: evidence.NotFound, Message: "The file is not there any more. Make it again.", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the passing body %s: %w", name, err)
	}
	return &checked{ReadCloser: r, ref: ref, sum: sha256.New()}, nil
}

// RemovePassing removes a passing body. That there is none is no error.
func (s *Store) RemovePassing(ctx context.Context, name string) error {
	key, err := passingKey(name)
	if err != nil {
		return err
	}
	if err := s.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("removing the passing body %s: %w", name, err)
	}
	return nil
}

// passingKey puts passing bodies where no digest leads.
func passingKey(name string) (string, error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		return "", errors.New("a passing body needs a name of letters and digits")
	}
	return "passing/" + name, nil
}
