// Package audit is what is given to auditors: an audit says for which framework and period, a bundle is all of its evidence
// in one file that proves itself, a sample is a selection of a population that anybody can draw again.
package audit

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/page"
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

	Controls(ctx context.Context, ws evidence.ID) ([]evidence.Control, error)
	Actions(ctx context.Context, ws evidence.ID) ([]evidence.Action, error)
	Attachments(ctx context.Context, ws evidence.ID, f store.AttachmentFilter) ([]evidence.Attachment, error)
	Artifact(ctx context.Context, ws, id evidence.ID) (evidence.Artifact, error)

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
	EventsInSpan(ctx context.Context, conn evidence.ID, stream evidence.Stream, span evidence.Span) (int64, error)
	PageStats(ctx context.Context, q evidence.Query) (store.PageStats, error)

	Verbatim(ctx context.Context, q evidence.Query) iter.Seq2[evidence.Event, error]

	AddActivity(ctx context.Context, a store.Activity) error
}

// Log signs the workspace's log.
type Log interface {
	Checkpoint(ctx context.Context, ws evidence.ID) (translog.Signed, error)
	Vouched(ctx context.Context, ws evidence.ID) (translog.Vouched, error)
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
	Build     string // "Exhibit/x.y.z"
	Now       func() time.Time
	TempDir   string // where parts of bundles wait; empty: the system's
}

// Service makes audits, bundles and samples.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg} }

// longestName bounds the name of an audit, in bytes.
const longestName = 120

// Create makes an audit of a framework over a period.
func (s *Service) Create(ctx context.Context, who string, ws evidence.ID, framework string, period evidence.Span, name string) (store.Audit, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "" || len(name) > longestName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return store.Audit{}, evidence.Errorf(evidence.Invalid, "An audit needs a name of at most %d bytes.", longestName)
	case period.From.IsZero() || period.To.IsZero() || period.Empty():
		return store.Audit{}, evidence.Errorf(evidence.Invalid, "An audit needs a period. Give its start and, behind that, its end.")
	case period.From.Nanosecond() != 0 || period.To.Nanosecond() != 0:
		return store.Audit{}, evidence.Errorf(evidence.Invalid, "A period begins and ends at whole seconds. Leave the fractions out.")
	}
	if err := s.cfg.Framework(ctx, ws, framework); err != nil {
		return store.Audit{}, err
	}
	a := store.Audit{ID: evidence.NewID(evidence.PrefixAudit), Workspace: ws, Name: name, Framework: framework,
		Period: evidence.Span{From: period.From.UTC(), To: period.To.UTC()}, CreatedAt: s.cfg.Now().UTC().Truncate(time.Millisecond), CreatedBy: who}
	if err := s.cfg.Store.AddAudit(ctx, a); err != nil {
		return store.Audit{}, err
	}
	return a, s.note(ctx, ws, who, "audit.create", a.ID, fmt.Sprintf("%s: %s from %s to %s", a.Name, framework, stamp(a.Period.From), stamp(a.Period.To)))
}

// List gives the audits of a workspace, oldest first.
func (s *Service) List(ctx context.Context, ws evidence.ID) ([]store.Audit, error) {
	return s.cfg.Store.Audits(ctx, ws)
}

// Show gives an audit by ID or name, with its bundles, newest first.
func (s *Service) Show(ctx context.Context, ws evidence.ID, idOrName string) (store.Audit, []store.Bundle, error) {
	a, err := s.cfg.Store.Audit(ctx, ws, idOrName)
	if err != nil {
		return a, nil, err
	}
	bundles, err := s.cfg.Store.Bundles(ctx, ws, a.ID)
	return a, bundles, err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (s *Service) note(ctx context.Context, ws evidence.ID, who, what string, subject evidence.ID, detail string) error {
	err := s.cfg.Store.AddActivity(ctx, store.Activity{Workspace: ws, At: s.cfg.Now().UTC(), Who: who, What: what, Subject: string(subject), Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}
