package verify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/translog"
)

// erasedSegments is what one leaf says was erased of a page.
type erasedSegments struct {
	n        int64
	record   string
	segments []int64
}

type versionKey struct {
	artifact string
	version  int64
}

// emptied is a version of an artifact whose files were erased: the roles of these, and the last leaf that tells of it.
type emptied struct {
	record string
	roles  []string
}

// erase follows what was erased. That it is a page or a version that the log told of before is checked here or, for pages, where
// they are read.
func (v *verifier) erase(n int64, record string, l translog.Leaf) {
	for _, t := range l.List("targets") {
		fields, _ := t.(translog.Fields)
		target := translog.Leaf{Fields: fields}
		if target.Has("artifact") {
			v.eraseFile(n, record, target)
			continue
		}
		page, err := translog.ParseHash(target.Text("page"))
		e := erasedSegments{n: n, record: record}
		for _, s := range target.List("segments") {
			i, ok := s.(int64)
			if !ok || i%2 != 1 || len(e.segments) > 0 && i <= e.segments[len(e.segments)-1] {
				err = errStop
			}
			e.segments = append(e.segments, i)
		}
		if err != nil || len(e.segments) == 0 || len(fields) != 2 {
			v.fail(stepLeaves, "erase_target", "leaf %d does not say which records of a page were erased", n)
			continue
		}
		v.log.erased[page] = append(v.log.erased[page], e)
	}
}

func (v *verifier) eraseFile(n int64, record string, target translog.Leaf) {
	key := versionKey{target.Text("artifact"), target.Int("version")}
	known := slices.ContainsFunc(v.log.arts[key.artifact], func(a artLeaf) bool { return a.leaf.Int("version") == key.version })
	if !known && v.log.start == 0 || target.Text("role") == "" || len(target.Fields) != 3 {
		v.fail(stepLeaves, "erase_target", "leaf %d erases a file of a version that the log does not tell of", n)
		return
	}
	if v.log.emptied[key] == nil {
		v.log.emptied[key] = &emptied{}
	}
	e := v.log.emptied[key]
	e.record, e.roles = record, append(e.roles, target.Text("role"))
}

// gone gives which records of a page were erased, by the log, and the number of the last leaf that says so.
func (v *verifier) gone(p pageLeaf) (which map[int]bool, last int64) {
	for _, e := range v.log.erased[p.record] {
		if which == nil {
			which = map[int]bool{}
		}
		for _, s := range e.segments {
			which[int(s/2)] = true
		}
		last = max(last, e.n)
	}
	return which, last
}

// redacted reads a page of which something was erased: the body as it is kept, its records and its salts, with what is told of
// what was erased. The log must have told of each erased record, and each that it told of must be gone.
func (v *verifier) redacted(st *streamState, p pageLeaf, text []byte) (body []byte, records [][2]int, salts translog.Salts, erased []translog.Segment, ok bool) {
	segments, err := translog.DecodeRedacted(text)
	if err != nil {
		v.fail(stepPages, "page_split", "page %d of %s: %v", p.page, st.key, err)
		return nil, nil, nil, nil, false
	}
	which, _ := v.gone(p)
	erased = make([]translog.Segment, len(segments)/2)
	n := 0
	for i, s := range segments {
		if i%2 == 0 {
			continue
		}
		switch {
		case s.Erased && !which[i/2]:
			v.fail(stepPages, "erased_unexplained", "record %d of page %d of %s is missing, and no leaf of the log says that it was erased", i/2, p.page, st.key)
			return nil, nil, nil, nil, false
		case !s.Erased && which[i/2]:
			v.fail(stepPages, "erased_shown", "record %d of page %d of %s was erased, says the log, and is here", i/2, p.page, st.key)
			return nil, nil, nil, nil, false
		case s.Erased && (s.At < p.low || s.At > p.high):
			v.fail(stepPages, "page_times", "record %d of page %d of %s is said to be of a time outside of its page", i/2, p.page, st.key)
		}
		if s.Erased {
			erased[i/2] = s
			n++
		}
	}
	if n == 0 {
		v.fail(stepPages, "redacted_needless", "page %d of %s is shown as a redacted one, and nothing of it was erased", p.page, st.key)
		return nil, nil, nil, nil, false
	}
	body, records, salts = translog.Assemble(segments)
	return body, records, salts, erased, true
}

