package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// AddReview stores a review of a version. There is no way to change or remove one.
func (s *Store) AddReview(ctx context.Context, r evidence.Review) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if _, err := q.Artifact(ctx, string(r.Workspace), string(r.Artifact)); err != nil {
			return notFound(err, "reading an artifact", "There is no artifact %s.", r.Artifact)
		}
		leaf, err := s.enterReview(ctx, q, r)
		if err != nil {
			return err
		}
		err = q.AddReview(ctx, sqlc.AddReviewParams{Workspace: string(r.Workspace), ID: string(r.ID), Artifact: string(r.Artifact),
			Version: int64(r.Version), Digest: r.Digest, Verdict: string(r.Verdict), Reason: r.Reason, At: ms(r.At), Reviewer: r.By, Member: string(r.Member), Leaf: leaf})
		if err != nil {
			return fmt.Errorf("storing a review: %w", err)
		}
		return nil
	})
}

// Reviews gives the reviews of an artifact, or of all of the workspace if it is empty, oldest first.
func (s *Store) Reviews(ctx context.Context, ws, artifact evidence.ID) ([]evidence.Review, error) {
	rows, err := s.queries().Reviews(ctx, string(ws), string(artifact))
	if err != nil {
		return nil, fmt.Errorf("reading reviews: %w", err)
	}
	var all []evidence.Review
	for _, r := range rows {
		all = append(all, evidence.Review{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Artifact: evidence.ID(r.Artifact), Version: int(r.Version),
			Digest: r.Digest, Verdict: evidence.ReviewVerdict(r.Verdict), Reason: r.Reason, At: fromMS(r.At), By: r.Reviewer, Member: evidence.ID(r.Member), Leaf: r.Leaf})
	}
	return all, nil
}

// RetireArtifact takes an artifact out of use; it and its versions stay. Conflict if it is out of use already.
func (s *Store) RetireArtifact(ctx context.Context, ws, id evidence.ID, at time.Time, by, reason string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.RetireArtifact(ctx, ms(at), reason, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("retiring an artifact: %w", err)
		}
		if n > 0 {
			return s.enterRetire(ctx, q, ws, id, by, reason)
		}
		if _, err := q.Artifact(ctx, string(ws), string(id)); err != nil {
			return notFound(err, "reading an artifact", "There is no artifact %s.", id)
		}
		return evidence.Errorf(evidence.Conflict, "The artifact was retired already.")
	})
}
