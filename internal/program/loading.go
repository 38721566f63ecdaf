package program

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/framework"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// draftLife is how long a preview can be accepted.
const draftLife = time.Hour

// Loading is a framework file with what it changes.
type Loading struct {
	Draft      evidence.ID // to accept it by; empty once it is accepted
	File       string
	SHA256     string
	Framework  framework.Framework
	Before     *framework.Framework // what is there under the same id; nil: nothing
	Difference framework.Difference
	// Orphaned are the controls that name requirements which the file takes out. They keep them, and are found by Findings.
	Orphaned []Orphan
	Revision int  // the revision that it became; 0: not accepted
	Same     bool // it says nothing else than what is there, so it becomes no revision
}

// Orphan is a mapping whose requirement goes.
type Orphan struct {
	Control evidence.Control
	Ref     evidence.RequirementRef
}

// PreviewFramework reads a file and tells what it would change. Only the preview is kept, for an hour and for this person.
func (s *Service) PreviewFramework(ctx context.Context, c people.Caller, data []byte, as framework.Loaded) (Loading, error) {
	if err := c.May(people.ManageControls); err != nil {
		return Loading{}, err
	}
	l, document, err := s.read(ctx, c.Workspace, data, as)
	if err != nil {
		return Loading{}, err
	}
	l.Draft = evidence.NewID(evidence.PrefixDraft)
	now := s.now().UTC()
	draft := store.LoadedFramework{Document: document, SHA256: l.SHA256, File: l.File, At: now}
	if err := s.store.PutFrameworkDraft(ctx, c.Workspace, c.Member, l.Draft, draft, now.Add(-draftLife)); err != nil {
		return Loading{}, fmt.Errorf("keeping the preview: %w", err)
	}
	return l, nil
}

// FrameworkDraft gives a preview again, with what it changes by now; NotFound if it is too old or somebody else's.
func (s *Service) FrameworkDraft(ctx context.Context, c people.Caller, id evidence.ID) (Loading, error) {
	if err := c.May(people.ManageControls); err != nil {
		return Loading{}, err
	}
	draft, err := s.store.FrameworkDraft(ctx, c.Workspace, c.Member, id, s.now().UTC().Add(-draftLife))
	if err != nil {
		return Loading{}, err
	}
	f, err := framework.Parse(draft.Document)
	if err != nil {
		return Loading{}, fmt.Errorf("reading a preview: %w", err)
	}
	l := Loading{Draft: id, File: draft.File, SHA256: draft.SHA256, Framework: f}
	return l, s.compare(ctx, c.Workspace, &l)
}

// AcceptFramework makes a preview a revision of its framework. Mappings of controls stay as they are.
func (s *Service) AcceptFramework(ctx context.Context, c people.Caller, id evidence.ID) (Loading, error) {
	l, err := s.FrameworkDraft(ctx, c, id)
	if err != nil {
		return l, err
	}
	if err := s.addRevision(ctx, c, &l); err != nil {
		return l, err
	}
	// A crash before this leaves a preview that says nothing new.
	if err := s.store.DropFrameworkDrafts(ctx, c.Workspace, c.Member); err != nil {
		return l, fmt.Errorf("forgetting the preview: %w", err)
	}
	l.Draft = ""
	return l, nil
}

// LoadFramework reads a file and accepts it at once.
func (s *Service) LoadFramework(ctx context.Context, c people.Caller, data []byte, as framework.Loaded) (Loading, error) {
	if err := c.May(people.ManageControls); err != nil {
		return Loading{}, err
	}
	l, _, err := s.read(ctx, c.Workspace, data, as)
	if err != nil {
		return l, err
	}
	return l, s.addRevision(ctx, c, &l)
}

func (s *Service) read(ctx context.Context, ws evidence.ID, data []byte, as framework.Loaded) (Loading, []byte, error) {
	f, err := framework.Read(data, as)
	if err != nil {
		return Loading{}, nil, err
	}
	if slices.Contains([]string{"import", "proposal", "profile"}, f.ID) {
		return Loading{}, nil, evidence.Errorf(evidence.Invalid, "%q is a page of Exhibit and cannot be a framework's id. Choose another.", f.ID)
	}
	document, err := json.Marshal(f)
	if err != nil {
		return Loading{}, nil, fmt.Errorf("writing down a framework: %w", err)
	}
	sum := sha256.Sum256(data)
	l := Loading{File: fileName(as.File), SHA256: hex.EncodeToString(sum[:]), Framework: f}
	return l, document, s.compare(ctx, ws, &l)
}

// fileName keeps of a file's name what can be shown.
func fileName(s string) string {
	r := []rune(s)
	return string(r[max(0, len(r)-200):])
}

// compare fills in what a file changes.
func (s *Service) compare(ctx context.Context, ws evidence.ID, l *Loading) error {
	all, err := s.Frameworks(ctx, ws)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(f Framework) bool { return f.ID == l.Framework.ID })
	if at < 0 {
		l.Difference = framework.Compare(framework.Framework{}, l.Framework)
		return nil
	}
	before := all[at].Framework
	l.Before, l.Difference = &before, framework.Compare(before, l.Framework)
	l.Same = l.Difference.None() && before.Version == l.Framework.Version && before.Title == l.Framework.Title
	controls, err := s.store.Controls(ctx, ws)
	if err != nil {
		return fmt.Errorf("listing controls: %w", err)
	}
	for _, c := range controls {
		for _, r := range l.Difference.Removed {
			if ref := (evidence.RequirementRef{Framework: before.ID, ID: r.ID}); c.RetiredAt.IsZero() && slices.Contains(c.Requirements, ref) {
				l.Orphaned = append(l.Orphaned, Orphan{c, ref})
			}
		}
	}
	return nil
}

func (s *Service) addRevision(ctx context.Context, c people.Caller, l *Loading) error {
	if l.Same {
		return nil
	}
	history, err := s.store.FrameworkRevisions(ctx, c.Workspace, l.Framework.ID)
	if err != nil {
		return fmt.Errorf("listing the revisions of %s: %w", l.Framework.ID, err)
	}
	next := 1
	if len(history) > 0 {
		next = history[0].Revision + 1
	}
	document, err := json.Marshal(l.Framework)
	if err != nil {
		return fmt.Errorf("writing down a framework: %w", err)
	}
	err = s.store.AddFrameworkRevision(ctx, c.Workspace, store.LoadedFramework{
		Framework: l.Framework.ID, Revision: next, Document: document, SHA256: l.SHA256, File: l.File, At: s.now().UTC(), By: c.Who(),
	})
	if err != nil {
		return err
	}
	l.Revision = next
	d := l.Difference
	return s.note(ctx, c.Workspace, c.Who(), "framework.load", l.Framework.ID,
		fmt.Sprintf("revision %d from %s: %d added, %d removed, %d changed", next, l.File, len(d.Added), len(d.Removed), len(d.Changed)))
}
