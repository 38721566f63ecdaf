package recipe

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// standingDeeds give or take what somebody holds until it is taken.
var standingDeeds = slices.Concat(membershipDeeds, vaultDeeds)

// accessGrants is kind E27 of the mapping: who holds which membership and access at the end of the period, as far as events tell.
func accessGrants() Recipe {
	l := lay(fTime, fFinding, fWhat, fWhom, fWhomEmail, fWhomUUID, fRole, fGroup, fVault, fDetail, fPerson, fEmail, fPersonUUID, fConnection, fNoteworthy)
	return Recipe{
		ID: "access-grants", Version: 1, Title: "Access that stands at the end of the period",
		Shows: "For every membership of a group and every access to a vault that an event gave and none took away until the end of the period: who holds it, since when, in which role or with which permissions, and who gave it. It is made for reviews of access.",
		Method: []string{
			"The population is every audit event of the period. Those that change the membership of a group or the access to a vault are read, and those of the time given before the period as well.",
			"Of each user or group with each group or vault the newest event counts: if it gives or changes something, it stands; if it takes it away, it does not.",
			"Rights of users who were removed afterwards are said to be so.",
		},
		NotShown: []string{
			"Rights that were given before the events begin: 1Password gives no list of them. Lay an export of the account beside it.",
			"That nothing was changed before the period: the time looked back may not have been read whole; its coverage is not part of the result.",
			notNames, "Whether a right is still needed: that is what the review has to say.", notOlder,
		},
		Streams:    []evidence.Stream{audits},
		Parameters: []Parameter{{Name: "back", Title: "Days before the period from which grants are taken as well", Unit: Days, Default: 1095, Min: 0, Max: 3650}},
		columns:    l.columns, where: standingDeeds.where(),
		matched: "gave or took a membership or access to a vault", build: func(ctx context.Context, b *builder) error { return buildAccessGrants(ctx, b, l) },
		Mappings: supports(evidence.Partial, "What events gave and did not take away is listed person by person, over a population that is counted whole.",
			"It holds what events tell and no more: rights from before the first reading are missing. The review itself has to be attached.", ids{
				soc2: "CC6.2 CC6.3", iso: "A.5.18", nist: "AC-2 AC-6(7)", cis: "5.1 6.8", pci: "7.2.4 7.2.5.1",
				hipaa: "164.308(a)(4)(ii)(C)", csf: "PR.AA-01 PR.AA-05",
			}),
	}
}

// standing is the newest event about one right.
type standing struct {
	row   Row
	taken bool
}

func buildAccessGrants(ctx context.Context, b *builder, l *layout) error {
	grants := b.section(Section{
		Record: "grant", Title: "Access that stands", Note: "Time is that of the newest event about it.", Empty: "No event gave a membership or access that stands.",
		Full: l.all(), Brief: l.pick(fWhom, fWhomEmail, fRole, fGroup, fVault, fDetail, fTime, fPerson, fFinding),
	})
	gone, err := removedBy(ctx, b)
	if err != nil {
		return err
	}
	q := b.candidates(b.report.Recipe)
	q.Span.From = q.Span.From.Add(-b.values.days("back"))
	rights := map[[3]string]standing{}
	err = b.in.Select(ctx, q, func(e evidence.Event) error {
		if !e.At.Before(b.req.Period.From) {
			b.counts.Listed++
		}
		c, _ := b.event(l, e)
		c.set(fWhat, standingDeeds.words(e))
		c.set(fFinding, gone[c.get(fWhomUUID)])
		key := [3]string{c.get(fWhomUUID), c.get(fGroup), c.get(fVault)}
		rights[key] = standing{
			row:   Row{Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(), Cells: c.text},
			taken: e.Action == "leave" || e.Action == "revoke",
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading grants: %w", err)
	}
	n := 0
	for _, key := range sortedTriples(rights) {
		if rights[key].taken {
			continue
		}
		n++
		if err := grants.rows.add(rights[key].row); err != nil {
			return err
		}
	}
	b.also = fmt.Sprintf("%d rights stand at the end", n)
	return nil
}

func sortedTriples(m map[[3]string]standing) [][3]string {
	var keys [][3]string
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [3]string) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]), cmp.Compare(a[2], b[2]))
	})
	return keys
}
