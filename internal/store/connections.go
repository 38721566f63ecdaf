package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// CreateConnection stores a connection, its sealed token (nil: none yet) and its streams.
func (s *Store) CreateConnection(ctx context.Context, c evidence.Connection, sealedToken []byte, streams []evidence.Stream) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		if err := nameIsFree(ctx, q, c); err != nil {
			return err
		}
		err := q.AddConnection(ctx, sqlc.AddConnectionParams{ID: string(c.ID), Workspace: string(c.Workspace), Source: c.Source,
			Name: c.Name, Server: c.Server, AccountUuid: c.AccountUUID, Integration: c.Integration, Features: joinStreams(c.Features),
			Missing: joinStreams(c.Missing), TokenMark: c.TokenMark, IssuedAt: ms(c.IssuedAt), ExpiresAt: ms(c.ExpiresAt),
			CreatedAt: ms(c.CreatedAt), CreatedBy: c.CreatedBy, CheckedAt: ms(c.CheckedAt), OffAt: ms(c.OffAt), Token: sealedToken})
		if err != nil {
			return fmt.Errorf("storing a connection: %w", err)
		}
		for _, stream := range streams {
			if err := q.AddStream(ctx, string(c.ID), string(stream)); err != nil {
				return fmt.Errorf("storing a stream: %w", err)
			}
		}
		return s.enterConnection(ctx, q, "add", c)
	})
}

// nameIsFree makes sure that no other connection of the workspace has the name.
func nameIsFree(ctx context.Context, q *sqlc.Queries, c evidence.Connection) error {
	all, err := q.Connections(ctx, string(c.Workspace))
	if err != nil {
		return fmt.Errorf("reading connections: %w", err)
	}
	for _, other := range all {
		if other.Name == c.Name && other.ID != string(c.ID) {
			return evidence.Errorf(evidence.Conflict, "There is a connection named %q already. Give another name.", c.Name)
		}
	}
	return nil
}

// Connection gives one connection of a workspace.
func (s *Store) Connection(ctx context.Context, ws, id evidence.ID) (evidence.Connection, error) {
	r, err := s.queries().Connection(ctx, string(ws), string(id))
	if err != nil {
		return evidence.Connection{}, notFound(err, "reading a connection", "There is no connection %s.", id)
	}
	return connectionOf(r), nil
}

// Connections gives the connections of a workspace, oldest first.
func (s *Store) Connections(ctx context.Context, ws evidence.ID) ([]evidence.Connection, error) {
	rows, err := s.queries().Connections(ctx, string(ws))
	if err != nil {
		return nil, fmt.Errorf("reading connections: %w", err)
	}
	var all []evidence.Connection
	for _, r := range rows {
		all = append(all, connectionOf(sqlc.ConnectionRow(r)))
	}
	return all, nil
}

func connectionOf(r sqlc.ConnectionRow) evidence.Connection {
	return evidence.Connection{ID: evidence.ID(r.ID), Workspace: evidence.ID(r.Workspace), Source: r.Source, Name: r.Name,
		Server: r.Server, AccountUUID: r.AccountUuid, Integration: r.Integration, Features: splitStreams(r.Features),
		Missing: splitStreams(r.Missing), TokenMark: r.TokenMark, IssuedAt: fromMS(r.IssuedAt), ExpiresAt: fromMS(r.ExpiresAt),
		CreatedAt: fromMS(r.CreatedAt), CreatedBy: r.CreatedBy, CheckedAt: fromMS(r.CheckedAt), OffAt: fromMS(r.OffAt)}
}

// UpdateConnection stores what is known of a connection, the token and who made it when left as they are.
func (s *Store) UpdateConnection(ctx context.Context, c evidence.Connection) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error { return s.updateConnection(ctx, q, "update", c) })
}

// updateConnection stores a connection, and enters it into the log if it differs. op says why it is stored.
func (s *Store) updateConnection(ctx context.Context, q *sqlc.Queries, op string, c evidence.Connection) error {
	old, err := q.Connection(ctx, string(c.Workspace), string(c.ID))
	if err != nil {
		return notFound(err, "reading a connection", "There is no connection %s.", c.ID)
	}
	if err := nameIsFree(ctx, q, c); err != nil {
		return err
	}
	n, err := q.UpdateConnection(ctx, sqlc.UpdateConnectionParams{ID: string(c.ID), Workspace: string(c.Workspace),
		Source: c.Source, Name: c.Name, Server: c.Server, AccountUuid: c.AccountUUID, Integration: c.Integration,
		Features: joinStreams(c.Features), Missing: joinStreams(c.Missing), TokenMark: c.TokenMark, IssuedAt: ms(c.IssuedAt),
		ExpiresAt: ms(c.ExpiresAt), CheckedAt: ms(c.CheckedAt), OffAt: ms(c.OffAt)})
	if err != nil {
		return fmt.Errorf("updating a connection: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.NotFound, "There is no connection %s.", c.ID)
	}
	if op == "update" && !changed(connectionOf(old), c) {
		return nil
	}
	return s.enterConnection(ctx, q, op, c)
}

// ReplaceToken stores a new sealed token and what is known with it, in one transaction. A connection that is on again
// (OffAt is zero) is out of the trouble of being off. How far the old token came is kept; see Handovers.
func (s *Store) ReplaceToken(ctx context.Context, c evidence.Connection, sealed []byte) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		old, err := q.Connection(ctx, string(c.Workspace), string(c.ID))
		if err != nil {
			return notFound(err, "reading a connection", "There is no connection %s.", c.ID)
		}
		if err := s.handOver(ctx, q, old, c); err != nil {
			return err
		}
		if err := s.updateConnection(ctx, q, "token", c); err != nil {
			return err
		}
		if _, err := q.SetToken(ctx, sealed, string(c.Workspace), string(c.ID)); err != nil {
			return fmt.Errorf("replacing a token: %w", err)
		}
		if !c.OffAt.IsZero() {
			return nil
		}
		return s.endOff(ctx, q, c.ID)
	})
}

