package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

// firewallBlocks is kind E3 of the mapping: sign-ins that a firewall rule stopped, or let through and reported.
func firewallBlocks() Recipe {
	l := signInColumns()
	table := eventList{
		layout: l, words: refusal,
		brief:  []fact{fTime, fPerson, fEmail, fResult, fType, fDetail, fIP, fCountry, fCity, fApp},
		events: Section{Record: "sign-in", Title: "Each sign-in that a rule caught", Note: "Detail is what the rule matched.", Empty: "No firewall rule stopped or reported a sign-in."},
	}
	return Recipe{
		ID: "firewall-blocks", Version: 1, Title: "Sign-ins stopped or reported by firewall rules",
		Shows:  "Every sign-in attempt of the period that a firewall rule of the account stopped, or let through and reported: who, from where, which kind of rule and what it matched.",
		Method: listMethod("sign-in attempt", "Those whose category is firewall_failed or firewall_reported_success have a row."),
		NotShown: []string{
			"Which rules there are: a rule that nothing matched is in no event. Changes of rules are in policy-changes.",
			"Attempts that never reached 1Password.", "Where an address really is: places of addresses are estimates.", notOlder,
		},
		Streams: []evidence.Stream{signIns}, columns: l.columns,
		where:   []evidence.Match{{Key: evidence.KeyAction, Values: []string{"firewall_failed", "firewall_reported_success"}}},
		matched: "were stopped or reported by a firewall rule", build: table.run,
		Mappings: supports(evidence.Partial, "Each sign-in that a firewall rule caught in the period is listed, over a population that is counted whole.",
			"It shows that rules worked where they matched, not which rules there are: attach a dated picture of them.", ids{
				soc2: "CC6.6", iso: "A.8.20 A.5.15", nist: "AC-3 AC-17(1) SC-7", cis: "13.1 12.2", pci: "8.3.1 10.2.1.4",
				hipaa: "164.312(a)(1)", csf: "PR.AA-03 PR.AA-05 DE.CM-01",
			}),
	}
}
