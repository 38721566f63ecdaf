package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/translog"
)

// reviewed checks that a leaf about a version, a review or that the artifact was retired, is about a version of that very
// artifact which stands before it in the log.
func (v *verifier) reviewed(n int64, l translog.Leaf) {
	id := l.Text("artifact")
	known := slices.ContainsFunc(v.log.arts[id], func(x artLeaf) bool {
		return x.record == l.Text("subject") && x.leaf.Int("version") == l.Int("version")
	})
	if !known && v.log.start == 0 {
		v.fail(stepLeaves, "review_subject", "leaf %d (%s) is not about a version %d of artifact %s that the log told of before", n, l.Kind, l.Int("version"), id)
	}
	if verdict := evidence.ReviewVerdict(l.Text("verdict")); l.Kind == translog.KindReview && !slices.Contains(evidence.ReviewVerdicts(), verdict) {
		v.fail(stepLeaves, codeUnknown, "leaf %d has the verdict %.40q, which this version does not know", n, verdict)
	}
}

// outOfUse gives the record of the leaf that took an artifact out of use behind leaf n and before asOf; "" if none did.
func (v *verifier) outOfUse(artifact string, n, asOf int64) string {
	for _, r := range v.log.retired[artifact] {
		if r.n > n && r.n < asOf {
			return r.record
		}
	}
	return ""
}

// reviews works out where each artifact of the bundle stands with its reviewers and compares it with what is shown.
func (v *verifier) reviews() {
	m := v.Report.Manifest
	for _, a := range m.Artifacts {
		i := slices.IndexFunc(v.log.arts[a.ID], func(x artLeaf) bool { return x.record == a.Record })
		if i < 0 {
			continue // said before
		}
		this := v.log.arts[a.ID][i]
		for _, r := range v.log.reviews[a.ID] {
			if r.n < m.AsOf {
				v.twoPeople(r)
				v.binds(a, r)
			}
		}
		status, by := v.standing(this)
		record, version := "", int64(0)
		if by != nil {
			record, version = by.record, by.leaf.Int("version")
		}
		if string(status) != a.Review || record != a.Reviewed {
			v.fail(stepActions, "review_status", "artifact %s version %d is shown as %.40q; by the log it is %s%s", a.ID, a.Version, a.Review, status, versionWords(version))
		}
		if retired := v.outOfUse(a.ID, this.n, m.AsOf); retired != a.Retired {
			v.fail(stepActions, "retired", "whether artifact %s is in use is shown otherwise than the log says", a.ID)
		}
	}
}

func versionWords(version int64) string {
	if version == 0 {
		return ""
	}
	return fmt.Sprintf(", by a review of version %d", version)
}

// standing gives where an artifact version stands, and the review which that follows from. A verdict on an older version,
// or one that late events came after, does not stand.
func (v *verifier) standing(this artLeaf) (evidence.ReviewStatus, *artLeaf) {
	all := v.log.reviews[this.leaf.Text("artifact")]
	status := evidence.StatusNotReviewed
	var by *artLeaf
	for i := range all {
		r := &all[i]
		switch {
		case r.n >= v.Report.Manifest.AsOf:
		case r.leaf.Int("version") == this.leaf.Int("version"):
			status, by = evidence.ReviewStatus(r.leaf.Text("verdict")), r
		case by == nil || by.leaf.Int("version") != this.leaf.Int("version"):
			status, by = evidence.StatusReopened, r
		}
	}
	if by != nil && status != evidence.StatusReopened && v.lateAfter(this, by.n) {
		status = evidence.StatusReopened
	}
	return status, by
}

// lateAfter reports whether an event that an artifact is about came late, in a page behind leaf n.
func (v *verifier) lateAfter(this artLeaf, n int64) bool {
	r, err := recipe.ByID(this.leaf.Text("recipe"))
	if err != nil {
		return false
	}
	span, _ := this.leaf.Span("period")
	for _, t := range v.replay.streams {
		if !slices.Contains(r.Streams, evidence.Stream(t.st.key.stream)) {
			continue
		}
		for _, e := range t.among(span.From, span.To) {
			if p := t.pages[t.page[e]].n; t.odd[e]&evidence.OddLate != 0 && p > n && p < v.Report.Manifest.AsOf {
				return true
			}
		}
	}
	return false
}

