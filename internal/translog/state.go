package translog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// State is the memory of a signer or witness: the last checkpoint of each log that it signed. It lies in files of its
// own, apart from the database, so that a database that was restored from a backup does not take it back too.
//
// Each change is on disk before Advance returns: a crash before that leaves the old state and nothing signed, a crash
// after it a state that is ahead of what was published, from which the same checkpoint can be signed again.
type State struct {
	dir string
	mu  sync.Mutex
}

// OpenState keeps state in a directory, which is made if it is missing.
func OpenState(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of signed states: %w", err)
	}
	return &State{dir: dir}, nil
}

// ErrFork says that a checkpoint does not go on from the last one that was signed.
var ErrFork = errors.New("it does not go on from the last checkpoint that was signed")

// ConflictError tells what was signed last, as a witness must tell a log that is behind.
type ConflictError struct{ Last Checkpoint }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the last signed checkpoint of %s has %d leaves", e.Last.Origin, e.Last.Size)
}

// Last gives the last signed checkpoint of a log; ok is false if none was signed.
func (s *State) Last(origin string) (c Checkpoint, ok bool, err error) {
	b, err := os.ReadFile(s.path(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{Origin: origin, Root: emptyRoot()}, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("reading the signed state: %w", err)
	}
	c, err = ParseCheckpoint(b)
	if err != nil || c.Origin != origin {
		return c, false, fmt.Errorf("the file %s is damaged: put it back from your backup of the keys; without it nobody can tell whether the log was rewritten", s.path(origin))
	}
	return c, true, nil
}

func (s *State) path(origin string) string {
	sum := LeafHash([]byte(origin))
	return filepath.Join(s.dir, "signed-"+sum.String()[:32])
}

// Advance makes next the last signed checkpoint if it goes on from that before, which proof must show for the size old
// that the caller took for the last one. The error is a *ConflictError if old is not the last size, ErrFork if the proof
// does not hold. Several processes may share a directory.
func (s *State) Advance(old int64, proof []Hash, next Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := lockFile(filepath.Join(s.dir, "lock"))
	if err != nil {
		return fmt.Errorf("locking the signed state: %w", err)
	}
	defer unlock()
	last, _, err := s.Last(next.Origin)
	if err != nil {
		return err
	}
	if old != last.Size {
		return &ConflictError{last}
	}
	if err := CheckConsistency(proof, next.Size, next.Root, last.Size, last.Root); err != nil {
		return fmt.Errorf("%w: %w", ErrFork, err)
	}
	if next == last {
		return nil
	}
	return replaceDurably(s.path(next.Origin), next.Text())
}

func emptyRoot() Hash {
	var m merkle
	return m.root()
}

// Signer signs checkpoints of one log with its keys. It refuses what does not go on from what it signed before.
type Signer struct {
	state *State
	keys  []*SigningKey
}

// NewSigner makes a signer whose state lies with those of others.
func NewSigner(state *State, keys ...*SigningKey) *Signer { return &Signer{state, keys} }

// Last gives the last checkpoint that was signed; size 0 if none was.
func (s *Signer) Last(origin string) (Checkpoint, error) {
	c, _, err := s.state.Last(origin)
	return c, err
}

// Sign signs next. proof shows that it goes on from the tree of old leaves, which must be the last one signed.
func (s *Signer) Sign(old int64, proof []Hash, next Checkpoint, at time.Time) ([]byte, error) {
	if len(s.keys) == 0 {
		return nil, errors.New("there is no key to sign with")
	}
	if err := s.state.Advance(old, proof, next); err != nil {
		return nil, err
	}
	return next.Sign(at, s.keys...), nil
}

// replaceDurably writes beside path, then renames: the file holds the old or the new text, never half of one.
func replaceDurably(path string, text []byte) error {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the signed state: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the signed state: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("writing the signed state: %w", err)
	}
	if runtime.GOOS == "windows" { // cannot sync a directory; NTFS journals the entry
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("writing the signed state: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
