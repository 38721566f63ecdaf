package recipe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// timeQuality is kind E29 of the mapping: how far the clocks of Exhibit and of the source were apart, and events without a time.
func timeQuality() Recipe {
	l := lay(fTime, fFinding, fConnection, fStream, fPages, fSkewLeast, fSkewMost, fWithout, fNoteworthy)
	return Recipe{
		ID: "time-quality", Version: 1, Title: "Quality of times",
		Shows: "For each day on which events of the period were read, how far the clock of Exhibit and that of the source were apart at most, in seconds; and every event whose time could not be read.",
		Method: []string{
			"The population is every event of the period. Events without a time that can be read have a row.",
			"The pages that events of the period came in are counted by the day on which they were asked for. The source's clock is the Date of its answer, which knows whole seconds.",
			"If that Date lies between asking and receiving by Exhibit's clock, give or take a second, the clocks agree: 0. Otherwise the difference is told, positive if the source's clock was ahead.",
		},
		NotShown: []string{
			"That either clock was right: both may be wrong by the same. How Exhibit's machine keeps its time, and from where, is in its own configuration.",
			"The clocks of the devices on which events happened: 1Password gives its own time.", notOlder,
		},
		Streams:    []evidence.Stream{signIns, usages, audits},
		Parameters: []Parameter{{Name: "tolerance", Title: "Difference of the clocks from which a day has a finding", Unit: Seconds, Default: 5, Min: 1, Max: 86400}},
		columns:    l.columns, where: []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"time"}}},
		matched: "have no time that can be read", build: func(ctx context.Context, b *builder) error { return buildTimeQuality(ctx, b, l) },
		Mappings: supports(evidence.Partial, "The difference of the two clocks is told for each day of reading, and every event without a time.",
			"It compares two clocks and says of neither that it was right: attach how the machine's clock is kept.", ids{
				soc2: "CC7.2", iso: "A.8.17", nist: "AU-8", cis: "8.4", pci: "10.6.1 10.6.2",
				hipaa: "164.312(b)", csf: "PR.PS-04 DE.CM-09",
			}),
	}
}

// clockDay is one day of reading of one connection.
type clockDay struct {
	connection  evidence.ID
	day         time.Time
	pages       int64
	untold      int64 // pages whose answer had no date
	least, most int64 // seconds
}

func buildTimeQuality(ctx context.Context, b *builder, l *layout) error {
	days := b.section(Section{
		Record: "day", Title: "Clocks, by day of reading", Empty: "No page holds events of the period.", Note: "Without it: pages whose answer told no date.",
		Full: l.all(fStream, fNoteworthy), Brief: l.pick(fTime, fConnection, fPages, fSkewLeast, fSkewMost, fWithout, fFinding),
	})
	events := b.section(Section{
		Record: "event", Title: "Events without a time that can be read", Note: "Time is the one that they are filed under.", Empty: "Every event has a time that can be read.",
		Full: l.pick(fTime, fConnection, fStream, fNoteworthy), Brief: l.pick(fTime, fConnection, fStream, fNoteworthy),
	})
	err := b.in.Select(ctx, b.candidates(b.report.Recipe), func(e evidence.Event) error {
		b.counts.Listed++
		c, _ := b.event(l, e)
		return events.rows.add(Row{Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(), Cells: c.text})
	})
	if err != nil {
		return fmt.Errorf("reading events without a time: %w", err)
	}
	found, err := clockDays(ctx, b)
	if err != nil {
		return err
	}
	wrong := 0
	for _, d := range found {
		c := l.row()
		c.set(fTime, exact(d.day))
		c.set(fConnection, b.source(d.connection))
		for at, n := range map[fact]int64{fPages: d.pages, fSkewLeast: d.least, fSkewMost: d.most, fWithout: d.untold} {
			c.set(at, strconv.FormatInt(n, 10))
		}
		if limit := int64(b.values.count("tolerance")); d.least <= -limit || d.most >= limit {
			c.set(fFinding, "clocks apart")
			wrong++
		}
		if err := days.rows.add(Row{Cells: c.text, At: d.day.UnixMilli()}); err != nil {
			return err
		}
	}
	b.also = fmt.Sprintf("on %d of %d days of reading the clocks were %d seconds or more apart", wrong, len(found), b.values.count("tolerance"))
	return nil
}

// clockDays reads the pages, day by day of when they were asked for.
func clockDays(ctx context.Context, b *builder) ([]*clockDay, error) {
	type key struct {
		connection evidence.ID
		day        int64
	}
	days := map[key]*clockDay{}
	err := b.in.Pages(ctx, b.candidates(b.report.Recipe), func(p Page) error {
		k := key{p.Connection, p.RequestedAt.Unix() / 86400}
		d := days[k]
		if d == nil {
			d = &clockDay{connection: p.Connection, day: time.Unix(k.day*86400, 0)}
			days[k] = d
		}
		d.pages++
		if p.ServerDate.IsZero() {
			d.untold++
			return nil
		}
		apart := skew(p)
		d.least, d.most = min(d.least, apart), max(d.most, apart)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading pages: %w", err)
	}
	var all []*clockDay
	for _, d := range days {
		all = append(all, d)
	}
	slices.SortFunc(all, func(x, y *clockDay) int {
		return cmp.Or(x.day.Compare(y.day), cmp.Compare(x.connection, y.connection))
	})
	return all, nil
}

// skew is by how many whole seconds the source's clock was ahead of Exhibit's, as far as one answer tells.
func skew(p Page) int64 {
	switch {
	case p.ServerDate.After(p.ReceivedAt.Add(time.Second)):
		return int64(p.ServerDate.Sub(p.ReceivedAt) / time.Second)
	case p.ServerDate.Before(p.RequestedAt.Add(-time.Second)):
		return -int64(p.RequestedAt.Sub(p.ServerDate) / time.Second)
	}
	return 0
}
