package onepassword

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// longestToken bounds a token in bytes; real ones have about 600.
const longestToken = 16 << 10

// clockSlack is how far this machine's clock and 1Password's may lie apart.
const clockSlack = 5 * time.Minute

// legacyAudience stands in tokens from before the middle of 2021, which do not tell their server.
const legacyAudience = "com.1password.streamingservice"

// preflight reads a token without asking anybody: what kind it is, whether it is whole, for which server, for what, and
// until when. Nothing is verified: only 1Password has the key. Its errors are for a person and never hold a part of the
// token.
func preflight(text string, now time.Time) (source.TokenFacts, error) {
	token := tidy(text)
	if err := looksWhole(token); err != nil {
		return source.TokenFacts{}, err
	}
	if kind := otherCredential(token); kind != "" {
		return source.TokenFacts{}, wrongKind(kind)
	}
	c, err := decode(token)
	if err != nil {
		return source.TokenFacts{}, err
	}
	return c.facts(now)
}

// tidy takes away what comes with a token by copying it: white space around it and line breaks in it, quotes, invisible
// characters, and the word Bearer with its header.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		switch r {
		case '\r', '\n', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
			return -1
		}
		return r
	}, text)
	const around = "\"'`“”‘’«»<>,;"
	trim := func(s string) string {
		return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(around, r) })
	}
	text = trim(text)
	for _, prefix := range []string{"authorization:", "bearer"} {
		if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
			if rest := trim(text[len(prefix):]); len(rest) < len(text)-len(prefix) || strings.HasSuffix(prefix, ":") {
				text = rest
			}
		}
	}
	return text
}

// sendable reports whether token can stand in a header.
func sendable(token string) bool {
	return token != "" && strings.Trim(token, base64url+".=") == "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func looksWhole(token string) error {
	switch {
	case token == "":
		return invalid("No token was given. Paste the bearer token that 1Password showed when the integration was made.")
	case len(token) > longestToken:
		return invalid("This is too long to be a token. Paste the bearer token alone.")
	}
	return nil
}

// claims is what the two readable parts of a token say.
type claims struct {
	algorithm string
	signature int // bytes
	audience  []string
	features  []string
	account   string
	issued    float64
	expires   *float64
	notBefore *float64
	connect   bool // has claims that only tokens of Connect servers have
}

func decode(token string) (claims, error) {
	parts := strings.Split(token, ".")
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || r > '~' || r < '!' }):
		return claims{}, invalid("The token has a space or a character in it that no token has. Copy it again with the copy button at 1Password.")
	case len(parts) < 3 && strings.HasPrefix(token, "ey"):
		return claims{}, invalid("The token is cut off: it has %d of 3 parts. Copy it again, whole.", len(parts))
	case len(parts) < 3:
		return claims{}, invalid("This is not an Events API token: those have three parts with dots between and begin with ey. Copy it from the Events Reporting integration at 1Password.")
	case len(parts) > 3:
		return claims{}, invalid("The token has %d parts in place of 3. Perhaps two tokens or something else were pasted with it; paste one alone.", len(parts))
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if !readPart(parts[0], &header) {
		return claims{}, invalid("The beginning of the token cannot be read. Perhaps its first characters are missing; copy it again, whole.")
	}
	var p payload
	if !readPart(parts[1], &p) {
		return claims{}, invalid("The middle of the token cannot be read: characters are missing or were changed. Copy it again, whole.")
	}
	// Only the length of the signature is looked at, and a cut one need not decode.
	signature := strings.TrimRight(parts[2], "=")
	if signature == "" || strings.Trim(signature, base64url) != "" {
		return claims{}, invalid("The end of the token is missing or damaged. Copy it again, whole.")
	}
	return p.claims(header.Algorithm, len(signature)*6/8), nil
}

// readPart decodes base64url, with or without padding, into JSON.
func readPart(part string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	return err == nil && json.Unmarshal(raw, into) == nil
}

// payload holds the claims as 1Password names them (contract of the Events API, section 5).
type payload struct {
	Audience  words           `json:"aud"`
	Features  words           `json:"1password.com/fts"`
	Account   string          `json:"1password.com/auuid"`
	Issued    float64         `json:"iat"`
	Expires   *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
	Token     json.RawMessage `json:"1password.com/token"`
	Vaults    json.RawMessage `json:"1password.com/vts"`
}

func (p payload) claims(algorithm string, signature int) claims {
	return claims{
		algorithm: algorithm, signature: signature, audience: p.Audience, features: p.Features, account: p.Account,
		issued: p.Issued, expires: p.Expires, notBefore: p.NotBefore, connect: len(p.Token) > 0 || len(p.Vaults) > 0,
	}
}

