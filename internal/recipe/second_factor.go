package recipe

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// secondFactor is kind E2 of the mapping: which factors were seen at sign-in.
func secondFactor() Recipe {
	l := lay(fTime, fUntil, fEvents, fFinding, fWhat, fPerson, fEmail, fPersonUUID)
	return Recipe{
		ID: "second-factor", Version: 1, Title: "Second factors seen at sign-in",
		Shows: "For every person who signed in or failed at a second factor in the period: how often with a second factor, by single sign-on, with account password and Secret Key alone, and how often the second factor failed.",
		Method: []string{
			"The population is every sign-in attempt of the period. Successes, and failures of a second factor or of single sign-on, are counted.",
			"Successes are told apart by their type: mfa_ok is a second factor, federated is single sign-on, credentials_ok is account password and Secret Key alone.",
			"A person has a finding if he signed in with account password and Secret Key alone.",
		},
		NotShown: []string{
			notPolicy + " Whether a second factor is demanded of everybody stands in the account's settings.",
			"That a second factor was missing: the Secret Key on a known device is something that one has. 1Password asks for a second factor on new devices alone, so successes without one are no fault in themselves.",
			"Factors that an identity provider asked for at single sign-on.", notOlder,
		},
		Streams: []evidence.Stream{signIns}, columns: l.columns,
		where:   []evidence.Match{{Key: evidence.KeyAction, Values: []string{"success", "firewall_reported_success", "mfa_failed", "sso_failed"}}},
		matched: "tell of a success or of a factor that failed", build: func(ctx context.Context, b *builder) error { return buildSecondFactor(ctx, b, l) },
		Mappings: supports(evidence.Partial, "The factors of every success in the period are counted by person, over a population that is counted whole.",
			"It shows factors that were seen, never which are demanded: attach a dated picture of the account's settings.", ids{
				soc2: "CC6.1", iso: "A.8.5 A.5.17", nist: "IA-2(1) IA-2(2)", cis: "6.3 6.5", pci: "8.4.1 8.4.2 8.4.3 8.5.1",
				hipaa: "164.312(d)", csf: "PR.AA-01 PR.AA-03",
			}),
	}
}

func buildSecondFactor(ctx context.Context, b *builder, l *layout) error {
	people := b.section(Section{
		Record: "person", Title: "By person", Empty: "Nobody signed in, and no factor failed.",
		Full: l.all(fWhat), Brief: l.pick(fPerson, fEmail, fFinding, fEvents, fTime, fUntil),
	})
	factors := b.section(Section{
		Record: "factor", Title: "By person and factor", Empty: "Nobody signed in, and no factor failed.",
		Full: l.all(fFinding), Brief: l.pick(fPerson, fEmail, fWhat, fEvents, fTime, fUntil),
	})
	groups, err := b.listGroups(ctx, evidence.KeyPerson, evidence.KeyAction)
	if err != nil {
		return err
	}
	seen, each := personCounts{}, personCounts{}
	alone := map[string]bool{}
	for _, g := range groups {
		what := factorWords(g.Facts)
		first, last := g.First.UnixMilli(), g.Last.UnixMilli()
		seen.add(g.Facts.Person, "", first, last, g.Events)
		each.add(g.Facts.Person, what, first, last, g.Events)
		if what == passwordAlone {
			alone[personKey(g.Facts.Person)] = true
		}
	}
	b.also = fmt.Sprintf("%d of %d people signed in with account password and Secret Key alone at least once", len(alone), len(seen))
	for _, x := range byName(seen) {
		c := l.countRow(x)
		if alone[x.key] {
			c.set(fFinding, passwordAlone)
		}
		if err := people.rows.add(Row{At: x.first, Cells: c.text}); err != nil {
			return err
		}
	}
	return each.rows(l, factors)
}

const passwordAlone = "account password and Secret Key alone"

// factorWords says which factor an attempt tells of.
func factorWords(f evidence.Facts) string {
	switch {
	case f.Result != evidence.ResultSuccess:
		return "failed: " + f.Type
	case f.Type == "mfa_ok":
		return "second factor"
	case f.Type == "federated":
		return "single sign-on"
	case f.Type == "credentials_ok":
		return passwordAlone
	}
	return "success: " + f.Type
}
