package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/notify"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/program"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
	"github.com/exhibithq/exhibit/internal/web/view"
)

// Days that the pages look back.
const (
	coverageDays = 120
	sparkDays    = 14
	day          = 24 * time.Hour
)

// reading is one connection with all that the pages derive from.
type reading struct {
	connection evidence.Connection
	kind       source.Kind
	streams    []evidence.StreamStatus
	health     evidence.Health
	care       connection.Care
}

// readings gives all connections of a workspace with their health.
func (s *server) readings(ctx context.Context, ws evidence.ID) ([]reading, error) {
	list, err := s.cfg.Connections.List(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing connections: %w", err)
	}
	var out []reading
	for _, st := range list {
		out = append(out, s.reading(st))
	}
	return out, nil
}

func (s *server) readingOf(ctx context.Context, c evidence.Connection) (reading, error) {
	st, err := s.cfg.Connections.Show(ctx, c.Workspace, c.ID)
	if err != nil {
		return reading{}, fmt.Errorf("reading how %s stands: %w", c.ID, err)
	}
	return s.reading(st), nil
}

func (s *server) reading(st connection.Status) reading {
	kind, err := s.kind(st.Source)
	if err != nil { // a source that this build does not know any more: its evidence is still shown
		kind = source.Kind{ID: st.Source, Name: st.Source}
	}
	return reading{st.Connection, kind, st.Streams, st.Health, st.Care}
}

// through is how far the slowest granted stream has been read; zero if one has not been read at all.
func (r reading) through() time.Time {
	var slowest time.Time
	first := true
	for _, st := range r.streams {
		if slices.Contains(r.connection.Missing, st.Stream) {
			continue
		}
		if first || st.Through.Before(slowest) {
			slowest = st.Through
		}
		first = false
	}
	return slowest
}

// streamTitle gives a stream's title in words.
func (r reading) streamTitle(stream evidence.Stream) string { return titleOf(r.kind, stream) }

func titleOf(k source.Kind, stream evidence.Stream) string {
	for _, st := range k.Streams {
		if st.Stream == stream {
			return st.Title
		}
	}
	return string(stream)
}

// card asks for the counts of a connection's card.
func (s *server) card(ctx context.Context, r reading) (view.ConnectionCard, error) {
	now := s.now()
	q := evidence.Query{Workspace: r.connection.Workspace, Connections: []evidence.ID{r.connection.ID}}
	q.Span = evidence.Span{From: now.Truncate(day).Add(-(sparkDays - 1) * day), To: now}
	days, err := s.cfg.Store.Histogram(ctx, store.HistogramRequest{Query: q, Bucket: day})
	if err != nil {
		return view.ConnectionCard{}, fmt.Errorf("counting the days of %s: %w", r.connection.ID, err)
	}
	q.Span.From = now.Truncate(time.Hour).Add(-23 * time.Hour)
	last, err := s.cfg.Store.Histogram(ctx, store.HistogramRequest{Query: q, Bucket: time.Hour})
	if err != nil {
		return view.ConnectionCard{}, fmt.Errorf("counting the last day of %s: %w", r.connection.ID, err)
	}
	c := view.ConnectionCard{
		ID: r.connection.ID, Name: r.connection.Name, SourceID: r.connection.Source, Category: r.kind.Category,
		Health: r.health, DayCount: last.Total, Care: r.care,
	}
	for _, b := range days.Buckets {
		c.Days = append(c.Days, sum(b.Counts))
	}
	return c, nil
}

func sum(counts map[evidence.Stream]int64) int64 {
	var n int64
	for _, c := range counts {
		n += c
	}
	return n
}

// overview is what the front page and the sources have in common.
type overview struct {
	readings  []reading
	cards     []view.ConnectionCard
	coverage  []evidence.StreamCoverage
	artifacts []evidence.Artifact
	actions   []program.ActionView
	channels  []notify.Channel
	schedules []evidence.Schedule
	asked     []view.Attention   // by and of reviewers
	vouch     []evidence.Concern // who does not vouch for the log
	holds     []evidence.Concern // legal holds whose review is due
	span      evidence.Span
	numbers   view.Numbers
	attention []view.Attention
}

// overview reads all that the caller may see; what he may not see is left out as if it were not there.
func (s *server) overview(ctx context.Context, c people.Caller) (overview, error) {
	now := s.now()
	o := overview{span: evidence.Span{From: now.Add(-coverageDays * day), To: now}}
	var err error
	if c.Has(people.ReadSources) {
		if err = s.overviewSources(ctx, c.Workspace, &o); err != nil {
			return o, err
		}
	}
	if c.Has(people.ReadArtifacts) {
		if o.artifacts, err = s.cfg.Store.Artifacts(ctx, c.Workspace, store.ArtifactFilter{}); err != nil {
			return o, fmt.Errorf("listing artifacts: %w", err)
		}
		if o.vouch, err = s.cfg.Logbook.Concerns(ctx, c.Workspace); err != nil {
			return o, fmt.Errorf("looking who vouches for the log: %w", err)
		}
	}
	if c.Has(people.ReadActions) {
		if o.actions, err = s.cfg.Program.Actions(ctx, c.Workspace); err != nil {
			return o, fmt.Errorf("listing actions: %w", err)
		}
	}
	if c.Has(people.ReadSettings) {
		if o.channels, err = s.cfg.Notify.List(ctx, c); err != nil {
			return o, fmt.Errorf("listing channels: %w", err)
		}
		if o.holds, err = s.cfg.Holds.Concerns(ctx, c.Workspace); err != nil {
			return o, fmt.Errorf("listing legal holds: %w", err)
		}
	}
	if c.Has(people.ReadArtifacts) {
		if o.schedules, err = s.cfg.Artifacts.Schedules(ctx, c.Workspace); err != nil {
			return o, err
		}
	}
	if o.asked, err = s.asked(ctx, c, o.artifacts); err != nil {
		return o, err
	}
	proposed, err := s.askedToAttach(ctx, c)
	if err != nil {
		return o, err
	}
	o.asked = append(o.asked, proposed...)
	o.attention = attention(o, now)
	o.numbers = figures(o)
	o.numbers.Sources = len(s.cfg.Kinds)
	if c.Has(people.ReadSources) {
		o.numbers.Events = eventsIn(o.readings)
	}
	if c.Has(people.ReadEvents) {
		o.numbers.EventsHref, o.numbers.DayHref = "/events?"+everything(now).Encode(), "/events?"+lastDay(now).Encode()
		for i, card := range o.cards {
			at := lastDay(now)
			at.Set("connection", string(card.ID))
			o.cards[i].DayHref = "/events?" + at.Encode()
		}
	}
	return o, nil
}

