package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// LoadedFramework is one revision of a framework that a workspace loaded itself.
type LoadedFramework struct {
	Framework string // id
	Revision  int    // 1, 2, …; 0 in a draft that is not accepted
	Document  []byte // a framework file, see package framework; nil where only the history is asked for
	SHA256    string // of the file as it was loaded, lower-case hex
	File      string // its name
	At        time.Time
	By        string
}

// AddFrameworkRevision stores the next revision of a framework; Conflict if there is one of that number already.
func (s *Store) AddFrameworkRevision(ctx context.Context, ws evidence.ID, f LoadedFramework) error {
	n, err := sqlc.New(s.write).AddFrameworkRevision(ctx, sqlc.AddFrameworkRevisionParams{Workspace: string(ws), Framework: f.Framework, Revision: int64(f.Revision),
		Document: string(f.Document), Sha256: f.SHA256, File: f.File, AddedAt: ms(f.At), AddedBy: f.By})
	if err != nil {
		return fmt.Errorf("storing a framework: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.Conflict, "Somebody else loaded another version of %s meanwhile. Load the file again and look at what it changes.", f.Framework)
	}
	return nil
}

// LoadedFrameworks gives the newest revision of each framework that a workspace loaded, by id.
func (s *Store) LoadedFrameworks(ctx context.Context, ws evidence.ID) ([]LoadedFramework, error) {
	rows, err := s.queries().LoadedFrameworks(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading loaded frameworks: %w", err)
	}
	var all []LoadedFramework
	for _, r := range rows {
		all = append(all, LoadedFramework{Framework: r.Framework, Revision: int(r.Revision), Document: []byte(r.Document), SHA256: r.Sha256, File: r.File, At: fromMS(r.AddedAt), By: r.AddedBy})
	}
	return all, nil
}

// FrameworkRevisions gives the history of a loaded framework without its documents, the newest first.
func (s *Store) FrameworkRevisions(ctx context.Context, ws evidence.ID, framework string) ([]LoadedFramework, error) {
	rows, err := s.queries().FrameworkRevisions(ctx, string(ws), framework)
	if err != nil {
		return nil, fmt.Errorf("reading the history of a framework: %w", err)
	}
	var all []LoadedFramework
	for _, r := range rows {
		all = append(all, LoadedFramework{Framework: r.Framework, Revision: int(r.Revision), SHA256: r.Sha256, File: r.File, At: fromMS(r.AddedAt), By: r.AddedBy})
	}
	return all, nil
}

// PutFrameworkDraft keeps what a member looks at before he accepts it, in place of what he looked at before, and drops
// drafts of anybody that were made before forget.
func (s *Store) PutFrameworkDraft(ctx context.Context, ws, member, id evidence.ID, f LoadedFramework, forget time.Time) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.DropFrameworkDrafts(ctx, string(ws), string(member), ms(forget)); err != nil {
			return fmt.Errorf("dropping drafts: %w", err)
		}
		err := q.AddFrameworkDraft(ctx, sqlc.AddFrameworkDraftParams{Workspace: string(ws), ID: string(id), Member: string(member), Document: string(f.Document),
			Sha256: f.SHA256, File: f.File, MadeAt: ms(f.At)})
		if err != nil {
			return fmt.Errorf("storing a draft: %w", err)
		}
		return nil
	})
}

// FrameworkDraft gives a draft of a member that was made at or after since; NotFound without one.
func (s *Store) FrameworkDraft(ctx context.Context, ws, member, id evidence.ID, since time.Time) (LoadedFramework, error) {
	r, err := s.queries().FrameworkDraft(ctx, string(ws), string(id), string(member), ms(since))
	if err != nil {
		return LoadedFramework{}, notFound(err, "reading a draft", "This preview is no longer there. Load the file again.")
	}
	return LoadedFramework{Document: []byte(r.Document), SHA256: r.Sha256, File: r.File, At: fromMS(r.MadeAt)}, nil
}

// DropFrameworkDrafts forgets the drafts of a member.
func (s *Store) DropFrameworkDrafts(ctx context.Context, ws, member evidence.ID) error {
	if err := sqlc.New(s.write).DropFrameworkDrafts(ctx, string(ws), string(member), 0); err != nil {
		return fmt.Errorf("dropping drafts: %w", err)
	}
	return nil
}

// Profile is what a workspace told of its company.
type Profile struct {
	Industry string
	Size     string
	Systems  []string
	At       time.Time
	By       string
}

// PutProfile stores a workspace's profile in place of the one before.
func (s *Store) PutProfile(ctx context.Context, ws evidence.ID, p Profile) error {
	err := sqlc.New(s.write).PutProfile(ctx, sqlc.PutProfileParams{Workspace: string(ws), Industry: p.Industry, Size: p.Size, Systems: strings.Join(p.Systems, " "), ChangedAt: ms(p.At), ChangedBy: p.By})
	if err != nil {
		return fmt.Errorf("storing the profile: %w", err)
	}
	return nil
}

// Profile gives a workspace's profile; ok is false while nobody told one.
func (s *Store) Profile(ctx context.Context, ws evidence.ID) (p Profile, ok bool, err error) {
	r, err := s.queries().Profile(ctx, string(ws))
	if errors.Is(err, sql.ErrNoRows) {
		return Profile{}, false, nil
	}
	if err != nil {
		return Profile{}, false, fmt.Errorf("reading the profile: %w", err)
	}
	return Profile{Industry: r.Industry, Size: r.Size, Systems: strings.Fields(r.Systems), At: fromMS(r.ChangedAt), By: r.ChangedBy}, true, nil
}

// ActivityAbout gives the newest lines of the trail that are about one subject, newest first.
func (s *Store) ActivityAbout(ctx context.Context, ws evidence.ID, subject string, limit int) ([]Activity, error) {
	rows, err := s.queries().ActivityAbout(ctx, string(ws), subject, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("reading the trail: %w", err)
	}
	var all []Activity
	for _, r := range rows {
		all = append(all, Activity{Workspace: ws, At: fromMS(r.At), Who: r.Who, What: r.What, Subject: r.Subject, Detail: r.Detail})
	}
	return all, nil
}
