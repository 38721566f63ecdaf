package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// pollSpan is how long answers without records are gathered in one row.
const pollSpan = 15 * time.Minute

// Commit stores one answer of the source and all that follows from it in one transaction: the page's body, a row for each
// event not known yet, hourly counts, coverage, and for a live page the next bookmark and the end of an open trouble. It
// fails with ErrStale and stores nothing if epoch, bookmark or sequence of the stream are no longer those of the lease.
//
// After any other error the page may have been stored or not: Acquire the stream again and go on from what it says. To
// ask for the same page again and to commit it again is harmless.
func (s *Store) Commit(ctx context.Context, l Lease, p PageCommit) (Committed, error) {
	c, err := newCommit(s, l, p)
	if err != nil {
		return Committed{}, err
	}
	if err := s.transact(ctx, func(tx *sql.Tx, q *sqlc.Queries) error { return c.run(ctx, tx, q) }); err != nil {
		return Committed{}, fmt.Errorf("storing a page: %w", err)
	}
	c.words.keep()
	s.settleSometimes(ctx)
	return c.result(), nil
}

// commit is one Commit on its way.
type commit struct {
	*projection
	lease  Lease
	in     PageCommit
	layout []byte
	packed []byte
	row    sqlc.Stream // the stream before this commit
	owner  sqlc.StreamOwnerRow
	next   Position
	epoch  int64              // of erasures, when the commit began
	gone   map[int]knownEvent // records of events that were erased before, by position
}

// newCommit does all that needs no transaction.
func newCommit(s *Store, l Lease, in PageCommit) (*commit, error) {
	if in.Mode != Live && in.Mode != Reread {
		return nil, evidence.Errorf(evidence.Invalid, "A page is read live or as a re-read, not %q.", in.Mode)
	}
	in.Window = wholeMS(in.Window)
	p := &projection{store: s, body: in.Page.Body}
	p.facts, p.times = prepare(p.body, in.Page.Records, in.ReceivedAt)
	for _, r := range in.Page.Records {
		p.places = append(p.places, page.Range{Start: r.Start, End: r.End})
	}
	p.prepareKeys()
	c := &commit{projection: p, lease: l, in: in}
	if len(p.places) == 0 {
		return c, nil
	}
	var err error
	if c.layout, c.packed, err = page.Encode(p.body, p.places); err != nil {
		return nil, fmt.Errorf("storing a page: %w", err)
	}
	return c, nil
}

func (c *commit) run(ctx context.Context, tx *sql.Tx, q *sqlc.Queries) (err error) {
	c.tx, c.q = tx, q
	c.row, err = q.LockStream(ctx, sqlc.LockStreamParams{Connection: string(c.lease.Connection), Name: string(c.lease.Stream),
		Epoch: c.lease.Epoch, Cursor: c.lease.Cursor, Sequence: c.lease.Sequence})
	if errors.Is(err, sql.ErrNoRows) {
		return ErrStale
	}
	if err != nil {
		return fmt.Errorf("claiming the stream: %w", err)
	}
	c.stream = c.row.ID
	if c.owner, err = q.StreamOwner(ctx, c.stream); err != nil {
		return fmt.Errorf("reading the stream: %w", err)
	}
	if err := c.lookForErased(ctx); err != nil {
		return err
	}
	c.words = c.store.resolver(tx, c.owner.No)
	c.next = c.nextPosition()
	if len(c.facts) > 0 {
		if err := c.storeRecords(ctx); err != nil {
			return err
		}
	}
	if err := c.store.step("records stored"); err != nil {
		return err
	}
	if err := c.enterLog(ctx); err != nil {
		return err
	}
	if err := c.eraseAgain(ctx); err != nil {
		return err
	}
	if err := addCoverage(ctx, q, c.stream, c.in.Window); err != nil {
		return err
	}
	if c.in.Mode == Reread {
		return c.countReread(ctx)
	}
	return c.moveStream(ctx)
}