func (s *server) overviewSources(ctx context.Context, ws evidence.ID, o *overview) error {
	var err error
	if o.readings, err = s.readings(ctx, ws); err != nil {
		return err
	}
	for _, r := range o.readings {
		card, err := s.card(ctx, r)
		if err != nil {
			return err
		}
		o.cards = append(o.cards, card)
	}
	if o.coverage, err = s.cfg.Coverage.Coverage(ctx, ws, o.span); err != nil {
		return fmt.Errorf("reading the coverage: %w", err)
	}
	return nil
}

func eventsIn(readings []reading) int64 {
	var n int64
	for _, r := range readings {
		for _, st := range r.streams {
			n += st.Events
		}
	}
	return n
}

// figures are the numbers of the strip.
func figures(o overview) view.Numbers {
	n := view.Numbers{Connected: len(o.readings), Days: coverageDays, Artifacts: len(o.artifacts), Attentions: len(o.attention)}
	for _, c := range o.cards {
		n.EventsDay += c.DayCount
		if c.Care.LastReadAt.After(n.LastRead) {
			n.LastRead = c.Care.LastReadAt
		}
	}
	n.Covered, n.Gaps = covered(o.coverage)
	n.Cells = chart.Cells(o.span, o.coverage, coverageDays/2)
	for _, a := range o.artifacts {
		if a.Latest.Result == evidence.Inconclusive {
			n.Unsure++
		}
	}
	for _, a := range o.actions {
		if a.Action.Status == evidence.ActionDone {
			continue
		}
		n.Actions++
		due := a.Action.Due
		switch {
		case a.Overdue:
			n.Overdue++
		case !due.IsZero() && (n.NextDue.IsZero() || due.Before(n.NextDue)):
			n.NextDue = due
		}
	}
	return n
}

// covered is the share of the asked time that has been read, over all streams, and the number of gaps.
func covered(list []evidence.StreamCoverage) (share float64, gaps int) {
	var asked, read time.Duration
	for _, c := range list {
		asked += c.Asked.Duration()
		for _, w := range c.Windows {
			read += w.Intersect(c.Asked).Duration()
		}
		gaps += len(c.Gaps)
	}
	if asked == 0 {
		return 0, gaps
	}
	return float64(read) / float64(asked), gaps
}

// attention lists what asks for somebody. What is lost first stands first, then what is due, then what has no date.
func attention(o overview, now time.Time) []view.Attention {
	var out []view.Attention
	lasting, before := concerns(o, now)
	out = append(out, lasting...)
	out = append(out, failing(o.channels)...)
	out = append(out, overdueActions(o.actions)...)
	out = append(out, dueHolds(o.holds)...)
	out = append(out, inconclusive(o.artifacts)...)
	out = append(out, failingSchedules(o.schedules)...)
	out = append(out, o.asked...)
	out = append(out, before...)
	slices.SortStableFunc(out, func(a, b view.Attention) int {
		if c := cmp.Compare(urgency(a), urgency(b)); c != 0 {
			return c
		}
		return a.By.Compare(b.By)
	})
	return out
}

// urgency puts what is lost for good before what is due, and that before what has no date.
func urgency(a view.Attention) int {
	switch {
	case a.Lost:
		return 0
	case !a.By.IsZero():
		return 1
	}
	return 2
}

func overdueActions(actions []program.ActionView) []view.Attention {
	var out []view.Attention
	for _, v := range actions {
		if a := v.Action; v.Overdue {
			text := "Attach the evidence that it asks for, or agree on another date."
			if a.Owner != "" {
				text = "Owner: " + a.Owner + ". " + text
			}
			out = append(out, view.Attention{Tone: ui.Bad, Icon: "list-checks", Title: a.Title,
				Href: "/actions/" + string(a.ID), Text: text, By: a.Due, ByIs: "was due"})
		}
	}
	return out
}

func inconclusive(artifacts []evidence.Artifact) []view.Attention {
	var out []view.Attention
	for _, a := range artifacts {
		if a.Latest.Result == evidence.Inconclusive && a.RetiredAt.IsZero() {
			out = append(out, view.Attention{Tone: ui.Unsure, Icon: "circle-help", Title: a.Title + ": inconclusive",
				Href: "/artifacts/" + string(a.ID),
				Text: ui.Period(a.Period.From, a.Period.To) + ". A gap touches its period, so it proves neither that something happened nor that it did not."})
		}
	}
	return out
}
