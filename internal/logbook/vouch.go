package logbook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
	"github.com/exhibithq/exhibit/internal/vouch"
)

// Outsiders answers for people outside who vouch for checkpoints; *vouch.Client is one.
type Outsiders interface {
	Cosign(ctx context.Context, url string, s translog.Submission) ([]byte, error)
	Stamp(ctx context.Context, url string, data []byte) (token []byte, at time.Time, err error)
}

// stampEvery is how old the last time stamp is when another one is asked for.
const stampEvery = 24 * time.Hour

// askFor is how long witnesses and authorities may take together.
const askFor = 45 * time.Second

// Attest asks the witnesses that have not signed the last checkpoint yet, and once a day a time-stamping authority. What
// fails is kept for the log's page and told to the operator once; it is no error, and stops nothing.
func (s *Service) Attest(ctx context.Context, ws evidence.ID) error {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return err
	}
	stored, err := s.cfg.Store.Checkpoints(ctx, l, 1)
	if err != nil || len(stored) == 0 {
		return err
	}
	if err := s.forget(ctx, l); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if _, err := s.cosign(ctx, l, stored[0]); err != nil {
		return err
	}
	due, err := s.stampDue(ctx, l, stored[0])
	if err != nil || !due {
		return err
	}
	_, err = s.stamp(ctx, l, stored[0].Size)
	return err
}

// Vouched signs a checkpoint and asks witnesses and the time-stamping authority, if there are any, to vouch for it. Of those
// who cannot be asked the checkpoint stands without.
func (s *Service) Vouched(ctx context.Context, ws evidence.ID) (translog.Vouched, error) {
	signed, err := s.Checkpoint(ctx, ws)
	if err != nil {
		return translog.Vouched{}, err
	}
	v := translog.Vouched{Signed: signed}
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return v, err
	}
	c, err := s.cfg.Store.Checkpoint(ctx, l, signed.Size)
	if err != nil {
		return v, err
	}
	asking, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if v.Note, err = s.cosign(asking, l, c); err != nil {
		return v, err
	}
	if v.Token, err = s.stamp(asking, l, c.Size); err != nil {
		return v, err
	}
	return v, nil
}

// Policy gives the trust file for auditors: the keys that sign, and the witnesses that this log asks.
func (s *Service) Policy(ctx context.Context, ws evidence.ID) (policy []byte, vkey string, err error) {
	if err := s.ensureKey(ctx, ws); err != nil {
		return nil, "", err
	}
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return nil, "", err
	}
	keys, err := s.activeKeys(ctx, l)
	if err != nil {
		return nil, "", err
	}
	return translog.TrustWitnessed(s.witnesses(), keys...), keys[len(keys)-1].String(), nil
}

// witnesses gives the policy of witnesses; one without any if none is set.
func (s *Service) witnesses() *translog.Policy {
	if s.cfg.Witnesses != nil {
		return s.cfg.Witnesses
	}
	none, _ := translog.AllOf() // cannot fail
	return none
}

// cosign asks the witnesses that have not signed a checkpoint, all at once, and gives it with the signatures that it has by
// then. An error is one of the store.
//
// Crash before it is stored: a witness is ahead of what the database knows, and says so when it is asked the next time.
func (s *Service) cosign(ctx context.Context, l store.LogState, c store.Checkpoint) ([]byte, error) {
	head, note, err := translog.OpenCheckpoint(c.Note)
	if err != nil {
		return nil, fmt.Errorf("the stored checkpoint over %d leaves cannot be read; run exhibit fsck", c.Size)
	}
	policy := s.witnesses()
	keys, err := s.activeKeys(ctx, l)
	if err != nil {
		return nil, err
	}
	for _, w := range policy.Witnesses {
		keys = append(keys, w.Key)
	}
	note = note.Only(keys...) // others belonged to witnesses that are not asked any more
	known, err := s.cfg.Store.Vouchers(ctx, l)
	if err != nil {
		return nil, err
	}
	answers := make([]told, len(policy.Witnesses))
	var wg sync.WaitGroup
	for i, w := range policy.Witnesses {
		if _, _, err := note.Signed(w.Key); err == nil || w.URL == "" {
			answers[i].skip = true
			continue
		}
		old := int64(0)
		if at := slices.IndexFunc(known, func(v store.Voucher) bool { return v.Kind == store.VoucherWitness && v.Name == w.Key.String() }); at >= 0 {
			old = known[at].Size
		}
		wg.Go(func() { answers[i] = s.askWitness(ctx, l, w, old, head, note) })
	}
	wg.Wait()
	return s.keepAnswers(ctx, l, c, note, answers)
}

