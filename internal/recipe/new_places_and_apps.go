package recipe

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// newPlacesAndApps is kind E5 of the mapping: successful sign-ins by place and app, and which of them were seen for the first time.
func newPlacesAndApps() Recipe {
	l := lay(fTime, fUntil, fEvents, fFinding, fWhat, fPerson, fEmail, fPersonUUID, fCountry, fApp)
	return Recipe{
		ID: "new-places-and-apps", Version: 1, Title: "New places and apps of sign-ins",
		Shows: "For every person, the countries and apps of successful sign-ins of the period, with those that had not been seen of the person in the time before.",
		Method: []string{
			"The population is every sign-in attempt of the period. Successes are counted by person (uuid, else email), country and app.",
			"A country or app is new if no success of the person in the days before the period had it. Of a person without any success in that time everything is new, and it is said so.",
		},
		NotShown: []string{
			"Where somebody really was: countries are estimates from the address; VPNs, proxies and mobile networks move them.",
			"Devices: sign-in attempts name the app, not the device. Devices that were authorised are in the recipe devices.",
			"That a sign-in was somebody else's: people travel and install apps.",
			"Anything that lies before what was read: the first period of a connection has little to compare with.", notOlder,
		},
		Streams:    []evidence.Stream{signIns},
		Parameters: []Parameter{{Name: "back", Title: "Days before the period with which is compared", Unit: Days, Default: 30, Min: 1, Max: 3650}},
		columns:    l.columns, where: []evidence.Match{{Key: evidence.KeyResult, Values: []string{string(evidence.ResultSuccess)}}},
		matched: "succeeded", build: func(ctx context.Context, b *builder) error { return buildNewPlaces(ctx, b, l) },
		Mappings: supports(evidence.Strong, "The places and apps of every success in the period are compared with those before, over a population that is counted whole.",
			"A new place is a reason to look, no finding in itself; it does not show that somebody looked: attach the review beside it.", ids{
				soc2: "CC7.2 CC7.3", iso: "A.8.16 A.5.25", nist: "AC-2(12) SI-4 AU-6(1)", cis: "8.11 13.1", pci: "10.4.1 10.4.1.1",
				hipaa: "164.308(a)(1)(ii)(D)", csf: "DE.CM-01 DE.CM-03 DE.AE-02 DE.AE-03",
			}),
	}
}

func buildNewPlaces(ctx context.Context, b *builder, l *layout) error {
	fresh := b.section(Section{
		Record: "new", Title: "Seen for the first time", Empty: "Nobody signed in from a country or with an app that was new.",
		Full: l.all(fWhat), Brief: l.pick(fPerson, fEmail, fFinding, fCountry, fApp, fEvents, fTime, fUntil),
	})
	known := b.section(Section{
		Record: "known", Title: "Known places and apps", Empty: "Nobody signed in from a country and with an app that were known.",
		Full: l.all(fWhat, fFinding), Brief: l.pick(fPerson, fEmail, fCountry, fApp, fEvents, fTime, fUntil),
	})
	before := b.candidates(b.report.Recipe)
	before.Span = evidence.Span{From: b.req.Period.From.Add(-b.values.days("back")), To: b.req.Period.From}
	keys := []evidence.Key{evidence.KeyPerson, evidence.KeyCountry, evidence.KeyClient}
	base, err := b.groups(ctx, before, keys...)
	if err != nil {
		return err
	}
	seen := map[[2]string]bool{} // person and nothing, country or app
	for _, g := range base {
		key := personKey(g.Facts.Person)
		seen[[2]string{key, ""}], seen[[2]string{key, "in " + g.Facts.Country}], seen[[2]string{key, "with " + g.Facts.Client}] = true, true, true
	}
	groups, err := b.listGroups(ctx, keys...)
	if err != nil {
		return err
	}
	counts := map[[2]string]personCounts{}
	for _, g := range groups {
		at := [2]string{g.Facts.Country, g.Facts.Client}
		if counts[at] == nil {
			counts[at] = personCounts{}
		}
		counts[at].add(g.Facts.Person, "", g.First.UnixMilli(), g.Last.UnixMilli(), g.Events)
	}
	people, n := map[string]bool{}, 0
	for _, at := range sortedPairs(counts) {
		for _, x := range byName(counts[at]) {
			c, into := l.countRow(x), known
			c.set(fCountry, at[0])
			c.set(fApp, at[1])
			if text := novelty(seen, x.key, at); text != "" {
				c.set(fFinding, text)
				into = fresh
				n++
				people[x.key] = true
			}
			if err := into.rows.add(Row{At: x.first, Cells: c.text}); err != nil {
				return err
			}
		}
	}
	b.also = fmt.Sprintf("%d combinations of place and app of %d people had not been seen before", n, len(people))
	return nil
}

// novelty says what of a place and app a person had not been seen with.
func novelty(seen map[[2]string]bool, person string, at [2]string) string {
	place, app := seen[[2]string{person, "in " + at[0]}], seen[[2]string{person, "with " + at[1]}]
	switch {
	case !seen[[2]string{person, ""}]:
		return "first sign-in of the person in this time"
	case !place && !app:
		return "new country and new app"
	case !place:
		return "new country"
	case !app:
		return "new app"
	}
	return ""
}
