package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/sample"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Drawn is a sample with its members.
type Drawn struct {
	store.Sample
	Members      []sample.Member
	Replacements []store.Replacement
}

// Sample draws a sample from the events of an audit's period, and notes that it was drawn.
func (s *Service) Sample(ctx context.Context, c people.Caller, idOrName, population, seed string, size int) (Drawn, error) {
	a, err := s.enter(ctx, c, people.TakeEvidence, idOrName)
	if err != nil {
		return Drawn{}, err
	}
	members, n, err := s.draw(ctx, a, population, seed, size)
	if err != nil {
		return Drawn{}, err
	}
	d := Drawn{Members: members, Sample: store.Sample{ID: evidence.NewID(evidence.PrefixSample), Workspace: c.Workspace, Audit: a.ID, Population: population, Seed: seed, Size: size, Members: n,
		DrawnAt: s.now(), DrawnBy: c.Who()}}
	if err := s.cfg.Store.AddSample(ctx, d.Sample); err != nil {
		return Drawn{}, err
	}
	return d, s.note(ctx, c, "audit.sample", a.ID, fmt.Sprintf("%d of %d events of %s with seed %q", len(members), n, population, seed))
}

func (s *Service) draw(ctx context.Context, a store.Audit, population, seed string, size int) ([]sample.Member, int64, error) {
	p, err := sample.ParsePopulation(population)
	if err != nil {
		return nil, 0, err
	}
	sel, err := sample.NewSelector(seed, size)
	if err != nil {
		return nil, 0, err
	}
	for e, err := range s.cfg.Store.Verbatim(ctx, wholeStream(a, p)) {
		if err != nil {
			return nil, 0, err
		}
		if e.Odd&evidence.OddErased == 0 && p.Holds(e.Facts) {
			sel.Add(e.Facts)
		}
	}
	return sel.Members(), sel.Population(), nil
}

func wholeStream(a store.Audit, p sample.Population) evidence.Query {
	return evidence.Query{Workspace: a.Workspace, Streams: []evidence.Stream{p.Stream}, Span: a.Period}
}

// population gives the query of a population's stream in the period of an audit.
func (s *Service) population(a store.Audit, text string) (evidence.Query, error) {
	p, err := sample.ParsePopulation(text)
	return wholeStream(a, p), err
}

// Replace passes over a member of a sample, with a reason, and gives the sample with the next in rank instead.
func (s *Service) Replace(ctx context.Context, c people.Caller, idOrName string, id evidence.ID, rank int, reason string) (Drawn, error) {
	a, err := s.enter(ctx, c, people.TakeEvidence, idOrName)
	if err != nil {
		return Drawn{}, err
	}
	d, err := s.again(ctx, a, id)
	if err != nil {
		return Drawn{}, err
	}
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > longestText {
		return d, evidence.Errorf(evidence.Invalid, "Say why the member is passed over, in at most %d bytes.", longestText)
	}
	if !slices.ContainsFunc(d.Members, func(m sample.Member) bool { return m.Rank == rank }) {
		return d, evidence.Errorf(evidence.NotFound, "The sample has no member of rank %d.", rank)
	}
	if err := s.cfg.Store.AddReplacement(ctx, c.Workspace, id, store.Replacement{Rank: rank, Reason: reason, At: s.now(), By: c.Who()}); err != nil {
		return d, err
	}
	if err := s.note(ctx, c, "audit.replace", a.ID, fmt.Sprintf("member %d of sample %s passed over: %s", rank, id, reason)); err != nil {
		return d, err
	}
	return s.again(ctx, a, id)
}

