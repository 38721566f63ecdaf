package logbook

import (
	"context"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Vouched signs a checkpoint and asks witnesses and the time-stamping authority, if there are any, to vouch for it. If they
// cannot be asked, the checkpoint stands without them.
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
	v.Hint, err = s.hint(ctx, l)
	return v, err
}

// hint names the keys that sign.
func (s *Service) hint(ctx context.Context, l store.LogState) ([]byte, error) {
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
	return translog.TrustLog(keys...), nil
}
