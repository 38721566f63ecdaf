package web

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// ceremonies holds the server's halves between the two steps of a passkey, each for one browser and one use. They are in memory:
// both steps must reach the same process, as a proxy that keeps a browser with one node does. It may be used by many goroutines.
type ceremonies struct {
	mu   sync.Mutex
	now  func() time.Time
	open map[string]begun
}

type begun struct {
	half  signin.Ceremony
	until time.Time
}

// How long a ceremony may take, and how many are open at once.
const (
	ceremonyLife   = 5 * time.Minute
	mostCeremonies = 10_000
)

func newCeremonies(now func() time.Time) *ceremonies {
	return &ceremonies{now: now, open: map[string]begun{}}
}

// begin keeps a half and gives the secret under which it is found. Where too many are open, those that have ended go.
func (c *ceremonies) begin(half signin.Ceremony) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= mostCeremonies {
		for key, b := range c.open {
			if !c.now().Before(b.until) {
				delete(c.open, key)
			}
		}
		if len(c.open) >= mostCeremonies {
			return "", evidence.Errorf(evidence.Unavailable, "Too many people sign in just now. Try again in a minute.")
		}
	}
	secret := rand.Text()
	c.open[secret] = begun{half, c.now().Add(ceremonyLife)}
	return secret, nil
}

// take gives a half once.
func (c *ceremonies) take(secret string) (signin.Ceremony, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.open[secret]
	delete(c.open, secret)
	if !ok || !c.now().Before(b.until) {
		return signin.Ceremony{}, evidence.Errorf(evidence.Invalid, "That took longer than five minutes, or was sent twice. Begin again.")
	}
	return b.half, nil
}

func (s *server) ceremonyCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName() + "-passkey", Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteStrictMode})
}

// sendCeremony answers with what the browser asks its authenticator for.
func (s *server) sendCeremony(w http.ResponseWriter, options []byte, half signin.Ceremony) error {
	secret, err := s.passkeys.begin(half)
	if err != nil {
		return err
	}
	s.ceremonyCookie(w, secret, int(ceremonyLife.Seconds()))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(options) // a client that hangs up is no error of ours
	return nil
}

func (s *server) takeCeremony(w http.ResponseWriter, r *http.Request) (signin.Ceremony, error) {
	secret := ""
	if c, err := r.Cookie(s.cookieName() + "-passkey"); err == nil {
		secret = c.Value
	}
	s.ceremonyCookie(w, "", -1)
	return s.passkeys.take(secret)
}

func (s *server) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	return s.guarded(c, func() error {
		options, half, err := s.cfg.SignIn.BeginPasskey(r.Context(), c, s.session(r), seal.NewSecret(r.PostFormValue("old")), s.address(r))
		if err != nil {
			return err
		}
		return s.sendCeremony(w, options, half)
	})
}

func (s *server) addPasskey(w http.ResponseWriter, r *http.Request) error {
	half, err := s.takeCeremony(w, r)
	if err == nil {
		err = s.cfg.SignIn.AddPasskey(r.Context(), people.From(r.Context()), s.address(r), half, r.PostFormValue("name"), []byte(r.PostFormValue("credential")))
	}
	if refused(err) {
		return s.showAccount(w, r, statusOf(err), view.Account{Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, accountPath+"?done=passkey", http.StatusSeeOther)
	return nil
}

func (s *server) removePasskey(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.SignIn.RemovePasskey(r.Context(), people.From(r.Context()), r.PathValue("passkey")); err != nil {
		return err
	}
	http.Redirect(w, r, accountPath+"?done=passkey-removed", http.StatusSeeOther)
	return nil
}

func (s *server) beginPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	options, half, err := s.cfg.SignIn.BeginPasskeySignIn(s.address(r))
	if err != nil {
		return err
	}
	return s.sendCeremony(w, options, half)
}

func (s *server) signInPasskey(w http.ResponseWriter, r *http.Request) error {
	worked, err := s.tries.begin(r)
	if err != nil {
		return err
	}
	half, err := s.takeCeremony(w, r)
	if err != nil {
		return s.askPassword(w, r, statusOf(err), "", err.Error())
	}
	session, c, err := s.cfg.SignIn.WithPasskey(r.Context(), s.address(r), half, []byte(r.PostFormValue("credential")), deviceOf(r))
	if evidence.ErrorCode(err) == evidence.Unauthorized {
		s.log.Warn("a passkey was refused", "address", addressOf(r).Addr().String(), "error", err)
		return s.askPassword(w, r, http.StatusUnauthorized, "", err.Error())
	}
	if err != nil {
		return err
	}
	worked()
	return s.enter(w, r, session, c, "/")
}
