package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Kind is what a source tells of itself: its card in the catalogue, its servers, its streams, and how to open it.
// Catalogue, command line, pages and docs are made from it.
type Kind struct {
	ID        string   // "onepassword"
	Name      string   // "1Password"
	Category  string   // "Security"
	Summary   string   // one or two sentences: what is collected
	Auth      string   // "Bearer token"
	Plan      string   // what the account needs
	Controls  []string // typical controls in own words
	Servers   []Server
	Streams   []StreamKind
	Retention time.Duration // how long the source keeps events; 0: for ever
	PageLimit int           // events a page at most
	Setup     []Step        // what to do on the source's side, in order
	Limits    []string      // what this source cannot show, in sentences
	Help      []Help        // what to look at when something does not work
	Preflight func(token string, now time.Time) (TokenFacts, error)
	Open      func(Config) (Source, error)
	Describe  func(stream evidence.Stream, raw []byte) Description
	Normalise func(stream evidence.Stream, raw []byte) evidence.Facts // the facts of one event, as in a Record
	// Split takes the body of a page apart again, as Next did. noTime is when its answer came: the time of events for
	// which nothing in the page tells one.
	Split func(stream evidence.Stream, body []byte, noTime time.Time) (Page, error)
	Words func(key evidence.Key, value string) string // a value of a filter in full words; empty if it is not known
}

// Server is one host that the source offers.
type Server struct {
	Name string // "1Password EU"
	URL  string // "https://events.1password.eu"
}

// StreamKind describes one stream.
type StreamKind struct {
	Stream  evidence.Stream
	Title   string // "Sign-in attempts"
	Shows   string // what evidence is lost without it, in a sentence
	Actions []Word // known actions with full words
}

// Word gives a source's own word in full words.
type Word struct {
	Value string // "secure-copy", "gm.join"
	Words string // "Copied", "Added to group"
}

// Step is one step of the set-up on the source's side.
type Step struct {
	Title string
	Text  string
}

// Help is what to look at when something does not work.
type Help struct {
	Sign   string           // what a person sees: "The token is refused (401)"
	States []evidence.State // the states in which it is likely
	Causes []Step           // each cause apart: how to tell it, and what to do
}

// Fits reports whether h helps a connection in a state.
func (h Help) Fits(state evidence.State) bool { return slices.Contains(h.States, state) }

// TokenFacts is what a token says of itself; nothing in it is verified.
type TokenFacts struct {
	Server   string // https://host[:port] that the token is for; empty: it does not say
	Account  string
	Features []evidence.Stream
	IssuedAt time.Time
	Expires  time.Time // zero: never
}

// Config opens one connection.
type Config struct {
	Server    string                                // https://host[:port]; the token is sent there and nowhere else
	Token     func(context.Context) (string, error) // gives the token in clear for the length of one request
	UserAgent string
	Transport Transport // nil: the source's own with its limits; tests may give another
	// Operator holds what the operator allowed at start beside the source's own servers.
	Operator Operator
	Now      func() time.Time // nil: time.Now
}

// FindKind gives the kind with an id in a catalogue.
func FindKind(catalogue []Kind, id string) (Kind, bool) {
	for _, k := range catalogue {
		if k.ID == id {
			return k, true
		}
	}
	return Kind{}, false
}

// AllStreams gives the streams of a catalogue in order, each once.
func AllStreams(catalogue []Kind) []evidence.Stream {
	var out []evidence.Stream
	for _, k := range catalogue {
		for _, s := range k.Streams {
			if !slices.Contains(out, s.Stream) {
				out = append(out, s.Stream)
			}
		}
	}
	return out
}

// Operator is what the person who starts Exhibit allows; no page and no member can change it.
type Operator struct {
	AllowServers []string // servers beside those of the Kind, as https://host[:port]
	CAPEM        []byte   // CA certificates trusted for AllowServers alone
}

// Allows reports whether server is one of the Kind's or was allowed by the operator.
func (k Kind) Allows(server string, op Operator) bool {
	for _, s := range k.Servers {
		if s.URL == server {
			return true
		}
	}
	for _, s := range op.AllowServers {
		if s == server {
			return true
		}
	}
	return false
}

// Without says what a token that was made without a stream cannot show, and how that is mended.
func (k Kind) Without(stream evidence.Stream) string {
	text := fmt.Sprintf("The token was made without the event type %s.", stream)
	for _, s := range k.Streams {
		if s.Stream == stream && s.Shows != "" {
			text += " Missing without it: " + strings.TrimSuffix(s.Shows, ".") + "."
		}
	}
	text += " Make a token that has it and rotate it in"
	if k.Retention > 0 {
		text += fmt.Sprintf("; what %s still keeps, the last %d days, is read back then", k.Name, int(k.Retention.Hours()/24))
	}
	return text + "."
}

// Description says one event in full words for a person. Every value is as hostile as the event it came from.
type Description struct {
	Verb    string // "revealed"
	Object  string // "item bvwmmwxisuca7wbehrbyqhag54"
	Person  string // name, else email, else uuid; empty: not told
	Email   string
	Stream  string // "Item usage"
	Place   string // "Toronto, Canada"; empty: not told
	IP      string
	Client  string // app and version
	Device  string
	Session string // the source's id of what the person was signed in to; empty: not told
	Outcome string // the result in words: "Failed: wrong password or Secret Key"; empty: none
	Fields  []Field
}

// Field is one value of an event with a label in words; Path is where it stands in the event's JSON.
type Field struct {
	Label string
	Path  string
	Value string
	Words string // Value in full words if it is a known word of the source, else empty
}
