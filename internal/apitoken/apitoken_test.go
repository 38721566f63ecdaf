package apitoken_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
)

const day = 24 * time.Hour

// house is a workspace on a real store with a clock of its own and two members.
type house struct {
	*apitoken.Service
	store    *store.Store
	ws       evidence.ID
	dir      string
	now      time.Time
	ada, ben people.Caller
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
	h.ada = h.member(t, "Ada", people.Admin)
	h.ben = h.member(t, "Ben", people.Collaborator)
	h.Service = apitoken.New(h.store, clock)
	return h
}

func (h *house) member(t *testing.T, name string, role people.Role) people.Caller {
	t.Helper()
	c := people.Caller{Member: evidence.NewID(evidence.PrefixPerson), Workspace: h.ws, Name: name, Email: strings.ToLower(name) + "@example.com", Role: role}
	must(t, h.store.AddMember(t.Context(), store.Member{ID: c.Member, Workspace: h.ws, Name: c.Name, Email: c.Email, Role: string(role), CreatedAt: h.now}))
	return c
}

// change changes the database behind the store's back.
func (h *house) change(t *testing.T, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "exhibit.db")+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	must(t, err)
	defer db.Close()
	_, err = db.Exec(query, args...)
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) create(t *testing.T, c people.Caller, scopes ...string) (apitoken.Token, seal.Secret) {
	t.Helper()
	tok, secret, err := h.Create(t.Context(), c, apitoken.CreateRequest{Name: "deploy", Scopes: scopes})
	must(t, err)
	return tok, secret
}

func TestTokenLetsItsMemberIn(t *testing.T) {
	h := newHouse(t)
	tok, secret := h.create(t, h.ben, "read", "build")
	if !regexp.MustCompile(`^exh_[0-9A-Za-z]{49}$`).MatchString(secret.Reveal()) {
		t.Errorf("the token is %q", secret.Reveal())
	}
	if tok.State != apitoken.Active || !tok.ExpiresAt.Equal(h.now.Add(90*day)) || tok.Scopes != "read build" || tok.MemberName != "Ben" {
		t.Errorf("made %+v", tok)
	}
	c, err := h.Caller(t.Context(), secret)
	must(t, err)
	want := h.ben
	want.Token, want.Via, want.Scopes = tok.ID, "deploy", "read build"
	if c != want {
		t.Errorf("the caller is %+v, want %+v", c, want)
	}
	h.now = h.now.Add(10 * time.Second)
	_, err = h.Caller(t.Context(), secret)
	must(t, err)
	list, err := h.List(t.Context(), h.ben)
	must(t, err)
	if len(list) != 1 || !list[0].LastUsedAt.Equal(h.now.Add(-10*time.Second)) {
		t.Errorf("uses within a minute are noted once; the list is %+v", list)
	}
}

// TestTokenDies holds each way in which a token ends, and that the reason is told.
func TestTokenDies(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*testing.T, *house, apitoken.Token)
		says string
	}{
		"expired": {func(_ *testing.T, h *house, _ apitoken.Token) { h.now = h.now.Add(90 * day) }, "expired on 2027-02-21"},
		"revoked": {func(t *testing.T, h *house, tok apitoken.Token) {
			_, err := h.Revoke(t.Context(), h.ben, tok.ID)
			must(t, err)
		}, "was revoked on 2026-11-23"},
		"member removed": {func(t *testing.T, h *house, _ apitoken.Token) {
			h.change(t, "DELETE FROM member WHERE id = ?", string(h.ben.Member))
		}, "no such token"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			tok, secret := h.create(t, h.ben, "read")
			_, err := h.Caller(t.Context(), secret)
			must(t, err)
			test.end(t, h, tok)
			_, err = h.Caller(t.Context(), secret)
			if evidence.ErrorCode(err) != evidence.Unauthorized || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it gives %v", err)
			}
			if strings.Contains(fmt.Sprint(err), secret.Reveal()) {
				t.Error("the error holds the token")
			}
		})
	}
}

func TestRoleOfTheMoment(t *testing.T) {
	h := newHouse(t)
	_, secret := h.create(t, h.ben, "read", "build")
	h.change(t, "UPDATE member SET role = 'help_desk' WHERE id = ?", string(h.ben.Member))
	c, err := h.Caller(t.Context(), secret)
	must(t, err)
	if c.Has(people.BuildArtifacts) || c.Has(people.ReadEvents) || !c.Has(people.ReadSources) {
		t.Errorf("a token keeps what its member lost: %+v", c)
	}
}

