package evidence

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Result says how an attempt ended, as far as the source tells.
type Result string

// The results. Events that are no attempts have none.
const (
	ResultNone    Result = ""
	ResultSuccess Result = "success"
	ResultFailed  Result = "failed"
	ResultBlocked Result = "blocked" // stopped by a firewall rule
)

// Oddity is a set of things about an event that a reader should know. An odd event is kept and shown like any other.
type Oddity uint16

// The oddities.
const (
	OddTime     Oddity = 1 << iota // no timestamp that can be read; At is that of its neighbour or of the page
	OddUUID                        // no uuid; UUID is made from the event's bytes
	OddAction                      // an action, type or pair that the documentation does not name
	OddKey                         // a key that the documentation does not name
	OddShape                       // a known key holds another kind of value than documented
	OddLate                        // came after its time had been read
	OddConflict                    // came again with other bytes; the first bytes stand, the others are kept beside
	OddErased                      // it was erased: only that it happened, and when, is still known
)

// oddityWords are in the order of the bits.
var oddityWords = []string{"time", "uuid", "action", "key", "shape", "late", "conflict", "erased"}

// Words names the oddities in o.
func (o Oddity) Words() []string {
	var words []string
	for i, w := range oddityWords {
		if o&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// Person is somebody as a source names him. Name and email are as they were when the event happened.
type Person struct {
	UUID  string
	Name  string
	Email string
}

// Facts are what filters, counts and recipes need to know of one event. They are derived from its bytes by the source
// and can be derived again at any time; they are never evidence themselves.
type Facts struct {
	UUID    string
	At      time.Time // UTC, whole milliseconds
	Action  string    // in the source's word: "reveal", "credentials_failed", "join"
	Type    string    // what qualifies the action: a sign-in's type, an audit event's object_type
	Result  Result
	Person  Person // who did it or tried it
	Vault   string
	Item    string
	Target  string // what or whom it was done to, if that is neither vault nor item
	Country string // as the source spells it
	IP      string
	Client  string // name of the app
	Odd     Oddity
}

// EventRef says where an event lies: the page's number and its position in the page, both unique and stable in one
// database. Its text form is "PAGE.POSITION".
type EventRef struct {
	Page     int64
	Position int
}

func (r EventRef) String() string {
	return strconv.FormatInt(r.Page, 10) + "." + strconv.Itoa(r.Position)
}

// ParseEventRef reads what String writes.
func ParseEventRef(s string) (EventRef, error) {
	page, position, ok := strings.Cut(s, ".")
	p, errPage := strconv.ParseInt(page, 10, 64)
	i, errPosition := strconv.Atoi(position)
	r := EventRef{p, i}
	if !ok || errPage != nil || errPosition != nil || p < 1 || i < 0 || r.String() != s {
		return EventRef{}, Errorf(Invalid, "%q is not an event's place. It looks like 12.345: page, dot, position.", s)
	}
	return r, nil
}

// Event is one thing that happened, as the source told it.
type Event struct {
	EventRef
	Facts
	Connection ID
	Stream     Stream
	Raw        []byte // the bytes exactly as received; nil if they were not asked for
}

// Key names what events can be filtered by.
type Key string

// The keys of a filter, in the order in which they are shown.
const (
	KeyPerson  Key = "person" // uuid, email or name
	KeyAction  Key = "action"
	KeyType    Key = "type"
	KeyResult  Key = "result"
	KeyVault   Key = "vault"
	KeyItem    Key = "item"
	KeyTarget  Key = "target"
	KeyCountry Key = "country"
	KeyIP      Key = "ip"
	KeyClient  Key = "client"
	KeyOdd     Key = "odd" // a word of Oddity.Words
	KeyUUID    Key = "uuid"
)

// Keys gives all keys in order.
func Keys() []Key {
	return []Key{KeyPerson, KeyAction, KeyType, KeyResult, KeyVault, KeyItem, KeyTarget, KeyCountry, KeyIP, KeyClient, KeyOdd, KeyUUID}
}

// Match asks that an event's value of Key be one of Values.
type Match struct {
	Key    Key
	Values []string
}

// ParseMatch reads KEY=VALUE; several values are separated by commas, and one that holds a comma stands in double quotes.
func ParseMatch(s string) (Match, error) {
	key, value, ok := strings.Cut(s, "=")
	if !ok || value == "" {
		return Match{}, Errorf(Invalid, "%q is not a filter. Write KEY=VALUE, for instance action=reveal.", s)
	}
	for _, k := range Keys() {
		if string(k) == key {
			return Match{Key: k, Values: splitValues(value)}, nil
		}
	}
	return Match{}, Errorf(Invalid, "Events cannot be filtered by %q. These keys exist: %s.", key, joinKeys())
}

func joinKeys() string {
	var words []string
	for _, k := range Keys() {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

// Query selects events. Every part narrows it; the zero Query selects all events of no workspace.
type Query struct {
	Workspace   ID
	Connections []ID     // empty: all
	Streams     []Stream // empty: all
	Span        Span     // zero From or To: open on that side
	Where       []Match  // all must hold
}

// String says the query in words that a person can read and that are the same for the same query.
func (q Query) String() string {
	var b strings.Builder
	b.WriteString("events")
	for i, s := range q.Streams {
		b.WriteString([]string{" of ", ", "}[min(i, 1)] + string(s))
	}
	if !q.Span.From.IsZero() {
		fmt.Fprintf(&b, " from %s", q.Span.From.UTC().Format(time.RFC3339))
	}
	if !q.Span.To.IsZero() {
		fmt.Fprintf(&b, " to %s", q.Span.To.UTC().Format(time.RFC3339))
	}
	for i, m := range q.Where {
		fmt.Fprintf(&b, " %s %s is %s", []string{"where", "and"}[min(i, 1)], m.Key, strings.Join(m.Values, " or "))
	}
	return b.String()
}
