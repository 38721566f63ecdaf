package signin_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
)

const goodPassword = "lantern orchid seventeen"

// enrol gives a member a password and one-time codes, and gives the secret and the recovery codes.
func (h *house) enrol(t *testing.T, session string, c people.Caller) (secret string, codes []string) {
	t.Helper()
	must(t, h.SetPassword(t.Context(), c, session, seal.Secret{}, seal.NewSecret(goodPassword)))
	key, err := h.BeginTOTP(t.Context(), c, session, seal.Secret{})
	must(t, err)
	if _, err := h.ConfirmTOTP(t.Context(), c, "000000"); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("confirming with a wrong code: %v", err)
	}
	codes, err = h.ConfirmTOTP(t.Context(), c, h.code(t, key.Secret()))
	must(t, err)
	return key.Secret(), codes
}

func (h *house) code(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, h.now)
	must(t, err)
	return code
}

func (h *house) password(t *testing.T, email string) seal.Secret {
	t.Helper()
	step, err := h.Password(t.Context(), email, seal.NewSecret(goodPassword))
	must(t, err)
	return step.Secret
}

func TestPasswordAndCode(t *testing.T) {
	h := newHouse(t)
	session, ada := h.enter(t, "ada@example.com", people.Admin)
	secret, codes := h.enrol(t, session, ada)
	try := func(step seal.Secret, code string) error {
		_, _, err := h.Code(t.Context(), step, "", code, signin.Device{})
		return err
	}
	if err := try(h.password(t, "Ada@Example.com"), h.code(t, secret)); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("the code that confirmed signs in as well: %v", err)
	}
	h.now = h.now.Add(30 * time.Second)
	code := h.code(t, secret)
	step := h.password(t, "ada@example.com")
	opened, c, err := h.Code(t.Context(), step, "", code, signin.Device{})
	must(t, err)
	if got, err := h.Caller(t.Context(), opened); err != nil || got != c || c != ada {
		t.Errorf("signed in as %+v, %v", got, err)
	}
	if err := try(step, code); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("the step opens a second session: %v", err)
	}
	if err := try(h.password(t, "ada@example.com"), code); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("a code works twice: %v", err)
	}
	late := h.code(t, secret)
	h.now = h.now.Add(90 * time.Second)
	if err := try(h.password(t, "ada@example.com"), late); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("a code three steps old: %v", err)
	}
	slow := h.code(t, secret)
	h.now = h.now.Add(30 * time.Second)
	must(t, try(h.password(t, "ada@example.com"), slow)) // a drift of one step
	must(t, try(h.password(t, "ada@example.com"), strings.ToLower(codes[0])))
	if err := try(h.password(t, "ada@example.com"), codes[0]); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("a recovery code works twice: %v", err)
	}
	if w, err := h.Ways(t.Context(), ada, opened); err != nil || w.Codes != 9 || !w.NeedsOld {
		t.Errorf("ways are %+v, %v", w, err)
	}
	step = h.password(t, "ada@example.com")
	for range 5 {
		_ = try(step, "000000")
	}
	h.now = h.now.Add(30 * time.Second)
	if err := try(step, h.code(t, secret)); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("after five wrong codes: %v", err)
	}
	step = h.password(t, "ada@example.com")
	h.now = h.now.Add(5 * time.Minute)
	if err := try(step, h.code(t, secret)); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("after five minutes: %v", err)
	}
}

