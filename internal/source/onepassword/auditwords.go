package onepassword

import "github.com/exhibithq/exhibit/internal/source"

// pairWord gives what an action means for one type of object. The same action means other things elsewhere.
type pairWord struct{ action, words string }

// auditObject is one object_type.
type auditObject struct {
	noun    string
	actions []pairWord
}

// auditObjects holds the pairs that are known from 1Password's field descriptions, samples and published rules. A pair
// that is not here is shown as it came and counts as odd.
var auditObjects = map[string]auditObject{
	"account": {"account", []pairWord{
		{"activate", "Activated the account"}, {"create", "Created the account"}, {"update", "Changed the account"}, {"convert", "Converted the account"}, {"delete", "Deleted the account"},
		{"updatea", "Changed the account's attributes"}, {"updatfw", "Changed the firewall rules"},
		{"enblmfa", "Switched on two-factor authentication"}, {"updatmfa", "Changed two-factor authentication"}, {"disblmfa", "Switched off two-factor authentication"},
		{"enblduo", "Switched on Duo"}, {"updatduo", "Changed Duo"}, {"disblduo", "Switched off Duo"},
		{"uisas", "Changed the rules for sharing items"}, {"vrfydmn", "Verified a domain"}, {"uvrfydmn", "Changed a verified domain"}, {"dvrfydmn", "Removed a verified domain"},
	}},
	"card": {"payment card", []pairWord{{"create", "Added a payment card"}, {"update", "Changed a payment card"}, {"delete", "Removed a payment card"}}},
	"cred": {"passkey", []pairWord{{"create", "Added a passkey"}, {"update", "Changed a passkey"}, {"delete", "Removed a passkey"}}},
	"device": {"device", []pairWord{
		{"create", "Authorised a device"}, {"update", "Changed a device"}, {"delete", "Removed a device"}, {"reauth", "Authorised a device again"},
	}},
	"dlgdsess": {"delegated session", []pairWord{{"dlgsess", "Delegated a session"}, {"create", "Began a delegated session"}, {"revoke", "Ended a delegated session"}}},
	"ec": {"email change", []pairWord{
		{"propose", "Proposed a new email address"}, {"begin", "Began to change an email address"}, {"complete", "Changed an email address"}, {"cancel", "Gave up changing an email address"},
	}},
	"famchild": {"linked family account", []pairWord{{"rdmchild", "Linked a family account"}, {"detchild", "Unlinked a family account"}}},
	"file": {"file", []pairWord{
		{"create", "Added a file"}, {"update", "Changed a file"}, {"delete", "Deleted a file"}, {"purge", "Deleted a file for good"}, {"share", "Shared a file"},
	}},
	"gm":    {"group", []pairWord{{"join", "Added a member to a group"}, {"leave", "Removed a member from a group"}, {"role", "Changed a member's role in a group"}}},
	"group": {"group", []pairWord{{"create", "Created a group"}, {"update", "Changed a group"}, {"updatea", "Changed a group's attributes"}, {"delete", "Deleted a group"}, {"purge", "Deleted a group for good"}, {"changeks", "Changed a group's keys"}}},
	"gva":   {"vault", []pairWord{{"grant", "Gave a group access to a vault"}, {"update", "Changed a group's access to a vault"}, {"revoke", "Took a group's access to a vault"}}},
	"invite": {"invitation", []pairWord{
		{"create", "Invited somebody"}, {"propose", "Proposed an invitation"}, {"verify", "Verified an invitation"}, {"update", "Changed an invitation"}, {"cancel", "Cancelled an invitation"}, {"delete", "Deleted an invitation"},
		{"prsndall", "Sent all open invitations again"},
	}},
	"item":     {"item", itemPairs("an item")},
	"itemhist": {"history of an item", itemPairs("the history of an item")},
	"items":    {"items", itemPairs("several items")},
	"miguser":  {"migrated user", []pairWord{{"musercom", "Completed a user's move"}, {"muserdec", "Declined a user's move"}}},
	"mngdacc":  {"managed account", []pairWord{{"unlink", "Unlinked a managed account"}, {"expire", "Let a managed account expire"}, {"launchi", "Opened a managed account"}, {"create", "Added a managed account"}}},
	"pm":       {"payment method", []pairWord{{"create", "Added a payment method"}, {"update", "Changed a payment method"}, {"delete", "Removed a payment method"}}},
	"report":   {"report", []pairWord{{"create", "Made a report"}, {"update", "Changed a report"}, {"view", "Looked at a report"}, {"export", "Exported a report"}, {"delete", "Deleted a report"}}},
	"sa":       {"service account", []pairWord{{"create", "Created a service account"}, {"update", "Changed a service account"}, {"delete", "Deleted a service account"}}},
	"satoken": {"token of a service account", []pairWord{
		{"create", "Made a token of a service account"}, {"trename", "Renamed a token of a service account"},
		{"tverify", "Registered the signature of a token of a service account"}, {"trevoke", "Revoked a token of a service account"},
	}},
	"slackapp": {"Slack app", []pairWord{{"create", "Connected the Slack app"}, {"update", "Changed the Slack app"}, {"delete", "Disconnected the Slack app"}, {"view", "Looked at the Slack app"}, {"export", "Exported from the Slack app"}}},
	"sso": {"single sign-on", []pairWord{
		{"enblsso", "Switched on single sign-on"}, {"disblsso", "Switched off single sign-on"}, {"chngpsso", "Changed the policy of single sign-on"},
		{"chngasso", "Changed the authentication of single sign-on"}, {"chngdsso", "Changed the discovery of single sign-on"},
		{"addgsso", "Put a group under single sign-on"}, {"delgsso", "Took a group from single sign-on"},
	}},
	"ssotkn":   {"token of single sign-on", []pairWord{{"ssotknv", "Verified a token of single sign-on"}}},
	"sub":      {"subscription", []pairWord{{"create", "Began a subscription"}, {"update", "Changed the subscription"}, {"cancel", "Cancelled the subscription"}, {"delete", "Deleted the subscription"}}},
	"template": {"email template", []pairWord{{"create", "Made an email template"}, {"update", "Changed an email template"}, {"delete", "Deleted an email template"}}},
	"user":     {"user", userPairs},
	"uva":      {"vault", []pairWord{{"grant", "Gave a user access to a vault"}, {"update", "Changed a user's access to a vault"}, {"revoke", "Took a user's access to a vault"}}},
	"vault": {"vault", []pairWord{
		{"create", "Created a vault"}, {"update", "Changed a vault"}, {"updatea", "Changed a vault's attributes"}, {"delete", "Deleted a vault"}, {"purge", "Deleted a vault for good"}, {"export", "Exported a vault"},
	}},
	"vaultkey": {"key of a vault", []pairWord{{"create", "Made a key of a vault"}, {"update", "Changed a key of a vault"}, {"replace", "Replaced a key of a vault"}, {"delete", "Deleted a key of a vault"}}},
}

