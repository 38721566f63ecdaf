// Package program holds the controls, actions and frameworks that a workspace works with: it proposes and starts them from
// starter sets, loads frameworks, lets people change, map and retire controls, and shows by month what proves what.
//
// Whoever changes something is asked for his permission first; every change is a line of the activity trail.
//
// Whether an action is done and whether it is overdue is derived when it is read: it is done once a person said so, or
// while an artifact of the kind that it asks for, complete and for its period, is attached to it.
package program

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/store"
)

// Store is what of the store controls and actions need.
type Store interface {
	PutControl(ctx context.Context, c evidence.Control) (evidence.Control, error)
	AddControl(ctx context.Context, c evidence.Control) (evidence.Control, error)
	ChangeControl(ctx context.Context, c evidence.Control) (evidence.Control, error)
	Control(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Control, error)
	Controls(ctx context.Context, ws evidence.ID) ([]evidence.Control, error)
	PutAction(ctx context.Context, a evidence.Action) (evidence.Action, error)
	Actions(ctx context.Context, ws evidence.ID) ([]evidence.Action, error)
	Action(ctx context.Context, ws evidence.ID, idOrKey string) (evidence.Action, error)
	AddAction(ctx context.Context, a evidence.Action) (evidence.Action, error)
	ChangeAction(ctx context.Context, a evidence.Action) (evidence.Action, error)
	Artifacts(ctx context.Context, ws evidence.ID, f store.ArtifactFilter) ([]evidence.Artifact, error)
	Attachments(ctx context.Context, ws evidence.ID, f store.AttachmentFilter) ([]evidence.Attachment, error)
	UseFramework(ctx context.Context, ws evidence.ID, framework, version string, at time.Time) error
	FrameworksInUse(ctx context.Context, ws evidence.ID) ([]store.FrameworkInUse, error)
	AddFrameworkRevision(ctx context.Context, ws evidence.ID, f store.LoadedFramework) error
	LoadedFrameworks(ctx context.Context, ws evidence.ID) ([]store.LoadedFramework, error)
	FrameworkRevisions(ctx context.Context, ws evidence.ID, framework string) ([]store.LoadedFramework, error)
	PutFrameworkDraft(ctx context.Context, ws, member, id evidence.ID, f store.LoadedFramework, forget time.Time) error
	FrameworkDraft(ctx context.Context, ws, member, id evidence.ID, since time.Time) (store.LoadedFramework, error)
	DropFrameworkDrafts(ctx context.Context, ws, member evidence.ID) error
	PutProfile(ctx context.Context, ws evidence.ID, p store.Profile) error
	Profile(ctx context.Context, ws evidence.ID) (p store.Profile, ok bool, err error)
	AddComment(ctx context.Context, c evidence.Comment, key string, by evidence.ID) error
	Comments(ctx context.Context, ws, action evidence.ID) ([]evidence.Comment, error)
	UnseenMentions(ctx context.Context, ws evidence.ID) ([]store.Mention, error)
	SeeMentions(ctx context.Context, ws, member, action evidence.ID, at time.Time) error
	Members(ctx context.Context, ws evidence.ID) ([]store.Member, error)
	Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error)
	DeclineWording(ctx context.Context, a store.Activity, facts []string) error
	DeclinedWording(ctx context.Context, ws evidence.ID) ([]string, error)
	AddActivity(ctx context.Context, a store.Activity) error
	ActivityAbout(ctx context.Context, ws evidence.ID, subject string, limit int) ([]store.Activity, error)
}

// Reviews says what people concluded about artifacts.
type Reviews interface {
	// Standings gives where each artifact of a workspace stands; one that nobody reviewed may be left out.
	Standings(ctx context.Context, ws evidence.ID) (map[evidence.ID]evidence.ReviewStanding, error)
}

// Proofs says what the log proves of artifacts.
type Proofs interface {
	// Unaltered says of each version, by its artifact, whether its proof holds; what cannot be checked yet is left out.
	Unaltered(ctx context.Context, ws evidence.ID, versions []evidence.ArtifactVersion) (map[evidence.ID]bool, error)
}

// ReadProofs makes the matrix show what p says. It is called once, before the Service is used.
func (s *Service) ReadProofs(p Proofs) { s.proofs = p }

// ReadReviews makes the matrix show what r says. It is called once, before the Service is used.
func (s *Service) ReadReviews(r Reviews) { s.reviews = r }

