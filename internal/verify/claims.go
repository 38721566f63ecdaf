package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/recipe"
	"github.com/exhibithq/exhibit/internal/translog"
)

// settle is how long after a period events may still come before its coverage is taken for settled.
const settle = int64(24 * time.Hour / time.Millisecond)

// coverage works out what of the period was read and compares it with what the bundle claims.
func (v *verifier) coverage() error {
	m := v.Report.Manifest
	claims := map[streamKey]bundle.Claim{}
	for _, c := range m.Coverage {
		claims[streamKey{c.Connection, c.Stream}] = c
		if st := v.log.streams[streamKey{c.Connection, c.Stream}]; st == nil && len(c.Windows) > 0 {
			v.fail(stepCoverage, "coverage_claim", "the bundle claims to have read %s of %s, of which the log tells nothing", c.Stream, c.Connection)
		}
	}
	v.Complete = len(m.Coverage) > 0
	for _, key := range v.log.order {
		c, ok := claims[key]
		if !ok {
			v.fail(stepCoverage, "coverage_missing", "the log tells of %s, and the bundle claims nothing of its coverage", key)
			continue
		}
		v.stream1(v.log.streams[key], c)
	}
	for _, c := range m.Coverage {
		if !c.Whole || !c.Settled {
			v.Complete = false
		}
	}
	if v.late > 0 {
		v.Complete = false
		v.unproven("That the bundle holds all events of the period: %d pages with some came in after its evidence was gathered. Ask for a newer bundle.", v.late)
	}
	if v.log.entered {
		v.unproven("What happened before this workspace had a log: it was entered later, and the log vouches for it only from then on.")
	}
	return nil
}

// stream1 compares the claim about one stream.
func (v *verifier) stream1(st *streamState, c bundle.Claim) {
	m := v.Report.Manifest
	period := translog.Millis{From: m.From, To: m.To}
	windows := st.asOf(m.AsOf).within(period)
	whole := len(windows) == 1 && windows[0] == period
	asked := int64(0)
	for _, p := range st.pages {
		if p.n < m.AsOf {
			asked = max(asked, p.leaf.Int("t_req"))
		}
	}
	for _, s := range st.covered {
		if s.n < m.AsOf {
			asked = max(asked, s.req)
		}
	}
	settled := whole && asked >= m.To+settle
	if c.From != m.From || c.To != m.To || !slices.Equal(windows, c.Windows) || whole != c.Whole || c.Settled && !settled {
		v.fail(stepCoverage, "coverage_claim", "the log says that of %s %s was read; the bundle claims %s", st.key, words(windows), words(c.Windows))
	}
	w := &view{replay: v.replay, asOf: m.AsOf}
	stats, err := w.PageStats(v.ctx, evidence.Query{Connections: []evidence.ID{evidence.ID(st.key.connection)}, Streams: []evidence.Stream{evidence.Stream(st.key.stream)},
		Span: evidence.Span{From: time.UnixMilli(m.From), To: time.UnixMilli(m.To)}})
	if err != nil || stats.Events != c.Events || stats.Records != c.Records || stats.Pages != c.Pages {
		v.fail(stepCoverage, "coverage_counts", "the pages of %s hold %d events of the period in %d records; the bundle claims %d in %d", st.key, stats.Events, stats.Records, c.Events, c.Records)
	}
	leaf, ok := v.log.claims[c.Record]
	span, _ := leaf.Span("span")
	if !ok || leaf.Text("connection") != c.Connection || leaf.Text("stream") != c.Stream || span != period || leaf.Int("events") != c.Events || leaf.Int("records") != c.Records ||
		leaf.Int("pages") != c.Pages || leaf.Int("windows") != int64(len(c.Windows)) || leaf.Text("windows_sha") != windowsSHA(c.Windows) || leaf.Bool("whole") != c.Whole || leaf.Bool("settled") != c.Settled || leaf.Int("as_of") != m.AsOf {
		v.fail(stepCoverage, "coverage_leaf", "what the bundle claims of %s is not what was entered into the log", st.key)
	}
	switch {
	case !whole:
		v.unproven("That nothing else happened in %s: of the period only %s was read.", st.key, words(windows))
	case !settled:
		v.unproven("That no event of %s came late: it was read for the last time less than a day after the period.", st.key)
	default:
		v.readTwice(st, period)
	}
	if st.rests {
		v.unproven("All of the coverage of %s from its chain of bookmarks alone: part of it rests on second readings or on what was entered later.", st.key)
	}
}

