// Package artifact holds what people do with artifacts: build one from the events of a period, list and show them, take
// their files away, and attach them to the actions and controls that they prove.
//
// Building reads events, writes files and then one row, in this order: coverage, counts, events, counts again; each file
// into the object store, where it is durable under its digest; last the artifact's version with the digests. A crash
// before the last step leaves files that nobody refers to, and building again finds them there; no artifact ever refers
// to a file that is not on the disk.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/object"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what of the store artifacts need.
type Store interface {
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
	Events(ctx context.Context, r store.EventsRequest) (store.EventsPage, error)
	Count(ctx context.Context, q evidence.Query) (int64, error)
	Groups(ctx context.Context, q evidence.Query, keys []evidence.Key, each func(store.Group) error) error
	Pages(ctx context.Context, q evidence.Query, each func(store.PageRow) error) error
	MissingNumbers(ctx context.Context, conn evidence.ID, stream evidence.Stream, first, last int64) (int64, error)
	Troubles(ctx context.Context, conn evidence.ID, stream evidence.Stream) ([]evidence.Trouble, error)
	PageStats(ctx context.Context, q evidence.Query) (store.PageStats, error)
	Reconciliations(ctx context.Context, conn evidence.ID, stream evidence.Stream, limit int) ([]store.Reconciliation, error)

	SaveArtifact(ctx context.Context, a evidence.Artifact) (evidence.Artifact, error)
	Artifact(ctx context.Context, ws, id evidence.ID) (evidence.Artifact, error)
	Artifacts(ctx context.Context, ws evidence.ID, f store.ArtifactFilter) ([]evidence.Artifact, error)
	ArtifactVersions(ctx context.Context, ws, id evidence.ID) ([]evidence.ArtifactVersion, error)

	RetireArtifact(ctx context.Context, ws, id evidence.ID, at time.Time, by, reason string) error
	AddReview(ctx context.Context, r evidence.Review) error
	Reviews(ctx context.Context, ws, artifact evidence.ID) ([]evidence.Review, error)

	AddSchedule(ctx context.Context, x evidence.Schedule) error
	Schedules(ctx context.Context, ws evidence.ID) ([]evidence.Schedule, error)
	StopSchedule(ctx context.Context, ws, id evidence.ID, at time.Time, by string) error
	ScheduleBuilt(ctx context.Context, ws, id evidence.ID, until time.Time, artifact evidence.ID) error
	ScheduleFailed(ctx context.Context, ws, id evidence.ID, at time.Time, failure string) error
	TakeBuilding(ctx context.Context, ws evidence.ID, holder string, now, until time.Time) (bool, error)
	LeaveBuilding(ctx context.Context, ws evidence.ID, holder string) error

	Attaching(ctx context.Context, ws evidence.ID) (evidence.Attaching, error)
	SetAttaching(ctx context.Context, ws evidence.ID, how evidence.Attaching, by string) error
	Decline(ctx context.Context, d evidence.Declined) error
	Declined(ctx context.Context, ws evidence.ID) (map[evidence.ID][]evidence.ID, error)

	Attach(ctx context.Context, a evidence.Attachment) error
	Detach(ctx context.Context, ws, id evidence.ID, at time.Time, by, reason string) error
	Attachments(ctx context.Context, ws evidence.ID, f store.AttachmentFilter) ([]evidence.Attachment, error)
	Controls(ctx context.Context, ws evidence.ID) ([]evidence.Control, error)
	Control(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Control, error)
	Actions(ctx context.Context, ws evidence.ID) ([]evidence.Action, error)
	Action(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Action, error)

	AddActivity(ctx context.Context, a store.Activity) error

	MarkLog(ctx context.Context, ws evidence.ID) (store.Mark, error)
	EachLeaf(ctx context.Context, l store.LogState, from, to int64, fn func(n int64, leaf []byte) error) error
}

// Objects keeps the files of artifacts under their digests.
type Objects interface {
	Put(ctx context.Context, write func(io.Writer) error) (object.Ref, error)
	Open(ctx context.Context, ref object.Ref) (io.ReadCloser, error)
	Verify(ctx context.Context, ref object.Ref) error
}

