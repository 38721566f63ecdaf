package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var errCrash = errors.New("the power went")

// clean fails the test if Check finds anything.
func (f *fixture) clean() {
	f.t.Helper()
	results, err := f.Check(f.t.Context(), nil)
	f.ok(err)
	for _, r := range results {
		if !r.OK {
			f.t.Errorf("check of %s: %s", r.Name, r.Detail)
		}
	}
	if len(results) != 9 {
		f.t.Errorf("%d checks, want 9", len(results))
	}
}

// TestCommitCrashes fails each durable step of a commit, once so that nothing was stored and once so that all was. Reading
// then goes on from what Acquire says, and every event is there exactly once.
func TestCommitCrashes(t *testing.T) {
	for _, at := range []struct {
		step   string
		stored bool
	}{{"page stored", false}, {"leaf added", false}, {"events indexed", false}, {"records stored", false}, {"before commit", false}, {"after commit", true}} {
		t.Run(at.step, func(t *testing.T) {
			both(t, func(t *testing.T, f *fixture) { crashAt(t, f, at.step, at.stored, 0) })
			t.Run("sqlite, runs merged", func(t *testing.T) {
				crashAt(t, newFixture(t, Config{Dir: t.TempDir()}), at.step, at.stored, runsInTier-1)
			})
		})
	}
}

// crashAt fails a step of the commit after 1 + earlier others.
func crashAt(t *testing.T, f *fixture, step string, stored bool, earlier int) {
	l := f.acquire(usages)
	one, two := happening{n: 1, at: day0.Add(time.Hour), person: "ada"}, happening{n: 2, at: day0.Add(2 * time.Hour), person: "bob"}
	l = f.commit(l, live(l, pageOf("c1", true, one), one.at)).Lease
	for i := range earlier {
		h := happening{n: 10 + i, at: day0.Add(time.Hour + time.Duration(i)*time.Second), person: "ada"}
		l = f.commit(l, live(l, pageOf(fmt.Sprint("e", i), true, h), h.at)).Lease
	}
	f.fail = func(s string) error {
		if s == step {
			return errCrash
		}
		return nil
	}
	second := live(l, pageOf("c2", true, one, two), two.at)
	second.Trouble = &evidence.Trouble{Span: evidence.Span{From: two.at}, Cause: evidence.CursorLost, Reason: "lost"}
	if _, err := f.Commit(t.Context(), l, second); !errors.Is(err, errCrash) {
		t.Fatalf("commit gave %v", err)
	}
	f.fail = nil
	again := f.acquire(usages)
	if moved := again.Cursor == "c2" && again.Sequence == int64(2+earlier) && again.Window.To.Equal(two.at); moved != stored {
		t.Fatalf("after the crash the stream is at %+v", again.Position)
	}
	if n, err := f.Count(t.Context(), f.query()); err != nil || (n == int64(2+earlier)) != stored {
		t.Fatalf("%d events, %v", n, err)
	}
	if _, err := f.Commit(t.Context(), l, second); !errors.Is(err, ErrStale) {
		t.Errorf("the old lease still commits: %v", err)
	}
	if !stored {
		f.commit(again, live(again, pageOf("c2", true, one, two), two.at))
	}
	if n, err := f.Count(t.Context(), f.query()); err != nil || n != int64(2+earlier) {
		t.Errorf("%d events in the end, %v", n, err)
	}
	f.clean()
}

// TestResetCrashes does the same for the reset of a bookmark.
func TestResetCrashes(t *testing.T) {
	for step, stored := range map[string]bool{"before commit": false, "after commit": true} {
		both(t, func(t *testing.T, f *fixture) {
			l := f.acquire(usages)
			l = f.commit(l, live(l, pageOf("c1", true, happening{n: 1, at: day0}), day0.Add(time.Hour))).Lease
			f.fail = func(s string) error {
				if s == step {
					return errCrash
				}
				return nil
			}
			if _, err := f.ResetCursor(t.Context(), l, f.now); !errors.Is(err, errCrash) {
				t.Fatalf("reset gave %v", err)
			}
			f.fail = nil
			if again := f.acquire(usages); (again.Cursor == "" && again.Sequence == 2) != stored {
				t.Errorf("%s: the stream is at %+v", step, again.Position)
			}
			f.clean()
		})
	}
}

// killTime is how long the process that is killed may live, at most.
const killTime = 120 * time.Millisecond

// TestKill kills a process that commits pages, again and again, and looks whether anything is lost or doubled.
func TestKill(t *testing.T) {
	if dir := os.Getenv("EXHIBIT_TEST_KILL"); dir != "" {
		commitUntilKilled(t, dir)
		return
	}
	f := newFixture(t, Config{Dir: t.TempDir()})
	self, err := os.Executable()
	f.ok(err)
	acknowledged := int64(0)
	for round := range 12 {
		child := exec.Command(self, "-test.run", "^TestKill$")
		child.Env = append(os.Environ(), "EXHIBIT_TEST_KILL="+f.cfg.Dir, "EXHIBIT_TEST_CONNECTION="+string(f.conn))
		out := &strings.Builder{}
		child.Stdout = out
		f.ok(child.Start())
		time.Sleep(killTime * time.Duration(round+4) / 8)
		f.ok(child.Process.Kill())
		if err := child.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
		for line := range strings.Lines(out.String()) {
			var sequence int64
			if _, err := fmt.Sscanf(line, "stored %d\n", &sequence); err == nil {
				acknowledged = max(acknowledged, sequence)
			}
		}
	}
	l := f.acquire(usages)
	t.Logf("%d pages were acknowledged, %d are stored", acknowledged, l.Sequence)
	if l.Sequence < acknowledged || l.Sequence == 0 {
		t.Errorf("the stream is at %d, but %d was acknowledged", l.Sequence, acknowledged)
	}
	n, err := f.Count(t.Context(), f.query())
	f.ok(err)
	if n != l.Sequence*killPage {
		t.Errorf("%d events of %d pages, want %d", n, l.Sequence, l.Sequence*killPage)
	}
	f.clean()
}

const killPage = 50

func commitUntilKilled(t *testing.T, dir string) {
	s, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	conn := evidence.ID(os.Getenv("EXHIBIT_TEST_CONNECTION"))
	host := fmt.Sprintf("here.example.com/%d/1", os.Getpid())
	l, err := s.Acquire(t.Context(), conn, usages, host, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for {
		n := int(l.Sequence) + 1
		var events []happening
		for i := range killPage {
			events = append(events, happening{n: n*killPage + i, at: day0.Add(time.Duration(n*killPage+i) * time.Second), person: fmt.Sprint(i % 9)})
		}
		done, err := s.Commit(t.Context(), l, live(l, pageOf(fmt.Sprint("c", n), true, events...), events[killPage-1].at))
		if err != nil {
			t.Fatal(err)
		}
		l = done.Lease
		fmt.Printf("stored %d\n", l.Sequence)
	}
}
