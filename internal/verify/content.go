package verify

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
)

// manifest checks that the log fixes the manifest, and that the manifest fixes every part and nothing is left over. Raw
// pages and events are read in the next step, once.
func (v *verifier) manifest() error {
	text := v.small(stepManifest, bundle.PathManifest, bundle.MaxManifest)
	m, err := bundle.DecodeManifest(text)
	if err != nil {
		v.fail(stepManifest, "manifest", "%v", err)
		return errStop
	}
	v.Report.Manifest = m
	sum := sha256.Sum256(text)
	x := v.log.export
	switch {
	case x == nil || x.Text("bundle") != m.Bundle:
		v.fail(stepManifest, "export_missing", "the log tells of no bundle %s as its last one", m.Bundle)
	case x.Text("manifest_sha") != hex.EncodeToString(sum[:]):
		v.fail(stepManifest, "manifest_changed", "the manifest is not the one that the log fixes")
	}
	if m.Origin != v.head.Origin || m.Start != v.log.start || m.AsOf > v.head.Size {
		v.fail(stepManifest, "manifest", "the manifest is about another log, or another part of it")
	}
	v.files = make(map[string]bundle.File, len(m.Files))
	for _, f := range m.Files {
		v.files[f.Path] = f
	}
	if string(v.small(stepManifest, bundle.PathSums, bundle.MaxManifest)) != string(bundle.Sums(m.Files)) {
		v.fail(stepManifest, "sums", "%s does not name the same parts as the manifest", bundle.PathSums)
	}
	for _, name := range v.in.Names() {
		if _, ok := v.files[name]; !ok && !bundle.SelfProven(name) {
			v.fail(stepManifest, "part_added", "%s is not in the manifest", name)
		}
	}
	for _, f := range m.Files {
		if !v.in.Has(f.Path) || bundle.SelfProven(f.Path) {
			v.fail(stepManifest, "part_missing", "the manifest names %s, which is not there", f.Path)
			continue
		}
		if f.Role != "raw" && f.Role != "events" {
			v.whole(stepManifest, f, io.Discard)
		}
	}
	return v.readOpenings()
}

// whole reads a part into out and compares it with the manifest.
func (v *verifier) whole(step string, f bundle.File, out io.Writer) bool {
	part, err := v.in.Open(f.Path)
	if err != nil {
		v.fail(step, "part_unreadable", "%v", err)
		return false
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(sum, out), part)
	if err != nil {
		v.fail(step, "part_unreadable", "%v", err)
		return false
	}
	if n != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 || part.Packed() != f.Packed {
		v.fail(step, "part_changed", "%s is not what the manifest says", f.Path)
		return false
	}
	v.checked[f.Path] = true
	return true
}

func (v *verifier) readOpenings() error {
	var err error
	if v.openings, err = bundle.DecodeOpenings(v.small(stepManifest, bundle.PathOpenings, maxSmall)); err != nil {
		v.fail(stepManifest, "opening", "%v", err)
	}
	return nil
}

// opened gives what a commitment of a leaf was opened to.
func (v *verifier) opened(l translog.Leaf, field string) string {
	return v.openings[l.Text(field)].Value
}

// pages compares every raw page with what its leaf commits to, and with the events that are shown one by one.
func (v *verifier) pages() error {
	if len(v.log.order) == 0 {
		v.replay = newReplay(v)
		return nil
	}
	v.replay = newReplay(v)
	var total int64
	for _, key := range v.log.order {
		total += int64(len(v.log.streams[key].pages))
	}
	done := int64(0)
	for _, key := range v.log.order {
		if err := v.streamPages(v.log.streams[key], func() { done++; v.opt.Progress("pages", done, total) }); err != nil {
			return err
		}
	}
	v.redactions()
	for path, f := range v.files {
		if (f.Role == "raw" || f.Role == "events") && !v.checked[path] {
			v.fail(stepPages, "part_added", "%s belongs to no page that the log tells of", path)
		}
	}
	return nil
}

