package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// AddSchedule stores a schedule with its leaf in the log; Conflict if the same one is running.
func (s *Store) AddSchedule(ctx context.Context, x evidence.Schedule) error {
	params, err := json.Marshal(x.Params)
	if err != nil {
		return fmt.Errorf("writing down parameters: %w", err)
	}
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.AddSchedule(ctx, sqlc.AddScheduleParams{Workspace: string(x.Workspace), ID: string(x.ID), Recipe: x.Recipe, Cadence: string(x.Cadence), SettleDays: int64(x.Settle),
			Parameters: string(params), SinceAt: ms(x.Since), DoneUntil: ms(x.DoneUntil), CreatedAt: ms(x.CreatedAt), CreatedBy: x.CreatedBy, Member: string(x.Member)})
		if err != nil {
			return fmt.Errorf("storing a schedule: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The same is scheduled already. Stop that schedule first, or choose other parameters.")
		}
		return s.enterConfig(ctx, q, x.Workspace, "schedule", string(x.ID), x)
	})
}

// Schedules gives the schedules of a workspace: those that run, oldest first, then those that were stopped.
func (s *Store) Schedules(ctx context.Context, ws evidence.ID) ([]evidence.Schedule, error) {
	rows, err := s.queries().Schedules(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading schedules: %w", err)
	}
	var all []evidence.Schedule
	for _, r := range rows {
		x := evidence.Schedule{ID: evidence.ID(r.ID), Workspace: ws, Recipe: r.Recipe, Cadence: evidence.Cadence(r.Cadence), Settle: int(r.SettleDays), Since: fromMS(r.SinceAt), DoneUntil: fromMS(r.DoneUntil),
			Artifact: evidence.ID(r.Artifact), Failure: r.Failure, FailedAt: fromMS(r.FailedAt), CreatedAt: fromMS(r.CreatedAt), CreatedBy: r.CreatedBy, Member: evidence.ID(r.Member),
			StoppedAt: fromMS(r.StoppedAt), StoppedBy: r.StoppedBy}
		if err := json.Unmarshal([]byte(r.Parameters), &x.Params); err != nil {
			return nil, fmt.Errorf("reading the parameters of schedule %s: %w", r.ID, err)
		}
		all = append(all, x)
	}
	return all, nil
}

// schedule gives one.
func (s *Store) schedule(ctx context.Context, ws, id evidence.ID) (evidence.Schedule, error) {
	all, err := s.Schedules(ctx, ws)
	if err != nil {
		return evidence.Schedule{}, err
	}
	for _, x := range all {
		if x.ID == id {
			return x, nil
		}
	}
	return evidence.Schedule{}, evidence.Errorf(evidence.NotFound, "There is no schedule %s.", id)
}

// StopSchedule ends a schedule, which stays on record; Conflict if it was stopped already.
func (s *Store) StopSchedule(ctx context.Context, ws, id evidence.ID, at time.Time, by string) error {
	x, err := s.schedule(ctx, ws, id)
	if err != nil {
		return err
	}
	x.StoppedAt, x.StoppedBy = at, by
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.StopSchedule(ctx, ms(at), by, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("stopping a schedule: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The schedule was stopped already.")
		}
		return s.enterConfig(ctx, q, ws, "schedule", string(id), x)
	})
}

// ScheduleBuilt notes up to when a schedule has been built, and that its last failure is over.
func (s *Store) ScheduleBuilt(ctx context.Context, ws, id evidence.ID, until time.Time, artifact evidence.ID) error {
	if err := sqlc.New(s.write).ScheduleBuilt(ctx, ms(until), string(artifact), string(ws), string(id)); err != nil {
		return fmt.Errorf("noting what a schedule built: %w", err)
	}
	return nil
}

