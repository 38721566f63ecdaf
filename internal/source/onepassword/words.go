package onepassword

import "github.com/exhibithq/exhibit/internal/source"

// The words below are Exhibit's own for the values that 1Password documents. The tables are read only.

// signInCategoryWords say how an attempt to sign in ended.
var signInCategoryWords = []source.Word{
	{Value: "success", Words: "Signed in"},
	{Value: "credentials_failed", Words: "Failed: wrong credentials"},
	{Value: "mfa_failed", Words: "Failed: second factor"},
	{Value: "sso_failed", Words: "Failed: single sign-on"},
	{Value: "modern_version_failed", Words: "Refused: app too old"},
	{Value: "firewall_failed", Words: "Blocked by a firewall rule"},
	{Value: "firewall_reported_success", Words: "Signed in, reported by a firewall rule"},
}

// signInTypeWords say what led to the category.
var signInTypeWords = []source.Word{
	{Value: "credentials_ok", Words: "account password and Secret Key were right"},
	{Value: "mfa_ok", Words: "second factor was right"},
	{Value: "password_secret_bad", Words: "wrong password or Secret Key"},
	{Value: "mfa_missing", Words: "second factor was not given"},
	{Value: "totp_disabled", Words: "one-time password is switched off"},
	{Value: "totp_bad", Words: "wrong one-time password"},
	{Value: "totp_timeout", Words: "one-time password came too late"},
	{Value: "u2f_disabled", Words: "security key is switched off"},
	{Value: "u2f_bad", Words: "wrong security key"},
	{Value: "u2f_timeout", Words: "security key came too late"},
	{Value: "u2f_timout", Words: "security key came too late"}, // so spelt in OpenAPI 1.2.0
	{Value: "duo_disabled", Words: "Duo is switched off"},
	{Value: "duo_bad", Words: "Duo refused"},
	{Value: "duo_timeout", Words: "Duo came too late"},
	{Value: "duo_native_bad", Words: "Duo in the app refused"},
	{Value: "service_account_sso_denied", Words: "service account tried single sign-on"},
	{Value: "non_sso_user", Words: "user is not set up for single sign-on"},
	{Value: "sso_user_mismatch", Words: "single sign-on was for another user"},
	{Value: "platform_secret_disabled", Words: "trusted device is switched off"},
	{Value: "platform_secret_bad", Words: "wrong secret of the trusted device"},
	{Value: "platform_secret_proxy", Words: "secret of the trusted device came by a proxy"},
	{Value: "code_disabled", Words: "sign-in code is switched off"},
	{Value: "code_bad", Words: "wrong sign-in code"},
	{Value: "code_timeout", Words: "sign-in code came too late"},
	{Value: "ip_blocked", Words: "IP address matches a rule"},
	{Value: "continent_blocked", Words: "continent matches a rule"},
	{Value: "country_blocked", Words: "country matches a rule"},
	{Value: "anonymous_blocked", Words: "anonymous address matches a rule"},
	{Value: "all_blocked", Words: "rule for all addresses"},
	{Value: "modern_version_missing", Words: "app did not tell its version"},
	{Value: "modern_version_old", Words: "app is older than the account's policy allows"},
	{Value: "federated", Words: "by single sign-on"},
}

// usageActionWords say what was done with an item of a shared vault.
var usageActionWords = []source.Word{
	{Value: "enter-item-edit-mode", Words: "Began to edit"},
	{Value: "export", Words: "Exported"},
	{Value: "fill", Words: "Filled in"},
	{Value: "other", Words: "Used in a way that an older app did not tell"},
	{Value: "reveal", Words: "Revealed"},
	{Value: "secure-copy", Words: "Copied"},
	{Value: "select-sso-provider", Words: "Signed in with a provider from"},
	{Value: "server-create", Words: "Created on the server"},
	{Value: "server-fetch", Words: "Fetched by a server"},
	{Value: "server-update", Words: "Updated on the server"},
	{Value: "share", Words: "Shared"},
}

var (
	signInCategories = byValue(signInCategoryWords)
	signInTypes      = byValue(signInTypeWords)
	usageActions     = byValue(usageActionWords)
)

func byValue(words []source.Word) map[string]string {
	m := make(map[string]string, len(words))
	for _, w := range words {
		m[w.Value] = w.Words
	}
	return m
}

// otherWords are for values of other keys.
var otherWords = map[string]map[string]string{
	"user_type":  {"user": "Team member", "external_user": "Member of another account"},
	"actor_type": {"user": "Team member", "external_user": "Member of another account"},
}

// membershipRoles are the values of aux_info of a membership.
var membershipRoles = map[string]string{"A": "Manager", "R": "Member"}