var userPairs = []pairWord{
	{"create", "Added a user"}, {"join", "Joined the team"}, {"activate", "Confirmed a user"}, {"suspend", "Suspended a user"}, {"reactive", "Reactivated a user"}, {"delete", "Removed a user"},
	{"update", "Changed a user"}, {"updatea", "Changed a user's attributes"},
	{"beginr", "Began the recovery of an account"}, {"completr", "Completed the recovery of an account"}, {"cancelr", "Cancelled the recovery of an account"},
	{"changemp", "Changed the account password"}, {"changesk", "Changed the Secret Key"}, {"changenm", "Changed a user's name"}, {"changela", "Changed a user's language"}, {"changeks", "Changed a user's keys"},
	{"trvlaway", "Switched on Travel Mode"}, {"trvlback", "Switched off Travel Mode"},
	{"enblmfa", "Switched on two-factor authentication"}, {"updatmfa", "Changed two-factor authentication"}, {"disblmfa", "Switched off two-factor authentication"},
	{"enblduo", "Switched on Duo"}, {"updatduo", "Changed Duo"}, {"disblduo", "Switched off Duo"},
	{"upguest", "Made a guest a member"}, {"provsn", "Provisioned a user"}, {"dealldev", "Removed all devices of a user"}, {"deolddev", "Removed old devices of a user"},
	{"tdvcsso", "Trusted a device for single sign-on"}, {"sdvcsso", "Set up a device for single sign-on"},
	{"sendpkg", "Sent a package to a user"}, {"sendts", "Sent a message to a user"}, {"resendts", "Sent a message to a user again"},
}

func itemPairs(what string) []pairWord {
	return []pairWord{
		{"create", "Created " + what}, {"update", "Changed " + what}, {"patch", "Changed parts of " + what}, {"delete", "Deleted " + what}, {"purge", "Deleted for good " + what},
		{"share", "Shared " + what}, {"delshare", "Ended the sharing of " + what}, {"hide", "Hid " + what}, {"unhide", "Showed again " + what},
	}
}

// auditObjectOrder is the order in which pairs are listed: what auditors ask for first comes first.
var auditObjectOrder = []string{
	"user", "gm", "group", "uva", "gva", "vault", "vaultkey", "invite", "device", "cred", "account", "sso", "ssotkn", "sa", "satoken", "dlgdsess",
	"item", "items", "itemhist", "file", "ec", "miguser", "mngdacc", "famchild", "report", "slackapp", "template", "sub", "card", "pm",
}

// auditWords lists all pairs as "object.action".
func auditWords() []source.Word {
	var words []source.Word
	for _, object := range auditObjectOrder {
		for _, p := range auditObjects[object].actions {
			words = append(words, source.Word{Value: object + "." + p.action, Words: p.words})
		}
	}
	return words
}

// pairWords gives the full words of a pair, or "".
func pairWords(object, action string) string {
	for _, p := range auditObjects[object].actions {
		if p.action == action {
			return p.words
		}
	}
	return ""
}