// Service is the use cases. Its methods may be called from several goroutines and processes at once.
type Service struct {
	store   Store
	now     func() time.Time
	proofs  Proofs                                // nil: nothing can be checked
	reviews Reviews                               // nil: nothing was reviewed
	shipped func() ([]framework.Framework, error) // what comes with Exhibit, read once
}

// New makes a Service. now may be nil: time.Now.
func New(s Store, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{store: s, now: now, shipped: sync.OnceValues(framework.Frameworks)}
}

// Seeded says what Seed made.
type Seeded struct {
	Controls int
	Actions  int
}

// Seed starts a framework in a workspace: the starter set's controls and actions are made, with due dates counted from
// now. What has the same key already stays as it is. A framework that is in use is left alone, so that Seed can be
// called again at any time; after a crash half-way it makes the rest.
func (s *Service) Seed(ctx context.Context, who string, ws evidence.ID, id string) (Seeded, error) {
	var made Seeded
	f, err := framework.ByID(id)
	if err != nil {
		return made, err
	}
	starter, err := framework.StarterFor(id)
	if err != nil {
		return made, err
	}
	inUse, err := s.store.FrameworksInUse(ctx, ws)
	if err != nil {
		return made, fmt.Errorf("listing frameworks in use: %w", err)
	}
	if slices.ContainsFunc(inUse, func(u store.FrameworkInUse) bool { return u.Framework == id }) {
		return made, nil
	}
	at := s.now().UTC().Truncate(time.Second)
	ids, err := s.seedControls(ctx, ws, starter, at, &made)
	if err != nil {
		return made, err
	}
	if err := s.seedActions(ctx, ws, starter, ids, at, &made); err != nil {
		return made, err
	}
	// Last, as it is what says that all of the above is there.
	if err := s.store.UseFramework(ctx, ws, id, f.Version, at); err != nil {
		return made, fmt.Errorf("noting the framework as in use: %w", err)
	}
	return made, s.note(ctx, ws, who, "framework.use", id, fmt.Sprintf("%d controls and %d actions made", made.Controls, made.Actions))
}

// seedControls makes the controls that are not there and gives the ids of all by key.
func (s *Service) seedControls(ctx context.Context, ws evidence.ID, starter framework.Starter, at time.Time, made *Seeded) (map[string]evidence.ID, error) {
	there, err := s.store.Controls(ctx, ws)
	if err != nil {
		return nil, fmt.Errorf("listing controls: %w", err)
	}
	ids := map[string]evidence.ID{}
	for _, c := range there {
		ids[c.Key] = c.ID
	}
	for _, c := range starter.Controls {
		if _, ok := ids[c.Key]; ok {
			continue
		}
		control := evidence.Control{ID: evidence.NewID(evidence.PrefixControl), Workspace: ws, Key: c.Key, Name: c.Name, Description: c.Description, CreatedAt: at}
		for _, r := range c.Requirements {
			control.Requirements = append(control.Requirements, evidence.RequirementRef{Framework: starter.Framework, ID: r})
		}
		if control, err = s.store.PutControl(ctx, control); err != nil {
			return nil, fmt.Errorf("making control %s: %w", c.Key, err)
		}
		ids[c.Key] = control.ID
		made.Controls++
	}
	return ids, nil
}

func (s *Service) seedActions(ctx context.Context, ws evidence.ID, starter framework.Starter, controls map[string]evidence.ID, at time.Time, made *Seeded) error {
	there, err := s.store.Actions(ctx, ws)
	if err != nil {
		return fmt.Errorf("listing actions: %w", err)
	}
	for _, a := range starter.Actions {
		if slices.ContainsFunc(there, func(x evidence.Action) bool { return x.Key == a.Key }) {
			continue
		}
		_, err := s.store.PutAction(ctx, evidence.Action{
			ID: evidence.NewID(evidence.PrefixAction), Workspace: ws, Key: a.Key, Control: controls[a.Control], Title: a.Title, Description: a.Description,
			Owner: a.Owner, Due: a.Due(at), Cadence: a.Cadence, Recipe: a.Recipe, Status: evidence.ActionOpen, CreatedAt: at,
		})
		if err != nil {
			return fmt.Errorf("making action %s: %w", a.Key, err)
		}
		made.Actions++
	}
	return nil
}

func (s *Service) note(ctx context.Context, ws evidence.ID, who, what, subject, detail string) error {
	err := s.store.AddActivity(ctx, store.Activity{Workspace: ws, At: s.now().UTC(), Who: who, What: what, Subject: subject, Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}
