package logbook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Unaltered checks each version against the log: its leaf leads to the root of the newest signed checkpoint, and what the
// leaf commits to are the digests that are stored of its files and of its provenance. Files are kept by digest and are
// compared with it whenever they are read, so their bytes are not read here. What no checkpoint is over yet, the log does
// not tell of, or can be opened no longer, is not in the answer. The error says that the check could not be made, never that it failed.
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
	p := proving{s: s, log: l, head: head}
	if p.places, err = s.cfg.Store.VersionPlaces(ctx, ws); err != nil {
		return nil, err
	}
	for _, v := range versions {
		if !v.ErasedAt.IsZero() {
			continue // nothing is left that could be compared
		}
		if err := p.find(ctx, v); err != nil {
			return nil, err
		}
	}
	return p.prove(ctx)
}

// proving checks versions under one checkpoint.
type proving struct {
	s      *Service
	log    store.LogState
	head   translog.Checkpoint
	places map[store.VersionKey]int64
	found  []foundVersion
}

// foundVersion is a version with its leaf and what that commits to.
type foundVersion struct {
	evidence.ArtifactVersion
	n       int64
	raw     []byte
	outputs map[string]translog.Hash // by role; nil: the leaf commits to nothing that can be read
}

// find reads the leaf of a version; one that the log does not tell of, or no checkpoint is over yet, is left out.
func (p *proving) find(ctx context.Context, v evidence.ArtifactVersion) error {
	n, ok := p.places[store.VersionKey{Artifact: v.Artifact, Version: v.Version}]
	if !ok || n >= p.head.Size {
		return nil
	}
	n, raw, err := p.s.versionAt(ctx, p.log, v, n)
	if evidence.ErrorCode(err) == evidence.NotFound || err == nil && n >= p.head.Size {
		return nil
	}
	if err == nil {
		p.found = append(p.found, foundVersion{v, n, raw, outputsOf(raw)})
	}
	return err
}

// outputsOf gives what a version's leaf commits to, by role; nil if it cannot be read.
func outputsOf(raw []byte) map[string]translog.Hash {
	leaf, err := translog.DecodeLeaf(raw)
	if err != nil {
		return nil
	}
	out := map[string]translog.Hash{}
	for _, o := range leaf.List("outputs") {
		f, ok := o.(translog.Fields)
		if !ok {
			return nil
		}
		output := translog.Leaf{Fields: f}
		c, err := translog.ParseHash(output.Text("commit"))
		if err != nil {
			return nil
		}
		if _, twice := out[output.Text("role")]; twice {
			return nil
		}
		out[output.Text("role")] = c
	}
	return out
}

// prove checks what was found, by artifact.
func (p *proving) prove(ctx context.Context) (map[evidence.ID]bool, error) {
	var all []translog.Hash
	for _, f := range p.found {
		all = slices.AppendSeq(all, maps.Values(f.outputs))
	}
	openings, err := p.s.cfg.Store.Openings(ctx, p.log, all)
	if err != nil {
		return nil, err
	}
	out, nodes := map[evidence.ID]bool{}, p.s.cfg.Store.LogNodes(ctx, p.log)
	for _, f := range p.found {
		if !f.opens(openings) {
			continue
		}
		path, err := translog.ProveLeaf(p.head.Size, f.n, nodes)
		if err != nil {
			return nil, fmt.Errorf("proving leaf %d: %w", f.n, err)
		}
		out[f.Artifact] = f.committed(openings) && translog.CheckLeaf(path, p.head.Size, p.head.Root, f.n, translog.LeafHash(f.raw)) == nil
	}
	return out, nil
}

// opens reports whether everything that a version's leaf commits to can be opened; what was deleted since cannot be checked.
func (f foundVersion) opens(openings map[translog.Hash]store.Opening) bool {
	for _, c := range f.outputs {
		if _, known := openings[c]; !known {
			return false
		}
	}
	return true
}

// committed reports whether the commitments of a version's leaf open to exactly the digests that are stored of it.
func (f foundVersion) committed(openings map[translog.Hash]store.Opening) bool {
	provenance := sha256.Sum256(f.Provenance)
	digests := map[string]string{store.Provenance: hex.EncodeToString(provenance[:])}
	for _, file := range f.Files {
		digests[file.Format] = file.SHA256
	}
	if len(f.outputs) != len(digests) {
		return false
	}
	for role, c := range f.outputs {
		digest, err := hex.DecodeString(digests[role])
		if err != nil || translog.Commit(translog.TagFile, openings[c].Salt, digest) != c {
			return false
		}
	}
	return true
}
