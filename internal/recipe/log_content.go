package recipe

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// logContent is kind E21 of the mapping: which kinds of events were recorded, and what each of them tells.
func logContent() Recipe {
	l := lay(fTime, fUntil, fEvents, fWithout, fStream, fWhat, fAction, fType, fResult)
	return Recipe{
		ID: "log-content", Version: 1, Title: "Content of the log",
		Shows: "Which kinds of events each stream recorded in the period and how many, and for what an audit log has to tell (who, what, when, from where, with which outcome) how many events told it and how many did not.",
		Method: []string{
			"The population is every event of the period. All of them are counted by stream, action, type and result.",
			"An event tells who if it names a person by uuid or email; what if it has an action; from where if it has an address; the outcome if it is an attempt whose end is told; when if it has a time that can be read.",
		},
		NotShown: []string{
			"Kinds of events that 1Password does not record, and those that did not happen in the period.",
			"Whether what an event tells is true: 1Password does not sign it.", "An outcome of item usages and audit events: 1Password records those that happened.", notOlder,
		},
		Streams: []evidence.Stream{signIns, usages, audits}, columns: l.columns, matched: "are counted below",
		build: func(ctx context.Context, b *builder) error { return buildLogContent(ctx, b, l) },
		Mappings: supports(evidence.Strong, "Every event of the period was checked for what an audit log has to tell, over a population that is counted whole.",
			"It speaks of what 1Password recorded, not of what it should have recorded.", ids{
				soc2: "CC7.2", iso: "A.8.15", nist: "AU-2 AU-3 AU-3(1) AU-12", cis: "8.2 8.5 8.12", pci: "10.2.1 10.2.2",
				hipaa: "164.312(b)", csf: "PR.PS-04",
			}),
	}
}

// told counts the events of a stream that tell something.
type told struct{ all, who, what, where, outcome int64 }

func buildLogContent(ctx context.Context, b *builder, l *layout) error {
	content := b.section(Section{
		Record: "content", Title: "What events tell", Empty: "There is no event.", Note: "Events: how many told it.",
		Full: l.pick(fStream, fWhat, fEvents, fWithout), Brief: l.pick(fStream, fWhat, fEvents, fWithout),
	})
	kinds := b.section(Section{
		Record: "kind", Title: "Kinds of events", Empty: "There is no event.",
		Full: l.all(fWithout, fWhat), Brief: l.pick(fStream, fAction, fType, fResult, fEvents, fTime, fUntil),
	})
	groups, err := b.listGroups(ctx, evidence.KeyAction, evidence.KeyPerson, evidence.KeyIP)
	if err != nil {
		return err
	}
	streams := map[evidence.Stream]*told{}
	for _, g := range groups {
		if streams[g.Stream] == nil {
			streams[g.Stream] = &told{}
		}
		streams[g.Stream].add(g)
	}
	for _, stream := range slices.Sorted(maps.Keys(streams)) {
		if err := contentRows(ctx, b, l, content, stream, *streams[stream]); err != nil {
			return err
		}
	}
	return kindRows(l, kinds, groups)
}

func (t *told) add(g Group) {
	t.all += g.Events
	for n, tells := range map[*int64]bool{&t.who: personKey(g.Facts.Person) != "", &t.what: g.Facts.Action != "", &t.where: g.Facts.IP != "", &t.outcome: g.Facts.Result != evidence.ResultNone} {
		if tells {
			*n += g.Events
		}
	}
}

func contentRows(ctx context.Context, b *builder, l *layout, s *Section, stream evidence.Stream, t told) error {
	q := b.query(stream)
	q.Where = []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"time"}}}
	timeless, err := b.in.Count(ctx, q)
	if err != nil {
		return fmt.Errorf("counting events without a time: %w", err)
	}
	for _, x := range []struct {
		what string
		n    int64
	}{{"who", t.who}, {"what", t.what}, {"when", t.all - timeless}, {"from where", t.where}, {"outcome", t.outcome}} {
		if x.what == "outcome" && stream != signIns {
			continue
		}
		c := l.row()
		c.set(fStream, string(stream))
		c.set(fWhat, x.what)
		c.set(fEvents, strconv.FormatInt(x.n, 10))
		c.set(fWithout, strconv.FormatInt(t.all-x.n, 10))
		if err := s.rows.add(Row{Cells: c.text}); err != nil {
			return err
		}
	}
	return nil
}

// kindRows writes a row for each kind of event.
func kindRows(l *layout, s *Section, groups []Group) error {
	type kind struct {
		stream evidence.Stream
		facts  evidence.Facts
	}
	sums := map[kind]*Group{}
	for _, g := range groups {
		k := kind{g.Stream, evidence.Facts{Action: g.Facts.Action, Type: g.Facts.Type, Result: g.Facts.Result}}
		x := sums[k]
		if x == nil {
			x = &Group{Stream: g.Stream, Facts: k.facts, First: g.First}
			sums[k] = x
		}
		x.Events += g.Events
		x.First, x.Last = evidence.Earliest(x.First, g.First), evidence.Latest(x.Last, g.Last)
	}
	all := slices.SortedFunc(maps.Values(sums), func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(b.Events, a.Events), compareGroups(*a, *b))
	})
	for _, x := range all {
		c := l.row()
		c.set(fStream, string(x.Stream))
		c.set(fAction, x.Facts.Action)
		c.set(fType, x.Facts.Type)
		c.set(fResult, string(x.Facts.Result))
		c.set(fEvents, strconv.FormatInt(x.Events, 10))
		c.set(fTime, exact(x.First))
		c.set(fUntil, exact(x.Last))
		if err := s.rows.add(Row{Cells: c.text, At: x.First.UnixMilli()}); err != nil {
			return err
		}
	}
	return nil
}
