package recipe

import (
	"context"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// ownerTypes are kinds of objects that only owners and administrators can act on.
var ownerTypes = []string{"account", "sso", "sub", "card", "pm", "report", "template", "slackapp", "mngdacc", "sa", "satoken", "group"}

// ownerUse is kind E19 of the mapping: use of the rights of owners and administrators, and of accounts kept for emergencies.
func ownerUse() Recipe {
	l := lay(fTime, fUntil, fEvents, fFinding, fWhat, fStream, fPerson, fEmail, fPersonUUID, fPersonKind, fResult, fType, fAction, fObject, fOther, fDetail, fGroup, fVault, fItem,
		fIP, fCountry, fRegion, fCity, fApp, fAppVersion, fDevice, fSession, fConnection, fNoteworthy)
	table := eventList{
		layout: l, words: ownerWords,
		brief:  []fact{fTime, fStream, fWhat, fPerson, fEmail, fObject, fItem, fIP, fCountry, fCity},
		events: Section{Record: "use", Title: "Each use", Empty: "Nothing of the kind was done."},
	}
	return Recipe{
		ID: "owner-use", Version: 1, Title: "Use of owner, administrator and emergency accounts",
		Shows: "If people are named, everything that they did in the period: sign-ins, uses of shared items and audit events. If nobody is named, every audit event of the period on something that only owners and administrators can act on: " +
			"the account, single sign-on, billing, reports, groups, service accounts and their tokens.",
		Method: listMethod("event", "Those of the people who are named in the parameter people have a row; if nobody is named, audit events whose object is one of: account, sso, sub, card, pm, report, template, slackapp, mngdacc, sa, satoken, group."),
		NotShown: []string{
			"Who the owners and administrators are: events name no roles. Name them, and the accounts kept for emergencies, in the parameter people.",
			"Suspensions, recoveries, memberships and access to vaults, if nobody is named: see user-removals, account-recoveries, privileged-grants and vault-access.",
			"Whether a use was in order: attach the reason for each use of an emergency account.", notPrivate, notOlder,
		},
		Streams:    []evidence.Stream{signIns, usages, audits},
		Parameters: []Parameter{{Name: "people", Title: "People whose every act is listed, such as owners and emergency accounts", Unit: Names}},
		columns:    l.columns,
		narrow: func(v values) []evidence.Match {
			if people := v.names("people"); len(people) > 0 {
				return []evidence.Match{{Key: evidence.KeyPerson, Values: people}}
			}
			return []evidence.Match{{Key: evidence.KeyType, Values: ownerTypes}}
		},
		matched: "are uses of such rights or accounts", build: func(ctx context.Context, b *builder) error {
			if len(b.values.names("people")) == 0 {
				b.notes = append(b.notes, "Nobody was named, so acts that only owners and administrators can do are listed, whoever did them; sign-ins of owners and emergency accounts are not.")
			}
			return table.run(ctx, b)
		},
		Mappings: supports(evidence.Strong, "Each use of the named accounts, or of rights that only owners and administrators have, is listed, over a population that is counted whole.",
			"Events name no roles: who the owners are, and whether a use was in order, has to come from elsewhere.", ids{
				soc2: "CC6.1 CC6.3", iso: "A.8.2 A.8.18", nist: "AC-6(9) AC-2(12)", cis: "5.4", pci: "10.2.1.2 8.2.2",
				hipaa: "164.308(a)(1)(ii)(D)", csf: "PR.AA-05 PR.PS-04 DE.CM-03",
			}),
	}
}

// ownerWords says what an event of any stream did.
func ownerWords(e evidence.Event) string {
	switch e.Stream {
	case signIns:
		return "sign-in: " + refusal(e)
	case usages:
		return "item: " + actionWords(e.Action)
	}
	for _, d := range []deeds{policyDeeds, serviceDeeds, membershipDeeds, vaultDeeds, additionDeeds, removalDeeds, recoveryDeeds, deviceDeeds} {
		if words := d.words(e); words != e.Type+" "+e.Action {
			return words
		}
	}
	return e.Type + " " + e.Action
}
