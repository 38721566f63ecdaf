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

// leavingDeeds end a user's access; one takes a suspension back.
var leavingDeeds = deeds{
	{"user", "suspend", "Suspended a user"}, {"user", "delete", "Removed a user"}, {"user", "reactive", "Reactivated a user"},
}

// activityAfterRemoval is kind E8 of the mapping: removals crossed with everything that happened under the user's name since.
func activityAfterRemoval() Recipe {
	l := lay(fTime, fUntil, fEvents, fFinding, fWhat, fWhom, fWhomEmail, fWhomUUID, fPerson, fEmail, fPersonUUID, fStream, fAction, fType, fVault, fItem, fGroup, fObject,
		fIP, fCountry, fRegion, fCity, fApp, fAppVersion, fConnection, fNoteworthy)
	return Recipe{
		ID: "activity-after-removal", Version: 1, Title: "Activity after removal",
		Shows: "For every user who was suspended or removed, what was still done under that user's name afterwards: successful sign-ins, uses of shared items and audit events, each with its time and place; or that there was nothing.",
		Method: []string{
			"The population is every event of the period. Audit events that suspend, remove or reactivate a user have a row; those of the time given before the period are looked at as well.",
			"A user's access ends with the first suspension or removal, until he is reactivated.",
			"From then to the end of the period, or to the reactivation, every successful sign-in, item usage and audit event is looked up whose person has the user's uuid. What happened before the period is left out.",
		},
		NotShown: []string{
			"Activity of which 1Password records nothing, such as reading secrets that a device had stored before.",
			notPrivate, notLate,
			"Users who were removed earlier than the time that is looked back, and users whose removal is in no event.",
			"That an activity was wrong: an app may send what was done before the removal some time later, with the time at which it happened.",
		},
		Streams:    []evidence.Stream{signIns, usages, audits},
		Parameters: []Parameter{{Name: "back", Title: "Days before the period whose removals are looked at as well", Unit: Days, Default: 30, Min: 0, Max: 3650}},
		columns:    l.columns, where: leavingDeeds.where(),
		matched: "suspended, removed or reactivated a user",
		build:   func(ctx context.Context, b *builder) error { return (&leavers{builder: b, l: l}).run(ctx) },
		Mappings: supports(evidence.Strong, "Every removal of the period was crossed with sign-ins, item usages and audit events, over a population that is counted whole.",
			"It shows recorded activity alone; secrets that a person knew stay known until they are changed.", ids{
				soc2: "CC6.2 CC6.3", iso: "A.5.18 A.6.5", nist: "PS-4 AC-2(3)", cis: "6.2", pci: "8.2.5",
				hipaa: "164.308(a)(3)(ii)(C)", csf: "PR.AA-01 PR.AA-05 DE.CM-03 DE.AE-03",
			}),
	}
}

// leavers is one run of activity-after-removal. Its memory grows with the users who left.
type leavers struct {
	*builder
	l                        *layout
	found, summary, removals *Section
	gone                     map[string]*leaver
}

// leaver is a user whose access ended.
type leaver struct {
	user, by evidence.Person
	what     string // how it ended
	spans    []evidence.Span
	after    int64
	last     time.Time // of what was done afterwards
}

func (r *leavers) run(ctx context.Context) error {
	r.gone = map[string]*leaver{}
	r.found = r.section(Section{
		Record: "activity", Title: "Activity after removal", Empty: "Nothing was done under the name of a user who had been suspended or removed.",
		Full:  r.l.all(fUntil, fEvents, fFinding),
		Brief: r.l.pick(fTime, fWhom, fWhomEmail, fWhat, fAction, fType, fVault, fItem, fIP, fCountry, fApp),
	})
	r.summary = r.section(Section{
		Record: "leaver", Title: "Users who were suspended or removed",
		Note:  "Time is when the access ended, until the time of the last activity after it.",
		Empty: "Nobody was suspended or removed.",
		Full:  r.l.pick(fTime, fUntil, fEvents, fFinding, fWhat, fWhom, fWhomEmail, fWhomUUID, fPerson, fEmail, fPersonUUID),
		Brief: r.l.pick(fWhom, fWhomEmail, fWhat, fTime, fPerson, fEvents, fUntil, fFinding),
	})
	r.removals = r.section(Section{
		Record: "removal", Title: "Each suspension, removal and reactivation in the period", Empty: "Nobody was suspended, removed or reactivated in the period.",
		Full:  r.l.all(fUntil, fEvents, fFinding),
		Brief: r.l.pick(fTime, fWhat, fWhom, fWhomEmail, fPerson, fEmail, fIP, fCountry),
	})
	if err := r.readRemovals(ctx); err != nil {
		return fmt.Errorf("reading removals: %w", err)
	}
	return r.readActivity(ctx)
}

