package verify

import (
	"encoding/json"
	"slices"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/translog"
)

// taken says which of a stream's pages are looked at: those that the bundle has to hold by what its leaves say, and whatever
// else of the stream it holds.
func (v *verifier) taken(st *streamState) []bool {
	m := v.Report.Manifest
	var steps []bundle.Step
	var pages []int // the page of each step; -1: none
	next := 0
	for i, p := range st.pages {
		if p.n >= m.AsOf {
			break
		}
		for ; next < len(st.covered) && st.covered[next].n < p.n; next++ {
			steps, pages = append(steps, bundle.Step{Covered: st.covered[next].span}), append(pages, -1)
		}
		s := bundle.Step{Page: true, Seq: p.leaf.Int("seq"), Low: p.low, High: p.high}
		if next < len(st.covered) && st.covered[next].n == p.n {
			s.Covered = st.covered[next].span
			next++
		}
		steps, pages = append(steps, s), append(pages, i)
	}
	taken := make([]bool, len(st.pages))
	for i, needed := range bundle.Needed(steps, v.about(st.key.stream)) {
		if p := pages[i]; p >= 0 {
			_, there := v.files[v.pathOf(st, st.pages[p])]
			taken[p] = needed || there
		}
	}
	return taken
}

// about gives what the bundle is about: of every stream the audit's period; and of those that an artifact was made from what
// it can have been made from, by its provenance. That this is the one which the log commits to is checked with the
// artifact.
func (v *verifier) about(stream string) []translog.Millis {
	m := v.Report.Manifest
	of := []translog.Millis{{From: m.From, To: m.To}}
	for _, a := range m.Artifacts {
		for _, x := range v.log.arts[a.ID] {
			if x.record != a.Record || x.leaf.Text("kind") != string(evidence.Derived) {
				continue
			}
			p, ok := v.provenanceOf(a)
			if span, streams := p.Reach(); ok && slices.Contains(streams, evidence.Stream(stream)) {
				of = append(of, translog.Millis{From: span.From.UnixMilli(), To: span.To.UnixMilli()})
			}
		}
	}
	return of
}

// provenanceOf reads the provenance of an artifact of the bundle. What is wrong with it is said with the artifact.
func (v *verifier) provenanceOf(a bundle.Artifact) (p recipe.Provenance, ok bool) {
	for _, f := range v.Report.Manifest.Files {
		if f.Record == a.Record && f.Format == "provenance" {
			text, err := v.in.Read(f.Path, maxSmall)
			return p, err == nil && json.Unmarshal(text, &p) == nil
		}
	}
	return p, false
}
