package signin_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
)

// house is a workspace on a real store with a clock of its own.
type house struct {
	*signin.Service
	store *store.Store
	ws    evidence.ID
	dir   string
	now   time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), dir: t.TempDir()}
	clock := func() time.Time { return h.now }
	var err error
	h.store, err = store.Open(t.Context(), store.Config{Dir: h.dir, Now: clock})
	must(t, err)
	t.Cleanup(func() { must(t, h.store.Close()) })
	h.ws, err = h.store.EnsureWorkspace(t.Context(), "default")
	must(t, err)
	key, err := seal.OpenKEK(h.dir)
	must(t, err)
	h.Service = signin.New(h.store, connection.New(connection.Config{Store: h.store, Key: key, Now: clock}), clock)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) link(t *testing.T) string {
	t.Helper()
	admin, err := h.FirstAdmin(t.Context(), h.ws)
	must(t, err)
	l, err := h.NewLink(t.Context(), "test", h.ws, admin.ID)
	must(t, err)
	return strings.TrimPrefix(l.Path, signin.PathPrefix)
}

func TestLinkWorksOnce(t *testing.T) {
	h := newHouse(t)
	secret := h.link(t)
	session, c, err := h.Redeem(t.Context(), secret, signin.Device{Agent: "Firefox"})
	must(t, err)
	if c.Role != people.Admin || c.Workspace != h.ws || c.Nobody() {
		t.Errorf("signed in as %+v", c)
	}
	got, err := h.Caller(t.Context(), session)
	must(t, err)
	if got != c {
		t.Errorf("the session belongs to %+v, want %+v", got, c)
	}
	if _, _, err := h.Redeem(t.Context(), secret, signin.Device{Agent: "Firefox"}); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("using the link again: %v", err)
	}
}

// TestLinkRace holds that of many who press the button at once exactly one gets in.
func TestLinkRace(t *testing.T) {
	h := newHouse(t)
	secret := h.link(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 8 {
		wg.Go(func() {
			if _, _, err := h.Redeem(t.Context(), secret, signin.Device{Agent: ""}); err == nil {
				mu.Lock()
				in++
				mu.Unlock()
			} else if evidence.ErrorCode(err) != evidence.Unauthorized {
				t.Errorf("redeeming: %v", err)
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("%d got in with one link", in)
	}
}

func TestRefusedLinks(t *testing.T) {
	h := newHouse(t)
	expired := h.link(t)
	h.now = h.now.Add(signin.LinkLife)
	for name, secret := range map[string]string{"expired": expired, "made up": "AAAA", "empty": ""} {
		if _, _, err := h.Redeem(t.Context(), secret, signin.Device{Agent: ""}); evidence.ErrorCode(err) != evidence.Unauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		steps []time.Duration // between uses
		ends  bool            // after the last
	}{
		"used every 20 minutes":  {[]time.Duration{20 * time.Minute, 20 * time.Minute, 20 * time.Minute}, false},
		"idle for 30 minutes":    {[]time.Duration{20 * time.Minute, 30 * time.Minute}, true},
		"12 hours though in use": {repeat(29*time.Minute, 25), true},
		"just before 12 hours":   {repeat(29*time.Minute, 24), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			session, _, err := h.Redeem(t.Context(), h.link(t), signin.Device{Agent: ""})
			must(t, err)
			for i, step := range c.steps {
				h.now = h.now.Add(step)
				_, err := h.Caller(t.Context(), session)
				if last := i == len(c.steps)-1; (evidence.ErrorCode(err) == evidence.Unauthorized) != (last && c.ends) {
					t.Fatalf("use %d: %v", i+1, err)
				}
			}
			if c.ends {
				h.now = h.now.Add(-c.steps[len(c.steps)-1])
				if _, err := h.Caller(t.Context(), session); err == nil {
					t.Error("a session that has ended came back when the clock was set back")
				}
			}
		})
	}
}

func repeat(d time.Duration, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = d
	}
	return out
}

func TestSignOut(t *testing.T) {
	h := newHouse(t)
	session, _, err := h.Redeem(t.Context(), h.link(t), signin.Device{Agent: ""})
	must(t, err)
	must(t, h.SignOut(t.Context(), session))
	if _, err := h.Caller(t.Context(), session); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("after signing out: %v", err)
	}
	must(t, h.SignOut(t.Context(), session))
	must(t, h.SignOut(t.Context(), ""))
}

func TestFirstLink(t *testing.T) {
	h := newHouse(t)
	first, ok, err := h.FirstLink(t.Context(), h.ws)
	must(t, err)
	if !ok || first.Path == "" {
		t.Fatal("nobody has signed in yet, and there is no first link")
	}
	again, ok, err := h.FirstLink(t.Context(), h.ws) // the server was started again
	must(t, err)
	if !ok || again.Member.ID != first.Member.ID {
		t.Errorf("the second start made another administrator: %v, %v", again.Member.ID, first.Member.ID)
	}
	_, _, err = h.Redeem(t.Context(), strings.TrimPrefix(again.Path, signin.PathPrefix), signin.Device{Agent: ""})
	must(t, err)
	if _, ok, err := h.FirstLink(t.Context(), h.ws); err != nil || ok {
		t.Errorf("somebody has signed in, and there is another first link: %v, %v", ok, err)
	}
}

func TestAddMember(t *testing.T) {
	h := newHouse(t)
	ada, err := h.AddMember(t.Context(), "test", h.ws, " Ada Okafor ", "ada@example.com")
	must(t, err)
	ben, err := h.AddMember(t.Context(), "test", h.ws, "Ben", "ben@example.com")
	must(t, err)
	if ada.Role != string(people.Admin) || ben.Role != string(people.Collaborator) || ada.Name != "Ada Okafor" {
		t.Errorf("got %+v and %+v", ada, ben)
	}
	for name, c := range map[string]struct {
		name, email string
		code        evidence.Code
	}{
		"taken":         {"Eve", "ADA@example.com", evidence.Conflict},
		"no name":       {" ", "eve@example.com", evidence.Invalid},
		"bidi in name":  {"a\u202eb", "eve@example.com", evidence.Invalid},
		"no address":    {"Eve", "eve", evidence.Invalid},
		"two addresses": {"Eve", "eve@example.com,x@example.com", evidence.Invalid},
		"line break":    {"Eve", "eve@example.com\n", ""}, // trimmed
	} {
		if _, err := h.AddMember(t.Context(), "test", h.ws, c.name, c.email); evidence.ErrorCode(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecretsAreNotStored looks for the secrets of a link and of a session in every byte that was written.
func TestSecretsAreNotStored(t *testing.T) {
	h := newHouse(t)
	link := h.link(t)
	session, _, err := h.Redeem(t.Context(), link, signin.Device{Agent: ""})
	must(t, err)
	other := h.link(t)
	must(t, filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for name, secret := range map[string]string{"used link": link, "open link": other, "session": session} {
			if bytes.Contains(body, []byte(secret)) {
				t.Errorf("%s holds the secret of the %s", path, name)
			}
		}
		return nil
	}))
}

func TestTrail(t *testing.T) {
	h := newHouse(t)
	session, _, err := h.Redeem(t.Context(), h.link(t), signin.Device{Agent: ""})
	must(t, err)
	must(t, h.SignOut(t.Context(), session))
	list, err := h.store.Activity(t.Context(), h.ws, 50)
	must(t, err)
	seen := map[string]bool{}
	for _, a := range list {
		seen[a.What] = true
	}
	for _, what := range []string{"member.add", "member.link", "session.open", "session.close"} {
		if !seen[what] {
			t.Errorf("the trail lacks %s", what)
		}
	}
}
