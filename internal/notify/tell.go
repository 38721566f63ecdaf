package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/store"
)

// How often is looked, how long one process has the turn, and how long a channel that fails is left alone.
const (
	lookEvery  = time.Minute
	turnTime   = 3 * time.Minute
	retryFirst = time.Minute
	retryMost  = time.Hour
)

// Run tells the workspace's people what they must know, until ctx ends, and returns ctx's error. link is the address of the
// server, for messages. What fails is logged and tried again with the next look.
func (s *Service) Run(ctx context.Context, ws evidence.ID, link string) error {
	for {
		if err := s.Round(ctx, ws, link); err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("looking for what people must be told failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), s.leave(ctx, ws))
		case <-time.After(s.every):
		}
	}
}

// leave gives the turn back at the end, so that another process goes on at once.
func (s *Service) leave(ctx context.Context, ws evidence.ID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return s.cfg.Store.LeaveTelling(ctx, ws, s.holder)
}

// Round looks once at what there is to tell and tells it on every channel, if it is this process's turn. Of several
// processes on one database one has it. If its end passes unnoticed, because the process stood still, another may tell
// the same once more.
func (s *Service) Round(ctx context.Context, ws evidence.ID, link string) error {
	channels, err := s.cfg.Store.Channels(ctx, ws)
	if err != nil || len(channels) == 0 {
		return err
	}
	if mine, err := s.turn(ctx, ws); err != nil || !mine {
		return err
	}
	concerns, err := s.cfg.Connections.Concerns(ctx, ws)
	if err != nil {
		return fmt.Errorf("working out what people must know: %w", err)
	}
	overdue, err := s.cfg.Actions.Concerns(ctx, ws)
	if err != nil {
		return fmt.Errorf("working out what is overdue: %w", err)
	}
	concerns = append(concerns, overdue...)
	digest, err := s.cfg.Store.Digest(ctx, ws)
	if err != nil {
		return err
	}
	var problems []error
	for _, c := range channels {
		if mine, err := s.turn(ctx, ws); err != nil || !mine {
			return errors.Join(append(problems, err)...)
		}
		if err := s.tell(ctx, c, concerns, digest, link); err != nil {
			problems = append(problems, fmt.Errorf("channel %s: %w", c.ID, err))
		}
	}
	return errors.Join(append(problems, s.tellMentions(ctx, ws, channels, link))...)
}

func (s *Service) turn(ctx context.Context, ws evidence.ID) (bool, error) {
	now := s.moment()
	return s.cfg.Store.TakeTelling(ctx, ws, s.holder, now, now.Add(turnTime))
}

// tell tells one channel what it has to be told, and notes it.
//
//   - Crash before sending: nothing was noted; the next round tells it.
//   - Crash between sending and noting: the next round tells it again, under the same id. It may come twice, it is never lost.
//   - Crash after noting, which is one transaction: it was told, and is not told again.
func (s *Service) tell(ctx context.Context, c store.Channel, concerns []evidence.Concern, at store.DigestTime, link string) error {
	now := s.moment()
	if now.Before(c.NextAt) {
		return nil
	}
	notices, err := s.cfg.Store.Notices(ctx, c.Workspace, c.ID)
	if err != nil {
		return err
	}
	d := draftFor(c, concerns, notices, now, at)
	if d.nothing() {
		return nil
	}
	if d.kind != "" {
		m := message{ID: d.id(c), Kind: d.kind, Workspace: s.cfg.Name(ctx, c.Workspace), At: now, Open: d.open, Over: d.over, Lasting: d.lasting, Link: link}
		if _, err := s.send(ctx, c, m); err != nil {
			return s.failed(ctx, c, err)
		}
		d.note.Sent = true
		ctx = context.WithoutCancel(ctx) // it was told: that is noted although the server stops now
		s.cfg.Log.Info("told a channel", "channel", c.ID, "kind", d.kind, "new", len(d.open), "over", len(d.over))
	}
	return s.cfg.Store.NoteTold(ctx, c.Workspace, c.ID, d.note)
}

// failed notes that a channel did not take a message. A process that is being stopped says nothing of the channel.
func (s *Service) failed(ctx context.Context, c store.Channel, why error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.cfg.Log.Warn("a channel took no message", "channel", c.ID, "failures", c.Failures+1, "reason", why.Error())
	now := s.moment()
	return s.cfg.Store.NoteFailure(ctx, c.Workspace, c.ID, now, why.Error(), now.Add(s.pause(c.Failures)))
}

// pause is how long a channel is left alone after it failed: twice as long each time, up to an hour, half of it by chance, so
// that many servers do not come back to a service at the same moment.
func (s *Service) pause(failures int) time.Duration {
	d := retryMost
	if failures < 6 {
		d = min(retryFirst<<failures, retryMost)
	}
	return d/2 + time.Duration(s.cfg.Jitter()*float64(d/2))
}

// Result is how a test ended: a sentence for the person who pressed the button.
type Result struct {
	OK   bool
	Said string
}

// Test sends a test message on a channel and gives what the other side answered. A channel that takes it counts as working
// again. The error is about who asks or which channel; that the message was not taken is a Result.
func (s *Service) Test(ctx context.Context, c people.Caller, id evidence.ID, link string) (Result, error) {
	if err := c.May(people.ManageSettings); err != nil {
		return Result{}, err
	}
	row, err := s.cfg.Store.Channel(ctx, c.Workspace, id)
	if err != nil {
		return Result{}, err
	}
	now := s.moment()
	m := message{ID: string(evidence.NewID("test")), Kind: test, Workspace: s.cfg.Name(ctx, c.Workspace), At: now, Link: link}
	said, err := s.send(ctx, row, m)
	result := Result{OK: err == nil, Said: said}
	detail := "it was taken"
	if err != nil {
		result.Said, detail = err.Error(), "it was not taken"
	} else if err := s.cfg.Store.NoteTold(ctx, c.Workspace, id, store.Told{At: now, Sent: true}); err != nil {
		return Result{}, err
	}
	return result, s.note(ctx, c, "notifications.test", subject(row), detail)
}
