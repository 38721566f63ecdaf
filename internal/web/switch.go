package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/signin"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// A person who is a member of several workspaces signs in to each of them, and his browser then holds a session in each. Which of
// them his pages belong to he chooses in the rail. That two members have one mail address proves nothing: an administrator types it.

// mostOthers is how many sessions a browser holds beside the one that its pages belong to.
const mostOthers = 7

// others gives the secrets of the sessions that a request carries beside its own.
func (s *server) others(r *http.Request) []string {
	c, err := r.Cookie(s.cookieName() + "-others")
	if err != nil || c.Value == "" {
		return nil
	}
	list := strings.Split(c.Value, ".")
	return list[:min(len(list), mostOthers)]
}

func (s *server) setOthers(w http.ResponseWriter, list []string) {
	seconds := int(signin.SessionLife.Seconds())
	if len(list) == 0 {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName() + "-others", Value: strings.Join(list, "."), Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// keepOthers keeps the sessions of a browser that begins one in a workspace, but for those there, which end.
func (s *server) keepOthers(w http.ResponseWriter, r *http.Request, ws evidence.ID) error {
	var kept []string
	for _, secret := range append([]string{s.session(r)}, s.others(r)...) {
		if secret == "" {
			continue
		}
		c, err := s.cfg.SignIn.Peek(r.Context(), secret)
		switch {
		case evidence.ErrorCode(err) == evidence.Unauthorized:
		case err != nil:
			return err
		case c.Workspace == ws || len(kept) == mostOthers:
			if err := s.cfg.SignIn.SignOut(r.Context(), secret); err != nil {
				return err
			}
		default:
			kept = append(kept, secret)
		}
	}
	if len(kept) > 0 || len(s.others(r)) > 0 {
		s.setOthers(w, kept)
	}
	return nil
}

// otherWorkspaces gives the workspaces in which a browser is signed in beside the one that is shown.
func (s *server) otherWorkspaces(r *http.Request) ([]ui.Elsewhere, error) {
	var out []ui.Elsewhere
	for _, secret := range s.others(r) {
		c, err := s.cfg.SignIn.Peek(r.Context(), secret)
		if evidence.ErrorCode(err) == evidence.Unauthorized {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, ui.Elsewhere{ID: string(c.Workspace), Name: s.workspaceName(r.Context(), c.Workspace)})
	}
	return out, nil
}

// switchWorkspace makes another session of the browser the one that its pages belong to.
func (s *server) switchWorkspace(w http.ResponseWriter, r *http.Request) error {
	list := s.others(r)
	for i, secret := range list {
		c, err := s.cfg.SignIn.Caller(r.Context(), secret)
		if evidence.ErrorCode(err) == evidence.Unauthorized {
			continue
		}
		if err != nil {
			return err
		}
		if string(c.Workspace) == r.PostFormValue("workspace") && !people.From(r.Context()).Nobody() {
			s.setOthers(w, append(slices.Delete(slices.Clone(list), i, i+1), s.session(r)))
			s.setSession(w, secret, int(signin.SessionLife.Seconds()))
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return nil
		}
	}
	return evidence.Errorf(evidence.NotFound, "This browser is not signed in to that workspace. Sign in there first; both stay open.")
}