func (v *verifier) streamPages(st *streamState, tick func()) error {
	dir := bundle.DirRaw + st.key.connection + "/" + st.key.stream + "/"
	if bundle.CheckName(dir+"x") != nil {
		v.fail(stepPages, "leaf", "a leaf names a stream that cannot be: %.80s", st.key)
		return nil
	}
	salts := v.salts(dir)
	lines := &lineReader{v: v, prefix: bundle.DirEvents + st.key.connection + "_" + st.key.stream + "_"}
	kind, known := v.kindOf(st.key.connection)
	taken := v.taken(st)
	var wanted []pageLeaf
	for i, p := range st.pages {
		if taken[i] {
			wanted = append(wanted, p)
		}
	}
	ahead := v.readAhead(wanted, func(w *verifier, p pageLeaf) pageRead {
		return w.page(st, p, v.pathOf(st, p), salts[p.page], kind, known)
	})
	defer ahead.stop()
	ats := spans{}
	next := 0
	for i, p := range st.pages {
		for ; next < len(st.covered) && st.covered[next].n < p.n; next++ {
			ats = ats.add(st.covered[next].span)
		}
		v.explained(st, p, taken[i])
		if !taken[i] {
			m := v.Report.Manifest
			switch {
			case p.n < m.AsOf:
				v.Outside++
			case p.low < m.To && p.high >= m.From:
				v.late++
			}
			tick()
			continue
		}
		if v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		v.take(st, p, ahead.next(), lines, ats)
		tick()
	}
	lines.end()
	return nil
}

// kindOf gives the source of a connection.
func (v *verifier) kindOf(connection string) (source.Kind, bool) {
	return source.FindKind(v.opt.Kinds, v.log.kinds[connection])
}

// salts reads the salts of a stream's pages.
func (v *verifier) salts(dir string) map[int64]translog.Salts {
	all := map[int64]translog.Salts{}
	name := dir + "salts.txt"
	if !v.in.Has(name) {
		return all
	}
	for line := range strings.Lines(string(v.small(stepPages, name, maxSmall))) {
		number, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		page, ok2 := translog.ParseMillis(strings.TrimLeft(number, "0"))
		b, err := hex.DecodeString(text)
		if !ok || !ok2 || err != nil || fmt.Sprintf("%08d %x\n", page, b) != line {
			v.fail(stepPages, "salts", "%s cannot be read", name)
			return all
		}
		all[page] = b
	}
	return all
}

// pathOf gives where a page lies in the bundle: as it came, or without what was erased.
func (v *verifier) pathOf(st *streamState, p pageLeaf) string {
	path := fmt.Sprintf("%s%s/%s/%08d", bundle.DirRaw, st.key.connection, st.key.stream, p.page)
	if _, ok := v.files[path+redactedPage]; ok {
		return path + redactedPage
	}
	return path + ".json"
}

// redactedPage ends the name of a page of which something was erased.
const redactedPage = ".redacted"

// page reads one raw page and checks it against its leaf.
func (v *verifier) page(st *streamState, p pageLeaf, path string, salts translog.Salts, kind source.Kind, known bool) (read pageRead) {
	read.path = path
	f, ok := v.files[path]
	if !ok {
		v.fail(stepPages, "page_missing", "page %d of %s is in the log and not in the bundle", p.page, st.key)
		return read
	}
	var body bytes.Buffer
	body.Grow(int(min(f.Size, 64<<20)))
	if f.Size > 64<<20 || !v.whole(stepPages, f, &body) {
		return read
	}
	if !known {
		v.fail(stepPages, "source_unknown", "page %d of %s is of the source %q, which this program does not know", p.page, st.key, v.log.kinds[st.key.connection])
		return read
	}
	noTime := p.leaf.Int("server_date")
	if noTime == 0 {
		noTime = p.leaf.Int("t_res")
	}
	raw, length := body.Bytes(), int64(body.Len())
	var places [][2]int
	if which, _ := v.gone(p); strings.HasSuffix(path, redactedPage) {
		if raw, places, salts, read.erased, ok = v.redacted(st, p, raw); !ok {
			return read
		}
		length = p.leaf.Int("len") // it had another one; the commitments fix that of each segment
	} else if len(which) > 0 {
		v.fail(stepPages, "erased_shown", "records of page %d of %s were erased, says the log, and are here", p.page, st.key)
		return read
	}
	got, err := kind.Split(evidence.Stream(st.key.stream), raw, time.UnixMilli(noTime))
	if err != nil {
		v.fail(stepPages, "page_split", "page %d of %s: %v", p.page, st.key, err)
		return read
	}
	for i, r := range places {
		if len(places) != len(got.Records) || got.Records[i].Start != r[0] || got.Records[i].End != r[1] {
			v.fail(stepPages, "page_split", "page %d of %s is cut at other places than its records", p.page, st.key)
			return read
		}
	}
	blank(got.Records, read.erased)
	root, err := translog.PageRoot(raw, len(got.Records), func(i int) (int, int) { return got.Records[i].Start, got.Records[i].End }, salts)
	if err != nil || root != p.leaf.Hash("root") || int64(len(got.Records)) != p.leaf.Int("n") || length != p.leaf.Int("len") {
		v.fail(stepPages, "page_changed", "page %d of %s is not what leaf %d commits to", p.page, st.key, p.n)
		return read
	}
	sum := sha256.Sum256([]byte(got.Next))
	if next := hex.EncodeToString(sum[:]); next != p.leaf.Text("next_sha") && p.leaf.Text("next_sha") != p.leaf.Text("cursor_sha") {
		v.fail(stepPages, "page_cursor", "page %d of %s gives another bookmark than leaf %d says", p.page, st.key, p.n)
	}
	if p.leaf.Has("more") && p.leaf.Bool("more") != got.More {
		v.fail(stepPages, "page_more", "page %d of %s says of whether there is more something else than leaf %d", p.page, st.key, p.n)
	}
	read.good, read.body, read.records = true, raw, got.Records
	return read
}