// TestCodeRace holds that of many who use one code at once exactly one gets in.
func TestCodeRace(t *testing.T) {
	h := newHouse(t)
	session, ada := h.enter(t, "ada@example.com", people.Admin)
	secret, _ := h.enrol(t, session, ada)
	h.now = h.now.Add(30 * time.Second)
	var steps []seal.Secret
	for range 4 {
		steps = append(steps, h.password(t, "ada@example.com"))
	}
	code := h.code(t, secret)
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for _, step := range steps {
		wg.Go(func() {
			if _, _, err := h.Code(t.Context(), step, "", code, signin.Device{}); err == nil {
				mu.Lock()
				in++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if in != 1 {
		t.Errorf("%d got in with one code", in)
	}
}

func TestRefusedPasswords(t *testing.T) {
	h := newHouse(t)
	session, ada := h.enter(t, "ada@example.com", people.Admin)
	for _, bad := range []string{"", "short", "passwordpassword", "password12345678"[:15], "aaaaaaaaaaaaaaaa", "ada@example.com", "qwertyqwertyqwerty", "correct horse battery staple", strings.Repeat("ab cd ef", 40), "\xff" + goodPassword} {
		if err := h.SetPassword(t.Context(), ada, session, seal.Secret{}, seal.NewSecret(bad)); evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	must(t, h.SetPassword(t.Context(), ada, session, seal.Secret{}, seal.NewSecret(goodPassword)))
	if _, err := h.Password(t.Context(), "ada@example.com", seal.NewSecret(goodPassword)); evidence.ErrorCode(err) != evidence.Unauthorized || !strings.Contains(err.Error(), "no second factor") {
		t.Errorf("without a second factor: %v", err)
	}
	wrong, unknown := error(nil), error(nil)
	_, wrong = h.Password(t.Context(), "ada@example.com", seal.NewSecret("another one entirely"))
	_, unknown = h.Password(t.Context(), "eve@example.com", seal.NewSecret(goodPassword))
	if evidence.ErrorCode(wrong) != evidence.Unauthorized || wrong.Error() != unknown.Error() {
		t.Errorf("wrong: %v; unknown: %v", wrong, unknown)
	}
}

// TestChangeAsksForThePassword holds that a stolen session alone changes no way in, and that suspension closes all.
func TestChangeAsksForThePassword(t *testing.T) {
	h := newHouse(t)
	_, admin := h.enter(t, "ada@example.com", people.Admin)
	session, ben := h.enter(t, "ben@example.com", people.Collaborator)
	secret, _ := h.enrol(t, session, ben)
	h.now = h.now.Add(30 * time.Second)
	opened, c, err := h.Code(t.Context(), h.password(t, "ben@example.com"), "", h.code(t, secret), signin.Device{})
	must(t, err)
	fresh := seal.NewSecret("harbour velvet nineteen")
	if err := h.SetPassword(t.Context(), c, opened, seal.NewSecret("wrong"), fresh); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("another password without the one before: %v", err)
	}
	if _, err := h.BeginTOTP(t.Context(), c, opened, seal.Secret{}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("another app without the password: %v", err)
	}
	token := c
	token.Token, token.Scopes = "tk_1", "settings"
	if err := h.SetPassword(t.Context(), token, opened, seal.NewSecret(goodPassword), fresh); evidence.ErrorCode(err) != evidence.Forbidden {
		t.Errorf("a token: %v", err)
	}
	must(t, h.SetPassword(t.Context(), c, opened, seal.NewSecret(goodPassword), fresh))
	if _, err := h.Caller(t.Context(), session); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("the other session after a new password: %v", err)
	}
	step, err := h.Password(t.Context(), "ben@example.com", fresh)
	must(t, err)
	_, err = h.Suspend(t.Context(), admin, ben.Member)
	must(t, err)
	h.now = h.now.Add(30 * time.Second)
	if _, _, err := h.Code(t.Context(), step.Secret, "", h.code(t, secret), signin.Device{}); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("suspended between the steps: %v", err)
	}
	if _, err := h.Password(t.Context(), "ben@example.com", fresh); evidence.ErrorCode(err) != evidence.Unauthorized {
		t.Errorf("suspended: %v", err)
	}
}

// TestPasswordOpensItsWorkspaceAlone holds that the same address in two workspaces is two ways in.
func TestPasswordOpensItsWorkspaceAlone(t *testing.T) {
	h := newHouse(t)
	session, ada := h.enter(t, "ada@example.com", people.Admin)
	secret, _ := h.enrol(t, session, ada)
	first := h.ws
	var err error
	h.ws, err = h.store.EnsureWorkspace(t.Context(), "other")
	must(t, err)
	session, other := h.enter(t, "ada@example.com", people.Viewer)
	h.enrol(t, session, other)
	h.now = h.now.Add(30 * time.Second)
	step, err := h.Password(t.Context(), "ada@example.com", seal.NewSecret(goodPassword))
	must(t, err)
	if len(step.Workspaces) != 2 {
		t.Fatalf("the password opens %v", step.Workspaces)
	}
	if _, _, err := h.Code(t.Context(), step.Secret, h.ws, h.code(t, secret), signin.Device{}); evidence.ErrorCode(err) != evidence.Invalid {
		t.Errorf("a code of one workspace opens the other: %v", err)
	}
	if _, c, err := h.Code(t.Context(), step.Secret, first, h.code(t, secret), signin.Device{}); err != nil || c.Workspace != first {
		t.Errorf("its own: %+v, %v", c, err)
	}
}

// TestWaysInAreNotStoredInClear looks for password, secret and recovery codes in every byte that was written.
func TestWaysInAreNotStoredInClear(t *testing.T) {
	h := newHouse(t)
	session, ada := h.enter(t, "ada@example.com", people.Admin)
	secret, codes := h.enrol(t, session, ada)
	canaries := map[string]string{"password": goodPassword, "TOTP secret": secret, "step": h.password(t, "ada@example.com").Reveal()}
	for _, c := range codes {
		canaries["recovery code "+c[:2]] = c
		canaries["plain recovery code "+c[:2]] = strings.ReplaceAll(c, "-", "")
	}
	must(t, filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		for name, canary := range canaries {
			if bytes.Contains(body, []byte(canary)) {
				t.Errorf("%s holds the %s", path, name)
			}
		}
		return err
	}))
}
