package store

import (
	"context"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// versionRecord gives the record of the leaf that tells of a version of an artifact. Versions were numbered and entered in
// one transaction each, so the newest one's is the end of the artifact's chain; an older one has its noted place in the log, and
// is looked for if something else stands there.
func (l *appender) versionRecord(ctx context.Context, ws, id evidence.ID, version, newest int64) (string, error) {
	if version == newest {
		return l.chainEnd(ctx, artifactChain(id))
	}
	n, err := l.q.VersionPlace(ctx, string(ws), string(id), version)
	if err == nil {
		raw, err := l.q.LogLeaf(ctx, l.row.Workspace<<leafBits|n)
		if err == nil && TellsOf(raw, id, version) {
			return translog.RecordID(raw), nil
		}
	}
	record := ""
	err = eachLeaf(ctx, l.q, l.row.Workspace, 0, l.row.Size, func(_ int64, raw []byte) error {
		if TellsOf(raw, id, version) {
			record = translog.RecordID(raw)
		}
		return nil
	})
	if err == nil && record == "" {
		err = fmt.Errorf("the log does not tell of version %d of %s; run exhibit fsck", version, id)
	}
	return record, err
}

// enterReview writes what a person concluded about a version. What it binds is committed to: the digest of an upload could
// be guessed. It gives the leaf's place in the log.
func (s *Store) enterReview(ctx context.Context, q *sqlc.Queries, r evidence.Review) (int64, error) {
	l, err := s.appendFor(ctx, q, r.Workspace)
	if err != nil {
		return 0, err
	}
	newest, err := q.NewestVersion(ctx, string(r.Artifact))
	if err != nil {
		return 0, fmt.Errorf("reading the versions of an artifact: %w", err)
	}
	subject, err := l.versionRecord(ctx, r.Workspace, r.Artifact, int64(r.Version), newest)
	if err != nil {
		return 0, err
	}
	f := translog.Fields{"review": string(r.ID), "artifact": string(r.Artifact), "version": int64(r.Version), "verdict": string(r.Verdict), "done": ms(r.At), "subject": subject}
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), r.By}, [3]string{"reason_commit", string(translog.TagComment), r.Reason},
		[3]string{"digest_commit", string(translog.TagSubject), r.Digest}); err != nil {
		return 0, err
	}
	if err := l.member(ctx, f, r.Member); err != nil {
		return 0, err
	}
	leaf := l.row.Size
	_, err = l.add(ctx, translog.KindReview, reviewChain(r.Artifact), f)
	return leaf, err
}

// enterRetire writes that an artifact is out of use from now on.
func (s *Store) enterRetire(ctx context.Context, q *sqlc.Queries, ws, id evidence.ID, by, reason string) error {
	l, err := s.appendFor(ctx, q, ws)
	if err != nil {
		return err
	}
	newest, err := q.NewestVersion(ctx, string(id))
	if err != nil {
		return fmt.Errorf("reading the versions of an artifact: %w", err)
	}
	subject, err := l.versionRecord(ctx, ws, id, newest, newest)
	if err != nil {
		return err
	}
	f := translog.Fields{"artifact": string(id), "version": newest, "subject": subject}
	if err := l.texts(ctx, f, [3]string{"actor_commit", string(translog.TagActor), by}, [3]string{"reason_commit", string(translog.TagComment), reason}); err != nil {
		return err
	}
	_, err = l.add(ctx, translog.KindRetire, reviewChain(id), f)
	return err
}
