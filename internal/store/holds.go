package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// AddHold stores a legal hold with its leaf in the log and its line of the trail, all or nothing. From then on nothing in
// its scope is erased.
func (s *Store) AddHold(ctx context.Context, h evidence.Hold, a Activity) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := holdRefers(ctx, q, h); err != nil {
			return err
		}
		err := q.AddHold(ctx, sqlc.AddHoldParams{Workspace: string(h.Workspace), ID: string(h.ID), Code: string(h.Code), Reason: h.Reason, FromAt: ms(h.Span.From), ToAt: ms(h.Span.To),
			Connection: string(h.Connection), Owner: string(h.Owner), ReviewAt: ms(h.Review), PlacedAt: ms(h.PlacedAt), PlacedBy: h.PlacedBy})
		if err != nil {
			return fmt.Errorf("placing a hold: %w", err)
		}
		return s.enterHold(ctx, q, h, a)
	})
}

// holdRefers looks whether owner and connection of a hold are of its workspace.
func holdRefers(ctx context.Context, q *sqlc.Queries, h evidence.Hold) error {
	if _, err := q.Member(ctx, string(h.Workspace), string(h.Owner)); err != nil {
		return notFound(err, "reading a member", "There is no member %s.", h.Owner)
	}
	if h.Connection == "" {
		return nil
	}
	if _, err := q.Connection(ctx, string(h.Workspace), string(h.Connection)); err != nil {
		return notFound(err, "reading a connection", "There is no connection %s.", h.Connection)
	}
	return nil
}

// Holds gives the legal holds of a workspace: those that stand, the next to be reviewed first, then those that were released.
func (s *Store) Holds(ctx context.Context, ws evidence.ID) ([]evidence.Hold, error) {
	return holdsOf(ctx, s.queries(), ws)
}

func holdsOf(ctx context.Context, q *sqlc.Queries, ws evidence.ID) ([]evidence.Hold, error) {
	rows, err := q.Holds(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading holds: %w", err)
	}
	var all []evidence.Hold
	for _, r := range rows {
		h := evidence.Hold{ID: evidence.ID(r.ID), Workspace: ws, Code: evidence.HoldCode(r.Code), Reason: r.Reason, Connection: evidence.ID(r.Connection), Owner: evidence.ID(r.Owner), Review: fromMS(r.ReviewAt),
			PlacedAt: fromMS(r.PlacedAt), PlacedBy: r.PlacedBy, ReviewedAt: fromMS(r.ReviewedAt), ReviewedBy: r.ReviewedBy, ReviewNote: r.ReviewNote,
			ReleasedAt: fromMS(r.ReleasedAt), ReleasedBy: r.ReleasedBy, Release: r.Release}
		h.Span = evidence.Span{From: fromMS(r.FromAt), To: fromMS(r.ToAt)}
		all = append(all, h)
	}
	return all, nil
}

// ReviewHold stores that somebody looked at a hold again and keeps it: its owner, its next day of review, by whom and why.
// Conflict if it was released meanwhile.
func (s *Store) ReviewHold(ctx context.Context, h evidence.Hold, a Activity) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := holdRefers(ctx, q, h); err != nil {
			return err
		}
		n, err := q.ReviewHold(ctx, sqlc.ReviewHoldParams{Owner: string(h.Owner), ReviewAt: ms(h.Review), ReviewedAt: ms(h.ReviewedAt), ReviewedBy: h.ReviewedBy, ReviewNote: h.ReviewNote,
			Workspace: string(h.Workspace), ID: string(h.ID)})
		if err != nil {
			return fmt.Errorf("reviewing a hold: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The hold was released already.")
		}
		return s.enterHold(ctx, q, h, a)
	})
}

// ReleaseHold ends a hold, which stays on record; Conflict if it was released already.
func (s *Store) ReleaseHold(ctx context.Context, h evidence.Hold, a Activity) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.ReleaseHold(ctx, sqlc.ReleaseHoldParams{ReleasedAt: ms(h.ReleasedAt), ReleasedBy: h.ReleasedBy, Release: h.Release, Workspace: string(h.Workspace), ID: string(h.ID)})
		if err != nil {
			return fmt.Errorf("releasing a hold: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.Conflict, "The hold was released already.")
		}
		return s.enterHold(ctx, q, h, a)
	})
}

func holdChain(id evidence.ID) string { return "hold/" + string(id) }

// enterHold writes how a hold is from now on, and the line of the trail.
func (s *Store) enterHold(ctx context.Context, q *sqlc.Queries, h evidence.Hold, a Activity) error {
	l, err := s.appendFor(ctx, q, h.Workspace)
	if err != nil {
		return err
	}
	f, kind := translog.Fields{"hold": string(h.ID)}, translog.KindRelease
	texts := [][3]string{{"actor_commit", string(translog.TagActor), h.ReleasedBy}, {"reason_commit", string(translog.TagComment), h.Release}}
	if h.Stands() {
		kind = translog.KindHold
		f["code"], f["review"] = string(h.Code), max(0, ms(h.Review))
		if texts, err = holdTexts(h); err != nil {
			return err
		}
	}
	if err := l.texts(ctx, f, texts...); err != nil {
		return err
	}
	if _, err := l.add(ctx, kind, holdChain(h.ID), f); err != nil {
		return err
	}
	return l.trail(ctx, a)
}

// holdTexts are what the leaf of a hold that stands commits to.
func holdTexts(h evidence.Hold) ([][3]string, error) {
	scope, err := json.Marshal(map[string]any{"from": ms(h.Span.From), "to": ms(h.Span.To), "connection": h.Connection})
	if err != nil {
		return nil, fmt.Errorf("writing down a hold: %w", err)
	}
	by, why := h.PlacedBy, h.Reason
	if !h.ReviewedAt.IsZero() {
		by, why = h.ReviewedBy, h.Reason+"\n"+h.ReviewNote
	}
	return [][3]string{{"scope_commit", string(translog.TagScope), string(scope)}, {"owner_commit", string(translog.TagActor), string(h.Owner)},
		{"actor_commit", string(translog.TagActor), by}, {"reason_commit", string(translog.TagComment), why}}, nil
}

// trail writes a line of the activity trail in the transaction of what it tells of.
func (l *appender) trail(ctx context.Context, a Activity) error {
	err := l.q.AddActivity(ctx, sqlc.AddActivityParams{Workspace: string(a.Workspace), At: ms(a.At), Who: a.Who, What: a.What, Subject: a.Subject, Detail: a.Detail})
	if err != nil {
		return fmt.Errorf("writing the trail: %w", err)
	}
	return l.action(ctx, a, false)
}
