package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// cookieName is that of the session's cookie. Browsers take a __Host- cookie only with Secure, and Secure over plain
// http only from some loopback names; so a server on loopback without TLS uses a plain name.
func (s *server) cookieName() string {
	if s.cfg.Secure {
		return "__Host-exhibit"
	}
	return "exhibit"
}

func (s *server) setSession(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// session gives the secret of the session that a request carries; "" if it carries none.
func (s *server) session(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// askToSignIn shows one button. The link is used up by pressing it, not by looking at it.
func (s *server) askToSignIn(w http.ResponseWriter, r *http.Request) error {
	p := s.page(r, "Sign in")
	p.Path = "/" // the address holds the link, and no other address may carry it on
	return render(w, r, http.StatusOK, view.SignInPage(p, r.PathValue("link")))
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request) error {
	worked, err := s.tries.begin(r)
	if err != nil {
		return err
	}
	session, c, err := s.cfg.SignIn.Redeem(r.Context(), r.PostFormValue("link"), deviceOf(r))
	if evidence.ErrorCode(err) == evidence.Unauthorized {
		s.log.Warn("a sign-in link was refused", "address", addressOf(r).Addr().String())
		return render(w, r, http.StatusUnauthorized, view.AloneProblemPage(s.page(r, "Sign in"), view.Problem{
			Title: "This link does not sign in", Text: err.Error(),
		}))
	}
	if err != nil {
		return err
	}
	worked()
	ways, err := s.cfg.SignIn.Ways(r.Context(), c, session)
	if err != nil {
		return err
	}
	to := "/"
	if c.Email != "" && ways.TOTPAt.IsZero() { // he came by an invitation, most likely
		to = accountPath + "?done=welcome"
	}
	return s.enter(w, r, session, c, to)
}

// enter gives a browser its session and leads on. A browser has one in
// each workspace: signing in anew ends the one before.
func (s *server) enter(w http.ResponseWriter, r *http.Request, session string, c people.Caller, to string) error {
	if err := s.keepOthers(w, r, c.Workspace); err != nil {
		return err
	}
	s.setSession(w, session, int(signin.SessionLife.Seconds()))
	s.log.Info("signed in", "member", c.Member)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// deviceOf gives where a request comes from. A loopback address is a proxy's and says nothing of the person.
func deviceOf(r *http.Request) signin.Device {
	d := signin.Device{Agent: r.UserAgent()}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if addr, perr := netip.ParseAddr(host); err == nil && perr == nil && !addr.IsLoopback() {
		d.Address = addr.Unmap().WithZone("").String()
	}
	return d
}

// rotate gives a browser its session's new secret after a change of role. It does so with whole pages alone: of requests
// that a page sends at once, all but one would find the secret gone.
func (s *server) rotate(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet || byItself(r) || people.From(r.Context()).Nobody() || strings.HasPrefix(r.URL.Path, "/api/") {
		return nil
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
		return nil
	}
	fresh, err := s.cfg.SignIn.Rotate(r.Context(), s.session(r))
	if err == nil && fresh != "" {
		s.setSession(w, fresh, int(signin.SessionLife.Seconds()))
	}
	return err
}

func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.SignIn.SignOut(r.Context(), s.session(r)); err != nil {
		return err
	}
	for _, other := range s.others(r) { // somebody else may sit here next
		if err := s.cfg.SignIn.SignOut(r.Context(), other); err != nil {
			return err
		}
	}
	s.setOthers(w, nil)
	s.setSession(w, "", -1)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// chooseTheme keeps the choice in a cookie and leads back to where the person was.
func (s *server) chooseTheme(w http.ResponseWriter, r *http.Request) error {
	theme := r.PostFormValue("theme")
	if theme != "dark" && theme != "light" && theme != "auto" {
		return evidence.Errorf(evidence.Invalid, "There is no theme %.40q. Choose dark, light or auto.", theme)
	}
	http.SetCookie(w, &http.Cookie{
		Name: "theme", Value: theme, Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, localPath(r.PostFormValue("return")), http.StatusSeeOther)
	return nil
}

func theme(r *http.Request) string {
	c, err := r.Cookie("theme")
	if err != nil || c.Value != "dark" && c.Value != "light" {
		return ""
	}
	return c.Value
}

// page gives the frame of a page for the caller of a request, without the counts of the rail.
func (s *server) page(r *http.Request, title string) ui.Page {
	c := people.From(r.Context())
	return ui.Page{
		Title: title, Theme: theme(r), Path: r.URL.RequestURI(), Asset: s.assets.Path, Workspace: s.workspaceName(r.Context(), c.Workspace),
		Person: ui.Person{Name: c.Who(), Role: c.Role.Title()},
	}
}

// workspaceName names the workspace of a caller, which need not be the one that the server was started for.
func (s *server) workspaceName(ctx context.Context, ws evidence.ID) string {
	if ws == "" {
		return s.cfg.Workspace
	}
	all, err := s.cfg.Store.WorkspaceNames(ctx)
	if err != nil {
		s.log.Error("the name of a workspace could not be read", "error", err)
	}
	for _, n := range all {
		if n.ID == ws {
			return n.Name
		}
	}
	return string(ws)
}
