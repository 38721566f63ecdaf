package program

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Roll makes the next action of each series whose newest is done, or whose newest asks about a period after which
// another one is over by now. The key of what it makes follows from series and period and can be taken once only: after a crash, or on
// several nodes at once, each action is there exactly once. The series ends with an action or a control that is retired.
func (s *Service) Roll(ctx context.Context, ws evidence.ID) error {
	views, err := s.Actions(ctx, ws)
	if err != nil {
		return err
	}
	newest := map[string]ActionView{}
	for _, v := range views {
		series := cmp.Or(v.Action.Series, v.Action.Key)
		if last, ok := newest[series]; !ok || v.Action.Due.After(last.Action.Due) {
			newest[series] = v
		}
	}
	for _, v := range views {
		if newest[cmp.Or(v.Action.Series, v.Action.Key)].Action.ID != v.Action.ID || v.Idle {
			continue
		}
		if err := s.rollOne(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// mostMissed bounds how many actions of a series are made at once after a long rest: two years of months, half a year of weeks.
const mostMissed = 26

func (s *Service) rollOne(ctx context.Context, v ActionView) error {
	done := v.Action.Status == evidence.ActionDone
	a := v.Action
	for range mostMissed {
		next, ok := a.Next()
		if !ok || !done && s.now().Before(a.NextFrom()) {
			return nil
		}
		next.ID, next.CreatedAt = evidence.NewID(evidence.PrefixAction), s.now().UTC().Truncate(time.Millisecond)
		made, err := s.store.AddAction(ctx, next)
		if evidence.ErrorCode(err) == evidence.Conflict {
			return nil // another node was faster and goes on from there
		}
		if err != nil {
			return fmt.Errorf("making the action after %s: %w", a.Key, err)
		}
		// A crash before this leaves an action whose making is told by its creation time alone.
		if err := s.note(ctx, made.Workspace, "Exhibit", "action.next", made.Key, "follows "+a.Key); err != nil {
			return err
		}
		a, done = made, false
	}
	return nil
}

// rollEvery is how often series are looked at.
const rollEvery = 5 * time.Minute

// Run keeps the series of a workspace going until ctx ends.
func (s *Service) Run(ctx context.Context, ws evidence.ID) error {
	for {
		if err := s.Roll(ctx, ws); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the next actions could not be made", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rollEvery):
		}
	}
}
