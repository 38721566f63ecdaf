// Package logbook keeps a workspace's log: it signs checkpoints, proves what is in the log, changes keys, and asks
// witnesses and time-stamping authorities to vouch for it. What goes into the log is decided where it is stored.
package logbook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/seal"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Store is what the logbook needs of the store.
type Store interface {
	EnsureLog(ctx context.Context, ws evidence.ID) error
	Log(ctx context.Context, ws evidence.ID) (store.LogState, error)
	MarkLog(ctx context.Context, ws evidence.ID) (store.Mark, error)
	LogNodes(ctx context.Context, l store.LogState) translog.Nodes
	Leaf(ctx context.Context, l store.LogState, n int64) ([]byte, error)
	Opening(ctx context.Context, l store.LogState, c translog.Hash) (store.Opening, error)
	Openings(ctx context.Context, l store.LogState, all []translog.Hash) (map[translog.Hash]store.Opening, error)
	VersionPlace(ctx context.Context, ws, artifact evidence.ID, version int) (int64, error)
	VersionPlaces(ctx context.Context, ws evidence.ID) (map[store.VersionKey]int64, error)
	EachLeaf(ctx context.Context, l store.LogState, from, to int64, fn func(n int64, leaf []byte) error) error
	AddCheckpoint(ctx context.Context, l store.LogState, c store.Checkpoint) error
	SetCosigned(ctx context.Context, l store.LogState, size int64, note []byte, at time.Time) error
	AddTimeStamp(ctx context.Context, ws evidence.ID, c store.Checkpoint, f translog.Fields) error
	Checkpoint(ctx context.Context, l store.LogState, size int64) (store.Checkpoint, error)
	CheckpointsOver(ctx context.Context, l store.LogState, n int64) (store.Over, error)
	LastStamped(ctx context.Context, l store.LogState) (c store.Checkpoint, ok bool, err error)
	Vouchers(ctx context.Context, l store.LogState) ([]store.Voucher, error)
	NoteVoucher(ctx context.Context, l store.LogState, v store.Voucher) (first bool, err error)
	RemoveVoucher(ctx context.Context, l store.LogState, v store.Voucher) error
	Checkpoints(ctx context.Context, l store.LogState, limit int) ([]store.Checkpoint, error)
	LogKeys(ctx context.Context, l store.LogState) ([]store.LogKey, error)
	AddLogKey(ctx context.Context, ws evidence.ID, k store.LogKey, mustBeFirst bool, fields func(size int64, prev string) (translog.Fields, error)) error
	RetireLogKey(ctx context.Context, ws evidence.ID, vkey string, at time.Time, fields func(size int64, prev string) (translog.Fields, error)) error
	AddActivity(ctx context.Context, a store.Activity) error
}

// Config makes a Service. All of it must be given but Outsiders, Witnesses and TSA.
type Config struct {
	Store Store
	// Box seals and opens the secrets of a workspace.
	Box func(ctx context.Context, ws evidence.ID) (*seal.Box, error)
	// Dir is where the signer remembers what it signed last. It must not be taken back with the database.
	Dir string
	Now func() time.Time
	Log *slog.Logger
	// Outsiders are asked to vouch for checkpoints: the witnesses of a policy, and the time-stamping authority at an address.
	Outsiders Outsiders
	Witnesses *translog.Policy // nil: none
	TSA       string           // empty: none
}

// Service keeps logs. Its methods may be called from several goroutines at once.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) *Service { return &Service{cfg} }

// attempts is how often a checkpoint is tried again when another process signed one meanwhile.
const attempts = 5

// Checkpoint enters what waits, and signs a checkpoint over all that is in the log; if nothing came since the last one, it
// gives that one again.
//
// The signer's own memory is durable before the signature exists. A crash after that and before the checkpoint is stored
// leaves nothing but a memory that is ahead: the next call signs from there.
func (s *Service) Checkpoint(ctx context.Context, ws evidence.ID) (translog.Signed, error) {
	if err := s.ensureKey(ctx, ws); err != nil {
		return translog.Signed{}, err
	}
	mark, err := s.cfg.Store.MarkLog(ctx, ws)
	if err != nil {
		return translog.Signed{}, err
	}
	for range attempts {
		signed, err := s.sign(ctx, mark.Log)
		var conflict *translog.ConflictError
		if errors.As(err, &conflict) {
			if mark.Log, err = s.cfg.Store.Log(ctx, ws); err != nil {
				return translog.Signed{}, err
			}
			continue
		}
		return signed, err
	}
	return translog.Signed{}, evidence.Errorf(evidence.Unavailable, "Other processes keep signing checkpoints of this log. Try again.")
}

