// Package audit is what is given to auditors: an audit says for which framework and period, a bundle is all of its evidence
// in one file that proves itself, a sample is a selection of a population that anybody can draw again.
package audit

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Store is what audits need of the store.
type Store interface {
	AddAudit(ctx context.Context, a store.Audit) error
	Audits(ctx context.Context, ws evidence.ID) ([]store.Audit, error)
	Audit(ctx context.Context, ws evidence.ID, idOrName string) (store.Audit, error)
	AddBundle(ctx context.Context, b store.Bundle) error
	Bundles(ctx context.Context, ws, audit evidence.ID) ([]store.Bundle, error)
	AddSample(ctx context.Context, x store.Sample) error
	Samples(ctx context.Context, ws, audit evidence.ID) ([]store.Sample, error)
	AddReplacement(ctx context.Context, ws, sample evidence.ID, x store.Replacement) error
	Replacements(ctx context.Context, sample evidence.ID) ([]store.Replacement, error)
	SetAuditControls(ctx context.Context, a store.Audit) error

	LetIn(ctx context.Context, ws, audit, member evidence.ID, at time.Time, by string) error
	LetOut(ctx context.Context, ws, audit, member evidence.ID, at time.Time, by string) error
	Auditors(ctx context.Context, ws, audit evidence.ID) ([]store.Auditor, error)
	RoomsOf(ctx context.Context, ws, member evidence.ID) ([]evidence.ID, error)
	AddRequest(ctx context.Context, r store.AuditRequest) error
	Say(ctx context.Context, ws, audit, request evidence.ID, m store.Message) error
	Requests(ctx context.Context, ws, audit evidence.ID) ([]store.AuditRequest, error)
	AddNote(ctx context.Context, n store.AuditNote) error
	Notes(ctx context.Context, ws, audit evidence.ID) ([]store.AuditNote, error)
	ActivityAbout(ctx context.Context, ws evidence.ID, subject string, limit int) ([]store.Activity, error)

	Controls(ctx context.Context, ws evidence.ID) ([]evidence.Control, error)
	Actions(ctx context.Context, ws evidence.ID) ([]evidence.Action, error)
	Attachments(ctx context.Context, ws evidence.ID, f store.AttachmentFilter) ([]evidence.Attachment, error)
	Artifact(ctx context.Context, ws, id evidence.ID) (evidence.Artifact, error)
	Artifacts(ctx context.Context, ws evidence.ID, f store.ArtifactFilter) ([]evidence.Artifact, error)
	ArtifactVersions(ctx context.Context, ws, id evidence.ID) ([]evidence.ArtifactVersion, error)
	Events(ctx context.Context, r store.EventsRequest) (store.EventsPage, error)

	Pages(ctx context.Context, q evidence.Query, each func(store.PageRow) error) error

	MarkLog(ctx context.Context, ws evidence.ID) (store.Mark, error)
	Log(ctx context.Context, ws evidence.ID) (store.LogState, error)
	LogNodes(ctx context.Context, l store.LogState) translog.Nodes
	EachLeaf(ctx context.Context, l store.LogState, from, to int64, fn func(n int64, leaf []byte) error) error
	Opening(ctx context.Context, l store.LogState, c translog.Hash) (store.Opening, error)
	Append(ctx context.Context, ws evidence.ID, build func(size int64, chainEnd func(chain string) (string, error), commit func(translog.Tag, []byte) (string, error)) ([]store.Entry, error)) (store.LogState, []string, error)
	Anchors(ctx context.Context, l store.LogState) ([]store.Checkpoint, error)
	PageParts(ctx context.Context, ws evidence.ID, id int64) ([]byte, []page.Range, error)
	PageSalts(ctx context.Context, id int64) (translog.Salts, error)
	ErasedIn(ctx context.Context, ws evidence.ID, id int64) (map[int]store.ErasedRecord, error)
	FarRepeats(ctx context.Context, stream int64) ([]store.FarRepeat, error)
	EventsInSpan(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (int64, error)
	PageStats(ctx context.Context, q evidence.Query) (store.PageStats, error)

	Verbatim(ctx context.Context, q evidence.Query) iter.Seq2[evidence.Event, error]

	AddActivity(ctx context.Context, a store.Activity) error
}

// Log signs the workspace's log.
type Log interface {
	Checkpoint(ctx context.Context, ws evidence.ID) (translog.Signed, error)
	Vouched(ctx context.Context, ws evidence.ID) (translog.Vouched, error)
	// Hint names the keys that sign and those of the witnesses.
	Hint(ctx context.Context, ws evidence.ID) ([]byte, error)
}

// Config makes a Service. All of it must be given but TempDir.
type Config struct {
	Store   Store
	Objects interface {
		Open(ctx context.Context, ref object.Ref) (io.ReadCloser, error)
	}
	Log Log
	// Framework fails for a framework that the workspace does not know.
	Framework func(ctx context.Context, ws evidence.ID, id string) error
	// Invite makes a member with the role auditor, or finds the one who has the address, and gives a link for who has not
	// signed in yet; Path is empty for who has.
	Invite  Invite
	Build   string // "Exhibit/x.y.z"
	Now     func() time.Time
	TempDir string // where parts of bundles wait; empty: the system's
}

// Service makes audits, bundles and samples.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg} }

// longestName bounds the name of an audit, in bytes.
const longestName = 120

// CreateRequest says what an audit is to be.
type CreateRequest struct {
	Name      string
	Framework string
	Period    evidence.Span
	Controls  []evidence.ID // none: all that serve the framework, also those that come to serve it later
}

// Create makes an audit of a framework over a period.
func (s *Service) Create(ctx context.Context, c people.Caller, req CreateRequest) (store.Audit, error) {
	if err := c.May(people.ManageAudits); err != nil {
		return store.Audit{}, err
	}
	name, period := strings.TrimSpace(req.Name), req.Period
	switch {
	case name == "" || len(name) > longestName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return store.Audit{}, evidence.Errorf(evidence.Invalid, "An audit needs a name of at most %d bytes.", longestName)
	case period.From.IsZero() || period.To.IsZero() || period.Empty():
		return store.Audit{}, evidence.Errorf(evidence.Invalid, "An audit needs a period. Give its start and, behind that, its end.")
	case period.From.Nanosecond() != 0 || period.To.Nanosecond() != 0:
		return store.Audit{}, evidence.Errorf(evidence.Invalid, "A period begins and ends at whole seconds. Leave the fractions out.")
	}
	if err := s.cfg.Framework(ctx, c.Workspace, req.Framework); err != nil {
		return store.Audit{}, err
	}
	if err := s.controlsExist(ctx, c.Workspace, req.Controls); err != nil {
		return store.Audit{}, err
	}
	a := store.Audit{ID: evidence.NewID(evidence.PrefixAudit), Workspace: c.Workspace, Name: name, Framework: req.Framework, Controls: req.Controls,
		Period: evidence.Span{From: period.From.UTC(), To: period.To.UTC()}, CreatedAt: s.now(), CreatedBy: c.Who()}
	if err := s.cfg.Store.AddAudit(ctx, a); err != nil {
		return store.Audit{}, err
	}
	return a, s.note(ctx, c, "audit.create", a.ID, fmt.Sprintf("%s: %s from %s to %s", a.Name, a.Framework, stamp(a.Period.From), stamp(a.Period.To)))
}

// SetControls says which controls an audit is about; none means all that serve its framework.
func (s *Service) SetControls(ctx context.Context, c people.Caller, idOrName string, controls []evidence.ID) (store.Audit, error) {
	a, err := s.enter(ctx, c, people.ManageAudits, idOrName)
	if err != nil {
		return a, err
	}
	if err := s.controlsExist(ctx, c.Workspace, controls); err != nil {
		return a, err
	}
	a.Controls = controls
	if err := s.cfg.Store.SetAuditControls(ctx, a); err != nil {
		return a, err
	}
	what := "all controls that serve the framework"
	if len(controls) > 0 {
		what = fmt.Sprintf("%d chosen controls", len(controls))
	}
	return a, s.note(ctx, c, "audit.controls", a.ID, what)
}

func (s *Service) controlsExist(ctx context.Context, ws evidence.ID, ids []evidence.ID) error {
	all, err := s.cfg.Store.Controls(ctx, ws)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(c evidence.Control) bool { return c.ID == id }) {
			return evidence.Errorf(evidence.NotFound, "There is no control %.80s.", id)
		}
	}
	return nil
}

