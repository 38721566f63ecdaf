package translog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"pgregory.net/rapid"
)

// memory is a log in memory.
type memory struct {
	nodes map[Node]Hash
	size  int64
}

func (m *memory) read(at []Node) ([]Hash, error) {
	out := make([]Hash, len(at))
	for i, n := range at {
		h, ok := m.nodes[n]
		if !ok {
			return nil, fmt.Errorf("no node %v", n)
		}
		out[i] = h
	}
	return out, nil
}

func (m *memory) add(t testing.TB, leaf []byte) {
	hashes, err := Grow(m.size, leaf, m.read)
	if err != nil {
		t.Fatal(err)
	}
	for level, h := range hashes {
		n := Node{level, m.size >> level}
		if n.Leaf() != m.size {
			t.Fatalf("node %v is said to be complete with leaf %d, not %d", n, n.Leaf(), m.size)
		}
		m.nodes[n] = h
	}
	m.size++
}

func newMemory() *memory { return &memory{nodes: map[Node]Hash{}} }

func sampleLeaf(i int) []byte {
	b, err := Leaf{KindAction, Fields{"at": int64(i), "type": "artifact.build", "subject": "ar_0000000000000000",
		"actor_commit": strings.Repeat("a", 64), "subject_commit": strings.Repeat("b", 64), "comment_commit": strings.Repeat("c", 64)}}.Encode()
	if err != nil {
		panic(err)
	}
	return b
}

