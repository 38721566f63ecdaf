package collect

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store"
)

var (
	errDisk = errors.New("the disk is full")
	errDead = errors.New("the process is dead")
)

// accident is what happens to one durable step.
type accident int

const (
	fine       accident = iota
	notStored           // it failed and is not stored
	butStored           // it failed for the caller, and is stored all the same
	diesBefore          // the process ends just before it
	diesAfter           // the process ends just after it, before anybody learns of it
)

func (a accident) String() string {
	return [...]string{"fine", "failed and not stored", "failed but stored", "killed before", "killed after"}[a]
}

// fragile is a store whose durable steps have accidents. After a death nothing gets through any more: it stands for a
// process that was killed, whose store others open again.
type fragile struct {
	Store
	plan func(step string) accident // may be called by many goroutines at once
	die  context.CancelFunc

	mu   sync.Mutex
	dead bool
}

func (f *fragile) alive() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return errDead
	}
	return nil
}

func (f *fragile) kill() error {
	f.mu.Lock()
	f.dead = true
	f.mu.Unlock()
	f.die()
	return errDead
}

func (f *fragile) step(name string, do func() error) error {
	if err := f.alive(); err != nil {
		return err
	}
	switch f.plan(name) {
	case notStored:
		return errDisk
	case butStored:
		_ = do()
		return errDisk
	case diesBefore:
		return f.kill()
	case diesAfter:
		_ = do()
		return f.kill()
	}
	return do()
}

func (f *fragile) Acquire(ctx context.Context, conn evidence.ID, stream evidence.Stream, holder string, ttl time.Duration) (l store.Lease, err error) {
	err = f.step("Acquire", func() error { l, err = f.Store.Acquire(ctx, conn, stream, holder, ttl); return err })
	return l, err
}

func (f *fragile) Renew(ctx context.Context, l store.Lease) (r store.Lease, err error) {
	err = f.step("Renew", func() error { r, err = f.Store.Renew(ctx, l); return err })
	return r, err
}

func (f *fragile) Release(ctx context.Context, l store.Lease) error {
	return f.step("Release", func() error { return f.Store.Release(ctx, l) })
}

func (f *fragile) Commit(ctx context.Context, l store.Lease, c store.PageCommit) (done store.Committed, err error) {
	err = f.step("Commit", func() error { done, err = f.Store.Commit(ctx, l, c); return err })
	return done, err
}

func (f *fragile) SetTrouble(ctx context.Context, l store.Lease, t evidence.Trouble) error {
	return f.step("SetTrouble", func() error { return f.Store.SetTrouble(ctx, l, t) })
}

func (f *fragile) ResetCursor(ctx context.Context, l store.Lease, at time.Time) (r store.Lease, err error) {
	err = f.step("ResetCursor", func() error { r, err = f.Store.ResetCursor(ctx, l, at); return err })
	return r, err
}

func (f *fragile) KeepBadPage(ctx context.Context, l store.Lease, at time.Time, body []byte, reason string) error {
	return f.step("KeepBadPage", func() error { return f.Store.KeepBadPage(ctx, l, at, body, reason) })
}

func (f *fragile) FinishReread(ctx context.Context, l store.Lease, rec store.Reconciliation) error {
	return f.step("FinishReread", func() error { return f.Store.FinishReread(ctx, l, rec) })
}

// accidents plans them at random: chance for each step, a tenth of them deadly.
func accidents(seed uint64, chance float64) func(string) accident {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 2))
	return func(string) accident {
		mu.Lock()
		defer mu.Unlock()
		if rng.Float64() >= chance {
			return fine
		}
		if rng.IntN(5) == 0 {
			return diesBefore + accident(rng.IntN(2))
		}
		return notStored + accident(rng.IntN(2))
	}
}

func noAccidents(string) accident { return fine }
