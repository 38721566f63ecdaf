package artifact

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/people"
	"github.com/exhibithq/exhibit/internal/recipe"
)

// ScheduleRequest has a recipe built for each period of a cadence.
type ScheduleRequest struct {
	Recipe  string
	Cadence evidence.Cadence // Monthly or Quarterly
	Settle  int              // days after a period's end
	Params  map[string]string
	Before  bool // begin with the period that was over last, not with the one that runs
}

// DefaultSettle is how many days after a period's end it is built, if nobody says otherwise: most events that come late
// have come by then.
const DefaultSettle = 2

// maxSettle is less than the 120 days after which a source no longer gives events.
const maxSettle = 90

// Schedule has a recipe built by the server for each period. The parameters are tried now, so that a mistake in them is
// not found at a period's end.
func (s *Service) Schedule(ctx context.Context, who string, ws evidence.ID, req ScheduleRequest) (evidence.Schedule, error) {
	var none evidence.Schedule
	r, err := recipe.ByID(req.Recipe)
	if err != nil {
		return none, err
	}
	if req.Cadence != evidence.Monthly && req.Cadence != evidence.Quarterly {
		return none, evidence.Errorf(evidence.Invalid, "%.40q is no cadence of a schedule. Write monthly or quarterly.", req.Cadence)
	}
	if req.Settle < 0 || req.Settle > maxSettle {
		return none, evidence.Errorf(evidence.Invalid, "A period is built 0 to %d days after its end, not %d.", maxSettle, req.Settle)
	}
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	report, err := s.run(ctx, ws, r, BuildRequest{Recipe: req.Recipe, Span: evidence.Span{From: now.Truncate(time.Second).Add(-time.Second), To: now.Truncate(time.Second)}, Params: req.Params})
	if err != nil {
		return none, err
	}
	if err := report.Close(); err != nil {
		return none, err
	}
	x := evidence.Schedule{ID: evidence.NewID(evidence.PrefixSchedule), Workspace: ws, Recipe: req.Recipe, Cadence: req.Cadence, Settle: req.Settle, Params: req.Params,
		Since: req.Cadence.PeriodAt(now).From, CreatedAt: now, CreatedBy: who, Member: people.From(ctx).Member}
	if x.Params == nil {
		x.Params = map[string]string{}
	}
	if req.Before {
		x.Since = req.Cadence.PeriodBefore(now).From
	}
	if err := s.cfg.Store.AddSchedule(ctx, x); err != nil {
		return none, err
	}
	return x, s.note(ctx, ws, who, "schedule.add", x.ID, fmt.Sprintf("%s, %s, %d days after each period", x.Recipe, x.Cadence, x.Settle))
}

// Schedules gives the schedules of a workspace: those that run, oldest first, then those that were stopped.
func (s *Service) Schedules(ctx context.Context, ws evidence.ID) ([]evidence.Schedule, error) {
	return s.cfg.Store.Schedules(ctx, ws)
}

// StopSchedule ends a schedule. What it built stays.
func (s *Service) StopSchedule(ctx context.Context, who string, ws, id evidence.ID) error {
	if err := s.cfg.Store.StopSchedule(ctx, ws, id, s.cfg.Now().UTC().Truncate(time.Millisecond), who); err != nil {
		return err
	}
	return s.note(ctx, ws, who, "schedule.stop", id, "")
}

// How often schedules are looked at, how long a turn to build lasts unless it is renewed, and after how long a schedule
// that failed is tried again.
const (
	scheduleEvery = time.Minute
	buildTurn     = 30 * time.Minute
	tryAgainAfter = time.Hour
)

// RunSchedules builds what is due until ctx ends. Of several processes on one database one has the turn.
func (s *Service) RunSchedules(ctx context.Context, ws evidence.ID, log *slog.Logger) error {
	holder := string(evidence.NewID("pr"))
	for {
		if err := s.BuildDue(ctx, ws, holder); err != nil && ctx.Err() == nil {
			log.Error("building what is scheduled failed", "error", err)
		}
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return errors.Join(ctx.Err(), s.cfg.Store.LeaveBuilding(end, ws, holder))
		case <-time.After(scheduleEvery):
		}
	}
}

// BuildDue builds every period of every schedule that has settled, if it is holder's turn.
//
// A crash after a build and before it is noted builds the same once more, which finds that nothing changed. If the turn
// ends while something is built, another process may build the same, with the same outcome.
func (s *Service) BuildDue(ctx context.Context, ws evidence.ID, holder string) error {
	all, err := s.cfg.Store.Schedules(ctx, ws)
	if err != nil {
		return err
	}
	var problems []error
	for _, x := range all {
		if err := s.buildSchedule(ctx, x, holder); err != nil {
			problems = append(problems, fmt.Errorf("schedule %s: %w", x.ID, err))
		}
	}
	return errors.Join(problems...)
}

// buildSchedule builds the periods of one schedule that are due, in order, up to the first that fails.
func (s *Service) buildSchedule(ctx context.Context, x evidence.Schedule, holder string) error {
	for {
		now := s.cfg.Now().UTC()
		period, at := x.Next()
		if !x.StoppedAt.IsZero() || at.After(now) || x.Failure != "" && x.FailedAt.Add(tryAgainAfter).After(now) {
			return nil
		}
		if mine, err := s.cfg.Store.TakeBuilding(ctx, x.Workspace, holder, now, now.Add(buildTurn)); err != nil || !mine {
			return err
		}
		v, err := s.buildPeriod(ctx, x, period)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if nerr := s.cfg.Store.ScheduleFailed(ctx, x.Workspace, x.ID, now, failureWords(err)); nerr != nil {
				return errors.Join(err, nerr)
			}
			return err
		}
		if err := s.cfg.Store.ScheduleBuilt(ctx, x.Workspace, x.ID, period.To, v.Artifact.ID); err != nil {
			return err
		}
		x.DoneUntil, x.Failure = period.To, ""
	}
}

// scheduled is what stands behind the name of who set a schedule up, where he is named as the maker of what it built.
const scheduled = " (schedule)"

// buildPeriod builds in the name of who set the schedule up: he may not review what comes of it.
func (s *Service) buildPeriod(ctx context.Context, x evidence.Schedule, period evidence.Span) (View, error) {
	ctx = people.With(ctx, people.Caller{Member: x.Member, Workspace: x.Workspace, Name: x.CreatedBy})
	return s.Build(ctx, x.CreatedBy+scheduled, x.Workspace, BuildRequest{Recipe: x.Recipe, Span: period, Params: x.Params})
}

// failureWords says what people can do something about, and of anything else only that it happened.
func failureWords(err error) string {
	var known *evidence.Error
	if errors.As(err, &known) {
		return strings.TrimSpace(known.Message)
	}
	return "It failed inside Exhibit; the server's log says why. It is tried again every hour."
}
