package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

var removalDeeds = deeds{
	{"user", "suspend", "Suspended a user"}, {"user", "delete", "Removed a user"}, {"user", "dealldev", "Removed all devices of a user"},
	{"user", "reactive", "Reactivated a user"},
}

// userRemovals is kind E7 of the mapping: who was suspended or removed, by whom and when.
func userRemovals() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: removalDeeds.words,
		brief:   []fact{fTime, fWhat, fWhom, fWhomEmail, fPerson, fEmail, fIP, fCountry},
		finding: reactivation,
		found: Section{
			Record: "reactivation", Title: "Removals taken back", Note: "Suspended users who were reactivated in the period.", Empty: "No suspended user was reactivated.",
		},
		events: Section{Record: "removal", Title: "Each suspension and removal", Empty: "Nobody was suspended or removed."},
	}
	return Recipe{
		ID: "user-removals", Version: 1, Title: "Users suspended and removed",
		Shows: "Every audit event of the period by which a user was suspended, removed, cut off from all devices, or reactivated: who lost access, by whom, when and from where.",
		Method: listMethod("audit event", "Those that suspend, remove or reactivate a user, or remove all of a user's devices, have a row.",
			"Reactivations stand apart, as they take a suspension back."),
		NotShown: []string{
			"Whether it happened in time: the day on which somebody left is not in 1Password. Compare with the list of leavers.",
			"Whether the person kept copies of secrets seen before, and whether shared secrets were changed afterwards.",
			"Access that was withdrawn without removing the user: see vault-access and privileged-grants.", notRoster, notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: removalDeeds.where(),
		matched: "suspended, removed or reactivated a user", build: table.run,
		Mappings: supports(evidence.Strong, "Each suspension and removal in the period is listed with who did it and when, over a population that is counted whole.",
			"It shows when access ended, not when it should have ended: lay the list of leavers beside it.", ids{
				soc2: "CC6.2 CC6.3", iso: "A.5.18 A.6.5", nist: "AC-2 AC-2(3) PS-4", cis: "5.3 6.2", pci: "8.2.5 10.2.1.5",
				hipaa: "164.308(a)(3)(ii)(C)", csf: "PR.AA-01 PR.AA-05 PR.PS-04",
			}),
	}
}
