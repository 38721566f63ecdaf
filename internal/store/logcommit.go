package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
	"github.com/exhibithq/exhibit/internal/translog"
)

// streamChain names the chain of a stream's pages, polls and resets.
func streamChain(connection, stream string) string { return "stream/" + connection + "/" + stream }

// enterLog writes what this commit does to its stream into the log. It comes before the coverage is changed and sees what
// had been read until now.
func (c *commit) enterLog(ctx context.Context) error {
	enlarges := false
	if c.in.Mode == Reread && c.page == 0 {
		before, err := coverageOf(ctx, c.q, c.stream)
		if err != nil {
			return err
		}
		w := c.in.Window
		enlarges = !w.Empty() && !w.From.IsZero() && len(before.Missing(w)) > 0
		if !enlarges {
			return nil // its outcome is entered when the re-read ends
		}
	}
	l, err := c.store.appendTo(ctx, c.q, c.owner.No, evidence.ID(c.owner.Workspace))
	if err != nil {
		return err
	}
	s := &streamLog{appender: l, stream: c.stream, connection: c.owner.Connection, name: c.owner.Name}
	switch {
	case c.page > 0:
		return c.enterPage(ctx, s)
	case enlarges:
		f := c.pollFields(s, 0)
		_, err := l.add(ctx, translog.KindPolls, s.chain(), f)
		return err
	case c.in.Mode == Live:
		return c.enterPoll(ctx, s)
	}
	return nil
}

// streamLog writes leaves about one stream.
type streamLog struct {
	*appender
	stream           int64
	connection, name string
}

func (s *streamLog) chain() string { return streamChain(s.connection, s.name) }

// fields begins a leaf of the stream's chain.
func (s *streamLog) fields(seq int64) translog.Fields {
	return translog.Fields{"connection": s.connection, "stream": s.name, "seq": seq}
}

func (c *commit) enterPage(ctx context.Context, s *streamLog) error {
	if err := s.seal(ctx); err != nil {
		return err
	}
	seq := int64(0)
	if c.in.Mode == Live {
		seq = c.next.Sequence
	}
	lowest, highest := bounds(c.times)
	f := s.fields(seq)
	f["mode"], f["build"], f["limit"] = string(c.in.Mode), c.in.Build, int64(c.in.Request.Limit)
	f["t_req"], f["t_res"], f["server_date"] = ms(c.in.RequestedAt), ms(c.in.ReceivedAt), max(0, ms(c.in.Page.ServerDate))
	f["min_at"], f["max_at"] = strconv.FormatInt(lowest, 10), strconv.FormatInt(highest, 10)
	f["late"], f["more"] = bitmap(c.late), c.in.Page.More
	f["next_sha"] = hex.EncodeToString(digest(string(c.in.Page.Next)))
	asked(f, c.in.Request)
	claimed(f, c.in)
	return s.page(ctx, f, c.page, c.body, len(c.places), func(i int) (int, int) { return c.places[i].Start, c.places[i].End })
}

// page enters a page whose other fields are made, and keeps its salts.
func (s *streamLog) page(ctx context.Context, f translog.Fields, page int64, body []byte, n int, record func(int) (int, int)) error {
	salts := translog.NewSalts()
	root, err := translog.PageRoot(body, n, record, salts)
	if err != nil {
		return fmt.Errorf("committing to page %d: %w", page, err)
	}
	f["feed"], f["page"], f["n"], f["len"], f["root"] = s.stream, page, int64(n), int64(len(body)), root.String()
	if err := s.q.AddPageSalt(ctx, page, salts); err != nil {
		return fmt.Errorf("keeping the salts of page %d: %w", page, err)
	}
	_, err = s.add(ctx, translog.KindPage, s.chain(), f)
	return err
}

// asked notes what was asked for: from a bookmark, or of a span.
func asked(f translog.Fields, req source.Request) {
	if req.Cursor != "" {
		f["cursor_sha"] = hex.EncodeToString(digest(string(req.Cursor)))
		return
	}
	f["asked"] = translog.SpanFields(ms(req.From), ms(req.To))
}

// claimed notes what the answer lets the stream say it has read.
func claimed(f translog.Fields, in PageCommit) {
	if !in.Window.Empty() && !in.Window.From.IsZero() {
		f["covered"] = translog.SpanFields(ms(in.Window.From), ms(in.Window.To))
	}
	if in.NewWindow {
		f["fresh"] = true
	}
}

// bitmap writes which of some records have a mark: bit 7 of the first byte is the first. "" if none has.
func bitmap(marks []bool) string {
	b := make([]byte, (len(marks)+7)/8)
	any := false
	for i, m := range marks {
		if m {
			b[i/8] |= 0x80 >> (i % 8)
			any = true
		}
	}
	if !any {
		return ""
	}
	return hex.EncodeToString(b)
}

func (c *commit) pollFields(s *streamLog, seq int64) translog.Fields {
	sum := sha256.Sum256(c.body)
	f := s.fields(seq)
	f["count"], f["first_at"], f["last_at"] = int64(1), ms(c.in.ReceivedAt), ms(c.in.ReceivedAt)
	f["bodies_sha"], f["more"] = hex.EncodeToString(sum[:]), c.in.Page.More
	f["next_sha"] = hex.EncodeToString(digest(string(c.in.Page.Next)))
	asked(f, c.in.Request)
	claimed(f, c.in)
	return f
}

