package translog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// MaxLeaf is the size of the largest leaf in bytes: C2SP tlog-tiles frames leaves with two bytes of length.
const MaxLeaf = 1<<16 - 1

const leafLabel = "exhibit/leaf/v1 "

// Kind says what a leaf is about. The list is closed: who finds another kind has an older version than who wrote it, and
// must say so instead of passing over it.
type Kind string

// The kinds.
const (
	KindGenesis   Kind = "genesis"    // the first leaf: whose log it is
	KindKey       Kind = "key"        // a signing key is added, retired or known to be compromised
	KindConnect   Kind = "connection" // an account as it is read from now on: what the token may see, or that it is off
	KindPage      Kind = "page"       // an answer of the source with records
	KindPolls     Kind = "polls"      // answers without records in a row
	KindReset     Kind = "reset"      // the bookmark of a stream was dropped
	KindGap       Kind = "gap"        // what keeps a stream from being read begins or ends
	KindReconcile Kind = "reconcile"  // a span was read a second time
	KindArtifact  Kind = "artifact"   // a version of an artifact
	KindAttach    Kind = "attach"     // an artifact is evidence for a control or an action
	KindDetach    Kind = "detach"     // it no longer is
	KindReview    Kind = "review"     // what a person concluded about a version of an artifact
	KindRetire    Kind = "retire"     // an artifact is out of use, until it gets a new version
	KindAction    Kind = "action"     // a line of the activity trail: a person did something
	KindConfig    Kind = "config"     // a control, action, framework or member as it is from now on
	KindRequest   Kind = "request"    // an auditor asks, the people answer
	KindCoverage  Kind = "coverage"   // what of a span of a stream was read: a statement that a verifier works out by himself
	KindExport    Kind = "export"     // a bundle was made
	KindAnchor    Kind = "anchor"     // a checkpoint was countersigned or time-stamped
	KindHold      Kind = "hold"       // a legal hold as it is from now on
	KindRelease   Kind = "release"    // it ends
	KindErase     Kind = "erase"      // records of pages, or files of artifacts, were erased
	KindAdopt     Kind = "adopt"      // what was stored before there was a log is entered behind this leaf
	KindAdoptEnd  Kind = "adopt-end"  // and up to this one
)

// kindLength bounds the length of a kind that is read.
const kindLength = 24

// form is the type of a field.
type form byte

const (
	isText form = iota
	isInt
	isBool
	isList
	isObject
	isHash  // 64 hex digits
	isEmpty // 64 hex digits or nothing
	isSpan  // {"from","to"}: Unix milliseconds as decimal text
)

type field struct {
	name     string
	form     form
	optional bool
}

func need(f form, names ...string) []field {
	var out []field
	for _, n := range names {
		out = append(out, field{n, f, false})
	}
	return out
}

func may(f form, names ...string) []field {
	var out []field
	for _, n := range names {
		out = append(out, field{n, f, true})
	}
	return out
}

