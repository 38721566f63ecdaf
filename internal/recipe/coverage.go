package recipe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Columns of coverage.
const (
	coConnection = iota
	coStream
	coFrom
	coTo
	coLength
	coEvents
	coCause
	coHealUntil
	coReason
	coAge
	coRereads
	coSeen
	coKnown
	coNew
	coChanged
	coMissing
	coRecorded
	coNoteworthy
)

// coverage is kind E22 of the mapping: what of the period has been read, and what not.
func coverage() Recipe {
	return Recipe{
		ID:      "coverage",
		Version: 1,
		Title:   "Coverage ledger",
		Shows: "For each stream of each connection, which spans of the period have been read whole and how many events they hold, which have not and why, " +
			"until when a gap can still be healed, what second readings found, and every event that came late or came again with other bytes.",
		Method: []string{
			"A coverage window is a span that was read without a break: from a start that was asked for to the time up to which the source said that there was no more.",
			"Every moment of the period that lies in no window is in a gap, with the cause that was recorded for that time.",
			"Closed windows are read again at set ages. Events that only the second reading gave are late; events that came again with other bytes are conflicts, of which the first bytes stand.",
		},
		NotShown: []string{
			"Events that the source never recorded, or has not received yet: item usages reach it when an app syncs.",
			"That the source's answers were true: they are not signed by it. A second reading with another token within 120 days is the only check.",
			"What happened before the first connection was made, beyond the 120 days that the source keeps.",
		},
		Streams:  []evidence.Stream{signIns, usages, audits},
		Mappings: coverageMappings(),
		columns: []Column{
			{"connection", "Connection", Text}, {"stream", "Stream", Text}, {"from", "From (UTC)", Time}, {"to", "To (UTC)", Time}, {"length", "Length", Text},
			{"events", "Events", Number}, {"cause", "Cause", Text}, {"heal_until", "Can be healed until (UTC)", Time}, {"reason", "Reason", Text},
			{"age", "Read again after", Text}, {"rereads", "Second readings", Number}, {"seen", "Events seen", Number}, {"known", "Known", Number},
			{"new", "Late", Number}, {"changed", "Changed", Number}, {"missing", "No longer given", Number},
			{"recorded_at", "Time of the event (UTC)", Time}, {"noteworthy", "Noteworthy", Text},
		},
		where:   []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"late", "conflict"}}},
		matched: "came late or came again with other bytes",
		build:   buildCoverage,
	}
}

func coverageMappings() []evidence.Mapping {
	const (
		why    = "It shows for every moment of the period whether the events had been collected, with cause and end of each gap."
		caveat = "It speaks of Exhibit's reading of the source, not of the source's own recording. Gaps need an explanation beside it."
	)
	return supports(evidence.Strong, why, caveat, ids{
		soc2: "CC7.2 CC4.1", iso: "A.8.15 A.8.16 9.1", nist: "AU-5 AU-12 CA-7", cis: "8.2 8.9", pci: "10.7.2 10.7.3",
		hipaa: "164.312(b)", csf: "PR.PS-04 DE.CM-09 ID.IM-02",
	})
}

// ledger is one run of coverage.
type ledger struct {
	*builder
	streams, gaps, windows, rereads, odd *Section
}

func buildCoverage(ctx context.Context, b *builder) error {
	l := &ledger{builder: b}
	l.makeSections()
	for _, src := range b.req.Sources {
		for _, stream := range b.report.Recipe.Streams {
			if err := l.stream(ctx, src, stream); err != nil {
				return fmt.Errorf("ledger of %s of %s: %w", stream, src.Name, err)
			}
		}
	}
	err := b.in.Select(ctx, b.candidates(b.report.Recipe), func(e evidence.Event) error {
		b.counts.Listed++
		return l.odd.rows.add(Row{Event: e.EventRef, UUID: e.UUID, At: e.At.UnixMilli(), Cells: []string{
			coConnection: b.source(e.Connection), coStream: string(e.Stream),
			coRecorded: when(e, b.raw.read(e.Raw)), coNoteworthy: strings.Join(e.Odd.Words(), " "),
		}})
	})
	if err != nil {
		return fmt.Errorf("reading late and conflicting events: %w", err)
	}
	return nil
}

func (l *ledger) makeSections() {
	l.streams = l.section(Section{
		Record: "stream", Title: "Streams",
		Note:  "Length is the time of the period that has been read.",
		Empty: "There is no connection, so no stream is read.",
		Full:  []int{coConnection, coStream, coFrom, coTo, coLength, coEvents, coNew, coChanged},
		Brief: []int{coConnection, coStream, coLength, coEvents, coNew, coChanged},
	})
	l.gaps = l.section(Section{
		Record: "gap", Title: "Gaps",
		Empty: "No gap touches the period.",
		Full:  []int{coConnection, coStream, coFrom, coTo, coLength, coCause, coHealUntil, coReason},
		Brief: []int{coConnection, coStream, coFrom, coTo, coLength, coCause, coHealUntil, coReason},
	})
	l.windows = l.section(Section{
		Record: "window", Title: "Coverage windows",
		Empty: "Nothing of the period has been read.",
		Full:  []int{coConnection, coStream, coFrom, coTo, coLength, coEvents},
		Brief: []int{coConnection, coStream, coFrom, coTo, coLength, coEvents},
	})
	l.rereads = l.section(Section{
		Record: "re-read", Title: "Second readings",
		Empty: "No span of the period has been read a second time yet.",
		Full:  []int{coConnection, coStream, coFrom, coTo, coAge, coRereads, coSeen, coKnown, coNew, coChanged, coMissing},
		Brief: []int{coConnection, coStream, coAge, coRereads, coFrom, coTo, coSeen, coKnown, coNew, coChanged, coMissing},
	})
	l.odd = l.section(Section{
		Record: "event", Title: "Late and conflicting events",
		Empty: "No event of the period came late or came again with other bytes.",
		Full:  []int{coConnection, coStream, coRecorded, coNoteworthy},
		Brief: []int{coConnection, coStream, coRecorded, coNoteworthy},
	})
}