// told is what became of asking a witness.
type told struct {
	skip  bool // it was not asked
	lines []byte
	err   error
}

// tries is how often a witness is asked when it has followed the log to another size than we thought.
const tries = 3

func (s *Service) askWitness(ctx context.Context, l store.LogState, w translog.Witness, old int64, head translog.Checkpoint, note translog.Note) told {
	old = min(old, head.Size)
	var err error
	for range tries {
		sub := translog.Submission{Old: old, Note: note.Bytes()}
		if old > 0 && old < head.Size {
			if sub.Proof, err = translog.ProveConsistency(head.Size, old, s.cfg.Store.LogNodes(ctx, l)); err != nil {
				return told{err: err}
			}
		}
		var lines []byte
		lines, err = s.cfg.Outsiders.Cosign(ctx, w.URL, sub)
		var other *vouch.SizeError
		switch {
		case err == nil:
			if _, ok := note.WithLines(lines, w.Key); !ok {
				return told{err: errors.New("it answers with no good signature by the key that was given for it")}
			}
			return told{lines: lines}
		case !errors.As(err, &other):
			return told{err: err}
		case other.Size == old:
			return told{err: fmt.Errorf("it saw another tree of %d leaves: this log was rewritten, or another one has its name and key", old)}
		case other.Size > l.Size:
			return told{err: fmt.Errorf("it saw %d leaves of this log, which has %d: the database was taken back, or another one has its name and key", other.Size, l.Size)}
		case other.Size > head.Size:
			return told{skip: true} // it signed a newer checkpoint already
		}
		old = other.Size
	}
	return told{err: err}
}

// keepAnswers stores the signatures that came, and what became of each witness.
func (s *Service) keepAnswers(ctx context.Context, l store.LogState, c store.Checkpoint, note translog.Note, answers []told) ([]byte, error) {
	ctx = context.WithoutCancel(ctx) // it was signed: that is kept although the time is up
	policy, now, came := s.witnesses(), s.cfg.Now().UTC(), false
	for i, a := range answers {
		w := policy.Witnesses[i]
		if a.skip {
			continue
		}
		v := store.Voucher{Kind: store.VoucherWitness, Name: w.Key.String(), URL: w.URL, Size: c.Size, GoodAt: now}
		if a.err == nil {
			note, _ = note.WithLines(a.lines, w.Key)
			came = true
		}
		if err := s.noteVoucher(ctx, l, v, a.err); err != nil {
			return nil, err
		}
	}
	if !came {
		return note.Bytes(), nil
	}
	j, err := policy.Judge(note)
	if err != nil {
		return nil, err
	}
	at := c.CosignedAt
	if j.Quorum && at.IsZero() {
		at = now
	}
	return note.Bytes(), s.cfg.Store.SetCosigned(ctx, l, c.Size, note.Bytes(), at)
}

// noteVoucher keeps what became of asking somebody, and tells the operator when it begins to fail.
func (s *Service) noteVoucher(ctx context.Context, l store.LogState, v store.Voucher, why error) error {
	if why != nil {
		v.Size, v.GoodAt, v.FailedAt, v.Failure = 0, time.Time{}, s.cfg.Now().UTC(), why.Error()
	}
	first, err := s.cfg.Store.NoteVoucher(ctx, l, v)
	if err == nil && first {
		s.cfg.Log.Warn("somebody who vouches for the log does not", "kind", v.Kind, "name", v.Name, "reason", v.Failure)
	}
	return err
}

