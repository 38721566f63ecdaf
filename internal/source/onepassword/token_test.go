package onepassword

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var tokenNow = time.Date(2026, 2, 2, 12, 0, 0, 0, time.UTC)

// mint makes a token with the claims of a good one, changed. The signature is 64 bytes that a canary test can look for.
func mint(change map[string]any) string {
	claims := map[string]any{
		"aud": []string{"events.1password.eu"}, "1password.com/fts": []string{"signinattempts", "itemusages", "auditevents"},
		"1password.com/auuid": "ACCOUNT", "sub": "INTEGRATION", "iat": tokenNow.Add(-time.Hour).Unix(), "iss": "com.1password.b5", "jti": "ID",
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return part(map[string]string{"alg": "ES256", "kid": "k", "typ": "JWT"}) + "." + part(claims) + "." + signature(64)
}

func part(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func signature(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xfb\xff\xfecanary-", n)[:n]))
}

func TestPreflight(t *testing.T) {
	good := mint(nil)
	parts := strings.Split(good, ".")
	padded := parts[0] + "==." + parts[1] + "=." + parts[2] + "=="
	for name, text := range map[string]string{
		"plain": good, "white space": " \t" + good + "\r\n", "double quotes": `"` + good + `"`, "curly quotes": "“" + good + "”", "Bearer": "Bearer " + good,
		"bearer, quoted": `'bearer  ` + good + `'`, "header": "Authorization: Bearer " + good, "broken into lines": good[:70] + "\r\n" + good[70:140] + "\n" + good[140:],
		"invisible characters": "\ufeff" + good[:9] + "\u200b" + good[9:] + "\u2060", "padded": padded, "non-breaking space": "\u00a0" + good,
	} {
		f, err := preflight(text, tokenNow)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Server != "https://events.1password.eu" || f.Account != "ACCOUNT" || !f.IssuedAt.Equal(tokenNow.Add(-time.Hour)) || !f.Expires.IsZero() ||
			!slices.Equal(f.Features, []evidence.Stream{SignIns, Usages, Audit}) {
			t.Errorf("%s: %+v", name, f)
		}
		if clean := tidy(text); name != "padded" && clean != good || !sendable(clean) {
			t.Errorf("%s: %d bytes would be sent in place of %d", name, len(clean), len(good))
		}
	}
	f, err := preflight(mint(map[string]any{
		"aud": "127.0.0.1:7390", "1password.com/fts": []string{"auditevents", "future", "auditevents"}, "exp": tokenNow.Add(48 * time.Hour).Unix(), "1password.com/auuid": nil, "iat": nil,
	}), tokenNow)
	if err != nil || f.Server != "https://127.0.0.1:7390" || f.Account != "" || !f.IssuedAt.IsZero() || !f.Expires.Equal(tokenNow.Add(48*time.Hour)) || !slices.Equal(f.Features, []evidence.Stream{Audit}) {
		t.Errorf("sparse token: %+v, %v", f, err)
	}
}

func TestPreflightSaysWhatIsWrong(t *testing.T) {
	good := mint(nil)
	parts := strings.Split(good, ".")
	with := func(header, payload, sig string) string { return header + "." + payload + "." + sig }
	unix := func(d time.Duration) int64 { return tokenNow.Add(d).Unix() }
	connectFile := `{"verifier":{"salt":"x"},"encCredentials":{},"uniqueKey":{},"version":"2","deviceUuid":"d"}`
	for name, c := range map[string]struct{ token, want string }{
		"nothing":                {"", "No token was given"},
		"quotes alone":           {` "" `, "No token was given"},
		"Bearer alone":           {"Bearer", "not an Events API token"},
		"text":                   {"hello", "not an Events API token"},
		"a sentence":             {"here is the token", "a character in it that no token has"},
		"much too long":          {strings.Repeat("a", 20_000), "too long"},
		"service account":        {"ops_eyJzaWduSW5BZGRyZXNzIjoibXkuZXhhbXBsZS5jb20ifQ", "a service account token"},
		"SCIM bearer":            {"k3hs7dj29sk4jf83jd0sk2jf8sk3", "bearer token of the SCIM bridge"},
		"SCIM session":           {base64.StdEncoding.EncodeToString([]byte(`{"encCreds":{},"domain":"example.com"}`)), "session file of the SCIM bridge"},
		"Connect file":           {connectFile, "credentials file of a Connect server"},
		"Connect file in base64": {base64.StdEncoding.EncodeToString([]byte(connectFile)), "credentials file of a Connect server"},
		"Connect by audience":    {mint(map[string]any{"aud": []string{"com.1password.connect"}, "1password.com/fts": []string{"vaultaccess"}}), "token of a Connect server"},
		"Connect by feature":     {mint(map[string]any{"1password.com/fts": []string{"vaultaccess"}}), "token of a Connect server"},
		"Connect by claims":      {mint(map[string]any{"1password.com/fts": nil, "1password.com/vts": []any{}}), "token of a Connect server"},
		"SCIM by audience":       {mint(map[string]any{"aud": []string{"com.1password.scim"}}), "SCIM bridge"},
		"Secret Key":             {"A3-ABCDEF-ABCDEF-ABCDE-ABCDE-ABCDE-ABCDE", "Secret Key"},
		"link":                   {"https://my.1password.com/integrations", "a link"},
		"one part":               {parts[0], "1 of 3 parts"},
		"two parts":              {parts[0] + "." + parts[1][:20], "2 of 3 parts"},
		"end of signature gone":  {good[:len(good)-9], "last characters are missing"},
		"signature gone":         {parts[0] + "." + parts[1] + ".", "end of the token is missing"},
		"signature damaged":      {with(parts[0], parts[1], "!!!"), "end of the token is missing or damaged"},
		"beginning gone":         {good[5:], "beginning of the token"},
		"middle changed":         {with(parts[0], parts[1][:30]+parts[1][34:], parts[2]), "middle of the token"},
		"twice":                  {good + good, "5 parts"},
		"something behind":       {good + "abcd", "stuck to the end"},
		"space inside":           {good[:30] + " " + good[30:], "a character in it that no token has"},
		"other letters":          {good[:30] + "е" + good[30:], "a character in it that no token has"},
		"not signed":             {with(part(map[string]string{"alg": "none"}), parts[1], parts[2]), "not signed"},
		"no algorithm":           {with(part(map[string]string{}), parts[1], parts[2]), "not signed"},
		"header is no object":    {with(part(1), parts[1], parts[2]), "beginning of the token"},
		"claims are no object":   {with(parts[0], part([]int{1}), parts[2]), "middle of the token"},
		"claims of other kinds":  {mint(map[string]any{"aud": 7}), "middle of the token"},
		"legacy audience":        {mint(map[string]any{"aud": []string{legacyAudience}}), "before the middle of 2021"},
		"no audience":            {mint(map[string]any{"aud": nil}), "names 0 servers"},
		"two audiences":          {mint(map[string]any{"aud": []string{"events.1password.eu", "events.1password.ca"}}), "names 2 servers"},
		"audience is no host":    {mint(map[string]any{"aud": []string{"a b"}}), "does not name a server"},
		"audience with a path":   {mint(map[string]any{"aud": []string{"events.1password.eu/x"}}), "does not name a server"},
		"audience with a user":   {mint(map[string]any{"aud": []string{"u@events.1password.eu"}}), "does not name a server"},
		"no features":            {mint(map[string]any{"1password.com/fts": nil}), "neither sign-in attempts"},
		"unknown features":       {mint(map[string]any{"1password.com/fts": []string{"users"}}), "neither sign-in attempts"},
		"expired":                {mint(map[string]any{"exp": unix(-time.Second)}), "expired on 2 February 2026 11:59 UTC"},
		"expires now":            {mint(map[string]any{"exp": unix(0)}), "expired"},
		"not yet":                {mint(map[string]any{"nbf": unix(time.Hour)}), "only valid from 2 February 2026 13:00 UTC"},
		"made in the future":     {mint(map[string]any{"iat": unix(24 * time.Hour)}), "its clock says 2 February 2026 12:00 UTC"},
		"expiry in milliseconds": {mint(map[string]any{"exp": unix(time.Hour) * 1000}), "time that cannot be meant"},
		"negative time":          {mint(map[string]any{"nbf": -5}), "time that cannot be meant"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := preflight(c.token, tokenNow)
			if evidence.ErrorCode(err) != evidence.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an Invalid error with %q", err, c.want)
			}
			tellsNothingOf(t, err, c.token)
		})
	}
	if _, err := preflight(mint(map[string]any{"nbf": unix(4 * time.Minute), "iat": unix(4 * time.Minute)}), tokenNow); err != nil {
		t.Errorf("clocks four minutes apart: %v", err)
	}
}

