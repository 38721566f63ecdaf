package web

import (
	"net/http"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/web/view"
)

func (s *server) ceremonyCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName() + "-passkey", Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteStrictMode})
}

// sendCeremony answers with what the browser asks its authenticator for. What finds the server's half again is in a cookie.
func (s *server) sendCeremony(w http.ResponseWriter, b signin.Begun, err error) error {
	if err != nil {
		return err
	}
	s.ceremonyCookie(w, b.Secret.Reveal(), int(signin.CeremonyLife.Seconds()))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.Options) // a client that hangs up is no error of ours
	return nil
}

// ceremony gives the secret of the ceremony that a browser is in, and forgets it there; an empty one finds nothing.
func (s *server) ceremony(w http.ResponseWriter, r *http.Request) seal.Secret {
	secret := ""
	if c, err := r.Cookie(s.cookieName() + "-passkey"); err == nil {
		secret = c.Value
	}
	s.ceremonyCookie(w, "", -1)
	return seal.NewSecret(secret)
}

func (s *server) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	return s.guarded(c, func() error {
		b, err := s.cfg.SignIn.BeginPasskey(r.Context(), c, s.session(r), seal.NewSecret(r.PostFormValue("old")), s.address(r))
		return s.sendCeremony(w, b, err)
	})
}

func (s *server) addPasskey(w http.ResponseWriter, r *http.Request) error {
	err := s.cfg.SignIn.AddPasskey(r.Context(), people.From(r.Context()), s.address(r), s.ceremony(w, r), r.PostFormValue("name"), []byte(r.PostFormValue("credential")))
	return s.tended(w, r, "passkey", err)
}

func (s *server) removePasskey(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	err := s.guarded(c, func() error {
		return s.cfg.SignIn.RemovePasskey(r.Context(), c, s.session(r), seal.NewSecret(r.PostFormValue("old")), r.PathValue("passkey"))
	})
	return s.tended(w, r, "passkey-removed", err)
}

func (s *server) beginPasskeyProof(w http.ResponseWriter, r *http.Request) error {
	b, err := s.cfg.SignIn.BeginPasskeyProof(r.Context(), people.From(r.Context()), s.address(r))
	return s.sendCeremony(w, b, err)
}

func (s *server) provePasskey(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	err := s.guarded(c, func() error {
		return s.cfg.SignIn.ProveByPasskey(r.Context(), c, s.session(r), s.address(r), s.ceremony(w, r), []byte(r.PostFormValue("credential")))
	})
	return s.tended(w, r, "proven", err)
}

// tended leads back to the account after something was done to it, or shows there why it was not.
func (s *server) tended(w http.ResponseWriter, r *http.Request, done string, err error) error {
	if refused(err) {
		return s.showAccount(w, r, statusOf(err), view.Account{Problem: err.Error()})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, accountPath+"?done="+done, http.StatusSeeOther)
	return nil
}

func (s *server) beginPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.begun.begin(r); err != nil {
		return err
	}
	b, err := s.cfg.SignIn.BeginPasskeySignIn(r.Context(), s.address(r))
	return s.sendCeremony(w, b, err)
}

func (s *server) signInPasskey(w http.ResponseWriter, r *http.Request) error {
	worked, err := s.tries.begin(r)
	if err != nil {
		return err
	}
	session, c, err := s.cfg.SignIn.WithPasskey(r.Context(), s.address(r), s.ceremony(w, r), []byte(r.PostFormValue("credential")), deviceOf(r))
	switch evidence.ErrorCode(err) {
	case evidence.Unauthorized:
		s.log.Warn("a passkey was refused", "address", addressOf(r).Addr().String(), "error", err)
		return s.askPassword(w, r, http.StatusUnauthorized, "", err.Error())
	case evidence.Invalid:
		return s.askPassword(w, r, statusOf(err), "", err.Error())
	}
	if err != nil {
		return err
	}
	worked()
	return s.enter(w, r, session, c, "/")
}