// Connections says what has been read.
type Connections interface {
	// Coverage gives windows and gaps for each stream of each connection of the workspace.
	Coverage(ctx context.Context, ws evidence.ID, span evidence.Span) ([]evidence.StreamCoverage, error)
}

// Config is what a Service works with.
type Config struct {
	Store       Store
	Objects     Objects
	Connections Connections
	Engine      string           // version of Exhibit, as it stands in provenance
	Now         func() time.Time // nil: time.Now
	TempDir     string           // for long tables while they are made; empty: the system's
}

// Service is the use cases. Its methods may be called from several goroutines and processes at once.
type Service struct {
	cfg Config
}

// New makes a Service.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg}
}

// View is an artifact with the keys of what it is attached to.
type View struct {
	Artifact    evidence.Artifact
	ControlKeys []string // in order
	ActionKeys  []string // in order
	Standing    evidence.ReviewStanding
	// Unchanged says, after Build, that the events gave the same table as the newest version, so that no version was made.
	Unchanged bool
}

// List gives the artifacts of a workspace, the one with the newest version first.
func (s *Service) List(ctx context.Context, ws evidence.ID, f Filter) ([]View, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	filter := store.ArtifactFilter{Recipe: f.Recipe}
	if f.Control != "" {
		c, err := s.cfg.Store.Control(ctx, ws, f.Control)
		if err != nil {
			return nil, err
		}
		filter.Control = c.ID
	}
	if f.Action != "" {
		a, err := s.cfg.Store.Action(ctx, ws, f.Action)
		if err != nil {
			return nil, err
		}
		filter.Action = a.ID
	}
	all, err := s.cfg.Store.Artifacts(ctx, ws, filter)
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	views, err := s.views(ctx, ws, store.AttachmentFilter{}, all...)
	if err != nil {
		return nil, err
	}
	proposed := map[evidence.ID][]Suggestion{}
	if f.Proposed {
		if proposed, err = s.Proposals(ctx, ws); err != nil {
			return nil, err
		}
	}
	views = slices.DeleteFunc(views, func(v View) bool { return !f.Holds(v) || f.Proposed && len(proposed[v.Artifact.ID]) == 0 })
	slices.SortStableFunc(views, func(a, b View) int { return b.Artifact.Latest.BuiltAt.Compare(a.Artifact.Latest.BuiltAt) })
	return views, nil
}

// Show gives one artifact.
func (s *Service) Show(ctx context.Context, ws, id evidence.ID) (View, error) {
	a, err := s.cfg.Store.Artifact(ctx, ws, id)
	if err != nil {
		return View{}, err
	}
	views, err := s.views(ctx, ws, store.AttachmentFilter{Artifact: id}, a)
	if err != nil {
		return View{}, err
	}
	return views[0], nil
}

// views adds the keys of what artifacts are attached to.
func (s *Service) views(ctx context.Context, ws evidence.ID, f store.AttachmentFilter, all ...evidence.Artifact) ([]View, error) {
	attached, err := s.cfg.Store.Attachments(ctx, ws, f)
	if err != nil {
		return nil, fmt.Errorf("listing attachments: %w", err)
	}
	controls, err := s.cfg.Store.Controls(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing controls: %w", err)
	}
	actions, err := s.cfg.Store.Actions(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing actions: %w", err)
	}
	views := make([]View, len(all))
	at := map[evidence.ID]*View{}
	for i, a := range all {
		views[i].Artifact = a
		at[a.ID] = &views[i]
	}
	targets := map[evidence.Target][]*View{}
	standings, err := s.standings(ctx, ws, all)
	if err != nil {
		return nil, err
	}
	for i := range views {
		views[i].Standing = standings[all[i].ID]
	}
	for _, x := range attached {
		if v := at[x.Artifact]; v != nil {
			targets[x.Target] = append(targets[x.Target], v)
		}
	}
	for _, c := range controls {
		for _, v := range targets[evidence.Target{Control: c.ID}] {
			v.ControlKeys = append(v.ControlKeys, c.Key)
		}
	}
	for _, a := range actions {
		for _, v := range targets[evidence.Target{Action: a.ID}] {
			v.ActionKeys = append(v.ActionKeys, a.Key)
		}
	}
	return views, nil
}

