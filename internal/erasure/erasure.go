// Package erasure erases the data of one person: the events that name him, and the files of artifacts that tell of him, so that
// everything else stays proven. It shows first what would go and what keeps it from going.
//
// Order of durable steps: the erasure is noted, versions of artifacts go one by one, records batch by batch, then files of both
// and of exports, and last what was derived. Each is one transaction with its leaf in the log. After a crash the erasure is
// continued: it looks again what is left.
package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what of the store erasures need.
type Store interface {
	PeopleAs(ctx context.Context, ws evidence.ID) ([]evidence.Person, error)
	NamedAs(ctx context.Context, ws evidence.ID, name string) ([]string, error)
	FindRecords(ctx context.Context, ws evidence.ID, inBody, matches func(b []byte) bool, each func(store.PageTargets) error) error
	EventNames(ctx context.Context, t store.PageTargets) ([]string, error)
	Versions(ctx context.Context, ws evidence.ID) ([]store.VersionTarget, error)
	Holds(ctx context.Context, ws evidence.ID) ([]evidence.Hold, error)
	AllExports(ctx context.Context, ws evidence.ID) ([]store.Export, error)
	DeleteExport(ctx context.Context, ws, id evidence.ID) error
	Erasures(ctx context.Context, ws evidence.ID) ([]evidence.Erasure, error)

	BeginErasure(ctx context.Context, e evidence.Erasure, a store.Activity) error
	EraseRecords(ctx context.Context, e evidence.Erasure, who string, batch []store.PageTargets) error
	EraseVersion(ctx context.Context, e evidence.Erasure, who string, v store.VersionTarget) error
	RemoveErasedFiles(ctx context.Context, ws evidence.ID, remove func(sha256 string, size int64) error) error
	FinishErasure(ctx context.Context, e evidence.Erasure, names func(b []byte) bool, a store.Activity) error
	Purge(ctx context.Context) error
}

// Objects is where files of artifacts and exports lie.
type Objects interface {
	Open(ctx context.Context, ref object.Ref) (io.ReadCloser, error)
	Remove(ctx context.Context, ref object.Ref) error
	RemovePassing(ctx context.Context, name string) error
}

// Service is the use cases. Its methods may be called from several goroutines and processes at once.
type Service struct {
	store   Store
	objects Objects
	now     func() time.Time
}

// New makes a Service.
func New(s Store, o Objects, now func() time.Time) *Service { return &Service{s, o, now} }

// StreamCount counts the records that would go of one stream.
type StreamCount struct {
	Connection evidence.ID
	Stream     evidence.Stream
	Records    int64
	Pages      int64
	From, To   time.Time // of the first and of the last
}

// VersionRef names a version of an artifact whose files would go.
type VersionRef struct {
	Artifact evidence.ID
	Version  int64
	Recipe   string
	Period   evidence.Span
}

// Plan is what an erasure would do.
type Plan struct {
	Subject Subject
	Streams []StreamCount
	Records int64
	Pages   int64
	// Artifacts are the versions whose files tell of the person. Uploads are files that people handed in: they are not looked into.
	Artifacts []VersionRef
	Uploads   int
	Exports   int             // files of events that people took away and that still lie here; all of them go
	Holds     []evidence.Hold // that keep it from being done

	pages    []store.PageTargets
	versions []store.VersionTarget
}

// Plan finds what an erasure of a person would do, and changes nothing.
func (s *Service) Plan(ctx context.Context, c people.Caller, subject string) (Plan, error) {
	if err := c.May(people.Erase); err != nil {
		return Plan{}, err
	}
	who, err := ParseSubject(subject)
	if err != nil {
		return Plan{}, err
	}
	for _, uuid := range who.UUIDs {
		kinds, err := s.store.NamedAs(ctx, c.Workspace, uuid)
		if err != nil {
			return Plan{}, err
		}
		for _, k := range kinds {
			if k == "vault" || k == "item" || k == "client" {
				return Plan{}, evidence.Errorf(evidence.Invalid, "%s is a %s and not a person. What happened to it is not erased.", uuid, k)
			}
		}
	}
	all, err := s.store.PeopleAs(ctx, c.Workspace)
	if err != nil {
		return Plan{}, err
	}
	return s.plan(ctx, c.Workspace, who.widen(all))
}

