package seal_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
)

const canary = "canary-5up3r-s3cr3t"

func openKEK(t testing.TB, dir string) *seal.KEK {
	t.Helper()
	kek, err := seal.OpenKEK(dir)
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

func newBox(t testing.TB, kek *seal.KEK, workspace evidence.ID) *seal.Box {
	t.Helper()
	wrapped, err := kek.NewKeyset(workspace)
	if err != nil {
		t.Fatal(err)
	}
	box, err := kek.Box(workspace, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestSecretIsNeverPrinted(t *testing.T) {
	type holder struct {
		Open   seal.Secret
		hidden seal.Secret
		ptr    *seal.Secret
	}
	s := seal.NewSecret(canary)
	h := holder{s, s, &s}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "%T"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
		fmt.Fprintf(&out, verb+"\n", []any{s, h, map[string]any{"s": s}})
	}
	fmt.Fprintln(&out, s, h, errors.New(fmt.Sprint(s)))
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("x", "secret", s, "holder", h, "pointer", &h)
	}
	raw, err := json.Marshal(map[string]any{"s": s, "h": h, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(raw)
	text, _ := encoding.TextMarshaler(s).MarshalText()
	out.Write(text)
	hex := fmt.Sprintf("%x", canary)
	if got := out.String(); strings.Contains(got, canary) || strings.Contains(strings.ToLower(got), hex) {
		t.Errorf("the secret was printed:\n%s", got)
	}
	if !strings.Contains(out.String(), seal.Redacted) {
		t.Errorf("nothing says that something was left out:\n%s", out.String())
	}
	if s.Reveal() != canary || s.Empty() {
		t.Error("Reveal does not give the value")
	}
	if zero := (seal.Secret{}); !zero.Empty() || zero.String() != seal.Redacted {
		t.Error("the zero Secret is not empty and redacted")
	}
}

func TestSealAndOpen(t *testing.T) {
	kek := openKEK(t, t.TempDir())
	box := newBox(t, kek, "ws_a")
	for _, plain := range []string{canary, "", strings.Repeat("x", 1<<16), "\x00\xff"} {
		a, err := box.Seal(seal.NewSecret(plain), "cn_a", seal.PurposeToken)
		if err != nil {
			t.Fatal(err)
		}
		b, err := box.Seal(seal.NewSecret(plain), "cn_a", seal.PurposeToken)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(a, b) {
			t.Error("sealing twice gives the same bytes")
		}
		if plain != "" && bytes.Contains(a, []byte(plain)) {
			t.Error("the plaintext shows")
		}
		got, err := box.Open(a, "cn_a", seal.PurposeToken)
		if err != nil || got.Reveal() != plain {
			t.Errorf("Open gives %d bytes and %v, want %d bytes", len(got.Reveal()), err, len(plain))
		}
	}
}

func TestSealedIsBound(t *testing.T) {
	kek := openKEK(t, t.TempDir())
	box, other := newBox(t, kek, "ws_a"), newBox(t, kek, "ws_b")
	sealed, err := box.Seal(seal.NewSecret(canary), "cn_a", seal.PurposeToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name       string
		box        *seal.Box
		connection evidence.ID
		purpose    seal.Purpose
	}{
		{"other workspace", other, "cn_a", seal.PurposeToken},
		{"other connection", box, "cn_b", seal.PurposeToken},
		{"other purpose", box, "cn_a", "session"},
		{"shifted border", box, "cn_at", "oken"},
		{"nothing", box, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.box.Open(sealed, c.connection, c.purpose); !errors.Is(err, seal.ErrSealed) {
				t.Errorf("Open gives %v, want ErrSealed", err)
			}
		})
	}
}

func TestTamperingShows(t *testing.T) {
	dir := t.TempDir()
	kek := openKEK(t, dir)
	wrapped, err := kek.NewKeyset("ws_a")
	if err != nil {
		t.Fatal(err)
	}
	box, err := kek.Box("ws_a", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := box.Seal(seal.NewSecret(canary), "cn_a", seal.PurposeToken)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := box.Open(bad, "cn_a", seal.PurposeToken); !errors.Is(err, seal.ErrSealed) {
			t.Fatalf("byte %d altered: %v, want ErrSealed", i, err)
		}
		if _, err := box.Open(sealed[:i], "cn_a", seal.PurposeToken); !errors.Is(err, seal.ErrSealed) {
			t.Fatalf("cut to %d bytes: %v, want ErrSealed", i, err)
		}
	}
	if _, err := kek.Box("ws_b", wrapped); !errors.Is(err, seal.ErrKeyset) {
		t.Errorf("keyset of another workspace: %v, want ErrKeyset", err)
	}
	if _, err := openKEK(t, t.TempDir()).Box("ws_a", wrapped); !errors.Is(err, seal.ErrKeyset) {
		t.Errorf("keyset under another key: %v, want ErrKeyset", err)
	}
	if _, err := openKEK(t, dir).Box("ws_a", wrapped); err != nil {
		t.Errorf("the same key read again does not open the keyset: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file modes")
	}
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir, path string)
		want  evidence.Code
	}{
		{"readable by the group", func(t *testing.T, _, path string) { chmod(t, path, 0o640) }, evidence.Forbidden},
		{"readable by all", func(t *testing.T, _, path string) { chmod(t, path, 0o604) }, evidence.Forbidden},
		{"directory writable by all", func(t *testing.T, dir, _ string) { chmod(t, dir, 0o777) }, evidence.Forbidden},
		{"empty", func(t *testing.T, _, path string) { write(t, path, "") }, evidence.Invalid},
		{"cut", func(t *testing.T, _, path string) { write(t, path, "exhibit-kek-1 AAAA\n") }, evidence.Invalid},
		{"other text", func(t *testing.T, _, path string) { write(t, path, canary) }, evidence.Invalid},
		{"a directory", func(t *testing.T, _, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, evidence.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			openKEK(t, data)
			path := filepath.Join(data, "keys", "kek")
			c.spoil(t, filepath.Dir(path), path)
			_, err := seal.OpenKEK(data)
			if evidence.ErrorCode(err) != c.want {
				t.Errorf("OpenKEK gives %v (%s), want code %s", err, evidence.ErrorCode(err), c.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Error("the error quotes the file")
			}
		})
	}
}

func TestKeyFileIsMadeOnce(t *testing.T) {
	data := t.TempDir()
	keks := make([]*seal.KEK, 16)
	var wg sync.WaitGroup
	for i := range keks {
		wg.Go(func() {
			kek, err := seal.OpenKEK(data)
			if err != nil {
				t.Error(err)
			}
			keks[i] = kek
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	wrapped, err := keks[0].NewKeyset("ws_a")
	if err != nil {
		t.Fatal(err)
	}
	for i, kek := range keks {
		if _, err := kek.Box("ws_a", wrapped); err != nil {
			t.Errorf("opener %d got another key: %v", i, err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(data, "keys"))
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v (%v), want the key alone", entries, err)
	}
	info, err := os.Stat(filepath.Join(data, "keys", "kek"))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	if got := fmt.Sprintf("%v %+v %#v", keks[0], keks[0], keks[0]); strings.ReplaceAll(got, seal.Redacted, "") != "  " {
		t.Errorf("the key prints as %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	kek := openKEK(f, f.TempDir())
	box := newBox(f, kek, "ws_a")
	good, err := box.Seal(seal.NewSecret(canary), "cn_a", seal.PurposeToken)
	if err != nil {
		f.Fatal(err)
	}
	wrapped, err := kek.NewKeyset("ws_a")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[:len(good)-1])
	f.Add(wrapped[:len(wrapped)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := box.Open(b, "cn_a", seal.PurposeToken)
		if err == nil && !bytes.Equal(b, good) {
			t.Errorf("made-up bytes open to %d bytes", len(got.Reveal()))
		}
		if _, err := kek.Box("ws_a", b); err == nil && !bytes.Equal(b, wrapped) {
			t.Error("a made-up keyset opens")
		}
	})
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
