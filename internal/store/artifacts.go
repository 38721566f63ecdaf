package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// ArtifactFilter narrows a list of artifacts; every part that is set must hold.
type ArtifactFilter struct {
	Recipe  string
	Kind    evidence.ArtifactKind
	Control evidence.ID // attached to it
	Action  evidence.ID // attached to it
}

// AttachmentFilter narrows a list of attachments; every part that is set must hold.
type AttachmentFilter struct {
	Artifact evidence.ID
	Control  evidence.ID
	Action   evidence.ID
}

// errErasedMeanwhile refuses what was made of events that are gone now, or are going.
var errErasedMeanwhile = evidence.Errorf(evidence.Unavailable, "Events were erased while this was built, so it was not kept. Build it again when the erasure has come to its end.")

// SaveArtifact stores an artifact with a.Latest as its next version and gives it back with the ID and version that it has
// now. A derived artifact of the same recipe, period and variant is the same artifact, whatever a.ID says; any other with a known
// ID gets a new version too. Versions are numbered by the store: a.Latest.Version plays no part.
func (s *Store) SaveArtifact(ctx context.Context, a evidence.Artifact) (evidence.Artifact, error) {
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if a.Kind == evidence.Derived {
			moved, err := erasedSince(ctx, q, a.Workspace, a.Latest.AsOf)
			if err != nil {
				return err
			}
			if moved {
				return errErasedMeanwhile
			}
		}
		known, found, err := knownArtifact(ctx, q, a)
		switch {
		case err != nil:
			return err
		case !found:
			err = addArtifact(ctx, q, a)
		default:
			a.ID, a.CreatedAt = known.ID, known.CreatedAt
			_, err = q.UpdateArtifact(ctx, sqlc.UpdateArtifactParams{Title: a.Title, RetiredAt: ms(a.RetiredAt), Retired: a.Retired,
				Workspace: string(a.Workspace), ID: string(a.ID)})
		}
		if err != nil {
			return fmt.Errorf("storing an artifact: %w", err)
		}
		if err := addVersion(ctx, q, &a); err != nil {
			return err
		}
		return s.enterArtifact(ctx, q, a)
	})
	return a, err
}

// knownArtifact gives the artifact of which a is a new version, if there is one.
func knownArtifact(ctx context.Context, q *sqlc.Queries, a evidence.Artifact) (known evidence.Artifact, found bool, err error) {
	id := string(a.ID)
	if a.Kind == evidence.Derived {
		same, err := q.DerivedArtifact(ctx, sqlc.DerivedArtifactParams{Workspace: string(a.Workspace), Recipe: a.Recipe,
			FromAt: ms(a.Period.From), ToAt: ms(a.Period.To), Variant: a.Variant})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return known, false, fmt.Errorf("looking for an artifact: %w", err)
		}
		if err == nil {
			id = same
		}
	}
	r, err := q.Artifact(ctx, string(a.Workspace), id)
	if errors.Is(err, sql.ErrNoRows) {
		return known, false, nil
	}
	if err != nil {
		return known, false, fmt.Errorf("looking for an artifact: %w", err)
	}
	known, err = artifactOf(r)
	return known, true, err
}

func addArtifact(ctx context.Context, q *sqlc.Queries, a evidence.Artifact) error {
	return q.AddArtifact(ctx, sqlc.AddArtifactParams{ID: string(a.ID), Workspace: string(a.Workspace), Kind: string(a.Kind),
		Recipe: a.Recipe, Title: a.Title, FromAt: ms(a.Period.From), ToAt: ms(a.Period.To), CreatedAt: ms(a.CreatedAt),
		RetiredAt: ms(a.RetiredAt), Retired: a.Retired, Variant: a.Variant})
}

