package onepassword

import (
	"time"

	"github.com/exhibithq/exhibit/internal/source"
)

// retention is how long 1Password keeps events for the API.
const retention = 120 * 24 * time.Hour

// mostEvents is the largest page that the API gives.
const mostEvents = 1000

// Kind gives 1Password's entry of the catalogue.
func Kind() source.Kind {
	return source.Kind{
		ID:       "onepassword",
		Name:     "1Password",
		Category: "Security",
		Summary:  "Sign-in attempts, use of items in shared vaults and changes by administrators, read from the Events API of a 1Password Business account. Exhibit only reads.",
		Auth:     "Bearer token",
		Plan:     "1Password Business or Enterprise",
		Controls: []string{
			"Failed sign-ins are logged and looked at",
			"Access to shared secrets is recorded for each person",
			"Access is taken away when somebody leaves",
			"Membership of privileged groups is changed by those who may",
			"Changes of sign-in policy and firewall rules are recorded",
			"The log has no gaps over the audit period, or they are known",
		},
		Servers: []source.Server{
			{Name: "1Password Enterprise", URL: "https://events.ent.1password.com"},
			{Name: "1Password (default)", URL: "https://events.1password.com"},
			{Name: "1Password CA", URL: "https://events.1password.ca"},
			{Name: "1Password EU", URL: "https://events.1password.eu"},
		},
		Streams:   streamKinds(),
		Retention: retention,
		PageLimit: mostEvents,
		Setup:     setup(),
		Limits:    limits(),
		Help:      help(),
		Preflight: preflight,
		Open:      open,
		Describe:  describe,
		Normalise: normalise,
		Split:     splitAgain,
		Words:     filterWords,
	}
}

func streamKinds() []source.StreamKind {
	return []source.StreamKind{
		{
			Stream: SignIns, Title: "Sign-in attempts", Actions: append(append([]source.Word{}, signInCategoryWords...), signInTypeWords...),
			Shows: "Without sign-in attempts there is no evidence of failed sign-ins, bursts of them, second factors, firewall blocks, places and devices.",
		},
		{
			Stream: Usages, Title: "Item usages", Actions: append([]source.Word{}, usageActionWords...),
			Shows: "Without item usages there is no evidence of who revealed, copied, filled in, exported or shared a secret of a shared vault.",
		},
		{
			Stream: Audit, Title: "Audit events", Actions: auditWords(),
			Shows: "Without audit events there is no evidence of joiners and leavers, group and vault access, administrators' changes, policies and service accounts.",
		},
	}
}

func limits() []string {
	return []string{
		"Events show what happened, not what is set: whether a second factor is mandatory cannot be read, only which factors were seen and who changed the setting.",
		"The Events API lists no users. Somebody who did nothing in the period does not appear.",
		"Names of vaults and items are encrypted and are not in the events; there are only their ids.",
		"Item usages cover shared vaults alone, and the action only from apps of version 8.4.0 on. 1Password decides what is recorded.",
		"Item usages reach 1Password when an app syncs, so some come late; Exhibit reads closed periods again and shows what came late.",
		"1Password keeps events for 120 days. What is older than that when the connection is made cannot be read.",
		"Times are those that 1Password and its apps tell.",
		"Name and email of a person are as they were when the event happened.",
	}
}
