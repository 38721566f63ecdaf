package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// spans gives what the bundle is about: of every stream the audit's period, for completeness is judged by stream; and of the
// streams that an artifact reads what it can have been made from.
func (m *maker) spans(stream evidence.Stream) ([]translog.Millis, error) {
	of := []translog.Millis{{From: m.manifest.From, To: m.manifest.To}}
	for id, k := range m.artifacts {
		if k.leaf.Text("kind") != string(evidence.Derived) {
			continue
		}
		var p recipe.Provenance
		if err := json.Unmarshal(k.artifact.Latest.Provenance, &p); err != nil {
			return nil, fmt.Errorf("the provenance of artifact %s: %w", id, err)
		}
		if span, streams := p.Reach(); slices.Contains(streams, stream) {
			of = append(of, translog.Millis{From: span.From.UnixMilli(), To: span.To.UnixMilli()})
		}
	}
	return of, nil
}

// pages gives the pages of a stream that belong into the bundle, in the order of the log.
func (m *maker) pages(key store.StreamKey) ([]int64, error) {
	of, err := m.spans(key.Stream)
	if err != nil {
		return nil, err
	}
	reading := m.reading[key]
	steps := make([]bundle.Step, len(reading))
	for i, r := range reading {
		steps[i] = r.Step
	}
	in := map[int64]bool{}
	for i, needed := range bundle.Needed(steps, of) {
		if needed {
			in[reading[i].page] = true
		}
	}
	// No leaf tells that a record came again with another time: where it came first, it is beside it.
	i := slices.IndexFunc(reading, func(r readLeaf) bool { return r.Page })
	if i < 0 {
		return nil, nil
	}
	far, err := m.cfg.Store.FarRepeats(m.ctx, reading[i].feed)
	if err != nil {
		return nil, err
	}
	var partners []int64
	for _, f := range far {
		if in[f.Page] || in[f.FirstPage] {
			partners = append(partners, f.Page, f.FirstPage)
		}
	}
	for _, p := range partners {
		in[p] = true
	}
	var out []int64
	for _, r := range reading {
		if r.Page && in[r.page] {
			out = append(out, r.page)
		}
	}
	return out, nil
}

// partSize is where a file of events ends and the next begins.
const partSize = 256 << 20

// addEvents adds raw pages, their salts, and the events one by one.
func (m *maker) addEvents() error {
	keys := slices.SortedFunc(maps.Keys(m.reading), func(a, b store.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Stream, b.Stream))
	})
	byStream := map[store.StreamKey][]int64{}
	total := int64(0)
	for _, key := range keys {
		var err error
		if byStream[key], err = m.pages(key); err != nil {
			return fmt.Errorf("%s of %s: %w", key.Stream, key.Connection, err)
		}
		total += int64(len(byStream[key]))
	}
	done := int64(0)
	for _, key := range keys {
		if len(byStream[key]) == 0 {
			continue
		}
		if err := m.addStream(key, byStream[key], func() { done++; m.progress("pages", done, total) }); err != nil {
			return fmt.Errorf("%s of %s: %w", key.Stream, key.Connection, err)
		}
	}
	return nil
}

func (m *maker) addStream(key store.StreamKey, pages []int64, tick func()) error {
	dir := bundle.DirRaw + string(key.Connection) + "/" + string(key.Stream) + "/"
	var salts []byte
	for _, p := range pages {
		body, places, err := m.cfg.Store.PageParts(m.ctx, m.audit.Workspace, p)
		if err != nil {
			return err
		}
		s, err := m.cfg.Store.PageSalts(m.ctx, p)
		if err != nil {
			return err
		}
		if len(s.Erased()) > 0 {
			if err := m.addRedacted(key, p, body, places, s); err != nil {
				return err
			}
			tick()
			continue
		}
		salts = fmt.Appendf(salts, "%08d %x\n", p, []byte(s))
		if _, err := m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%08d.json", dir, p), Role: "raw"}, body); err != nil {
			return err
		}
		tick()
	}
	if _, err := m.w.AddBytes(bundle.File{Path: dir + "salts.txt", Role: "salts"}, salts); err != nil {
		return err
	}
	for n := 1; len(pages) > 0; n++ {
		name := fmt.Sprintf("%s%s_%s_%d.ndjson", bundle.DirEvents, key.Connection, key.Stream, n)
		_, err := m.w.Add(bundle.File{Path: name, Role: "events"}, func(out io.Writer) (err error) {
			pages, err = m.lines(out, pages)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addRedacted adds a page of which something was erased, with its salts, and names what was.
func (m *maker) addRedacted(key store.StreamKey, id int64, body []byte, places []page.Range, salts translog.Salts) error {
	gone, err := m.cfg.Store.ErasedIn(m.ctx, m.audit.Workspace, id)
	if err != nil {
		return err
	}
	segments, err := translog.Redact(body, len(places), func(i int) (int, int) { return places[i].Start, places[i].End }, salts,
		func(i int) int64 { return gone[i].At }, func(i int) bool { return gone[i].Again })
	if err != nil {
		return err
	}
	text, err := translog.EncodeRedacted(segments)
	if err != nil {
		return err
	}
	for _, r := range m.reading[key] {
		if !r.Page || r.page != id {
			continue
		}
		for _, e := range m.erased[r.record] {
			m.manifest.Redactions = append(m.manifest.Redactions, bundle.Redaction{Connection: string(key.Connection), Stream: string(key.Stream), Page: id, Segments: e.segments, Record: e.record})
		}
	}
	_, err = m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%s/%s/%08d.redacted", bundle.DirRaw, key.Connection, key.Stream, id), Role: "raw"}, text)
	return err
}

// lines writes the events of pages, one a line, until the part is large enough, and gives the pages that are left.
func (m *maker) lines(out io.Writer, pages []int64) ([]int64, error) {
	var line []byte
	for size := 0; len(pages) > 0 && size < partSize; pages = pages[1:] {
		body, places, err := m.cfg.Store.PageParts(m.ctx, m.audit.Workspace, pages[0])
		if err != nil {
			return nil, err
		}
		line = AppendLines(line[:0], body, places)
		if _, err := out.Write(line); err != nil {
			return nil, err
		}
		size += len(line)
	}
	return pages, nil
}

// AppendLines appends the records of a body verbatim, one a line. Line breaks inside of one are left out.
func AppendLines(b, body []byte, places []page.Range) []byte {
	for _, r := range places {
		raw := body[r.Start:r.End]
		if bytes.ContainsAny(raw, "\r\n") {
			raw = bytes.Map(func(r rune) rune {
				if r == '\r' || r == '\n' {
					return -1
				}
				return r
			}, raw)
		}
		b = append(append(b, raw...), '\n')
	}
	return b
}
