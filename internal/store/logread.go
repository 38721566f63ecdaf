package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// LogState is how far a workspace's log has come.
type LogState struct {
	Workspace evidence.ID
	No        int64 // number of the workspace
	Origin    string
	Size      int64
	LastAt    time.Time
}

// Log gives the state of a workspace's log; NotFound if nothing was ever entered.
func (s *Store) Log(ctx context.Context, ws evidence.ID) (LogState, error) {
	r, err := s.queries().Log(ctx, string(ws))
	if err != nil {
		return LogState{}, notFound(err, "reading the log", "The log of workspace %s is empty.", ws)
	}
	return LogState{Workspace: ws, No: r.Workspace, Origin: r.Origin, Size: r.Size, LastAt: fromMS(r.LastAt)}, nil
}

// EnsureLog begins the log of a workspace if it has none.
func (s *Store) EnsureLog(ctx context.Context, ws evidence.ID) error {
	if _, err := s.Log(ctx, ws); evidence.ErrorCode(err) != evidence.NotFound {
		return err
	}
	return s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		_, err := s.appendFor(ctx, q, ws)
		return err
	})
}

// Nodes reads the hashes of the log's complete subtrees, however many in one query.
func (l LogState) nodes(ctx context.Context, s *Store) translog.Nodes {
	return func(at []translog.Node) ([]translog.Hash, error) {
		if len(at) == 0 {
			return nil, nil
		}
		stored, err := s.storedNodes(ctx, l.No, at)
		if err != nil {
			return nil, err
		}
		out := make([]translog.Hash, len(at))
		for i, n := range at {
			if out[i], err = nodeIn(stored[n.Leaf()], n); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// storedNodes gives by leaf what is stored of it in the tree.
func (s *Store) storedNodes(ctx context.Context, workspace int64, at []translog.Node) (found map[int64][]byte, err error) {
	found = make(map[int64][]byte)
	marks := make([]string, len(at))
	args := make([]any, len(at))
	for i, n := range at {
		marks[i], args[i] = fmt.Sprint("$", i+1), workspace<<leafBits|n.Leaf()
	}
	rows, err := s.read.QueryContext(ctx, `SELECT id, hashes FROM log_node WHERE id IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		var hashes []byte
		if err := rows.Scan(&id, &hashes); err != nil {
			return nil, fmt.Errorf("reading the log: %w", err)
		}
		found[id&(1<<leafBits-1)] = hashes
	}
	return found, rows.Err()
}

// LogNodes gives a reader of the tree of a workspace's log. It must not be asked for what lies behind the log's end.
func (s *Store) LogNodes(ctx context.Context, l LogState) translog.Nodes { return l.nodes(ctx, s) }

// Leaf gives leaf n of a log.
func (s *Store) Leaf(ctx context.Context, l LogState, n int64) ([]byte, error) {
	if n < 0 || n >= l.Size {
		return nil, evidence.Errorf(evidence.NotFound, "The log has %d leaves; there is none with the number %d.", l.Size, n)
	}
	b, err := s.queries().LogLeaf(ctx, l.No<<leafBits|n)
	if err != nil {
		return nil, notFound(err, "reading the log", "The log has no leaf %d.", n)
	}
	return b, nil
}

// leavesAtOnce is how many leaves are read at once.
const leavesAtOnce = 1000

// EachLeaf calls fn for the leaves from <= number < to in order and ends with its first error. No transaction stays open;
// leaves never change.
func (s *Store) EachLeaf(ctx context.Context, l LogState, from, to int64, fn func(n int64, leaf []byte) error) error {
	return eachLeaf(ctx, s.queries(), l.No, from, to, fn)
}

func eachLeaf(ctx context.Context, q *sqlc.Queries, workspace, from, to int64, fn func(n int64, leaf []byte) error) error {
	for from < to {
		rows, err := q.LogLeaves(ctx, workspace<<leafBits|from, workspace<<leafBits|to, leavesAtOnce)
		if err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		if len(rows) == 0 {
			return missingLeaf(from)
		}
		for _, r := range rows {
			if r.ID&(1<<leafBits-1) != from {
				return missingLeaf(from)
			}
			if err := fn(from, r.Data); err != nil {
				return err
			}
			from++
		}
	}
	return nil
}

func missingLeaf(n int64) error { return fmt.Errorf("leaf %d is missing; run exhibit fsck", n) }

// Opening is what opens a commitment.
type Opening struct {
	Commitment translog.Hash
	Tag        translog.Tag
	Salt       translog.Salt
	Value      []byte // what was committed to; for a file its digest
}

// Opening gives what opens a commitment of a workspace's log; NotFound if it was deleted or never was.
func (s *Store) Opening(ctx context.Context, l LogState, c translog.Hash) (Opening, error) {
	r, err := s.queries().Opening(ctx, l.No, c[:])
	if err != nil {
		return Opening{}, notFound(err, "reading what opens a commitment", "Nothing opens the commitment %s.", c)
	}
	if len(r.Salt) != translog.HashSize {
		return Opening{}, fmt.Errorf("the salt of commitment %s is damaged", c)
	}
	return Opening{Commitment: c, Tag: translog.Tag(r.Tag), Salt: translog.Salt(r.Salt), Value: r.Value}, nil
}

// PageSalts gives the salts of a page.
func (s *Store) PageSalts(ctx context.Context, page int64) (translog.Salts, error) {
	salts, err := s.queries().PageSalt(ctx, page)
	if err != nil {
		return nil, notFound(err, "reading the salts of a page", "Page %d has no salts.", page)
	}
	return salts, nil
}

// Mark is the state of a workspace's evidence at one moment: nothing was stored while it was taken.
type Mark struct {
	Log     LogState
	Covered map[StreamKey]evidence.Spans
}

// StreamKey names a stream of a connection.
type StreamKey struct {
	Connection evidence.ID
	Stream     evidence.Stream
}

// MarkLog enters the answers without records that wait, so that the log says all that the database knows, and gives log and
// coverage as they are then.
func (s *Store) MarkLog(ctx context.Context, ws evidence.ID) (Mark, error) {
	m := Mark{Covered: make(map[StreamKey]evidence.Spans)}
	err := s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		l, err := s.appendFor(ctx, q, ws)
		if err != nil {
			return err
		}
		waiting, err := q.PendingOf(ctx, string(ws))
		if err != nil {
			return fmt.Errorf("reading waiting polls: %w", err)
		}
		for _, p := range waiting {
			owner, err := q.StreamOwner(ctx, p.Stream)
			if err != nil {
				return fmt.Errorf("reading the stream: %w", err)
			}
			if err := (&streamLog{l, p.Stream, owner.Connection, owner.Name}).seal(ctx); err != nil {
				return err
			}
		}
		streams, err := q.WorkspaceStreams(ctx, string(ws))
		if err != nil {
			return fmt.Errorf("reading streams: %w", err)
		}
		for _, st := range streams {
			covered, err := coverageOf(ctx, q, st.ID)
			if err != nil {
				return err
			}
			m.Covered[StreamKey{evidence.ID(st.Connection), evidence.Stream(st.Name)}] = covered
		}
		m.Log = LogState{Workspace: ws, No: l.row.Workspace, Origin: l.row.Origin, Size: l.row.Size, LastAt: fromMS(l.row.LastAt)}
		return nil
	})
	return m, err
}

// Append enters leaves that a use case makes: keys, coverage statements, exports, anchors. build is called with the size
// of the log and gives the leaves; commit keeps what opens a commitment. All of it is one transaction. It gives the log as
// it is then and the record ids of the leaves.
func (s *Store) Append(ctx context.Context, ws evidence.ID, build func(size int64, chainEnd func(chain string) (string, error), commit func(translog.Tag, []byte) (string, error)) ([]Entry, error)) (state LogState, records []string, err error) {
	err = s.transact(ctx, func(_ *sql.Tx, q *sqlc.Queries) error {
		l, err := s.appendFor(ctx, q, ws)
		if err != nil {
			return err
		}
		entries, err := build(l.row.Size, func(chain string) (string, error) { return l.chainEnd(ctx, chain) },
			func(tag translog.Tag, data []byte) (string, error) { return l.commit(ctx, tag, data) })
		if err != nil {
			return err
		}
		for _, e := range entries {
			record, err := l.add(ctx, e.Kind, e.Chain, e.Fields)
			if err != nil {
				return err
			}
			records = append(records, record)
			if e.With != nil {
				if err := e.With(q); err != nil {
					return err
				}
			}
		}
		state = LogState{Workspace: ws, No: l.row.Workspace, Origin: l.row.Origin, Size: l.row.Size, LastAt: fromMS(l.row.LastAt)}
		return nil
	})
	return state, records, err
}

// Entry is a leaf to be. With runs in the transaction that enters it.
type Entry struct {
	Kind   translog.Kind
	Chain  string
	Fields translog.Fields
	With   func(*sqlc.Queries) error
}

// Checkpoint is a signed checkpoint as it is stored.
type Checkpoint struct {
	Size       int64
	At         time.Time
	Note       []byte
	CosignedAt time.Time // zero: no quorum of witnesses yet
	Token      []byte    // RFC 3161; nil: none
	StampedAt  time.Time // that the token vouches for
}

// AddCheckpoint stores a signed checkpoint. One of the same size is replaced, unless others vouch for it already.
func (s *Store) AddCheckpoint(ctx context.Context, l LogState, c Checkpoint) error {
	if err := sqlc.New(s.write).AddCheckpoint(ctx, l.No, c.Size, ms(c.At), c.Note); err != nil {
		return fmt.Errorf("storing a checkpoint: %w", err)
	}
	return nil
}

// SetCosigned stores a checkpoint with the signatures of witnesses.
func (s *Store) SetCosigned(ctx context.Context, l LogState, size int64, note []byte, at time.Time) error {
	if err := sqlc.New(s.write).SetCosigned(ctx, note, ms(at), l.No, size); err != nil {
		return fmt.Errorf("storing a cosigned checkpoint: %w", err)
	}
	return nil
}

// Checkpoints gives the newest signed checkpoints, newest first.
func (s *Store) Checkpoints(ctx context.Context, l LogState, limit int) ([]Checkpoint, error) {
	rows, err := s.queries().Checkpoints(ctx, l.No, int64(limit))
	return checkpointsOf(rows, err)
}

// Anchors gives the checkpoints that witnesses or time stamps vouch for, oldest first.
func (s *Store) Anchors(ctx context.Context, l LogState) ([]Checkpoint, error) {
	rows, err := s.queries().Anchors(ctx, l.No)
	return checkpointsOf(rows, err)
}

func checkpointsOf(rows []sqlc.LogCheckpoint, err error) ([]Checkpoint, error) {
	if err != nil {
		return nil, fmt.Errorf("reading checkpoints: %w", err)
	}
	var all []Checkpoint
	for _, r := range rows {
		all = append(all, Checkpoint{Size: r.Size, At: fromMS(r.At), Note: r.Note, CosignedAt: fromMS(r.CosignedAt), Token: r.Token, StampedAt: fromMS(r.StampedAt)})
	}
	return all, nil
}

// LogKey is a signing key, sealed.
type LogKey struct {
	VKey      string
	Sealed    []byte
	AddedAt   time.Time
	RetiredAt time.Time // zero: it signs
}

// LogKeys gives the signing keys of a log, oldest first.
func (s *Store) LogKeys(ctx context.Context, l LogState) ([]LogKey, error) {
	rows, err := s.queries().LogKeys(ctx, l.No)
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	var all []LogKey
	for _, r := range rows {
		all = append(all, LogKey{VKey: r.Vkey, Sealed: r.Sealed, AddedAt: fromMS(r.AddedAt), RetiredAt: fromMS(r.RetiredAt)})
	}
	return all, nil
}

// keyChain is the chain of the leaves about signing keys.
const keyChain = "key"

// AddLogKey stores a sealed signing key and the leaf that tells of it, which fields makes from the log's size and the
// record of the last such leaf. With mustBeFirst it fails with Conflict if there is a key already.
func (s *Store) AddLogKey(ctx context.Context, ws evidence.ID, k LogKey, mustBeFirst bool, fields func(size int64, prev string) (translog.Fields, error)) error {
	_, _, err := s.Append(ctx, ws, func(size int64, chainEnd func(string) (string, error), _ func(translog.Tag, []byte) (string, error)) ([]Entry, error) {
		prev, err := chainEnd(keyChain)
		if err != nil {
			return nil, err
		}
		if mustBeFirst && prev != "" {
			return nil, evidence.Errorf(evidence.Conflict, "The log has a key already.")
		}
		f, err := fields(size, prev)
		if err != nil {
			return nil, err
		}
		l, err := s.workspaceNo(ctx, ws)
		return []Entry{{translog.KindKey, keyChain, f, func(q *sqlc.Queries) error {
			return q.AddLogKey(ctx, l, k.VKey, k.Sealed, ms(k.AddedAt))
		}}}, err
	})
	return err
}

// RetireLogKey notes that a key signs no more, with the leaf that tells of it.
func (s *Store) RetireLogKey(ctx context.Context, ws evidence.ID, vkey string, at time.Time, fields func(size int64, prev string) (translog.Fields, error)) error {
	_, _, err := s.Append(ctx, ws, func(size int64, chainEnd func(string) (string, error), _ func(translog.Tag, []byte) (string, error)) ([]Entry, error) {
		prev, err := chainEnd(keyChain)
		if err != nil {
			return nil, err
		}
		f, err := fields(size, prev)
		if err != nil {
			return nil, err
		}
		l, err := s.workspaceNo(ctx, ws)
		return []Entry{{translog.KindKey, keyChain, f, func(q *sqlc.Queries) error { return q.RetireLogKey(ctx, ms(at), l, vkey) }}}, err
	})
	return err
}

func (s *Store) workspaceNo(ctx context.Context, ws evidence.ID) (int64, error) {
	no, err := s.queries().WorkspaceNo(ctx, string(ws))
	if err != nil {
		return 0, notFound(err, "reading a workspace", "There is no workspace %s.", ws)
	}
	return no, nil
}

// PageParts gives the body of a page of a workspace with the places of its records, checked against its digest.
func (s *Store) PageParts(ctx context.Context, ws evidence.ID, id int64) ([]byte, []page.Range, error) {
	q := s.queries()
	p, err := s.pageRow(ctx, q, ws, id)
	if err != nil {
		return nil, nil, err
	}
	stored, err := q.PageBody(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the body of page %d: %w", id, err)
	}
	body, layout, err := unpack(stored, p.Sha256)
	if err != nil {
		return nil, nil, fmt.Errorf("page %d: %w; run exhibit fsck", id, err)
	}
	places := make([]page.Range, layout.Records())
	for i := range places {
		places[i] = layout.Record(i)
	}
	return body, places, nil
}
