package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// tries is how often a table is begun when events keep coming into its period while it is made.
const tries = 3

// builder is one run of a recipe.
type builder struct {
	in       Input
	req      Request
	values   values
	report   *Report
	coverage []evidence.StreamCoverage
	holes    []hole
	counts   Counts
	notes    []string
	also     string // what the sentence of the result says beside how many events match
	raw      *fieldReader
}

// Run makes the table of r. The report must be closed. An error that the person who asked can mend is an
// *evidence.Error; evidence.Unavailable means that events of the period kept coming in, so that no counts reconciled.
func Run(ctx context.Context, r Recipe, req Request, in Input) (*Report, error) {
	if req.Period.Empty() {
		return nil, evidence.Errorf(evidence.Invalid, "The period ends before it begins. Give a from that lies before the to.")
	}
	vals, err := r.Values(req.Params)
	if err != nil {
		return nil, err
	}
	if r.adapt != nil {
		if r, req, err = r.adapt(r, req, vals); err != nil {
			return nil, err
		}
	}
	for range tries {
		report, err := runOnce(ctx, r, req, vals, in)
		if !errors.Is(err, errMoved) {
			return report, err
		}
	}
	return nil, evidence.Errorf(evidence.Unavailable,
		"Events of this period kept coming in while the artifact was made, so its counts do not reconcile. Wait until reading has caught up and build it again.")
}

// errMoved says that events were stored while the table was made.
var errMoved = errors.New("events of the period came in while the table was made")

func runOnce(ctx context.Context, r Recipe, req Request, vals values, in Input) (_ *Report, err error) {
	b := &builder{in: in, req: req, values: vals, report: &Report{Recipe: r, Columns: r.columns, Variant: variantOf(vals)}, raw: newFieldReader()}
	defer func() {
		if err != nil {
			b.report.Close()
		}
	}()
	// Coverage is read first: an event whose time it claims had been stored before it was read, and so is selected.
	if err := b.look(ctx, r); err != nil {
		return nil, err
	}
	if err := r.build(ctx, b); err != nil {
		return nil, fmt.Errorf("making %s: %w", r.ID, err)
	}
	if err := b.lookAgain(ctx, r); err != nil {
		return nil, err
	}
	for _, s := range b.report.Sections {
		if err := s.rows.seal(); err != nil {
			return nil, err
		}
	}
	b.counts.Rows = b.report.rows()
	b.report.Provenance = b.provenance(r)
	return b.report, nil
}

// look reads coverage and the counts from pages to candidates.
func (b *builder) look(ctx context.Context, r Recipe) error {
	var err error
	if b.coverage, err = b.in.Coverage(ctx, b.req.Workspace, r.Streams, b.req.Period); err != nil {
		return fmt.Errorf("reading coverage: %w", err)
	}
	b.holes = findHoles(b.req.Sources, r.Streams, b.coverage, b.req.Period)
	if b.counts, err = b.count(ctx, r); err != nil {
		return err
	}
	return nil
}

// lookAgain refuses a table whose events changed under it, and one whose counts do not lead from pages to rows.
func (b *builder) lookAgain(ctx context.Context, r Recipe) error {
	after, err := b.count(ctx, r)
	if err != nil {
		return err
	}
	listed := b.counts.Listed
	b.counts.Listed = 0
	if b.counts != after {
		return errMoved
	}
	b.counts.Listed = listed
	if gap := b.counts.unreconciled(); gap != "" {
		return fmt.Errorf("the counts of %s do not reconcile: %s", r.ID, gap)
	}
	return nil
}

// count counts from pages to candidates. Each step is asked for by itself, so that a fault in one shows.
func (b *builder) count(ctx context.Context, r Recipe) (Counts, error) {
	q := b.query(r.Streams...)
	pages, err := b.in.PageStats(ctx, q)
	if err != nil {
		return Counts{}, fmt.Errorf("counting pages: %w", err)
	}
	c := Counts{Pages: pages.Pages, Records: pages.Records, Duplicates: pages.Duplicates, Events: pages.Events, Erased: pages.Erased}
	if c.Population, err = b.in.Count(ctx, q); err != nil {
		return Counts{}, fmt.Errorf("counting the population: %w", err)
	}
	if c.Matched, err = b.in.Count(ctx, b.candidates(r)); err != nil {
		return Counts{}, fmt.Errorf("counting what matches: %w", err)
	}
	return c, nil
}

// query selects the events of the period in the streams of the sources.
func (b *builder) query(streams ...evidence.Stream) evidence.Query {
	q := evidence.Query{Workspace: b.req.Workspace, Streams: streams, Span: b.req.Period}
	for _, s := range b.req.Sources {
		q.Connections = append(q.Connections, s.Connection)
	}
	return q
}

// candidates selects the events that the recipe's table is about.
func (b *builder) candidates(r Recipe) evidence.Query {
	q := b.query(r.Streams...)
	q.Where = r.where
	if r.narrow != nil {
		q.Where = r.narrow(b.values)
	}
	return q
}

// groups counts the events of a query by the values of keys, in an order that depends on nothing but the groups.
func (b *builder) groups(ctx context.Context, q evidence.Query, keys ...evidence.Key) ([]Group, error) {
	var all []Group
	err := b.in.Groups(ctx, q, keys, func(g Group) error {
		all = append(all, g)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("grouping events: %w", err)
	}
	slices.SortFunc(all, compareGroups)
	return all, nil
}

// listGroups counts the candidates so. Each of them counts as read.
func (b *builder) listGroups(ctx context.Context, keys ...evidence.Key) ([]Group, error) {
	all, err := b.groups(ctx, b.candidates(b.report.Recipe), keys...)
	for _, g := range all {
		b.counts.Listed += g.Events
	}
	return all, err
}

// compareGroups orders by the newest event, then by what tells groups apart.
func compareGroups(x, y Group) int {
	f, g := x.Facts, y.Facts
	return cmp.Or(x.Last.Compare(y.Last), cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Connection, y.Connection),
		cmp.Compare(f.Person.UUID, g.Person.UUID), cmp.Compare(f.Person.Email, g.Person.Email), cmp.Compare(f.Person.Name, g.Person.Name),
		cmp.Compare(f.Action, g.Action), cmp.Compare(f.Type, g.Type), cmp.Compare(f.Result, g.Result), cmp.Compare(f.Vault, g.Vault), cmp.Compare(f.Item, g.Item),
		cmp.Compare(f.Target, g.Target), cmp.Compare(f.Country, g.Country), cmp.Compare(f.IP, g.IP), cmp.Compare(f.Client, g.Client))
}

// section appends a section to the table.
func (b *builder) section(s Section) *Section {
	s.rows = &spool{dir: b.req.TempDir}
	b.report.Sections = append(b.report.Sections, &s)
	return &s
}

// source names a connection.
func (b *builder) source(id evidence.ID) string {
	for _, s := range b.req.Sources {
		if s.Connection == id {
			return s.Name
		}
	}
	return string(id)
}
