package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

// outdatedClients is kind E4 of the mapping: apps that were refused because they were too old.
func outdatedClients() Recipe {
	l := signInColumns()
	table := eventList{
		layout: l, words: refusal,
		brief:  []fact{fTime, fPerson, fEmail, fType, fApp, fAppVersion, fPlatform, fOS, fOSVersion, fIP},
		events: Section{Record: "sign-in", Title: "Each refusal of an app that was too old", Empty: "No app was refused for being too old."},
	}
	return Recipe{
		ID: "outdated-clients", Version: 1, Title: "Apps refused for being too old",
		Shows:  "Every sign-in attempt of the period that was refused because the app was older than the account allows or did not tell its version: who, with which app in which version.",
		Method: listMethod("sign-in attempt", "Those whose category is modern_version_failed have a row."),
		NotShown: []string{
			"Which version the account demands, and whether it demands one: without the setting, no app is refused.",
			"Old apps that did not sign in, and those that are old but not too old.", notOlder,
		},
		Streams: []evidence.Stream{signIns}, columns: l.columns, where: []evidence.Match{{Key: evidence.KeyAction, Values: []string{"modern_version_failed"}}},
		matched: "were refused because the app was too old", build: table.run,
		Mappings: supports(evidence.Context, "Each refusal of an outdated app in the period is listed, over a population that is counted whole.",
			"It shows that old apps were kept out where they tried; it is no inventory of software and says nothing of other programs.", ids{
				soc2: "CC6.8 CC7.1", iso: "A.8.8 A.8.19", nist: "SI-2 CM-6", cis: "7.3", pci: "6.3.3",
				hipaa: "164.308(a)(1)(ii)(B)", csf: "DE.CM-09",
			}),
	}
}
