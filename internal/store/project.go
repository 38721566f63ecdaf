package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/page"
	"github.com/exhibithq/exhibit/internal/source"
	"github.com/exhibithq/exhibit/internal/store/sqlc"
)

// projection makes event rows, repeats and hourly counts of the records of one page. Commit makes one of a page as it
// comes; Rebuild makes them of the pages that are stored.
type projection struct {
	store  *Store
	tx     *sql.Tx
	q      *sqlc.Queries
	words  *resolver
	stream int64
	page   int64
	body   []byte
	places []page.Range // of the records in body
	facts  []evidence.Facts
	times  []int64 // of the records, Unix milliseconds
	late   []bool  // their time had been read before

	uuids [][]byte
	done  outcome
	sum   map[[2]int64]int64 // value and hour → n
}

// outcome counts what a projection did.
type outcome struct {
	fresh, duplicates, conflicts, late, odd int
	newest                                  int64 // time of the newest new event; 0: none
}

// oddToRead are the oddities that lie in the event itself. Being late or in conflict is counted by itself.
const oddToRead = evidence.OddTime | evidence.OddUUID | evidence.OddAction | evidence.OddKey | evidence.OddShape

// prepare fills in what every record must have: a time and a uuid. The source gives both; what it cannot give is marked.
func prepare(body []byte, records []source.Record, received time.Time) (facts []evidence.Facts, times []int64) {
	last := received.UnixMilli()
	for _, r := range records {
		f := r.Facts
		if f.At.IsZero() {
			f.At, f.Odd = eventTime(last), f.Odd|evidence.OddTime
		}
		nameless(&f, body, r.Start, r.End)
		last = f.At.UnixMilli()
		facts, times = append(facts, f), append(times, last)
	}
	return facts, times
}

// nameless gives an event without uuid one made from its bytes, so that two such events are not taken for one.
func nameless(f *evidence.Facts, body []byte, start, end int) {
	if f.UUID != "" || start < 0 || start > end || end > len(body) { // page.Encode refuses such places
		return
	}
	f.UUID, f.Odd = fmt.Sprintf("sha256:%x", sha256.Sum256(body[start:end])), f.Odd|evidence.OddUUID
}

// all gives the indices of all records.
func (p *projection) all() []int {
	all := make([]int, len(p.facts))
	for i := range all {
		all[i] = i
	}
	return all
}

// prepareKeys makes the uuid keys of all records.
func (p *projection) prepareKeys() {
	p.uuids = make([][]byte, len(p.facts))
	for i := range p.facts {
		p.uuids[i] = uuidKey(p.facts[i].UUID)
	}
}

// unseen sorts the given records: it gives those whose uuid the stream does not know. The others are compared with what is
// stored; how many have the same bytes is counted, and those with other bytes are given back as conflicts.
func (p *projection) unseen(ctx context.Context, among []int) (fresh, changed []int, err error) {
	keys := make([][]byte, len(among))
	for n, i := range among {
		keys[n] = p.uuids[i]
	}
	known, err := p.store.engine.findEvents(ctx, p.tx, p.stream, keys)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range among {
		k, ok := known[string(p.uuids[i])]
		if !ok {
			fresh = append(fresh, i)
			continue
		}
		same, err := p.same(ctx, i, k)
		if err != nil {
			return nil, nil, err
		}
		if !same {
			changed = append(changed, i)
		}
	}
	return fresh, changed, nil
}

// same reports whether record i has the bytes that are stored for k.
func (p *projection) same(ctx context.Context, i int, k knownEvent) (bool, error) {
	if k.odd&evidence.OddErased != 0 {
		return true, nil // what its bytes were is not known any more
	}
	mine := p.body[p.places[i].Start:p.places[i].End]
	if k.page == p.page {
		first := p.places[k.position]
		return bytes.Equal(mine, p.body[first.Start:first.End]), nil
	}
	stored, err := p.store.raw(ctx, p.q, k.page, k.position)
	if err != nil {
		return false, err
	}
	return bytes.Equal(mine, stored), nil
}