// readTwice says it if no second reading covers the period.
func (v *verifier) readTwice(st *streamState, period translog.Millis) {
	var again spans
	for _, a := range st.again {
		if x, _ := a.leaf.Span("span"); a.leaf.Int("missing") == 0 && a.leaf.Int("changed") == 0 {
			again = again.add(x)
		}
	}
	if w := again.within(period); len(w) != 1 || w[0] != period {
		v.unproven("That a second reading of %s gave the same: none covers the whole period.", st.key)
	}
}

func words(windows []translog.Millis) string {
	if len(windows) == 0 {
		return "nothing"
	}
	var parts []string
	for _, w := range windows[:min(len(windows), 3)] {
		parts = append(parts, stamp(w.From)+" to "+stamp(w.To))
	}
	if more := len(windows) - 3; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more spans", more))
	}
	return strings.Join(parts, ", ")
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func windowsSHA(windows []translog.Millis) string {
	h := sha256.New()
	for _, w := range windows {
		fmt.Fprintf(h, "%d-%d\n", w.From, w.To)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// artifacts checks the files of every artifact against the log, and makes every derived one again.
func (v *verifier) artifacts() error {
	m := v.Report.Manifest
	v.Reproduced = true
	byRecord := map[string][]bundle.File{}
	for _, f := range m.Files {
		if f.Record != "" {
			byRecord[f.Record] = append(byRecord[f.Record], f)
		}
		if (f.Record != "") != (f.Role == "artifact") {
			v.fail(stepArtifacts, "artifact_file", "%s belongs to no artifact, or to one without being a file of it", f.Path)
		}
	}
	var all []derivation
	for _, a := range m.Artifacts {
		leaves := v.log.arts[a.ID]
		at := slices.IndexFunc(leaves, func(x artLeaf) bool { return x.record == a.Record })
		if at < 0 || leaves[at].leaf.Int("version") != a.Version || leaves[at].n >= m.AsOf {
			v.fail(stepArtifacts, "artifact_unknown", "the log tells of no version %d of artifact %s as it is here", a.Version, a.ID)
			continue
		}
		if v.emptiedFiles(a, leaves[at], byRecord[a.Record]) {
			delete(byRecord, a.Record)
			continue
		}
		if v.artifactFiles(leaves[at], byRecord[a.Record]) {
			all = append(all, derivation{leaves[at], byRecord[a.Record]})
		}
		delete(byRecord, a.Record)
	}
	if err := v.deriveAll(all); err != nil {
		return err
	}
	for _, files := range byRecord {
		v.fail(stepArtifacts, "artifact_file", "%s belongs to no artifact of the bundle", files[0].Path)
	}
	return nil
}

// artifactFiles compares the files of an artifact with the commitments in its leaf, one by one.
func (v *verifier) artifactFiles(x artLeaf, files []bundle.File) bool {
	outputs := x.leaf.List("outputs")
	if len(outputs) != len(files) {
		v.fail(stepArtifacts, "artifact_file", "artifact %s has %d files in the log and %d in the bundle", x.leaf.Text("artifact"), len(outputs), len(files))
		return false
	}
	good := true
	for _, o := range outputs {
		fields, _ := o.(translog.Fields)
		out := translog.Leaf{Fields: fields}
		i := slices.IndexFunc(files, func(f bundle.File) bool { return f.Format == out.Text("role") })
		if i < 0 {
			v.fail(stepArtifacts, "artifact_file", "artifact %s lacks its %.40s file", x.leaf.Text("artifact"), out.Text("role"))
			good = false
			continue
		}
		f := files[i]
		salt, err := translog.ParseHash(f.Salt)
		sum, err2 := hex.DecodeString(f.SHA256)
		if err != nil || err2 != nil || translog.Commit(translog.TagFile, translog.Salt(salt), sum).String() != out.Text("commit") || f.Commit != out.Text("commit") || f.Size != out.Int("size") {
			v.fail(stepArtifacts, "artifact_file", "%s is not the file that leaf %d commits to", f.Path, x.n)
			good = false
		}
	}
	return good
}

// derive makes an artifact again from the raw pages, with the parameters of its provenance, and compares every byte.
func (v *verifier) derive(x artLeaf, files []bundle.File) error {
	id := x.leaf.Text("artifact")
	if x.leaf.Text("kind") != string(evidence.Derived) {
		v.given(x, files)
		v.unproven("What artifact %s says: it was uploaded by a person, and only that it is unchanged since then is proven.", id)
		return nil
	}
	fileOf := func(format string) (bundle.File, bool) {
		i := slices.IndexFunc(files, func(f bundle.File) bool { return f.Format == format })
		if i < 0 {
			return bundle.File{}, false
		}
		return files[i], true
	}
	lost := false // something was erased of what it was made from
	give := func(code, format string, args ...any) error {
		v.Reproduced = false
		if lost && code == "not_derivable" {
			v.unproven("That artifact %s follows from the pages: events that it was made from were erased later with the data of a person, as the log tells. It is unchanged since it was made, and cannot be made again.", id)
			return nil
		}
		if x.leaf.Bool("entered") {
			v.unproven("That artifact %s follows from the pages: %s. It was stored before there was a log, which does not tell what it was made from.", id, fmt.Sprintf(format, args...))
			return nil
		}
		v.fail(stepArtifacts, code, "artifact %s: %s", id, fmt.Sprintf(format, args...))
		return nil
	}
	pf, ok := fileOf("provenance")
	if !ok {
		return give("artifact_file", "it has no provenance")
	}
	text, err := v.in.Read(pf.Path, maxSmall)
	if err != nil {
		return give("part_unreadable", "%v", err)
	}
	var p recipe.Provenance
	if err := json.Unmarshal(text, &p); err != nil {
		return give("provenance", "its provenance cannot be read")
	}
	span, _ := x.leaf.Span("period")
	if p.Recipe.ID != x.leaf.Text("recipe") || int64(p.Recipe.Version) != x.leaf.Int("recipe_version") || p.Period.From.UnixMilli() != span.From || p.Period.To.UnixMilli() != span.To ||
		string(p.Result) != x.leaf.Text("result") || p.Counts.Population != x.leaf.Int("population") || p.Counts.Rows != x.leaf.Int("rows") || p.Engine != x.leaf.Text("engine") {
		return give("provenance", "its provenance says something else than leaf %d", x.n)
	}
	r, err := recipe.ByID(p.Recipe.ID)
	if err != nil || r.Version != p.Recipe.Version {
		v.Reproduced = false
		v.unproven("That artifact %s follows from the pages: it was made by version %d of the recipe %s, which this program does not have.", id, p.Recipe.Version, p.Recipe.ID)
		return nil
	}
	if v.replay.tooMany {
		v.Reproduced = false
		v.unproven("That artifact %s follows from the pages: there are more events than this program holds.", id)
		return nil
	}
	report, err := recipe.Run(v.ctx, r, request(v.Report.Manifest.Workspace, p, v.opt.TempDir), &view{replay: v.replay, asOf: x.leaf.Int("as_of"), hit: &lost, gaps: gapsOf(p)})
	if err != nil {
		if v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		if errors.Is(err, errNotInBundle) {
			v.Reproduced = false
			v.unproven("That artifact %s follows from the pages: %v.", id, errNotInBundle)
			return nil
		}
		return give("not_derivable", "it cannot be made again: %v", err)
	}
	defer report.Close()
	again, err := json.Marshal(report.Provenance)
	if err != nil || !bytes.Equal(again, text) {
		return give("not_derivable", "made again from the pages it has another provenance: other counts, coverage or words")
	}
	made := recipe.Made{By: v.opened(x.leaf, "actor_commit"), At: time.UnixMilli(x.leaf.Int("built")).UTC()}
	whole := true
	for _, form := range report.Renderings(made, v.opt.TempDir) {
		f, ok := fileOf(form.Format)
		if !ok {
			continue // the version that made it did not have this form
		}
		if wrote := p.Writers.Of(form.Format); wrote != form.Writer {
			whole = false
			v.unproven("That the %s files of some artifacts follow from the pages: version %d of what writes them made them, and this program has version %d. They are the files that the log commits to.", form.Format, wrote, form.Writer)
			continue
		}
		sum := sha256.New()
		err := form.Write(sum)
		if err != nil || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
			return give("not_derivable", "made again from the pages its %s file is another one", form.Format)
		}
	}
	if whole {
		v.Artifacts++
	}
	v.Reproduced = v.Reproduced && whole
	return nil
}

// request asks for the table that a provenance tells of.
func request(workspace string, p recipe.Provenance, temp string) recipe.Request {
	req := recipe.Request{Workspace: evidence.ID(workspace), Period: evidence.Span{From: p.Period.From, To: p.Period.To}, Params: map[string]string{}, Engine: p.Engine, Writers: named(p.Writers), TempDir: temp}
	for _, id := range p.Query.Connections { // in the order in which they were asked for
		for _, s := range p.Sources {
			if s.Connection == id {
				req.Sources = append(req.Sources, s)
			}
		}
	}
	for _, x := range p.Parameters {
		switch x.Unit {
		case recipe.Words:
			req.Params[x.Name] = x.Text
		case recipe.Names:
			req.Params[x.Name] = strings.Join(x.Names, ",")
		default:
			req.Params[x.Name] = strconv.Itoa(x.Value)
		}
	}
	for _, n := range p.Notes {
		if strings.HasPrefix(n, "Not part of this: ") {
			req.LeftOut = append(req.LeftOut, n)
		}
	}
	return req
}

// named gives the writers that a provenance names, so that none is something else than those of this program.
func named(w recipe.Writers) recipe.Writers {
	if w == nil {
		return recipe.Writers{}
	}
	return w
}

// gapsOf gives the causes that a provenance tells for gaps.
func gapsOf(p recipe.Provenance) map[streamKey][]evidence.Gap {
	out := map[streamKey][]evidence.Gap{}
	for _, c := range p.Coverage {
		key := streamKey{string(c.Connection), string(c.Stream)}
		for _, g := range c.Gaps {
			out[key] = append(out[key], evidence.Gap{Span: evidence.Span{From: g.From, To: g.To}, Cause: g.Cause, Reason: g.Reason, HealUntil: g.HealUntil})
		}
	}
	return out
}

// actions works out what is evidence for what and compares it with what the bundle shows.
func (v *verifier) actions() error {
	m := v.Report.Manifest
	inScope := map[string]bool{}
	for _, c := range m.Controls {
		inScope[c.ID] = true
	}
	for _, a := range m.Actions {
		if !inScope[a.Control] {
			v.fail(stepActions, "scope", "action %s belongs to no control of the bundle", a.Key)
		}
	}
	for _, a := range m.Actions {
		inScope[a.ID] = true
	}
	shown := map[string]bool{}
	for _, s := range m.Status {
		shown[s.Attachment] = true
		v.status(s, inScope)
	}
	v.reviews()
	v.index()
	for id, at := range v.log.attached {
		if at.n < m.AsOf && (inScope[at.leaf.Text("control")] || inScope[at.leaf.Text("action")]) && !shown[id] && v.inPeriod(at.leaf.Text("artifact")) {
			v.fail(stepActions, "attachment_hidden", "artifact %s is attached to something in scope (leaf %d) and not shown", at.leaf.Text("artifact"), at.n)
		}
	}
	for _, name := range v.in.Names() {
		if !v.checked[name] {
			v.fail(stepActions, "part_unchecked", "nothing in the log speaks for %s", name)
		}
	}
	return nil
}

// inPeriod reports whether an artifact is of the bundle's period, by the log; one of which the log does not tell is.
func (v *verifier) inPeriod(artifact string) bool {
	versions := v.log.arts[artifact]
	if len(versions) == 0 {
		return true
	}
	span, _ := versions[0].leaf.Span("period")
	return bundle.InPeriod(span, v.Report.Manifest.From, v.Report.Manifest.To)
}

func (v *verifier) status(s bundle.Status, inScope map[string]bool) {
	at, ok := v.log.attached[s.Attachment]
	switch {
	case !ok:
		v.fail(stepActions, "detached", "the log says that attachment %s does not stand; the bundle shows it", s.Attachment)
		return
	case at.record != s.Record || at.leaf.Text("control") != s.Control || at.leaf.Text("action") != s.Action || at.leaf.Text("artifact") != s.Artifact || at.leaf.Text("strength") != s.Strength:
		v.fail(stepActions, "attachment", "attachment %s is another one in the log", s.Attachment)
	case !inScope[s.Control+s.Action]:
		v.fail(stepActions, "scope", "attachment %s is to something that is not in scope", s.Attachment)
	}
	var newest *artLeaf
	for i, x := range v.log.arts[s.Artifact] {
		if x.n < v.Report.Manifest.AsOf {
			newest = &v.log.arts[s.Artifact][i]
		}
	}
	switch {
	case newest == nil || newest.n > at.n && !at.leaf.Bool("entered") && at.leaf.Int("version") > newest.leaf.Int("version"):
		v.fail(stepActions, "attachment", "attachment %s is of an artifact that the log does not tell of", s.Attachment)
	case newest.leaf.Int("version") != s.Version:
		v.fail(stepActions, "superseded", "version %d of artifact %s is shown, and version %d is the newest", s.Version, s.Artifact, newest.leaf.Int("version"))
	case newest.leaf.Text("result") != s.Result:
		v.fail(stepActions, "status", "the result of artifact %s is %s in the log", s.Artifact, newest.leaf.Text("result"))
	case at.leaf.Text("subject") != "" && !slices.ContainsFunc(v.log.arts[s.Artifact], func(x artLeaf) bool { return x.record == at.leaf.Text("subject") && x.n < at.n }):
		v.fail(stepActions, "attachment", "attachment %s is of a version that is not this artifact's", s.Attachment)
	}
}

// proofs checks the proofs of single leaves, which must be under the bundle's own checkpoint. It belongs to the last step, and comes
// before what takes long.
func (v *verifier) proofs() error {
	end := v.note.Bytes()
	byName := map[string]string{}
	for _, a := range v.Report.Manifest.Artifacts {
		byName[fmt.Sprintf("%s%s_v%d.tlog-proof", bundle.DirProofs, a.ID, a.Version)] = a.Record
	}
	for _, a := range v.Report.Manifest.Artifacts {
		if a.Retired != "" {
			byName[bundle.DirProofs+a.ID+"_retired.tlog-proof"] = a.Retired
		}
		if r, ok := v.reviewOf(a); ok {
			byName[bundle.DirProofs+r.leaf.Text("review")+".tlog-proof"] = a.Reviewed
		}
	}
	for _, s := range v.Report.Manifest.Status {
		byName[bundle.DirProofs+s.Attachment+".tlog-proof"] = s.Record
	}
	for name, record := range byName {
		if !v.in.Has(name) {
			v.fail(stepActions, "proof", "%s is missing", name)
			continue
		}
		p, err := translog.ParseProof(v.small(stepActions, name, 128<<10))
		raw := v.leafAt(record)
		if err != nil || !bytes.Equal(p.Checkpoint, end) || raw.n != p.Index || translog.CheckLeaf(p.Path, v.head.Size, v.head.Root, raw.n, raw.hash) != nil {
			v.fail(stepActions, "proof", "%s does not prove the leaf that it is about", name)
		}
	}
	return nil
}

// hashed is a leaf with its place and hash.
type hashed struct {
	n    int64
	hash translog.Hash
}

// leafAt finds an artifact's or attachment's leaf by its record, and writes it again for its hash.
func (v *verifier) leafAt(record string) hashed {
	find := func(n int64, r string, l translog.Leaf) (hashed, bool) {
		if r != record {
			return hashed{}, false
		}
		b, err := l.Encode()
		return hashed{n, translog.LeafHash(b)}, err == nil
	}
	for _, kind := range []map[string][]artLeaf{v.log.arts, v.log.reviews, v.log.retired} {
		for _, leaves := range kind {
			for _, x := range leaves {
				if h, ok := find(x.n, x.record, x.leaf); ok {
					return h
				}
			}
		}
	}
	for _, x := range v.log.attached {
		if h, ok := find(x.n, x.record, x.leaf); ok {
			return h
		}
	}
	return hashed{n: -1}
}