// nextPosition is where the stream will be after this commit.
func (c *commit) nextPosition() Position {
	old := positionOf(c.row)
	if c.in.Mode == Reread {
		return old
	}
	return Position{Cursor: string(c.in.Page.Next), Sequence: old.Sequence + 1, Window: c.nextWindow(old.Window), CaughtUp: old.CaughtUp || c.in.CaughtUp}
}

// nextWindow is the current live window after this commit: the old one made longer, or a new one if that was asked for or
// if a hole would lie between them. It never goes back.
func (c *commit) nextWindow(old evidence.Span) evidence.Span {
	in := c.in.Window
	switch {
	case c.in.NewWindow || old.From.IsZero() || in.From.After(old.To) && !in.Empty():
		return in
	case in.Empty() || in.To.Before(old.From):
		return old
	}
	if old.From.Before(in.From) {
		in.From = old.From
	}
	if old.To.After(in.To) {
		in.To = old.To
	}
	return in
}

// storeRecords stores page and rows. Of a re-read only what is not known already is kept, but then the whole page.
func (c *commit) storeRecords(ctx context.Context) error {
	covered, err := coverageOf(ctx, c.q, c.stream)
	if err != nil {
		return err
	}
	c.late = make([]bool, len(c.times))
	for i, t := range c.times {
		c.late[i] = covered.Contains(eventTime(t))
	}
	if c.in.Mode == Reread {
		fresh, changed, err := c.unseen(ctx, c.all())
		if err != nil {
			return err
		}
		if len(fresh) == 0 && len(changed) == 0 {
			c.done.duplicates = len(c.facts)
			return nil
		}
	}
	if err := c.storePage(ctx); err != nil {
		return err
	}
	if err := c.projection.run(ctx, c.all()); err != nil {
		return err
	}
	if err := c.q.SetPageEvents(ctx, int64(c.done.fresh), c.page); err != nil {
		return fmt.Errorf("counting the page's events: %w", err)
	}
	return nil
}

func (c *commit) storePage(ctx context.Context) (err error) {
	lowest, highest := bounds(c.times)
	sum := sha256.Sum256(c.body)
	req := c.in.Request
	p := sqlc.AddPageParams{Stream: c.stream, Mode: string(c.in.Mode), AskedLimit: int64(req.Limit),
		NextSha: digest(string(c.in.Page.Next)), RequestedAt: ms(c.in.RequestedAt), ReceivedAt: ms(c.in.ReceivedAt),
		ServerDate: ms(c.in.Page.ServerDate), Build: c.in.Build, Records: int64(len(c.facts)), MinAt: lowest, MaxAt: highest,
		Size: int64(len(c.body)), Sha256: sum[:]}
	if c.in.Mode == Live {
		p.Sequence = c.next.Sequence
	}
	if req.Cursor != "" {
		p.CursorSha = digest(string(req.Cursor))
	} else {
		p.AskedFrom, p.AskedTo = ms(req.From), ms(req.To)
	}
	if c.page, err = c.q.AddPage(ctx, p); err != nil {
		return fmt.Errorf("storing the page: %w", err)
	}
	if err := c.q.AddPageBody(ctx, c.page, c.layout, encodeTimes(c.times, c.late), c.packed); err != nil {
		return fmt.Errorf("storing the page's body: %w", err)
	}
	return c.store.step("page stored")
}

// moveStream moves bookmark, window and counters, and ends the trouble that the stream was in.
func (c *commit) moveStream(ctx context.Context) error {
	if len(c.facts) == 0 {
		if err := c.notePoll(ctx); err != nil {
			return err
		}
	}
	if err := c.endHandover(ctx); err != nil {
		return err
	}
	err := c.q.MoveStream(ctx, sqlc.MoveStreamParams{ID: c.stream, Cursor: c.next.Cursor,
		LiveFrom: ms(c.next.Window.From), LiveTo: ms(c.next.Window.To), CaughtUp: number(c.next.CaughtUp),
		LastReadAt: ms(c.in.ReceivedAt), LastEvent: max(c.row.LastEvent, c.done.newest), Pages: number(c.page > 0),
		Events: int64(c.done.fresh), Duplicates: int64(c.done.duplicates), Late: int64(c.done.late),
		Conflicts: int64(c.done.conflicts), Odd: int64(c.done.odd)})
	if err != nil {
		return fmt.Errorf("moving the bookmark: %w", err)
	}
	if err := c.store.closeTrouble(ctx, c.q, c.stream, c.in.ReceivedAt); err != nil {
		return err
	}
	return c.noteTrouble(ctx)
}