func (s *Service) sign(ctx context.Context, l store.LogState) (translog.Signed, error) {
	keys, err := s.signingKeys(ctx, l)
	if err != nil {
		return translog.Signed{}, err
	}
	state, err := translog.OpenState(s.cfg.Dir)
	if err != nil {
		return translog.Signed{}, err
	}
	last, err := s.last(ctx, l, state, keys)
	if err != nil {
		return translog.Signed{}, err
	}
	if last.Size > l.Size {
		return translog.Signed{}, rewound(l, last)
	}
	nodes := s.cfg.Store.LogNodes(ctx, l)
	root, err := translog.Root(l.Size, nodes)
	if err != nil {
		return translog.Signed{}, err
	}
	var proof []translog.Hash
	if last.Size > 0 {
		if proof, err = translog.ProveConsistency(l.Size, last.Size, nodes); err != nil {
			return translog.Signed{}, err
		}
	}
	out := translog.Signed{Checkpoint: translog.Checkpoint{Origin: l.Origin, Size: l.Size, Root: root}, VKey: keys[len(keys)-1].Verifier().String(), At: s.cfg.Now().UTC()}
	stored, err := s.cfg.Store.Checkpoints(ctx, l, 1)
	if err != nil {
		return translog.Signed{}, err
	}
	if len(stored) > 0 && stored[0].Size == l.Size { // nothing came since; it may have signatures of witnesses by now
		if c, n, err := translog.OpenCheckpoint(stored[0].Note); err == nil && c == out.Checkpoint {
			if _, _, err := n.Signed(keys[len(keys)-1].Verifier()); err == nil {
				out.Note, out.At = stored[0].Note, stored[0].At
				return out, nil
			}
		}
	}
	out.Note, err = translog.NewSigner(state, keys...).Sign(last.Size, proof, out.Checkpoint, out.At)
	if errors.Is(err, translog.ErrFork) {
		return translog.Signed{}, rewound(l, last)
	}
	if err != nil {
		return translog.Signed{}, err
	}
	return out, s.cfg.Store.AddCheckpoint(ctx, l, store.Checkpoint{Size: out.Size, At: out.At, Note: out.Note})
}

// rewound is what a log is told that does not go on from what was signed.
func rewound(l store.LogState, last translog.Checkpoint) error {
	return &evidence.Error{Code: evidence.Conflict, Err: translog.ErrFork, Message: fmt.Sprintf(
		"The log of this database has %d leaves and does not go on from the last checkpoint that was signed, over %d leaves. The database was restored from an older backup, or changed behind Exhibit's back. "+
			"Nothing is signed until the missing leaves are back: restore a newer backup. Bundles and checkpoints that were given out stay valid.", l.Size, last.Size)}
}

// last gives what this machine signed last. One that never signed takes the database's last checkpoint for it.
func (s *Service) last(ctx context.Context, l store.LogState, state *translog.State, keys []*translog.SigningKey) (translog.Checkpoint, error) {
	last, ok, err := state.Last(l.Origin)
	if err != nil || ok {
		return last, err
	}
	stored, err := s.cfg.Store.Checkpoints(ctx, l, 1)
	if err != nil || len(stored) == 0 {
		return last, err
	}
	c, n, err := translog.OpenCheckpoint(stored[0].Note)
	if err != nil || c.Origin != l.Origin {
		return last, fmt.Errorf("the last stored checkpoint cannot be read; run exhibit fsck")
	}
	known := make([]translog.Key, len(keys))
	for i, k := range keys {
		known[i] = k.Verifier()
	}
	if _, _, err := n.Signed(known...); err != nil {
		return last, nil // signed by keys that are retired: the tree itself is compared all the same below
	}
	return c, state.Advance(0, nil, c)
}

