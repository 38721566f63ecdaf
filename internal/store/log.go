package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// defaultOrigin is the first part of a log's name where the operator gives none; the workspace's ID is the other.
const defaultOrigin = "exhibit"

// logFormat is the version of what the leaves of a log mean.
const logFormat = 1

// leafBits is how many bits of a leaf's id in the tables are its number; the others are the workspace's.
const leafBits = 40

// appender adds leaves to the log of one workspace inside a transaction, in which it holds the log's lock: whatever else
// would be entered waits until the transaction ends. So it is taken late.
//
// A crash before the commit leaves neither the leaf nor what it commits to, a crash after it both.
type appender struct {
	q     *sqlc.Queries
	store *Store
	row   sqlc.Log
}

// appendTo takes the lock of a workspace's log by the workspace's number, and begins the log if it is new.
func (s *Store) appendTo(ctx context.Context, q *sqlc.Queries, workspace int64, id evidence.ID) (*appender, error) {
	l := &appender{q: q, store: s}
	var err error
	l.row, err = q.LockLog(ctx, workspace)
	if errors.Is(err, sql.ErrNoRows) {
		if err := q.AddLog(ctx, workspace, s.originOf(id)); err != nil {
			return nil, fmt.Errorf("beginning the log: %w", err)
		}
		l.row, err = q.LockLog(ctx, workspace)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the log: %w", err)
	}
	if l.row.Size > 0 {
		return l, nil
	}
	l.row.Origin = s.originOf(id)
	_, err = l.add(ctx, translog.KindGenesis, "", translog.Fields{"origin": l.row.Origin, "format": logFormat, "build": s.build, "parent": ""})
	return l, err
}

// appendFor is appendTo by the workspace's ID.
func (s *Store) appendFor(ctx context.Context, q *sqlc.Queries, id evidence.ID) (*appender, error) {
	no, err := q.WorkspaceNo(ctx, string(id))
	if err != nil {
		return nil, notFound(err, "reading a workspace", "There is no workspace %s.", id)
	}
	return s.appendTo(ctx, q, no, id)
}

func (s *Store) originOf(ws evidence.ID) string { return s.origin + "/" + string(ws) }

// add appends a leaf and gives its record id. The leaf's chain, if it has one, gets it as its end, and the leaf what was
// the end before as prev.
func (l *appender) add(ctx context.Context, kind translog.Kind, chain string, f translog.Fields) (record string, err error) {
	l.row.LastAt = max(l.row.LastAt, l.store.now().UnixMilli())
	f["at"] = l.row.LastAt
	if chain != "" {
		if f["prev"], err = l.chainEnd(ctx, chain); err != nil {
			return "", err
		}
	}
	leaf, err := translog.Leaf{Kind: kind, Fields: f}.Encode()
	if err != nil {
		return "", fmt.Errorf("writing to the log: %w", err)
	}
	if err := l.put(ctx, leaf); err != nil {
		return "", err
	}
	record = translog.RecordID(leaf)
	if chain != "" {
		if err := l.q.SetChainEnd(ctx, l.row.Workspace, chain, record); err != nil {
			return "", fmt.Errorf("writing to the log: %w", err)
		}
	}
	return record, l.store.step("leaf added")
}

// put stores a leaf with the tree's hashes that it completes, and the log's new size.
func (l *appender) put(ctx context.Context, leaf []byte) error {
	at := l.row.Workspace<<leafBits | l.row.Size
	hashes, err := translog.Grow(l.row.Size, leaf, l.nodes(ctx))
	if err != nil {
		return err
	}
	var joined []byte
	for _, h := range hashes {
		joined = append(joined, h[:]...)
	}
	l.row.Size++
	err = l.q.AddLeaf(ctx, at, leaf)
	if err == nil {
		err = l.q.AddNode(ctx, at, joined)
	}
	if err == nil {
		err = l.q.SetLog(ctx, sqlc.SetLogParams{Origin: l.row.Origin, Size: l.row.Size, LastAt: l.row.LastAt, Adopt: l.row.Adopt, Workspace: l.row.Workspace})
	}
	if err != nil {
		return fmt.Errorf("writing to the log: %w", err)
	}
	return nil
}

// nodes reads the tree inside the transaction. A leaf needs one node on average.
func (l *appender) nodes(ctx context.Context) translog.Nodes {
	return func(at []translog.Node) ([]translog.Hash, error) {
		out := make([]translog.Hash, len(at))
		for i, n := range at {
			id := l.row.Workspace<<leafBits | n.Leaf()
			rows, err := l.q.LogNodes(ctx, id, id+1, 1)
			if err != nil {
				return nil, fmt.Errorf("reading the log: %w", err)
			}
			if len(rows) == 0 {
				return nil, fmt.Errorf("the log has no leaf %d; run exhibit fsck", n.Leaf())
			}
			if out[i], err = nodeIn(rows[0].Hashes, n); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// nodeIn takes the hash of a node from those that are stored with its last leaf.
func nodeIn(hashes []byte, n translog.Node) (translog.Hash, error) {
	at := n.Level * translog.HashSize
	if n.Level < 0 || len(hashes) < at+translog.HashSize {
		return translog.Hash{}, fmt.Errorf("the log's node %d of level %d is missing; run exhibit fsck", n.N, n.Level)
	}
	return translog.Hash(hashes[at : at+translog.HashSize]), nil
}

func (l *appender) chainEnd(ctx context.Context, chain string) (string, error) {
	record, err := l.q.ChainEnd(ctx, l.row.Workspace, chain)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading the log: %w", err)
	}
	return record, nil
}

// commit gives the commitment to value and keeps what opens it.
func (l *appender) commit(ctx context.Context, tag translog.Tag, value []byte) (string, error) {
	return l.commitTo(ctx, tag, value, value)
}

// commitTo is commit for data that lies elsewhere: kept stands beside the salt instead.
func (l *appender) commitTo(ctx context.Context, tag translog.Tag, data, kept []byte) (string, error) {
	salt := translog.NewSalt()
	return l.commitWith(ctx, tag, salt, translog.Commit(tag, salt, data), kept)
}

func (l *appender) commitWith(ctx context.Context, tag translog.Tag, salt translog.Salt, c translog.Hash, kept []byte) (string, error) {
	if kept == nil {
		kept = []byte{}
	}
	err := l.q.AddOpening(ctx, sqlc.AddOpeningParams{Workspace: l.row.Workspace, Commitment: c[:], Tag: string(tag), Salt: salt[:], Value: kept})
	if err != nil {
		return "", fmt.Errorf("keeping what opens a commitment: %w", err)
	}
	return c.String(), nil
}

// texts commits to several texts: name of the field, tag, text.
func (l *appender) texts(ctx context.Context, f translog.Fields, all ...[3]string) error {
	for _, t := range all {
		c, err := l.commit(ctx, translog.Tag(t[1]), []byte(t[2]))
		if err != nil {
			return err
		}
		f[t[0]] = c
	}
	return nil
}

// ourID matches names that Exhibit made, which tell nothing of a person.
var ourID = regexp.MustCompile(`^[a-z]{2}_[a-z0-9]{16}$`)

// inClear gives a subject that may stand in a leaf as it is, else "".
func inClear(subject string) string {
	if ourID.MatchString(subject) {
		return subject
	}
	return ""
}
