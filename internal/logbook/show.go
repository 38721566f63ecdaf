package logbook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
	"github.com/exhibithq/exhibit/internal/translog"
)

// Status is what there is to see of a log without changing it.
type Status struct {
	Origin      string
	Size        int64
	LastAt      time.Time
	Checkpoints []Seen // newest first
	Keys        []Key
	Vouchers    []store.Voucher // who is asked to vouch for it, witnesses first
}

// Seen is a checkpoint that was signed.
type Seen struct {
	Size       int64
	Root       translog.Hash
	At         time.Time
	CosignedAt time.Time           // zero: no quorum of witnesses
	Cosigned   []translog.Cosigned // witnesses that signed it, by the name of their keys
	StampedAt  time.Time           // zero: no time stamp
	Note       []byte
}

// Pin is size and root in the form that verify --pin takes.
func (s Seen) Pin() string { return translog.Pin{Size: s.Size, Root: s.Root}.String() }

// Status tells of a log; it signs nothing.
func (s *Service) Status(ctx context.Context, ws evidence.ID, most int) (Status, error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return Status{}, err
	}
	st := Status{Origin: l.Origin, Size: l.Size, LastAt: l.LastAt}
	stored, err := s.cfg.Store.Checkpoints(ctx, l, most)
	if err != nil {
		return st, err
	}
	for _, c := range stored {
		seen, err := seenOf(c)
		if err != nil {
			return st, err
		}
		st.Checkpoints = append(st.Checkpoints, seen)
	}
	if st.Vouchers, err = s.cfg.Store.Vouchers(ctx, l); err != nil {
		return st, err
	}
	st.Keys, err = s.Keys(ctx, ws)
	return st, err
}

func seenOf(c store.Checkpoint) (Seen, error) {
	head, note, err := translog.OpenCheckpoint(c.Note)
	if err != nil {
		return Seen{}, fmt.Errorf("the stored checkpoint over %d leaves cannot be read; run exhibit fsck", c.Size)
	}
	return Seen{c.Size, head.Root, c.At, c.CosignedAt, note.Cosigned(), c.StampedAt, c.Note}, nil
}

// Concerns gives what somebody must know of those who vouch for the log: each that fails for an hour and more. That they do
// stops nothing, but what they do not see can be rewritten by whoever has key and database.
func (s *Service) Concerns(ctx context.Context, ws evidence.ID) ([]evidence.Concern, error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if evidence.ErrorCode(err) == evidence.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	vouchers, err := s.cfg.Store.Vouchers(ctx, l)
	if err != nil {
		return nil, err
	}
	var all []evidence.Concern
	for _, v := range vouchers {
		if v.FailedAt.IsZero() || s.cfg.Now().Sub(v.FailedAt) < bearFor {
			continue
		}
		name, what := VoucherName(v), "The witness "
		if v.Kind == store.VoucherTSA {
			what = "The time-stamping authority "
		}
		all = append(all, evidence.Concern{Key: string(evidence.ConcernVouch) + "/" + v.Kind + "/" + v.Name, Kind: evidence.ConcernVouch, Name: name, Stage: 1,
			Title: what + name + " does not vouch for the log", Text: "Since " + v.FailedAt.UTC().Format("2 Jan 2006 15:04") + " UTC: " + v.Failure + ". The server asks again every ten minutes; bundles are made all the same, below the grade that it gives them."})
	}
	return all, nil
}

// bearFor is how long somebody may fail until people are told.
const bearFor = time.Hour

// VoucherName is how people call somebody who vouches: a witness by the name of its key.
func VoucherName(v store.Voucher) string {
	if k, err := translog.ParseKey(v.Name); err == nil {
		return k.Name
	}
	return v.Name
}

// Tile gives a part of the log in the layout of C2SP tlog-tiles, by its path: checkpoint, tile/LEVEL/N, tile/entries/N, with .p/W
// behind it for a tile that is not full. What is there never changes, but the checkpoint.
func (s *Service) Tile(ctx context.Context, ws evidence.ID, path string) ([]byte, error) {
	l, err := s.cfg.Store.Log(ctx, ws)
	if err != nil {
		return nil, err
	}
	none := evidence.Errorf(evidence.NotFound, "The log has no such tile.")
	if path == "checkpoint" {
		stored, err := s.cfg.Store.Checkpoints(ctx, l, 1)
		if err != nil {
			return nil, err
		}
		if len(stored) == 0 {
			return nil, none
		}
		return stored[0].Note, nil
	}
	rest, ok := strings.CutPrefix(path, "tile/")
	t, err := tlog.ParseTilePath("tile/8/" + strings.Replace(rest, "entries/", "data/", 1))
	if !ok || err != nil || t.L > 7 {
		return nil, none
	}
	below := max(t.L, 0)
	if (t.N<<8+int64(t.W))<<(8*below) > l.Size {
		return nil, none
	}
	if t.L >= 0 {
		return translog.Tile(t.L, t.N, t.W, s.cfg.Store.LogNodes(ctx, l))
	}
	return s.entries(ctx, l, t.N<<8, t.N<<8+int64(t.W))
}

func (s *Service) entries(ctx context.Context, l store.LogState, from, to int64) ([]byte, error) {
	var b []byte
	err := s.cfg.Store.EachLeaf(ctx, l, from, to, func(_ int64, leaf []byte) error {
		b = translog.AppendEntry(b, leaf)
		return nil
	})
	return b, err
}