func (l *ledger) stream(ctx context.Context, src Source, stream evidence.Stream) error {
	read := readSpans(l.coverage, src.Connection, stream).Within(l.req.Period)
	if err := l.streamRow(ctx, src, stream, read); err != nil {
		return err
	}
	for _, w := range read {
		n, err := l.countIn(ctx, src, stream, w)
		if err != nil {
			return err
		}
		cells := []string{coEvents: strconv.FormatInt(n, 10), coNoteworthy: ""}
		if err := l.add(l.windows, src, stream, w, cells); err != nil {
			return err
		}
	}
	for _, h := range l.holes {
		if h.Source.Connection != src.Connection || h.Stream != stream {
			continue
		}
		cells := []string{coCause: string(h.Cause), coHealUntil: exact(h.HealUntil), coReason: h.Reason, coNoteworthy: ""}
		if err := l.add(l.gaps, src, stream, h.Span, cells); err != nil {
			return err
		}
	}
	return l.rereadRows(ctx, src, stream)
}

// streamRow sums one stream up: how much of the period has been read, its events, and those that came late or changed.
func (l *ledger) streamRow(ctx context.Context, src Source, stream evidence.Stream, read evidence.Spans) error {
	cells := []string{coNoteworthy: ""}
	for column, where := range map[int][]evidence.Match{
		coEvents:  nil,
		coNew:     {{Key: evidence.KeyOdd, Values: []string{"late"}}},
		coChanged: {{Key: evidence.KeyOdd, Values: []string{"conflict"}}},
	} {
		n, err := l.countIn(ctx, src, stream, l.req.Period, where...)
		if err != nil {
			return err
		}
		cells[column] = strconv.FormatInt(n, 10)
	}
	cells[coLength] = length(read.Duration()) + " of " + length(l.req.Period.Duration())
	return l.add(l.streams, src, stream, l.req.Period, cells)
}

func (l *ledger) countIn(ctx context.Context, src Source, stream evidence.Stream, span evidence.Span, where ...evidence.Match) (int64, error) {
	q := l.query(stream)
	q.Connections, q.Span, q.Where = []evidence.ID{src.Connection}, span, where
	n, err := l.in.Count(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	return n, nil
}

// rereadRows sums the second readings up by the age at which they were made.
func (l *ledger) rereadRows(ctx context.Context, src Source, stream evidence.Stream) error {
	all, err := l.in.Rereads(ctx, src.Connection, stream, l.req.Period)
	if err != nil {
		return fmt.Errorf("reading second readings: %w", err)
	}
	sums := map[time.Duration]*Reread{}
	count := map[time.Duration]int64{}
	for _, r := range all {
		count[r.Age]++
		s := sums[r.Age]
		if s == nil {
			sums[r.Age] = &r
			continue
		}
		s.Span = evidence.Span{From: evidence.Earliest(s.Span.From, r.Span.From), To: evidence.Latest(s.Span.To, r.Span.To)}
		s.Seen, s.Known, s.New = s.Seen+r.Seen, s.Known+r.Known, s.New+r.New
		s.Changed, s.Missing = s.Changed+r.Changed, s.Missing+r.Missing
	}
	for _, age := range sortedAges(sums) {
		s := sums[age]
		cells := []string{
			coAge: ageWords(age), coRereads: strconv.FormatInt(count[age], 10), coSeen: strconv.FormatInt(s.Seen, 10), coKnown: strconv.FormatInt(s.Known, 10),
			coNew: strconv.FormatInt(s.New, 10), coChanged: strconv.FormatInt(s.Changed, 10), coMissing: strconv.FormatInt(s.Missing, 10), coNoteworthy: "",
		}
		if err := l.add(l.rereads, src, stream, s.Span, cells); err != nil {
			return err
		}
	}
	return nil
}

// ageWords says how old a span was when it was read again; a reading at no set age was asked for by a person.
func ageWords(age time.Duration) string {
	if age == 0 {
		return "on demand"
	}
	return length(age)
}

func sortedAges(sums map[time.Duration]*Reread) []time.Duration {
	var ages []time.Duration
	for age := range sums {
		ages = append(ages, age)
	}
	slices.Sort(ages)
	return ages
}

// add writes a row about a span of a stream.
func (l *ledger) add(s *Section, src Source, stream evidence.Stream, span evidence.Span, cells []string) error {
	cells[coConnection], cells[coStream] = src.Name, string(stream)
	cells[coFrom], cells[coTo] = exact(span.From), exact(span.To)
	cells[coLength] = cmp.Or(cells[coLength], length(span.Duration()))
	return s.rows.add(Row{Cells: cells, At: span.From.UnixMilli()})
}

// length writes a duration in days, hours, minutes and seconds: "29 d 23 h 5 min". Nothing is rounded but parts of a second.
func length(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+" "+unit.name)
			d %= unit.size
		}
	}
	if parts == nil {
		return "0 s"
	}
	return strings.Join(parts, " ")
}