// TestTreeIsTheOracles compares root after root with another implementation of RFC 6962, a million leaves long, and the
// proofs at some sizes.
func TestTreeIsTheOracles(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	m := newMemory()
	fold := &Fold{}
	oracle := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	var leaf [8]byte
	for i := range n {
		leaf = [8]byte{byte(i), byte(i >> 8), byte(i >> 16), 7}
		m.add(t, leaf[:])
		fold.Add(LeafHash(leaf[:]))
		if err := oracle.Append(rfc6962.DefaultHasher.HashLeaf(leaf[:]), nil); err != nil {
			t.Fatal(err)
		}
		if i%9973 != 0 && i != n-1 && i > 300 {
			continue
		}
		want, err := oracle.GetRootHash(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Root(m.size, m.read)
		if err != nil || !bytes.Equal(got[:], want) || fold.Root() != got {
			t.Fatalf("after %d leaves the root is %s, the fold's %s, the oracle's %x (%v)", m.size, got, fold.Root(), want, err)
		}
	}
	for _, at := range []int64{0, 1, 4095, int64(n) / 3, int64(n) - 1} {
		checkProofs(t, m, at)
	}
}

func checkProofs(t *testing.T, m *memory, at int64) {
	root, _ := Root(m.size, m.read)
	p, err := ProveLeaf(m.size, at, m.read)
	if err != nil {
		t.Fatal(err)
	}
	leaf := m.nodes[Node{0, at}]
	if err := CheckLeaf(p, m.size, root, at, leaf); err != nil {
		t.Error(err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(at), uint64(m.size), leaf[:], slicesOf(p), root[:]); err != nil {
		t.Errorf("the oracle refuses the inclusion of %d: %v", at, err)
	}
	old := at + 1
	oldRoot, _ := Root(old, m.read)
	c, err := ProveConsistency(m.size, old, m.read)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckConsistency(c, m.size, root, old, oldRoot); err != nil {
		t.Error(err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(old), uint64(m.size), slicesOf(c), oldRoot[:], root[:]); err != nil {
		t.Errorf("the oracle refuses the consistency with %d: %v", old, err)
	}
	oldRoot[3] ^= 1
	if CheckConsistency(c, m.size, root, old, oldRoot) == nil {
		t.Errorf("another old root of %d leaves is accepted", old)
	}
}

func slicesOf(in []Hash) [][]byte {
	out := make([][]byte, len(in))
	for i := range in {
		out[i] = in[i][:]
	}
	return out
}

func TestFrontierGoesOn(t *testing.T) {
	whole := &Fold{}
	for i := range 300 {
		half, err := NewFold(whole.Size(), whole.Frontier())
		if err != nil {
			t.Fatal(err)
		}
		half.Add(LeafHash(sampleLeaf(i)))
		whole.Add(LeafHash(sampleLeaf(i)))
		if half.Root() != whole.Root() {
			t.Fatalf("behind a frontier of %d leaves the root differs", i)
		}
	}
	if _, err := NewFold(3, make([]Hash, 1)); err == nil {
		t.Error("a frontier that is too short is accepted")
	}
}

func TestPageCommitsToEachEvent(t *testing.T) {
	body := []byte(`{"items":[{"uuid":"A"},{"uuid":"B"}, {"uuid":"C"}],"cursor":"x","has_more":false}`)
	places := [][2]int{{10, 22}, {23, 35}, {37, 49}}
	at := func(i int) (int, int) { return places[i][0], places[i][1] }
	salts := NewSalts()
	root, err := PageRoot(body, 3, at, salts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range places {
		p, err := ProveRecord(body, 3, at, salts, i)
		if err != nil {
			t.Fatal(err)
		}
		raw := body[places[i][0]:places[i][1]]
		if !p.Check(raw, root) {
			t.Errorf("record %d is not proven", i)
		}
		if p.Check([]byte(`{"uuid":"X"}`), root) {
			t.Errorf("another record %d is proven", i)
		}
		p.Segment += 2
		if p.Check(raw, root) {
			t.Errorf("record %d is proven at another place", i)
		}
	}
	for i := range body {
		changed := bytes.Clone(body)
		changed[i] ^= 1
		if other, _ := PageRoot(changed, 3, at, salts); other == root {
			t.Fatalf("byte %d may change", i)
		}
	}
	if other, _ := PageRoot(body, 3, at, NewSalts()); other == root {
		t.Error("the root does not depend on the salts")
	}
	places[1], places[2] = [2]int{23, 49}, [2]int{49, 49}
	if other, _ := PageRoot(body, 3, at, salts); other == root {
		t.Error("records may be joined")
	}
	if _, err := PageRoot(body, 1, func(int) (int, int) { return 5, 4 }, salts); err == nil {
		t.Error("a record that ends before it begins is accepted")
	}
}

// value draws what a leaf may hold.
func value(t *rapid.T, depth int) any {
	most := 4
	if depth > 3 {
		most = 2
	}
	switch rapid.IntRange(0, most).Draw(t, "form") {
	case 0:
		return rapid.String().Draw(t, "text")
	case 1:
		return rapid.Int64Range(0, maxInt).Draw(t, "number")
	case 2:
		return rapid.Bool().Draw(t, "truth")
	case 3:
		list := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			list = append(list, value(t, depth+1))
		}
		return list
	}
	return object(t, depth+1)
}

func object(t *rapid.T, depth int) Fields {
	f := Fields{}
	for range rapid.IntRange(0, 4).Draw(t, "keys") {
		f[rapid.StringMatching(`[a-z0-9_.-]{1,6}`).Draw(t, "key")] = value(t, depth)
	}
	return f
}

// TestCanonicalJSON compares the encoder with another implementation of RFC 8785, and reads back what it writes.
func TestCanonicalJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := object(t, 0)
		mine, err := EncodeJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := jcs.Transform(mine)
		if err != nil || !bytes.Equal(mine, theirs) {
			t.Fatalf("mine is %q, RFC 8785 asks for %q (%v)", mine, theirs, err)
		}
		back, err := DecodeJSON(mine)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := EncodeJSON(back); !bytes.Equal(again, mine) {
			t.Fatalf("%q came back as %q", mine, again)
		}
	})
}

