package recipe

import (
	"context"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var membershipDeeds = deeds{
	{"gm", "join", "Added a member to a group"}, {"gm", "role", "Changed a member's role in a group"}, {"gm", "leave", "Removed a member from a group"},
}

// privilegedGrants is kind E10 of the mapping: membership of groups, and who manages them.
func privilegedGrants() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: membershipDeeds.words,
		brief:   []fact{fTime, fWhat, fWhom, fWhomEmail, fRole, fGroup, fPerson, fEmail, fCountry},
		finding: privilege,
		found: Section{
			Record: "privilege", Title: "Privileged roles and groups",
			Note:  "Memberships of the groups that were named as privileged, and roles as manager of any group.",
			Empty: "Nobody was made the manager of a group or put into a group that was named as privileged.",
		},
		events: Section{Record: "membership", Title: "Other changes of membership", Empty: "No membership of a group was changed."},
	}
	return Recipe{
		ID: "privileged-grants", Version: 1, Title: "Group membership, roles and privileged grants",
		Shows: "Every audit event of the period that added somebody to a group, changed a role in it or took somebody out: whom, which group by identifier, in which role, by whom and when. " +
			"Roles as manager, and groups that were named as privileged, stand apart.",
		Method: listMethod("audit event", "Those that change the membership of a group have a row.",
			"A change is privileged if the role is manager (aux_info A), or if the group is one of those that were named in the parameter groups: owners and administrators are groups of the account."),
		NotShown: []string{
			notNames + " Which of them are the owners and administrators has to be named in the parameter groups.",
			notApproval, "Memberships that were given before the period and not changed in it: see access-grants.", "What a group may do: vaults and rights are given to groups apart.", notOlder,
		},
		Streams:    []evidence.Stream{audits},
		Parameters: []Parameter{{Name: "groups", Title: "Groups whose members are privileged, such as owners and administrators", Unit: Names}},
		columns:    l.columns, where: membershipDeeds.where(),
		matched: "changed the membership of a group", build: func(ctx context.Context, b *builder) error {
			if len(b.values.names("groups")) == 0 {
				b.notes = append(b.notes, "No group was named as privileged, so members of owners and administrators who are no managers of a group are among the other changes.")
			}
			return table.run(ctx, b)
		},
		Mappings: supports(evidence.Strong, "Each membership and role that was given or taken in the period is listed with who did it, over a population that is counted whole.",
			"Groups are named by identifier alone, and it does not show that a grant was approved: attach the approvals beside it.", ids{
				soc2: "CC6.3", iso: "A.8.2 A.5.18 A.5.3", nist: "AC-6(1) AC-6(7) AC-5", cis: "5.4 6.8", pci: "7.2.2 7.2.4 10.2.1.2 10.2.1.5",
				hipaa: "164.308(a)(4)(ii)(C)", csf: "PR.AA-05 PR.PS-04 DE.CM-03",
			}),
	}
}

func privilege(b *builder, e evidence.Event, c cells) string {
	switch named := slices.Contains(b.values.names("groups"), e.Target); {
	case named && c.get(fRole) == "manager":
		return "manager of a privileged group"
	case named:
		return "privileged group"
	case c.get(fRole) == "manager":
		return "manager of a group"
	}
	return ""
}