// take goes on with a page that was read: in the order of the log.
func (v *verifier) take(st *streamState, p pageLeaf, read pageRead, lines *lineReader, covered spans) {
	for _, f := range read.failures {
		v.fail(f.Step, f.Code, "%s", f.Detail)
	}
	if read.whole {
		v.checked[read.path] = true
	}
	if !read.good {
		return
	}
	v.Pages++
	v.Events += int64(len(read.records))
	for _, e := range read.erased {
		if e.Erased {
			v.Erased++
		}
	}
	lines.compare(read.body, read.records)
	if len(read.erased) > 0 {
		_, p.erased = v.gone(p)
		p.kept(read.body)
	}
	v.replay.add(st, p, read, covered)
}

// lineReader compares the events that are shown one a line with those of the pages.
type lineReader struct {
	v      *verifier
	prefix string
	n      int
	part   *bundle.Part
	sum    io.Writer
	hash   interface{ Sum([]byte) []byte }
	size   int64
	file   bundle.File
	in     *bufio.Reader
	failed bool
}

// open goes on with the next file.
func (l *lineReader) open() bool {
	l.n++
	name := fmt.Sprintf("%s%d.ndjson", l.prefix, l.n)
	f, ok := l.v.files[name]
	if !ok {
		return false
	}
	part, err := l.v.in.Open(name)
	if err != nil {
		return false
	}
	h := sha256.New()
	l.part, l.file, l.sum, l.hash, l.size = part, f, h, h, 0
	l.in = bufio.NewReaderSize(io.TeeReader(part, h), 1<<18)
	return true
}

// close ends a file, which must be at its end.
func (l *lineReader) close() {
	if l.part == nil {
		return
	}
	_, err := l.in.ReadByte()
	if !errors.Is(err, io.EOF) || l.size != l.file.Size || hex.EncodeToString(l.hash.Sum(nil)) != l.file.SHA256 || l.part.Packed() != l.file.Packed {
		l.fault("part_changed", "%s is not what the manifest says, or holds more than the pages", l.file.Path)
	}
	l.v.checked[l.file.Path] = true
	l.part = nil
}

func (l *lineReader) fault(code, format string, args ...any) {
	if !l.failed {
		l.v.fail(stepPages, code, format, args...)
	}
	l.failed = true
}

// compare compares the records of a page with the next lines.
func (l *lineReader) compare(body []byte, records []source.Record) {
	if l.failed {
		return
	}
	for _, r := range records {
		raw := body[r.Start:r.End]
		if bytes.ContainsAny(raw, "\r\n") {
			raw = slices.DeleteFunc(bytes.Clone(raw), func(c byte) bool { return c == '\r' || c == '\n' })
		}
		for l.part == nil || l.size == l.file.Size {
			l.close()
			if !l.open() {
				l.fault("event_missing", "%s… lacks events that the pages have", l.prefix)
				return
			}
		}
		if !l.line(raw) {
			l.fault("event_changed", "%s is not the events of the pages, one a line", l.file.Path)
			l.part = nil
			return
		}
	}
}

// line reads one line and reports whether it is raw.
func (l *lineReader) line(raw []byte) bool {
	for rest := raw; len(rest) > 0; {
		n := min(len(rest), 64<<10)
		got, err := l.in.Peek(n)
		if err != nil || !bytes.Equal(got, rest[:n]) {
			return false
		}
		if _, err := l.in.Discard(n); err != nil {
			return false
		}
		rest = rest[n:]
	}
	c, err := l.in.ReadByte()
	l.size += int64(len(raw)) + 1
	return err == nil && c == '\n'
}

// end closes the last file and looks for files that are too many.
func (l *lineReader) end() {
	if l.failed {
		return
	}
	l.close()
}
