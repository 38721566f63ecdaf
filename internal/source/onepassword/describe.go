package onepassword

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibithq/exhibit/internal/evidence"
	"github.com/exhibithq/exhibit/internal/source"
)

// describe says one event in full words. Every value stays in Fields as it came; whoever shows them must escape them. An
// event that cannot be read is described by its bytes.
func describe(name evidence.Stream, raw []byte) source.Description {
	d := source.Description{Stream: streamTitle(name)}
	fields, err := leaves(raw)
	if err != nil {
		d.Verb = "happened, but cannot be read"
		d.Fields = []source.Field{{Label: "As received", Value: string(raw)}}
		return d
	}
	e := event{stream: name, values: make(map[string]string, len(fields))}
	for _, f := range fields {
		if !f.null {
			e.values[f.path] = f.value
		}
	}
	for _, f := range fields {
		d.Fields = append(d.Fields, source.Field{Label: labelOf(f.path), Path: f.path, Value: f.value, Words: e.words(f.path, f.value)})
	}
	e.fill(&d)
	return d
}

func streamTitle(name evidence.Stream) string {
	switch name {
	case SignIns:
		return "Sign-in attempt"
	case Usages:
		return "Item usage"
	case Audit:
		return "Audit event"
	}
	return string(name)
}

// event holds the values of one event by their path, such as client.app_name. Of a key that is there twice it holds the
// last value.
type event struct {
	stream evidence.Stream
	values map[string]string
}

func (e event) get(paths ...string) string {
	for _, p := range paths {
		if v := e.values[p]; v != "" {
			return v
		}
	}
	return ""
}

func (e event) fill(d *source.Description) {
	d.Place = joined(", ", e.get("location.city"), e.get("location.country", "country"))
	d.IP = e.get("client.ip_address", "client.ip", "session.ip")
	d.Session = e.get("session_uuid", "session.uuid")
	d.Client = joined(" ", e.get("client.app_name"), e.get("client.app_version"))
	d.Device = joined(", ", joined(" ", e.get("client.platform_name"), e.get("client.platform_version")), joined(" ", e.get("client.os_name"), e.get("client.os_version")))
	switch e.stream {
	case SignIns:
		e.signIn(d)
	case Usages:
		e.usage(d)
	case Audit:
		e.audit(d)
	default:
		d.Verb = "happened"
	}
}

func (e event) person(d *source.Description, object, uuid string) {
	d.Email = e.get(object + ".email")
	d.Person = cmp.Or(e.get(object+".name"), d.Email, e.get(uuid, object+".uuid", object+".uuid:"))
}

func (e event) signIn(d *source.Description) {
	e.person(d, "target_user", "")
	category, kind := e.get("category"), e.get("type")
	switch signInResult(category) {
	case evidence.ResultSuccess:
		d.Verb = "signed in"
	case evidence.ResultBlocked:
		d.Verb = "was blocked from signing in"
	case evidence.ResultFailed:
		d.Verb = "failed to sign in"
	default:
		d.Verb = "tried to sign in"
	}
	first := cmp.Or(signInCategories[category], category)
	second := cmp.Or(signInTypes[kind], kind)
	if strings.Contains(first, ": ") && signInTypes[kind] != "" { // the type says the same more closely
		first, _, _ = strings.Cut(first, ": ")
	}
	d.Outcome = joined(": ", first, second)
	if v := e.get("details.value"); v != "" {
		d.Outcome += " (" + v + ")"
	}
}

func (e event) usage(d *source.Description) {
	e.person(d, "user", "")
	action := e.get("action")
	d.Verb = lower(cmp.Or(usageActions[action], action, "used"))
	d.Object = joined(" ", "item", e.get("item_uuid"))
}

func (e event) audit(d *source.Description) {
	e.person(d, "actor_details", "actor_uuid")
	kind, action := e.get("object_type"), e.get("action")
	d.Verb = lower(cmp.Or(pairWords(kind, action), auditVerbs[action], action, "did something"))
	noun := cmp.Or(auditObjects[kind].noun, kind)
	if strings.HasSuffix(d.Verb, " "+noun) { // "gave a user access to a vault": the noun is not said again
		noun = ""
	}
	d.Object = joined(" ", noun, cmp.Or(e.named("object_details"), e.get("object_uuid")))
	if aux := cmp.Or(e.named("aux_details"), e.get("aux_uuid")); aux != "" {
		d.Object = joined(", ", d.Object, joined(" ", auxNoun(kind), aux))
	}
	if role := membershipRoles[e.get("aux_info")]; kind == "gm" && role != "" {
		d.Object += " as " + lower(role)
	}
}

