package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// Rebuild makes event rows, repeats and hourly counts again from the pages, with facts as normalise gives them now. It is
// one transaction: until it ends everything is as it was, and after a crash too. Nothing else can be stored meanwhile.
// Entries of the dictionary are only added, so that other processes may go on. A damaged page ends it.
//
// What the pages do not tell is kept as it was noted with them: which records were late, and the time of a record that has
// none of its own. progress is told how many pages are done; it may be nil.
func (s *Store) Rebuild(ctx context.Context, normalise func(source string, stream evidence.Stream, raw []byte) evidence.Facts, progress func(done, total int64)) error {
	b := &rebuild{store: s, normalise: normalise, progress: progress, words: make(map[int64]*resolver), streams: make(map[int64]*rebuilt)}
	if b.progress == nil {
		b.progress = func(int64, int64) {}
	}
	if err := s.transact(ctx, func(tx *sql.Tx, q *sqlc.Queries) error { return b.run(ctx, tx, q) }); err != nil {
		return fmt.Errorf("rebuilding the event rows: %w", err)
	}
	for _, r := range b.words {
		r.keep()
	}
	s.settle(ctx)
	return nil
}

// rebuild is one Rebuild on its way.
type rebuild struct {
	store     *Store
	normalise func(source string, stream evidence.Stream, raw []byte) evidence.Facts
	progress  func(done, total int64)
	tx        *sql.Tx
	q         *sqlc.Queries
	words     map[int64]*resolver // by workspace
	streams   map[int64]*rebuilt
}

// rebuilt is a stream with what its pages gave.
type rebuilt struct {
	sqlc.AllStreamsRow
	sum outcome
}

func (b *rebuild) run(ctx context.Context, tx *sql.Tx, q *sqlc.Queries) error {
	b.tx, b.q = tx, q
	if err := b.store.engine.empty(ctx, tx); err != nil {
		return err
	}
	streams, err := q.AllStreams(ctx)
	if err != nil {
		return fmt.Errorf("reading streams: %w", err)
	}
	for _, st := range streams {
		b.streams[st.ID] = &rebuilt{AllStreamsRow: st}
		b.words[st.No] = b.store.resolver(tx, st.No)
	}
	if err := b.pages(ctx); err != nil {
		return err
	}
	for id, st := range b.streams {
		err := q.SetStreamCounts(ctx, sqlc.SetStreamCountsParams{ID: id, LastEvent: st.sum.newest, Events: int64(st.sum.fresh),
			Duplicates: int64(st.sum.duplicates), Late: int64(st.sum.late), Conflicts: int64(st.sum.conflicts), Odd: int64(st.sum.odd)})
		if err != nil {
			return fmt.Errorf("counting a stream: %w", err)
		}
	}
	return b.store.step("rebuilt")
}

func (b *rebuild) pages(ctx context.Context) error {
	total, err := b.q.CountPages(ctx)
	if err != nil {
		return fmt.Errorf("counting pages: %w", err)
	}
	for after, done := int64(0), int64(0); ; {
		pages, err := b.q.PagesAfter(ctx, after, 100)
		if err != nil {
			return fmt.Errorf("reading pages: %w", err)
		}
		if len(pages) == 0 {
			return nil
		}
		for _, p := range pages {
			if err := b.page(ctx, p); err != nil {
				return fmt.Errorf("page %d: %w", p.ID, err)
			}
			after = p.ID
			done++
			b.progress(done, total)
		}
	}
}

func (b *rebuild) page(ctx context.Context, row sqlc.PagesAfterRow) error {
	st := b.streams[row.Stream]
	stored, err := b.q.PageBody(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("reading its body: %w", err)
	}
	body, l, err := unpack(stored, row.Sha256)
	if err != nil {
		return err
	}
	p := &projection{store: b.store, tx: b.tx, q: b.q, words: b.words[st.No], stream: row.Stream, page: row.ID, body: body}
	if p.times, p.late, err = decodeTimes(stored.Times); err != nil {
		return err
	}
	if len(p.times) != l.Records() || len(p.times) == 0 {
		return fmt.Errorf("%w: it has times of %d records instead of %d", page.ErrCorrupt, len(p.times), l.Records())
	}
	gone, err := erasedOf(ctx, b.q, row.ID)
	if err != nil {
		return err
	}
	for i := range p.times {
		place := l.Record(i)
		if e, erased := gone[i]; erased {
			uuid, err := uuidOf(e.Uuid)
			if err != nil {
				return err
			}
			p.facts = append(p.facts, evidence.Facts{UUID: uuid, At: eventTime(p.times[i]), Odd: evidence.OddErased})
			p.places = append(p.places, place)
			continue
		}
		f := b.normalise(st.Source, evidence.Stream(st.Name), body[place.Start:place.End])
		if f.At.IsZero() || f.Odd&evidence.OddTime != 0 {
			f.At, f.Odd = eventTime(p.times[i]), f.Odd|evidence.OddTime
		}
		nameless(&f, body, place.Start, place.End)
		p.times[i] = f.At.UnixMilli()
		p.facts, p.places = append(p.facts, f), append(p.places, place)
	}
	p.prepareKeys()
	for i, e := range gone {
		p.uuids[i] = e.Uuid
	}
	if err := p.run(ctx, p.all()); err != nil {
		return err
	}
	st.sum.add(p.done)
	return b.note(ctx, p)
}

// note keeps what the page's facts are now.
func (b *rebuild) note(ctx context.Context, p *projection) error {
	low, high := bounds(p.times)
	if err := b.q.SetPageTimes(ctx, low, high, int64(p.done.fresh), p.page); err != nil {
		return fmt.Errorf("noting its times: %w", err)
	}
	if err := b.q.SetBodyTimes(ctx, encodeTimes(p.times, p.late), p.page); err != nil {
		return fmt.Errorf("noting its times: %w", err)
	}
	return nil
}

// add adds up.
func (o *outcome) add(p outcome) {
	o.fresh += p.fresh
	o.duplicates += p.duplicates
	o.conflicts += p.conflicts
	o.late += p.late
	o.odd += p.odd
	o.newest = max(o.newest, p.newest)
}
