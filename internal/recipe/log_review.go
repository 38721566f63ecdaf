package recipe

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// logReview is kind E26 of the mapping as far as it goes without sign-off: what was made to look at the events of each day.
func logReview() Recipe {
	l := lay(fTime, fUntil, fRecipe, fTitle, fVersion, fResult, fEvents, fRows, fPerson, fMade, fFor, fObject, fFinding)
	return Recipe{
		ID: "log-review", OfArtifacts: true, Version: 1, Title: "Review of the log",
		Shows: "For each day of the period, how many events it has and how many reviews, that is artifacts made from events which the day lies in; and each of these artifacts, with who made it, when, with which result and which controls and actions it is attached to.",
		Method: []string{
			"The population is every event of the period. They are counted day by day, in UTC.",
			"Listed are the artifacts of the workspace made by recipes whose period touches the period, except for this recipe's own, each in its newest version.",
			"A day has a finding if it has events and lies in no artifact of which the result is complete.",
		},
		NotShown: []string{
			"That somebody read an artifact, what he concluded and what was done: signed reviews are not part of this recipe yet. Attach them beside it.",
			"Reviews that were made elsewhere.", "That the artifacts ask for everything that has to be looked at.", notOlder,
		},
		Streams: []evidence.Stream{signIns, usages, audits}, columns: l.columns, matched: "are counted by day below",
		build: func(ctx context.Context, b *builder) error { return buildLogReview(ctx, b, l) },
		Mappings: supports(evidence.Strong, "It shows day by day which artifacts were made from the events, by whom and when, over a population that is counted whole.",
			"An artifact that was made is no review that was done: the signed conclusion of a person who did not make it has to stand beside it.", ids{
				soc2: "CC7.2 CC7.3 CC4.1", iso: "A.8.16 A.5.25 9.1", nist: "AU-6 CA-7", cis: "8.11", pci: "10.4.1 10.4.2 10.4.2.1 10.4.3",
				hipaa: "164.308(a)(1)(ii)(D)", csf: "DE.AE-02 DE.AE-03 DE.AE-06 ID.IM-02 ID.IM-03",
			}),
	}
}

func buildLogReview(ctx context.Context, b *builder, l *layout) error {
	days := b.section(Section{
		Record: "day", Title: "Days", Note: "Rows: how many artifacts with a complete result the day lies in.", Empty: "The period has no day.",
		Full: l.pick(fTime, fUntil, fEvents, fRows, fFinding), Brief: l.pick(fTime, fEvents, fRows, fFinding),
	})
	artifacts := b.section(Section{
		Record: "artifact", Title: "Artifacts made from these events", Note: "Time and until are those of the artifact's period.", Empty: "No artifact was made from events of the period.",
		Full: l.all(fEvents, fFinding), Brief: l.pick(fTitle, fTime, fUntil, fVersion, fResult, fRows, fMade, fPerson, fFor),
	})
	built, err := b.in.Built(ctx, b.req.Workspace, b.req.Period)
	if err != nil {
		return fmt.Errorf("reading artifacts: %w", err)
	}
	var made []Built
	for _, x := range built {
		if x.Recipe == "" || x.Recipe == b.report.Recipe.ID {
			continue
		}
		made = append(made, x)
		if err := artifacts.rows.add(builtRow(l, x)); err != nil {
			return err
		}
	}
	bare, n, err := reviewDays(ctx, b, l, days, made)
	b.also = fmt.Sprintf("%d of %d days with events lie in no complete artifact", bare, n)
	return err
}

func builtRow(l *layout, x Built) Row {
	c := l.row()
	c.set(fTime, exact(x.Period.From))
	c.set(fUntil, exact(x.Period.To))
	c.set(fRecipe, x.Recipe)
	c.set(fTitle, x.Title)
	c.set(fVersion, strconv.Itoa(x.Version))
	c.set(fResult, string(x.Result))
	c.set(fRows, strconv.FormatInt(x.Rows, 10))
	c.set(fPerson, x.By)
	c.set(fMade, exact(x.At))
	c.set(fFor, list(x.For))
	c.set(fObject, string(x.Artifact))
	return Row{Cells: c.text, At: x.Period.From.UnixMilli()}
}

// reviewDays writes a row for each day. It gives how many days with events lie in no complete artifact, and how many have events.
func reviewDays(ctx context.Context, b *builder, l *layout, s *Section, made []Built) (bare, busy int, err error) {
	for from := b.req.Period.From.UTC(); from.Before(b.req.Period.To); {
		day := evidence.Span{From: from, To: from.Truncate(24 * time.Hour).Add(24 * time.Hour)}.Intersect(b.req.Period)
		from = day.To
		q := b.candidates(b.report.Recipe)
		q.Span = day
		n, err := b.in.Count(ctx, q)
		if err != nil {
			return 0, 0, fmt.Errorf("counting the events of a day: %w", err)
		}
		b.counts.Listed += n
		reviews := 0
		for _, x := range made {
			if x.Result == evidence.Complete && !x.Period.From.After(day.From) && !x.Period.To.Before(day.To) {
				reviews++
			}
		}
		c := l.row()
		c.set(fTime, exact(day.From))
		c.set(fUntil, exact(day.To))
		c.set(fEvents, strconv.FormatInt(n, 10))
		c.set(fRows, strconv.Itoa(reviews))
		if n > 0 {
			busy++
			if reviews == 0 {
				bare++
				c.set(fFinding, "no review")
			}
		}
		if err := s.rows.add(Row{Cells: c.text, At: day.From.UnixMilli()}); err != nil {
			return 0, 0, err
		}
	}
	return bare, busy, nil
}