// schema gives the fields of a kind beside "at", which all have. Nil: there is no such kind.
func schema(k Kind) []field {
	stream := append(need(isText, "connection", "stream"), append(need(isInt, "seq"), append(need(isEmpty, "prev"), may(isBool, "entered")...)...)...)
	switch k {
	case KindGenesis:
		return slices.Concat(need(isText, "origin", "build", "parent"), need(isInt, "format"))
	case KindKey:
		return slices.Concat(need(isText, "op", "vkey"), need(isInt, "effective_size"), need(isEmpty, "prev"), may(isText, "sig_old", "sig_new"))
	case KindConnect:
		return slices.Concat(need(isText, "connection", "op", "source", "server", "account"), need(isList, "features", "missing"),
			need(isInt, "expires", "off"), need(isHash, "token_commit"), need(isEmpty, "prev"), may(isBool, "entered"))
	case KindPage:
		return slices.Concat(stream, need(isInt, "page", "feed", "n", "len", "limit", "t_req", "t_res", "server_date"), need(isText, "mode", "build", "min_at", "max_at", "late"),
			need(isHash, "root", "next_sha"), may(isHash, "cursor_sha"), may(isSpan, "asked", "covered"), may(isBool, "more", "fresh"))
	case KindPolls:
		return slices.Concat(stream, need(isInt, "count", "first_at", "last_at"), need(isHash, "bodies_sha"),
			may(isHash, "cursor_sha", "next_sha"), may(isSpan, "asked", "covered"), may(isBool, "more", "fresh"))
	case KindReset:
		return slices.Concat(stream, need(isHash, "cursor_sha"))
	case KindGap:
		return slices.Concat(need(isText, "connection", "stream", "cause", "state"), need(isInt, "from", "to"), need(isHash, "reason_commit"), may(isBool, "entered"))
	case KindReconcile:
		return slices.Concat(need(isText, "connection", "stream", "mode"), need(isSpan, "span"),
			need(isInt, "age", "ended", "seen", "known", "new", "changed", "missing"), may(isBool, "entered"))
	case KindArtifact:
		return slices.Concat(need(isText, "artifact", "kind", "recipe", "engine", "result"), need(isInt, "version", "recipe_version", "as_of", "population", "rows", "built"),
			need(isSpan, "period"), need(isList, "outputs"), need(isHash, "actor_commit", "title_commit"), need(isEmpty, "prev"),
			may(isHash, "member_commit"), may(isBool, "entered"))
	case KindAttach:
		return slices.Concat(need(isText, "attachment", "artifact", "control", "action", "strength"), need(isInt, "version"), need(isBool, "automatic"),
			need(isHash, "actor_commit", "reason_commit"), need(isEmpty, "subject"), may(isBool, "entered"))
	case KindDetach:
		return slices.Concat(need(isText, "attachment"), need(isHash, "actor_commit", "reason_commit"), need(isEmpty, "prev"), may(isBool, "entered"))
	case KindReview:
		return slices.Concat(need(isText, "review", "artifact", "verdict"), need(isInt, "version", "done"), need(isHash, "subject", "actor_commit", "reason_commit", "digest_commit"),
			may(isHash, "member_commit"), need(isEmpty, "prev"))
	case KindRetire:
		return slices.Concat(need(isText, "artifact"), need(isInt, "version"), need(isHash, "subject", "actor_commit", "reason_commit"), need(isEmpty, "prev"))
	case KindAction:
		return slices.Concat(need(isText, "type", "subject"), need(isHash, "actor_commit", "subject_commit", "comment_commit"), may(isBool, "entered"), may(isInt, "done_at"))
	case KindConfig:
		return slices.Concat(need(isText, "area", "id"), need(isHash, "after_commit"), need(isEmpty, "prev"), may(isBool, "entered"))
	case KindRequest:
		return slices.Concat(need(isText, "request", "audit", "op", "control", "artifact"), need(isInt, "due"), need(isHash, "actor_commit", "text_commit"), need(isEmpty, "prev"))
	case KindCoverage:
		return slices.Concat(need(isText, "connection", "stream"), need(isSpan, "span"), need(isInt, "pages", "records", "events", "windows", "as_of"),
			need(isHash, "windows_sha"), need(isBool, "whole", "settled"))
	case KindExport:
		return slices.Concat(need(isText, "bundle"), need(isInt, "start", "created"), need(isHash, "manifest_sha", "scope_commit", "actor_commit"))
	case KindAnchor:
		return slices.Concat(need(isInt, "size"), need(isHash, "checkpoint_sha"), may(isHash, "tst_sha", "cosigs_sha"))
	case KindHold:
		return slices.Concat(need(isText, "hold", "code"), need(isInt, "review"), need(isHash, "scope_commit", "owner_commit", "reason_commit", "actor_commit"), need(isEmpty, "prev"))
	case KindRelease:
		return slices.Concat(need(isText, "hold"), need(isHash, "reason_commit", "actor_commit"), need(isEmpty, "prev"))
	case KindErase:
		return slices.Concat(need(isText, "erasure", "basis"), need(isList, "targets"), need(isHash, "reason_commit", "actor_commit"))
	case KindAdopt, KindAdoptEnd:
		return slices.Concat(need(isInt, "pages", "polls", "artifacts", "attachments", "actions"), need(isText, "why"))
	}
	return nil
}