// ensureKey makes log and key if this is the first time.
func (s *Service) ensureKey(ctx context.Context, ws evidence.ID) error {
	if err := s.cfg.Store.EnsureLog(ctx, ws); err != nil {
		return err
	}
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return err
	}
	keys, err := s.cfg.Store.LogKeys(ctx, l)
	if err != nil || len(keys) > 0 {
		return err
	}
	err = s.addKey(ctx, l, nil)
	if evidence.ErrorCode(err) == evidence.Conflict {
		return nil // another process made it meanwhile
	}
	return err
}

// addKey makes a key, seals it, and enters it; old, if there is one, vouches for it.
func (s *Service) addKey(ctx context.Context, l store.LogState, old *translog.SigningKey) error {
	key, err := translog.NewSigningKey(l.Origin, false)
	if err != nil {
		return err
	}
	box, err := s.cfg.Box(ctx, l.Workspace)
	if err != nil {
		return err
	}
	vkey := key.Verifier().String()
	sealed, err := box.Seal(seal.NewSecret(key.Secret()), "", seal.PurposeLogKey)
	if err != nil {
		return err
	}
	return s.cfg.Store.AddLogKey(ctx, l.Workspace, store.LogKey{VKey: vkey, Sealed: sealed, AddedAt: s.cfg.Now()}, old == nil, func(size int64, prev string) (translog.Fields, error) {
		return keyLeaf("add", vkey, size, prev, old, key)
	})
}

// keyLeaf makes the leaf about a key. The signatures are over the leaf's fields without them and without its time.
func keyLeaf(op, vkey string, size int64, prev string, old, own *translog.SigningKey) (translog.Fields, error) {
	f := translog.Fields{"op": op, "vkey": vkey, "effective_size": size, "prev": prev}
	text, err := translog.EncodeJSON(f)
	if err != nil {
		return nil, err
	}
	if old != nil {
		f["sig_old"] = old.SignText(text)
	}
	if own != nil {
		f["sig_new"] = own.SignText(text)
	}
	return f, nil
}

// signingKeys opens the keys that sign, oldest first.
func (s *Service) signingKeys(ctx context.Context, l store.LogState) ([]*translog.SigningKey, error) {
	stored, err := s.cfg.Store.LogKeys(ctx, l)
	if err != nil {
		return nil, err
	}
	box, err := s.cfg.Box(ctx, l.Workspace)
	if err != nil {
		return nil, err
	}
	var keys []*translog.SigningKey
	for _, k := range stored {
		if !k.RetiredAt.IsZero() {
			continue
		}
		secret, err := box.Open(k.Sealed, "", seal.PurposeLogKey)
		if err != nil {
			return nil, &evidence.Error{Code: evidence.Internal, Err: err, Message: "The log's signing key cannot be opened with this key file. Put back the keys directory that belongs to this database."}
		}
		key, err := translog.ParseSigningKey(secret.Reveal())
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, evidence.Errorf(evidence.Conflict, "The log has no key that signs. Make one: exhibit log rotate.")
	}
	return keys, nil
}

// Rotate adds a key, which the old one vouches for. From now on checkpoints carry the signatures of both, until the old one
// is retired.
func (s *Service) Rotate(ctx context.Context, who string, ws evidence.ID) (string, error) {
	if err := s.ensureKey(ctx, ws); err != nil {
		return "", err
	}
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return "", err
	}
	keys, err := s.signingKeys(ctx, l)
	if err != nil {
		return "", err
	}
	if err := s.addKey(ctx, l, keys[len(keys)-1]); err != nil {
		return "", err
	}
	all, err := s.cfg.Store.LogKeys(ctx, l)
	if err != nil {
		return "", err
	}
	vkey := all[len(all)-1].VKey
	for _, k := range all {
		if k.RetiredAt.IsZero() && k.VKey != keys[len(keys)-1].Verifier().String() {
			vkey = k.VKey
		}
	}
	return vkey, s.note(ctx, ws, who, "log.rotate", vkey)
}