func (s *Service) plan(ctx context.Context, ws evidence.ID, who Subject) (Plan, error) {
	p := Plan{Subject: who}
	names := map[string]bool{}
	err := s.store.FindRecords(ctx, ws, who.mayName, who.Named, func(t store.PageTargets) error {
		if len(t.Positions) == 0 {
			return nil
		}
		p.pages = append(p.pages, t)
		p.count(t)
		mine, err := s.store.EventNames(ctx, t)
		for _, n := range mine {
			names[n] = true
		}
		return err
	})
	if err != nil {
		return p, err
	}
	if err := s.findVersions(ctx, ws, &p, names); err != nil {
		return p, err
	}
	exports, err := s.store.AllExports(ctx, ws)
	if err != nil {
		return p, err
	}
	if p.Records > 0 {
		p.Exports = len(exports)
	}
	return p, s.findHolds(ctx, ws, &p)
}

// count adds the records of a page.
func (p *Plan) count(t store.PageTargets) {
	i := slices.IndexFunc(p.Streams, func(x StreamCount) bool { return x.Connection == t.Connection && x.Stream == t.Stream })
	if i < 0 {
		i = len(p.Streams)
		p.Streams = append(p.Streams, StreamCount{Connection: t.Connection, Stream: t.Stream})
	}
	x := &p.Streams[i]
	for _, ms := range t.Times {
		at := time.UnixMilli(ms).UTC()
		if x.From.IsZero() || at.Before(x.From) {
			x.From = at
		}
		if at.After(x.To) {
			x.To = at
		}
	}
	x.Pages++
	p.Pages++
	x.Records += int64(len(t.Positions))
	p.Records += int64(len(t.Positions))
}

// findVersions finds the versions of artifacts whose table or provenance tells of the person, or names one of his events.
func (s *Service) findVersions(ctx context.Context, ws evidence.ID, p *Plan, events map[string]bool) error {
	all, err := s.store.Versions(ctx, ws)
	if err != nil {
		return err
	}
	for _, v := range all {
		switch {
		case v.Erased:
			continue
		case v.Kind != evidence.Derived:
			p.Uploads++
			continue
		}
		tells := p.Subject.told(v.Provenance)
		for _, f := range v.Files {
			if tells {
				break
			}
			if f.Format != "csv" && f.Format != "ndjson" {
				continue // every form holds the same table
			}
			if tells, err = s.fileTells(ctx, f, p.Subject, events); err != nil {
				return fmt.Errorf("reading the %s file of %s: %w", f.Format, v.Artifact, err)
			}
		}
		if tells {
			p.versions = append(p.versions, v)
			p.Artifacts = append(p.Artifacts, VersionRef{v.Artifact, v.Version, v.Recipe, v.Period})
		}
	}
	return nil
}

var aUUID = regexp.MustCompile(`[A-Z0-9]{26}`)

func (s *Service) fileTells(ctx context.Context, f evidence.File, who Subject, events map[string]bool) (tells bool, err error) {
	in, err := s.objects.Open(ctx, object.Ref{SHA256: f.SHA256, Size: f.Size})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	b, err := io.ReadAll(in)
	if err != nil {
		return false, err
	}
	if who.told(b) || who.told(bytes.ReplaceAll(b, []byte(`\u`), nil)) {
		return true, nil
	}
	return slices.ContainsFunc(aUUID.FindAll(b, -1), func(u []byte) bool { return events[string(u)] }), nil
}

// findHolds finds the legal holds that keep something of the plan.
func (s *Service) findHolds(ctx context.Context, ws evidence.ID, p *Plan) error {
	all, err := s.store.Holds(ctx, ws)
	if err != nil {
		return err
	}
	for _, h := range all {
		if h.Stands() && p.touches(h) {
			p.Holds = append(p.Holds, h)
		}
	}
	return nil
}

func (p *Plan) touches(h evidence.Hold) bool {
	for _, t := range p.pages {
		for _, ms := range t.Times {
			if at := time.UnixMilli(ms); h.Covers(t.Connection, at, at) {
				return true
			}
		}
	}
	return slices.ContainsFunc(p.Artifacts, func(v VersionRef) bool { return h.Touches(v.Period) })
}

// Nothing reports whether there is nothing to erase.
func (p Plan) Nothing() bool { return p.Records == 0 && len(p.Artifacts) == 0 }

