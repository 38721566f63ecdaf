package app_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibithq/exhibit/internal/app"
	"github.com/exhibithq/exhibit/internal/artifact"
	"github.com/exhibithq/exhibit/internal/audit"
	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/source/all"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/verify"
)

// The story that the bundles of these tests tell: one stream that was read over ten days, and two days on.
var (
	storyStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	storyEnd   = storyStart.AddDate(0, 0, 10)
)

// story is an App with evidence in it and a bundle of that.
type story struct {
	*app.App
	t        testing.TB
	cfg      app.Config
	now      time.Time
	conn     evidence.ID
	before   int  // pages of each stream from before the story
	twin     bool // the third page of sign-ins holds a record with the uuid of one of the story, and other bytes
	recipes  []string
	reviewed evidence.ID // the artifact that was approved
	bytes    []byte
	policy   *translog.Policy
	key      *translog.SigningKey
	event    func(stream evidence.Stream, n int, at time.Time) string
}

func newStory(t testing.TB) *story {
	t.Helper()
	return newStoryWith(t, app.Config{})
}

// newStoryWith is newStory with what an operator may set.
func newStoryWith(t testing.TB, cfg app.Config) *story {
	t.Helper()
	return newStoryOf(t, cfg, eventOf)
}

// newStoryOf is newStoryWith of other events.
func newStoryOf(t testing.TB, cfg app.Config, event func(stream evidence.Stream, n int, at time.Time) string) *story {
	t.Helper()
	s := &story{t: t, now: storyEnd.AddDate(0, 0, 3), recipes: []string{"failed-sign-ins", "coverage"}, event: event}
	s.tell(cfg)
	return s
}

// tell makes what the story is about, and a bundle of it.
func (s *story) tell(cfg app.Config) {
	s.t.Helper()
	t := s.t
	if s.event == nil {
		s.event = eventOf
	}
	var err error
	cfg.Data, cfg.Now = t.TempDir(), func() time.Time { return s.now }
	s.cfg = cfg
	s.App, err = app.Open(t.Context(), cfg)
	s.ok(err)
	t.Cleanup(func() { s.ok(s.Close()) })
	_, err = s.Program.Seed(t.Context(), "Ada Okafor", s.Workspace, "soc2")
	s.ok(err)
	s.conn = evidence.NewID(evidence.PrefixConnection)
	streams := []evidence.Stream{"signinattempts", "itemusages", "auditevents"}
	s.ok(s.Store.CreateConnection(t.Context(), evidence.Connection{ID: s.conn, Workspace: s.Workspace, Source: "onepassword", Name: "1Password", Server: "https://events.example.com",
		AccountUUID: "A", Features: streams, CreatedAt: storyStart, CheckedAt: s.now}, nil, streams))
	for _, stream := range streams {
		s.read(stream)
	}
	for _, r := range s.recipes {
		v, err := s.Artifacts.Build(t.Context(), "Ada Okafor", s.Workspace, artifact.BuildRequest{Recipe: r, Span: evidence.Span{From: storyStart, To: storyEnd}})
		s.ok(err)
		attached, err := s.Artifacts.AutoAttach(t.Context(), "Ada Okafor", s.Workspace, v.Artifact.ID)
		s.ok(err)
		if len(attached) == 0 {
			controls, err := s.Store.Controls(t.Context(), s.Workspace)
			s.ok(err)
			_, err = s.Artifacts.Attach(t.Context(), "Ada Okafor", s.Workspace, artifact.AttachRequest{Artifact: v.Artifact.ID, Control: controls[0].Key})
			s.ok(err)
		}
		if r == "failed-sign-ins" {
			s.reviewed = v.Artifact.ID
			s.review(evidence.ReviewApproved, "")
		}
	}
	_, err = s.Audits.Create(t.Context(), s.ada(), audit.CreateRequest{Name: "Spring", Framework: "soc2", Period: evidence.Span{From: storyStart, To: storyEnd}})
	s.ok(err)
	s.bundle()
}

