package logbook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Inclusion is where an artifact version stands in the log, and who vouches for that.
type Inclusion struct {
	Leaf     int64
	Record   string // what other leaves call it by
	At       time.Time
	Entered  bool  // it was stored before there was a log, which vouches for it from here on
	Newest   *Seen // signed checkpoint over it; nil: none yet
	Cosigned *Seen // the first over it that a quorum of witnesses signed; nil: none
	Stamped  *Seen // the first over it that was time-stamped; nil: none
	Vouchers []store.Voucher
}

// OfArtifact gives where an artifact version stands in the log; NotFound if the log does not tell of it. It signs nothing.
func (s *Service) OfArtifact(ctx context.Context, ws evidence.ID, v evidence.ArtifactVersion) (Inclusion, error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return Inclusion{}, err
	}
	n, raw, err := s.findVersion(ctx, l, v)
	if err != nil {
		return Inclusion{}, err
	}
	leaf, err := translog.DecodeLeaf(raw)
	if err != nil {
		return Inclusion{}, fmt.Errorf("leaf %d: %w; run exhibit fsck", n, err)
	}
	in := Inclusion{Leaf: n, Record: translog.RecordID(raw), At: time.UnixMilli(leaf.At()).UTC(), Entered: leaf.Bool("entered")}
	over, err := s.cfg.Store.CheckpointsOver(ctx, l, n)
	if err != nil {
		return in, err
	}
	for from, to := range map[*store.Checkpoint]**Seen{over.Newest: &in.Newest, over.FirstCosigned: &in.Cosigned, over.FirstStamped: &in.Stamped} {
		if from == nil {
			continue
		}
		seen, err := seenOf(*from)
		if err != nil {
			return in, err
		}
		*to = &seen
	}
	in.Vouchers, err = s.cfg.Store.Vouchers(ctx, l)
	return in, err
}

// ProofOf proves an artifact version under a checkpoint that was signed before, one that witnesses signed if there is one. It
// gives the leaf too, which is what is proven.
func (s *Service) ProofOf(ctx context.Context, ws evidence.ID, v evidence.ArtifactVersion) (p translog.Proof, leaf []byte, err error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return p, nil, err
	}
	n, leaf, err := s.findVersion(ctx, l, v)
	if err != nil {
		return p, nil, err
	}
	over, err := s.cfg.Store.CheckpointsOver(ctx, l, n)
	if err != nil {
		return p, nil, err
	}
	c := over.NewestCosign
	if c == nil {
		c = over.Newest
	}
	if c == nil {
		return p, nil, evidence.Errorf(evidence.Unavailable, "No checkpoint over this version was signed yet. The server signs within a minute: try again.")
	}
	path, err := translog.ProveLeaf(c.Size, n, s.cfg.Store.LogNodes(ctx, l))
	return translog.Proof{Index: n, Path: path, Checkpoint: c.Note}, leaf, err
}

// errFound ends a search.
var errFound = errors.New("found")

// findVersion finds the leaf of an artifact version by its noted place, which is checked.
func (s *Service) findVersion(ctx context.Context, l store.LogState, v evidence.ArtifactVersion) (n int64, raw []byte, err error) {
	n, err = s.cfg.Store.VersionPlace(ctx, l.Workspace, v.Artifact, v.Version)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return s.searchVersion(ctx, l, v)
	}
	if err != nil {
		return 0, nil, err
	}
	return s.versionAt(ctx, l, v, n)
}

// versionAt gives the leaf of an artifact version that was noted to stand at n. If another stands there, it is searched for.
func (s *Service) versionAt(ctx context.Context, l store.LogState, v evidence.ArtifactVersion, n int64) (int64, []byte, error) {
	raw, err := s.cfg.Store.Leaf(ctx, l, n)
	if err == nil && store.TellsOf(raw, v.Artifact, int64(v.Version)) {
		return n, raw, nil
	}
	if err != nil && evidence.ErrorCode(err) != evidence.NotFound {
		return 0, nil, err
	}
	return s.searchVersion(ctx, l, v)
}

// searchVersion finds the leaf of an artifact version in the whole log.
func (s *Service) searchVersion(ctx context.Context, l store.LogState, v evidence.ArtifactVersion) (n int64, raw []byte, err error) {
	err = s.cfg.Store.EachLeaf(ctx, l, 0, l.Size, func(i int64, leaf []byte) error {
		if store.TellsOf(leaf, v.Artifact, int64(v.Version)) {
			n, raw = i, leaf
			return errFound
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		return n, raw, nil
	case err == nil:
		err = evidence.Errorf(evidence.NotFound, "The log does not tell of version %d of this artifact.", v.Version)
	}
	return 0, nil, err
}
