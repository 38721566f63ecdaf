package recipe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// secretUse is kind E13 of the mapping: who used which shared item, how and when.
func secretUse() Recipe {
	l := lay(fTime, fUntil, fEvents, fWhat, fWays, fPerson, fEmail, fPersonUUID, fVault, fItem, fConnection)
	return Recipe{
		ID: "secret-use", Version: 1, Title: "Use of shared secrets",
		Shows: "For every person and every item of a shared vault, by identifier, how often it was used in the period and in which ways, from the first to the last time; and the same summed up by person.",
		Method: []string{
			"The population is every item usage of the period. All of them are counted.",
			"Usages of the same person (uuid, else email), vault and item make one row, with their number, how many there were of each action, and the times of the first and the last.",
			"The summary counts them by person and action, most first.",
		},
		NotShown: []string{
			"Each single use: the events of the period hold them, and secret-exposure lists those in which a secret left the vault.",
			"Names of items and vaults: they are encrypted on the devices and 1Password does not give them. The identifiers can be looked up in the account.",
			notPrivate, notOldApps, notLate, "Whether a use was justified: nearly all of them are everyday work.", notOlder,
		},
		Streams: []evidence.Stream{usages}, columns: l.columns, matched: "are counted below",
		build: func(ctx context.Context, b *builder) error { return (&uses{builder: b, l: l}).run(ctx) },
		Mappings: supports(evidence.Strong, "Every use of a shared item in the period is counted by person, item and way of use, over a population that is counted whole.",
			"1Password decides which uses are recorded, names no items, and reports shared vaults alone.", ids{
				soc2: "CC6.1 CC7.2", iso: "A.8.15 A.8.3 A.5.17", nist: "AU-2 AU-12 AC-6(9)", cis: "3.14 8.5", pci: "8.2.2 8.6.1 10.2.1.1 10.2.1.2",
				hipaa: "164.312(b)", csf: "PR.AA-05 PR.PS-04 DE.CM-03",
			}),
	}
}

// uses is one run of secret-use. Its memory grows with pairs of person and item, not with events.
type uses struct {
	*builder
	l      *layout
	counts personCounts
	all    []use
}

// use is the usages of one item by one person in one way, or a part of them.
type use struct {
	key         string // of the person
	vault, item string
	action      string
	connection  evidence.ID
	first, last int64 // Unix milliseconds
	n           int64
}

func (u use) compare(o use) int {
	return cmp.Or(u.comparePair(o), cmp.Compare(u.action, o.action))
}

// comparePair leaves the way of use out.
func (u use) comparePair(o use) int {
	return cmp.Or(cmp.Compare(u.key, o.key), cmp.Compare(u.vault, o.vault), cmp.Compare(u.item, o.item), cmp.Compare(u.connection, o.connection))
}

func (r *uses) run(ctx context.Context) error {
	summary := r.section(Section{
		Record: "summary", Title: "By person and action", Empty: "No shared item was used.",
		Full:  r.l.pick(fTime, fUntil, fEvents, fWhat, fPerson, fEmail, fPersonUUID),
		Brief: r.l.pick(fPerson, fEmail, fWhat, fEvents, fTime, fUntil),
	})
	items := r.section(Section{
		Record: "use", Title: "By person and item", Empty: "No shared item was used.",
		Full:  r.l.all(fWhat),
		Brief: r.l.pick(fPerson, fEmail, fVault, fItem, fWays, fEvents, fTime, fUntil),
	})
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.counts.rows(r.l, summary); err != nil {
		return err
	}
	return r.itemRows(items)
}

func (r *uses) read(ctx context.Context) error {
	r.counts = personCounts{}
	keys := map[string]string{} // one string for each person
	err := r.in.Groups(ctx, r.candidates(r.report.Recipe), []evidence.Key{evidence.KeyPerson, evidence.KeyAction, evidence.KeyVault, evidence.KeyItem}, func(g Group) error {
		key := personKey(g.Facts.Person)
		if keys[key] == "" {
			keys[key] = key
		}
		r.counts.add(g.Facts.Person, actionWords(g.Facts.Action), g.First.UnixMilli(), g.Last.UnixMilli(), g.Events)
		r.all = append(r.all, use{key: keys[key], vault: g.Facts.Vault, item: g.Facts.Item, action: g.Facts.Action, connection: g.Connection,
			first: g.First.UnixMilli(), last: g.Last.UnixMilli(), n: g.Events})
		return nil
	})
	if err != nil {
		return fmt.Errorf("counting item usages: %w", err)
	}
	slices.SortFunc(r.all, use.compare)
	return nil
}

// actionWords says what was done; an old app tells nothing.
func actionWords(action string) string {
	if action == "" {
		return "not told"
	}
	return action
}

// itemRows writes a row for each person and item.
func (r *uses) itemRows(s *Section) error {
	people := r.people()
	for i := 0; i < len(r.all); {
		end := i + 1
		for end < len(r.all) && r.all[end].comparePair(r.all[i]) == 0 {
			end++
		}
		if err := s.rows.add(r.itemRow(people[r.all[i].key], r.all[i:end])); err != nil {
			return err
		}
		i = end
	}
	return nil
}

// people gives each person as the newest usage names him.
func (r *uses) people() map[string]evidence.Person {
	people := map[string]evidence.Person{}
	newest := map[string]int64{}
	for _, c := range r.counts.sorted() {
		if last, ok := newest[c.key]; !ok || c.last > last {
			people[c.key], newest[c.key] = c.person, c.last
		}
	}
	return people
}

// itemRow sums the uses of one item by one person up.
func (r *uses) itemRow(who evidence.Person, all []use) Row {
	sum := all[0]
	var ways []string
	var n int64 // of the way that is being counted
	for i, u := range all {
		sum.first, sum.last = min(sum.first, u.first), max(sum.last, u.last)
		r.builder.counts.Listed += u.n
		if n += u.n; i+1 == len(all) || all[i+1].action != u.action {
			ways = append(ways, actionWords(u.action)+" × "+strconv.FormatInt(n, 10))
			n = 0
		}
		if i > 0 {
			sum.n += u.n
		}
	}
	c := r.l.row()
	c.person(who)
	c.set(fVault, sum.vault)
	c.set(fItem, sum.item)
	c.set(fWays, list(ways))
	c.set(fTime, milli(sum.first))
	c.set(fUntil, milli(sum.last))
	c.set(fEvents, strconv.FormatInt(sum.n, 10))
	c.set(fConnection, r.source(sum.connection))
	return Row{Cells: c.text, At: sum.first}
}
