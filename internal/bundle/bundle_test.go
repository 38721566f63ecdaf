package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/exhibithq/exhibit/internal/translog"
)

// small writes a bundle-like container.
func small(t testing.TB, shuffle *rand.Rand) []byte {
	t.Helper()
	w, err := NewWriter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{PathManifest, PathReadme, "raw/cn_a/itemusages/00000001.json", "events/cn_a_itemusages.ndjson", PathLeaves}
	if shuffle != nil {
		shuffle.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	for _, p := range parts {
		if _, err := w.AddBytes(File{Path: p}, []byte(strings.Repeat("what is in "+p+"\n", 60))); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := w.Close(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readAll opens a container and reads every part; it gives the digest of each part's packed and unpacked bytes.
func readAll(b []byte) (map[string]string, error) {
	r, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, name := range r.Names() {
		p, err := r.Open(name)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		out[name] = p.Packed() + string(text)
	}
	return out, nil
}

func TestRoundTrip(t *testing.T) {
	b := small(t, nil)
	parts, err := readAll(b)
	if err != nil || len(parts) != 5 {
		t.Fatal(parts, err)
	}
	if again := small(t, rand.New(rand.NewPCG(1, 2))); !bytes.Equal(again, b) {
		t.Error("the same parts in another order give another file")
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(z.File) != 5 || z.File[0].Name != PathReadme {
		t.Errorf("an ordinary reader sees %v, %v", z, err)
	}
}

// TestContainerFlips changes every bit of a container: none of the changes may be read as the same, or as anything, without
// showing in a header's check, in a packed digest or in the content.
func TestContainerFlips(t *testing.T) {
	b := small(t, nil)
	want, err := readAll(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for bit := range 8 {
			changed := bytes.Clone(b)
			changed[i] ^= 1 << bit
			got, err := readAll(changed)
			if err != nil {
				continue
			}
			same := len(got) == len(want)
			for name, v := range want {
				same = same && got[name] == v
			}
			if same {
				t.Fatalf("bit %d of byte %d may change", bit, i)
			}
		}
	}
}

func TestHostileContainers(t *testing.T) {
	good := small(t, nil)
	odd := func(change func(h *zip.FileHeader), names ...string) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, n := range names {
			h := &zip.FileHeader{Name: n, Method: zip.Deflate, CreatorVersion: 20, ReaderVersion: 20}
			//lint:ignore SA1019 as the bundle itself is written
			h.ModifiedDate = 1<<5 | 1
			if change != nil {
				change(h)
			}
			w, err := z.CreateRaw(h)
			if err != nil {
				t.Fatal(err)
			}
			if h.CompressedSize64 > 0 {
				if _, err := w.Write(make([]byte, h.CompressedSize64)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	hostile := map[string][]byte{
		"empty": nil, "text": []byte("hello, this is not a zip file at all"), "appended": append(bytes.Clone(good), 0), "prepended": append([]byte{0}, good...),
		"cut off": good[:len(good)-1], "only an end": good[len(good)-22:],
		"a twin":         odd(nil, "a.txt", "a.txt"),
		"encrypted":      odd(func(h *zip.FileHeader) { h.Flags = 1 }, "a.txt"),
		"a comment":      odd(func(h *zip.FileHeader) { h.Comment = "x" }, "a.txt"),
		"an extra field": odd(func(h *zip.FileHeader) { h.Extra = []byte{1, 2, 0, 0} }, "a.txt"),
		"a symlink":      odd(func(h *zip.FileHeader) { h.SetMode(0o777 | 1<<27) }, "a.txt"),
		"a bomb":         odd(func(h *zip.FileHeader) { h.CompressedSize64, h.UncompressedSize64 = 10, 100<<20 }, "a.txt"),
		"a size lie":     odd(func(h *zip.FileHeader) { h.CompressedSize64, h.UncompressedSize64 = 10, 11 }, "a.txt"),
		"another method": odd(func(h *zip.FileHeader) { h.Method = 12 }, "a.txt"),
		"a device":       odd(func(h *zip.FileHeader) { h.SetMode(0o600 | fs.ModeDevice) }, "a.txt"),
		"a folder":       odd(func(h *zip.FileHeader) { h.SetMode(0o700 | fs.ModeDir) }, "a.txt"),
		"a zip64 size":   odd(func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 33 }, "a.txt"),
		"another time": odd(func(h *zip.FileHeader) {
			//lint:ignore SA1019 as the bundle itself is written
			h.ModifiedTime = 1
		}, "a.txt"),
	}
	first := int(binary.LittleEndian.Uint16(good[26:])) + 30 + int(binary.LittleEndian.Uint32(good[18:])) // where the second header begins
	hostile["a gap between parts"] = slices.Insert(bytes.Clone(good), first, 0)
	end := len(good) - 22
	hostile["a gap before the directory"] = slices.Insert(bytes.Clone(good), int(binary.LittleEndian.Uint32(good[end+16:])), 0)
	zip64 := slices.Insert(bytes.Clone(good), end, append([]byte("PK\x06\x07"), make([]byte, 16)...)...)
	hostile["a zip64 end"] = zip64
	for what, at := range map[string]int{"more parts than there are": end + 10, "fewer parts here": end + 8, "a second disk": end + 4, "a comment behind": end + 20, "another directory": end + 16, "a longer directory": end + 12} {
		b := bytes.Clone(good)
		b[at]++
		hostile[what] = b
	}
	twice := bytes.Clone(good) // the second entry of the directory points at the first part
	dir := int(binary.LittleEndian.Uint32(good[end+16:]))
	second := dir + 46 + int(binary.LittleEndian.Uint16(good[dir+28:]))
	binary.LittleEndian.PutUint32(twice[second+42:], 0)
	hostile["parts that overlap"] = twice
	nested := bytes.Clone(good) // a header's sizes reach over the next part
	binary.LittleEndian.PutUint32(nested[18:], binary.LittleEndian.Uint32(good[18:])+40)
	hostile["a part inside of a part"] = nested
	for _, name := range []string{"../a", "/a", `a\b`, "c:/a", "a\x00b", "A.txt", "аdmin.txt", "a\u202e.txt", "e\u0301.txt", "con", "con.txt", "a/aux.json", "a.", "a ", "a//b",
		"a/", ".a", "a/../b", strings.Repeat("a", 201), "lpt1.x", "a/./b"} {
		hostile["the name "+name] = odd(nil, name)
	}
	for name, b := range hostile {
		if parts, err := readAll(b); err == nil {
			t.Errorf("%s is read as %v", name, parts)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(small(f, nil))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = readAll(b) })
}

func sampleManifest() Manifest {
	return Manifest{Bundle: "bu_1", Origin: "exhibit/ws_1", Workspace: "ws_1", Audit: "Q1", Framework: "soc2", From: 1, To: 2, Created: 3, Generator: "Exhibit/dev", Profile: "full", AsOf: 9,
		Controls: []Control{{"co_1", "AC-1", "Access"}}, Actions: []ActionRef{{"ac_1", "A-1", "co_1"}}, Status: []Status{{"co_1", "", "at_1", "ar_1", 1, "strong", "complete", "ff"}},
		Coverage:  []Claim{{"cn_1", "itemusages", 1, 2, 3, 4, 5, []translog.Millis{{From: 1, To: 2}}, true, true, "ee"}},
		Artifacts: []Artifact{{ID: "ar_1", Version: 1, Record: "dd", Review: "approved", Reviewed: "cc"}}, Files: []File{{Path: "readme.html", Role: "readme", Size: 1, SHA256: "aa", Packed: "bb"}}, Limits: []string{"1Password signs nothing"}}
}

func FuzzDecodeManifest(f *testing.F) {
	b, err := sampleManifest().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeManifest(b)
		if err != nil {
			return
		}
		if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is also written %q", b, again)
		}
	})
}

func TestManifest(t *testing.T) {
	b, err := sampleManifest().Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := DecodeManifest(b)
	if err != nil || fmt.Sprint(m) != fmt.Sprint(sampleManifest()) {
		t.Errorf("%+v, %v", m, err)
	}
	for i := range b {
		changed := bytes.Clone(b)
		if changed[i] == ' ' {
			continue
		}
		changed[i] = ' '
		if other, err := DecodeManifest(changed); err == nil && fmt.Sprint(other) == fmt.Sprint(m) {
			t.Errorf("byte %d may change", i)
		}
	}
}
