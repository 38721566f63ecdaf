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
	type attack struct {
		why   string // what it is refused with
		bytes []byte
	}
	hostile := map[string]attack{}
	add := func(name, why string, b []byte) { hostile[name] = attack{why, b} }
	add("empty", "it has 0 bytes", nil)
	add("text", "end record", []byte("hello, this is not a zip file at all"))
	add("appended", "end record", append(bytes.Clone(good), 0))
	add("prepended", "end record", append([]byte{0}, good...))
	add("cut off", "end record", good[:len(good)-1])
	add("only an end", "end record", good[len(good)-22:])
	add("a twin", "there twice", odd(nil, "a.txt", "a.txt"))
	add("parts in another order", "in its place", odd(nil, "b.txt", "a.txt"))
	add("encrypted", "encrypted", odd(func(h *zip.FileHeader) { h.Flags = 1 }, "a.txt"))
	add("a comment", "comment", odd(func(h *zip.FileHeader) { h.Comment = "x" }, "a.txt"))
	add("an extra field", "extra fields", odd(func(h *zip.FileHeader) { h.Extra = []byte{1, 2, 0, 0} }, "a.txt"))
	add("a symlink", "attributes", odd(func(h *zip.FileHeader) { h.SetMode(0o777 | 1<<27) }, "a.txt"))
	add("a bomb", "it unpacks to", odd(func(h *zip.FileHeader) { h.CompressedSize64, h.UncompressedSize64 = 10, 100<<20 }, "a.txt"))
	add("packed bytes that are none", "cannot be unpacked", odd(func(h *zip.FileHeader) { h.CompressedSize64, h.UncompressedSize64 = 10, 11 }, "a.txt"))
	add("another method", "packed by method 12", odd(func(h *zip.FileHeader) { h.Method = 12 }, "a.txt"))
	add("a device", "attributes", odd(func(h *zip.FileHeader) { h.SetMode(0o600 | fs.ModeDevice) }, "a.txt"))
	add("a folder", "attributes", odd(func(h *zip.FileHeader) { h.SetMode(0o700 | fs.ModeDir) }, "a.txt"))
	add("a zip64 size", "extra fields", odd(func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 33 }, "a.txt"))
	add("another time", "has a date", odd(func(h *zip.FileHeader) {
		//lint:ignore SA1019 as the bundle itself is written
		h.ModifiedTime = 1
	}, "a.txt"))
	add("a data descriptor", "encrypted", odd(func(h *zip.FileHeader) { h.Flags = 8 }, "a.txt"))
	first := int(binary.LittleEndian.Uint16(good[26:])) + 30 + int(binary.LittleEndian.Uint32(good[18:])) // where the second header begins
	add("a gap between parts", "end record", slices.Insert(bytes.Clone(good), first, 0))
	end := len(good) - 22
	dir := int(binary.LittleEndian.Uint32(good[end+16:]))
	moved := func(b []byte, by int) []byte { // the directory, by so many bytes
		at := len(b) - 22 + 16
		binary.LittleEndian.PutUint32(b[at:], binary.LittleEndian.Uint32(b[at:])+uint32(by))
		return b
	}
	add("a gap between parts, and the directory knows", "headers differ", moved(slices.Insert(bytes.Clone(good), first, 0), 1))
	add("a gap before the directory", "end record", slices.Insert(bytes.Clone(good), dir, 0))
	add("a gap before the directory, and the end knows", "between its parts and its directory", moved(slices.Insert(bytes.Clone(good), dir, 0), 1))
	add("a zip64 end", "end record", slices.Insert(bytes.Clone(good), end, append([]byte("PK\x06\x07"), make([]byte, 16)...)...))
	for what, at := range map[string]int{"more parts than there are": end + 10, "fewer parts here": end + 8, "a second disk": end + 4, "a comment behind": end + 20, "another directory": end + 16, "a longer directory": end + 12} {
		b := bytes.Clone(good)
		b[at]++
		add(what, "end record", b)
	}
	lie := bytes.Clone(good) // in both headers
	binary.LittleEndian.PutUint32(lie[22:], binary.LittleEndian.Uint32(lie[22:])-1)
	binary.LittleEndian.PutUint32(lie[dir+24:], binary.LittleEndian.Uint32(lie[dir+24:])-1)
	add("a size lie", "unpacks to more than it says", lie)
	more := bytes.Clone(good)
	more[end+8]++
	more[end+10]++
	add("more parts than there are, in both places", "cut off", more)
	most := bytes.Clone(good)
	binary.LittleEndian.PutUint16(most[end+8:], 65_535)
	binary.LittleEndian.PutUint16(most[end+10:], 65_535)
	add("as many parts as ZIP64 has", "end record", most)
	twice := bytes.Clone(good) // the second entry of the directory points at the first part
	second := dir + 46 + int(binary.LittleEndian.Uint16(good[dir+28:]))
	binary.LittleEndian.PutUint32(twice[second+42:], 0)
	add("parts that overlap", "behind the one before it", twice)
	nested := bytes.Clone(good) // a header's sizes reach over the next part
	binary.LittleEndian.PutUint32(nested[18:], binary.LittleEndian.Uint32(good[18:])+40)
	add("a part inside of a part", "headers differ", nested)
	both := bytes.Clone(nested)
	binary.LittleEndian.PutUint32(both[dir+20:], binary.LittleEndian.Uint32(both[18:]))
	add("a part inside of a part, in both headers", "behind the one before it", both)
	for what, at := range map[string]int{"name": 30, "method": 8, "checksum": 14, "packed size": 18, "size": 22, "version": 4, "flags": 6, "date": 12, "length of the name": 26} {
		b := bytes.Clone(good)
		b[at] ^= 1
		add("another "+what+" in the local header", "headers differ", b)
	}
	for _, name := range []string{"../a", "/a", `a\b`, "c:/a", "a\x00b", "A.txt", "аdmin.txt", "a\u202e.txt", "e\u0301.txt", "con", "con.txt", "a/aux.json", "a.", "a ", "a//b",
		"a/", ".a", "a/../b", strings.Repeat("a", 201), "lpt1.x", "a/./b"} {
		why := "is not allowed"
		if strings.Contains(name, "con") || strings.Contains(name, "aux") || strings.Contains(name, "lpt1") {
			why = "is a device"
		}
		if len(name) > MaxName {
			why = "its directory is too long"
		}
		add("the name "+name, why, odd(nil, name))
	}
	for name, a := range hostile {
		if parts, err := readAll(a.bytes); err == nil {
			t.Errorf("%s is read as %v", name, parts)
		} else if !strings.Contains(err.Error(), a.why) {
			t.Errorf("%s is refused, but not because of %q: %v", name, a.why, err)
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
