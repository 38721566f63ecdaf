package recipe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// passage is a part of what stands above the rows of a rendering: a heading with sentences, named values and a list.
type passage struct {
	Title    string
	Text     []string
	Terms    []term
	List     []string
	Numbered bool
}

type term struct{ Name, Value string }

// about writes what an auditor asks of any report: result, limits, source, query, parameters, counts and coverage. The
// HTML rendering says the same by its own template.
func (r *Report) about(made Made) []passage {
	p := r.Provenance
	out := []passage{
		{Title: "Result: " + string(p.Result), Text: append([]string{p.Sentence}, p.Notes...)},
		{Title: "What this shows", Text: []string{p.Recipe.Shows}},
		{Title: "What this does not show", List: p.Recipe.NotShown},
	}
	for _, s := range p.Sources {
		out = append(out, passage{Title: "Source: " + s.Name, Terms: sourceTerms(s)})
	}
	if len(p.Sources) == 0 {
		out = append(out, passage{Title: "Source", Text: []string{"No connection reads what this recipe needs."}})
	}
	out = append(out,
		passage{Title: "Query and parameters", Terms: queryTerms(p)},
		passage{Title: "How it was made", Numbered: true, List: p.Recipe.Method, Terms: []term{
			{"Recipe", fmt.Sprintf("%s, version %d", p.Recipe.ID, p.Recipe.Version)}, {"Made with", "Exhibit " + p.Engine},
			{"Made by", made.By}, {"Made at", humanTime(made.At) + " UTC"},
		}},
		passage{Title: "Counts, from pages to rows", Terms: countTerms(p)})
	for _, c := range p.Coverage {
		out = append(out, coveragePassage(c))
	}
	return out
}

func sourceTerms(s Source) []term {
	told := func(v string) string {
		if v == "" {
			return "not told by the source"
		}
		return v
	}
	return []term{
		{"Connection", fmt.Sprintf("%s (%s)", s.Name, s.Connection)}, {"Source", s.Kind}, {"Server", s.Server}, {"Account", told(s.Account)},
		{"Credential", told(s.Integration) + "; the token itself is never kept in an artifact"},
		{"May read", streamsOrNothing(s.Features)}, {"May not read", streamsOrNothing(s.Missing)},
	}
}

func streamsOrNothing(streams []evidence.Stream) string {
	if len(streams) == 0 {
		return "nothing"
	}
	return joinStreams(streams)
}

func queryTerms(p Provenance) []term {
	terms := []term{{"Population", p.Query.Population}, {"Candidates", p.Query.Candidates}}
	for _, v := range p.Parameters {
		terms = append(terms, term{v.Title, v.String()})
	}
	return terms
}

func countTerms(p Provenance) []term {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	terms := []term{
		{"Pages that hold events of the period", n(p.Counts.Pages)}, {"Records of the period in them", n(p.Counts.Records)},
		{"less duplicates", n(p.Counts.Duplicates)}, {"Events of the period", n(p.Counts.Events)},
	}
	if p.Counts.Erased > 0 {
		terms = append(terms, term{"less erased with the data of a person", n(p.Counts.Erased)})
	}
	terms = append(terms, term{"Population", n(p.Counts.Population) + ", counted again in the index"},
		term{"Matched", n(p.Counts.Matched) + ", counted in the index; " + n(p.Counts.Listed) + " were read and are in the rows"})
	for _, s := range p.Sections {
		terms = append(terms, term{"Rows: " + s.Title, n(s.Rows)})
	}
	return append(terms, term{"Rows in all", n(p.Counts.Rows)})
}

func coveragePassage(c CoverageFacts) passage {
	out := passage{Title: "Coverage of " + string(c.Stream) + " of " + c.Name}
	if len(c.Gaps) == 0 {
		out.Text = []string{"Read whole, without a gap."}
		return out
	}
	for i, g := range c.Gaps {
		if i == shownGaps {
			out.Text = append(out.Text, fmt.Sprintf("Shown are the first %d of %d gaps. The coverage ledger of the period holds all.", shownGaps, len(c.Gaps)))
			break
		}
		line := fmt.Sprintf("%s to %s: %s", humanTime(g.From), humanTime(g.To), g.Cause)
		if g.Reason != "" {
			line += ". " + g.Reason
		}
		if !g.HealUntil.IsZero() {
			line = strings.TrimSuffix(line, ".") + ". Can be healed until " + humanTime(g.HealUntil) + "."
		}
		out.List = append(out.List, line)
	}
	return out
}

// span says the period for a reader.
func (p Provenance) span() string {
	return "From " + humanTime(p.Period.From) + " up to, not including, " + humanTime(p.Period.To) + ". All times are UTC."
}

// bullet is what stands before an item of a list.
func bullet(p passage, i int) string {
	if p.Numbered {
		return strconv.Itoa(i + 1)
	}
	return "–"
}