// ShowSample draws a sample again, passing over what was replaced. as says in what form it is taken away, "" for a page.
func (s *Service) ShowSample(ctx context.Context, c people.Caller, idOrName string, id evidence.ID, as string) (store.Audit, Drawn, error) {
	a, err := s.enter(ctx, c, people.ReadSamples, idOrName)
	if err != nil {
		return a, Drawn{}, err
	}
	d, err := s.again(ctx, a, id)
	if err != nil {
		return a, d, err
	}
	if as != "" {
		return a, d, s.note(ctx, c, "room.file", a.ID, fmt.Sprintf("sheet of sample %s as %s", id, as))
	}
	return a, d, s.opened(ctx, c, a.ID, "sample "+string(id))
}

func (s *Service) again(ctx context.Context, a store.Audit, id evidence.ID) (Drawn, error) {
	all, err := s.cfg.Store.Samples(ctx, a.Workspace, a.ID)
	if err != nil {
		return Drawn{}, err
	}
	at := slices.IndexFunc(all, func(x store.Sample) bool { return x.ID == id })
	if at < 0 {
		return Drawn{}, evidence.Errorf(evidence.NotFound, "The audit has no sample %s.", id)
	}
	d := Drawn{Sample: all[at]}
	if d.Replacements, err = s.cfg.Store.Replacements(ctx, id); err != nil {
		return Drawn{}, err
	}
	if d.Members, _, err = s.draw(ctx, a, d.Population, d.Seed, min(d.Size+len(d.Replacements), sample.Most)); err != nil {
		return Drawn{}, err
	}
	d.Members = slices.DeleteFunc(d.Members, func(m sample.Member) bool {
		return slices.ContainsFunc(d.Replacements, func(r store.Replacement) bool { return r.Rank == m.Rank })
	})
	return d, nil
}

// SampleBundle draws the same sample from a bundle alone.
func SampleBundle(r *bundle.Reader, kinds []source.Kind, population, seed string, size int) ([]sample.Member, int64, error) {
	p, err := sample.ParsePopulation(population)
	if err != nil {
		return nil, 0, err
	}
	sel, err := sample.NewSelector(seed, size)
	if err != nil {
		return nil, 0, err
	}
	text, err := r.Read(bundle.PathManifest, bundle.MaxManifest)
	if err != nil {
		return nil, 0, err
	}
	m, err := bundle.DecodeManifest(text)
	if err != nil {
		return nil, 0, err
	}
	seen := map[string]bool{}
	for line, err := range lines(r, "_"+string(p.Stream)+"_") {
		if err != nil {
			return nil, 0, err
		}
		if string(line.text) == translog.ErasedRecord {
			continue
		}
		f, ok := factsOf(kinds, p.Stream, line.text)
		key := line.connection + "\x00" + f.UUID
		if at := f.At.UnixMilli(); !ok || at < m.From || at >= m.To || seen[key] || !p.Holds(f) {
			continue
		}
		seen[key] = true
		sel.Add(f)
	}
	return sel.Members(), sel.Population(), nil
}

func factsOf(kinds []source.Kind, stream evidence.Stream, raw []byte) (evidence.Facts, bool) {
	for _, k := range kinds {
		if slices.ContainsFunc(k.Streams, func(s source.StreamKind) bool { return s.Stream == stream }) {
			return k.Normalise(stream, raw), true
		}
	}
	return evidence.Facts{}, false
}

type eventLine struct {
	connection string
	text       []byte
}

// lines gives the events of a bundle whose file has a text in its name, in order.
func lines(r *bundle.Reader, with string) iter.Seq2[eventLine, error] {
	return func(yield func(eventLine, error) bool) {
		for _, name := range r.Names() {
			rest, ok := strings.CutPrefix(name, bundle.DirEvents)
			at := strings.Index(rest, with)
			if !ok || at < 0 {
				continue
			}
			part, err := r.Open(name)
			if err != nil {
				yield(eventLine{}, err)
				return
			}
			in := bufio.NewReaderSize(part, 1<<18)
			for {
				line, err := in.ReadBytes('\n')
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					yield(eventLine{}, err)
					return
				}
				if !yield(eventLine{rest[:at], line[:len(line)-1]}, nil) {
					return
				}
			}
		}
	}
}