// Table gives the rows of a version as they are kept, for a page that shows them: NotFound for a version that is not one. Nothing is
// taken away by looking, so the trail does not tell of it. The reader must be closed.
func (s *Service) Table(ctx context.Context, ws, id evidence.ID, version int) (io.ReadCloser, error) {
	v, err := s.version(ctx, ws, id, version)
	if err != nil {
		return nil, err
	}
	for _, f := range v.Files {
		if f.Format == "ndjson" {
			body, err := s.cfg.Objects.Open(ctx, object.Ref{SHA256: f.SHA256, Size: f.Size})
			if err != nil {
				return nil, fmt.Errorf("opening the rows of %s: %w", id, err)
			}
			return body, nil
		}
	}
	return nil, evidence.Errorf(evidence.NotFound, "This artifact has no rows: it was handed in as a file.")
}

// File gives one file of an artifact's version to who; version 0 is the newest. The bytes are checked against their digest
// before the first one is given, and that they are given is noted in the activity trail: without the note there is no
// file. The reader must be closed.
func (s *Service) File(ctx context.Context, who string, ws, id evidence.ID, version int, format string) (io.ReadCloser, evidence.File, error) {
	v, err := s.version(ctx, ws, id, version)
	if err != nil {
		return nil, evidence.File{}, err
	}
	if !v.ErasedAt.IsZero() {
		return nil, evidence.File{}, ErasedError(v)
	}
	for _, f := range v.Files {
		if f.Format == format {
			body, err := s.cfg.Objects.Open(ctx, object.Ref{SHA256: f.SHA256, Size: f.Size})
			if err != nil {
				return nil, evidence.File{}, fmt.Errorf("opening the %s file of %s: %w", format, id, err)
			}
			if err := s.note(ctx, ws, who, "artifact.read", id, fmt.Sprintf("%s of version %d, sha256 %s", format, v.Version, f.SHA256)); err != nil {
				return nil, evidence.File{}, errors.Join(err, body.Close())
			}
			return body, f, nil
		}
	}
	return nil, evidence.File{}, evidence.Errorf(evidence.NotFound, "Version %d of %s has no file of the format %.40q. It has %s.", v.Version, id, format, formats(v))
}

// ErasedError says what became of the files of a version that was erased.
func ErasedError(v evidence.ArtifactVersion) error {
	return evidence.Errorf(evidence.NotFound, "The content of version %d was erased on %s with the data of a person (%s). Its leaf in the log and what people concluded about it stay; build it again for a version without that person.",
		v.Version, v.ErasedAt.UTC().Format("2 Jan 2006"), v.Erasure)
}

func (s *Service) version(ctx context.Context, ws, id evidence.ID, version int) (evidence.ArtifactVersion, error) {
	a, err := s.cfg.Store.Artifact(ctx, ws, id)
	if err != nil {
		return evidence.ArtifactVersion{}, err
	}
	if version == 0 || version == a.Latest.Version {
		return a.Latest, nil
	}
	all, err := s.cfg.Store.ArtifactVersions(ctx, ws, id)
	if err != nil {
		return evidence.ArtifactVersion{}, fmt.Errorf("listing versions of %s: %w", id, err)
	}
	for _, v := range all {
		if v.Version == version {
			return v, nil
		}
	}
	return evidence.ArtifactVersion{}, evidence.Errorf(evidence.NotFound, "%s has no version %d. Its newest is %d.", id, version, a.Latest.Version)
}

func formats(v evidence.ArtifactVersion) string {
	if len(v.Files) == 0 {
		return "no files"
	}
	words := v.Files[0].Format
	for _, f := range v.Files[1:] {
		words += ", " + f.Format
	}
	return words
}

// note writes a line of the workspace's own trail.
func (s *Service) note(ctx context.Context, ws evidence.ID, who, what string, subject evidence.ID, detail string) error {
	err := s.cfg.Store.AddActivity(ctx, store.Activity{Workspace: ws, At: s.cfg.Now().UTC(), Who: who, What: what, Subject: string(subject), Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}