// Kinds gives every kind.
func Kinds() []Kind {
	return []Kind{KindGenesis, KindKey, KindConnect, KindPage, KindPolls, KindReset, KindGap, KindReconcile, KindArtifact, KindAttach, KindDetach, KindReview, KindRetire,
		KindAction, KindConfig, KindRequest, KindCoverage, KindExport, KindAnchor, KindHold, KindRelease, KindErase, KindAdopt, KindAdoptEnd}
}

// schemas is schema of every kind. It is read only.
var schemas = func() map[Kind][]field {
	all := make(map[Kind][]field)
	for _, k := range Kinds() {
		all[k] = schema(k)
	}
	return all
}()

// Leaf is one entry of the log.
type Leaf struct {
	Kind   Kind
	Fields Fields
}

// The ways in which bytes are no leaf.
var (
	ErrLeaf        = errors.New("it is not a leaf of this format")
	ErrUnknownKind = errors.New("it is of a kind that this version does not know")
	ErrSchema      = errors.New("it lacks a field, has one too many or one of another type")
)

// Encode writes the leaf. It fails if a field is missing, unknown or of another type, or if the leaf is too long: whoever
// writes the log must then write nothing at all.
func (l Leaf) Encode() ([]byte, error) {
	text, err := EncodeJSON(l.Fields)
	if err != nil {
		return nil, fmt.Errorf("a leaf of kind %s: %w", l.Kind, err)
	}
	b := append([]byte(leafLabel), l.Kind...)
	b = append(append(append(b, '\n'), text...), '\n')
	if len(b) > MaxLeaf {
		return nil, fmt.Errorf("a leaf of kind %s has %d bytes, more than %d", l.Kind, len(b), MaxLeaf)
	}
	if _, err := DecodeLeaf(b); err != nil {
		return nil, fmt.Errorf("a leaf of kind %s: %w", l.Kind, err)
	}
	return b, nil
}

// DecodeLeaf reads what Encode writes and nothing else. It never panics.
func DecodeLeaf(b []byte) (Leaf, error) {
	rest, ok := bytes.CutPrefix(b, []byte(leafLabel))
	if !ok || len(b) > MaxLeaf || b[len(b)-1] != '\n' {
		return Leaf{}, ErrLeaf
	}
	kind, text, ok := bytes.Cut(rest[:len(rest)-1], []byte{'\n'})
	if !ok || len(kind) == 0 || len(kind) > kindLength || !validKey(string(kind)) {
		return Leaf{}, ErrLeaf
	}
	fields, err := DecodeJSON(text)
	if err != nil {
		return Leaf{}, err
	}
	l := Leaf{Kind: Kind(kind), Fields: fields}
	return l, l.check()
}

// check compares the fields with the kind's.
func (l Leaf) check() error {
	fields, ok := schemas[l.Kind]
	if !ok {
		return fmt.Errorf("%w (%s)", ErrUnknownKind, l.Kind)
	}
	known := 1
	if _, ok := l.Fields["at"].(int64); !ok {
		return fmt.Errorf("%w (at)", ErrSchema)
	}
	for _, f := range fields {
		v, ok := l.Fields[f.name]
		if !ok && f.optional {
			continue
		}
		if !ok || !f.form.holds(v) {
			return fmt.Errorf("%w (%s)", ErrSchema, f.name)
		}
		known++
	}
	if known != len(l.Fields) {
		return fmt.Errorf("%w (a field that the kind %s does not have)", ErrSchema, l.Kind)
	}
	return nil
}