// twoPeople checks that who reviewed a version is not who made it: by membership where both have one, else by name. The
// name of an API token behind a person's is no other person.
func (v *verifier) twoPeople(r artLeaf) {
	i := slices.IndexFunc(v.log.arts[r.leaf.Text("artifact")], func(x artLeaf) bool { return x.record == r.leaf.Text("subject") })
	if i < 0 {
		return // said before
	}
	made := v.log.arts[r.leaf.Text("artifact")][i].leaf
	maker, reviewer := v.opened(made, "member_commit"), v.opened(r.leaf, "member_commit")
	if maker == "" || reviewer == "" {
		maker, reviewer = person(v.opened(made, "actor_commit")), person(v.opened(r.leaf, "actor_commit"))
	}
	switch {
	case maker == "" || reviewer == "":
		v.unproven("That the review of leaf %d is by somebody else than who made the artifact: the bundle does not open both names.", r.n)
	case maker == reviewer:
		v.fail(stepActions, "self_approval", "leaf %d reviews version %d of artifact %s, which the same person made", r.n, r.leaf.Int("version"), r.leaf.Text("artifact"))
	}
}

func person(who string) string {
	who, _, _ = strings.Cut(who, " (API token ")
	who = strings.TrimSuffix(who, " (schedule)")
	return strings.ToLower(strings.TrimSpace(who))
}

// binds checks that a review of the version that the bundle holds binds the very bytes of its files.
func (v *verifier) binds(a bundle.Artifact, r artLeaf) {
	if r.leaf.Int("version") != a.Version || a.Erased != "" { // of what was erased nothing can be compared
		return
	}
	bound := v.opened(r.leaf, "digest_commit")
	if bound == "" {
		v.unproven("Which bytes the review of leaf %d binds: the bundle does not open it.", r.n)
		return
	}
	var files []bundle.File
	provenance := sha256.Sum256(nil)
	sum := hex.EncodeToString(provenance[:])
	for _, f := range v.Report.Manifest.Files {
		switch {
		case f.Record != a.Record:
		case f.Format == "provenance":
			sum = f.SHA256
		default:
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b bundle.File) int { return strings.Compare(a.Format, b.Format) })
	h := sha256.New()
	fmt.Fprintf(h, "exhibit/artifact-version/v1\n%s %d\nprovenance %s\n", a.ID, a.Version, sum)
	for _, f := range files {
		fmt.Fprintf(h, "%s %d %s\n", f.Format, f.Size, f.SHA256)
	}
	if hex.EncodeToString(h.Sum(nil)) != bound {
		v.fail(stepActions, "review_binds", "leaf %d reviews other bytes than those of artifact %s version %d", r.n, a.ID, a.Version)
	}
}

// reviewOf gives the review that an artifact of the bundle names.
func (v *verifier) reviewOf(a bundle.Artifact) (artLeaf, bool) {
	i := slices.IndexFunc(v.log.reviews[a.ID], func(r artLeaf) bool { return r.record == a.Reviewed })
	if i < 0 {
		return artLeaf{}, false
	}
	return v.log.reviews[a.ID][i], true
}

// index compares the table of reviews that people read with what the log says. Its other columns repeat the manifest.
func (v *verifier) index() {
	rows, err := csv.NewReader(bytes.NewReader(v.small(stepActions, bundle.PathIndex, maxSmall))).ReadAll()
	if err != nil || len(rows) != len(v.Report.Manifest.Status)+1 {
		v.fail(stepActions, "index", "%s does not have a line for each attachment", bundle.PathIndex)
		return
	}
	for i, s := range v.Report.Manifest.Status {
		at := v.log.attached[s.Attachment]
		j := slices.IndexFunc(v.Report.Manifest.Artifacts, func(a bundle.Artifact) bool { return a.ID == s.Artifact })
		if j < 0 {
			continue // said before
		}
		want := append([]string{s.Artifact, fmt.Sprint(s.Version), s.Result, s.Strength, fmt.Sprint(at.n)}, v.reviewCells(v.Report.Manifest.Artifacts[j])...)
		row := rows[i+1]
		var got []string
		if len(row) == 18 {
			got = append([]string{row[3], row[4], row[8], row[9], row[11]}, row[12:]...)
		}
		if !slices.Equal(got, want) {
			v.fail(stepActions, "index", "line %d of %s says something else than the log", i+2, bundle.PathIndex)
		}
	}
}

// reviewCells gives status, version, approver, time, leaf and whether it is out of use, as the index must show them.
func (v *verifier) reviewCells(a bundle.Artifact) []string {
	retired := ""
	if a.Retired != "" {
		retired = "yes"
	}
	r, ok := v.reviewOf(a)
	if !ok {
		return []string{a.Review, "", "", "", "", retired}
	}
	who, at := "", ""
	if a.Review == string(evidence.ReviewApproved) {
		who, at = v.opened(r.leaf, "actor_commit"), stamp(r.leaf.At())
	}
	return []string{a.Review, fmt.Sprint(r.leaf.Int("version")), recipe.GuardFormula(who), at, fmt.Sprint(r.n), retired}
}
