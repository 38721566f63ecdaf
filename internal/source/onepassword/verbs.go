package onepassword

// auditVerbs gives each of the 79 documented actions of audit events in full words, for a pair that has none of its own.
var auditVerbs = map[string]string{
	"activate": "Activated", "addgsso": "Put a group under single sign-on", "begin": "Began", "beginr": "Began a recovery", "cancel": "Cancelled",
	"cancelr": "Cancelled a recovery", "changeks": "Changed keys", "changela": "Changed the language", "changemp": "Changed the account password",
	"changenm": "Changed the name", "changesk": "Changed the Secret Key", "chngasso": "Changed the authentication of single sign-on",
	"chngdsso": "Changed the discovery of single sign-on", "chngpsso": "Changed the policy of single sign-on", "complete": "Completed",
	"completr": "Completed a recovery", "convert": "Converted", "create": "Created", "dealldev": "Removed all devices", "delete": "Deleted",
	"delgsso": "Took a group from single sign-on", "delshare": "Ended the sharing", "deolddev": "Removed old devices", "detchild": "Unlinked a family account",
	"disblduo": "Switched off Duo", "disblmfa": "Switched off two-factor authentication", "disblsso": "Switched off single sign-on",
	"dlgsess": "Delegated a session", "dvrfydmn": "Removed a verified domain", "enblduo": "Switched on Duo", "enblmfa": "Switched on two-factor authentication",
	"enblsso": "Switched on single sign-on", "expire": "Let expire", "export": "Exported", "grant": "Gave access", "hide": "Hid", "join": "Joined",
	"launchi": "Opened", "leave": "Left", "musercom": "Completed a move", "muserdec": "Declined a move", "patch": "Changed parts", "propose": "Proposed",
	"provsn": "Provisioned", "prsndall": "Sent all again", "purge": "Deleted for good", "rdmchild": "Linked a family account", "reactive": "Reactivated",
	"reauth": "Authorised again", "replace": "Replaced", "resendts": "Sent a message again", "revoke": "Took away", "role": "Changed the role",
	"sdvcsso": "Set up a device for single sign-on", "sendpkg": "Sent a package", "sendts": "Sent a message", "share": "Shared",
	"ssotknv": "Verified a token of single sign-on", "suspend": "Suspended", "tdvcsso": "Trusted a device for single sign-on", "trename": "Renamed a token",
	"trevoke": "Revoked a token", "trvlaway": "Switched on Travel Mode", "trvlback": "Switched off Travel Mode", "tverify": "Registered a token's signature",
	"uisas": "Changed the rules for sharing items", "unhide": "Showed again", "unknown": "Did something that 1Password does not name", "unlink": "Unlinked",
	"updatduo": "Changed Duo", "update": "Changed", "updatea": "Changed attributes", "updatfw": "Changed the firewall rules",
	"updatmfa": "Changed two-factor authentication", "upguest": "Made a guest a member", "uvrfydmn": "Changed a verified domain", "verify": "Verified",
	"view": "Looked at", "vrfydmn": "Verified a domain",
}
