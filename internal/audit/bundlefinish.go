package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/bundle"
	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// finish writes the manifest, fixes it in the log, and adds what proves it.
func (m *maker) finish() error {
	page, err := readme(m)
	if err != nil {
		return err
	}
	if _, err := m.w.AddBytes(bundle.File{Path: bundle.PathReadme, Role: "readme"}, page); err != nil {
		return err
	}
	if m.hint, err = m.cfg.Log.Hint(m.ctx, m.audit.Workspace); err != nil {
		return err
	}
	if _, err := m.w.AddBytes(bundle.File{Path: bundle.PathHint, Role: "hint"}, m.hint); err != nil {
		return err
	}
	m.manifest.Files = m.w.Files()
	if len(m.manifest.Redactions) > 0 {
		m.manifest.Limits = append(m.manifest.Limits, "Some events were erased with the data of a person, which the log tells of. That there were so many, in which pages and in which order, is proven; when each of them happened is told by whoever kept them, within the times of its page.")
	}
	text, err := m.manifest.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	m.manifestSHA = hex.EncodeToString(sum[:])
	_, _, err = m.cfg.Store.Append(m.ctx, m.audit.Workspace, func(_ int64, _ func(string) (string, error), commit func(translog.Tag, []byte) (string, error)) ([]store.Entry, error) {
		f := translog.Fields{"bundle": m.manifest.Bundle, "start": m.manifest.Start, "created": m.manifest.Created, "manifest_sha": m.manifestSHA}
		var err error
		if f["scope_commit"], err = commit(translog.TagScope, []byte(m.audit.Name+"\n"+m.audit.Framework)); err != nil {
			return nil, err
		}
		if f["actor_commit"], err = commit(translog.TagActor, []byte(m.who)); err != nil {
			return nil, err
		}
		return []store.Entry{{Kind: translog.KindExport, Fields: f}}, nil
	})
	if err != nil {
		return err
	}
	if m.signed, err = m.cfg.Log.Vouched(m.ctx, m.audit.Workspace); err != nil {
		return err
	}
	if now, err := m.cfg.Log.Hint(m.ctx, m.audit.Workspace); err != nil {
		return err
	} else if !bytes.Equal(now, m.hint) {
		return evidence.Errorf(evidence.Unavailable, "The keys that sign the log changed while the bundle was made. Make it again.")
	}
	for path, b := range map[string][]byte{bundle.PathManifest: text, bundle.PathSums: bundle.Sums(m.manifest.Files), bundle.PathCheckpoint: m.signed.Note,
		bundle.PathFrontier: []byte("0\n")} {
		if _, err := m.w.AddBytes(bundle.File{Path: path}, b); err != nil {
			return err
		}
	}
	if m.signed.Token != nil {
		if _, err := m.w.AddBytes(bundle.File{Path: bundle.PathToken}, m.signed.Token); err != nil {
			return err
		}
	}
	return m.addProofs()
}

// addProofs adds all leaves, the older checkpoints that others vouch for, and proofs of single leaves.
func (m *maker) addProofs() error {
	l, err := m.cfg.Store.Log(m.ctx, m.audit.Workspace)
	if err != nil {
		return err
	}
	var keys []translog.Key // that ever signed, and those of the witnesses
	stamped := map[int64]bool{}
	_, err = m.w.Add(bundle.File{Path: bundle.PathLeaves}, func(out io.Writer) error {
		var buf []byte
		return m.cfg.Store.EachLeaf(m.ctx, l, 0, m.signed.Size, func(n int64, leaf []byte) error {
			if n%10_000 == 0 {
				m.progress("leaves", n, m.signed.Size)
			}
			l, err := translog.DecodeLeaf(leaf)
			if err == nil && l.Has("tst_sha") {
				stamped[l.Int("size")] = true
			}
			if k, kerr := translog.ParseKey(l.Text("vkey")); err == nil && kerr == nil {
				keys = append(keys, k)
			}
			buf = translog.AppendEntry(buf[:0], leaf)
			_, err = out.Write(buf)
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := m.addOlder(l, keys, stamped); err != nil {
		return err
	}
	nodes := m.cfg.Store.LogNodes(m.ctx, l)
	for _, p := range m.proofs {
		path, err := translog.ProveLeaf(m.signed.Size, p.n, nodes)
		if err != nil {
			return err
		}
		proof := translog.Proof{Index: p.n, Path: path, Checkpoint: m.signed.Note}
		if _, err := m.w.AddBytes(bundle.File{Path: bundle.DirProofs + p.name + ".tlog-proof"}, proof.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// addOlder adds the checkpoints of before that others vouch for, with the signatures of those whom the bundle names: a line of
// somebody who is no witness any more could be anything.
func (m *maker) addOlder(l store.LogState, keys []translog.Key, stamped map[int64]bool) error {
	hint, err := translog.ParsePolicy(m.hint)
	if err != nil {
		return err
	}
	for _, w := range hint.Witnesses {
		keys = append(keys, w.Key)
	}
	anchors, err := m.cfg.Store.Anchors(m.ctx, l)
	if err != nil {
		return err
	}
	for _, a := range keptAnchors(anchors, m.signed.Size) {
		_, note, err := translog.OpenCheckpoint(a.Note)
		if err != nil {
			return err
		}
		note = note.Only(keys...)
		if len(note.Cosigned()) == 0 && !stamped[a.Size] {
			continue
		}
		if _, err := m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%d.checkpoint", bundle.DirOlder, a.Size)}, note.Bytes()); err != nil {
			return err
		}
		if a.Token == nil || !stamped[a.Size] { // a token of just now, whose leaf stands behind the bundle's last one, proves nothing yet
			continue
		}
		if _, err := m.w.AddBytes(bundle.File{Path: fmt.Sprintf("%s%d.tst", bundle.DirOlder, a.Size)}, a.Token); err != nil {
			return err
		}
	}
	return nil
}

// keptAnchors gives of the checkpoints below a size those with a time stamp, and of those that witnesses alone signed the
// last of each day: there is one every ten minutes.
func keptAnchors(all []store.Checkpoint, size int64) []store.Checkpoint {
	var kept []store.Checkpoint
	for _, a := range all {
		if a.Size >= size {
			break
		}
		last := len(kept) - 1
		if last >= 0 && kept[last].Token == nil && kept[last].CosignedAt.UTC().Format(time.DateOnly) == a.CosignedAt.UTC().Format(time.DateOnly) {
			kept = kept[:last]
		}
		kept = append(kept, a)
	}
	return kept
}

// FileName proposes a name for a bundle that is made at a time.
func FileName(a store.Audit, at time.Time) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(a.Framework))
	return fmt.Sprintf("evidence_%s_%s_%s_%s.zip", clean, a.Period.From.Format(time.DateOnly), a.Period.To.Format(time.DateOnly), at.UTC().Format("20060102T150405Z"))
}

// limits are the plain words of what no bundle can prove.
func limits() []string {
	return []string{
		"1Password does not sign what its Events API answers. That the pages were received as they are here follows from this log; that 1Password sent them follows from nothing in this file. A second reading with the auditor's own token, within the 120 days that 1Password keeps, is the only check.",
		"Pages of other times than those that the audit and its artifacts are about are in the log, each with its commitment, and not in this file. That they are of other times is what the log says of them.",
		"What 1Password never recorded, or had not received when the period was read, is not here.",
		"Names of vaults and items are encrypted by 1Password and are in no event.",
		"Times of events are those that 1Password and its apps tell.",
	}
}
