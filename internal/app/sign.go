package app

import (
	"context"
	"errors"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/translog"
)

// signEvery is how long a leaf waits at most for a checkpoint over it.
const signEvery = time.Minute

// signFirst is how long after the start the first checkpoint is signed: what a server does first is read and tell.
const signFirst = 15 * time.Second

// keepSigning signs a checkpoint whenever something was entered into the log since the last one. A log that was taken back
// is told of in the operator's log each time, and nothing is signed.
func (a *App) keepSigning(ctx context.Context, ws evidence.ID) error {
	wait := time.NewTimer(signFirst)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
			wait.Reset(signEvery)
		}
		if _, err := a.Log.Checkpoint(ctx, ws); err != nil && ctx.Err() == nil {
			level := a.cfg.Log.Warn
			if errors.Is(err, translog.ErrFork) || evidence.ErrorCode(err) == evidence.Conflict {
				level = a.cfg.Log.Error
			}
			level("the log was not signed", "error", err)
		}
	}
}

// askEvery is how long a checkpoint waits for the signatures of witnesses: what was rewritten meanwhile nobody would notice.
const askEvery = 10 * time.Minute

// askFirst is how long after the start witnesses are asked first: when the first checkpoint is signed.
const askFirst = 30 * time.Second

// keepAsking asks witnesses and the time-stamping authority, if there are any, to vouch for the log.
func (a *App) keepAsking(ctx context.Context, ws evidence.ID) error {
	wait := time.NewTimer(askFirst)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
			wait.Reset(askEvery)
		}
		if err := a.Log.Attest(ctx, ws); err != nil && ctx.Err() == nil && evidence.ErrorCode(err) != evidence.NotFound {
			a.cfg.Log.Warn("nobody was asked to vouch for the log", "error", err)
		}
	}
}