// Held says in a sentence which hold keeps it from being done; empty: none.
func (p Plan) Held() string {
	if len(p.Holds) == 0 {
		return ""
	}
	h := p.Holds[0]
	more := ""
	if len(p.Holds) > 1 {
		more = fmt.Sprintf(" and %d more", len(p.Holds)-1)
	}
	return fmt.Sprintf("The legal hold %s (%s: %s)%s keeps it from being erased. Release the hold first, or wait until it is released.", h.ID, h.Code.Title(), h.Reason, more)
}

// RunRequest asks for an erasure.
type RunRequest struct {
	Subject string // uuid or e-mail address
	Basis   evidence.Basis
	Reason  string
}

// Progress is told what an erasure is at: a word, how much is done and how much there is. It may be nil.
type Progress func(step string, done, total int64)

// longestReason bounds a reason, in bytes.
const longestReason = 2000

// Run erases the data of a person. It cannot be undone.
func (s *Service) Run(ctx context.Context, c people.Caller, req RunRequest, progress Progress) (evidence.Erasure, error) {
	var none evidence.Erasure
	if err := c.May(people.Erase); err != nil {
		return none, err
	}
	reason := strings.TrimSpace(req.Reason)
	switch {
	case !slices.Contains(evidence.Bases(), req.Basis):
		return none, evidence.Errorf(evidence.Invalid, "%.40q is no basis. The bases are art17-1a to art17-1f, after the points of article 17(1) GDPR, and other.", req.Basis)
	case reason == "" || len(reason) > longestReason:
		return none, evidence.Errorf(evidence.Invalid, "Give a reason of at most %d characters.", longestReason)
	}
	p, err := s.Plan(ctx, c, req.Subject)
	if err != nil {
		return none, err
	}
	if p.Subject.told([]byte(reason)) {
		return none, evidence.Errorf(evidence.Invalid, "The reason names the person. It is kept, so say why without that.")
	}
	if held := p.Held(); held != "" {
		return none, evidence.Errorf(evidence.Conflict, "%s", held)
	}
	if p.Nothing() {
		return none, evidence.Errorf(evidence.NotFound, "Nothing that is kept here names this person.")
	}
	subject, err := p.Subject.encode()
	if err != nil {
		return none, err
	}
	e := evidence.Erasure{ID: evidence.NewID(evidence.PrefixErasure), Workspace: c.Workspace, Basis: req.Basis, Reason: reason, Subject: subject, BegunAt: s.moment(), BegunBy: c.Who()}
	if err := s.store.BeginErasure(ctx, e, s.deed(c, "erase.begin", e, string(e.Basis))); err != nil {
		return none, err
	}
	return s.goOn(ctx, c, e, p, progress)
}

// Continue brings an erasure to its end that was interrupted, and otherwise only overwrites again what was deleted.
func (s *Service) Continue(ctx context.Context, c people.Caller, progress Progress) (evidence.Erasure, error) {
	if err := c.May(people.Erase); err != nil {
		return evidence.Erasure{}, err
	}
	all, err := s.store.Erasures(ctx, c.Workspace)
	if err != nil {
		return evidence.Erasure{}, err
	}
	i := slices.IndexFunc(all, func(e evidence.Erasure) bool { return !e.Done })
	switch {
	case len(all) == 0:
		return evidence.Erasure{}, evidence.Errorf(evidence.NotFound, "Nothing was erased here yet.")
	case i < 0:
		return all[0], s.clean(ctx, c)
	}
	who, err := decodeSubject(all[i].Subject)
	if err != nil {
		return evidence.Erasure{}, err
	}
	p, err := s.plan(ctx, c.Workspace, who)
	if err != nil {
		return evidence.Erasure{}, err
	}
	return s.goOn(ctx, c, all[i], p, progress)
}

// List gives the erasures of the workspace, newest first.
func (s *Service) List(ctx context.Context, c people.Caller) ([]evidence.Erasure, error) {
	if err := c.May(people.ReadSettings); err != nil {
		return nil, err
	}
	all, err := s.store.Erasures(ctx, c.Workspace)
	for i := range all {
		all[i].Subject = "" // whose it is nobody reads here
	}
	return all, err
}

