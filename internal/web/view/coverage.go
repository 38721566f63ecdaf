package view

import (
	"net/url"
	"time"

	"github.com/exhibithq/exhibit/internal/connection"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/web/chart"
	"github.com/exhibithq/exhibit/internal/web/ui"
)

// Way is a way to another page; Here marks the one that this page is.
type Way struct {
	Text, Href string
	Here       bool
}

// CoverageGroup is one connection of the coverage page.
type CoverageGroup struct {
	ID     evidence.ID
	Name   string
	State  evidence.State
	Strips []chart.Strip
}

// CoverageFigures are the sums of the coverage page.
type CoverageFigures struct {
	Read, Asked, Possible time.Duration // over all streams; Possible is Asked without what was gone before the connection
	Streams               int
	Heal, Lost, Early     int
	FirstLoss             time.Time // when the first gap begins to be lost; zero: none
	Late, Conflicts       int64
	Resets                int
	Rereads               int
	Found, Changed        int64
	Missing               int64
	Due                   int
	NextDue               time.Time
}

// CoverageGap is one gap with what is to be known of it.
type CoverageGap struct {
	connection.GapDetail
	Name, Stream string
	Kind         chart.Kind
	Zoom         string
	Command      string // what reads it again; empty: nothing does
}

// CoverageLate is one late event.
type CoverageLate struct {
	connection.LateEvent
	Name, Stream string
}

// CoverageAge is how far the re-reads of one age of a stream have come.
type CoverageAge struct {
	connection.RereadAge
	Name, Stream string
	Words        string // "7 days"
}

// CoverageReread is one finished reading again.
type CoverageReread struct {
	store.Reconciliation
	Name, Stream, Words string
}

// CoverageReset is one lost bookmark.
type CoverageReset struct {
	At           time.Time
	Name, Stream string
}

// Coverage is the coverage page.
type Coverage struct {
	Now         time.Time
	Words       string // the period in words
	Scales      []Way
	Prev, Next  Way
	Today       Way
	Audits      []Way
	Views       []Way
	Keep        []Way // parameters that the form keeps: Text is the name, Href the value
	Connections []Option
	Streams     []Option
	From, To    string
	Custom      bool
	Problem     string
	Nothing     string // why there is nothing to draw, if there is nothing; a heading
	NothingSays string
	Connect     bool // the way out is to connect a source
	Note        string
	Sheet       chart.Sheet
	Groups      []CoverageGroup
	Figures     CoverageFigures
	Gaps        []CoverageGap
	MoreGaps    int
	Late        []CoverageLate
	Ages        []CoverageAge
	Rereads     []CoverageReread
	Resets      []CoverageReset
	CSV, API    string
	LateHref    string // all late events, among the events
	MayEvents   bool
	One         string // name of the only connection that is shown; empty: all
	OneHref     string
}

// strips gives all strips of the page.
func (c Coverage) strips() []chart.Strip {
	var out []chart.Strip
	for _, g := range c.Groups {
		out = append(out, g.Strips...)
	}
	return out
}

// tone says how loud the gaps are.
func (f CoverageFigures) tone() ui.Tone {
	switch {
	case f.Heal > 0:
		return ui.Bad
	case f.Lost > 0:
		return ui.Warn
	}
	return ui.OK
}

func (f CoverageFigures) gapWords() string {
	switch {
	case f.Heal > 0:
		return "can still be healed"
	case f.Lost > 0:
		return "can no longer be healed"
	case f.Early > 0:
		return "since it was connected"
	}
	return "in this period"
}

// kindTone gives the tone of a kind of gap.
func kindTone(k chart.Kind) ui.Tone {
	switch k {
	case chart.Heals:
		return ui.Bad
	case chart.Lost:
		return ui.Warn
	}
	return ui.Idle
}

// coverageOf gives the coverage page of a period.
func coverageOf(p evidence.Span) string {
	return "/coverage?" + url.Values{"from": {p.From.UTC().Format(time.RFC3339)}, "to": {p.To.UTC().Format(time.RFC3339)}}.Encode()
}
