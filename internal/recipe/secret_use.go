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
	names  [4]names // people by their key, vaults, items, connections
	places map[pair]int
	all    []use
}

// pair is a person and an item, by their numbers among the names.
type pair struct{ person, vault, item, connection int32 }

// use is the usages of one item by one person.
type use struct {
	pair
	first, last int64 // Unix milliseconds
	ways        []way // in the order of their names
}

// way is how often something was done.
type way struct {
	action string
	n      int64
}

// add counts usages of one way.
func (u *use) add(action string, first, last, n int64) {
	u.first, u.last = min(u.first, first), max(u.last, last)
	at, known := slices.BinarySearchFunc(u.ways, action, func(w way, action string) int { return cmp.Compare(w.action, action) })
	if !known {
		u.ways = slices.Insert(u.ways, at, way{action: action})
	}
	u.ways[at].n += n
}

// names numbers texts in the order in which they come.
type names struct {
	numbers map[string]int32
	texts   []string
}

func (n *names) number(text string) int32 {
	i, ok := n.numbers[text]
	if !ok {
		if n.numbers == nil {
			n.numbers = map[string]int32{}
		}
		i = int32(len(n.texts)) //nolint:gosec // so many texts do not fit into memory
		n.numbers[text] = i
		n.texts = append(n.texts, text)
	}
	return i
}

// ranks gives each number's place in the order of the texts.
func (n *names) ranks() []int32 {
	order := make([]int32, len(n.texts))
	for i := range order {
		order[i] = int32(i) //nolint:gosec // as above
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(n.texts[a], n.texts[b]) })
	ranks := make([]int32, len(order))
	for rank, i := range order {
		ranks[i] = int32(rank) //nolint:gosec // as above
	}
	return ranks
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
	r.counts, r.places = personCounts{}, map[pair]int{}
	err := r.in.Groups(ctx, r.candidates(r.report.Recipe), []evidence.Key{evidence.KeyPerson, evidence.KeyAction, evidence.KeyVault, evidence.KeyItem}, func(g Group) error {
		first, last := g.First.UnixMilli(), g.Last.UnixMilli()
		r.counts.add(g.Facts.Person, actionWords(g.Facts.Action), first, last, g.Events)
		key := pair{r.names[0].number(personKey(g.Facts.Person)), r.names[1].number(g.Facts.Vault), r.names[2].number(g.Facts.Item), r.names[3].number(string(g.Connection))}
		at, ok := r.places[key]
		if !ok {
			at = len(r.all)
			r.places[key] = at
			r.all = append(r.all, use{pair: key, first: first, last: last})
		}
		r.all[at].add(g.Facts.Action, first, last, g.Events)
		return nil
	})
	if err != nil {
		return fmt.Errorf("counting item usages: %w", err)
	}
	r.places = nil
	r.sort()
	return nil
}

// sort orders by the texts of person, vault, item and connection.
func (r *uses) sort() {
	var ranks [len(r.names)][]int32
	for i := range r.names {
		ranks[i] = r.names[i].ranks()
	}
	slices.SortFunc(r.all, func(a, b use) int {
		return cmp.Or(cmp.Compare(ranks[0][a.person], ranks[0][b.person]), cmp.Compare(ranks[1][a.vault], ranks[1][b.vault]),
			cmp.Compare(ranks[2][a.item], ranks[2][b.item]), cmp.Compare(ranks[3][a.connection], ranks[3][b.connection]))
	})
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
	for i := range r.all {
		if err := s.rows.add(r.itemRow(people, &r.all[i])); err != nil {
			return err
		}
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

// itemRow writes the usages of one item by one person.
func (r *uses) itemRow(people map[string]evidence.Person, u *use) Row {
	var ways []string
	var n int64
	for _, w := range u.ways {
		ways = append(ways, actionWords(w.action)+" × "+strconv.FormatInt(w.n, 10))
		n += w.n
	}
	r.builder.counts.Listed += n
	c := r.l.row()
	c.person(people[r.names[0].texts[u.person]])
	c.set(fVault, r.names[1].texts[u.vault])
	c.set(fItem, r.names[2].texts[u.item])
	c.set(fWays, list(ways))
	c.set(fTime, milli(u.first))
	c.set(fUntil, milli(u.last))
	c.set(fEvents, strconv.FormatInt(n, 10))
	c.set(fConnection, r.source(evidence.ID(r.names[3].texts[u.connection])))
	return Row{Cells: c.text, At: u.first}
}
