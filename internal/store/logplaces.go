package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// VersionKey names a version of an artifact.
type VersionKey struct {
	Artifact evidence.ID
	Version  int
}

// VersionPlaces gives the places in the log of the leaves that tell of a workspace's artifact versions. A place is a shortcut and
// proves nothing: whoever uses one reads the leaf.
func (s *Store) VersionPlaces(ctx context.Context, ws evidence.ID) (map[VersionKey]int64, error) {
	rows, err := s.queries().VersionPlaces(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading where the log tells of artifacts: %w", err)
	}
	out := make(map[VersionKey]int64, len(rows))
	for _, r := range rows {
		out[VersionKey{evidence.ID(r.Artifact), int(r.Version)}] = r.Leaf
	}
	return out, nil
}

// VersionPlace is VersionPlaces for one version; NotFound if its place is not known.
func (s *Store) VersionPlace(ctx context.Context, ws, artifact evidence.ID, version int) (int64, error) {
	n, err := s.queries().VersionPlace(ctx, string(ws), string(artifact), int64(version))
	if err != nil {
		return 0, notFound(err, "reading where the log tells of an artifact", "The log does not tell of version %d of this artifact.", version)
	}
	return n, nil
}

// placeVersions finds the places of versions that were stored by programs which did not note them, in one walk over each log
// that has such. A crash leaves those of a workspace unknown, and the next start does it.
func (s *Store) placeVersions(ctx context.Context) error {
	unplaced, err := s.queries().UnplacedWorkspaces(ctx)
	if err != nil {
		return fmt.Errorf("looking for versions without a place in the log: %w", err)
	}
	for _, w := range unplaced {
		err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
			err := eachLeaf(ctx, q, w.No, 0, w.Size, func(n int64, raw []byte) error {
				leaf, err := translog.DecodeLeaf(raw)
				if err != nil || leaf.Kind != translog.KindArtifact {
					return nil //nolint:nilerr // fsck tells of leaves that cannot be read
				}
				return q.PlaceVersion(ctx, n, leaf.Text("artifact"), leaf.Int("version"))
			})
			if err != nil {
				return err
			}
			return q.GiveUpPlaces(ctx, w.Workspace)
		})
		if err != nil {
			return fmt.Errorf("finding the places of artifacts in the log: %w", err)
		}
		s.log.Info("the places of artifacts in the log have been noted", "workspace", w.Workspace)
	}
	return nil
}

// Openings gives what opens commitments of a workspace's log; those that were deleted or never were are left out.
func (s *Store) Openings(ctx context.Context, l LogState, all []translog.Hash) (found map[translog.Hash]Opening, err error) {
	found = make(map[translog.Hash]Opening, len(all))
	for part := range slices.Chunk(all, leavesAtOnce) {
		marks, args := make([]string, len(part)), make([]any, len(part)+1)
		args[0] = l.No
		for i, c := range part {
			marks[i], args[i+1] = fmt.Sprint("$", i+2), c[:]
		}
		if err := s.openings(ctx, `SELECT commitment, tag, salt, value FROM log_opening WHERE workspace = $1 AND commitment IN (`+strings.Join(marks, ", ")+`)`, args, found); err != nil {
			return nil, fmt.Errorf("reading what opens commitments: %w", err)
		}
	}
	return found, nil
}

func (s *Store) openings(ctx context.Context, query string, args []any, into map[translog.Hash]Opening) (err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o Opening
		var commitment, salt []byte
		if err := rows.Scan(&commitment, &o.Tag, &salt, &o.Value); err != nil {
			return err
		}
		if len(commitment) != translog.HashSize || len(salt) != translog.HashSize {
			return fmt.Errorf("the salt of commitment %x is damaged", commitment)
		}
		o.Commitment, o.Salt = translog.Hash(commitment), translog.Salt(salt)
		into[o.Commitment] = o
	}
	return rows.Err()
}

// TellsOf reports whether a leaf tells that a version of an artifact was made.
func TellsOf(raw []byte, artifact evidence.ID, version int64) bool {
	leaf, err := translog.DecodeLeaf(raw)
	return err == nil && leaf.Kind == translog.KindArtifact && leaf.Text("artifact") == string(artifact) && leaf.Int("version") == version
}
