package bundle

import (
	"errors"
	"fmt"
	"slices"

	"github.com/exhibithq/exhibit/internal/translog"
)

// Version is that of the bundle's layout.
const Version = 1

// Manifest says what a bundle is about and what is in it. It is canonical JSON; its SHA-256 stands in the export leaf.
type Manifest struct {
	Bundle    string // id
	Origin    string // of the log
	Workspace string
	Audit     string // name
	Framework string
	From, To  int64 // the audit's period, Unix milliseconds
	Created   int64
	Generator string // "Exhibit/x.y.z"
	Profile   string // "full": raw pages
	Start     int64  // first leaf in the bundle
	AsOf      int64  // the log's size up to which pages are in the bundle
	Controls  []Control
	Actions   []ActionRef
	Status    []Status
	Coverage  []Claim
	Artifacts []Artifact
	// Redactions are the erased records of the pages in the bundle; a page can have several.
	Redactions []Redaction
	Files      []File
	Limits     []string
}

// Redaction says which records of a page were erased by one leaf.
type Redaction struct {
	Connection, Stream string
	Page               int64
	Segments           []int64
	Record             string // of the leaf that tells of it
}

// Control is a control in scope.
type Control struct{ ID, Key, Name string }

// ActionRef is an action of a control in scope.
type ActionRef struct{ ID, Key, Control string }

// Status says that an artifact is evidence for a control: one line for each attachment that stands.
type Status struct {
	Control, Action string // IDs; exactly one is set
	Attachment      string
	Artifact        string
	Version         int64
	Strength        string
	Result          string
	Record          string // of the leaf that attached it
}

// Claim says what of the audit's period was read of a stream.
type Claim struct {
	Connection, Stream string
	From, To           int64
	Pages              int64
	Records            int64
	Events             int64
	Windows            []translog.Millis
	Whole, Settled     bool
	Record             string // of the coverage leaf
}

// Artifact is an artifact version in the bundle.
type Artifact struct {
	ID      string
	Version int64
	Record  string // of its leaf
	// Review is where it stands with its reviewers: not_reviewed, approved, changes_requested, rejected or reopened, and
	// Reviewed the record of the review that this follows from.
	Review, Reviewed string
	Retired          string // record of the leaf that took it out of use; empty: it is in use
	Erased           string // record of the leaf that tells that its files were erased; empty: they were not
}

// MaxManifest bounds a manifest in bytes.
const MaxManifest = 64 << 20

