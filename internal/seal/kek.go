package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/exhibithq/exhibit/internal/evidence"
)

const (
	kekSize   = 32
	kekPrefix = "exhibit-kek-1 " // the file is this, the key in base64, and a line break
	kekFile   = "kek"
	kekMax    = 1 << 10
)

// KEK is the key-encryption key: it wraps the keysets of workspaces and nothing else. It prints as Redacted and may be
// used by several goroutines at once.
type KEK struct{ aead tink.AEAD }

// String gives Redacted.
func (k *KEK) String() string { return Redacted }

// GoString gives Redacted.
func (k *KEK) GoString() string { return Redacted }

// Format writes Redacted, whatever the verb and flags.
func (k *KEK) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// FindKEK is OpenKEK for a key that must be there already: it makes nothing and gives an error of code NotFound if there
// is no key file.
func FindKEK(dir string) (*KEK, error) {
	path := filepath.Join(dir, "keys", kekFile)
	key, err := readKEK(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &evidence.Error{Code: evidence.NotFound, Err: err,
			Message: fmt.Sprintf("There is no key file %s. Name the directory that holds the keys of this database with --data, or put them back from your backup.", path)}
	}
	if err != nil {
		return nil, err
	}
	return newKEK(path, key)
}

// OpenKEK reads the key-encryption key from DIR/keys/kek, and makes it if it is not there. The file is mode 0600 in a
// directory of mode 0700; a file that others can read and a directory in which others can write are refused, with an
// *evidence.Error that says what to do. When OpenKEK returns, the key is on disk. Several processes may call it at
// once: one makes the key and all get the same.
func OpenKEK(dir string) (*KEK, error) {
	path := filepath.Join(dir, "keys", kekFile)
	key, err := readKEK(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKEK(path); err != nil {
			return nil, fmt.Errorf("making the key file %s: %w", path, err)
		}
		key, err = readKEK(path)
	}
	if err != nil {
		return nil, err
	}
	return newKEK(path, key)
}

func newKEK(path string, key []byte) (*KEK, error) {
	primitive, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, fmt.Errorf("using the key file %s: %w", path, err)
	}
	return &KEK{aead: primitive}, nil
}

// makeKEK writes a fresh key beside path and links it into place. The link is atomic and fails if path is there, so no
// reader ever sees half a key and no key is ever replaced. A crash before the link leaves a file that nobody reads; a
// crash after it leaves the key, whose bytes are durable already.
func makeKEK(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var key [kekSize]byte
	rand.Read(key[:])
	temp := path + ".new-" + rand.Text()
	defer os.Remove(temp)
	if err := writeDurably(temp, kekPrefix+base64.StdEncoding.EncodeToString(key[:])+"\n"); err != nil {
		return err
	}
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// The directory may be new too: its own entry must last as well.
	if err := syncDir(dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func writeDurably(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // cannot sync a directory; NTFS journals the entry
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readKEK gives an error that wraps fs.ErrNotExist if there is no file.
func readKEK(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, openProblem(path, err)
	}
	defer f.Close()
	if err := checkModes(f, path); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, kekMax))
	if err != nil {
		return nil, fmt.Errorf("reading the key file %s: %w", path, err)
	}
	body, ok := strings.CutPrefix(strings.TrimSpace(string(text)), kekPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(body)
	if !ok || err != nil || len(key) != kekSize {
		// The cause is dropped: base64's message quotes bytes of the file.
		return nil, evidence.Errorf(evidence.Invalid, "The file %s is not a key file of Exhibit. Restore it from your backup; without it the stored tokens cannot be opened.", path)
	}
	return key, nil
}

func openProblem(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &evidence.Error{Code: evidence.Forbidden, Err: err,
			Message: fmt.Sprintf("The key file %s cannot be read by the user that Exhibit runs as. Give the file to that user, mode 0600.", path)}
	}
	return fmt.Errorf("opening the key file: %w", err)
}

// checkModes looks at the open file, so that nothing can be swapped between the check and the read.
func checkModes(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("looking at the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return evidence.Errorf(evidence.Invalid, "%s is not a plain file. The key file must be one.", path)
	}
	if runtime.GOOS == "windows" { // has no such modes
		return nil
	}
	if info.Mode().Perm()&0o077 != 0 {
		return evidence.Errorf(evidence.Forbidden, "Others can read or change the key file %s (mode %04o). Run chmod 600 on it, and think whether the tokens must be made anew.", path, info.Mode().Perm())
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("looking at the key directory: %w", err)
	}
	if dir.Mode().Perm()&0o022 != 0 {
		return evidence.Errorf(evidence.Forbidden, "Others can write into %s (mode %04o), where the key file lies. Run chmod 700 on it.", filepath.Dir(path), dir.Mode().Perm())
	}
	return nil
}
