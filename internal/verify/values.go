package verify

import (
	"math"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// values gives each value that events have a number, so that an event is some numbers and equal values are kept once. Numbers
// are given by one goroutine; reading is free to all afterwards.
type values struct {
	ids    map[string]uint32
	all    []string
	people map[evidence.Person]uint32
	who    []evidence.Person
	room   int // bytes that further values may take
}

// elsewhere stands for a value that found no room: it is read from the page each time.
const elsewhere = math.MaxUint32

// wordBytes is about what keeping a value takes beside its letters.
const wordBytes = 64

func newValues(room int) *values {
	return &values{ids: map[string]uint32{"": 0}, all: []string{""}, people: map[evidence.Person]uint32{{}: 0}, who: []evidence.Person{{}}, room: room}
}

func (w *values) of(s string) uint32 {
	if id, ok := w.ids[s]; ok {
		return id
	}
	if w.room -= len(s) + wordBytes; w.room < 0 {
		return elsewhere
	}
	id := uint32(len(w.all))
	w.ids[s] = id
	w.all = append(w.all, s)
	return id
}

func (w *values) person(p evidence.Person) uint32 {
	if id, ok := w.people[p]; ok {
		return id
	}
	if w.room -= len(p.UUID) + len(p.Name) + len(p.Email) + 2*wordBytes; w.room < 0 {
		return elsewhere
	}
	id := uint32(len(w.who))
	w.people[p] = id
	w.who = append(w.who, p)
	return id
}

// column is the numbers of one kind of value, by event. What is behind its end is 0, the number of no value.
type column []uint32

func (c *column) set(event int, id uint32) {
	if id == 0 {
		return
	}
	for len(*c) < event {
		*c = append(*c, 0)
	}
	*c = append(*c, id)
}

func (c column) at(event uint32) uint32 {
	if int(event) >= len(c) {
		return 0
	}
	return c[event]
}

// known are the values of a stream's events.
type known struct {
	person, vault, item, target, country, ip, client column
}

func (k *known) add(w *values, event int, f *evidence.Facts) {
	k.person.set(event, w.person(f.Person))
	k.vault.set(event, w.of(f.Vault))
	k.item.set(event, w.of(f.Item))
	k.target.set(event, w.of(f.Target))
	k.country.set(event, w.of(f.Country))
	k.ip.set(event, w.of(f.IP))
	k.client.set(event, w.of(f.Client))
}

// column gives the values of a key, if the index has them.
func (k *known) column(key evidence.Key) (column, bool) {
	switch key {
	case evidence.KeyPerson:
		return k.person, true
	case evidence.KeyVault:
		return k.vault, true
	case evidence.KeyItem:
		return k.item, true
	case evidence.KeyTarget:
		return k.target, true
	case evidence.KeyCountry:
		return k.country, true
	case evidence.KeyIP:
		return k.ip, true
	case evidence.KeyClient:
		return k.client, true
	}
	return nil, false
}

// facts fills in what is known of an event, and reports whether that is all of it but the uuid, the time, the oddities, and
// the action, type and result.
func (k *known) facts(w *values, event uint32, f *evidence.Facts) bool {
	who := k.person.at(event)
	if who == elsewhere {
		return false
	}
	f.Person = w.who[who]
	for _, x := range []struct {
		from column
		into *string
	}{{k.vault, &f.Vault}, {k.item, &f.Item}, {k.target, &f.Target}, {k.country, &f.Country}, {k.ip, &f.IP}, {k.client, &f.Client}} {
		id := x.from.at(event)
		if id == elsewhere {
			return false
		}
		*x.into = w.all[id]
	}
	return true
}
