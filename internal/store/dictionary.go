package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// generations is a cache of at most 2·size entries: when the young generation is full it becomes the old one, and the
// former old one is dropped. What is used often is always young. It is not safe for concurrent use.
type generations[K comparable, V any] struct {
	size       int
	young, old map[K]V
}

func newGenerations[K comparable, V any](size int) generations[K, V] {
	return generations[K, V]{size: size, young: make(map[K]V)}
}

func (g *generations[K, V]) get(k K) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	if ok {
		g.put(k, v)
	}
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	if len(g.young) >= g.size {
		g.old, g.young = g.young, make(map[K]V, g.size)
	}
	g.young[k] = v
}

// dictionarySize bounds each half of the dictionary cache: about 100 bytes an entry, so some 40 MB in all.
const dictionarySize = 100_000

// wordKey is words in a workspace.
type wordKey struct {
	workspace int64
	words
}

// dictionary remembers what is committed in table value. Rows of it are never changed; they are deleted by erasures alone, and
// whoever writes looks first whether there was one (epochs), so what is remembered stays true, in this process and in others.
type dictionary struct {
	mu     sync.Mutex
	ids    generations[wordKey, int64]
	words  generations[int64, words]
	epochs map[string]int64 // by workspace: the steps of erasures that were known when something was remembered
}

// forget drops all that is remembered.
func (d *dictionary) forget() {
	d.ids, d.words = newGenerations[wordKey, int64](dictionarySize), newGenerations[int64, words](dictionarySize)
}

// at drops what is remembered if a workspace has come to another epoch.
func (d *dictionary) at(workspace string, epoch int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.epochs == nil {
		d.epochs = map[string]int64{}
	}
	if d.epochs[workspace] != epoch {
		d.epochs[workspace] = epoch
		d.forget()
	}
}

func newDictionary() *dictionary {
	return &dictionary{ids: newGenerations[wordKey, int64](dictionarySize), words: newGenerations[int64, words](dictionarySize)}
}

// lookup fills ids with what is remembered and gives the indices of the others.
func (d *dictionary) lookup(workspace int64, all []words, ids []int64) (missing []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, w := range all {
		id, ok := d.ids.get(wordKey{workspace, w})
		if !ok {
			missing = append(missing, i)
			continue
		}
		ids[i] = id
	}
	return missing
}

// learn remembers ids that have been committed.
func (d *dictionary) learn(fresh map[wordKey]int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, id := range fresh {
		d.ids.put(k, id)
	}
}

// facts puts the words of a row back into facts.
func (s *Store) facts(ctx context.Context, q *sqlc.Queries, r *eventRow) (evidence.Facts, error) {
	uuid, err := uuidOf(r.uuid)
	if err != nil {
		return evidence.Facts{}, err
	}
	f := evidence.Facts{UUID: uuid, At: eventTime(r.at), Odd: r.odd}
	for d, id := range r.values {
		if id == 0 {
			continue
		}
		w, err := s.wordsByID(ctx, q, id)
		if err != nil {
			return evidence.Facts{}, err
		}
		if err := setWords(&f, d, w); err != nil {
			return evidence.Facts{}, err
		}
	}
	return f, nil
}

func (s *Store) wordsByID(ctx context.Context, q *sqlc.Queries, id int64) (words, error) {
	s.words.mu.Lock()
	w, ok := s.words.words.get(id)
	s.words.mu.Unlock()
	if ok {
		return w, nil
	}
	row, err := q.ValueByID(ctx, id)
	if err != nil {
		return words{}, fmt.Errorf("reading entry %d of the dictionary (run exhibit fsck): %w", id, err)
	}
	w = words{row.Kind, row.First, row.Second, row.Third}
	s.words.mu.Lock()
	defer s.words.mu.Unlock()
	s.words.words.put(id, w)
	return w, nil
}

// resolver turns words into ids inside one transaction. What it adds becomes known to others with keep, after the commit.
type resolver struct {
	store     *Store
	tx        *sql.Tx
	workspace int64
	fresh     map[wordKey]int64
}

func (s *Store) resolver(tx *sql.Tx, workspace int64) *resolver {
	return &resolver{store: s, tx: tx, workspace: workspace, fresh: make(map[wordKey]int64)}
}