// goOn does all steps that are left of an erasure.
func (s *Service) goOn(ctx context.Context, c people.Caller, e evidence.Erasure, p Plan, progress Progress) (evidence.Erasure, error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	if held := p.Held(); held != "" {
		return e, evidence.Errorf(evidence.Conflict, "%s", held)
	}
	// Artifacts first: which of them name one of the person's events can be found only while the events are there.
	for i, v := range p.versions {
		if err := s.store.EraseVersion(ctx, e, c.Who(), v); err != nil {
			return e, err
		}
		progress("artifacts", int64(i+1), int64(len(p.versions)))
	}
	done := int64(0)
	for _, batch := range batches(p.pages) {
		if err := s.store.EraseRecords(ctx, e, c.Who(), batch); err != nil {
			return e, err
		}
		for _, t := range batch {
			done += int64(len(t.Positions))
		}
		progress("records", done, p.Records)
	}
	if err := s.removeFiles(ctx, e); err != nil {
		return e, err
	}
	who := p.Subject
	e.EndedAt = s.moment()
	if err := s.store.FinishErasure(ctx, e, who.told, s.deed(c, "erase.run", e, string(e.Basis))); err != nil {
		return e, err
	}
	progress("database", 0, 1)
	if err := s.clean(ctx, c); err != nil {
		return e, err
	}
	progress("database", 1, 1)
	all, err := s.store.Erasures(ctx, c.Workspace)
	if err != nil {
		return e, err
	}
	if i := slices.IndexFunc(all, func(x evidence.Erasure) bool { return x.ID == e.ID }); i >= 0 {
		e = all[i]
	}
	return e, nil
}

// removeFiles removes the files of erased versions and of all exports, which may hold the person and are made again at will.
func (s *Service) removeFiles(ctx context.Context, e evidence.Erasure) error {
	if err := s.removeErasedFiles(ctx, e.Workspace); err != nil {
		return err
	}
	exports, err := s.store.AllExports(ctx, e.Workspace)
	if err != nil {
		return err
	}
	for _, x := range exports {
		if x.State == store.ExportRunning {
			return evidence.Errorf(evidence.Unavailable, "Somebody is taking events away as a file, which may hold the person. Wait until it is written or cancel it, then continue: exhibit erase continue.")
		}
		if err := s.objects.RemovePassing(ctx, string(x.ID)); err != nil {
			return err
		}
		if err := s.store.DeleteExport(ctx, e.Workspace, x.ID); err != nil {
			return err
		}
	}
	return nil
}

// clean removes files whose removal was interrupted, and overwrites what was deleted.
func (s *Service) clean(ctx context.Context, c people.Caller) error {
	if err := s.removeErasedFiles(ctx, c.Workspace); err != nil {
		return err
	}
	return s.store.Purge(ctx)
}

func (s *Service) removeErasedFiles(ctx context.Context, ws evidence.ID) error {
	return s.store.RemoveErasedFiles(ctx, ws, func(sha string, size int64) error {
		return s.objects.Remove(ctx, object.Ref{SHA256: sha, Size: size})
	})
}

// What one leaf of the log may name: it has at most 65,535 bytes.
const (
	pagesAtOnce    = 25
	segmentsAtOnce = 4000
)

// batches cuts pages into steps that fit into a leaf each. A page with more records than that is in several.
func batches(pages []store.PageTargets) (out [][]store.PageTargets) {
	var batch []store.PageTargets
	n := 0
	for _, p := range pages {
		for len(p.Positions) > 0 {
			if len(batch) == pagesAtOnce || n >= segmentsAtOnce {
				out, batch, n = append(out, batch), nil, 0
			}
			most := min(len(p.Positions), segmentsAtOnce-n)
			part := p
			part.Positions, part.Times = p.Positions[:most], p.Times[:most]
			p.Positions, p.Times = p.Positions[most:], p.Times[most:]
			batch, n = append(batch, part), n+most
		}
	}
	if len(batch) > 0 {
		out = append(out, batch)
	}
	return out
}

func (s *Service) deed(c people.Caller, what string, e evidence.Erasure, detail string) store.Activity {
	return store.Activity{Workspace: c.Workspace, At: s.moment(), Who: c.Who(), What: what, Subject: string(e.ID), Detail: detail}
}

// moment is now as the store keeps times: UTC, whole milliseconds.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
