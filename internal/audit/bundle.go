package audit

import (
	"bytes"
	"cmp"
	"context"
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
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Progress is told what a bundle's making is at: a word, how much is done and how much there is.
type Progress func(step string, done, total int64)

// Made is a bundle that was made.
type Made struct {
	store.Bundle
	Audit      store.Audit
	Checkpoint translog.Signed
}

// Settle is how long after a period events may still come before its coverage is taken for settled.
const Settle = 24 * time.Hour

// Bundle writes all evidence of an audit as one file that proves itself.
//
// Order: parts, manifest, the leaf that fixes the manifest, a checkpoint over that, proofs. A crash before the leaf leaves
// nothing; one after it leaves a leaf that tells of a bundle which nobody has.
//
// out is written to only when all of that is done: until then an error can still be told.
func (s *Service) Bundle(ctx context.Context, c people.Caller, idOrName string, out io.Writer, progress Progress) (Made, error) {
	a, err := s.enter(ctx, c, people.TakeEvidence, idOrName)
	if err != nil {
		return Made{}, err
	}
	who, ws := c.Who(), c.Workspace
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	if _, err := s.cfg.Log.Checkpoint(ctx, ws); err != nil { // makes log and key; refuses a log that was taken back
		return Made{}, err
	}
	w, err := bundle.NewWriter(s.cfg.TempDir)
	if err != nil {
		return Made{}, err
	}
	m := &maker{Service: s, ctx: ctx, who: who, audit: a, w: w, progress: progress, ids: map[string]bool{}}
	if err := m.run(); err != nil {
		if derr := w.Discard(); derr != nil {
			err = fmt.Errorf("%w (and %w)", err, derr)
		}
		return Made{}, err
	}
	sum := sha256.New()
	size := &sized{}
	if err := w.Close(io.MultiWriter(out, sum, size), func(done, total int64) { progress("writing", done, total) }); err != nil {
		return Made{}, err
	}
	made := Made{Audit: a, Checkpoint: m.signed.Signed, Bundle: store.Bundle{ID: evidence.ID(m.manifest.Bundle), Workspace: ws, Audit: a.ID, MadeAt: fromMS(m.manifest.Created), MadeBy: who,
		Leaves: m.signed.Size - m.manifest.Start, ManifestSHA: m.manifestSHA, SHA256: hex.EncodeToString(sum.Sum(nil)), Size: size.n}}
	if err := s.cfg.Store.AddBundle(ctx, made.Bundle); err != nil {
		return made, err
	}
	return made, s.note(ctx, c, "audit.bundle", a.ID, fmt.Sprintf("%s: bundle %s over %d leaves, SHA-256 %s", a.Name, made.ID, made.Leaves, made.SHA256))
}

type sized struct{ n int64 }

func (s *sized) Write(b []byte) (int, error) {
	s.n += int64(len(b))
	return len(b), nil
}

func fromMS(v int64) time.Time { return time.UnixMilli(v).UTC() }

// maker is one bundle on its way.
type maker struct {
	*Service
	ctx      context.Context
	who      string
	audit    store.Audit
	w        *bundle.Writer
	progress Progress

	log         store.LogState // as of which the evidence is
	covered     map[store.StreamKey]evidence.Spans
	manifest    bundle.Manifest
	manifestSHA string
	signed      translog.Vouched

	artifacts map[string]*kept     // by artifact ID: the newest version
	attached  map[string]located   // by attachment ID
	versions  []located            // every version of every artifact
	reviews   map[string][]located // by artifact ID, oldest first
	retired   map[string]located   // by artifact ID: the leaf that took it out of use last
	things    []translog.Leaf      // how controls and actions are set up
	pages     []pageLeaf
	lastRead  map[store.StreamKey]int64 // time of the last answer of each stream, by the log
	openings  []bundle.Opening
	ids       map[string]bool // of openings
	proofs    []located
}

// located is a leaf with its place.
type located struct {
	name   string
	n      int64
	record string
	leaf   translog.Leaf
}

type kept struct {
	located
	artifact evidence.Artifact
}

type pageLeaf struct {
	n         int64 // of its leaf
	key       store.StreamKey
	page      int64
	low, high int64
}

func (m *maker) run() error {
	for _, step := range []func() error{m.scope, m.freeze, m.readLog, m.addArtifacts, m.addEvents, m.addOpenings, m.addTables, m.claim, m.finish} {
		if err := step(); err != nil {
			return err
		}
		if err := m.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// scope finds the controls that the audit is about and their actions.
func (m *maker) scope() error {
	m.manifest = bundle.Manifest{Bundle: string(evidence.NewID(evidence.PrefixBundle)), Workspace: string(m.audit.Workspace), Audit: m.audit.Name, Framework: m.audit.Framework,
		From: m.audit.Period.From.UnixMilli(), To: m.audit.Period.To.UnixMilli(), Created: m.cfg.Now().UnixMilli(), Generator: m.cfg.Build, Profile: "full", Limits: limits()}
	controls, err := m.cfg.Store.Controls(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	in := map[evidence.ID]bool{}
	for _, c := range controls {
		if m.audit.Holds(c) {
			in[c.ID] = true
			m.manifest.Controls = append(m.manifest.Controls, bundle.Control{ID: string(c.ID), Key: c.Key, Name: c.Name})
		}
	}
	actions, err := m.cfg.Store.Actions(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	for _, x := range actions {
		if in[x.Control] {
			m.manifest.Actions = append(m.manifest.Actions, bundle.ActionRef{ID: string(x.ID), Key: x.Key, Control: string(x.Control)})
		}
	}
	return nil
}

// freeze notes how far log and coverage have come.
func (m *maker) freeze() error {
	mark, err := m.cfg.Store.MarkLog(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	m.log, m.covered = mark.Log, mark.Covered
	m.manifest.Origin, m.manifest.AsOf = mark.Log.Origin, mark.Log.Size
	return nil
}

// readLog goes through the log once and keeps where things are.
func (m *maker) readLog() error {
	m.artifacts, m.attached, m.lastRead = map[string]*kept{}, map[string]located{}, map[store.StreamKey]int64{}
	m.reviews, m.retired = map[string][]located{}, map[string]located{}
	inScope := map[string]bool{}
	for _, c := range m.manifest.Controls {
		inScope[c.ID] = true
	}
	for _, a := range m.manifest.Actions {
		inScope[a.ID] = true
	}
	err := m.cfg.Store.EachLeaf(m.ctx, m.log, 0, m.log.Size, func(n int64, raw []byte) error {
		if n%10_000 == 0 {
			m.progress("reading the log", n, m.log.Size)
		}
		l, err := translog.DecodeLeaf(raw)
		if err != nil {
			return fmt.Errorf("leaf %d: %w; run exhibit fsck", n, err)
		}
		at := located{n: n, record: translog.RecordID(raw), leaf: l}
		switch l.Kind {
		case translog.KindArtifact:
			m.artifacts[l.Text("artifact")] = &kept{located: at}
			m.versions = append(m.versions, at)
		case translog.KindConfig:
			if area := l.Text("area"); area == "control" || area == "action" {
				m.things = append(m.things, l)
			}
		case translog.KindAttach:
			if inScope[l.Text("control")] || inScope[l.Text("action")] {
				m.attached[l.Text("attachment")] = at
			}
		case translog.KindDetach:
			delete(m.attached, l.Text("attachment"))
		case translog.KindReview:
			m.reviews[l.Text("artifact")] = append(m.reviews[l.Text("artifact")], at)
		case translog.KindRetire:
			m.retired[l.Text("artifact")] = at
		case translog.KindGap:
			return m.open(l, "reason_commit")
		case translog.KindRequest:
			if l.Text("audit") == string(m.audit.ID) {
				return errors.Join(m.open(l, "actor_commit"), m.open(l, "text_commit"))
			}
		case translog.KindPage:
			key := store.StreamKey{Connection: evidence.ID(l.Text("connection")), Stream: evidence.Stream(l.Text("stream"))}
			low, _ := translog.ParseMillis(l.Text("min_at"))
			high, _ := translog.ParseMillis(l.Text("max_at"))
			m.pages = append(m.pages, pageLeaf{n, key, l.Int("page"), low, high})
			m.lastRead[key] = max(m.lastRead[key], l.Int("t_req"))
		case translog.KindPolls:
			key := store.StreamKey{Connection: evidence.ID(l.Text("connection")), Stream: evidence.Stream(l.Text("stream"))}
			m.lastRead[key] = max(m.lastRead[key], l.Int("last_at"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.keepAttached()
}

// keepAttached keeps of the artifacts those that are attached to something in scope, and states what is.
func (m *maker) keepAttached() error {
	used := map[string]bool{}
	for id, at := range m.attached {
		a, ok := m.artifacts[at.leaf.Text("artifact")]
		if !ok {
			return fmt.Errorf("the log tells of attachment %s but not of its artifact; run exhibit fsck", id)
		}
		if span, _ := a.leaf.Span("period"); !bundle.InPeriod(span, m.manifest.From, m.manifest.To) {
			continue // evidence of another time is none of this audit
		}
		used[at.leaf.Text("artifact")] = true
		m.manifest.Status = append(m.manifest.Status, bundle.Status{Control: at.leaf.Text("control"), Action: at.leaf.Text("action"), Attachment: id,
			Artifact: at.leaf.Text("artifact"), Version: a.leaf.Int("version"), Strength: at.leaf.Text("strength"), Result: a.leaf.Text("result"), Record: at.record})
		at.name = id
		m.proofs = append(m.proofs, at)
		for _, f := range []string{"actor_commit", "reason_commit"} {
			if err := m.open(at.leaf, f); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(m.manifest.Status, func(a, b bundle.Status) int { return cmp.Compare(a.Attachment, b.Attachment) })
	for id, k := range m.artifacts {
		if !used[id] {
			delete(m.artifacts, id)
			continue
		}
		a, err := m.cfg.Store.Artifact(m.ctx, m.audit.Workspace, evidence.ID(id))
		if err != nil {
			return err
		}
		if int64(a.Latest.Version) != k.leaf.Int("version") {
			return evidence.Errorf(evidence.Unavailable, "Artifact %s got a new version while the bundle was made. Try again.", id)
		}
		k.artifact = a
		k.name = fmt.Sprintf("%s_v%d", id, a.Latest.Version)
		m.proofs = append(m.proofs, k.located)
		ref := bundle.Artifact{ID: id, Version: k.leaf.Int("version"), Record: k.record}
		if err := m.judge(&ref, k); err != nil {
			return err
		}
		m.manifest.Artifacts = append(m.manifest.Artifacts, ref)
	}
	if err := m.openOthers(); err != nil {
		return err
	}
	slices.SortFunc(m.manifest.Artifacts, func(a, b bundle.Artifact) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(m.proofs, func(a, b located) int { return cmp.Compare(a.n, b.n) })
	return nil
}

// openOthers opens what tables need that tell of other artifacts: their titles, who made them, and what they are attached
// to. Without such a table nothing of what is not in scope is opened.
func (m *maker) openOthers() error {
	needed := slices.ContainsFunc(m.manifest.Artifacts, func(a bundle.Artifact) bool {
		r, err := recipe.ByID(m.artifacts[a.ID].leaf.Text("recipe"))
		return err == nil && r.OfArtifacts
	})
	if !needed {
		return nil
	}
	for _, l := range m.versions {
		if err := errors.Join(m.open(l.leaf, "title_commit"), m.open(l.leaf, "actor_commit")); err != nil {
			return err
		}
	}
	for _, l := range m.things {
		if err := m.open(l, "after_commit"); err != nil {
			return err
		}
	}
	return nil
}

// open keeps what opens a commitment of a leaf. One that was deleted stays closed.
func (m *maker) open(l translog.Leaf, field string) error {
	c := l.Hash(field)
	o, err := m.cfg.Store.Opening(m.ctx, m.log, c)
	if evidence.ErrorCode(err) == evidence.NotFound || err == nil && m.ids[c.String()] {
		return nil
	}
	if err != nil {
		return err
	}
	m.ids[c.String()] = true
	m.openings = append(m.openings, bundle.Opening{Commit: c.String(), Tag: string(o.Tag), Salt: translog.Hash(o.Salt).String(), Value: string(o.Value)})
	return nil
}

// addArtifacts adds every form of every artifact, each tied to the commitment in its leaf.
func (m *maker) addArtifacts() error {
	for i, ref := range m.manifest.Artifacts {
		m.progress("artifacts", int64(i), int64(len(m.manifest.Artifacts)))
		k := m.artifacts[ref.ID]
		files := map[string]evidence.File{}
		for _, f := range k.artifact.Latest.Files {
			files[f.Format] = f
		}
		for _, v := range k.leaf.List("outputs") {
			o := translog.Leaf{Fields: v.(translog.Fields)}
			if err := m.addFile(k, o, files[o.Text("role")]); err != nil {
				return fmt.Errorf("artifact %s: %w", ref.ID, err)
			}
		}
		for _, f := range []string{"actor_commit", "title_commit"} {
			if err := m.open(k.leaf, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *maker) addFile(k *kept, o translog.Leaf, f evidence.File) error {
	c := o.Hash("commit")
	opening, err := m.cfg.Store.Opening(m.ctx, m.log, c)
	if err != nil {
		return err
	}
	role := o.Text("role")
	dir, given := bundle.DirArtifacts+k.name, k.leaf.Text("kind") == string(evidence.Uploaded)
	if given {
		dir = bundle.DirUploads + k.name + "/file" // what it was called stands in its provenance
	}
	part := bundle.File{Path: dir + "." + role, Role: "artifact", Record: k.record, Commit: c.String(), Salt: translog.Hash(opening.Salt).String(), Format: role}
	if role == store.Provenance {
		part.Path = dir + ".provenance.json"
		_, err = m.w.AddBytes(part, k.artifact.Latest.Provenance)
		return err
	}
	_, err = m.w.Add(part, func(out io.Writer) error {
		in, err := m.cfg.Objects.Open(m.ctx, object.Ref{SHA256: f.SHA256, Size: f.Size})
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		if cerr := in.Close(); err == nil {
			err = cerr
		}
		return err
	})
	return err
}

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

func (m *maker) addOpenings() error {
	slices.SortFunc(m.openings, func(a, b bundle.Opening) int { return cmp.Compare(a.Commit, b.Commit) })
	text, err := bundle.EncodeOpenings(m.openings)
	if err != nil {
		return err
	}
	_, err = m.w.AddBytes(bundle.File{Path: bundle.PathOpenings, Role: "opening"}, text)
	return err
}

// opened gives what a commitment of a leaf was opened to.
func (m *maker) opened(l translog.Leaf, field string) string {
	for _, o := range m.openings {
		if o.Commit == l.Text(field) {
			return o.Value
		}
	}
	return ""
}

// addTables adds what people and their tools read: an index of controls and OSCAL assessment results.
func (m *maker) addTables() error {
	index, err := m.index()
	if err != nil {
		return err
	}
	if _, err := m.w.AddBytes(bundle.File{Path: bundle.PathIndex, Role: "index"}, index); err != nil {
		return err
	}
	text, err := m.oscal()
	if err != nil {
		return err
	}
	_, err = m.w.AddBytes(bundle.File{Path: bundle.PathOSCAL, Role: "oscal"}, text)
	return err
}

// controlOf gives the control that a status line is about, and the key of the action if it is attached to one.
func (m *maker) controlOf(s bundle.Status) (c bundle.Control, action string) {
	id := s.Control
	for _, a := range m.manifest.Actions {
		if a.ID == s.Action {
			id, action = a.Control, a.Key
		}
	}
	for _, x := range m.manifest.Controls {
		if x.ID == id {
			c = x
		}
	}
	return c, action
}

// claim states what of the period was read of each stream, and enters it into the log.
func (m *maker) claim() error {
	var keys []store.StreamKey
	for key := range m.covered {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b store.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Stream, b.Stream))
	})
	for _, key := range keys {
		c := bundle.Claim{Connection: string(key.Connection), Stream: string(key.Stream), From: m.manifest.From, To: m.manifest.To}
		stats, err := m.cfg.Store.PageStats(m.ctx, evidence.Query{Workspace: m.audit.Workspace, Connections: []evidence.ID{key.Connection}, Streams: []evidence.Stream{key.Stream}, Span: m.audit.Period})
		if err != nil {
			return err
		}
		c.Pages, c.Records, c.Events = stats.Pages, stats.Records, stats.Events
		for _, w := range m.covered[key].Within(m.audit.Period) {
			c.Windows = append(c.Windows, translog.Millis{From: w.From.UnixMilli(), To: w.To.UnixMilli()})
		}
		c.Whole = len(m.covered[key].Missing(m.audit.Period)) == 0
		c.Settled = c.Whole && m.lastRead[key] >= m.manifest.To+Settle.Milliseconds()
		m.manifest.Coverage = append(m.manifest.Coverage, c)
	}
	if err := m.stillFrozen(); err != nil {
		return err
	}
	return m.enterClaims()
}

// stillFrozen fails if evidence of the period came in while the bundle was made.
func (m *maker) stillFrozen() error {
	now, err := m.cfg.Store.MarkLog(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	moved := evidence.Errorf(evidence.Unavailable, "Evidence of this period kept coming in while the bundle was made. Wait until reading has caught up and make it again.")
	for key, covered := range now.Covered {
		if covered.Missing(m.audit.Period).Duration() != m.covered[key].Missing(m.audit.Period).Duration() {
			return moved
		}
	}
	return m.cfg.Store.EachLeaf(m.ctx, now.Log, m.log.Size, now.Log.Size, func(n int64, raw []byte) error {
		l, err := translog.DecodeLeaf(raw)
		if err != nil {
			return fmt.Errorf("leaf %d: %w; run exhibit fsck", n, err)
		}
		if l.Kind == translog.KindPage && translog.Touches(l, m.manifest.From, m.manifest.To) {
			return moved
		}
		return nil
	})
}

func (m *maker) enterClaims() error {
	_, records, err := m.cfg.Store.Append(m.ctx, m.audit.Workspace, func(int64, func(string) (string, error), func(translog.Tag, []byte) (string, error)) ([]store.Entry, error) {
		var entries []store.Entry
		for _, c := range m.manifest.Coverage {
			entries = append(entries, store.Entry{Kind: translog.KindCoverage, Fields: translog.Fields{"connection": c.Connection, "stream": c.Stream,
				"span": translog.SpanFields(c.From, c.To), "pages": c.Pages, "records": c.Records, "events": c.Events, "windows": int64(len(c.Windows)),
				"as_of": m.manifest.AsOf, "windows_sha": WindowsSHA(c.Windows), "whole": c.Whole, "settled": c.Settled}})
		}
		return entries, nil
	})
	if err != nil {
		return err
	}
	for i := range records {
		m.manifest.Coverage[i].Record = records[i]
	}
	return nil
}

// WindowsSHA is the digest of coverage windows as a coverage leaf has it: each as "from-to" in Unix milliseconds and a line feed.
func WindowsSHA(windows []translog.Millis) string {
	h := sha256.New()
	for _, w := range windows {
		fmt.Fprintf(h, "%d-%d\n", w.From, w.To)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// finish writes the manifest, fixes it in the log, and adds what proves it.
func (m *maker) finish() error {
	page, err := readme(m)
	if err != nil {
		return err
	}
	if _, err := m.w.AddBytes(bundle.File{Path: bundle.PathReadme, Role: "readme"}, page); err != nil {
		return err
	}
	m.manifest.Files = m.w.Files()
	text, err := m.manifest.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	m.manifestSHA = hex.EncodeToString(sum[:])
	_, _, err = m.cfg.Store.Append(m.ctx, m.audit.Workspace, func(_ int64, _ func(string) (string, error), commit func(translog.Tag, []byte) (string, error)) ([]store.Entry, error) {
		f := translog.Fields{"bundle": m.manifest.Bundle, "start": m.manifest.Start, "created": m.manifest.Created, "manifest_sha": m.manifestSHA}
		var err error
		if f["scope_commit"], err = commit(translog.TagScope, []byte(m.audit.Name+"\n"+m.audit.Framework)); err != nil {
			return nil, err
		}
		if f["actor_commit"], err = commit(translog.TagActor, []byte(m.who)); err != nil {
			return nil, err
		}
		return []store.Entry{{Kind: translog.KindExport, Fields: f}}, nil
	})
	if err != nil {
		return err
	}
	if m.signed, err = m.cfg.Log.Vouched(m.ctx, m.audit.Workspace); err != nil {
		return err
	}
	for path, b := range map[string][]byte{bundle.PathManifest: text, bundle.PathSums: bundle.Sums(m.manifest.Files), bundle.PathCheckpoint: m.signed.Note,
		bundle.PathFrontier: []byte("0\n"), bundle.PathHint: m.signed.Hint} {
		if _, err := m.w.AddBytes(bundle.File{Path: path}, b); err != nil {
			return err
		}
	}
	if m.signed.Token != nil {
		if _, err := m.w.AddBytes(bundle.File{Path: bundle.PathToken}, m.signed.Token); err != nil {
			return err
		}
	}
	return m.addProofs()
}

// addProofs adds all leaves, the older checkpoints that others vouch for, and proofs of single leaves.
func (m *maker) addProofs() error {
	l, err := m.cfg.Store.Log(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	_, err = m.w.Add(bundle.File{Path: bundle.PathLeaves}, func(out io.Writer) error {
		var buf []byte
		return m.cfg.Store.EachLeaf(m.ctx, l, 0, m.signed.Size, func(n int64, leaf []byte) error {
			if n%10_000 == 0 {
				m.progress("leaves", n, m.signed.Size)
			}
			buf = translog.AppendEntry(buf[:0], leaf)
			_, err := out.Write(buf)
			return err
		})
	})
	if err != nil {
		return err
	}
	anchors, err := m.cfg.Store.Anchors(m.ctx, l)
	if err != nil {
		return err
	}
	for _, a := range keptAnchors(anchors, m.signed.Size) {
		if _, err := m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%d.checkpoint", bundle.DirOlder, a.Size)}, a.Note); err != nil {
			return err
		}
		if a.Token == nil {
			continue
		}
		if _, err := m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%d.tst", bundle.DirOlder, a.Size)}, a.Token); err != nil {
			return err
		}
	}
	nodes := m.cfg.Store.LogNodes(m.ctx, l)
	for _, p := range m.proofs {
		path, err := translog.ProveLeaf(m.signed.Size, p.n, nodes)
		if err != nil {
			return err
		}
		proof := translog.Proof{Index: p.n, Path: path, Checkpoint: m.signed.Note}
		if _, err := m.w.AddBytes(bundle.File{Path: bundle.DirProofs + p.name + ".tlog-proof"}, proof.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// keptAnchors gives of the checkpoints below a size those with a time stamp, and of those that witnesses alone signed the
// last of each day: there is one every ten minutes.
func keptAnchors(all []store.Checkpoint, size int64) []store.Checkpoint {
	var kept []store.Checkpoint
	for _, a := range all {
		if a.Size >= size {
			break
		}
		last := len(kept) - 1
		if last >= 0 && kept[last].Token == nil && kept[last].CosignedAt.UTC().Format(time.DateOnly) == a.CosignedAt.UTC().Format(time.DateOnly) {
			kept = kept[:last]
		}
		kept = append(kept, a)
	}
	return kept
}

// FileName proposes a name for a bundle that is made at a time.
func FileName(a store.Audit, at time.Time) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(a.Framework))
	return fmt.Sprintf("evidence_%s_%s_%s_%s.zip", clean, a.Period.From.Format(time.DateOnly), a.Period.To.Format(time.DateOnly), at.UTC().Format("20060102T150405Z"))
}

// limits are the plain words of what no bundle can prove.
func limits() []string {
	return []string{
		"1Password does not sign what its Events API answers. That the pages were received as they are here follows from this log; that 1Password sent them follows from nothing in this file. A second reading with the auditor's own token, within the 120 days that 1Password keeps, is the only check.",
		"What 1Password never recorded, or had not received when the period was read, is not here.",
		"Names of vaults and items are encrypted by 1Password and are in no event.",
		"Times of events are those that 1Password and its apps tell.",
	}
}