// blank takes from the records of a page what was read of the marks that stand in the place of erased ones.
func blank(records []source.Record, erased []translog.Segment) {
	for i := range erased {
		if erased[i].Erased {
			records[i].Facts = evidence.Facts{At: time.UnixMilli(erased[i].At).UTC(), Odd: evidence.OddErased}
		}
	}
}

// kept notes size and digest of a page of which something was erased, as its owner keeps it.
func (p *pageLeaf) kept(body []byte) {
	sum := sha256.Sum256(body)
	p.size, p.sha = int64(len(body)), hex.EncodeToString(sum[:])
}

// explained looks at what the log says was erased of a page: that the page has these records, and, if it is in the bundle, what
// the manifest has to name.
func (v *verifier) explained(st *streamState, p pageLeaf, here bool) {
	for _, e := range v.log.erased[p.record] {
		v.found++
		if e.segments[len(e.segments)-1] >= 2*p.leaf.Int("n") || e.n < p.n {
			v.fail(stepLeaves, "erase_target", "leaf %d erases records that page %d does not have", e.n, p.page)
		}
		if here {
			v.want = append(v.want, bundle.Redaction{Connection: st.key.connection, Stream: st.key.stream, Page: p.page, Segments: e.segments, Record: e.record})
		}
	}
}

// redactions compares what the manifest names with what the log says of the pages in the bundle, and holds that each erasure
// that the log tells of is about one of its pages.
func (v *verifier) redactions() {
	all := 0
	for _, e := range v.log.erased {
		all += len(e)
	}
	if all != v.found && v.log.start == 0 {
		v.fail(stepLeaves, "erase_target", "the log tells of erased records of a page that it does not tell of")
	}
	have, want := slices.Clone(v.Report.Manifest.Redactions), v.want
	order := func(a, b bundle.Redaction) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Page, b.Page), cmp.Compare(a.Record, b.Record))
	}
	slices.SortFunc(want, order)
	slices.SortFunc(have, order)
	same := func(a, b bundle.Redaction) bool {
		return order(a, b) == 0 && slices.Equal(a.Segments, b.Segments)
	}
	if !slices.EqualFunc(have, want, same) {
		v.fail(stepPages, "redactions", "the manifest names other erased records than the log")
	}
}

// emptiedFiles deals with an artifact whose files were erased: none may be here, and the log must say so of each.
func (v *verifier) emptiedFiles(a bundle.Artifact, x artLeaf, files []bundle.File) (done bool) {
	e := v.log.emptied[versionKey{a.ID, a.Version}]
	record := ""
	if e != nil {
		record = e.record
	}
	if a.Erased != record {
		v.fail(stepArtifacts, "erased_artifact", "whether the files of artifact %s were erased is shown otherwise than the log says", a.ID)
		return true
	}
	if e == nil {
		return false
	}
	for _, o := range x.leaf.List("outputs") {
		fields, _ := o.(translog.Fields)
		if role := (translog.Leaf{Fields: fields}).Text("role"); !slices.Contains(e.roles, role) {
			v.fail(stepArtifacts, "artifact_file", "artifact %s lacks its %.40s file, and no leaf says that it was erased", a.ID, role)
		}
	}
	if len(files) > 0 {
		v.fail(stepArtifacts, "erased_shown", "the files of artifact %s were erased, says the log, and %d are here", a.ID, len(files))
	}
	v.Emptied++
	v.Reproduced = false
	v.unproven("What artifact %s version %d said: its content was erased with the data of a person, as the log tells. It cannot be made again.", a.ID, a.Version)
	return true
}
