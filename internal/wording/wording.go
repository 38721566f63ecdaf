// Package wording holds the rules by which the words of controls and actions follow the sources that are connected and the
// policies that are in force. It is pure: what it proposes follows from its arguments alone, and nothing leaves the program.
//
// What a text says of sources and policies stands in sentences of a fixed form. They are the state as it was when somebody
// last accepted; the state as it is now gives the sentences that should stand there. Where the two differ, a change is
// proposed, with what happened in between as the reason. No other word of a text is touched.
package wording

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/exhibithq/exhibit/internal/evidence"
)

// Area says what a text belongs to.
type Area string

// The areas.
const (
	Control Area = "control"
	Action  Area = "action"
)

// Source is a connection that is on.
type Source struct {
	Kind    string   // "1Password"
	Name    string   // of the connection
	Missing []string // event types that it does not give, in words
}

// Policy is a policy that is in force.
type Policy struct {
	Title   string
	Version int
}

// Text is what a control or an action says, with what it stands on now.
type Text struct {
	Area     Area
	ID       evidence.ID
	Key      string
	Title    string
	Text     string
	Sources  []Source // those from which its evidence comes
	Policies []Policy // those that are attached to it
	Below    bool     // the text that it belongs to names the sources, so that this one need not
	Declined []string // facts that somebody did not want to be said here
}

// Cause is what happened in the world that a text does not say yet.
type Cause struct {
	Fact  string // names it for one text: what is kept when somebody declines
	Title string // what happened, in words that hold for every text: "“Acme” is connected"
}

// Proposal is a change of a text that somebody may accept or decline.
type Proposal struct {
	ID      string // follows from the text and the change: it is another one once either differs, so that what is accepted is what was seen
	Area    Area
	Target  evidence.ID
	Key     string
	Title   string
	Before  string
	After   string
	Reasons []string // what happened, a sentence each
	Causes  []Cause  // the same as facts, in the same order
}

var (
	sourceSentence = regexp.MustCompile(`Evidence comes from ([^,“”]+), read through the connection “([^”]*)”(?:, without ([^.“”]+))?\.`)
	policySentence = regexp.MustCompile(`It follows the policy “([^”]*)” \(version ([0-9]{1,9})\)\.`)
)

// quotable takes the quotes out of a name that the sentences put it between, and its line breaks.
func quotable(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("“", "'", "”", "'").Replace(s)), " ")
}

func (s Source) sentence() string {
	without := ""
	if len(s.Missing) > 0 {
		without = ", without " + strings.ReplaceAll(quotable(strings.Join(s.Missing, " and ")), ".", "")
	}
	return fmt.Sprintf("Evidence comes from %s, read through the connection “%s”%s.", strings.ReplaceAll(quotable(s.Kind), ",", ""), quotable(s.Name), without)
}

func (p Policy) sentence() string {
	return fmt.Sprintf("It follows the policy “%s” (version %d).", quotable(p.Title), p.Version)
}

// Propose gives the change that a text needs; ok is false if it needs none. What was declined is not proposed again, whatever else
// of the text changed since; another fact is.
func Propose(t Text) (p Proposal, ok bool) {
	r := &revision{of: t, text: t.Text}
	r.sources(t.Sources)
	r.policies(t.Policies)
	after := strings.TrimSpace(r.text)
	if len(r.reasons) == 0 || after == t.Text {
		return Proposal{}, false
	}
	sum := sha256.Sum256([]byte(string(t.Area) + "\x00" + string(t.ID) + "\x00" + t.Text + "\x00" + after))
	return Proposal{ID: "wo_" + hex.EncodeToString(sum[:8]), Area: t.Area, Target: t.ID, Key: t.Key, Title: t.Title, Before: t.Text, After: after, Reasons: r.reasons, Causes: r.causes}, true
}

// revision is a text while the rules are applied to it.
type revision struct {
	of      Text
	text    string
	reasons []string
	causes  []Cause
}

// because notes why a rule changes the text; false if somebody declined that.
func (r *revision) because(title, reason string) bool {
	sum := sha256.Sum256([]byte(string(r.of.Area) + "\x00" + string(r.of.ID) + "\x00" + title))
	c := Cause{"wf_" + hex.EncodeToString(sum[:8]), title}
	if slices.Contains(r.of.Declined, c.Fact) {
		return false
	}
	r.reasons, r.causes = append(r.reasons, reason), append(r.causes, c)
	return true
}