func TestOneWayToWrite(t *testing.T) {
	for _, text := range []string{
		`{"a":1,"a":1}`, `{"b":1,"a":1}`, `{"a":-0}`, `{"a":-1}`, `{"a":1.0}`, `{"a":1e2}`, `{"a":01}`, `{"a":9007199254740992}`,
		`{"a":99999999999999999999}`, `{"a":"\u0041"}`, `{"a":"\/"}`, `{"a":"\ud800"}`, "{\"a\":\"\xed\xa0\x80\"}", "\xef\xbb\xbf{}", `{} `, `{}x`, ` {}`,
		`{"a":null}`, `{"A":1}`, `{"":1}`, `{"a" :1}`, `{"a":[1,]}`, `{"a":"` + "\x00" + `"}`, `{"a":"\u001F"}`, `[]`, ``, `{"a":tru}`,
		strings.Repeat(`{"a":`, 99) + `1` + strings.Repeat(`}`, 99),
	} {
		if f, err := DecodeJSON([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, f)
		}
	}
}

func TestLeavesAreStrict(t *testing.T) {
	good := sampleLeaf(5)
	l, err := DecodeLeaf(good)
	if err != nil || l.Kind != KindAction || l.At() != 5 {
		t.Fatalf("%+v, %v", l, err)
	}
	for name, change := range map[string]struct {
		leaf []byte
		want error
	}{
		"another version":   {bytes.Replace(good, []byte("leaf/v1"), []byte("leaf/v2"), 1), ErrLeaf},
		"unknown kind":      {bytes.Replace(good, []byte(" action\n"), []byte(" murmur\n"), 1), ErrUnknownKind},
		"a field too many":  {bytes.Replace(good, []byte(`"at":5`), []byte(`"at":5,"b":1`), 1), ErrSchema},
		"a field too few":   {bytes.Replace(good, []byte(`,"type":"artifact.build"`), nil, 1), ErrSchema},
		"another type":      {bytes.Replace(good, []byte(`"artifact.build"`), []byte(`7`), 1), ErrSchema},
		"a short hash":      {bytes.Replace(good, []byte(`aaaa"`), []byte(`aaa"`), 1), ErrSchema},
		"no last newline":   {good[:len(good)-1], ErrLeaf},
		"something behind":  {append(bytes.Clone(good), 'x', '\n'), ErrNotCanonical},
		"only the label":    {[]byte(leafLabel), ErrLeaf},
		"nothing":           {nil, ErrLeaf},
		"another key order": {bytes.Replace(good, []byte(`{"actor`), []byte(`{"zctor`), 1), ErrNotCanonical},
	} {
		if _, err := DecodeLeaf(change.leaf); !errors.Is(err, change.want) {
			t.Errorf("%s gives %v, want %v", name, err, change.want)
		}
	}
	if _, err := (Leaf{KindGenesis, Fields{"at": int64(1)}}).Encode(); err == nil {
		t.Error("a leaf without its fields is written")
	}
}