// stampDue reports whether the last time stamp is a day old and something but that stamp came in since.
func (s *Service) stampDue(ctx context.Context, l store.LogState, c store.Checkpoint) (bool, error) {
	if s.cfg.TSA == "" {
		return false, nil
	}
	last, ok, err := s.cfg.Store.LastStamped(ctx, l)
	if err != nil || !ok {
		return err == nil, err
	}
	if c.Size <= last.Size+1 || s.cfg.Now().Sub(last.StampedAt) < stampEvery {
		return false, nil
	}
	return true, nil
}

// stamp asks the time-stamping authority for a token over a checkpoint, and gives it; nil if there is no authority or it does
// not answer. An error is one of the store.
//
// Token and the leaf that tells of it are one transaction. A crash before it loses a token, and another one is asked for.
func (s *Service) stamp(ctx context.Context, l store.LogState, size int64) ([]byte, error) {
	if s.cfg.TSA == "" {
		return nil, nil
	}
	c, err := s.cfg.Store.Checkpoint(ctx, l, size)
	if err != nil || c.Token != nil {
		return c.Token, err
	}
	head, _, err := translog.OpenCheckpoint(c.Note)
	if err != nil {
		return nil, err
	}
	token, at, why := s.cfg.Outsiders.Stamp(ctx, s.cfg.TSA, head.Text())
	ctx = context.WithoutCancel(ctx)
	now := s.cfg.Now().UTC()
	if why == nil && at.Sub(now).Abs() > clockSlack {
		why = fmt.Errorf("its clock says %s and ours %s: one of them is wrong", at.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	if err := s.noteVoucher(ctx, l, store.Voucher{Kind: store.VoucherTSA, Name: s.cfg.TSA, URL: s.cfg.TSA, Size: size, GoodAt: now}, why); err != nil || why != nil {
		return nil, err
	}
	c.Token, c.StampedAt = token, at
	sum := sha256.Sum256(token)
	f := translog.Fields{"size": size, "checkpoint_sha": head.TextHash().String(), "tst_sha": translog.Hash(sum).String()}
	return token, s.cfg.Store.AddTimeStamp(ctx, l.Workspace, c, f)
}

// clockSlack is how far the clocks of an authority and of this machine may lie apart. A verifier allows leaves to be that
// much later than what vouches for them.
const clockSlack = 5 * time.Minute

// forget drops those who are not asked any more.
func (s *Service) forget(ctx context.Context, l store.LogState) error {
	all, err := s.cfg.Store.Vouchers(ctx, l)
	if err != nil {
		return err
	}
	for _, v := range all {
		asked := v.Kind == store.VoucherTSA && v.Name == s.cfg.TSA || v.Kind == store.VoucherWitness && slices.ContainsFunc(s.witnesses().Witnesses, func(w translog.Witness) bool { return w.Key.String() == v.Name })
		if !asked {
			if err := s.cfg.Store.RemoveVoucher(ctx, l, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// activeKeys gives the public halves of the keys that sign.
func (s *Service) activeKeys(ctx context.Context, l store.LogState) ([]translog.Key, error) {
	stored, err := s.cfg.Store.LogKeys(ctx, l)
	if err != nil {
		return nil, err
	}
	var keys []translog.Key
	for _, k := range stored {
		key, err := translog.ParseKey(k.VKey)
		if err != nil {
			return nil, err
		}
		if k.RetiredAt.IsZero() {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Hint names the keys that sign and those of the witnesses, as a bundle shows them to whom they say nothing.
func (s *Service) Hint(ctx context.Context, ws evidence.ID) ([]byte, error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return nil, err
	}
	keys, err := s.activeKeys(ctx, l)
	if err != nil {
		return nil, err
	}
	return translog.HintFor(&translog.Policy{Logs: keys, Witnesses: s.witnesses().Witnesses}), nil
}
