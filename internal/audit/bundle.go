package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
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
	hint        []byte // log/policy.hint
	signed      translog.Vouched

	artifacts map[string]*kept     // by artifact ID: the newest version
	attached  map[string]located   // by attachment ID
	versions  []located            // every version of every artifact
	reviews   map[string][]located // by artifact ID, oldest first
	retired   map[string]located   // by artifact ID: the leaf that took it out of use last
	things    []translog.Leaf      // how controls and actions are set up
	reading   map[store.StreamKey][]readLeaf
	lastRead  map[store.StreamKey]int64 // time of the last answer of each stream, by the log
	openings  []bundle.Opening
	ids       map[string]bool // of openings
	proofs    []located
	erased    map[string][]erasedHere // by the record of a page's leaf
	emptied   map[string]string       // by artifact ID and version: the record of the leaf that tells that its files were erased
}

// erasedHere is what one leaf says was erased of a page.
type erasedHere struct {
	record   string
	segments []int64
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

// readLeaf is a leaf of the reading of a stream.
type readLeaf struct {
	bundle.Step
	n          int64 // of the leaf
	page, feed int64 // numbers of page and stream in the store
	record     string
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

// addArtifacts adds every form of every artifact, each tied to the commitment in its leaf.
func (m *maker) addArtifacts() error {
	for i, ref := range m.manifest.Artifacts {
		m.progress("artifacts", int64(i), int64(len(m.manifest.Artifacts)))
		k := m.artifacts[ref.ID]
		if ref.Erased != "" {
			if err := errors.Join(m.open(k.leaf, "actor_commit"), m.open(k.leaf, "title_commit")); err != nil {
				return err
			}
			continue // nothing is left of its files
		}
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