func TestSignerRefusesForks(t *testing.T) {
	m := newMemory()
	for i := range 8 {
		m.add(t, sampleLeaf(i))
	}
	state, err := OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewSigningKey("exhibit/ws_test", false)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSigner(state, key)
	sign := func(m *memory, old, size int64) error {
		root, err := Root(size, m.read)
		if err != nil {
			t.Fatal(err)
		}
		var p []Hash
		if old > 0 && old <= size {
			if p, err = ProveConsistency(size, old, m.read); err != nil {
				t.Fatal(err)
			}
		}
		signed, err := s.Sign(old, p, Checkpoint{"exhibit/ws_test", size, root}, time.Now())
		if err == nil {
			_, n, perr := OpenCheckpoint(signed)
			if _, _, verr := n.Signed(key.Verifier()); perr != nil || verr != nil {
				t.Fatalf("what was signed does not verify: %v, %v", perr, verr)
			}
		}
		return err
	}
	for _, step := range [][2]int64{{0, 3}, {3, 3}, {3, 8}, {8, 8}} {
		if err := sign(m, step[0], step[1]); err != nil {
			t.Errorf("from %d to %d: %v", step[0], step[1], err)
		}
	}
	var conflict *ConflictError
	if err := sign(m, 3, 5); !errors.As(err, &conflict) || conflict.Last.Size != 8 {
		t.Errorf("a log that was taken back to 5 leaves is signed: %v", err)
	}
	fork := newMemory()
	for i := range 12 {
		fork.add(t, sampleLeaf(i*i))
	}
	if err := sign(fork, 8, 12); !errors.Is(err, ErrFork) {
		t.Errorf("another history of 12 leaves is signed: %v", err)
	}
	if err := sign(fork, 8, 8); !errors.Is(err, ErrFork) {
		t.Errorf("another history of as many leaves is signed: %v", err)
	}
	if last, err := NewSigner(state, key).Last("exhibit/ws_test"); err != nil || last.Size != 8 {
		t.Errorf("the state is %+v, %v", last, err)
	}
}

