package web

import (
	"net/http"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
)

// What somebody is told who failed too often.
const (
	tooManyLinks     = "Too many sign-in links that do not work came from your network. Wait a minute, then try again with a link that has not been used."
	tooManyPasswords = "Too many sign-ins that did not work came from your network or for this account. Wait a minute, then try again."
	tooManyBegun     = "Too many sign-ins with passkeys were begun from your network. Wait a minute, then try again."
	tooManyTokens    = "Too many requests with tokens that do not work came from your network. Stop the program that sends them, make a new token, and try again in a minute."
)

// bearer gives the token that a request to the API carries in its header. It is taken from nowhere else: an address stands
// in logs, histories and referrers. Whoever sends one is who it says; a cookie beside it is not looked at, so that what a
// browser adds by itself never counts for a program. Pages do not take tokens.
func bearer(r *http.Request) (seal.Secret, bool) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		return seal.Secret{}, false
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return seal.Secret{}, false
	}
	return seal.NewSecret(strings.TrimSpace(token)), true
}

// identifyToken puts the member of a token into the request's context. Only what fails is limited: behind a proxy all
// programs share its address, and a broken one must not shut out the others.
func (s *server) identifyToken(r *http.Request, token seal.Secret) (*http.Request, error) {
	c, err := s.cfg.Tokens.Caller(r.Context(), token)
	if evidence.ErrorCode(err) != evidence.Unauthorized {
		if err != nil {
			return r, err
		}
		return r.WithContext(people.With(r.Context(), c)), nil
	}
	if _, tooMany := s.tokens.begin(r); tooMany != nil {
		return r, tooMany
	}
	s.log.Warn("an API token was refused", "address", addressOf(r).Addr().String(), "reason", err.Error())
	return r, err
}

// retitle names a refusal of a token as what it is.
func retitle(r *http.Request, t *told) {
	if r.URL == nil {
		return
	}
	if _, ok := bearer(r); !ok {
		return
	}
	switch t.status {
	case http.StatusUnauthorized:
		t.title = "The token is refused"
	case http.StatusForbidden:
		t.title = "The token does not allow this"
	}
}

// challenge tells a program how to ask (RFC 6750 section 3).
func challenge(w http.ResponseWriter, r *http.Request, status int) {
	value := `Bearer realm="Exhibit"`
	_, asked := bearer(r)
	switch {
	case status == http.StatusUnauthorized && asked:
		value += `, error="invalid_token"`
	case status == http.StatusForbidden && asked:
		value += `, error="insufficient_scope"`
	case status != http.StatusUnauthorized:
		return
	}
	w.Header().Set("WWW-Authenticate", value)
}