func (f form) holds(v any) bool {
	switch v := v.(type) {
	case string:
		_, err := ParseHash(v)
		return f == isText || f == isHash && err == nil || f == isEmpty && (v == "" || err == nil)
	case int64:
		return f == isInt
	case bool:
		return f == isBool
	case []any:
		return f == isList
	case Fields:
		_, ok := spanOf(v)
		return f == isObject || f == isSpan && ok
	}
	return false
}

// RecordID is what other leaves call a leaf by.
func RecordID(leaf []byte) string {
	sum := sha256.Sum256(leaf)
	return hex.EncodeToString(sum[:])
}

// Text gives a field that holds text, "" if there is none.
func (l Leaf) Text(name string) string {
	s, _ := l.Fields[name].(string)
	return s
}

// Int gives a field that holds a number, 0 if there is none.
func (l Leaf) Int(name string) int64 {
	n, _ := l.Fields[name].(int64)
	return n
}

// Bool gives a field that holds a truth value, false if there is none.
func (l Leaf) Bool(name string) bool {
	b, _ := l.Fields[name].(bool)
	return b
}

// Has reports whether a field is there.
func (l Leaf) Has(name string) bool {
	_, ok := l.Fields[name]
	return ok
}

// List gives a field that holds a list.
func (l Leaf) List(name string) []any {
	list, _ := l.Fields[name].([]any)
	return list
}

// Hash gives a field that holds a hash.
func (l Leaf) Hash(name string) Hash {
	h, _ := ParseHash(l.Text(name))
	return h
}

// At is the time of the leaf in Unix milliseconds.
func (l Leaf) At() int64 { return l.Int("at") }

// Millis is a half-open span in Unix milliseconds.
type Millis struct{ From, To int64 }

// SpanFields writes a span. Its ends are text, because events may tell of times before 1970.
func SpanFields(from, to int64) Fields {
	return Fields{"from": strconv.FormatInt(from, 10), "to": strconv.FormatInt(to, 10)}
}

// Span gives a field that holds a span; ok is false if there is none.
func (l Leaf) Span(name string) (Millis, bool) {
	f, _ := l.Fields[name].(Fields)
	return spanOf(f)
}

func spanOf(f Fields) (Millis, bool) {
	from, okFrom := f["from"].(string)
	to, okTo := f["to"].(string)
	if !okFrom || !okTo || len(f) != 2 {
		return Millis{}, false
	}
	a, okA := ParseMillis(from)
	b, okB := ParseMillis(to)
	return Millis{a, b}, okA && okB
}

// ParseMillis reads a decimal integer in its shortest form.
func ParseMillis(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && strconv.FormatInt(v, 10) == s
}

// ChainOf names the chain that a leaf belongs to, "" if it stands by itself. An attach begins the chain that a detach
// goes on with.
func ChainOf(l Leaf) string {
	switch l.Kind {
	case KindKey:
		return "key"
	case KindConnect:
		return "connection/" + l.Text("connection")
	case KindPage, KindPolls, KindReset:
		return "stream/" + l.Text("connection") + "/" + l.Text("stream")
	case KindArtifact:
		return "artifact/" + l.Text("artifact")
	case KindAttach, KindDetach:
		return "attachment/" + l.Text("attachment")
	case KindReview, KindRetire:
		return "review/" + l.Text("artifact")
	case KindConfig:
		return "config/" + l.Text("area") + "/" + l.Text("id")
	case KindRequest:
		return "request/" + l.Text("request")
	case KindHold, KindRelease:
		return "hold/" + l.Text("hold")
	}
	return ""
}

// Touches reports whether a leaf tells of events, or of a second reading, in a span of Unix milliseconds.
func Touches(l Leaf, from, to int64) bool {
	switch l.Kind {
	case KindPage:
		low, _ := ParseMillis(l.Text("min_at"))
		high, _ := ParseMillis(l.Text("max_at"))
		return low < to && high >= from
	case KindReconcile:
		span, _ := l.Span("span")
		return span.From < to && span.To > from
	}
	return false
}