// Encode writes the manifest.
func (m Manifest) Encode() ([]byte, error) {
	list := func(n int, f func(i int) translog.Fields) []any {
		out := make([]any, n)
		for i := range n {
			out[i] = f(i)
		}
		return out
	}
	top := translog.Fields{
		"v": Version, "bundle": m.Bundle, "origin": m.Origin, "workspace": m.Workspace, "audit": m.Audit, "framework": m.Framework,
		"period": translog.SpanFields(m.From, m.To), "created": m.Created, "generator": m.Generator, "profile": m.Profile,
		"start": m.Start, "as_of": m.AsOf, "limits": m.Limits,
		"controls": list(len(m.Controls), func(i int) translog.Fields {
			c := m.Controls[i]
			return translog.Fields{"id": c.ID, "key": c.Key, "name": c.Name}
		}),
		"actions": list(len(m.Actions), func(i int) translog.Fields {
			a := m.Actions[i]
			return translog.Fields{"id": a.ID, "key": a.Key, "control": a.Control}
		}),
		"status": list(len(m.Status), func(i int) translog.Fields {
			s := m.Status[i]
			return translog.Fields{"control": s.Control, "action": s.Action, "attachment": s.Attachment, "artifact": s.Artifact, "version": s.Version,
				"strength": s.Strength, "result": s.Result, "record": s.Record}
		}),
		"coverage": list(len(m.Coverage), func(i int) translog.Fields {
			c := m.Coverage[i]
			return translog.Fields{"connection": c.Connection, "stream": c.Stream, "span": translog.SpanFields(c.From, c.To), "pages": c.Pages, "records": c.Records,
				"events": c.Events, "whole": c.Whole, "settled": c.Settled, "record": c.Record,
				"windows": list(len(c.Windows), func(i int) translog.Fields { return translog.SpanFields(c.Windows[i].From, c.Windows[i].To) })}
		}),
		"artifacts": list(len(m.Artifacts), func(i int) translog.Fields {
			a := m.Artifacts[i]
			out := translog.Fields{"id": a.ID, "version": a.Version, "record": a.Record, "review": a.Review, "reviewed": a.Reviewed, "retired": a.Retired}
			if a.Erased != "" {
				out["erased"] = a.Erased
			}
			return out
		}),
		"files": list(len(m.Files), func(i int) translog.Fields {
			f := m.Files[i]
			out := translog.Fields{"path": f.Path, "role": f.Role, "size": f.Size, "sha256": f.SHA256, "packed_sha256": f.Packed}
			if f.Record != "" {
				out["record"], out["commit"], out["salt"], out["format"] = f.Record, f.Commit, f.Salt, f.Format
			}
			return out
		}),
	}
	if len(m.Redactions) > 0 { // what was erased is named where there is something
		top["redactions"] = list(len(m.Redactions), func(i int) translog.Fields {
			r := m.Redactions[i]
			segments := make([]any, len(r.Segments))
			for k, s := range r.Segments {
				segments[k] = s
			}
			return translog.Fields{"connection": r.Connection, "stream": r.Stream, "page": r.Page, "segments": segments, "record": r.Record}
		})
	}
	return translog.EncodeJSON(top)
}

// ErrManifest says that a manifest is not one of this version.
var ErrManifest = errors.New("the manifest is not one of this version")

// DecodeManifest reads what Encode writes and nothing else. It never panics.
func DecodeManifest(b []byte) (Manifest, error) {
	f, err := translog.DecodeJSON(b)
	if err != nil {
		return Manifest{}, fmt.Errorf("the manifest: %w", err)
	}
	d := &decoder{}
	top := translog.Leaf{Fields: f}
	m := Manifest{Bundle: top.Text("bundle"), Origin: top.Text("origin"), Workspace: top.Text("workspace"), Audit: top.Text("audit"), Framework: top.Text("framework"),
		Created: top.Int("created"), Generator: top.Text("generator"), Profile: top.Text("profile"), Start: top.Int("start"), AsOf: top.Int("as_of")}
	period := d.span(top, "period")
	m.From, m.To = period.From, period.To
	for _, l := range d.list(top, "controls") {
		m.Controls = append(m.Controls, Control{l.Text("id"), l.Text("key"), l.Text("name")})
	}
	for _, l := range d.list(top, "actions") {
		m.Actions = append(m.Actions, ActionRef{l.Text("id"), l.Text("key"), l.Text("control")})
	}
	for _, l := range d.list(top, "status") {
		m.Status = append(m.Status, Status{l.Text("control"), l.Text("action"), l.Text("attachment"), l.Text("artifact"), l.Int("version"), l.Text("strength"), l.Text("result"), l.Text("record")})
	}
	for _, l := range d.list(top, "coverage") {
		span := d.span(l, "span")
		c := Claim{Connection: l.Text("connection"), Stream: l.Text("stream"), From: span.From, To: span.To, Pages: l.Int("pages"), Records: l.Int("records"),
			Events: l.Int("events"), Whole: l.Bool("whole"), Settled: l.Bool("settled"), Record: l.Text("record")}
		for _, w := range d.list(l, "windows") {
			c.Windows = append(c.Windows, d.bare(w))
		}
		m.Coverage = append(m.Coverage, c)
	}
	for _, l := range d.list(top, "artifacts") {
		m.Artifacts = append(m.Artifacts, Artifact{ID: l.Text("id"), Version: l.Int("version"), Record: l.Text("record"), Review: l.Text("review"), Reviewed: l.Text("reviewed"), Retired: l.Text("retired"), Erased: l.Text("erased")})
	}
	for _, l := range d.list(top, "redactions") {
		r := Redaction{Connection: l.Text("connection"), Stream: l.Text("stream"), Page: l.Int("page"), Record: l.Text("record")}
		for _, s := range l.List("segments") {
			n, ok := s.(int64)
			d.bad = d.bad || !ok
			r.Segments = append(r.Segments, n)
		}
		m.Redactions = append(m.Redactions, r)
	}
	for _, l := range d.list(top, "files") {
		m.Files = append(m.Files, File{Path: l.Text("path"), Role: l.Text("role"), Size: l.Int("size"), SHA256: l.Text("sha256"), Packed: l.Text("packed_sha256"),
			Record: l.Text("record"), Commit: l.Text("commit"), Salt: l.Text("salt"), Format: l.Text("format")})
	}
	for _, v := range top.List("limits") {
		s, _ := v.(string)
		m.Limits = append(m.Limits, s)
	}
	if top.Int("v") != Version || d.bad {
		return Manifest{}, ErrManifest
	}
	// Whatever was left out, or was of another type, is not written again.
	again, err := m.Encode()
	if err != nil || !slices.Equal(again, b) {
		return Manifest{}, ErrManifest
	}
	return m, nil
}