func TestNotesAreStrict(t *testing.T) {
	key, _ := NewSigningKey("exhibit/ws_test", false)
	other, _ := NewSigningKey("exhibit/ws_test", false)
	witness, _ := NewSigningKey("w.example.com", true)
	c := Checkpoint{"exhibit/ws_test", 7, sha256.Sum256([]byte("x"))}
	at := time.Unix(1790000000, 0).UTC()
	signed := c.Sign(at, key, witness)
	back, n, err := OpenCheckpoint(signed)
	if err != nil || back != c || !bytes.Equal(n.Bytes(), signed) {
		t.Fatalf("%+v, %v", back, err)
	}
	if _, _, err := n.Signed(other.Verifier()); !NotSigned(err) {
		t.Errorf("a strange key gives %v", err)
	}
	if _, vouched, err := n.Signed(witness.Verifier()); err != nil || !vouched.Equal(at) {
		t.Errorf("the witness vouches for %v, %v", vouched, err)
	}
	text := string(signed)
	for name, changed := range map[string]string{
		"CRLF":              strings.ReplaceAll(text, "\n", "\r\n"),
		"no last newline":   strings.TrimSuffix(text, "\n"),
		"hyphen":            strings.ReplaceAll(text, "—", "-"),
		"en dash":           strings.ReplaceAll(text, "—", "–"),
		"many signatures":   text + strings.Repeat(c.Cosign(at, witness), 10_000),
		"33 signatures":     text + strings.Repeat(c.Cosign(at, witness), 31),
		"no signature":      string(c.Text()) + "\n",
		"extension line":    strings.Replace(text, "\n7\n", "\n7\nmore\n", 1),
		"leading zero":      strings.Replace(text, "\n7\n", "\n07\n", 1),
		"plus sign":         strings.Replace(text, "\n7\n", "\n+7\n", 1),
		"empty":             "",
		"only blank lines":  "\n\n",
		"spare bits":        spare(text),
		"no padding":        strings.ReplaceAll(text, "=", ""),
		"a break in base64": text[:len(text)-20] + "\r" + text[len(text)-20:],
	} {
		if _, n, err := OpenCheckpoint([]byte(changed)); err == nil {
			if _, _, err := n.Signed(key.Verifier()); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
	}
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1 << (i % 8)
		_, n, err := OpenCheckpoint(changed)
		if err != nil {
			continue
		}
		_, _, errLog := n.Signed(key.Verifier())
		_, _, errWitness := n.Signed(witness.Verifier())
		if errLog == nil && errWitness == nil {
			t.Fatalf("byte %d may change", i)
		}
	}
	secret, err := ParseSigningKey(key.Secret())
	if err != nil || secret.Verifier().String() != key.Verifier().String() {
		t.Errorf("the key comes back as %v, %v", secret, err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v %s", key, key, key, key), key.Secret()[60:]) {
		t.Error("a signing key prints itself")
	}
}

// spare sets the bits of the last signature's base64 that mean nothing.
func spare(text string) string {
	at := strings.LastIndexByte(text, '=')
	for at > 0 && text[at-1] == '=' {
		at--
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return text[:at-1] + string(letters[strings.IndexByte(letters, text[at-1])|1]) + text[at:]
}

func TestPolicy(t *testing.T) {
	key, _ := NewSigningKey("exhibit/ws_test", false)
	var witnesses []*SigningKey
	text := "# trust\nlog " + key.Verifier().String() + "\n"
	for _, name := range []string{"a", "b", "c"} {
		w, _ := NewSigningKey(name+".example.com", true)
		witnesses = append(witnesses, w)
		text += "witness " + name + " " + w.Verifier().String() + " https://" + name + ".example.com\n"
	}
	text += "group two 2 a b c\nquorum two\n"
	p, err := ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := Checkpoint{"exhibit/ws_test", 7, sha256.Sum256([]byte("x"))}
	for n, want := range []bool{false, false, true, true} {
		signers := append([]*SigningKey{key}, witnesses[:n]...)
		_, note, err := OpenCheckpoint(c.Sign(time.Now(), signers...))
		if err != nil {
			t.Fatal(err)
		}
		j, err := p.Judge(note)
		if err != nil || !j.Logged || j.Quorum != want || len(j.Witnesses) != n {
			t.Errorf("with %d witnesses: %+v, %v", n, j, err)
		}
	}
	for _, bad := range []string{"", "quorum none\n", "log x\n", text + "witness d e\n", "log " + witnesses[0].Verifier().String(),
		strings.Replace(text, "quorum two", "quorum three", 1), strings.Replace(text, "two 2", "two 4", 1), strings.Replace(text, "two 2", "a 2", 1)} {
		if _, err := ParsePolicy([]byte(bad)); err == nil {
			t.Errorf("%q is a policy", bad)
		}
	}
	if again, err := ParsePolicy(TrustLog(key.Verifier())); err != nil || again.WantsWitnesses() {
		t.Errorf("TrustLog gives %+v, %v", again, err)
	}
}

func TestProofText(t *testing.T) {
	m := newMemory()
	for i := range 21 {
		m.add(t, sampleLeaf(i))
	}
	root, _ := Root(m.size, m.read)
	key, _ := NewSigningKey("exhibit/ws_test", false)
	path, _ := ProveLeaf(m.size, 13, m.read)
	p := Proof{13, path, Checkpoint{"exhibit/ws_test", m.size, root}.Sign(time.Now(), key)}
	back, err := ParseProof(p.Bytes())
	if err != nil || !bytes.Equal(back.Bytes(), p.Bytes()) {
		t.Fatal(err)
	}
	if c, err := back.Check(sampleLeaf(13)); err != nil || c.Size != 21 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := back.Check(sampleLeaf(14)); err == nil {
		t.Error("another leaf is proven")
	}
}

// vectors are the test vectors that every verifier shares; docs/formats.md shows them.
type vectors struct {
	Commit struct{ Tag, Salt, Data, Commitment string }
	Salts  struct {
		Seed string
		Salt []string
	}
	Page struct {
		Body    string
		Records [][2]int
		Salts   string
		Root    string
	}
	Erased struct{ Body, Salts, Redacted string } // the page without record 0
	Leaf   struct{ Text, Record, Hash string }
	Tree   struct {
		Leaves []string
		Roots  []string
	}
	Key        struct{ Secret, VKey string }
	Checkpoint struct {
		Text, Signed string
	}
}

func TestVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	got := makeVectors(t)
	want, _ := json.MarshalIndent(v, "", "  ")
	have, _ := json.MarshalIndent(got, "", "  ")
	if !bytes.Equal(want, have) {
		t.Errorf("the formats changed. Vectors are now:\n%s", have)
	}
	doc, err := os.ReadFile("../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{v.Commit.Commitment, v.Salts.Salt[1], v.Page.Root, v.Erased.Salts, v.Erased.Redacted, v.Leaf.Record, v.Leaf.Hash, v.Tree.Roots[2], v.Key.VKey, v.Checkpoint.Signed} {
		if !strings.Contains(string(doc), s) {
			t.Errorf("docs/formats.md does not show the vector %q", s)
		}
	}
}

// eraseFirst erases the first record of a page, and gives the page as it is kept and as a bundle has it.
func eraseFirst(t *testing.T, body []byte, places [][2]int, salts Salts, root Hash) (kept, left, redacted string) {
	t.Helper()
	at := func(i int) (int, int) { return places[i][0], places[i][1] }
	next, err := salts.Erase(body, len(places), at, map[int]bool{0: true})
	if err != nil {
		t.Fatal(err)
	}
	now, where := erased(body, len(places), at, map[int]bool{0: true})
	segments, err := Redact(now, len(places), where, next, func(int) int64 { return 1790000000000 }, func(int) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	text, err := EncodeRedacted(segments)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := PageRoot(now, len(places), where, next); err != nil || again != root {
		t.Fatalf("without its first record the page has another root: %v", err)
	}
	return string(now), fmt.Sprintf("%x", []byte(next)), string(text)
}

func makeVectors(t *testing.T) vectors {
	var v vectors
	salt := Salt(sha256.Sum256([]byte("salt")))
	v.Commit.Tag, v.Commit.Salt, v.Commit.Data = "actor", Hash(salt).String(), `{"name":"Ada Okafor"}`
	v.Commit.Commitment = Commit(TagActor, salt, []byte(v.Commit.Data)).String()
	salts := append(Salts{1}, salt[:]...)
	v.Salts.Seed = Hash(salt).String()
	for i := range 3 {
		s, err := salts.At(i)
		if err != nil {
			t.Fatal(err)
		}
		v.Salts.Salt = append(v.Salts.Salt, Hash(s).String())
	}
	v.Page.Body = `{"items":[{"uuid":"A"},{"uuid":"B"}],"cursor":"c1","has_more":false}`
	v.Page.Records = [][2]int{{10, 22}, {23, 35}}
	v.Page.Salts = fmt.Sprintf("%x", []byte(salts))
	root, err := PageRoot([]byte(v.Page.Body), 2, func(i int) (int, int) { return v.Page.Records[i][0], v.Page.Records[i][1] }, salts)
	if err != nil {
		t.Fatal(err)
	}
	v.Page.Root = root.String()
	v.Erased.Body, v.Erased.Salts, v.Erased.Redacted = eraseFirst(t, []byte(v.Page.Body), v.Page.Records, salts, root)
	leaf := sampleLeaf(1790000000000)
	v.Leaf.Text, v.Leaf.Record, v.Leaf.Hash = string(leaf), RecordID(leaf), LeafHash(leaf).String()
	fold := &Fold{}
	for i := range 3 {
		l := sampleLeaf(1790000000000 + i)
		fold.Add(LeafHash(l))
		v.Tree.Leaves, v.Tree.Roots = append(v.Tree.Leaves, string(l)), append(v.Tree.Roots, fold.Root().String())
	}
	v.Key.Secret = secretPrefix + "log exhibit/ws_test " + strict.EncodeToString(salt[:])
	key, err := ParseSigningKey(v.Key.Secret)
	if err != nil {
		t.Fatal(err)
	}
	v.Key.VKey = key.Verifier().String()
	c := Checkpoint{"exhibit/ws_test", 3, fold.Root()}
	v.Checkpoint.Text, v.Checkpoint.Signed = string(c.Text()), string(c.Sign(time.Time{}, key))
	return v
}
