package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Provenance says where a table comes from and how far it can be relied on. It is the same for the same input; who made
// it and when stands beside it, in Made.
type Provenance struct {
	Recipe     RecipeFacts           `json:"recipe"`
	Engine     string                `json:"engine"`            // version of Exhibit
	Writers    Writers               `json:"writers,omitempty"` // versions of what wrote the forms; none: all were version 1
	Sources    []Source              `json:"sources"`
	Period     SpanFacts             `json:"period"`
	Query      QueryFacts            `json:"query"`
	Parameters []Value               `json:"parameters"`
	Counts     Counts                `json:"counts"`
	Sections   []SectionFacts        `json:"sections"`
	Coverage   []CoverageFacts       `json:"coverage"`
	Result     evidence.Completeness `json:"result"`
	// Sentence says the result in words, with the reason if it is inconclusive.
	Sentence string   `json:"sentence"`
	Notes    []string `json:"notes"`
}

// RecipeFacts name the recipe and what it can and cannot show.
type RecipeFacts struct {
	ID       string   `json:"id"`
	Version  int      `json:"version"`
	Title    string   `json:"title"`
	Shows    string   `json:"shows"`
	Method   []string `json:"method"`
	NotShown []string `json:"not_shown"`
}

// SpanFacts is a half-open span: from <= t < to.
type SpanFacts struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// QueryFacts is the query that selected the population and the candidates among it.
type QueryFacts struct {
	Population  string            `json:"population"` // in words
	Candidates  string            `json:"candidates"` // in words
	Connections []evidence.ID     `json:"connections"`
	Streams     []evidence.Stream `json:"streams"`
	From        time.Time         `json:"from"`
	To          time.Time         `json:"to"`
	Where       []MatchFacts      `json:"where"`
}

// MatchFacts asks that an event's value of Key be one of Values.
type MatchFacts struct {
	Key    evidence.Key `json:"key"`
	Values []string     `json:"values"`
}

// Counts lead from pages to rows. Records - Duplicates = Events, less Erased = Population; Matched of them = Listed as rows.
type Counts struct {
	Pages      int64 `json:"pages"`           // pages that hold events of the period
	Records    int64 `json:"records"`         // records of the period in them
	Duplicates int64 `json:"duplicates"`      // records that had come before
	Events     int64 `json:"events"`          // events of the period
	Erased     int64 `json:"erased,omitzero"` // of those: were erased with the data of a person
	Population int64 `json:"population"`      // the same, counted in the index of events
	Matched    int64 `json:"matched"`         // candidates, counted in the index of events
	Listed     int64 `json:"listed"`          // candidates that were read and have a row
	Rows       int64 `json:"rows"`            // all rows, summaries included
}

// unreconciled says which step from pages to rows does not add up; "" if all do.
func (c Counts) unreconciled() string {
	switch {
	case c.Records-c.Duplicates != c.Events:
		return fmt.Sprintf("%d records less %d duplicates are not %d events", c.Records, c.Duplicates, c.Events)
	case c.Events-c.Erased != c.Population:
		return fmt.Sprintf("the pages hold %d events of the period and the index %d", c.Events, c.Population)
	case c.Matched != c.Listed:
		return fmt.Sprintf("%d events match and %d were read", c.Matched, c.Listed)
	}
	return ""
}

// SectionFacts counts the rows of one section.
type SectionFacts struct {
	Record string `json:"record"`
	Title  string `json:"title"`
	Rows   int64  `json:"rows"`
}

// CoverageFacts says of one stream what of the period had been read.
type CoverageFacts struct {
	Connection evidence.ID     `json:"connection"`
	Name       string          `json:"name"`
	Stream     evidence.Stream `json:"stream"`
	Windows    []SpanFacts     `json:"windows"`
	Gaps       []GapFacts      `json:"gaps"`
}

// GapFacts is a span of the period that had not been read.
type GapFacts struct {
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Cause     evidence.Cause `json:"cause"`
	Reason    string         `json:"reason,omitzero"`
	HealUntil time.Time      `json:"heal_until,omitzero"`
}