// review has somebody else judge the artifact of failed sign-ins.
func (s *story) review(verdict evidence.ReviewVerdict, reason string) {
	s.t.Helper()
	c := people.Caller{Member: "us_rita", Workspace: s.Workspace, Name: "Rita Example", Role: people.Reviewer}
	_, err := s.Artifacts.Review(s.t.Context(), c, artifact.ReviewRequest{Artifact: s.reviewed, Verdict: verdict, Reason: reason})
	s.ok(err)
}

// ada is the administrator of the story.
func (s *story) ada() people.Caller {
	return people.Caller{Member: "us_ada", Workspace: s.Workspace, Name: "Ada Okafor", Role: people.Admin}
}

func (s *story) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// read stores a few pages of a stream, then that there is nothing more.
func (s *story) read(stream evidence.Stream) {
	s.t.Helper()
	ctx := s.t.Context()
	lease, err := s.Store.Acquire(ctx, s.conn, stream, "here.example.com/1/1", time.Hour)
	s.ok(err)
	kind, _ := source.FindKind(all.Kinds(), "onepassword")
	start := storyStart.Add(-time.Duration(s.before) * 60 * time.Hour)
	for n := range s.before + 4 {
		var items []string
		last := start
		for i := range 5 {
			last = start.Add(time.Duration(n)*60*time.Hour + time.Duration(i)*time.Hour)
			items = append(items, s.event(stream, n*5+i, last))
		}
		if s.twin && n == 2 && stream == "signinattempts" {
			items[0] = eventOf(stream, (s.before+1)*5, last)
		}
		through := last
		more := n < s.before+3
		if !more {
			items, through = nil, s.now.Add(-time.Minute)
		}
		body := fmt.Appendf(nil, `{"cursor":"%s-%d","has_more":%t,"items":[%s]}`, stream, n, more, strings.Join(items, ", "))
		p, err := kind.Split(stream, body, s.now)
		s.ok(err)
		c := store.PageCommit{Mode: store.Live, Request: source.Request{Stream: stream, Cursor: source.Cursor(lease.Cursor), From: start, Limit: 1000}, Page: p,
			RequestedAt: s.now.Add(-time.Minute), ReceivedAt: s.now.Add(-time.Minute + time.Second), Window: evidence.Span{From: start, To: through}, NewWindow: n == 0, CaughtUp: !more, Build: "Exhibit/test"}
		done, err := s.Store.Commit(ctx, lease, c)
		s.ok(err)
		lease = done.Lease
	}
	s.ok(s.Store.Release(ctx, lease))
}

func eventOf(stream evidence.Stream, n int, at time.Time) string {
	uuid := fmt.Sprintf("%026d", n)
	switch stream {
	case "signinattempts":
		return fmt.Sprintf(`{"uuid":"%s","session_uuid":"S%d","timestamp":"%s","category":"credentials_failed","type":"password_secret_bad","country":"CA","details":null,`+
			`"target_user":{"uuid":"U1","name":"Ada Okafor","email":"ada@example.com"},"client":{"app_name":"1Password","ip_address":"192.0.2.1"}}`, uuid, n, at.Format(time.RFC3339))
	case "itemusages":
		return fmt.Sprintf(`{"uuid":"%s","timestamp":"%s","used_version":1,"vault_uuid":"V","item_uuid":"I","action":"reveal","user":{"uuid":"U1","name":"Ada Okafor","email":"ada@example.com"},"client":{}}`, uuid, at.Format(time.RFC3339))
	}
	return fmt.Sprintf(`{"uuid":"%s","timestamp":"%s","actor_uuid":"U1","action":"join","object_type":"gm","object_uuid":"G","aux_uuid":"U2","session":{"ip":"192.0.2.1"}}`, uuid, at.Format(time.RFC3339))
}

// bundle makes the bundle, and opens the log's own key, which a dishonest owner has.
func (s *story) bundle() {
	s.t.Helper()
	var out bytes.Buffer
	_, err := s.Audits.Bundle(s.t.Context(), s.ada(), "Spring", &out, nil)
	s.ok(err)
	s.bytes = out.Bytes()
	l, err := s.Store.Log(s.t.Context(), s.Workspace)
	s.ok(err)
	keys, err := s.Store.LogKeys(s.t.Context(), l)
	s.ok(err)
	box, err := s.Connections.Box(s.t.Context(), s.Workspace)
	s.ok(err)
	secret, err := box.Open(keys[0].Sealed, "", seal.PurposeLogKey)
	s.ok(err)
	s.key, err = translog.ParseSigningKey(secret.Reveal())
	s.ok(err)
	s.policy, err = translog.ParsePolicy(translog.TrustLog(s.key.Verifier()))
	s.ok(err)
}