// named gives "Name (email)" of a person, or "".
func (e event) named(object string) string {
	name, email := e.get(object+".name"), e.get(object+".email")
	if name != "" && email != "" {
		return name + " (" + email + ")"
	}
	return cmp.Or(name, email)
}

// auxNoun says what aux_uuid names for a type of object, as far as it is known.
func auxNoun(kind string) string {
	switch kind {
	case "gva":
		return "group"
	case "uva":
		return "user"
	case "gm":
		return "member"
	case "device":
		return "owner"
	}
	return ""
}

// words gives the full words of a known value, else "".
func (e event) words(path, value string) string {
	switch {
	case e.stream == SignIns && path == "category":
		return signInCategories[value]
	case e.stream == SignIns && path == "type":
		return signInTypes[value]
	case e.stream == Usages && path == "action":
		return usageActions[value]
	case e.stream == Audit && path == "action":
		return cmp.Or(pairWords(e.get("object_type"), value), auditVerbs[value])
	case e.stream == Audit && path == "object_type":
		return capital(auditObjects[value].noun)
	case e.stream == Audit && path == "aux_info" && e.get("object_type") == "gm":
		return membershipRoles[value]
	}
	return otherWords[path[strings.LastIndexByte(path, '.')+1:]][value]
}

// filterWords says a value of a filter in full words. An action that several streams have gets the words of each.
func filterWords(key evidence.Key, value string) string {
	switch key {
	case evidence.KeyAction:
		first := cmp.Or(usageActions[value], signInCategories[value])
		if second := auditVerbs[value]; second != first {
			return joined(" / ", first, second)
		}
		return first
	case evidence.KeyType:
		return cmp.Or(capital(signInTypes[value]), capital(auditObjects[value].noun))
	}
	return ""
}

// leaf is one value in an event that holds no other.
type leaf struct {
	path, value string
	null        bool
}

// An event that is made to be large must not be able to fill the memory of whoever looks at it. What is beyond these
// bounds is only to be seen in the event's bytes.
const (
	mostLeaves = 500
	deepest    = 8 // objects and lists inside each other; what is deeper is shown as it came
)

// leaves gives the values in their order. An empty object or list is a leaf of its own.
func leaves(raw []byte) ([]leaf, error) {
	s := newScanner(raw)
	var found []leaf
	err := s.leaves("", deepest, &found)
	if err == nil && !s.atEnd() {
		err = strconv.ErrSyntax
	}
	return found, err
}

func (s *scanner) leaves(path string, depth int, found *[]leaf) error {
	open, shut := s.dec.PeekKind(), jsontext.KindEndObject
	if open == jsontext.KindBeginArray {
		shut = jsontext.KindEndArray
	}
	switch {
	case len(*found) >= mostLeaves:
		return s.dec.SkipValue()
	case depth == 0 || open != jsontext.KindBeginObject && open != jsontext.KindBeginArray:
		return s.leaf(path, found)
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	n := 0
	for ; s.dec.PeekKind() != shut; n++ {
		key := strconv.Itoa(n)
		if open == jsontext.KindBeginObject {
			token, err := s.dec.ReadToken()
			if err != nil {
				return err
			}
			key = presentable(token.String())
		}
		if err := s.leaves(joined(".", path, key), depth-1, found); err != nil {
			return err
		}
	}
	if n == 0 {
		*found = append(*found, leaf{path: path, value: string(open) + string(shut)})
	}
	_, err := s.dec.ReadToken()
	return err
}

func (s *scanner) leaf(path string, found *[]leaf) error {
	kind := s.dec.PeekKind()
	raw, err := s.dec.ReadValue()
	if err != nil {
		return err
	}
	value := string(raw)
	if kind == jsontext.KindString {
		value = string(s.unquote(raw))
	}
	*found = append(*found, leaf{path: path, value: value, null: kind == jsontext.KindNull})
	return nil
}

// joined joins the parts that are not empty.
func joined(between string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, between)
}

func lower(s string) string   { return firstRune(s, unicode.ToLower) }
func capital(s string) string { return firstRune(s, unicode.ToUpper) }

func firstRune(s string, change func(rune) rune) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(change(r)) + s[n:]
}
