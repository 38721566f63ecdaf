package audit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// readLog goes through the log once and keeps where things are.
func (m *maker) readLog() error {
	m.artifacts, m.attached, m.lastRead = map[string]*kept{}, map[string]located{}, map[store.StreamKey]int64{}
	m.reviews, m.retired, m.reading = map[string][]located{}, map[string]located{}, map[store.StreamKey][]readLeaf{}
	m.erased, m.emptied = map[string][]erasedHere{}, map[string]string{}
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
		case translog.KindErase:
			m.readErase(at)
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
			covered, _ := l.Span("covered")
			m.reading[key] = append(m.reading[key], readLeaf{bundle.Step{Page: true, Seq: l.Int("seq"), Low: low, High: high, Covered: covered}, n, l.Int("page"), l.Int("feed"), at.record})
			m.lastRead[key] = max(m.lastRead[key], l.Int("t_req"))
		case translog.KindPolls:
			key := store.StreamKey{Connection: evidence.ID(l.Text("connection")), Stream: evidence.Stream(l.Text("stream"))}
			covered, _ := l.Span("covered")
			m.reading[key] = append(m.reading[key], readLeaf{Step: bundle.Step{Seq: l.Int("seq"), Covered: covered}, n: n})
			m.lastRead[key] = max(m.lastRead[key], l.Int("last_at"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.keepAttached()
}

// readErase keeps what a leaf says was erased.
func (m *maker) readErase(at located) {
	for _, t := range at.leaf.List("targets") {
		fields, _ := t.(translog.Fields)
		target := translog.Leaf{Fields: fields}
		if target.Has("artifact") {
			m.emptied[fmt.Sprintf("%s %d", target.Text("artifact"), target.Int("version"))] = at.record
			continue
		}
		here := erasedHere{record: at.record}
		for _, s := range target.List("segments") {
			n, _ := s.(int64)
			here.segments = append(here.segments, n)
		}
		m.erased[target.Text("page")] = append(m.erased[target.Text("page")], here)
	}
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
		ref := bundle.Artifact{ID: id, Version: k.leaf.Int("version"), Record: k.record, Erased: m.emptied[fmt.Sprintf("%s %d", id, k.leaf.Int("version"))]}
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