func (s *story) verify(b []byte, opt verify.Options) verify.Report {
	s.t.Helper()
	opt.Kinds = all.Kinds()
	r, err := verify.Bundle(s.t.Context(), bytes.NewReader(b), int64(len(b)), opt)
	s.ok(err)
	return r
}

// forgery is a bundle in pieces, to be changed and put together again.
type forgery struct {
	t      testing.TB
	parts  map[string][]byte
	leaves []translog.Leaf
	raw    [][]byte // as they were
	m      bundle.Manifest
	key    *translog.SigningKey
	head   translog.Checkpoint
}

func (s *story) forge() *forgery {
	s.t.Helper()
	r, err := bundle.Open(bytes.NewReader(s.bytes), int64(len(s.bytes)))
	s.ok(err)
	f := &forgery{t: s.t, parts: map[string][]byte{}, key: s.key}
	for _, name := range r.Names() {
		f.parts[name], err = r.Read(name, 1<<30)
		s.ok(err)
	}
	f.m, err = bundle.DecodeManifest(f.parts[bundle.PathManifest])
	s.ok(err)
	f.head, _, err = translog.OpenCheckpoint(f.parts[bundle.PathCheckpoint])
	s.ok(err)
	in := bytes.NewReader(f.parts[bundle.PathLeaves])
	for {
		leaf, err := translog.ReadEntry(in, nil)
		if err == io.EOF {
			return f
		}
		s.ok(err)
		l, err := translog.DecodeLeaf(leaf)
		s.ok(err)
		f.leaves, f.raw = append(f.leaves, l), append(f.raw, leaf)
	}
}

// zip puts the parts together as they are, like somebody who only has the file.
func (f *forgery) zip() []byte {
	f.t.Helper()
	w, err := bundle.NewWriter(f.t.TempDir())
	f.ok(err)
	for _, name := range slices.Sorted(maps.Keys(f.parts)) {
		_, err := w.AddBytes(bundle.File{Path: name}, f.parts[name])
		f.ok(err)
	}
	var out bytes.Buffer
	f.ok(w.Close(&out, nil))
	return out.Bytes()
}

func (f *forgery) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// remanifest writes the manifest for the parts as they are now.
func (f *forgery) remanifest() {
	f.t.Helper()
	w, err := bundle.NewWriter(f.t.TempDir())
	f.ok(err)
	known := map[string]bundle.File{}
	for _, x := range f.m.Files {
		known[x.Path] = x
	}
	for name, b := range f.parts {
		x := known[name]
		x.Path = name
		_, err := w.AddBytes(x, b)
		f.ok(err)
	}
	f.m.Files = w.Files()
	f.ok(w.Close(io.Discard, nil))
	f.parts[bundle.PathManifest], err = f.m.Encode()
	f.ok(err)
	f.parts[bundle.PathSums] = bundle.Sums(f.m.Files)
}

// relog writes the log for the leaves as they are now, in chains that follow, fixes the manifest in it, and signs it with
// the log's own key: what a dishonest owner can do.
func (f *forgery) relog() {
	f.t.Helper()
	if p, err := translog.ParsePolicy(f.parts[bundle.PathHint]); err == nil && len(p.Witnesses) == 0 {
		f.parts[bundle.PathHint] = translog.TrustLog(f.key.Verifier())
	}
	f.leavesAnew() // once for the records that the manifest names
	f.remanifest()
	for i := len(f.leaves) - 1; i >= 0; i-- {
		if f.leaves[i].Kind == translog.KindExport {
			f.leaves[i].Fields["manifest_sha"] = shaOf(f.parts[bundle.PathManifest])
			break
		}
	}
	f.leavesAnew()
	f.sign()
}

