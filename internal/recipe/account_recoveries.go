package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

var recoveryDeeds = deeds{
	{"user", "beginr", "Began the recovery of an account"}, {"user", "completr", "Completed the recovery of an account"}, {"user", "cancelr", "Cancelled the recovery of an account"},
}

// accountRecoveries is kind E16 of the mapping: accounts that were recovered for people who had lost their password.
func accountRecoveries() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: recoveryDeeds.words,
		brief:  []fact{fTime, fWhat, fWhom, fWhomEmail, fPerson, fEmail, fIP, fCountry, fCity},
		events: Section{Record: "recovery", Title: "Each step of a recovery", Empty: "No recovery of an account was begun, completed or cancelled."},
	}
	return Recipe{
		ID: "account-recoveries", Version: 1, Title: "Account recoveries",
		Shows:  "Every audit event of the period by which the recovery of an account was begun, completed or cancelled: whose account, by whom, when and from where.",
		Method: listMethod("audit event", "Those that begin, complete or cancel a recovery have a row."),
		NotShown: []string{
			"How the person proved who he is before the recovery was begun: attach the record of it.",
			"Whether the person had asked for it.", notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: recoveryDeeds.where(),
		matched: "began, completed or cancelled a recovery", build: table.run,
		Mappings: supports(evidence.Strong, "Each recovery in the period is listed with who began and who completed it, over a population that is counted whole.",
			"It does not show that the person's identity was checked before: attach the record of the check.", ids{
				soc2: "CC6.1 CC7.3", iso: "A.5.17", nist: "IA-5 IR-5", cis: "17.4", pci: "8.3.3 10.2.1.5",
				hipaa: "164.308(a)(5)(ii)(D)", csf: "PR.AA-01 PR.AA-03 PR.PS-04",
			}),
	}
}
