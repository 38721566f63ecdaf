package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

var vaultDeeds = deeds{
	{"uva", "grant", "Gave a user access to a vault"}, {"uva", "update", "Changed a user's access to a vault"}, {"uva", "revoke", "Took a user's access to a vault"},
	{"gva", "grant", "Gave a group access to a vault"}, {"gva", "update", "Changed a group's access to a vault"}, {"gva", "revoke", "Took a group's access to a vault"},
}

// vaultAccess is kind E11 of the mapping: access to vaults, given and withdrawn.
func vaultAccess() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: vaultDeeds.words,
		brief:  []fact{fTime, fWhat, fVault, fWhom, fWhomEmail, fGroup, fDetail, fPerson, fEmail, fCountry},
		events: Section{Record: "access", Title: "Each change of access", Note: "Detail is the permissions as 1Password writes them; their meaning is not documented.", Empty: "No access to a vault was given, changed or withdrawn."},
	}
	return Recipe{
		ID: "vault-access", Version: 1, Title: "Vault access given and withdrawn",
		Shows:  "Every audit event of the period by which a user or a group was given access to a vault, had it changed or lost it: which vault by identifier, to whom, with which permissions, by whom and when.",
		Method: listMethod("audit event", "Those that give, change or withdraw the access of a user (uva) or a group (gva) to a vault have a row."),
		NotShown: []string{
			notNames, "What the permissions mean: they stand as 1Password writes them.", notApproval,
			"Access that comes with the membership of a group: see privileged-grants.", "Access that was given before the period and not changed in it: see access-grants.", notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: vaultDeeds.where(),
		matched: "gave, changed or withdrew access to a vault", build: table.run,
		Mappings: supports(evidence.Strong, "Each grant and withdrawal of access to a vault in the period is listed with who did it, over a population that is counted whole.",
			"Vaults and groups are named by identifier alone, and it does not show that a grant was approved: attach the approvals beside it.", ids{
				soc2: "CC6.1 CC6.3", iso: "A.5.15 A.8.3", nist: "AC-3 AC-6", cis: "3.3 6.8", pci: "7.2.1 7.2.2 7.3.1",
				hipaa: "164.308(a)(4)(ii)(C)", csf: "PR.AA-05 PR.PS-04",
			}),
	}
}
