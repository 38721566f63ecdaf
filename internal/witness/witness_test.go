package witness_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/vouch"
	"github.com/exhibithq/exhibit/internal/witness"
)

// tree is a log of some leaves with its hashes.
type tree struct {
	t     *testing.T
	nodes map[translog.Node]translog.Hash
	size  int64
	key   *translog.SigningKey
}

const origin = "log.example.com/ws_test"

func newTree(t *testing.T, salt string, leaves int64) *tree {
	t.Helper()
	key, err := translog.NewSigningKey(origin, false)
	if err != nil {
		t.Fatal(err)
	}
	x := &tree{t: t, nodes: map[translog.Node]translog.Hash{}, key: key}
	for ; x.size < leaves; x.size++ {
		hashes, err := translog.Grow(x.size, []byte(salt+string(rune('a'+x.size%26))), x.read)
		if err != nil {
			t.Fatal(err)
		}
		for level, h := range hashes {
			x.nodes[translog.Node{Level: level, N: x.size >> level}] = h
		}
	}
	return x
}

func (x *tree) read(at []translog.Node) ([]translog.Hash, error) {
	var out []translog.Hash
	for _, n := range at {
		out = append(out, x.nodes[n])
	}
	return out, nil
}

func (x *tree) at(size int64) translog.Checkpoint {
	x.t.Helper()
	root, err := translog.Root(size, x.read)
	if err != nil {
		x.t.Fatal(err)
	}
	return translog.Checkpoint{Origin: origin, Size: size, Root: root}
}

// submit makes a submission of the checkpoint over size leaves for a witness that knows old.
func (x *tree) submit(old, size int64) translog.Submission {
	x.t.Helper()
	s := translog.Submission{Old: old, Note: x.at(size).Sign(time.Now(), x.key)}
	if old > 0 && old < size {
		var err error
		if s.Proof, err = translog.ProveConsistency(size, old, x.read); err != nil {
			x.t.Fatal(err)
		}
	}
	return s
}

