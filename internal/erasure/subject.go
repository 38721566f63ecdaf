package erasure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Subject is what a person is found by in the bytes of events: the uuids and e-mail addresses that the source gives him, and,
// in what was made of events, his names.
type Subject struct {
	UUIDs  []string `json:"uuids"`
	Emails []string `json:"emails"`
	Names  []string `json:"names"`
}

// sourceUUID is how 1Password writes an identifier: 26 letters and digits.
var sourceUUID = regexp.MustCompile(`^[A-Z0-9]{26}$`)

// ParseSubject reads a uuid or an e-mail address.
func ParseSubject(text string) (Subject, error) {
	text = strings.TrimSpace(text)
	switch at := strings.LastIndexByte(text, '@'); {
	case sourceUUID.MatchString(strings.ToUpper(text)):
		return Subject{UUIDs: []string{strings.ToUpper(text)}}, nil
	case at > 0 && at < len(text)-1 && len(text) <= 254 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"<>()[],;:\`, r) }):
		return Subject{Emails: []string{strings.ToLower(text)}}, nil
	}
	return Subject{}, evidence.Errorf(evidence.Invalid, "Name the person by the e-mail address or the uuid (26 letters and digits) that 1Password knows.")
}

// widen adds the other ways in which events name the same person. Who shares neither uuid nor address is somebody else.
func (s Subject) widen(all []evidence.Person) Subject {
	var out Subject
	for _, p := range all {
		if slices.Contains(s.UUIDs, p.UUID) && p.UUID != "" || slices.Contains(s.Emails, strings.ToLower(p.Email)) && p.Email != "" {
			out.add(p)
		}
	}
	out.UUIDs, out.Emails = append(out.UUIDs, s.UUIDs...), append(out.Emails, s.Emails...)
	for _, list := range []*[]string{&out.UUIDs, &out.Emails, &out.Names} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return out
}

func (s *Subject) add(p evidence.Person) {
	if sourceUUID.MatchString(p.UUID) {
		s.UUIDs = append(s.UUIDs, p.UUID)
	}
	if strings.Contains(p.Email, "@") {
		s.Emails = append(s.Emails, strings.ToLower(p.Email))
	}
	if name := strings.TrimSpace(p.Name); len(name) >= shortestName {
		s.Names = append(s.Names, name)
	}
}

// shortestName is how many bytes a name must have to be looked for: shorter ones are words.
const shortestName = 5

func (s Subject) encode() (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("writing down a subject: %w", err)
	}
	return string(b), nil
}

func decodeSubject(text string) (Subject, error) {
	var s Subject
	if err := json.Unmarshal([]byte(text), &s); err != nil || len(s.UUIDs)+len(s.Emails) == 0 {
		return s, fmt.Errorf("the subject of the erasure cannot be read; run exhibit fsck")
	}
	return s, nil
}

// mayName reports whether a body may name the person somewhere: it does not decode what JSON escapes.
func (s Subject) mayName(body []byte) bool {
	return bytes.Contains(body, []byte(`\u`)) || s.inText(body)
}

// Named reports whether the bytes of an event name the person: by a uuid as it is, or by an e-mail address whatever its case.
// Strings are compared as JSON means them, escapes included.
func (s Subject) Named(raw []byte) bool {
	if s.inText(raw) {
		return true
	}
	if !bytes.ContainsRune(raw, '\\') {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := d.Token()
		if err != nil {
			return err != io.EOF && s.inText(raw) //nolint:errorlint // io.EOF is what Token gives at the end
		}
		if text, ok := token.(string); ok && s.inText([]byte(text)) {
			return true
		}
	}
}

// inText reports whether text holds a uuid or an address of the person as a whole word.
func (s Subject) inText(text []byte) bool {
	for _, uuid := range s.UUIDs {
		if holds(text, []byte(uuid), letterOrDigit) {
			return true
		}
	}
	if len(s.Emails) == 0 || !bytes.ContainsRune(text, '@') {
		return false
	}
	low := bytes.ToLower(text)
	for _, email := range s.Emails {
		if holds(low, []byte(email), ofAddress) {
			return true
		}
	}
	return false
}

// told reports whether a text that was made of events tells of the person: by uuid, address or name.
func (s Subject) told(text []byte) bool {
	if s.inText(text) {
		return true
	}
	for _, name := range s.Names {
		if holds(text, []byte(name), letterOrDigit) {
			return true
		}
	}
	return false
}

// holds reports whether text holds a word with nothing before and behind it that would make it part of a longer one.
func holds(text, word []byte, joins func(c byte) bool) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], word)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(word)
		if !goesOn(text, from-1, -1, joins) && !goesOn(text, to, 1, joins) {
			return true
		}
		at = from + 1
	}
}

// goesOn reports whether a word goes on at a place of text, in a direction: a full stop joins what follows it, and otherwise ends
// a sentence.
func goesOn(text []byte, at, step int, joins func(c byte) bool) bool {
	if at >= 0 && at < len(text) && text[at] == '.' {
		at += step
	}
	return at >= 0 && at < len(text) && joins(text[at])
}

func letterOrDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// ofAddress reports whether c goes on with an e-mail address.
func ofAddress(c byte) bool { return letterOrDigit(c) || c == '_' || c == '-' || c == '+' || c == '%' }