func (c *commit) countReread(ctx context.Context) error {
	duplicates := int64(c.done.duplicates)
	if c.page == 0 {
		duplicates = 0 // they are in no page that is kept; the reconciliation counts them
	}
	err := c.q.CountReread(ctx, sqlc.CountRereadParams{ID: c.stream, LastEvent: max(c.row.LastEvent, c.done.newest),
		Pages: number(c.page > 0), Events: int64(c.done.fresh), Duplicates: duplicates, Late: int64(c.done.late),
		Conflicts: int64(c.done.conflicts), Odd: int64(c.done.odd)})
	if err != nil {
		return fmt.Errorf("counting the re-read: %w", err)
	}
	return c.noteTrouble(ctx)
}

func (c *commit) noteTrouble(ctx context.Context) error {
	if c.in.Trouble == nil {
		return nil
	}
	return c.store.openTrouble(ctx, c.q, c.stream, *c.in.Trouble)
}

// notePoll notes an answer without records: in the last such row if it follows it, asks the same and is recent.
func (c *commit) notePoll(ctx context.Context) error {
	asked := digest(string(c.in.Request.Cursor))
	received, sum := ms(c.in.ReceivedAt), sha256.Sum256(c.body)
	last, err := c.q.LastPoll(ctx, c.stream)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("reading the last poll: %w", err)
	}
	follows := err == nil && last.Kind == "poll" && last.LastSequence == c.row.Sequence && bytes.Equal(last.CursorSha, asked) &&
		received-last.FirstAt < pollSpan.Milliseconds() && received >= last.FirstAt
	if follows {
		chained := sha256.Sum256(append(bytes.Clone(last.BodiesSha), sum[:]...))
		err = c.q.ExtendPoll(ctx, sqlc.ExtendPollParams{Stream: c.stream, FirstSequence: last.FirstSequence,
			LastSequence: c.next.Sequence, LastAt: received, BodiesSha: chained[:]})
	} else {
		err = c.q.AddPoll(ctx, sqlc.AddPollParams{Stream: c.stream, FirstSequence: c.next.Sequence, LastSequence: c.next.Sequence,
			Kind: "poll", Answers: 1, FirstAt: received, LastAt: received, CursorSha: asked, BodiesSha: sum[:]})
	}
	if err != nil {
		return fmt.Errorf("noting a poll: %w", err)
	}
	return nil
}

// result tells what the commit did.
func (c *commit) result() Committed {
	l := c.lease
	l.Position = c.next
	return Committed{Lease: l, Page: c.page, New: c.done.fresh, Duplicates: c.done.duplicates, Late: c.done.late,
		Conflicts: c.done.conflicts, Odd: c.done.odd}
}

// digest is the SHA-256 of a bookmark: enough to see that two are the same, not enough to use one.
func digest(cursor string) []byte {
	sum := sha256.Sum256([]byte(cursor))
	return sum[:]
}

// bounds gives the lowest and the highest of some times, of which there is at least one.
func bounds(times []int64) (lowest, highest int64) {
	lowest, highest = times[0], times[0]
	for _, t := range times {
		lowest, highest = min(lowest, t), max(highest, t)
	}
	return lowest, highest
}

func positionOf(r sqlc.Stream) Position {
	return Position{Cursor: r.Cursor, Sequence: r.Sequence, CaughtUp: r.CaughtUp == 1,
		Window: evidence.Span{From: fromMS(r.LiveFrom), To: fromMS(r.LiveTo)}}
}