// run stores rows for the records among, whose page has its number now.
func (p *projection) run(ctx context.Context, among []int) error {
	p.sum = make(map[[2]int64]int64)
	rows, err := p.rows(ctx, among)
	if err != nil {
		return err
	}
	known, err := p.store.engine.insertEvents(ctx, p.tx, rows)
	if err != nil {
		return err
	}
	if err := p.store.step("events indexed"); err != nil {
		return err
	}
	for i, next := 0, 0; i < len(rows); i++ {
		if next < len(known) && known[next] == i {
			next++
			continue
		}
		if err := p.count(ctx, &rows[i]); err != nil {
			return err
		}
	}
	if err := p.repeats(ctx, rows, known); err != nil {
		return err
	}
	return p.addTallies(ctx)
}

// rows makes the event rows of the records among.
func (p *projection) rows(ctx context.Context, among []int) ([]eventRow, error) {
	rows := make([]eventRow, len(among))
	var d distinct
	at := make([][dimensions]int, len(among))
	for n, i := range among {
		f := &p.facts[i]
		rows[n] = eventRow{stream: p.stream, at: p.times[i], page: p.page, position: i, uuid: p.uuids[i], odd: f.Odd}
		if p.late[i] {
			rows[n].odd |= evidence.OddLate
		}
		d.add(f, &at[n])
	}
	ids, err := p.words.ids(ctx, d.words)
	if err != nil {
		return nil, err
	}
	for n := range rows {
		for d, place := range at[n] {
			if place >= 0 {
				rows[n].values[d] = ids[place]
			}
		}
	}
	return rows, nil
}

// distinct gathers the words of many events, each once. It is asked eight times an event, so it compares facts as they
// came and makes words of those alone that are new.
type distinct struct {
	words  []words
	index  map[words]int // place in words
	triple [dimVault]map[[3]string]int
	single [dimensions]map[string]int
}

// add adds the words of an event and gives their places; -1 for none.
func (d *distinct) add(f *evidence.Facts, places *[dimensions]int) {
	for i, facts := range [dimVault][3]string{{f.Action, f.Type, string(f.Result)}, {f.Person.UUID, f.Person.Name, f.Person.Email}} {
		place, ok := d.triple[i][facts]
		if !ok {
			place = d.place(wordsOf(f, i))
			if d.triple[i] == nil {
				d.triple[i] = make(map[[3]string]int)
			}
			d.triple[i][facts] = place
		}
		places[i] = place
	}
	for n, fact := range [...]string{f.Vault, f.Item, f.Target, f.Country, f.IP, f.Client} {
		i := dimVault + n
		if fact == "" {
			places[i] = -1
			continue
		}
		place, ok := d.single[i][fact]
		if !ok {
			place = d.place(wordsOf(f, i))
			if d.single[i] == nil {
				d.single[i] = make(map[string]int)
			}
			d.single[i][fact] = place
		}
		places[i] = place
	}
}

// place gives the place of words. Facts that differ may make the same words, since words are cut.
func (d *distinct) place(w words) int {
	if w.empty() {
		return -1
	}
	place, ok := d.index[w]
	if !ok {
		place = len(d.words)
		d.words = append(d.words, w)
		if d.index == nil {
			d.index = make(map[words]int)
		}
		d.index[w] = place
	}
	return place
}

// count adds a new row to the outcome and to the hourly counts.
func (p *projection) count(ctx context.Context, r *eventRow) error {
	hour := hourOf(r.at)
	p.sum[[2]int64{0, hour}]++
	for _, id := range r.values {
		if id != 0 {
			p.sum[[2]int64{id, hour}]++
		}
	}
	if err := p.countOdd(ctx, r.odd, hour); err != nil {
		return err
	}
	p.done.fresh++
	p.done.newest = max(p.done.newest, r.at)
	if r.odd&evidence.OddLate != 0 {
		p.done.late++
	}
	if r.odd&oddToRead != 0 {
		p.done.odd++
	}
	return nil
}

func (p *projection) countOdd(ctx context.Context, odd evidence.Oddity, hour int64) error {
	if odd == 0 {
		return nil
	}
	var all []words
	for _, w := range odd.Words() {
		all = append(all, words{kind: kindOdd, first: w})
	}
	ids, err := p.words.ids(ctx, all)
	for _, id := range ids {
		p.sum[[2]int64{id, hour}]++
	}
	return err
}