// Retire ends a key: it signs no checkpoint from now on. The last key cannot be retired. compromised says that it may be in
// foreign hands, which every verification then tells.
func (s *Service) Retire(ctx context.Context, who string, ws evidence.ID, vkey string, compromised bool) error {
	op, deed := "retire", "log.retire"
	if compromised {
		op, deed = "compromised", "log.compromised"
	}
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return err
	}
	keys, err := s.signingKeys(ctx, l)
	if err != nil {
		return err
	}
	var own, other *translog.SigningKey
	for _, k := range keys {
		if k.Verifier().String() == vkey {
			own = k
		} else {
			other = k
		}
	}
	switch {
	case own == nil:
		return evidence.Errorf(evidence.NotFound, "No key that signs is %.120s. exhibit log keys lists them.", vkey)
	case other == nil:
		return evidence.Errorf(evidence.Conflict, "It is the only key that signs. Add another first: exhibit log rotate.")
	}
	err = s.cfg.Store.RetireLogKey(ctx, ws, vkey, s.cfg.Now(), func(size int64, prev string) (translog.Fields, error) {
		return keyLeaf(op, vkey, size, prev, own, other)
	})
	if err != nil {
		return err
	}
	return s.note(ctx, ws, who, deed, vkey)
}

// Key is a key of a log as people see it.
type Key struct {
	VKey      string
	AddedAt   time.Time
	RetiredAt time.Time
}

// Keys gives the keys of a log, oldest first.
func (s *Service) Keys(ctx context.Context, ws evidence.ID) ([]Key, error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return nil, err
	}
	stored, err := s.cfg.Store.LogKeys(ctx, l)
	var keys []Key
	for _, k := range stored {
		keys = append(keys, Key{k.VKey, k.AddedAt, k.RetiredAt})
	}
	return keys, err
}

func (s *Service) note(ctx context.Context, ws evidence.ID, who, what, detail string) error {
	err := s.cfg.Store.AddActivity(ctx, store.Activity{Workspace: ws, At: s.cfg.Now().UTC(), Who: who, What: what, Subject: "log", Detail: detail})
	if err != nil {
		return fmt.Errorf("writing the activity trail: %w", err)
	}
	return nil
}

// Prove proves a leaf under a checkpoint that is signed now.
func (s *Service) Prove(ctx context.Context, ws evidence.ID, n int64) (translog.Proof, []byte, error) {
	signed, err := s.Checkpoint(ctx, ws)
	if err != nil {
		return translog.Proof{}, nil, err
	}
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return translog.Proof{}, nil, err
	}
	leaf, err := s.cfg.Store.Leaf(ctx, l, n)
	if err != nil {
		return translog.Proof{}, nil, err
	}
	if n >= signed.Size {
		return translog.Proof{}, nil, evidence.Errorf(evidence.Unavailable, "Leaf %d came in after the checkpoint. Try again.", n)
	}
	path, err := translog.ProveLeaf(signed.Size, n, s.cfg.Store.LogNodes(ctx, l))
	return translog.Proof{Index: n, Path: path, Checkpoint: signed.Note}, leaf, err
}

// Consistency proves that the log of size leaves begins with that of old leaves, and gives both roots. size 0: as it is now.
func (s *Service) Consistency(ctx context.Context, ws evidence.ID, old, size int64) (from, to translog.Pin, proof []translog.Hash, err error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return from, to, nil, err
	}
	if size == 0 {
		size = l.Size
	}
	if old < 1 || old > size || size > l.Size {
		return from, to, nil, evidence.Errorf(evidence.Invalid, "The log has %d leaves. Give two sizes from 1 to %d, the smaller first.", l.Size, l.Size)
	}
	nodes := s.cfg.Store.LogNodes(ctx, l)
	from.Size, to.Size = old, size
	if from.Root, err = translog.Root(old, nodes); err != nil {
		return from, to, nil, err
	}
	if to.Root, err = translog.Root(size, nodes); err != nil {
		return from, to, nil, err
	}
	proof, err = translog.ProveConsistency(size, old, nodes)
	return from, to, proof, err
}