// words is a list of texts, which a JWT may write as one text if it is alone (RFC 7519, 4.1.3).
type words []string

func (w *words) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		*w = make(words, 1)
		return json.Unmarshal(raw, &(*w)[0])
	}
	return json.Unmarshal(raw, (*[]string)(w))
}

// facts checks what the claims say and gives what a connection needs of them.
func (c claims) facts(now time.Time) (source.TokenFacts, error) {
	if kind := c.otherKind(); kind != "" {
		return source.TokenFacts{}, wrongKind(kind)
	}
	server, err := c.server()
	if err != nil {
		return source.TokenFacts{}, err
	}
	features, err := c.streams()
	if err != nil {
		return source.TokenFacts{}, err
	}
	if err := c.whole(); err != nil {
		return source.TokenFacts{}, err
	}
	f := source.TokenFacts{Server: server, Account: presentable(c.account), Features: features}
	return c.times(f, now)
}

func (c claims) server() (string, error) {
	if slices.Contains(c.audience, legacyAudience) {
		return "", invalid("The token was made before the middle of 2021 and does not say for which server. Make a new one at 1Password.")
	}
	if len(c.audience) != 1 {
		return "", invalid("The token names %d servers in place of one, so it is not an Events API token.", len(c.audience))
	}
	server, err := source.ParseServer("https://" + c.audience[0])
	if err != nil {
		return "", invalid("The token does not name a server that can be reached, so it is not an Events API token.")
	}
	return server, nil
}

func (c claims) streams() ([]evidence.Stream, error) {
	var found []evidence.Stream
	for _, s := range []evidence.Stream{SignIns, Usages, Audit} {
		if slices.Contains(c.features, string(s)) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, invalid("The token may read neither sign-in attempts nor item usages nor audit events. Make a new one at 1Password and tick all three.")
	}
	return found, nil
}

// whole compares the signature with its algorithm: an ES256 signature has 64 bytes (RFC 7518, 3.4).
func (c claims) whole() error {
	const es256 = 64
	switch {
	case c.algorithm == "ES256" && c.signature < es256:
		return invalid("The token is cut off: its last characters are missing. Copy it again, whole.")
	case c.algorithm == "ES256" && c.signature > es256:
		return invalid("Something is stuck to the end of the token. Paste the token alone.")
	case c.algorithm == "" || strings.EqualFold(c.algorithm, "none"):
		return invalid("The token is not signed, so it is not an Events API token.")
	}
	return nil
}

func (c claims) times(f source.TokenFacts, now time.Time) (source.TokenFacts, error) {
	var ok1, ok2, ok3 bool
	var notBefore time.Time
	f.IssuedAt, ok1 = date(&c.issued)
	f.Expires, ok2 = date(c.expires)
	notBefore, ok3 = date(c.notBefore)
	const layout = "2 January 2006 15:04 UTC"
	switch {
	case !ok1 || !ok2 || !ok3:
		return source.TokenFacts{}, invalid("The token holds a time that cannot be meant, so it is not an Events API token.")
	case !f.Expires.IsZero() && !now.Before(f.Expires):
		return source.TokenFacts{}, invalid("The token expired on %s. Make a new one at 1Password.", f.Expires.Format(layout))
	case notBefore.After(now.Add(clockSlack)):
		return source.TokenFacts{}, invalid("The token is only valid from %s on. If that is past, set the clock of this machine: it says %s.", notBefore.Format(layout), now.UTC().Format(layout))
	case f.IssuedAt.After(now.Add(clockSlack)):
		return source.TokenFacts{}, invalid("The token was made on %s, which is still to come for this machine: its clock says %s. Set the clock.", f.IssuedAt.Format(layout), now.UTC().Format(layout))
	}
	return f, nil
}

// date reads seconds since 1970, with a fraction perhaps (RFC 7519, NumericDate); nil and 0 mean none. What lies outside
// the years 2000 to 9999 is no date: milliseconds, for instance.
func date(seconds *float64) (time.Time, bool) {
	if seconds == nil || *seconds == 0 {
		return time.Time{}, true
	}
	const from, to = 946_684_800, 253_402_300_800
	if math.IsNaN(*seconds) || *seconds < from || *seconds >= to {
		return time.Time{}, false
	}
	return time.Unix(int64(*seconds), 0).UTC(), true
}

func invalid(format string, args ...any) error {
	return evidence.Errorf(evidence.Invalid, format, args...)
}