// repeats keeps where records lie whose uuid was known, and marks events of which other bytes came.
func (p *projection) repeats(ctx context.Context, rows []eventRow, which []int) error {
	if len(which) == 0 {
		return nil
	}
	keys := make([][]byte, len(which))
	for n, i := range which {
		keys[n] = rows[i].uuid
	}
	known, err := p.store.engine.findEvents(ctx, p.tx, p.stream, keys)
	if err != nil {
		return err
	}
	for _, i := range which {
		r := &rows[i]
		k, ok := known[string(r.uuid)]
		if !ok {
			return errors.New("an event is neither new nor known; run exhibit fsck")
		}
		same, err := p.same(ctx, r.position, k)
		if err != nil {
			return err
		}
		if same {
			p.done.duplicates++
		} else if err := p.conflict(ctx, r, k, known); err != nil {
			return err
		}
		err = p.q.AddRepeat(ctx, sqlc.AddRepeatParams{Stream: p.stream, At: r.at, Page: r.page, Position: int64(r.position),
			FirstPage: k.page, FirstPosition: int64(k.position), Conflict: number(!same)})
		if err != nil {
			return fmt.Errorf("storing a repeated event: %w", err)
		}
	}
	return nil
}

// conflict marks the first event of a uuid of which other bytes came. The first bytes stand.
func (p *projection) conflict(ctx context.Context, r *eventRow, k knownEvent, known map[string]knownEvent) error {
	p.done.conflicts++
	if k.odd&evidence.OddConflict != 0 {
		return nil
	}
	_, err := p.tx.ExecContext(ctx, `UPDATE event SET odd = odd | CAST($1 AS integer) WHERE stream = $2 AND at = $3 AND page = $4 AND position = $5`,
		int64(evidence.OddConflict), p.stream, k.at, k.page, k.position)
	if err != nil {
		return fmt.Errorf("marking a conflict: %w", err)
	}
	k.odd |= evidence.OddConflict
	known[string(r.uuid)] = k
	return p.countOdd(ctx, evidence.OddConflict, hourOf(k.at))
}

func (p *projection) addTallies(ctx context.Context) error {
	if len(p.sum) == 0 {
		return nil
	}
	// In the order of the table, so that neighbours share a page of the database and no two writers wait for each other.
	places := slices.SortedFunc(maps.Keys(p.sum), func(a, b [2]int64) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	var tallies []tally
	for _, at := range places {
		day, of := dayOf(at[1])
		if n := len(tallies); n == 0 || tallies[n-1].value != at[0] || tallies[n-1].day != day {
			tallies = append(tallies, tally{value: at[0], day: day})
		}
		last := &tallies[len(tallies)-1]
		last.hours = appendHour(last.hours, of, p.sum[at])
	}
	return p.store.engine.addTallies(ctx, p.tx, p.stream, tallies)
}

// encodeTimes packs the time of each record and whether it was late: per record a varint of the difference to the one
// before, zigzag, doubled, plus one if late.
func encodeTimes(times []int64, late []bool) []byte {
	out := make([]byte, 0, 3*len(times))
	var last int64
	for i, t := range times {
		d := t - last
		out = binary.AppendUvarint(out, uint64((d<<1)^(d>>63))<<1|uint64(number(late[i])))
		last = t
	}
	return out
}

// decodeTimes undoes encodeTimes.
func decodeTimes(in []byte) (times []int64, late []bool, err error) {
	var last int64
	for len(in) > 0 {
		v, n := binary.Uvarint(in)
		if n <= 0 {
			return nil, nil, errors.New("the times of a page are damaged; run exhibit fsck")
		}
		late = append(late, v&1 == 1)
		z := v >> 1
		last += int64(z>>1) ^ -int64(z&1)
		times = append(times, last)
		in = in[n:]
	}
	return times, late, nil
}

// eventTime is the time of an event row. Other than for ms, 0 is a time.
func eventTime(at int64) time.Time { return time.UnixMilli(at).UTC() }
