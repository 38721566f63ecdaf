package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store"
)

// wanted reports whether a page belongs into the bundle: it holds events of before the end of the audit's period, or of an
// artifact's. Recipes may look back behind a start, such as for what was seen before.
func (m *maker) wanted(p pageLeaf) bool {
	if p.low < m.manifest.To {
		return true
	}
	for _, k := range m.artifacts {
		if span, _ := k.leaf.Span("period"); k.leaf.Text("kind") == string(evidence.Derived) && p.low < span.To {
			return true
		}
	}
	return false
}

// partSize is where a file of events ends and the next begins.
const partSize = 256 << 20

// addEvents adds raw pages, their salts, and the events one by one.
func (m *maker) addEvents() error {
	var keys []store.StreamKey
	byStream := map[store.StreamKey][]pageLeaf{}
	total := int64(0)
	for _, p := range m.pages {
		if !m.wanted(p) {
			continue
		}
		if byStream[p.key] == nil {
			keys = append(keys, p.key)
		}
		byStream[p.key] = append(byStream[p.key], p)
		total++
	}
	slices.SortFunc(keys, func(a, b store.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Stream, b.Stream))
	})
	done := int64(0)
	for _, key := range keys {
		if err := m.addStream(key, byStream[key], func() { done++; m.progress("pages", done, total) }); err != nil {
			return fmt.Errorf("%s of %s: %w", key.Stream, key.Connection, err)
		}
	}
	return nil
}

func (m *maker) addStream(key store.StreamKey, pages []pageLeaf, tick func()) error {
	dir := bundle.DirRaw + string(key.Connection) + "/" + string(key.Stream) + "/"
	var salts []byte
	for _, p := range pages {
		body, _, err := m.cfg.Store.PageParts(m.ctx, m.audit.Workspace, p.page)
		if err != nil {
			return err
		}
		s, err := m.cfg.Store.PageSalts(m.ctx, p.page)
		if err != nil {
			return err
		}
		salts = fmt.Appendf(salts, "%08d %x\n", p.page, []byte(s))
		if _, err := m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%08d.json", dir, p.page), Role: "raw"}, body); err != nil {
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

// lines writes the events of pages, one a line, until the part is large enough, and gives the pages that are left.
func (m *maker) lines(out io.Writer, pages []pageLeaf) ([]pageLeaf, error) {
	var line []byte
	for size := 0; len(pages) > 0 && size < partSize; pages = pages[1:] {
		body, places, err := m.cfg.Store.PageParts(m.ctx, m.audit.Workspace, pages[0].page)
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