func (b *builder) provenance(r Recipe) Provenance {
	p := Provenance{
		Recipe:     RecipeFacts{r.ID, r.Version, r.Title, r.Shows, r.Method, r.NotShown},
		Engine:     b.req.Engine,
		Writers:    b.req.Writers,
		Sources:    append([]Source{}, b.req.Sources...),
		Period:     spanFacts(b.req.Period),
		Query:      b.queryFacts(r),
		Parameters: append([]Value{}, b.values...),
		Counts:     b.counts,
		Coverage:   b.coverageFacts(r),
		Notes:      append(append([]string{}, b.req.LeftOut...), b.notes...),
	}
	if p.Writers == nil {
		p.Writers = writers()
	}
	for i, s := range p.Sources {
		p.Sources[i].Features, p.Sources[i].Missing = append([]evidence.Stream{}, s.Features...), append([]evidence.Stream{}, s.Missing...)
	}
	slices.SortFunc(p.Sources, func(x, y Source) int { return cmp.Compare(x.Connection, y.Connection) })
	for _, s := range b.report.Sections {
		p.Sections = append(p.Sections, SectionFacts{s.Record, s.Title, s.Len()})
	}
	if n := b.counts.Erased; n > 0 {
		p.Notes = append(p.Notes, erasedInWords(n))
	}
	p.Result, p.Sentence = b.judge(r)
	return p
}

// erasedInWords says that events are counted and not shown.
func erasedInWords(n int64) string {
	if n == 1 {
		return "1 event of the period was erased with the data of a person: it is among the events and not in the population, and is not shown."
	}
	return fmt.Sprintf("%d events of the period were erased with the data of a person: they are among the events and not in the population, and are not shown.", n)
}

func (b *builder) queryFacts(r Recipe) QueryFacts {
	q := b.candidates(r)
	f := QueryFacts{Candidates: q.String(), Connections: append([]evidence.ID{}, q.Connections...), Streams: q.Streams, From: q.Span.From.UTC(), To: q.Span.To.UTC()}
	for _, m := range q.Where {
		f.Where = append(f.Where, MatchFacts(m))
	}
	q.Where = nil
	f.Population = q.String()
	return f
}

func (b *builder) coverageFacts(r Recipe) []CoverageFacts {
	out := []CoverageFacts{}
	for _, s := range b.req.Sources {
		for _, stream := range r.Streams {
			f := CoverageFacts{Connection: s.Connection, Name: s.Name, Stream: stream, Windows: []SpanFacts{}, Gaps: []GapFacts{}}
			for _, w := range readSpans(b.coverage, s.Connection, stream).Within(b.req.Period) {
				f.Windows = append(f.Windows, spanFacts(w))
			}
			for _, h := range b.holes {
				if h.Source.Connection == s.Connection && h.Stream == stream {
					f.Gaps = append(f.Gaps, GapFacts{h.From.UTC(), h.To.UTC(), h.Cause, h.Reason, h.HealUntil})
				}
			}
			out = append(out, f)
		}
	}
	return out
}

func spanFacts(s evidence.Span) SpanFacts { return SpanFacts{s.From.UTC(), s.To.UTC()} }

// judge gives the result and the sentence that says it. A gap that touches the period makes it inconclusive.
func (b *builder) judge(r Recipe) (evidence.Completeness, string) {
	found := fmt.Sprintf("%d of %d events %s", b.counts.Matched, b.counts.Population, r.matched)
	if b.also != "" {
		found += "; " + b.also + ","
	}
	switch {
	case len(b.req.Sources) == 0:
		return evidence.Inconclusive, "Inconclusive: no connection reads " + joinStreams(r.Streams) + ", so nothing can be said about the period."
	case len(b.holes) > 0:
		return evidence.Inconclusive, fmt.Sprintf("Inconclusive: %s. Of the events that were read, %s; there may be more.", b.holesInWords(), strings.TrimSuffix(found, ","))
	}
	return evidence.Complete, found + " over a fully covered period."
}

// holesInWords says how many gaps touch the period and names the first.
func (b *builder) holesInWords() string {
	h := b.holes[0]
	first := fmt.Sprintf("in %s of %s from %s to %s (%s)", h.Stream, h.Source.Name, exact(h.From), exact(h.To), h.Cause)
	if len(b.holes) == 1 {
		return "one gap touches the period, " + first
	}
	return fmt.Sprintf("%d gaps touch the period, the first %s", len(b.holes), first)
}

func joinStreams(streams []evidence.Stream) string {
	var words []string
	for _, s := range streams {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}