func (f *forgery) leavesAnew() {
	chains, records := map[string]string{}, map[string]string{}
	for i := range f.leaves {
		l := &f.leaves[i]
		chain := translog.ChainOf(*l)
		if l.Has("prev") && chain != "" {
			l.Fields["prev"] = chains[chain]
		}
		if s := l.Text("subject"); records[s] != "" {
			l.Fields["subject"] = records[s]
		}
		for _, x := range l.List("targets") {
			if target := x.(translog.Fields); target["page"] != nil {
				target["page"] = orSame(records, target["page"].(string))
			}
		}
		b, err := l.Encode()
		f.ok(err)
		record := translog.RecordID(b)
		if i < len(f.raw) {
			records[translog.RecordID(f.raw[i])] = record
		}
		chains[chain] = record
		if i < len(f.raw) {
			f.raw[i] = b
		} else {
			f.raw = append(f.raw, b)
		}
	}
	f.raw = f.raw[:len(f.leaves)]
	for i := range f.m.Status {
		f.m.Status[i].Record = orSame(records, f.m.Status[i].Record)
	}
	for i := range f.m.Redactions {
		f.m.Redactions[i].Record = orSame(records, f.m.Redactions[i].Record)
	}
	for i := range f.m.Artifacts {
		f.m.Artifacts[i].Erased = orSame(records, f.m.Artifacts[i].Erased)
		a := &f.m.Artifacts[i]
		a.Record, a.Reviewed, a.Retired = orSame(records, a.Record), orSame(records, a.Reviewed), orSame(records, a.Retired)
	}
	for i := range f.m.Coverage {
		f.m.Coverage[i].Record = orSame(records, f.m.Coverage[i].Record)
	}
	for i := range f.m.Files {
		f.m.Files[i].Record = orSame(records, f.m.Files[i].Record)
	}
}

func orSame(m map[string]string, key string) string {
	if v := m[key]; v != "" {
		return v
	}
	return key
}

func shaOf(b []byte) string {
	w, _ := bundle.NewWriter("")
	f, _ := w.AddBytes(bundle.File{Path: "x"}, b)
	_ = w.Discard()
	return f.SHA256
}

// sign writes leaves, checkpoint and proofs for f.raw.
func (f *forgery) sign() {
	f.t.Helper()
	nodes := map[translog.Node]translog.Hash{}
	read := func(at []translog.Node) ([]translog.Hash, error) {
		var out []translog.Hash
		for _, n := range at {
			out = append(out, nodes[n])
		}
		return out, nil
	}
	var entries []byte
	for i, leaf := range f.raw {
		entries = translog.AppendEntry(entries, leaf)
		hashes, err := translog.Grow(int64(i), leaf, read)
		f.ok(err)
		for level, h := range hashes {
			nodes[translog.Node{Level: level, N: int64(i) >> level}] = h
		}
	}
	size := int64(len(f.raw))
	root, err := translog.Root(size, read)
	f.ok(err)
	f.head.Size, f.head.Root = size, root
	note := f.head.Sign(time.Unix(f.m.Created/1000, 0), f.key)
	f.parts[bundle.PathLeaves], f.parts[bundle.PathCheckpoint] = entries, note
	wants := map[string]string{}
	for _, a := range f.m.Artifacts {
		wants[fmt.Sprintf("%s%s_v%d.tlog-proof", bundle.DirProofs, a.ID, a.Version)] = a.Record
	}
	for _, a := range f.m.Artifacts {
		for _, leaf := range f.raw {
			if l, err := translog.DecodeLeaf(leaf); err == nil && translog.RecordID(leaf) == a.Reviewed {
				wants[bundle.DirProofs+l.Text("review")+".tlog-proof"] = a.Reviewed
			}
		}
	}
	for _, s := range f.m.Status {
		wants[bundle.DirProofs+s.Attachment+".tlog-proof"] = s.Record
	}
	for name := range f.parts {
		if strings.HasPrefix(name, bundle.DirProofs) {
			delete(f.parts, name)
		}
	}
	for name, record := range wants {
		for i, leaf := range f.raw {
			if translog.RecordID(leaf) == record {
				path, err := translog.ProveLeaf(size, int64(i), read)
				f.ok(err)
				f.parts[name] = translog.Proof{Index: int64(i), Path: path, Checkpoint: note}.Bytes()
			}
		}
	}
}