// addVersion stores a.Latest under the next number.
func addVersion(ctx context.Context, q *sqlc.Queries, a *evidence.Artifact) error {
	newest, err := q.NewestVersion(ctx, string(a.ID))
	if err != nil {
		return fmt.Errorf("reading the versions of an artifact: %w", err)
	}
	v := &a.Latest
	v.Artifact, v.Version = a.ID, int(newest)+1
	files, err := json.Marshal(v.Files)
	if err != nil {
		return fmt.Errorf("writing down the files of an artifact: %w", err)
	}
	provenance := v.Provenance
	if provenance == nil {
		provenance = []byte{}
	}
	err = q.AddArtifactVersion(ctx, sqlc.AddArtifactVersionParams{Artifact: string(a.ID), Version: int64(v.Version),
		RecipeVersion: int64(v.RecipeVersion), Engine: v.Engine, Result: string(v.Result), Population: v.Population,
		TableRows: v.Rows, Provenance: provenance, Files: string(files), BuiltAt: ms(v.BuiltAt), BuiltBy: v.BuiltBy,
		BuiltMember: string(v.BuiltMember)})
	if err != nil {
		return fmt.Errorf("storing a version of an artifact: %w", err)
	}
	return nil
}

// Artifact gives an artifact with its newest version.
func (s *Store) Artifact(ctx context.Context, ws, id evidence.ID) (evidence.Artifact, error) {
	r, err := s.queries().Artifact(ctx, string(ws), string(id))
	if err != nil {
		return evidence.Artifact{}, notFound(err, "reading an artifact", "There is no artifact %s.", id)
	}
	return artifactOf(r)
}