// ScheduleFailed notes why a schedule's last attempt failed.
func (s *Store) ScheduleFailed(ctx context.Context, ws, id evidence.ID, at time.Time, failure string) error {
	if err := sqlc.New(s.write).ScheduleFailed(ctx, failure, ms(at), string(ws), string(id)); err != nil {
		return fmt.Errorf("noting why a schedule failed: %w", err)
	}
	return nil
}

// TakeBuilding makes holder the one who builds what is scheduled in a workspace, until that time; or it stays so. It gives
// false while another one is.
func (s *Store) TakeBuilding(ctx context.Context, ws evidence.ID, holder string, now, until time.Time) (bool, error) {
	var n int64
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.PutEvidenceSetting(ctx, string(ws), string(evidence.Propose)); err != nil {
			return fmt.Errorf("taking the turn to build: %w", err)
		}
		var err error
		n, err = q.TakeBuilding(ctx, holder, ms(until), string(ws), ms(now))
		if err != nil {
			return fmt.Errorf("taking the turn to build: %w", err)
		}
		return nil
	})
	return n > 0, err
}

// LeaveBuilding gives the turn back.
func (s *Store) LeaveBuilding(ctx context.Context, ws evidence.ID, holder string) error {
	if err := sqlc.New(s.write).LeaveBuilding(ctx, string(ws), holder); err != nil {
		return fmt.Errorf("giving back the turn to build: %w", err)
	}
	return nil
}

// Attaching says how attachments that mappings name are made; evidence.Propose if nobody chose.
func (s *Store) Attaching(ctx context.Context, ws evidence.ID) (evidence.Attaching, error) {
	how, err := s.queries().EvidenceSetting(ctx, string(ws))
	if errors.Is(err, sql.ErrNoRows) {
		return evidence.Propose, nil
	}
	if err != nil {
		return "", fmt.Errorf("reading how evidence is attached: %w", err)
	}
	return evidence.Attaching(how), nil
}

// SetAttaching chooses how attachments that mappings name are made, and enters the choice into the log.
func (s *Store) SetAttaching(ctx context.Context, ws evidence.ID, how evidence.Attaching, by string) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := q.PutEvidenceSetting(ctx, string(ws), string(evidence.Propose)); err != nil {
			return fmt.Errorf("storing how evidence is attached: %w", err)
		}
		if err := q.SetAttaching(ctx, string(how), string(ws)); err != nil {
			return fmt.Errorf("storing how evidence is attached: %w", err)
		}
		return s.enterConfig(ctx, q, ws, "evidence", "attaching", map[string]string{"attaching": string(how), "by": by})
	})
}

// Decline notes that somebody declined a proposed attachment, so that it is not proposed again, and enters it into the log.
func (s *Store) Decline(ctx context.Context, d evidence.Declined) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if _, err := q.Artifact(ctx, string(d.Workspace), string(d.Artifact)); err != nil {
			return notFound(err, "reading an artifact", "There is no artifact %s.", d.Artifact)
		}
		target := string(d.Target.Control) + string(d.Target.Action)
		err := q.DeclineAttachment(ctx, sqlc.DeclineAttachmentParams{Workspace: string(d.Workspace), Artifact: string(d.Artifact), Target: target, Reason: d.Reason, At: ms(d.At), Who: d.By})
		if err != nil {
			return fmt.Errorf("declining an attachment: %w", err)
		}
		return s.enterConfig(ctx, q, d.Workspace, "declined", string(d.Artifact)+"/"+target, d)
	})
}

// Declined gives, for each artifact of a workspace, the IDs of the controls and actions for which it was declined.
func (s *Store) Declined(ctx context.Context, ws evidence.ID) (map[evidence.ID][]evidence.ID, error) {
	rows, err := s.queries().DeclinedAttachments(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading what was declined: %w", err)
	}
	all := map[evidence.ID][]evidence.ID{}
	for _, r := range rows {
		all[evidence.ID(r.Artifact)] = append(all[evidence.ID(r.Artifact)], evidence.ID(r.Target))
	}
	return all, nil
}