type decoder struct{ bad bool }

func (d *decoder) list(l translog.Leaf, name string) (out []translog.Leaf) {
	for _, v := range l.List(name) {
		f, ok := v.(translog.Fields)
		d.bad = d.bad || !ok
		out = append(out, translog.Leaf{Fields: f})
	}
	return out
}

func (d *decoder) span(l translog.Leaf, name string) translog.Millis {
	s, ok := l.Span(name)
	d.bad = d.bad || !ok
	return s
}

// bare reads an object that is a span itself.
func (d *decoder) bare(l translog.Leaf) translog.Millis {
	return d.span(translog.Leaf{Fields: translog.Fields{"x": l.Fields}}, "x")
}

// Opening is what opens a commitment of the log.
type Opening struct {
	Commit string
	Tag    string
	Salt   string // hex
	Value  string
}

// EncodeOpenings writes openings in order of their commitments.
func EncodeOpenings(all []Opening) ([]byte, error) {
	list := []any{}
	for _, o := range all {
		list = append(list, translog.Fields{"commit": o.Commit, "tag": o.Tag, "salt": o.Salt, "value": o.Value})
	}
	return translog.EncodeJSON(translog.Fields{"openings": list})
}

// DecodeOpenings reads what EncodeOpenings writes and checks that each opens its commitment.
func DecodeOpenings(b []byte) (map[string]Opening, error) {
	f, err := translog.DecodeJSON(b)
	if err != nil {
		return nil, fmt.Errorf("the openings: %w", err)
	}
	d := &decoder{}
	all := make(map[string]Opening)
	for _, l := range d.list(translog.Leaf{Fields: f}, "openings") {
		o := Opening{l.Text("commit"), l.Text("tag"), l.Text("salt"), l.Text("value")}
		salt, err := translog.ParseHash(o.Salt)
		if err != nil || len(l.Fields) != 4 || translog.Commit(translog.Tag(o.Tag), translog.Salt(salt), []byte(o.Value)).String() != o.Commit {
			return nil, fmt.Errorf("an opening does not open the commitment %.64s", o.Commit)
		}
		all[o.Commit] = o
	}
	if d.bad || len(f) != 1 {
		return nil, ErrManifest
	}
	return all, nil
}

// InPeriod reports whether evidence of a span belongs to a bundle of a period: the two touch. What is attached to something in
// scope and belongs to it must be shown.
func InPeriod(span translog.Millis, from, to int64) bool { return span.From < to && span.To > from }