// enterPoll adds an answer without records to those that wait, or enters those and begins anew if it does not go on from
// them or they wait for long.
func (c *commit) enterPoll(ctx context.Context, s *streamLog) error {
	now := c.pollFields(s, c.next.Sequence)
	waiting, err := s.pending(ctx)
	if err != nil {
		return err
	}
	if waiting != nil && follows(*waiting, now) {
		sum, _ := hex.DecodeString(now["bodies_sha"].(string))
		before := waiting.Hash("bodies_sha")
		chained := sha256.Sum256(append(before[:], sum...))
		now["bodies_sha"] = hex.EncodeToString(chained[:])
		now["count"], now["first_at"] = waiting.Int("count")+1, waiting.Int("first_at")
		if _, ok := waiting.Fields["fresh"]; ok {
			now["fresh"] = true
		}
	} else if err := s.seal(ctx); err != nil {
		return err
	}
	text, err := translog.EncodeJSON(now)
	if err != nil {
		return fmt.Errorf("noting a poll: %w", err)
	}
	if err := s.q.SetPending(ctx, s.stream, text); err != nil {
		return fmt.Errorf("noting a poll: %w", err)
	}
	return nil
}

// follows reports whether an answer goes on from those that wait: the next number, asking the same with a bookmark, and
// not long after the first.
func follows(waiting translog.Leaf, now translog.Fields) bool {
	cursor, hasCursor := now["cursor_sha"]
	at := now["first_at"].(int64)
	_, begins := now["fresh"]
	return hasCursor && !begins && waiting.Text("cursor_sha") == cursor && waiting.Text("next_sha") == cursor && waiting.Int("seq")+1 == now["seq"].(int64) &&
		at >= waiting.Int("first_at") && at-waiting.Int("first_at") < pollSpan.Milliseconds()
}

// pending gives the answers that wait; nil: none do.
func (s *streamLog) pending(ctx context.Context) (*translog.Leaf, error) {
	text, err := s.q.Pending(ctx, s.stream)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading waiting polls: %w", err)
	}
	f, err := translog.DecodeJSON(text)
	if err != nil {
		return nil, fmt.Errorf("reading waiting polls: %w", err)
	}
	return &translog.Leaf{Kind: translog.KindPolls, Fields: f}, nil
}

// seal enters the answers that wait.
func (s *streamLog) seal(ctx context.Context) error {
	waiting, err := s.pending(ctx)
	if err != nil || waiting == nil {
		return err
	}
	if _, err := s.add(ctx, translog.KindPolls, s.chain(), waiting.Fields); err != nil {
		return err
	}
	if err := s.q.DropPending(ctx, s.stream); err != nil {
		return fmt.Errorf("dropping waiting polls: %w", err)
	}
	return nil
}

// streamLogOf takes the lock of the log of a stream's workspace.
func (s *Store) streamLogOf(ctx context.Context, q *sqlc.Queries, stream int64) (*streamLog, error) {
	owner, err := q.StreamOwner(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("reading the stream: %w", err)
	}
	l, err := s.appendTo(ctx, q, owner.No, evidence.ID(owner.Workspace))
	if err != nil {
		return nil, err
	}
	return &streamLog{appender: l, stream: stream, connection: owner.Connection, name: owner.Name}, nil
}

// enterReset writes that the bookmark of a stream was dropped.
func (s *Store) enterReset(ctx context.Context, q *sqlc.Queries, row sqlc.Stream) error {
	l, err := s.streamLogOf(ctx, q, row.ID)
	if err != nil {
		return err
	}
	if err := l.seal(ctx); err != nil {
		return err
	}
	f := l.fields(row.Sequence + 1)
	f["cursor_sha"] = hex.EncodeToString(digest(row.Cursor))
	_, err = l.add(ctx, translog.KindReset, l.chain(), f)
	return err
}

// enterGap writes that a trouble of a stream begins or has ended.
func (s *Store) enterGap(ctx context.Context, q *sqlc.Queries, stream int64, t evidence.Trouble) error {
	l, err := s.streamLogOf(ctx, q, stream)
	if err != nil {
		return err
	}
	return l.gap(ctx, t, false)
}

func (s *streamLog) gap(ctx context.Context, t evidence.Trouble, entered bool) error {
	f := translog.Fields{"connection": s.connection, "stream": s.name, "cause": string(t.Cause), "state": string(t.State),
		"from": max(0, ms(t.From)), "to": max(0, ms(t.To))}
	if entered {
		f["entered"] = true
	}
	if err := s.texts(ctx, f, [3]string{"reason_commit", string(translog.TagComment), t.Reason}); err != nil {
		return err
	}
	_, err := s.add(ctx, translog.KindGap, "", f)
	return err
}

// enterReconciliation writes what a second reading found.
func (s *Store) enterReconciliation(ctx context.Context, q *sqlc.Queries, stream int64, r Reconciliation) error {
	l, err := s.streamLogOf(ctx, q, stream)
	if err != nil {
		return err
	}
	return l.reconciliation(ctx, r, false)
}

func (s *streamLog) reconciliation(ctx context.Context, r Reconciliation, entered bool) error {
	f := translog.Fields{"connection": s.connection, "stream": s.name, "mode": "self", "age": r.Age.Milliseconds(), "ended": max(0, ms(r.At)),
		"span": translog.SpanFields(ms(r.Span.From), ms(r.Span.To)), "seen": r.Seen, "known": r.Known, "new": r.New, "changed": r.Changed, "missing": r.Missing}
	if entered {
		f["entered"] = true
	}
	_, err := s.add(ctx, translog.KindReconcile, "", f)
	return err
}
