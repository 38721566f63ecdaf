package recipe

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// deed is a kind of audit event, in words: what it means that action was done to an object of a type.
type deed struct{ object, action, words string }

// deeds are what a list is about.
type deeds []deed

// where selects the deeds. Types and actions are asked for apart, so that a pair which is not among the deeds can be
// selected as well; it is listed under its own name, as nothing that was selected is left out.
func (d deeds) where() []evidence.Match {
	types, actions := evidence.Match{Key: evidence.KeyType}, evidence.Match{Key: evidence.KeyAction}
	for _, x := range d {
		if !slices.Contains(types.Values, x.object) {
			types.Values = append(types.Values, x.object)
		}
		if !slices.Contains(actions.Values, x.action) {
			actions.Values = append(actions.Values, x.action)
		}
	}
	return []evidence.Match{types, actions}
}

// words says what an event did.
func (d deeds) words(e evidence.Event) string {
	for _, x := range d {
		if x.object == e.Type && x.action == e.Action {
			return x.words
		}
	}
	return e.Type + " " + e.Action
}

// eventList is a recipe's table of events: counted by what and by whom, then those with a finding, then the others.
type eventList struct {
	layout *layout
	brief  []fact // what HTML and PDF show of an event
	words  func(evidence.Event) string
	// finding says what of an event a reader should look at first; "" if nothing. Nil: the list has no such section.
	finding func(*builder, evidence.Event, cells) string
	found   Section // title and words of the section of findings
	events  Section // of the others
}

// listColumns are what lists of audit events hold.
func listColumns() *layout {
	return lay(fTime, fUntil, fEvents, fFinding, fWhat, fPerson, fEmail, fPersonUUID, fPersonKind, fWhom, fWhomEmail, fWhomUUID, fRole, fGroup, fVault, fObject, fOther,
		fDetail, fType, fAction, fIP, fCountry, fRegion, fCity, fDevice, fSession, fConnection, fNoteworthy)
}

// run is the build of a recipe.
func (x eventList) run(ctx context.Context, b *builder) error {
	l := x.layout
	summary := b.section(Section{
		Record: "summary", Title: "By act and person", Empty: x.events.Empty,
		Full:  l.pick(fTime, fUntil, fEvents, fWhat, fPerson, fEmail, fPersonUUID),
		Brief: l.pick(fWhat, fPerson, fEmail, fEvents, fTime, fUntil),
	})
	rest := x.events
	rest.Full, rest.Brief = l.all(fUntil, fEvents, fFinding), l.pick(x.brief...)
	var found *Section
	if x.finding != nil {
		marked := x.found
		marked.Full, marked.Brief = l.all(fUntil, fEvents), l.pick(append([]fact{fFinding}, x.brief...)...)
		found = b.section(marked)
	}
	others := b.section(rest)
	counts := personCounts{}
	err := b.in.Select(ctx, b.candidates(b.report.Recipe), func(e evidence.Event) error {
		b.counts.Listed++
		what := x.words(e)
		counts.add(e.Person, what, e.At.UnixMilli(), e.At.UnixMilli(), 1)
		c, _ := b.event(l, e)
		c.set(fWhat, what)
		into := others
		if x.finding != nil {
			if text := x.finding(b, e, c); text != "" {
				c.set(fFinding, text)
				into = found
			}
		}
		return into.rows.add(Row{Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(), Cells: c.text})
	})
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	return counts.rows(l, summary)
}