// sources is the rule for sources: one that was connected is named, unless the text names it in words of its own; one that is on no
// longer is not; and what it does not give is said.
func (r *revision) sources(now []Source) {
	var there []string
	r.each(sourceSentence, func(m []string) string {
		name := m[2]
		at := slices.IndexFunc(now, func(s Source) bool { return quotable(s.Name) == name })
		switch {
		case at < 0 && r.because(fmt.Sprintf("“%s” is connected no longer", name), fmt.Sprintf("“%s” is connected no longer, or no evidence asked for here comes from it.", name)):
			return ""
		case at < 0:
			return m[0]
		case slices.Contains(there, name):
			return ""
		}
		there = append(there, name)
		want := now[at].sentence()
		if want != m[0] && r.because(fmt.Sprintf("“%s” gives something else: %s", name, gives(now[at])), fmt.Sprintf("What “%s” gives has changed.", name)) {
			return want
		}
		return m[0]
	})
	for _, s := range now {
		name := quotable(s.Name)
		if slices.Contains(there, name) || r.of.Below || s.namedIn(r.of.Text) {
			continue
		}
		there = append(there, name)
		if r.because(fmt.Sprintf("“%s” is connected", name), fmt.Sprintf("“%s” is connected, and evidence asked for here comes from it.", name)) {
			r.add(s.sentence())
		}
	}
}

// gives says in words which event types a source gives.
func gives(s Source) string {
	if len(s.Missing) == 0 {
		return "all event types"
	}
	return "no " + quotable(strings.Join(s.Missing, " and no "))
}

// namedIn reports whether a text names the source: its kind, or the connection, as a word of its own.
func (s Source) namedIn(text string) bool {
	text = " " + strings.Join(strings.FieldsFunc(strings.ToLower(text), inNoWord), " ") + " "
	return slices.ContainsFunc([]string{s.Kind, s.Name}, func(name string) bool {
		words := strings.Join(strings.FieldsFunc(strings.ToLower(name), inNoWord), " ")
		return words != "" && strings.Contains(text, " "+words+" ")
	})
}

func inNoWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// policies is the rule for policies: one that was published is named with its version, another version is followed, and one
// that was retired is not named.
func (r *revision) policies(now []Policy) {
	var there []string
	r.each(policySentence, func(m []string) string {
		title := m[1]
		at := slices.IndexFunc(now, func(p Policy) bool { return quotable(p.Title) == title })
		switch {
		case at < 0 && r.because(fmt.Sprintf("The policy “%s” was retired", title), fmt.Sprintf("The policy “%s” was retired, or is attached here no longer.", title)):
			return ""
		case at < 0:
			return m[0]
		case slices.Contains(there, title):
			return ""
		}
		there = append(there, title)
		was, err := strconv.Atoi(m[2])
		if (err != nil || was != now[at].Version) && r.because(fmt.Sprintf("The policy “%s” is at version %d", title, now[at].Version),
			fmt.Sprintf("The policy “%s” was edited: version %s became version %d.", title, m[2], now[at].Version)) {
			return now[at].sentence()
		}
		return m[0]
	})
	for _, p := range now {
		title := quotable(p.Title)
		if slices.Contains(there, title) {
			continue
		}
		there = append(there, title)
		if r.because(fmt.Sprintf("The policy “%s” was published", title), fmt.Sprintf("The policy “%s” was published and is attached here.", title)) {
			r.add(p.sentence())
		}
	}
}

// each replaces every sentence of a form; an empty one takes the space before it along.
func (r *revision) each(form *regexp.Regexp, change func(m []string) string) {
	var b strings.Builder
	end := 0
	for _, at := range form.FindAllStringSubmatchIndex(r.text, -1) {
		m := form.FindStringSubmatch(r.text[at[0]:at[1]])
		b.WriteString(r.text[end:at[0]])
		end = at[1]
		if s := change(m); s != "" {
			b.WriteString(s)
			continue
		}
		kept := strings.TrimRight(b.String(), " \n")
		b.Reset()
		b.WriteString(kept)
	}
	b.WriteString(r.text[end:])
	r.text = b.String()
}

func (r *revision) add(sentence string) {
	if r.text = strings.TrimRight(r.text, " \n"); r.text != "" {
		r.text += " "
	}
	r.text += sentence
}

// IsPolicy reports whether the title of an uploaded artifact names a policy.
func IsPolicy(title string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return r == ' ' || r == '-' || r == '_' || r == '.' || r == ',' }), func(w string) bool {
		return w == "policy" || w == "policies"
	})
}
