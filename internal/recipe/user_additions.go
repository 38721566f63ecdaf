package recipe

import (
	"github.com/exhibithq/exhibit/internal/evidence"
)

var additionDeeds = deeds{
	{"invite", "create", "Invited somebody"}, {"invite", "propose", "Proposed an invitation"}, {"invite", "verify", "Verified an invitation"},
	{"user", "create", "Added a user"}, {"user", "provsn", "Provisioned a user"}, {"user", "join", "Joined the team"}, {"user", "activate", "Confirmed a user"},
	{"user", "reactive", "Reactivated a user"}, {"user", "upguest", "Made a guest a member"},
}

// userAdditions is kind E6 of the mapping: who was invited, added and confirmed, by whom.
func userAdditions() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: additionDeeds.words,
		brief:   []fact{fTime, fWhat, fWhom, fWhomEmail, fPerson, fEmail, fIP, fCountry},
		finding: reactivation,
		found: Section{
			Record: "reactivation", Title: "Users who came back", Note: "Accounts that had been suspended and were opened again.", Empty: "No suspended user was reactivated.",
		},
		events: Section{Record: "addition", Title: "Each invitation, addition and confirmation", Empty: "Nobody was invited, added or confirmed."},
	}
	return Recipe{
		ID: "user-additions", Version: 1, Title: "Users invited, added and confirmed",
		Shows: "Every audit event of the period by which somebody was invited, added, provisioned, confirmed, reactivated or made a member: who came, by whom, when and from where.",
		Method: listMethod("audit event", "Those that invite, add, provision, confirm or reactivate a user, or make a guest a member, have a row.",
			"Reactivations of suspended users stand apart, as they give access back that had been taken away."),
		NotShown: []string{
			notApproval,
			"Whom an invitation was sent to, before it is accepted: events of invitations name the invitation alone.",
			"What was done by an identity provider outside 1Password.", notRoster, notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: additionDeeds.where(),
		matched: "invited, added or confirmed a user", build: table.run,
		Mappings: supports(evidence.Strong, "Each account that was made in the period is listed with who made it, over a population that is counted whole.",
			"It shows that accounts were made and by whom, not that somebody approved them: attach the requests beside it.", ids{
				soc2: "CC6.2", iso: "A.5.16 A.5.18", nist: "AC-2 AC-2(4) IA-4", cis: "5.1 6.1", pci: "8.2.4 10.2.1.5",
				hipaa: "164.308(a)(3)(ii)(A) 164.308(a)(4)(ii)(B)", csf: "PR.AA-01 PR.AA-05 PR.PS-04",
			}),
	}
}

func reactivation(_ *builder, e evidence.Event, _ cells) string {
	if e.Type == "user" && e.Action == "reactive" {
		return "had been suspended"
	}
	return ""
}
