package recipe

// Limits of the evidence that several recipes share, as they are printed.
const (
	notOlder    = "Anything older than 120 days before the first reading: 1Password no longer gives it."
	notRoster   = "Users who never did anything: 1Password's events hold no list of users, so who never acted is in no event."
	notNames    = "Names of groups and vaults: events name them by identifier alone. The identifiers can be looked up in the account."
	notApproval = "Who asked for it and who approved it: attach the request beside it."
	notPolicy   = "Which policy was in force: only outcomes and changes are recorded."
	notPrivate  = "Use of items in private vaults: 1Password reports shared vaults alone."
	notLate     = "Usages that an app has not sent yet: it does so when it syncs, at times days later. They come as late events, and building the artifact again then makes a new version."
	notOldApps  = "What apps older than 8.4.0 did: their usages come without an action or as \"other\"."
)

// listMethod says how a list of events is made.
func listMethod(population, candidates string, more ...string) []string {
	return append([]string{
		"The population is every " + population + " of the period. " + candidates,
		"The summary counts them by act and by the person who did it (uuid, else email), most first.",
	}, more...)
}
