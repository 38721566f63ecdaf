package audit

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// judge states where an artifact stands with its reviewers as of the log's size, opens who reviewed and why, and adds
// proofs of the leaves that it follows from. The order of leaves decides, not the times that they tell.
func (m *maker) judge(ref *bundle.Artifact, k *kept) error {
	if r, ok := m.retired[ref.ID]; ok && r.n > k.n {
		ref.Retired = r.record
		if err := errors.Join(m.open(r.leaf, "actor_commit"), m.open(r.leaf, "reason_commit")); err != nil {
			return err
		}
		r.name = ref.ID + "_retired"
		m.proofs = append(m.proofs, r)
	}
	ref.Review = string(evidence.StatusNotReviewed)
	for _, r := range m.reviews[ref.ID] {
		if err := m.openReview(r.leaf); err != nil {
			return err
		}
		ref.Review, ref.Reviewed = string(evidence.StatusReopened), r.record
	}
	for _, r := range m.reviews[ref.ID] {
		if r.leaf.Int("version") != ref.Version {
			continue
		}
		late, err := m.lateAfter(k, r.n)
		if err != nil {
			return err
		}
		ref.Review, ref.Reviewed = r.leaf.Text("verdict"), r.record
		if late {
			ref.Review = string(evidence.StatusReopened)
		}
	}
	for _, r := range m.reviews[ref.ID] {
		if r.record == ref.Reviewed {
			r.name = r.leaf.Text("review")
			m.proofs = append(m.proofs, r)
		}
	}
	return nil
}

// openReview opens who reviewed a version and who had made it, so that anybody can see that these are two people.
func (m *maker) openReview(l translog.Leaf) error {
	var err error
	open := func(l translog.Leaf, fields ...string) {
		for _, f := range fields {
			if l.Has(f) {
				err = errors.Join(err, m.open(l, f))
			}
		}
	}
	open(l, "actor_commit", "member_commit", "reason_commit", "digest_commit")
	for _, v := range m.versions {
		if v.leaf.Text("artifact") == l.Text("artifact") && v.leaf.Int("version") == l.Int("version") {
			open(v.leaf, "actor_commit", "member_commit")
		}
	}
	return err
}

// lateAfter reports whether an event that an artifact is about came late, in a page that the log tells of behind leaf n.
func (m *maker) lateAfter(k *kept, n int64) (bool, error) {
	r, err := recipe.ByID(k.leaf.Text("recipe"))
	if err != nil {
		return false, nil // an upload, or a recipe that this version does not have
	}
	after := map[int64]bool{}
	for _, reading := range m.reading {
		for _, r := range reading {
			if r.Page && r.n > n {
				after[r.page] = true
			}
		}
	}
	if len(after) == 0 {
		return false, nil
	}
	late := false
	err = m.cfg.Store.Pages(m.ctx, evidence.Query{Workspace: m.audit.Workspace, Span: k.artifact.Period, Streams: r.Streams,
		Where: []evidence.Match{{Key: evidence.KeyOdd, Values: []string{"late"}}}}, func(p store.PageRow) error {
		late = late || after[p.ID]
		return nil
	})
	return late, err
}

// index is the table of what is evidence for which control, and who reviewed it.
func (m *maker) index() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	rows := [][]string{{"control", "name", "action", "artifact", "version", "title", "from", "to", "result", "strength", "attached_by", "leaf",
		"review", "reviewed_version", "approver", "approved_at", "review_leaf", "retired"}}
	for _, s := range m.manifest.Status {
		k, at := m.artifacts[s.Artifact], m.attached[s.Attachment]
		c, action := m.controlOf(s)
		span, _ := k.leaf.Span("period")
		row := []string{c.Key, c.Name, action, s.Artifact, fmt.Sprint(s.Version), m.opened(k.leaf, "title_commit"), stamp(fromMS(span.From)), stamp(fromMS(span.To)),
			s.Result, s.Strength, m.opened(at.leaf, "actor_commit"), fmt.Sprint(at.n)}
		rows = append(rows, append(row, m.reviewCells(s.Artifact)...))
	}
	for _, row := range rows {
		for i := range row {
			row[i] = recipe.GuardFormula(row[i])
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// reviewCells gives status, version, approver, time and leaf of an artifact's review, and whether it is out of use. The
// approver stands there only if what he approved is all there is.
func (m *maker) reviewCells(id string) []string {
	a := m.artifactRef(id)
	retired := ""
	if a.Retired != "" {
		retired = "yes"
	}
	r, ok := m.reviewOf(a)
	if !ok {
		return []string{a.Review, "", "", "", "", retired}
	}
	who, at := "", ""
	if a.Review == string(evidence.ReviewApproved) {
		who, at = m.opened(r.leaf, "actor_commit"), stamp(fromMS(r.leaf.At()))
	}
	return []string{a.Review, fmt.Sprint(r.leaf.Int("version")), who, at, fmt.Sprint(r.n), retired}
}

func (m *maker) artifactRef(id string) bundle.Artifact {
	for _, a := range m.manifest.Artifacts {
		if a.ID == id {
			return a
		}
	}
	return bundle.Artifact{}
}

// reviewOf gives the review that an artifact's status follows from.
func (m *maker) reviewOf(a bundle.Artifact) (located, bool) {
	for _, r := range m.reviews[a.ID] {
		if r.record == a.Reviewed {
			return r, true
		}
	}
	return located{}, false
}

// reviewWords says for people where an artifact stands with its reviewers.
func (m *maker) reviewWords(id string) string {
	a := m.artifactRef(id)
	words := strings.ReplaceAll(a.Review, "_", " ")
	if r, ok := m.reviewOf(a); ok {
		words += fmt.Sprintf(" (version %d, %s, %s)", r.leaf.Int("version"), m.opened(r.leaf, "actor_commit"), stamp(fromMS(r.leaf.At())))
	}
	if a.Retired != "" {
		words += "; out of use"
	}
	return words
}