// tellsNothingOf looks for every stretch of twelve characters of a token in an error.
func tellsNothingOf(t *testing.T, err error, token string) {
	t.Helper()
	said := fmt.Sprintf("%v\n%+v\n%#v", err, err, err)
	token = strings.ToValidUTF8(token, "")
	for i := 0; i+12 <= len(token); i++ {
		if piece := token[i : i+12]; strings.TrimSpace(piece) == piece && strings.Contains(said, piece) {
			t.Fatalf("%q stands in %v", piece, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(mint(nil))
	f.Add("Bearer " + mint(map[string]any{"aud": "127.0.0.1:1"}) + "\n")
	f.Add("ops_abc")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := preflight(text, tokenNow)
		if err == nil {
			if facts.Server == "" || len(facts.Features) == 0 || !sendable(tidy(text)) {
				t.Errorf("accepted: %+v", facts)
			}
			return
		}
		if evidence.ErrorCode(err) != evidence.Invalid {
			t.Errorf("%v is no error for a person", err)
		}
		if parts := strings.Split(tidy(text), "."); len(parts) == 3 && len(parts[2]) > 24 && strings.Contains(err.Error(), parts[2]) {
			t.Errorf("the signature stands in %v", err)
		}
		if again := tidy(tidy(text)); again != tidy(text) && sendable(tidy(text)) {
			t.Errorf("tidying %q again gives %q", tidy(text), again)
		}
	})
}
