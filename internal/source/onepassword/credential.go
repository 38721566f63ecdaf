package onepassword

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// Names of credentials of 1Password that are not tokens of the Events API.
const (
	kindServiceAccount = "a service account token"
	kindConnect        = "a token of a Connect server"
	kindConnectFile    = "the credentials file of a Connect server"
	kindSCIM           = "a bearer token of the SCIM bridge"
	kindSCIMFile       = "the session file of the SCIM bridge"
	kindSecretKey      = "a Secret Key"
	kindLink           = "a link"
)

func wrongKind(kind string) error {
	if kind == kindSecretKey {
		return invalid("This is a Secret Key of somebody's account. Never give it to a program or a person. Exhibit needs the bearer token of the Events Reporting integration.")
	}
	return invalid("This is %s, not a token of the Events API. At 1Password open Integrations, Directory, Events Reporting, and make a bearer token there.", kind)
}

var (
	secretKey = regexp.MustCompile(`^A3-[A-Z0-9]{6}(-[A-Z0-9]{5,6}){4,5}$`)
	opaque    = regexp.MustCompile(`^[A-Za-z0-9]{24,80}$`)
)

// otherCredential names what is known by its looks and is no JWT. It gives "" if it may be an Events API token.
func otherCredential(token string) string {
	switch {
	case strings.HasPrefix(token, "ops_"):
		return kindServiceAccount
	case secretKey.MatchString(strings.ToUpper(token)):
		return kindSecretKey
	case strings.Contains(token, "://"):
		return kindLink
	}
	if kind := credentialFile(token); kind != "" {
		return kind
	}
	// The bridge's bearer tokens are one run of letters and digits. A cut JWT looks alike, but begins with ey.
	if opaque.MatchString(token) && !strings.HasPrefix(token, "ey") {
		return kindSCIM
	}
	return ""
}

// credentialFile knows the two credential files by their keys, as JSON or in the base64 in which they are handed around.
func credentialFile(text string) string {
	if !strings.HasPrefix(text, "{") {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
		}
		if err != nil || !strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
			return ""
		}
		text = string(raw)
	}
	switch {
	case strings.Contains(text, `"uniqueKey"`) || strings.Contains(text, `"verifier"`) && strings.Contains(text, `"encCredentials"`):
		return kindConnectFile
	case strings.Contains(text, `"encCreds"`) || strings.Contains(text, `"deviceUuid"`) || strings.Contains(text, `"domain"`):
		return kindSCIMFile
	}
	return ""
}

// otherKind names a JWT of 1Password that is not for the Events API, or gives "".
func (c claims) otherKind() string {
	mentions := func(list []string, word string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(strings.ToLower(s), word) })
	}
	switch {
	case mentions(c.audience, "com.1password.connect"), mentions(c.features, "vaultaccess"):
		return kindConnect
	case mentions(c.audience, "scim"), mentions(c.features, "scim"), mentions(c.features, "provisioning"):
		return kindSCIM
	case c.connect && len(c.features) == 0:
		return kindConnect
	}
	return ""
}
