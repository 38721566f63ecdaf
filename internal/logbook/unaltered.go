package logbook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Unaltered checks each version against the log: its leaf leads to the root of the newest signed checkpoint, and what the
// leaf commits to are the digests that are stored of its files and of its provenance. Files are kept by digest and are
// compared with it whenever they are read, so their bytes are not read here. What no checkpoint is over yet, or the log does
// not tell of, is not in the answer. The error says that the check could not be made, never that it failed.
func (s *Service) Unaltered(ctx context.Context, ws evidence.ID, versions []evidence.ArtifactVersion) (map[evidence.ID]bool, error) {
	out := map[evidence.ID]bool{}
	l, err := s.cfg.Store.Log(ctx, ws)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	signed, err := s.cfg.Store.Checkpoints(ctx, l, 1)
	if err != nil || len(signed) == 0 {
		return out, err
	}
	head, _, err := translog.OpenCheckpoint(signed[0].Note)
	if err != nil {
		return nil, fmt.Errorf("the stored checkpoint over %d leaves cannot be read; run exhibit fsck", signed[0].Size)
	}
	for _, v := range versions {
		n, raw, err := s.findVersion(ctx, l, v)
		if evidence.ErrorCode(err) == evidence.NotFound || err == nil && n >= head.Size {
			continue
		}
		if err != nil {
			return nil, err
		}
		path, err := translog.ProveLeaf(head.Size, n, s.cfg.Store.LogNodes(ctx, l))
		if err != nil {
			return nil, fmt.Errorf("proving leaf %d: %w", n, err)
		}
		kept, err := s.committed(ctx, l, v, raw)
		if err != nil {
			return nil, err
		}
		out[v.Artifact] = kept && translog.CheckLeaf(path, head.Size, head.Root, n, translog.LeafHash(raw)) == nil
	}
	return out, nil
}

// committed reports whether the commitments of a version's leaf open to exactly the digests that are stored of it.
func (s *Service) committed(ctx context.Context, l store.LogState, v evidence.ArtifactVersion, raw []byte) (bool, error) {
	leaf, err := translog.DecodeLeaf(raw)
	if err != nil {
		return false, nil //nolint:nilerr // a leaf that cannot be read commits to nothing
	}
	provenance := sha256.Sum256(v.Provenance)
	digests := map[string]string{store.Provenance: hex.EncodeToString(provenance[:])}
	for _, f := range v.Files {
		digests[f.Format] = f.SHA256
	}
	outputs := leaf.List("outputs")
	if len(outputs) != len(digests) {
		return false, nil
	}
	for _, o := range outputs {
		f, ok := o.(translog.Fields)
		if !ok {
			return false, nil
		}
		out := translog.Leaf{Fields: f}
		c, err := translog.ParseHash(out.Text("commit"))
		if err != nil {
			return false, nil //nolint:nilerr // see above
		}
		opening, err := s.cfg.Store.Opening(ctx, l, c)
		if err != nil {
			return false, err
		}
		digest, err := hex.DecodeString(digests[out.Text("role")])
		if err != nil || translog.Commit(translog.TagFile, opening.Salt, digest) != c {
			return false, nil //nolint:nilerr // a digest that is none is not what was committed to
		}
	}
	return true, nil
}