// ForgetToken switches a connection off: its token is gone, and each stream has the open trouble of being off. Events,
// windows and artifacts stay.
func (s *Store) ForgetToken(ctx context.Context, ws, id evidence.ID, at time.Time) error {
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		n, err := q.ForgetToken(ctx, ms(at), string(ws), string(id))
		if err != nil {
			return fmt.Errorf("forgetting a token: %w", err)
		}
		if n == 0 {
			return evidence.Errorf(evidence.NotFound, "There is no connection %s.", id)
		}
		c, err := q.Connection(ctx, string(ws), string(id))
		if err != nil {
			return fmt.Errorf("reading a connection: %w", err)
		}
		if err := s.enterConnection(ctx, q, "off", connectionOf(c)); err != nil {
			return err
		}
		// Whoever reads a stream at this moment loses its lease, so that a page that is on its way is not stored any more
		// and does not end the trouble that begins here.
		if err := q.EndLeases(ctx, string(id)); err != nil {
			return fmt.Errorf("ending leases: %w", err)
		}
		streams, err := q.StreamRows(ctx, string(id))
		if err != nil {
			return fmt.Errorf("reading streams: %w", err)
		}
		for _, r := range streams {
			err := s.openTrouble(ctx, q, r.ID, evidence.Trouble{Span: evidence.Span{From: at}, Cause: evidence.SwitchedOff,
				State: evidence.StateOff, Reason: "The connection was switched off. Switch it on again to read on."})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// SealedToken gives the sealed token of a connection; NotFound if it was forgotten or never given.
func (s *Store) SealedToken(ctx context.Context, ws, id evidence.ID) ([]byte, error) {
	token, err := s.queries().SealedToken(ctx, string(ws), string(id))
	if err != nil {
		return nil, notFound(err, "reading a token", "There is no connection %s.", id)
	}
	if len(token) == 0 {
		return nil, evidence.Errorf(evidence.NotFound, "Connection %s has no token. Switch it on with a new one.", id)
	}
	return token, nil
}

// Streams gives how far each stream of a connection has been read.
func (s *Store) Streams(ctx context.Context, conn evidence.ID) ([]evidence.StreamStatus, error) {
	q := s.queries()
	rows, err := q.StreamRows(ctx, string(conn))
	if err != nil {
		return nil, fmt.Errorf("reading streams: %w", err)
	}
	var all []evidence.StreamStatus
	for _, r := range rows {
		status := evidence.StreamStatus{Connection: conn, Stream: evidence.Stream(r.Name), Through: fromMS(r.LiveTo),
			CaughtUp: r.CaughtUp == 1, LastReadAt: fromMS(r.LastReadAt), LastEvent: fromMS(r.LastEvent), NextReadAt: fromMS(r.NextReadAt), Pages: r.Pages,
			Events: r.Events, Duplicates: r.Duplicates, Late: r.Late, Conflicts: r.Conflicts, Odd: r.Odd}
		open, err := q.OpenTrouble(ctx, r.ID)
		switch {
		case err == nil:
			t := troubleOf(open)
			status.Trouble = &t
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("reading the open trouble: %w", err)
		}
		all = append(all, status)
	}
	return all, nil
}

// SealedKeyset gives the workspace's sealed keyset; NotFound if it has none yet.
func (s *Store) SealedKeyset(ctx context.Context, ws evidence.ID) ([]byte, error) {
	keyset, err := s.queries().Keyset(ctx, string(ws))
	if err != nil {
		return nil, notFound(err, "reading a keyset", "There is no workspace %s.", ws)
	}
	if len(keyset) == 0 {
		return nil, evidence.Errorf(evidence.NotFound, "Workspace %s has no keyset yet.", ws)
	}
	return keyset, nil
}

// PutSealedKeyset stores the workspace's sealed keyset once; Conflict if there is one.
func (s *Store) PutSealedKeyset(ctx context.Context, ws evidence.ID, sealed []byte) error {
	n, err := sqlc.New(s.write).PutKeyset(ctx, sealed, string(ws))
	if err != nil {
		return fmt.Errorf("storing a keyset: %w", err)
	}
	if n == 0 {
		return evidence.Errorf(evidence.Conflict, "Workspace %s does not exist or has a keyset already.", ws)
	}
	return nil
}

// joinStreams writes names of streams into one column. They are words of a source without spaces.
func joinStreams(streams []evidence.Stream) string {
	names := make([]string, len(streams))
	for i, s := range streams {
		names[i] = string(s)
	}
	return strings.Join(names, " ")
}

func splitStreams(s string) []evidence.Stream {
	var streams []evidence.Stream
	for _, name := range strings.Fields(s) {
		streams = append(streams, evidence.Stream(name))
	}
	return streams
}
