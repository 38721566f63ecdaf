package recipe

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// dormantUsers is kind E18 of the mapping: people who had been active and then did nothing for some days.
func dormantUsers() Recipe {
	l := lay(fTime, fUntil, fEvents, fDays, fFinding, fPerson, fEmail, fPersonUUID)
	return Recipe{
		ID: "dormant-users", Version: 1, Title: "Dormant users",
		Shows: "Every person who did something in the period or in the time before it, with the last activity, and those apart who did nothing in the last days of the period.",
		Method: []string{
			"The population is every event of the period. Activity of a person (uuid, else email) is a successful sign-in, an item usage or an audit event.",
			"The time given before the period is looked at as well, so that who was active then and not since is seen.",
			"A person is dormant if the last activity lies more than the given days before the end of the period. Suspended and removed users are said to be so.",
		},
		NotShown: []string{
			notRoster, "Use of 1Password of which there is no event: reading items of private vaults, or working without a connection.",
			"That nothing happened before the period: the time looked back may not have been read whole; its coverage is not part of the result.",
			"Whether an account is still needed.", notPrivate, notLate, notOlder,
		},
		Streams: []evidence.Stream{signIns, usages, audits},
		Parameters: []Parameter{
			{Name: "days", Title: "Days without activity after which a person is dormant", Unit: Days, Default: 45, Min: 1, Max: 3650},
			{Name: "back", Title: "Days before the period in which people are looked for as well", Unit: Days, Default: 90, Min: 0, Max: 3650},
		},
		columns: l.columns, matched: "are counted below", build: func(ctx context.Context, b *builder) error { return buildDormant(ctx, b, l) },
		Mappings: supports(evidence.Partial, "The last activity of everybody who is seen in events is told, over a population that is counted whole.",
			"Who never acted is in no event: lay the list of users beside it.", ids{
				soc2: "CC6.2 CC6.3", iso: "A.5.18", nist: "AC-2(3)", cis: "5.3", pci: "8.2.6",
				hipaa: "164.308(a)(3)(ii)(B)", csf: "PR.AA-01 PR.AA-05",
			}),
	}
}

func buildDormant(ctx context.Context, b *builder, l *layout) error {
	dormant := b.section(Section{
		Record: "dormant", Title: "Dormant", Note: fmt.Sprintf("Nothing in the last %d days of the period.", b.values.count("days")), Empty: "Everybody who is seen in events was active.",
		Full: l.all(), Brief: l.pick(fPerson, fEmail, fUntil, fDays, fFinding, fEvents),
	})
	active := b.section(Section{
		Record: "active", Title: "Active", Empty: "Nobody was active.",
		Full: l.all(), Brief: l.pick(fPerson, fEmail, fUntil, fDays, fFinding, fEvents),
	})
	seen, err := lastActivity(ctx, b)
	if err != nil {
		return err
	}
	gone, err := removedBy(ctx, b)
	if err != nil {
		return err
	}
	limit := b.req.Period.To.Add(-b.values.days("days"))
	asleep := 0
	for _, x := range byName(seen) {
		c, into := l.countRow(x), active
		c.set(fDays, strconv.FormatInt(int64(b.req.Period.To.Sub(time.UnixMilli(x.last))/(24*time.Hour)), 10))
		c.set(fFinding, gone[x.person.UUID])
		if time.UnixMilli(x.last).Before(limit) {
			into = dormant
			asleep++
		}
		if err := into.rows.add(Row{At: x.first, Cells: c.text}); err != nil {
			return err
		}
	}
	b.also = fmt.Sprintf("%d of %d people did nothing in the last %d days", asleep, len(seen), b.values.count("days"))
	return nil
}

// lastActivity counts what everybody did, in the period and before it.
func lastActivity(ctx context.Context, b *builder) (personCounts, error) {
	seen := personCounts{}
	groups, err := b.listGroups(ctx, evidence.KeyPerson, evidence.KeyAction)
	if err != nil {
		return nil, err
	}
	if back := b.values.days("back"); back > 0 {
		q := b.candidates(b.report.Recipe)
		q.Span = evidence.Span{From: b.req.Period.From.Add(-back), To: b.req.Period.From}
		before, err := b.groups(ctx, q, evidence.KeyPerson, evidence.KeyAction)
		if err != nil {
			return nil, err
		}
		groups = append(before, groups...)
	}
	for _, g := range groups {
		tried := g.Stream == signIns && g.Facts.Result != evidence.ResultSuccess
		if personKey(g.Facts.Person) != "" && !tried {
			seen.add(g.Facts.Person, "", g.First.UnixMilli(), g.Last.UnixMilli(), g.Events)
		}
	}
	return seen, nil
}

// removedBy says of users who were suspended or removed until the end of the period that they were.
func removedBy(ctx context.Context, b *builder) (map[string]string, error) {
	gone := map[string]string{}
	q := b.query(audits)
	q.Where = leavingDeeds.where()
	q.Span.From = q.Span.From.Add(-b.values.days("back"))
	groups, err := b.groups(ctx, q, evidence.KeyTarget, evidence.KeyAction) // in order of their newest event
	for _, g := range groups {
		if g.Facts.Target == "" {
			continue
		}
		gone[g.Facts.Target] = map[string]string{"suspend": "suspended", "delete": "removed"}[g.Facts.Action]
	}
	return gone, err
}