// ids gives the ids of words, which must differ from one another.
func (r *resolver) ids(ctx context.Context, all []words) ([]int64, error) {
	ids := make([]int64, len(all))
	var asked []words
	var at []int
	for _, i := range r.store.words.lookup(r.workspace, all, ids) {
		if id, ok := r.fresh[wordKey{r.workspace, all[i]}]; ok {
			ids[i] = id
			continue
		}
		asked, at = append(asked, all[i]), append(at, i)
	}
	if len(asked) == 0 {
		return ids, nil
	}
	found, err := r.store.engine.valueIDs(ctx, r.tx, r.workspace, asked)
	if err != nil {
		return nil, err
	}
	for n, id := range found {
		ids[at[n]] = id
		r.fresh[wordKey{r.workspace, asked[n]}] = id
	}
	return ids, nil
}

// keep makes what was added known, once it is committed.
func (r *resolver) keep() { r.store.words.learn(maps.Clone(r.fresh)) }

// frameKey names a frame of a page.
type frameKey struct {
	page  int64
	frame int
}

// frameCache holds decoded frames and layouts: neighbouring events share a frame. Frames are some 50 KB each.
type frameCache struct {
	mu      sync.Mutex
	frames  generations[frameKey, page.Frame]
	layouts generations[int64, page.Layout]
}

func newFrameCache() *frameCache {
	return &frameCache{frames: newGenerations[frameKey, page.Frame](128), layouts: newGenerations[int64, page.Layout](64)}
}

// forget drops all frames and layouts: pages were rewritten.
func (c *frameCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := newFrameCache()
	c.frames, c.layouts = fresh.frames, fresh.layouts
}

// raw gives the bytes of one record of a stored page. They must not be changed. If the page does not fit what is remembered of
// it, another process has erased something of it, and it is read anew.
func (s *Store) raw(ctx context.Context, q *sqlc.Queries, id int64, position int) ([]byte, error) {
	b, err := s.remembered(ctx, q, id, position)
	if errors.Is(err, page.ErrCorrupt) {
		s.frames.forget()
		return s.remembered(ctx, q, id, position)
	}
	return b, err
}

func (s *Store) remembered(ctx context.Context, q *sqlc.Queries, id int64, position int) ([]byte, error) {
	l, err := s.layout(ctx, q, id)
	if err != nil {
		return nil, err
	}
	if position < 0 || position >= l.Records() {
		return nil, evidence.Errorf(evidence.NotFound, "Page %d has %d events; there is none at position %d.", id, l.Records(), position)
	}
	key := frameKey{id, l.FrameOf(position)}
	s.frames.mu.Lock()
	f, ok := s.frames.frames.get(key)
	s.frames.mu.Unlock()
	if !ok {
		if f, err = s.readFrame(ctx, q, l, key); err != nil {
			return nil, err
		}
		s.frames.mu.Lock()
		s.frames.frames.put(key, f)
		s.frames.mu.Unlock()
	}
	return f.Record(position), nil
}

func (s *Store) layout(ctx context.Context, q *sqlc.Queries, id int64) (page.Layout, error) {
	s.frames.mu.Lock()
	l, ok := s.frames.layouts.get(id)
	s.frames.mu.Unlock()
	if ok {
		return l, nil
	}
	stored, err := q.PageLayout(ctx, id)
	if err != nil {
		return page.Layout{}, notFound(err, "reading a page's layout", "There is no page %d.", id)
	}
	if l, err = page.ParseLayout(stored); err != nil {
		return page.Layout{}, fmt.Errorf("page %d: %w; run exhibit fsck", id, err)
	}
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	s.frames.layouts.put(id, l)
	return l, nil
}

func (s *Store) readFrame(ctx context.Context, q *sqlc.Queries, l page.Layout, key frameKey) (page.Frame, error) {
	at, length := l.FrameAt(key.frame)
	packed, err := q.PageFrame(ctx, int32(at)+1, int32(length), key.page)
	if err != nil {
		return page.Frame{}, fmt.Errorf("reading page %d: %w", key.page, err)
	}
	f, err := l.DecodeFrame(key.frame, packed)
	if err != nil {
		return page.Frame{}, fmt.Errorf("page %d: %w; run exhibit fsck", key.page, err)
	}
	return f, nil
}
