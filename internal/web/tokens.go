package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/apitoken"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// tokenLives are the days that a new token may hold for, as the page offers them.
var tokenLives = [...]int{7, 30, 90, 180, 365}

// tokenCounts says for the index how many tokens work, and when the next one expires.
func (s *server) tokenCounts(r *http.Request) (view.TokenCounts, error) {
	list, err := s.cfg.Tokens.List(r.Context(), people.From(r.Context()))
	if err != nil {
		return view.TokenCounts{}, err
	}
	var n view.TokenCounts
	for _, t := range list {
		if t.State != apitoken.Active {
			continue
		}
		n.Active++
		if n.NextExpiry.IsZero() || t.ExpiresAt.Before(n.NextExpiry) {
			n.NextExpiry = t.ExpiresAt
		}
	}
	return n, nil
}

func (s *server) apiTokens(w http.ResponseWriter, r *http.Request) error {
	return s.showTokens(w, r, http.StatusOK, view.APITokens{Days: int(apitoken.DefaultLife / day), Said: tokenWords(r.URL.Query().Get("done"))})
}

func tokenWords(done string) string {
	if done == "revoked" {
		return "The token is revoked. The next request with it is refused."
	}
	return ""
}

// showTokens shows the list and the form as it was filled in.
func (s *server) showTokens(w http.ResponseWriter, r *http.Request, status int, v view.APITokens) error {
	c := people.From(r.Context())
	list, err := s.cfg.Tokens.List(r.Context(), c)
	if err != nil {
		return err
	}
	v.Now, v.Rows, v.Everybody, v.Lives = s.now(), list, c.Has(people.ManageSettings), tokenLives[:]
	for _, scope := range people.AllScopes() {
		useful := slices.ContainsFunc(scope.Grants(), func(p people.Permission) bool { return p != people.Own && c.Has(p) })
		if useful {
			v.Scopes = append(v.Scopes, view.ScopeChoice{Scope: scope, Chosen: slices.Contains(v.Chosen, string(scope))})
		}
	}
	p, err := s.framed(r, "API tokens", "/settings", crumb("API tokens", ""))
	if err != nil {
		return err
	}
	p.Path = "/settings/api-tokens" // a page that answers a form is not asked for again by changing the theme
	return render(w, r, status, view.APITokensPage(p, v))
}

// makeToken makes a token and shows it in the answer itself: it is kept nowhere, so no later page could.
func (s *server) makeToken(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return unreadableForm(err)
	}
	v := view.APITokens{Name: r.PostForm.Get("name"), Chosen: r.PostForm["scope"]}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if v.Days = days; err != nil || days < 1 || days > 10_000 {
		v.Days = int(apitoken.DefaultLife / day)
		v.Problem = "Choose for how many days the token is to hold."
		return s.showTokens(w, r, http.StatusBadRequest, v)
	}
	t, secret, err := s.cfg.Tokens.Create(r.Context(), people.From(r.Context()), apitoken.CreateRequest{
		Name: v.Name, Scopes: v.Chosen, Expires: s.now().Add(time.Duration(days) * day),
	})
	switch code := evidence.ErrorCode(err); {
	case code == evidence.Invalid:
		v.Problem = err.Error()
		return s.showTokens(w, r, http.StatusBadRequest, v)
	case err != nil:
		return err
	}
	v = view.APITokens{Days: int(apitoken.DefaultLife / day), Made: &view.MadeToken{Token: t, Secret: secret.Reveal()}}
	return s.showTokens(w, r, http.StatusOK, v)
}

func (s *server) revokeToken(w http.ResponseWriter, r *http.Request) error {
	_, err := s.cfg.Tokens.Revoke(r.Context(), people.From(r.Context()), evidence.ID(r.PathValue("id")))
	if evidence.ErrorCode(err) == evidence.Conflict { // it is what was asked for
		err = nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/settings/api-tokens?done=revoked", http.StatusSeeOther)
	return nil
}

// unreadableForm is for a body that is no form, or too large for one.
func unreadableForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return &evidence.Error{Code: evidence.Invalid, Message: "What was sent is no form that can be read. Go back and try again.", Err: err}
}
