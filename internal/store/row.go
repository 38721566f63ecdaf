package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// The dimensions of an event: its columns that hold an id of the dictionary.
const (
	dimWhat = iota
	dimPerson
	dimVault
	dimItem
	dimTarget
	dimCountry
	dimIP
	dimClient
	dimensions
)

// Kinds of words in the dictionary that are not a column of the event row.
const kindOdd = "odd"

// dimensionKinds names the dimensions: column of the event row and kind in the dictionary alike.
var dimensionKinds = [dimensions]string{"what", "person", "vault", "item", "target", "country", "ip", "client"}

// eventColumns is the order in which event rows are written and read.
const eventColumns = `stream, at, page, position, uuid, what, person, vault, item, target, country, ip, client, odd`

// eventRow is one row of table event.
type eventRow struct {
	stream, at, page int64
	position         int
	uuid             []byte
	values           [dimensions]int64
	odd              evidence.Oddity
}

// compare orders rows as events are listed.
func (r eventRow) compare(o eventRow) int {
	return cmp.Or(cmp.Compare(r.at, o.at), cmp.Compare(r.stream, o.stream), cmp.Compare(r.page, o.page), cmp.Compare(r.position, o.position))
}

// scan reads a row from something with the columns eventColumns.
func (r *eventRow) scan(row interface{ Scan(...any) error }) error {
	v := &r.values
	return row.Scan(&r.stream, &r.at, &r.page, &r.position, &r.uuid, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &r.odd)
}

// knownEvent is where an event with a known uuid lies.
type knownEvent struct {
	page     int64
	position int
	at       int64
	odd      evidence.Oddity
}

// tally is how many events have a value in the hours of a day, as table tally keeps it.
type tally struct {
	value, day int64
	hours      []byte
}

const dayHours = 24

// dayOf is the day, counted from 1970, in which an hour lies, and the hour of that day.
func dayOf(hour int64) (day, of int64) {
	day, of = hour/dayHours, hour%dayHours
	if of < 0 {
		return day - 1, of + dayHours
	}
	return day, of
}

// appendHour adds an entry to the hours of a tally.
func appendHour(hours []byte, of, n int64) []byte {
	return binary.AppendUvarint(append(hours, byte(of)), uint64(n))
}

// eachHour tells the entries of a tally.
func eachHour(day int64, hours []byte, each func(hour, n int64)) error {
	for len(hours) > 0 {
		of := int64(hours[0])
		n, size := binary.Uvarint(hours[1:])
		if of >= dayHours || size <= 0 {
			return errors.New("an hourly count is damaged; run exhibit fsck --rebuild")
		}
		each(day*dayHours+of, int64(n))
		hours = hours[1+size:]
	}
	return nil
}

const hourMS = 3_600_000

// hourOf is the hour, counted from 1970, in which a time lies.
func hourOf(at int64) int64 {
	h := at / hourMS
	if at%hourMS < 0 {
		h--
	}
	return h
}

// uuidEncoding is how 1Password writes 16 bytes as 26 letters and digits.
var uuidEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

const (
	uuidLetters  = 26
	uuidBytes    = 16
	maxUUIDBytes = 200
)

// Marks of a uuid key that is not 16 bytes. The second makes sure that a key with text never has 16 bytes.
const (
	uuidText   = 0 // the text follows
	uuidPadded = 1 // a filling byte and the text follow
	uuidLong   = 2 // the beginning of the text and the SHA-256 of all of it follow
)

// uuidKey is how a uuid is stored: 16 bytes if the text is exactly base32 of them, else a mark and the text. Different
// uuids have different keys.
func uuidKey(uuid string) []byte {
	if len(uuid) == uuidLetters {
		key := make([]byte, uuidBytes, uuidBytes+1)
		if n, err := uuidEncoding.Decode(key, []byte(uuid)); err == nil && n == uuidBytes && uuidEncoding.EncodeToString(key) == uuid {
			return key
		}
	}
	if len(uuid) > maxUUIDBytes {
		sum := sha256.Sum256([]byte(uuid))
		return append(append([]byte{uuidLong}, uuid[:maxUUIDBytes-len(sum)]...), sum[:]...)
	}
	if 1+len(uuid) == uuidBytes {
		return append([]byte{uuidPadded, 0}, uuid...)
	}
	return append([]byte{uuidText}, uuid...)
}

// uuidOf undoes uuidKey. Of a uuid that is too long to be a uuid it gives the beginning.
func uuidOf(key []byte) (string, error) {
	switch {
	case len(key) == uuidBytes:
		return uuidEncoding.EncodeToString(key), nil
	case len(key) >= 1 && key[0] == uuidText:
		return string(key[1:]), nil
	case len(key) >= 2 && key[0] == uuidPadded:
		return string(key[2:]), nil
	case len(key) > 1+sha256.Size && key[0] == uuidLong:
		return strings.ToValidUTF8(string(key[1:len(key)-sha256.Size]), "") + "…", nil
	}
	return "", errors.New("an event's uuid is stored in a form that is not known; run exhibit fsck")
}

// maxWordBytes bounds an entry of the dictionary: an index of PostgreSQL holds no more than about 2,700 bytes.
const maxWordBytes = 480

// word is a value as the dictionary keeps it: valid UTF-8 without NUL, which PostgreSQL does not take, and not too long.
// The event's bytes hold the whole of it.
func word(s string) string {
	if len(s) <= maxWordBytes && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= maxWordBytes {
		return s
	}
	cut := maxWordBytes - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// words is an entry of the dictionary. Kind what: action, type, result. Kind person: uuid, name, email. Else the value.
type words struct{ kind, first, second, third string }

func (w words) compare(o words) int {
	return cmp.Or(cmp.Compare(w.kind, o.kind), cmp.Compare(w.first, o.first), cmp.Compare(w.second, o.second), cmp.Compare(w.third, o.third))
}

// empty reports whether there is nothing to remember; the id of nothing is 0.
func (w words) empty() bool { return w.first == "" && w.second == "" && w.third == "" }

// wordsOf gives what an event row refers to in one of its dimensions.
func wordsOf(f *evidence.Facts, dimension int) words {
	kind := dimensionKinds[dimension]
	switch dimension {
	case dimWhat:
		return words{kind, word(f.Action), word(f.Type), word(string(f.Result))}
	case dimPerson:
		return words{kind, word(f.Person.UUID), word(f.Person.Name), word(f.Person.Email)}
	}
	single := [...]string{f.Vault, f.Item, f.Target, f.Country, f.IP, f.Client}
	return words{kind: kind, first: word(single[dimension-dimVault])}
}

// setWords is the way back from wordsOf.
func setWords(f *evidence.Facts, dimension int, w words) error {
	switch dimension {
	case dimWhat:
		f.Action, f.Type, f.Result = w.first, w.second, evidence.Result(w.third)
	case dimPerson:
		f.Person = evidence.Person{UUID: w.first, Name: w.second, Email: w.third}
	case dimVault:
		f.Vault = w.first
	case dimItem:
		f.Item = w.first
	case dimTarget:
		f.Target = w.first
	case dimCountry:
		f.Country = w.first
	case dimIP:
		f.IP = w.first
	case dimClient:
		f.Client = w.first
	default:
		return fmt.Errorf("there is no dimension %d", dimension)
	}
	return nil
}
