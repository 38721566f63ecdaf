package recipe

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
)

var grantDeeds = deeds{
	{"gm", "join", "Added a member to a group"}, {"gm", "role", "Changed a member's role in a group"},
	{"uva", "grant", "Gave a user access to a vault"}, {"uva", "update", "Changed a user's access to a vault"},
}

// selfGrants is kind E20 of the mapping: rights that somebody gave to himself.
func selfGrants() Recipe {
	l := listColumns()
	table := eventList{
		layout: l, words: grantDeeds.words,
		brief: []fact{fTime, fWhat, fPerson, fEmail, fWhom, fWhomEmail, fRole, fGroup, fVault, fDetail, fCountry},
		found: Section{
			Record: "self-grant", Title: "Grants to oneself", Note: "The one who gave is the one who got.", Empty: "Nobody gave a role, a membership or access to himself.",
		},
		events: Section{Record: "grant", Title: "Grants to others", Empty: "Nobody gave a role, a membership or access to somebody else."},
	}
	return Recipe{
		ID: "self-grants", Version: 1, Title: "Rights that people gave to themselves",
		Shows: "Every membership, role and vault access that was given or changed in the period, with those apart in which giver and receiver are the same person.",
		Method: listMethod("audit event", "Those that add a member to a group, change a role, or give or change a user's access to a vault have a row.",
			"A grant is to oneself if the uuid of the one who did it is that of the one whom it is about."),
		NotShown: []string{
			"Rights that come through a group or a second account of the same person.", "That two people did a favour to each other.", notNames, notApproval, notOlder,
		},
		Streams: []evidence.Stream{audits}, columns: l.columns, where: grantDeeds.where(),
		matched: "gave a membership, a role or access to a vault", build: func(ctx context.Context, b *builder) error {
			n := 0
			x := table
			x.finding = func(_ *builder, e evidence.Event, c cells) string {
				if e.Person.UUID == "" || e.Person.UUID != c.get(fWhomUUID) {
					return ""
				}
				n++
				return "to oneself"
			}
			if err := x.run(ctx, b); err != nil {
				return err
			}
			b.also = fmt.Sprintf("%d of them to the very person who gave it", n)
			return nil
		},
		Mappings: supports(evidence.Strong, "Each grant of the period was checked for whether giver and receiver are the same person, over a population that is counted whole.",
			"In small teams an administrator has nobody else to ask; whether a grant to oneself was in order, a person has to judge.", ids{
				soc2: "CC6.3 CC5.1", iso: "A.5.3", nist: "AC-5", cis: "6.8", pci: "7.2.2",
				hipaa: "164.308(a)(4)(ii)(C)", csf: "PR.AA-05 DE.CM-03",
			}),
	}
}
