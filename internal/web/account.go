package web

import (
	"net/http"

	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/web/view"
)

const accountPath = "/settings/account"

// account shows somebody himself.
func (s *server) account(w http.ResponseWriter, r *http.Request) error {
	words := map[string]string{"welcome": "Welcome. Choose a password and add an app for one-time codes below, so that you need no link the next time.",
		"password": "The password is set, and your other sessions are ended.", "role": "Your role is changed.", "ended": "The session is ended.", "others": "All other sessions are ended.",
		"passkey": "The passkey is added. Sign in with it the next time.", "passkey-removed": "The passkey is removed.",
		"proven": "You have confirmed that it is you. For five minutes nothing more is asked for here."}
	return s.showAccount(w, r, http.StatusOK, view.Account{Said: words[r.URL.Query().Get("done")]})
}

func (s *server) showAccount(w http.ResponseWriter, r *http.Request, status int, v view.Account) error {
	c := people.From(r.Context())
	var err error
	if v.Sessions, err = s.cfg.SignIn.Sessions(r.Context(), c, c.Member, s.session(r)); err != nil {
		return err
	}
	if v.Ways, err = s.cfg.SignIn.Ways(r.Context(), c, s.session(r)); err != nil {
		return err
	}
	if v.Passkeys, err = s.cfg.SignIn.Passkeys(r.Context(), c); err != nil {
		return err
	}
	v.PasskeysWork = signin.PasskeysWork(s.address(r))
	v.Now, v.Name, v.Email, v.Role, v.Says = s.now(), c.Who(), c.Email, c.Role.Title(), c.Role.Says()
	p, err := s.framed(r, "Your account", "", crumb("Your account", ""))
	if err != nil {
		return err
	}
	p.Path = accountPath
	return render(w, r, status, view.AccountPage(p, v))
}

func (s *server) endSession(w http.ResponseWriter, r *http.Request) error {
	c := people.From(r.Context())
	if err := s.cfg.SignIn.EndSession(r.Context(), c, c.Member, r.PathValue("session")); err != nil {
		return err
	}
	http.Redirect(w, r, accountPath+"?done=ended", http.StatusSeeOther)
	return nil
}

func (s *server) endOtherSessions(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.cfg.SignIn.EndOtherSessions(r.Context(), people.From(r.Context()), s.session(r)); err != nil {
		return err
	}
	http.Redirect(w, r, accountPath+"?done=others", http.StatusSeeOther)
	return nil
}
