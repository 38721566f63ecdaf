package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

var serviceDeeds = deeds{
	{"sa", "create", "Created a service account"}, {"sa", "update", "Changed a service account"}, {"sa", "delete", "Deleted a service account"},
	{"satoken", "create", "Made a token of a service account"}, {"satoken", "trename", "Renamed a token of a service account"},
	{"satoken", "tverify", "Registered the signature of a token of a service account"}, {"satoken", "trevoke", "Revoked a token of a service account"},
}

// serviceAccounts is kind E15 of the mapping: accounts of machines and their tokens.
func serviceAccounts() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: serviceDeeds.words,
		brief:  []fact{fTime, fWhat, fObject, fOther, fPerson, fEmail, fIP, fCountry},
		events: Section{Record: "service-account", Title: "Each change of service accounts and their tokens", Note: "Of a token the further uuid is that of its service account.", Empty: "No service account or token was made, changed or revoked."},
	}
	return Recipe{
		ID: "service-accounts", Version: 1, Title: "Service accounts and their tokens",
		Shows:  "Every audit event of the period about service accounts and their tokens: made, changed, renamed, registered, revoked or deleted, by whom and when.",
		Method: listMethod("audit event", "Those whose object is a service account (sa) or a token of one (satoken) have a row."),
		NotShown: []string{
			"What a service account may read: see vault-access, where it is listed like a user.", "What it read: see secret-use.",
			"Connect servers, of which 1Password's documentation names no events of their own; what they read is in secret-use.",
			"Whether a token is kept safe where it is used, and when it expires.", notApproval, notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: serviceDeeds.where()[:1],
		matched: "changed a service account or a token of one", build: table.run,
		Mappings: supports(evidence.Strong, "Each service account and token that was made, changed or revoked in the period is listed with who did it, over a population that is counted whole.",
			"It shows changes, not which service accounts there are, and not that a token was needed: attach the register beside it.", ids{
				soc2: "CC6.1 CC6.3", iso: "A.8.2 A.5.17", nist: "IA-5 AC-2 IA-9", cis: "5.5", pci: "7.2.5 7.2.5.1 8.6.1 8.6.3",
				hipaa: "164.312(a)(1)", csf: "PR.AA-01 PR.AA-05 PR.PS-04",
			}),
	}
}
