package web

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"net/http"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// qrSize is the width of the picture of a secret, in pixels.
const qrSize = 440

func (s *server) signInPage(w http.ResponseWriter, r *http.Request) error {
	return s.askPassword(w, r, http.StatusOK, "", "")
}

func (s *server) askPassword(w http.ResponseWriter, r *http.Request, status int, email, problem string) error {
	p := s.page(r, "Sign in")
	p.Path = "/sign-in"
	return render(w, r, status, view.PasswordPage(p, email, problem, s.cfg.Command+" users link MEMBER"))
}

// signInPassword takes the first step. It counts as failed until the second is taken, by network and by account: who has the
// password and guesses codes is slowed down as well.
func (s *server) signInPassword(w http.ResponseWriter, r *http.Request) error {
	email := strings.TrimSpace(r.PostFormValue("email"))
	worked, err := s.tries.begin(r)
	if err != nil {
		return err
	}
	if _, err := s.accounts.take(strings.ToLower(email)); err != nil {
		return err
	}
	step, err := s.cfg.SignIn.Password(r.Context(), email, seal.NewSecret(r.PostFormValue("password")))
	if evidence.ErrorCode(err) == evidence.Unauthorized {
		s.log.Warn("a password was refused", "address", addressOf(r).Addr().String())
		return s.askPassword(w, r, http.StatusUnauthorized, email, err.Error())
	}
	if err != nil {
		return err
	}
	worked()
	return s.askCode(w, r, http.StatusOK, step.Secret, step.Workspaces, "")
}

func (s *server) askCode(w http.ResponseWriter, r *http.Request, status int, step seal.Secret, in []store.Named, problem string) error {
	p := s.page(r, "Second factor")
	p.Path = "/sign-in"
	return render(w, r, status, view.CodePage(p, step.Reveal(), in, problem))
}

// signInCode takes the second step.
func (s *server) signInCode(w http.ResponseWriter, r *http.Request) error {
	worked, err := s.tries.begin(r)
	if err != nil {
		return err
	}
	step, ws := seal.NewSecret(r.PostFormValue("step")), evidence.ID(r.PostFormValue("workspace"))
	session, c, err := s.cfg.SignIn.Code(r.Context(), step, ws, r.PostFormValue("code"), deviceOf(r))
	switch evidence.ErrorCode(err) {
	case evidence.Unauthorized:
		return s.askPassword(w, r, http.StatusUnauthorized, "", err.Error())
	case evidence.Invalid:
		s.log.Warn("a second factor was refused", "address", addressOf(r).Addr().String())
		return s.askCode(w, r, http.StatusBadRequest, step, []store.Named{{ID: ws}}, err.Error())
	}
	if err != nil {
		return err
	}
	worked()
	s.accounts.forget(strings.ToLower(c.Email))
	return s.enter(w, r, session, c, "/")
}

func (s *server) setPassword(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	err := s.guarded(c, func() error {
		return s.cfg.SignIn.SetPassword(r.Context(), c, s.session(r), seal.NewSecret(r.PostFormValue("old")), seal.NewSecret(r.PostFormValue("fresh")))
	})
	if err != nil {
		return s.refuseAccount(w, r, err)
	}
	http.Redirect(w, r, accountPath+"?done=password", http.StatusSeeOther)
	return nil
}

// guarded counts what asks for a password against the account, as signing in does.
func (s *server) guarded(c people.Caller, do func() error) error {
	worked, err := s.accounts.take(strings.ToLower(c.Email))
	if err != nil {
		return err
	}
	if err = do(); err == nil {
		worked()
	}
	return err
}

// beginCodes shows the secret for an app in the answer itself: it is kept sealed, and no later page shows it.
func (s *server) beginCodes(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	return s.orRefuse(w, r, s.guarded(c, func() error {
		key, err := s.cfg.SignIn.BeginTOTP(r.Context(), c, s.session(r), seal.NewSecret(r.PostFormValue("old")))
		if err != nil {
			return err
		}
		img, err := key.Image(qrSize, qrSize)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return err
		}
		return s.showAccount(w, r, http.StatusOK, view.Account{Scan: &view.Scan{
			Picture: "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), Secret: key.Secret()}})
	}))
}

func (s *server) confirmCodes(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	return s.orRefuse(w, r, s.guarded(c, func() error {
		codes, err := s.cfg.SignIn.ConfirmTOTP(r.Context(), c, r.PostFormValue("code"))
		if err != nil {
			return err
		}
		return s.showAccount(w, r, http.StatusOK, view.Account{Codes: codes})
	}))
}

func (s *server) orRefuse(w http.ResponseWriter, r *http.Request, err error) error {
	if err == nil {
		return nil
	}
	return s.refuseAccount(w, r, err)
}

// refuseAccount shows on the account's own page what was not done there.
func (s *server) refuseAccount(w http.ResponseWriter, r *http.Request, err error) error {
	if code := evidence.ErrorCode(err); code == evidence.Invalid || code == evidence.Conflict {
		return s.showAccount(w, r, statusOf(err), view.Account{Problem: err.Error()})
	}
	return err
}

var _ SignIn = (*signin.Service)(nil)