// find gives the n-th leaf of a kind.
func (f *forgery) find(kind translog.Kind, n int) int {
	f.t.Helper()
	for i, l := range f.leaves {
		if l.Kind == kind {
			if n == 0 {
				return i
			}
			n--
		}
	}
	f.t.Fatalf("there is no leaf %d of kind %s", n, kind)
	return -1
}

// insert puts a leaf before leaf at, among the evidence that the bundle is about.
func (f *forgery) insert(at int, l translog.Leaf) {
	f.leaves, f.raw = slices.Insert(f.leaves, at, l), slices.Insert(f.raw, at, []byte("new"))
	f.m.AsOf++
	for _, l := range f.leaves {
		if l.Kind == translog.KindCoverage {
			setText(l, "as_of", f.m.AsOf)
		}
	}
}

func (f *forgery) drop(i int) {
	f.leaves = slices.Delete(f.leaves, i, i+1)
	f.raw = slices.Delete(f.raw, i, i+1)
}

// part gives a part by the beginning and the end of its name.
func (f *forgery) part(prefix, suffix string) string {
	f.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(f.parts)) {
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			return name
		}
	}
	f.t.Fatalf("there is no part %s…%s", prefix, suffix)
	return ""
}

// recommit makes the leaf of an artifact commit to a file as it is now.
func (f *forgery) recommit(path string) {
	f.t.Helper()
	f.remanifest()
	for i := range f.m.Files {
		x := &f.m.Files[i]
		if x.Path != path {
			continue
		}
		salt, err := hex.DecodeString(x.Salt)
		f.ok(err)
		sum, err := hex.DecodeString(x.SHA256)
		f.ok(err)
		c := translog.Commit(translog.TagFile, translog.Salt(salt), sum).String()
		for _, l := range f.leaves {
			for _, o := range l.List("outputs") {
				if out := o.(translog.Fields); out["commit"] == x.Commit {
					out["commit"], out["size"] = c, x.Size
				}
			}
		}
		x.Commit = c
	}
}

// reroot makes the leaf of a page commit to its bytes as they are now.
func (f *forgery) reroot(path string) {
	f.t.Helper()
	body := f.parts[path]
	kind, _ := source.FindKind(all.Kinds(), "onepassword")
	stream := strings.Split(path, "/")[2]
	p, err := kind.Split(evidence.Stream(stream), body, storyEnd)
	f.ok(err)
	for i := range f.leaves {
		l := f.leaves[i]
		if l.Kind != translog.KindPage || !strings.HasSuffix(path, fmt.Sprintf("/%08d.json", l.Int("page"))) {
			continue
		}
		var salts translog.Salts
		for line := range strings.Lines(string(f.parts[path[:strings.LastIndex(path, "/")+1]+"salts.txt"])) {
			if strings.HasPrefix(line, fmt.Sprintf("%08d ", l.Int("page"))) {
				salts, err = hex.DecodeString(strings.TrimSpace(line[9:]))
				f.ok(err)
			}
		}
		root, err := translog.PageRoot(body, len(p.Records), func(i int) (int, int) { return p.Records[i].Start, p.Records[i].End }, salts)
		f.ok(err)
		l.Fields["root"], l.Fields["len"], l.Fields["n"] = root.String(), int64(len(body)), int64(len(p.Records))
	}
	f.eventsAnew(stream)
}

// eventsAnew writes the events of a stream, one a line, as its pages have them now.
func (f *forgery) eventsAnew(stream string) {
	f.t.Helper()
	kind, _ := source.FindKind(all.Kinds(), "onepassword")
	lines := f.part(bundle.DirEvents, stream+"_1.ndjson")
	var out []byte
	for _, name := range slices.Sorted(maps.Keys(f.parts)) {
		if strings.Contains(name, "/"+stream+"/") && strings.HasSuffix(name, ".json") {
			p, err := kind.Split(evidence.Stream(stream), f.parts[name], storyEnd)
			f.ok(err)
			for _, r := range p.Records {
				out = append(append(out, f.parts[name][r.Start:r.End]...), '\n')
			}
		}
	}
	f.parts[lines] = out
}