// Artifacts gives artifacts with their newest versions, newest artifact first.
func (s *Store) Artifacts(ctx context.Context, ws evidence.ID, f ArtifactFilter) ([]evidence.Artifact, error) {
	rows, err := s.queries().Artifacts(ctx, sqlc.ArtifactsParams{Workspace: string(ws), Recipe: f.Recipe, Kind: string(f.Kind),
		Control: string(f.Control), Action: string(f.Action)})
	if err != nil {
		return nil, fmt.Errorf("reading artifacts: %w", err)
	}
	var all []evidence.Artifact
	for _, r := range rows {
		a, err := artifactOf(sqlc.ArtifactRow(r))
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// ArtifactVersions gives all versions of an artifact, newest first.
func (s *Store) ArtifactVersions(ctx context.Context, ws, id evidence.ID) ([]evidence.ArtifactVersion, error) {
	rows, err := s.queries().ArtifactVersions(ctx, string(ws), string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the versions of an artifact: %w", err)
	}
	if len(rows) == 0 {
		return nil, evidence.Errorf(evidence.NotFound, "There is no artifact %s.", id)
	}
	var all []evidence.ArtifactVersion
	for _, r := range rows {
		v, err := versionOf(r)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func artifactOf(r sqlc.ArtifactRow) (evidence.Artifact, error) {
	v, err := versionOf(r.ArtifactVersion)
	return evidence.Artifact{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Kind: evidence.ArtifactKind(r.Kind),
		Recipe: r.Recipe, Variant: r.Variant, Title: r.Title, Period: evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}, CreatedAt: fromMS(r.CreatedAt),
		RetiredAt: fromMS(r.RetiredAt), Retired: r.Retired, Latest: v}, err
}

func versionOf(r sqlc.ArtifactVersion) (evidence.ArtifactVersion, error) {
	v := evidence.ArtifactVersion{Artifact: evidence.ID(r.Artifact), Version: int(r.Version), RecipeVersion: int(r.RecipeVersion),
		Engine: r.Engine, Result: evidence.Completeness(r.Result), Population: r.Population, Rows: r.TableRows,
		Provenance: r.Provenance, BuiltAt: fromMS(r.BuiltAt), BuiltBy: r.BuiltBy, BuiltMember: evidence.ID(r.BuiltMember),
		ErasedAt: fromMS(r.ErasedAt), Erasure: evidence.ID(r.Erasure)}
	if err := json.Unmarshal([]byte(r.Files), &v.Files); err != nil {
		return v, fmt.Errorf("reading the files of artifact %s: %w", r.Artifact, err)
	}
	return v, nil
}

// Attach ties an artifact to an action or a control; Conflict if it is attached there already.
func (s *Store) Attach(ctx context.Context, a evidence.Attachment) error {
	if (a.Target.Action == "") == (a.Target.Control == "") {
		return evidence.Errorf(evidence.Invalid, "An artifact is attached either to an action or to a control.")
	}
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := attachable(ctx, q, a); err != nil {
			return err
		}
		n, err := q.Attach(ctx, sqlc.AttachParams{ID: string(a.ID), Workspace: string(a.Workspace), Artifact: string(a.Artifact),
			Action: orNull(a.Target.Action), Control: orNull(a.Target.Control), Strength: string(a.Strength), Reason: a.Reason,
			Caveat: a.Caveat, Automatic: number(a.Automatic), AttachedAt: ms(a.AttachedAt), AttachedBy: a.AttachedBy})
		if err != nil {
			return fmt.Errorf("attaching an artifact: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The artifact is attached there already.")
		}
		return s.enterAttach(ctx, q, a)
	})
}

// attachable makes sure that both ends are of the workspace.
func attachable(ctx context.Context, q *sqlc.Queries, a evidence.Attachment) error {
	ws := string(a.Workspace)
	if _, err := q.Artifact(ctx, ws, string(a.Artifact)); err != nil {
		return notFound(err, "reading an artifact", "There is no artifact %s.", a.Artifact)
	}
	if a.Target.Action != "" {
		_, err := q.Action(ctx, ws, string(a.Target.Action))
		return notFound(err, "reading an action", "There is no action %s.", a.Target.Action)
	}
	_, err := q.Control(ctx, ws, string(a.Target.Control))
	return notFound(err, "reading a control", "There is no control %s.", a.Target.Control)
}

// Detach ends an attachment, which stays on record with who did it and why; Conflict if it has ended already.
func (s *Store) Detach(ctx context.Context, ws, id evidence.ID, at time.Time, by, reason string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.Detach(ctx, sqlc.DetachParams{Workspace: string(ws), ID: string(id), DetachedAt: ms(at), DetachedBy: by, Detached: reason})
		if err != nil {
			return fmt.Errorf("detaching an artifact: %w", err)
		}
		if n > 0 {
			return s.enterDetach(ctx, q, ws, id, by, reason)
		}
		exists, err := q.AttachmentExists(ctx, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("reading an attachment: %w", err)
		}
		if exists > 0 {
			return evidence.Errorf(evidence.Conflict, "The artifact was detached already.")
		}
		return evidence.Errorf(evidence.NotFound, "There is no attachment %s.", id)
	})
}

// Attachments gives what is attached now, oldest first.
func (s *Store) Attachments(ctx context.Context, ws evidence.ID, f AttachmentFilter) ([]evidence.Attachment, error) {
	rows, err := s.queries().Attachments(ctx, string(ws), string(f.Artifact), string(f.Control), string(f.Action))
	if err != nil {
		return nil, fmt.Errorf("reading attachments: %w", err)
	}
	var all []evidence.Attachment
	for _, r := range rows {
		all = append(all, attachmentOf(ws, r))
	}
	return all, nil
}

func attachmentOf(ws evidence.ID, r sqlc.Attachment) evidence.Attachment {
	return evidence.Attachment{ID: evidence.ID(r.ID), Workspace: ws, Artifact: evidence.ID(r.Artifact),
		Target:   evidence.Target{Action: evidence.ID(r.Action.String), Control: evidence.ID(r.Control.String)},
		Strength: evidence.Strength(r.Strength), Reason: r.Reason, Caveat: r.Caveat, Automatic: r.Automatic == 1,
		AttachedAt: fromMS(r.AttachedAt), AttachedBy: r.AttachedBy, DetachedAt: fromMS(r.DetachedAt), Detached: r.Detached}
}

func orNull(id evidence.ID) sql.NullString {
	return sql.NullString{String: string(id), Valid: id != ""}
}