// post submits and gives status, media type and text of the answer.
func post(t *testing.T, url string, body []byte) (int, string, string) {
	t.Helper()
	a, err := http.Post(url+"/add-checkpoint", "text/plain", bytes.NewReader(body))
	if err != nil {
		return 0, "", err.Error()
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Content-Type"), string(text)
}

// start serves a witness of a tree's log over a directory, and gives its address and key.
func start(t *testing.T, dir string, key *translog.SigningKey, logs ...translog.Key) (*httptest.Server, *witness.Witness) {
	t.Helper()
	state, err := translog.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.New(witness.Config{Key: key, Logs: logs, State: state, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(srv.Close)
	return srv, w
}

func newKey(t *testing.T) *translog.SigningKey {
	t.Helper()
	k, err := translog.NewSigningKey("w.example.com", true)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestAnswers goes through what add-checkpoint can be answered with, in an order in which each rests on the one before it.
func TestAnswers(t *testing.T) {
	x, other, key := newTree(t, "", 40), newTree(t, "rewritten", 40), newKey(t)
	other.key = x.key
	stranger := newTree(t, "", 40)
	srv, _ := start(t, t.TempDir(), key, x.key.Verifier())
	elsewhere := x.at(7)
	elsewhere.Origin = "log.example.com/ws_other"
	longer := x.submit(7, 20)
	longer.Proof = append(longer.Proof, translog.Hash{1})
	for _, step := range []struct {
		name   string
		body   []byte
		status int
		text   string // in the answer; "sign": the witness's good signature
	}{
		{"nonsense", []byte("old 7"), 400, ""},
		{"a size with a leading zero", bytes.Replace(x.submit(0, 7).Bytes(), []byte("old 0"), []byte("old 00"), 1), 400, ""},
		{"another log", translog.Submission{Note: elsewhere.Sign(time.Now(), x.key)}.Bytes(), 404, ""},
		{"another key", stranger.submit(0, 7).Bytes(), 403, ""},
		{"the first one needs no proof and has one", translog.Submission{Proof: []translog.Hash{{}}, Note: x.submit(0, 7).Note}.Bytes(), 422, ""},
		{"the first one", x.submit(0, 7).Bytes(), 200, "sign"},
		{"the same once more", x.submit(7, 7).Bytes(), 200, "sign"},
		{"the log has forgotten", x.submit(0, 20).Bytes(), 409, "7\n"},
		{"the old size lies above", x.submit(20, 7).Bytes(), 400, ""},
		{"another size than that which was signed", x.submit(5, 20).Bytes(), 409, "7\n"},
		{"a proof of another tree", other.submit(7, 20).Bytes(), 422, ""},
		{"a proof that is too long", longer.Bytes(), 422, ""},
		{"no proof", translog.Submission{Old: 7, Note: x.submit(7, 20).Note}.Bytes(), 422, ""},
		{"another tree of the same size", other.submit(7, 7).Bytes(), 409, "7\n"},
		{"it goes on", x.submit(7, 20).Bytes(), 200, "sign"},
		{"it goes back", x.submit(7, 7).Bytes(), 409, "20\n"},
		{"it goes on", x.submit(20, 40).Bytes(), 200, "sign"},
	} {
		status, media, text := post(t, srv.URL, step.body)
		if status != step.status || step.text != "sign" && !strings.HasPrefix(text, step.text) || status == 409 && media != "text/x.tlog.size" {
			t.Errorf("%s: %d %s %q", step.name, status, media, text)
		}
		if step.text != "sign" {
			continue
		}
		s, err := translog.ParseSubmission(step.body)
		if err != nil {
			t.Fatal(err)
		}
		n, err := translog.ParseNote(append(s.Note, text...))
		if err != nil {
			t.Fatalf("%s: %q: %v", step.name, text, err)
		}
		if _, at, err := n.Signed(key.Verifier()); err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("%s: signed at %s: %v", step.name, at, err)
		}
	}
	a, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, _ := io.ReadAll(a.Body)
	if want := "log " + origin + " " + (translog.Pin{Size: 40, Root: x.at(40).Root}).String(); !strings.Contains(string(text), want) || !strings.Contains(string(text), key.Verifier().String()) {
		t.Errorf("it tells of itself: %s", text)
	}
}

// TestCrashes is the crash table of an answer: before the state is durable, and behind it.
func TestCrashes(t *testing.T) {
	x, key, dir := newTree(t, "", 40), newKey(t), t.TempDir()
	srv, w := start(t, dir, key, x.key.Verifier())
	if status, _, text := post(t, srv.URL, x.submit(0, 7).Bytes()); status != 200 {
		t.Fatal(status, text)
	}
	t.Run("not stored", func(t *testing.T) {
		// The state cannot be written: a directory lies where the new file would.
		files, err := filepath.Glob(filepath.Join(dir, "signed-*"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		must(t, os.Mkdir(files[0]+".new", 0o700))
		if status, _, text := post(t, srv.URL, x.submit(7, 20).Bytes()); status != 500 || strings.Contains(text, "—") {
			t.Errorf("it answers %d %q although it cannot remember", status, text)
		}
		must(t, os.Remove(files[0]+".new"))
		again, _ := start(t, dir, key, x.key.Verifier())
		if status, _, text := post(t, again.URL, x.submit(7, 20).Bytes()); status != 200 {
			t.Errorf("the same once more: %d %q", status, text)
		}
	})
	t.Run("stored, and the answer is lost", func(t *testing.T) {
		lossy := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			w.Handler().ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}))
		defer lossy.Close()
		c := vouch.New("Exhibit/test")
		if _, err := c.Cosign(t.Context(), lossy.URL, x.submit(20, 30)); err == nil {
			t.Fatal("the answer was not lost")
		}
		again, _ := start(t, dir, key, x.key.Verifier()) // another process
		_, err := c.Cosign(t.Context(), again.URL, x.submit(20, 30))
		var size *vouch.SizeError
		if !errors.As(err, &size) || size.Size != 30 {
			t.Fatalf("it was stored: %v", err)
		}
		if lines, err := c.Cosign(t.Context(), again.URL, x.submit(30, 30)); err != nil || !strings.HasPrefix(string(lines), "— w.example.com ") {
			t.Errorf("the same with the size that it told: %q %v", lines, err)
		}
	})
}

// TestRace submits a longer and a shorter checkpoint at once, over two processes: whatever is signed, the state never goes back.
func TestRace(t *testing.T) {
	x, key, dir := newTree(t, "", 40), newKey(t), t.TempDir()
	one, _ := start(t, dir, key, x.key.Verifier())
	two, _ := start(t, dir, key, x.key.Verifier())
	if status, _, _ := post(t, one.URL, x.submit(0, 3).Bytes()); status != 200 {
		t.Fatal(status)
	}
	for size := int64(3); size < 38; size += 2 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		signed := map[int64]bool{}
		for i := range 4 {
			wg.Go(func() {
				next, url := size+1+int64(i%2), one.URL
				if i > 1 {
					url = two.URL
				}
				if status, _, _ := post(t, url, x.submit(size, next).Bytes()); status == 200 {
					mu.Lock()
					signed[next] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(signed) != 1 {
			t.Fatalf("behind %d leaves it signed %v at once", size, signed)
		}
		if signed[size+1] {
			if status, _, _ := post(t, one.URL, x.submit(size+1, size+2).Bytes()); status != 200 {
				t.Fatal(status)
			}
		}
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.key")
	made, err := witness.WriteKey(path, "w.example.com")
	must(t, err)
	read, err := witness.ReadKey(path)
	must(t, err)
	if made.Verifier().String() != read.Verifier().String() {
		t.Error("another key was read than written")
	}
	if _, err := witness.WriteKey(path, "w.example.com"); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key is replaced: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v %v", st.Mode(), err)
	}
	must(t, os.WriteFile(path, []byte("EXHIBIT+SIGNING+KEY+1 witness secret"), 0o600))
	if _, err := witness.ReadKey(path); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a damaged key: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