// readRemovals finds out who was gone when.
func (r *leavers) readRemovals(ctx context.Context) error {
	q := r.query(audits)
	q.Where = leavingDeeds.where()
	if back := r.values.days("back"); back > 0 {
		q.Span.From = q.Span.From.Add(-back)
	}
	return r.in.Select(ctx, q, func(e evidence.Event) error {
		c, _ := r.event(r.l, e)
		r.remember(e, evidence.Person{UUID: c.get(fWhomUUID), Name: c.get(fWhom), Email: c.get(fWhomEmail)})
		if e.At.Before(r.req.Period.From) {
			return nil
		}
		r.counts.Listed++
		c.set(fWhat, leavingDeeds.words(e))
		return r.removals.rows.add(Row{Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(), Cells: c.text})
	})
}

func (r *leavers) remember(e evidence.Event, user evidence.Person) {
	if user.UUID == "" {
		return
	}
	x := r.gone[user.UUID]
	open := x != nil && x.spans[len(x.spans)-1].To.IsZero()
	switch {
	case e.Action == "reactive":
		if open {
			x.spans[len(x.spans)-1].To = e.At
		}
		return
	case open:
		return // a removal after the suspension
	case x == nil:
		x = &leaver{}
		r.gone[user.UUID] = x
	}
	x.user, x.by, x.what = user, e.Person, leavingDeeds.words(e)
	x.spans = append(x.spans, evidence.Span{From: e.At.Add(time.Millisecond)}) // the removal itself is not after it
}

// readActivity looks up what each leaver did while gone, and writes the rows in order of when the access ended.
func (r *leavers) readActivity(ctx context.Context) error {
	var all []*leaver
	for _, x := range r.gone {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b *leaver) int {
		return cmp.Or(a.spans[0].From.Compare(b.spans[0].From), cmp.Compare(a.user.UUID, b.user.UUID))
	})
	var events, people int64
	for _, x := range all {
		for _, span := range x.spans {
			if err := r.lookUp(ctx, x, span); err != nil {
				return fmt.Errorf("reading what was done after a removal: %w", err)
			}
		}
		if events += x.after; x.after > 0 {
			people++
		}
		if err := r.leaverRow(x); err != nil {
			return err
		}
	}
	r.also = fmt.Sprintf("of %d users who had lost access, %d acted afterwards, in %d events", len(all), people, events)
	return nil
}

// lookUp writes a row for each event of a user who was gone.
func (r *leavers) lookUp(ctx context.Context, x *leaver, gone evidence.Span) error {
	if gone.To.IsZero() {
		gone.To = r.req.Period.To
	}
	success := evidence.Match{Key: evidence.KeyResult, Values: []string{string(evidence.ResultSuccess)}}
	for _, part := range []struct {
		stream evidence.Stream
		what   string
		where  []evidence.Match
	}{{signIns, "Signed in", []evidence.Match{success}}, {usages, "Used an item", nil}, {audits, "Changed something", nil}} {
		q := r.query(part.stream)
		q.Span = q.Span.Intersect(gone)
		q.Where = append(part.where, evidence.Match{Key: evidence.KeyPerson, Values: []string{x.user.UUID}})
		if q.Span.Empty() {
			continue
		}
		err := r.in.Select(ctx, q, func(e evidence.Event) error {
			x.after++
			x.last = evidence.Latest(x.last, e.At)
			c, _ := r.event(r.l, e)
			c.set(fWhat, part.what)
			c.set(fWhom, x.user.Name)
			c.set(fWhomEmail, x.user.Email)
			c.set(fWhomUUID, x.user.UUID)
			return r.found.rows.add(Row{Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(), Cells: c.text})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *leavers) leaverRow(x *leaver) error {
	c := r.l.row()
	c.person(x.by)
	c.set(fWhom, x.user.Name)
	c.set(fWhomEmail, x.user.Email)
	c.set(fWhomUUID, x.user.UUID)
	c.set(fWhat, x.what)
	ended := x.spans[0].From.Add(-time.Millisecond)
	c.set(fTime, exact(ended))
	c.set(fUntil, exact(x.last))
	c.set(fEvents, strconv.FormatInt(x.after, 10))
	switch {
	case x.after > 0:
		c.set(fFinding, "acted afterwards")
	case !x.spans[len(x.spans)-1].To.IsZero():
		c.set(fFinding, "reactivated")
	}
	return r.summary.rows.add(Row{Cells: c.text, At: ended.UnixMilli()})
}