// List gives the audits of a workspace, the newest first; to who is confined those alone that he was let into.
func (s *Service) List(ctx context.Context, c people.Caller) ([]store.Audit, error) {
	if err := c.May(people.ReadAudits); err != nil {
		return nil, err
	}
	all, err := s.cfg.Store.Audits(ctx, c.Workspace)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	if !c.Role.Confined() {
		return all, nil
	}
	rooms, err := s.cfg.Store.RoomsOf(ctx, c.Workspace, c.Member)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a store.Audit) bool { return !slices.Contains(rooms, a.ID) }), nil
}

// Listed is an audit in a list, with what waits in its room.
type Listed struct {
	store.Audit
	Open    int // requests that wait for an answer
	Overdue int // of them
}

// Waiting gives what List gives, with what waits in each room.
func (s *Service) Waiting(ctx context.Context, c people.Caller) ([]Listed, error) {
	all, err := s.List(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []Listed
	for _, a := range all {
		l := Listed{Audit: a}
		requests, err := s.cfg.Store.Requests(ctx, c.Workspace, a.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range requests {
			if r.State == store.RequestOpen {
				l.Open++
			}
			if r.Overdue(s.cfg.Now()) {
				l.Overdue++
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// enter gives an audit by ID or name to who may do p there. It is the one door of every room: who is confined and was not
// let in is told that there is none.
func (s *Service) enter(ctx context.Context, c people.Caller, p people.Permission, idOrName string) (store.Audit, error) {
	if err := c.May(p); err != nil {
		return store.Audit{}, err
	}
	a, err := s.cfg.Store.Audit(ctx, c.Workspace, idOrName)
	if err != nil || !c.Role.Confined() {
		return a, err
	}
	rooms, err := s.cfg.Store.RoomsOf(ctx, c.Workspace, c.Member)
	if err != nil {
		return store.Audit{}, err
	}
	if !slices.Contains(rooms, a.ID) {
		return store.Audit{}, evidence.Errorf(evidence.NotFound, "There is no audit %.100s.", idOrName)
	}
	return a, nil
}

func (s *Service) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (s *Service) note(ctx context.Context, c people.Caller, what string, subject evidence.ID, detail string) error {
	err := s.cfg.Store.AddActivity(ctx, store.Activity{Workspace: c.Workspace, At: s.cfg.Now().UTC(), Who: c.Who(), What: what, Subject: string(subject), Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}

// opened notes what an auditor opened. Without the note he is shown nothing.
func (s *Service) opened(ctx context.Context, c people.Caller, audit evidence.ID, what string) error {
	if !c.Role.Confined() {
		return nil
	}
	return s.note(ctx, c, "room.open", audit, what)
}