func TestWhatIsNoToken(t *testing.T) {
	h := newHouse(t)
	_, secret := h.create(t, h.ben, "read")
	good := secret.Reveal()
	other := newHouse(t)
	_, foreign := other.create(t, other.ada, "read")
	flipped := []byte(good)
	flipped[10] = map[bool]byte{true: 'b', false: 'a'}[flipped[10] == 'a']
	for _, text := range []string{"", "exh_", good[1:], good[:len(good)-1], good + "0", " " + good, strings.ToLower(good), string(flipped), strings.Replace(good, "exh_", "EXH_", 1), foreign.Reveal(), strings.Repeat("x", 100_000)} {
		if c, err := h.Caller(t.Context(), seal.NewSecret(text)); evidence.ErrorCode(err) != evidence.Unauthorized || !c.Nobody() {
			t.Errorf("%.70q lets %+v in: %v", text, c, err)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	h := newHouse(t)
	desk := h.member(t, "Hal", people.HelpDesk)
	_, secret := h.create(t, h.ada, "settings", "monitor")
	machine, err := h.Caller(t.Context(), secret)
	must(t, err)
	read := []string{"read"}
	for name, test := range map[string]struct {
		caller people.Caller
		req    apitoken.CreateRequest
		code   evidence.Code
	}{
		"nobody":                {people.Caller{Workspace: h.ws}, apitoken.CreateRequest{Name: "x", Scopes: read}, evidence.Unauthorized},
		"a role that may not":   {desk, apitoken.CreateRequest{Name: "x", Scopes: read}, evidence.Forbidden},
		"no name":               {h.ada, apitoken.CreateRequest{Name: "  ", Scopes: read}, evidence.Invalid},
		"a name that hides":     {h.ada, apitoken.CreateRequest{Name: "a\u202eb", Scopes: read}, evidence.Invalid},
		"a long name":           {h.ada, apitoken.CreateRequest{Name: strings.Repeat("é", 81), Scopes: read}, evidence.Invalid},
		"no scope":              {h.ada, apitoken.CreateRequest{Name: "x"}, evidence.Invalid},
		"no such scope":         {h.ada, apitoken.CreateRequest{Name: "x", Scopes: []string{"root"}}, evidence.Invalid},
		"expired already":       {h.ada, apitoken.CreateRequest{Name: "x", Scopes: read, Expires: h.now}, evidence.Invalid},
		"too long":              {h.ada, apitoken.CreateRequest{Name: "x", Scopes: read, Expires: h.now.Add(366 * day)}, evidence.Invalid},
		"more than its maker":   {machine, apitoken.CreateRequest{Name: "x", Scopes: read}, evidence.Forbidden},
		"longer than its maker": {machine, apitoken.CreateRequest{Name: "x", Scopes: []string{"monitor"}, Expires: h.now.Add(91 * day)}, evidence.Forbidden},
	} {
		if tok, secret, err := h.Create(t.Context(), test.caller, test.req); evidence.ErrorCode(err) != test.code || !secret.Empty() {
			t.Errorf("%s: %+v, %v", name, tok, err)
		}
	}
	h.now = h.now.Add(day)
	child, _, err := h.Create(t.Context(), machine, apitoken.CreateRequest{Name: "child", Scopes: []string{"monitor"}})
	must(t, err)
	if !child.ExpiresAt.Equal(h.now.Add(89 * day)) {
		t.Errorf("a token made by a token expires on %s, want with its maker", child.ExpiresAt)
	}
}

func TestOnesOwnTokens(t *testing.T) {
	h := newHouse(t)
	mine, _ := h.create(t, h.ada, "read")
	theirs, _ := h.create(t, h.ben, "read")
	for name, test := range map[string]struct {
		caller people.Caller
		sees   int
	}{"an administrator sees all": {h.ada, 2}, "others see their own": {h.ben, 1}} {
		if list, err := h.List(t.Context(), test.caller); err != nil || len(list) != test.sees {
			t.Errorf("%s: %d, %v", name, len(list), err)
		}
	}
	if _, err := h.Revoke(t.Context(), h.ben, mine.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("somebody else's token: %v", err)
	}
	elsewhere := h.ada
	elsewhere.Workspace = "ws_other"
	if _, err := h.Revoke(t.Context(), elsewhere, theirs.ID); evidence.ErrorCode(err) != evidence.NotFound {
		t.Errorf("from another workspace: %v", err)
	}
	done, err := h.Revoke(t.Context(), h.ada, theirs.ID)
	must(t, err)
	if done.State != apitoken.Revoked || done.RevokedBy != "Ada" {
		t.Errorf("revoked: %+v", done)
	}
	if _, err := h.Revoke(t.Context(), h.ada, theirs.ID); evidence.ErrorCode(err) != evidence.Conflict {
		t.Errorf("twice: %v", err)
	}
	trail, err := h.store.Activity(t.Context(), h.ws, 5)
	must(t, err)
	if len(trail) != 3 || trail[0].What != "token.revoke" || trail[0].Who != "Ada" || trail[2].What != "token.create" || !strings.Contains(trail[2].Detail, "scopes read") {
		t.Errorf("the trail is %+v", trail)
	}
}

// TestCanary holds that a token is nowhere in clear on disk.
func TestCanary(t *testing.T) {
	h := newHouse(t)
	_, secret := h.create(t, h.ada, "read")
	_, err := h.Caller(t.Context(), secret)
	must(t, err)
	must(t, filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(secret.Reveal())) || bytes.Contains(b, []byte(secret.Reveal()[10:40])) {
			t.Errorf("%s holds the token", path)
		}
		return err
	}))
}

func TestParseExpiry(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "30d": now.Add(30 * day), "12h": now.Add(12 * time.Hour), " 1d ": now.Add(day), "2026-12-24T08:00:00+01:00": time.Date(2026, 12, 24, 7, 0, 0, 0, time.UTC),
		"2026-12-24": time.Date(2026, 12, 24, 23, 59, 59, 999e6, time.UTC),
	} {
		if got, err := apitoken.ParseExpiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"0d", "-1d", "1.5d", "d", "never", "30", "-3h", "2026-02-30", "999999d"} {
		if got, err := apitoken.ParseExpiry(text, now); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

// FuzzCaller holds that no text panics or lets somebody in.
func FuzzCaller(f *testing.F) {
	f.Add("exh_")
	f.Add("exh_0000000000000000000000000000000000000000000000000")
	st, err := store.Open(f.Context(), store.Config{Dir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = st.Close() })
	s := apitoken.New(st, nil)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := s.Caller(t.Context(), seal.NewSecret(text)); err == nil || !c.Nobody() {
			t.Fatalf("%q lets %+v in", text, c)
		}
		if at, err := apitoken.ParseExpiry(text, time.Now()); err == nil && text != "" && strings.TrimSpace(text) != "" && at.IsZero() {
			t.Fatalf("%q is no expiry and no error", text)
		}
	})
}
