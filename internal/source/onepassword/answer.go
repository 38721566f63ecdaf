//go:build !offline

package onepassword

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// parseGrant reads the answer of introspection (ref: GET /api/v2/auth/introspect, 1.4.1). Features that Exhibit does not
// know are kept: whoever asks compares them with the streams that he wants.
func parseGrant(body []byte) (source.Grant, error) {
	var v struct {
		UUID        string            `json:"uuid"`
		IssuedAt    string            `json:"issued_at"`
		Features    []evidence.Stream `json:"features"`
		AccountUUID string            `json:"account_uuid"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return source.Grant{}, fmt.Errorf("introspection: %w", err)
	}
	if v.UUID == "" || v.Features == nil {
		return source.Grant{}, errors.New("introspection tells no uuid or no features")
	}
	issued, _ := parseTime([]byte(v.IssuedAt)) // no more than information: zero if it cannot be read
	g := source.Grant{AccountUUID: presentable(v.AccountUUID), Integration: presentable(v.UUID), IssuedAt: issued}
	for _, f := range v.Features {
		if f = evidence.Stream(presentable(string(f))); f != "" && !slices.Contains(g.Features, f) {
			g.Features = append(g.Features, f)
		}
	}
	return g, nil
}

// refusal says what an answer other than 200 means. The body's own words are shown, for they are all that the server
// tells, but nothing depends on them: it has two documented shapes, and may be text, HTML or nothing.
func (c *client) refusal(a source.Answer) error {
	body := &source.BadPageError{Body: a.Body, Err: fmt.Errorf("status %d%s", a.Status, saying(a.Body))}
	switch {
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return &evidence.Error{Code: evidence.Unauthorized, Err: source.ErrUnauthorized, Message: fmt.Sprintf(
			"%s refused the token (%d%s). It may be revoked or expired, made for a server in another region, or made without this event type. Make a new one at 1Password and rotate it in.",
			c.host, a.Status, saying(a.Body))}
	case a.Status == http.StatusPaymentRequired:
		return &evidence.Error{Code: evidence.Forbidden, Err: source.ErrPlan, Message: fmt.Sprintf(
			"%s says that the account's plan does not offer the Events API (402%s). It needs 1Password Business.", c.host, saying(a.Body))}
	case a.Status == http.StatusTooManyRequests:
		return c.retry(a, "%s asks to slow down (429%s). Exhibit waits and goes on by itself.", body)
	case a.Status >= 500 || a.Status == http.StatusRequestTimeout || a.Status == http.StatusTooEarly:
		return c.retry(a, "%s has trouble (%d%s). Exhibit tries again by itself.", body)
	case a.Status == http.StatusNotFound:
		return &evidence.Error{Code: evidence.Invalid, Err: body, Message: fmt.Sprintf(
			"%s answers, but offers no Events API (404). This is the wrong server: choose the one of the region in which you sign in to 1Password.", c.host)}
	case a.Status >= 300 && a.Status < 400 || a.Status < 300:
		return c.retry(a, "%s answers in a way that an events server never does (%d%s); redirects are not followed. Is a proxy or a sign-in page of the network in between?", body)
	}
	return &evidence.Error{Code: evidence.Invalid, Err: body, Message: fmt.Sprintf(
		"%s did not accept the request (%d%s). Nothing was lost; please report this as a defect of Exhibit.", c.host, a.Status, saying(a.Body))}
}

// retry makes a *source.RetryError whose sentence takes the host, the status and the server's words, as far as it names
// them.
func (c *client) retry(a source.Answer, format string, cause error) error {
	args := []any{c.host, a.Status, saying(a.Body)}
	if a.Status == http.StatusTooManyRequests {
		args = []any{c.host, saying(a.Body)}
	}
	return &source.RetryError{After: source.WaitAsked(a.Header, c.now()), Err: &evidence.Error{
		Code: evidence.Unavailable, Message: fmt.Sprintf(format, args...), Err: cause,
	}}
}

// badRequest tells a bookmark that is no longer accepted from a request that never was.
func (c *client) badRequest(req source.Request, a source.Answer) error {
	body := &source.BadPageError{Body: a.Body, Err: fmt.Errorf("status 400%s", saying(a.Body))}
	if req.Cursor != "" {
		return &evidence.Error{Code: evidence.Conflict, Err: errors.Join(source.ErrCursorLost, body), Message: fmt.Sprintf(
			"%s did not accept the bookmark of %s (400%s). Exhibit reads again from the last time that was covered and shows what is missing.", c.host, req.Stream, saying(a.Body))}
	}
	until := ""
	if !req.To.IsZero() {
		until = " until " + req.To.UTC().Format(time.RFC3339)
	}
	return &evidence.Error{Code: evidence.Invalid, Err: body, Message: fmt.Sprintf(
		"%s did not accept the request for %s from %s%s (400%s). Please report this as a defect of Exhibit.", c.host, req.Stream, req.From.UTC().Format(time.RFC3339), until, saying(a.Body))}
}

// badPage wraps what came with status 200 and is not what was asked for. It is worth another try: a proxy's error page
// or a cut body goes away by itself.
func (c *client) badPage(body []byte, err error) error {
	return &source.RetryError{Err: &evidence.Error{
		Code:    evidence.Unavailable,
		Message: fmt.Sprintf("%s sent something that is not an answer of the Events API. Exhibit keeps it aside and tries again by itself.", c.host),
		Err:     &source.BadPageError{Body: body, Err: err},
	}}
}

// longestSaying bounds what is shown of a server's own words.
const longestSaying = 200

// saying gives the words of an error body with a colon before them, or "" if it has none that can be shown. HTML is not.
func saying(body []byte) string {
	var shapes struct {
		Error   struct{ Message string } // as observed, and in OpenAPI 1.2.0
		Message string                   `json:"message"` // as in the reference 1.4.1
	}
	text := strings.TrimSpace(string(body[:min(len(body), 4096)]))
	if err := json.Unmarshal(body, &shapes); err == nil {
		text = shapes.Error.Message
		if text == "" {
			text = shapes.Message
		}
	} else if strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") {
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	if runes := []rune(text); len(runes) > longestSaying {
		text = string(runes[:longestSaying]) + "…"
	}
	return ": " + text
}
